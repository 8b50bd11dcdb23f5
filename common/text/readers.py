"""Read text, tables and JSON lines, plain or gzipped, and say exactly where a file is wrong.

Readers stream: a file of any size passes through in constant memory. A row that is wrong is yielded as a
`BadRow`, so that the caller decides: training and evaluation stop (`require_good`), `predict` goes on.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from common.errors import InputError, excerpt
from common.files import check_file

MAX_ROW = 2_000_000  # characters of a row, or of a line of text: more than any book has in a chapter
csv.field_size_limit(MAX_ROW)  # Python's own limit of 131,072 characters is shorter than long reviews
GZIP_START = b"\x1f\x8b"
MAX_UNPACKING = 200  # times the size of a gzip file; text has 3 to 10
# Bytes that are unpacked before any of them is used: work with those of a file that is refused would be in vain.
LOOKED_AHEAD = 1 << 23
UNPACKED_FREELY = 1 << 18  # bytes, however small the file is
TABLE_KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
# Bytes that are no UTF-8 are read as these code points, so that the row they stand in can be named.
UNDECODED = re.compile(r"[\udc80-\udcff]")

Item = TypeVar("Item")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: where it is, what was found, what to do."""

    message: str


class TooLong(BadRow):
    """A line that is too long to be held."""


def require_good(rows: Iterable[Item | BadRow]) -> Iterator[Item]:
    """Pass good rows on; stop with an error at the first bad one."""
    for row in rows:
        if isinstance(row, BadRow):
            raise InputError(row.message)
        yield row


class _Watched(io.RawIOBase):
    """The bytes of a stream, counted and hashed as they go by; the stream is read once, and from front to back."""

    def __init__(self, stream: Any, hashed: bool = False) -> None:
        self.stream = stream
        self.count = 0
        self.ended = False
        self.hash = hashlib.sha256() if hashed else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        self.ended = not data
        if self.hash is not None:
            self.hash.update(data)
        return len(data)


class _Gunzipped(_Watched):
    """The bytes of a gzip file, which may not unpack to many times its size."""

    def __init__(self, packed: _Watched, path: Path) -> None:
        super().__init__(gzip.GzipFile(fileobj=io.BufferedReader(packed), mode="rb"))
        self.packed, self.path = packed, path

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        if self.count > UNPACKED_FREELY and self.count > MAX_UNPACKING * self.packed.count:
            raise InputError(
                f"{self.path}: unpacks to more than {MAX_UNPACKING} times its size, as no text does; "
                "if it is one, unpack it first"
            )
        return count


_hashes: dict[Path, str] = {}  # of the files that this process has read to their end


def hash_of_read(path: Path) -> str | None:
    """The sha256 of a file as it was read, if that was to its end; of one that was not, as it is; None for a pipe."""
    if path.absolute() in _hashes:
        return _hashes[path.absolute()]
    return sha256_of(path) if path.is_file() else None


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a UTF-8 text file or pipe, once; undecodable bytes become lone surrogates.

    It is gunzipped if its name ends in `.gz`, or if it begins as a gzip file does.
    """
    check_file(path)
    try:
        with open(path, "rb", buffering=0) as raw:
            watched = _Watched(raw, hashed=True)
            content = io.BufferedReader(watched)
            if path.suffix.lower() == ".gz" or content.peek(2)[:2] == GZIP_START:
                packed = _Watched(content)
                content = io.BufferedReader(_Gunzipped(packed, path), LOOKED_AHEAD)
                content.peek(1)
            with io.TextIOWrapper(content, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                yield file
            if watched.ended and watched.hash is not None:
                _hashes[path.absolute()] = watched.hash.hexdigest()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: not a complete gzip file ({error}); copy or download it again") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    except OSError as error:
        if error.filename not in (None, str(path)):
            raise
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the file") from None


def bounded_lines(file: IO[str]) -> Iterator[str | TooLong]:
    """The lines of a text; of one that is longer than `MAX_ROW` only its length, and no more of it is held."""
    read, most = file.readline, MAX_ROW + 1  # looked up once: this runs for every line
    while line := read(most):
        if len(line) < most:
            yield line
            continue
        length = len(line)
        while line[-1:] != "\n" and (line := file.readline(MAX_ROW)):
            length += len(line)
        yield TooLong(f"{length:,} characters, the most is {MAX_ROW:,}; cut it into several")


def undecodable(text: str) -> str | None:
    """Name the first byte of a text that was not UTF-8, or None.

    >>> undecodable(b"caf\\xe9".decode("utf-8", "surrogateescape"))
    "byte 0xe9 after 'caf' is not UTF-8; save the file as UTF-8"
    """
    match = UNDECODED.search(text)
    if match is None:
        return None
    before = text[max(match.start() - 20, 0) : match.start()]
    return f"byte 0x{ord(match[0]) - 0xDC00:02x} after {before!r} is not UTF-8; save the file as UTF-8"


def file_kind(path: Path) -> str:
    """Return the ending that tells the format, `.gz` left aside: `.csv`, `.tsv`, `.jsonl`, `.txt`, …

    >>> file_kind(Path("reviews.CSV.gz"))
    '.csv'
    """
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def read_rows(path: Path, columns: Iterable[str] = ()) -> Iterator[tuple[str, dict[str, str]] | BadRow]:
    """Read a table: CSV, TSV or JSON lines, by the file's ending.

    Args:
        path: the file; may end in `.gz`.
        columns: names that must be there.
    Yields:
        `(place, row)`: place is "FILE, row N" (the first row after the header is 1); or a BadRow.
    Raises:
        InputError: the file is missing, a folder, of another format, lacks a column or has no rows.
    """
    columns = list(columns)
    kind = file_kind(path)
    if kind not in TABLE_KINDS:
        check_file(path)
        raise InputError(f"{path}: unknown kind of file {kind!r}; use .csv, .tsv or .jsonl, also with .gz")
    number = 0
    with open_text(path) as file:
        rows = _read_delimited(file, path, kind, columns) if kind in (".csv", ".tsv") else _read_json_lines(file, path)
        for number, row in enumerate(rows, 1):
            place = f"{path}, row {number}"
            if isinstance(row, BadRow):
                yield BadRow(f"{place}: {row.message}")
            elif missing := [name for name in columns if name not in row]:
                there = ", ".join(row) or "none"
                yield BadRow(f"{place}: no column {missing[0]!r}; the columns there are: {there}")
            else:
                yield place, row
    if not number:
        raise InputError(f"{path}: no rows; the file has a header at most, give one with data")


def _read_delimited(file: IO[str], path: Path, kind: str, columns: list[str]) -> Iterator[dict[str, str] | BadRow]:
    held = 0  # characters of the row that is being read

    def lines() -> Iterator[str]:
        nonlocal held
        for number, line in enumerate(bounded_lines(file), 1):
            held += MAX_ROW + 1 if isinstance(line, TooLong) else len(line)
            if isinstance(line, TooLong) or held > MAX_ROW:
                raise InputError(f"{path}, line {number}: a row of more than {MAX_ROW:,} characters; cut its text")
            yield line

    if kind == ".csv":
        reader = csv.reader(lines(), strict=True)
    else:  # a tab-separated file has no quoting rules that all programs share; quotes in it are text
        reader = csv.reader(lines(), delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise InputError(f"{path}: empty file; the first line must name the columns")
        for name in columns:
            if name not in header:
                raise InputError(
                    f"{path}: no column {name!r}; the columns there are: {', '.join(header)}; "
                    "choose with the --…-column options"
                )
        held = 0
        for fields in reader:
            held = 0
            if not fields:
                continue  # a blank line
            if problem := undecodable("\n".join(fields)):
                yield BadRow(problem)
            elif len(fields) != len(header):
                yield BadRow(
                    f"{len(fields)} fields where the header has {len(header)}; "
                    "put quotes around a field that holds the separator"
                )
            else:
                yield dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}: not valid CSV ({error}); check the quotes, the file may be cut short"
        ) from None


def _read_json_lines(file: IO[str], path: Path) -> Iterator[dict[str, str] | BadRow]:
    for line in bounded_lines(file):
        if isinstance(line, TooLong):
            yield line
            continue
        if not line.strip():
            continue
        if problem := undecodable(line):
            yield BadRow(problem)
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield BadRow(f"not valid JSON ({error}); write one object a line")
            continue
        if isinstance(row, dict):
            yield {str(name): _as_text(value) for name, value in row.items()}
        else:
            yield BadRow(f"found {excerpt(line.strip())} where an object {{…}} is wanted; write one object a line")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def read_lines(source: Path | IO[str], name: str = "standard input") -> Iterator[tuple[str, str] | BadRow]:
    """Read one text a line from a file or an open stream; yields `(place, text)` or a BadRow, blank lines too."""
    if isinstance(source, Path):
        with open_text(source) as file:
            yield from read_lines(file, str(source))
        return
    for number, line in enumerate(bounded_lines(source), 1):
        place = f"{name}, line {number}"
        if isinstance(line, TooLong):
            yield BadRow(f"{place}: {line.message}")
        elif problem := undecodable(line):
            yield BadRow(f"{place}: {problem}")
        else:
            yield place, line.rstrip("\r\n")


def standard_input() -> IO[str]:
    """Standard input as UTF-8; undecodable bytes become lone surrogates.

    Raises:
        InputError: it is closed.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed; write texts after the command, or use --input")
    sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape", newline="")  # type: ignore[union-attr]
    return sys.stdin


def read_texts(path: Path | None, text_column: str, file: IO[str] | None = None) -> Iterator[tuple[str, str] | BadRow]:
    """Read the texts to answer: lines of standard input (None) or of a text file, or a column of a table.

    Args:
        path: the file.
        text_column: of a table.
        file: the text file, if it is open; nothing of it may have been read.
    """
    if path is None:
        texts = read_lines(standard_input())
    elif file is not None:
        texts = read_lines(file, str(path))
    elif file_kind(path) in TABLE_KINDS:
        rows = read_rows(path, [text_column])
        texts = (row if isinstance(row, BadRow) else (row[0], row[1][text_column]) for row in rows)
    else:
        texts = read_lines(path)
    for item in texts:
        if isinstance(item, BadRow) or item[1].strip():
            yield item
        else:
            yield BadRow(f"{item[0]}: empty text; write something there or leave the row out")


def sha256_of(path: Path) -> str:
    """Hash a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
