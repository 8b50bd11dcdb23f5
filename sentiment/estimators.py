"""scikit-learn estimators: a rating model with `fit`, `predict`, `score`, for pipelines, cross-validation and search.

    cross_val_score(RatingRegressor(num_epochs=4), texts, stars)

They are thin: `fit` is `sentiment.train`, and a fitted estimator holds the files of the bundle that it wrote. Every
setting of `SentimentConfig` is a parameter, under its own name. A pickle of one holds these files as bytes, no
network and no code; what is unpickled goes through the gate that every bundle goes through. (As of any pickle, load
none from a stranger: Python itself runs what a pickle says.)
"""

from __future__ import annotations

import dataclasses
import inspect
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

import sentiment
from common.bundles.bundle import open_bundle
from common.bundles.packing import pack_bundle, unpack_bundle
from common.errors import InputError, as_written
from common.settings import make_config
from common.text.data import as_texts
from sentiment.config import TASK, SentimentConfig
from sentiment.predict import RatingModel

COLUMNS = ("text_column", "rating_column", "group_column", "labels", "skip_bad_rows")  # settings of files
SCALE = ("min_rating", "max_rating")
OTHERS = {"start": "auto", "output_dir": None, "overwrite": False, "engine": "onnx", "num_threads": None}


def settings_of(*without: str, **defaults: Any) -> dict[str, Any]:
    """The settings that are parameters of an estimator, with their defaults."""
    fields = dataclasses.fields(SentimentConfig)
    settings = {field.name: field.default for field in fields if field.name not in (*COLUMNS, *without)}
    return {**settings, **defaults}


def init_with(parameters: Mapping[str, Any]) -> Callable[..., None]:
    """An `__init__` with these parameters, which keeps each as an attribute, as scikit-learn wants it."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature(
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        + [inspect.Parameter(name, keyword, default=default) for name, default in parameters.items()]
    )

    def __init__(self: Any, **values: Any) -> None:
        bound = signature.bind(self, **values)
        bound.apply_defaults()
        for name in parameters:
            setattr(self, name, bound.arguments[name])

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def column_of_texts(X: Any) -> list[str]:
    """The texts of a list, Series or array, or of the one column of a table.

    Raises:
        InputError: there are several columns, or something is no text.

    >>> column_of_texts(np.array([["So good."], ["So bad."]], dtype=object))
    ['So good.', 'So bad.']
    """
    if isinstance(X, str):
        raise InputError(f"found {as_written(X)} as X, wanted several texts; give a list")
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 1:
        if len(shape) != 2 or shape[1] != 1:
            raise InputError(f"found X of shape {tuple(shape)}, wanted texts: one column; choose it from the table")
        X = X.iloc[:, 0] if hasattr(X, "iloc") else np.asarray(X)[:, 0]
    elif shape is None and isinstance(X, Iterable):
        X = [row[0] if isinstance(row, list | tuple) and len(row) == 1 else row for row in X]
    return as_texts(X)


class RatingEstimator(BaseEstimator):
    """What both estimators share: training, and the bundle that it gives.

    Attributes:
        files_: the files of the bundle, bytes by name.
        scores_: scores on the validation split that `fit` held out.
        history_: those of each epoch.
    """

    files_: dict[str, bytes]

    def _train(self, texts: list[str], ratings: Iterable[float], config: SentimentConfig) -> None:
        """Train a model, and keep its bundle."""
        with tempfile.TemporaryDirectory(prefix="rnn-language-") as folder:
            path = Path(folder) / "model" if self.output_dir is None else Path(self.output_dir)
            rows = list(zip(texts, ratings, strict=True))
            result = sentiment.train(rows, path, config, start=self.start, overwrite=self.overwrite)
            self.scores_, self.history_ = result.scores, result.history
            bundle = open_bundle(path, TASK)
            self.files_ = pack_bundle(bundle)
            self.model_ = RatingModel.from_bundle(bundle, self.engine, self.num_threads)

    def _config(self, **values: Any) -> SentimentConfig:
        """The settings as they are now; numbers may be NumPy's, as those of a search are."""
        names = {field.name for field in dataclasses.fields(SentimentConfig)}
        given = {name: value for name, value in self.get_params(deep=False).items() if name in names}
        given = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
        return make_config(SentimentConfig, {**given, **values})

    def _texts_and_targets(self, X: Any, y: Any) -> tuple[list[str], np.ndarray]:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        texts, targets = column_of_texts(X), column_or_1d(y, warn=True)
        check_consistent_length(texts, targets)
        if len(texts) < 2:
            raise InputError(
                f"found n_samples = {len(texts)}, wanted texts to train on and to validate with; give more"
            )
        return texts, targets

    def _fitted(self) -> RatingModel:
        check_is_fitted(self, "files_")
        return self.model_

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: parameters, scores, and the files of the bundle instead of the network."""
        return {name: value for name, value in super().__getstate__().items() if name != "model_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what a pickle held.

        Raises:
            InputError: the files are not those of a bundle that may be loaded.
        """
        super().__setstate__(state)
        if "files_" in state:
            self.model_ = RatingModel.from_bundle(unpack_bundle(self.files_, TASK), self.engine, self.num_threads)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


class RatingRegressor(RegressorMixin, RatingEstimator):
    """Regression: the rating of a text, a number.

    Its parameters are the settings of `SentimentConfig` without those of files, and

        start: "auto", "scratch", or a model to fine-tune, see `sentiment.train`
        output_dir: where `fit` writes the bundle; None: nowhere
        overwrite: whether it may replace a bundle there
        engine, num_threads: see `sentiment.load`

    >>> RatingRegressor(units=8).get_params()["units"]
    8
    """

    __init__ = init_with({**settings_of(), **OTHERS})  # type: ignore[assignment]

    def fit(self, X: Any, y: Any) -> RatingRegressor:
        """Train on texts and their ratings, numbers; the scale is found out where `min_rating`, `max_rating` are None.

        Args:
            X: a list, Series or array of texts, or a table of one column.
            y: their ratings (texts,).
        Raises:
            InputError: what is wrong with texts, ratings or settings, in one line.
        """
        texts, targets = self._texts_and_targets(X, y)
        try:
            ratings = targets.astype(np.float64)
        except (TypeError, ValueError):
            raise InputError("y: found something that is no number; RatingClassifier takes classes") from None
        if not np.isfinite(ratings).all():
            raise InputError("y: contains NaN or infinity; leave such rows out")
        self._train(texts, ratings.tolist(), self._config())
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Ratings float64 (texts,), inside the scale."""
        model = self._fitted()
        return np.array([answer.rating for answer in model.predict(column_of_texts(X))], np.float64)


class RatingClassifier(ClassifierMixin, RatingEstimator):
    """Classification: the class of a text, with the probability of each; `head` is "categorical" or "ordinal".

    Classes are levels of a scale in the order of `classes_`, which is sorted; for words whose order is another, such as
    bad, good, so-so, take "categorical", which knows no order. The parameters are those of `RatingRegressor`, without
    the scale and the wide part, which is for regression.

    >>> RatingClassifier().get_params()["head"]
    'categorical'
    """

    __init__ = init_with(  # type: ignore[assignment]
        {**settings_of(*SCALE, "ngrams", "max_ngrams", head="categorical"), **OTHERS}
    )

    def fit(self, X: Any, y: Any) -> RatingClassifier:
        """Train on texts and their classes, of any type that can be sorted.

        Args:
            X: a list, Series or array of texts, or a table of one column.
            y: their classes (texts,); at least two.
        Raises:
            InputError: what is wrong with texts, classes or settings, in one line.
        """
        texts, targets = self._texts_and_targets(X, y)
        check_classification_targets(targets)
        self.classes_, levels = np.unique(targets, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y: found one class, {as_written(self.classes_[0])}, wanted two or more; give more rows")
        if self.head == "regression":
            raise InputError("head: regression has no classes; take categorical or ordinal, or RatingRegressor")
        config = self._config(min_rating=0.0, max_rating=float(len(self.classes_) - 1), ngrams=0)
        self._train(texts, levels.tolist(), config)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`; float64 (texts, classes)."""
        return self._fitted().predict_probabilities(column_of_texts(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each text (texts,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]
