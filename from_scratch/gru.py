"""The gated recurrent unit: no cell, two gates, and a state that is mixed from the old one and a new one.

    z_t  = sigmoid(x_t W_xz + b_xz + h_{t-1} W_hz + b_hz)           update gate: how much of the old state stays
    r_t  = sigmoid(x_t W_xr + b_xr + h_{t-1} W_hr + b_hr)           reset gate: how much of it the new one sees
    n_t  = tanh(x_t W_xn + b_xn + r_t (h_{t-1} W_hn + b_hn))        what is new
    h_t  = z_t h_{t-1} + (1 - z_t) n_t

Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", in the form of its third version, which is
that of Keras and of cuDNN: the reset gate comes after the product.
"""

from __future__ import annotations

import numpy as np

from from_scratch.mlp import Array, Params, glorot, sigmoid
from from_scratch.rnn import init_state, orthogonal

__all__ = ["init_params", "init_state", "step", "step_back"]


def init_params(num_inputs: int, num_units: int, rng: np.random.Generator) -> Params:
    """Make the parameters: `W_xh` (inputs, 3 units), `W_hh` (units, 3 units), `b_x`, `b_h` (3 units,); order z r n."""
    return {
        "W_xh": glorot(num_inputs, 3 * num_units, rng),
        "W_hh": np.concatenate([orthogonal(num_units, rng) for _ in range(3)], axis=1),
        "b_x": np.zeros(3 * num_units),
        "b_h": np.zeros(3 * num_units),
    }


def step(x_t: Array, state: dict[str, Array], params: Params) -> tuple[dict[str, Array], dict[str, Array]]:
    """Go one step; see `from_scratch.rnn.step`. The gates are among what is kept."""
    from_x = np.split(x_t @ params["W_xh"] + params["b_x"], 3, axis=-1)  # each (batch, units)
    from_h = np.split(state["h"] @ params["W_hh"] + params["b_h"], 3, axis=-1)
    z, r = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
    n = np.tanh(from_x[2] + r * from_h[2])
    return {"h": z * state["h"] + (1 - z) * n}, {"z": z, "r": r, "n": n, "from_h": from_h[2]}


def step_back(
    dstate: dict[str, Array], x_t: Array, before: dict[str, Array], kept: dict[str, Array], params: Params
) -> tuple[Params, Array, dict[str, Array]]:
    """Go one step back; see `from_scratch.rnn.step_back`."""
    z, r, n, from_h = (kept[name] for name in ("z", "r", "n", "from_h"))
    dh_t = dstate["h"]
    dn = dh_t * (1 - z) * (1 - n**2)
    dz = dh_t * (before["h"] - n) * z * (1 - z)
    dr = dn * from_h * r * (1 - r)
    dx_side = np.concatenate([dz, dr, dn], axis=-1)  # (batch, 3 units)
    dh_side = np.concatenate([dz, dr, dn * r], axis=-1)
    grads = {
        "W_xh": x_t.T @ dx_side,
        "W_hh": before["h"].T @ dh_side,
        "b_x": dx_side.sum(axis=0),
        "b_h": dh_side.sum(axis=0),
    }
    return grads, dx_side @ params["W_xh"].T, {"h": dh_side @ params["W_hh"].T + z * dh_t}
