"""What one text is in plain text: lines, paragraphs, or the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.text.asked import open_asked
from common.text.documents import find_document, number_documents, read_documents
from common.text.rows import BadRow, TooLong
from language_model.config import LanguageModelConfig
from language_model.loader import load_texts

CASES = Path(__file__).resolve().parents[3].parent / "shared/cases/06-hard-wrapped-text"
WRAPPED = (
    "It was late when the old ferry came\nback, and nobody had seen the captain.\nWe waited.\n\nThen it was gone.\n"
)
GERMAN = (
    "Es war einmal ein König, der hatte drei Söhne. Davon\nwaren zwei klug und gescheit, aber der\n"
    "Jüngste sprach nicht viel, war einfältig und hieß nur\nder Dummling.\n"
)
PLAY = "First Citizen:\nBefore we go on, hear me speak.\n\nAll:\nSpeak, speak.\n\nFirst Citizen:\nYou are.\n"
LINES = [
    "So good.\n\nSo bad!\n",
    "great movie loved it\nnot my thing\nwow\n",
    "Buy milk\nCall mum\nFix the bike\n",
    "one\n",
]


def test_prose_and_plays_are_paragraphs_and_lists_are_lines():
    for text in (WRAPPED, GERMAN, PLAY):
        assert find_document(text.splitlines()) == "paragraph", text
    for text in LINES:
        assert find_document(text.splitlines()) == "line", text


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ("auto", [(1, WRAPPED.split("\n\n")[0] + "\n"), (5, "Then it was gone.\n")]),
        ("line", [(i, line or None) for i, line in enumerate(WRAPPED.splitlines(), 1)]),
        ("file", [(1, WRAPPED)]),
    ],
)
def test_texts_to_answer_with_the_numbers_of_their_lines(document, texts, tmp_path):
    (tmp_path / "a.txt").write_text(WRAPPED)
    found = [(asked.number, asked.text) for asked in open_asked(tmp_path / "a.txt", None, document=document).items]
    assert found == texts


def test_training_and_answering_find_the_same_texts(tmp_path):
    for text in (WRAPPED, PLAY, *LINES):
        (tmp_path / "a.txt").write_text(text)
        answered = [asked.text for asked in open_asked(tmp_path / "a.txt", None).items]
        assert load_texts(tmp_path / "a.txt", LanguageModelConfig()) == answered


def test_a_bad_line_spoils_its_paragraph_alone(tmp_path):
    (tmp_path / "a.txt").write_bytes("Schön\n\nna".encode() + b"\xefve\nand more\n\nlast\n")
    items = list(open_asked(tmp_path / "a.txt", None, document="paragraph").items)
    assert [item.text for item in items] == ["Schön\n", None, "last\n"]
    assert "line 3: byte 0xef" in items[1].problem
    assert [item.number for item in items] == [1, 3, 6]
    lines = list(open_asked(tmp_path / "a.txt", None, document="line").items)
    assert [(item.number, bool(item.problem)) for item in lines if item.text is None] == [
        (2, True),
        (3, True),
        (5, True),
    ]


FULL = ["So it was all over in a second", "And nobody had seen her come,", "Nor had they heard her go out;"]


@pytest.mark.parametrize(
    ("lines", "document"),
    [
        ([*FULL, "Gone"], "paragraph"),  # three of three lines are full
        (FULL, "line"),  # two pairs are too few
        ([*(line[1:] for line in FULL), "Gone"], "line"),  # 29 characters are too narrow
        ([*("x" * 99 + line for line in FULL), "Gone"], "paragraph"),
        ([*("x" * 101 + line for line in FULL), "Gone"], "line"),  # 131 are too wide
        (["a man was", "seen by us"], "line"),  # begins in lower case
        (["A man was", "seen by us"], "line"),  # ends nowhere
        (["A man was", "seen by us."], "paragraph"),
        (["A man was", "seen by us. He", "came"], "paragraph"),
        (["A man.", "Seen by us", "at last."], "paragraph"),  # one of two ends is open
        (["A man.", "Seen.", "By us", "at last."], "line"),  # one of three
        (["A b", "C d", "", "E f", "G h", "", "I j", "K l"], "paragraph"),  # verse
        (["A b", "C d", "", "E f", "G h"], "line"),
        (["A b", "C d", "", "E f", "G h", "", "I j", "K l", "", "M", "", "N", "", "O"], "paragraph"),
        (["A b", "C d", "", "E f", "G h", "", "I j", "K l", "", "M", "", "N", "", "O", "", "P"], "line"),
    ],
)
def test_what_tells_lines_from_paragraphs(lines, document):
    assert find_document(lines) == document


@pytest.mark.parametrize(
    ("document", "documents"),
    [
        ("line", [(2, "a\n"), (4, "b\n"), (5, "c")]),
        ("paragraph", [(2, "a\n"), (4, "b\nc")]),
        ("file", [(1, "\na\n \nb\nc")]),
    ],
)
def test_documents_with_the_number_of_their_first_line(document, documents):
    lines = ["\n", "a\n", " \n", "b\n", "c"]
    assert list(number_documents(enumerate(lines, 1), document)) == documents
    assert list(number_documents(enumerate([" \n", "\n"], 1), document)) == []


@pytest.mark.parametrize(("document", "unit"), [("paragraph", "paragraph"), ("file", "file")])
@pytest.mark.parametrize(("size", "fits"), [(2_000_000, True), (2_000_001, False)])
def test_the_longest_document(document, unit, size, fits):
    lines = ["x" * (size - 4) + "\r\n", "y\n", "\n", "z\n"]
    lines = lines[:2] if document == "file" else lines
    found = list(read_documents(lines, "a", document))
    assert found[0] == (1, "x" * (size - 4) + "\ny\n" if fits else BadRow(
        f"a, line 2: a {unit} of more than 2,000,000 characters; cut it, or use --document line"
    ))  # fmt: skip
    assert found[1:] == ([(4, "z\n")] if document == "paragraph" else [])


def test_a_line_that_is_too_long_spoils_its_document():
    lines = ["a\n", TooLong("9 characters", size=9), "b\n", "\n", "\n", "c"]
    assert list(read_documents(lines, "f", "paragraph")) == [(1, BadRow("f, line 2: 9 characters")), (6, "c")]
    assert list(read_documents(lines, "f", "file")) == [(1, BadRow("f, line 2: 9 characters"))]
    assert list(read_documents(lines[:3], "f", "line")) == [(1, "a"), (2, BadRow("f, line 2: 9 characters")), (3, "b")]
    assert list(read_documents([" \n"], "f", "file")) == []


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs that failed are not here")
def test_the_cases_of_hard_wrapped_text():
    assert len(list(open_asked(CASES / "letter.txt", None).items)) == 3
    assert len(list(open_asked(CASES / "story.txt", None).items)) == 1
    assert len(load_texts(CASES / "story.txt", LanguageModelConfig())) == 1
