"""Delimited tables: records as they stand there, and the dialect that the beginning of a file shows."""

from __future__ import annotations

import pytest

from common.text.columns import Column
from common.text.delimited import (
    Dialect,
    Record,
    clean_name,
    clean_value,
    find_layout,
    layout_of_records,
    read_records,
)
from common.text.rows import TooLong

WANTED = [Column("text", given=False), Column("stars", given=False)]


def records(text, **dialect):
    lines = text.splitlines(keepends=True) if isinstance(text, str) else text
    return list(read_records(lines, Dialect(**dialect)))


@pytest.mark.parametrize(
    ("text", "dialect", "found"),
    [
        ('a,"b\nc"\n\nd\n', {}, [(["a", "b\nc"], 1), (["d"], 4)]),
        ('a;"b ""c"""\n', {"separator": ";"}, [(["a", 'b "c"'], 1)]),
        ('a,"b"\n', {"quoted": False}, [(["a", '"b"'], 1)]),
        ('a,"b \\"c\\" \\\\ d"\n', {"escaped": True}, [(["a", 'b "c" \\ d'], 1)]),
        ('a, "b, c"\n', {"spaced": True}, [(["a", "b, c"], 1)]),
        ('a, b, "c"\r\nd\r\n', {"single": True}, [(['a, b, "c"'], 1), (["d"], 2)]),
    ],
)
def test_records(text, dialect, found):
    assert records(text, **dialect) == [Record(fields, line) for fields, line in found]


def test_a_wrong_record_costs_its_first_line():
    found = records('a,b\n"c" d,e\n"f,g\nh,i\n"j"\n')
    assert [(each.fields, each.line) for each in found] == [
        (["a", "b"], 1), (['"c" d', "e"], 2), (['"f', "g"], 3), (["h", "i"], 4), (["j"], 5)
    ]  # fmt: skip
    assert [bool(each.problem) for each in found] == [False, True, True, False, False]
    assert found[1].problem.startswith("not valid CSV (")
    assert found[1].problem.endswith("; check the quotes")


def test_a_line_that_is_too_long_has_no_fields():
    found = records(["a,b\n", TooLong("9 characters"), "c,d\n"])
    assert [(each.fields, each.line, each.problem) for each in found] == [
        (["a", "b"], 1, ""), ([""], 2, "9 characters"), (["c", "d"], 3, "")
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "wrong"), [(1_999_996, False), (1_999_997, True)])
def test_the_longest_row(size, wrong):
    """The text, its two quotes, a line end within and one behind it: two million characters."""
    found = records(['"' + "x" * (size - 3) + "\n", 'yyy"' + "\n", "z\n"])
    assert (found[0].problem != "") is wrong
    if wrong:
        assert found[0].problem == "a row of more than 2,000,000 characters; cut its text, or check its quotes"
        assert [each.line for each in found] == [1, 2, 3]
    assert found[-1].fields == ["z"]


DIALECTS = [
    ("text,stars\na b,3\n", {}, ["text", "stars"], []),
    ("text;stars\na b;3,5\nc;4\n", {"separator": ";", "decimal_comma": True}, ["text", "stars"],
     ["semicolons between fields", "decimal commas"]),
    ("text;stars\na b;3,125\n", {"separator": ";"}, ["text", "stars"], ["semicolons between fields"]),
    ("text;stars\na b;3,5\nc;x\n", {"separator": ";"}, ["text", "stars"], ["semicolons between fields"]),
    ('"text"\t"stars"\n"a"\t3\n', {"separator": "\t"}, ["text", "stars"], ["tabs between fields"]),
    ('text\tstars\n"a\tb"\t3\nc\t4\n', {"separator": "\t"}, ["text", "stars"], ["tabs between fields"]),
    ('text\tstars\n"a"\t3\nc\t4\n', {"separator": "\t", "quoted": False}, ["text", "stars"], ["tabs between fields"]),
    ('text\tstars\n"a ""b"""\t3\nc\n', {"separator": "\t", "quoted": False}, ["text", "stars"],
     ["tabs between fields"]),
    ("sep=^\ntext^stars\na^3\n", {"separator": "^", "skipped": 1}, ["text", "stars"],
     ["'^' between fields, as its first line says"]),
    ('"SEP=|"\ntext|stars\na|3\n', {"separator": "|", "skipped": 1}, ["text", "stars"],
     ["vertical bars between fields, as its first line says"]),
    ('text,stars\n"a \\"b\\", c",3\n', {"escaped": True}, ["text", "stars"], ["quotes escaped by backslashes"]),
    ('text, stars\n"a", "b, c"\n', {"spaced": True}, ["text", "stars"], []),
    ("Of 2024\n\ntext,stars\na,3\n", {"titles": 1}, ["text", "stars"], ["the header is row 2"]),
    ("1,2\n3,4\n5,6\ntext,stars\na,3\n", {"titles": 3}, ["text", "stars"], ["the header is row 4"]),
    ("5,6\n3,4\n5,6\n", {"has_header": False}, ["1", "2"], ["no header: columns are numbered"]),
    ("Texts\na, b\nc\n", {"single": True}, ["Texts"], ["one column, in which separators are text"]),
    ("Texts\na,\nc\n", {}, ["Texts"], []),
    ("", {}, [], []),
]  # fmt: skip


@pytest.mark.parametrize(("head", "dialect", "names", "notes"), DIALECTS)
def test_what_the_beginning_of_a_file_shows(head, dialect, names, notes):
    found = find_layout(head, ".csv", WANTED)
    assert (found.dialect, found.names, found.notes) == (Dialect(**dialect), names, notes)


@pytest.mark.parametrize(
    ("head", "kind", "separator"),
    [
        ("text\n", ".csv", ","),
        ("text\n", ".tsv", "\t"),
        ("text\n", ".tab", "\t"),
        ("text\n", ".txt", ","),
        ("Text|n\na|b\n", ".csv", "|"),
        ("a,b;c\nd,e;f\n", ".csv", ","),
        ("a,b;c\nd,e;f\n", ".tsv", ","),
        ("a;b;c\nd;e;f,1\n", ".csv", ";"),
        ("a;b\n" * 7 + "a,b;\n" * 3, ".csv", ";"),
    ],
)
def test_the_separator(head, kind, separator):
    assert find_layout(head, kind, WANTED).dialect.separator == separator


def test_a_first_line_is_a_row_if_a_user_says_so():
    found = find_layout("text,stars,\na,3,,\n", ".csv", WANTED, has_header=False)
    assert (found.names, found.sample, found.notes) == (["1", "2"], [["text", "stars", ""], ["a", "3", "", ""]], [])
    assert found.dialect == Dialect(has_header=False)


def test_a_last_line_that_is_cut_is_left_out():
    found = find_layout("text,stars\na,3\nb", ".csv", WANTED)
    assert found.sample == [["a", "3"]]
    assert found.sample_values(["x", "y"]) == [{"x": "a", "y": "3"}]
    assert find_layout("text,stars", ".csv", WANTED).names == ["text", "stars"]
    assert find_layout("text,stars\rb,2\r", ".csv", WANTED).sample == [["b", "2"]]


def test_a_sample_has_two_hundred_records():
    found = find_layout("text\n" + "a\n" * 500, ".csv", WANTED)
    assert len(found.sample) == 199  # and the header
    found = find_layout('text\n"a" b\n' + "a\n\n" * 500, ".csv", WANTED)
    assert len(found.sample) == 199  # of 400 lines: what is wrong, and blank lines, do not count


def test_records_of_a_spreadsheet():
    found = layout_of_records([["A title"], ["text", " stars "], ["a", "3"]], WANTED)
    assert (found.dialect, found.names, found.sample) == (Dialect(titles=1), ["text", "stars"], [["a", "3"]])
    assert found.notes == ["the header is row 2"]
    assert layout_of_records([["5", "6"], ["3", "4"]], WANTED, False).notes == []
    assert layout_of_records([["5"], ["3"]], WANTED).notes == ["no header: columns are numbered"]
    assert layout_of_records([], WANTED).names == []


def test_names_and_values_without_what_nobody_sees():
    assert clean_name('\ufeff "a\u200b b" ') == "a b"
    assert [clean_value(value) for value in ('="1"', '="a ""b"""', '="1', '=1"', "")] == [
        "1",
        'a "b"',
        '="1',
        '=1"',
        "",
    ]
