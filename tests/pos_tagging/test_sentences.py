"""Sentences, their texts and their columns."""

from __future__ import annotations

import pytest

from pos_tagging.sentences import Layout, Sentence, TaggedFile, TaggedSentence, TaggedText

WONT = Layout([False, True, False, True], [(1, 2, "won't")])


def test_what_is_written_as_one():
    assert list(WONT.written(["wo", "n't", "go", "."])) == [("won't", [0, 1]), ("go", [2]), (".", [3])]
    assert WONT.text(["wo", "n't", "go", "."]) == "won't go."
    assert list(Layout().written([])) == []
    assert Layout().text(["a", "b"]) == "a b"
    assert Layout([True, False]).text(["a", "b"]) == "a b"
    assert Layout([False, True, True], [(2, 3, "du")]).text(["a", "de", "le"]) == "adu"
    assert Layout().spaces(2) == [True, True]


def test_words_and_tags_are_as_many():
    sentence = TaggedSentence(["a", "b"], ["X", "Y"], [0.5, 1.0])
    assert (sentence.pairs(), str(sentence), sentence.text()) == ([("a", "X"), ("b", "Y")], "a/X b/Y", "a b")
    with pytest.raises(ValueError, match="zip"):
        Sentence(["a"]).pairs()


def test_a_text_as_columns():
    first, second = TaggedSentence(["a", "b"], ["X", "Y"], [0.12345, 1.0]), TaggedSentence(["c"], ["Z"], [0.99999])
    text = TaggedText([first, second])
    assert (len(text), list(text), text.pairs()) == (2, [first, second], [("a", "X"), ("b", "Y"), ("c", "Z")])
    assert text.columns() == {
        "tokens": ["a", "b", "c"], "tags": ["X", "Y", "Z"], "probabilities": [0.1235, 1.0, 1.0],
        "sentence_lengths": [2, 1],
    }  # fmt: skip
    assert TaggedText([TaggedSentence(["a"], ["X"])]).columns() == {
        "tokens": ["a"], "tags": ["X"], "sentence_lengths": [1],
    }  # fmt: skip


def test_a_file_is_written_as_it_is(tmp_path):
    file = TaggedFile([TaggedSentence(["a"], ["X"])], "a\tX\r\ncaf\udce9\n")
    file.write(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"a\tX\r\ncaf\xe9\n"
    assert (len(file), [sentence.tokens for sentence in file]) == (1, [["a"]])
