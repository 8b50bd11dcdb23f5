"""Files of words: opened once, recognised by their content, read sentence by sentence, and written again with new tags.

with open_words(path, Columns()) as words:      # words.format.name: "conllu", "columns", … or "text"
    for sentence in words.sentences(keep_lines=True):
        print(retagged(sentence, tags, words.format), end="")
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from common.errors import InputError
from common.progress import say
from common.text.columns import Column
from common.text.rows import TooLong, bounded_lines, undecodable
from common.text.sources import Source, open_source
from common.text.tables import file_kind, has_header, is_table
from pos_tagging.config import TaggingConfig
from pos_tagging.conllu import BadSentence, ConlluSentence, read_words
from pos_tagging.formats import WRITERS, ConlluWriter
from pos_tagging.recognition import Columns, WordFormat, given_format, recognise
from pos_tagging.sentences import TaggedText

SAME = "same"  # output: the file as it is, with other tags
MOST_REPORTED = 1000  # sentences that cannot be read, one by one
PIECE = re.compile(r"\S+")


@dataclass(frozen=True)
class Words:
    """An opened file of words.

    Args:
        source: of which nothing has been read.
        format: how its words are written.
        kind: the ending of the name of the file.
        mark: the byte order mark that it begins with, if it has one.
    """

    source: Source
    format: WordFormat
    kind: str = ""
    mark: str = ""

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return self.source.name

    def sentences(self, tagged: bool = True, keep_lines: bool = False) -> Iterator[ConlluSentence | BadSentence]:
        """Its sentences, one by one; see `read_words`."""
        read = _read_lines if self.format.name in ("pairs", "tokens") else read_words
        return read(self.source.file, self.name, self.format, tagged, keep_lines, self.mark if keep_lines else "")

    def is_table(self, columns: Sequence[str]) -> bool:
        """Whether it is a table, by its name, its content, or since its first line names the columns."""
        return is_table(self.source, self.kind) or has_header(self.source.head(), [*map(Column, columns)])


@contextmanager
def open_words(
    path: Path | None,
    columns: Columns,
    input_format: str = "auto",
    encoding: str = "auto",
    source: Source | None = None,
) -> Iterator[Words]:
    """Open a file, and find out how its words are written; one line tells of it where the name does not.

    Args:
        path: a file or a pipe; None: standard input, of which only CoNLL-U and tables of words are recognised.
        columns: those that are wanted.
        input_format: one of `INPUT_FORMATS`, if it is known.
        encoding: of the file; "auto": found out.
        source: the file, if it is open already; nothing of it may have been read.
    Raises:
        InputError: the file cannot be read, or may be one or another.
    """
    with nullcontext(source) if source else open_source(path, encoding) as source:
        kind = file_kind(path) if path else ""
        mark = "\ufeff" if source.starts_with(codecs.BOM_UTF8) else ""  # before the text is looked at
        found = _found(source, kind, columns, input_format)
        if path is None and input_format == "auto" and found.name not in ("conllu", "columns"):
            found = WordFormat("text")
        if found.name != "text":
            source.announce()
        yield Words(source, found, kind, mark)


def _found(source: Source, kind: str, columns: Columns, input_format: str) -> WordFormat:
    """The format of an opened file, and a line on it."""
    if input_format == "text" or (input_format == "auto" and kind != ".tsv" and is_table(source, kind)):
        return WordFormat("text", "a table or plain text")
    lines, is_whole = first_lines(source)
    if input_format != "auto":
        return given_format(input_format, lines, columns, source.name)
    if kind == ".conllu":
        return _named_conllu(lines, columns, source.name, is_whole)
    found = recognise(lines, columns, source.name, is_whole)
    if found.name != "text":
        say(f"{source.name}: read as {found.description}; --input-format says otherwise")
    return found


def _named_conllu(lines: Sequence[str], columns: Columns, name: str, is_whole: bool) -> WordFormat:
    """The format of a file that is called `.conllu`, which it nearly always is."""
    if not any(line[:1].isdecimal() or line.startswith("#") for line in lines):
        found = recognise(lines, columns, name, is_whole)
        if found.name in ("columns", "pairs"):
            say(f"{name}: no CoNLL-U, read as {found.description}")
            return found
    return given_format("conllu", lines, columns, name)


def first_lines(source: Source) -> tuple[list[str], bool]:
    """Look at the first lines of an opened file, none of which is read; of a pipe, at what has come by now.

    Returns:
        The lines without line ends, the last one perhaps cut; whether none is.
    """
    lines = re.split(r"\r\n|\n|\r", source.head())
    return (lines[:-1], True) if lines[-1] == "" else (lines, False)


def _read_lines(
    file: IO[str], name: str, layout: WordFormat, tagged: bool, keep_lines: bool, mark: str
) -> Iterator[ConlluSentence | BadSentence]:
    """Read sentences that stand on a line each; see `read_words`."""
    kept = [mark] if keep_lines else []
    number = 0
    for number, line in enumerate(bounded_lines(file), 1):
        place = f"{name}, line {number}"
        if isinstance(line, TooLong):
            raise InputError(f"{place}: {line.message}")
        if keep_lines:
            kept.append(line)
        if line.isspace():
            continue
        try:
            tokens, tags = _read_line(line, layout, tagged)
        except InputError as error:
            yield BadSentence(f"{place}: {error}", lines=kept)
        else:
            yield ConlluSentence(tokens, tags, place=place, lines=kept, rows=[len(kept) - 1] * len(tokens))
        kept = []
    if "".join(kept):
        yield ConlluSentence([], place=f"{name}, line {number}", lines=kept)


def _read_line(line: str, layout: WordFormat, tagged: bool) -> tuple[list[str], list[str]]:
    """The words of a line, and their tags."""
    if problem := undecodable(line):
        raise InputError(problem)
    pieces = line.split()
    if layout.tag is None:
        if tagged:
            raise InputError("words without tags; write WORD/TAG")
        return pieces, [""] * len(pieces)
    tokens, tags = [], []
    for piece in pieces:
        token, _, tag = piece.rpartition(layout.separator)
        if not token or not tag:
            if tagged:
                raise InputError(f"{piece!r} has no tag; write WORD{layout.separator}TAG")
            token, tag = piece, ""
        tokens.append(token)
        tags.append(tag)
    return tokens, tags


# -- Written again --------------------------------------------------------------------------------------------------


def retagged(
    sentence: ConlluSentence, tags: Sequence[str], layout: WordFormat, probabilities: Sequence[float] = ()
) -> str:
    """The lines of a sentence with other tags; all else stays as it is.

    Args:
        sentence: with its lines.
        tags: one for each word.
        layout: of the file.
        probabilities: of the tags; they go into MISC, where there is one.

    >>> sentence = ConlluSentence(["Go"], lines=["1 Go  _ VB _ _ 0 root _ _\\r\\n"], rows=[0])
    >>> retagged(sentence, ["VERB"], WordFormat("conllu", separator=" ", tag=3))
    '1 Go  _ VERB _ _ 0 root _ _\\r\\n'
    """
    lines = list(sentence.lines)
    if layout.name == "pairs" and sentence.rows:
        pairs = iter(zip(sentence.tokens, tags, strict=True))
        row = sentence.rows[0]
        lines[row] = PIECE.sub(lambda _: layout.separator.join(next(pairs)), lines[row])
        return "".join(lines)
    for row, tag in zip(sentence.rows, tags, strict=True):
        lines[row] = _with_field(lines[row], layout.separator, layout.tag or 0, tag)
    if layout.misc is not None:
        for row, value in zip(sentence.rows, probabilities, strict=False):
            more = f"TagProbability={value:.4f}"
            lines[row] = _with_field(lines[row], layout.separator, layout.misc, more, is_more=True)
    return "".join(lines)


def _with_field(line: str, separator: str, place: int, value: str, is_more: bool = False) -> str:
    """A line with another value in one of its columns, or with one more value in it."""
    start, end = _span(line, separator, place)
    if is_more:
        name = value.partition("=")[0]
        others = [part for part in line[start:end].split("|") if part != "_" and part.partition("=")[0] != name]
        value = "|".join([*others, value])
    return line[:start] + value + line[end:]


def _span(line: str, separator: str, place: int) -> tuple[int, int]:
    """Where a column stands in a line.

    >>> _span("a\\tbc\\n", "\\t", 1), _span("a  bc", " ", 1)
    ((2, 4), (3, 5))
    """
    if separator != "\t":
        return [match.span() for match in PIECE.finditer(line)][place]
    fields = line.rstrip("\r\n").split("\t")
    start = sum(map(len, fields[:place])) + place
    return start, start + len(fields[place])


def keeps_file(output_format: str, layout: WordFormat | None) -> bool:
    """Whether the output is the input with other tags.

    Raises:
        InputError: it is wanted, and the input has no tags.
    """
    if output_format == SAME and not (layout and (layout.named or layout.tag is not None)):
        raise InputError("--format same: keeps a file of words and tags, and the input is none; choose another format")
    return output_format == SAME or (output_format == "conllu" and layout is not None and bool(layout.named))


def make_writer(
    output_format: str, config: TaggingConfig, layout: WordFormat | None
) -> Callable[[TaggedText, str, Any], str]:
    """A function that writes an answer in a format; it takes the answer, its place, and what it answers to.

    Raises:
        InputError: the file has no column for the tags.
    """
    if layout is not None and keeps_file(output_format, layout):
        layout = layout.for_columns(config.columns())
        if layout.tag is None:
            raise InputError(f"--format {output_format}: the file has no column {config.tag_column}; try --tag-column")
        return partial(_write_again, layout)
    if output_format == "conllu":
        return ConlluWriter(config.tag_column)
    return lambda answer, place, item: WRITERS[output_format](answer, place)


def _write_again(layout: WordFormat, answer: TaggedText, place: str, item: ConlluSentence | BadSentence) -> str:
    """The lines of a sentence with the tags that were given; of one that cannot be read the lines as they are."""
    if isinstance(item, BadSentence):
        return "".join(item.lines)
    [sentence] = answer.sentences
    return retagged(item, sentence.tags, layout, sentence.probabilities)


class Unread:
    """The sentences that cannot be read and stay as they are: the first are reported one by one, all are counted."""

    def __init__(self) -> None:
        self.number = self.num_read = 0

    def count(self, item: Any) -> None:
        """Report a sentence that cannot be read; count one that can."""
        if isinstance(item, BadSentence):
            self.number += 1
            if self.number <= MOST_REPORTED:
                say(f"unchanged: {item.message}")
        else:
            self.num_read += not isinstance(item, ConlluSentence) or bool(item.tokens)

    def conclude(self) -> None:
        """Say how many were not read.

        Raises:
            InputError: none was read.
        """
        if self.number:
            say(f"{self.number:,} of {self.number + self.num_read:,} sentences could not be read and are unchanged")
        if not self.num_read:
            raise InputError("no sentence could be read; see above what is wrong with them, or give a file with words")
