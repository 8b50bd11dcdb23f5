"""From lower-case words to words as they are written: vocabularies, weights, and the comparison of both models."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pandas
import pytest

from common.bundles.bundle import open_bundle, save_bundle
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from language_model.predict import load
from recipes.reviews import same_vocabulary
from recipes.reviews.capitals import add_capitals, log_shares
from recipes.reviews.prepare import clean_review
from recipes.reviews.same_vocabulary import compare, folded_nats
from tests.conftest import RUN_FACTS
from tests.language_model.toy_model import build_reader

NUM_SPECIAL = len(SPECIAL_TOKENS)


def test_line_breaks_of_web_pages_are_line_breaks():
    assert clean_review("a<br />b<BR>c<br/>d <brx>") == "a\nb\nc\nd <brx>"


def test_log_shares_add_up_to_one_for_each_source():
    sources = np.array([0, 1, 2, 2, 2, 1])
    found = log_shares(sources, np.array([5, 1, 0, 3, 1, 3]))
    np.testing.assert_allclose(np.exp(found), [1, 2 / 6, 1 / 7, 4 / 7, 2 / 7, 4 / 6], rtol=1e-6)
    assert found.dtype == np.float32


def test_capitals_begin_with_what_their_lower_case_forms_are(tmp_path):
    reader = build_reader(Vocabulary(["the", "king", "."], lowercase=True), lowercase=True, validation_split=0.5)
    config, vocabulary = reader.config, reader.vocabulary
    save_bundle(tmp_path / "small", reader.network.model, config, {}, {**RUN_FACTS, "task": "language_model"}, "A toy.",
                lambda folder: vocabulary.save(folder / "vocabulary.json"))  # fmt: skip
    texts = ["the the The king KING Zyxw Zyxw"] * 20
    pandas.DataFrame({"text": texts}).to_csv(tmp_path / "texts.csv", index=False)
    add_capitals(tmp_path / "small", tmp_path / "texts.csv", NUM_SPECIAL + 4, tmp_path / "capitals")
    origin, bundle = (open_bundle(tmp_path / name, "language_model") for name in ("small", "capitals"))
    words = bundle.read_vocabulary("vocabulary.json").tokens
    assert len(words) == NUM_SPECIAL + 4
    assert set(words[NUM_SPECIAL:]) > {"the", "The", "Zyxw"}
    assert bundle.manifest["title"] == "Language model: capitals"
    (old, old_bias), (new, new_bias) = (each.read_layer("embedding") for each in (origin, bundle))
    sources = [*range(NUM_SPECIAL), *vocabulary.encode(words[NUM_SPECIAL:])]
    np.testing.assert_array_equal(new, old[sources])
    shares = dict(zip(words, np.exp(new_bias - old_bias[sources]), strict=True))
    count = 10  # texts that are no validation texts
    assert shares["the"] == pytest.approx((2 * count + 1) / (3 * count + 2), rel=1e-4)
    assert shares["The"] == pytest.approx((count + 1) / (3 * count + 2), rel=1e-4)
    others = {name for name, layer in origin.architecture.layers.items() if layer.weights} - {"embedding"}
    assert others
    for name in others:
        for before, after in zip(origin.read_layer(name), bundle.read_layer(name), strict=True):
            np.testing.assert_array_equal(before, after)
    written = load(tmp_path / "capitals").config
    assert (written.lowercase, written.max_vocab_size) == (False, NUM_SPECIAL + 4)


@pytest.fixture(scope="module")
def models():
    """A model of words as they are written, and one of lower-case words that knows other ones too."""
    written = build_reader(Vocabulary(["The", "the", "king", "went", "."]))
    lowercase = build_reader(Vocabulary(["the", "king", "home", "."], lowercase=True), seed=1, lowercase=True)
    return written, lowercase


def test_the_probability_of_a_word_is_the_sum_over_its_forms(models):
    written, _ = models
    common = Vocabulary(["the", "king"])
    found = folded_nats(written, ["The king went", "the king"], common)
    assert len(found) == 7  # each word, and the ends of both texts
    scored = written.score("The king went")[0]
    assert found[1] == pytest.approx(-scored.log_probabilities[1], abs=1e-5)  # a word of one form
    assert found[0] < -scored.log_probabilities[0] - 0.01  # `The` or `the`
    lower = written.score("the king went")[0].log_probabilities[0]
    both = math.exp(scored.log_probabilities[0]) + math.exp(lower)
    assert found[0] == pytest.approx(-math.log(both), abs=1e-5)


def test_models_are_compared_over_the_words_that_both_know(models):
    texts = ["The king went home.", "the King."]
    ours, theirs, number = compare(*models, texts)
    common = Vocabulary(["the", "king", "."])
    assert number == len(common)
    for found, model in zip((ours, theirs), models, strict=True):
        assert found == pytest.approx(math.exp(folded_nats(model, texts, common).mean()))
    assert abs(ours - theirs) > 0.01
    assert compare(models[1], models[1], texts)[0] == compare(models[1], models[1], texts)[1]


def test_the_command_prints_both_perplexities_and_their_difference(monkeypatch, capsys, tmp_path):
    loaded = []
    monkeypatch.setattr(
        same_vocabulary, "load", lambda path: loaded.append(path.name) or SimpleNamespace(config=path.name)
    )
    monkeypatch.setattr(same_vocabulary, "load_texts", lambda path, config: (path.name, config))
    monkeypatch.setattr(
        same_vocabulary, "compare", lambda *given: (60.0 if given[2] == ("t", "a") else 0.0, 80.0, 20_000)
    )
    same_vocabulary.main(["--written", "a", "--lowercase", "b", "--texts", "t"])
    assert loaded == ["a", "b"]
    assert capsys.readouterr().out == "20,000 words: written 60.00, lower-case 80.00, -25.0%\n"
    for left_out in range(3):
        options = [["--written", "a"], ["--lowercase", "b"], ["--texts", "t"]]
        del options[left_out]
        with pytest.raises(SystemExit):
            same_vocabulary.main([word for option in options for word in option])
        assert re.search("required", capsys.readouterr().err)
