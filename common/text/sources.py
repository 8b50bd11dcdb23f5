"""Where text comes from: a file, a pipe or standard input, opened once and read from front to back, whatever it is.

Below a `Source` lie, one upon the other: the bytes, counted and hashed; gzip, if they are packed; the encoding, which
`common.text.encodings` finds out. A block that has been looked at is read like everything else: nothing is seeked.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from common.errors import InputError
from common.files import check_file
from common.progress import say
from common.text.encodings import UTF8, Recoder, find_encoding, name_of_encoding

GZIP_START = b"\x1f\x8b"
MAX_UNPACKING = 200  # times the size of a gzip file; text has 3 to 10
# Bytes that are unpacked before any of them is used: work with those of a file that is refused would be in vain.
UNPACKED_AHEAD = 1 << 23
UNPACKED_FREELY = 1 << 18  # bytes, however small the file is
LOOKED_AHEAD = 1 << 18  # bytes in which format and encoding are looked for
STANDARD_INPUT = "standard input"


class _Watched(io.RawIOBase):
    """The bytes of a stream, counted as they go by, and hashed by `hash`; it is read once, and from front to back."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.read_some = getattr(stream, "read1", stream.read)
        self.count = 0
        self.ended = False
        self.hash: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.read_some(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        self.ended = not data
        if self.hash is not None:
            self.hash.update(data)
        return len(data)


class _Gunzipped(_Watched):
    """The bytes of a gzip file, which may not unpack to many times its size."""

    def __init__(self, packed: _Watched, name: str) -> None:
        super().__init__(gzip.GzipFile(fileobj=io.BufferedReader(packed), mode="rb"))
        self.read_some = self.stream.read
        self.packed, self.name = packed, name

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        if self.count > UNPACKED_FREELY and self.count > MAX_UNPACKING * self.packed.count:
            raise InputError(
                f"{self.name}: unpacks to more than {MAX_UNPACKING} times its size, as no text does; "
                "if it is one, unpack it first"
            )
        return count


_hashes: dict[Path, str] = {}  # of the files that this process has read to their end


def hash_of_read(path: Path) -> str | None:
    """The sha256 of a file as it was read, if that was to its end; of one that was not, as it is; None for a pipe."""
    if path.absolute() in _hashes:
        return _hashes[path.absolute()]
    return sha256_of(path) if path.is_file() else None


def sha256_of(path: Path) -> str:
    """Hash a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Source:
    """Something open to be read once.

    Attributes:
        name: for messages.
        content: the bytes, gunzipped; for files that are no text, such as spreadsheets.
        file: the text; undecodable bytes are lone surrogates, line ends as they are.
    """

    def __init__(self, name: str, content: io.BufferedReader[Any], encoding: str | None = None) -> None:
        self.name, self.content = name, content
        self.notes: list[str] = []
        self.announced = False
        self._utf8 = io.BufferedReader(Recoder(content, encoding, self._on_encoding), LOOKED_AHEAD)
        self.file: IO[str] = io.TextIOWrapper(self._utf8, encoding=UTF8, errors="surrogateescape", newline="")

    def starts_with(self, *marks: bytes) -> bool:
        """Whether the bytes begin with one of these."""
        start = self.content.peek(max(map(len, marks)))
        return any(start.startswith(mark) for mark in marks)

    def head(self) -> str:
        """The beginning of the text, as much of it as lies ready; it is still to be read."""
        block = self._utf8.peek(LOOKED_AHEAD)
        return codecs.getincrementaldecoder(UTF8)("surrogateescape").decode(block)

    def note(self, found: str) -> None:
        """Remember what differs from a plain file of that name."""
        self.notes.append(found)

    def announce(self) -> None:
        """Say in one line what was found; what is found later is said when it is."""
        self.announced = True
        if self.notes:
            say(f"{self.name}: {', '.join(self.notes)}")

    def _on_encoding(self, encoding: str) -> None:
        if self.announced:
            say(f"{self.name}: {name_of_encoding(encoding)}")
        else:
            self.note(name_of_encoding(encoding))


@contextmanager
def open_source(path: Path | None, encoding: str = "auto") -> Iterator[Source]:
    """Open a file, a pipe, or standard input (None), once.

    It is gunzipped if its name ends in `.gz`, or if it begins as a gzip file does.

    Args:
        path: the file.
        encoding: of the text; "auto": found out.
    Raises:
        InputError: it cannot be read, or is damaged.
    """
    known = find_encoding(encoding)
    if path is None:
        if sys.stdin is None:
            raise InputError("standard input is closed; write texts after the command, or use --input")
        yield Source(STANDARD_INPUT, io.BufferedReader(_Watched(sys.stdin.buffer)), known)
        return
    check_file(path)
    with _clear_errors(str(path)), open(path, "rb", buffering=0) as raw:
        watched = _Watched(raw)
        watched.hash = hashlib.sha256()
        yield _source_of(watched, str(path), known)
        if watched.ended:
            _hashes[path.absolute()] = watched.hash.hexdigest()


@contextmanager
def open_stream(stream: IO[bytes] | io.RawIOBase, name: str, encoding: str = "auto") -> Iterator[Source]:
    """The same of bytes that are open already: a part of a file, or one that lies elsewhere.

    Args:
        stream: the bytes.
        name: of what they come from; its ending tells the format.
        encoding: of the text; "auto": found out.
    Raises:
        InputError: they cannot be read, or are damaged.
    """
    with _clear_errors(name):
        yield _source_of(_Watched(stream), name, find_encoding(encoding))


def _source_of(watched: _Watched, name: str, encoding: str | None) -> Source:
    content = io.BufferedReader(watched, LOOKED_AHEAD)
    if name.lower().endswith(".gz") or content.peek(2)[:2] == GZIP_START:
        content = io.BufferedReader(_Gunzipped(_Watched(content), name), UNPACKED_AHEAD)
        content.peek(1)
    return Source(name, content, encoding)


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """Turn what can go wrong while a file is read into one line."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name}: not a complete gzip file ({error}); copy or download it again") from None
    except PermissionError:
        raise InputError(f"{name}: may not be read; change its permissions") from None
    except OSError as error:
        if error.filename not in (None, name):
            raise
        raise InputError(f"{name}: cannot be read ({error.strerror or error}); check the file") from None


@contextmanager
def open_text(path: Path, encoding: str = "auto") -> Iterator[IO[str]]:
    """Open a text file or pipe, once; undecodable bytes become lone surrogates."""
    with open_source(path, encoding) as source:
        source.head()
        source.announce()
        yield source.file
