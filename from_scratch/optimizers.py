"""From derivatives to better parameters, and what to do with derivatives that are too large.

Parameters and their derivatives are dicts of arrays under the same names; an optimizer changes the parameters in place.
"""

from __future__ import annotations

import numpy as np

from from_scratch.mlp import Params


class Sgd:
    """Gradient descent, with momentum if wanted: v <- momentum v - learning_rate g,  w <- w + v."""

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities: Params = {}

    def update(self, params: Params, grads: Params) -> None:
        """Take one step."""
        for name, grad in grads.items():
            velocity = self.momentum * self.velocities.get(name, 0.0) - self.learning_rate * grad
            self.velocities[name] = velocity
            params[name] += velocity


class Adam:
    """Steps of about the learning rate for every weight, whatever the size of its derivative: Kingma & Ba 2015.

    m <- b1 m + (1 - b1) g      v <- b2 v + (1 - b2) g g      w <- w - learning_rate m / sqrt(v), both without their
    bias towards the zeros that they began with.
    """

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999) -> None:
        self.learning_rate = learning_rate
        self.betas = beta_1, beta_2
        self.step = 0
        self.means: Params = {}
        self.squares: Params = {}

    def update(self, params: Params, grads: Params) -> None:
        """Take one step."""
        self.step += 1
        beta_1, beta_2 = self.betas
        size = self.learning_rate * np.sqrt(1 - beta_2**self.step) / (1 - beta_1**self.step)
        for name, grad in grads.items():
            mean = self.means.setdefault(name, np.zeros_like(grad))
            square = self.squares.setdefault(name, np.zeros_like(grad))
            mean += (1 - beta_1) * (grad - mean)
            square += (1 - beta_2) * (grad * grad - square)
            params[name] -= size * mean / (np.sqrt(square) + 1e-8)


def global_norm(grads: Params) -> float:
    """The length of all derivatives taken as one long vector."""
    return float(np.sqrt(sum(float((grad * grad).sum()) for grad in grads.values())))


def clip_by_norm(grads: Params, max_norm: float) -> Params:
    """Shorten the whole if it is longer than `max_norm`; its direction stays. Pascanu et al. 2013.

    >>> clip_by_norm({"a": np.array([3.0, 4.0])}, 1)["a"].round(6).tolist()
    [0.6, 0.8]
    """
    scale = min(1.0, max_norm / max(global_norm(grads), 1e-12))
    return {name: scale * grad for name, grad in grads.items()}


def clip_by_value(grads: Params, max_value: float) -> Params:
    """Cut every derivative by itself; the direction turns.

    >>> clip_by_value({"a": np.array([3.0, 0.5])}, 1)["a"].tolist()
    [1.0, 0.5]
    """
    return {name: np.clip(grad, -max_value, max_value) for name, grad in grads.items()}
