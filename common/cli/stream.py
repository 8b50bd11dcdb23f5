"""Streaming: texts in, answers out, in their order and in constant memory, however many there are."""

from __future__ import annotations

import argparse
import errno
import gzip
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from common.cli.options import paths_read
from common.errors import ForPeople, InputError
from common.output import check_file_place, kind_of, replace_file, resolve
from common.parallel import map_ahead
from common.progress import say
from common.text.readers import MAX_ROW, BadRow, read_texts

Answer = TypeVar("Answer")
MOST_REPORTED = 1000  # rows that are left out, one by one
TEXTS_AT_ONCE, CHARACTERS_AT_ONCE = 256, MAX_ROW


def open_texts(arguments: argparse.Namespace, items: Iterable[Any] | None = None) -> Iterator[Any]:
    """Find what is wrong with the options before the model is loaded, and open what is to be answered, once.

    Args:
        arguments: of the command.
        items: what is read from `--input`, if not texts.
    Returns:
        What `answer_all` takes; of a file the first row has been read.
    """
    if arguments.texts and arguments.input:
        raise InputError("TEXT and --input exclude each other; give one of them")
    if arguments.output:
        check_file_place(arguments.output, paths_read(arguments))
    rows = iter(given_texts(arguments) if items is None else items)
    first = [*itertools.islice(rows, 1)] if arguments.input else []
    return itertools.chain(first, rows)


def given_texts(arguments: argparse.Namespace) -> Iterable[tuple[str, str] | BadRow]:
    """The texts of the command line, of `--input`, or of standard input, each with its place."""
    if arguments.texts:
        for number, text in enumerate(arguments.texts, 1):
            place = f"text {number}"
            yield (place, text) if text.strip() else BadRow(f"{place}: empty text; write something there")
        return
    if is_interactive(arguments):
        say("Type a text and press Enter; Ctrl-D ends.")
    yield from read_texts(arguments.input, getattr(arguments, "text_column", "text"))


def is_interactive(arguments: argparse.Namespace) -> bool:
    """Whether somebody types the texts."""
    return not arguments.texts and arguments.input is None and sys.stdin is not None and sys.stdin.isatty()


def answer_all(
    arguments: argparse.Namespace,
    answer: Callable[[list[Any]], list[Answer]],
    items: Iterable[tuple[str, Any] | BadRow],
    at_once: int = TEXTS_AT_ONCE,
    size: Callable[[Any], int] = len,
) -> Iterator[tuple[str, Any, Answer]]:
    """Answer texts in their order, some hundred at a time, however many there are.

    A bad row is reported on standard error and left out; with `--strict` it ends the command.

    Args:
        arguments: of the command.
        answer: takes some texts and gives an answer to each.
        items: what to answer, each with its place, of `open_texts`.
        at_once: how many are answered together, at most.
        size: the characters of one, about; long ones are answered in smaller groups.
    Yields:
        The place of the text, the text, its answer.
    """
    left_out = _LeftOut(arguments.strict)
    num_answered = 0
    chunks = map(left_out.take_from, _chunks(items, 1 if is_interactive(arguments) else at_once, size))

    def answer_chunk(chunk: list[tuple[str, Any]]) -> list[tuple[str, Any, Answer]]:
        results = answer([text for _, text in chunk])
        return [(*item, result) for item, result in zip(chunk, results, strict=True)]

    # Of a file, while some are answered, the next are read and the last are written. Who types, or feeds a pipe, may
    # wait for the answers before going on.
    is_file = arguments.input is not None and arguments.input.is_file()
    for answers in map_ahead(answer_chunk, chunks) if is_file else map(answer_chunk, chunks):
        yield from answers
        num_answered += len(answers)
    left_out.conclude(num_answered)


class _LeftOut:
    """The rows that are left out: the first are reported one by one, all are counted."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.number = 0

    def take_from(self, chunk: list[Any]) -> list[tuple[str, Any]]:
        """Report the bad rows of a chunk; returns the good ones."""
        for item in chunk:
            if isinstance(item, BadRow):
                if self.strict:
                    raise InputError(item.message)
                self.number += 1
                if self.number <= MOST_REPORTED:
                    say(f"left out: {item.message}")
                elif self.number == MOST_REPORTED + 1:
                    say("further rows that are left out are only counted")
        return [item for item in chunk if not isinstance(item, BadRow)]

    def conclude(self, num_answered: int) -> None:
        """Say how many rows were left out; none answered is an error."""
        if self.number:
            say(f"{self.number:,} of {self.number + num_answered:,} rows left out")
        if not self.number + num_answered:
            raise InputError("no text given; write one after the command, or use --input")
        if not num_answered:
            raise InputError(f"none of the {self.number:,} rows could be answered; see above what is wrong with them")


def _chunks(items: Iterable[Any], at_once: int, size: Callable[[Any], int]) -> Iterator[list[Any]]:
    """Put items together, so many, or fewer where they are long."""
    chunk: list[Any] = []
    num_characters = 0
    for item in items:
        chunk.append(item)
        num_characters += 0 if isinstance(item, BadRow) else size(item[1])
        if len(chunk) == at_once or num_characters > CHARACTERS_AT_ONCE:
            yield chunk
            chunk, num_characters = [], 0
    if chunk:
        yield chunk


@contextmanager
def open_output(path: Path | None, for_people: bool = False, errors: str = "replace") -> Iterator[IO[str]]:
    """Open where answers go; `.gz` is compressed. A file appears under its name only when it is complete.

    Args:
        path: the file, or a pipe; None: standard output.
        for_people: whether the answers are lines to read rather than data; their control characters are not shown.
        errors: what is written for lone surrogates; "surrogateescape": the bytes that they were read from.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            shown = errors if errors == "surrogateescape" else "backslashreplace"
            sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors=shown)
        yield ForPeople(sys.stdout) if for_people or sys.stdout.isatty() else sys.stdout  # type: ignore[misc]
        return
    if kind_of(resolve(path)) in ("FIFO", "device"):  # nothing to replace
        with _open_stream(path, errors) as file:
            yield file
        return
    with replace_file(path, "wb") as binary, ExitStack() as stack:
        content = (
            stack.enter_context(gzip.GzipFile("", "wb", fileobj=binary, mtime=0)) if path.suffix == ".gz" else binary
        )
        file = io.TextIOWrapper(content, encoding="utf-8", errors=errors, newline="")
        try:
            yield file
        finally:
            file.detach()  # what lies below is closed by those who opened it


def _open_stream(path: Path, errors: str) -> IO[str]:
    """Open a pipe or `/dev/stdout` to write; one that nobody reads would never open."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise InputError(f"{path}: nobody reads from it; start the program that reads first, or name a file") from None
    os.set_blocking(descriptor, True)
    return open(descriptor, "w", encoding="utf-8", errors=errors, newline="")
