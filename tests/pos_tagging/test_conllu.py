"""Files with a word a line, read line by line: what is kept, what ends a sentence, what is wrong."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from common.errors import InputError
from common.text.rows import BadRow
from pos_tagging import conllu
from pos_tagging.conllu import BadSentence, ConlluSentence, read_conllu, read_words
from pos_tagging.recognition import CONLL_2009, CONLLU, WordFormat

COLUMNS = WordFormat("columns", num_fields=2, tag=1)


def word(number, form="w", tag="X", head="_", misc="_"):
    return "\t".join([str(number), form, "_", tag, "_", "_", str(head), "_", "_", misc]) + "\n"


def read(text, layout=CONLLU, tagged=True, **options):
    return list(read_words(io.StringIO(text, newline=""), "a", layout, tagged, **options))


def message(text, layout=CONLLU, tagged=True):
    [found] = read(text, layout, tagged)
    assert isinstance(found, BadSentence)
    return found.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (word(1)[:-4] + "\n\n", "a, line 1: 9 fields, CoNLL-U has 10 separated by tabs; found '1\\tw"),
        (word(2) + "\n", "a, line 1: id '2' where 1 is due; number the words 1, 2, 3 …"),
        (word(1) + word(1) + "\n", "a, line 2: id '1' where 2 is due"),
        (word("x") + "\n", "a, line 1: id 'x' is no number; a word's line begins with 1, 2, 3 …"),
        (word(1, form=" ") + "\n", "a, line 1: empty word form; write the word in the second field"),
        (word(1, tag="_") + "\n", "a, line 1: word 'w' has no tag; write one in field 4"),
        (word(1, tag=" ") + "\n", "a, line 1: word 'w' has no tag; write one in field 4"),
        (word("2-3") + "\n", "a, line 1: range '2-3' where 1-… is due; name the next words"),
        (word("1-0") + "\n", "a, line 1: range '1-0' where 1-… is due"),
        (word("1-101") + "\n", "a, line 1: range '1-101' where 1-… is due"),
        (word("1-2") + word(1) + "\n", "a, line 3: the sentence ends within a range of words; write a line for each"),
        (word(1, head=2) + "\n" + "", None),
        (word(1, head=2), "a, line 1: the head 2 of a word is missing; the file may be cut short"),
        (word(1, head=1)[:-1], "a, line 1: no line end after the last word; the file may be cut short"),
        (word(1, head=1), None),
        ("# c\n" + word(1) + word(3) + word("bad") + "\n", "a, line 3: id '3' where 2 is due"),  # the first one
        ("caf\udce9\n\n", "a, line 1: byte 0xe9"),
    ],
)
def test_what_is_wrong_with_a_line(text, expected):
    if expected is None:
        assert isinstance(read(text)[0], ConlluSentence)
    else:
        assert message(text).startswith(expected)


def test_what_is_wrong_with_columns():
    assert message("a\n\n", COLUMNS) == "a, line 1: 1 fields, wanted 2 separated by tabs; found 'a'"
    spaces = replace(COLUMNS, separator=" ", num_fields=0, tag=2)
    assert message("a b\n\n", spaces) == "a, line 1: 2 fields, wanted at least 3 separated by spaces; found 'a b'"
    assert read("a b c d\n\n", spaces)[0].tags == ["c"]
    assert message("\tX\n\n", COLUMNS) == "a, line 1: empty word form; write the word in the first field"
    for place, name in ((2, "third"), (3, "fourth"), (4, "5th")):
        layout = replace(COLUMNS, word=place, tag=0, num_fields=5)
        assert f"in the {name} field" in message("X\tX" + "\t" * 3 + "\n\n", layout)
    assert message("a\t_\n\n", replace(COLUMNS, tag=None)) == "a, line 1: word 'a' has no tag"
    assert read("a\t_\n\n", COLUMNS, tagged=False)[0].tags == ["_"]
    assert read(word(1)[:-1], CONLLU, tagged=False)[0].tokens == ["w"]  # without a line end


def test_a_sentence_has_not_too_many_words(monkeypatch):
    monkeypatch.setattr(conllu, "MAX_WORDS", 2)
    assert read("a\tX\nb\tX\n\n", COLUMNS)[0].tokens == ["a", "b"]
    assert message("a\tX\nb\tX\nc\tX\n\n", COLUMNS) == (
        "a, line 3: a sentence of more than 2 words; put a blank line after each sentence"
    )
    assert ConlluSentence(["a", "b"]).num_characters() == 16


def test_numbers_may_be_written_with_zeros_and_of_any_length():
    first, *_ = read(word("01") + word("٢") + "\n")
    assert first.tokens == ["w", "w"]
    assert "id '1000000000' where 1 is due" in message(word(10**9) + "\n")
    assert "id '12345678901' where 1 is due" in message(word(12345678901) + "\n")
    [sentence] = read(word("1-100") + "".join(word(i) for i in range(1, 101)) + "\n")
    assert sentence.layout.ranges == [(1, 100, "w")]
    assert sentence.layout.space_after == [False] * 99 + [True]


def test_ranges_nodes_and_spaces():
    text = (
        word("0.1") + word("1-2", form="don't", misc="SpaceAfter=No") + word(1, "do") + word(2, "n't", misc="x")
        + word(3, "!", misc="A=1|SpaceAfter=No") + word("3.1") + word(4, "?", misc="SpaceAfter=Now") + "\n"
    )  # fmt: skip
    [sentence] = read(text, keep_lines=True)
    assert (sentence.tokens, sentence.rows) == (["do", "n't", "!", "?"], [2, 3, 4, 6])
    assert (sentence.layout.space_after, sentence.layout.ranges) == ([False, False, False, True], [(1, 2, "don't")])
    assert "".join(sentence.lines) == text


def test_lines_are_kept_with_what_stands_before_a_sentence():
    text = "\n# one\n" + word(1) + "\n\n# two\n" + word(2) + "\n# three\n" + word(1) + " \n# end\n"
    first, bad, third, rest = read(text, keep_lines=True, mark="\ufeff")
    assert "".join("".join(item.lines) for item in (first, bad, third, rest)) == "\ufeff" + text
    assert first.lines[0] == "\ufeff\n"
    assert (first.comments, third.comments) == (["# one"], ["# three"])
    places = [first.place, bad.message.partition(":")[0], third.place, rest.place]
    assert places == ["a, line 2", "a, line 7", "a, line 9", "a, line 12"]
    assert rest.tokens == []
    assert [item.lines for item in read(text)[:1]] == [[]]
    assert len(read(text)) == 3


def test_a_line_that_is_too_long(monkeypatch):
    monkeypatch.setattr("common.text.rows.MAX_ROW", 50)
    long = "x" * 60 + "\tX\n"
    [bad, good] = read(long + "\na\tX\n\n", COLUMNS)
    assert bad.message.startswith("a, line 1: ")
    assert good.tokens == ["a"]
    with pytest.raises(InputError, match="a, line 1: "):
        read(long, COLUMNS, keep_lines=True)


def test_markup_divides_sentences_documents_and_paragraphs():
    text = (
        '<doc id="1">\n<p>\n<s>\na\tX\n<g/>\n.\tX\n</s>\n<s>\nb\tX\n</s>\n</p>\n</doc>\n<p>\nc\tX\n<g/>\n<p>\nd\tX\n'
        "-DOCSTART-\tX\n\n-DOCSTART-\tX\n\ne\tX\n"
    )
    sentences = read(text, COLUMNS)
    assert [sentence.tokens for sentence in sentences if sentence.tokens] == [["a", "."], ["b"], ["c"], ["d"], ["e"]]
    assert sentences[0].layout.space_after == [False, True]
    assert sentences[2].layout.space_after == [False]
    assert [list(sentence.comments) for sentence in sentences] == [
        ["# newdoc", "# newpar"], [], ["# newpar"], ["# newpar", "# newdoc"], ["# newdoc"],
    ]  # fmt: skip
    assert [sentence.tokens for sentence in read("<g/>\na\tX\n\n", COLUMNS)] == [["a"]]
    numbered = read(word(1, "<s>") + "\n")
    assert numbered[0].tokens == ["<s>"]


def test_a_document_of_conll_2012_and_a_heading():
    layout = WordFormat("columns", separator=" ", word=3, tag=4)
    [sentence] = read("#begin document (x); part 0\nx 0 0 Go VB\n\n#end document\n", layout)
    assert (sentence.tokens, sentence.comments) == (["Go"], ["# newdoc"])
    [sentence] = read("word\ttag\na\tX\n\n", replace(COLUMNS, header=True), keep_lines=True)
    assert (sentence.tokens, sentence.lines[0], sentence.rows) == (["a"], "word\ttag\n", [1])


def test_sentences_end_at_marks_where_nothing_else_ends_them():
    unspaced = replace(COLUMNS, unspaced=True)
    assert [s.tokens for s in read("a\tX\n.\tX\nb\tX\n?\tX\nc\tX\n", unspaced)] == [["a", "."], ["b", "?"], ["c"]]
    assert [s.tokens for s in read("a\tX\n.\tX\nb\tX\n", COLUMNS)] == [["a", ".", "b"]]


def test_further_tags_and_heads(tmp_path):
    (tmp_path / "a.conllu").write_text(word(1) + "\n")
    [sentence] = read_conllu(tmp_path / "a.conllu", further_column="xpos")
    assert sentence.further == ["_"]
    [sentence] = read_conllu(tmp_path / "a.conllu")
    assert sentence.further == []
    [sentence] = read_conllu(tmp_path / "a.conllu", tagged=False, tag_column="feats")
    assert sentence.tags == ["_"]
    row = "\t".join(["1", "w", "l", "l", "N", "P", "_", "_", "9", "0", "R", "R", "Y", "_"]) + "\n"
    assert isinstance(read(row, CONLL_2009)[0], BadRow)  # its head is the ninth word
    assert read(row + "\n", CONLL_2009)[0].tags == ["N"]
