"""Explanations of a rating by occlusion: what each token does for it."""

from __future__ import annotations

from dataclasses import dataclass

from common.evaluation.report import html_weights
from common.text.normalization import normalize_with_offsets
from common.text.tokenization import load_pipeline, tokenize
from common.text.vocabulary import SPECIAL_TOKENS, UNK_ID
from sentiment.predict import RatingModel

UNKNOWN = SPECIAL_TOKENS[UNK_ID]  # no vocabulary holds it, so it is read as an unknown word


@dataclass(frozen=True)
class Explanation:
    """What the tokens of a text do for its rating.

    The tokens are as written. A weight is by how much the rating is higher than it would be if the token were an
    unknown word.
    """

    tokens: list[str]
    weights: list[float]

    def strongest(self, number: int) -> list[tuple[str, float]]:
        """The tokens with the largest weights, up or down, in the order of the text."""
        places = sorted(range(len(self.tokens)), key=lambda i: -abs(self.weights[i]))[:number]
        return [(self.tokens[i], self.weights[i]) for i in sorted(places)]

    def _repr_html_(self) -> str:
        """The text in a notebook, each token coloured by its weight."""
        return html_weights(self.tokens, self.weights)


def explain(model: RatingModel, text: str) -> Explanation:
    """Occlusion: rate the text once for every token, with that token replaced by an unknown word.

    Zeiler & Fergus 2014 hid parts of a picture so; Li et al. 2016, "Understanding Neural Networks through
    Representation Erasure", words.

    Args:
        model: a rating model.
        text: raw text.
    """
    normalized = normalize_with_offsets(text, model.config.normalization)
    tokens = tokenize(normalized.text, load_pipeline(model.config.language))
    without = [[*tokens[:i], UNKNOWN, *tokens[i + 1 :]] for i in range(len(tokens))]
    whole, *others = model.predict_tokens([tokens, *without]).ratings.tolist()
    return Explanation(normalized.written_tokens(tokens), [whole - other for other in others])
