"""One way in for files, tables and lists; texts to answer in every form."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from common.bundles.provenance import describe_data
from common.errors import InputError
from common.text.data import as_texts, name_of, read_data
from common.text.readers import require_good

ROWS = [("Good.", 9), ("Bad, bad.", 2.5)]
COLUMNS = ["review", "rating"]


def read(data, columns=COLUMNS):
    return list(require_good(read_data(data, columns)))


def test_a_file_a_table_and_lists_hold_the_same(tmp_path):
    (tmp_path / "a.csv").write_text('review,rating\nGood.,9\n"Bad, bad.",2.5\n')
    wanted = [{"review": "Good.", "rating": "9"}, {"review": "Bad, bad.", "rating": "2.5"}]
    forms = [
        tmp_path / "a.csv",
        str(tmp_path / "a.csv"),
        pd.DataFrame(ROWS, columns=COLUMNS, dtype=object),
        ROWS,
        [list(row) for row in ROWS],
        [dict(zip(COLUMNS, row, strict=True)) for row in ROWS],
    ]
    for form in forms:
        assert [row for _, row in read(form)] == wanted
    assert [place for place, _ in read(ROWS)] == ["row 1", "row 2"]


def test_what_is_missing_is_empty_and_other_columns_come_along():
    table = pd.DataFrame({"review": ["a", None, np.nan, pd.NA], "other": [1, 2, 3, 4]}, dtype=object)
    assert [row for _, row in read(table, ["review"])] == [
        {"review": text, "other": number} for text, number in zip(["a", "", "", ""], "1234", strict=True)
    ]
    assert read(["a", "b"], ["text"]) == [("row 1", {"text": "a"}), ("row 2", {"text": "b"})]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no rows"),
        (pd.DataFrame({"review": [], "rating": []}), "no rows"),
        (pd.DataFrame({"text": ["a"]}), "the data: no column 'review'; the columns there are: text"),
        (
            pd.DataFrame([["a", "b"]], columns=["review", "review"]),
            "two columns are named 'review': 1 and 2; choose one by its number",
        ),
        ([("a",)], r"row 1: found \('a',\), wanted 2 values: review, rating"),
        ([("a", 1), 7], "row 2: found 7, wanted 2 values"),
        ([{"review": "a"}], "no column 'rating'"),
        (7, "found 7 as data"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(data, message):
    with pytest.raises(InputError, match=message):
        read(data)


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b c"], ("a", "b c"), pd.Series(["a", "b c"]), np.array(["a", "b c"]), iter(["a", "b c"]),
        np.array(["a", "b c"], dtype=object), {"a": 1, "b c": 2}.keys(), pd.Index(["a", "b c"]),
    ],
)  # fmt: skip
def test_texts_in_every_form(texts):
    found = as_texts(texts)
    assert found == ["a", "b c"]
    assert {type(text) for text in found} == {str}


def test_one_string_is_one_text():
    assert as_texts("two words") == ["two words"]
    assert as_texts("") == [""]
    assert as_texts([]) == []


@pytest.mark.parametrize("bad", [None, math.nan, pd.NA, 3, ["b"], ("b",), b"b", np.array(["b"])])
def test_what_is_no_string_is_named(bad):
    with pytest.raises(InputError, match=r"text 2: found .*, wanted a string"):
        as_texts(["a", bad])


def test_a_table_is_no_list_of_its_column_names():
    with pytest.raises(InputError, match="found a table, wanted texts; give one of its columns: order, comment"):
        as_texts(pd.DataFrame({"order": [1], "comment": ["a"]}))


@pytest.mark.parametrize("bad", [None, 3, b"bytes", {"a": 1}, math.nan])
def test_what_is_no_list_of_strings_is_named(bad):
    with pytest.raises(InputError, match="wanted a string or a list of strings"):
        as_texts(bad)


def test_data_are_described_by_name_and_content(tmp_path):
    assert name_of(ROWS) == "list of 2 rows"
    assert describe_data(ROWS) == describe_data(list(ROWS)) != describe_data(ROWS[::-1])
    assert describe_data(pd.DataFrame(ROWS))["file"] == "DataFrame of 2 rows"
    (tmp_path / "a.csv").write_text("review\na\n")
    assert describe_data(tmp_path / "a.csv")["file"] == "a.csv"
