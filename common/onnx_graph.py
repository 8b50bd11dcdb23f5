"""A saved network as an ONNX graph, made from `model.json` and the HDF5 weights without Keras or TensorFlow.

ONNX has nodes for whole recurrent layers, LSTM, GRU and RNN, so a bundle becomes a graph of a few nodes: one function
for each Keras layer, in the table `LAYERS`. They differ from Keras in their habits, which the functions translate:

    time     first in ONNX: (time, batch, features); Keras has (batch, time, features)
    gates    an LSTM's are input, output, forget, candidate in ONNX; Keras: input, forget, candidate, output
    padding  ONNX is told the length of each row; Keras is given a mask, which must be right-padded to mean the same
    weights  ONNX multiplies from the left, so kernels are transposed

Whatever is not covered, a layer, a setting or an argument of a call, is an error that names it: no answer is better
than another network's answer. The operators are described at onnx.ai/onnx/operators; this is version 18 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common.architecture import Architecture, Layer, read_architecture, weight_groups
from common.errors import InputError, excerpt

OPSET, IR_VERSION = 18, 8
TENSOR_TYPES = {"int32": TensorProto.INT32, "bool": TensorProto.BOOL, "float32": TensorProto.FLOAT}
# Settings that have done their work when a model is saved, or that only training reads.
NOT_READ = frozenset(
    {"name", "trainable", "dtype", "seed", "rate", "noise_shape", "dropout", "recurrent_dropout",
     "unit_forget_bias", "build_config", "quantization_config"}
)  # fmt: skip
# Sizes, which the weights tell, and which are checked against them when the architecture is read.
SIZES = frozenset({"units", "filters", "num_tags", "input_dim", "output_dim", "kernel_size"})
NOT_READ_ENDINGS = ("_initializer", "_regularizer", "_constraint")


class NotCovered(InputError):
    """A layer, a setting or an argument that the ONNX graph has no translation for."""


@dataclass(frozen=True)
class OnnxNetwork:
    """A network as ONNX.

    Args:
        model: the graph; its weights are declared in it, and are not in it. Tables, of which a call reads some rows,
            are declared as inputs: an input is not copied.
        weights: the weights by name, float32.
        tables: likewise.
        outputs: Keras' name of each output of the graph in turn; None for a single output without a name.
    """

    model: onnx.ModelProto
    weights: dict[str, np.ndarray]
    tables: dict[str, np.ndarray]
    outputs: list[str] | None

    def with_weights(self) -> onnx.ModelProto:
        """A copy of the graph that holds its weights and tables and the shapes of its outputs, for a file."""
        whole = onnx.ModelProto()
        whole.CopyFrom(self.model)
        held = [tensor for tensor in whole.graph.initializer if tensor.name not in self.weights]
        inputs = [node for node in whole.graph.input if node.name not in self.tables]
        del whole.graph.initializer[:], whole.graph.input[:]
        whole.graph.input.extend(inputs)
        whole.graph.initializer.extend(held)
        for name, value in (self.weights | self.tables).items():
            whole.graph.initializer.append(numpy_helper.from_array(value, name))
        return onnx.shape_inference.infer_shapes(whole)


class Graph:
    """The nodes of a graph while it is put together. Tensors go by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.weights: dict[str, np.ndarray] = {}
        self.tables: dict[str, np.ndarray] = {}

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

    def weight(self, name: str, value: np.ndarray) -> str:
        """Give the name of a weight, whose numbers stay outside of the graph."""
        if name not in self.weights:
            self.weights[name] = np.ascontiguousarray(value, np.float32)
            tensor = TensorProto(
                name=name, data_type=TensorProto.FLOAT, dims=value.shape, data_location=TensorProto.EXTERNAL
            )
            tensor.external_data.add(key="location", value="memory")
            self.initializers[name] = tensor
        return name

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
        policy = dtype["config"]["name"] if isinstance(dtype, dict) else dtype
        if policy != "float32":
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
                    f"setting {setting}={value!r}", "a function in common/onnx_graph.py must read it"
                )

    def not_covered(self, what: str, instead: str) -> NotCovered:
        """Make the error that says what is not covered, and what would do."""
        return NotCovered(
            f"layer {excerpt(self.name)} ({self.class_name}): {what} is not covered in ONNX, {instead}; "
            "or answer with Keras (--engine keras)"
        )


# -- Layers: each function takes the graph, the layer, and the arguments of the call --------------------------------


def _embedding(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(mask_zero=False)
    return graph.add("Gather", graph.table(f"{layer.name}.embeddings", layer.weights[0]), inputs)


def _tied_embedding(graph: Graph, layer: LayerReader, inputs: str, reverse: bool = False) -> str:
    table = graph.table(f"{layer.name}.embeddings", layer.weights[0])
    bias = graph.weight(f"{layer.name}.bias", layer.weights[1])
    if not reverse:
        return graph.add("Gather", table, inputs)
    # Gemm reads the table as it lies there; a MatMul would want a transposed copy of it.
    rows = graph.add("Reshape", inputs, graph.constant([-1, layer.weights[0].shape[1]]))  # (batch * time, output_dim)
    scores = graph.add("Gemm", rows, table, bias, transB=1)  # (batch * time, input_dim)
    first_two = graph.add("Shape", inputs, end=2)
    return graph.add("Reshape", scores, graph.add("Concat", first_two, graph.constant([-1]), axis=0))


def _dense(graph: Graph, layer: LayerReader, inputs: str) -> str:
    product = graph.add("MatMul", inputs, graph.weight(f"{layer.name}.kernel", layer.weights[0]))
    if layer["use_bias"]:
        product = graph.add("Add", product, graph.weight(f"{layer.name}.bias", layer.weights[1]))
    return _activate(graph, layer, product)


def _convolution(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(data_format="channels_last", groups=1)
    kernel, *bias = layer.weights  # (height, width, channels, filters)
    names = [graph.weight(f"{layer.name}.kernel", kernel.transpose(3, 2, 0, 1))]
    if layer["use_bias"]:
        names.append(graph.weight(f"{layer.name}.bias", bias[0]))
    dilations = _sizes(layer, "dilation_rate")
    window = [(size - 1) * gap + 1 for size, gap in zip(kernel.shape, dilations, strict=False)]
    fits = graph.add(
        "Conv", _channels_first(graph, inputs), *names, dilations=dilations, **_strides_and_padding(layer, window)
    )
    return _activate(graph, layer, _channels_last(graph, fits))


def _max_pooling(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(data_format="channels_last")
    window = _sizes(layer, "pool_size")
    if layer["padding"] == "same" and any(s > size for s, size in zip(_sizes(layer, "strides"), window, strict=True)):
        raise layer.not_covered(f"padding='same' with strides={layer['strides']!r}, above pool_size", "'valid' is")
    pooled = graph.add(
        "MaxPool", _channels_first(graph, inputs), kernel_shape=window, **_strides_and_padding(layer, window)
    )
    return _channels_last(graph, pooled)


def _sizes(layer: LayerReader, setting: str) -> list[int]:
    """Read a height and a width. ONNX Runtime would divide by a size of 0."""
    sizes = layer[setting]
    if len(sizes) != 2 or not all(isinstance(size, int) and 0 < size < 10_000 for size in sizes):
        raise layer.not_covered(f"{setting}={sizes!r}", "two numbers above 0 are")
    return sizes


def _strides_and_padding(layer: LayerReader, window: list[int]) -> dict[str, Any]:
    """How a window moves over an image, and what is padded so that it may stand over the edge."""
    strides = _sizes(layer, "strides")
    if layer["padding"] == "valid":
        return {"strides": strides, "auto_pad": "VALID"}
    if strides == [1, 1]:  # the odd one of the columns that are missing comes last
        before = [(size - 1) // 2 for size in window]
        return {"strides": strides, "pads": [*before, *(size - 1 - b for size, b in zip(window, before, strict=True))]}
    return {"strides": strides, "auto_pad": "SAME_UPPER"}


def _channels_first(graph: Graph, images: str) -> str:
    return graph.add("Transpose", images, perm=[0, 3, 1, 2])


def _channels_last(graph: Graph, images: str) -> str:
    return graph.add("Transpose", images, perm=[0, 2, 3, 1])


def _layer_normalization(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(rms_scaling=False, axis=[-1])
    weights = iter(layer.weights)
    size = layer.weights[0].shape if layer.weights else None
    if size is None:
        raise layer.not_covered("scale=False with center=False", "one of them is")
    scale = next(weights) if layer["scale"] else np.ones(size)
    shift = next(weights) if layer["center"] else np.zeros(size)
    names = (graph.weight(f"{layer.name}.{i}", weight) for i, weight in enumerate((scale, shift)))
    return graph.add("LayerNormalization", inputs, *names, axis=-1, epsilon=layer["epsilon"])


def _activation(graph: Graph, layer: LayerReader, inputs: str) -> str:
    return _activate(graph, layer, inputs)


def _nothing(graph: Graph, layer: LayerReader, inputs: str) -> str:
    """Dropout, which is for training only."""
    return inputs


def _embedding_dropout(graph: Graph, layer: LayerReader, inputs: str, token_ids: str) -> str:
    return inputs


def _concatenate(graph: Graph, layer: LayerReader, inputs: list[str]) -> str:
    return graph.add("Concat", *inputs, axis=layer["axis"])


def _add(graph: Graph, layer: LayerReader, inputs: list[str]) -> str:
    total, *rest = inputs
    for term in rest:
        total = graph.add("Add", total, term)
    return total


def _reshape(graph: Graph, layer: LayerReader, inputs: str) -> str:
    return graph.add("Reshape", inputs, graph.constant([0, *layer["target_shape"]]))  # 0: the batch stays


def _rescaling(graph: Graph, layer: LayerReader, inputs: str) -> str:
    scaled = graph.add("Mul", inputs, graph.constant(layer["scale"], np.float32))
    return graph.add("Add", scaled, graph.constant(layer["offset"], np.float32))


def _masked_pooling(graph: Graph, layer: LayerReader, inputs: str, mask: str) -> str:
    mode, time = layer["mode"], graph.constant([1])
    real = graph.add("Unsqueeze", mask, graph.constant([2]))  # (batch, time, 1)
    if mode == "max":
        lowest = graph.constant(-3e38, np.float32)
        return graph.add("ReduceMax", graph.add("Where", real, inputs, lowest), time, keepdims=0)  # (batch, features)
    steps = graph.add("Cast", real, to=TensorProto.FLOAT)
    total = graph.add("ReduceSum", graph.add("Mul", inputs, steps), time, keepdims=0)
    return total if mode == "sum" else graph.add("Div", total, graph.add("ReduceSum", steps, time, keepdims=0))


def _attention_pooling(graph: Graph, layer: LayerReader, inputs: str, mask: str) -> str:
    kernel, bias, context = layer.weights
    hidden = graph.add("MatMul", inputs, graph.weight(f"{layer.name}.kernel", kernel))
    hidden = graph.add("Tanh", graph.add("Add", hidden, graph.weight(f"{layer.name}.bias", bias)))
    scores = graph.add("MatMul", hidden, graph.weight(f"{layer.name}.context", context[:, None]))  # (batch, time, 1)
    real = graph.add("Unsqueeze", mask, graph.constant([2]))
    scores = graph.add("Where", real, scores, graph.constant(-3e38, np.float32))
    weighted = graph.add("Mul", inputs, graph.add("Softmax", scores, axis=1))
    return graph.add("ReduceSum", weighted, graph.constant([1]), keepdims=0)  # (batch, features)


def _chain_scores(graph: Graph, layer: LayerReader, inputs: str) -> str:
    transitions, start = layer.weights
    steps = graph.add("Unsqueeze", inputs, graph.constant([2]))  # (batch, time, 1, tag)
    begin, second, end, time = (graph.constant([place]) for place in (0, 1, np.iinfo(np.int64).max, 1))
    first = graph.add("Slice", steps, begin, second, time)
    # The tag before the first one has no say: every row of `starts` is the same.
    starts = graph.weight(f"{layer.name}.start", np.broadcast_to(start, transitions.shape))
    rest = graph.add("Slice", steps, second, end, time)
    parts = (
        graph.add("Add", first, starts),
        graph.add("Add", rest, graph.weight(f"{layer.name}.transitions", transitions)),
    )
    return graph.add("Concat", *parts, axis=1)  # (batch, time, tag before, tag)


# -- Activations ----------------------------------------------------------------------------------------------------

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


def _activate(graph: Graph, layer: LayerReader, inputs: str) -> str:
    name = layer["activation"]
    if name == "linear":
        return inputs
    if name in SOFTMAXES:
        return graph.add(SOFTMAXES[name], inputs, axis=-1)
    operator, attributes = _activation_operator(layer, name)
    return graph.add(operator, inputs, **attributes)


def _activation_operator(layer: LayerReader, name: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise layer.not_covered(f"activation {name!r}", f"{', '.join(['linear', *ACTIVATIONS])} are")
    return ACTIVATIONS[name]


# -- Recurrent layers -----------------------------------------------------------------------------------------------

# Keras' class: ONNX' operator, and the places of its gates among Keras' gates.
RECURRENT = {"SimpleRNN": ("RNN", [0]), "GRU": ("GRU", [0, 1, 2]), "LSTM": ("LSTM", [0, 3, 1, 2])}


def _recurrent(
    graph: Graph,
    layer: LayerReader,
    inputs: str,
    initial_state: str | list[str] | None = None,
    mask: str | None = None,
) -> Any:
    backwards = layer["go_backwards"]
    starts = [initial_state] if isinstance(initial_state, str) else initial_state
    steps, finals, states = _run_over_time(graph, [layer], "reverse" if backwards else "forward", inputs, starts, mask)
    last = graph.add("Squeeze", finals[0], graph.constant([0]))  # (batch, units)
    if layer["return_sequences"]:
        output = graph.add("Squeeze", steps, graph.constant([1]))  # (time, batch, units)
        if backwards:  # Keras returns the steps in the order in which they were made: padding first
            output = graph.add("Slice", output, *map(graph.constant, ([-1], [np.iinfo(np.int64).min], [0], [-1])))
        output = graph.add("Transpose", output, perm=[1, 0, 2])  # (batch, time, units)
        if mask and not backwards and not layer["zero_output_for_mask"]:
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


def _bidirectional(
    graph: Graph,
    layer: LayerReader,
    inputs: str,
    initial_state: list[str] | None = None,
    mask: str | None = None,
) -> Any:
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
    names = [graph.weight(f"{name}.{part}", array) for part, array in zip("WRB", weights, strict=False)]
    if not cell["use_bias"]:
        names.append("")
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
    time_first = graph.add("Transpose", inputs, perm=[1, 0, 2])
    steps, *finals = graph.add(operator, time_first, *names, lengths, *initial, outputs=1 + num_states, **attributes)
    if not mask or not initial:
        return steps, finals, finals
    some = graph.add("Greater", lengths, graph.constant(0, np.int32))  # (batch,)
    some = graph.add("Unsqueeze", some, graph.constant([1]))
    states = [graph.add("Where", some, *both) for both in zip(finals, initial, strict=True)]
    return steps, finals, states


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
    found = [linear if name == "linear" else _activation_operator(cell, name) for name in names * num_directions]
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


LAYERS: dict[str, Callable[..., Any]] = {
    "Embedding": _embedding,
    "TiedEmbedding": _tied_embedding,
    "SimpleRNN": _recurrent,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Conv2D": _convolution,
    "MaxPooling2D": _max_pooling,
    "LayerNormalization": _layer_normalization,
    "Activation": _activation,
    "Dropout": _nothing,
    "SpatialDropout1D": _nothing,
    "EmbeddingDropout": _embedding_dropout,
    "Concatenate": _concatenate,
    "Add": _add,
    "Reshape": _reshape,
    "Rescaling": _rescaling,
    "MaskedPooling": _masked_pooling,
    "AttentionPooling": _attention_pooling,
    "ChainScores": _chain_scores,
}
TAKES_MASK = ("SimpleRNN", "GRU", "LSTM", "Bidirectional")


# -- The whole graph ------------------------------------------------------------------------------------------------


def build_network(model_file: Path, weights_file: Path, full: bool = False) -> OnnxNetwork:
    """Translate a saved network.

    Args:
        model_file: the architecture, JSON.
        weights_file: the weights, HDF5.
        full: whether masks will be all true; then recurrent layers do without them.
    Returns:
        A graph with the inputs of the model, under their names and of their types. An output has the name it has in
        Keras; where an input has that name already, `next_` stands before it.
    Raises:
        InputError: the architecture is refused, or is not covered.
    """
    architecture = read_architecture(model_file, weights_file)
    try:
        with h5py.File(weights_file, "r") as file:
            return _build(architecture, file, full)
    except NotCovered as error:
        raise NotCovered(f"{model_file}: {error}") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{model_file}: no network can be built from it ({reason}); do not use this bundle") from None


def _build(architecture: Architecture, file: h5py.File, full: bool) -> OnnxNetwork:
    graph = Graph()
    results: dict[tuple[str, int], list[str]] = {(name, 0): [name] for name in architecture.inputs}
    weights: dict[str, list[np.ndarray]] = {}
    masked: set[str] = set()  # results that still carry padding, which Keras would tell the next layer
    for name, number in architecture.order:
        layer = architecture.layers[name]
        if layer.class_name == "InputLayer":
            continue
        if name not in weights:  # a layer that is called twice is read once
            weights[name] = _read_weights(layer, file)
        reader = LayerReader(name, layer.class_name, layer.config, weights[name])
        arguments = [_resolve(node, results) for node in layer.calls[number]["args"]]
        named = {key: _resolve(node, results) for key, node in layer.calls[number]["kwargs"].items()}
        if named.pop("training", None):
            raise reader.not_covered("training=True", "training=False is")
        carries, has_mask = any(tensor in masked for tensor in _names(arguments)), named.get("mask") is not None
        if layer.class_name in TAKES_MASK and carries and not has_mask:
            raise reader.not_covered("a mask that Keras passes on by itself", "mask=… in the call is")
        if layer.class_name in TAKES_MASK and full:
            named["mask"] = None
        function = LAYERS.get(layer.class_name)
        if function is None:
            raise reader.not_covered("this class", f"{', '.join(LAYERS)} are")
        result = function(graph, reader, *arguments, **{k: v for k, v in named.items() if v is not None})
        reader.check_all_read()
        results[name, number] = result if isinstance(result, list) else [result]
        if layer.class_name not in ("MaskedPooling", "AttentionPooling") and (carries or has_mask):
            masked.update(results[name, number])
    return _finish(architecture, graph, results)


def _resolve(node: Any, results: Mapping[tuple[str, int], list[str]]) -> Any:
    """Put the names of tensors in the place of Keras' references to them."""
    if isinstance(node, list):
        return [_resolve(child, results) for child in node]
    if isinstance(node, dict):
        name, number, index = node["config"]["keras_history"]
        return results[name, number][index]
    return node


def _names(node: Any) -> list[Any]:
    return [name for child in node for name in _names(child)] if isinstance(node, list) else [node]


def _read_weights(layer: Layer, file: h5py.File) -> list[np.ndarray]:
    groups = [file[group] for group in weight_groups(layer.class_name, layer.group) if group in file]
    return [group[str(number)][()] for group in groups for number in range(len(group))]


def _finish(architecture: Architecture, graph: Graph, results: Mapping[tuple[str, int], list[str]]) -> OnnxNetwork:
    inputs = []
    for name in architecture.inputs:
        config = architecture.layers[name].config
        shape = ["batch", *("time" if size is None else size for size in config["batch_shape"][1:])]
        inputs.append(helper.make_tensor_value_info(name, TENSOR_TYPES[config["dtype"]], shape))
    named: Any = architecture.outputs
    if not isinstance(named, dict):
        [single] = [named] if isinstance(named[0], str) else named
        named = {single[0]: single}
    for name, table in graph.tables.items():
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, table.shape))
    outputs = []
    for name, (layer, number, index) in named.items():
        onnx_name = f"next_{name}" if name in architecture.inputs else name
        graph.nodes.append(helper.make_node("Identity", [results[layer, number][index]], [onnx_name]))
        outputs.append(helper.make_tensor_value_info(onnx_name, TensorProto.FLOAT, None))
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "network", inputs, outputs, list(graph.initializers.values())),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    return OnnxNetwork(
        proto, graph.weights, graph.tables, list(named) if isinstance(architecture.outputs, dict) else None
    )
