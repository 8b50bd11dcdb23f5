"""Rating models: shapes, padding, NumPy by hand, every weight learns."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.text.vocabulary import BOS_ID
from common.training.optimizer import make_optimizer
from sentiment.config import ARCHITECTURES, HEADS, POOLINGS, SentimentConfig
from sentiment.loader import make_targets
from sentiment.model import build_model, learner_and_loss
from tests.sentiment.settings import settings as settings_of

VOCAB_SIZE, EMBEDDING_DIM, UNITS = 13, 7, 5
RECURRENT = ("lstm", "gru", "simple-rnn")
VARIANTS = [
    *[{"architecture": name} for name in ARCHITECTURES],
    *[{"architecture": name, "directions": "forward", "pooling": "last"} for name in RECURRENT],
    *[{"pooling": pooling} for pooling in POOLINGS if pooling != SentimentConfig.pooling],
    {"architecture": "gru", "num_layers": 2},
    {"directions": "asymmetric", "backward_units": 3},
    {"directions": "asymmetric", "backward_units": 3, "pooling": "last", "num_layers": 2},
    *[{"head": head} for head in HEADS if head != SentimentConfig.head],
    {"adversarial_epsilon": 3.0},
]


def small(**settings):
    return settings_of(**{"head": "regression", "units": UNITS, "embedding_dim": EMBEDDING_DIM, **settings})


def build(**settings):
    """A model whose weights are all random, biases too, so that each of them counts."""
    model = build_model(small(**settings), VOCAB_SIZE)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model


def inputs(lengths, time, filler=0, seed=1):
    """Random reviews of given lengths; `filler` is what stands where padding is."""
    rng = np.random.default_rng(seed)
    token_ids = np.full((len(lengths), time), filler, np.int32)
    for row, length in zip(token_ids, lengths, strict=True):
        row[:length] = [BOS_ID, *rng.integers(4, VOCAB_SIZE, length - 1)]
    return {"token_ids": token_ids, "mask": np.arange(time) < np.array(lengths)[:, None]}


def predict(model, batch):
    return np.asarray(model(batch, training=False)["rating"])


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_padding_and_company_change_nothing(settings):
    model = build(**settings)
    ratings = predict(model, inputs([3, 2], 3))  # batch 2, time 3
    assert ratings.shape == (2, 1)
    assert np.abs(ratings[0] - ratings[1]) > 1e-3  # the texts matter, or nothing below proves anything
    np.testing.assert_allclose(predict(model, inputs([3, 2], 9)), ratings, atol=1e-5)
    np.testing.assert_allclose(predict(model, inputs([3, 2], 9, filler=11)), ratings, atol=1e-5)
    alone = {name: value[1:, :2] for name, value in inputs([3, 2], 3).items()}
    np.testing.assert_allclose(predict(model, alone), ratings[1:], atol=1e-5)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_every_weight_learns_and_no_vector_of_an_absent_word(settings):
    config = small(**settings, dropout=0.0, word_vector_dropout=0.0)
    model = build_model(config, VOCAB_SIZE)
    learner, loss = learner_and_loss(model, config)
    learner.compile(make_optimizer(config, 10), loss, run_eagerly=True)
    before = [weight.copy() for weight in model.get_weights()]
    batch, targets = inputs([6, 4, 5], 8), make_targets(np.array([1, 10, 7], np.float32), config)
    for _ in range(3):
        learner.train_on_batch(batch, targets)
    for variable, old in zip(model.weights, before, strict=True):
        moved = np.asarray(variable) != old
        assert moved.any(), variable.path
        if variable.path.startswith("embedding"):
            present = np.isin(np.arange(VOCAB_SIZE), batch["token_ids"][batch["mask"]])
            np.testing.assert_array_equal(moved.any(axis=1), present)
        else:
            assert moved.all(), variable.path


def test_the_bag_of_words_is_an_mlp_over_count_vectors():
    model, batch = build(architecture="bow"), inputs([6, 9, 3], 9)
    columns, weights, bias = model.get_weights()  # (vocab_size, units), (units, 1), (1,)
    counts = np.stack([np.bincount(row[mask], minlength=VOCAB_SIZE) for row, mask in zip(*batch.values(), strict=True)])
    assert counts.max() > 1  # a word that stands twice counts twice
    counts[:, BOS_ID] = 0  # no word: its column is the bias of the hidden layer
    hidden = 1 / (1 + np.exp(-(counts @ columns + columns[BOS_ID])))  # (batch, units)
    rating = 5.5 + 4.5 * (hidden @ weights + bias)  # from -1..1 to 1..10
    np.testing.assert_allclose(predict(model, batch), rating, rtol=1e-5)


def test_the_continuous_bag_of_words_by_hand():
    model, batch = build(architecture="cbow"), inputs([6, 9, 3], 9)
    vectors, hidden_weights, hidden_bias, weights, bias = model.get_weights()
    means = [vectors[row[mask]].mean(axis=0) for row, mask in zip(*batch.values(), strict=True)]
    rating = 5.5 + 4.5 * (np.tanh(means @ hidden_weights + hidden_bias) @ weights + bias)
    np.testing.assert_allclose(predict(model, batch), rating, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["bow", "cbow"])
def test_a_bag_does_not_know_the_order_and_a_network_does(architecture):
    batch = inputs([6], 6)
    turned = {**batch, "token_ids": batch["token_ids"][:, [0, 5, 4, 3, 2, 1]]}
    bag, network = build(architecture=architecture), build(architecture="gru")
    np.testing.assert_allclose(predict(bag, turned), predict(bag, batch), rtol=1e-5)
    assert np.abs(predict(network, turned) - predict(network, batch)) > 1e-3


def test_a_simple_network_by_hand():
    model = build(architecture="simple-rnn", directions="forward", pooling="last")
    vectors, kernel, recurrent_kernel, bias, weights, score_bias = model.get_weights()
    batch = inputs([4], 6)
    h_t = np.zeros(UNITS)
    for token_id in batch["token_ids"][0, :4]:
        h_t = np.tanh(vectors[token_id] @ kernel + h_t @ recurrent_kernel + bias)
    np.testing.assert_allclose(predict(model, batch)[0], 5.5 + 4.5 * (h_t @ weights + score_bias), rtol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"directions": "asymmetric", "backward_units": 3}], ids=str)
def test_the_last_state_of_each_direction_has_read_the_whole_text(settings):
    model, batch = build(pooling="last", **settings), inputs([6, 6], 8)
    for place in (1, 5):  # the first word and the last
        changed = batch["token_ids"].copy()
        changed[:, place] = 4 + (changed[:, place] - 3) % 9
        states = keras.Model(model.input, {"rating": model.get_layer("score").input})
        moved = predict(states, {**batch, "token_ids": changed}) != predict(states, batch)  # (batch, 2 * units)
        assert moved.all(), place


@pytest.mark.parametrize("pooling", ["last", "max"])
def test_a_smaller_reader_from_the_end_reads_as_one_of_two_equal_ones(pooling):
    """The same weights say the same, whether Keras' layer for both directions holds them or one layer each."""
    both, apart = build(pooling=pooling), build(pooling=pooling, directions="asymmetric", backward_units=UNITS)
    for layer in apart.layers:
        side = {"recurrent_0": "forward_layer", "backward_0": "backward_layer"}.get(layer.name)
        if layer.weights:
            given = getattr(both.get_layer("recurrent_0"), side) if side else both.get_layer(layer.name)
            layer.set_weights(given.get_weights())
    batch = inputs([6, 2, 4], 8)
    np.testing.assert_allclose(predict(apart, batch), predict(both, batch), rtol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_direction_is_dropped_as_a_whole(pooling):
    settings = {"pooling": pooling, "directions": "asymmetric", "backward_units": 3, "direction_dropout": 0.5}
    model = build(**settings, dropout=0.0, word_vector_dropout=0.0)
    features = keras.Model(model.input, model.get_layer("score").input)
    batch = inputs([6] * 64, 6)
    found, whole = (np.asarray(features(batch, training=training)) for training in (True, False))
    kept = np.stack([found[:, :UNITS].any(axis=1), found[:, UNITS:].any(axis=1)], axis=1)  # (batch, 2)
    assert len(np.unique(kept, axis=0)) == 4  # both, one, the other, none
    np.testing.assert_allclose(found, whole * 2 * np.repeat(kept, [UNITS, 3], axis=1), atol=1e-5)  # 1 / (1 - 0.5)


def test_number_of_weights():
    # word vectors; LSTM in two directions: 4 gates, each from input, state and bias; the score from mean and max
    lstm = 4 * UNITS * (EMBEDDING_DIM + UNITS + 1)
    assert build().count_params() == VOCAB_SIZE * EMBEDDING_DIM + 2 * lstm + (2 * 2 * UNITS + 1)


def test_the_rating_scale():
    model = build_model(small(min_rating=-2.0, max_rating=4.0), VOCAB_SIZE)
    model.get_layer("score").set_weights([np.zeros((4 * UNITS, 1)), np.array([1.0])])
    assert predict(model, inputs([3], 3)).item() == pytest.approx(4)
    model.get_layer("score").set_weights([np.zeros((4 * UNITS, 1)), np.array([0.0])])
    assert predict(model, inputs([3], 3)).item() == pytest.approx(1)  # the middle


def test_half_precision_ends_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(small(), VOCAB_SIZE)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("score").compute_dtype == "float32"
    assert all(weight.dtype == "float32" for weight in model.weights)
    assert np.isfinite(predict(model, inputs([3, 2], 4))).all()
