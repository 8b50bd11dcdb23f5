"""The architecture of a saved network: its layers, their calls in order, and the shapes between them.

It is read without Keras, and checked, by `common.bundles.gate`; whoever builds a network from a file, Keras or our ONNX
graph, builds what is in an `Architecture`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common.networks.specs.settings import is_int8
from common.networks.specs.shapes import Tensor
from common.networks.specs.spec import LayerSpec
from common.networks.specs.table import SPECS, describe_layer, shapes_answers

# A call of a layer: its name and the number of the call. A tensor: both, and the number of the result.
Call = tuple[str, int]
Place = tuple[str, int, int]


@dataclass(frozen=True)
class Layer:
    """One layer: its name, Keras class and settings, and the group of the weights file that holds its weights.

    `calls` are the arguments of each call of the layer, as Keras writes them; an input has none. `weights` are those of
    the file, in Keras' order, of a layer in two directions those of both; see `values` and `answering_values`.
    """

    name: str
    class_name: str
    config: dict[str, Any]
    group: str
    calls: list[dict[str, Any]]
    weights: list[np.ndarray] = field(default_factory=list, repr=False, compare=False)

    @property
    def spec(self) -> LayerSpec:
        """What is known of its class."""
        return SPECS[self.class_name]

    def values(self) -> list[np.ndarray]:
        """The weights in Keras' order, float32; rows that are kept in 8 bits as the numbers that they stand for."""
        if is_int8(self.config):
            rows, scales = self.weights
            return [rows / scales[:, None].astype(np.float32)]
        return [array.astype(np.float32, copy=False) for array in self.weights]

    def answering_values(self) -> list[np.ndarray]:
        """The weights as an ONNX graph takes them: as `values`, but a table in half precision stays so."""
        if self.spec.keeps_half and self.weights[0].dtype == np.float16:
            return self.weights
        return self.values()


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
    order: list[Call]
    inputs: list[str]
    outputs: dict[str, Place] | Place
    results: dict[Call, list[Tensor]]
    source: str
    saved: dict[str, Any] = field(repr=False)

    @property
    def output_tensors(self) -> dict[str, Tensor]:
        """The outputs by name; a single one without a name has the name ""."""
        named = name_outputs(self.outputs)
        return {name: self.results[layer, number][index] for name, (layer, number, index) in named.items()}

    @property
    def input_tensors(self) -> dict[str, Tensor]:
        """The inputs by name."""
        return {name: self.results[name, 0][0] for name in self.inputs}

    def for_keras(self) -> str:
        """The JSON that Keras may build: without sizes that nobody has checked and nothing needs."""
        return json.dumps(_without(self.saved, ("build_config", "compile_config", "quantization_config")))

    def describe(self) -> list[str]:
        """Describe each layer that has a part in the answers, dropout and the like left out."""
        return [
            describe_layer(layer.class_name, layer.config)
            for layer in self.layers.values()
            if shapes_answers(layer.class_name, layer.config)
        ]


def name_outputs(outputs: dict[str, Place] | Place) -> dict[str, Place]:
    """The outputs by name; a single one without a name gets the name ""."""
    return outputs if isinstance(outputs, dict) else {"": outputs}


def _without(node: object, keys: tuple[str, ...]) -> object:
    if isinstance(node, dict):
        return {key: _without(value, keys) for key, value in node.items() if key not in keys}
    return [_without(value, keys) for value in node] if isinstance(node, list) else node


def sources(node: object) -> Iterator[Call]:
    """The calls, as (layer, number), whose results go into a call."""
    if isinstance(node, dict) and "keras_history" in node:
        yield node["keras_history"][0], node["keras_history"][1]
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from sources(child)


def resolve(node: Any, results: Mapping[Call, Sequence[Any]]) -> Any:
    """An argument of a call, with results (shapes, names of tensors) in the place of Keras' references to them."""
    if isinstance(node, list):
        return [resolve(child, results) for child in node]
    if isinstance(node, dict):
        name, number, index = node["config"]["keras_history"]
        return results[name, number][index]
    return node
