r"""Delimited tables, such as CSV: the dialect of a file found out from its first rows, then its rows one by one.

What differs between programs is the separator (`,` `;` tab `|`, or what a first line `sep=;` says), how a quote is
written within quotes (`""` or `\"`), spaces behind separators, line ends, and whether the first line names the columns.
A record that is wrong costs its own line, not those behind it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from common.text.columns import Column, looks_like_data, plain_name
from common.text.rows import MAX_ROW, TooLong

csv.field_size_limit(MAX_ROW)  # Python's own limit of 131,072 characters is shorter than long reviews
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
USUAL = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
SAMPLE_LINES, SAMPLE_ROWS, MOST_COLUMNS = 400, 200, 100
SEPARATOR_LINE = re.compile(r'\s*"?sep=(?P<separator>.)"?\s*', re.IGNORECASE)
ESCAPED = re.compile(r'\\(["\\])')
FORMULA = re.compile(r'="(.*)"', re.DOTALL)  # how Excel is told that digits are text
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{1,2}")
TITLE_LINES = 6  # above a header, at most


@dataclass(frozen=True)
class Dialect:
    """How a delimited table is written.

    Attributes:
        separator: between fields.
        quoted: whether fields may stand in quotes; where not, quotes are text.
        escaped: whether a quote within quotes is written with a backslash before it, rather than doubled.
        spaced: whether spaces follow the separators.
        single: the file has one column, and separators in it are text.
        decimal_comma: whether numbers have a comma as their decimal sign.
        skipped: lines above the table.
        titles: records above the header.
        has_header: whether the first line names the columns.
    """

    separator: str = ","
    quoted: bool = True
    escaped: bool = False
    spaced: bool = False
    single: bool = False
    decimal_comma: bool = False
    skipped: int = 0
    titles: int = 0
    has_header: bool = True


def _double_quotes(line: str) -> str:
    r"""Write escaped quotes as doubled ones.

    >>> _double_quotes(r'"They said \"fine\" \\ and\n",4')
    '"They said ""fine"" \\ and\\n",4'
    """
    return ESCAPED.sub(lambda match: '""' if match[1] == '"' else "\\", line)


@dataclass(frozen=True, slots=True)
class Record:
    """Fields of one record; `problem` says what is wrong with them, if anything is; `cells` are those of a sheet."""

    fields: list[str]
    line: int
    problem: str = ""
    cells: list[Any] | None = None


class _GiveUp(Exception):
    """The record that is being read cannot be one."""


class _Lines:
    """The lines of a table for the reader of the standard library; those of a wrong record are given out again."""

    def __init__(self, lines: Iterable[str | TooLong]) -> None:
        self.lines = iter(lines)
        self.again: deque[tuple[int, str | TooLong]] = deque()
        self.held: list[tuple[int, str | TooLong]] = []  # lines of the record that is being read
        self.size = self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.again:
            number, line = self.again.popleft()
        else:
            line = next(self.lines)
            number = self.number = self.number + 1
        self.held.append((number, line))
        if isinstance(line, TooLong):
            raise _GiveUp(line.message)
        self.size += len(line)
        if self.size > MAX_ROW:
            raise _GiveUp(f"a row of more than {MAX_ROW:,} characters; cut its text, or check its quotes")
        return line

    def begin(self) -> None:
        """Begin a record."""
        self.held, self.size = [], 0

    def first(self) -> str:
        """The first line of the record, "" if it is too long."""
        line = self.held[0][1]
        return "" if isinstance(line, TooLong) else line.rstrip("\r\n")

    def give_up(self) -> None:
        """Have all lines of the record but the first read again."""
        self.again.extendleft(reversed(self.held[1:]))


def read_records(lines: Iterable[str | TooLong], dialect: Dialect) -> Iterator[Record]:
    """Read the records of a table, header included, blank lines left out.

    Of a record that is wrong the first line is given up, and the lines behind it are read anew.
    """
    given = _Lines(lines)
    reader = csv.reader(
        map(_double_quotes, given) if dialect.escaped else given,
        delimiter=dialect.separator,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        skipinitialspace=dialect.spaced,
        strict=True,
    )
    while True:
        given.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _GiveUp) as error:
            problem = str(error) if isinstance(error, _GiveUp) else f"not valid CSV ({error}); check the quotes"
            yield Record(_rough_fields(given.first(), dialect), given.held[0][0], problem)
            given.give_up()
            continue
        if dialect.single and len(fields) > 1:
            yield Record([given.first()], given.held[0][0])
        elif fields:
            yield Record(fields, given.held[0][0])


def _rough_fields(line: str, dialect: Dialect) -> list[str]:
    """The fields of a line that cannot be parsed, as well as they can be told."""
    return line.split(dialect.separator)


# -- The dialect of a file ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """What the beginning of a file shows: its dialect, the names of its columns, some rows, what to tell about it."""

    dialect: Dialect
    names: list[str]
    sample: list[list[str]]
    notes: list[str]

    def sample_values(self, keys: Sequence[str]) -> list[Mapping[str, str]]:
        """The values of some rows, by column."""
        return [dict(zip(keys, record, strict=False)) for record in self.sample]


def find_layout(head: str, kind: str, wanted: Sequence[Column], has_header: bool = True) -> Layout:
    """Find out how a delimited table is written.

    Args:
        head: the beginning of the file; its last line may be incomplete.
        kind: the ending of its name.
        wanted: columns that are looked for; a header that names them is evidence.
        has_header: False: the first line is a row; True: it names the columns, unless it is certainly a row.
    """
    lines = io.StringIO(head, newline="").readlines()[:SAMPLE_LINES]
    if len(lines) > 1 and lines[-1][-1:] not in "\r\n":
        lines.pop()
    stated = SEPARATOR_LINE.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    usual = USUAL.get(kind, ",")
    if stated:
        dialect = _find_quoting(lines[1:], Dialect(stated["separator"], skipped=1))
    else:
        separators = [usual, *(separator for separator in SEPARATORS if separator != usual)]
        found = [_find_quoting(lines, Dialect(separator)) for separator in separators]
        dialect = max(found, key=lambda each: (_evidence(lines, each, wanted), each.separator == usual))
    records = _sample(lines[dialect.skipped :], dialect)
    dialect, records = _find_header(dialect, records, wanted, has_header)
    names, sample = _split_header(dialect, records)
    if len(names) == 1 and any(len(record) > 1 and any(map(str.strip, record[1:])) for record in sample):
        dialect = replace(dialect, single=True)
        sample = _sample(lines[dialect.skipped :], dialect)[dialect.has_header :]
    dialect = replace(dialect, decimal_comma=_has_decimal_commas(names, sample))
    return Layout(dialect, names, sample, _notes(dialect, usual, stated is not None, has_header))


def layout_of_records(records: list[list[str]], wanted: Sequence[Column], has_header: bool = True) -> Layout:
    """The same of a spreadsheet, of which the first records are given."""
    dialect, records = _find_header(Dialect(), records, wanted, has_header)
    names, sample = _split_header(dialect, records)
    return Layout(dialect, names, sample, _notes(dialect, ",", False, has_header))


def _sample(lines: Iterable[str], dialect: Dialect) -> list[list[str]]:
    """The fields of the first records that are right."""
    records = []
    for record in read_records(lines, dialect):
        if not record.problem:
            records.append(record.fields)
        if len(records) == SAMPLE_ROWS:
            break
    return records


def _find_quoting(lines: Sequence[str], dialect: Dialect) -> Dialect:
    """Choose how quotes are written, by what leaves the fewest records wrong."""
    if dialect.separator == "\t":
        return replace(dialect, quoted=_tabs_are_quoted(lines, dialect))
    text = "".join(lines)
    ways = [dialect]
    if '\\"' in text:
        ways.append(replace(dialect, escaped=True))
    if re.search(rf'(?:^|{re.escape(dialect.separator)})[ \xa0]+"', text, re.MULTILINE):
        ways += [replace(way, spaced=True) for way in ways]
    return min(ways, key=lambda way: _num_wrong(lines, way)) if len(ways) > 1 else dialect


def _num_wrong(lines: Sequence[str], dialect: Dialect) -> int:
    """Records that cannot be read, that have another number of fields than most, or quotes behind spaces."""
    records = list(read_records(lines, dialect))
    widths = [_width(record.fields) for record in records if not record.problem]
    common = max(set(widths), key=widths.count, default=0)
    wrong = sum(record.problem != "" or _width(record.fields) != common for record in records)
    return wrong + sum(any(_is_behind_spaces(field) for field in record.fields) for record in records)


def _is_behind_spaces(field: str) -> bool:
    return field[:1] in " \xa0" and field.lstrip()[:1] == '"'


def _width(fields: Sequence[str]) -> int:
    """The number of fields, empty ones at the end left aside."""
    width = len(fields)
    while width > 1 and not fields[width - 1].strip():
        width -= 1
    return width


def _tabs_are_quoted(lines: Sequence[str], dialect: Dialect) -> bool:
    """Whether quotes between tabs are more than text: programs share no rule, so only where all of it fits."""
    if not any('"' in line for line in lines):
        return False
    records = list(read_records(lines, dialect))
    if any(record.problem for record in records[:-1]) or not records:
        return False
    header = lines[0].strip("\r\n").split("\t")
    if all(len(name) > 1 and name[0] == name[-1] == '"' for name in header):
        return True
    return len({_width(record.fields) for record in records}) == 1 and (
        any('"' in field or "\n" in field or "\t" in field for record in records for field in record.fields)
        and all(field[:1] != '"' for record in records for field in record.fields)
        and len(records) > 1
    )


def _evidence(lines: Sequence[str], dialect: Dialect, wanted: Sequence[Column]) -> tuple[float, ...]:
    """How much speaks for a separator: wanted columns in a header, then records with as many fields as most."""
    records = _sample(lines, dialect)
    headers = [{field.strip() for field in record} for record in records[:TITLE_LINES]]
    named = max((sum(column.name in header for column in wanted) for header in headers), default=0)
    plain = [{plain_name(name) for name in header} for header in headers]
    nearly = max((sum(plain_name(column.name) in header for column in wanted) for header in plain), default=0)
    widths = [_width(record) for record in records]
    common = max(set(widths), key=widths.count, default=1)
    share = sum(width == common for width in widths) / len(widths) if common > 1 else 0.0
    return (float(named), float(nearly), round(share, 1) if share >= 0.7 else 0.0, min(common, 50) if share else 0)


def _find_header(
    dialect: Dialect, records: list[list[str]], wanted: Sequence[Column], has_header: bool
) -> tuple[Dialect, list[list[str]]]:
    """Find the record that names the columns; above it may stand a title. There may be none."""
    if not has_header:
        return replace(dialect, has_header=False), records
    names = [set(map(clean_name, record)) for record in records[:TITLE_LINES]]
    titles = next((i for i, header in enumerate(names) if any(column.name in header for column in wanted)), 0)
    if titles:
        return replace(dialect, titles=titles), records[titles:]
    if any(column.name in header for column in wanted for header in names[:1]):
        return dialect, records
    plain = {plain_name(field) for field in (records or [[]])[0]}
    unnamed = not any(plain_name(column.name) in plain for column in wanted)
    if records and unnamed and looks_like_data(records[0], records[1:]):
        return replace(dialect, has_header=False), records
    return dialect, records


def _split_header(dialect: Dialect, records: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the records below them."""
    if not dialect.has_header:
        width = max(map(_width, records), default=0)
        return [str(number) for number in range(1, width + 1)], records
    if not records:
        return [], []
    return [clean_name(field) for field in records[0]], records[1:]


def clean_name(field: str) -> str:
    """The name of a column without what nobody sees."""
    return field.replace("\ufeff", "").replace("\u200b", "").strip().strip('"').strip()


def clean_value(field: str) -> str:
    """A value without the formula that tells Excel that digits are text.

    >>> clean_value('="0123"'), clean_value("a = b")
    ('0123', 'a = b')
    """
    if field[:2] == '="' and (match := FORMULA.fullmatch(field)):
        return match[1].replace('""', '"')
    return field


def _has_decimal_commas(names: Sequence[str], sample: Sequence[Sequence[str]]) -> bool:
    """Whether a column has numbers such as 4,5 alone."""
    for place in range(min(len(names), MOST_COLUMNS)):
        values = [record[place].strip() for record in sample if place < len(record) and record[place].strip()]
        commas = sum(DECIMAL_COMMA.fullmatch(value) is not None for value in values)
        if commas and commas + sum(map(str.isdecimal, values)) == len(values):
            return True
    return False


def _notes(dialect: Dialect, usual: str, stated: bool, has_header: bool) -> list[str]:
    """What differs from a plain file of that name."""
    notes = []
    if stated or dialect.separator != usual:
        name = SEPARATORS.get(dialect.separator, repr(dialect.separator))
        notes.append(f"{name} between fields{', as its first line says' if stated else ''}")
    if dialect.titles:
        notes.append(f"the header is row {dialect.titles + 1}")
    if dialect.decimal_comma:
        notes.append("decimal commas")
    if dialect.escaped:
        notes.append("quotes escaped by backslashes")
    if dialect.single:
        notes.append("one column, in which separators are text")
    if has_header and not dialect.has_header:
        notes.append("no header: columns are numbered")
    return notes
