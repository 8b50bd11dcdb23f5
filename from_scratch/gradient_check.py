"""Is a backward pass right? Compare it with differences of the loss itself.

    dL/dw  =  (L(w - 2h) - 8 L(w - h) + 8 L(w + h) - L(w + 2h)) / 12h   up to h^4

In float64 this is exact to ten digits or more where the loss is smooth, so a wrong term cannot hide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from from_scratch.mlp import Array, Params

STEP = 2e-4


def numeric_gradient(loss: Callable[[], float], values: Array) -> Array:
    """Find the derivative of a loss by each of some numbers, which are changed in place and put back.

    Args:
        loss: computes it, from `values` as they are.
        values: float64, any shape.
    """
    gradient = np.zeros_like(values)
    for place in np.ndindex(values.shape):
        kept = values[place]
        sides = {}
        for steps in (-2, -1, 1, 2):
            values[place] = kept + steps * STEP
            sides[steps] = loss()
        values[place] = kept
        gradient[place] = (sides[-2] - 8 * sides[-1] + 8 * sides[1] - sides[2]) / (12 * STEP)
    return gradient


def largest_errors(loss: Callable[[], float], params: Params, grads: Params) -> dict[str, float]:
    """Compare derivatives with numeric ones.

    Args:
        loss: computes it, from `params` as they are.
        params: float64 arrays by name.
        grads: what the backward pass says.
    Returns:
        For each name the largest difference, as a share of the largest derivative there.
    Raises:
        ValueError: derivatives that are all tiny, of which a comparison would say nothing.
    """
    errors = {}
    for name, grad in grads.items():
        numeric = numeric_gradient(loss, params[name])
        size = np.abs(numeric).max()
        if size < 1e-4:
            raise ValueError(f"{name}: the largest derivative is {size:.1e}; take another loss, or larger weights")
        errors[name] = float(np.abs(numeric - grad).max() / size)
    return errors
