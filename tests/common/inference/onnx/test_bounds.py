"""The largest value of a tensor: what it can be, and hardly more; None where nobody knows."""

from __future__ import annotations

import numpy as np
import pytest

from common.inference.onnx.nodes import OnnxGraph

TABLE = np.array([[1.0, -2.0], [0.5, 3.0]])


@pytest.fixture
def graph():
    return OnnxGraph(int8=True)


@pytest.fixture
def vectors(graph):
    return graph.add("Gather", graph.table("table", TABLE), "ids")


def test_rows_of_a_table_and_what_only_moves_them(graph, vectors):
    moved = graph.add("Slice", graph.add("Transpose", vectors, perm=[1, 0, 2]), "starts", "ends")
    assert graph.bound(vectors) == graph.bound(moved) == 3.0
    assert graph.bound(graph.add("Concat", moved, graph.add("Tanh", "given"), axis=2)) == 3.0


def test_a_filter_over_rows_of_a_table(graph, vectors):
    """The best row at the first tap gives 1 + 2 = 3 or 0.5 - 3, at the second 2 or 1; padding gives 0."""
    kernel = graph.weight("kernel", np.array([[[1.0, 2.0], [-1.0, 0.0]]]))  # (filters, features, taps)
    bias = graph.weight("bias", np.array([0.25]))
    filters = graph.add("Conv", graph.add("Transpose", vectors, perm=[0, 2, 1]), kernel, bias)
    assert graph.bound(graph.add("ReduceMax", graph.add("Relu", filters))) == 3 + 2 + 0.25
    assert graph.bound(graph.add("Conv", "given", kernel, bias)) is None


@pytest.mark.parametrize(("activation", "bound"), [("Tanh", 1.0), ("Relu", None)])
def test_states_of_an_lstm(activation, bound, graph):
    steps, *_ = graph.add_several("LSTM", "given", outputs=3, activations=["Sigmoid", "Tanh", activation])
    assert graph.bound(steps) == bound


def test_what_is_given_is_not_known(graph, vectors):
    assert graph.bound("given") is None
    assert graph.bound(graph.add("Add", vectors, vectors)) is None
    assert graph.bound(graph.add("Concat", vectors, "given", axis=2)) is None
