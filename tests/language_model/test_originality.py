"""How varied a text is, and the longest span it copied, against a count of everything."""

from __future__ import annotations

import numpy as np
import pytest

from language_model.config import TextConfig
from language_model.originality import (
    distinct_ngrams,
    join_all,
    longest_copied_span,
    mark_copied,
    measure,
    report_texts,
)


def test_distinct_ngrams_by_hand():
    texts = [["a", "b", "a"], ["a", "b"]]
    assert distinct_ngrams(texts, 1) == 2 / 5
    assert distinct_ngrams(texts, 2) == 2 / 3  # ab ba | ab: none across texts
    assert distinct_ngrams(texts, 4) == 1


def copied_by_hand(tokens, training):
    spans = [(i, j) for i in range(len(tokens)) for j in range(i + 1, len(tokens) + 1)]
    found = [
        (i, j)
        for i, j in spans
        if any(text[k : k + j - i] == tokens[i:j] for text in training for k in range(len(text)))
    ]
    return max(found, key=lambda span: (span[1] - span[0], -span[0]), default=(0, 0))


@pytest.mark.parametrize("seed", range(20))
def test_the_longest_span_is_found(seed):
    rng = np.random.default_rng(seed)
    training = [[*map(str, rng.integers(9, 13, 30))] for _ in range(3)]
    tokens = [*map(str, rng.integers(8, 13, 25))]
    assert longest_copied_span(tokens, join_all(training)) == copied_by_hand(tokens, training)


def test_words_are_compared_whole_and_texts_apart():
    training = join_all([["an", "apple"], ["pie"]])
    assert longest_copied_span(["a", "p"], training) == (0, 0)
    assert longest_copied_span(["apple", "pie"], training) == (0, 1)
    assert longest_copied_span([], training) == (0, 0)


def test_measures_by_hand():
    texts, training = [["a", "b", "a"], ["c", "d", "e", "f", "g"]], join_all([["x", "a", "b"], ["c", "d", "e"]])
    rows = measure(texts, training)
    assert rows == [
        ["measure", "value"], ["tokens written", 8], ["different among all 1-grams", 7 / 8],
        ["different among all 2-grams", 1.0], ["different among all 3-grams", 1.0],
        ["different among all 4-grams", 1.0], ["longest span copied from the training text, in tokens", 3],
        ["the same, mean over the texts", 2.5],
    ]  # fmt: skip
    assert measure(texts, None) == rows[:6]
    assert distinct_ngrams([["a"] * 5], 4) == 1 / 2
    assert distinct_ngrams([], 1) == 1


def test_the_copied_span_is_marked():
    training, style = join_all([["b", "c"]]), '<p style="white-space: pre-wrap">'
    assert mark_copied(["a", "b", "c", "<d>"], training, " ") == f"{style}a <mark>b c</mark> &lt;d&gt;</p>"
    assert mark_copied(["b", "c"], training, "") == f"{style}<mark>bc</mark></p>"
    assert mark_copied(["x", "y"], training, " ") == f"{style}x y</p>"
    assert mark_copied(["b", "c"], None, " ") == f"{style}b c</p>"


def test_a_report_on_texts():
    rows, sections = report_texts(["so good", "so bad"], TextConfig(), ["not so good"])
    assert rows[-2:] == [
        ["longest span copied from the training text, in tokens", 2], ["the same, mean over the texts", 1.5],
    ]  # fmt: skip
    assert [heading for heading, _ in sections] == ["Measures", "Texts"]
    assert sections[1][1].startswith("<p>Marked: the longest span")
    assert "<mark>so good</mark>" in sections[1][1]
    rows, sections = report_texts(["ab"], TextConfig(level="character"), None)
    assert len(rows) == 6
    assert sections[1][1] == '<p></p><p style="white-space: pre-wrap">ab</p>'
