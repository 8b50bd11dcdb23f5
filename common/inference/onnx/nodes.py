"""An ONNX graph while it is put together: nodes, constants, weights, tables. Tensors go by their names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from common.inference.onnx.bounds import Bounds
from common.inference.onnx.messages import TYPES, make_node, make_tensor, pb
from common.networks.specs.translation import Attribute


class OnnxGraph:
    """The graph to which the functions `to_onnx` of the specs add; see `common.networks.specs.translation.Graph`.

    Args:
        int8: dynamic int8 quantization of the layers that support it.
    """

    def __init__(self, int8: bool = False) -> None:
        self.int8 = int8
        self.nodes: list[pb.NodeProto] = []
        self.initializers: dict[str, pb.TensorProto] = {}
        self.weights: dict[str, np.ndarray] = {}
        self.tables: dict[str, np.ndarray] = {}
        self.parts: dict[str, list[str]] = {}
        self.flipped: dict[tuple[str, int], str] = {}
        self.time_first: dict[tuple[str, str | None], str] = {}
        self.over_time: dict[str, tuple[str, str]] = {}

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add a node with one result; returns the name of the result."""
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(make_node(operator, inputs, [name], attributes))
        return name

    def add_several(
        self, operator: str, *inputs: str, outputs: int, domain: str | None = None, **attributes: Attribute
    ) -> list[str]:
        """Add a node with several results; returns their names."""
        names = [f"{operator}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(make_node(operator, inputs, names, attributes, domain))
        return names

    def cast(self, tensor: str, dtype: type[np.generic]) -> str:
        """Turn the numbers of a tensor into another type."""
        return self.add("Cast", tensor, to=TYPES[np.dtype(dtype)])

    def constant(self, value: ArrayLike, dtype: type[np.generic] = np.int64) -> str:
        """Give the name of a small constant: a shape, an axis, a number."""
        array: np.ndarray = np.asarray(value, dtype)
        name = f"constant_{dtype.__name__}_{'x'.join(map(str, array.shape))}_{'_'.join(map(str, array.ravel()))}"
        self.initializers.setdefault(name, make_tensor(name, array))
        return name

    def weight(self, name: str, value: np.ndarray, dtype: type[np.generic] = np.float32) -> str:
        """Give the name of a weight, whose numbers stay outside of the graph."""
        if name not in self.weights:
            self.weights[name] = np.ascontiguousarray(value, dtype)
            kind, place = TYPES[self.weights[name].dtype], pb.TensorProto.EXTERNAL
            tensor = pb.TensorProto(name=name, data_type=kind, dims=value.shape, data_location=place)
            tensor.external_data.add(key="location", value="memory")
            self.initializers[name] = tensor
        return name

    def table(self, name: str, value: np.ndarray) -> str:
        """Give the name of a matrix, float32 or float16, of which a call reads some rows."""
        self.tables[name] = np.ascontiguousarray(value)
        return name

    def bound(self, tensor: str) -> float | None:
        """The largest absolute value that a tensor can have; None: not known."""
        return Bounds(self.nodes, {**self.weights, **self.tables}).of(tensor)

    def remove_unread(self, outputs: Iterable[str]) -> None:
        """Remove the nodes that none of these tensors comes from."""
        read, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if not read.isdisjoint(node.output):
                read.update(node.input)
                nodes.append(node)
        self.nodes = nodes[::-1]

    @property
    def read(self) -> set[str]:
        """The tensors that a node reads."""
        return {name for node in self.nodes for name in node.input}

    def keep_read(self) -> None:
        """Remove the constants, weights and tables that no node reads."""
        read = self.read
        for kept in (self.initializers, self.weights, self.tables):
            for name in kept.keys() - read:
                del kept[name]
