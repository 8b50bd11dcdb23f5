"""Text to tokens: nothing a file can hold stops the tokenizer, and the cache changes nothing but the time."""

from __future__ import annotations

import random
import time

import pandas as pd
import pytest
import spacy

from common.text import tokenization
from common.text.tokenization import (
    clean_text,
    load_pipeline,
    split_sentences,
    tokenize,
    tokenize_all,
    tokenize_cached,
    tokenizer_settings,
)
from tests.conftest import ROOT


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_contractions_and_punctuation_are_tokens():
    tokens = tokenize("  She didn't\tpay $5,\n did she?! ", load_pipeline())
    assert tokens == ["She", "did", "n't", "pay", "$", "5", ",", "did", "she", "?", "!"]


def test_no_token_is_white_space_and_no_character_is_lost():
    rng = random.Random(0)
    alphabet = "ab .,'\"!?\n\t()-$é漢😀👩‍👩‍👧שלום\u200f\u00a0\u3000\x00\x07\x85\ud800\udfff"
    for _ in range(300):
        text = "".join(rng.choices(alphabet, k=rng.randrange(60)))
        tokens = tokenize(text, load_pipeline())
        assert all(token.strip() for token in tokens)
        assert "".join("".join(tokens).split()) == "".join(clean_text(text).split())


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\u200b", "\ud83d", "🏳️‍🌈", "مرحبا بالعالم", "a" * 3000])
def test_odd_texts_become_clean_tokens(text):
    tokens = tokenize(text, load_pipeline())
    "".join(tokens).encode("utf-8")  # no lone surrogate is left
    assert not any("\x00" in token for token in tokens)


@pytest.mark.parametrize("unit", ["a", "a.", "(", "so good "])
def test_a_million_characters_take_seconds(unit):
    text = unit * (1_000_000 // len(unit))
    start = time.monotonic()
    tokens = tokenize(text, load_pipeline())
    assert time.monotonic() - start < 30
    assert "".join(tokens) == text.replace(" ", "")


def test_tokens_are_those_of_spacy():
    """On pieces between white space and on the whole text: but for rare marks that stand apart, the same."""
    table = pd.read_csv(ROOT / "sentiment/dataset/train.csv")
    texts = [*table.review, "e.g. 5 p.m., don't!  (I'm :) )", "the U.S.\nand a-b http://a.b/c?d=e"]
    for text in texts:
        tokens = [token.text for token in load_pipeline().tokenizer(clean_text(text)) if not token.is_space]
        assert tokenize(text, load_pipeline()) == tokens


def test_a_word_has_the_attributes_that_are_read_and_no_others():
    """Spaces, quotation marks and punctuation are found as with all of spaCy's attributes."""
    whole = spacy.blank("en")
    whole.add_pipe("sentencizer")
    assert tokenizer_settings(load_pipeline()) == tokenizer_settings(whole)
    table = pd.read_csv(ROOT / "sentiment/dataset/train.csv")
    for text in [*table.review, "Bad. \u201cNo.\u201d So. \u00abYes!\u00bb (Or?) ...", "One. \n \n Two?) \u3000 Three"]:
        found, expected = (
            [[token.text for token in sentence] for sentence in split_sentences(text, pipeline)]
            for pipeline in (load_pipeline(), whole)
        )
        assert found == expected
    words = [pipeline.vocab["Unheard-of"] for pipeline in (load_pipeline(), whole)]
    assert [word.shape_ for word in words] == ["", "Xxxxx-xx"]


def test_tokenize_all_keeps_the_order_and_streams():
    taken = []
    texts = (taken.append(number) or f"text {number}" for number in range(10_000))
    answers = tokenize_all(texts, load_pipeline())
    assert [next(answers) for _ in range(3)] == [["text", "0"], ["text", "1"], ["text", "2"]]
    assert len(taken) < 5_000


def test_a_text_is_split_alike_alone_and_among_others(monkeypatch):
    table = pd.read_csv(ROOT / "sentiment/dataset/train.csv")
    texts = [
        *table.review,
        ": ) a . m . a.m do n't",
        ") 5 p . m .",
        "",
        "p.m",
        "\x1f(I'm\u2028:)\u200b",
        *table.review[:5],
    ]
    alone = []
    for text in texts:
        tokenization.REMEMBERED.clear()
        alone.append(tokenize(text, load_pipeline()))
    tokenization.REMEMBERED.clear()
    assert list(tokenize_all(texts, load_pipeline())) == alone
    monkeypatch.setattr(tokenization, "PIECES_REMEMBERED", 100)
    monkeypatch.setattr(tokenization, "TEXTS_AT_ONCE", 3)
    assert list(tokenize_all(texts, load_pipeline())) == alone


def test_a_piece_is_split_once_until_too_many_are_remembered(monkeypatch):
    split = []
    whole = tokenization._split_pieces
    monkeypatch.setattr(tokenization, "_split_pieces", lambda pieces, _: split.extend(pieces) or whole(pieces, _))
    monkeypatch.setattr(tokenization, "PIECES_REMEMBERED", 3)
    tokenization.REMEMBERED.clear()
    for text in ("It isn't bad.", "It isn't", "So bad."):
        tokenize(text, load_pipeline())
    assert sorted(split) == ["It", "So", "bad.", "isn't"]
    assert tokenize("It isn't", load_pipeline()) == ["It", "is", "n't"]
    assert sorted(split) == ["It", "It", "So", "bad.", "isn't", "isn't"]


def test_sentences_end_at_marks_and_none_is_empty():
    sentences = split_sentences("Dr. Roe left at 5.30!  Why?!  \n\n It rained... ", load_pipeline())
    assert [sentence[0].text for sentence in sentences] == ["Dr.", "Why", "It"]
    assert [sentence[-1].text for sentence in sentences] == ["!", "!", "..."]
    assert split_sentences(" \n ", load_pipeline()) == []


def test_the_cache_gives_the_same_tokens_without_tokenizing(cache, monkeypatch):
    texts = ["So good!", "", "¿Qué? 😀", "So bad. \x00 \ud800"]
    first = tokenize_cached(texts, load_pipeline())
    assert first == list(tokenize_all(texts, load_pipeline()))
    monkeypatch.setattr(tokenization, "tokenize_all", None)
    assert tokenize_cached(texts, load_pipeline()) == first


def test_the_cache_tells_texts_apart(cache):
    pipeline = load_pipeline()
    assert tokenize_cached(["ab", "c"], pipeline) == [["ab"], ["c"]]
    assert tokenize_cached(["a", "bc"], pipeline) == [["a"], ["bc"]]
    assert tokenize_cached(["c", "ab"], pipeline) == [["c"], ["ab"]]
    assert tokenize_cached([], pipeline) == []


def test_the_cache_tells_tokenizers_apart(cache):
    other = spacy.blank("en")
    other.tokenizer.add_special_case("sogood", [{"ORTH": "so"}, {"ORTH": "good"}])
    assert tokenize_cached(["sogood"], load_pipeline()) == [["sogood"]]
    assert tokenize_cached(["sogood"], other) == [["so", "good"]]


@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[: len(content) // 2], lambda c: b"x" * 99]
)
def test_a_damaged_cache_is_made_again(cache, damage):
    expected = tokenize_cached(["So good!"], load_pipeline())
    [file] = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert tokenize_cached(["So good!"], load_pipeline()) == expected
    assert len(file.read_bytes()) == len(whole)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOKEN_CACHE", str(tmp_path / "file" / "cache"))
    assert tokenize_cached(["So good!"], load_pipeline()) == [["So", "good", "!"]]
