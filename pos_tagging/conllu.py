"""CoNLL-U files, and others with a word a line: their sentences, read one by one.

Words are the lines with a whole-number id; a range (`3-4`) says how the next words are written together, and empty
nodes (`8.1`) are passed over (https://universaldependencies.org/format.html). In files without ids each line is a word;
lines of markup (`<s>`, `<p>`, `<doc>`, `<g/>` of corpus tools) end a sentence or say that no space stands there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from common.errors import InputError, excerpt
from common.text.readers import BadRow, TooLong, bounded_lines, open_text, undecodable
from pos_tagging.recognition import (
    CONLLU,
    DOCSTART,
    DOCUMENT_2012,
    NUM_FIELDS,
    SENTENCE_ENDS,
    TAG_FIELDS,
    WordFormat,
    markup_of,
)
from pos_tagging.sentences import Layout, Sentence

FORM, MISC = 1, 9
MAX_RANGE = 100  # words that may be written as one
MAX_WORDS = 100_000  # of a sentence
NEW_DOCUMENT, NEW_PARAGRAPH, TEXT = "# newdoc", "# newpar", "# text = "
DIVISIONS = {"doc": NEW_DOCUMENT, "text": NEW_DOCUMENT, "p": NEW_PARAGRAPH}  # markup, and what it is in CoNLL-U


@dataclass(frozen=True)
class ConlluSentence(Sentence):
    """A sentence of a file, with its comments.

    Where a file is to be written again, `lines` are the lines of the sentence with their line ends, and what stands
    before it and belongs to no other one; `rows` tells which of them has each word. Lines behind the last sentence
    are a sentence without words.
    """

    comments: Sequence[str] = ()
    lines: Sequence[str] = ()
    rows: Sequence[int] = ()

    def num_characters(self) -> int:
        """Its length, about."""
        return 8 * len(self.tokens)


@dataclass(frozen=True)
class BadSentence(BadRow):
    """A sentence that cannot be read; its lines, if they are kept."""

    lines: Sequence[str] = ()


def read_conllu(
    path: Path, tagged: bool = True, tag_column: str = "upos", further_column: str | None = None
) -> Iterator[ConlluSentence | BadRow]:
    """Read the sentences of a CoNLL-U file one by one; one with a wrong line becomes a BadRow.

    Args:
        path: the file.
        tagged: whether every word must have a tag.
        tag_column: "upos", universal tags, or "xpos", those of the treebank.
        further_column: one more of these, or "feats", morphological features.
    """
    layout = replace(CONLLU, tag=TAG_FIELDS[tag_column], further=TAG_FIELDS.get(further_column or ""))
    with open_text(path) as file:
        yield from read_words(file, str(path), layout, tagged)


def read_words(
    file: IO[str], name: str, layout: WordFormat, tagged: bool = True, keep_lines: bool = False, mark: str = ""
) -> Iterator[ConlluSentence | BadSentence]:
    """Read the sentences of a file with a word a line; one with a wrong line becomes a BadSentence.

    Args:
        file: opened, nothing of it read.
        name: of the file, for messages.
        layout: of `pos_tagging.recognition`.
        tagged: whether every word must have a tag.
        keep_lines: keep the lines as they are, so that the file can be written again.
        mark: what stands before the first line, a byte order mark.
    """
    number, is_whole = 0, True
    builder = _Builder(name, layout, tagged, keep_lines)
    builder.keep(mark)
    for number, line in enumerate(bounded_lines(file), 1):
        if isinstance(line, TooLong):
            if keep_lines:
                raise InputError(f"{name}, line {number}: {line.message}")
            builder.refuse(number, line.message)
            continue
        ends = builder.divides(line)
        if ends == "before":
            yield from builder.finish(number)
        builder.keep(line)
        if number == 1 and layout.header:
            continue
        if ends == "here":
            yield from builder.finish(number)
        elif not line.isspace():
            builder.add(number, line.rstrip("\r\n"))
            if layout.unspaced and builder.tokens and builder.tokens[-1] in SENTENCE_ENDS:
                yield from builder.finish(number)
        is_whole = line[-1:] in "\r\n"
    yield from builder.left_over(number, is_whole)


class _Builder:
    """A sentence while it is being read; after `finish` the next one.

    Args:
        name: of the file, for messages.
        layout: of its lines.
        tagged: whether every word must have a tag.
        keep_lines: see `read_words`.
    """

    def __init__(self, name: str, layout: WordFormat, tagged: bool, keep_lines: bool) -> None:
        self.name, self.layout, self.tagged, self.keeps = name, layout, tagged, keep_lines
        needed = (layout.word, layout.tag, layout.further, layout.misc)
        self.least = 1 + max(place for place in needed if place is not None)
        self.lines: list[str] = []
        self.comments: list[str] = []
        self._begin()

    def _begin(self) -> None:
        self.first_line = 0
        self.problem = ""  # the first one; what follows it is not read
        self.tokens: list[str] = []
        self.tags: list[str] = []
        self.further: list[str] = []
        self.rows: list[int] = []
        self.space_after: list[bool] = []  # of a range, for all its words at once: it can be ahead of the tokens
        self.ranges: list[tuple[int, int, str]] = []
        self.last_head = 0

    def keep(self, line: str) -> None:
        """Keep a line as it is, if that is wanted; a byte order mark goes before the first one."""
        if self.keeps and line:
            if self.lines == ["\ufeff"]:
                line = self.lines.pop() + line
            self.lines.append(line)

    def divides(self, line: str) -> str:
        """Whether the sentence ends "before" a line, or "here", with it; "" if it goes on."""
        if line.isspace():
            return "here"
        if self.layout.number is None and markup_of(line) in ("s", *DIVISIONS):
            return "here" if line.startswith("</") else "before"
        return ""

    def refuse(self, number: int, message: str) -> None:
        """Note what is wrong with a line."""
        self.problem = self.problem or f"{self.name}, line {number}: {message}"

    def add(self, number: int, line: str) -> None:
        """Add a comment, a word, or a range of words."""
        self.first_line = self.first_line or number
        if self.problem:
            return
        try:
            self._read_line(line)
        except InputError as error:
            self.refuse(number, str(error))

    def finish(self, number: int) -> Iterator[ConlluSentence | BadSentence]:
        """End the sentence; nothing, if there was none."""
        if len(self.space_after) != len(self.tokens):
            self.refuse(number, "the sentence ends within a range of words; write a line for each of them")
        if self.problem:
            yield BadSentence(self.problem, lines=self.lines)
        elif self.tokens:
            yield ConlluSentence(
                self.tokens, self.tags, self.further, f"{self.name}, line {self.first_line}",
                Layout(self.space_after, self.ranges), self.comments, self.lines, self.rows,
            )  # fmt: skip
        else:
            self.first_line = 0
            return  # lines and comments go to the next sentence
        self.lines, self.comments = [], []
        self._begin()

    def left_over(self, number: int, is_whole: bool) -> Iterator[ConlluSentence | BadSentence]:
        """End the file: a sentence that no blank line ends, if it is whole; lines that belong to no sentence.

        Args:
            number: of lines there are.
            is_whole: whether the last one has a line end.
        """
        if self.tokens and self.layout.number is not None and self.layout.head is not None:
            if self.last_head > len(self.tokens):
                self.refuse(number, f"the head {self.last_head} of a word is missing; the file may be cut short")
            elif self.tagged and not is_whole:
                self.refuse(number, "no line end after the last word; the file may be cut short")
        yield from self.finish(number)
        if self.lines:
            yield ConlluSentence([], place=f"{self.name}, line {number}", lines=self.lines)

    def _read_line(self, line: str) -> None:
        if problem := undecodable(line):
            raise InputError(problem)
        layout = self.layout
        if layout.is_comment(line):
            self.comments.append(NEW_DOCUMENT if line.startswith(DOCUMENT_2012) else line)
            return
        if layout.number is None and markup_of(line):
            self._read_markup(line)
            return
        fields = layout.split(line)
        if layout.number is None and fields[layout.word : layout.word + 1] == [DOCSTART]:
            self.comments.append(NEW_DOCUMENT)
            return
        if len(fields) != layout.num_fields if layout.num_fields else len(fields) < self.least:
            wanted = layout.num_fields or f"at least {self.least}"
            what = "CoNLL-U has" if layout.name == "conllu" and layout.num_fields == NUM_FIELDS else "wanted"
            between = "tabs" if layout.separator == "\t" else "spaces"
            raise InputError(f"{len(fields)} fields, {what} {wanted} separated by {between}; found {excerpt(line)}")
        space_after = layout.misc is None or "SpaceAfter=No" not in fields[layout.misc].split("|")
        wanted_number = len(self.tokens) + 1
        if wanted_number > MAX_WORDS:
            raise InputError(f"a sentence of more than {MAX_WORDS:,} words; put a blank line after each sentence")
        if layout.number is None:
            self._add_word(fields, space_after)
        elif fields[layout.number].isdecimal():
            self._check_number(fields[layout.number], wanted_number)
            self._add_word(fields, space_after)
        else:
            self._read_range(fields, space_after)

    def _read_markup(self, line: str) -> None:
        """`<g/>`: no space between two words; `<doc>`, `<p>`: a document, a paragraph begins."""
        name = markup_of(line)
        if name == "g" and self.space_after:
            self.space_after[-1] = False
        elif name in DIVISIONS and not line.startswith("</"):
            self.comments.append(DIVISIONS[name])

    def _check_number(self, written: str, wanted: int) -> None:
        if written != str(wanted) and _number(written) != wanted:
            raise InputError(f"id {excerpt(written)} where {wanted} is due; number the words 1, 2, 3 …")

    def _add_word(self, fields: list[str], space_after: bool) -> None:
        layout = self.layout
        form = fields[layout.word]
        if not form.strip():
            raise InputError(f"empty word form; write the word in the {_ordinal(layout.word)} field")
        tag = "" if layout.tag is None else fields[layout.tag]
        if self.tagged and tag.strip() in ("", "_"):
            where = "" if layout.tag is None else f"; write one in field {layout.tag + 1}"
            raise InputError(f"word {excerpt(form)} has no tag{where}")
        self.tokens.append(form)
        self.tags.append(tag)
        self.rows.append(len(self.lines) - 1)
        if layout.further is not None:
            self.further.append(fields[layout.further])
        if layout.head is not None and layout.head < len(fields):
            self.last_head = max(self.last_head, _number(fields[layout.head]))
        if len(self.space_after) < len(self.tokens):
            self.space_after.append(space_after)

    def _read_range(self, fields: list[str], space_after: bool) -> None:
        """Note that the next words are written as one; or pass over a node that stands for no word."""
        name = fields[self.layout.number or 0]
        if not name.replace("-", "").replace(".", "").isdecimal():
            raise InputError(f"id {excerpt(name)} is no number; a word's line begins with 1, 2, 3 …")
        first, _, last = name.partition("-")
        if first.isdecimal() and last.isdecimal():
            wanted = len(self.space_after) + 1
            if _number(first) != wanted or not 0 <= _number(last) - wanted < MAX_RANGE:
                raise InputError(f"range {excerpt(name)} where {wanted}-… is due; name the next words")
            self.ranges.append((wanted, _number(last), fields[self.layout.word]))
            # Of words that are written together only the last one has a space behind it, if there is one.
            self.space_after.extend([False] * (_number(last) - wanted) + [space_after])


def _number(digits: str) -> int:
    """A number of a word; one of more digits than any sentence has words, or none, is -1."""
    return int(digits) if digits.isdecimal() and len(digits) < 10 else -1


def _ordinal(place: int) -> str:
    names = ("first", "second", "third", "fourth")
    return names[place] if place < len(names) else f"{place + 1}th"
