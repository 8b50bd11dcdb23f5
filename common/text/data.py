"""Examples from a file, a DataFrame or a list, and texts to answer: one way in for the commands and the Python API."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from common.errors import InputError, as_written
from common.text.readers import BadRow, read_rows

if TYPE_CHECKING:
    import pandas

# A file; a table with named columns; a list of rows, each a dict by column or a tuple in the order of the columns.
Data: TypeAlias = "str | os.PathLike[str] | pandas.DataFrame | Sequence[Any]"


def path_of(data: Data | None) -> Path | None:
    """The file that the data are in, if they are in one."""
    return Path(data) if isinstance(data, str | os.PathLike) else None


def name_of(data: Data) -> str:
    """What to call the data: the name of their file, or what they are.

    >>> name_of("runs/train.csv"), name_of([("Good.", 9)])
    ('train.csv', 'list of 1 rows')
    """
    path = path_of(data)
    return path.name if path else f"{type(data).__name__} of {len(data):,} rows"  # type: ignore[arg-type]


def read_data(data: Data, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]] | BadRow]:
    """Read rows with named columns; every value becomes a text, a missing one an empty text.

    Args:
        data: a CSV, TSV or JSON lines file; a DataFrame; or a list of dicts, or of tuples in the order of `columns`
            (of texts, if one column is wanted).
        columns: names that must be there.
    Yields:
        `(place, row)`, or a BadRow.
    Raises:
        InputError: there are no rows, or a column is missing.

    >>> list(read_data([("Good.", 9)], ["review", "rating"]))
    [('row 1', {'review': 'Good.', 'rating': '9'})]
    """
    path = path_of(data)
    if path is not None:
        yield from read_rows(path, columns)
        return
    number = 0
    for number, values in enumerate(_rows(data, columns), 1):
        place = f"row {number}"
        if missing := [name for name in columns if name not in values]:
            there = ", ".join(map(str, values)) or "none"
            yield BadRow(f"{place}: no column {missing[0]!r}; the columns there are: {there}")
        else:
            yield place, {str(name): as_text(value) for name, value in values.items()}
    if not number:
        raise InputError("the data have no rows; give at least one")


def _rows(data: Any, columns: Sequence[str]) -> Iterator[Mapping[Any, Any]]:
    """The rows of a DataFrame or a list, as dicts."""
    if hasattr(data, "columns"):
        if repeated := [name for name in columns if list(data.columns).count(name) > 1]:
            raise InputError(f"the table has two columns {repeated[0]!r}; rename one of them")
        for values in data.itertuples(index=False, name=None):
            yield dict(zip(data.columns, values, strict=True))
        return
    if not isinstance(data, Iterable):
        raise InputError(f"found {as_written(data)} as data, wanted a file, a DataFrame or a list of rows")
    for number, row in enumerate(data, 1):
        values = (row,) if isinstance(row, str) else row
        if isinstance(values, Mapping):
            yield values
        elif not isinstance(values, Sequence) or len(values) != len(columns):
            wanted = ", ".join(columns)
            raise InputError(f"row {number}: found {as_written(row)}, wanted {len(columns)} values: {wanted}")
        else:
            yield dict(zip(columns, values, strict=True))


def as_text(value: Any) -> str:
    """A value of a table as text; what is missing there (None, NaN, NA) is empty."""
    if isinstance(value, str):
        return value
    missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    return "" if missing or (isinstance(value, float) and math.isnan(value)) else str(value)


def as_texts(texts: str | Iterable[str]) -> list[str]:
    """The texts to answer: one string is one text.

    Args:
        texts: a string; or a list, tuple, Series, array or any other iterable of strings.
    Raises:
        InputError: something in it is not a string.

    >>> as_texts("So good."), as_texts(("So", "good."))
    (['So good.'], ['So', 'good.'])
    """
    if isinstance(texts, str):
        return [texts]
    if hasattr(texts, "columns"):
        columns = ", ".join(map(str, texts.columns))
        raise InputError(f"found a table, wanted texts; give one of its columns: {columns}")
    if isinstance(texts, bytes | Mapping) or not isinstance(texts, Iterable):
        raise InputError(f"found {as_written(texts)}, wanted a string or a list of strings")
    result = list(texts)
    for number, text in enumerate(result, 1):
        if not isinstance(text, str):
            raise InputError(f"text {number}: found {as_written(text)}, wanted a string")
    return [str(text) for text in result]  # NumPy has strings of its own
