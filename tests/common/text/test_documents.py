"""What one text is in plain text: lines, paragraphs, or the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.text.asked import open_asked
from common.text.documents import find_document
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


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs that failed are not here")
def test_the_cases_of_hard_wrapped_text():
    assert len(list(open_asked(CASES / "letter.txt", None).items)) == 3
    assert len(list(open_asked(CASES / "story.txt", None).items)) == 1
    assert len(load_texts(CASES / "story.txt", LanguageModelConfig())) == 1
