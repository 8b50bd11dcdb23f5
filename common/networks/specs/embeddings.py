"""Embeddings, from ids to vectors, and what looks rows up like them."""

from __future__ import annotations

import numpy as np

from common.networks.specs.settings import Config, float32_or_int8, initializer, is_int8, nothing, one_of, rate, size
from common.networks.specs.shapes import Argument, Shapes, Tensor, want, want_any_rank
from common.networks.specs.spec import LayerSpec, WeightShapes
from common.networks.specs.translation import Graph, LayerReader


def _embedding_weights(config: Config) -> WeightShapes:
    rows = config["input_dim"]
    return {"vars": [(rows, config["output_dim"]), *([(rows,)] if is_int8(config) else [])]}


def _embedding_results(config: Config, weights: Shapes, inputs: Argument) -> list[Tensor]:
    return [Tensor((*want_any_rank(inputs, dtype="int32").shape, config["output_dim"]))]


def _embedding_to_onnx(graph: Graph, layer: LayerReader, inputs: str) -> str:
    layer.require(mask_zero=False)
    table = graph.table(f"{layer.name}.embeddings", layer.weights[0])
    is_half = layer.weights[0].dtype == np.float16

    def look_up(ids: str) -> str:
        rows = graph.add("Gather", table, ids)
        return graph.cast(rows, np.float32) if is_half else rows

    result = look_up(inputs)
    # For a recurrent layer: ids are sooner transposed than their vectors.
    graph.time_first[result, None] = look_up(graph.add("Transpose", inputs))
    return result


EMBEDDING = LayerSpec(
    "Embedding",
    needed={"input_dim": size, "output_dim": size, "dtype": float32_or_int8},
    optional={
        "embeddings_initializer": initializer,
        "embeddings_regularizer": nothing,
        "embeddings_constraint": nothing,
        "mask_zero": one_of(False),
    },
    weights=_embedding_weights,
    results=_embedding_results,
    to_onnx=_embedding_to_onnx,
    keeps_half=True,
    shown=("input_dim", "output_dim"),
)


def _tied_weights(config: Config) -> WeightShapes:
    return {"vars": [(config["input_dim"], config["output_dim"]), (config["input_dim"],)]}


def _tied_results(config: Config, weights: Shapes, inputs: Argument, reverse: Argument = False) -> list[Tensor]:
    if reverse is False:
        return _embedding_results(config, weights, inputs)
    if reverse is not True:
        raise ValueError("reverse is neither true nor false")
    return [Tensor((*want(inputs, 3, config["output_dim"]).shape[:-1], config["input_dim"]))]


def _tied_to_onnx(graph: Graph, layer: LayerReader, inputs: str, reverse: bool = False) -> str:
    table = graph.table(f"{layer.name}.embeddings", layer.weights[0])
    bias = graph.weight(f"{layer.name}.bias", layer.weights[1])
    if not reverse:
        return graph.add("Gather", table, inputs)
    # Gemm reads the table as it lies there; a MatMul would want a transposed copy of it.
    rows = graph.add("Reshape", inputs, graph.constant([-1, layer.weights[0].shape[1]]))  # (batch * time, output_dim)
    scores = graph.add("Gemm", rows, table, bias, transB=1)  # (batch * time, input_dim)
    first_two = graph.add("Shape", inputs, end=2)
    return graph.add("Reshape", scores, graph.add("Concat", first_two, graph.constant([-1]), axis=0))


TIED_EMBEDDING = LayerSpec(
    "TiedEmbedding",
    needed={"input_dim": size, "output_dim": size},
    weights=_tied_weights,
    results=_tied_results,
    to_onnx=_tied_to_onnx,
    own=True,
    shown=("input_dim", "output_dim"),
)


def _dropout_results(config: Config, weights: Shapes, inputs: Argument, token_ids: Argument) -> list[Tensor]:
    want(token_ids, 2, dtype="int32")
    return [want(inputs, 3)]


def _dropout_to_onnx(graph: Graph, layer: LayerReader, inputs: str, token_ids: str) -> str:
    return inputs


EMBEDDING_DROPOUT = LayerSpec(
    "EmbeddingDropout",
    needed={"input_dim": size},
    optional={"rate": rate},
    results=_dropout_results,
    to_onnx=_dropout_to_onnx,
    own=True,
    shown=None,
)


def _take_rows_results(config: Config, weights: Shapes, rows: Argument, places: Argument) -> list[Tensor]:
    return [Tensor((*want(places, 2, dtype="int32").shape, want(rows, 2).shape[-1]))]


def _take_rows_to_onnx(graph: Graph, layer: LayerReader, rows: str, places: str) -> str:
    return graph.add("Gather", rows, places, axis=0)


TAKE_ROWS = LayerSpec("TakeRows", needed={}, results=_take_rows_results, to_onnx=_take_rows_to_onnx, own=True)

SPECS = (EMBEDDING, TIED_EMBEDDING, EMBEDDING_DROPOUT, TAKE_ROWS)
