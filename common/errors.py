"""Errors of input: one clear line, made where the input is read, and exit status 2."""

from __future__ import annotations

import errno
import re
import sys
from typing import IO, NoReturn

MAX_LINE = 300  # characters of a message
# Control characters but line end and tab; marks that turn the direction of writing, or end a line without a line end.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class InputError(ValueError):
    """The user's input is at fault. The message is one line: where, what was found, what to do."""


class PlaceError(InputError):
    """The place to write is at fault, not what was given: a run with other settings would fail there, too."""


def fail(message: str) -> NoReturn:
    """Print `error: message` as one line on standard error and leave with status 2."""
    print(printable(f"error: {message}", sys.stderr.encoding), file=sys.stderr)
    raise SystemExit(2)


def printable(message: str, encoding: str | None = None, max_characters: int = MAX_LINE) -> str:
    r"""Make one line of a message that may quote data: no control characters, and not too long; its two ends stay.

    Args:
        message: the text.
        encoding: of the terminal; a character that it lacks is written as an escape.
        max_characters: of the line.

    >>> printable("a\x1b[31m red\nline")
    'a\ufffd[31m red line'
    >>> printable("caf\u00e9", "ascii")
    'caf\\xe9'
    >>> printable("abcdefghijk", max_characters=9)
    'abcd...jk'
    """
    encoding = encoding or "utf-8"
    line = CONTROL.sub("\ufffd", " ".join(message.split())).encode(encoding, "backslashreplace").decode(encoding)
    tail = (max_characters - 3) // 3
    return line if len(line) <= max_characters else line[: max_characters - 3 - tail] + "..." + line[len(line) - tail :]


class ForPeople:
    """A text stream for people to read, a terminal's say, on which control characters of data show as U+FFFD.

    Line ends and tabs stay. What is written elsewhere, into a file of answers, is not changed.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write what is safe to show."""
        return self.stream.write(CONTROL.sub("\ufffd", text))

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()


def show(text: str) -> None:
    """Print lines for people on standard output."""
    print(text, file=ForPeople(sys.stdout))  # type: ignore[arg-type]


def as_written(value: object, max_characters: int = 40) -> str:
    """Write any value for a message as Python does, cut.

    >>> as_written(["a", None]), as_written("abcdef", 4)
    ("['a', None]", "'abc…")
    """
    written = repr(value)
    return written if len(written) <= max_characters else written[:max_characters] + "…"


def excerpt(text: str, max_characters: int = 40) -> str:
    """Quote the start of a text for a message, so that a long or odd one cannot flood the screen.

    >>> excerpt("abcdef", 3)
    "'abc…'"
    """
    return repr(text if len(text) <= max_characters else text[:max_characters] + "…")


def is_want_of_memory(error: Exception) -> bool:
    """Whether memory has run out: Python's own error, or that of TensorFlow, which need not be there."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def describe_os_error(error: OSError) -> str:
    """Say what the system refused, and what would do."""
    name = error.filename or "input or output"
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{error.filename or 'output'}: the disk is full; free some space and run the command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{name}: cannot be written ({reason}); choose another folder"
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return f"{name}: {reason}; choose another path"
    return f"{name}: {reason}; check the file or device and run the command again"
