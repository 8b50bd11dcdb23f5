"""Examples from a file, a DataFrame or a list, and texts to answer: one way in for the commands and the Python API."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from common.errors import InputError, as_written
from common.files import check_file
from common.progress import say
from common.text.binary_tables import is_saved_dataset, load_saved_dataset
from common.text.columns import Column, as_columns
from common.text.readers import pick_all, read_rows
from common.text.rows import BadRow, Row, as_text
from common.text.tables import DATA_FRAME, LIST, SAMPLE_ROWS, Reading, Table, choose_columns, unique

if TYPE_CHECKING:
    import pandas

# A file; a table with named columns, of pandas or of the package datasets; a list of rows, each a dict by column or a
# tuple in the order of the columns.
Data: TypeAlias = "str | os.PathLike[str] | pandas.DataFrame | Sequence[Any]"


def check_data(path: Path) -> None:
    """Raise an InputError that says why `path` cannot be read as data; nothing is opened."""
    if not is_saved_dataset(path):
        check_file(path)


def path_of(data: Data | None) -> Path | None:
    """The file that the data are in, if they are in one."""
    return Path(data) if isinstance(data, str | os.PathLike) else None


def name_of(data: Data) -> str:
    """What to call the data: the name of their file, or what they are.

    >>> name_of("runs/train.csv"), name_of([("Good.", 9)])
    ('train.csv', 'list of 1 rows')
    """
    path = path_of(data)
    if path:
        return path.name
    return f"{type(data).__name__} of {len(data):,} rows" if isinstance(data, Sized) else type(data).__name__


def read_data(
    data: Data, columns: Sequence[Column | str], reading: Reading | None = None
) -> Iterator[tuple[str, dict[str, str]] | BadRow]:
    """Read rows with named columns; every value becomes a text, a missing one an empty text.

    Args:
        data: a file, see `common.text.readers.read_rows`; a DataFrame; a data set of the package `datasets`, or the
            folder that its `save_to_disk` made; or a list of dicts, or of tuples in the order of `columns` (of texts,
            if one column is wanted).
        columns: names that must be there.
        reading: what a user says of the file.
    Yields:
        `(place, row)`, or a BadRow.
    Raises:
        InputError: there are no rows, or a column is missing.

    >>> list(read_data([("Good.", 9)], ["review", "rating"]))
    [('row 1', {'review': 'Good.', 'rating': '9'})]
    """
    path = path_of(data)
    if path is not None and not is_saved_dataset(path):
        yield from read_rows(path, columns, reading)
        return
    wanted = as_columns(columns)
    table = saved_table(path, wanted) if path else table_of(data, wanted)
    names = choose_columns(table, wanted)
    if table.notes:
        say(f"{table.name}: {', '.join(table.notes)}")
    number = 0
    for number, row in enumerate(table.rows, 1):  # noqa: B007  counted
        yield row if isinstance(row, BadRow) else pick_all(row, wanted, names)
    if not number:
        raise InputError("the data have no rows; give at least one")


def saved_table(path: Path, wanted: Sequence[Column] = ()) -> Table:
    """The table in a folder that `save_to_disk` of the package datasets made.

    Raises:
        InputError: the package is not installed, the folder is damaged, or holds several splits.
    """
    data = load_saved_dataset(path)
    if isinstance(data.column_names, Mapping):
        splits = list(map(str, data.column_names))
        raise InputError(f"{path}: several splits ({', '.join(splits)}); give the folder of one: {path / splits[0]}")
    return table_of(data, wanted, str(path))


def table_of(data: Any, wanted: Sequence[Column], name: str = "the data") -> Table:
    """A DataFrame, a data set or a list of rows as a table.

    Raises:
        InputError: it is something else.
    """
    if isinstance(getattr(data, "column_names", None), Mapping):
        splits = ", ".join(map(str, data.column_names))
        raise InputError(f"{name}: several splits ({splits}); give one of them, data['train'] say")
    names = getattr(data, "columns", getattr(data, "column_names", None))
    if names is not None:
        names = [str(column) for column in names]
        rows = _table_rows(data, names)
        first = list(itertools.islice(rows, SAMPLE_ROWS))
        sample = [row.values for row in first]
        return Table(name, DATA_FRAME, names, itertools.chain(first, rows), sample)
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise InputError(f"found {as_written(data)} as data, wanted a file, a DataFrame or a list of rows")
    return Table(name, LIST, [], _list_rows(data, [column.name for column in wanted]))


def _table_rows(data: Any, names: Sequence[str]) -> Iterator[Row]:
    keys = unique(names)
    for number, values in enumerate(_values_of(data), 1):
        yield Row(f"row {number}", dict(zip(keys, map(as_text, values), strict=True)), values)


def _values_of(data: Any) -> Iterator[list[Any]]:
    """The values of the rows of a DataFrame or a data set; a data set's class labels by their names."""
    if hasattr(data, "itertuples"):
        yield from map(list, data.itertuples(index=False, name=None))
        return
    features = getattr(data, "features", None) or {}
    labels = [_label_names(features.get(name)) for name in data.column_names]
    for row in data:
        yield [_named(value, names) for value, names in zip(row.values(), labels, strict=True)]


def _label_names(feature: Any) -> Sequence[str] | None:
    """The names of a class label, or of those in a list, of the package datasets; None for other columns."""
    return getattr(getattr(feature, "feature", feature), "names", None)


def _named(value: Any, names: Sequence[str] | None) -> Any:
    """A class label, or each of a list, by its name; a missing one, which is negative, is None."""
    if names is None or value is None:
        return value
    if isinstance(value, list):
        return [_named(label, names) for label in value]
    return names[value] if value >= 0 else None


def _list_rows(data: Iterable[Any], columns: Sequence[str]) -> Iterator[Row]:
    for number, row in enumerate(data, 1):
        values = (row,) if isinstance(row, str) else row
        if not isinstance(values, Mapping):
            if not isinstance(values, Sequence) or len(values) != len(columns):
                wanted = ", ".join(columns)
                raise InputError(f"row {number}: found {as_written(row)}, wanted {len(columns)} values: {wanted}")
            values = dict(zip(columns, values, strict=True))
        yield Row(f"row {number}", {str(name): as_text(value) for name, value in values.items()}, values)


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
