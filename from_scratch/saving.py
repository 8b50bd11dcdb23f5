"""A network in two files: what it is, as JSON that a person can read, and its weights, as HDF5.

python -m from_scratch.saving

A perceptron learns the area of rectangles from a small table; saved and loaded again it has the same score. Nothing is
pickled: reading the files runs no code of whoever wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from from_scratch.lesson import MARK, check_place, run, save_picture, show_table
from from_scratch.mlp import Array, Params, forward, init_params
from from_scratch.neuron import Stop, learn
from from_scratch.optimizers import Sgd

MODEL_FILE, WEIGHTS_FILE = "model.json", "weights.h5"


def save(folder: Path, params: Params, activations: Sequence[str]) -> None:
    """Write the network of `params`, of `from_scratch.mlp.init_params`, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    check_place(folder / MODEL_FILE)
    sizes = [len(params["W_1"]), *(params[f"W_{number}"].shape[1] for number in range(1, len(activations) + 1))]
    model = {"made_by": MARK, "sizes": sizes, "activations": list(activations)}
    (folder / MODEL_FILE).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
    with h5py.File(folder / WEIGHTS_FILE, "w") as file:
        for name, value in params.items():
            file[name] = value


def load(folder: Path) -> tuple[Params, list[str]]:
    """Read what `save` wrote.

    Raises:
        ValueError: a weight that is missing or has another shape than the sizes say.
    """
    model = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
    expected = init_params(model["sizes"], np.random.default_rng(0))
    params = {}
    with h5py.File(folder / WEIGHTS_FILE, "r") as file:
        for name, value in expected.items():
            found = file[name].shape if name in file else None
            if found != value.shape:
                raise ValueError(f"{folder / WEIGHTS_FILE}: {name} has shape {found}, wanted {value.shape}")
            params[name] = file[name][()]
    return params, model["activations"]


def rectangles(seed: int) -> tuple[Array, Array]:
    """Sides (cases, 2) from 0 to 1, and areas (cases, 1)."""
    sides = np.random.default_rng(seed).uniform(size=(200, 2))
    return sides, sides.prod(axis=1, keepdims=True)


def r2(params: Params, activations: Sequence[str], x: Array, target: Array) -> float:
    """The share of the variance that is explained: 1 is perfect, 0 no better than the mean."""
    left = ((forward(x, params, activations)[-1] - target) ** 2).sum()
    return float(1 - left / ((target - target.mean()) ** 2).sum())


def lesson(folder: Path) -> dict[str, float]:
    """Learn, save, load, score again; returns both scores."""
    (x, target), (test_x, test_target) = rectangles(1), rectangles(2)
    rng, activations = np.random.default_rng(0), ["tanh", "linear"]
    params = init_params([2, 8, 1], rng)
    errors, _ = learn(x, target, params, activations, Sgd(0.1, momentum=0.9), 20, Stop(max_epochs=200), rng)
    save(folder / "rectangles", params, activations)
    scores = {
        "before": r2(params, activations, test_x, test_target),
        "after": r2(*load(folder / "rectangles"), test_x, test_target),
    }
    show_table(
        ["R² of 200 other rectangles", ""], [["as trained", scores["before"]], ["saved and loaded", scores["after"]]]
    )
    print((folder / "rectangles" / MODEL_FILE).read_text(encoding="utf-8"), end="")

    def draw(figure) -> None:
        left, right = figure.subplots(1, 2)
        left.plot(errors)
        left.set(xlabel="epoch", ylabel="error", yscale="log")
        right.plot(test_target, forward(test_x, params, activations)[-1], ".")
        right.plot([0, 1], [0, 1], color="grey", linewidth=1)
        right.set(xlabel="area", ylabel="what the network says")

    save_picture(draw, folder, "saving", 8, 3.5)
    return scores


if __name__ == "__main__":
    run(lesson, __doc__)
