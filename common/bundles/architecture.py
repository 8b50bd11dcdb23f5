"""Read the architecture of a saved network, `model.json`, without Keras, and distrust it.

Whoever builds a network from a file, Keras or our ONNX graph, builds what this module returns: layers of known classes
with known settings, weights of the sizes that are declared, and calls that can be made one after the other, each with
arguments that fit the layer. The tables are in `common.bundles.layer_settings` and `common.bundles.layer_results`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.bundles.layer_results import Tensor, find_results
from common.bundles.layer_settings import INITIALIZERS, INT8_POLICY, MAX_NAME, find_fault, is_int8
from common.bundles.manifest import MAX_FILE_BYTES, MAX_JSON_BYTES, read_regular
from common.bundles.weights_file import check_numbers, check_scales, read_arrays
from common.errors import InputError, excerpt
from common.json_files import read_json

MAX_LAYERS = 400  # a network of ours has 40
MAX_CALLS = 1000
MAX_OUTPUTS = 400


@dataclass(frozen=True)
class Layer:
    """One layer: its name, Keras class and settings, and the group of the weights file that holds its weights.

    `calls` are the arguments of each call of the layer, as Keras writes them; an input has none. `weights` are those of
    the file, in Keras' order, of a layer in two directions those of both; see `layer_values`.
    """

    name: str
    class_name: str
    config: dict[str, Any]
    group: str
    calls: list[dict[str, Any]]
    weights: list[np.ndarray] = field(default_factory=list, repr=False, compare=False)


@dataclass(frozen=True)
class Architecture:
    """A functional model.

    Args:
        layers: by name.
        order: the calls as (layer, number of the call), each after those whose results it takes.
        inputs: the names of the input layers.
        outputs: a dict from the name of an output to its tensor, or one tensor; a tensor is
            `[layer, number of the call, number of the result]`.
        results: the tensors that each call returns.
        source: the JSON file, for messages.
        saved: what is in it.
    """

    layers: dict[str, Layer]
    order: list[tuple[str, int]]
    inputs: list[str]
    outputs: Any
    results: dict[tuple[str, int], list[Tensor]]
    source: str
    saved: dict[str, Any] = field(repr=False)

    @property
    def output_tensors(self) -> dict[str, Tensor]:
        """The outputs by name; a single one without a name has the name ""."""
        named = self.outputs if isinstance(self.outputs, dict) else {"": self.outputs}
        return {name: self.results[layer, number][index] for name, (layer, number, index) in named.items()}

    @property
    def input_tensors(self) -> dict[str, Tensor]:
        """The inputs by name."""
        return {name: self.results[name, 0][0] for name in self.inputs}

    def for_keras(self) -> str:
        """The JSON that Keras may build: without sizes that nobody has checked and nothing needs."""
        return json.dumps(_without(self.saved, ("build_config", "compile_config", "quantization_config")))


def _without(node: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(node, dict):
        return {key: _without(value, keys) for key, value in node.items() if key not in keys}
    return [_without(value, keys) for value in node] if isinstance(node, list) else node


# What a layer's weights must look like, from its config: the sizes it declares and which axis of which weight shows
# them. `None` stands for a size that the layer before decides.
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
} | dict.fromkeys(
    ("InputLayer", "Activation", "Dropout", "SpatialDropout1D", "EmbeddingDropout", "Concatenate", "Add", "Reshape",
     "Rescaling", "ExpectedLevel", "SlidingWindow", "GlobalMaxPooling1D", "MaskedPooling", "TakeRows", "FlipTime"),
    _no_weights,
)  # fmt: skip
RECURRENT = ("SimpleRNN", "GRU", "LSTM")
WRAPPERS = ("Bidirectional",)
# Classes inside a layer's config that hold no weights: initializers, precision policies, the model itself.
PLAIN_CLASSES = frozenset({"Functional", "DTypePolicy", INT8_POLICY, "__keras_tensor__", *INITIALIZERS})
OWN_LAYERS = frozenset(
    {"LSTM", "TiedEmbedding", "AttentionPooling", "ChainScores", "ExpectedLevel", "SlidingWindow", "EmbeddingDropout",
     "MaskedPooling", "TakeRows", "FlipTime"}
)  # fmt: skip
OWN_PACKAGE = "rnn_language"
MODULES = frozenset({"keras", "keras.layers", "keras.models", "keras.initializers", "keras.dtype_policies",
                     "keras.src.models.functional", "common.networks.layers", "common.networks.lstm",
                     "common.layers", "common.lstm", None})  # fmt: skip
MODEL_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config", "compile_config"})
CONFIG_KEYS = frozenset({"name", "trainable", "layers", "input_layers", "output_layers", "dtype"})
LAYER_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config", "name", "inbound_nodes"})


def read_architecture(model_file: Path, weights_file: Path) -> Architecture:
    """Read `model.json` and its weights and check them; see `parse_architecture`.

    Raises:
        InputError: the class or the layer that fails, and on which file.
    """
    model = read_regular(model_file.parent, model_file.name, MAX_JSON_BYTES)
    weights = read_regular(weights_file.parent, weights_file.name, MAX_FILE_BYTES)
    return parse_architecture(model, weights, str(model_file), str(weights_file))


def parse_architecture(
    model: bytes | bytearray, weights: bytes | bytearray, model_source: str, weights_source: str
) -> Architecture:
    """Check an architecture, and its weights against it: known classes and settings only, no cycle, every size.

    Args:
        model: the JSON.
        weights: the HDF5 file; the weights of the layers are views of these bytes.
        model_source: the name of the one file, for messages.
        weights_source: of the other.
    Raises:
        InputError: the class, the setting, the call or the weights that fail.
    """
    saved = read_json(model, model_source, MAX_JSON_BYTES)
    no_model = InputError(f"{model_source}: not a functional Keras model; take the bundle from its source again")
    if not isinstance(saved, dict):
        raise no_model
    check_classes(saved, model_source)
    try:
        entries = saved["config"]["layers"]
        check_number_of_layers(entries, model_source)
        check_entries(saved, model_source)
        layers = _name_layers(entries)
    except (KeyError, TypeError, AttributeError):
        raise no_model from None
    if len(layers) != len(entries):
        raise InputError(f"{model_source}: two layers have one name; do not use this bundle")
    for layer in layers.values():
        check_settings(layer, model_source)
        check_calls(layer, layers, model_source)
    inputs = [name for name, layer in layers.items() if layer.class_name == "InputLayer"]
    order = _call_order(layers, model_source)
    arrays = read_arrays(weights, weights_source)
    for layer in layers.values():
        _take_weights(layer, arrays, model_source, weights_source)
    check_nothing_left(arrays, weights_source)
    outputs = _named_outputs(saved["config"], inputs, model_source)
    results = check_results(layers, order, model_source)
    check_outputs(outputs, results, model_source)
    check_all_used(layers, outputs, model_source)
    return Architecture(layers, order, inputs, outputs, results, model_source, saved)


def _name_layers(entries: list[dict[str, Any]]) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    counts: dict[str, int] = {}
    for entry in entries:
        # Keras names a layer's weights by its class and by how many of that class came before.
        kind = _snake_case(entry["class_name"])
        number = counts[kind] = counts.get(kind, -1) + 1
        group = f"layers/{kind}" + (f"_{number}" if number else "")
        layers[entry["name"]] = Layer(
            entry["name"], entry["class_name"], entry["config"], group, entry["inbound_nodes"]
        )
    return layers


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


# -- The checks -----------------------------------------------------------------------------------------------------


def check_classes(node: Any, source: str) -> None:
    """Walk through all of the JSON; every `class_name` must be known, and come from Keras or from us."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        if isinstance(child, dict | list):
            check_classes(child, source)
    if isinstance(node, dict) and "class_name" in node:
        name, module = node["class_name"], node.get("module")
        if not isinstance(name, str) or name not in (*LAYER_SHAPES, *WRAPPERS, *PLAIN_CLASSES):
            raise InputError(f"{source}: class {excerpt(str(name))} is not allowed; do not use this bundle")
        if not (module is None or isinstance(module, str)) or module not in MODULES:
            raise InputError(f"{source}: class {name} of module {excerpt(str(module))} is not allowed")
        # Keras looks here first: the class that is built would be another one than the class that was checked.
        registered = node.get("registered_name")
        if registered not in (None, name) and (name not in OWN_LAYERS or registered != f"{OWN_PACKAGE}>{name}"):
            raise InputError(f"{source}: class {name} registered as {excerpt(str(registered))} is not allowed")


def check_number_of_layers(entries: Any, source: str) -> None:
    """Refuse a network of more layers or calls than any of ours: a chain of 8,000 takes seconds to build."""
    if not isinstance(entries, list):
        raise TypeError("layers are a list")
    num_calls = sum(len(entry["inbound_nodes"]) for entry in entries)
    if len(entries) > MAX_LAYERS or num_calls > MAX_CALLS:
        raise InputError(
            f"{source}: {len(entries):,} layers with {num_calls:,} calls, at most {MAX_LAYERS:,} with {MAX_CALLS:,} "
            "are built; do not use this bundle"
        )


def check_entries(saved: Mapping[str, Any], source: str) -> None:
    """Refuse anything beside the layers: settings of the model, or of the way in which a layer is written."""
    parts = [(saved, MODEL_KEYS), (saved["config"], CONFIG_KEYS)]
    parts += [(entry, LAYER_KEYS) for entry in saved["config"]["layers"]]
    for part, known in parts:
        if unknown := sorted(part.keys() - known):
            raise InputError(f"{source}: {excerpt(unknown[0])} is not allowed; do not use this bundle")
    if saved["class_name"] != "Functional" or saved.get("compile_config"):
        raise TypeError("a functional model that is not compiled")
    for entry in saved["config"]["layers"]:
        if entry["class_name"] not in (*LAYER_SHAPES, *WRAPPERS) or entry["config"]["name"] != entry["name"]:
            raise TypeError("a layer with its own name")


def check_settings(layer: Layer, source: str) -> None:
    """Refuse a setting that a layer does not have, or a value that it does not take."""
    fault = find_fault(layer.class_name, layer.config)
    if fault is None and layer.class_name in WRAPPERS:
        sides = [layer.config[side] for side in ("layer", "backward_layer") if side in layer.config]
        for side in sides:
            if side.get("class_name") not in RECURRENT or side.keys() - LAYER_KEYS:
                fault = "its directions are no recurrent layers"
            else:
                fault = fault or find_fault(side["class_name"], side.get("config"))
        if fault is None and [side["config"]["go_backwards"] for side in sides] not in ([False], [False, True]):
            fault = "its directions are not one of each kind (go_backwards)"
        returned = [(side["config"]["return_sequences"], side["config"]["return_state"]) for side in sides if not fault]
        if len(set(returned)) > 1:
            fault = "its directions return different things"
    if fault is not None:
        raise InputError(
            f"{source}: layer {excerpt(str(layer.name))} ({layer.class_name}): {fault}; do not use this bundle"
        )


def check_calls(layer: Layer, layers: Mapping[str, Layer], source: str) -> None:
    """Refuse arguments of a call that are neither tensors of the network nor plain values."""
    if not isinstance(layer.calls, list) or bool(layer.calls) == (layer.class_name == "InputLayer"):
        raise InputError(f"{source}: layer {excerpt(layer.name)} waits for itself or for nothing; do not use it")
    for call in layer.calls:
        fits = isinstance(call, dict) and call.keys() == {"args", "kwargs"}
        fits = fits and isinstance(call["args"], list) and isinstance(call["kwargs"], dict)
        if not fits or not all(_is_argument(value) for value in [*call["args"], *call["kwargs"].values()]):
            raise InputError(
                f"{source}: layer {excerpt(layer.name)} ({layer.class_name}) is called with something that is no "
                "tensor; do not use this bundle"
            )


def _is_argument(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_argument(child) and not isinstance(child, list) for child in value)
    if not isinstance(value, dict):
        return value is None or isinstance(value, bool)
    config = value.get("config")
    return (
        value.get("class_name") == "__keras_tensor__"
        and isinstance(config, dict)
        and config.keys() <= {"shape", "dtype", "keras_history", "name", "sparse", "ragged"}
        and _is_shape(config.get("shape", []))
        and config.get("dtype", "float32") in ("float32", "int32", "bool")
        and not (config.get("sparse") or config.get("ragged"))
        and _is_tensor(config.get("keras_history"))
    )


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(size is None or type(size) is int for size in value)


def _is_tensor(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(type(number) is int and 0 <= number <= MAX_CALLS for number in value[1:])
    )


def _call_order(layers: dict[str, Layer], source: str) -> list[tuple[str, int]]:
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
            raise InputError(f"{source}: layer {excerpt(name)} waits for itself or for nothing; do not use this bundle")
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


def layer_values(layer: Layer) -> list[np.ndarray]:
    """The weights of a layer in Keras' order; rows that are kept in 8 bits as the numbers that they stand for."""
    if is_int8(layer.config):
        rows, scales = layer.weights
        return [(rows / scales[:, None]).astype(np.float32)]
    return layer.weights


def _take_weights(layer: Layer, arrays: dict[str, np.ndarray], source: str, weights_source: str) -> None:
    """Move a layer's weights out of the file's arrays, and check that they are those that its settings declare."""
    if layer.class_name in WRAPPERS:
        sides = [layer.config["layer"], layer.config.get("backward_layer", layer.config["layer"])]
        declared = [LAYER_SHAPES[side["class_name"]](side["config"]) for side in sides]
    else:
        declared = [LAYER_SHAPES[layer.class_name](layer.config)]
    for shapes, group in zip(declared, weight_groups(layer.class_name, layer.group), strict=True):
        found: list[np.ndarray] = []
        while (path := f"{group}/{len(found)}") in arrays:
            found.append(arrays.pop(path))
        check_shapes(layer, shapes, [array.shape for array in found], source, weights_source)
        check_types(layer, found, weights_source)
        layer.weights.extend(found)
    if is_int8(layer.config):
        check_scales(layer.weights[1], layer.name, weights_source)
        return
    for array in layer.weights:
        check_numbers(array, layer.name, weights_source)


def check_shapes(
    layer: Layer, declared: Shapes, found: list[tuple[int, ...]], source: str, weights_source: str
) -> None:
    """Refuse weights of another number or size than the layer's settings declare."""
    named = f"{source}: layer {excerpt(layer.name)} ({layer.class_name}) declares"
    holds = Path(weights_source).name
    if len(found) > len(declared):
        raise InputError(f"{named} {len(declared)} weights, {holds} holds {len(found)}; do not use this bundle")
    for index, shape in enumerate(declared):
        held = found[index] if index < len(found) else ()
        if len(held) != len(shape) or any(a not in (None, b) for a, b in zip(shape, held, strict=True)):
            raise InputError(f"{named} weights of {shape}, {holds} holds {held or None}; do not use this bundle")


def check_types(layer: Layer, arrays: list[np.ndarray], weights_source: str) -> None:
    """Refuse rows of 8 bits where numbers are wanted, and the other way round."""
    wanted = [np.int8, np.float32] if is_int8(layer.config) else [np.float32] * len(arrays)
    if [array.dtype for array in arrays] != wanted:
        raise InputError(f"{weights_source}: layer {excerpt(layer.name)} has weights of another type; do not use it")


def check_nothing_left(arrays: Mapping[str, np.ndarray], weights_source: str) -> None:
    """Refuse weights that belong to no layer: the file is another network's."""
    if arrays:
        raise InputError(f"{weights_source}: no layer has {excerpt(min(arrays))}; do not use this bundle")


def check_results(
    layers: Mapping[str, Layer], order: list[tuple[str, int]], source: str
) -> dict[tuple[str, int], list[Tensor]]:
    """Follow the shapes of the tensors through the network; returns those of each call's results."""
    results: dict[tuple[str, int], list[Tensor]] = {}
    for name, number in order:
        layer = layers[name]
        if layer.class_name == "InputLayer":
            results[name, number] = [Tensor(tuple(layer.config["batch_shape"]), layer.config["dtype"])]
            continue
        try:
            call = layer.calls[number]
            args = [_tensors(value, results) for value in call["args"]]
            kwargs = {key: _tensors(value, results) for key, value in call["kwargs"].items()}
            shapes = [array.shape for array in layer.weights]
            results[name, number] = find_results(layer.class_name, layer.config, shapes, args, kwargs)
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{source}: layer {excerpt(name)} ({layer.class_name}): cannot be called so: {error}; "
                "do not use this bundle"
            ) from None
    return results


def _tensors(value: Any, results: Mapping[tuple[str, int], list[Tensor]]) -> Any:
    if isinstance(value, list):
        return [_tensors(child, results) for child in value]
    if isinstance(value, dict):
        name, number, index = value["config"]["keras_history"]
        return results[name, number][index]
    return value


def _named_outputs(config: Mapping[str, Any], inputs: list[str], source: str) -> Any:
    """The outputs of a network, by name or a single one; its inputs must be its input layers."""
    wrong = f"{source}: no network can be built from it"
    given = config.get("input_layers")
    given = [given] if _is_tensor(given) else given
    named = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(named, list) or sorted(map(str, named)) != sorted(str([name, 0, 0]) for name in inputs):
        raise InputError(f"{wrong} (its inputs are not its input layers); do not use this bundle")
    if isinstance(given, dict) and any(name != tensor[0] for name, tensor in given.items()):
        raise InputError(f"{wrong} (an input has the name of another); do not use this bundle")
    outputs = config.get("output_layers")
    if isinstance(outputs, list) and len(outputs) == 1:
        outputs = outputs[0]
    tensors = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    if not 0 < len(tensors) <= MAX_OUTPUTS or not all(map(_is_tensor, tensors)):
        raise InputError(f"{wrong} (its outputs are no tensors, or several without names); do not use this bundle")
    return outputs


def check_outputs(outputs: Any, results: Mapping[tuple[str, int], list[Tensor]], source: str) -> None:
    """Refuse outputs that no layer makes, or that are no numbers."""
    for name, (layer, number, index) in (outputs if isinstance(outputs, dict) else {"": outputs}).items():
        found = results.get((layer, number), [])
        if index >= len(found) or found[index].dtype != "float32" or len(name) > MAX_NAME:
            raise InputError(
                f"{source}: no network can be built from it (nothing makes its output {excerpt(name)}); "
                "do not use this bundle"
            )


def check_all_used(layers: Mapping[str, Layer], outputs: Any, source: str) -> None:
    """Refuse calls that no output comes from: they cost time, and hide what the network consists of."""
    tensors = outputs.values() if isinstance(outputs, dict) else [outputs]
    used, waiting = set(), [(name, number) for name, number, _ in tensors]
    while waiting:
        call = waiting.pop()
        if call not in used:
            used.add(call)
            waiting += sources(layers[call[0]].calls[call[1] : call[1] + 1])
    for layer in layers.values():
        if any((layer.name, number) not in used for number in range(len(layer.calls))):
            raise InputError(f"{source}: layer {excerpt(layer.name)} has no part in the answer; do not use this bundle")


# -- What a network consists of -------------------------------------------------------------------------------------

# The settings that shape an answer, by class, and the values of those that are only told where they are others.
SHAPING: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "Embedding": (("input_dim", "output_dim"), {}),
    "TiedEmbedding": (("input_dim", "output_dim"), {}),
    "Dense": (("units", "activation"), {"use_bias": True}),
    "Conv1D": (("filters", "kernel_size", "activation"), {"padding": "same", "use_bias": True}),
    "MaskedPooling": (("mode",), {}),
    "AttentionPooling": (("units",), {}),
    "ChainScores": (("num_tags",), {}),
    "ExpectedLevel": (("levels", "ordinal"), {}),
    "Rescaling": (("scale", "offset"), {}),
    "SlidingWindow": (("size",), {}),
    "Activation": (("activation",), {}),
    "Reshape": (("target_shape",), {}),
    "Concatenate": ((), {"axis": -1}),
    "Bidirectional": ((), {"merge_mode": "concat"}),
}
USUAL = {
    "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "go_backwards": False,
    "reset_after": True,
}  # fmt: skip
SHAPING |= dict.fromkeys(RECURRENT, (("units",), USUAL))
NOT_SHAPING = ("InputLayer", "Dropout", "SpatialDropout1D", "EmbeddingDropout")


def describe_layer(class_name: str, config: Mapping[str, Any]) -> str:
    """Write a layer with the settings that shape its answer.

    >>> describe_layer("LSTM", {"units": 3, "go_backwards": True}), describe_layer("Dense", {"units": 2})
    ('LSTM(3, go_backwards=True)', 'Dense(2)')
    """
    always, usual = SHAPING.get(class_name, ((), {}))
    shown = [_shown(config[name]) for name in always if name in config]
    shown += [f"{name}={_shown(config[name])}" for name, value in usual.items() if config.get(name, value) != value]
    if class_name in WRAPPERS:
        sides = [config["layer"], config.get("backward_layer", config["layer"])]
        told = [describe_layer(side["class_name"], {**side["config"], "go_backwards": False}) for side in sides]
        shown = [*dict.fromkeys(told), *shown]
    shown += ["int8"] if is_int8(config) else []
    return f"{class_name}({', '.join(shown)})"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:.6g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def describe_layers(architecture: Architecture) -> list[str]:
    """Write each layer of a network that shapes its answers, dropout and the like left out."""
    return [
        describe_layer(layer.class_name, layer.config)
        for layer in architecture.layers.values()
        if layer.class_name not in NOT_SHAPING
        and not (layer.class_name == "Activation" and layer.config["activation"] == "linear")
    ]


def _snake_case(name: str) -> str:
    """Keras' own name of a class in a weights file.

    >>> [_snake_case(name) for name in ("LSTM", "SimpleRNN", "Conv1D", "GlobalMaxPooling1D", "InputLayer")]
    ['lstm', 'simple_rnn', 'conv1d', 'global_max_pooling1d', 'input_layer']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
