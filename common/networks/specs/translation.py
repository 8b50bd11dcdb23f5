"""Translation of a layer to ONNX: the graph that gets the nodes, and the layer's settings as its function reads them.

A function of a spec takes the graph, the layer, and the arguments of the Keras call with the names of tensors in their
place; it adds nodes and returns the name of the result, or a list of names. The ONNX package is not needed here: the
graph is a Protocol, which `common.inference.onnx.nodes` implements. Operators: onnx.ai/onnx/operators, version 18.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from common.errors import InputError, excerpt
from common.networks.specs.settings import Check, Config

Attribute: TypeAlias = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]
Names: TypeAlias = str | list[str]  # of the results of a call

TO_THE_END = int(np.iinfo(np.int64).max)  # where a Slice ends
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


class Graph(Protocol):
    """The nodes of an ONNX graph while it is put together. Tensors go by their names.

    Three tables keep what else is known of a tensor, for layers that can do without the node that made it; a fourth
    what the recurrent layers read and give, for those who look inside.
    """

    int8: bool  # dynamic int8 quantization of the layers that support it
    parts: dict[str, list[str]]  # of which tensors its features were put together
    flipped: dict[tuple[str, int], str]  # the tensor of which it is one axis turned around
    time_first: dict[tuple[str, str | None], str]  # its steps (time, batch, units), zeros outside of that mask
    over_time: dict[
        str, tuple[str, str]
    ]  # of a recurrent layer: (batch, time, features), (time, direction, batch, units)

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add a node with one result; returns the name of the result."""

    def add_several(
        self, operator: str, *inputs: str, outputs: int, domain: str | None = None, **attributes: Attribute
    ) -> list[str]:
        """Add a node with several results, of ONNX or of another set of operators; returns their names."""

    def cast(self, tensor: str, dtype: type[np.generic]) -> str:
        """Turn the numbers of a tensor into another type."""

    def constant(self, value: ArrayLike, dtype: type[np.generic] = np.int64) -> str:
        """Give the name of a small constant: a shape, an axis, a number."""

    def weight(self, name: str, value: np.ndarray, dtype: type[np.generic] = np.float32) -> str:
        """Give the name of a weight, whose numbers stay outside of the graph."""

    def table(self, name: str, value: np.ndarray) -> str:
        """Give the name of a matrix, float32 or float16, of which a call reads some rows."""

    def bound(self, tensor: str) -> float | None:
        """The largest absolute value that a tensor can have; None: not known."""


class LayerReader:
    """A layer's settings and weights as its function asks for them; a setting that is never read is not covered.

    Args:
        name: of the layer, for messages and for its weights.
        class_name: Keras' class.
        config: its settings.
        weights: its weights, in Keras' order.
        precision: the check of its `dtype`.
    """

    def __init__(
        self, name: str, class_name: str, config: Config, weights: Sequence[np.ndarray], precision: Check
    ) -> None:
        self.name = name
        self.class_name = class_name
        self.config = config
        self.weights = weights
        self.read: set[str] = set()
        if not precision(config.get("dtype", "float32")):
            raise self.not_covered(f"dtype {config['dtype']!r}", "a model saved in float32 is")

    def __getitem__(self, setting: str) -> Any:
        self.read.add(setting)
        return self.config[setting]

    def get(self, setting: str, default: object = None) -> Any:
        """A setting that not every class has."""
        self.read.add(setting)
        return self.config.get(setting, default)

    def require(self, **wanted: object) -> None:
        """Refuse the layer if settings have other values than these."""
        for setting, value in wanted.items():
            if self.get(setting, value) != value:
                raise self.not_covered(f"{setting}={self[setting]!r}", f"{setting}={value!r} is")

    def check_all_read(self) -> None:
        """Refuse a setting that the layer's function does not read: its effect would be lost."""
        for setting, value in self.config.items():
            if setting not in self.read | NOT_READ | SIZES and not setting.endswith(NOT_READ_ENDINGS):
                raise self.not_covered(
                    f"setting {setting}={value!r}", "the function `to_onnx` of its LayerSpec must read it"
                )

    def not_covered(self, what: str, instead: str) -> NotCovered:
        """Make the error that names what is not covered, and what would do."""
        return NotCovered(
            f"layer {excerpt(self.name)} ({self.class_name}): {what} is not covered in ONNX, {instead}; "
            "or answer with Keras (--engine keras)"
        )


def flip(graph: Graph, inputs: str, axis: int) -> str:
    """Reverse an axis; what is reversed twice is what it was."""
    if (inputs, axis) in graph.flipped:
        return graph.flipped[inputs, axis]
    result = graph.add("Slice", inputs, *map(graph.constant, ([-1], [np.iinfo(np.int64).min], [axis], [-1])))
    graph.flipped[result, axis] = inputs
    return result


# Keras' name: ONNX' operator and its attributes.
ACTIVATIONS: dict[str, tuple[str, dict[str, float]]] = {
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


def activation_operator(layer: LayerReader, name: str) -> tuple[str, dict[str, float]]:
    """Find ONNX' operator for one of Keras' activations, and its attributes."""
    if name not in ACTIVATIONS:
        raise layer.not_covered(f"activation {name!r}", f"{', '.join(['linear', *ACTIVATIONS])} are")
    return ACTIVATIONS[name]
