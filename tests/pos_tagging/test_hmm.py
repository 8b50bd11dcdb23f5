"""The hidden Markov model against trying every sequence of tags, and its counts by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pos_tagging.hmm import TrigramHmm, endings, interpolate, normal_form
from pos_tagging.sentences import Sentence

SENTENCES = [
    Sentence(["The", "dog", "barks", "."], ["DET", "NOUN", "VERB", "PUNCT"]),
    Sentence(["A", "dog", "sees", "the", "park", "."], ["DET", "NOUN", "VERB", "DET", "NOUN", "PUNCT"]),
    Sentence(["They", "park", "."], ["PRON", "VERB", "PUNCT"]),
    Sentence(["They", "see", "Rome", "in", "1999", "."], ["PRON", "VERB", "PROPN", "ADP", "NUM", "PUNCT"]),
    Sentence(["They", "quickly", "park", "the", "car", "."], ["PRON", "ADV", "VERB", "DET", "NOUN", "PUNCT"]),
]
HMM = TrigramHmm(SENTENCES)


@pytest.mark.parametrize(
    "text", ["They park .", "The dog barks .", "A quickly Paris 2001", "unheard", "They see the dog in the park ."]
)
def test_the_best_sequence_of_all(text):
    tokens, edge = text.split()[:5], len(HMM.tags)

    def log_probability(tags):
        path = [edge, edge, *tags, edge]
        total = sum(HMM.log_transitions[triple] for triple in zip(path, path[1:], path[2:], strict=False))
        return total + sum(HMM.log_emissions(token)[tag] for token, tag in zip(tokens, tags, strict=True))

    best = max(itertools.product(range(edge), repeat=len(tokens)), key=log_probability)
    found = [HMM.tags.index(tag) for tag in HMM.tag(tokens)]
    assert np.isfinite(log_probability(found))
    assert log_probability(found) == pytest.approx(log_probability(best))


def test_what_follows_sums_to_one():
    np.testing.assert_allclose(np.exp(HMM.log_transitions).sum(axis=2), 1)
    assert np.isfinite(HMM.log_transitions).all()  # nothing is impossible


def test_the_neighbours_decide():
    assert HMM.tag(["They", "park", "."]) == ["PRON", "VERB", "PUNCT"]
    assert HMM.tag(["The", "park", "barks", "."]) == ["DET", "NOUN", "VERB", "PUNCT"]
    assert HMM.tag([]) == []


def test_new_words_go_by_their_ending_and_capital():
    assert HMM.tags[HMM.log_emissions("slowly").argmax()] == "ADV"  # -ly
    assert HMM.tags[HMM.log_emissions("2024").argmax()] == "NUM"  # as 1999
    assert HMM.tag(["They", "slowly", "park", "."])[1] == "ADV"
    np.testing.assert_array_equal(HMM.log_emissions("Park"), HMM.log_emissions("park"))


def test_emissions_of_a_known_word_by_hand():
    found = dict(zip(HMM.tags, np.exp(HMM.log_emissions("park")), strict=True))
    assert found["VERB"] == pytest.approx(2 / 5)  # two of the five verbs
    assert found["NOUN"] == pytest.approx(1 / 4)
    assert found["DET"] == 0


def test_interpolation_by_hand():
    """Two tags and the edge; the weights come from what is left when a trigram is taken out."""
    trigrams = np.zeros((3, 3, 3))
    for tags in ([0, 1, 0, 1], [0, 1, 0]):
        path = [2, 2, *tags, 2]
        for triple in zip(path, path[1:], path[2:], strict=False):
            trigrams[triple] += 1
    mixed = interpolate(trigrams)
    # 2 2 0 twice, 2 0 1 twice, 0 1 0 twice, 1 0 1 once, 0 1 2 once, 1 0 2 once. Leaving one out:
    # 2 2 0: after two 1/1, after one (2-1)/(2-1) = 1, the shorter wins a draw; 2 0 1: after two 1/1, after one 2/3;
    # 0 1 0: after two 1/2, after one 1/2, after none (4-1)/8; 1 0 1: after two 0, after one 2/3; 0 1 2: after one 0,
    # after none 1/8; 1 0 2: likewise
    weights = np.array([2, 2 + 2 + 1, 2]) + 1e-3
    weights /= weights.sum()
    after_none = (np.array([4, 3, 2]) + 1e-6) / (9 + 3e-6)
    expected = weights[0] * after_none[1] + weights[1] * 3 / 4 + weights[2] * 1
    assert mixed[2, 0, 1] == pytest.approx(expected, rel=1e-9)
    # 1 0 came before something twice, 0 1 twice; 1 0 1 was seen once, and so was every tag after 1 0
    expected = weights[0] * after_none[2] + weights[1] * 1 / 4 + weights[2] * 1 / 2
    assert mixed[1, 0, 2] == pytest.approx(expected, rel=1e-9)


def test_a_context_that_was_seen_once_counts():
    trigrams = np.zeros((2, 2, 2))
    trigrams[0, 0, 1] = trigrams[1, 0, 0] = 1
    # A trigram that is left out leaves nothing of its context; all three draw, and the shortest context wins.
    mixed = interpolate(trigrams)
    weights = np.array([2, 0, 0]) + 1e-3
    weights /= weights.sum()
    assert mixed[0, 0, 1] == pytest.approx(weights[0] / 2 + weights[1] / 2 + weights[2], rel=1e-9)
    assert mixed[0, 0, 0] == pytest.approx(weights[0] / 2 + weights[1] / 2, rel=1e-9)
    trigrams = np.zeros((2, 2, 2))
    trigrams[0, 0, 1] = trigrams[1, 1, 0] = 1  # 0 1 came before nothing, 1 once, before 0
    assert interpolate(trigrams)[0, 1, 1] == pytest.approx(weights[0] / 2, rel=1e-9)


def test_endings_are_short_and_of_rare_words():
    assert [ending for _, ending in endings("Abcdefghijklm")] == ["", *("abcdefghijklm"[-n:] for n in range(1, 11))]
    assert list(endings("aB")) == [(False, ""), (False, "b"), (False, "ab")]
    assert normal_form("B52s") == "B00s"
    often = [Sentence(["walked"] * number + ["so"], ["V"] * number + ["X"]) for number in (10, 11)]
    assert [(False, "ked") in TrigramHmm([sentence]).endings for sentence in often] == [True, False]


def test_emissions_of_an_unknown_word_by_hand():
    """The shares of all tags, then of those behind each ending, the shorter one with the weight of their spread."""
    model = TrigramHmm([Sentence(["so", "go", "up", "Lo"], ["A", "B", "B", "C"])])
    shares = np.array([1, 2, 1]) / 4
    distrust = shares.std(ddof=1)
    assert model.distrust == pytest.approx(distrust)
    found = shares
    for counts in ((1, 2, 0), (1, 1, 0)):  # of words without a capital; of those in -o
        found = (np.array(counts) / sum(counts) + distrust * found) / (1 + distrust)
    np.testing.assert_allclose(np.exp(model.log_emissions("no")), found / shares)
    capital = (np.array([0, 0, 1]) + distrust * shares) / (1 + distrust)
    np.testing.assert_allclose(np.exp(model.log_emissions("X")), capital / shares)
    assert TrigramHmm([Sentence(["a"], ["X"])]).distrust == 1


def test_counts_by_hand():
    model = TrigramHmm([Sentence(["a", "b"], ["X", "Y"]), Sentence(["a"], ["X"])])
    assert model.tags == ["X", "Y"]
    assert model.tag_counts.tolist() == [2, 1]
    assert {word: counts.tolist() for word, counts in model.words.items()} == {"a": [2, 0], "b": [0, 1]}
    assert model.tag(["a", "b"]) == ["X", "Y"]
    assert model.tag(["b"]) == ["Y"]
