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
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

from common.errors import InputError, excerpt

csv.field_size_limit(2**31 - 1)  # Python's own limit of 131,072 characters is shorter than long reviews
TABLE_KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
# Bytes that are no UTF-8 are read as these code points, so that the row they stand in can be named.
UNDECODED = re.compile(r"[\udc80-\udcff]")

Item = TypeVar("Item")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: where it is, what was found, what to do."""

    message: str


def require_good(rows: Iterable[Item | BadRow]) -> Iterator[Item]:
    """Pass good rows on; stop with an error at the first bad one."""
    for row in rows:
        if isinstance(row, BadRow):
            raise InputError(row.message)
        yield row


def check_file(path: Path) -> None:
    """Raise an InputError that says why `path` cannot be read as a file."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file in it")
    if not path.exists():
        raise InputError(f"{path}: no such file; check the name (you are in {Path.cwd()})")


def _open_bytes(path: Path) -> BinaryIO | gzip.GzipFile:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    return open(path, "rb")


def check_writable(path: Path, option: str) -> None:
    """Raise an InputError if nothing can be written at `path`; the folders on the way to it need not be there yet."""
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise InputError(f"{parent}: cannot be written ({error.strerror}); choose another {option}") from None


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a UTF-8 text file, gunzipped if its name ends in `.gz`; undecodable bytes become lone surrogates."""
    check_file(path)
    try:
        raw = _open_bytes(path)
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        try:
            yield file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: not a complete gzip file ({error}); copy or download it again") from None


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
    if kind == ".csv":
        reader = csv.reader(file, strict=True)
    else:  # a tab-separated file has no quoting rules that all programs share; quotes in it are text
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
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
        for fields in reader:
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
    for line in file:
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
    for number, line in enumerate(source, 1):
        place = f"{name}, line {number}"
        if problem := undecodable(line):
            yield BadRow(f"{place}: {problem}")
        else:
            yield place, line.rstrip("\r\n")


def read_texts(path: Path | None, text_column: str) -> Iterator[tuple[str, str] | BadRow]:
    """Read the texts to answer: lines of standard input (None) or of a text file, or a column of a table."""
    if path is None:
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
        texts = read_lines(sys.stdin)
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
