"""Answers joined with the rows that they answer to: every row and every column comes back, in order, in any format.

A row that has no answer keeps its place, with a note that says why.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from common.cli.stream import TEXTS_AT_ONCE, NotAnswered, chunks, in_order, is_interactive, open_output
from common.cli.table_files import FORMATS, write_table
from common.errors import InputError, excerpt
from common.evaluation.metrics import finite
from common.progress import say
from common.text.asked import Asked, Texts
from common.text.columns import Column, free_name, missing_column
from common.text.rows import UNDECODED
from common.text.tables import JSON_LINES, JSON_LIST, Table, file_kind

NOTE, LINE = "note", "line"
BY_ENDING = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".xlsx": "xlsx", ".parquet": "parquet", ".html": "html", ".conllu": "conllu", ".txt": "text",
}  # fmt: skip
BY_FORM = {"csv": "csv", JSON_LINES: "jsonl", JSON_LIST: "json", ".xlsx": "xlsx", ".parquet": "parquet"}
BINARY = ("xlsx", "parquet")
SENTENCE_FORMATS = ("tsv", "jsonl")  # of a tagger, whose texts come from no table: a word a line, a sentence a line


@dataclass(frozen=True)
class OwnColumns:
    """What a command says of a text, as columns of a table.

    Attributes:
        formats: how the numbers of each column are written where a table is of text, such as ".2f"; "" as they are.
        values: the values of an answer by column; further ones are for JSON alone.
        text_name: the column of the text, where the texts come from no table.
    """

    formats: Mapping[str, str]
    values: Callable[[Asked, Any], Mapping[str, Any]]
    text_name: str = "text"


def choose_format(arguments: argparse.Namespace, texts: Texts, formats: Sequence[str]) -> tuple[str, bool]:
    """The format of the answers, and whether it is a table that they are joined with.

    It is that of `--format`, else that of the ending of `--output`, else that of the table that is read, else text.

    Args:
        arguments: of the command.
        texts: what is to be answered.
        formats: that the command has.
    Raises:
        InputError: `--columns` is given, and there is no table.
    """
    name, is_table = _find_format(arguments, texts, formats)
    check_columns(arguments, is_table)
    return name, is_table


def check_columns(arguments: argparse.Namespace, is_table: bool) -> None:
    """Refuse `--columns` where the answers are no table."""
    if arguments.columns is not None and not is_table:
        raise InputError("--columns: the answers are no table; leave it out, or choose another --format")


def _find_format(arguments: argparse.Namespace, texts: Texts, formats: Sequence[str]) -> tuple[str, bool]:
    name = arguments.format
    if name is not None:
        return name, _is_joined(name, texts, formats)
    form = BY_FORM.get(texts.table.form) if texts.table else None
    ending = BY_ENDING.get(file_kind(arguments.output)) if arguments.output else None
    if ending == "json" and form == "jsonl" and file_kind(arguments.input) == ".json":
        ending = form  # as many files of that name, it has an object a line
    if ending and (ending in formats or ending in FORMATS):
        return ending, _is_joined(ending, texts, formats)
    if form in BINARY and (arguments.output is None or file_kind(arguments.output) not in BY_ENDING):
        form = "csv"
    if form == "csv" and texts.table is not None and texts.table.dialect.separator == "\t":
        form = "tsv"
    return (form, True) if form else ("text", False)


def _is_joined(name: str, texts: Texts, formats: Sequence[str]) -> bool:
    """Whether answers in a format are a table that they are joined with."""
    of_sentences = name in SENTENCE_FORMATS and "conllu" in formats
    return name in FORMATS and (texts.table is not None or not of_sentences)


def format_by_ending(arguments: argparse.Namespace, formats: Sequence[str]) -> str:
    """The format of a command whose answers are no table.

    It is that of `--format`, else that of the ending of `--output`, else text.

    Args:
        arguments: of the command.
        formats: that the command has.
    """
    ending = BY_ENDING.get(file_kind(arguments.output), "") if arguments.output else ""
    return arguments.format or (ending if ending in formats else "text")


def answer_asked(
    arguments: argparse.Namespace,
    answer: Callable[[list[str]], Sequence[Any]],
    texts: Texts,
    at_once: int = TEXTS_AT_ONCE,
) -> Iterator[tuple[Asked, Any]]:
    """Answer texts in their order, some hundred at a time, however many there are.

    Args:
        arguments: of the command; with `strict` a text that cannot be answered ends it.
        answer: takes some texts and gives an answer to each.
        texts: of `open_asked`.
        at_once: how many are answered together, at most.
    Yields:
        What was asked, and its answer; None where there is none, which has been reported.
    Raises:
        InputError: there was no text, or none could be answered.
    """
    unanswered = NotAnswered(arguments.strict)

    def answer_chunk(chunk: list[Asked]) -> list[tuple[Asked, Any]]:
        answers = iter(answer([asked.text for asked in chunk if asked.text is not None]))
        return [(asked, None if asked.text is None else next(answers)) for asked in chunk]

    size = 1 if is_interactive(arguments) else at_once
    parts = map(unanswered.report_asked, chunks(texts.items, size, lambda asked: len(asked.text or "")))
    num_answered = 0
    for answers in in_order(arguments, answer_chunk, parts):
        num_answered += sum(asked.text is not None for asked, _ in answers)
        yield from answers
    unanswered.conclude(num_answered)


class Joined:
    """Rows of the input with the columns of the answers beside them.

    Args:
        texts: what is answered.
        own: the columns of the answers.
        line_numbers: whether the number of the line or row is a column too.
        chosen: names of the columns to write; None: all.
    """

    def __init__(self, texts: Texts, own: OwnColumns, line_numbers: bool = False, chosen: str | None = None) -> None:
        self.texts, self.own = texts, own
        names = [*([LINE] if line_numbers else []), *own.formats, NOTE]
        theirs = texts.table.names if texts.table else [own.text_name]
        self.own_names = _free_names(names, theirs)
        self.theirs = theirs
        self.chosen = self._read_choice(chosen)
        self.unforeseen = False

    @property
    def names(self) -> list[str]:
        """The columns of the result, in their order."""
        names = [*self.theirs, *self.own_names.values()]
        return names if self.chosen is None else [names[place] for place in self.chosen]

    def row(self, asked: Asked, answer: Any) -> list[Any]:
        """The values of a row, by the columns of `names`."""
        found = self._found(asked, answer)
        values = [*self._their_fields(asked), *(found.get(name) for name in self.own_names)]
        return values if self.chosen is None else [values[place] for place in self.chosen]

    def record(self, asked: Asked, answer: Any) -> dict[str, Any]:
        """A row as an object, with what only JSON has room for."""
        theirs, found = self._their_record(asked), self._found(asked, answer)
        if found[NOTE] is None:
            del found[NOTE]
        for name in self.own.formats:
            found.setdefault(name, None)  # an empty answer
        own = {free_name(self.own_names.get(name, name), theirs): value for name, value in found.items()}
        record = theirs | own
        if self.chosen is None:
            return record
        names = [*self.theirs, *self.own_names.values()]
        return {names[place]: record[names[place]] for place in self.chosen if names[place] in record}

    def _found(self, asked: Asked, answer: Any) -> dict[str, Any]:
        """What is said of a text, by the names that the command has for it."""
        values = {LINE: asked.number} if LINE in self.own_names else {}
        return {**values, **(self.own.values(asked, answer) if answer is not None else {}), NOTE: short_reason(asked)}

    def _their_fields(self, asked: Asked) -> list[Any]:
        table = self.texts.table
        if table is None:
            return [_clean(asked.text or asked.record or "")]
        record, width = asked.record, len(self.theirs)
        if isinstance(record, Mapping):
            new = [name for name in record if name not in self.theirs]
            if new and not self.unforeseen:
                self.unforeseen = True
                say(f"{asked.place}: {excerpt(str(new[0]))} is left out, as no row before has it; write JSON lines")
            return [_cell(record.get(name)) for name in self.theirs]
        if isinstance(record, str):  # what could not be read
            fields: list[Any] = [""] * width
            fields[self.theirs.index(self.texts.column) if self.texts.column in self.theirs else 0] = _clean(record)
            return fields
        return [_cell(value) for value in _fit(list(record or []), width, table)]

    def _their_record(self, asked: Asked) -> dict[str, Any]:
        table = self.texts.table
        if table is None:
            return {"text": _clean(asked.text or asked.record or "")}
        if isinstance(asked.record, Mapping):
            return dict(asked.record)
        if isinstance(asked.record, str):
            return {"raw": _clean(asked.record)}
        if asked.record is None and not table.is_fixed():
            return {}
        return dict(zip(table.keys, self._their_fields(asked), strict=True))

    def _read_choice(self, chosen: str | None) -> list[int] | None:
        if chosen is None:
            return None
        names = [*self.theirs, *self.own_names.values()]
        places = []
        for name in map(str.strip, chosen.split(",")):
            if name not in names:
                raise InputError(f"--columns: {missing_column(names, Column(name, '--columns'))}")
            places.append(names.index(name))
        return places


def _free_names(names: Iterable[str], theirs: Sequence[str]) -> dict[str, str]:
    """Names for columns of our own, other than those of the table; what is changed is said."""
    result = {}
    for name in names:
        shown = free_name(name, theirs)
        if shown != name:
            say(f"the input has a column {excerpt(name)}; that of the answers is {excerpt(shown)}")
        result[name] = shown
    return result


def short_reason(asked: Asked) -> str | None:
    """Why there is no answer, without the place; None: there is one."""
    if asked.text is not None:
        return None
    before, _, problem = asked.problem.partition(": ")
    return _clean(problem or before).partition("; write something")[0]


def _fit(fields: list[Any], width: int, table: Table) -> list[Any]:
    """As many fields as the table has columns: of a row with more, the last ones are put together."""
    if len(fields) > width > 0:
        return [*fields[: width - 1], table.dialect.separator.join(map(str, fields[width - 1 :]))]
    return fields + [""] * (width - len(fields))


def _clean(text: str) -> str:
    """A text in which bytes that could not be decoded are U+FFFD."""
    return UNDECODED.sub("\ufffd", text)


def _cell(value: Any) -> Any:
    return _clean(value) if isinstance(value, str) else value


@contextmanager
def open_joined(
    arguments: argparse.Namespace, name: str, texts: Texts, own: OwnColumns
) -> Iterator[Callable[[Asked, Any], None]]:
    """Open the table of answers; gives what writes a row.

    Args:
        arguments: with `output`, `columns` and `line_numbers`.
        name: of the format, one of `FORMATS`.
        texts: what is answered.
        own: the columns of the answers.
    """
    joined = Joined(texts, own, arguments.line_numbers, arguments.columns)
    if name in BINARY and arguments.output is None:
        raise InputError(f"--format {name}: is no text; name a file with --output")
    with open_output(arguments.output, binary=name in BINARY) as output, write_joined(joined, name, output) as write:
        yield write


@contextmanager
def write_joined(joined: Joined, name: str, output: IO[Any]) -> Iterator[Callable[[Asked, Any], None]]:
    """Write a table of answers into an open file, of bytes for a format of `BINARY`; gives what writes a row."""
    table, own = joined.texts.table, joined.own
    formats = {shown: own.formats.get(given, "") for given, shown in joined.own_names.items()}
    dialect, schema = (table.dialect, table.schema) if table else (None, None)
    file = write_table(name, output, joined.names, dialect, formats, schema)
    if name in ("jsonl", "json"):
        yield lambda asked, answer: file.write(finite(joined.record(asked, answer)))
    else:
        yield lambda asked, answer: file.write(joined.row(asked, answer))
    file.close()


def one_line(text: str) -> str:
    r"""A text on one line, its line ends as spaces.

    >>> one_line("Lovely lamp.\r\nReally lovely.")
    'Lovely lamp. Really lovely.'
    """
    return " ".join(text.splitlines()) if len(text.splitlines()) > 1 else text


def numbered(asked: Asked, line: str, arguments: argparse.Namespace) -> str:
    """A line for people, with the number of the row or line before it if that is wanted."""
    return f"{asked.number}: {line}" if arguments.line_numbers else line


def not_answered(asked: Asked) -> str:
    """The line for people of a text that has no answer."""
    return f"   –  ({short_reason(asked)})"
