"""Exclusive or: what one neuron cannot learn, and a hidden layer can.

python -m from_scratch.xor

True where exactly one input is. No line divides the true corners of the square from the false ones (Minsky & Papert
1969), so a hidden layer has to make features that can be divided. Whether it finds them depends on where the weights
begin: each setting is tried from 100 seeds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import sigmoid_cross_entropy, squared_error
from from_scratch.mlp import Array, Params, backward, forward, init_params, sigmoid
from from_scratch.optimizers import Adam, Sgd

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TARGET = np.array([[0.0], [1.0], [1.0], [0.0]])
NUM_SEEDS = 100
# hidden units, their activation, loss, optimizer and its learning rate, epochs
SETTINGS = {
    "no hidden layer": (0, "", "cross-entropy", Adam, 0.1, 500),
    "2 sigmoid, squared error": (2, "sigmoid", "squared error", Sgd, 2.0, 2000),
    "2 tanh, squared error": (2, "tanh", "squared error", Sgd, 2.0, 2000),
    "2 tanh, cross-entropy, Adam": (2, "tanh", "cross-entropy", Adam, 0.05, 500),
    "4 tanh, cross-entropy, Adam": (4, "tanh", "cross-entropy", Adam, 0.05, 500),
    "8 tanh, cross-entropy, Adam": (8, "tanh", "cross-entropy", Adam, 0.05, 500),
}
RECOMMENDED = "8 tanh, cross-entropy, Adam"


def learn_xor(setting: str, seed: int) -> tuple[Params, list[str], list[bool]]:
    """Learn from one seed; returns the parameters, the activations, and after each epoch whether all is right."""
    num_hidden, hidden, loss, make_optimizer, learning_rate, num_epochs = SETTINGS[setting]
    rng = np.random.default_rng(seed)
    params = init_params([2, num_hidden, 1] if num_hidden else [2, 1], rng)
    # With cross-entropy the sigmoid of the output is part of the loss.
    activations = [*([hidden] if num_hidden else []), "sigmoid" if loss == "squared error" else "linear"]
    optimizer, right = make_optimizer(learning_rate), []
    for _ in range(num_epochs):
        said = forward(X, params, activations)
        middle = 0.5 if loss == "squared error" else 0.0
        right.append(bool(((said[-1] > middle) == (TARGET > 0.5)).all()))
        derivative = (squared_error if loss == "squared error" else sigmoid_cross_entropy)(said[-1], TARGET)[1]
        optimizer.update(params, backward(derivative, said, params, activations)[0])
    return params, activations, right


def answer(x: Array, params: Params, activations: list[str]) -> Array:
    """The probability of "true" that a network trained on cross-entropy gives, (cases, 1)."""
    return sigmoid(forward(x, params, activations)[-1])


def lesson(folder: Path, num_seeds: int = NUM_SEEDS) -> dict[str, float]:
    """Try every setting from many seeds; returns the share of them that succeeds."""
    shares, rows, curves = {}, [], {}
    for setting in SETTINGS:
        right = np.array([learn_xor(setting, seed)[2] for seed in range(num_seeds)])  # (seeds, epochs)
        shares[setting] = float(right[:, -1].mean())
        first = [int(row.argmax()) for row in right if row[-1]]
        rows.append([setting, f"{shares[setting]:.0%}", int(np.median(first)) if first else "-"])
        curves[setting] = right.mean(axis=0)
    show_table(["setting", f"right, of {num_seeds} seeds", "epochs until then, median"], rows)
    params, activations, _ = learn_xor(RECOMMENDED, 0)

    def draw(figure) -> None:
        left, right_side = figure.subplots(1, 2)
        for setting, share in curves.items():
            left.plot(np.linspace(0, 1, len(share)), share, label=setting)
        left.set(xlabel="share of the epochs", ylabel="share of the seeds that are right", ylim=(-0.02, 1.02))
        left.legend(frameon=False, fontsize=7)
        grid = np.linspace(-0.3, 1.3, 81)
        points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
        picture = answer(points, params, activations).reshape(81, 81)
        right_side.imshow(picture, extent=(-0.3, 1.3, -0.3, 1.3), origin="lower", cmap="RdBu", vmin=0, vmax=1)
        right_side.scatter(*X.T, c=TARGET[:, 0], cmap="RdBu", edgecolors="black", vmin=0, vmax=1)
        right_side.set(title="what the network says, seed 0", xlabel="first input", ylabel="second input")

    save_picture(draw, folder, "xor", 9, 3.8)
    return shares


if __name__ == "__main__":
    run(lesson, __doc__)
