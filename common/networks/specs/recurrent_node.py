"""The ONNX nodes LSTM, GRU and RNN, which run over all steps at once.

They differ from Keras in their conventions:

    time     first in ONNX: (time, batch, features); Keras has (batch, time, features)
    gates    an LSTM's are input, output, forget, candidate in ONNX; Keras: input, forget, candidate, output
    padding  ONNX is told the length of each row; Keras is given a mask, which must be right-padded to mean the same
    weights  ONNX multiplies from the left, so kernels are transposed

ONNX Runtime has a dynamically quantized LSTM of its own, which multiplies in int8. Each column of a kernel gets a
scale, its largest weight / 127, when the graph is made; `int8_lstm` fixes those of the inputs and the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.networks.specs.int8_lstm import INT8_DOMAIN, INT8_LSTM, Inputs, Weights, fix_ranges, without_ends
from common.networks.specs.translation import Attribute, Graph, LayerReader, activation_operator

# Keras' class: ONNX' operator, and the places of its gates among Keras' gates.
OPERATORS = {"SimpleRNN": ("RNN", [0]), "GRU": ("GRU", [0, 1, 2]), "LSTM": ("LSTM", [0, 3, 1, 2])}


class OverTime(NamedTuple):
    """What a recurrent node returns.

    Args:
        steps: the output of every step (time, direction, batch, units).
        finals: what ONNX gives as the last of each kind of state, (direction, batch, units).
        states: the states after the last step, which differ from `finals` in a row of padding alone.
    """

    steps: str
    finals: list[str]
    states: list[str]


def run_over_time(
    graph: Graph,
    cells: Sequence[LayerReader],
    direction: str,
    inputs: str,
    starts: Sequence[str] | None,
    mask: str | None,
) -> OverTime:
    """Add the recurrent node.

    Args:
        graph: gets the node.
        cells: the layer of each direction.
        direction: ONNX' name of it.
        inputs: (batch, time, features).
        starts: the initial states (batch, units), those of the first direction first; None: zeros.
        mask: bool (batch, time); None: every step is real.
    """
    cell = cells[0]
    for side in cells:
        side.require(stateful=False, unroll=False)
    lengths = _lengths(graph, mask) if mask else ""
    initial = _initial_states(graph, starts, 2 if cell.class_name == "LSTM" else 1)
    steps, *finals = _add_node(graph, cells, direction, inputs, lengths, initial)
    graph.over_time[cell.name.removesuffix(".forward")] = inputs, steps
    if not mask or not initial:
        return OverTime(steps, finals, finals)
    some = graph.add("Greater", lengths, graph.constant(0, np.int32))  # (batch,)
    some = graph.add("Unsqueeze", some, graph.constant([1]))
    states = [graph.add("Where", some, *both) for both in zip(finals, initial, strict=True)]
    return OverTime(steps, finals, states)


def _add_node(
    graph: Graph, cells: Sequence[LayerReader], direction: str, inputs: str, lengths: str, initial: list[str]
) -> list[str]:
    cell = cells[0]
    operator, gates = OPERATORS[cell.class_name]
    weights = [np.stack(parts) for parts in zip(*(onnx_weights(side, gates) for side in cells), strict=True)]
    attributes: dict[str, Attribute] = {"hidden_size": cell["units"], "direction": direction}
    if operator == "GRU":
        attributes["linear_before_reset"] = int(cell["reset_after"])
    attributes |= _activations(cell, operator, len(cells))
    time_first = graph.time_first.get((inputs, None)) or graph.add("Transpose", inputs, perm=[1, 0, 2])
    if not cell["use_bias"]:
        weights = weights[:2]
    name = cell.name.removesuffix(".forward")
    if graph.int8 and operator == "LSTM":
        return _add_int8(graph, name, Inputs(time_first, initial), weights, lengths, attributes)
    bias = graph.weight(f"{name}.B", weights[2]) if len(weights) > 2 else ""
    kernels = [graph.weight(f"{name}.{part}", kernel) for part, kernel in zip("WR", weights, strict=False)]
    num_results = 3 if cell.class_name == "LSTM" else 2
    return graph.add_several(
        operator, time_first, *kernels, bias, lengths, *initial, outputs=num_results, domain=None, **attributes
    )


def _add_int8(
    graph: Graph,
    name: str,
    given: Inputs,
    weights: list[np.ndarray],
    lengths: str,
    attributes: dict[str, Attribute],
) -> list[str]:
    """Add an LSTM that multiplies in int8; where the inputs have a bound, a row is rounded alike in any company."""
    if len(weights) < 3:
        weights = [*weights, np.zeros((len(weights[0]), 2 * weights[0].shape[1]), np.float32)]
    largest = graph.bound(given.steps)
    is_fixed = largest is not None and set(attributes["activations"]) <= {"Sigmoid", "Tanh"}  # type: ignore[arg-type]
    own = Weights(*weights)
    if is_fixed and largest is not None:
        given, own = fix_ranges(graph, given, own, largest)
        attributes = {**attributes, "hidden_size": own.recurrent_kernel.shape[2]}
    kernels, scales = _in_int8(graph, name, [own.kernel, own.recurrent_kernel])
    rest = [*given.states, *[""] * (3 - len(given.states)), *scales]  # no peepholes
    read = [given.steps, *kernels, graph.weight(f"{name}.B", own.bias), lengths, *rest]
    results = graph.add_several(INT8_LSTM, *read, outputs=3, domain=INT8_DOMAIN, **attributes)
    return without_ends(graph, results) if is_fixed else results


def _initial_states(graph: Graph, starts: Sequence[str] | None, num_states: int) -> list[str]:
    """The initial states of all directions together, each (direction, batch, units)."""
    initial = []
    for number in range(num_states if starts else 0):
        rows = [graph.add("Unsqueeze", state, graph.constant([0])) for state in (starts or [])[number::num_states]]
        initial.append(rows[0] if len(rows) == 1 else graph.add("Concat", *rows, axis=0))
    return initial


def _in_int8(graph: Graph, name: str, kernels: list[np.ndarray]) -> tuple[list[str], list[str]]:
    """Round the kernels (direction, gates * units, features) to int8.

    Returns:
        The rounded kernels (direction, features, gates * units); their scales and zero points, in turn.
    """
    rounded, scales = [], []
    for part, kernel in zip("WR", kernels, strict=True):
        kernel = np.swapaxes(kernel, 1, 2)
        scale = np.maximum(np.abs(kernel).max(axis=1), 1e-30) / 127  # (direction, gates * units)
        rounded.append(graph.weight(f"{name}.{part}8", np.rint(kernel / scale[:, None]), np.int8))
        scales.append(graph.weight(f"{name}.{part}_scale", scale))
        scales.append(graph.weight(f"{name}.{part}_zero", np.zeros_like(scale), np.int8))
    return rounded, scales


def _lengths(graph: Graph, mask: str) -> str:
    """Count the real steps of each row, (batch,)."""
    return graph.add("ReduceSum", graph.cast(mask, np.int32), graph.constant([1]), keepdims=0)


def _activations(cell: LayerReader, operator: str, num_directions: int) -> dict[str, Attribute]:
    names = [cell["activation"]]
    if operator != "RNN":
        names.insert(0, cell["recurrent_activation"])
    if operator == "LSTM":
        names.append(cell["activation"])
    linear = ("Affine", {"alpha": 1.0, "beta": 0.0})
    found = [linear if name == "linear" else activation_operator(cell, name) for name in names * num_directions]
    attributes: dict[str, Attribute] = {"activations": [operator for operator, _ in found]}
    for key in ("alpha", "beta"):  # in turn, for the functions that have one
        if values := [values[key] for _, values in found if key in values]:
            attributes[f"activation_{key}"] = values
    return attributes


def onnx_weights(cell: LayerReader, gates: list[int]) -> list[np.ndarray]:
    """Put a direction's weights in ONNX' order: W (gates * units, features), R (gates * units, units), B."""

    def reorder(weight: np.ndarray) -> np.ndarray:
        parts = np.split(weight, len(gates), axis=-1)
        return np.concatenate([parts[gate] for gate in gates], axis=-1)

    kernel, recurrent_kernel, *bias = cell.weights
    matrices = [reorder(kernel).T, reorder(recurrent_kernel).T]
    if not bias:
        return matrices
    # B holds a bias for the input and one for the state; Keras has both only in a GRU with `reset_after`.
    both = bias[0] if bias[0].ndim == 2 else np.stack([bias[0], np.zeros_like(bias[0])])
    return [*matrices, reorder(both).ravel()]
