"""Attribution: how much each token of a text does for one number that a model gives the text.

occlusion              f(text) - f(text without the token)             any engine; Zeiler & Fergus 2014, Li et al. 2016
gradient-x-input       (x - x') . df/dx                                one backward pass; Shrikumar et al. 2016
integrated-gradients   (x - x') . mean of df/dx between x' and x       Sundararajan et al. 2017

x is the vector of the token and x' that of its baseline. Of integrated gradients the weights add up to f(x) - f(x')
(completeness). How far they are from it is reported each time, since it tells whether the steps were enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from interpretability.config import GRADIENT, OCCLUSION, UNKNOWN, ZEROS, AttributionConfig


class Scorer(Protocol):
    """One number of a model for a text, and how it changes with the tokens: all that attribution needs to know.

    A task supplies it (`RatingScorer`, `ContinuationScorer`, `TagScorer`), so nothing here depends on a task. What
    cannot be taken away (the word whose tag is explained, say) a scorer replaces under both deletion operators.
    """

    @property
    def tokens(self) -> Sequence[str]:
        """What gets a weight: words or characters, as the model reads them."""

    def score(self, kept: NDArray[np.bool_], deletion: str) -> NDArray[np.float64]:
        """Score versions of the text.

        Args:
            kept: (versions, tokens), False where a token is taken away.
            deletion: the operator, one of `interpretability.config.DELETIONS`.
        Returns:
            (versions,).
        """

    def vectors(self, hidden: bool) -> NDArray[np.float32]:
        """The vectors of the tokens, or of as many unknown ones, (tokens, features)."""

    def differentiate(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score the text with other vectors.

        Args:
            points: (versions, tokens, features).
        Returns:
            The scores (versions,), and the gradient of each by its vectors, (versions, tokens, features).
        """


class Attribution(NamedTuple):
    """The weights of the tokens, float64 (tokens,), the score of the text, and that of its baseline."""

    weights: NDArray[np.float64]
    score: float
    baseline_score: float

    @property
    def gap(self) -> float:
        """The completeness gap: the sum of the weights less the difference that they are to explain."""
        return float(self.weights.sum() - (self.score - self.baseline_score))

    @property
    def relative_gap(self) -> float:
        """The size of the gap as a share of the sum of all |weights|."""
        total = float(np.abs(self.weights).sum())
        return abs(self.gap) / total if total else 0.0 if abs(self.gap) < 1e-6 else np.inf


def attribute(scorer: Scorer, config: AttributionConfig | None = None) -> Attribution:
    """Attribute the score of a text to its tokens.

    Args:
        scorer: of a task.
        config: the method and its settings; None: occlusion.
    Raises:
        InputError: settings that exclude each other; integrated gradients that are not complete within the tolerance.
    """
    config = config or AttributionConfig()
    config.validate()
    if not len(scorer.tokens):
        score = float(scorer.score(np.ones((1, 0), bool), UNKNOWN)[0])
        return Attribution(np.zeros(0), score, score)
    if config.method == OCCLUSION:
        return occlude(scorer, config.baseline)
    if config.method == GRADIENT:
        return multiply_gradient_by_input(scorer, config.baseline)
    found = integrate_gradients(scorer, config.baseline, config.num_steps)
    if not found.relative_gap <= config.tolerance:
        raise InputError(
            f"integrated gradients: completeness gap {found.gap:+.3g}, {found.relative_gap:.1%} of all |weights|, "
            f"above --tolerance {config.tolerance:g}; give more --num-steps than {config.num_steps}, or choose another "
            "--baseline"
        )
    return found


def occlude(scorer: Scorer, deletion: str) -> Attribution:
    """Occlusion: the score of the text less its score without each token in turn.

    Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", hid parts of a picture so; Li et al.
    2016, "Understanding Neural Networks through Representation Erasure", words. The weights need not add up.
    """
    num_tokens = len(scorer.tokens)
    kept = np.concatenate(
        [np.ones((1, num_tokens), bool), np.zeros((1, num_tokens), bool), ~np.eye(num_tokens, dtype=bool)]
    )
    whole, nothing, *without = scorer.score(kept, deletion)
    return Attribution(whole - np.array(without), float(whole), float(nothing))


def multiply_gradient_by_input(scorer: Scorer, baseline: str) -> Attribution:
    """Gradient x input, with the baseline zeros; with another one it is multiplied by the difference from that.

    Shrikumar et al. 2016, "Not Just a Black Box". Exact for a linear model only.
    """
    x, start = _ends(scorer, baseline)
    scores, gradients = scorer.differentiate(np.stack([x, start]))
    weights = ((x - start).astype(np.float64) * gradients[0]).sum(axis=-1)  # (tokens,)
    return Attribution(weights, float(scores[0]), float(scores[1]))


def integrate_gradients(scorer: Scorer, baseline: str, num_steps: int) -> Attribution:
    """Integrated gradients along the straight line from the baseline to the text, by Gauss-Legendre quadrature.

    Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks". Gauss-Legendre is exact for polynomials
    up to degree 2 num_steps - 1, where as many equal steps leave an error in proportion to 1 / num_steps.
    """
    x, start = _ends(scorer, baseline)
    places, shares = np.polynomial.legendre.leggauss(num_steps)  # on [-1, 1]
    alphas = np.concatenate([(places + 1) / 2, [0.0, 1.0]])[:, None, None]  # the ends are for their scores
    points = (start + alphas * (x - start)).astype(np.float32)  # (steps + 2, tokens, features)
    scores, gradients = scorer.differentiate(points)
    mean = np.tensordot(shares / 2, gradients[:-2], axes=1)  # (tokens, features)
    weights = ((x - start).astype(np.float64) * mean).sum(axis=-1)  # (tokens,)
    return Attribution(weights, float(scores[-1]), float(scores[-2]))


def _ends(scorer: Scorer, baseline: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The vectors of the text and of its baseline, each (tokens, features)."""
    x = scorer.vectors(hidden=False)
    return x, np.zeros_like(x) if baseline == ZEROS else scorer.vectors(hidden=True)


def delete(tokens: Sequence[str], kept: NDArray[np.bool_], deletion: str, unknown: str) -> list[list[str]]:
    """Take tokens away from a text.

    Args:
        tokens: of the text.
        kept: (versions, tokens).
        deletion: "unk" puts `unknown` in their place, "removed" nothing.
        unknown: a token that no vocabulary holds.

    >>> delete(["so", "good"], np.array([[True, False]]), "unk", "<unk>")
    [['so', '<unk>']]
    >>> delete(["so", "good"], np.array([[True, False]]), "removed", "<unk>")
    [['so']]
    """
    pairs = ([*zip(tokens, row, strict=True)] for row in kept.tolist())
    if deletion == UNKNOWN:
        return [[token if is_kept else unknown for token, is_kept in row] for row in pairs]
    return [[token for token, is_kept in row if is_kept] for row in pairs]
