"""Layers that treat every step alone: dense layers, activations, dropout, normalization, and the input."""

from __future__ import annotations

import numpy as np

from common.networks.rating_levels import MAX_LEVELS
from common.networks.specs.settings import (
    KERNEL_NEEDED,
    KERNEL_OPTIONAL,
    MAX_FEATURES,
    MAX_RANK,
    Config,
    activation,
    either,
    flag,
    initializer,
    listed,
    nothing,
    number,
    one_of,
    rate,
    seed,
    size,
    whole,
)
from common.networks.specs.shapes import Argument, Shapes, Tensor, show_tensor, want, want_any_rank
from common.networks.specs.spec import LayerSpec, WeightShapes
from common.networks.specs.translation import Graph, LayerReader, activate


def _is_batch_shape(value: object) -> bool:
    sizes = listed(either(nothing, whole(1, MAX_FEATURES)), MAX_RANK)
    return sizes(value) and isinstance(value, list) and len(value) > 1 and value[0] is None


def _input_results(config: Config, weights: Shapes) -> list[Tensor]:
    return [Tensor(tuple(config["batch_shape"]), config["dtype"])]


def _input_to_onnx(graph: Graph, layer: LayerReader) -> str:
    layer.require(sparse=False, ragged=False, optional=False, batch_shape=layer["batch_shape"])
    return layer.name  # the graph has an input of this name


INPUT = LayerSpec(
    "InputLayer",
    needed={"batch_shape": _is_batch_shape, "dtype": one_of("int32", "bool", "float32")},
    optional={"sparse": one_of(False), "ragged": one_of(False), "optional": one_of(False)},
    results=_input_results,
    to_onnx=_input_to_onnx,
    shown=None,
)


def _dense_weights(config: Config) -> WeightShapes:
    return {"vars": [(None, config["units"]), *([(config["units"],)] if config["use_bias"] else [])]}


def _dense_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    shape = want_any_rank(inputs).shape
    if len(shape) < 2:
        raise ValueError("it takes features")
    want_any_rank(inputs, weights[0][0])
    return [Tensor((*shape[:-1], config["units"]))]


def _dense_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    product = graph.add("MatMul", inputs, graph.weight(f"{layer.name}.kernel", layer.weights[0]))
    if layer["use_bias"]:
        product = graph.add("Add", product, graph.weight(f"{layer.name}.bias", layer.weights[1]))
    return activate(graph, layer, product)


DENSE = LayerSpec(
    "Dense",
    needed={**KERNEL_NEEDED, "units": size},
    optional=KERNEL_OPTIONAL,
    weights=_dense_weights,
    results=_dense_results,
    to_onnx=_dense_to_onnx,
    shown=("units", "activation"),
    usual={"use_bias": True},
)


def unchanged(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    """The result of a layer that changes no shape."""
    return [want_any_rank(inputs)]


def steps_unchanged(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    """The result of a layer that changes no shape, and takes sequences alone."""
    return [want(inputs, 3)]


ACTIVATION = LayerSpec(
    "Activation", needed={"activation": activation}, results=unchanged, to_onnx=activate, shown=("activation",)
)


def _nothing_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    """Dropout, which is for training only."""
    return inputs


DROPOUT = LayerSpec(
    "Dropout",
    needed={},
    optional={"rate": rate, "seed": seed, "noise_shape": either(nothing, listed(either(nothing, one_of(1)), MAX_RANK))},
    results=unchanged,
    to_onnx=_nothing_to_onnx,
    shown=None,
)
SPATIAL_DROPOUT = LayerSpec(
    "SpatialDropout1D",
    needed={},
    optional={"rate": rate, "seed": seed},
    results=steps_unchanged,
    to_onnx=_nothing_to_onnx,
    shown=None,
)


def _normalization_weights(config: Config) -> WeightShapes:
    return {"vars": [(None,)] * (bool(config["scale"]) + bool(config["center"]))}


def _normalization_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    return [want_any_rank(inputs, weights[0][0] if weights else None)]


def _normalization_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(rms_scaling=False, axis=[-1])
    weights = iter(layer.weights)
    shape = layer.weights[0].shape if layer.weights else None
    if shape is None:
        raise layer.not_covered("scale=False with center=False", "one of them is")
    scale = next(weights) if layer["scale"] else np.ones(shape)
    shift = next(weights) if layer["center"] else np.zeros(shape)
    names = (graph.weight(f"{layer.name}.{i}", weight) for i, weight in enumerate((scale, shift)))
    return graph.add("LayerNormalization", inputs, *names, axis=-1, epsilon=layer["epsilon"])


LAYER_NORMALIZATION = LayerSpec(
    "LayerNormalization",
    needed={"axis": one_of([-1]), "epsilon": number(1e-9, 1), "center": flag, "scale": flag},
    optional={
        "rms_scaling": one_of(False),
        "beta_initializer": initializer,
        "gamma_initializer": initializer,
        "beta_regularizer": nothing,
        "gamma_regularizer": nothing,
        "beta_constraint": nothing,
        "gamma_constraint": nothing,
    },
    weights=_normalization_weights,
    results=_normalization_results,
    to_onnx=_normalization_to_onnx,
)


def _rescaling_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    tensor = want_any_rank(inputs)
    for setting in ("scale", "offset"):
        if isinstance(config[setting], list) and len(config[setting]) != tensor.shape[-1]:
            raise ValueError(f"{setting} has {len(config[setting])} numbers, it takes {show_tensor(tensor)}")
    return [tensor]


def _rescaling_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    scaled = graph.add("Mul", inputs, graph.constant(layer["scale"], np.float32))
    return graph.add("Add", scaled, graph.constant(layer["offset"], np.float32))


_one_or_more = either(number(-1e9, 1e9), listed(number(-1e9, 1e9), MAX_LEVELS))
RESCALING = LayerSpec(
    "Rescaling",
    needed={"scale": _one_or_more, "offset": _one_or_more},
    results=_rescaling_results,
    to_onnx=_rescaling_to_onnx,
    shown=("scale", "offset"),
)

SPECS = (INPUT, DENSE, ACTIVATION, DROPOUT, SPATIAL_DROPOUT, LAYER_NORMALIZATION, RESCALING)
