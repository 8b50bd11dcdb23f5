"""CoNLL-U files: the sentences of Universal Dependencies, read one by one.

Words are the lines with a whole-number id; a range (`3-4`) says how the next words are written together, and empty
nodes (`8.1`) are passed over (https://universaldependencies.org/format.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError, excerpt
from common.text.readers import BadRow, TooLong, bounded_lines, open_text, undecodable
from pos_tagging.sentences import Layout, Sentence

NUM_FIELDS = 10  # of a word's line
FORM, MISC = 1, 9
TAG_FIELDS = {"upos": 3, "xpos": 4, "feats": 5}
MAX_RANGE = 100  # words that may be written as one
MAX_WORDS = 100_000  # of a sentence


@dataclass(frozen=True)
class ConlluSentence(Sentence):
    """A sentence of a CoNLL-U file, with its comments."""

    comments: Sequence[str] = ()

    def num_characters(self) -> int:
        """Its length, about."""
        return 8 * len(self.tokens)


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
    number = 0
    with open_text(path) as file:
        builder = _Builder(path, 1, tagged, tag_column, further_column)
        for number, line in enumerate(bounded_lines(file), 1):
            if isinstance(line, TooLong):
                builder.refuse(number, line.message)
            elif line.isspace():
                yield from builder.finish(number)
                builder = _Builder(path, number + 1, tagged, tag_column, further_column)
            else:
                builder.add(number, line.rstrip("\r\n"))
        yield from builder.left_over(number)


class _Builder:
    """A sentence while it is being read.

    Args:
        path: the file, for messages.
        line: the number of the sentence's first line.
        tagged: whether every word must have a tag.
        tag_column: see `read_conllu`.
        further_column: see `read_conllu`.
    """

    def __init__(self, path: Path, line: int, tagged: bool, tag_column: str, further_column: str | None) -> None:
        self.path, self.place, self.tagged = path, f"{path}, line {line}", tagged
        self.tag_field, self.further_field = TAG_FIELDS[tag_column], TAG_FIELDS.get(further_column or "")
        self.problem = ""  # the first one; what follows it is not read
        self.tokens: list[str] = []
        self.tags: list[str] = []
        self.further: list[str] = []
        self.space_after: list[bool] = []  # of a range, for all its words at once: it can be ahead of the tokens
        self.ranges: list[tuple[int, int, str]] = []
        self.comments: list[str] = []

    def refuse(self, number: int, message: str) -> None:
        """Note what is wrong with a line."""
        self.problem = self.problem or f"{self.path}, line {number}: {message}"

    def add(self, number: int, line: str) -> None:
        """Add a comment, a word, or a range of words."""
        if self.problem:
            return
        try:
            self._read_line(line)
        except InputError as error:
            self.refuse(number, str(error))

    def finish(self, number: int) -> Iterator[ConlluSentence | BadRow]:
        """End the sentence at a blank line; nothing, if there was none."""
        if len(self.space_after) != len(self.tokens):
            self.refuse(number, "the sentence ends within a range of words; write a line for each of them")
        if self.problem:
            yield BadRow(self.problem)
        elif self.tokens:
            layout = Layout(self.space_after, self.ranges)
            yield ConlluSentence(self.tokens, self.tags, self.further, self.place, layout, self.comments)

    def left_over(self, number: int) -> Iterator[BadRow]:
        """Refuse a sentence at the end of the file that no blank line ends."""
        if self.tokens:
            self.refuse(number, "no blank line after the last sentence; the file may be cut short")
        if self.problem:
            yield BadRow(self.problem)

    def _read_line(self, line: str) -> None:
        if problem := undecodable(line):
            raise InputError(problem)
        if line.startswith("#"):
            self.comments.append(line)
            return
        fields = line.split("\t")
        if len(fields) != NUM_FIELDS:
            raise InputError(f"{len(fields)} fields, CoNLL-U has {NUM_FIELDS} separated by tabs; found {excerpt(line)}")
        space_after = "SpaceAfter=No" not in fields[MISC].split("|")
        wanted = len(self.tokens) + 1
        if wanted > MAX_WORDS:
            raise InputError(f"a sentence of more than {MAX_WORDS:,} words; put a blank line after each sentence")
        if fields[0].isdecimal():
            self._read_word(fields, wanted, space_after)
        else:
            self._read_range(fields, space_after)

    def _read_word(self, fields: list[str], wanted: int, space_after: bool) -> None:
        if fields[0] != str(wanted) and _number(fields[0]) != wanted:
            raise InputError(f"id {excerpt(fields[0])} where {wanted} is due; number the words 1, 2, 3 …")
        if not fields[FORM].strip():
            raise InputError("empty word form; write the word in the second field")
        if self.tagged and fields[self.tag_field] in ("", "_"):
            raise InputError(f"word {excerpt(fields[FORM])} has no tag; write one in field {self.tag_field + 1}")
        self.tokens.append(fields[FORM])
        self.tags.append(fields[self.tag_field])
        if self.further_field is not None:
            self.further.append(fields[self.further_field])
        if len(self.space_after) < wanted:
            self.space_after.append(space_after)

    def _read_range(self, fields: list[str], space_after: bool) -> None:
        """Note that the next words are written as one; or pass over a node that stands for no word."""
        if not fields[0].replace("-", "").replace(".", "").isdecimal():
            raise InputError(f"id {excerpt(fields[0])} is no number; a word's line begins with 1, 2, 3 …")
        first, _, last = fields[0].partition("-")
        if first.isdecimal() and last.isdecimal():
            wanted = len(self.space_after) + 1
            if _number(first) != wanted or not 0 <= _number(last) - wanted < MAX_RANGE:
                raise InputError(f"range {excerpt(fields[0])} where {wanted}-… is due; name the next words")
            self.ranges.append((wanted, _number(last), fields[FORM]))
            # Of words that are written together only the last one has a space behind it, if there is one.
            self.space_after.extend([False] * (_number(last) - wanted) + [space_after])


def _number(digits: str) -> int:
    """A number of a word; one of more digits than any sentence has words is none."""
    return int(digits) if len(digits) < 10 else -1
