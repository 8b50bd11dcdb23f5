"""Which column is meant: names, numbers, near misses, and what values look like, at the edge of each rule."""

from __future__ import annotations

import pytest

from common.errors import InputError
from common.text.columns import (
    RATING,
    TEXT,
    Column,
    as_columns,
    by_content,
    find_column,
    first_there,
    free_name,
    looks_like_data,
    looks_like_ratings,
    looks_like_texts,
    missing_column,
    near_miss,
    plain_name,
    text_columns,
)


@pytest.mark.parametrize(
    ("names", "wanted", "place"),
    [
        (["a", "b"], Column("b"), 1),
        (["a", "b"], Column("1"), 0),
        (["a", "b"], Column("2"), 1),
        (["a", "b"], Column("0"), None),
        (["a", "b"], Column("3"), None),
        (["a", "1"], Column("1"), 1),
        (["a"] * 99_999, Column("99999"), 99_998),
        (["a"] * 100_000, Column("100000"), None),
        (["a", "Bs"], Column("b", given=False), None),
        (["a", "Review_Texts"], Column("review text", given=False), 1),
        (["a", "Review_Texts"], Column("review text"), None),
        (["Review", "REVIEW"], Column("review", given=False), None),
    ],
)
def test_the_place_of_a_column(names, wanted, place):
    assert find_column(names, wanted) == place


def test_two_columns_of_one_name_are_chosen_by_number():
    with pytest.raises(InputError, match="two columns are named 'b': 2 and 3; choose one by its number, such as --x 2"):
        find_column(["a", "b", "b"], Column("b", "--x"))


@pytest.mark.parametrize(
    ("name", "plain"), [("abs", "abs"), ("As_", "as"), ("Cats", "cat"), ("ratings!", "rating"), ("ß", "ss")]
)
def test_a_plain_name(name, plain):
    assert plain_name(name) == plain


def test_a_column_that_is_missing_is_said_with_those_there_are():
    names = [f"c{number}" for number in range(30)]
    assert missing_column(names, Column("text", "--x")) == (
        f"no column 'text'; the columns there are: {', '.join(names)}; choose with --x"
    )
    assert "c29 and 1,000 more; choose" in missing_column([*names, *["d"] * 1000], Column("text", "--x"))
    assert r"""there are: it's "b", c\d; choose""" in missing_column(["""it's "b\"""", r"c\d"], Column("text", "--x"))
    assert missing_column([], Column("text", "--x")) == "no column 'text'; the columns there are: none; choose with --x"


def test_a_near_miss():
    assert near_miss(["rating", "Ratings"], "RATING") == "rating"
    assert near_miss(["reviewtexts"], "reviewtxt") == "reviewtexts"
    assert near_miss(["abcdefghij"], "abcdefgh") == "abcdefghij"  # 16 of 18 letters
    assert near_miss(["abcd"], "abxy") is None
    assert near_miss([*["x"] * 999, "rating"], "Rating") == "rating"
    assert near_miss([*["x"] * 1000, "rating"], "Rating") is None


def test_candidates():
    usual = text_columns(None, ["review", "text"], "--x")
    assert [(each.name, each.option, each.kind, each.given) for each in usual] == [
        ("review", "--x", TEXT, False), ("text", "--x", TEXT, False)
    ]  # fmt: skip
    assert text_columns("body", ["review"], "--x") == [Column("body", "--x", TEXT, True)]
    assert first_there(usual, ["text", "review"]).name == "review"
    assert first_there(usual, ["other"]).name == "text"
    assert as_columns(["a", usual[0]]) == [Column("a", kind="other", given=True), usual[0]]
    assert free_name("note", {"note", "note_predicted"}) == "note_predicted_predicted"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["ab cd efghijkl"], False),  # 14 characters
        (["ab cd efghijklm"], True),
        (["abcdef hijklmno"], False),  # two words
        (["abcdefghijkl nopqrstuvwx"], False),  # 24 characters
        (["abcdefghijkl nopqrstuvwxy"], True),
        (["abcdefghijklmnopqrstuvwxyz"], False),  # one word
        (["好" * 8], True),
        (["好" * 7], False),
        (["", "  "], False),
        (["ab cd efghijklm", "", " "], True),
        (["ab cd efghijklmnop", "x y z"], False),  # 11.5 on average
    ],
)
def test_what_looks_like_texts(values, texts):
    assert looks_like_texts(values) is texts


@pytest.mark.parametrize(
    ("values", "ratings"),
    [
        (["4", "3,5", "+1", "-2", ".5", "4/5", "4 / 10", "80 %", " 7 "], True),
        (["4"] * 9 + ["a long word and another"], True),  # nine of ten
        (["4"] * 8 + ["a long word and another", "and one more of them"], False),
        (["good", "bad", "good", "bad"], True),
        ([" ", ""], False),
        ([str(number) for number in range(25)], True),
        ([str(number) for number in range(26)], False),
        ([str(number) for number in range(26)] * 2, True),
        ([chr(97 + number) for number in range(12)] * 2, True),
        ([chr(97 + number) for number in range(13)] * 2, False),
        (["a", "b", "c", "a", "b"], False),
        (["x" * 20] * 2, True),
        (["x" * 21] * 2, False),
        (["1.2.3", "a b c d e f g h i j k l"], False),
    ],
)
def test_what_looks_like_ratings(values, ratings):
    assert looks_like_ratings(values) is ratings


@pytest.mark.parametrize(
    ("columns", "kind", "place"),
    [
        ([["x"], ["So good, really good."], ["y"]], TEXT, 1),
        ([["So good, really good."], ["Just as good as it was."]], TEXT, None),
        ([["x"], ["So good"]], TEXT, 1),
        ([["a b"], ["c d"]], TEXT, None),
        ([["x y z"], ["4"], ["5"]], RATING, None),
        ([["x y z and more than that"], ["4"]], RATING, 1),
        ([["4"]], "other", None),
    ],
)
def test_the_only_column_that_can_be_meant(columns, kind, place):
    assert by_content(columns, kind) == place


@pytest.mark.parametrize(
    ("record", "below", "data"),
    [
        (["id", "text"], [["1", "So good."]], False),
        (["1", "So good."], [["2", "Bad."]], True),
        (["1", "So good."], [], False),
        (["2019", "2020"], [["a", "b"]], False),
        (["x", "one two three four five six seven eight, and so on until here."], [], True),
        (["x", "1 2 3 4 5 6 7 " + "x" * 46], [], True),
        (["x", "1 2 3 4 5 6 7 " + "x" * 45], [], False),
        (["x", "1 2 3 4 5 6 " + "x" * 50], [], False),
        (["7"], [["1"]] * 9 + [["x"]], True),
        (["7"], [["1"]] * 8 + [["x"]] * 2, False),
        (["a", "7"], [["b"]], False),
    ],
)
def test_a_first_row_that_is_data(record, below, data):
    assert looks_like_data(record, below) is data


def test_of_a_long_text_the_beginning_is_looked_at():
    assert looks_like_texts(["x" * 192 + "好" * 8])
    assert not looks_like_texts(["x" * 193 + "好" * 8])
