"""The gate before every engine: read `model.json` without Keras, and refuse what could do harm or does not fit.

Layers of known classes with known settings (here), calls that can be made one after the other, each with arguments that
fit the layer (`common.bundles.calls`), and weights of the sizes that are declared (`common.bundles.layer_weights`).
What is known of a class is its `LayerSpec` in `common.networks.specs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.bundles import calls, layer_weights
from common.bundles.architecture import Architecture, Layer
from common.bundles.manifest import MAX_FILE_BYTES, MAX_JSON_BYTES, read_regular
from common.bundles.weights_file import read_arrays
from common.errors import InputError, excerpt
from common.json_files import read_json
from common.networks import layer_names
from common.networks.specs.settings import INITIALIZERS, INT8_POLICY, LAYER_KEYS
from common.networks.specs.table import SPECS

MAX_LAYERS = 400  # a network of ours has 40
MAX_CALLS = 1000

# Classes inside a layer's config that hold no weights: initializers, precision policies, the model itself.
PLAIN_CLASSES = frozenset({"Functional", "DTypePolicy", INT8_POLICY, "__keras_tensor__", *INITIALIZERS})
MODULES = frozenset({"keras", "keras.layers", "keras.models", "keras.initializers", "keras.dtype_policies",
                     "keras.src.models.functional", *layer_names.MODULES, None})  # fmt: skip
MODEL_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config", "compile_config"})
CONFIG_KEYS = frozenset({"name", "trainable", "layers", "input_layers", "output_layers", "dtype"})


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
    saved, layers = _read_layers(model, model_source)
    for layer in layers.values():
        check_settings(layer, model_source)
        calls.check_calls(layer, model_source)
    inputs = [name for name, layer in layers.items() if layer.class_name == "InputLayer"]
    order = calls.call_order(layers, model_source)
    layer_weights.take_weights(layers, read_arrays(weights, weights_source), model_source, weights_source)
    outputs = calls.named_outputs(saved["config"], inputs, model_source)
    results = calls.check_results(layers, order, model_source)
    calls.check_outputs(outputs, results, model_source)
    calls.check_all_used(layers, outputs, model_source)
    return Architecture(layers, order, inputs, outputs, results, model_source, saved)


def _read_layers(model: bytes | bytearray, source: str) -> tuple[dict[str, Any], dict[str, Layer]]:
    """The content of `model.json`, and its layers by name; their settings are not checked yet."""
    saved = read_json(model, source, MAX_JSON_BYTES)
    no_model = InputError(f"{source}: not a functional Keras model; take the bundle from its source again")
    if not isinstance(saved, dict):
        raise no_model
    check_classes(saved, source)
    try:
        entries = saved["config"]["layers"]
        check_number_of_layers(entries, source)
        check_entries(saved, source)
        layers = _name_layers(entries)
    except (KeyError, TypeError, AttributeError):
        raise no_model from None
    if len(layers) != len(entries):
        raise InputError(f"{source}: two layers have one name; do not use this bundle")
    return saved, layers


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


def _snake_case(name: str) -> str:
    """Keras' own name of a class in a weights file.

    >>> [_snake_case(name) for name in ("LSTM", "SimpleRNN", "Conv1D", "GlobalMaxPooling1D", "InputLayer")]
    ['lstm', 'simple_rnn', 'conv1d', 'global_max_pooling1d', 'input_layer']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


# -- The checks -----------------------------------------------------------------------------------------------------


def check_classes(node: object, source: str) -> None:
    """Walk through all of the JSON; every `class_name` must be known, and come from Keras or from us."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        if isinstance(child, dict | list):
            check_classes(child, source)
    if isinstance(node, dict) and "class_name" in node:
        name, module = node["class_name"], node.get("module")
        if not isinstance(name, str) or (name not in SPECS and name not in PLAIN_CLASSES):
            raise InputError(f"{source}: class {excerpt(str(name))} is not allowed; do not use this bundle")
        if not (module is None or isinstance(module, str)) or module not in MODULES:
            raise InputError(f"{source}: class {name} of module {excerpt(str(module))} is not allowed")
        # Keras looks here first: the class that is built would be another one than the class that was checked.
        registered = node.get("registered_name")
        own = name in SPECS and SPECS[name].own
        if registered not in (None, name) and not (own and registered == f"{layer_names.PACKAGE}>{name}"):
            raise InputError(f"{source}: class {name} registered as {excerpt(str(registered))} is not allowed")


def check_number_of_layers(entries: object, source: str) -> None:
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
        if entry["class_name"] not in SPECS or entry["config"]["name"] != entry["name"]:
            raise TypeError("a layer with its own name")


def check_settings(layer: Layer, source: str) -> None:
    """Refuse a setting that a layer does not have, or a value that it does not take."""
    fault = layer.spec.find_fault(layer.config)
    if fault is not None:
        raise InputError(
            f"{source}: layer {excerpt(str(layer.name))} ({layer.class_name}): {fault}; do not use this bundle"
        )
