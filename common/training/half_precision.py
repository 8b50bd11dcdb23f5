"""Half precision: a finished network's matrices rounded to float16 where that changes no answer that is shown.

A bundle is half as large then (format 2); whoever loads it computes in float32 as before. Only the rounding loses
something, and that is measured, on the validation split, before anything is saved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from common.bundles.weights_file import round_to_half
from common.progress import say

Model = TypeVar("Model")


def largest_difference(before: NDArray, after: NDArray) -> float:
    """The largest change of a number."""
    return float(np.abs(after - before).max())


def num_different(before: NDArray, after: NDArray) -> float:
    """How many answers are others."""
    return float((before != after).sum())


@dataclass(frozen=True)
class Shown(Generic[Model]):
    """Predictions on the validation split, and the largest change of them that nobody is shown.

    Args:
        answers: the predictions of a model, a number for each example or each token.
        tolerance: the largest change that is not shown.
        unit: of the change, for people.
        change: measures it, from the answers before and after.
    """

    answers: Callable[[Model], NDArray]
    tolerance: float
    unit: str
    change: Callable[[NDArray, NDArray], float] = largest_difference

    def round_weights(self, network: keras.Model, model: Model) -> dict[str, float | str] | None:
        """Round the matrices of a network to half precision, unless that shows.

        Args:
            network: its weights are rounded in place, or left as they are.
            model: answers with that network.
        Returns:
            `num_answers`, `change` and its `unit`, for the manifest; None: the weights stay in single precision.
        """
        weights, before = network.get_weights(), self.answers(model)
        rounded = [round_to_half(array) for array in weights]
        if not before.size or not all(np.isfinite(array).all() for array in rounded):
            why = (
                "a weight is beyond 65,504" if before.size else "there is no validation split to measure the change on"
            )
            say(f"Half precision: {why}; the weights stay in single precision")
            return None
        network.set_weights(rounded)
        change = self.change(before, self.answers(model))
        said = f"Half precision: {before.size:,} validation answers change by {change:.2g} {self.unit} at most"
        if change > self.tolerance:
            say(f"{said}, more than {self.tolerance:g}; the weights stay in single precision")
            network.set_weights(weights)
            return None
        say(said)
        return {"num_answers": before.size, "change": change, "unit": self.unit}
