"""Read the architecture of a saved network, `model.json`, without Keras, and distrust it.

Whoever builds a network from a file, Keras or our ONNX graph, builds what this module returns: layers of known classes
only, sizes that are those of the weights in the HDF5 file, and calls that can be made one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from common.errors import InputError, excerpt
from common.settings import read_json_object

INT8_POLICY = "QuantizedDTypePolicy"
INT8_POLICY_SETTINGS = {"mode": "int8", "source_name": "float32"}


@dataclass(frozen=True)
class Layer:
    """One layer: its name, Keras class and settings, and the group of the weights file that holds its weights.

    `calls` are the arguments of each call of the layer, as Keras writes them; an input has none.
    """

    name: str
    class_name: str
    config: dict[str, Any]
    group: str
    calls: list[dict[str, Any]]


@dataclass(frozen=True)
class Architecture:
    """A functional model.

    Args:
        layers: by name.
        order: the calls as (layer, number of the call), each after those whose results it takes.
        inputs: the names of the input layers.
        outputs: a dict from the name of an output to its tensor, or one tensor; a tensor is
            `[layer, number of the call, number of the result]`.
    """

    layers: dict[str, Layer]
    order: list[tuple[str, int]]
    inputs: list[str]
    outputs: Any


def is_int8(config: Mapping[str, Any]) -> bool:
    """Whether a layer keeps its weights in 8 bits, with a scale for each row."""
    dtype = config.get("dtype")
    return isinstance(dtype, dict) and dtype["class_name"] == INT8_POLICY and dtype["config"] == INT8_POLICY_SETTINGS


# What a layer's weights must look like, from its config: the sizes it declares and which axis of which weight shows
# them. A class that is not here is not built. `None` stands for a size that the layer before decides.
Shapes = list[tuple[int | None, ...]]


def _recurrent(gates: int) -> Callable[[dict[str, Any]], Shapes]:
    def shapes(config: dict[str, Any]) -> Shapes:
        units = config["units"]
        if not config.get("use_bias", True):
            bias: Shapes = []
        elif config.get("reset_after"):
            bias = [(2, gates * units)]
        else:
            bias = [(gates * units,)]
        return [(None, gates * units), (units, gates * units), *bias]

    return shapes


def _embedding(config: dict[str, Any]) -> Shapes:
    rows = config["input_dim"]
    return [(rows, config["output_dim"]), *([(rows,)] if is_int8(config) else [])]


def _tied_embedding(config: dict[str, Any]) -> Shapes:
    return [(config["input_dim"], config["output_dim"]), (config["input_dim"],)]


def _dense(config: dict[str, Any]) -> Shapes:
    return [(None, config["units"]), *([(config["units"],)] if config.get("use_bias", True) else [])]


def _convolution(config: dict[str, Any]) -> Shapes:
    kernel = (*config["kernel_size"], None, config["filters"])
    return [kernel, *([(config["filters"],)] if config.get("use_bias", True) else [])]


def _layer_normalization(config: dict[str, Any]) -> Shapes:
    return [(None,)] * (bool(config["scale"]) + bool(config["center"]))


def _attention_pooling(config: dict[str, Any]) -> Shapes:
    return [(None, config["units"]), (config["units"],), (config["units"],)]


def _chain_scores(config: dict[str, Any]) -> Shapes:
    return [(config["num_tags"], config["num_tags"]), (config["num_tags"],)]


def _expected_level(config: dict[str, Any]) -> Shapes:
    levels = config["levels"]
    if not (isinstance(levels, list) and 2 <= len(levels) <= 1000):
        raise ValueError("no weight shows the number of levels, so it has a limit")
    return []


def _sliding_window(config: dict[str, Any]) -> Shapes:
    if not (isinstance(config["size"], int) and 2 <= config["size"] <= 1000):
        raise ValueError("no weight shows the size of a window, so it has a limit")
    return []


def _no_weights(config: dict[str, Any]) -> Shapes:
    return []


LAYER_SHAPES: dict[str, Callable[[dict[str, Any]], Shapes]] = {
    "SimpleRNN": _recurrent(1),
    "GRU": _recurrent(3),
    "LSTM": _recurrent(4),
    "Embedding": _embedding,
    "TiedEmbedding": _tied_embedding,
    "Dense": _dense,
    "Conv1D": _convolution,
    "LayerNormalization": _layer_normalization,
    "AttentionPooling": _attention_pooling,
    "ChainScores": _chain_scores,
    "ExpectedLevel": _expected_level,
    "SlidingWindow": _sliding_window,
} | dict.fromkeys(
    ("InputLayer", "Activation", "Dropout", "SpatialDropout1D", "EmbeddingDropout", "Concatenate", "Add", "Reshape",
     "Rescaling", "GlobalMaxPooling1D", "MaskedPooling", "TakeRows", "FlipTime"),
    _no_weights,
)  # fmt: skip
RECURRENT = ("SimpleRNN", "GRU", "LSTM")
WRAPPERS = ("Bidirectional",)
# Classes inside a layer's config that hold no weights: initializers, precision policies, the model itself.
PLAIN_CLASSES = frozenset(
    {"Functional", "DTypePolicy", INT8_POLICY, "__tensor__", "__keras_tensor__", "GlorotUniform", "Orthogonal", "Zeros",
     "Ones", "RandomUniform", "RandomNormal", "Constant", "HeNormal"}
)  # fmt: skip
MODULES = frozenset({"keras", "keras.layers", "keras.models", "keras.initializers", "keras.dtype_policies",
                     "keras.src.models.functional", "builtins", "common.layers", "common.lstm", None})  # fmt: skip


def read_architecture(model_file: Path, weights_file: Path) -> Architecture:
    """Read `model.json` and check it: known classes only, no cycle, and every declared size as in the weights.

    Raises:
        InputError: the class or the layer that fails, and on which file.
    """
    saved = read_json_object(model_file)
    _check_classes(saved, model_file)
    try:
        config = saved["config"]
        layers: dict[str, Layer] = {}
        counts: dict[str, int] = {}
        for entry in config["layers"]:
            # Keras names a layer's weights by its class and by how many of that class came before.
            kind = _snake_case(entry["class_name"])
            number = counts[kind] = counts.get(kind, -1) + 1
            group = f"layers/{kind}" + (f"_{number}" if number else "")
            layers[entry["name"]] = Layer(
                entry["name"], entry["class_name"], entry["config"], group, entry["inbound_nodes"]
            )
        order = _call_order(layers, model_file)
        inputs = [name for name, layer in layers.items() if layer.class_name == "InputLayer"]
        outputs = config["output_layers"]
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{model_file}: not a functional Keras model; take the bundle from its source again") from None
    try:
        with h5py.File(weights_file, "r") as weights:
            for layer in layers.values():
                _check_shapes(layer.class_name, layer.config, weights, layer.group, model_file, weights_file)
    except OSError as error:
        raise InputError(f"{weights_file}: not a complete HDF5 file ({error}); copy the bundle again") from None
    return Architecture(layers, order, inputs, outputs)


def sources(node: Any) -> Iterator[tuple[str, int]]:
    """The calls, as (layer, number), whose results go into a call."""
    if isinstance(node, dict) and "keras_history" in node:
        yield node["keras_history"][0], node["keras_history"][1]
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from sources(child)


def random_inputs(
    architecture: Architecture, batch_size: int, num_steps: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Make inputs that the network accepts, to try it out.

    Args:
        architecture: of the network.
        batch_size: rows.
        num_steps: of the longest row, the first; the others end at random.
        rng: source of chance.
    Returns:
        An array for each input: ids below the number of rows that they choose from, masks padded on the right, states
        between -1 and 1.
    """
    num_ids = {
        source: layer.config.get("input_dim", batch_size)
        for layer in architecture.layers.values()
        if "input_dim" in layer.config or layer.class_name == "TakeRows"
        for source, _ in sources(layer.calls[0])
    }
    lengths = rng.integers(1, num_steps + 1, batch_size)
    lengths[0] = num_steps
    inputs: dict[str, np.ndarray] = {}
    for name in architecture.inputs:
        config = architecture.layers[name].config
        shape = [batch_size, *(size or num_steps for size in config["batch_shape"][1:])]
        if config["dtype"] == "bool":
            inputs[name] = np.arange(num_steps) < lengths[:, None]
        elif config["dtype"] == "int32":
            inputs[name] = rng.integers(0, num_ids.get(name, 1), shape, dtype=np.int32)
        else:
            inputs[name] = rng.uniform(-1, 1, shape).astype(np.float32)
    return inputs


def _check_classes(node: Any, model_file: Path, depth: int = 0) -> None:
    """Walk through all of the JSON; every `class_name` must be known, and come from Keras or from us."""
    if depth > 60:
        raise InputError(f"{model_file}: nested deeper than any model of ours; do not use this bundle")
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        _check_classes(child, model_file, depth + 1)
    if isinstance(node, dict) and "class_name" in node:
        name, module = node["class_name"], node.get("module")
        if not isinstance(name, str) or name not in (*LAYER_SHAPES, *WRAPPERS, *PLAIN_CLASSES):
            raise InputError(f"{model_file}: class {excerpt(str(name))} is not allowed; do not use this bundle")
        if not (module is None or isinstance(module, str)) or module not in MODULES:
            raise InputError(f"{model_file}: class {name} of module {excerpt(str(module))} is not allowed")


def _call_order(layers: dict[str, Layer], model_file: Path) -> list[tuple[str, int]]:
    """Put the calls of all layers in an order in which they can be made; Keras would wait for ever in a cycle."""
    waiting = {
        (layer.name, number): set(sources(call)) for layer in layers.values() for number, call in enumerate(layer.calls)
    }
    order = [(layer.name, 0) for layer in layers.values() if not layer.calls]
    done = set(order)
    while waiting:
        ready = [call for call, needed in waiting.items() if needed <= done]
        if not ready:
            name = min(waiting)[0]
            raise InputError(
                f"{model_file}: layer {excerpt(name)} waits for itself or for nothing; do not use this bundle"
            )
        order += ready
        done.update(ready)
        for call in ready:
            del waiting[call]
    return order


def weight_groups(class_name: str, group: str) -> list[str]:
    """Where the weights file holds a layer's weights: one group, or one for each direction."""
    if class_name in WRAPPERS:
        return [f"{group}/forward_layer/cell/vars", f"{group}/backward_layer/cell/vars"]
    return [f"{group}/cell/vars" if class_name in RECURRENT else f"{group}/vars"]


def read_weights(layer: Layer, file: h5py.File) -> list[np.ndarray]:
    """Read the weights of a layer in Keras' order, of a layer in two directions those of both.

    Rows that are kept in 8 bits are read as the numbers that they stand for.
    """
    groups = [file[group] for group in weight_groups(layer.class_name, layer.group) if group in file]
    weights = [group[str(number)][()] for group in groups for number in range(len(group))]
    if is_int8(layer.config):
        rows, scales = weights
        return [(rows / scales[:, None]).astype(np.float32)]
    return weights


def _check_shapes(
    class_name: str, config: Any, weights: h5py.File, group: str, model_file: Path, weights_file: Path
) -> None:
    no_layer = f"{model_file}: layer {class_name} lacks its settings or its weights"
    try:
        if class_name in WRAPPERS:
            forward = config["layer"]
            parts = [forward, config.get("backward_layer", forward)]
            if any(part["class_name"] not in RECURRENT for part in parts):
                raise KeyError("class_name")
            declared = [LAYER_SHAPES[part["class_name"]](part["config"]) for part in parts]
        else:
            declared = [LAYER_SHAPES[class_name](config)]
        stored = [_stored_shapes(weights, place) for place in weight_groups(class_name, group)]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(no_layer) from None
    for side, found in zip(declared, stored, strict=True):
        if len(found) > len(side):
            raise InputError(
                f"{model_file}: layer {excerpt(str(config.get('name')))} ({class_name}) declares {len(side)} weights, "
                f"{weights_file.name} holds {len(found)}; do not use this bundle"
            )
        for index, shape in enumerate(side):
            held = found[index] if index < len(found) else ()
            if len(held) != len(shape) or any(a not in (None, b) for a, b in zip(shape, held, strict=True)):
                raise InputError(
                    f"{model_file}: layer {excerpt(str(config.get('name')))} ({class_name}) declares weights of "
                    f"{shape}, {weights_file.name} holds {held or None}; do not use this bundle"
                )


def _stored_shapes(weights: h5py.File, group: str) -> list[tuple[int, ...]]:
    """The shapes of a layer's weights; what the file declares but does not hold is refused."""
    if group not in weights:
        return []
    variables = weights[group]
    shapes = []
    for number in range(len(variables)):
        variable = variables[str(number)]
        if variable.id.get_storage_size() < variable.nbytes:
            raise ValueError("fewer bytes than declared")
        shapes.append(variable.shape)
    return shapes


def _snake_case(name: str) -> str:
    """Keras' own name of a class in a weights file.

    >>> [_snake_case(name) for name in ("LSTM", "SimpleRNN", "Conv1D", "GlobalMaxPooling1D", "InputLayer")]
    ['lstm', 'simple_rnn', 'conv1d', 'global_max_pooling1d', 'input_layer']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
