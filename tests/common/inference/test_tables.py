"""Answers beside the rows of a DataFrame."""

from __future__ import annotations

import pandas as pd
import pytest

from common.errors import InputError
from common.inference.tables import answer_frame, find_text_column

FRAME = pd.DataFrame({"id": [7, 8, 9], "note": ["n"] * 3, "text": ["so good", None, " "]}, index=["x", "y", "z"])


def answer(frame, column=None, usual=("review", "text"), values=lambda found: {"id": found, "length": len(found)}):
    asked = []

    def shout(texts):
        asked.append(texts)
        return [text.upper() for text in texts]

    return answer_frame(frame, column, usual, shout, values), asked


def test_every_row_comes_back_with_its_answer_or_why_there_is_none():
    before = FRAME.copy()
    found, asked = answer(FRAME)
    assert asked == [["so good"]]
    assert list(found.columns) == ["id", "note", "text", "id_predicted", "length", "note_predicted"]
    assert list(found.index) == ["x", "y", "z"]
    assert found["id_predicted"].tolist()[0] == "SO GOOD"
    assert found["id_predicted"].isna().tolist() == [False, True, True]
    assert found["note_predicted"].tolist() == ["", "empty text", "empty text"]
    pd.testing.assert_frame_equal(FRAME, before)


def test_columns_that_only_some_answers_have():
    frame = pd.DataFrame({"text": ["a", "b"]})
    found, _ = answer(frame, values=lambda found: {"A": {"one": 1}, "B": {"two": 2}}[found])
    assert found.fillna(0).to_dict("list") == {"text": ["a", "b"], "one": [1, 0], "two": [0, 2], "note": ["", ""]}


def test_without_a_text_nothing_is_asked():
    found, asked = answer(FRAME.iloc[1:])
    assert asked == []
    assert list(found.columns) == ["id", "note", "text", "note_predicted"]


def test_the_column_of_the_texts():
    assert find_text_column(FRAME, None, ("review", "text")) == 2
    assert find_text_column(FRAME, "2", ("text",)) == 1
    assert find_text_column(FRAME, "note", ("text",)) == 1
    opinions = pd.DataFrame({"id": [1, 2], "opinion": ["It arrived late and broken.", "So good and so well made."]})
    assert find_text_column(opinions, None, ("text",)) == 1
    late = pd.DataFrame({"id": range(201), "opinion": ["x"] * 200 + ["So good and so well made."]})
    for column, names in ((None, ("text",)), ("nothing", ("text",))):
        with pytest.raises(
            InputError, match=r"the table: no column '(text|nothing)'; the columns there are: id, opinion"
        ):
            find_text_column(late, column, names)
    early = pd.DataFrame({"id": range(201), "opinion": ["x"] * 199 + ["So good."] + ["x"]})
    assert find_text_column(early, None, ("text",)) == 1
