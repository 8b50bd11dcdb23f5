"""Perplexity, bootstrap confidence intervals, and how scores are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from common.errors import excerpt
from common.parallel import map_ahead, num_cores

NUM_RESAMPLES = 500


def perplexity(total_nats: float, num_tokens: int) -> float:
    """Return exp(total nats / tokens): over the whole split, never a mean over batches. At least 1; lower is better.

    What is beyond the largest float is infinite; see `finite`.

    >>> round(perplexity(3 * math.log(8), 3), 6)
    8.0
    """
    try:
        return math.exp(total_nats / num_tokens)
    except OverflowError:  # above 709 nats a token: of a network that has learned nothing, or is damaged
        return math.inf


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
        found = [sample[name] for sample in samples if not math.isnan(sample[name])]
        with np.errstate(invalid="ignore"):  # between two infinite perplexities
            low, high = np.percentile(found, [2.5, 97.5]) if found else (math.nan, math.nan)
        result[f"{name}_interval"] = [float(low), float(high)]
    return result


def format_score(name: str, scores: Mapping[str, Any]) -> str:
    """Write a score with its interval, if it has one; NaN is a score that is not defined.

    >>> format_score("r2", {"r2": 0.51234, "r2_interval": [0.5, 0.525]}), format_score("r2", {"r2": math.nan})
    ('0.5123 [0.5000, 0.5250]', 'undefined')
    """
    value = scores[name]
    if name != "perplexity" and (value is None or (isinstance(value, float) and math.isnan(value))):
        return "undefined"
    digits = 2 if name == "perplexity" else 4
    interval = scores.get(f"{name}_interval")

    def shown(value: Any) -> str:
        return (
            f"{value:.{digits}f}" if isinstance(value, int | float) else "inf" if value is None else excerpt(str(value))
        )

    return shown(value) + (f" [{shown(interval[0])}, {shown(interval[1])}]" if interval else "")


def finite(value: Any) -> Any:
    """Put None (null) where a number is infinite or NaN, which JSON does not have.

    >>> finite({"perplexity": math.inf, "interval": [1.0, math.inf]})
    {'perplexity': None, 'interval': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
