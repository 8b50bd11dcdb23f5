"""Words put together: spaces, quotations, capitals, as in the texts they came from."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import language_model
from common.text.tokenization import load_pipeline, tokenize
from language_model.joining import WordJoiner, join_words


def test_words_of_the_sample_are_put_back_as_they_were():
    dataset = Path(language_model.__file__).parent / "dataset"
    texts = []
    for name in ("train.csv", "test.csv"):
        with open(dataset / name, newline="", encoding="utf-8") as file:
            texts += [row["text"] for row in csv.DictReader(file)]
    wrong = [text for text in texts if join_words(tokenize(text, load_pipeline())) != text]
    assert len(texts) > 200
    assert len(wrong) <= 0.03 * len(texts), wrong[:3]


@pytest.mark.parametrize(
    "text",
    [
        "He didn't say “no,” he said maybe.",
        "A well-known, brand-new hat.",
        '"Is it?" she asked. "It is!"',
        "It's 5 o'clock (or 6), isn't it?",
        "One; two: three… four!",
        "$5 [sic] {x}",
        "We'll, they've, I'd, you're.",
    ],
)
def test_punctuation(text):
    assert join_words(tokenize(text, load_pipeline())) == text


@pytest.mark.parametrize(
    "text",
    [
        "'Well,' said the king, 'the giants' house is near.'",
        "‘No!’ she cried. ‘It’s Tom’s.’",
        "He said 'come in' and shut the door--loudly--behind him.",
        "The dogs' bones; 'a fox.'",
    ],
)
def test_single_quotation_marks_and_apostrophes(text):
    assert join_words(tokenize(text, load_pipeline())) == text


def test_capitals_of_a_model_that_has_none():
    text = '"Who goes there?" asked the king. "I do," said Tom. It is I, and nobody moved! He left. "Stop!" he cried.'
    words = [token.lower() for token in tokenize(text, load_pipeline())]
    assert join_words(words, capitalise=True) == text.replace("Tom", "tom")


def test_pieces_make_the_whole():
    tokens = ["“", "Do", "n't", "go", ",", "”", "she", "said", ":", '"', "No", "-", "one", '"', "(", "x", ")"]
    joiner = WordJoiner()
    assert "".join(joiner.add(token) for token in tokens) == join_words(tokens)
    assert join_words([]) == ""


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("a - b", "a-b"), (". - b", ". - b"), ("“ - b", "“- b"), ("a -- b", "a--b"), ("a --- b", "a---b"),
        ("( a ) b", "(a) b"), ("a ( b", "a (b"), ("$ 5 % x", "$5% x"), ("a N'T b", "aN'T b"), ("a 'll b", "a'll b"),
        ("a ’s b", "a’s b"), ("a !? b", "a!? b"), ("x ’ y", "x’ y"), ("giants ' house", "giants' house"),
        ("Tom ' s", "Tom 's"), ("' a ' b", "'a' b"), ("‘ a ’ b", "‘a’ b"), ("`` a '' b", "``a'' b"),
        ("\" a \" b", '"a" b'), ("a “ b ” c", "a “b” c"), (", ’ b", ",’ b"), ("dogs ' ' b", "dogs' 'b"),
    ],
)  # fmt: skip
def test_spaces_by_hand(tokens, text):
    assert join_words(tokens.split()) == text


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("a . b ! c ? d , e", "A. B! C? D, e"), ("i a i", "I a I"), ('" a ! " b', '"A!" b'), ('" a . " b', '"A." B'),
        ("( a . ) b", "(A.) B"), ("... a", "... A"), ("a ... b", "A... b"), ("- a", "- A"), ("7 a", "7 a"),
    ],
)  # fmt: skip
def test_capitals_by_hand(tokens, text):
    assert join_words(tokens.split(), capitalise=True) == text
    assert join_words(tokens.split()) == text.lower()


def test_what_is_open():
    def inside(tokens):
        joiner, found = WordJoiner(), []
        for token in tokens.split():
            joiner.add(token)
            found.append(joiner.is_inside)
        return found

    assert inside("a ( b [ c ] ) d") == [False, True, True, True, True, True, False, False]
    assert inside(") ( )") == [False, True, False]
    assert inside('a " b "') == [False, True, True, False]
    assert inside("“ a ” ‘ b. ’") == [True, True, False, True, True, False]
