"""Streaming: texts in, answers out, in their order and in constant memory, however many there are."""

from __future__ import annotations

import argparse
import dataclasses
import errno
import gzip
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from common.bundles.file_names import CONFIG_FILE
from common.cli.options import check_nothing_is_read, paths_read
from common.errors import ForPeople, InputError
from common.json_files import read_json_object
from common.output import check_file_place, kind_of, replace_file, resolve
from common.parallel import map_ahead
from common.progress import say
from common.text.asked import Asked, Texts, given_texts, open_asked
from common.text.documents import AUTO, LINE
from common.text.rows import MAX_ROW, BadRow
from common.text.sources import Source
from common.text.tables import Reading, Table, no_rows

Item = TypeVar("Item")
Answer = TypeVar("Answer")
MOST_REPORTED = 1000  # rows without an answer, one by one
TEXTS_AT_ONCE, CHARACTERS_AT_ONCE = 256, MAX_ROW
NO_TEXT = "no text given; write one after the command, or use --input"


def open_texts(arguments: argparse.Namespace, items: Iterable[Any]) -> Iterator[Any]:
    """Find what is wrong with the options before the model is loaded, and open what is to be answered, once.

    Args:
        arguments: of the command.
        items: what is read from `--input`, each with its place.
    Returns:
        What `answer_all` takes.
    """
    check_text_arguments(arguments)
    return _begun(arguments, items)


def _begun(arguments: argparse.Namespace, items: Iterable[Item], table: Table | None = None) -> Iterator[Item]:
    """Read the first item, except of what is typed: where there is none, no model is loaded and nothing is written.

    Raises:
        InputError: there is none.
    """
    if is_interactive(arguments):
        return iter(items)
    rows = iter(items)
    first = [*itertools.islice(rows, 1)]
    if not first and table:
        raise InputError(no_rows(table))
    if not first and arguments.input:
        raise InputError(f"{arguments.input}: no text in the file; give one with at least a word")
    if not first:
        raise InputError(NO_TEXT)
    return itertools.chain(first, rows)


def ask(arguments: argparse.Namespace, usual: Sequence[str] = ("text",), source: Source | None = None) -> Texts:
    """Find what is wrong with the options before the model is loaded, and open the texts of a command, once.

    Args:
        arguments: of the command.
        usual: names that the column of the text mostly has, besides that which the model was trained on.
        source: the input, if it is open already.
    """
    check_text_arguments(arguments)
    if arguments.texts:
        return given_texts(arguments.texts)
    if is_interactive(arguments):
        say("Type a text and press Enter; Ctrl-D ends.")
    reading = Reading(arguments.encoding, arguments.header)
    document = LINE if is_interactive(arguments) and arguments.document == AUTO else arguments.document
    names = [*trained_text_column(arguments.model), *usual]
    texts = open_asked(arguments.input, arguments.text_column, names, reading, document, source)
    return dataclasses.replace(texts, items=_begun(arguments, texts.items, texts.table))


def ask_texts(arguments: argparse.Namespace, usual: Sequence[str] = ("text",)) -> list[str]:
    """The texts of a command, all of which must be good.

    Raises:
        InputError: the first one that cannot be read.
    """
    texts = []
    for asked in ask(arguments, usual).items:
        if asked.text is None:
            raise InputError(asked.problem)
        texts.append(asked.text)
    return texts


def trained_text_column(model: Path) -> list[str]:
    """The column of the text in the data that a model was trained on, if it is known; the model may be damaged."""
    try:
        found = read_json_object(Path(model) / CONFIG_FILE).get("text_column")
    except (InputError, OSError):
        return []
    return [found] if isinstance(found, str) else []


def check_text_arguments(arguments: argparse.Namespace) -> None:
    """Find what is wrong with the options of a command that answers to texts."""
    if arguments.texts and arguments.input:
        raise InputError("TEXT and --input exclude each other; give one of them")
    if arguments.texts:
        check_nothing_is_read(arguments, "give --input instead of TEXT")
    if arguments.output:
        check_file_place(arguments.output, paths_read(arguments))


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
    left_out = NotAnswered(arguments.strict)
    num_answered = 0
    size_of = lambda item: 0 if isinstance(item, BadRow) else size(item[1])  # noqa: E731
    parts = map(left_out.take_from, chunks(items, 1 if is_interactive(arguments) else at_once, size_of))

    def answer_chunk(chunk: list[tuple[str, Any]]) -> list[tuple[str, Any, Answer]]:
        results = answer([text for _, text in chunk])
        return [(*item, result) for item, result in zip(chunk, results, strict=True)]

    for answers in in_order(arguments, answer_chunk, parts):
        yield from answers
        num_answered += len(answers)
    left_out.conclude(num_answered)


def in_order(
    arguments: argparse.Namespace, answer: Callable[[Item], Answer], parts: Iterable[Item]
) -> Iterator[Answer]:
    """Answer one part after the other.

    Of a file, while some are answered, the next are read and the last are written. Who types, or feeds a pipe, may wait
    for the answers before going on.
    """
    is_file = arguments.input is not None and arguments.input.is_file()
    return map_ahead(answer, parts) if is_file else map(answer, parts)


class NotAnswered:
    """The rows that have no answer: the first are reported one by one, all are counted."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.number = 0

    def take_from(self, chunk: list[Any]) -> list[tuple[str, Any]]:
        """Report the bad rows of a chunk; returns the good ones."""
        for item in chunk:
            if isinstance(item, BadRow):
                self._report(item.message)
        return [item for item in chunk if not isinstance(item, BadRow)]

    def report_asked(self, chunk: list[Asked]) -> list[Asked]:
        """Report what cannot be answered; returns the chunk as it is."""
        for asked in chunk:
            if asked.text is None:
                self._report(asked.problem)
        return chunk

    def _report(self, problem: str) -> None:
        if self.strict:
            raise InputError(problem)
        self.number += 1
        if self.number <= MOST_REPORTED:
            say(f"no answer: {problem}")
        elif self.number == MOST_REPORTED + 1:
            say("further rows without an answer are only counted")

    def conclude(self, num_answered: int) -> None:
        """Say how many rows have no answer; none answered is an error."""
        if self.number and num_answered:
            say(f"{self.number:,} of {self.number + num_answered:,} rows have no answer")
        if not self.number + num_answered:
            raise InputError(NO_TEXT)
        if not num_answered:
            raise InputError(f"none of the {self.number:,} rows could be answered; see above what is wrong with them")


def chunks(
    items: Iterable[Any], at_once: int, size: Callable[[Any], int], characters: int = CHARACTERS_AT_ONCE
) -> Iterator[list[Any]]:
    """Put items together, so many, or fewer where they are long."""
    chunk: list[Any] = []
    num_characters = 0
    for item in items:
        chunk.append(item)
        num_characters += size(item)
        if len(chunk) == at_once or num_characters > characters:
            yield chunk
            chunk, num_characters = [], 0
    if chunk:
        yield chunk


@contextmanager
def open_output(
    path: Path | None, for_people: bool = False, binary: bool = False, errors: str = "replace"
) -> Iterator[IO[Any]]:
    """Open where answers go; `.gz` is compressed. A file appears under its name only when it is complete.

    Args:
        path: the file, or a pipe; None: standard output.
        for_people: whether the answers are lines to read rather than data; their control characters are not shown.
        binary: whether they are bytes; they need a file.
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
            yield file.buffer if binary else file  # type: ignore[attr-defined]
        return
    with replace_file(path, "wb") as target, ExitStack() as stack:
        content = (
            stack.enter_context(gzip.GzipFile("", "wb", fileobj=target, mtime=0)) if path.suffix == ".gz" else target
        )
        if binary:
            yield content  # type: ignore[misc]
            return
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
