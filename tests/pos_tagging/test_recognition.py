"""Which format the first lines of a file are in: limits of what is few, what is most, what looks like tags."""

from __future__ import annotations

import pytest

from common.errors import InputError
from pos_tagging.recognition import Columns, WordFormat, given_format, markup_of, recognise


def lines_of(number, row, blank_every=0):
    """Rows with their number in them, and blank lines between some."""
    rows = []
    for i in range(number):
        rows.append(row.format(i=i, three=i % 3, half=i // 2))
        if blank_every and i % blank_every == blank_every - 1:
            rows.append("")
    return rows


def found(lines, columns=None, is_whole=True):
    """The name of the format, and where words and tags are."""
    layout = recognise(lines, columns or Columns(), "a.txt", is_whole)
    return (layout.name, layout.word, layout.tag) if layout.name == "columns" else layout.name


COLUMNS, UNCLEAR = ("columns", 0, 1), "text"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # small letters are tags if there are few of them: of 8 rows with tabs, of 24 with spaces
        (lines_of(8, "w{i}\tt{three}"), COLUMNS),
        (lines_of(7, "w{i}\tt{three}"), UNCLEAR),
        (lines_of(24, "w{i} t{three}"), COLUMNS),
        (lines_of(23, "w{i} t{three}"), UNCLEAR),
        (lines_of(8, "w{i}\tt{half}"), COLUMNS),  # four of eight
        ([*lines_of(7, "w{i}\tt{half}"), "w7\tt4"], UNCLEAR),  # five
        (lines_of(12, "w{three}\tt{three}"), UNCLEAR),  # as many as there are words
        (lines_of(8, "w{i}\t" + 19 * "t" + "{three}"), COLUMNS),
        (lines_of(8, "w{i}\t" + 20 * "t" + "{three}"), UNCLEAR),  # 21 characters
        # capitals are tags, numbers are none
        (["a\tN"], COLUMNS),
        (["a N"], UNCLEAR),
        (["a N", "b V"], COLUMNS),
        (["a\t1", "b\t2"], UNCLEAR),
        (["1\tN", "2\tV"], UNCLEAR),
        (["1\tN", "b\tV"], COLUMNS),
        # nine rows of ten must be as they ought to be
        ([*lines_of(9, "w{i}\tN"), "bad"], COLUMNS),
        ([*lines_of(8, "w{i}\tN"), "bad"], UNCLEAR),
        ([*lines_of(9, "w{i}\tN"), "w\tsmall"], COLUMNS),
        # texts in a table
        (lines_of(8, "w{i}\tt{three}\tso good"), UNCLEAR),
        (lines_of(8, "w{i}\tt{three}\tso"), COLUMNS),
        (["a b\tN", "c d\tV"], UNCLEAR),
        (["# a b c", "a\tN", "b\tV"], COLUMNS),
        # lemmas are no tags
        (["A\tA\tN", "B\tB\tN"], COLUMNS),
        (["A\tA\tN", "B\tB\tN", "C\tX\tN"], UNCLEAR),
        (["A\tA\tN", *lines_of(9, "W\tN\tN")], COLUMNS),
    ],
    ids=str,
)
def test_columns_of_words_and_tags(lines, expected):
    assert found(lines) == expected


@pytest.mark.parametrize(
    ("lines", "is_refused"),
    [
        (lines_of(8, "a\t{i}", blank_every=3), True),
        (lines_of(7, "a\t{i}", blank_every=3), False),
        (lines_of(8, "a\t{i}"), False),  # no blank line between groups
        ([*lines_of(8, "a\t{i}"), ""], False),
        (lines_of(24, "a {i}", blank_every=3), True),
        (lines_of(23, "a {i}", blank_every=3), False),
    ],
    ids=str,
)
def test_columns_in_groups_are_not_taken_for_text(lines, is_refused):
    if is_refused:
        with pytest.raises(InputError, match=r"a\.txt: 2 columns, and it is not clear which"):
            found(lines)
    else:
        assert found(lines) == "text"


@pytest.mark.parametrize(
    ("lines", "given", "expected"),
    [
        (["a\tb\tN", "c\td\tV"], {"tokens_column": "2", "tags_column": "3"}, ("columns", 1, 2)),
        (["a\tb\tN", "c\td\tV"], {"tags_column": "1"}, ("columns", 0, 0)),
        (["x\tForm\tPOS", "c\td\te"], {}, ("columns", 1, 2)),
        (["own\tmine", "c\td"], {"tokens_column": "Own", "tags_column": "MINE"}, ("columns", 0, 1)),
        (["tag\tword", "c\td"], {}, ("columns", 1, 0)),
        (["tag\tword", "c\td"], {"tags_column": "2"}, ("columns", 1, 1)),
        (["word\tword", "c\td"], {}, "text"),
        (["word", "c"], {}, "text"),
    ],
    ids=str,
)
def test_columns_that_are_named(lines, given, expected):
    assert found(lines, Columns(**given)) == expected


def test_a_heading_is_no_word_and_further_tags_have_a_number():
    layout = recognise(["word\ttag\tx", "a\tN\ty"], Columns(further="3"), "a.txt")
    assert (layout.header, layout.further, layout.num_fields) == (True, 2, 3)
    plain = recognise(["a\tN\ty", "b\tN\ty"], Columns(further="xpos"), "a.txt")
    assert (plain.header, plain.further) == (False, None)
    for given, message in (
        ({"tokens_column": "4"}, "--tokens-column 4: a.txt has 3 columns; give one of 1 to 3"),
        ({"tags_column": "0"}, "--tags-column 0: a.txt has 3 columns"),
        ({"further": "4"}, "--auxiliary-column 4: a.txt has 3 columns"),
    ):
        with pytest.raises(InputError, match=message):
            recognise(["a\tN\ty", "b\tN\ty"], Columns(**given), "a.txt")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a/np b/vb c/np d/in", "e/np f/vb g/np h/np"], "pairs"),
        (["a/np b/vb c/np d/in e/np f/vb g/np"], "text"),  # seven of small letters are too few
        (["a/A b/B"], "pairs"),
        (["a/A"], "text"),
        (["a/A b"], "text"),
        (["a/b c/d e/f g/h i/j k/l m/n o/p"], "text"),  # no tag is there twice
        (["a_A b_B", "c_C"], "pairs"),
        (["a", "b", "c", "."], "words"),
        (["a", "b", "."], "text"),
        (["a", "b", "c", "d"], "text"),
        (["a", "b", "c d", "."], "text"),
        (["a b .", "c d ?"], "tokens"),
        (["a b ?", "c d ?"], "text"),
        (["a b ."], "text"),
        (["Hello, you .", "c d ."], "text"),  # a comma behind a word of five letters
        (["Hell, you .", "c d ."], "text"),
        (["Hel, you .", "c d ."], "tokens"),  # as in `Mr.`
        (["a b .", "c d"], "text"),
        (["a b .", "c ( d )"], "tokens"),
    ],
    ids=str,
)
def test_sentences_and_words_a_line(lines, expected):
    assert found(lines) == expected


def test_the_last_line_may_be_cut():
    assert found(["a b .", "c d .", "e f"], is_whole=False) == "tokens"
    assert found(["a b .", "c d .", "e f"]) == "text"
    assert found(["a\tN"], is_whole=False) == COLUMNS


def row(number, fields=10, separator="\t"):
    return separator.join([str(number), "word", *["_"] * (fields - 2)])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([row(1), row(2)], ("CoNLL-U", 3, 9, 6, 10)),
        (["# a", row(1), row("1-2"), row("2.1")], ("CoNLL-U", 3, 9, 6, 10)),
        ([row(1, separator=" "), row(2, separator=" ")], ("CoNLL-U", 3, 9, 6, 10)),
        ([row(1, 14)], ("CoNLL-2009", 4, None, 8, 0)),
        ([row(1, 17)], ("CoNLL-2009", 4, None, 8, 0)),
        ([row(1, 13)], None),
        ([row(1, 11)], None),
        ([row("one")], None),
        (["#begin document x"], ("CoNLL-2012", 4, None, None, 0)),
        (["# global.columns = ID FORM XPOS"], ("CoNLL-U Plus, 3 columns", None, None, None, 3)),
        (["# global.columns = HEAD UPOS MISC FORM ID"], ("CoNLL-U Plus, 5 columns", 1, 2, 0, 5)),
        (["a line", "#begin document x"], None),
        (["1 2 3 4 5 6 7 8 9 10", "2 3 4 5 6 7 8 9 10 11"], None),
    ],
    ids=str,
)
def test_words_with_numbers(lines, expected):
    layout = recognise(lines, Columns(), "a.txt")
    shown = (layout.description, layout.tag, layout.misc, layout.head, layout.num_fields)
    assert (shown if layout.name in ("conllu", "columns") else None) == expected


def test_columns_of_conllu_that_are_wanted():
    layout = recognise([row(1)], Columns(tag="xpos", further="feats"), "a.txt")
    assert (layout.number, layout.word, layout.tag, layout.further) == (0, 1, 4, 5)
    plus = recognise(["# global.columns = FORM UPOS FEATS"], Columns(further="feats"), "a.txt")
    assert (plus.number, plus.word, plus.tag, plus.further) == (None, 0, 1, 2)


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        ("conllu", ["nothing"], ("conllu", "\t", 3)),
        ("conllu", [row(1, separator=" ")], ("conllu", " ", 3)),
        ("columns", ["a x", "b y"], ("columns", " ", 1)),
        ("columns", ["a x\tN", "b\tV"], ("columns", "\t", 1)),
        ("columns", [], ("columns", " ", 1)),
        ("pairs", ["a/b"], ("pairs", "/", 1)),
        ("pairs", ["a_b"], ("pairs", "_", 1)),
        ("pairs", ["a_A b_B"], ("pairs", "_", 1)),
        ("words", ["a", "b"], ("words", "\t", None)),
        ("tokens", ["a b"], ("tokens", " ", None)),
        ("text", ["a\tN"], ("text", "\t", None)),
    ],
)
def test_formats_that_are_given(name, lines, expected):
    layout = given_format(name, lines, Columns(), "a.txt")
    assert (layout.name, layout.separator, layout.tag) == expected
    with pytest.raises(InputError, match="one column, --input-format columns wants a word and its tag"):
        given_format("columns", ["a", "b"], Columns(), "a.txt")
    assert given_format("words", ["a"], Columns(), "a.txt").num_fields == 1


def test_sentences_without_blank_lines_end_at_their_marks():
    def is_unspaced(*lines):
        layout = recognise(lines, Columns(), "a.txt")
        assert layout.description.endswith("; sentences end at . ! ?") == layout.unspaced
        return layout.unspaced

    assert is_unspaced("a\tN", ".\tP", "b\tN", "!\tP")
    assert not is_unspaced("a\tN", "b\tN", ".\tP")  # one sentence
    assert not is_unspaced("a\tN", ".\tP", "", "b\tN", ".\tP")
    assert is_unspaced("a\tN", ".\tP", "b\tN", ".\tP", "")  # a blank line at the end divides nothing
    assert not is_unspaced("<s>", "a\tN", ".\tP", "</s>", "<s>", "b\tN", ".\tP")
    assert is_unspaced("<p>", "a\tN", ".\tP", "b\tN", ".\tP")
    assert recognise(["a\tN", "b\tV"], Columns(), "a.txt").description == (
        "a word a line, 2 columns separated by tabs: words in column 1, tags in column 2"
    )


def test_markup_and_comments():
    assert [markup_of(line) for line in ("<g/>", "</p>\n", "<text x='1'>", "<unk>", "a <s>", "<b x=1>", "<s", "")] == [
        "g", "p", "text", "", "", "b", "", "",
    ]  # fmt: skip
    numbered, plain = WordFormat("conllu", number=0, num_fields=2), WordFormat("columns", num_fields=2)
    assert [layout.is_comment("#\tN") for layout in (numbered, plain)] == [True, False]
    assert [layout.is_comment("# a comment") for layout in (numbered, plain)] == [True, True]
    assert not numbered.is_comment("1\t#")
    assert [layout.split("a  b\tc") for layout in (WordFormat("x"), WordFormat("x", separator=" "))] == [
        ["a  b", "c"], ["a", "b", "c"],
    ]  # fmt: skip
