"""Calls of the layers of a saved network: arguments, order, shapes of the results, and what becomes an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.bundles.architecture import Call, Layer, Place, name_outputs, resolve, sources
from common.errors import InputError, excerpt
from common.networks.specs.settings import MAX_NAME
from common.networks.specs.shapes import Tensor

MAX_OUTPUTS = 400
MAX_NUMBER = 1000  # of a call or a result in a reference
NO_ARGUMENTS: Mapping[str, Any] = {"args": [], "kwargs": {}}  # of an input layer


def check_calls(layer: Layer, source: str) -> None:
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


def _is_argument(value: object) -> bool:
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


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and all(size is None or type(size) is int for size in value)


def _is_tensor(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(type(number) is int and 0 <= number <= MAX_NUMBER for number in value[1:])
    )


def call_order(layers: Mapping[str, Layer], source: str) -> list[Call]:
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


def check_results(layers: Mapping[str, Layer], order: Sequence[Call], source: str) -> dict[Call, list[Tensor]]:
    """Follow the shapes of the tensors through the network; returns those of each call's results."""
    results: dict[Call, list[Tensor]] = {}
    for name, number in order:
        layer = layers[name]
        call = layer.calls[number] if layer.calls else NO_ARGUMENTS
        try:
            args = [resolve(value, results) for value in call["args"]]
            kwargs = {key: resolve(value, results) for key, value in call["kwargs"].items()}
            shapes = [array.shape for array in layer.weights]
            results[name, number] = layer.spec.find_results(layer.config, shapes, args, kwargs)
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{source}: layer {excerpt(name)} ({layer.class_name}): cannot be called so: {error}; "
                "do not use this bundle"
            ) from None
    return results


def named_outputs(config: Mapping[str, Any], inputs: Sequence[str], source: str) -> dict[str, Place] | Place:
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
    if isinstance(outputs, dict):
        return {name: _place(tensor) for name, tensor in outputs.items()}
    return _place(outputs)


def _place(tensor: Any) -> Place:
    name, number, index = tensor
    return name, number, index


def check_outputs(outputs: dict[str, Place] | Place, results: Mapping[Call, Sequence[Tensor]], source: str) -> None:
    """Refuse outputs that no layer makes, or that are no numbers."""
    for name, (layer, number, index) in name_outputs(outputs).items():
        found = results.get((layer, number), [])
        if index >= len(found) or found[index].dtype != "float32" or len(name) > MAX_NAME:
            raise InputError(
                f"{source}: no network can be built from it (nothing makes its output {excerpt(name)}); "
                "do not use this bundle"
            )


def check_all_used(layers: Mapping[str, Layer], outputs: dict[str, Place] | Place, source: str) -> None:
    """Refuse calls that no output comes from: they cost time, and hide what the network consists of."""
    used: set[Call] = set()
    waiting = [(name, number) for name, number, _ in name_outputs(outputs).values()]
    while waiting:
        call = waiting.pop()
        if call not in used:
            used.add(call)
            waiting += sources(layers[call[0]].calls[call[1] : call[1] + 1])
    for layer in layers.values():
        if any((layer.name, number) not in used for number in range(len(layer.calls))):
            raise InputError(f"{source}: layer {excerpt(layer.name)} has no part in the answer; do not use this bundle")
