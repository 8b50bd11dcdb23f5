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
