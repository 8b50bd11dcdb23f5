"""Read text and tables, and say exactly where a file is wrong.

Readers stream: a file of any size passes through in constant memory. A row that is wrong is yielded as a
`BadRow`, so that the caller decides: training and evaluation stop (`require_good`), `predict` goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from common.errors import InputError
from common.progress import say
from common.text.columns import Column, as_columns
from common.text.rows import MAX_ROW, BadRow, Row, TooLong, bounded_lines, require_good, undecodable
from common.text.sources import Source, hash_of_read, open_source, open_text, sha256_of
from common.text.tables import TABLE_KINDS, Reading, Table, choose_columns, file_kind, no_rows, open_table, pick

__all__ = [
    "MAX_ROW", "TABLE_KINDS", "BadRow", "Row", "TooLong", "bounded_lines", "file_kind", "hash_of_read", "open_text",
    "read_lines", "read_rows", "require_good", "sha256_of", "undecodable",
]  # fmt: skip


def read_rows(
    path: Path, columns: Sequence[Column | str] = (), reading: Reading | None = None
) -> Iterator[tuple[str, dict[str, str]] | BadRow]:
    """Read a table of any format that `common.text.tables` knows.

    Rows of spreadsheets in which every cell is empty are left out, and counted.

    Args:
        path: the file; may be gzipped.
        columns: names that must be there; a row has these names, whatever the file calls them.
        reading: what a user says of the file.
    Yields:
        `(place, row)`: place is "FILE, row N" (the first row after the header is 1); or a BadRow.
    Raises:
        InputError: the file is missing, a folder, of another format, lacks a column or has no rows.
    """
    reading = reading or Reading()
    with open_source(path, reading.encoding) as source:
        yield from read_open_rows(source, path, as_columns(columns), reading)


def read_open_rows(
    source: Source, path: Path, wanted: Sequence[Column], reading: Reading
) -> Iterator[tuple[str, dict[str, str]] | BadRow]:
    """The same of a file that is open."""
    num_rows = num_empty = 0
    table = open_table(source, file_kind(path), wanted, reading.header)
    names = choose_columns(table, wanted)
    source.notes += table.notes
    source.announce()
    for row in table.rows:
        num_rows += 1
        if isinstance(row, Row) and is_empty(row, table):
            num_empty += 1
        else:
            yield row if isinstance(row, BadRow) else pick_all(row, wanted, names)
    if not num_rows:
        raise InputError(no_rows(table))
    if num_empty:
        say(f"{path}: {num_empty:,} empty rows left out")


def pick_all(row: Row, wanted: Sequence[Column], names: dict[str, str]) -> tuple[str, dict[str, str]] | BadRow:
    """The values of a row by the names that were asked for."""
    values = dict(row.values)
    for column in wanted:
        value = pick(row, column, names[column.name])
        if isinstance(value, BadRow):
            return value
        values[column.name] = value
    return row.place, values


def is_empty(row: Row, table: Table) -> bool:
    """Whether every cell of a row of several columns is empty, as spreadsheets write them below a table."""
    return table.is_fixed() and len(table.names) > 1 and not any(map(str.strip, row.values.values()))


def read_lines(
    source: Path | IO[str], name: str = "standard input", encoding: str = "auto"
) -> Iterator[tuple[str, str] | BadRow]:
    """Read one text a line from a file or an open stream; yields `(place, text)` or a BadRow, blank lines too."""
    if isinstance(source, Path):
        with open_text(source, encoding) as file:
            yield from read_lines(file, str(source))
        return
    for number, line in enumerate(bounded_lines(source), 1):
        place = f"{name}, line {number}"
        if isinstance(line, TooLong):
            yield BadRow(f"{place}: {line.message}")
        elif problem := undecodable(line):
            yield BadRow(f"{place}: {problem}", line.rstrip("\r\n"))
        else:
            yield place, line.rstrip("\r\n")
