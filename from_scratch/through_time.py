"""The walk over time, forward and back, for any cell: `rnn`, `lstm` or `gru`.

        x_1       x_2       x_3                              x_3       x_2       x_1
         |         |         |                                ^         ^         ^
    s_0 -+-> s_1 --+-> s_2 --+-> s_3      and back   ds_3 ----+-> ds_2 -+-> ds_1 -+-> ds_0
             |         |         |                    ^         ^         ^
            h_1       h_2       h_3                  dh_3      dh_2      dh_1

At padding the state stays as it was, on the way back too. Several layers, or two directions, are walks whose
results are put together: `stacked`, `both_ways`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from from_scratch.mlp import Array, Params
from from_scratch.rnn import Mask

State = dict[str, Array]


class Cell(Protocol):
    """A module with the functions of a cell."""

    def init_params(self, num_inputs: int, num_units: int, rng: np.random.Generator) -> Params: ...
    def init_state(self, batch_size: int, params: Params) -> State: ...
    def step(self, x_t: Array, state: State, params: Params) -> tuple[State, State]: ...
    def step_back(
        self, dstate: State, x_t: Array, before: State, kept: State, params: Params
    ) -> tuple[Params, Array, State]: ...


@dataclass(frozen=True)
class Walk:
    """What a walk over time found.

    Args:
        h: the state after each step, (batch, time, units).
        last: the state after the last step, with the cell of an LSTM.
        before: the state before each step.
        kept: what each step kept; of an LSTM the gates.
    """

    h: Array
    last: State
    before: list[State]
    kept: list[State]


def forward(cell: Any, x: Array, params: Params, state: State | None = None, mask: Mask | None = None) -> Walk:
    """Walk over time.

    Args:
        cell: one of the modules `rnn`, `lstm` and `gru`.
        x: (batch, time, inputs).
        params: of `cell.init_params`.
        state: before the first step; None is zeros.
        mask: (batch, time), True where there is a real step; None where all are.
    """
    state = cell.init_state(len(x), params) if state is None else state
    before, kept, h = [], [], []
    for t in range(x.shape[1]):
        after, keep = cell.step(x[:, t], state, params)
        before.append(state)
        kept.append(keep)
        if mask is not None:
            real = mask[:, t, None]  # (batch, 1)
            after = {name: np.where(real, value, state[name]) for name, value in after.items()}
        state = after
        h.append(state["h"])
    return Walk(np.stack(h, axis=1), state, before, kept)


def backward(
    cell: Any,
    walk: Walk,
    x: Array,
    params: Params,
    dh: Array,
    dlast: State | None = None,
    mask: Mask | None = None,
    truncate: int = 0,
) -> tuple[Params, Array, State]:
    """Walk back through time.

    Args:
        cell: as in `forward`.
        walk: of `forward`.
        x: as in `forward`.
        params: the parameters.
        dh: derivative of the loss by the state that was read off each step, (batch, time, units).
        dlast: by the last state, where that was used too.
        mask: as in `forward`.
        truncate: the gradient goes back within stretches of so many steps; 0 is all the way.
    Returns:
        The derivatives by the parameters, by x (batch, time, inputs), and by the state before the first step.
    """
    grads: Params = {}
    dx = np.zeros_like(x)
    dstate = {name: np.zeros_like(value) for name, value in walk.last.items()}
    for name, value in (dlast or {}).items():
        dstate[name] = dstate[name] + value
    for t in reversed(range(x.shape[1])):
        dstate["h"] = dstate["h"] + dh[:, t]
        stays: State = {}
        if mask is not None:  # at padding the derivative passes by
            real = mask[:, t, None]
            stays = {name: np.where(real, 0, value) for name, value in dstate.items()}
            dstate = {name: np.where(real, value, 0) for name, value in dstate.items()}
        step_grads, dx[:, t], dstate = cell.step_back(dstate, x[:, t], walk.before[t], walk.kept[t], params)
        for name, grad in step_grads.items():  # the weights are the same at every step: what each says adds up
            grads[name] = grads[name] + grad if name in grads else grad
        dstate = {name: value + stays.get(name, 0) for name, value in dstate.items()}
        if truncate and t % truncate == 0 and t:
            dstate = {name: np.zeros_like(value) for name, value in dstate.items()}
    return grads, dx, dstate


def reverse(x: Array, mask: Mask | None = None) -> Array:
    """Turn the real steps of each row round; padding stays on the right. Twice is as before.

    >>> reverse(np.array([[[1], [2], [0]]]), np.array([[True, True, False]]))[0, :, 0].tolist()
    [2, 1, 0]
    """
    if mask is None:
        return x[:, ::-1]
    turned = x.copy()
    for row, length in enumerate(mask.sum(axis=1)):
        turned[row, :length] = x[row, :length][::-1]
    return turned


def stacked_forward(cell: Any, x: Array, layers: list[Params], mask: Mask | None = None) -> list[Walk]:
    """Let each layer read the states of the one below; the top one is last."""
    walks: list[Walk] = []
    for params in layers:
        walks.append(forward(cell, walks[-1].h if walks else x, params, mask=mask))
    return walks


def stacked_backward(
    cell: Any, walks: list[Walk], x: Array, layers: list[Params], dh: Array, mask: Mask | None = None
) -> tuple[list[Params], Array]:
    """Go back through the layers, the top one first; `dh` is by its states. Returns derivatives by layer, and by x."""
    grads: list[Params] = []
    for number in reversed(range(len(layers))):
        below = walks[number - 1].h if number else x
        layer_grads, dh, _ = backward(cell, walks[number], below, layers[number], dh, mask=mask)
        grads.insert(0, layer_grads)
    return grads, dh


def both_ways_forward(
    cell: Any, x: Array, params: tuple[Params, Params], mask: Mask | None = None
) -> tuple[Array, tuple[Walk, Walk]]:
    """Read a text from both ends: Schuster & Paliwal 1997.

    Args:
        cell: as in `forward`.
        x: (batch, time, inputs).
        params: of the way forward, and of the way from the end.
        mask: as in `forward`.
    Returns:
        At each step what was read up to it from either side, (batch, time, 2 units), and the two walks.
    """
    there, back = forward(cell, x, params[0], mask=mask), forward(cell, reverse(x, mask), params[1], mask=mask)
    return np.concatenate([there.h, reverse(back.h, mask)], axis=-1), (there, back)


def both_ways_backward(
    cell: Any, walks: tuple[Walk, Walk], x: Array, params: tuple[Params, Params], dh: Array, mask: Mask | None = None
) -> tuple[tuple[Params, Params], Array]:
    """Go back through both directions; `dh` (batch, time, 2 units). Returns the derivatives of each, and by x."""
    dh_there, dh_back = np.split(dh, 2, axis=-1)
    grads_there, dx_there, _ = backward(cell, walks[0], x, params[0], dh_there, mask=mask)
    grads_back, dx_back, _ = backward(cell, walks[1], reverse(x, mask), params[1], reverse(dh_back, mask), mask=mask)
    return (grads_there, grads_back), dx_there + reverse(dx_back, mask)
