"""How far back does the gradient reach? And what to do when it explodes.

python -m from_scratch.vanishing_gradients

The loss looks at the last state alone. How much would it change with the state k steps before? On the way back the
gradient is multiplied by the same matrix at every step, so it shrinks or grows by about the same factor each time
(Bengio, Simard & Frasconi 1994). In an LSTM the way through the cell multiplies with the forget gate alone. Too large
gradients are cut: the whole vector shortened (by norm), or each number (by value), which also turns it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from from_scratch import gru, lstm, rnn, through_time
from from_scratch.lesson import run, save_picture, show_table
from from_scratch.mlp import Array
from from_scratch.optimizers import clip_by_norm, clip_by_value, global_norm

NUM_INPUTS, NUM_UNITS, NUM_STEPS, BATCH_SIZE = 8, 32, 100, 16
LAGS = (1, 10, 50, 99)


def gradient_norms(cell: Any, scale: float = 1.0, forget_bias: float | None = None, seed: int = 0) -> Array:
    """The size of the gradient of a loss at the last state by the state k steps before, for each lag k.

    Args:
        cell: `rnn`, `lstm` or `gru`.
        scale: factor on the recurrent weights.
        forget_bias: of an LSTM's forget gate; None leaves it.
        seed: of weights and inputs.
    Returns:
        (lags,), as a share of that at lag 0; all of the state counts, with the cell of an LSTM.
    """
    rng = np.random.default_rng(seed)
    params = cell.init_params(NUM_INPUTS, NUM_UNITS, rng)
    params["W_hh"] *= scale
    if forget_bias is not None:
        params["b_h"][NUM_UNITS : 2 * NUM_UNITS] = forget_bias
    x = rng.normal(size=(BATCH_SIZE, NUM_STEPS, NUM_INPUTS))
    walk = through_time.forward(cell, x, params)
    dstate = {name: np.zeros_like(value) for name, value in walk.last.items()}
    dstate["h"] = rng.normal(size=walk.last["h"].shape)
    norms = [global_norm(dstate)]
    for t in reversed(range(1, NUM_STEPS)):
        _, _, dstate = cell.step_back(dstate, x[:, t], walk.before[t], walk.kept[t], params)
        norms.append(global_norm(dstate))
    return np.array(norms) / norms[0]


def lesson(folder: Path) -> dict[str, Array]:
    """Measure the reach of each cell, and what clipping does; returns the norms by lag."""
    curves = {
        "Elman": gradient_norms(rnn),
        "Elman, weights x 1.8": gradient_norms(rnn, 1.8),
        "GRU": gradient_norms(gru),
        "LSTM, forget bias 0": gradient_norms(lstm, forget_bias=0.0),
        "LSTM, forget bias 1": gradient_norms(lstm),
        "LSTM, forget bias 5": gradient_norms(lstm, forget_bias=5.0),
    }
    show_table(
        ["gradient by the state before", *(f"{lag} steps" for lag in LAGS)],
        [[name, *(f"{norms[lag]:.1e}" for lag in LAGS)] for name, norms in curves.items()],
    )
    rng = np.random.default_rng(0)
    grads = {"W": rng.normal(size=(20, 20)) ** 3 * 10}
    rows = []
    for name, clipped in (
        ("as it is", grads),
        ("by norm 1", clip_by_norm(grads, 1)),
        ("by value 1", clip_by_value(grads, 1)),
    ):
        cosine = (clipped["W"] * grads["W"]).sum() / global_norm(clipped) / global_norm(grads)
        rows.append([name, global_norm(clipped), f"{np.degrees(np.arccos(min(cosine, 1.0))):.0f} degrees"])
    print()
    show_table(["clipping", "length", "turned by"], rows)

    def draw(figure) -> None:
        axes = figure.subplots()
        for name, norms in curves.items():
            axes.plot(np.maximum(norms, 1e-16), label=name)
        axes.set(xlabel="steps back", ylabel="size of the gradient", yscale="log", ylim=(1e-16, 1e4))
        axes.legend(frameon=False, fontsize=8)

    save_picture(draw, folder, "vanishing_gradients", 6, 4)
    return curves


if __name__ == "__main__":
    run(lesson, __doc__)
