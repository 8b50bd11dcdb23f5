"""Weight averaging: an exponential moving average (EMA) of the weights, which generalize better than the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

AVERAGE_EVERY = 5  # steps between two updates of the averaged weights


class AveragedWeights:
    """An exponential moving average of the weights.

    Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; exponential, so that early steps
    are forgotten: average <- m * average + (1 - m) * weights, with m smaller in the first steps.

    Args:
        model: the model in training.
        momentum: m, for one step; 0 keeps no average.
    """

    def __init__(self, model: keras.Model, momentum: float) -> None:
        self.model = model
        self.momentum = momentum**AVERAGE_EVERY
        self.num_updates = 0
        self.values: list[np.ndarray] = []

    def update(self) -> None:
        """Take the present weights into the average."""
        weights = self.model.get_weights()
        if not self.values or not self.momentum:
            self.values = weights
            return
        self.num_updates += 1
        momentum = min(self.momentum, self.num_updates / (10 + self.num_updates))
        for average, value in zip(self.values, weights, strict=True):
            if np.issubdtype(value.dtype, np.floating):  # whole numbers are never trained
                average += (1 - momentum) * (value - average)

    def is_due(self, step: int) -> bool:
        """Whether the average is to be updated after a step."""
        return bool(self.momentum) and step % AVERAGE_EVERY == 0

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """Put the averages in the model for a while."""
        raw = self.model.get_weights()
        self.model.set_weights(self.values)
        yield
        self.model.set_weights(raw)
