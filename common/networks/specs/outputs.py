"""Layers at the end of a network: scores of a conditional random field, mean and spread of a rating, a wide part."""

from __future__ import annotations

import numpy as np

from common.networks.rating_levels import MAX_LEVELS, level_moments
from common.networks.specs.settings import MAX_RANK, Config, flag, listed, number, size
from common.networks.specs.shapes import Argument, Shapes, Tensor, want
from common.networks.specs.spec import LayerSpec, WeightShapes
from common.networks.specs.translation import TO_THE_END, Graph, LayerReader

SPREAD_FLOOR = 1e-4  # of `common.networks.layers.ScoreSpread`


def _chain_weights(config: Config) -> WeightShapes:
    return {"vars": [(config["num_tags"], config["num_tags"]), (config["num_tags"],)]}


def _chain_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    tags = config["num_tags"]
    return [Tensor((*want(inputs, 3, tags).shape[:2], tags, tags))]


def _chain_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    transitions, start = layer.weights
    steps = graph.add("Unsqueeze", inputs, graph.constant([2]))  # (batch, time, 1, tag)
    begin, second, end, time = (graph.constant([place]) for place in (0, 1, TO_THE_END, 1))
    first = graph.add("Slice", steps, begin, second, time)
    # There is no tag before the first one: every row of `starts` is the same.
    starts = graph.weight(f"{layer.name}.start", np.broadcast_to(start, transitions.shape))
    rest = graph.add("Slice", steps, second, end, time)
    parts = (
        graph.add("Add", first, starts),
        graph.add("Add", rest, graph.weight(f"{layer.name}.transitions", transitions)),
    )
    return graph.add("Concat", *parts, axis=1)  # (batch, time, tag before, tag)


CHAIN_SCORES = LayerSpec(
    "ChainScores",
    needed={"num_tags": size},
    weights=_chain_weights,
    results=_chain_results,
    to_onnx=_chain_to_onnx,
    own=True,
    shown=("num_tags",),
    max_rank=MAX_RANK + 1,
)


def _are_levels(value: object) -> bool:
    return listed(number(-1e9, 1e9), MAX_LEVELS)(value) and isinstance(value, list) and len(value) > 1


def _level_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    batch, _ = want(inputs, 2, len(config["levels"]) - config["ordinal"]).shape
    return [Tensor((batch, 1)), Tensor((batch, 1))]


def _level_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> list[str]:
    middle, weights, start = level_moments(np.array(layer["levels"]), layer["ordinal"])
    probabilities = graph.add("Sigmoid", inputs) if layer["ordinal"] else graph.add("Softmax", inputs, axis=-1)
    moments = graph.add("MatMul", probabilities, graph.constant(weights, np.float32))
    moments = graph.add("Add", moments, graph.constant(start, np.float32))  # (batch, 2)
    mean, square = (graph.add("Gather", moments, graph.constant([place]), axis=1) for place in (0, 1))  # (batch, 1)
    variance = graph.add("Relu", graph.add("Sub", square, graph.add("Mul", mean, mean)))
    return [graph.add("Add", mean, graph.constant(middle, np.float32)), graph.add("Sqrt", variance)]


EXPECTED_LEVEL = LayerSpec(
    "ExpectedLevel",
    needed={"levels": _are_levels, "ordinal": flag},
    results=_level_results,
    to_onnx=_level_to_onnx,
    own=True,
    shown=("levels", "ordinal"),
)


def _sparse_weights(config: Config) -> WeightShapes:
    return {"vars": [(config["input_dim"],)]}


def _sparse_results(config: Config, weights: Shapes, ids: Argument, values: Argument) -> list[Tensor]:
    want(values, 2)
    return [Tensor((want(ids, 2, dtype="int32").shape[0], 1))]


def _sparse_to_onnx(graph: Graph, layer: LayerReader, ids: str, values: str) -> str:
    chosen = graph.add("Gather", graph.weight(f"{layer.name}.kernel", layer.weights[0]), ids)  # (batch, terms)
    return graph.add("ReduceSum", graph.add("Mul", chosen, values), graph.constant([1]), keepdims=1)


SPARSE_LINEAR = LayerSpec(
    "SparseLinear",
    needed={"input_dim": size},
    weights=_sparse_weights,
    results=_sparse_results,
    to_onnx=_sparse_to_onnx,
    own=True,
    shown=("input_dim",),
)


def _spread_weights(config: Config) -> WeightShapes:
    return {"vars": [(3,)]}


def _spread_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    return [want(inputs, 2, 1)]


def _spread_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    low, high, floor = (graph.constant(value, np.float32) for value in (-1, 1, SPREAD_FLOOR))
    score = graph.add("Clip", inputs, low, high)
    a, b, c = (graph.constant(float(value), np.float32) for value in layer.weights[0])
    slope = graph.add("Add", b, graph.add("Mul", score, c))
    variance = graph.add("Add", a, graph.add("Mul", score, slope))
    return graph.add("Sqrt", graph.add("Max", variance, floor))


SCORE_SPREAD = LayerSpec(
    "ScoreSpread", needed={}, weights=_spread_weights, results=_spread_results, to_onnx=_spread_to_onnx, own=True
)

SPECS = (CHAIN_SCORES, EXPECTED_LEVEL, SPARSE_LINEAR, SCORE_SPREAD)
