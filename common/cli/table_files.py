"""Tables written row by row: delimited, JSON, spreadsheets; as the table that was read is written, where it is one."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import IO, Any, Protocol

from common.text.binary_tables import need
from common.text.delimited import Dialect
from common.text.rows import as_text

FORMATS = ("csv", "tsv", "jsonl", "json", "xlsx", "parquet")
ROWS_AT_ONCE = 1000  # of a Parquet file
MAX_CELL = 32_767  # characters that a cell of a spreadsheet holds


class TableFile(Protocol):
    """A table that is being written."""

    def write(self, row: Any) -> None:
        """Write a row: a list of values, or an object of JSON."""

    def close(self) -> None:
        """Write what ends the table."""


def write_table(
    name: str,
    output: IO[Any],
    names: Sequence[str],
    dialect: Dialect | None = None,
    formats: Mapping[str, str] = {},
    schema: Any = None,
) -> TableFile:
    """Begin a table.

    Args:
        name: of the format, one of `FORMATS`.
        output: text, or bytes for a spreadsheet.
        names: of the columns.
        dialect: of the delimited table that was read, which is kept.
        formats: how numbers of some columns are written as text.
        schema: of the Parquet file that was read, whose types are kept.
    """
    if name == "jsonl":
        return JsonLines(output)
    if name == "json":
        return JsonList(output)
    if name == "xlsx":
        return Sheet(output, names)
    if name == "parquet":
        return Parquet(output, names, schema)
    return Delimited(output, names, name, dialect or Dialect(), formats)


class Delimited:
    """CSV or TSV, with the separator and the decimal sign of the table that was read."""

    def __init__(
        self, output: IO[str], names: Sequence[str], name: str, dialect: Dialect, formats: Mapping[str, str]
    ) -> None:
        self.output = output
        separator = "\t" if name == "tsv" else "," if dialect.separator == "\t" or dialect.single else dialect.separator
        self.plain = name == "tsv" and (not dialect.quoted or dialect.separator != "\t")
        self.separator, self.comma = separator, dialect.decimal_comma
        self.formats = [formats.get(column, "") for column in names]
        self.writer = csv.writer(output, delimiter=separator, lineterminator="\n")
        self.header = list(names) if dialect.has_header else None

    def write(self, row: Sequence[Any]) -> None:
        """Write a row; with the first one the header, so that a command that fails before it has written nothing."""
        self._begin()
        self._write([self._text(value, form) for value, form in zip(row, self.formats, strict=True)])

    def _text(self, value: Any, form: str) -> str:
        if isinstance(value, list):
            return ("\t" if self.separator != "\t" else " ").join(map(str, value))
        if form and isinstance(value, float):
            text = format(value, form)
            return text.replace(".", ",") if self.comma else text
        return as_text(value)

    def _write(self, fields: Sequence[str]) -> None:
        if self.plain:  # quotes are text there, so what separates fields or rows cannot stand in one
            fields = [" ".join(field.replace("\t", " ").splitlines()) for field in fields]
            self.output.write("\t".join(fields) + "\n")
        else:
            self.writer.writerow(fields)
        self.output.flush()

    def _begin(self) -> None:
        if self.header is not None:
            self._write(self.header)
            self.header = None

    def close(self) -> None:
        """Nothing ends such a table; one without rows has its header."""
        self._begin()


class JsonLines:
    """An object a line."""

    def __init__(self, output: IO[str]) -> None:
        self.output = output

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        self.output.write(json.dumps(row, default=as_text) + "\n")
        self.output.flush()

    def close(self) -> None:
        """Nothing ends such a table."""


class JsonList:
    """A list of objects, one a line."""

    def __init__(self, output: IO[str]) -> None:
        self.output, self.begins = output, "[\n"

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        self.output.write(self.begins + json.dumps(row, default=as_text))
        self.begins = ",\n"
        self.output.flush()

    def close(self) -> None:
        """End the list."""
        self.output.write("[]\n" if self.begins == "[\n" else "\n]\n")


def _for_cell(value: Any) -> Any:
    """A value that a cell of a spreadsheet can hold."""
    is_moment = isinstance(value, datetime.date | datetime.time)
    if value is None or isinstance(value, int | float | Decimal) or (is_moment and not getattr(value, "tzinfo", None)):
        return value
    text = "\t".join(map(str, value)) if isinstance(value, list) else as_text(value)
    return "".join(c for c in text if (c >= " " or c in "\t\n\r") and not "\ud800" <= c <= "\udfff")[:MAX_CELL]


class Sheet:
    """A workbook of one sheet."""

    def __init__(self, output: IO[bytes], names: Sequence[str]) -> None:
        self.output = output
        self.book = need("openpyxl", "--format xlsx").Workbook(write_only=True)
        self.sheet = self.book.create_sheet("answers")
        self.sheet.append(list(names))

    def write(self, row: Sequence[Any]) -> None:
        """Write a row; a text that begins as a formula does stays a text."""
        cells = [_for_cell(value) for value in row]
        if any(isinstance(value, str) and value.startswith("=") for value in cells):
            cell = need("openpyxl.cell", "--format xlsx").WriteOnlyCell
            cells = [self._as_text(cell, value) if isinstance(value, str) else value for value in cells]
        self.sheet.append(cells)

    def _as_text(self, cell: Any, value: str) -> Any:
        made = cell(self.sheet, value=value)
        made.data_type = "s"
        return made

    def close(self) -> None:
        """Write the workbook."""
        self.book.save(self.output)


class Parquet:
    """A Parquet file; a column has the type that it had, or that of its values in the first rows, or is text."""

    def __init__(self, output: IO[bytes], names: Sequence[str], schema: Any = None) -> None:
        self.arrow, self.parquet = (need(module, "--format parquet") for module in ("pyarrow", "pyarrow.parquet"))
        self.output, self.names = output, list(names)
        self.known = {field.name: field.type for field in schema or () if self.arrow.types.is_primitive(field.type)}
        self.rows: list[list[Any]] = []
        self.writer: Any = None

    def write(self, row: Sequence[Any]) -> None:
        """Write a row, some at a time."""
        self.rows.append(list(row))
        if len(self.rows) == ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        columns = [[row[place] for row in self.rows] for place in range(len(self.names))]
        if self.writer is None:
            kinds = map(self.known.get, self.names)
            arrays = [self._array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
            fields = [
                (name, self.arrow.string() if str(array.type) == "null" else array.type)
                for name, array in zip(self.names, arrays, strict=True)
            ]
            self.schema = self.arrow.schema(fields)
            self.writer = self.parquet.ParquetWriter(self.output, self.schema)
        arrays = [self._array(values, kind) for values, kind in zip(columns, self.schema.types, strict=True)]
        self.writer.write_table(self.arrow.Table.from_arrays(arrays, schema=self.schema))
        self.rows = []

    def _array(self, values: list[Any], kind: Any = None) -> Any:
        try:
            return self.arrow.array(values, kind)
        except (self.arrow.ArrowInvalid, self.arrow.ArrowTypeError, OverflowError):
            if kind is None or str(kind) == "string":
                return self.arrow.array([None if value is None else as_text(value) for value in values], kind)
            right = [value if isinstance(value, int | float) else None for value in values]
            return self.arrow.array(right, kind)

    def close(self) -> None:
        """Write the rest."""
        self._flush()
        self.writer.close()
