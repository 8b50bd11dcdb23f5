"""How wrong an answer is, and the derivative by it, with which every backward pass begins.

Each function returns the mean loss over the targets that count, and its derivative by the answer, in the shape of the
answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from from_scratch.mlp import Array, sigmoid


def squared_error(y: Array, target: Array) -> tuple[float, Array]:
    """Half the square of the difference, summed over outputs, mean over cases; y (…, outputs).

    >>> squared_error(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    (2.0, array([[2., 0.]]))
    """
    num_cases = y.size / y.shape[-1]
    return float(((y - target) ** 2).sum() / 2 / num_cases), (y - target) / num_cases


def sigmoid_cross_entropy(logits: Array, target: Array) -> tuple[float, Array]:
    """Nats for a yes or no said through a sigmoid, mean over all; logits and target of one shape.

    The derivative is the difference of what was said and what is true: the slope of the sigmoid has gone.
    """
    loss = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    return float(loss.mean()), (sigmoid(logits) - target) / logits.size


def softmax(logits: Array) -> Array:
    """Positive numbers with sum one, (…, classes)."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_cross_entropy(
    logits: Array, target: NDArray[np.integer], mask: NDArray[np.bool_] | None = None
) -> tuple[float, Array]:
    """Nats for the true class, mean over the cases that count.

    Args:
        logits: (…, classes).
        target: the true class, (…).
        mask: bool (…), True where there is a real case; None counts all.
    """
    counted = np.ones(target.shape, bool) if mask is None else mask
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    chosen = np.take_along_axis(log_probabilities, target[..., None], axis=-1)[..., 0]
    dlogits = np.exp(log_probabilities)
    np.put_along_axis(dlogits, target[..., None], np.exp(chosen)[..., None] - 1, axis=-1)
    num_cases = counted.sum()
    return float(-chosen[counted].sum() / num_cases), dlogits * counted[..., None] / num_cases
