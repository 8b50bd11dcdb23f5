"""Rows of JSON: lines, arrays, pretty-printed or concatenated objects, and objects as Python prints them.

Nothing but one row is held at a time, however long an array is.
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import IO, Any

from common.errors import excerpt
from common.text.rows import MAX_ROW, BadRow, TooLong, bounded_lines, undecodable

LINES, ITEMS, COLUMNS = "lines", "items", "columns"  # a row a line; rows wherever they begin; a column at a time
MOST_COLUMNS_TEXT = 64_000_000  # characters of a file that is written a column at a time, and so is held whole
BLOCK = 1 << 16  # characters
SAMPLE = 50  # rows
STARTS = re.compile(r"""\s*(?:\[\s*)?\{\s*(?:["'}]|u["'])""")
LIST_OF_ROWS = re.compile(r"""\s*\[\s*(?:\{|\])""")
WRAPPED = re.compile(r"""\s*\{\s*"[^"\\]*"\s*:\s*\[\s*\{""")  # {"reviews": [{…
BY_COLUMN = re.compile(r"""\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{\s*"0"\s*:""")  # {"review": {"0": …, as pandas writes it
OUTSIDE = re.compile(r"""["'{}\[\],]""")
INSIDE = {quote: re.compile(rf"[\\\n{quote}]") for quote in "\"'"}
NO_OBJECT = "where an object {…} is wanted; write one object a line"


class JsonObject(dict[str, Any]):
    """An object; `repeated` are the keys that stand in it twice."""

    repeated: tuple[str, ...] = ()


def _make_object(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = JsonObject(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        found.repeated = tuple(dict.fromkeys(key for key in keys if keys.count(key) > 1))
    return found


def looks_like_json(head: str) -> bool:
    """Whether a file begins with an object, or with a list of objects."""
    return STARTS.match(head) is not None


def find_arrangement(head: str) -> tuple[str, list[str]]:
    """Whether each row is a line, or rows begin and end anywhere; and what to tell about it."""
    if LIST_OF_ROWS.match(head):
        return ITEMS, ["a JSON array"]
    if BY_COLUMN.match(head):
        return COLUMNS, ["JSON by columns"]
    lines = [line for line in head.splitlines()[:20] if line.strip()]
    alone = [isinstance(_parse(line), dict) for line in lines[: len(lines) if len(lines) < 2 else -1] or lines]
    if WRAPPED.match(head) and (len(lines) == 1 or not alone[0]):
        return ITEMS, ["JSON objects within an object"]
    loose = ["objects as Python prints them"] if any(map(_is_loose, lines[:1])) else []
    if any(alone) or not lines or not lines[0].lstrip().startswith("{"):
        return LINES, loose
    return ITEMS, ["JSON objects over several lines", *loose]


def _is_loose(line: str) -> bool:
    return re.match(r"\s*\{\s*u?'", line) is not None


def _parse(text: str) -> Any:
    """A JSON value, or what Python prints of a dict.

    Raises:
        ValueError: it is neither.
    """
    try:
        return parse(text)
    except ValueError:
        return None


def parse(text: str) -> Any:
    """Parse JSON, or a dict as Python prints it.

    Raises:
        ValueError: it is neither.

    >>> parse('{"a": [1]}'), parse("{'a': True, u'b': None}")
    ({'a': [1]}, {'a': True, 'b': None})
    """
    try:
        return json.loads(text, object_pairs_hook=_make_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        if not _is_loose(text):
            raise
        problem = error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python will not know for ever
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise ValueError(str(problem)) from None


def read_objects(file: IO[str], arrangement: str) -> Iterator[JsonObject | BadRow]:
    """Read the rows of a JSON file; what is no object is a BadRow without a place."""
    if arrangement == COLUMNS:
        yield from _read_by_column(file.read(MOST_COLUMNS_TEXT + 1))
        return
    texts = bounded_lines(file) if arrangement == LINES else split_items(iter(lambda: file.read(BLOCK), ""))
    for text in texts:
        if isinstance(text, TooLong):
            yield BadRow(text.message)
        elif text.strip():
            yield _read_object(text)


def sample_objects(head: str, arrangement: str) -> list[JsonObject]:
    """The first objects of a file, of which the beginning is given."""
    if arrangement == COLUMNS:
        return []
    found = itertools.islice(read_objects(io.StringIO(head, newline=""), arrangement), SAMPLE)
    return [record for record in found if isinstance(record, dict)]


def _read_object(text: str) -> JsonObject | BadRow:
    raw = text.strip()
    if problem := undecodable(text):
        return BadRow(problem, raw)
    try:
        value = parse(text)
    except ValueError as error:
        return BadRow(f"not valid JSON ({error}); write one object a line", raw)
    if isinstance(value, dict):
        return value if isinstance(value, JsonObject) else _make_object([(str(k), v) for k, v in value.items()])
    return BadRow(f"found {excerpt(raw)} {NO_OBJECT}", raw)


def _read_by_column(text: str) -> Iterator[JsonObject | BadRow]:
    """The rows of an object of columns, each an object of values by row."""
    if len(text) > MOST_COLUMNS_TEXT:
        yield BadRow(f"JSON by columns of more than {MOST_COLUMNS_TEXT:,} characters; write one object a line")
        return
    table = _read_object(text)
    if isinstance(table, BadRow) or not all(isinstance(values, dict) for values in table.values()):
        yield table if isinstance(table, BadRow) else BadRow(f"found {excerpt(text.strip())} {NO_OBJECT}")
        return
    for key in dict.fromkeys(key for values in table.values() for key in values):
        yield _make_object([(name, values[key]) for name, values in table.items() if key in values])


def split_items(blocks: Iterable[str]) -> Iterator[str | TooLong]:
    """Split a text into its objects, those of a list one by one; a list of objects may stand in an object.

    >>> list(split_items(['[{"a": "]"}, {"b"', ': {}}]']))
    ['{"a": "]"}', '{"b": {}}']
    """
    return _Splitter().split(blocks)


BEHIND, BEFORE, AT = "behind", "before", "at"  # where a row ends: behind a sign, before it, or where the next begins


class _Splitter:
    """Walks over a text from sign to sign.

    JSON allows no raw line end within a string: one that has it is broken, and its row ends with the next brace.
    """

    def __init__(self) -> None:
        self.depth = self.base = 0  # brackets that are open; those around the rows
        self.quote = ""  # of the string that is open
        self.broken = self.over = False
        self.parts: list[str] = []  # of the row that is being read
        self.size = 0

    def split(self, blocks: Iterable[str]) -> Iterator[str | TooLong]:
        """The rows of a text that comes in blocks."""
        rest = ""
        for block in blocks:
            if self.over:
                continue
            text = rest + block
            start = place = self._unwrap(text)
            rest = ""
            while found := (INSIDE[self.quote] if self.quote else OUTSIDE).search(text, place):
                place = found.end()
                if found[0] == "\\":
                    if place == len(text):  # the sign behind it is in the next block
                        text, rest = text[:-1], "\\"
                        break
                    place += 1
                    continue
                where = self._step(found[0])
                if where:
                    self._gather(text[start : place if where == BEHIND else found.start()])
                    yield from self._finish()
                    start = found.start() if where == AT else place
                if self.over:
                    break
            if not self.over:
                self._gather(text[start:])
        self._gather(rest)
        yield from self._finish()

    def _unwrap(self, text: str) -> int:
        """Go to the list of rows within an object; returns where to begin."""
        if self.depth or self.base or self.parts or not (wrapped := WRAPPED.match(text)):
            return 0
        self.depth = self.base = 2
        return wrapped.end() - 1

    def _step(self, sign: str) -> str:
        """Go over one sign; returns where a row ends, "" if none does."""
        if self.quote:
            if sign in (self.quote, "\n"):
                self.quote, self.broken = "", sign == "\n"
            return ""
        if sign in "\"'":
            self.quote = sign
        elif self.broken and sign in "{}":
            self.broken, self.depth = False, self.base + (sign == "{")
            return AT if sign == "{" else BEHIND
        elif sign == "[" and self.depth == self.base == 0:
            self.depth = self.base = 1
            return BEFORE
        elif sign in "{[":
            self.depth += 1
        elif sign in "}]":
            return self._close()
        elif sign == "," and self.depth == self.base:
            return BEFORE
        return ""

    def _close(self) -> str:
        self.depth -= 1
        if self.depth < self.base:
            self.over = self.base == 2  # behind the list stand other parts of the object around it
            self.depth = self.base = 0
            return BEFORE
        return BEHIND if self.depth == self.base else ""

    def _gather(self, text: str) -> None:
        self.size += len(text)
        if self.size <= MAX_ROW:
            self.parts.append(text)

    def _finish(self) -> Iterator[str | TooLong]:
        """The row that has ended, if it is more than what stands between rows."""
        text, size = "".join(self.parts), self.size
        self.parts, self.size = [], 0
        if size > MAX_ROW:
            yield TooLong(f"{size:,} characters, the most is {MAX_ROW:,}; cut it into several")
        elif text.strip(" \t\r\n,"):
            yield text.strip(" \t\r\n,")
