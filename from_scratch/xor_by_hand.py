"""Exclusive or, one step with pencil and paper; and a tutorial that divides where it should multiply.

python -m from_scratch.xor_by_hand

Two inputs, three hidden units, one output, all sigmoid, no bias. Input (1, 1), wanted 0. A tutorial that has gone round
for years computes the first pass with sums rounded to three digits and then, to find how the output weights should
change, divides by what the hidden units say. The chain rule multiplies. Both lower the error of this one case, as the
sign is right; but a step that grows as its hidden unit matters less is no gradient. Where a hidden unit says next to
nothing the step goes through the roof, and the other cases, in which that unit speaks, pay for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from from_scratch.gradient_check import numeric_gradient
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.losses import squared_error
from from_scratch.mlp import Array, Params, backward, forward, sigmoid

ACTIVATIONS = ("sigmoid", "sigmoid")
X, TARGET = np.array([[1.0, 1.0]]), np.array([[0.0]])
ALL_X, ALL_TARGETS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])
LEARNING_RATE = 1.0


def first_params() -> Params:
    """The weights that the tutorial begins with."""
    return {"W_1": np.array([[0.8, 0.4, 0.3], [0.2, 0.9, 0.5]]), "W_2": np.array([[0.3], [0.5], [0.9]])}


def error_of(params: Params, x: Array = X, target: Array = TARGET) -> float:
    """Half the squared difference from what is wanted, mean over the cases."""
    return squared_error(forward(x, params, ACTIVATIONS)[-1], target)[0]


def true_step(params: Params) -> Array:
    """How the gradient changes the output weights (3, 1): by delta times what each hidden unit says."""
    said = forward(X, params, ACTIVATIONS)
    grads, _ = backward(squared_error(said[-1], TARGET)[1], said, params, ACTIVATIONS)
    return -LEARNING_RATE * grads["W_2"]


def tutorial_step(hidden: Array, output_sum: float, output: float) -> Array:
    """How the tutorial changes them (3, 1): by delta divided by what each hidden unit says.

    Its delta is the slope at the output sum, times what is wanted less the output.
    """
    slope = sigmoid(np.array(output_sum)) * (1 - sigmoid(np.array(output_sum)))
    return (slope * (TARGET[0, 0] - output) / hidden).reshape(-1, 1)


def changed(params: Params, step: Array) -> Params:
    """The parameters after a step of the output weights alone."""
    return {**params, "W_2": params["W_2"] + step}


def lesson(folder: Path) -> dict[str, float]:
    """Show the first pass, both steps, and what they do to the error; returns the errors."""
    params = first_params()
    _, hidden, output = forward(X, params, ACTIVATIONS)
    show_first_pass(params, hidden, output)
    # The step of the tutorial, with its own rounding, and the true one; then a numeric check of who is right.
    theirs, ours = tutorial_step(hidden[0], 1.235, output=0.77), true_step(params)
    show_steps(params, theirs, ours)
    show_errors(params, theirs, ours)
    save_picture(lambda figure: draw(figure, hidden, output.item()), folder, "xor_by_hand", 5)
    errors = {"before": error_of(params)}
    return errors | {"tutorial": error_of(changed(params, theirs)), "gradient": error_of(changed(params, ours))}


def show_first_pass(params: Params, hidden: Array, output: Array) -> None:
    """The sums and activations of the first pass, beside those of the tutorial."""
    output_sum = float((hidden @ params["W_2"]).item())
    show_table(
        ["first pass", "here", "in the tutorial"],
        [
            ["hidden sums", (X @ params["W_1"])[0].round(3).tolist(), "1, 1.3, 0.8"],
            *(
                [f"hidden unit {i + 1}", f"{value:.11f}", shown]
                for i, (value, shown) in enumerate(
                    zip(hidden[0], ("0.73105857863", "0.78583498304", "0.68997448112"), strict=True)
                )
            ),
            ["output sum", f"{output_sum:.10f}", "1.235 (of hidden units rounded to 0.73, 0.79, 0.69)"],
            ["output", f"{output.item():.10f}", f"{sigmoid(np.array(1.235)):.10f} (right to three digits)"],
        ],
    )


def show_steps(params: Params, theirs: Array, ours: Array) -> None:
    """Both steps of the output weights, beside a numeric gradient."""
    numeric = -LEARNING_RATE * numeric_gradient(lambda: error_of(params), params["W_2"])
    print()
    show_table(
        ["output weight", "before", "tutorial", "gradient", "numeric gradient"],
        [
            [i + 1, *(f"{(params['W_2'] + step)[i, 0]:.4f}" for step in (0 * ours, theirs, ours, numeric))]
            for i in range(3)
        ],
    )


def show_errors(params: Params, theirs: Array, ours: Array) -> None:
    """The error before and after both steps, of this case and of all four."""
    # The same with a first hidden unit that says almost nothing in this case, so that its output weight hardly matters.
    quiet = {**params, "W_1": params["W_1"] - np.array([[8.0, 0, 0], [0, 0, 0]])}
    _, quiet_hidden, quiet_output = forward(X, quiet, ACTIVATIONS)
    quiet_sum = float((quiet_hidden @ quiet["W_2"]).item())
    steps = [
        ("says 0.731", "tutorial", params, theirs),
        ("says 0.731", "gradient", params, ours),
        (f"says {quiet_hidden[0, 0]:.5f}", "tutorial", quiet,
         tutorial_step(quiet_hidden[0], quiet_sum, quiet_output.item())),
        (f"says {quiet_hidden[0, 0]:.5f}", "gradient", quiet, true_step(quiet)),
    ]  # fmt: skip
    print()
    show_table(
        ["hidden unit 1", "step of", "its output weight", "error of (1, 1)", "after", "error of all four", "after"],
        [
            [
                *names, float(step[0, 0]), error_of(start), error_of(changed(start, step)),
                error_of(start, ALL_X, ALL_TARGETS), error_of(changed(start, step), ALL_X, ALL_TARGETS),
            ]
            for *names, start, step in steps
        ],
    )  # fmt: skip


def draw(figure, hidden: Array, output: float) -> None:
    """The size of both steps against the activation of the hidden unit."""
    axes = figure.subplots()
    places = np.linspace(0.02, 1, 200)
    delta = output**2 * (1 - output)
    axes.plot(places, delta * places, label="gradient: delta x hidden")
    axes.plot(places, delta / places, "--", label="tutorial: delta / hidden")
    axes.plot(hidden[0], delta * hidden[0], "o", color="C0")
    axes.plot(hidden[0], delta / hidden[0], "o", color="C1")
    axes.set(xlabel="activation of the hidden unit", ylabel="step down of its output weight", ylim=(0, 1))
    axes.legend(frameon=False)


if __name__ == "__main__":
    run(lesson, __doc__)
