"""Messages: one line, of bounded length, without control characters; what the system refused, and what would do."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from common.errors import ForPeople, as_written, describe_os_error, excerpt, fail, printable, show


@pytest.mark.parametrize("size", [4, 9, 10, 11, 12])
def test_the_two_ends_of_a_long_message_stay(size):
    assert printable("abcdefghijkl"[:size], max_characters=size) == "abcdefghijkl"[:size]
    shown = printable("abcdefghijklmnop", max_characters=size)
    tail = (size - 3) // 3
    assert shown == "abcdefghijklmnop"[: size - 3 - tail] + "..." + "abcdefghijklmnop"[16 - tail :]
    assert len(shown) == size


def test_a_message_has_three_hundred_characters():
    assert printable("x" * 300) == "x" * 300
    assert printable("x" * 301) == "x" * 198 + "..." + "x" * 99


@pytest.mark.parametrize("sign", ["\x00", "\x08", "\x0b", "\x7f", "\x9f", "\u2028", "\u202e", "\u2066", "\udc80"])
def test_control_characters_are_not_shown(sign):
    stream = io.StringIO()
    people = ForPeople(stream)
    assert people.write(f"a{sign}b\tc\n") == 6
    people.flush()
    assert stream.getvalue() == "a\ufffdb\tc\n"


def test_lines_for_people_and_errors(capsys):
    show("a\x1b[1m\nb")
    with pytest.raises(SystemExit) as stop:
        fail("a\nb")
    assert stop.value.code == 2
    assert capsys.readouterr() == ("a\ufffd[1m\nb\n", "error: a b\n")


def test_flushing_reaches_the_stream():
    content = io.BytesIO()
    people = ForPeople(io.TextIOWrapper(content, encoding="utf-8"))
    people.write("a")
    assert content.getvalue() == b""
    people.flush()
    assert content.getvalue() == b"a"


def test_a_message_in_the_letters_of_the_terminal(monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(content, encoding="ascii"))
    with pytest.raises(SystemExit):
        fail("café")
    sys.stderr.flush()
    assert content.getvalue() == b"error: caf\\xe9\n"


def test_values_in_a_message():
    assert excerpt("x" * 40) == repr("x" * 40)
    assert excerpt("x" * 41) == repr("x" * 40 + "…")
    assert as_written("x" * 38) == repr("x" * 38)
    assert as_written("x" * 39) == "'" + "x" * 39 + "…"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space"), "output: the disk is full; free some space and run the command again"),
        (OSError(errno.EDQUOT, "Quota", "a"), "a: the disk is full; free some space and run the command again"),
        (OSError(errno.EFBIG, "Big", "a"), "a: the disk is full; free some space and run the command again"),
        (OSError(errno.EPERM, "No", "a"), "a: cannot be written (No); choose another folder"),
        (OSError(errno.EROFS, "No", "a"), "a: cannot be written (No); choose another folder"),
        (OSError(errno.EACCES, "No"), "input or output: cannot be written (No); choose another folder"),
        *((OSError(number, "No", "a"), "a: No; choose another path") for number in
          (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)),
        (OSError(errno.EIO, "Bad", "a"), "a: Bad; check the file or device and run the command again"),
        (OSError("odd"), "input or output: odd; check the file or device and run the command again"),
        (OSError(), "input or output: OSError; check the file or device and run the command again"),
    ],
)  # fmt: skip
def test_what_the_system_refused(error, said):
    assert describe_os_error(error) == said
