"""One neuron: what it says, and how it learns.

python -m from_scratch.neuron

A neuron weighs what arrives, adds a bias, and passes the sum through its activation. It learns by gradient descent: a
little down the slope of the error, after every case, after a batch of them, or after all. When to stop is a choice too:
when the weights hardly change, when the error is small enough, or after so many epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import squared_error
from from_scratch.mlp import ACTIVATIONS, Array, Params, backward, forward, init_params
from from_scratch.optimizers import Sgd


@dataclass(frozen=True)
class Stop:
    """When learning ends: whichever comes first. 0 switches a rule off."""

    max_epochs: int = 1000
    error_below: float = 0.0
    change_below: float = 0.0  # of the largest change of a weight in an epoch


def learn(
    x: Array,
    target: Array,
    params: Params,
    activations: Sequence[str],
    optimizer: Sgd,
    cases_per_update: int,
    stop: Stop,
    rng: np.random.Generator,
) -> tuple[list[float], str]:
    """Let a perceptron learn by gradient descent; its parameters change in place.

    Args:
        x: (cases, inputs).
        target: (cases, outputs).
        params: of `from_scratch.mlp.init_params`.
        activations: the name of each layer's.
        optimizer: takes the steps.
        cases_per_update: 1 learns after each case, `len(x)` after all, anything between after each batch.
        stop: when to end.
        rng: shuffles the cases.
    Returns:
        The error after each epoch, and which rule ended it: "epochs", "error" or "change".
    """
    errors = []
    for _ in range(stop.max_epochs):
        before = {name: value.copy() for name, value in params.items()}
        order = rng.permutation(len(x))
        for start in range(0, len(x), cases_per_update):
            chosen = order[start : start + cases_per_update]
            said = forward(x[chosen], params, activations)
            grads, _ = backward(squared_error(said[-1], target[chosen])[1], said, params, activations)
            optimizer.update(params, grads)
        errors.append(squared_error(forward(x, params, activations)[-1], target)[0])
        if errors[-1] < stop.error_below:
            return errors, "error"
        if max(np.abs(params[name] - before[name]).max() for name in params) < stop.change_below:
            return errors, "change"
    return errors, "epochs"


def draw_activations(figure) -> None:
    """What each kind of neuron says, and the slope that the way back multiplies with."""
    z = np.linspace(-5, 5, 201)
    for axes, (name, (function, slope)) in zip(figure.subplots(1, 3), ACTIVATIONS.items(), strict=True):
        axes.plot(z, function(z), label="a = f(z)")
        axes.plot(z, slope(function(z)), "--", label="slope")
        axes.set(title=name, xlabel="z", ylabel="activation and slope", ylim=(-1.5, 1.5))
        axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def or_data() -> tuple[Array, Array]:
    """The table of "or": true unless both are false."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, x.max(axis=1, keepdims=True)


def lesson(folder: Path) -> dict[str, float]:
    """A sigmoid neuron learns "or" in three ways; returns the epochs that each took."""
    x, target = or_data()
    rules = {
        "error below 0.01": Stop(max_epochs=5000, error_below=0.01),
        "weights change by less than 0.005": Stop(max_epochs=5000, change_below=0.005),
        "200 epochs": Stop(max_epochs=200),
    }
    rows, curves, epochs = [], {}, {}
    for name, cases in (("each case", 1), ("a batch of two", 2), ("all four", 4)):
        for rule, stop in rules.items():
            rng = np.random.default_rng(0)
            params = init_params([2, 1], rng)
            errors, _ = learn(x, target, params, ["sigmoid"], Sgd(0.5), cases, stop, rng)
            rows.append([name, rule, len(errors), errors[-1]])
            if stop.error_below:
                curves[name], epochs[name] = errors, float(len(errors))
    show_table(["weights change after", "stops at", "epochs", "error"], rows)

    def draw(figure) -> None:
        axes = figure.subplots()
        for name, errors in curves.items():
            axes.plot(errors, label=f"after {name}")
        axes.set(xlabel="epoch", ylabel="error", yscale="log", title='One neuron learns "or"')
        axes.legend(frameon=False)

    save_picture(draw_activations, folder, "activations")
    save_picture(draw, folder, "neuron", 5)
    return epochs


if __name__ == "__main__":
    run(lesson, __doc__)
