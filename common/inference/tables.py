"""Answers joined with the rows of a DataFrame: its rows, index and columns, and those of the answers beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.text.columns import first_there, free_name, missing_column, text_columns
from common.text.data import table_of
from common.text.rows import Row, as_text
from common.text.tables import choose_columns

if TYPE_CHECKING:
    import pandas

NOTE = "note"
SAMPLE = 200  # rows in which texts are looked for


def answer_frame(
    frame: pandas.DataFrame,
    column: str | None,
    usual: Sequence[str],
    answer: Callable[[list[str]], Sequence[Any]],
    values: Callable[[Any], Mapping[str, Any]],
) -> pandas.DataFrame:
    """Answer to the texts of a column.

    Args:
        frame: the table; it is not changed.
        column: of the texts; None: the first of `usual` that is there, or the only one that can be it.
        usual: names that the column mostly has.
        answer: takes some texts and gives an answer to each.
        values: the values of an answer, by column; no name of `frame` is taken twice: `rating` becomes
            `rating_predicted`.
    Returns:
        A new table with the same index; a row without a text has missing values and a `note`.
    Raises:
        InputError: there is no such column.
    """
    name = find_text_column(frame, column, usual)
    texts = [as_text(value) for value in frame.iloc[:, name]]
    places = [place for place, text in enumerate(texts) if text.strip()]
    answers = [dict(values(found)) for found in answer([texts[place] for place in places])] if places else []
    result = frame.copy()
    names = list(dict.fromkeys(key for found in answers for key in found))
    for key in names:
        cells: list[Any] = [None] * len(texts)
        for place, found in zip(places, answers, strict=True):
            cells[place] = found.get(key)
        result[free_name(key, result)] = cells
    answered = set(places)
    result[free_name(NOTE, result)] = ["" if place in answered else "empty text" for place in range(len(texts))]
    return result


def find_text_column(frame: pandas.DataFrame, column: str | None, usual: Sequence[str]) -> int:
    """The place of the column of the texts."""
    names = [str(name) for name in frame.columns]
    wanted = first_there(text_columns(column, usual, "column="), names)
    table = table_of(frame, [wanted], "the table")
    table.sample = [row.values for row in table_of(frame.head(SAMPLE), [wanted]).rows if isinstance(row, Row)]
    chosen = choose_columns(table, [wanted], by_sight=True)[wanted.name]
    if chosen not in table.keys:
        raise InputError(f"the table: {missing_column(names, wanted)}")
    return table.keys.index(chosen)
