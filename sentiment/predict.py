"""Rate texts.

python -m sentiment.predict "The soup was cold and nobody cared."
python -m sentiment.predict --input reviews.csv --text-column review --format csv --output ratings.csv
"""

from __future__ import annotations

from common.cli.run import run_command
from sentiment import cli

if __name__ == "__main__":
    run_command(cli.predict)

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import NGRAMS_FILE, VOCABULARY_FILE
from common.bundles.pretrained import find_bundle
from common.errors import InputError
from common.inference.answers import Answers, describe_model
from common.inference.engine import Engine, open_engine
from common.inference.tables import answer_frame
from common.networks.rating_levels import level_probabilities
from common.progress import progress
from common.text.data import as_texts
from common.text.remarks import remark_on
from common.text.tokenization import load_pipeline, tokenize_all
from common.text.vocabulary import Vocabulary
from sentiment.agreement import read_settings
from sentiment.config import DEFAULT_NAME, TASK, SentimentConfig
from sentiment.loader import make_batches, normal_texts, rating_levels
from sentiment.ngrams import Ngrams
from sentiment.scale import convert

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Rating:
    """The answer to one text.

    `rating` and `spread`, its standard deviation, are on the model's scale; a model whose head is `regression` knows no
    spread. `num_unknown` of the `num_tokens` tokens are not in the model's vocabulary.
    `remark` says so if the model can make little of the text.
    """

    rating: float
    spread: float | None
    num_tokens: int
    num_unknown: int
    remark: str | None = None


class Predictions(NamedTuple):
    """Ratings float32 (texts,), inside the scale, and their standard deviations float32 (texts,), if known."""

    ratings: np.ndarray
    spreads: np.ndarray | None


class RatingModel:
    """A trained rating model: texts in, ratings out."""

    def __init__(
        self, network: Engine, vocabulary: Vocabulary, config: SentimentConfig, ngrams: Ngrams | None = None
    ) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config
        self.ngrams = ngrams

    @classmethod
    def load(cls, model: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None) -> RatingModel:
        """Load a rating model.

        Args:
            model: the folder of a bundle, or the name of a pretrained model; None takes the default one.
            engine: "onnx", "onnx-int8" (dynamically quantized LSTMs: faster, rounded) or "keras" (the reference).
            num_threads: processor cores to use; None takes all.
        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        return cls.from_bundle(open_bundle(find_bundle(TASK, model or DEFAULT_NAME), TASK), engine, num_threads)

    @classmethod
    def from_bundle(cls, bundle: Bundle, engine: str = "onnx", num_threads: int | None = None) -> RatingModel:
        """The model of an opened bundle; see `load`."""
        vocabulary = bundle.read_vocabulary(VOCABULARY_FILE)
        config = read_settings(bundle)
        ngrams = Ngrams.parse(bundle.read_bytes(NGRAMS_FILE), str(bundle.path / NGRAMS_FILE)) if config.ngrams else None
        return cls(open_engine(bundle, engine, num_threads), vocabulary, config, ngrams)

    def answer_tokens(self, token_lists: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
        """Give all that the network says of tokenized texts: its outputs by name, float32 (texts, …)."""
        batches = make_batches(token_lists, None, self.vocabulary, self.config, shuffle=False, ngrams=self.ngrams)
        answers: dict[str, np.ndarray] = {}
        found = self.network.answers(inputs for inputs, _, _ in batches)
        for indices, answer in progress(zip(batches.indices, found, strict=True), "Rating", len(batches)):
            if not isinstance(answer, dict):  # bundles made before there were several heads
                answer = {"rating": answer}
            for name, rows in answer.items():
                answers.setdefault(name, np.zeros((len(token_lists), *rows.shape[1:]), np.float32))[indices] = rows
        return answers

    def predict_tokens(self, token_lists: Sequence[Sequence[str]]) -> Predictions:
        """Rate tokenized texts."""
        answers = self.answer_tokens(token_lists) if token_lists else {"rating": np.zeros((0, 1), np.float32)}
        ratings = np.clip(answers["rating"][:, 0], self.config.min_rating, self.config.max_rating)
        return Predictions(ratings, answers["spread"][:, 0] if "spread" in answers else None)

    def predict_table(
        self, frame: pandas.DataFrame, column: str | None = None, scale: tuple[float, float] | None = None
    ) -> pandas.DataFrame:
        """Rate the texts of a table.

        Args:
            frame: a DataFrame.
            column: of the texts; None: that of the training data, or the only one that can be it.
            scale: worst and best rating of the answers; None: those of the model.
        Returns:
            The same rows and columns with the same index, and beside them `rating`, `spread`, `num_tokens`,
            `num_unknown` and `note`, which says why there is no rating.
        Raises:
            InputError: there is no such column.
        """
        usual = (self.config.text_column, SentimentConfig.text_column)
        return answer_frame(frame, column, usual, lambda texts: self.predict(texts, scale), vars)

    def predict(self, texts: str | Iterable[str], scale: tuple[float, float] | None = None) -> Answers[Rating]:
        """Rate texts; those of a DataFrame with `predict_table`.

        Args:
            texts: a string, or a list, tuple, Series or array of them; what is beyond `config.max_length` tokens is
                truncated.
            scale: worst and best rating of the answers, (1, 5), say; None: those of the model.
        Returns:
            A rating for each; one string is one text.
        Raises:
            InputError: something in it is not a string; or the scale is none.
        """
        texts = as_texts(texts)
        token_lists = list(tokenize_all(normal_texts(texts, self.config), load_pipeline(self.config.language)))
        known = set(filter(self.knows, set(chain.from_iterable(token_lists))))
        unknown = [len(tokens) - sum(map(known.__contains__, tokens)) for tokens in token_lists]
        ratings, spreads = self.predict_tokens(token_lists)
        lengths = map(len, token_lists)
        if scale:
            own = self.config.min_rating, self.config.max_rating
            ratings = convert(ratings, own, scale)
            spreads = None if spreads is None else spreads * (scale[1] - scale[0]) / (own[1] - own[0])
        widths = [None] * len(texts) if spreads is None else spreads.tolist()
        remarks = [remark_on(tokens, known.__contains__, self.config.language) for tokens in token_lists]
        answers = (Rating(*answer) for answer in zip(ratings.tolist(), widths, lengths, unknown, remarks, strict=True))
        return Answers(answers, texts)

    def predict_probabilities(self, texts: str | Iterable[str]) -> np.ndarray:
        """The probability of each rating of the scale, from the worst; a model whose head is `regression` has none.

        Args:
            texts: see `predict`.
        Returns:
            float64 (texts, levels), each row adds up to 1; the levels are `sentiment.loader.rating_levels`.
        Raises:
            InputError: something in it is not a string, or the model predicts no probabilities.
        """
        if self.config.head == "regression":
            raise InputError("a model with --head regression has no probabilities; train one with categorical, ordinal")
        token_lists = list(
            tokenize_all(normal_texts(as_texts(texts), self.config), load_pipeline(self.config.language))
        )
        ordinal = self.config.head == "ordinal"
        if not token_lists:
            return np.zeros((0, len(rating_levels(self.config))))
        return level_probabilities(self.answer_tokens(token_lists)["logits"], ordinal)  # (texts, levels)

    def knows(self, token: str) -> bool:
        """Whether a token says anything to the model: it is in the vocabulary, or a term of the wide part."""
        return token in self.vocabulary or (self.ngrams is not None and token.lower() in self.ngrams)

    def _repr_html_(self) -> str:
        """What the model is, in a notebook."""
        return describe_model("Rating model", len(self.vocabulary), self.config)


load = RatingModel.load
