"""Scores of a language model against arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from language_model.evaluate import score_units, text_scores, text_units
from language_model.report import by_length, by_position, hardest_tokens

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
