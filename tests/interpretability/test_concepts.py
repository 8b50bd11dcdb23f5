"""The labels of concepts, token by token."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interpretability.concepts import ANNOTATED, WRITTEN, Concept, concepts_of
from interpretability.reading import Piece

NAN = math.nan
FIND = {concept.name: concept.find for concept in (*WRITTEN, *ANNOTATED)}


@pytest.mark.parametrize(
    ("name", "tokens", "labels"),
    [
        ("quotation", ["``", "a", "''", "b", "“", "c", "”"], [1, 1, 0, 0, 1, 1, 0]),
        ("quotation", [], []),
        ("bracket", [")", "(", "[", "a", "]", "b", "}", "c"], [0, 1, 1, 1, 1, 1, 0, 0]),
        ("bracket", ["}", "{", "a"], [0, 1, 1]),
        ("sentence", ["a", "!", "b", "?", ".", "c", "d"], [1, 2, 1, 2, 1, 1, 2]),
        ("line", list("ab\n\nc"), [1, 2, 3, 1, 1]),
        ("text", ["a", "b", "c"], [0, math.log(2), math.log(3)]),
        ("capital", ["The", "cat", "5", "Éa"], [1, 0, NAN, 1]),
        ("negation", ["Never", "a", ".", "b", "n't", "c", "?", "d"], [1, 1, 1, 0, 1, 1, 1, 0]),
        ("plural", ["a", "He", "b", "They", "c", "is"], [NAN, 0, 0, 1, 1, 0]),
        ("past", ["a", "is", "b", "Went", "c"], [NAN, 0, 0, 1, 1]),
        ("speaker", list("A:\nb\n\nC\n\nD:"), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
        ("speaker", list("\nA:\nB:\n"), [0, 1, 1, 0, 0, 0, 0]),
    ],
)
def test_labels_by_hand(name, tokens, labels):
    np.testing.assert_array_equal(FIND[name](Piece(tokens, 0)), labels)


@pytest.mark.parametrize(
    ("name", "labels"), [("number", [1, 0, NAN]), ("tense", [NAN, NAN, 0]), ("noun", [1, 1, 0]), ("verb", [0, 0, 1])]
)
def test_labels_of_annotations(name, labels):
    annotations = {"number": ["Plur", "Sing", ""], "tense": ["", "", "Pres"], "upos": ["NOUN", "NOUN", "VERB"]}
    np.testing.assert_array_equal(FIND[name](Piece(["a"] * 3, 0, annotations=annotations)), labels)


def names(pieces, level):
    return [concept.name for concept in concepts_of(pieces, level)]


def test_concepts_are_those_of_the_level_and_of_annotations():
    both = ["quotation", "bracket", "capital", "sentence", "text"]
    assert names([Piece(["a"], 0)], "character") == [*both[:3], "speaker", "line", *both[3:]]
    assert names([Piece(["a"], 0)], "word") == [*both[:3], "negation", "plural", "past", *both[3:]]
    annotated = names([Piece(["a"], 0, annotations={"upos": ["X"]})], "word")
    assert annotated == [*both[:3], "negation", *both[3:], *(concept.name for concept in ANNOTATED)]


def test_a_text_is_liked_above_the_middle_of_the_ratings():
    pieces = [Piece(["a", "b"], number, rating) for number, rating in enumerate((1.0, 5.0, 3.0, NAN, 3.5))]
    *_, rating, liked = concepts_of(pieces, "word")
    assert isinstance(liked, Concept)
    assert (rating.name, rating.is_binary, liked.name, liked.is_binary) == ("rating", False, "liked", True)
    assert liked.meaning == "the rating of the text is above 3"
    found = [[*each.find(piece)] for each in (rating, liked) for piece in pieces]
    np.testing.assert_array_equal(
        found, [[value] * 2 for value in (1, 5, 3, NAN, 3.5, 0, 1, 0, NAN, 1)]
    )  # of both tokens
