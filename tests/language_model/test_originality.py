"""How varied a text is, and the longest span it copied, against a count of everything."""

from __future__ import annotations

import numpy as np
import pytest

from language_model.originality import distinct_ngrams, join_all, longest_copied_span


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
