"""The CRF head against the NumPy lesson, and against trying every sequence of tags."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from from_scratch import crf as lesson
from pos_tagging.crf import best_paths, tag_probabilities
from pos_tagging.training_model import chain_nats

BATCH, TIME, TAGS = 3, 5, 4
LENGTHS = [5, 3, 1]
MASK = np.arange(TIME) < np.array(LENGTHS)[:, None]


@pytest.fixture
def case():
    """Emissions and parameters of the lesson, true tags, and the scores that our layer makes of them."""
    rng = np.random.default_rng(0)
    params = {name: rng.normal(size=value.shape) for name, value in lesson.init_params(TAGS, rng).items()}
    emissions, tags = rng.normal(size=(BATCH, TIME, TAGS)), rng.integers(0, TAGS, (BATCH, TIME))
    scores = emissions[:, :, None, :] + params["transitions"]  # (batch, time, tag before, tag)
    scores[:, 0] = (emissions[:, 0] + params["start"])[:, None, :]
    return emissions, params, tags, scores.astype("float32")


def test_nats_and_gradient_are_those_of_the_lesson(case):
    emissions, params, tags, scores = case
    loss, grads, demissions = lesson.loss_and_grads(emissions, params, tags, MASK)
    given = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(given)
        nats = chain_nats(given, tf.constant(tags, tf.int32), tf.constant(MASK))
        mean = tf.reduce_mean(nats)
    assert nats.shape == (BATCH,)
    assert float(mean) == pytest.approx(loss, rel=1e-5)
    found = np.asarray(tape.gradient(mean, given))
    assert np.abs(demissions).max() > 0.05
    np.testing.assert_allclose(found.sum(axis=2), demissions, atol=1e-5)
    np.testing.assert_allclose(found[:, 1:].sum(axis=(0, 1)), grads["transitions"], atol=1e-5)


def test_nats_of_a_compiled_function_with_any_length(case):
    _, _, tags, scores = case
    compiled = tf.function(
        chain_nats,
        input_signature=[
            tf.TensorSpec((None, None, TAGS, TAGS)),
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, None), tf.bool),
        ],
    )
    whole = np.asarray(compiled(scores, tags.astype("int32"), MASK))
    for row, length in enumerate(LENGTHS):
        cut = np.s_[row : row + 1, :length]
        alone = compiled(scores[cut], tags[cut].astype("int32"), MASK[cut])
        np.testing.assert_allclose(alone, whole[row : row + 1], rtol=1e-5)


def every_score(scores):
    """The score of every sequence of tags of one sentence (time, tag before, tag), by arithmetic."""
    found = {}
    for tags in itertools.product(range(TAGS), repeat=len(scores)):
        pairs = sum(scores[t, before, tag] for t, (before, tag) in enumerate(itertools.pairwise(tags), 1))
        found[tags] = scores[0, 0, tags[0]] + pairs
    return found


def test_best_paths_and_probabilities_of_all_sequences(case):
    scores = case[3]
    paths, probabilities = best_paths(scores, MASK), tag_probabilities(scores, MASK)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1)
    for row, length in enumerate(LENGTHS):
        found = every_score(scores[row, :length])
        assert tuple(paths[row, :length]) == max(found, key=found.get)
        weights = {tags: np.exp(score) for tags, score in found.items()}
        expected = np.zeros((length, TAGS))
        for tags, weight in weights.items():
            expected[np.arange(length), list(tags)] += weight / sum(weights.values())
        np.testing.assert_allclose(probabilities[row, :length], expected, rtol=1e-5)
