"""Controls: what is drawn anew, and what stays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from common.bundles.architecture import Architecture, Layer
from common.networks import layer_names
from interpretability.controls import LARGEST, random_basis, shuffle, untrained


def drawn(class_name, *shapes, name="layer", config=None):
    """The weights of an untrained layer, whose trained ones are all 9."""
    layer = Layer(name, class_name, config or {}, name, [], [np.full(shape, 9, np.float32) for shape in shapes])
    found = untrained(Architecture({name: layer}, [], [], {}, {}, Path(), {}), 0).layers[name].weights
    assert [weight.shape for weight in found] == [*shapes]
    assert {weight.dtype for weight in found} == {np.dtype(np.float32)}
    return found


def check_glorot(weight, inputs, outputs):
    limit = math.sqrt(6 / (inputs + outputs))
    assert 0.95 * limit < np.abs(weight).max() <= limit


def check_cell(weights, gates, forget_gate=False):
    kernel, recurrent_kernel, bias = weights
    units = len(recurrent_kernel)
    check_glorot(kernel, len(kernel), gates * units)
    np.testing.assert_allclose(recurrent_kernel @ recurrent_kernel.T, np.eye(units), atol=1e-5)
    expected = np.zeros(gates * units)
    if forget_gate:
        expected[units : 2 * units] = 1
    np.testing.assert_array_equal(bias, expected)


def test_cells_begin_as_in_keras():
    check_cell(drawn("LSTM", (20, 40), (10, 40), (40,)), 4, forget_gate=True)
    [*weights, bias] = drawn("GRU", (20, 30), (10, 30), (2, 30))
    check_cell([*weights, bias[0]], 3)
    assert not bias.any()
    check_cell(drawn("SimpleRNN", (90, 10), (10, 10), (10,)), 1)
    assert len(drawn("LSTM", (20, 40), (10, 40))) == 2  # without a bias


def test_both_directions_begin_as_cells():
    shapes = [(20, 40), (10, 40), (40,)]
    found = drawn("Bidirectional", *shapes, *shapes, config={"layer": {"class_name": "LSTM"}})
    check_cell(found[:3], 4, forget_gate=True)
    check_cell(found[3:], 4, forget_gate=True)
    assert not np.array_equal(found[0], found[3])


def test_embeddings_begin_as_in_keras():
    [vectors] = drawn("Embedding", (100, 16))
    assert 0.95 * LARGEST < np.abs(vectors).max() <= LARGEST
    vectors, bias = drawn("TiedEmbedding", (100, 16), (100,))
    assert vectors.std() == pytest.approx(0.25, rel=0.1)
    assert not bias.any()


def test_other_layers_are_of_glorot_and_their_biases_zero():
    weight, bias = drawn("Dense", (40, 60), (60,))
    check_glorot(weight, 40, 60)
    assert not bias.any()
    check_glorot(drawn("Conv1D", (3, 40, 60), (60,))[0], 3 * 40, 3 * 60)


def test_word_vectors_that_are_given_stay():
    [vectors] = drawn("Embedding", (5, 4), name=layer_names.GIVEN_VECTORS)
    assert (vectors == 9).all()


def test_a_direction_of_a_basis_may_point_anywhere():
    rng = np.random.default_rng(0)
    firsts = np.array([random_basis(4, rng)[:, 0] for _ in range(300)])
    assert np.abs(firsts.mean(axis=0)).max() < 0.12


@pytest.mark.parametrize("seed", range(20))
def test_no_label_stays_in_its_place_in_a_single_text(seed):
    labels = np.arange(3.0)
    moved = shuffle(labels, np.zeros(3, int), np.random.default_rng(seed))
    assert sorted(moved) == [0, 1, 2]
    assert (moved != labels).all()


def test_a_single_label_stays():
    assert shuffle(np.array([4.0]), np.array([0]), np.random.default_rng(0)).tolist() == [4]
