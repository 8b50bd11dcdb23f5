"""Targets and expected values on a rating scale, such as the stars of a review: categorical or ordinal.

    categorical  logit of each level            target: all the weight on the true one
    ordinal      logit of "more than" each level but the last      target: 1 for the levels below the true one, else 0

A value between two levels shares its weight among them, so that the mean of the target is the value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_LEVELS = 1000  # no weight shows their number, so it has a limit


def level_targets(values: NDArray, levels: NDArray, ordinal: bool) -> NDArray[np.float32]:
    """Turn values on a scale into the target of each level.

    Args:
        values: (batch,), from the first level to the last.
        levels: lowest first (levels,).
        ordinal: see above.
    Returns:
        float32 (batch, levels), or with `ordinal` (batch, levels - 1).

    >>> level_targets(np.array([2.0, 2.5]), np.array([1, 2, 3]), ordinal=False).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]
    >>> level_targets(np.array([2.0, 2.5]), np.array([1, 2, 3]), ordinal=True).tolist()
    [[1.0, 0.0], [1.0, 0.5]]
    """
    above = np.clip((values[:, None] - levels[:-1]) / np.diff(levels), 0, 1)  # (batch, levels - 1)
    if ordinal:
        return above.astype(np.float32)
    return np.diff(1 - above, axis=1, prepend=0, append=1).astype(np.float32)


def level_probabilities(logits: NDArray, ordinal: bool) -> NDArray[np.float64]:
    """The probability of each level.

    Args:
        logits: (batch, levels), or with `ordinal` (batch, levels - 1), see above.
        ordinal: see above. Its levels differ in steepness, so a level may come out below 0; it is 0 then.
    Returns:
        float64 (batch, levels), each row adds up to 1.

    >>> level_probabilities(np.array([[0.0, 0.0]]), ordinal=False).tolist()
    [[0.5, 0.5]]
    >>> level_probabilities(np.log([[3.0, 1.0]]), ordinal=True).round(6).tolist()  # 3/4 above the first, 1/2 the second
    [[0.25, 0.25, 0.5]]
    """
    logits = logits.astype(np.float64)
    if ordinal:
        above = 0.5 * (1 + np.tanh(logits / 2))  # sigmoid, without overflow
        probabilities = np.maximum(np.diff(1 - above, axis=1, prepend=0, append=1), 0)
    else:
        probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def level_moments(levels: NDArray, ordinal: bool) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
    """Coefficients that turn predicted probabilities into their mean and their mean square.

    Args:
        levels: lowest first (levels,).
        ordinal: see above.
    Returns:
        The middle of the scale, `weights` and `start`, so that `probabilities @ weights + start` (batch, 2) are the
        means of x and of x squared, where x is the distance from the middle.

    >>> middle, weights, start = level_moments(np.array([1, 2, 3]), ordinal=True)
    >>> (np.array([[1.0, 0.5]]) @ weights + start).tolist()  # 2 or 3, as likely as not: x is 0 or 1
    [[0.5, 0.5]]
    """
    middle = (levels[0] + levels[-1]) / 2
    powers = np.stack([levels - middle, (levels - middle) ** 2], axis=1).astype(np.float32)  # (levels, 2)
    if ordinal:
        return float(middle), np.diff(powers, axis=0), powers[0]
    return float(middle), powers, np.zeros(2, np.float32)
