"""Encodings: byte order marks, UTF-16 without one, damage, names; streams that come byte by byte."""

from __future__ import annotations

import codecs
import io

import pytest

from common.errors import InputError
from common.text.encodings import Recoder, find_encoding, guess_encoding, looks_like_utf16, name_of_encoding

TEXT = "Schön – 好, naïve.\n" * 3


class Slow(io.RawIOBase):
    """A stream that gives one byte at a time, then so many."""

    def __init__(self, content, sizes=()):
        self.content, self.sizes = io.BytesIO(content), iter(sizes)

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.content.read(min(next(self.sizes, 1), len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    read1 = io.RawIOBase.read


def recoded(content, encoding=None, sizes=()):
    found = []
    reader = io.BufferedReader(Recoder(Slow(content, sizes), encoding, found.append), 64)
    return reader.read(), found


@pytest.mark.parametrize(
    ("mark", "encoding", "found"),
    [
        (codecs.BOM_UTF8, "utf-8", []),
        (codecs.BOM_UTF16_LE, "utf-16-le", ["utf-16-le"]),
        (codecs.BOM_UTF16_BE, "utf-16-be", ["utf-16-be"]),
        (codecs.BOM_UTF32_LE, "utf-32-le", ["utf-32-le"]),
        (codecs.BOM_UTF32_BE, "utf-32-be", ["utf-32-be"]),
        (b"", "utf-8", []),
    ],
)
@pytest.mark.parametrize("sizes", [(), [3, 1, 5], [1000], [4, 1000]])
def test_a_mark_names_the_encoding_and_is_left_out(mark, encoding, found, sizes):
    assert recoded(mark + TEXT.encode(encoding), None, sizes) == (TEXT.encode(), found)
    assert recoded(mark, None, sizes) == (b"", found)


def test_an_encoding_that_is_given_is_taken():
    assert recoded("naïve 好".encode("utf-16-le"), "utf-16-le") == ("naïve 好".encode(), ["utf-16-le"])
    assert recoded(b"\xe9a", "cp1252", [9]) == ("éa".encode(), ["cp1252"])
    assert recoded(b"\xe9a", "utf-8", [9]) == (b"\xe9a", [])
    with pytest.raises(InputError, match=r"--encoding: the file cannot be read as utf-7 .*; give another"):
        recoded(b"a+2AA-\xff", "utf-7", [9])


@pytest.mark.parametrize("size", [3, 5, 70])
def test_what_the_encoding_does_not_have_is_what_utf8_does_not_have(size):
    content = "a好b".encode("utf-16-le") + b"\x00\xd8" + "c".encode("utf-16-le") + b"x"
    assert recoded(content, "utf-16-le", [size] * 99)[0] == b"a\xe5\xa5\xbdb\xffc\xff"


def test_the_first_bytes_that_are_not_ascii_decide_with_what_stands_before_them():
    text = "x" * 3000 + " Größe zu klein, schön ist es trotzdem."
    assert recoded(text.encode("cp1252"), None, [64] * 99) == (text.encode(), ["cp1252"])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", None),
        ("AUTO", None),
        ("utf8", "utf-8"),
        ("ascii", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("latin-1", "iso8859-1"),
    ],
)
def test_names_of_encodings(name, found):
    assert find_encoding(name) == found


@pytest.mark.parametrize("name", ["cp9999", "base64", "rot13", "idna2", "a\0b", "undefined", "x" * 60])
def test_names_that_are_no_encodings(name):
    with pytest.raises(InputError, match=r"--encoding: no encoding '.*'; give auto, or such as utf-8, utf-16"):
        find_encoding(name)


def test_what_to_call_an_encoding():
    names = ("cp1250", "cp1258", "cp1259", "mac_roman", "utf-16-le", "utf-32-be")
    assert [name_of_encoding(name) for name in names] == [
        "Windows code page 1250", "Windows code page 1258", "CP1259", "Mac Roman", "UTF-16", "UTF-32"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("aé".encode() + b"\xe9", "utf-8"),  # as many that are right as are not
        (b"\xe9t\xe9", "cp1252"),
        ("déjà".encode()[:-1], "utf-8"),
        (b"caf\xe9 d\xe9j\xe0 " + "é".encode(), "cp1252"),
    ],
)
def test_damage_or_another_encoding(block, found):
    assert guess_encoding(block) == found


@pytest.mark.parametrize(
    ("block", "order"),
    [
        ("abc".encode("utf-16-le"), "utf-16-le"),
        ("abc".encode("utf-16-be"), "utf-16-be"),
        ("ab".encode("utf-16-le"), None),
        ("abc".encode("utf-16-le") + b"d", "utf-16-le"),
        ("мир abc def".encode("utf-16-be"), "utf-16-be"),
        (("мир" * 19 + " bc").encode("utf-16-le"), "utf-16-le"),  # three of 60 are zeros
        (("мир" * 20 + " bc").encode("utf-16-le"), None),
        (("abcdefghi好" * 3).encode("utf-16-le"), "utf-16-le"),  # nine of ten are small
        (("abcdefgh好好" * 3).encode("utf-16-le"), None),
        (bytes(12), None),
        (b"a\0" * 20 + b"\0b", "utf-16-le"),
        (b"a\0" * 19 + b"\0\0", "utf-16-le"),
        (b"a\0" * 18 + b"\0\0", None),
        (b"\x1fa" * 9 + b"\0a" * 3, "utf-16-be"),
        (b"\x20a" * 9 + b"\0a" * 3, None),
        (b"a\0" * (1 << 15) + b"xyz" * (1 << 15), "utf-16-le"),
    ],
)
def test_utf16_without_a_mark(block, order):
    assert looks_like_utf16(block) == order
