"""Scores of a language model against arithmetic by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from language_model.config import LanguageModelConfig
from language_model.evaluate import (
    by_length,
    by_position,
    compare_endings,
    hardest_tokens,
    score_units,
    split_endings,
    text_scores,
    text_units,
)

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


def test_endings_are_the_last_sentences():
    model = SimpleNamespace(config=LanguageModelConfig())
    contexts, endings = split_endings(["One is. Two are. Three!", "Only one.", "Yes. No."], model)
    assert contexts == [["One", "is", ".", "Two", "are", "."], ["Yes", "."]]
    assert endings == [["Three", "!"], ["No", "."]]


def test_every_ending_is_compared_with_another_and_not_its_own():
    contexts, endings = [[f"c{i}"] for i in range(5)], [[f"e{i}"] * (i + 1) for i in range(5)]
    calls = []

    def score(lists):
        calls.append(list(lists))
        # an ending in its own place costs 1 nat a token, elsewhere 2; the context costs a lot and may not count
        return [
            np.array([-50.0] + [-1.0 if tokens[0][1] == tokens[1][1] else -2.0] * (len(tokens) - 1) + [-1.0])
            if tokens[0][0] == "c"
            else np.full(len(tokens) + 1, -3.0)
            for tokens in lists
        ]

    won = compare_endings(contexts, endings, score)
    assert won["ending_accuracy"].tolist() == [1] * 5
    alone, own, other = calls
    assert alone == endings
    assert [(tokens[0], tokens[1]) for tokens in own] == [(f"c{i}", f"e{i}") for i in range(5)]
    assert all(tokens[0][1] != tokens[1][1] for tokens in other)
    assert sorted(tokens[1] for tokens in other) == [f"e{i}" for i in range(5)]  # each once
    won = compare_endings(contexts, endings, lambda lists: [-row for row in score(lists)])
    assert won["ending_accuracy"].tolist() == [0] * 5


def test_an_ending_of_common_words_gains_nothing():
    """Ending 1 is likely everywhere; ending 0 is unlikely, but much less so in its own place."""
    contexts, endings = [["c0"], ["c1"]], [["e0"], ["e1"]]
    nats = {"c0 e0": -6.0, "c0 e1": -2.0, "c1 e0": -9.0, "c1 e1": -2.5, "e0": -9.0, "e1": -2.0}

    def score(lists):
        return [np.array([0.0] * (len(tokens) - 1) + [nats[" ".join(tokens)], 0.0]) for tokens in lists]

    won = compare_endings(contexts, endings, score)
    assert won["ending_accuracy"].tolist() == [0, 1]
    assert won["ending_gain_accuracy"].tolist() == [1, 0]  # 3 against 0, -0.5 against 0
