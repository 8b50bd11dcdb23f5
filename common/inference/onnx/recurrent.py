"""Keras' recurrent layers as ONNX nodes LSTM, GRU and RNN, which run over all steps at once.

They differ from Keras in their habits:

    time     first in ONNX: (time, batch, features); Keras has (batch, time, features)
    gates    an LSTM's are input, output, forget, candidate in ONNX; Keras: input, forget, candidate, output
    padding  ONNX is told the length of each row; Keras is given a mask, which must be right-padded to mean the same
    weights  ONNX multiplies from the left, so kernels are transposed

ONNX Runtime has an LSTM of its own that multiplies in whole numbers of 8 bits. Each column of a kernel gets a scale,
its largest weight / 127, when the graph is made; each matrix of inputs and states gets one at run time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from common.inference.onnx.nodes import Graph, LayerReader, activation_operator, flip

# Keras' class: ONNX' operator, and the places of its gates among Keras' gates.
RECURRENT = {"SimpleRNN": ("RNN", [0]), "GRU": ("GRU", [0, 1, 2]), "LSTM": ("LSTM", [0, 3, 1, 2])}
INT8_LSTM, INT8_DOMAIN = "DynamicQuantizeLSTM", "com.microsoft"


def recurrent(
    graph: Graph,
    layer: LayerReader,
    inputs: str,
    initial_state: str | list[str] | None = None,
    mask: str | None = None,
) -> Any:
    """Add a SimpleRNN, GRU or LSTM: its output, or with `return_state` a list of output and states."""
    backwards = layer["go_backwards"]
    starts = [initial_state] if isinstance(initial_state, str) else initial_state
    steps, finals, states = _run_over_time(graph, [layer], "reverse" if backwards else "forward", inputs, starts, mask)
    last = graph.add("Squeeze", finals[0], graph.constant([0]))  # (batch, units)
    if layer["return_sequences"]:
        steps = graph.add("Squeeze", steps, graph.constant([1]))  # (time, batch, units)
        output = graph.add("Transpose", steps, perm=[1, 0, 2])  # (batch, time, units)
        graph.time_first[output, mask] = steps
        if backwards:  # Keras returns the steps in the order in which they were made: padding first
            output = flip(graph, output, axis=1)
        elif mask and not layer["zero_output_for_mask"]:
            # ONNX returns zeros where there is padding, Keras the last output again.
            real = graph.add("Unsqueeze", mask, graph.constant([2]))  # (batch, time, 1)
            output = graph.add("Where", real, output, graph.add("Unsqueeze", last, graph.constant([1])))
    else:
        if mask:  # Keras would return zeros for every row that is shorter than the longest
            layer.require(zero_output_for_mask=False)
        output = last
    layer["zero_output_for_mask"]
    if not layer["return_state"]:
        return output
    return [output, *(graph.add("Squeeze", state, graph.constant([0])) for state in states)]


MERGES = {"sum": "ReduceSum", "mul": "ReduceProd", "ave": "ReduceMean"}


def bidirectional(
    graph: Graph,
    layer: LayerReader,
    inputs: str,
    initial_state: list[str] | None = None,
    mask: str | None = None,
) -> Any:
    """Add a layer that reads both ways; without `merge_mode` its output is two."""
    forward, backward = layer["layer"], layer.get("backward_layer") or layer["layer"]
    half = len(layer.weights) // 2
    sides = [
        LayerReader(f"{layer.name}.{name}", side["class_name"], side["config"], weights)
        for name, side, weights in (
            ("forward", forward, layer.weights[:half]),
            ("backward", backward, layer.weights[half:]),
        )
    ]
    same = [
        "return_sequences",
        "return_state",
        "units",
        "activation",
        "recurrent_activation",
        "reset_after",
        "use_bias",
    ]
    if sides[0].class_name != sides[1].class_name or any(sides[0].get(name) != sides[1].get(name) for name in same):
        raise layer.not_covered("two directions of different kinds", "the same layer both ways is")
    sides[0].require(go_backwards=False)
    if "backward_layer" in layer.config:
        sides[1].require(go_backwards=True)
    steps, finals, states = _run_over_time(graph, sides, "bidirectional", inputs, initial_state, mask)
    sequences = sides[0]["return_sequences"]
    for side in sides:  # Keras sets it so: zeros where there is padding, as ONNX has them
        side.require(zero_output_for_mask=sequences)
        side.read |= {"go_backwards"}
        side.check_all_read()
    if sequences:
        both = graph.add("Transpose", steps, perm=[2, 0, 1, 3])  # (batch, time, direction, units)
    else:
        both = graph.add("Transpose", finals[0], perm=[1, 0, 2])  # (batch, direction, units)
    merge, axis = layer["merge_mode"], -2
    if merge == "concat":
        output = [graph.add("Reshape", both, graph.constant([0, 0, -1] if sequences else [0, -1]))]
    elif merge is None:
        output = [graph.add("Gather", both, graph.constant(number), axis=axis) for number in range(2)]
    else:
        output = [graph.add(MERGES[merge], both, graph.constant([axis]), keepdims=0)]
    if sides[0]["return_state"]:
        for number in range(2):
            output += [graph.add("Gather", state, graph.constant(number), axis=0) for state in states]
    return output if len(output) > 1 else output[0]


def _run_over_time(
    graph: Graph, cells: list[LayerReader], direction: str, inputs: str, starts: list[str] | None, mask: str | None
) -> tuple[str, list[str], list[str]]:
    """Add the recurrent node.

    Args:
        graph: gets the node.
        cells: the layer of each direction.
        direction: ONNX' name of it.
        inputs: (batch, time, features).
        starts: the initial states (batch, units), those of the first direction first; None: zeros.
        mask: bool (batch, time); None: every step is real.
    Returns:
        The steps (time, direction, batch, units); what ONNX gives as the last of them, (direction, batch, units), for
        each kind of state; and the states after the last step, which differ from those in a row of padding alone.
    """
    cell = cells[0]
    operator, gates = RECURRENT[cell.class_name]
    for side in cells:
        side.require(stateful=False, unroll=False)
    weights = [np.stack(parts) for parts in zip(*(_onnx_weights(side, gates) for side in cells), strict=True)]
    name = cell.name.removesuffix(".forward")
    bias = graph.weight(f"{name}.B", weights[2]) if cell["use_bias"] else ""
    lengths = _lengths(graph, mask) if mask else ""
    num_states = 2 if operator == "LSTM" else 1
    initial = []
    for number in range(num_states if starts else 0):
        rows = [graph.add("Unsqueeze", state, graph.constant([0])) for state in (starts or [])[number::num_states]]
        initial.append(rows[0] if len(rows) == 1 else graph.add("Concat", *rows, axis=0))
    attributes: dict[str, Any] = {"hidden_size": cell["units"], "direction": direction}
    if operator == "GRU":
        attributes["linear_before_reset"] = int(cell["reset_after"])
    attributes |= _recurrent_activations(cell, operator, len(cells))
    time_first = graph.time_first.get((inputs, None)) or graph.add("Transpose", inputs, perm=[1, 0, 2])
    if graph.int8 and operator == "LSTM":
        operator, attributes["domain"] = INT8_LSTM, INT8_DOMAIN
        kernels, scales = _in_int8(graph, name, weights[:2])
        no_peepholes = [""] * (3 - len(initial))
        rest = [*initial, *no_peepholes, *scales]
    else:
        kernels = [graph.weight(f"{name}.{part}", kernel) for part, kernel in zip("WR", weights, strict=False)]
        rest = initial
    steps, *finals = graph.add(
        operator, time_first, *kernels, bias, lengths, *rest, outputs=1 + num_states, **attributes
    )
    if not mask or not initial:
        return steps, finals, finals
    some = graph.add("Greater", lengths, graph.constant(0, np.int32))  # (batch,)
    some = graph.add("Unsqueeze", some, graph.constant([1]))
    states = [graph.add("Where", some, *both) for both in zip(finals, initial, strict=True)]
    return steps, finals, states


def _in_int8(graph: Graph, name: str, kernels: list[np.ndarray]) -> tuple[list[str], list[str]]:
    """Round the kernels (direction, gates * units, features) to whole numbers of 8 bits.

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
    counts = graph.add("Cast", mask, to=TensorProto.INT32)
    return graph.add("ReduceSum", counts, graph.constant([1]), keepdims=0)


def _recurrent_activations(cell: LayerReader, operator: str, num_directions: int) -> dict[str, Any]:
    names = [cell["activation"]]
    if operator != "RNN":
        names.insert(0, cell["recurrent_activation"])
    if operator == "LSTM":
        names.append(cell["activation"])
    linear = ("Affine", {"alpha": 1.0, "beta": 0.0})
    found = [linear if name == "linear" else activation_operator(cell, name) for name in names * num_directions]
    attributes: dict[str, Any] = {"activations": [operator for operator, _ in found]}
    for key in ("alpha", "beta"):  # in turn, for the functions that have one
        if values := [values[key] for _, values in found if key in values]:
            attributes[f"activation_{key}"] = values
    return attributes


def _onnx_weights(cell: LayerReader, gates: list[int]) -> list[np.ndarray]:
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
