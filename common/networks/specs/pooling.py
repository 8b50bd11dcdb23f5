"""Pooling: from a sequence (batch, time, features) to one vector (batch, features)."""

from __future__ import annotations

import numpy as np

from common.networks.specs.settings import Config, one_of, size
from common.networks.specs.shapes import Argument, Shapes, Tensor, want
from common.networks.specs.spec import LayerSpec, MaskUse, WeightShapes
from common.networks.specs.translation import Graph, LayerReader


def _pooled(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    batch, _, features = want(inputs, 3).shape
    return [Tensor((batch, features))]


def _global_max_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(data_format="channels_last", keepdims=False)
    return graph.add("ReduceMax", inputs, graph.constant([1]), keepdims=0)


GLOBAL_MAX_POOLING = LayerSpec(
    "GlobalMaxPooling1D",
    needed={},
    optional={"data_format": one_of("channels_last"), "keepdims": one_of(False)},
    results=_pooled,
    to_onnx=_global_max_to_onnx,
)


def _masked_results(config: Config, weights: Shapes, inputs: Argument, mask: Argument) -> list[Tensor]:
    want(mask, 2, dtype="bool")
    return _pooled(config, weights, inputs)


def _masked_to_onnx(graph: Graph, layer: LayerReader, inputs: str, mask: str | None = None) -> str:
    mode = layer["mode"]
    if inputs in graph.parts:  # pooled one by one, they need not be put together at every step
        pooled = [_masked_to_onnx(graph, layer, part, mask) for part in graph.parts[inputs]]
        return graph.add("Concat", *pooled, axis=-1)
    steps = graph.time_first.get((inputs, mask))
    values, time = (steps, graph.constant([0])) if steps else (inputs, graph.constant([1]))
    if mask is None:
        return graph.add({"max": "ReduceMax", "sum": "ReduceSum", "mean": "ReduceMean"}[mode], values, time, keepdims=0)
    real = graph.add("Unsqueeze", mask, graph.constant([2]))  # (batch, time, 1)
    if steps:
        real = graph.add("Transpose", real, perm=[1, 0, 2])  # (time, batch, 1)
    if mode == "max":
        # What is added to padding lets nothing there be the largest; a choice step by step would take twice the time.
        lowest = graph.add("Where", real, *(graph.constant(value, np.float32) for value in (0, -3e38)))
        return graph.add("ReduceMax", graph.add("Add", values, lowest), time, keepdims=0)  # (batch, features)
    ones = graph.cast(real, np.float32)
    total = graph.add("ReduceSum", values if steps else graph.add("Mul", values, ones), time, keepdims=0)
    return total if mode == "sum" else graph.add("Div", total, graph.add("ReduceSum", ones, time, keepdims=0))


MASKED_POOLING = LayerSpec(
    "MaskedPooling",
    needed={"mode": one_of("mean", "max", "sum")},
    results=_masked_results,
    to_onnx=_masked_to_onnx,
    mask=MaskUse.CONSUMED,
    own=True,
    shown=("mode",),
)


def _attention_weights(config: Config) -> WeightShapes:
    return {"vars": [(None, config["units"]), (config["units"],), (config["units"],)]}


def _attention_results(config: Config, weights: Shapes, inputs: Argument, mask: Argument) -> list[Tensor]:
    want(inputs, 3, weights[0][0])
    return _masked_results(config, weights, inputs, mask)


def _attention_to_onnx(graph: Graph, layer: LayerReader, inputs: str, mask: str | None = None) -> str:
    kernel, bias, context = layer.weights
    hidden = graph.add("MatMul", inputs, graph.weight(f"{layer.name}.kernel", kernel))
    hidden = graph.add("Tanh", graph.add("Add", hidden, graph.weight(f"{layer.name}.bias", bias)))
    scores = graph.add("MatMul", hidden, graph.weight(f"{layer.name}.context", context[:, None]))  # (batch, time, 1)
    if mask is not None:
        real = graph.add("Unsqueeze", mask, graph.constant([2]))
        scores = graph.add("Where", real, scores, graph.constant(-3e38, np.float32))
    weighted = graph.add("Mul", inputs, graph.add("Softmax", scores, axis=1))
    return graph.add("ReduceSum", weighted, graph.constant([1]), keepdims=0)  # (batch, features)


ATTENTION_POOLING = LayerSpec(
    "AttentionPooling",
    needed={"units": size},
    weights=_attention_weights,
    results=_attention_results,
    to_onnx=_attention_to_onnx,
    mask=MaskUse.CONSUMED,
    own=True,
    shown=("units",),
)

SPECS = (GLOBAL_MAX_POOLING, MASKED_POOLING, ATTENTION_POOLING)
