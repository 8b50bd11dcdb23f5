"""Bounds: the largest absolute value that a tensor of a graph can have, from the nodes that it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from common.inference.onnx.messages import pb

# Operators whose results are numbers of their first input, or of several.
SAME = {
    "Transpose",
    "Reshape",
    "Slice",
    "Squeeze",
    "Unsqueeze",
    "Identity",
    "Expand",
    "ReduceMax",
    "Relu",
    "Gather",
    "Cast",
}
SEVERAL = {"Concat": slice(None), "Where": slice(1, 3), "Max": slice(None)}
UP_TO_ONE = {"Tanh", "Sigmoid", "HardSigmoid", "Softmax", "Softsign"}
RECURRENT = {"LSTM", "GRU", "DynamicQuantizeLSTM"}


class Bounds:
    """Finds bounds in a graph.

    Args:
        nodes: of the graph.
        weights: and tables, by name.
    """

    def __init__(self, nodes: Sequence[pb.NodeProto], weights: Mapping[str, np.ndarray]) -> None:
        self.makers = {name: node for node in nodes for name in node.output}
        self.weights = weights

    def of(self, tensor: str) -> float | None:
        """The bound of a tensor; None: not known."""
        if tensor in self.weights:
            return float(np.abs(self.weights[tensor]).max(initial=0.0))
        node = self.makers.get(tensor)
        if node is None:
            return None
        if node.op_type in SAME:
            return self.of(node.input[0])
        if node.op_type in SEVERAL:
            found = [self.of(name) for name in node.input[SEVERAL[node.op_type]]]
            return None if None in found else max(bound for bound in found if bound is not None)
        if node.op_type in UP_TO_ONE or (node.op_type in RECURRENT and _is_usual(node)):
            return 1.0
        return self._of_convolution(node) if node.op_type == "Conv" else None

    def _of_convolution(self, node: pb.NodeProto) -> float | None:
        """Of a convolution over rows of a table: at each tap the row that suits the filter best, or padding."""
        source = self._gathered(node.input[0])
        if source is None or node.input[1] not in self.weights:
            return None
        kernel = self.weights[node.input[1]]  # (filters, features, taps)
        products = np.einsum("nf,ofk->nok", source, kernel)  # (rows, filters, taps)
        highest = np.maximum(products.max(axis=0), 0).sum(axis=-1)  # (filters,)
        lowest = np.minimum(products.min(axis=0), 0).sum(axis=-1)
        bias = self.weights[node.input[2]] if len(node.input) > 2 else np.zeros_like(highest)
        return float(np.maximum(np.abs(highest + bias), np.abs(lowest + bias)).max())

    def _gathered(self, tensor: str) -> np.ndarray | None:
        """The table whose rows a tensor holds."""
        node = self.makers.get(tensor)
        while node is not None and node.op_type in ("Transpose", "Identity", "Reshape", "Cast"):
            node = self.makers.get(node.input[0])
        return self.weights.get(node.input[0]) if node is not None and node.op_type == "Gather" else None


def _is_usual(node: pb.NodeProto) -> bool:
    """Whether a recurrent node has gates of sigmoids, and states of tanh, which are never more than 1."""
    chosen = [name for attribute in node.attribute if attribute.name == "activations" for name in attribute.strings]
    return {name.decode() for name in chosen} <= {"Sigmoid", "HardSigmoid", "Tanh"}
