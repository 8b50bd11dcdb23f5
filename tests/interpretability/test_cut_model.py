"""A model cut at its vectors: both parts together are the whole, in one go or in many."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.errors import InputError
from interpretability import cut_model
from interpretability.cut_model import CutModel


@pytest.fixture(scope="module")
def cut():
    """score = weights . (sum of the vectors of the tokens, the masked ones left out) ** 2, times 10 at place 1."""
    ids, mask = keras.Input((None,), dtype="int32", name="ids"), keras.Input((None,), dtype="float32", name="mask")
    embedding, dense = keras.layers.Embedding(5, 3, name="embedding"), keras.layers.Dense(1, use_bias=False)
    vectors = embedding(ids)
    sums = keras.ops.sum(vectors * keras.ops.expand_dims(mask, -1), axis=1)
    model = keras.Model({"ids": ids, "mask": mask}, dense(sums * sums))
    model.set_weights([np.arange(15.0).reshape(5, 3), np.array([[1.0], [2.0], [3.0]])])

    def read(answer, place):
        import tensorflow as tf

        return answer[:, 0] * tf.cast(place[0], tf.float32)

    return CutModel(model, vectors, model.output, read)


WEIGHTS = np.array([1.0, 2.0, 3.0])


def inputs(size, others=0):
    rows = size + others
    return {"ids": np.zeros((rows, 2), np.int32), "mask": np.ones((rows, 2), np.float32)}


def test_the_lower_part_looks_ids_up(cut):
    given = {"ids": np.array([[1, 4]], np.int32), "mask": np.ones((1, 2), np.float32), "other": None}
    assert cut.vectors(given).tolist() == [[[3, 4, 5], [12, 13, 14]]]


@pytest.mark.parametrize("most", [1, 6, 12, 17, 100])
def test_scores_and_gradients_by_hand_however_many_go_at_once(cut, monkeypatch, most):
    monkeypatch.setattr(cut_model, "MAX_NUMBERS", most)
    points = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")  # 6 numbers a row
    sizes = []

    def inputs_of(size):
        sizes.append(size)
        return inputs(size)

    scores, gradients = cut.differentiate(points, inputs_of, [10])
    sums = points.sum(axis=1)
    np.testing.assert_allclose(scores, 10 * sums**2 @ WEIGHTS, rtol=1e-5)
    np.testing.assert_allclose(gradients, np.repeat((20 * sums * WEIGHTS)[:, None], 2, axis=1), rtol=1e-5, atol=1e-5)
    assert sizes == {1: [1] * 5, 6: [1] * 5, 12: [2, 2, 1], 17: [2, 2, 1], 100: [5]}[most]
    assert scores.dtype == gradients.dtype == np.float64


def test_further_vectors_stay_as_they_are(cut):
    points, fixed = np.ones((1, 2, 3), "float32"), np.full((2, 2, 3), 2, "float32")
    scores, gradients = cut.differentiate(points, lambda size: inputs(size, 2), [1], fixed)
    np.testing.assert_allclose(scores, [24, 96, 96])
    assert gradients.shape == (1, 2, 3)
    np.testing.assert_allclose(gradients[0, 0], [4, 8, 12])


def test_another_backend_has_no_gradients(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="--method: found Keras on jax, gradients want TensorFlow"):
        CutModel(None, None, None, None)
