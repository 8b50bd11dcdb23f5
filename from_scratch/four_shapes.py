"""What goes in and what comes out: one or many, at either end.

python -m from_scratch.four_shapes

    one-to-one      a digit -> the next digit                   no time at all: a perceptron
    one-to-many     a digit -> its name, letter by letter       the input stands at the first step, the rest are zeros
    many-to-one     bits -> is their number odd?                the target stands at the last step
    many-to-many    bits -> the two bits before the last one    a target at every step, or at the last few

The network is the same Elman network; only where inputs and targets stand differs. The state before the first step is
zeros, or learned like any weight. What is scored is always the share of sequences without any mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from from_scratch import rnn, through_time
from from_scratch.lesson import draw_curves, run, save_picture, show_table
from from_scratch.losses import softmax_cross_entropy
from from_scratch.mlp import Array, Params, glorot
from from_scratch.next_character import one_hot
from from_scratch.optimizers import Adam, clip_by_norm

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUM_UNITS, NUM_STEPS, BATCH_SIZE = 24, 1500, 32


@dataclass(frozen=True)
class Task:
    """Sequences: inputs (cases, time, inputs), the true class at each step, and which steps count (cases, time)."""

    x: Array
    targets: NDArray[np.integer]
    counted: NDArray[np.bool_]


def next_digit() -> Task:
    """One-to-one."""
    digits = np.arange(10)[:, None]
    return Task(one_hot(digits, 10), (digits + 1) % 10, np.ones((10, 1), bool))


def digit_names() -> Task:
    """One-to-many: 3 -> t h r e e, and a mark that the name has ended."""
    letters = sorted(set("".join(NAMES) + "."))
    num_steps = max(map(len, NAMES)) + 1
    x, targets = np.zeros((10, num_steps, 10)), np.zeros((10, num_steps), int)
    counted = np.zeros((10, num_steps), bool)
    for digit, name in enumerate(NAMES):
        x[digit, 0, digit] = 1
        targets[digit, : len(name) + 1] = [letters.index(letter) for letter in name + "."]
        counted[digit, : len(name) + 1] = True
    return Task(x, targets, counted)


def random_bits(num_cases: int, num_steps: int, seed: int) -> NDArray[np.integer]:
    """Bits (num_cases, num_steps)."""
    return np.random.default_rng(seed).integers(0, 2, (num_cases, num_steps))


def odd_number(seed: int) -> Task:
    """Many-to-one: after six bits, whether an odd number of them is set."""
    bits = random_bits(256, 6, seed)
    counted = np.zeros(bits.shape, bool)
    counted[:, -1] = True
    return Task(one_hot(bits, 2), bits.cumsum(axis=1) % 2, counted)


def bits_before(seed: int, num_counted: int = 0) -> Task:
    """Many-to-many: at each step the bits two and three steps ago, as one of four classes; or at the last few steps."""
    bits = random_bits(256, 12, seed)
    targets, counted = np.zeros(bits.shape, int), np.zeros(bits.shape, bool)
    targets[:, 3:] = 2 * bits[:, 1:-2] + bits[:, :-3]
    counted[:, 3 if not num_counted else -num_counted :] = True
    return Task(one_hot(bits, 2), targets, counted)


def learn_task(task: Task, learned_state: bool, truncate: int = 0, seed: int = 0) -> tuple[Params, list[float]]:
    """Learn a task; returns the parameters and the loss after each step.

    Args:
        task: what to learn.
        learned_state: whether the state before the first step is a parameter, `h_0` (1, units).
        truncate: steps that the gradient goes back; 0 is all.
        seed: of weights and batches.
    """
    rng = np.random.default_rng(seed)
    num_classes = int(task.targets.max()) + 1
    params = rnn.init_params(task.x.shape[-1], NUM_UNITS, rng)
    params |= {"W_hy": glorot(NUM_UNITS, num_classes, rng), "b_y": np.zeros(num_classes)}
    params |= {"h_0": np.zeros((1, NUM_UNITS))} if learned_state else {}
    optimizer, losses = Adam(0.005), []
    for _ in range(NUM_STEPS):
        chosen = rng.integers(0, len(task.x), BATCH_SIZE)
        x = task.x[chosen]
        walk, logits = read(x, params)
        loss, dlogits = softmax_cross_entropy(logits, task.targets[chosen], task.counted[chosen])
        dh = dlogits @ params["W_hy"].T
        grads, _, dbefore = through_time.backward(rnn, walk, x, params, dh, truncate=truncate)
        grads |= {"W_hy": np.einsum("bti,btj->ij", walk.h, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
        if learned_state:
            grads["h_0"] = dbefore["h"].sum(axis=0, keepdims=True)
        optimizer.update(params, clip_by_norm({name: grads[name] for name in params}, 1.0))
        losses.append(loss)
    return params, losses


def read(x: Array, params: Params) -> tuple[through_time.Walk, Array]:
    """Walk over time, and read classes off the states: y_t = h_t W_hy + b_y."""
    state = {"h": np.repeat(params["h_0"], len(x), axis=0)} if "h_0" in params else None
    cell = {name: params[name] for name in ("W_xh", "W_hh", "b_h")}
    walk = through_time.forward(rnn, x, cell, state)
    return walk, walk.h @ params["W_hy"] + params["b_y"]


def share_right(task: Task, params: Params) -> float:
    """The share of sequences whose every target that counts is found."""
    right = (read(task.x, params)[1].argmax(axis=-1) == task.targets) | ~task.counted
    return float(right.all(axis=1).mean())


def lesson(folder: Path) -> dict[str, float]:
    """Learn all shapes, with both kinds of first state; returns the share of sequences without a mistake."""
    tasks = {
        "one-to-one: next digit": (next_digit(), next_digit(), 0),
        "one-to-many: name of a digit": (digit_names(), digit_names(), 0),
        "many-to-one: odd or even": (odd_number(1), odd_number(2), 0),
        "many-to-many: bits before": (bits_before(1), bits_before(2), 0),
        "the same, targets at the last three": (bits_before(1, 3), bits_before(2, 3), 0),
        "the same, gradient cut every 2 steps": (bits_before(1), bits_before(2), 2),
    }
    shares, rows, curves = {}, [], {}
    for name, (train, test, truncate) in tasks.items():
        row = [name]
        for kind in ("zeros", "learned"):
            params, losses = learn_task(train, kind == "learned", truncate)
            shares[f"{name}, {kind}"] = share_right(test, params)
            row.append(f"{shares[f'{name}, {kind}']:.1%}")
            if kind == "zeros":
                curves[name] = losses
        rows.append(row)
    show_table(["shape", "right, first state zeros", "learned"], rows)

    def draw(figure) -> None:
        axes = figure.subplots()
        draw_curves(axes, curves, 20)
        axes.set(xlabel="step", ylabel="nats", yscale="log")

    save_picture(draw, folder, "four_shapes", 6, 4)
    return shares


if __name__ == "__main__":
    run(lesson, __doc__)
