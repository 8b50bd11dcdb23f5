"""The pieces from which a saved network is put together as an ONNX graph: nodes, weights, a layer's settings.

The functions that translate the layers are in `common.inference.onnx.layers` and `common.inference.onnx.recurrent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common.bundles.layer_settings import is_int8
from common.errors import InputError, excerpt

# Settings that have done their work when a model is saved, or that only training reads.
NOT_READ = frozenset(
    {"name", "trainable", "dtype", "seed", "rate", "noise_shape", "dropout", "recurrent_dropout",
     "unit_forget_bias", "build_config", "quantization_config", "autocast"}
)  # fmt: skip
# Sizes, which the weights tell, and which are checked against them when the architecture is read.
SIZES = frozenset({"units", "filters", "num_tags", "input_dim", "output_dim", "kernel_size"})
NOT_READ_ENDINGS = ("_initializer", "_regularizer", "_constraint")


class NotCovered(InputError):
    """A layer, a setting or an argument that the ONNX graph has no translation for."""


class Graph:
    """The nodes of a graph while it is put together. Tensors go by their names.

    Args:
        int8: whether layers that can shall multiply in whole numbers of 8 bits.
    """

    def __init__(self, int8: bool = False) -> None:
        self.int8 = int8
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.weights: dict[str, np.ndarray] = {}
        self.tables: dict[str, np.ndarray] = {}
        # What else is known of a tensor, for layers that can do without the node that made it.
        self.parts: dict[str, list[str]] = {}  # of which tensors its features were put together
        self.flipped: dict[tuple[str, int], str] = {}  # the tensor of which it is one axis turned around
        self.time_first: dict[tuple[str, str | None], str] = {}  # its steps (time, batch, units), zeros outside a mask

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; returns the name of its result, or a list of names."""
        names = [f"{operator}_{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: type = np.int64) -> str:
        """Give the name of a small constant: a shape, an axis, a number."""
        array: np.ndarray = np.asarray(value, dtype)
        name = f"constant_{dtype.__name__}_{'x'.join(map(str, array.shape))}_{'_'.join(map(str, array.ravel()))}"
        self.initializers.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def weight(self, name: str, value: np.ndarray, dtype: type = np.float32) -> str:
        """Give the name of a weight, whose numbers stay outside of the graph."""
        if name not in self.weights:
            self.weights[name] = np.ascontiguousarray(value, dtype)
            kind = helper.np_dtype_to_tensor_dtype(self.weights[name].dtype)
            tensor = TensorProto(name=name, data_type=kind, dims=value.shape, data_location=TensorProto.EXTERNAL)
            tensor.external_data.add(key="location", value="memory")
            self.initializers[name] = tensor
        return name

    def remove_unread(self, outputs: Iterable[str]) -> None:
        """Remove the nodes that none of these tensors comes from."""
        read, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if not read.isdisjoint(node.output):
                read.update(node.input)
                nodes.append(node)
        self.nodes = nodes[::-1]

    def table(self, name: str, value: np.ndarray) -> str:
        """Give the name of a matrix of which a call reads some rows."""
        self.tables[name] = np.ascontiguousarray(value, np.float32)
        return name


class LayerReader:
    """A layer's settings and weights as its function asks for them; what nobody asked for is not covered.

    Args:
        name: of the layer, for messages and for its weights.
        class_name: Keras' class.
        config: its settings.
        weights: its weights, in Keras' order.
    """

    def __init__(self, name: str, class_name: str, config: Mapping[str, Any], weights: Sequence[np.ndarray]) -> None:
        self.name = name
        self.class_name = class_name
        self.config = config
        self.weights = weights
        self.read: set[str] = set()
        dtype = config.get("dtype", "float32")
        policy = dtype["config"].get("name", dtype["class_name"]) if isinstance(dtype, dict) else dtype
        if policy != "float32" and not (class_name == "Embedding" and is_int8(config)):
            raise self.not_covered(f"dtype {policy!r}", "a model saved in float32 is")

    def __getitem__(self, setting: str) -> Any:
        self.read.add(setting)
        return self.config[setting]

    def get(self, setting: str, default: Any = None) -> Any:
        """A setting that not every class has."""
        self.read.add(setting)
        return self.config.get(setting, default)

    def require(self, **wanted: Any) -> None:
        """Refuse the layer if settings have other values than these."""
        for setting, value in wanted.items():
            if self.get(setting, value) != value:
                raise self.not_covered(f"{setting}={self[setting]!r}", f"{setting}={value!r} is")

    def check_all_read(self) -> None:
        """Refuse a setting that the layer's function knows nothing of."""
        for setting, value in self.config.items():
            if setting not in self.read | NOT_READ | SIZES and not setting.endswith(NOT_READ_ENDINGS):
                raise self.not_covered(
                    f"setting {setting}={value!r}",
                    "its function in common/inference/onnx/layers.py or recurrent.py must read it",
                )

    def not_covered(self, what: str, instead: str) -> NotCovered:
        """Make the error that says what is not covered, and what would do."""
        return NotCovered(
            f"layer {excerpt(self.name)} ({self.class_name}): {what} is not covered in ONNX, {instead}; "
            "or answer with Keras (--engine keras)"
        )


def flip(graph: Graph, inputs: str, axis: int) -> str:
    """Turn an axis around; what is turned around twice is what it was."""
    if (inputs, axis) in graph.flipped:
        return graph.flipped[inputs, axis]
    result = graph.add("Slice", inputs, *map(graph.constant, ([-1], [np.iinfo(np.int64).min], [axis], [-1])))
    graph.flipped[result, axis] = inputs
    return result


# Keras' name: ONNX' operator and its attributes.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "relu": ("Relu", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "elu": ("Elu", {"alpha": 1.0}),
    "softsign": ("Softsign", {}),
    "softplus": ("Softplus", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
}
SOFTMAXES = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def activate(graph: Graph, layer: LayerReader, inputs: str) -> str:
    """Add the activation that the layer's settings name."""
    name = layer["activation"]
    if name == "linear":
        return inputs
    if name in SOFTMAXES:
        return graph.add(SOFTMAXES[name], inputs, axis=-1)
    operator, attributes = activation_operator(layer, name)
    return graph.add(operator, inputs, **attributes)


def activation_operator(layer: LayerReader, name: Any) -> tuple[str, dict[str, Any]]:
    """Find ONNX' operator for one of Keras' activations, and its attributes."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise layer.not_covered(f"activation {name!r}", f"{', '.join(['linear', *ACTIVATIONS])} are")
    return ACTIVATIONS[name]
