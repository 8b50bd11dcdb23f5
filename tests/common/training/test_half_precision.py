"""Half precision is taken where it does not show, and a network that it would change stays as it is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.bundles.weights_file import round_to_half
from common.training.half_precision import Shown, num_different

INPUTS = np.float32([[1, 1], [1, -1]])


@pytest.fixture
def network():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.set_weights([np.float32([[0.1], [0.30001]]), np.float32([1e-9])])
    return network


def rate(network):
    return np.asarray(network(INPUTS))[:, 0]


def test_a_change_that_does_not_show_is_measured_and_kept(network, capsys):
    before = rate(network)
    found = Shown(rate, tolerance=0.01, unit="points").round_weights(network, network)
    matrix, bias = network.get_weights()
    np.testing.assert_array_equal(matrix, np.float16([[0.1], [0.30001]]).astype("float32"))
    assert bias == np.float32(1e-9)
    assert found == {"num_answers": 2, "change": pytest.approx(np.abs(rate(network) - before).max()), "unit": "points"}
    assert 0 < found["change"] < 0.001


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ([[0.1], [0.30001]], Shown(rate, tolerance=1e-7, unit="points")),
        ([[0.1], [0.1000001]], Shown(lambda net: rate(net) > 0, tolerance=0, unit="tags", change=num_different)),
        ([[0.1], [70_000.0]], Shown(rate, tolerance=1e9, unit="points")),
        ([[0.1], [0.3]], Shown(lambda net: np.zeros(0), tolerance=0.01, unit="points")),
    ],
    ids=["a number changes", "an answer is another", "too large", "nothing to measure on"],
)
def test_otherwise_the_weights_stay(matrix, shown, network):
    weights = [np.float32(matrix), np.float32([0])]
    if shown.unit == "tags":
        weights[1] = np.float32([5e-8])  # 0.1 - 0.1000001 + this is below 0, after rounding above
    network.set_weights(weights)
    assert shown.round_weights(network, network) is None
    for array, own in zip(network.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(array, own)


def test_vectors_and_bytes_are_not_rounded():
    vector, rows = np.float32([1e-9, 0.1]), np.int8([[3]])
    assert round_to_half(vector) is vector
    assert round_to_half(rows) is rows
    assert np.isinf(round_to_half(np.float32([[1e6]]))).all()
