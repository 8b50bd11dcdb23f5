"""How those who look at hidden states see a rating model read: the tokens that are left, arrays, steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.bundles.bundle import open_bundle
from common.text.vocabulary import BOS_ID, UNK_ID, Vocabulary
from sentiment.reader import TextReader
from tests.forge import FIXTURES


@pytest.fixture
def reader():
    reader = TextReader(open_bundle(FIXTURES / "sentiment"))
    reader.vocabulary = Vocabulary("abcdefgh")
    reader.config = replace(reader.config, max_length=5, truncation="both")  # the mark of the beginning, and four
    return reader


def test_what_is_cut_off_is_not_among_the_tokens(reader):
    assert reader.split("a b c d e f g h") == [["a", "f", "g", "h"]]
    assert reader.split("a  <b>b</b>") == [["a", "b"]]
    backward = replace(reader.config, directions="backward")
    reader.config = backward
    assert reader.split("a b c d e f g h") == [["a", "f", "g", "h"]]


def test_arrays_begin_with_a_mark_and_are_padded(reader):
    inputs = reader.encode([["a"], ["b", "x"]])
    assert inputs["token_ids"].tolist() == [[BOS_ID, 4, 0], [BOS_ID, 5, UNK_ID]]
    assert inputs["mask"].tolist() == [[True, True, False], [True, True, True]]


def test_each_token_is_read_at_a_step(reader):
    assert reader.steps(3).tolist() == [1, 2, 3]
    reader.config = replace(reader.config, directions="backward")
    assert reader.encode([["a", "b"]])["token_ids"].tolist() == [[BOS_ID, 5, 4]]
    assert reader.steps(3).tolist() == [3, 2, 1]
