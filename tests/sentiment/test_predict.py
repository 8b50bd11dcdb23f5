"""Raw texts in, ratings out: in order, inside the scale, the same from a saved bundle."""

from __future__ import annotations

import json

import numpy as np
import pytest

import sentiment
from common.bundles.bundle import save_bundle
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from sentiment.cli import predict as main
from sentiment.config import ARCHITECTURES
from sentiment.evaluate import baseline_answers
from sentiment.explain import explain
from sentiment.loader import Reviews, make_batches
from sentiment.model import build_model
from sentiment.predict import RatingModel
from tests.conftest import RUN_FACTS
from tests.sentiment.settings import settings as settings_of

VOCABULARY = Vocabulary(["good", "bad", "film", "the", "."], lowercase=True)
TEXTS = ["The film.", "Good good good bad.", "bad " * 30, "The good film, the bad film, the good!", "good"]


def build(**settings):
    config = settings_of(**{"head": "regression", "units": 5, "embedding_dim": 7, "batch_size": 2, **settings})
    model = build_model(config, len(VOCABULARY))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    return RatingModel(KerasEngine(model), VOCABULARY, config)


def ratings(model, texts):
    return np.array([answer.rating for answer in model.predict(texts)])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_company_and_order_change_nothing(architecture):
    model = build(architecture=architecture)
    together = ratings(model, TEXTS)
    assert together.min() > 1
    assert together.max() < 10
    assert len(set(together.round(3))) == len(TEXTS)
    np.testing.assert_allclose([ratings(model, [text])[0] for text in TEXTS], together, atol=1e-5)
    np.testing.assert_allclose(ratings(model, TEXTS[::-1])[::-1], together, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_loaded_bundle_answers_as_the_model_it_came_from(architecture, tmp_path):
    model = build(architecture=architecture)
    facts = {**RUN_FACTS, "task": "sentiment"}

    def save_vocabulary(folder):
        VOCABULARY.save(folder / "vocabulary.json")

    save_bundle(tmp_path / "model", model.network.model, model.config, {}, facts, "card", save_vocabulary)
    loaded = sentiment.load(tmp_path / "model")
    assert loaded.config == model.config
    np.testing.assert_allclose(ratings(loaded, TEXTS), ratings(model, TEXTS), rtol=1e-6)


def test_known_and_unknown_words_are_counted():
    good, mixed, foreign = build().predict(["GOOD film.", "A good film", "Wie schön!"])
    assert (good.num_tokens, good.num_unknown) == (3, 0)
    assert (mixed.num_tokens, mixed.num_unknown) == (3, 1)
    assert (foreign.num_tokens, foreign.num_unknown) == (3, 3)


def test_a_text_is_rated_the_same_however_it_is_written():
    plain, *others = ratings(
        build(),
        [
            "Good film.\nThe bad film.",
            "Good\u200b \ufb01lm.\\nThe b\u00adad&nbsp;film.",
            "<p>Good film.</p>The bad film&#46;",
        ],
    )
    np.testing.assert_allclose(others, plain, atol=1e-5)
    untouched = ratings(build(normalization="none"), ["good \ufb01lm", "good film"])
    assert abs(untouched[0] - untouched[1]) > 1e-4


def test_an_explanation_shows_the_text_as_it_was_written():
    found = explain(build(), "G\u00adood &amp; b\u200bad\u2026")
    assert found.tokens == ["G\u00adood", "&amp;", "b\u200bad", "\u2026"]
    assert found.weights == explain(build(), "Good & bad...").weights


def test_a_text_of_unknown_words_has_a_remark():
    german, known = build().predict(["Das ist ein Film, und ich habe ihn nicht gern.", "The good film, the bad film."])
    assert "look like German, not English" in german.remark
    assert known.remark is None


def test_words_are_those_of_the_language_of_the_model():
    assert explain(build(language="de"), "im Film").tokens == ["im", "Film"]
    assert explain(build(), "im Film").tokens == ["i", "m", "Film"]


def test_ratings_stay_inside_the_scale():
    model = build(min_rating=0.0, max_rating=4.0)
    score = model.network.model.get_layer("score")
    for bias, rating in ((50, 4), (-50, 0)):
        score.set_weights([score.get_weights()[0], np.array([bias])])
        assert ratings(model, TEXTS).tolist() == [rating] * len(TEXTS)


def test_no_text_and_texts_without_a_word():
    model = build()
    assert model.predict([]) == []
    answers = model.predict(["", " \n", "\x00", "<br />"])
    assert [answer.num_tokens for answer in answers] == [0, 0, 0, 0]
    assert all(1 <= answer.rating <= 10 for answer in answers)


def test_only_what_is_kept_of_a_long_text_counts():
    model = build(max_length=5, truncation="tail")
    np.testing.assert_allclose(ratings(model, ["bad bad good film the ."]), ratings(model, ["good film the ."]), 1e-6)
    assert ratings(model, ["bad bad good film the ."]) != ratings(model, ["bad bad good film the"])


@pytest.mark.parametrize("head", ["ordinal", "categorical"])
def test_the_spread_is_that_of_the_answer(head):
    model = build(head=head)
    network, config = model.network.model, model.config
    [answer] = model.predict(["The good film."])
    inputs, _, _ = make_batches([["the", "good", "film", "."]], None, VOCABULARY, config, shuffle=False)[0]
    logits = np.asarray(network(inputs)["logits"])[0].astype(float)
    if head == "categorical":
        shares = np.exp(logits) / np.exp(logits).sum()
    else:
        shares = -np.diff(1 / (1 + np.exp(-logits)), prepend=1, append=0)  # of being above, to of being at
    levels = np.arange(1, 11)
    assert answer.rating == pytest.approx(shares @ levels, abs=1e-4)
    assert answer.spread == pytest.approx(np.sqrt(shares @ (levels - answer.rating) ** 2), abs=1e-3)
    assert build().predict(["good"])[0].spread is None


def test_explanations_by_hand():
    """The mean word vector under one linear layer, nearly: the weight of a word is its share of the mean."""
    model = build(architecture="cbow", embedding_dim=1, units=1)
    network = model.network.model
    vectors = np.zeros((len(VOCABULARY), 1))
    vectors[VOCABULARY.encode(["good", "bad"]), 0] = 0.02, -0.01
    network.get_layer("embedding").set_weights([vectors])
    network.get_layer("hidden").set_weights([np.ones((1, 1)), np.zeros(1)])
    network.get_layer("score").set_weights([np.ones((1, 1)), np.zeros(1)])
    explanation = sentiment.explain(model, "Good film, bad.")
    assert explanation.tokens == ["Good", "film", ",", "bad", "."]
    # six tokens with the beginning mark; the rating is 5.5 + 4.5 * mean
    assert explanation.weights == pytest.approx([4.5 * 0.02 / 6, 0, 0, -4.5 * 0.01 / 6, 0], abs=1e-5)
    assert [token for token, _ in explanation.strongest(2)] == ["Good", "bad"]
    assert sentiment.explain(model, "").tokens == []


def test_the_strongest_words_are_in_the_order_of_the_text():
    explanation = sentiment.Explanation(["a", "b", "c", "d", "e"], [0.2, -0.9, 0.1, 0.0, 0.5])
    assert explanation.strongest(3) == [("a", 0.2), ("b", -0.9), ("e", 0.5)]
    assert explanation.strongest(1) == [("b", -0.9)]


def test_explanations_on_the_command_line(small_bundle, capsys):
    def answer(*options):
        main(["--model", str(small_bundle("sentiment")), "--explain", *options, "A good, good book."])
        return capsys.readouterr().out

    assert len(answer().splitlines()) == 1 + 6
    found = json.loads(answer("--format", "jsonl"))
    assert found["tokens"] == ["A", "good", ",", "good", "book", "."]
    assert len(found["weights"]) == 6
    with pytest.raises(InputError, match="--explain: a row has no room"):
        answer("--format", "csv")


def test_no_such_bundle(tmp_path):
    with pytest.raises(InputError, match="no such bundle"):
        sentiment.load(tmp_path / "nothing")


def test_baselines_read_languages_that_write_words_together():
    texts = ["好看好看", "难看", "很好看", "很难看"] * 5
    known = Reviews(texts, np.array([9, 2, 10, 1] * 5, np.float32))
    answers = baseline_answers(["真好看", "真难看"], known, settings_of(language="zh"))["TF-IDF + ridge"]
    assert answers[0] > answers[1] + 2
