"""The scikit-learn estimators: parameters, inputs, pickles, cross-validation, search, scikit-learn's own checks."""

from __future__ import annotations

import dataclasses
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_classifiers_train, check_estimator, check_regressors_train
from sklearn.utils.validation import validate_data

import sentiment
from common.bundles.bundle import open_bundle
from common.bundles.packing import pack_bundle
from common.errors import InputError
from sentiment import RatingClassifier, RatingModel, RatingRegressor, SentimentConfig
from sentiment.estimators import COLUMNS, column_of_texts
from tests.conftest import ROOT

BUNDLE = ROOT / "tests/fixtures/format_1/sentiment"
TEXTS = ["A good film.", "A bad film.", "Good, good.", "Bad, bad."] * 8
STARS = [5, 2, 5, 1] * 8
TINY = {"start": "scratch", "architecture": "cbow", "units": 4, "embedding_dim": 4, "word_vectors": "random",
        "num_epochs": 1, "min_count": 1}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    """An estimator with a bundle that was trained before."""
    estimator = RatingRegressor()
    bundle = open_bundle(BUNDLE, "sentiment")
    estimator.files_, estimator.model_ = pack_bundle(bundle), RatingModel.from_bundle(bundle)
    return estimator


def test_every_setting_is_a_parameter_of_its_name_and_default():
    defaults = {f.name: f.default for f in dataclasses.fields(SentimentConfig) if f.name not in COLUMNS}
    parameters = RatingRegressor().get_params()
    assert defaults.items() <= parameters.items()
    assert set(parameters) - set(defaults) == {"start", "output_dir", "overwrite", "engine", "num_threads"}
    without = {"min_rating", "max_rating", "ngrams", "max_ngrams"}
    assert set(parameters) - set(RatingClassifier().get_params()) == without
    estimator = clone(RatingClassifier(units=7)).set_params(head="ordinal")
    assert (estimator.units, estimator.head) == (7, "ordinal")
    assert repr(estimator) == "RatingClassifier(head='ordinal', units=7)"
    with pytest.raises(TypeError, match="unexpected keyword argument 'unitss'"):
        RatingRegressor(unitss=1)


@pytest.mark.parametrize(
    "X",
    [
        ["So good.", "So bad."], ("So good.", "So bad."), [["So good."], ["So bad."]],
        pd.Series(["So good.", "So bad."], index=[7, 3]), pd.DataFrame({"review": ["So good.", "So bad."]}),
        np.array(["So good.", "So bad."]), np.array([["So good."], ["So bad."]], dtype=object),
    ],
)  # fmt: skip
def test_texts_come_as_a_list_a_series_an_array_or_a_column(X, fitted):
    assert column_of_texts(X) == ["So good.", "So bad."]
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict(["So good.", "So bad."]))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("So good.", "wanted several texts; give a list"),
        ([None], "text 1: found None"),
        ([["a", "b"]], "text 1: found"),
        (np.zeros((3, 2)), r"X of shape \(3, 2\)"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "choose it from the table"),
        (np.zeros((3, 1)), "text 1: found"),
        (7, "found 7"),
    ],
)
def test_what_is_no_column_of_texts_is_refused(X, message):
    with pytest.raises(InputError, match=message):
        column_of_texts(X)


def test_nothing_is_trained_on_what_is_wrong():
    with pytest.raises(NotFittedError):
        RatingRegressor().predict(TEXTS)
    with pytest.raises(NotFittedError):
        RatingClassifier().predict_proba(TEXTS)
    with pytest.raises(ValueError, match="requires y to be passed"):
        RatingRegressor().fit(TEXTS, None)
    for y, message in (
        (["good"] * 32, "no number; RatingClassifier"), ([np.nan] * 32, "NaN or infinity"), ([1, 2], "inconsistent"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            RatingRegressor().fit(TEXTS, y)
    with pytest.raises(InputError, match="one class"):
        RatingClassifier().fit(TEXTS, [1] * 32)
    with pytest.raises(InputError, match="take categorical or ordinal"):
        RatingClassifier(head="regression").fit(TEXTS, STARS)
    with pytest.raises(InputError, match="--units: found 0"):
        RatingRegressor(units=0).fit(TEXTS, STARS)


def test_a_pickle_holds_the_files_of_the_bundle_and_answers_the_same(fitted, tmp_path):
    content = pickle.dumps(fitted)
    assert fitted.files_["config.json"] in content
    assert b"onnxruntime" not in content
    joblib.dump(fitted, tmp_path / "model.joblib")
    for copy in (pickle.loads(content), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(copy.predict(TEXTS[:4]), fitted.predict(TEXTS[:4]))
        assert copy.get_params() == fitted.get_params()


def test_a_pickle_whose_bundle_was_changed_is_refused(fitted):
    weights = fitted.files_["model.weights.h5"]
    content = pickle.dumps(fitted)
    assert content.count(weights) == 1
    with pytest.raises(InputError, match="the file was changed"):
        pickle.loads(content.replace(weights, weights[:-1] + b"?"))


def test_a_regression_model_has_no_probabilities(fitted):
    model = RatingModel(fitted.model_.network, fitted.model_.vocabulary, SentimentConfig(head="regression"))
    with pytest.raises(InputError, match="has no probabilities"):
        model.predict_probabilities(TEXTS)


@pytest.mark.slow
def test_cross_validation_pipelines_and_search():
    lower = FunctionTransformer(lambda X: [text.lower() for text in X])
    scores = cross_val_score(make_pipeline(lower, RatingRegressor(**TINY, ngrams=0)), TEXTS, STARS, cv=2)
    assert scores.shape == (2,)
    search = GridSearchCV(RatingClassifier(**TINY), {"units": np.array([3, 5]), "head": ["ordinal"]}, cv=2)
    search.fit(np.array(TEXTS), np.where(np.array(STARS) > 3, "good", "bad"))
    assert search.best_params_["units"] in (3, 5)
    assert list(search.classes_) == ["bad", "good"]
    probabilities = cross_val_predict(RatingClassifier(**TINY), TEXTS, STARS, cv=2, method="predict_proba")
    assert probabilities.shape == (32, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.slow
def test_fit_learns_and_may_keep_the_bundle(tmp_path):
    learns = {**TINY, "num_epochs": 30, "learning_rate": 0.05, "dropout": 0.0, "word_dropout": 0.0, "patience": 30}
    estimator = RatingClassifier(**learns, output_dir=tmp_path / "mine").fit(TEXTS, STARS)
    assert estimator.score(TEXTS, STARS) > 0.9
    assert estimator.classes_.tolist() == [1, 2, 5]
    model = sentiment.load(tmp_path / "mine")
    np.testing.assert_allclose(model.predict_probabilities(TEXTS[:4]), estimator.predict_proba(TEXTS[:4]), atol=1e-6)
    with pytest.raises(InputError, match="overwrite"):
        estimator.fit(TEXTS, STARS)


class RowsAsTexts:
    """Tables of numbers as texts, so that scikit-learn's checks, which know nothing else, can run."""

    def fit(self, X, y):
        return super().fit(as_texts(validate_data(self, X)), y)

    def predict(self, X):
        self._fitted()
        if isinstance(self, RatingClassifier):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return super().predict(as_texts(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = False
        tags.input_tags.two_d_array = True
        return tags


def as_texts(X):
    return [" ".join(f"column{number}is{round(float(value))}" for number, value in enumerate(row)) for row in X]


class NumberRegressor(RowsAsTexts, RatingRegressor):
    __init__ = RatingRegressor.__init__


class NumberClassifier(RowsAsTexts, RatingClassifier):
    __init__ = RatingClassifier.__init__

    def predict_proba(self, X):
        self._fitted()
        return super().predict_proba(as_texts(validate_data(self, X, reset=False)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "learning"), [(NumberRegressor, check_regressors_train), (NumberClassifier, check_classifiers_train)]
)
def test_the_checks_of_scikit_learn_pass(estimator, learning):
    settings = TINY | ({"ngrams": 0} if estimator is NumberRegressor else {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            estimator(**settings),
            on_skip=None,
            on_fail=None,
            expected_failed_checks={learning.__name__: "one epoch teaches nothing; see below"},
        )
        assert [(result["check_name"], result["exception"]) for result in results if result["status"] == "failed"] == []
        assert sum(result["status"] == "passed" for result in results) >= 40
        settings |= {"num_epochs": 40, "patience": 40, "units": 32, "embedding_dim": 32, "learning_rate": 0.01,
                     "ema_momentum": 0.0, "dropout": 0.0, "word_dropout": 0.0, "word_vector_dropout": 0.0}  # fmt: skip
        learning("", estimator(**settings))
