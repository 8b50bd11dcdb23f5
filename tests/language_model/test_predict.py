"""Scoring: by hand, in windows, in streams, in company, and the same from a saved bundle."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import language_model
from common.bundles.bundle import save_bundle
from common.errors import InputError
from common.text.vocabulary import BOS_ID, EOS_ID, UNK_ID
from language_model import predict
from language_model.config import ARCHITECTURES
from language_model.loader import encode_text, initial_states
from language_model.predict import log_softmax_at
from tests.conftest import RUN_FACTS
from tests.language_model.toy_model import VOCABULARY, build_reader

TEXTS = ["the king went home.", "home", "the king and the queen went home. " * 5, "king. king. king.", "the"]


def log_probabilities(model, texts):
    return [answer.log_probabilities for answer in model.score(texts)]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


# -- Scoring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_company_and_order_change_nothing(architecture):
    model = build_reader(architecture=architecture)
    together = log_probabilities(model, TEXTS)
    assert_same([log_probabilities(model, [text])[0] for text in TEXTS], together)
    assert_same(log_probabilities(model, TEXTS[::-1])[::-1], together)
    assert model.score([]) == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("max_logits", [1, 60, 150])  # windows of 1, 2 and 5 tokens for three texts
def test_a_text_read_in_windows_scores_the_same(architecture, max_logits, monkeypatch):
    model = build_reader(architecture=architecture)
    in_one_piece = log_probabilities(model, TEXTS)
    steps = []
    step = model.step
    monkeypatch.setattr(model, "step", lambda *given: steps.append(given[0].shape) or step(*given))
    monkeypatch.setattr(predict, "MAX_LOGITS", max_logits)
    assert_same(log_probabilities(model, TEXTS), in_one_piece)
    assert len(steps) > 2
    assert all(batch * time * len(VOCABULARY) <= max(max_logits, batch * len(VOCABULARY)) for batch, time in steps)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_state_of_a_model_in_mixed_precision_goes_on_too(architecture, monkeypatch):
    """While it trains in bfloat16, a model is scored on its validation texts, window by window."""
    import keras

    in_float32 = log_probabilities(build_reader(architecture=architecture), TEXTS)
    monkeypatch.setattr(predict, "MAX_LOGITS", 1)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = log_probabilities(build_reader(architecture=architecture), TEXTS)
    finally:
        keras.config.set_dtype_policy("float32")
    for one, other in zip(found, in_float32, strict=True):
        np.testing.assert_allclose(one, other, atol=0.1)


def test_the_score_of_a_text_by_hand():
    model = build_reader()
    (score,) = model.score(["the queen went"])
    ids = encode_text(["the", "queen", "went"], VOCABULARY)
    assert ids == [BOS_ID, 4, UNK_ID, 6, EOS_ID]
    answer, _ = model.step(np.array([ids[:-1]], np.int32), np.ones((1, 4), bool), initial_states(model.config, 1))
    probabilities = np.exp(answer["logits"][0].astype(float))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    expected = np.log(probabilities[np.arange(4), ids[1:]])
    np.testing.assert_allclose(score.log_probabilities, expected, rtol=1e-5)
    assert score.tokens == ["the", "queen", "went", "<eos>"]
    assert score.num_unknown == 1
    assert score.total_nats == pytest.approx(-expected.sum(), rel=1e-5)
    assert score.perplexity == pytest.approx(np.exp(-expected.sum() / 4), rel=1e-5)
    assert score.bits_per_character == pytest.approx(-expected.sum() / np.log(2) / len("the queen went"), rel=1e-5)


def test_a_text_is_scored_the_same_however_it_is_written():
    model = build_reader()
    plain, written = model.score(["the king went", "<b>th\u200be</b>&nbsp;k\u00ading went"])
    assert written.log_probabilities == pytest.approx(plain.log_probabilities, rel=1e-5)
    assert written.tokens == ["th\u200be", "k\u00ading", "went", "<eos>"]
    assert list(written.is_unknown) == list(plain.is_unknown) == [False, False, False, False]


def test_probabilities_of_all_tokens_sum_to_one():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 30, (2, 3, 11)).astype(np.float32)  # large enough that exp alone would overflow
    logits[0, 0] += 500
    total = sum(np.exp(log_softmax_at(logits.copy(), np.full((2, 3), token)).astype(float)) for token in range(11))
    np.testing.assert_allclose(total, 1, rtol=1e-5)
    model = build_reader()
    beginning = np.array([encode_text(["the", "king"], VOCABULARY)[:-1]], np.int32)
    answer, _ = model.step(beginning, np.ones((1, 3), bool), initial_states(model.config, 1))
    total = sum(np.exp(log_softmax_at(answer["logits"].copy(), np.full((1, 3), i))) for i in range(len(VOCABULARY)))
    np.testing.assert_allclose(total, 1, rtol=1e-5)


@pytest.mark.parametrize(
    "settings", [*({"architecture": a} for a in ARCHITECTURES), {"tie_embeddings": False}], ids=str
)
def test_a_loaded_bundle_answers_as_the_model_it_came_from(settings, tmp_path):
    model = build_reader(**settings)

    def save_vocabulary(folder):
        VOCABULARY.save(folder / "vocabulary.json")

    facts = {**RUN_FACTS, "task": "language_model"}
    save_bundle(tmp_path / "model", model.network.model, model.config, {}, facts, "card", save_vocabulary)
    loaded = language_model.load(tmp_path / "model")
    assert loaded.config == model.config
    assert_same(log_probabilities(loaded, TEXTS), log_probabilities(model, TEXTS))
    assert loaded.generate(seed=3, max_tokens=20) == model.generate(seed=3, max_tokens=20)


# -- Streams --------------------------------------------------------------------------------------------------------


def nats_by_hand(model, ids):
    """Read ids from a state of zeros, one step at a time."""
    states, found = initial_states(model.config, 1), []
    for token, after in itertools.pairwise(ids):
        answer, states = model.step(np.array([[token]], np.int32), np.ones((1, 1), bool), states)
        logits = answer["logits"][0, 0].astype(float)
        found.append(logits[after] - np.log(np.exp(logits).sum()))
    return np.array(found)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_carried_state_goes_from_text_to_text(architecture):
    model = build_reader(architecture=architecture)
    token_lists = [["the", "king"], [], ["went"], ["home", "."]]
    found = model.score_tokens(token_lists, stateful=True)
    stream = [token_id for tokens in token_lists for token_id in encode_text(tokens, VOCABULARY)]
    expected = nats_by_hand(model, stream)[np.array(stream[1:]) != BOS_ID]
    assert [len(row) for row in found] == [3, 1, 2, 3]
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
    alone = model.score_tokens(token_lists)
    np.testing.assert_allclose(found[0], alone[0], atol=1e-5)
    assert np.abs(found[2] - alone[2]).max() > 1e-4


@pytest.mark.parametrize("stateful", [False, True])
def test_a_state_that_is_reset(stateful):
    model = build_reader()
    token_lists = [["the", "king", "went", "home", "."], ["went"], ["king", "."]]
    found = model.score_tokens(token_lists, stateful, reset_every=4)
    texts = [encode_text(tokens, VOCABULARY) for tokens in token_lists]
    streams = [[i for text in texts for i in text]] if stateful else texts
    expected = []
    for stream in streams:
        for start in range(0, len(stream) - 1, 4):
            piece = stream[start : start + 5]
            expected += nats_by_hand(model, piece)[np.array(piece[1:]) != BOS_ID].tolist()
    assert [len(row) for row in found] == [6, 2, 3]
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
    assert np.abs(np.concatenate(found) - np.concatenate(model.score_tokens(token_lists, stateful))).max() > 1e-4
    longer = model.score_tokens(token_lists, stateful, reset_every=1000)
    np.testing.assert_allclose(
        np.concatenate(longer), np.concatenate(model.score_tokens(token_lists, stateful)), atol=1e-6
    )


def test_a_context_is_read_and_not_scored():
    model = build_reader()
    (whole,) = model.score(["the king went home."])
    (ending,) = model.score(["went home."], context="the king")
    assert ending.tokens == ["went", "home", ".", "<eos>"]
    np.testing.assert_allclose(ending.log_probabilities, whole.log_probabilities[2:], atol=1e-6)
    assert np.abs(np.subtract(ending.log_probabilities, model.score(["went home."])[0].log_probabilities)).max() > 1e-4


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_logits_are_made_from_the_hidden_features(tie_embeddings):
    model = build_reader(tie_embeddings=tie_embeddings)
    ids = np.array([[BOS_ID, 4, 5]], np.int32)
    answer, _ = model.step(ids, np.ones(ids.shape, bool), initial_states(model.config, 1))
    network = model.network.model
    if tie_embeddings:
        table, bias = (np.asarray(weight) for weight in network.get_layer("embedding").weights)
        table = table.T
    else:
        table, bias = (np.asarray(weight) for weight in network.get_layer("to_logits").weights)
    np.testing.assert_allclose(answer["hidden"] @ table + bias, answer["logits"], atol=1e-5)


# -- What may be given ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, np.array, iter])
def test_texts_of_every_kind_are_scored(kind):
    model = build_reader()
    assert_same(log_probabilities(model, kind(TEXTS)), log_probabilities(model, TEXTS))


def test_one_string_is_one_text():
    model = build_reader()
    answers = model.score("the king went home.")
    assert isinstance(answers, list)
    assert [answer.text for answer in answers] == ["the king went home."]
    assert ">the king went home.</td>" in answers._repr_html_()


@pytest.mark.parametrize("bad", [None, float("nan"), 3, ["the"], b"the"])
def test_what_is_no_text_is_named(bad):
    model = build_reader()
    with pytest.raises(InputError, match=r"text 2: found .*, wanted a string"):
        model.score(["the", bad])
    for call in (lambda: model.score("the", context=bad), lambda: model.generate(bad)):
        with pytest.raises(InputError, match=r"(context|prompt): found .*, wanted a string"):
            call()


def test_models_are_loaded_by_name():
    assert language_model.load("shakespeare").config.level == "character"
    with pytest.raises(InputError, match="no such folder, and no pretrained model of that name; those there are: rev"):
        language_model.load("shakespear")
