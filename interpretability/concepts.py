"""Concepts that can be told from the tokens, or from annotations: the labels that units are held against.

Each label belongs to a token, and says what holds once this token has been read: after an opening quotation mark a
quotation is open. NaN: it is not known, or the question does not arise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interpretability.reading import Piece

Labels = NDArray[np.float64]  # (tokens,)
QUOTES = ('"', "``", "''", "“", "”")
OPENING, CLOSING = ("(", "[", "{"), (")", "]", "}")
SENTENCE_ENDS = (".", "!", "?")
NEGATIONS = frozenset({"not", "n't", "no", "never", "nothing", "nobody", "none", "neither", "nor", "cannot"})
# Closed classes, of which the words alone tell number and tense.
PLURAL = frozenset(
    {"we", "they", "these", "those", "us", "them", "are", "were", "our", "their", "ourselves", "themselves"}
)
SINGULAR = frozenset(
    {
        "he",
        "she",
        "it",
        "this",
        "that",
        "him",
        "her",
        "is",
        "was",
        "its",
        "his",
        "himself",
        "herself",
        "itself",
        "has",
        "does",
    }
)
PAST = frozenset(
    {"was", "were", "had", "did", "said", "could", "would", "came", "went", "saw", "took", "made", "knew", "thought"}
)
PRESENT = frozenset(
    {
        "is",
        "are",
        "am",
        "has",
        "have",
        "do",
        "does",
        "says",
        "can",
        "will",
        "comes",
        "goes",
        "sees",
        "takes",
        "makes",
        "knows",
        "thinks",
    }
)


@dataclass(frozen=True)
class Concept:
    """A concept.

    Attributes:
        name: of it.
        meaning: what 1 means, or what is counted.
        is_binary: whether the labels are 0 and 1; else they are numbers.
        find: from a piece to the labels of its tokens.
        level: of the tokens that it can be told from: "word", "character", or "" for both.
    """

    name: str
    meaning: str
    is_binary: bool
    find: Callable[[Piece], Labels]
    level: str = ""


def in_quotation(piece: Piece) -> Labels:
    """Whether a quotation is open; of a piece with an odd number of marks nobody knows which of them open.

    >>> in_quotation(Piece(['"', "No", '"', "."], 0)).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    marks = np.cumsum([token in QUOTES for token in piece.tokens])
    odd = len(marks) > 0 and marks[-1] % 2
    return np.full(len(marks), math.nan) if odd else (marks % 2).astype(float)


def in_brackets(piece: Piece) -> Labels:
    """Whether a bracket is open.

    >>> in_brackets(Piece(["a", "(", "b", ")"], 0)).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    depth, found = 0, []
    for token in piece.tokens:
        depth = max(0, depth + (token in OPENING) - (token in CLOSING))
        found.append(float(depth > 0))
    return np.array(found)


def sentence_position(piece: Piece) -> Labels:
    """Tokens since the sentence has begun; its end is its last token.

    >>> sentence_position(Piece(["It", "rained", ".", "Oh"], 0)).tolist()
    [1.0, 2.0, 3.0, 1.0]
    """
    return _since(piece.tokens, lambda token: token in SENTENCE_ENDS)


def line_position(piece: Piece) -> Labels:
    """Characters since the line has begun; its end is its last one."""
    return _since(piece.tokens, lambda token: token == "\n")


def _since(tokens: Iterable[str], is_end: Callable[[str], bool]) -> Labels:
    count, found = 0, []
    for token in tokens:
        count += 1
        found.append(count)
        if is_end(token):
            count = 0
    return np.array(found, float)


def text_position(piece: Piece) -> Labels:
    """The logarithm of the number of tokens read, the first being 1."""
    return np.log(np.arange(1, len(piece.tokens) + 1))


def is_capital(piece: Piece) -> Labels:
    """Whether the token begins with a capital letter; NaN where it begins with no letter."""
    return np.array([float(token[0].isupper()) if token[0].isalpha() else math.nan for token in piece.tokens])


def in_speaker(piece: Piece) -> Labels:
    """Whether the line is that of a speaker's name: the first of a paragraph, and it ends with a colon.

    >>> in_speaker(Piece(list("x\\n\\nA:\\nb"), 0)).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    """
    text, found = "".join(piece.tokens), []
    begins_paragraph = False
    for line in text.splitlines(keepends=True):
        name = begins_paragraph and line.rstrip("\n").endswith(":")
        found += [float(name and sign != "\n") for sign in line]
        begins_paragraph = line == "\n"
    return np.array(found)


def is_negated(piece: Piece) -> Labels:
    """Whether the sentence has had a negation so far.

    >>> is_negated(Piece(["I", "do", "n't", "know", ".", "So"], 0)).tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    """
    negated, found = False, []
    for token in piece.tokens:
        negated = negated or token.lower() in NEGATIONS
        found.append(float(negated))
        if token in SENTENCE_ENDS:
            negated = False
    return np.array(found)


def _last_of(yes: frozenset[str], no: frozenset[str]) -> Callable[[Piece], Labels]:
    """Whether the last word of two closed classes was of the first one; NaN before there is any."""

    def find(piece: Piece) -> Labels:
        value, found = math.nan, []
        for token in map(str.lower, piece.tokens):
            value = 1.0 if token in yes else 0.0 if token in no else value
            found.append(value)
        return np.array(found)

    return find


def _annotated(name: str, yes: Iterable[str], no: Iterable[str] = ()) -> Callable[[Piece], Labels]:
    """Whether the annotation of a token is among `yes`, or `no`: NaN elsewhere; an empty `no` has all others."""
    values: Mapping[str, float] = {**dict.fromkeys(no, 0.0), **dict.fromkeys(yes, 1.0)}
    otherwise = math.nan if no else 0.0
    return lambda piece: np.array([values.get(value, otherwise) for value in piece.annotations[name]])


def rating_of(piece: Piece) -> Labels:
    """The rating of the text, at each of its tokens."""
    return np.full(len(piece.tokens), piece.rating)


WRITTEN = (
    Concept("quotation", "a quotation is open", True, in_quotation),
    Concept("bracket", "a bracket is open", True, in_brackets),
    Concept("capital", "the token begins with a capital letter", True, is_capital),
    Concept("negation", "the sentence has had a negation", True, is_negated, "word"),
    Concept("plural", "of he, is … and we, are … the last was plural", True, _last_of(PLURAL, SINGULAR), "word"),
    Concept("past", "of is, says … and was, said … the last was past", True, _last_of(PAST, PRESENT), "word"),
    Concept("speaker", "the line is a speaker's name", True, in_speaker, "character"),
    Concept("line", "characters since the line has begun", False, line_position, "character"),
    Concept("sentence", "tokens since the sentence has begun", False, sentence_position),
    Concept("text", "logarithm of the tokens read so far", False, text_position),
)  # fmt: skip
ANNOTATED = (
    Concept("number", "the word is plural, not singular", True, _annotated("number", ["Plur"], ["Sing"])),
    Concept("tense", "the verb is in the past, not the present", True, _annotated("tense", ["Past"], ["Pres"])),
    *(
        Concept(tag.lower(), f"the word is a {tag}", True, _annotated("upos", [tag]))
        for tag in ("NOUN", "VERB", "ADJ", "PRON", "PROPN", "PUNCT")
    ),
)
RATING = Concept("rating", "rating of the text", False, rating_of)
LIKED = Concept("liked", "the rating of the text is above the middle of those there are", True, rating_of)


def concepts_of(pieces: Sequence[Piece], level: str) -> list[Concept]:
    """The concepts that pieces may show: those of their level, of their annotations, and of their ratings."""
    found = [concept for concept in WRITTEN if concept.level in ("", level)]
    if pieces[0].annotations:
        found = [each for each in found if each.name not in ("plural", "past")] + list(ANNOTATED)
    ratings = [piece.rating for piece in pieces]
    if not np.isnan(ratings).all():
        middle = (np.nanmin(ratings) + np.nanmax(ratings)) / 2
        liked = lambda piece: np.where(np.isnan(rating_of(piece)), math.nan, rating_of(piece) > middle)  # noqa: E731
        found += [RATING, Concept(LIKED.name, f"the rating of the text is above {middle:g}", True, liked)]
    return found
