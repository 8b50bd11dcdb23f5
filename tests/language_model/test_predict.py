"""Scoring and writing: windows, sums to one, sampling, words put back together, the same from a saved bundle."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import language_model
from common.keras_engine import KerasEngine
from common.persistence import save_bundle
from common.tokenization import load_pipeline, tokenize
from common.vocabulary import BOS_ID, EOS_ID, PAD_ID, UNK_ID, Vocabulary
from language_model import predict
from language_model.config import ARCHITECTURES, LanguageModelConfig
from language_model.loader import encode_text, initial_states
from language_model.model import build_model
from language_model.predict import LanguageModel, draw_columns, join_words, log_softmax_at, sample_tokens

VOCABULARY = Vocabulary(["the", "king", "went", "home", "."])
TEXTS = ["the king went home.", "home", "the king and the queen went home. " * 5, "king. king. king.", "the"]


def build(**settings):
    config = LanguageModelConfig(**{"units": 6, "embedding_dim": 7, "batch_size": 3, **settings})
    model = build_model(config, len(VOCABULARY))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return LanguageModel(KerasEngine(model), VOCABULARY, config)


def log_probabilities(model, texts):
    return [answer.log_probabilities for answer in model.score(texts)]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


# -- Scoring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_company_and_order_change_nothing(architecture):
    model = build(architecture=architecture)
    together = log_probabilities(model, TEXTS)
    assert_same([log_probabilities(model, [text])[0] for text in TEXTS], together)
    assert_same(log_probabilities(model, TEXTS[::-1])[::-1], together)
    assert model.score([]) == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("max_logits", [1, 60, 150])  # windows of 1, 2 and 5 tokens for three texts
def test_a_text_read_in_windows_scores_the_same(architecture, max_logits, monkeypatch):
    model = build(architecture=architecture)
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

    in_float32 = log_probabilities(build(architecture=architecture), TEXTS)
    monkeypatch.setattr(predict, "MAX_LOGITS", 1)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = log_probabilities(build(architecture=architecture), TEXTS)
    finally:
        keras.config.set_dtype_policy("float32")
    for one, other in zip(found, in_float32, strict=True):
        np.testing.assert_allclose(one, other, atol=0.1)


def test_the_score_of_a_text_by_hand():
    model = build()
    (answer,) = model.score(["the queen went"])
    ids = encode_text(["the", "queen", "went"], VOCABULARY)
    assert ids == [BOS_ID, 4, UNK_ID, 6, EOS_ID]
    logits, _ = model.step(np.array([ids[:-1]], np.int32), np.ones((1, 4), bool), initial_states(model.config, 1))
    probabilities = np.exp(logits[0].astype(float))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    expected = np.log(probabilities[np.arange(4), ids[1:]])
    np.testing.assert_allclose(answer.log_probabilities, expected, rtol=1e-5)
    assert answer.tokens == ["the", "queen", "went", "<eos>"]
    assert answer.num_unknown == 1
    assert answer.total_nats == pytest.approx(-expected.sum(), rel=1e-5)
    assert answer.perplexity == pytest.approx(np.exp(-expected.sum() / 4), rel=1e-5)
    assert answer.bits_per_character == pytest.approx(-expected.sum() / np.log(2) / len("the queen went"), rel=1e-5)


def test_probabilities_of_all_tokens_sum_to_one():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 30, (2, 3, 11)).astype(np.float32)  # large enough that exp alone would overflow
    logits[0, 0] += 500
    total = sum(np.exp(log_softmax_at(logits.copy(), np.full((2, 3), token)).astype(float)) for token in range(11))
    np.testing.assert_allclose(total, 1, rtol=1e-5)
    model = build()
    beginning = np.array([encode_text(["the", "king"], VOCABULARY)[:-1]], np.int32)
    answer, _ = model.step(beginning, np.ones((1, 3), bool), initial_states(model.config, 1))
    total = sum(np.exp(log_softmax_at(answer.copy(), np.full((1, 3), i))) for i in range(len(VOCABULARY)))
    np.testing.assert_allclose(total, 1, rtol=1e-5)


@pytest.mark.parametrize(
    "settings", [*({"architecture": a} for a in ARCHITECTURES), {"tie_embeddings": False}], ids=str
)
def test_a_loaded_bundle_answers_as_the_model_it_came_from(settings, tmp_path):
    model = build(**settings)

    def save_vocabulary(folder):
        VOCABULARY.save(folder / "vocabulary.json")

    facts = {"task": "language_model"}
    save_bundle(tmp_path / "model", model.network.model, model.config, {}, facts, "card", save_vocabulary)
    loaded = language_model.load(tmp_path / "model")
    assert loaded.config == model.config
    assert_same(log_probabilities(loaded, TEXTS), log_probabilities(model, TEXTS))
    assert loaded.generate(seed=3, max_tokens=20) == model.generate(seed=3, max_tokens=20)


# -- Sampling -------------------------------------------------------------------------------------------------------

# <pad> <unk> <bos> <eos> a b c d: the forbidden ones are the likeliest
PROBABILITIES = np.array([0.3, 0.2, 0.1, 0.04, 0.16, 0.12, 0.06, 0.02])
ALLOWED = {3: 0.1, 4: 0.4, 5: 0.3, 6: 0.15, 7: 0.05}  # the rest of them, made to sum to one


def draw(number, seed=0, **options):
    logits = np.tile(np.log(PROBABILITIES), (number, 1)) + 7
    return sample_tokens(logits, np.random.default_rng(seed), **options)


def test_frequencies_approach_the_probabilities():
    counts = np.bincount(draw(100_000), minlength=8) / 100_000
    assert not counts[[PAD_ID, UNK_ID, BOS_ID]].any()
    for token, probability in ALLOWED.items():
        assert counts[token] == pytest.approx(probability, abs=0.006)  # sigma at most 0.0016


def test_temperature_sharpens():
    counts = np.bincount(draw(100_000, temperature=0.5), minlength=8) / 100_000
    squares = {token: probability**2 for token, probability in ALLOWED.items()}  # p ** (1 / 0.5), normalised
    for token, square in squares.items():
        assert counts[token] == pytest.approx(square / sum(squares.values()), abs=0.006)


@pytest.mark.parametrize("options", [{"temperature": 0}, {"top_k": 1}, {"top_p": 0.0001}, {"top_p": 0.39}])
def test_only_the_likeliest(options):
    assert set(draw(1000, **options)) == {4}


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({"top_k": 2}, {4, 5}),
        ({"top_k": 99}, {3, 4, 5, 6, 7}),
        ({"top_p": 0.41}, {4, 5}),  # 0.4 does not hold it, 0.4 + 0.3 does
        ({"top_p": 0.69}, {4, 5}),
        ({"top_p": 0.71}, {4, 5, 6}),
        ({"top_p": 0.94}, {3, 4, 5, 6}),
        ({"top_p": 1.0}, {3, 4, 5, 6, 7}),
        ({"top_k": 3, "top_p": 0.5}, {4, 5}),
    ],
)
def test_the_set_that_is_sampled_from(options, tokens):
    assert set(draw(20_000, **options)) == tokens


@pytest.mark.parametrize("num_columns", [1, 2, 3, 10, 99, 100, 101, 1000])
def test_columns_are_drawn_in_proportion_to_their_weight(num_columns):
    weights = np.random.default_rng(1).random(num_columns).astype(np.float32) ** 3
    weights[::3] = 0 if num_columns > 1 else 1
    drawn = draw_columns(np.tile(weights, (50_000, 1)), np.random.default_rng(2))
    wanted = weights / weights.sum()
    shares = np.bincount(drawn, minlength=num_columns) / 50_000
    assert not shares[weights == 0].any()
    assert (np.abs(shares - wanted) < 5 * np.sqrt(wanted / 50_000) + 1e-12).all()


def test_a_lone_column_is_found_wherever_it_is():
    weights = np.eye(130, dtype=np.float32) * np.float32(1e-30)
    assert draw_columns(weights, np.random.default_rng(0)).tolist() == list(range(130))


def test_a_flat_distribution_needs_many_of_the_likeliest():
    logits = np.zeros((1, 10_000), np.float32)
    logits[0, 5000:] = -1  # each of these 1/e as likely: the first half holds 73%
    drawn = [int(sample_tokens(logits, np.random.default_rng(seed), top_p=0.7)[0]) for seed in range(300)]
    assert max(drawn) < 5000
    assert max(sample_tokens(np.tile(logits, (300, 1)), np.random.default_rng(0), top_p=0.9)) > 5000


def test_each_text_has_its_own_chance():
    assert len(set(draw(50))) > 2
    assert draw(50).tolist() == draw(50).tolist()
    assert draw(50).tolist() != draw(50, seed=1).tolist()


# -- Writing --------------------------------------------------------------------------------------------------------


def test_the_same_seed_writes_the_same():
    model = build()
    texts = model.generate("the king", num_samples=4, max_tokens=12, seed=1)
    assert texts == model.generate("the king", num_samples=4, max_tokens=12, seed=1)
    assert texts != model.generate("the king", num_samples=4, max_tokens=12, seed=2)
    assert len(set(texts)) > 1
    assert all(text.startswith("the king") for text in texts)


def test_writing_the_likeliest_by_hand():
    model = build()
    bias = model.network.model.get_layer("embedding").bias
    bias.assign(np.where(np.arange(len(VOCABULARY)) == EOS_ID, -50, bias))  # it goes on
    ids = [BOS_ID, *VOCABULARY.encode(["the"])]
    for _ in range(6):  # the whole text again at every step: no state is carried
        whole = np.array([ids], np.int32)
        logits, _ = model.step(whole, np.ones(whole.shape, bool), initial_states(model.config, 1))
        scores = logits[0, -1]
        scores[[PAD_ID, UNK_ID, BOS_ID]] = -np.inf
        ids.append(int(scores.argmax()))
    assert EOS_ID not in ids
    assert model.generate("the", max_tokens=6, temperature=0) == [join_words(VOCABULARY.decode(ids[1:]))]


def test_where_a_text_ends(monkeypatch):
    model = build()
    plan = iter([4, 8, 5, 8, 6, EOS_ID, 7, 7, 7])  # the . king . went <eos>
    monkeypatch.setattr(predict, "sample_tokens", lambda *_: np.array([next(plan)], np.int32))
    assert model.generate(max_tokens=50) == ["the. king. went"]
    plan = iter([4, 8, 5, 8, 6])
    assert model.generate(max_tokens=50, num_sentences=2) == ["the. king."]
    plan = iter([4, 5, 6, 7])
    assert model.generate(max_tokens=3) == ["the king went"]


def test_the_prompt_stays_as_it_was_written(monkeypatch):
    model = build()

    def write(prompt, *tokens):
        plan = iter([*VOCABULARY.encode(tokens), EOS_ID])
        monkeypatch.setattr(predict, "sample_tokens", lambda *_: np.array([next(plan)], np.int32))
        return model.generate(prompt)[0]

    assert write("The  quéen ,", "went", "home", ".") == "The  quéen , went home."
    assert write("the king ", ".", "the") == "the king. the"
    assert write(" ", "the", "king") == "the king"
    assert write("the king") == "the king"


def test_a_character_model_writes_characters(monkeypatch):
    vocabulary = Vocabulary("ab \n")
    config = LanguageModelConfig(units=4, embedding_dim=3, level="character")
    model = LanguageModel(KerasEngine(build_model(config, len(vocabulary))), vocabulary, config)
    plan = iter([*vocabulary.encode("a b\n"), EOS_ID])
    monkeypatch.setattr(predict, "sample_tokens", lambda *_: np.array([next(plan)], np.int32))
    assert model.generate("xb ") == ["xb a b\n"]
    assert len(model.score(["ab x"])[0].tokens) == 5  # and the end


# -- Words put together ---------------------------------------------------------------------------------------------


def test_words_of_the_sample_are_put_back_as_they_were():
    dataset = Path(language_model.__file__).parent / "dataset"
    texts = []
    for name in ("train.csv", "test.csv"):
        with open(dataset / name, newline="", encoding="utf-8") as file:
            texts += [row["text"] for row in csv.DictReader(file)]
    wrong = [text for text in texts if join_words(tokenize(text, load_pipeline())) != text]
    assert len(texts) > 200
    assert len(wrong) <= 0.03 * len(texts), wrong[:3]


@pytest.mark.parametrize(
    "text",
    [
        "He didn't say “no,” he said maybe.",
        "A well-known, brand-new hat.",
        '"Is it?" she asked. "It is!"',
        "It's 5 o'clock (or 6), isn't it?",
        "One; two: three… four!",
        "$5 [sic] {x}",
        "We'll, they've, I'd, you're.",
    ],
)
def test_punctuation(text):
    assert join_words(tokenize(text, load_pipeline())) == text
