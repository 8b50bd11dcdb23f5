"""Formats of words and tags, recognised by the first lines of a file, whatever it is called.

conllu     CoNLL-U, CoNLL-X, CoNLL-U Plus, CoNLL-2009: a word a line with its number, ten columns or more
columns    a word a line with its tag: word-tab-tag, CoNLL-2000, 2003, 2012, the output of TreeTagger
pairs      a sentence a line, each word with its tag: The/DET or The_DET (the Brown corpus, the Stanford tagger)
words      a word a line, without tags
tokens     a sentence a line, its words separated by spaces, without tags
text       anything else
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from common.errors import InputError

INPUT_FORMATS = ("auto", "conllu", "columns", "pairs", "words", "tokens", "text")
TAGGED_FORMATS = ("auto", "conllu", "columns", "pairs", "table")
TAG_FIELDS = {"upos": 3, "xpos": 4, "feats": 5}  # of CoNLL-U
NUMBER = re.compile(r"\d+(?:[-.]\d+)?")
MARKUP = re.compile(r"</?(\w+)[^<>]*>")
MARKUP_NAMES = ("s", "p", "doc", "text", "g")  # without attributes; `<unk>` can be a word
GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
DOCUMENT_2012 = "#begin document"
DOCSTART = "-DOCSTART-"
SENTENCE_ENDS = (".", "!", "?")
# A tag of any tag set: NOUN, NNS, PRP$, VB+AT, B-NP, -LRB-, or marks.
TAG = re.compile(r"[A-Z][A-Z0-9_$|+*.:=-]*(?:-[A-Za-z]+)*|[^\w\s]+[A-Z]*[^\w\s]*|_")
PAIR = {"/": re.compile(r"(\S+)/([^/\s]+)"), "_": re.compile(r"(\S+)_([^_\s]+)")}
LOWER_TAG = re.compile(r"[a-z]{1,5}[a-z0-9$*+.-]{0,8}")  # of the Brown corpus: np-tl, in, ppss+bem
HEADINGS = {"word", "words", "token", "tokens", "form"}
TAG_HEADINGS = {"tag", "tags", "pos", "upos", "xpos", "postag", "pos_tag", "pos-tag", "label"}
NUM_FIELDS = 10  # of a word's line in CoNLL-U
LEAST_2009 = 14  # of CoNLL-2009; each predicate adds one
FEW = 8  # rows that are too few to judge by


@dataclass(frozen=True)
class WordFormat:
    """How the words of a file are written.

    Args:
        name: one of `INPUT_FORMATS`.
        description: of the format, for a message.
        separator: between the columns of a word's line: a tab, or a space for any run of white space; between word
            and tag of a pair.
        num_fields: columns of a line; 0: not fixed.
        number: the column of the number of the word in its sentence; None: words have none.
        word: the column of the word.
        tag: the column of the tag; None: there are no tags.
        further: the column of further tags, for multi-task learning.
        misc: the column of CoNLL-U's MISC, which tells where no space follows.
        head: the column of the heads.
        header: whether the first line names the columns.
        named: the columns that have tags, by the name of CoNLL-U.
        unspaced: whether sentences end at `.`, `!` and `?`, since there are no blank lines between them.
    """

    name: str
    description: str = ""
    separator: str = "\t"
    num_fields: int = 0
    number: int | None = None
    word: int = 0
    tag: int | None = None
    further: int | None = None
    misc: int | None = None
    head: int | None = None
    header: bool = False
    named: Mapping[str, int] = field(default_factory=dict)
    unspaced: bool = False

    def for_columns(self, columns: Columns) -> WordFormat:
        """The same for other columns of CoNLL-U."""
        tag, further = self.named.get(columns.tag), self.named.get(columns.further or "")
        return replace(self, tag=tag, further=further) if self.named else self

    def split(self, line: str) -> list[str]:
        """The columns of a line."""
        return line.split("\t") if self.separator == "\t" else line.split()

    def is_comment(self, line: str) -> bool:
        """Whether a line is a comment; where words have no numbers, `#` can be one of them."""
        return line.startswith("#") and (self.number is not None or len(self.split(line)) != self.num_fields)


TEXT = WordFormat("text", "text")
TOKENS = WordFormat("tokens", "a sentence a line, its words separated by spaces", " ")
WORDS = WordFormat("words", "a word a line", "\t")
CONLLU = WordFormat(
    "conllu", "CoNLL-U", num_fields=NUM_FIELDS, number=0, word=1, tag=3, misc=9, head=6, named=TAG_FIELDS
)
CONLL_2009 = WordFormat("conllu", "CoNLL-2009", number=0, word=1, tag=4, head=8)
CONLL_2012 = WordFormat("columns", "CoNLL-2012", " ", word=3, tag=4)


@dataclass(frozen=True)
class Columns:
    """Which columns are wanted: settings of the tagger.

    Args:
        tag: of CoNLL-U: "upos" or "xpos".
        further: of further tags: a name of CoNLL-U, or a number; None: not wanted.
        tokens_column: number (from 1) or heading of the words' column in other files; another text is not looked at.
        tags_column: the same of the tags' column.
    """

    tag: str = "upos"
    further: str | None = None
    tokens_column: str = ""
    tags_column: str = ""


def recognise(lines: Sequence[str], columns: Columns, where: str, is_whole: bool = True) -> WordFormat:
    """Find out the format of a file.

    Args:
        lines: the first ones, without line ends.
        columns: those that are wanted.
        where: the file, for messages.
        is_whole: whether the file has no more lines.
    Raises:
        InputError: it may be one or another; the message names the option that says which.

    >>> recognise(["Birds NNS B-NP", "sing VBP B-VP", ""], Columns(), "a.txt").description
    'a word a line, 3 columns separated by spaces: words in column 1, tags in column 2'
    >>> recognise(["Birds sing.", "", "Fish swim."], Columns(), "a.txt").name
    'text'
    """
    lines = lines if is_whole or len(lines) < 2 else lines[:-1]  # the last one may be cut
    declared = _declared(lines, columns)
    if declared:
        return declared
    rows = [line for line in lines if line.strip()]
    for separator in ("\t", " "):
        found = _numbered(rows, separator, columns) or _columns(lines, separator, columns, where)
        if found:
            return found
    return _pairs(rows) or _words(lines) or _tokens(rows) or TEXT


def given_format(name: str, lines: Sequence[str], columns: Columns, where: str) -> WordFormat:
    """The format of a file that is said to have the format `name`; see `recognise`.

    Raises:
        InputError: the first lines cannot be in that format.
    """
    rows = [line for line in lines if line.strip()]
    if name == "conllu":
        return (
            _declared(lines, columns)
            or _numbered(rows, "\t", columns)
            or _numbered(rows, " ", columns)
            or CONLLU.for_columns(columns)
        )
    if name == "columns":
        separator = "\t" if any("\t" in row for row in rows) else " "
        words = _word_rows(lines, separator)
        number = Counter(len(_split(row, separator)) for row in words).most_common(1)[0][0] if words else 2
        if number < 2:
            raise InputError(f"{where}: one column, --input-format columns wants a word and its tag; try words")
        return _described(lines, _chosen(words, separator, number, columns, where))
    if name == "pairs":
        return _pairs(rows) or replace(PAIRS, separator="/" if any("/" in row for row in rows) else "_")
    if name == "words":
        return _described(lines, replace(WORDS, num_fields=1))
    return {"tokens": TOKENS, "text": TEXT}[name]


PAIRS = WordFormat("pairs", "a sentence a line, each word with its tag", tag=1)


def markup_of(line: str) -> str:
    """The name of a tag of markup that fills a line, `<s>` or `<doc id="1">`; "" of any other line.

    >>> markup_of('<doc id="1">'), markup_of("</s>"), markup_of("<unk>")
    ('doc', 's', '')
    """
    found = MARKUP.fullmatch(line.strip()) if line.startswith("<") else None
    return found[1] if found and (found[1] in MARKUP_NAMES or "=" in line) else ""


def _split(row: str, separator: str) -> list[str]:
    return row.split("\t") if separator == "\t" else row.split()


# -- A number before each word --------------------------------------------------------------------------------------


def _declared(lines: Sequence[str], columns: Columns) -> WordFormat | None:
    """CoNLL-U Plus names its columns in the first line, CoNLL-2012 begins each document with a line of its own."""
    for line in lines[:1]:
        if line.startswith(DOCUMENT_2012):
            return CONLL_2012
        found = GLOBAL_COLUMNS.fullmatch(line)
        if found:
            names = found[1].split()
            places = {name.casefold(): place for place, name in enumerate(names)}
            return WordFormat(
                "conllu",
                f"CoNLL-U Plus, {len(names)} columns",
                num_fields=len(names),
                number=places.get("id"),
                word=places.get("form", 0),
                misc=places.get("misc"),
                head=places.get("head"),
                named={name: places[name] for name in TAG_FIELDS if name in places},
            ).for_columns(columns)
    return None


def _numbered(rows: Sequence[str], separator: str, columns: Columns) -> WordFormat | None:
    """CoNLL-U and its kin, whose words have numbers, and of which each has its number of columns."""
    words = [_split(row, separator) for row in rows if not row.startswith("#")]
    if not words or not NUMBER.fullmatch(words[0][0]) or not _most(bool(NUMBER.fullmatch(row[0])) for row in words):
        return None
    num_fields = Counter(map(len, words)).most_common(1)[0][0]
    if separator == " " and all(part.isdecimal() for row in words for part in row[1:2]):
        return None  # a list of numbers
    if num_fields == NUM_FIELDS:
        return replace(CONLLU.for_columns(columns), separator=separator)
    if num_fields >= LEAST_2009:
        return replace(CONLL_2009, separator=separator)
    return None


# -- A word a line --------------------------------------------------------------------------------------------------


def _word_rows(lines: Sequence[str], separator: str) -> list[str]:
    """The lines that have a word: no blank ones, no markup, no beginnings of documents."""
    rows = [line for line in lines if line.strip() and not line.startswith(DOCSTART)]
    rows = [row for row in rows if not markup_of(row)]
    number = Counter(len(_split(row, separator)) for row in rows).most_common(1)[0][0] if rows else 0
    return [row for row in rows if not row.startswith("#") or len(_split(row, separator)) == number]


def _columns(lines: Sequence[str], separator: str, columns: Columns, where: str) -> WordFormat | None:
    """Two or more columns of which one has tags."""
    words = _word_rows(lines, separator)
    rows = [_split(row, separator) for row in words]
    number = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    if number < 2 or not _most(len(row) == number for row in rows):
        return None
    rows = [row for row in rows if len(row) == number]
    if any(" " in row[-1].strip() for row in rows) or not _most(" " not in row[0].strip() for row in rows):
        return None  # a table of texts
    chosen = columns.tags_column.isdecimal() or _heading(rows[0], columns)
    is_sure = chosen or (_are_tags(rows, 1, separator) and not _repeats(rows, 1))
    if separator == " " and len(rows) < 2 and not chosen:
        return None
    if is_sure and not all(row[0].isdecimal() for row in rows):
        return _described(lines, _chosen(words, separator, number, columns, where))
    has_blocks = any(not line.strip() for line in lines[1:-1]) and len(rows) >= FEW
    if has_blocks and (separator == "\t" or len(rows) >= 3 * FEW):
        raise InputError(
            f"{where}: {number} columns, and it is not clear which of them are words and tags; say "
            "--input-format columns --tokens-column N --tags-column N (from 1), or --input-format text"
        )
    return None


def _chosen(words: Sequence[str], separator: str, number: int, columns: Columns, where: str) -> WordFormat:
    """The format of columns, with those of words and tags as they were chosen, by number or heading, or the first."""
    heading = _heading(_split(words[0], separator), columns) if words else None
    word, tag = heading or (0, 1)
    chosen = [int(name) - 1 if name.isdecimal() else None for name in (columns.tokens_column, columns.tags_column)]
    word, tag = (word if chosen[0] is None else chosen[0]), (tag if chosen[1] is None else chosen[1])
    further = columns.further
    more = int(further) - 1 if further and further.isdecimal() else None
    for option, place in (("tokens-column", word), ("tags-column", tag), ("auxiliary-column", more or 0)):
        if not 0 <= place < number:
            raise InputError(f"--{option} {place + 1}: {where} has {number} columns; give one of 1 to {number}")
    return WordFormat(
        "columns", separator=separator, num_fields=number, word=word, tag=tag, further=more, header=heading is not None
    )


def _described(lines: Sequence[str], found: WordFormat) -> WordFormat:
    """Say which format was found, and whether there are blank lines between sentences."""
    rows = [line.strip() for line in lines]
    divided = any(not row for row in rows[1:-1]) or any(markup_of(row) == "s" for row in rows)
    ends = [
        row for row in rows if row and found.split(row)[min(found.word, len(found.split(row)) - 1)] in SENTENCE_ENDS
    ]
    unspaced = not divided and len(ends) > 1
    description = found.description or "a word a line"
    if found.name == "columns":
        between = "tabs" if found.separator == "\t" else "spaces"
        places = f"words in column {found.word + 1}, tags in column {(found.tag or 0) + 1}"
        description = f"a word a line, {found.num_fields} columns separated by {between}: {places}"
    return replace(found, description=description + "; sentences end at . ! ?" * unspaced, unspaced=unspaced)


def _heading(first: Sequence[str], columns: Columns) -> tuple[int, int] | None:
    """The columns of words and tags, if the first line names them."""
    names = [name.strip().casefold() for name in first]
    words = {columns.tokens_column.casefold()} | HEADINGS
    tags = {columns.tags_column.casefold()} | TAG_HEADINGS
    word = next((place for place, name in enumerate(names) if name in words), None)
    tag = next((place for place, name in enumerate(names) if name in tags), None)
    return (word, tag) if word is not None and tag is not None and word != tag else None


def _are_tags(rows: Sequence[Sequence[str]], place: int, separator: str) -> bool:
    """Whether a column looks like tags: capitals or marks, or few values for many words, fewer than there are words."""
    words, values = ([row[column] for row in rows] for column in (0, place))
    if _most(bool(TAG.fullmatch(value)) for value in values) and not all(map(str.isnumeric, values)):
        return True
    num_values = len(set(values))
    few = num_values < len(set(words)) and num_values <= len(values) / 2
    return (
        few
        and all(1 <= len(value) <= 20 for value in values)
        and len(values) >= (FEW if separator == "\t" else 3 * FEW)
    )


def _repeats(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column has lemmas: the words themselves, in lower case or changed at the end."""
    words = [(row[0].casefold(), row[place].casefold()) for row in rows if row[0].isalpha()]
    return len(words) > 2 and sum(word == value for word, value in words) > 0.3 * len(words)


# -- A sentence a line ----------------------------------------------------------------------------------------------


def _pairs(rows: Sequence[str]) -> WordFormat | None:
    """`The/DET dog/NOUN` or `The_DET dog_NOUN`: every word has its tag."""
    pieces = [piece for row in rows for piece in row.split()]
    for separator, pattern in PAIR.items():
        found = [pattern.fullmatch(piece) for piece in pieces]
        if len(pieces) < 2 or not all(found):
            continue
        tags = [match[2] for match in found if match]
        capitals = _most(bool(TAG.fullmatch(tag)) for tag in tags)
        lower = all(LOWER_TAG.fullmatch(tag) or TAG.fullmatch(tag) for tag in tags)
        if capitals or (lower and len(tags) >= FEW and len(set(tags)) < len(tags)):
            return replace(
                PAIRS, separator=separator, description=f"a sentence a line, each word with its tag behind {separator}"
            )
    return None


def _words(lines: Sequence[str]) -> WordFormat | None:
    """A word on each line, some of them marks, or blank lines between groups of several."""
    rows = _word_rows(lines, "\t")
    if len(rows) < 4 or any(len(row.split()) != 1 for row in rows):
        return None
    marks = sum(not any(map(str.isalnum, row)) for row in rows)
    return _described(lines, replace(WORDS, num_fields=1)) if marks else None


def _tokens(rows: Sequence[str]) -> WordFormat | None:
    """Sentences whose marks stand by themselves: `I do n't know .`"""
    pieces = [row.split() for row in rows]
    if len(rows) < 2 or not all(row[-1] in (*SENTENCE_ENDS, "''", '"', "”", ")") for row in pieces):
        return None
    attached = any(len(word) > 4 and word[-1] in ".,;!?" and word[:-1].isalpha() for row in pieces for word in row)
    return None if attached or not any(row[-1] == "." for row in pieces) else TOKENS


def _most(truths: Iterable[bool]) -> bool:
    """Whether nearly all are true: a file may have bad rows."""
    values = list(truths)
    return bool(values) and sum(values) >= 0.9 * len(values)
