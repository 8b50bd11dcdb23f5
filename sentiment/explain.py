"""Explain a rating, or the probability of one level: what each word does for it.

python -m sentiment.explain "A joy from start to end, but never again will I see such a bad film."
python -m sentiment.explain --method integrated-gradients --input reviews.csv --output explained.html
"""

from __future__ import annotations

from common.cli.run import run_command
from sentiment import cli

if __name__ == "__main__":
    run_command(cli.explain)

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.networks.rating_levels import level_probabilities
from common.settings import make_config
from common.text.data import Data
from common.text.normalization import normalize_with_offsets
from common.text.tokenization import load_pipeline, tokenize
from common.text.vocabulary import SPECIAL_TOKENS, UNK_ID
from interpretability import faithfulness
from interpretability.attribution import attribute, delete
from interpretability.config import OCCLUSION, AttributionConfig, FaithfulnessConfig
from interpretability.explanation import Explanation
from interpretability.faithfulness import Faithfulness, draw
from sentiment.loader import encode_review, load_texts, rating_levels, reading_order, split_tokens
from sentiment.predict import RatingModel

if TYPE_CHECKING:
    from interpretability.cut_model import CutModel

UNKNOWN = SPECIAL_TOKENS[UNK_ID]  # no vocabulary holds it, so it is read as an unknown word


@dataclass(frozen=True)
class RatingScorer:
    """The rating of a text, or the probability of one level, by its tokens; an `interpretability.Scorer`.

    Ratings are not cut to the scale here: at its end all changes would be zero.

    Args:
        model: a rating model.
        tokens: those of the text that the model reads, in the order of the text.
        level: index of the level; None: the rating.
    """

    model: RatingModel
    tokens: Sequence[str]
    level: int | None = None

    def score(self, kept: NDArray[np.bool_], deletion: str) -> NDArray[np.float64]:
        """Score versions of the text; see `Scorer`."""
        answers = self.model.answer_tokens(delete(self.tokens, kept, deletion, UNKNOWN))
        if self.level is None:
            return answers["rating"][:, 0].astype(np.float64)
        return level_probabilities(answers["logits"], self.model.config.head == "ordinal")[:, self.level]

    def vectors(self, hidden: bool) -> NDArray[np.float32]:
        """The vectors of the tokens; see `Scorer`."""
        tokens = [UNKNOWN] * len(self.tokens) if hidden else self.tokens
        return self._in_text_order(self._cut.vectors(self._inputs(tokens, 1))[:, 1:])[0]

    def differentiate(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score and differentiate; see `Scorer`. The mark of the beginning stays as it is."""
        first = self._cut.vectors(self._inputs(self.tokens, 1))[:, :1]
        points = np.concatenate([np.repeat(first, len(points), axis=0), self._in_text_order(points)], axis=1)
        scores, gradients = self._cut.differentiate(
            points, lambda num_rows: self._inputs(self.tokens, num_rows), [-1 if self.level is None else self.level]
        )
        return scores, self._in_text_order(gradients[:, 1:])

    def _in_text_order(self, vectors: NDArray) -> NDArray:
        """From the order of reading to that of the text, or back; vectors (batch, tokens, features)."""
        return vectors[:, ::-1] if self.model.config.directions == "backward" else vectors

    def _inputs(self, tokens: Sequence[str], num_rows: int) -> dict[str, NDArray]:
        ids = np.array([encode_review(tokens, self.model.vocabulary, self.model.config)], np.int32)
        ids = np.repeat(ids, num_rows, axis=0)  # (rows, tokens + 1)
        return {"token_ids": ids, "mask": np.ones(ids.shape, bool)}

    @cached_property
    def _cut(self) -> CutModel:
        check_gradients(self.model)
        from sentiment.gradients import cut  # TensorFlow, which occlusion does without

        return cut(self.model.network.model, self.model.config.head)


def explain(model: RatingModel, text: str, level: float | None = None, **settings: Any) -> Explanation:
    """Attribute the rating of a text, or the probability of one level, to its tokens.

    Args:
        model: a rating model. Gradients are those of its Keras network, whatever the engine.
        text: raw text.
        level: one of the levels of the scale; None: the rating is explained.
        settings: of `interpretability.AttributionConfig`: `method`, `baseline`, `num_steps`, `tolerance`.
    Returns:
        The tokens as written, each with its weight; one that the model does not read has the weight 0.
    Raises:
        InputError: no such level or setting; integrated gradients that are not complete within the tolerance.
    """
    return make_explainer(model, level, make_config(AttributionConfig, settings))(text)


def make_explainer(
    model: RatingModel, level: float | None = None, config: AttributionConfig | None = None
) -> Callable[[str], Explanation]:
    """Make the function that explains texts under the same settings; see `explain`."""
    config = config or AttributionConfig()
    config.validate()
    number = None if level is None else find_level(model, level)
    if config.method != OCCLUSION:
        check_gradients(model)
    target = "rating" if level is None else f"probability of {level:g}"

    def explain(text: str) -> Explanation:
        normalized = normalize_with_offsets(text, model.config.normalization)
        tokens = tokenize(normalized.text, load_pipeline(model.config.language))
        places = sorted(reading_order(len(tokens), model.config))
        found = attribute(RatingScorer(model, [tokens[place] for place in places], number), config)
        weights = np.zeros(len(tokens))
        weights[places] = found.weights
        return Explanation.of(found._replace(weights=weights), normalized.written_tokens(tokens), target, config, text)

    return explain


def find_level(model: RatingModel, level: float) -> int:
    """The index of a level of the scale.

    Raises:
        InputError: there is none, or the model predicts no probabilities.
    """
    if model.config.head == "regression":
        raise InputError("--level: a model with --head regression has no probabilities; leave it out")
    levels = rating_levels(model.config)
    if not (np.abs(levels - level) < 1e-6).any():
        shown = ", ".join(f"{value:g}" for value in levels)
        raise InputError(f"--level: found {level:g}, wanted one of {shown}")
    return int(np.abs(levels - level).argmin())


def check_gradients(model: RatingModel) -> None:
    """Refuse what gradients cannot explain.

    Raises:
        InputError: the model has a wide part, or quantized weights.
    """
    if model.ngrams is not None:
        raise InputError("--method: the n-grams of a wide-and-deep model have no vectors; take --method occlusion")
    if getattr(model.network, "int8", False):
        raise InputError("--method: --engine onnx-int8 has weights that have no gradients; take --engine onnx")


def measure_faithfulness(
    model: RatingModel, data: Data, level: float | None = None, config: FaithfulnessConfig | None = None
) -> Faithfulness:
    """Measure the faithfulness of the attribution methods on reviews.

    Args:
        model: a rating model without a wide part.
        data: reviews, see `sentiment.loader.load_texts`; random ones of at most `config.max_tokens` are taken.
        level: one of the levels of the scale; None: the rating is explained.
        config: how much is measured.
    Raises:
        InputError: no such level, or too few reviews that are short enough.
    """
    config = config or FaithfulnessConfig()
    check_gradients(model)
    number = None if level is None else find_level(model, level)
    token_lists = split_tokens(load_texts(data, model.config), model.config)
    chosen = draw(token_lists, config)
    network = model.network.model
    answering = RatingModel(KerasEngine(network), model.vocabulary, model.config)
    scorers = [RatingScorer(model, tokens, number) for tokens in chosen]
    return faithfulness.measure_faithfulness(
        scorers,
        "points of the rating" if level is None else "probability",
        config,
        network=network,
        on_network=lambda scorer: replace(scorer, model=answering),
    )
