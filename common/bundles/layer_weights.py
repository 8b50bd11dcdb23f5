"""Weights of the layers of a saved network: those of the file must be those that the settings declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.bundles.architecture import Layer
from common.bundles.weights_file import check_numbers, check_scales
from common.errors import InputError, excerpt
from common.networks.specs.settings import is_int8
from common.networks.specs.shapes import Shape


def take_weights(layers: Mapping[str, Layer], arrays: dict[str, np.ndarray], source: str, weights_source: str) -> None:
    """Move the weights out of the file's arrays into the layers, and check that they are those that are declared.

    Args:
        layers: by name.
        arrays: of `common.bundles.weights_file.read_arrays`; empty afterwards.
        source: the file of the architecture, for messages.
        weights_source: that of the weights.
    Raises:
        InputError: weights that are missing, left over, of another size or type, or no weights of a network.
    """
    for layer in layers.values():
        for place, shapes in layer.spec.weights(layer.config).items():
            found: list[np.ndarray] = []
            while (path := f"{layer.group}/{place}/{len(found)}") in arrays:
                found.append(arrays.pop(path))
            check_shapes(layer, shapes, [array.shape for array in found], source, weights_source)
            check_types(layer, found, weights_source)
            layer.weights.extend(found)
        if is_int8(layer.config):
            check_scales(layer.weights[1], layer.name, weights_source)
            continue
        for array in layer.weights:
            check_numbers(array, layer.name, weights_source)
    check_nothing_left(arrays, weights_source)


def check_shapes(
    layer: Layer, declared: Sequence[Shape], found: Sequence[tuple[int, ...]], source: str, weights_source: str
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
    found = ["f" if array.dtype in (np.float32, np.float16) else array.dtype for array in arrays]
    if found != ([np.int8, "f"] if is_int8(layer.config) else ["f"] * len(arrays)):
        raise InputError(f"{weights_source}: layer {excerpt(layer.name)} has weights of another type; do not use it")


def check_nothing_left(arrays: Mapping[str, np.ndarray], weights_source: str) -> None:
    """Refuse weights that belong to no layer: the file is another network's."""
    if arrays:
        raise InputError(f"{weights_source}: no layer has {excerpt(min(arrays))}; do not use this bundle")
