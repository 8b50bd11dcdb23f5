"""Tokens to ids and back."""

from __future__ import annotations

import json

import pytest

from common.errors import InputError
from common.text.vocabulary import BOS_ID, EOS_ID, PAD_ID, SPECIAL_TOKENS, UNK_ID, Vocabulary


def test_special_ids_are_the_first():
    vocabulary = Vocabulary(["so"])
    assert vocabulary.decode([PAD_ID, UNK_ID, BOS_ID, EOS_ID]) == list(SPECIAL_TOKENS)
    assert vocabulary.encode(["so"]) == [4]
    assert len(vocabulary) == 5


def test_most_frequent_first_ties_by_alphabet():
    texts = [["b", "c", "a"], ["c", "b"], ["c"]]  # c 3, b 2, a 1
    assert Vocabulary.build(texts).tokens[4:] == ["c", "b", "a"]
    assert Vocabulary.build([["z", "a", "m"]]).tokens[4:] == ["a", "m", "z"]


def test_the_order_of_the_texts_does_not_matter():
    texts = [["b", "c", "a"], ["c", "b"], ["d"]]
    assert Vocabulary.build(texts).tokens == Vocabulary.build(texts[::-1]).tokens


def test_max_size_counts_the_special_tokens():
    assert Vocabulary.build([["c", "c", "b", "b", "a"]], max_size=6).tokens == [*SPECIAL_TOKENS, "b", "c"]


def test_rare_tokens_are_unknown():
    vocabulary = Vocabulary.build([["b", "a", "b"]], min_count=2)
    assert vocabulary.encode(["a", "b"]) == [UNK_ID, 4]
    assert "a" not in vocabulary
    assert "b" in vocabulary


def test_special_tokens_in_a_text_are_unknown_words():
    vocabulary = Vocabulary.build([["<pad>", "<eos>", "so"]])
    assert vocabulary.encode(["<pad>", "<bos>", "<eos>", "so"]) == [UNK_ID, UNK_ID, UNK_ID, 4]
    assert "<pad>" not in vocabulary


def test_lowercase():
    vocabulary = Vocabulary.build([["Good", "GOOD", "bad"]], lowercase=True)
    assert vocabulary.tokens[4:] == ["good", "bad"]
    assert vocabulary.encode(["gOOd"]) == [4]
    assert "BAD" in vocabulary


def test_decode_undoes_encode():
    tokens = ["so", "Good", "!", "😀", " "]
    vocabulary = Vocabulary.build([tokens])
    assert vocabulary.decode(vocabulary.encode(tokens)) == tokens


def test_a_token_twice_is_refused():
    with pytest.raises(ValueError, match="distinct"):
        Vocabulary(["so", "so"])


@pytest.mark.parametrize("lowercase", [False, True])
def test_save_and_load(tmp_path, lowercase):
    vocabulary = Vocabulary(["so", "\n", '"', "😀", "\u2028", "\\", "é", "<pad>"[:3]], lowercase)
    vocabulary.save(tmp_path / "vocabulary.json")
    loaded = Vocabulary.load(tmp_path / "vocabulary.json")
    assert loaded.tokens == vocabulary.tokens
    assert loaded.lowercase is lowercase
    assert "😀" in (tmp_path / "vocabulary.json").read_text(encoding="utf-8"), "a person can read it"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"tokens": ["a"]}',
        '{"tokens": ["a", "a"], "lowercase": true}',
        '{"tokens": [["a"]], "lowercase": true}',
        '{"tokens": [1], "lowercase": true}',
        '{"tokens": null, "lowercase": true}',
    ],
)
def test_a_file_that_is_no_vocabulary_is_named(tmp_path, content):
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"vocabulary\.json: not a vocabulary"):
        Vocabulary.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"vocabulary\.json"):
        Vocabulary.load(tmp_path / "vocabulary.json")


def test_not_utf8_is_named(tmp_path):
    path = tmp_path / "vocabulary.json"
    path.write_bytes(json.dumps({"tokens": ["é"], "lowercase": False}, ensure_ascii=False).encode("latin-1"))
    with pytest.raises(InputError, match="not a vocabulary"):
        Vocabulary.load(path)
