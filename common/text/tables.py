"""Tables of every format, read row by row: delimited, JSON, spreadsheets; the format found out from the content.

Each row keeps what stood in the file, so that answers can be written beside it; see `common.cli.answers`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common.errors import InputError, excerpt
from common.settings import ReadingConfig
from common.text.binary_tables import BINARY_KINDS, binary_kind, parquet_rows, sheet_rows
from common.text.columns import RATING, TEXT, Column, by_content, find_column, missing_column
from common.text.delimited import (
    SAMPLE_ROWS,
    Dialect,
    Layout,
    Record,
    clean_value,
    find_layout,
    layout_of_records,
    read_records,
)
from common.text.json_rows import LINES, JsonObject, find_arrangement, looks_like_json, read_objects, sample_objects
from common.text.rows import BadRow, Row, as_text, bounded_lines, undecodable
from common.text.sources import Source

DELIMITED_KINDS = (".csv", ".tsv", ".tab")
JSON_KINDS = (".jsonl", ".ndjson", ".json")
TABLE_KINDS = (*DELIMITED_KINDS, *JSON_KINDS, *BINARY_KINDS)
# Formats of a table; and those of `BINARY_KINDS`.
CSV, JSON_LINES, JSON_LIST, DATA_FRAME, LIST = "csv", "jsonl", "json", "DataFrame", "list"


@dataclass(frozen=True)
class Reading:
    """What a user may say of a file: its encoding; False for `header`: the first line of a table is a row."""

    encoding: str = "auto"
    header: bool = True

    @classmethod
    def of(cls, config: ReadingConfig) -> Reading:
        """What the settings of a task say."""
        return cls(config.encoding, config.header)


@dataclass
class Table:
    """An open table.

    Attributes:
        name: of the file.
        form: CSV, JSON_LINES, JSON_LIST, or a format of a spreadsheet.
        names: of the columns, in their order; of JSON those of the first rows.
        rows: row by row.
        sample: the values of some rows, by column.
        dialect: of a delimited table.
        notes: what to tell about it.
        schema: of a Parquet file.
    """

    name: str
    form: str
    names: list[str]
    rows: Iterator[Row | BadRow]
    sample: Sequence[Mapping[str, str]] = field(default_factory=list)
    dialect: Dialect = field(default_factory=Dialect)
    notes: list[str] = field(default_factory=list)
    schema: Any = None

    @property
    def keys(self) -> list[str]:
        """What the columns are called in a row, in their order; of several of one name all but the first are numbered.

        >>> Table("", CSV, ["text", "text"], iter(())).keys
        ['text', 'text (2)']
        """
        return unique(self.names)

    def is_fixed(self) -> bool:
        """Whether every row has the same columns."""
        return self.form not in (JSON_LINES, JSON_LIST, LIST)


def unique(names: Sequence[str]) -> list[str]:
    """Names of which no two are the same: the number of the column is added."""
    if len(set(names)) == len(names):
        return list(names)
    seen: set[str] = set()
    keys = []
    for number, name in enumerate(names, 1):
        keys.append(f"{name} ({number})" if name in seen else name)
        seen.add(name)
    return keys


def file_kind(path: Path) -> str:
    """Return the ending that tells the format, `.gz` left aside: `.csv`, `.tsv`, `.jsonl`, `.txt`, …

    >>> file_kind(Path("reviews.CSV.gz"))
    '.csv'
    """
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def is_table(source: Source, kind: str) -> bool:
    """Whether a file is a table, by its name or its content."""
    return kind in TABLE_KINDS or binary_kind(source) is not None or looks_like_json(source.head())


def open_table(source: Source, kind: str, wanted: Sequence[Column] = (), header: bool = True) -> Table:
    """Begin to read a table.

    Args:
        source: the open file.
        kind: the ending of its name.
        wanted: columns that are looked for.
        header: False: the first line of a delimited table, or of a spreadsheet, is a row.
    """
    binary = binary_kind(source)
    if binary is not None:
        return _open_binary(source, binary, kind, wanted, header)
    head = source.head()
    if looks_like_json(head) or (kind in JSON_KINDS and not has_header(head, wanted)):
        return _open_json(source, head, kind)
    layout = find_layout(head, kind, wanted, header)
    if kind in JSON_KINDS:
        layout.notes.insert(0, "a table")
    return _open_delimited(source, layout)


def has_header(head: str, wanted: Sequence[Column]) -> bool:
    """Whether a file, whatever it is called, begins as a delimited table with the wanted columns does."""
    names = set(find_layout(head, ".csv", wanted).names) if head.strip() else set()
    return bool(wanted) and all(column.name in names for column in wanted)


def _open_json(source: Source, head: str, kind: str) -> Table:
    arrangement, notes = find_arrangement(head)
    sample = [_values(record) for record in sample_objects(head, arrangement)]
    names = list(dict.fromkeys(name for values in sample for name in values))
    form = JSON_LINES if arrangement == LINES else JSON_LIST
    if kind not in JSON_KINDS:
        notes = notes or ["JSON lines"]
    rows = _object_rows(read_objects(source.file, arrangement), source.name)
    return Table(source.name, form, names, rows, sample, notes=notes)


def _object_rows(objects: Iterable[JsonObject | BadRow], name: str) -> Iterator[Row | BadRow]:
    for number, record in enumerate(objects, 1):
        place = f"{name}, row {number}"
        if isinstance(record, BadRow):
            yield BadRow(f"{place}: {record.message}", record.record)
        else:
            yield Row(place, _values(record), record)


def _values(record: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): as_text(value) for name, value in record.items()}


def _open_delimited(source: Source, layout: Layout) -> Table:
    lines = itertools.islice(bounded_lines(source.file), layout.dialect.skipped, None)
    records = read_records(lines, layout.dialect)
    rows = _record_rows(_below_header(records, layout.dialect), layout, source.name)
    return Table(
        source.name, CSV, layout.names, rows, layout.sample_values(unique(layout.names)), layout.dialect, layout.notes
    )


def _below_header(records: Iterable[Record], dialect: Dialect) -> Iterator[Record]:
    """The records that are rows."""
    return itertools.islice(records, dialect.titles + dialect.has_header, None)


def _record_rows(records: Iterable[Record], layout: Layout, name: str) -> Iterator[Row | BadRow]:
    keys, width = unique(layout.names), len(layout.names)
    for number, record in enumerate(records, 1):
        fields = record.fields
        place = f"{name}, row {number}"
        if record.problem:
            yield BadRow(f"{place}, line {record.line}: {record.problem}", fields)
            continue
        if len(fields) > width and not any(map(str.strip, fields[width:])):
            fields = fields[:width]  # empty cells at the end, as spreadsheets write them
        if problem := undecodable("\n".join(fields)):
            yield BadRow(f"{place}: {problem}", fields)
        elif len(fields) != width:
            wanted = "the header has" if layout.dialect.has_header else "the first rows have"
            yield BadRow(
                f"{place}: {len(fields)} fields where {wanted} {width}; "
                "put quotes around a field that holds the separator",
                fields,
            )
        else:
            yield Row(place, dict(zip(keys, map(clean_value, fields), strict=True)), record.cells or fields)


def _open_binary(source: Source, binary: str, kind: str, wanted: Sequence[Column], header: bool) -> Table:
    notes = [] if kind in BINARY_KINDS else [f"a {binary} file"]
    if binary == ".parquet":
        schema, objects = parquet_rows(source.content, source.name)
        first = list(itertools.islice(objects, SAMPLE_ROWS))
        rows = _object_rows(map(JsonObject, itertools.chain(first, objects)), source.name)
        sample = [_values(record) for record in first]
        return Table(source.name, binary, schema.names, rows, sample, notes=notes, schema=schema)
    about, cell_rows = sheet_rows(source.content, source.name)
    records = (
        Record([as_text(cell) for cell in cells], number, cells=list(cells))
        for number, cells in enumerate(cell_rows, 1)
        if any(cell is not None for cell in cells)
    )
    first_records = list(itertools.islice(records, SAMPLE_ROWS))
    layout = layout_of_records([record.fields for record in first_records], wanted, header)
    rows = _record_rows(_below_header(itertools.chain(first_records, records), layout.dialect), layout, source.name)
    return Table(
        source.name,
        binary,
        layout.names,
        rows,
        layout.sample_values(unique(layout.names)),
        layout.dialect,
        [*notes, *about, *layout.notes],
    )


def choose_columns(table: Table, wanted: Sequence[Column], by_sight: bool = False) -> dict[str, str]:
    """The names in a table of the columns that are wanted.

    Args:
        table: the table.
        wanted: the columns.
        by_sight: whether the only column that looks right may stand for one that is not there, if no name was given;
            in a table without a header it may.
    Raises:
        InputError: one is not there, or is there twice; or the file is empty.
    """
    if not any(table.names) and not table.sample and table.is_fixed() and table.form != DATA_FRAME:
        raise InputError(f"{table.name}: empty file; the first line must name the columns")
    return {column.name: _choose(table, column, by_sight) for column in wanted}


def _find(table: Table, column: Column) -> int | None:
    try:
        return find_column(table.names, column)
    except InputError as error:
        raise InputError(f"{table.name}: {error}") from None


def _choose(table: Table, column: Column, by_sight: bool) -> str:
    place = _find(table, column)
    by_content_too = not column.given and (by_sight or not table.dialect.has_header)
    if place is None and by_content_too:
        columns = [[values.get(name, "") for values in table.sample] for name in table.keys]
        place = by_content(columns, column.kind)
        what = {TEXT: "texts", RATING: "ratings"}.get(column.kind, "values")
        if place is not None:
            if table.names[place]:
                _find(table, replace(column, name=table.names[place]))  # refuses a name that two columns have
            table.notes.append(f"{what} in column {excerpt(table.names[place])}")
    elif place is not None and table.names[place] != column.name:
        table.notes.append(f"column {excerpt(table.names[place])} taken as {excerpt(column.name)}")
    if place is not None:
        return table.keys[place]
    if not table.is_fixed() and (not by_sight or not table.sample or any(_is_in(row, column) for row in table.sample)):
        return column.name  # each row has its own keys
    raise InputError(_not_found(table, column, by_content_too))


def _not_found(table: Table, column: Column, by_content_too: bool) -> str:
    """Say why a column was not found: no rows, a row that cannot be read, or else what the columns are.

    Args:
        table: the table; its first rows are read.
        column: that is wanted.
        by_content_too: whether its values were looked for, among the rows of the sample.
    """
    # The sample lacks rows that cannot be read; of a header that cannot, a table seems to have none but a first row.
    looked_at = len(table.sample) + 1 if by_content_too else int(not table.dialect.has_header)
    first = list(itertools.islice(table.rows, looked_at))
    if by_content_too and not first:
        return no_rows(table)
    problem = f"{missing_column(table.names, column)}{_about_header(table)}"
    bad = next((row for row in first if isinstance(row, BadRow)), None)
    return f"{bad.message}; also {problem}" if bad else f"{table.name}: {problem}"


def no_rows(table: Table) -> str:
    """Say that a table has no rows."""
    where = " below the header" if table.is_fixed() else ""
    return f"{table.name}: no rows{where}; give a file with data{_about_header(table)}"


def _is_in(values: Mapping[str, str], column: Column) -> bool:
    """Whether an object may hold a column, in an object within it."""
    return "." in column.name and column.name.split(".")[0] in values


def _about_header(table: Table) -> str:
    if table.form != CSV:
        return ""
    if not table.dialect.has_header:
        return f" {min(2, len(table.names))}, say; the file has no header, so its columns are numbered"
    return "; if the first line is a row, add --no-header"


def pick(row: Row, column: Column, name: str) -> str | BadRow:
    """The value of a column in a row.

    Args:
        row: the row.
        column: that is wanted.
        name: what it is called in the table; of JSON, dots lead into objects within objects.
    """
    if name in getattr(row.record, "repeated", ()):
        return BadRow(f"{row.place}: two values of {excerpt(name)} in one object; leave one", row.record)
    if name in row.values:
        written = row.record.get(name) if isinstance(row.record, Mapping) else None
        if isinstance(written, bytes) and (problem := undecodable(row.values[name], "write texts, not bytes")):
            return BadRow(f"{row.place}: {problem}", row.record)
        return row.values[name]
    inner: Any = row.record
    for part in name.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    if inner is not None:
        return as_text(inner)
    if name != column.name:
        return BadRow(f"{row.place}: no {excerpt(name)} in this row", row.record)
    return BadRow(f"{row.place}: {missing_column(list(row.values), column)}", row.record)
