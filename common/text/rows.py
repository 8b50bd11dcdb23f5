"""Rows and lines, and what is wrong with one of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from common.errors import InputError
from common.progress import say

MAX_ROW = 2_000_000  # characters of a row, or of a line of text: more than any book has in a chapter
# Bytes that are no UTF-8 are read as these code points, so that the row they stand in can be named.
UNDECODED = re.compile(r"[\udc80-\udcff]")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        place: where it stands, for messages.
        values: its fields as texts, by column.
        record: what stood in the file: the fields of a delimited table, an object of JSON.
    """

    place: str
    values: Mapping[str, str]
    record: Any = None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: where it is, what was found, what to do; and what stood there, as far as known."""

    message: str
    record: Any = None


@dataclass(frozen=True)
class TooLong(BadRow):
    """A line that is too long to be held; its size, line end included, as `bounded_lines` was told to measure it."""

    size: int = 0


def require_good(rows: Iterable[Item | BadRow]) -> Iterator[Item]:
    """Pass good rows on; stop with an error at the first bad one."""
    for row in rows:
        if isinstance(row, BadRow):
            raise InputError(row.message)
        yield row


class SkippedRows:
    """The rows that training or evaluation cannot use: an error, or left out and counted.

    Args:
        skip: whether they are left out.
        name: of the data, for messages.
    """

    def __init__(self, skip: bool, name: str) -> None:
        self.skip, self.name = skip, name
        self.first = ""
        self.number = 0

    def add(self, problem: str) -> None:
        """Leave a row out.

        Raises:
            InputError: rows are not to be left out.
        """
        if not self.skip:
            raise InputError(f"{problem}; or leave such rows out with --skip-bad-rows")
        self.first = self.first or problem
        self.number += 1

    def conclude(self, num_good: int) -> None:
        """Say how many were left out."""
        if self.number:
            say(f"Left out {self.number:,} of {self.number + num_good:,} rows; the first: {self.first}")


def bounded_lines(file: IO[str], size_of: Callable[[str], int] = len) -> Iterator[str | TooLong]:
    """The lines of a text; of one that is longer than `MAX_ROW` only its size, and no more of it is held."""
    read, most = file.readline, MAX_ROW + 1  # looked up once: this runs for every line
    while line := read(most):
        if len(line) < most:
            yield line
            continue
        length, size = len(line), size_of(line)
        while line[-1:] not in ("\n", "\r") and (line := file.readline(MAX_ROW)):
            length, size = length + len(line), size + size_of(line)
        yield TooLong(f"{length:,} characters, the most is {MAX_ROW:,}; cut it into several", size=size)


def undecodable(text: str, advice: str = "save the file as UTF-8, or name its --encoding") -> str | None:
    """Name the first byte of a text that was not UTF-8, or None.

    >>> undecodable(b"caf\\xe9".decode("utf-8", "surrogateescape"))
    "byte 0xe9 after 'caf' is not UTF-8; save the file as UTF-8, or name its --encoding"
    """
    match = UNDECODED.search(text)
    if match is None:
        return None
    before = text[max(match.start() - 20, 0) : match.start()]
    byte = f"byte 0x{ord(match[0]) - 0xDC00:02x} after {before!r}"
    return f"{byte} is not UTF-8; {advice}"


def as_text(value: Any) -> str:
    """A value of a table as text; what is missing there (None, NaN, NA) is empty, and bytes are UTF-8.

    >>> as_text(None), as_text(4.0), as_text(["a"]), as_text(True), as_text("café".encode())
    ('', '4.0', '["a"]', 'true', 'café')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):  # some programs write the texts of a Parquet file without saying so
        return value.decode("utf-8", "surrogateescape")
    missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    if missing or (isinstance(value, float) and math.isnan(value)):
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else str(value)
