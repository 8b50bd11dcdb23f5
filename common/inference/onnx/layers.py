"""Keras' layers as ONNX nodes: a short function each, which takes the graph, the layer, and the arguments of the call.

A function has the signature of the Keras call, with the names of tensors; an argument that it does not take is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from common.inference.onnx.nodes import Graph, LayerReader, activate, flip
from common.inference.onnx.recurrent import bidirectional, recurrent
from common.networks.rating_levels import level_moments


def _embedding(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(mask_zero=False)
    table = graph.table(f"{layer.name}.embeddings", layer.weights[0])
    result = graph.add("Gather", table, inputs)
    # For a recurrent layer: ids are sooner transposed than their vectors.
    graph.time_first[result, None] = graph.add("Gather", table, graph.add("Transpose", inputs))
    return result


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
    return activate(graph, layer, product)


def _convolution(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(data_format="channels_last", groups=1, strides=[1], dilation_rate=[1])
    if layer["padding"] not in ("same", "valid"):
        raise layer.not_covered(f"padding={layer['padding']!r}", "'same' and 'valid' are")
    kernel, *bias = layer.weights  # (width, channels, filters)
    names = [graph.weight(f"{layer.name}.kernel", kernel.transpose(2, 1, 0))]
    if layer["use_bias"]:
        names.append(graph.weight(f"{layer.name}.bias", bias[0]))
    missing = len(kernel) - 1 if layer["padding"] == "same" else 0
    pads = [missing // 2, missing - missing // 2]  # the odd one of the steps that are missing comes last
    rows = graph.add("Transpose", inputs, perm=[0, 2, 1])  # (batch, channels, time)
    fits = graph.add("Conv", rows, *names, pads=pads)
    return activate(graph, layer, graph.add("Transpose", fits, perm=[0, 2, 1]))


def _global_max_pooling(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(data_format="channels_last", keepdims=False)
    return graph.add("ReduceMax", inputs, graph.constant([1]), keepdims=0)


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
    return activate(graph, layer, inputs)


def _nothing(graph: Graph, layer: LayerReader, inputs: str) -> str:
    """Dropout, which is for training only."""
    return inputs


def _embedding_dropout(graph: Graph, layer: LayerReader, inputs: str, token_ids: str) -> str:
    return inputs


def _concatenate(graph: Graph, layer: LayerReader, inputs: list[str]) -> str:
    result = graph.add("Concat", *inputs, axis=layer["axis"])
    if layer["axis"] == -1:
        graph.parts[result] = inputs
    return result


def _add(graph: Graph, layer: LayerReader, inputs: list[str]) -> str:
    return graph.add("Sum", *inputs)


def _reshape(graph: Graph, layer: LayerReader, inputs: str) -> str:
    return graph.add("Reshape", inputs, graph.constant([0, *layer["target_shape"]]))  # 0: the batch stays


def _flip_time(graph: Graph, layer: LayerReader, inputs: str) -> str:
    return flip(graph, inputs, axis=1)


def _take_rows(graph: Graph, layer: LayerReader, rows: str, places: str) -> str:
    return graph.add("Gather", rows, places, axis=0)


def _rescaling(graph: Graph, layer: LayerReader, inputs: str) -> str:
    scaled = graph.add("Mul", inputs, graph.constant(layer["scale"], np.float32))
    return graph.add("Add", scaled, graph.constant(layer["offset"], np.float32))


def _masked_pooling(graph: Graph, layer: LayerReader, inputs: str, mask: str | None = None) -> str:
    mode = layer["mode"]
    if inputs in graph.parts:  # pooled one by one, they need not be put together at every step
        pooled = [_masked_pooling(graph, layer, part, mask) for part in graph.parts[inputs]]
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
        lowest = graph.add("Where", real, *(graph.constant(number, np.float32) for number in (0, -3e38)))
        return graph.add("ReduceMax", graph.add("Add", values, lowest), time, keepdims=0)  # (batch, features)
    ones = graph.add("Cast", real, to=TensorProto.FLOAT)
    total = graph.add("ReduceSum", values if steps else graph.add("Mul", values, ones), time, keepdims=0)
    return total if mode == "sum" else graph.add("Div", total, graph.add("ReduceSum", ones, time, keepdims=0))


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


def _expected_level(graph: Graph, layer: LayerReader, inputs: str) -> list[str]:
    middle, weights, start = level_moments(np.array(layer["levels"]), layer["ordinal"])
    probabilities = graph.add("Sigmoid", inputs) if layer["ordinal"] else graph.add("Softmax", inputs, axis=-1)
    moments = graph.add("MatMul", probabilities, graph.constant(weights, np.float32))
    moments = graph.add("Add", moments, graph.constant(start, np.float32))  # (batch, 2)
    mean, square = (graph.add("Gather", moments, graph.constant([place]), axis=1) for place in (0, 1))  # (batch, 1)
    variance = graph.add("Relu", graph.add("Sub", square, graph.add("Mul", mean, mean)))
    return [graph.add("Add", mean, graph.constant(middle, np.float32)), graph.add("Sqrt", variance)]


def _sliding_window(graph: Graph, layer: LayerReader, inputs: str, state: str, mask: str | None = None) -> list[str]:
    size, time = layer["size"], graph.constant([1])
    batch, features = graph.add("Shape", inputs, end=1), graph.add("Shape", inputs, start=2)
    before = graph.add("Reshape", state, graph.add("Concat", batch, graph.constant([size - 1]), features, axis=0))
    steps = graph.add("Concat", before, inputs, axis=1)  # (batch, size - 1 + time, features)
    places = [
        (graph.constant([i]), graph.constant([i - size + 1 if i < size - 1 else np.iinfo(np.int64).max]))
        for i in range(size)
    ]
    windows = graph.add("Concat", *(graph.add("Slice", steps, begin, end, time) for begin, end in places), axis=2)
    if mask is None:
        end = graph.constant([np.iinfo(np.int64).max])
        after = graph.add("Slice", steps, graph.constant([1 - size]), end, time)
    else:
        lengths = graph.add("ReduceSum", graph.add("Cast", mask, to=TensorProto.INT64), time, keepdims=1)  # (batch, 1)
        last = graph.add("Add", lengths, graph.constant(np.arange(size - 1)))  # (batch, size - 1)
        last = graph.add("Unsqueeze", last, graph.constant([2]))
        after = graph.add("GatherND", steps, last, batch_dims=1)  # (batch, size - 1, features)
    return [windows, graph.add("Reshape", after, graph.add("Shape", state))]


LAYERS: dict[str, Callable[..., Any]] = {
    "Embedding": _embedding,
    "TiedEmbedding": _tied_embedding,
    "SimpleRNN": recurrent,
    "GRU": recurrent,
    "LSTM": recurrent,
    "Bidirectional": bidirectional,
    "Dense": _dense,
    "Conv1D": _convolution,
    "GlobalMaxPooling1D": _global_max_pooling,
    "LayerNormalization": _layer_normalization,
    "Activation": _activation,
    "Dropout": _nothing,
    "SpatialDropout1D": _nothing,
    "EmbeddingDropout": _embedding_dropout,
    "Concatenate": _concatenate,
    "Add": _add,
    "Reshape": _reshape,
    "FlipTime": _flip_time,
    "TakeRows": _take_rows,
    "Rescaling": _rescaling,
    "MaskedPooling": _masked_pooling,
    "AttentionPooling": _attention_pooling,
    "ChainScores": _chain_scores,
    "ExpectedLevel": _expected_level,
    "SlidingWindow": _sliding_window,
}
