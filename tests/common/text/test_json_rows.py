"""Rows of JSON: what the beginning of a file shows, items whatever their breaks, rows that are wrong."""

from __future__ import annotations

import io

import pytest

from common.text import json_rows
from common.text.json_rows import (
    COLUMNS,
    ITEMS,
    LINES,
    find_arrangement,
    looks_like_json,
    parse,
    read_objects,
    sample_objects,
    split_items,
)
from common.text.rows import BadRow, TooLong


@pytest.mark.parametrize(
    ("head", "found"),
    [(' {"a": 1}', True), ("[ {'a': 1}", True), ("{u'a'", True), ("{}", True), ("{a}", False), ("[1]", False),
     ("a {", False), ("", False)],
)  # fmt: skip
def test_what_begins_as_json(head, found):
    assert looks_like_json(head) is found


@pytest.mark.parametrize(
    ("head", "arrangement", "notes"),
    [
        ('[{"a": 1}]', ITEMS, ["a JSON array"]),
        ("[]", ITEMS, ["a JSON array"]),
        ('{"a": {"0": 1}}', COLUMNS, ["JSON by columns"]),
        ('{"a": 1}\n{"a": 2}\n', LINES, []),
        ('{"a": 1}\n{"a": ', LINES, []),
        ('{"a": 1', ITEMS, ["JSON objects over several lines"]),
        ('{"a":\n1}\n{"a": 2}\n', ITEMS, ["JSON objects over several lines"]),
        ('{"a":\n1}\n{"a": 2}\n{"a":\n2}', LINES, []),
        ("{'a': 1}\n{'a': 2}\n", LINES, ["objects as Python prints them"]),
        ("{u'a':\n 1}", ITEMS, ["JSON objects over several lines", "objects as Python prints them"]),
        ('{"rows": [{"a": 1}]}', ITEMS, ["JSON objects within an object"]),
        ('{"rows": [\n{"a": 1}, {"a": 2}]}', ITEMS, ["JSON objects within an object"]),
        ('{"rows": [{"a": 1},\n{"a": 2}]}', ITEMS, ["JSON objects within an object"]),
        ('{"a": [{"b": 1}]}\n{"a": [{"b": 2}]}\n', LINES, []),
        ("\n", LINES, []),
        ("text\n", LINES, []),
    ],
)
def test_how_rows_are_arranged(head, arrangement, notes):
    assert find_arrangement(head) == (arrangement, notes)


def test_the_first_lines_decide():
    assert find_arrangement("{\n" + "\n" * 18 + '{"a": 1}\n' * 2)[0] == ITEMS  # the 20th is the last that is looked at
    assert find_arrangement("{\n" + "\n" * 17 + '{"a": 1}\n' * 2)[0] == LINES


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('{"a": 1}{"b": 2}', ['{"a": 1}', '{"b": 2}']),
        ('{"a": [1, {"c": "}"}]},\n {"b": 2}', ['{"a": [1, {"c": "}"}]}', '{"b": 2}']),
        ('[{"a": 1}, 2, [3], {"b": "\\\\"}]', ['{"a": 1}', "2", "[3]", '{"b": "\\\\"}']),
        ('{"n": [{"a": 1}, {"b": 2}], "more": [{"c": 3}]}', ['{"a": 1}', '{"b": 2}']),
        ('[{"a": 1}][{"b": 2}]', ['{"a": 1}', '{"b": 2}']),
        ("{'a': \"it's\"} {'b': '\\''}", ["{'a': \"it's\"}", "{'b': '\\''}"]),
        ('{"a": "x\n{"b": 1}', ['{"a": "x', '{"b": 1}']),
        ('{"a": "x\n"y}\n{"b": 1}', ['{"a": "x\n"y}\n', '{"b": 1}']),
        ('{"a": 1', ['{"a": 1']),
        ("  \n,,\n", []),
    ],
)
def test_items(text, items):
    assert list(split_items([text])) == [item.strip() for item in items]
    for size in () if "more" in text else (1, 2, 3):  # what stands around rows has to be in the first block
        blocks = [text[start : start + size] for start in range(0, len(text), size)]
        assert list(split_items(blocks)) == [item.strip() for item in items]


@pytest.mark.parametrize(("size", "held"), [(11, True), (12, False)])
def test_an_item_that_is_too_long(size, held, monkeypatch):
    monkeypatch.setattr(json_rows, "MAX_ROW", 12)
    text = '{"a":"' + "x" * (size - 7) + '"}'  # one more than that
    found = list(split_items([text[:5], text[5:], '{"b":1}']))
    assert found == [text if held else TooLong("13 characters, the most is 12; cut it into several"), '{"b":1}']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": ', "Expecting value"),
        ("{'a': ", "Expecting property name"),
        ("{'a': f(1)}", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_parsed(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_keys_that_stand_there_twice_are_remembered():
    assert parse('{"a": 1, "b": 2, "a": 3, "c": 4, "c": 5}').repeated == ("a", "c")
    assert parse('{"a": 1}').repeated == ()


def read(text, arrangement):
    return list(read_objects(io.StringIO(text, newline=""), arrangement))


def test_lines_that_are_wrong_are_named_with_what_stands_there():
    found = read('{"a": 1}\n\n [2] \n{"a\n{1: None}\nna\udcefve\n', LINES)
    assert found[0] == {"a": 1}
    assert found[1] == BadRow("found '[2]' where an object {…} is wanted; write one object a line", "[2]")
    assert found[2].message.startswith("not valid JSON (")
    assert found[2].message.endswith("); write one object a line")
    assert found[2].record == '{"a'
    assert found[3].message.startswith("not valid JSON")
    assert (found[4].message[:14], found[4].record) == ("byte 0xef afte", "na\udcefve")
    assert read("{'a': 1, 2: 3}\n", LINES) == [{"a": 1, "2": 3}]


def test_objects_of_columns():
    assert read('{"a": {"0": 1, "1": 2}, "b": {"1": 3, "2": 4}}', COLUMNS) == [{"a": 1}, {"a": 2, "b": 3}, {"b": 4}]
    assert read('{"a": {"0": 1}, "b": 3}', COLUMNS)[0].message.endswith(
        "where an object {…} is wanted; write one object a line"
    )
    assert read('{"a": {"0": ', COLUMNS)[0].message.startswith("not valid JSON")
    assert sample_objects('{"a": {"0": 1}}', COLUMNS) == []


def test_a_file_of_columns_is_held_whole_and_so_has_a_limit(monkeypatch):
    text = '{"a": {"0": 1}}'
    for most, held in ((len(text), True), (len(text) - 1, False)):
        monkeypatch.setattr(json_rows, "MOST_COLUMNS_TEXT", most)
        [found] = read(text, COLUMNS)
        assert found == (
            {"a": 1} if held else BadRow("JSON by columns of more than 14 characters; write one object a line")
        )


def test_a_sample_has_fifty_objects_at_most():
    assert len(sample_objects('{"a": 1}\n' * 60, LINES)) == 50
    assert len(sample_objects('{"a": 1}\n[]\n' * 60, LINES)) == 25
    assert sample_objects('[{"a": 1}, {"a"', ITEMS) == [{"a": 1}]
