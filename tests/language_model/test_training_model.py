"""Training in one stream: what is read when, how far the state and the gradient reach, what the penalties see."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.text.vocabulary import BOS_ID, EOS_ID, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.loader import StreamBatches, initial_states
from language_model.model import build_model
from language_model.training_model import TrainingModel, expected_counts, word_shares

VOCABULARY = Vocabulary("abcdefghij")
TEXTS = [list("abc"), list("defgh"), list("ij"), list("aceg") * 30, list("jihgf") * 20]


def settings(**given):
    sizes = {"units": 4, "embedding_dim": 5, "batch_size": 3, "tbptt_length": 10, "stateful": True}
    return LanguageModelConfig(**{**sizes, "dropout": 0.0, "hidden_dropout": 0.0, "input_dropout": 0.0, **given})


def build(**given):
    config = settings(**given)
    model = build_model(config, len(VOCABULARY))
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model, TrainingModel(model, config)


def read_all(batches):
    """The columns, put together from the pieces: inputs and targets, each (batch, column length)."""
    pieces = [batches[number] for number in range(len(batches))]
    inputs = np.concatenate([inputs["token_ids"] for inputs, _, _ in pieces], axis=1)
    return inputs, np.concatenate([targets for _, targets, _ in pieces], axis=1)


# -- The stream -----------------------------------------------------------------------------------------------------


def test_every_token_is_read_in_turn():
    batches = StreamBatches(TEXTS, VOCABULARY, settings())
    inputs, targets = read_all(batches)
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    stream = np.concatenate([inputs.ravel(), targets[-1:, -1]])
    np.testing.assert_array_equal(targets[:-1, -1], inputs[1:, 0])  # a column goes on where the one before ends
    texts = [[BOS_ID, *VOCABULARY.encode(text), EOS_ID] for text in TEXTS]
    num_tokens = sum(map(len, texts))
    assert num_tokens - 3 <= len(stream) <= num_tokens  # what does not fill a row is left out
    found = "".join(map(chr, stream))
    assert sum("".join(map(chr, text)) in found for text in texts) >= len(TEXTS) - 1


def test_pieces_vary_and_their_number_does_not():
    batches = StreamBatches(TEXTS, VOCABULARY, settings())
    lengths = []
    for epoch in range(4):
        batches.set_epoch(epoch)
        lengths.append([batches[number][0]["token_ids"].shape[1] for number in range(len(batches))])
        assert sum(lengths[-1]) == batches.column_length
        assert batches.sizes == [3 * length for length in lengths[-1]]
        assert lengths[-1][0] != lengths[-1][1]
        assert max(lengths[-1]) <= 20
    assert len({tuple(row) for row in lengths}) == 4
    assert {len(row) for row in lengths} == {round(batches.column_length / 10)}
    batches.set_epoch(1)
    assert [batches[number][0]["token_ids"].shape[1] for number in range(len(batches))] == lengths[1]


def test_each_epoch_begins_with_another_text_and_keeps_their_order():
    batches = StreamBatches(TEXTS, VOCABULARY, settings(batch_size=1))
    texts = [[BOS_ID, *VOCABULARY.encode(text), EOS_ID] for text in TEXTS]
    streams = [[i for text in texts[first:] + texts[:first] for i in text] for first in range(len(texts))]
    starts = set()
    for epoch in range(20):
        batches.set_epoch(epoch)
        ids = read_all(batches)[0].ravel().tolist()
        assert len(ids) == len(streams[0]) - 1
        (first,) = [first for first, stream in enumerate(streams) if stream[:-1] == ids]
        starts.add(first)
    assert len(starts) == len(texts)


def test_a_beginning_is_not_guessed_and_all_else_is():
    batches = StreamBatches(TEXTS, VOCABULARY, settings())
    for number in range(len(batches)):
        _, targets, weights = batches[number]
        np.testing.assert_array_equal(weights, targets != BOS_ID)


def test_the_state_begins_anew_with_the_epoch_alone():
    batches = StreamBatches(TEXTS, VOCABULARY, settings())
    assert [float(batches[number][0]["goes_on"].max()) for number in range(3)] == [0, 1, 1]


# -- The model in training ------------------------------------------------------------------------------------------


def piece(token_ids, goes_on):
    token_ids = np.asarray(token_ids, np.int32)
    return {
        "token_ids": token_ids,
        "mask": np.ones(token_ids.shape, bool),
        "goes_on": np.full((len(token_ids), 1), goes_on, np.float32),
    }


@pytest.mark.parametrize("architecture", ["lstm", "gru", "simple-rnn"])
def test_pieces_are_read_as_one_text(architecture):
    model, learner = build(architecture=architecture, num_layers=2)
    ids = np.random.default_rng(0).integers(4, 14, (3, 9)).astype(np.int32)
    states = initial_states(settings(architecture=architecture, num_layers=2), 3)
    whole = model({"token_ids": ids, "mask": np.ones(ids.shape, bool), **states})["logits"]
    parts = [learner(piece(ids[:, :4], 0)), learner(piece(ids[:, 4:], 1))]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6)
    again = learner(piece(ids[:, :4], 0))  # not what came before
    np.testing.assert_allclose(again, whole[:, :4], atol=1e-6)


def test_weights_are_dropped_in_training_alone():
    model, learner = build(weight_dropout=0.5)
    ids = np.random.default_rng(0).integers(4, 14, (3, 9))
    kernel = model.get_layer("recurrent_0").cell.recurrent_kernel
    before = np.array(kernel)
    calm = np.asarray(learner(piece(ids, 0)))
    np.testing.assert_array_equal(learner(piece(ids, 0)), calm)
    noisy = [np.asarray(learner(piece(ids, 0), training=True)) for _ in range(2)]
    assert np.abs(noisy[0] - noisy[1]).max() > 1e-3
    assert np.abs(noisy[0] - calm).max() > 1e-3
    np.testing.assert_allclose(noisy[0][:, 0], calm[:, 0], atol=1e-6)  # the first step comes from the input alone
    np.testing.assert_array_equal(np.array(kernel), before)


def test_dropped_weights_learn_and_dropout_goes_on_drawing():
    model, learner = build(weight_dropout=0.5, dropout=0.5)
    ids = np.random.default_rng(0).integers(4, 14, (3, 9)).astype(np.int32)
    learner.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.get_weights()
    chance = model.get_layer("dropout_0").seed_generator.state
    before_step = np.array(chance)
    learner.train_on_batch(piece(ids, 0), ids)
    moved = [np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(moved)
    assert (np.array(chance) != before_step).any()


def test_penalties_by_hand():
    model, learner = build(activation_regularization=2.0, temporal_activation_regularization=3.0)
    ids = np.random.default_rng(0).integers(4, 14, (3, 9))
    learner(piece(ids, 0), training=True)
    layer = keras.Model(model.input, model.get_layer("recurrent_0").output[0])
    inputs = {**piece(ids, 0), **initial_states(settings(), 3)}
    states = np.asarray(layer({name: inputs[name] for name in model.input}))
    wanted = [2 * (states**2).mean(), 3 * (np.diff(states, axis=1) ** 2).mean()]
    np.testing.assert_allclose(learner.losses, wanted, rtol=1e-5)
    learner(piece(ids, 0))
    assert learner.losses == []


@pytest.mark.slow
@pytest.mark.parametrize("tie_embeddings", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_drawn_words_stand_for_all(tie_embeddings):
    """On average over draws the sum of all words' exponentials comes out right, and so, nearly, does the loss."""
    model, learner = build(sampled_softmax_size=8, tie_embeddings=tie_embeddings, stateful=False)
    ids = np.random.default_rng(0).integers(1, 14, (2, 5)).astype(np.int32)
    targets = np.random.default_rng(1).integers(1, 14, (2, 5)).astype(np.int32)
    inputs = {"token_ids": ids, "mask": np.ones(ids.shape, bool), **initial_states(settings(), 2)}
    logits = np.asarray(model(inputs)["logits"])
    at_target = np.take_along_axis(logits, targets[:, :, None], axis=2)[:, :, 0]
    hidden = learner(inputs, training=True)
    losses = np.array([learner._sampled_loss(hidden, keras.ops.convert_to_tensor(targets)) for _ in range(1500)])
    assert np.ptp(losses, axis=0).min() > 1e-2
    sums = np.exp(losses + at_target).mean(axis=0)
    np.testing.assert_allclose(sums, np.exp(logits).sum(axis=2), rtol=0.05)
    weights = np.array([[1, 1, 1, 0, 1], [1, 0, 1, 1, 1]], np.float32)
    exact = np.log(np.exp(logits).sum(axis=2)) - at_target
    found = [float(learner.compute_loss(y=targets, y_pred=hidden, sample_weight=weights)) for _ in range(200)]
    assert np.mean(found) == pytest.approx((exact * weights).sum() / weights.sum(), abs=0.1)


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_a_sampled_softmax_moves_every_weight_and_makes_no_logits(tie_embeddings):
    model, learner = build(sampled_softmax_size=8, tie_embeddings=tie_embeddings)
    assert "logits" not in learner.network.output
    ids = np.random.default_rng(0).integers(4, 14, (3, 9)).astype(np.int32)
    learner.compile("sgd")
    before = model.get_weights()
    first = learner.train_on_batch(piece(ids, 0), ids, sample_weight=np.ones(ids.shape, np.float32))
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))
    for _ in range(20):
        last = learner.train_on_batch(piece(ids, 0), ids, sample_weight=np.ones(ids.shape, np.float32))
    assert last < first


def test_more_drawn_words_than_there_are():
    with pytest.raises(ValueError, match="num_sampled is 14; less than the vocabulary's 14 would do"):
        expected_counts(14, 14)


def test_words_are_expected_as_often_as_they_are_drawn():
    rng, shares = np.random.default_rng(0), word_shares(50)
    drawn = [np.argsort(rng.exponential(size=50) / shares)[:10] for _ in range(20_000)]
    found = np.bincount(np.concatenate(drawn), minlength=50) / len(drawn)
    np.testing.assert_allclose(found, expected_counts(50, 10), atol=0.02)


def test_without_a_carried_state_it_is_the_model():
    model, learner = build(stateful=False)
    ids = np.random.default_rng(0).integers(4, 14, (2, 5)).astype(np.int32)
    inputs = {"token_ids": ids, "mask": np.ones(ids.shape, bool), **initial_states(settings(), 2)}
    np.testing.assert_array_equal(learner(inputs), model(inputs)["logits"])
