"""Batches in few shapes: XLA, which runs networks on JAX, compiles a network anew for every shape that it meets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_WIDTH = 8  # of a padded batch, in tokens
TERMS = ("ngram_ids", "ngram_values")  # of the wide part of a rating model: as wide as each other, whatever the time


def rounded_width(width: int) -> int:
    """The least width of a batch that holds so many tokens: two for each doubling, so at most a third is padding.

    >>> [rounded_width(width) for width in (1, 2, 9, 33, 49, 65)]
    [1, 8, 12, 48, 64, 96]
    """
    if width <= 1:
        return width  # a single step, which a language model takes when it writes
    step = max(1, 2 ** (width - 1).bit_length() // 4)
    return max(LEAST_WIDTH, -(-width // step) * step)


def widen(inputs: dict[str, NDArray]) -> dict[str, NDArray]:
    """Pad the ids and the mask of a batch in time, the characters of its words, and its n-grams to rounded widths.

    Args:
        inputs: of a network: ids int32 (batch, time) or (batch, time, characters), mask bool (batch, time), n-grams
            (batch, terms), and states, which stay as they are.
    """
    if "mask" not in inputs:
        return inputs
    shape = inputs["mask"].shape
    return {
        name: _widened(array) if name in TERMS or (array.dtype.kind in "iub" and array.shape[:2] == shape) else array
        for name, array in inputs.items()
    }


def _widened(array: NDArray) -> NDArray:
    for axis in range(1, min(array.ndim, 3)):
        array = pad_axis(array, axis, rounded_width(array.shape[axis]))
    return array


def pad_axis(array: NDArray, axis: int, width: int) -> NDArray:
    """Fill up with zeros behind."""
    widths = [(0, width - array.shape[axis]) if number == axis else (0, 0) for number in range(array.ndim)]
    return np.pad(array, widths)
