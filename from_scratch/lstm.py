"""Long short-term memory: a cell beside the state, and gates that say what goes into it, what stays and what comes out.

    i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o)     input, forget and output gate
    g       = tanh(z_g)                                    what might go into the cell
    c_t     = f c_{t-1} + i g                              z = x_t W_xh + h_{t-1} W_hh + b_h, in the order i f g o
    h_t     = o tanh(c_t)

From c_t back to c_{t-1} there is only a product with f: where the gate is open, the gradient neither fades nor grows.
Hochreiter & Schmidhuber 1997, "Long Short-Term Memory"; Gers et al. 2000 for the forget gate.
"""

from __future__ import annotations

import numpy as np

from from_scratch.mlp import Array, Params, glorot, sigmoid
from from_scratch.rnn import orthogonal

GATES = ("i", "f", "g", "o")


def init_params(num_inputs: int, num_units: int, rng: np.random.Generator) -> Params:
    """Make the parameters: `W_xh` (inputs, 4 units), `W_hh` (units, 4 units), `b_h` (4 units,).

    The forget gate begins open, with a bias of one: Jozefowicz et al. 2015.
    """
    b_h = np.zeros(4 * num_units)
    b_h[num_units : 2 * num_units] = 1
    return {
        "W_xh": glorot(num_inputs, 4 * num_units, rng),
        "W_hh": np.concatenate([orthogonal(num_units, rng) for _ in GATES], axis=1),
        "b_h": b_h,
    }


def init_state(batch_size: int, params: Params) -> dict[str, Array]:
    """State and cell before the first step: zeros (batch, units)."""
    shape = (batch_size, len(params["W_hh"]))
    return {name: np.zeros(shape, params["W_hh"].dtype) for name in ("h", "c")}


def step(x_t: Array, state: dict[str, Array], params: Params) -> tuple[dict[str, Array], dict[str, Array]]:
    """Go one step; see `from_scratch.rnn.step`. The gates are among what is kept."""
    z = x_t @ params["W_xh"] + state["h"] @ params["W_hh"] + params["b_h"]  # (batch, 4 units)
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c_t = f * state["c"] + i * g
    tanh_c = np.tanh(c_t)
    return {"h": o * tanh_c, "c": c_t}, {"i": i, "f": f, "g": g, "o": o, "tanh_c": tanh_c}


def step_back(
    dstate: dict[str, Array], x_t: Array, before: dict[str, Array], kept: dict[str, Array], params: Params
) -> tuple[Params, Array, dict[str, Array]]:
    """Go one step back; see `from_scratch.rnn.step_back`."""
    i, f, g, o, tanh_c = (kept[name] for name in (*GATES, "tanh_c"))
    dh_t = dstate["h"]
    dc_t = dstate["c"] + dh_t * o * (1 - tanh_c**2)
    dz_i = dc_t * g * i * (1 - i)
    dz_f = dc_t * before["c"] * f * (1 - f)
    dz_g = dc_t * i * (1 - g**2)
    dz_o = dh_t * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=-1)  # (batch, 4 units)
    grads = {"W_xh": x_t.T @ dz, "W_hh": before["h"].T @ dz, "b_h": dz.sum(axis=0)}
    return grads, dz @ params["W_xh"].T, {"h": dz @ params["W_hh"].T, "c": dc_t * f}
