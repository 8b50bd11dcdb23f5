"""Tables that are no text: spreadsheets (`.xlsx`) and Parquet files, by packages that are extras of this project."""

from __future__ import annotations

import importlib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.text.sources import Source

BINARY_KINDS = (".xlsx", ".xlsm", ".parquet")
MAX_BYTES = 1 << 30  # of a file that is held whole, and of what it unpacks to
ZIP, PARQUET = b"PK\x03\x04", b"PAR1"
BLOCK = 1 << 20
# The end of a cell with a formula and no value behind it, in the XML of a sheet.
UNCOMPUTED = re.compile(rb"(?:</f>|<f\b[^>]{0,99}/>)\s{0,9}(?:<v\s?/>|<v></v>)?\s{0,9}</c>")
LONGEST_END = 200  # bytes of such an end, amply
# Files that people take for tables or texts, by their first bytes.
OTHERS = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file (.xls, .doc); save it as .xlsx, CSV or text",
    b"%PDF": "a PDF file; export its text first",
    b"{\\rtf": "a rich text file (.rtf); save it as plain text",
    b"\x89PNG": "a picture; give a text or a table",
    b"\xff\xd8\xff": "a picture; give a text or a table",
    b"BZh": "packed by bzip2; unpack it first",
    b"\xfd7zXZ": "packed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it first",
    b"SQLite format 3": "an SQLite data base; export a table as CSV",
    b"ORC": "an ORC file; export it as CSV or Parquet",
}


def binary_kind(source: Source) -> str | None:
    """The format of a table that is no text, by its first bytes; None of a text.

    Raises:
        InputError: it is a file of another kind, which cannot be read.
    """
    if source.starts_with(PARQUET):
        return ".parquet"
    if source.starts_with(ZIP):
        return ".xlsx"
    for mark, what in OTHERS.items():
        if source.starts_with(mark):
            raise InputError(f"{source.name}: {what}")
    return None


def need(package: str, name: str, extra: str = "tables") -> Any:
    """Import a package of an extra.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        package = package.partition(".")[0]
        raise InputError(f"{name}: needs the package {package}; pip install 'rnn-language[{extra}]'") from None


def read_whole(content: io.BufferedReader, name: str) -> io.BytesIO:
    """The bytes of a file that can only be read whole."""
    data = content.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: more than {MAX_BYTES >> 20:,} MB, which is too much for this format; write CSV")
    return io.BytesIO(data)


def sheet_rows(content: io.BufferedReader, name: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The rows of cells of the first sheet with something in it, and what to tell about it: its name, if it has one."""
    openpyxl = need("openpyxl", name)
    data = read_whole(content, name)
    try:
        with zipfile.ZipFile(data) as packed:
            names, size = packed.namelist(), sum(entry.file_size for entry in packed.infolist())
            if "xl/workbook.xml" not in names:
                raise InputError(f"{name}: a ZIP file, but no .xlsx workbook; unpack it first")
            if size > MAX_BYTES:
                raise InputError(f"{name}: unpacks to more than {MAX_BYTES >> 20:,} MB; write CSV")
            is_uncomputed = any(
                _has_uncomputed(packed, each) for each in names if each.startswith("xl/worksheets/sheet")
            )
        book = openpyxl.load_workbook(data, read_only=True, data_only=True)
    except InputError:
        raise
    except Exception as error:  # of many kinds, from the parsers of ZIP and XML
        raise InputError(f"{name}: not a complete .xlsx file ({str(error)[:80]}); save or copy it again") from None
    filled = [sheet for sheet in book.worksheets if sheet.max_row is None or sheet.max_row > 1]
    sheet = (filled or book.worksheets)[0]
    notes = [f"sheet {sheet.title!r}"] if len(book.worksheets) > 1 else []
    if is_uncomputed:
        notes.append("formulas without results, read as empty; open and save the file in a spreadsheet program first")
    return notes, _careful(sheet.iter_rows(values_only=True), name)


def _has_uncomputed(packed: zipfile.ZipFile, sheet: str) -> bool:
    """Whether a sheet has formulas whose results no program has computed and stored."""
    with packed.open(sheet) as file:
        kept = b""
        while block := file.read(BLOCK):
            if UNCOMPUTED.search(kept + block):
                return True
            kept = block[-LONGEST_END:]
    return False


def parquet_rows(content: io.BufferedReader, name: str) -> tuple[Any, Iterator[dict[str, Any]]]:
    """The schema of a Parquet file, and its rows."""
    parquet = need("pyarrow.parquet", name)
    try:
        file = parquet.ParquetFile(read_whole(content, name))
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name}: not a complete Parquet file ({str(error)[:80]}); copy it again") from None
    batches = file.iter_batches(batch_size=1000)
    return file.schema_arrow, _careful((row for batch in batches for row in batch.to_pylist()), name)


@contextmanager
def undamaged(name: str) -> Iterator[None]:
    """Turn what goes wrong within a damaged file into one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # of many kinds, from the parsers of ZIP, XML and Parquet
        raise InputError(f"{name}: damaged ({str(error)[:80]}); save or copy it again") from None


def _careful(rows: Iterator[Any], name: str) -> Iterator[Any]:
    with undamaged(name):
        yield from rows


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder was made by `save_to_disk` of the package datasets."""
    return path.is_dir() and any((path / name).is_file() for name in ("state.json", "dataset_dict.json"))


def load_saved_dataset(path: Path) -> Any:
    """Open such a folder.

    Raises:
        InputError: the package is not installed, or the folder is damaged.
    """
    datasets = need("datasets", str(path), "datasets")
    try:
        return datasets.load_from_disk(str(path))
    except Exception as error:
        raise InputError(f"{path}: no complete data set ({str(error)[:80]}); save it again") from None
