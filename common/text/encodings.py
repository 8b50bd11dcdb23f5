"""Which encoding do the bytes of a text have? Byte order marks, UTF-16, UTF-8 with damage, code pages.

`Recoder` turns a stream of bytes into UTF-8 as they go by. As long as every byte is ASCII nothing needs to be decided;
what the first other bytes are decides for the rest.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import Any

from common.errors import InputError, excerpt
from common.text.code_pages import guess_code_page

UTF8, AUTO = "utf-8", "auto"
LEAST = 4  # bytes that are looked at before anything is decided
# Byte order marks, the longest first: that of UTF-32 begins as that of UTF-16 does.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NAMES = {
    "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32",
    "mac_roman": "Mac Roman",
    **{f"cp{number}": f"Windows code page {number}" for number in range(1250, 1259)},
}  # fmt: skip
BROKEN = "\udcff"  # stands for bytes that the encoding does not have: a lone surrogate, as for those of UTF-8


def _mark_broken(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BROKEN, error.end


codecs.register_error("rnn_language_broken", _mark_broken)


def name_of_encoding(encoding: str) -> str:
    """What to call an encoding.

    >>> name_of_encoding("cp1252"), name_of_encoding("koi8-r")
    ('Windows code page 1252', 'KOI8-R')
    """
    return NAMES.get(encoding, encoding.upper())


def find_encoding(name: str) -> str | None:
    """Python's name of an encoding that a user has given; None for "auto".

    Raises:
        InputError: there is none of that name.
    """
    if name.lower() in ("", AUTO):
        return None
    try:
        found = codecs.lookup(name)
        if not found._is_text_encoding or "".encode(found.name) is None:
            raise LookupError(name)
        b"".decode(found.name)
    except (LookupError, UnicodeError, ValueError):
        raise InputError(
            f"--encoding: no encoding {excerpt(name)}; give auto, or such as utf-8, utf-16, cp1252, latin-1"
        ) from None
    return UTF8 if found.name in ("utf-8-sig", "ascii") else found.name


def guess_encoding(block: bytes) -> str | None:
    """Find the encoding of bytes that are not all ASCII.

    Args:
        block: the bytes, the last of which may be the beginning of a character.
    Returns:
        "utf-8", also where some bytes are damaged; a code page; or None if nothing is certain.

    >>> guess_encoding("déjà vu".encode()), guess_encoding("déjà vu".encode("cp1252"))
    ('utf-8', 'cp1252')
    """
    text = codecs.getincrementaldecoder(UTF8)("surrogateescape").decode(block)
    beyond = [character for character in text if character > "\x7f"]
    broken = sum("\udc80" <= character <= "\udcff" for character in beyond)
    if broken <= len(beyond) - broken:
        return UTF8
    return guess_code_page(block)


def looks_like_utf16(block: bytes) -> str | None:
    """The byte order of UTF-16 without a mark: every other byte of text in Latin, Greek, Cyrillic … script is small.

    >>> looks_like_utf16("rating,review".encode("utf-16-be")), looks_like_utf16(b"plain")
    ('utf-16-be', None)
    """
    block = block[: min(len(block), 1 << 16) // 2 * 2]
    for order, start in (("utf-16-be", 0), ("utf-16-le", 1)):
        high, low = block[start::2], block[1 - start :: 2]
        zeros = high.count(0)
        small = sum(high.count(byte) for byte in range(32))
        if zeros >= max(3, 0.05 * len(high)) and small >= 0.9 * len(high) and low.count(0) <= zeros / 20:
            return order
    return None


class Recoder(io.RawIOBase):
    """A stream of bytes, read once from front to back, as UTF-8.

    Bytes that the encoding does not have come out as bytes that UTF-8 does not have.

    Args:
        stream: the bytes.
        encoding: of `find_encoding`; None: found out.
        on_found: called with an encoding that is not UTF-8, once it is found.
    """

    def __init__(self, stream: io.BufferedReader, encoding: str | None, on_found: Callable[[str], None]) -> None:
        self.stream, self.given, self.on_found = stream, encoding, on_found
        self.decoder: Any = None  # of an encoding that is not UTF-8
        self.decided = self.started = False
        self.pending = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.pending:
            block = self.stream.read1(max(len(buffer), LEAST))
            if not self.started:
                block = self._start(block)
            self.pending = memoryview(self._convert(block))
            if not block:
                break
        size = min(len(buffer), len(self.pending))
        buffer[:size] = self.pending[:size]
        self.pending = self.pending[size:]
        return size

    def _start(self, block: bytes) -> bytes:
        """Look for a byte order mark and for UTF-16 without one; returns what follows."""
        self.started = True
        while len(block) < LEAST and (more := self.stream.read1(LEAST)):
            block += more
        for mark, encoding in MARKS:
            if block.startswith(mark):
                self._decide(encoding)
                return block[len(mark) :] or self.stream.read1(io.DEFAULT_BUFFER_SIZE)
        if self.given:
            self._decide(self.given)
        elif encoding16 := looks_like_utf16(block):
            self._decide(encoding16)
        return block

    def _decide(self, encoding: str) -> None:
        self.decided = True
        if encoding != UTF8:
            self.decoder = codecs.getincrementaldecoder(encoding)("rnn_language_broken")
            self.on_found(encoding)

    def _convert(self, block: bytes) -> bytes:
        if not self.decided and not block.isascii():
            first = next(place for place, byte in enumerate(block) if byte > 127)
            self._decide(guess_encoding(block[max(0, first - 1000) :]) or UTF8)
        if self.decoder is None:
            return block
        try:
            return self.decoder.decode(block, final=not block).encode(UTF8, "surrogateescape")
        except UnicodeError as error:
            raise InputError(f"--encoding: the file cannot be read as {self.given} ({error}); give another") from None
