"""The verdict of a comparison: whether a model is ahead of the simple baseline beside it, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AHEAD, EVEN, BEHIND = "ahead", "even", "behind"
NUM_RESAMPLES = 1000
CERTAIN = 0.95  # of the bootstrap samples have the same winner


@dataclass(frozen=True)
class Verdict:
    """Who is ahead: `outcome` is "ahead", "even" or "behind", as seen from the model; `sentence` says it."""

    outcome: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def compare(model: NDArray[np.floating], baseline: NDArray[np.floating], seed: int = 0) -> str:
    """Compare two systems on the same examples by a paired bootstrap test (Koehn 2004).

    Args:
        model: the loss of the model on each example (examples,): its squared error, its wrong words, its nats.
        baseline: that of the baseline (examples,).
        seed: of the resampling.
    Returns:
        `AHEAD` or `BEHIND` if the same one has the smaller loss in 95% of the bootstrap samples, else `EVEN`.

    >>> compare(np.zeros(30), np.ones(30)), compare(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    ('ahead', 'even')
    """
    gains = np.asarray(baseline, np.float64) - np.asarray(model, np.float64)
    drawn = np.random.default_rng(seed).integers(len(gains), size=(NUM_RESAMPLES, len(gains)))
    sums = gains[drawn].sum(axis=1)
    for outcome, won in ((AHEAD, sums > 0), (BEHIND, sums < 0)):
        if won.mean() >= CERTAIN:
            return outcome
    return EVEN


def make_verdict(outcome: str, where: str, model: str, baseline: str, advice: str) -> Verdict:
    """Put a verdict into words.

    Args:
        outcome: of `compare`.
        where: the examples: "100 validation reviews".
        model: what was measured of the model: "the model explains 61% of the variance".
        baseline: the same of the baseline: "TF-IDF with ridge regression 44%".
        advice: what to try if the model is not ahead.

    >>> print(make_verdict(AHEAD, "9 test sentences", "the model tags 98% of the words right", "the HMM 91%", ""))
    On 9 test sentences the model tags 98% of the words right, the HMM 91%: the model is ahead.
    """
    ending = {
        AHEAD: "the model is ahead.",
        EVEN: f"too close to call on so few. {advice}",
        BEHIND: f"the model is behind. {advice}",
    }[outcome]
    return Verdict(outcome, f"On {where} {model}, {baseline}: {ending}".strip())
