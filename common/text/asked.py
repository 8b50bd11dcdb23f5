"""What is to be answered: texts from the command line, a text file, standard input, or a column of a table.

Every row of a table is passed on in its order, with what stands in it, also one that cannot be answered.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.text.binary_tables import is_saved_dataset
from common.text.columns import Column, first_there, text_columns
from common.text.data import saved_table
from common.text.documents import AUTO, LINE, announce_document, find_document, read_documents
from common.text.rows import BadRow, bounded_lines
from common.text.sources import Source, open_source
from common.text.tables import Reading, Table, choose_columns, file_kind, is_table, open_table, pick

EMPTY = "empty text"
HEAD_LINES = 400  # looked at to tell lines from paragraphs


@dataclass(frozen=True)
class Asked:
    """A text to answer, or the row that has none.

    Attributes:
        place: where it stands, for messages.
        text: the text; None: there is nothing to answer.
        number: of its line or row, from 1.
        problem: why there is no text.
        record: what stood in the row of a table.
    """

    place: str
    text: str | None
    number: int
    problem: str = ""
    record: Any = None


@dataclass
class Texts:
    """Texts to answer, in their order; `table` and the name of its column, if they are in one."""

    items: Iterator[Asked]
    table: Table | None = None
    column: str = ""


def given_texts(texts: Sequence[str]) -> Texts:
    """The texts of a command line."""
    return Texts(_asked(f"text {number}", number, text) for number, text in enumerate(texts, 1))


def open_asked(
    path: Path | None,
    column: str | None,
    usual: Sequence[str] = ("text",),
    reading: Reading | None = None,
    document: str = AUTO,
    source: Source | None = None,
) -> Texts:
    """Open texts to answer, once.

    Args:
        path: a text file or a table; None: standard input.
        column: of the texts in a table; None: the first of `usual` that is there, or the only one that can be it. If
            it is given, a file is a table whatever its name.
        usual: names that the column mostly has.
        reading: what a user says of the file.
        document: what one text is in plain text.
        source: the file, if it is open already; nothing of it may have been read.
    Raises:
        InputError: there is no such file or column.
    """
    generator = _read(path, column, usual, reading or Reading(), document, source)
    texts = next(generator)
    assert isinstance(texts, Texts)
    texts.items = generator  # type: ignore[assignment]
    return texts


def _read(
    path: Path | None,
    column: str | None,
    usual: Sequence[str],
    reading: Reading,
    document: str,
    given: Source | None,
) -> Generator[Texts | Asked, None, None]:
    """First what is open, then the texts one by one."""
    if path is not None and is_saved_dataset(path):
        candidates = text_columns(column, usual, "--text-column")
        table = saved_table(path, candidates)
        wanted, name = _find_text(table, candidates)
        yield Texts(iter(()), table, name)
        yield from _ask_table(table, wanted, name)
        return
    with nullcontext(given) if given else open_source(path, reading.encoding) as source:
        kind = file_kind(path) if path else ""
        if column is not None or is_table(source, kind):
            table, wanted, name = _open_table(source, kind, column, usual, reading)
            source.notes += table.notes
            source.announce()
            yield Texts(iter(()), table, name)
            yield from _ask_table(table, wanted, name)
        else:
            unit = find_document(head_lines(source)) if document == AUTO else document
            source.notes += announce_document(unit) if document == AUTO else []
            source.announce()
            yield Texts(iter(()))
            yield from _ask_lines(source, unit, keep_blank=document == LINE)


def head_lines(source: Source) -> list[str]:
    """The first lines of a text, without one that is cut off."""
    lines = io.StringIO(source.head(), newline="").readlines()
    return lines[:HEAD_LINES] if len(lines) <= 1 or len(lines) > HEAD_LINES else lines[: len(lines) - _is_cut(lines)]


def _is_cut(lines: Sequence[str]) -> bool:
    return lines[-1][-1:] not in ("\n", "\r") and sum(map(len, lines)) > 1 << 15


def _open_table(
    source: Source, kind: str, column: str | None, usual: Sequence[str], reading: Reading
) -> tuple[Table, Column, str]:
    """The table, the column that was wanted, and what it is called there."""
    candidates = text_columns(column, usual, "--text-column")
    table = open_table(source, kind, candidates, reading.header)
    return table, *_find_text(table, candidates)


def _find_text(table: Table, candidates: Sequence[Column]) -> tuple[Column, str]:
    """The column of the texts that was wanted, and what it is called in the table."""
    wanted = first_there(candidates, table.names)
    return wanted, choose_columns(table, [wanted], by_sight=True)[wanted.name]


def _ask_table(table: Table, wanted: Column, name: str) -> Iterator[Asked]:
    for number, row in enumerate(table.rows, 1):
        if isinstance(row, BadRow):
            yield Asked(row.message, None, number, row.message, row.record)
            continue
        text = pick(row, wanted, name)
        if isinstance(text, BadRow):
            yield Asked(row.place, None, number, text.message, row.record)
        else:
            yield _asked(row.place, number, text, row.record)


def _asked(place: str, number: int, text: str, record: Any = None) -> Asked:
    if text.strip():
        return Asked(place, text, number, record=record)
    return Asked(place, None, number, f"{place}: {EMPTY}; write something there or leave the row out", record)


def _ask_lines(source: Source, document: str, keep_blank: bool) -> Iterator[Asked]:
    """Texts of plain text; blank lines stand between texts, and are passed on only if every line keeps its place."""
    for number, text in read_documents(bounded_lines(source.file), source.name, document):
        if isinstance(text, BadRow):
            yield Asked(text.message, None, number, text.message, text.record)
        elif text.strip():
            yield Asked(f"{source.name}, line {number}", text, number)
        elif keep_blank:
            yield Asked(f"{source.name}, line {number}", None, number, f"{source.name}, line {number}: {EMPTY}")
