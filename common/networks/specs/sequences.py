"""Layers that put tensors together or look at several steps: joining, reshaping, reversing, windows, convolutions."""

from __future__ import annotations

import math

import numpy as np

from common.networks.specs.dense import steps_unchanged
from common.networks.specs.settings import (
    KERNEL_NEEDED,
    KERNEL_OPTIONAL,
    MAX_FEATURES,
    MAX_RANK,
    Config,
    listed,
    one_of,
    size,
    whole,
)
from common.networks.specs.shapes import (
    Argument,
    Shapes,
    Tensor,
    common_size,
    want,
    want_any_rank,
    want_list,
    want_mask,
)
from common.networks.specs.spec import LayerSpec, MaskUse, WeightShapes
from common.networks.specs.translation import TO_THE_END, Graph, LayerReader, activate, flip


def _concatenate_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    tensors = want_list(inputs)
    rank = len(tensors[0].shape)
    axis = config["axis"] + rank if config["axis"] < 0 else config["axis"]
    if not 0 < axis < rank:
        raise ValueError(f"there is no axis {config['axis']} to join")
    sizes = [tensor.shape[axis] for tensor in tensors]
    joined = None if None in sizes else sum(size for size in sizes if size is not None)
    return [Tensor(tuple(joined if i == axis else common_size(tensors, i) for i in range(rank)))]


def _concatenate_to_onnx(graph: Graph, layer: LayerReader, inputs: list[str]) -> str:
    result = graph.add("Concat", *inputs, axis=layer["axis"])
    if layer["axis"] == -1:
        graph.parts[result] = inputs
    return result


CONCATENATE = LayerSpec(
    "Concatenate",
    needed={"axis": whole(-1, MAX_RANK)},
    results=_concatenate_results,
    to_onnx=_concatenate_to_onnx,
    usual={"axis": -1},
    grows=True,
)


def _add_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    tensors = want_list(inputs)
    shape: list[int | None] = []
    for axis in range(len(tensors[0].shape)):
        wide = [tensor for tensor in tensors if tensor.shape[axis] != 1]
        shape.append(common_size(wide, axis) if wide else 1)
    return [Tensor(tuple(shape))]


def _add_to_onnx(graph: Graph, layer: LayerReader, inputs: list[str]) -> str:
    return graph.add("Sum", *inputs)


ADD = LayerSpec("Add", needed={}, results=_add_results, to_onnx=_add_to_onnx, grows=True)


def _reshape_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    batch, *shape = want_any_rank(inputs).shape
    target = config["target_shape"]
    free = [size for size in target if size < 1]
    if len(free) > 1 or 0 in free:
        raise ValueError(f"its target {target} leaves more than one size open")
    known = None if None in shape else math.prod(size for size in shape if size is not None)
    rest = math.prod(size for size in target if size > 0)
    if known is not None and (known % rest if free else known != rest):
        raise ValueError(f"{known} numbers do not fit into {target}")
    if known is None and not free:
        raise ValueError("a sequence of any length does not fit into a shape of one size")
    return [Tensor((batch, *(size if size > 0 else None if known is None else known // rest for size in target)))]


def _reshape_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    return graph.add("Reshape", inputs, graph.constant([0, *layer["target_shape"]]))  # 0: the batch stays


RESHAPE = LayerSpec(
    "Reshape",
    needed={"target_shape": listed(whole(-1, MAX_FEATURES), MAX_RANK)},
    results=_reshape_results,
    to_onnx=_reshape_to_onnx,
    shown=("target_shape",),
    grows=True,
)


def _flip_time_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    return flip(graph, inputs, axis=1)


FLIP_TIME = LayerSpec("FlipTime", needed={}, results=steps_unchanged, to_onnx=_flip_time_to_onnx, own=True)


def _convolution_weights(config: Config) -> WeightShapes:
    kernel = (*config["kernel_size"], None, config["filters"])
    return {"vars": [kernel, *([(config["filters"],)] if config["use_bias"] else [])]}


def _convolution_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    batch, steps, _ = want(inputs, 3, weights[0][1]).shape
    width = weights[0][0]
    if config["padding"] == "valid" and steps is not None:
        if steps < width:
            raise ValueError(f"{steps} steps are fewer than its kernel of {width}")
        steps -= width - 1
    return [Tensor((batch, steps, config["filters"]))]


def _convolution_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
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


CONVOLUTION = LayerSpec(
    "Conv1D",
    needed={
        **KERNEL_NEEDED,
        "filters": size,
        "kernel_size": listed(whole(1, 1000), 3),
        "padding": one_of("same", "valid"),
    },
    optional={
        **KERNEL_OPTIONAL,
        "strides": one_of([1]),
        "dilation_rate": one_of([1]),
        "groups": one_of(1),
        "data_format": one_of("channels_last"),
    },
    weights=_convolution_weights,
    results=_convolution_results,
    to_onnx=_convolution_to_onnx,
    shown=("filters", "kernel_size", "activation"),
    usual={"padding": "same", "use_bias": True},
)


def _window_results(
    config: Config, weights: Shapes, inputs: Argument, state: Argument, mask: Argument = None
) -> list[Tensor]:
    want_mask(mask)
    batch, steps, features = want(inputs, 3).shape
    if features is None:
        raise ValueError("it takes a known number of features")
    state = want(state, 2, (config["size"] - 1) * features)
    return [Tensor((batch, steps, config["size"] * features)), state]


def _window_to_onnx(graph: Graph, layer: LayerReader, inputs: str, state: str, mask: str | None = None) -> list[str]:
    width, time = layer["size"], graph.constant([1])
    batch, features = graph.add("Shape", inputs, end=1), graph.add("Shape", inputs, start=2)
    before = graph.add("Reshape", state, graph.add("Concat", batch, graph.constant([width - 1]), features, axis=0))
    steps = graph.add("Concat", before, inputs, axis=1)  # (batch, size - 1 + time, features)
    places = [
        (graph.constant([i]), graph.constant([i - width + 1 if i < width - 1 else TO_THE_END])) for i in range(width)
    ]
    windows = graph.add("Concat", *(graph.add("Slice", steps, begin, end, time) for begin, end in places), axis=2)
    if mask is None:
        after = graph.add("Slice", steps, graph.constant([1 - width]), graph.constant([TO_THE_END]), time)
    else:
        lengths = graph.add("ReduceSum", graph.cast(mask, np.int64), time, keepdims=1)  # (batch, 1)
        last = graph.add("Add", lengths, graph.constant(np.arange(width - 1)))  # (batch, size - 1)
        last = graph.add("Unsqueeze", last, graph.constant([2]))
        after = graph.add("GatherND", steps, last, batch_dims=1)  # (batch, size - 1, features)
    return [windows, graph.add("Reshape", after, graph.add("Shape", state))]


SLIDING_WINDOW = LayerSpec(
    "SlidingWindow",
    needed={"size": whole(2, 1000)},
    results=_window_results,
    to_onnx=_window_to_onnx,
    mask=MaskUse.READ,
    own=True,
    shown=("size",),
    grows=True,
)

SPECS = (CONCATENATE, ADD, RESHAPE, FLIP_TIME, CONVOLUTION, SLIDING_WINDOW)
