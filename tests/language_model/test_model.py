"""Language models: shapes, padding, the state, tied vectors, the loss by a hand count, every weight learns."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.text.vocabulary import BOS_ID
from common.training.optimizer import make_optimizer
from language_model.config import ARCHITECTURES, LanguageModelConfig
from language_model.loader import initial_states, state_sizes
from language_model.model import build_model

VOCAB_SIZE, EMBEDDING_DIM, UNITS, BATCH, TIME = 13, 7, 5, 2, 3
VARIANTS = [
    *[{"architecture": name} for name in ARCHITECTURES],
    {"tie_embeddings": False},
    {"num_layers": 2},
    {"embedding_dim": UNITS},  # no projection
]


def small(**settings):
    return LanguageModelConfig(
        **{"units": UNITS, "embedding_dim": EMBEDDING_DIM, "batch_size": 16, "learning_rate": 0.003, **settings}
    )


def build(**settings):
    """A model whose weights are all random, biases too, so that each of them counts."""
    model = build_model(small(**settings), VOCAB_SIZE)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model


def inputs(lengths, time, filler=0, **settings):
    drawn = np.random.default_rng(1).integers(4, VOCAB_SIZE, (len(lengths), 12)).astype(np.int32)
    drawn[:, 0] = BOS_ID
    mask = np.arange(time) < np.array(lengths)[:, None]
    token_ids = np.where(mask, drawn[:, :time], filler).astype(np.int32)
    return {"token_ids": token_ids, "mask": mask, **initial_states(small(**settings), len(lengths))}


def answer(model, batch):
    return {name: np.asarray(value) for name, value in model(batch, training=False).items()}


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_padding_and_company_change_nothing(settings):
    model, lengths = build(**settings), [3, 2]
    whole = answer(model, inputs(lengths, TIME, **settings))
    assert whole["logits"].shape == (BATCH, TIME, VOCAB_SIZE)
    for name, size in state_sizes(small(**settings)).items():
        assert whole[name].shape == (BATCH, size)
    assert np.ptp(whole["logits"][0], axis=0).max() > 1e-2
    alone = {name: value[1:] for name, value in inputs(lengths, 2, **settings).items()}
    np.testing.assert_allclose(answer(model, alone)["logits"][0], whole["logits"][1, :2], atol=1e-5)
    for filler in (0, 11):
        padded = answer(model, inputs(lengths, 9, filler, **settings))
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(padded["logits"][row, :length], whole["logits"][row, :length], atol=1e-5)
        for name in initial_states(small(**settings), 1):  # the state is that after the last real token
            np.testing.assert_allclose(padded[name], whole[name], atol=1e-6)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_a_carried_state_goes_on_where_it_stopped(settings):
    model, batch = build(**settings), inputs([7, 7], 7, **settings)
    whole = answer(model, batch)["logits"]
    first = answer(model, {**batch, "token_ids": batch["token_ids"][:, :4], "mask": batch["mask"][:, :4]})
    states = {name: value for name, value in first.items() if name.startswith("state_")}
    rest = answer(model, {"token_ids": batch["token_ids"][:, 4:], "mask": batch["mask"][:, 4:], **states})["logits"]
    np.testing.assert_allclose(np.concatenate([first["logits"], rest], axis=1), whole, atol=1e-5)
    forgetful = answer(model, {**batch, "token_ids": batch["token_ids"][:, 4:], "mask": batch["mask"][:, 4:]})["logits"]
    assert np.abs(forgetful - rest).max() > 1e-2


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_no_token_sees_the_ones_after_it(settings):
    model, batch = build(**settings), inputs([6, 6], 6, **settings)
    changed = {**batch, "token_ids": batch["token_ids"].copy()}
    changed["token_ids"][:, 3] = 4 + (changed["token_ids"][:, 3] - 3) % 9
    moved = np.abs(answer(model, changed)["logits"] - answer(model, batch)["logits"]).max(axis=-1) > 1e-6
    assert moved.tolist() == [[False] * 3 + [True] * 3] * BATCH


def test_tied_embeddings_are_one_matrix():
    tied, untied = build(), build(tie_embeddings=False)
    # one matrix and its bias, against two; the projection brings the state to the size of a vector
    assert tied.count_params() == VOCAB_SIZE * (EMBEDDING_DIM + 1) + lstm_size() + EMBEDDING_DIM * (UNITS + 1)
    assert untied.count_params() == VOCAB_SIZE * EMBEDDING_DIM + lstm_size() + VOCAB_SIZE * (UNITS + 1)
    # a token that the text does not hold: its vector changes its own score, and no other
    batch, embedding = inputs([3, 3], 3), tied.get_layer("embedding")
    absent = next(i for i in range(4, VOCAB_SIZE) if i not in batch["token_ids"])
    before = answer(tied, batch)["logits"]
    embedding.embeddings.assign(embedding.embeddings + np.eye(VOCAB_SIZE)[absent][:, None])
    moved = np.abs(answer(tied, batch)["logits"] - before).max(axis=(0, 1)) > 1e-6
    assert np.flatnonzero(moved).tolist() == [absent]


def lstm_size():
    return 4 * UNITS * (EMBEDDING_DIM + UNITS + 1)


def test_logits_by_hand():
    """A simple recurrent network whose scores are the dot products with the vectors it reads with."""
    model = build(architecture="simple-rnn")
    weights = {variable.path: np.asarray(variable) for variable in model.weights}
    E, b_y = weights["embedding/embeddings"], weights["embedding/bias"]
    W_xh, W_hh, b_h = (
        next(value for path, value in weights.items() if path.endswith(f"simple_rnn_cell/{name}"))
        for name in ("kernel", "recurrent_kernel", "bias")
    )
    batch = inputs([4], 4, architecture="simple-rnn")
    found, h_t = answer(model, batch), np.zeros(UNITS)
    for t, token_id in enumerate(batch["token_ids"][0]):
        h_t = np.tanh(E[token_id] @ W_xh + h_t @ W_hh + b_h)
        projected = h_t @ weights["projection/kernel"] + weights["projection/bias"]
        np.testing.assert_allclose(found["logits"][0, t], E @ projected + b_y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["state_0_h"][0], h_t, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_loss_counts_real_tokens_alone(architecture):
    model = build(architecture=architecture)
    scored = keras.Model(model.input, model.output["logits"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    scored.compile(loss=loss, run_eagerly=True)
    lengths = [3, 1]
    targets = np.random.default_rng(2).integers(0, VOCAB_SIZE, (BATCH, 9))
    logits = answer(model, inputs(lengths, TIME, architecture=architecture))["logits"].astype(np.float64)
    nats = [
        np.log(np.exp(logits[row, t]).sum()) - logits[row, t, targets[row, t]]
        for row, length in enumerate(lengths)
        for t in range(length)
    ]
    assert len(nats) == 4
    for time in (TIME, 9):
        batch = inputs(lengths, time, architecture=architecture)
        found = scored.test_on_batch(batch, targets[:, :time], batch["mask"].astype(np.float32))
        assert float(np.ravel(found)[0]) == pytest.approx(sum(nats) / 4, rel=1e-5)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_every_weight_learns(settings):
    config = small(**settings, dropout=0.0, input_dropout=0.0)
    model = build_model(config, VOCAB_SIZE)
    scored = keras.Model(model.input, model.output["logits"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    scored.compile(make_optimizer(config, 10), loss=loss, run_eagerly=True)
    before = [weight.copy() for weight in model.get_weights()]
    batch = inputs([6, 4], 8, **settings)
    targets = np.random.default_rng(2).integers(0, VOCAB_SIZE, (2, 8))
    for _ in range(3):
        scored.train_on_batch(batch, targets, batch["mask"].astype(np.float32))
    for variable, old in zip(model.weights, before, strict=True):
        moved = np.asarray(variable) != old
        if variable.path == "embedding/embeddings" and not config.tie_embeddings:
            present = np.isin(np.arange(VOCAB_SIZE), batch["token_ids"][batch["mask"]])
            np.testing.assert_array_equal(moved.any(axis=1), present)
        else:
            assert moved.mean() > 0.95, variable.path
