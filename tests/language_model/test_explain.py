"""Explanations of the next word and of endings: by hand, by both engines, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import language_model
from common.errors import InputError
from interpretability.config import COMPARED, OCCLUSIONS, FaithfulnessConfig
from language_model.config import ARCHITECTURES
from language_model.explain import ContinuationScorer, draw_contexts, likeliest_next, make_explainer
from tests.interpretability.check_scorer import check_scorer
from tests.language_model.toy_model import build_reader

CONTEXT = ["the", "king", "went", "far", "home"]
ENDING = ["the", "king", "."]


@pytest.fixture(scope="module")
def reader():
    return build_reader(architecture="simple-rnn")


def test_the_score_is_that_of_the_ending_alone(reader):
    scorer = ContinuationScorer(reader, CONTEXT, ENDING)
    whole, nothing, without_king = scorer.score(np.array([[1] * 5, [0] * 5, [1, 0, 1, 1, 1]], bool), "removed")
    (row,) = reader.score_tokens([[*CONTEXT, *ENDING]])
    assert whole == pytest.approx(float(row[5:8].sum()), abs=1e-6)
    (row,) = reader.score_tokens([ENDING])
    assert nothing == pytest.approx(float(row[:3].sum()), abs=1e-6)
    (row,) = reader.score_tokens([["the", "went", "far", "home", *ENDING]])
    assert without_king == pytest.approx(float(row[4:7].sum()), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_of_every_architecture(architecture, tied):
    model = build_reader(architecture=architecture, tie_embeddings=tied)
    check_scorer(ContinuationScorer(model, CONTEXT, ENDING), token=4)
    check_scorer(ContinuationScorer(model, CONTEXT, ["home"]), token=4)


@pytest.mark.slow
def test_occlusion_is_the_same_by_both_engines(small_bundle):
    for config in OCCLUSIONS:
        onnx, keras = (
            make_explainer(language_model.load(small_bundle("language_model"), engine), "went home.", config)(
                "The king"
            )
            for engine in ("onnx", "keras")
        )
        assert np.abs(onnx.weights).max() > 1e-4
        np.testing.assert_allclose(onnx.weights, keras.weights, atol=1e-5)


def test_the_likeliest_next_word_is_explained_and_is_no_mark(reader, monkeypatch):
    logits = np.array([[0.0, 50.0, 0.0, 50.0, 1.0, 9.0, 2.0, 3.0, 4.0]])  # <unk>, the end of the text, "king"
    monkeypatch.setattr(reader, "begin", lambda ids, num_samples: (logits, {}))
    assert likeliest_next(reader, CONTEXT) == "king"
    found = make_explainer(reader)("the king went")
    assert found.target == "log-probability of 'king', the likeliest next"
    assert found.tokens == ["the", "king", "went"]


def test_of_a_long_text_the_end_is_read(reader, monkeypatch):
    monkeypatch.setitem(make_explainer.__globals__, "MAX_CONTEXT", 3)
    found = make_explainer(reader, "home")("king home the king went")
    assert found.tokens == ["the", "king", "went"]
    assert "home" not in found.html()
    assert make_explainer(reader, "home")("the king").tokens == ["the", "king"]


def test_an_empty_text_has_an_explanation_without_weights(reader):
    for config in COMPARED:
        found = make_explainer(reader, "home", config)("")
        assert (found.tokens, found.weights) == ([], [])
        assert found.score == pytest.approx(float(reader.score_tokens([["home"]])[0][0]), abs=1e-6)


def test_what_cannot_be_explained_is_refused(reader, run_here):
    with pytest.raises(InputError, match="--ending: found no token"):
        language_model.explain(reader, "the king", ending=" ")
    options = ["--faithfulness", "--input", "x.csv", "--ending", "home"]
    done = run_here("language_model.explain", *options)
    assert done.returncode == 2
    assert "--ending: --faithfulness explains the likeliest next word; leave it out" in done.stderr


def test_contexts_begin_with_a_sentence_and_have_something_after_them():
    texts = [list("abcdefg.hijklmnop.qrstuvwxyz"), list("abc"), list("ABCDEFGHIJKLM")]
    config = FaithfulnessConfig(num_examples=9, max_tokens=7)
    contexts = ["".join(tokens) for tokens in draw_contexts(texts, config)]
    assert {context[0] for context in contexts} <= set("ahqA")
    assert {context[0] for context in contexts} >= set("aA")
    assert {len(context) for context in contexts} <= {5, 6, 7}
    assert all(context[-1] not in "zM" for context in contexts)
    assert contexts == ["".join(tokens) for tokens in draw_contexts(texts, config)]
    assert len(draw_contexts(texts, FaithfulnessConfig(num_examples=2, max_tokens=7))) <= 2


@pytest.mark.parametrize("tied", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_gradients(tied):
    model = build_reader(architecture="fixed-window", tie_embeddings=tied, seed=1)
    check_scorer(ContinuationScorer(model, CONTEXT, ENDING), token=4)


def test_a_context_has_five_words_at_least_and_something_behind_it():
    config = FaithfulnessConfig(num_examples=1, max_tokens=1)
    assert draw_contexts([list("abcdef")], config) == [list("abcde")]
    assert draw_contexts([list("abcde")], config) == []
    many = draw_contexts([list("abcdef.")] * 9, FaithfulnessConfig(num_examples=10, max_tokens=5))
    assert 0 < len(many) <= 18  # two places of each text, of which the end is none
    assert set(map("".join, many)) == {"abcde"}


def test_the_last_words_of_a_text_are_explained(reader, monkeypatch):
    said = []
    monkeypatch.setitem(make_explainer.__globals__, "say", said.append)
    monkeypatch.setitem(make_explainer.__globals__, "MAX_CONTEXT", 3)
    found = make_explainer(reader, "home")("the king went")
    assert (found.tokens, said) == (["the", "king", "went"], [])
    assert make_explainer(reader, "home")("home the king went").tokens == ["the", "king", "went"]
    assert said == ["'home the king went': 4 tokens; the last 3 are read and explained"]
    make_explainer(reader, "zorgl")
    assert said[1] == "the model does not know 'zorgl'; it counts with the probability of any unknown word"
