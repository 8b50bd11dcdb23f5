"""The Elman network: a state that goes round.

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)

          h_0 ---> h_1 ---> h_2 ---> h_3          unrolled, it is a deep network whose layers share their weights,
                    ^        ^        ^           and each gets an input of its own
                   x_1      x_2      x_3

Going back through time, the derivative by a state comes from two sides: from what was read off it, and from the state
after it. Elman 1990, "Finding Structure in Time"; Werbos 1990, "Backpropagation Through Time".

Rows are cases here, as everywhere in NumPy, so the matrices stand on the right: x_t W_xh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from from_scratch.mlp import Array, Params, glorot

Mask = NDArray[np.bool_]


def orthogonal(num_units: int, rng: np.random.Generator) -> Array:
    """A random rotation (num_units, num_units): a state that goes round many times neither grows nor fades."""
    q, r = np.linalg.qr(rng.normal(size=(num_units, num_units)))
    return q * np.sign(np.diag(r))


def init_params(num_inputs: int, num_units: int, rng: np.random.Generator) -> Params:
    """Make the parameters: `W_xh` (inputs, units), `W_hh` (units, units), `b_h` (units,)."""
    return {
        "W_xh": glorot(num_inputs, num_units, rng),
        "W_hh": orthogonal(num_units, rng),
        "b_h": np.zeros(num_units),
    }


def init_state(batch_size: int, params: Params) -> dict[str, Array]:
    """The state before the first step: zeros (batch, units)."""
    return {"h": np.zeros((batch_size, len(params["W_hh"])), params["W_hh"].dtype)}


def step(x_t: Array, state: dict[str, Array], params: Params) -> tuple[dict[str, Array], dict[str, Array]]:
    """Go one step.

    Args:
        x_t: (batch, inputs).
        state: before, `h` (batch, units).
        params: the parameters.
    Returns:
        The state after, and what the way back will need.
    """
    h_t = np.tanh(state["h"] @ params["W_hh"] + x_t @ params["W_xh"] + params["b_h"])
    return {"h": h_t}, {"h_t": h_t}


def step_back(
    dstate: dict[str, Array], x_t: Array, before: dict[str, Array], kept: dict[str, Array], params: Params
) -> tuple[Params, Array, dict[str, Array]]:
    """Go one step back.

    Args:
        dstate: derivative of the loss by the state after the step.
        x_t: as in `step`.
        before: the state before the step.
        kept: what `step` kept.
        params: the parameters.
    Returns:
        The derivatives by the parameters, by x_t, and by the state before.
    """
    dz = dstate["h"] * (1 - kept["h_t"] ** 2)  # through tanh
    grads = {"W_xh": x_t.T @ dz, "W_hh": before["h"].T @ dz, "b_h": dz.sum(axis=0)}
    return grads, dz @ params["W_xh"].T, {"h": dz @ params["W_hh"].T}
