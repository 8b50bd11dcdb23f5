"""Where text comes from: bytes that are read once, packed or not, what is said of them, and what cannot be read."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys

import pytest

from common.errors import InputError
from common.text import sources
from common.text.asked import Asked, given_texts, head_lines, open_asked
from common.text.rows import MAX_ROW, Row, SkippedRows, TooLong, as_text, bounded_lines, undecodable
from common.text.sources import hash_of_read, open_source, open_stream, open_text
from common.text.tables import Reading


def read(path, **options):
    with open_source(path, **options) as source:
        return source.file.read()


def test_what_is_packed_is_known_by_its_name_or_by_its_bytes(tmp_path):
    packed = gzip.compress("naïve\r\n".encode())
    for name in ("a.txt", "a.GZ"):
        (tmp_path / name).write_bytes(packed)
        assert read(tmp_path / name) == "naïve\r\n"
    (tmp_path / "b.txt").write_bytes(b"\x1fa")
    assert read(tmp_path / "b.txt") == "\x1fa"
    with open_stream(io.BytesIO(packed), "part 3") as source:
        assert (source.name, source.file.read()) == ("part 3", "naïve\r\n")
        assert not source.starts_with(b"naive", b"x")
    with open_stream(io.BytesIO(packed), "part 3") as source:
        assert source.starts_with(b"x", "naïve".encode())


@pytest.mark.parametrize(("size", "refused"), [(1 << 18, False), ((1 << 18) + 1, True)])
def test_a_small_file_that_unpacks_to_very_much_is_refused(size, refused, tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(size)))
    assert size > 200 * path.stat().st_size
    if refused:
        with pytest.raises(InputError, match=r"a\.gz: unpacks to more than 200 times its size, as no text does; if it"):
            read(path)
    else:
        assert len(read(path)) == size


@pytest.mark.parametrize("refused", [False, True])
def test_a_file_that_unpacks_to_just_so_many_times_its_size(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "UNPACKED_FREELY", 0)
    size = next(size for size in range(1000, 2000) if size % len(gzip.compress(bytes(size), mtime=0)) == 0)
    content = gzip.compress(bytes(size), mtime=0)
    (tmp_path / "a.gz").write_bytes(content)
    monkeypatch.setattr(sources, "MAX_UNPACKING", size // len(content) - refused)
    if refused:
        with pytest.raises(InputError, match="unpacks to more than"):
            read(tmp_path / "a.gz")
    else:
        assert len(read(tmp_path / "a.gz")) == size


def test_only_a_file_that_was_read_to_its_end_has_a_hash_of_what_was_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 1_000_000)
    with open_source(path) as source:
        source.file.read(10)
    path.write_bytes(b"new")
    assert hash_of_read(path) == hashlib.sha256(b"new").hexdigest()
    assert hash_of_read(tmp_path) is None


def test_what_is_found_is_said_in_one_line_and_what_comes_later_when_it_does(tmp_path, capsys):
    (tmp_path / "a.txt").write_bytes("ab".encode("utf-16"))
    with open_source(tmp_path / "a.txt") as source:
        source.note("a note")
        assert source.head() == "ab"
        source.announce()
    assert capsys.readouterr().err == f"{tmp_path}/a.txt: a note, UTF-16\n"
    (tmp_path / "b.txt").write_bytes(b"x" * 600_000 + "Größe zu klein, schön ist es trotzdem.".encode("cp1252"))
    with open_text(tmp_path / "b.txt") as file:
        assert capsys.readouterr().err == ""
        assert len(file.read()) == 600_038
    assert capsys.readouterr().err == f"{tmp_path}/b.txt: Windows code page 1252\n"


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\xe9"), encoding="utf-8"))
    with open_source(None, "latin-1") as source:
        assert (source.name, source.file.read()) == ("standard input", "aé")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed; write texts after the command, or use --input"):
        read(None)


def test_an_error_of_another_file_is_not_taken_for_one_of_this(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(OSError, match="full"), open_source(tmp_path / "a.txt"):
        raise OSError(28, "full", "other")
    with (
        pytest.raises(InputError, match=r"a\.txt: cannot be read \(odd\); check the file"),
        open_text(tmp_path / "a.txt"),
    ):
        raise OSError("odd")


# -- Rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_longest_line(end):
    long = "x" * (MAX_ROW - len(end)) + end
    assert list(bounded_lines(io.StringIO(long + "y", newline=""))) == ([long, "y"] if end else [
        TooLong("2,000,001 characters, the most is 2,000,000; cut it into several", size=MAX_ROW + 1)
    ])  # fmt: skip


def test_of_a_line_that_is_too_long_its_length_is_told(monkeypatch):
    monkeypatch.setattr("common.text.rows.MAX_ROW", 4)
    found = list(bounded_lines(io.StringIO("abcd\nabc\n" + "x" * 10 + "\ny", newline="")))
    assert [each.size if isinstance(each, TooLong) else each for each in found] == [5, "abc\n", 11, "y"]


def test_the_first_byte_that_is_not_utf8_is_named_with_what_stands_before_it():
    text = b"abcdefghijklmnopqrstuvwxyz\xe9 and \xff".decode("utf-8", "surrogateescape")
    assert undecodable(text) == (
        "byte 0xe9 after 'ghijklmnopqrstuvwxyz' is not UTF-8; save the file as UTF-8, or name its --encoding"
    )
    assert undecodable("\udc80").startswith("byte 0x80 after ''")
    assert undecodable("é\ud800") is None


class NAType:
    """As pandas has it."""


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (NAType(), ""), (float("nan"), ""), (False, "false"), ({"a": "é"}, '{"a": "é"}'), (3, "3")],
)
def test_a_value_as_text(value, text):
    assert as_text(value) == text


def test_rows_that_are_left_out_are_counted_or_an_error(capsys):
    with pytest.raises(InputError, match=r"^row 3: bad; or leave such rows out with --skip-bad-rows$"):
        SkippedRows(False, "a").add("row 3: bad")
    rows = SkippedRows(True, "a")
    rows.conclude(4)
    assert capsys.readouterr().err == ""
    rows.add("row 3: bad")
    rows.add("row 4: worse")
    rows.conclude(1998)
    assert capsys.readouterr().err == "Left out 2 of 2,000 rows; the first: row 3: bad\n"
    assert Row("a", {}).record is None


# -- Texts to answer ------------------------------------------------------------------------------------------------


def test_texts_of_a_command_line_have_numbers():
    assert list(given_texts(["a", " "]).items) == [
        Asked("text 1", "a", 1),
        Asked("text 2", None, 2, "text 2: empty text; write something there or leave the row out"),
    ]


def test_rows_of_a_table_are_passed_on_with_what_stands_in_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,Schön.\n2,\n3,na".encode() + b"\xefve\n4,x,y\n")
    good, empty, broken, long = open_asked(path, None).items
    assert good == Asked(f"{path}, row 1", "Schön.", 1, record=["1", "Schön."])
    assert (empty.number, empty.text, empty.record) == (2, None, ["2", ""])
    assert empty.problem == f"{path}, row 2: empty text; write something there or leave the row out"
    assert (broken.number, broken.record, broken.problem == broken.place) == (3, ["3", "na\udcefve"], True)
    assert (long.number, long.record) == (4, ["4", "x", "y"])
    assert "3 fields where the header has 2" in long.problem


def test_a_column_that_is_given_makes_a_file_a_table(tmp_path):
    (tmp_path / "a.txt").write_text("text,other\na b,c\n")
    texts = open_asked(tmp_path / "a.txt", "other")
    assert (texts.column, [asked.text for asked in texts.items]) == ("other", ["c"])
    texts = open_asked(tmp_path / "a.txt", None)
    assert (texts.table, texts.column, [asked.text for asked in texts.items]) == (None, "", ["text,other", "a b,c"])


def test_what_is_found_of_plain_text_is_said(tmp_path, capsys):
    text = "Once there was a king who had\nthree sons. The youngest was\nvery poor.\n\nThe end.\n"
    (tmp_path / "a.txt").write_text(text)
    assert len(list(open_asked(tmp_path / "a.txt", None).items)) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}/a.txt: hard-wrapped lines: each paragraph is one text (--document line for lines)\n"
    )
    found = list(open_asked(tmp_path / "a.txt", None, document="line").items)
    assert [(asked.number, asked.text is None) for asked in found] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
        (5, False),
    ]
    assert found[3].problem == found[3].place + ": empty text" == f"{tmp_path}/a.txt, line 4: empty text"
    assert capsys.readouterr().err == ""
    (tmp_path / "b.txt").write_bytes(text.encode("utf-16"))
    open_asked(tmp_path / "b.txt", None, reading=Reading("utf-16", True), document="file")
    assert "UTF-16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "num_lines"),
    [
        ("", 0), ("a", 1), ("a\nb", 2), ("x" * 40_000, 1), ("x" * 40_000 + "\nb", 1), ("x" * 40_000 + "\nb\n", 2),
        ("x" * 32_765 + "\nbc", 2), ("x" * 32_766 + "\nbc", 1), ("a\n" * 400 + "b", 400),
    ],
)  # fmt: skip
def test_a_line_that_is_cut_off_tells_nothing(text, num_lines):
    with open_stream(io.BytesIO(text.encode()), "a") as source:
        lines = head_lines(source)
    assert lines == text.splitlines(keepends=True)[:num_lines]


def test_a_bad_line_has_a_number_too(tmp_path):
    (tmp_path / "a.txt").write_bytes("é\nna".encode() + b"\xefve\n")
    [_, bad] = open_asked(tmp_path / "a.txt", None, document="line").items
    assert (bad.number, bad.text, bad.record, bad.place == bad.problem) == (2, None, "na\udcefve", True)
