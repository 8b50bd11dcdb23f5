"""Adversarial training: the change hurts, it is as long as it says, and a step follows both halves."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from sentiment.adversarial import AdversarialLearner, worst_change
from sentiment.loader import make_targets
from sentiment.model import build_model, learner_and_loss
from tests.sentiment.settings import settings as settings_of

VOCAB_SIZE, SIZE = 11, 2.0
LENGTHS = np.array([6, 4, 5, 1])
MASK = np.arange(6) < LENGTHS[:, None]
BATCH = {"token_ids": np.where(MASK, np.random.default_rng(0).integers(4, VOCAB_SIZE, MASK.shape), 0), "mask": MASK}
TARGETS, WEIGHTS = np.array([[1.0], [10.0], [7.0], [3.0]], np.float32), np.ones(4, np.float32)


def build(**settings):
    no_chance = {
        "dropout": 0.0,
        "word_vector_dropout": 0.0,
        "units": 5,
        "embedding_dim": 7,
        "adversarial_epsilon": SIZE,
    }
    config = settings_of(**{"head": "regression", **no_chance, **settings})
    keras.utils.set_random_seed(3)
    model = build_model(config, VOCAB_SIZE)
    learner, loss = learner_and_loss(model, config)
    assert isinstance(learner, AdversarialLearner)
    learner.compile(keras.optimizers.SGD(1.0), loss)
    return model, learner


def test_the_change_by_hand():
    vectors = np.array([[[3.0, 0.0], [0.0, 1.0], [9.0, 9.0]]], np.float32)  # of the last, padding, nothing counts
    slopes = np.array([[[0.0, 3.0], [4.0, 0.0], [7.0, 7.0]]], np.float32)  # 5 long
    change = worst_change(vectors, slopes, np.array([[True, True, False]]), size=2.0)
    root_mean_square = np.sqrt((9 + 1) / 4)
    expected = 2 * root_mean_square * np.array([[[0, 3 / 5], [4 / 5, 0], [0, 0]]])
    np.testing.assert_allclose(change, expected, rtol=1e-6)


def test_no_slope_is_no_change():
    assert not np.asarray(worst_change(np.ones((1, 2, 3), "float32"), np.zeros((1, 2, 3)), np.ones((1, 2)), 5.0)).any()


@pytest.mark.parametrize(
    "head",
    [
        "regression",
        pytest.param("ordinal", marks=pytest.mark.slow),
        pytest.param("categorical", marks=pytest.mark.slow),
    ],
)
def test_the_change_hurts_more_than_any_other_of_its_length(head):
    _, learner = build(head=head)
    targets = make_targets(TARGETS[:, 0], settings_of(head=head))
    vectors = tf.constant(learner.lower(BATCH))
    loss, slopes, _ = learner._half(vectors, tf.constant(MASK), targets, WEIGHTS)
    change = np.asarray(worst_change(vectors, slopes, MASK, 0.1))
    length = np.sqrt((change**2).sum(axis=(1, 2), keepdims=True))
    worst = learner._half(vectors + change, tf.constant(MASK), targets, WEIGHTS)[0]
    rng = np.random.default_rng(1)
    for _ in range(20):
        other = rng.normal(size=change.shape) * MASK[:, :, None]
        other *= length / np.sqrt((other**2).sum(axis=(1, 2), keepdims=True))
        assert loss < worst > learner._half(vectors + other.astype("float32"), tf.constant(MASK), targets, WEIGHTS)[0]


def test_a_step_is_the_mean_of_the_step_here_and_of_the_step_there():
    model, learner = build()
    before = model.get_weights()
    plain = keras.Model(model.input, model.output["rating"])

    def slopes_at(table):
        """The gradient of every weight where the word vectors come from `table` (batch, time, features)."""
        with tf.GradientTape() as tape:
            tape.watch(table)
            answers = learner.upper([table, tf.constant(MASK)])
            loss = tf.reduce_mean((answers - TARGETS) ** 2)
        return tape.gradient(loss, [table, *learner.upper.trainable_variables])

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((plain(BATCH) - TARGETS) ** 2)
    here = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, model.trainable_variables)]
    vectors = tf.constant(learner.lower(BATCH))
    to_vectors, *_ = slopes_at(vectors)
    changed_to_vectors, *there = slopes_at(vectors + worst_change(vectors, to_vectors, MASK, SIZE))
    table = np.zeros_like(before[0])
    np.add.at(table, BATCH["token_ids"][MASK], changed_to_vectors.numpy()[MASK])
    learner.train_on_batch(BATCH, TARGETS, WEIGHTS)
    for old, new, first, second in zip(before, model.get_weights(), here, [table, *there], strict=True):
        assert np.abs(first - second).max() > 1e-3  # or the second half would not matter here
        np.testing.assert_allclose(old - new, (first + second) / 2, rtol=1e-3, atol=1e-5)


def test_the_loss_said_is_that_of_the_texts_as_they_are():
    model, learner = build()
    ratings = np.asarray(model(BATCH)["rating"])
    history = learner.fit(BATCH, TARGETS, sample_weight=WEIGHTS, batch_size=4, epochs=1, verbose=0)
    assert history.history["loss"][0] == pytest.approx(((ratings - TARGETS) ** 2).mean(), rel=1e-5)
