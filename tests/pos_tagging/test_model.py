"""Taggers: shapes, padding, the loss by a hand count, every weight learns."""

from __future__ import annotations

import numpy as np
import pytest

from common.training.optimizer import make_optimizer
from pos_tagging.config import ARCHITECTURES, TaggingConfig
from pos_tagging.lexicon import NUM_AFFIXES, WORD_LENGTH
from pos_tagging.model import build_model, give_vectors
from pos_tagging.training_model import FURTHER_WEIGHT, TaggingLearner

VOCAB_SIZE, NUM_CHARACTERS, NUM_TAGS = 13, 11, 5
MORE = {"num_shapes": 8, "num_affixes": 7, "num_vectors": 9, "vector_dim": 6}
VECTORS = np.random.default_rng(3).normal(size=(MORE["num_vectors"], MORE["vector_dim"])).astype(np.float32)
UNITS, BATCH, TIME = 6, 2, 3
NUM_SPELLINGS = 20
VARIANTS = [
    *[{"architecture": name} for name in ARCHITECTURES],
    {"architecture": "gru", "directions": "forward", "num_layers": 1},
    {"character_dim": 0},
    {"architecture": "previous-tag", "character_dim": 0},
    {"head": "crf"},
    {"character_network": "lstm"},
    {"character_network": "lstm", "architecture": "previous-tag"},
    {"shape_dim": 3},  # and affixes, and given vectors
    {"shape_dim": 3, "architecture": "previous-tag"},
]


def small(**settings):
    sizes = {
        "units": UNITS,
        "embedding_dim": 7,
        "character_dim": 4,
        "character_filters": 3,
        "tag_dim": 2,
        "affix_dim": 2,
    }
    sizes["character_units"] = 3
    return TaggingConfig(**{**sizes, "num_layers": 2, "dropout": 0.0, "learning_rate": 0.003, **settings})


def build_network(config):
    return build_model(config, VOCAB_SIZE, NUM_CHARACTERS, NUM_TAGS, **(MORE if config.shape_dim else {}))


def build(**settings):
    """A model whose weights are all random, biases too, so that each of them counts."""
    model = build_network(small(**settings))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    if small(**settings).shape_dim:
        give_vectors(model, VECTORS)
    return model


def inputs(lengths, time, filler=0):
    """Random sentences; every position is drawn alike, so that the same words come whatever the padding."""
    rng = np.random.default_rng(1)
    drawn = {
        "token_ids": rng.integers(1, VOCAB_SIZE, (len(lengths), 12)),
        "spelling_ids": rng.integers(1, NUM_SPELLINGS, (len(lengths), 12)),
        "shape_ids": rng.integers(1, MORE["num_shapes"], (len(lengths), 12)),
        "affix_ids": rng.integers(1, MORE["num_affixes"], (len(lengths), 12, NUM_AFFIXES)),
        "vector_ids": rng.integers(1, MORE["num_vectors"], (len(lengths), 12)),
        "previous_tags": rng.integers(0, NUM_TAGS + 1, (len(lengths), 12)),
    }
    mask = np.arange(time) < np.array(lengths)[:, None]
    batch = {name: value[:, :time].astype(np.int32) for name, value in drawn.items()}
    for value in batch.values():
        value[~mask] = filler
    spellings = rng.integers(1, NUM_CHARACTERS, (NUM_SPELLINGS, WORD_LENGTH)).astype(np.int32)
    return {**batch, "spellings": spellings, "mask": mask, "state": np.zeros((len(lengths), UNITS), np.float32)}


def given(model, batch):
    return {name: batch[name] for name in model.input}


def logits(model, batch):
    answer = model(given(model, batch), training=False)
    if isinstance(answer, dict):
        answer = answer["logits"] if "logits" in answer else answer["scores"][:, :, 2]  # after one of the tags
    return np.asarray(answer)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_padding_and_company_change_nothing(settings):
    model, lengths = build(**settings), [3, 2]
    answer = logits(model, inputs(lengths, TIME))
    assert answer.shape == (BATCH, TIME, NUM_TAGS)
    assert np.ptp(answer[0], axis=0).max() > 1e-2  # the words matter, or nothing below proves anything
    both = inputs(lengths, TIME)
    alone = {name: value[1:, :2] for name, value in both.items()}
    alone |= {"spellings": both["spellings"], "state": np.zeros((1, UNITS), np.float32)}
    np.testing.assert_allclose(logits(model, alone)[0], answer[1, :2], atol=1e-5)
    for filler in (0, 4):
        padded = logits(model, inputs(lengths, 9, filler))
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(padded[row, :length], answer[row, :length], atol=1e-5)


def test_the_state_is_that_after_the_last_real_word():
    model = build(architecture="previous-tag")
    states = [np.asarray(model(given(model, inputs([3, 2], time)))["state"]) for time in (3, 9)]
    assert states[0].shape == (BATCH, UNITS)
    np.testing.assert_allclose(*states, atol=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_loss_counts_real_words_alone(architecture):
    model = build(architecture=architecture)
    scored = TaggingLearner(model)
    scored.compile()
    lengths = [3, 1]
    tags = np.random.default_rng(2).integers(0, NUM_TAGS, (BATCH, 9))
    answer = logits(model, inputs(lengths, TIME)).astype(np.float64)
    nats = [
        np.log(np.exp(answer[row, t]).sum()) - answer[row, t, tags[row, t]]
        for row, length in enumerate(lengths)
        for t in range(length)
    ]
    assert len(nats) == 4
    for time in (TIME, 9):
        batch = inputs(lengths, time)
        found = scored.test_on_batch(given(model, batch), tags[:, :time], batch["mask"].astype(np.float32))
        assert float(np.ravel(found)[0]) == pytest.approx(sum(nats) / 4, rel=1e-5)


@pytest.mark.parametrize("settings", [{}, {"head": "crf"}, {"architecture": "previous-tag"}], ids=str)
def test_further_tags_are_learned_and_are_no_part_of_the_model(settings):
    config = small(**settings)
    model, num_further = build_network(config), 3
    before = len(model.weights)
    learner = TaggingLearner(model, num_further)
    learner.compile(make_optimizer(config, 10))
    assert len(model.weights) == before
    added = {variable.path for variable in learner.weights} - {variable.path for variable in model.weights}
    assert added == {"further/kernel", "further/bias"}
    batch = given(model, inputs([3, 1], TIME))
    mask = inputs([3, 1], TIME)["mask"].astype(np.float32)
    rng = np.random.default_rng(3)
    both = np.stack([rng.integers(0, NUM_TAGS, (BATCH, TIME)), rng.integers(0, num_further, (BATCH, TIME))], axis=-1)
    alone = TaggingLearner(model)
    alone.compile()
    expected = float(np.ravel(alone.test_on_batch(batch, both[..., 0], mask))[0])
    further = np.asarray(learner(batch)["further"]).astype(float)
    for row, length in enumerate([3, 1]):
        for t in range(length):
            nats = np.log(np.exp(further[row, t]).sum()) - further[row, t, both[row, t, 1]]
            expected += FURTHER_WEIGHT * nats / 4
    assert float(np.ravel(learner.test_on_batch(batch, both, mask))[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_every_weight_learns_and_no_vector_of_an_absent_word(settings):
    config = small(**settings)
    model = build_network(config)
    if config.shape_dim:
        give_vectors(model, VECTORS)
    scored = TaggingLearner(model)
    scored.compile(make_optimizer(config, 10), run_eagerly=True)
    before = [weight.copy() for weight in model.get_weights()]
    batch = inputs([6, 4], 8)
    tags = np.random.default_rng(2).integers(0, NUM_TAGS, (2, 8))
    for _ in range(3):
        scored.train_on_batch(given(model, batch), tags, batch["mask"].astype(np.float32))
    for variable, old in zip(model.weights, before, strict=True):
        moved = np.asarray(variable) != old
        if variable.path.startswith("embedding"):
            present = np.isin(np.arange(VOCAB_SIZE), batch["token_ids"][batch["mask"]])
            np.testing.assert_array_equal(moved.any(axis=1), present)
        elif variable.path.startswith("given_vectors"):
            assert not moved.any()  # they stay as they are
        else:
            assert moved.mean() > 0.3, variable.path


def test_a_word_is_known_by_its_spelling_and_by_its_neighbours():
    model, batch = build(), inputs([4, 4], 4)
    answer = logits(model, batch)
    respelled = {**batch, "spelling_ids": batch["spelling_ids"].copy()}
    respelled["spelling_ids"][0, 2] = NUM_SPELLINGS - 1
    moved = np.abs(logits(model, respelled) - answer).max(axis=-1) > 1e-6  # (batch, time)
    assert moved.tolist() == [[True] * 4, [False] * 4]  # both directions carry it to the whole sentence, not beyond


def test_the_greedy_tagger_cannot_look_ahead():
    model, batch = build(architecture="previous-tag"), inputs([4, 4], 4)
    changed = {**batch, "token_ids": batch["token_ids"].copy()}
    changed["token_ids"][:, 2] = 4 + (changed["token_ids"][:, 2] - 3) % 9
    moved = np.abs(logits(model, changed) - logits(model, batch)).max(axis=-1) > 1e-6
    assert moved.tolist() == [[False, False, True, True]] * 2


def test_a_tagger_reads_shapes_affixes_and_given_vectors_only_if_it_has_some():
    config = TaggingConfig(units=4, embedding_dim=5)
    plain = build_model(config, VOCAB_SIZE, NUM_CHARACTERS, NUM_TAGS)
    assert plain.input.keys() == {"token_ids", "spellings", "spelling_ids", "mask"}
    shaped = build_model(config, VOCAB_SIZE, NUM_CHARACTERS, NUM_TAGS, num_shapes=3)
    assert shaped.input.keys() - plain.input.keys() == {"shape_ids"}
