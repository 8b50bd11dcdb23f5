"""Scores of a language model against arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from language_model.evaluate import (
    MIN_TEXTS,
    PIECE,
    count_ngrams,
    perplexity_verdict,
    score_given_endings,
    score_units,
    text_scores,
    text_units,
)
from language_model.report import by_length, by_position, hardest_tokens
from tests.language_model.toy_model import build_reader

TEXTS = ["ab cd", "e"]
NATS = [np.log([0.5, 0.25, 0.5]), np.log([0.125, 1.0])]  # the end of each text is its last number


def test_scores_by_hand():
    scores = text_scores(TEXTS, NATS)
    # 1 + 2 + 1 + 3 + 0 = 7 bits over 5 tokens and 6 characters
    assert scores["nats_per_token"] == pytest.approx(7 / 5 * math.log(2))
    assert scores["perplexity"] == pytest.approx(2 ** (7 / 5))
    assert scores["bits_per_character"] == pytest.approx(7 / 6)
    # not the mean of the texts' perplexities; and a text drawn twice counts twice
    assert score_units(text_units(TEXTS, NATS)[[1, 1, 0]])["perplexity"] == pytest.approx(2 ** ((3 + 3 + 4) / 7))


def test_tables():
    assert by_length(NATS)[1:] == [["2-2", 1, pytest.approx(2**1.5)], ["3-3", 1, pytest.approx(2 ** (4 / 3))]]
    # first tokens: 1 and 3 bits; then 2, 1 and 0
    assert by_position(NATS)[1:] == [["0", 2, pytest.approx(2**2)], ["1-4", 3, pytest.approx(2**1)]]
    rows = hardest_tokens([["ab", "cd"], ["e"]], NATS, {"cd", "e"}, 5)
    assert rows[1:] == [[pytest.approx(3), "e", "… "], [pytest.approx(2), "cd", "… ab"]]


# -- The verdict ----------------------------------------------------------------------------------------------------


def rows(probability, num_texts, length=5):
    """The log-probabilities of texts whose tokens all have the same probability."""
    return [np.full(length, math.log(probability), np.float32)] * num_texts


def test_the_verdict_names_both_perplexities_and_who_is_ahead():
    verdict = perplexity_verdict(rows(0.5, MIN_TEXTS), rows(0.25, MIN_TEXTS), "validation", 900)
    assert verdict.outcome == "ahead"
    assert str(verdict) == (
        "On 10 validation texts the model's perplexity is 2.0 (lower is better), Kneser-Ney's 4.0: the model is ahead."
    )
    verdict = perplexity_verdict(rows(0.25, 1200), rows(0.5, 1200), "test", 12_000)
    assert verdict.outcome == "behind"
    assert "On 1,200 test texts the model's perplexity is 4.0 (lower is better), Kneser-Ney's 2.0: " in str(verdict)
    assert "It has learned from 12,000 tokens: more text of this kind helps most" in str(verdict)


def test_what_the_better_model_wins_by_chance_is_too_close_to_call():
    ours, theirs = rows(0.5, 10) + rows(0.125, 10), rows(0.25, 19) + rows(0.2, 1)
    assert perplexity_verdict(ours, theirs, "test", 9).outcome == "even"


def test_few_long_texts_are_cut_into_pieces():
    verdict = perplexity_verdict(rows(0.5, 1, 10 * PIECE + 50), rows(0.25, 1, 10 * PIECE + 50), "validation", 9)
    assert str(verdict).startswith("On 10 pieces of the validation text the model's perplexity is 2.0 ")
    verdict = perplexity_verdict(rows(0.5, 2, PIECE), rows(0.25, 2, PIECE), "test", 9)
    assert str(verdict).startswith("On 2 pieces of the test texts ")
    assert perplexity_verdict(rows(0.5, 2, 9), rows(0.25, 2, 9), "test", 9) is None


def test_long_texts_are_cut_into_blocks():
    for length, blocks in ((1000, [1000]), (1001, [501, 500]), (2001, [667, 667, 667]), (1, [1])):
        units = text_units(["x" * 10], [np.full(length, -0.5)])
        assert units[:, 1].tolist() == blocks
        assert units[:, 0].sum() == pytest.approx(length / 2)
        assert units[:, 2].sum() == pytest.approx(10)


def test_nine_texts_are_cut_and_ten_are_not():
    long = rows(0.5, MIN_TEXTS - 1, PIECE)
    assert str(perplexity_verdict(long, rows(0.25, 9, PIECE), "test", 9)).startswith("On 9 pieces of the test texts")
    short = rows(0.5, MIN_TEXTS, 1)
    assert str(perplexity_verdict(short, rows(0.25, 10, 1), "test", 9)).startswith("On 10 test texts")
    assert perplexity_verdict(rows(0.5, 1, 199), rows(0.25, 1, 199), "test", 9) is None  # a single piece
    assert str(perplexity_verdict(rows(0.5, 1, 200), rows(0.25, 1, 200), "test", 9)).startswith("On 2 pieces of the te")


def test_endings_are_compared_if_there_are_two():
    model = build_reader()

    def intervals(score, number):
        return {name: (value, number) for name, value in score(np.arange(number)).items()}

    assert score_given_endings(model, ["the king. home.", "the"], None, intervals) == (1, {})
    texts = ["the king. home.", "went home. the king.", "the."]
    baseline = count_ngrams(model, [["the", "king", ".", "home", "."]])
    number, scores = score_given_endings(model, texts, baseline, intervals)
    assert number == 2
    assert set(scores) == {"model", "Kneser-Ney 5-gram"}
    assert set(scores["model"]) == {"ending_accuracy", "ending_gain_accuracy"}
    assert {count for score in scores.values() for _, count in score.values()} == {2}
    assert set(score_given_endings(model, texts, None, intervals)[1]) == {"model"}


def test_n_grams_are_of_the_length_that_is_asked_for():
    words, letters = build_reader(), build_reader(level="character")
    assert count_ngrams(words, [["the"]]).name == "Kneser-Ney 5-gram"
    assert count_ngrams(letters, [["t"]]).name == "Kneser-Ney 7-gram"
    assert count_ngrams(words, [["the"]], 2).name == "Kneser-Ney 2-gram"
    [row] = count_ngrams(words, [["the", "king"]] * 9, 3).score([["the", "king"]])
    assert row.shape == (3,)
    assert row.min() > np.log(0.5)
