"""JSON of strangers: what Python's own parser lets pass is refused in one line, and at once."""

from __future__ import annotations

import json
import time

import pytest

from common import json_files
from common.errors import InputError
from common.json_files import MAX_BYTES, MAX_DEPTH, MAX_PARTS, read_json, read_json_object, write_json


def test_what_we_write_ourselves_is_read():
    value = {
        "name": "é😀\u2028",
        "sizes": [1, -2, 0.5, 1e-9],
        "flag": True,
        "none": None,
        "deep": {"a": [{"b": []}]},
    }
    assert read_json(json.dumps(value).encode(), "x.json") == value
    assert read_json(json.dumps(value, ensure_ascii=False, indent=2).encode(), "x.json") == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands there twice"),
        ('[{"x": {"y": 1, "y": 1}}]', "the key 'y' stands there twice"),
        ('{"a": NaN}', "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("[1e999]", "1e999 is too large"),
        (f"[{'9' * 30}]", "an integer of 30 digits"),
        (f"[-{'9' * 5000}]", "an integer of 5001 digits"),
        ("[9223372036854775808]", "an integer of 19 digits"),
        ("[" * 100_000, "not valid JSON"),
        ("[" * 100_000 + "]" * 100_000, "not valid JSON"),
        ('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH} levels"),
        ("", "not valid JSON"),
        ("\ufeff{}", "not valid JSON"),
    ],
)
def test_what_is_refused(content, message):
    start = time.perf_counter()
    with pytest.raises(InputError, match=f"^x.json: .*{message}") as refusal:
        read_json(content.encode("utf-8"), "x.json")
    assert time.perf_counter() - start < 1
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ('{"a":' * (MAX_DEPTH - 1) + "[[]]" + "}" * (MAX_DEPTH - 1), "nested deeper than 60 levels"),
        ('[[1, {"a": "[[["}], ' + "[]," * 90 + "[]]", None),
        ("[9223372036854775807, -9223372036854775808]", None),
        ("[-9223372036854775809]", "an integer of 20 digits"),
        ("[00]", "not valid JSON"),
        ("[123456789012345678901]", "an integer of 21 digits"),
        (f'{{"{"k" * 50}": 1, "{"k" * 50}": 2}}', f"the key '{'k' * 40}' stands there twice"),
        ("[1" + "0" * 60 + ".0e300]", f"the number 1{'0' * 39} is too large"),
    ],
)
def test_the_limits_of_what_is_read(content, value):
    if value is None:
        assert read_json(content.encode(), "x.json") == json.loads(content)
    else:
        with pytest.raises(InputError, match=rf"^x\.json: .*{value}"):
            read_json(content.encode(), "x.json")


def test_a_file_of_as_many_bytes_and_parts_as_are_allowed(monkeypatch):
    assert read_json(b"[1]", "x.json", max_bytes=3) == [1]
    with pytest.raises(InputError, match=r"3 bytes, at most 2 are read; do not use this file"):
        read_json(b"[1]", "x.json", max_bytes=2)
    monkeypatch.setattr(json_files, "MAX_PARTS", 2000)
    most = b'[{"a":1},' + b"[]," * 1996 + b"[]]"
    with pytest.raises(
        InputError, match=r"x.json: 2,001 times \[ { or :, at most 2,000 lists, objects and keys are read"
    ):
        read_json(most[:-1] + b",[]]", "x.json")
    read_json(b"[" + b"[]," * 1998 + b"[]]", "x.json")


def test_a_file_that_is_no_object_is_quoted(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(InputError, match=r"a\.json: holds '\[1, 2\]', not an object"):
        read_json_object(tmp_path / "a.json")
    with pytest.raises(InputError, match="no such file"):
        read_json_object(tmp_path / "b.json")


def test_a_file_with_two_names_is_written_under_one(tmp_path):
    (tmp_path / "a.json").write_text("old")
    (tmp_path / "b.json").hardlink_to(tmp_path / "a.json")
    write_json(tmp_path / "a.json", {"a": [1, "é"]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "a": [\n    1,\n    "é"\n  ]\n}\n'
    assert (tmp_path / "b.json").read_text() == "old"
    write_json(tmp_path / "a.json", {"a": [1, 2]}, None)
    assert (tmp_path / "a.json").read_text() == '{"a": [1, 2]}\n'


def test_not_utf8():
    with pytest.raises(InputError, match="not valid JSON"):
        read_json('["é"]'.encode("latin-1"), "x.json")


def test_a_pair_of_surrogates_is_a_character():
    assert read_json(b'["\\ud83d\\ude00"]', "x.json") == ["😀"]


def test_a_large_file_is_not_parsed(monkeypatch):
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(InputError, match="101 bytes, at most 100 are read"):
        read_json(b"[" + b" " * 99 + b"]", "x.json", max_bytes=100)


@pytest.mark.parametrize("part", ["[],", "{},", "[[[]]],", '{"a":1},'])
def test_many_small_parts_are_not_parsed(part, monkeypatch):
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(InputError, match=r"^x.json: .* at most 200,000 lists, objects and keys are read"):
        read_json(("[" + part * (MAX_PARTS + 1))[:-1].encode() + b"]", "x.json")


def test_many_texts_are_parsed():
    value = [f"12{number}" for number in range(MAX_PARTS)]
    assert read_json(json.dumps(value).encode(), "x.json") == value


def test_a_file_that_is_a_byte_too_large_is_refused_as_that(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"a": 1}'.ljust(MAX_BYTES))
    assert read_json_object(path) == {"a": 1}
    path.write_text('{"a": 1}'.ljust(MAX_BYTES + 1))
    with pytest.raises(InputError, match=rf"settings\.json: {MAX_BYTES + 1:,} bytes, at most {MAX_BYTES:,} are read"):
        read_json_object(path)
