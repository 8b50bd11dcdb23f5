"""Reading: good files whole, bad ones with one line that says where and what."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import os
import threading
from pathlib import Path

import pytest

from common.errors import InputError
from common.text.readers import (
    BadRow,
    file_kind,
    hash_of_read,
    open_text,
    read_lines,
    read_rows,
    require_good,
    sha256_of,
)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def rows_of(path, columns=()):
    return [row for _, row in require_good(read_rows(path, columns))]


def messages(items):
    return [item.message for item in items if isinstance(item, BadRow)]


TABLE = 'rating,review\n3,"So, so ""good""\nindeed"\n4,Bad é 😀\n'
ROWS = [{"rating": "3", "review": 'So, so "good"\nindeed'}, {"rating": "4", "review": "Bad é 😀"}]


def test_csv_with_quotes_commas_and_line_breaks(write):
    assert rows_of(write("a.csv", TABLE), ["review"]) == ROWS


def test_places_count_rows_and_not_lines(write):
    path = write("a.csv", TABLE)
    assert [place for place, _ in read_rows(path)] == [f"{path}, row 1", f"{path}, row 2"]


def test_windows_line_ends_byte_order_mark_and_blank_lines(write):
    content = "\ufeff" + "rating,review\r\n\r\n3,So good\r\n"
    assert rows_of(write("a.csv", content), ["rating"]) == [{"rating": "3", "review": "So good"}]


def test_quotes_in_a_tab_separated_file_are_text(write):
    assert rows_of(write("a.tsv", 'rating\treview\n3\t"So" good, "so\n')) == [
        {"rating": "3", "review": '"So" good, "so'}
    ]


def test_json_lines(write):
    path = write(
        "a.jsonl", '\ufeff{"rating": 3, "review": "So\\ngood"}\n\n{"rating": 4.5, "review": "Bad", "more": null}\n'
    )
    assert rows_of(path, ["rating"]) == [
        {"rating": "3", "review": "So\ngood"},
        {"rating": "4.5", "review": "Bad", "more": ""},
    ]


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ"])
def test_gzip(write, name):
    assert rows_of(write(name, gzip.compress(TABLE.encode()))) == ROWS


def test_a_field_of_a_million_characters(write):
    text = "good " * 200_000
    assert rows_of(write("a.csv", f"review\n{text}\nnext\n")) == [{"review": text}, {"review": "next"}]


def test_nul_and_control_characters_are_read(write):
    assert rows_of(write("a.csv", "review\nso\x00 good\x07\x1b[31m\n")) == [{"review": "so\x00 good\x07\x1b[31m"}]


def test_rows_stream(tmp_path):
    """A reader that holds the whole file in memory fails here: the pipe's other end never closes."""
    path = tmp_path / "endless.csv"
    os.mkfifo(path)
    stop = threading.Event()

    def feed():
        with open(path, "w") as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write("review\n")
            while not stop.is_set():
                pipe.write("so good\n" * 1000)
                pipe.flush()

    thread = threading.Thread(target=feed)
    thread.start()
    rows = read_rows(path)
    assert len(list(itertools.islice(rows, 2500))) == 2500
    stop.set()
    rows.close()
    thread.join(timeout=10)
    assert not thread.is_alive()


# -- What is wrong, and where ---------------------------------------------------------------------------------------


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.csv: no such file"):
        list(read_rows(tmp_path / "nothing.csv"))


def test_folder(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder\.csv: is a folder"):
        list(read_rows(tmp_path / "folder.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + bytes(100), "not a complete .xlsx file|needs the package openpyxl"),
        (b"PAR1" + bytes(100), "not a complete Parquet file|needs the package pyarrow"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "an old Excel or Word file .*save it as .xlsx, CSV or text"),
        (b"%PDF-1.7", "a PDF file; export its text first"),
    ],
)
def test_files_that_are_no_text_are_known_by_their_content(write, content, message):
    with pytest.raises(InputError, match=message):
        list(read_rows(write("a.csv", content)))


def test_missing_column_lists_those_there_are(write):
    with pytest.raises(InputError, match="no column 'text'; the columns there are: rating, review"):
        list(read_rows(write("a.csv", TABLE), ["text"]))
    [message, _] = messages(read_rows(write("a.jsonl", '{"b": 1, "c": 2}\n{}\n'), ["a"]))
    assert "row 1: no column 'a'; the columns there are: b, c" in message


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.csv", "review\n"), ("a.tsv", "x\n\n"), ("a.jsonl", "\n")]
)
def test_no_rows(write, name, content):
    with pytest.raises(InputError, match=r"empty file|no rows"):
        list(read_rows(write(name, content)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "review\nfiné\nna".encode() + b"\xefve\nlast\n"),
        ("a.jsonl", '{"a": "finé"}\n{"a": "na'.encode() + b'\xefve"}\n{"a": "last"}\n'),
    ],
)
def test_a_byte_that_is_not_utf8_is_named_with_its_row_and_the_rest_is_read(write, name, content):
    path = write(name, content)
    good, bad, last = read_rows(path)
    assert isinstance(bad, BadRow)
    assert f"{path}, row 2: byte 0xef after" in bad.message
    assert "na' is not UTF-8" in bad.message
    assert (good[0], last[0]) == (f"{path}, row 1", f"{path}, row 3")


def test_a_gzip_cut_short(write):
    whole = gzip.compress(("review\n" + "".join(f"row {i} {i * i}\n" for i in range(5000))).encode())
    path = write("a.csv.gz", whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.csv\.gz: not a complete gzip file"):
        list(read_rows(path))


@pytest.mark.parametrize("content", [b"review\nso good\n", b"\x1f\x8b" + b"\x00" * 40])
def test_a_gzip_that_is_none(write, content):
    with pytest.raises(InputError, match="not a complete gzip file"):
        list(read_rows(write("a.csv.gz", content)))


@pytest.mark.parametrize("content", ['review\nfine\n"never closed\nmore\n', 'review\n"closed" too early\n'])
def test_a_bad_quote_names_the_line(write, content):
    with pytest.raises(InputError, match=r"a\.csv, row \d, line \d: not valid CSV .*check the quotes"):
        rows_of(write("a.csv", content))


def test_a_row_with_too_many_fields_is_named_and_the_rest_is_read(write):
    items = list(read_rows(write("a.csv", "rating,review\n3,So, so good\n4,Bad\n")))
    assert "row 1: 3 fields where the header has 2" in messages(items)[0]
    assert items[1][1] == {"rating": "4", "review": "Bad"}


def test_a_bad_line_among_json_lines(write):
    lines = ['{"a": "1"}', '{"a": ', "[1, 2]", "[" * 100_000, '{"a": "2"}']
    items = list(read_rows(write("a.jsonl", "\n".join(lines)), ["a"]))
    problems = messages(items)
    assert [item[1] for item in items if not isinstance(item, BadRow)] == [{"a": "1"}, {"a": "2"}]
    assert "row 2: not valid JSON" in problems[0]
    assert "row 3: found '[1, 2]' where an object" in problems[1]
    assert "row 4: not valid JSON" in problems[2]


def test_require_good_stops_at_the_first_bad_row():
    rows = require_good([1, 2, BadRow("row 3: bad"), 4])
    assert [next(rows), next(rows)] == [1, 2]
    with pytest.raises(InputError, match="row 3: bad"):
        next(rows)


# -- Lines and texts ------------------------------------------------------------------------------------------------


def test_lines_keep_their_numbers(write):
    path = write("a.txt", "oné\r\n\nna".encode() + b"\xefve\nthree \n")
    items = list(read_lines(path))
    assert items[0] == (f"{path}, line 1", "oné")
    assert items[1] == (f"{path}, line 2", "")
    assert "line 3: byte 0xef" in items[2].message
    assert items[3] == (f"{path}, line 4", "three ")


def test_open_text_reads_a_file_the_user_may_not_read(write, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("common.text.sources.open", refuse, raising=False)  # tests may run as root, who may read all
    with pytest.raises(InputError, match="may not be read"), open_text(write("a.txt", "x")):
        pass


def test_a_file_that_cannot_be_read_to_its_end(write, monkeypatch):
    class Bad(io.RawIOBase):
        def readable(self):
            return True

        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("common.text.sources.open", lambda *args, **options: Bad(), raising=False)
    with pytest.raises(InputError, match=r"a\.txt: cannot be read \(Input/output error\)"):
        list(read_lines(write("a.txt", "x")))


def test_a_hash_is_that_of_what_was_read(write):
    path = write("a.csv", "review\nfine\n")
    wanted = sha256_of(path)
    rows_of(path)
    path.write_text("changed since")
    assert hash_of_read(path) == wanted
    other = write("b.csv", "review\nfine\n")
    assert hash_of_read(other) == wanted  # not read, so hashed as it is
    packed = write("c.csv.gz", gzip.compress(b"review\nfine\n"))
    wanted = sha256_of(packed)
    rows_of(packed)
    packed.unlink()
    assert hash_of_read(packed) == wanted


def test_lines_that_are_too_long_are_passed_over_unheld(write):
    rows = list(read_lines(write("a.txt", "one\n" + "x" * 5_000_000 + "\nthree\r\n")))
    assert rows[0][1] == "one"
    assert "line 2: 5,000,001 characters, the most is 2,000,000" in rows[1].message
    assert rows[2] == (f"{rows[2][0]}", "three")
    quoted = 'review\n"' + ("y" * 999_000 + "\n") * 3 + '"\n'
    with pytest.raises(InputError, match=r"line \d: (a row of more than|not valid CSV)"):
        rows_of(write("b.csv", quoted))


def test_file_kind_ignores_gz_and_case():
    assert [file_kind(Path(name)) for name in ("a.CSV.gz", "a.b.jsonl", "a.gz", "a")] == [".csv", ".jsonl", "", ""]


def test_sha256(write):
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc", FIPS 180-2
    assert sha256_of(write("a", "abc")) == expected
