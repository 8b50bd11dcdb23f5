"""Gates and cells of recurrent layers, from their weights, their inputs and their states, in NumPy.

A network gives its states h; its gates stay inside. With all h known there is nothing to walk through: what a gate
computes at step t depends on x_t and h_(t-1) alone, so two matrix products give the gates of all steps at once.

LSTM   i, f, o = sigmoid(x W + h_(t-1) U + b),  g = tanh(…);  c_t = f c_(t-1) + i g,  h_t = o tanh(c_t)
GRU    z, r = sigmoid(x W + h_(t-1) U + b),  g = tanh(x W + r (h_(t-1) U + b'));  h_t = z h_(t-1) + (1 - z) g

Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; Cho et al. 2014. Keras' order of the gates. The
cells of `from_scratch` go step by step and back again, and nothing but tests and lessons imports them; tests hold both
against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.inference.states import LayerStates, RecurrentLayer

Array = NDArray[np.floating]
GATES = {"LSTM": ("i", "f", "g", "o"), "GRU": ("z", "r", "g"), "SimpleRNN": ()}
NAMES = {
    "i": "input gate", "f": "forget gate", "o": "output gate", "g": "candidate", "c": "cell", "z": "update gate",
    "r": "reset gate", "h": "state",
}  # fmt: skip
SIGMOIDS = ("i", "f", "o", "z", "r")  # from 0, closed, to 1, open


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
}


def find_gates(layer: RecurrentLayer, found: LayerStates, mask: NDArray[np.bool_] | None = None) -> dict[str, Array]:
    """Compute the gates of a layer, and the cells of an LSTM, at every step.

    Args:
        layer: its weights and settings.
        found: what it reads and its states, of `common.inference.states.StateReader`, from states of zeros.
        mask: bool (batch, time), True where there is a real token, which are on the left; None: everywhere.
    Returns:
        By name, of `GATES` and "c", float32 (batch, time, units), in the order of the steps; at padding they mean
        nothing. A SimpleRNN has none.
    Raises:
        InputError: an activation that is not among `ACTIVATIONS`.
    """
    if not GATES[layer.class_name]:
        return {}
    order = slice(None, None, -1 if layer.backwards else 1)
    inputs, states = found.inputs[:, order], found.states[:, order]
    before = np.concatenate([np.zeros_like(states[:, :1]), states[:, :-1]], axis=1)  # h_(t-1); padding has zeros
    if layer.class_name == "GRU":
        gates = _gru_gates(layer, inputs, before)
    else:
        gates = _lstm_gates(layer, inputs, before)
        gates["c"] = _cells(gates, None if mask is None else mask[:, order])
    return {name: values[:, order] for name, values in gates.items()}


def _lstm_gates(layer: RecurrentLayer, inputs: Array, before: Array) -> dict[str, Array]:
    kernel, recurrent_kernel, *bias = layer.weights
    z = inputs @ kernel + before @ recurrent_kernel + sum(bias)  # (batch, time, 4 units)
    squash, activate = _activations(layer)
    return {
        name: (activate if name == "g" else squash)(part)
        for name, part in zip(GATES["LSTM"], np.split(z, 4, axis=-1), strict=True)
    }


def _cells(gates: dict[str, Array], mask: NDArray[np.bool_] | None) -> Array:
    """The cells (batch, time, units): what the forget gate lets through, and what the input gate adds."""
    new = gates["i"] * gates["g"]
    if mask is not None:
        new = new * mask[:, :, None]  # of one that reads backwards, padding comes first: nothing is kept of it
    cells = np.empty_like(new)
    cell = np.zeros_like(new[:, 0])
    for t in range(new.shape[1]):
        cell = gates["f"][:, t] * cell + new[:, t]
        cells[:, t] = cell
    return cells


def _gru_gates(layer: RecurrentLayer, inputs: Array, before: Array) -> dict[str, Array]:
    kernel, recurrent_kernel, *bias = layer.weights
    rows = bias[0].reshape(-1, kernel.shape[1]) if bias else np.zeros((1, kernel.shape[1]), np.float32)
    x_z, x_r, x_g = np.split(inputs @ kernel + rows[0], 3, axis=-1)  # each (batch, time, units)
    U_z, U_r, U_g = np.split(recurrent_kernel, 3, axis=-1)
    b_z, b_r, b_g = np.split(rows[1], 3) if len(rows) == 2 else (np.float32(0),) * 3  # of the state: `reset_after`
    squash, activate = _activations(layer)
    z, r = squash(x_z + before @ U_z + b_z), squash(x_r + before @ U_r + b_r)
    remembered = r * (before @ U_g + b_g) if layer.config["reset_after"] else (r * before) @ U_g
    return {"z": z, "r": r, "g": activate(x_g + remembered)}


def _activations(layer: RecurrentLayer) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The functions of the gates and of the candidate."""
    names = [layer.config["recurrent_activation"], layer.config["activation"]]
    for name in names:
        if name not in ACTIVATIONS:
            raise InputError(f"layer {layer.name}: activation {name} has no gates here; {', '.join(ACTIVATIONS)} have")
    return ACTIVATIONS[names[0]], ACTIVATIONS[names[1]]
