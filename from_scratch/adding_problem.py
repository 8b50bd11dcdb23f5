"""The adding problem: two numbers far apart in a long row, and their sum at the end.

python -m from_scratch.adding_problem

At every step a number from 0 to 1 and a mark go in; two numbers are marked, one in each half. After the last step the
network says their sum. Who always says 1 has a mean squared error of 1/6. The gradient must reach back over hundreds of
steps of noise: Hochreiter & Schmidhuber 1997, experiment 4.

The LSTM's gates begin as its task wants them: a forget gate with the bias log u, u from 1 to the length, keeps a number
for about u steps, and the input gate begins as closed as that one is open (Tallec & Ollivier 2018, "Can Recurrent
Neural Networks Warp Time?").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from from_scratch import lstm, rnn, through_time
from from_scratch.lesson import draw_curves, run, save_picture, show_table
from from_scratch.mlp import Array, Params, glorot
from from_scratch.optimizers import Adam, clip_by_norm

LENGTHS = (100, 200, 400)
NUM_UNITS, BATCH_SIZE, MAX_UPDATES = 32, 64, 4000
GOOD_ENOUGH = 0.0005  # of the mean squared error, over the last hundred batches


def sequences(num_cases: int, num_steps: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Numbers and marks, float32 (cases, time, 2), and the sums of the marked numbers (cases, 1)."""
    x = np.zeros((num_cases, num_steps, 2), np.float32)
    x[:, :, 0] = rng.uniform(size=(num_cases, num_steps))
    rows, half = np.arange(num_cases), num_steps // 2
    for places in (rng.integers(0, half, num_cases), rng.integers(half, num_steps, num_cases)):
        x[rows, places, 1] = 1
    return x, x.prod(axis=2).sum(axis=1, keepdims=True)


def make_params(cell: Any, num_steps: int, rng: np.random.Generator) -> Params:
    """Parameters of the cell and of the number read off its last state, float32."""
    params = cell.init_params(2, NUM_UNITS, rng)
    if cell is lstm:
        bias = np.log(rng.uniform(1, num_steps - 1, NUM_UNITS))
        params["b_h"][:NUM_UNITS], params["b_h"][NUM_UNITS : 2 * NUM_UNITS] = -bias, bias
    params |= {"W_hy": glorot(NUM_UNITS, 1, rng), "b_y": np.ones(1)}
    return {name: value.astype(np.float32) for name, value in params.items()}


def learn_to_add(
    cell: Any, num_steps: int, max_updates: int = MAX_UPDATES, learning_rate: float = 0.004, seed: int = 0
) -> tuple[Params, list[float]]:
    """Learn from ever new sequences; returns the parameters, and the mean squared error of each batch."""
    rng = np.random.default_rng(seed)
    params, optimizer, errors = make_params(cell, num_steps, rng), Adam(learning_rate), []
    for _ in range(max_updates):
        x, target = sequences(BATCH_SIZE, num_steps, rng)
        walk, answer = add_up(cell, x, params)
        errors.append(float(((answer - target) ** 2).mean()))
        if len(errors) >= 100 and np.mean(errors[-100:]) < GOOD_ENOUGH:
            break
        danswer = 2 * (answer - target) / len(x)
        dlast = {"h": danswer @ params["W_hy"].T}
        grads, _, _ = through_time.backward(cell, walk, x, params, np.zeros_like(walk.h), dlast)
        grads |= {"W_hy": walk.last["h"].T @ danswer, "b_y": danswer.sum(axis=0)}
        optimizer.update(params, clip_by_norm(grads, 1.0))
    return params, errors


def add_up(cell: Any, x: Array, params: Params) -> tuple[through_time.Walk, Array]:
    """Walk to the end and read the sum off the last state (cases, 1)."""
    walk = through_time.forward(cell, x, params)
    return walk, walk.last["h"] @ params["W_hy"] + params["b_y"]


def error_over_new(cell: Any, params: Params, num_steps: int, num_cases: int = 2000) -> float:
    """The mean squared error over new sequences."""
    x, target = sequences(num_cases, num_steps, np.random.default_rng(12345))
    return float(((add_up(cell, x, params)[1] - target) ** 2).mean())


def lesson(folder: Path) -> dict[str, float]:
    """Learn to add over each length, with both cells; returns the mean squared errors over new sequences."""
    found: dict[str, float] = {}
    curves: dict[str, list[float]] = {}
    rows = []
    for num_steps in LENGTHS:
        for name, cell in (("LSTM", lstm), ("Elman", rnn)):
            # The Elman network gets as many batches as the LSTM needed, and half as many again.
            budget = MAX_UPDATES if cell is lstm else round(1.5 * len(curves[f"LSTM, {num_steps} steps"]))
            params, errors = learn_to_add(cell, num_steps, budget, 0.004 if cell is lstm else 0.001)
            curves[f"{name}, {num_steps} steps"] = errors
            found[f"{name} {num_steps}"] = error_over_new(cell, params, num_steps)
            rows.append([num_steps, name, len(errors), f"{found[f'{name} {num_steps}']:.5f}"])
    show_table(["steps", "network", "batches", "mean squared error"], rows)

    def draw(figure) -> None:
        axes = figure.subplots()
        draw_curves(axes, curves, 50)
        axes.axhline(1 / 6, color="grey", linewidth=1)
        axes.set(xlabel="batch", ylabel="mean squared error", yscale="log")

    save_picture(draw, folder, "adding_problem", 7, 4)
    return found


if __name__ == "__main__":
    run(lesson, __doc__)
