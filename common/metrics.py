"""Scores on real tokens and rows, with bootstrap intervals; scikit-learn does the counting."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from common.ahead import map_ahead
from common.engine import num_cores

NUM_RESAMPLES = 500


def perplexity(total_nats: float, num_tokens: int) -> float:
    """Return exp(total nats / tokens): over the whole split, never a mean over batches. At least 1; lower is better.

    >>> round(perplexity(3 * math.log(8), 3), 6)
    8.0
    """
    return math.exp(total_nats / num_tokens)


def bits_per_character(total_nats: float, num_characters: int) -> float:
    """Return the bits a text costs for each of its characters, which compares across tokenizations."""
    return total_nats / math.log(2) / num_characters


def with_intervals(
    score: Callable[[np.ndarray], Mapping[str, float]],
    num_units: int,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    num_threads: int | None = None,
) -> dict[str, Any]:
    """Score all units, and give each score its 95% bootstrap interval.

    Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13: the percentile interval.

    Args:
        score: indices of units (rows, sentences or documents, whatever is independent) to named scores.
        num_units: units there are.
        num_resamples: bootstrap samples drawn.
        seed: of the drawing; the same seed gives the same interval.
        num_threads: processor cores to use; None takes those there are.
    Returns:
        For each NAME of `score`: NAME, and `NAME_interval` as [low, high].
    """
    scores = dict(score(np.arange(num_units)))
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(num_units, size=num_units) for _ in range(num_resamples))
    samples = list(map_ahead(score, drawn, num_threads or num_cores()))
    result: dict[str, Any] = {}
    for name, value in scores.items():
        result[name] = float(value)
        low, high = np.nanpercentile([sample[name] for sample in samples], [2.5, 97.5])
        result[f"{name}_interval"] = [float(low), float(high)]
    return result


def format_score(name: str, scores: Mapping[str, Any]) -> str:
    """Write a score with its interval, if it has one.

    >>> format_score("r2", {"r2": 0.51234, "r2_interval": [0.5, 0.525]})
    '0.5123 [0.5000, 0.5250]'
    """
    digits = 2 if name == "perplexity" else 4
    interval = scores.get(f"{name}_interval")
    shown = f"{scores[name]:.{digits}f}"
    return shown + (f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]" if interval else "")
