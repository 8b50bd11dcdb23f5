"""Memory of the splitter: how the training text splits pieces, which are what stands between white space.

The network reads every piece anew, and is unsure of rare ones ("wanna", "b/c", "Inc."). A piece that it was unsure of,
and that training always split alike, is split as there.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from pos_tagging.splitting.labels import (
    EXPANDED,
    EXPANDED_SENTENCE,
    INNER_WORD,
    INSIDE,
    NO_GAP,
    SENTENCE,
    WORD,
    Characters,
    Labels,
)

LONGEST_PIECE = 30  # characters
MIN_AGREEMENT = 0.9  # of the occurrences of a piece
WORD_MARK, INNER_MARK = " ", "\t"  # before a word, and before a word within a token
MARKS = {WORD_MARK: WORD, INNER_MARK: INNER_WORD}
# Web and e-mail addresses are one word, in every treebank of Universal Dependencies.
ADDRESS = re.compile(
    r"(?:(?:https?|ftp)://|www\.)[^\s<>\"()\[\]]{0,500}[\w/#=~-]|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}"
)


class PieceTable:
    """The pieces whose words are known.

    Args:
        pieces: in lower case, each with `WORD_MARK` or `INNER_MARK` before its second word and those that follow.
    """

    def __init__(self, pieces: Iterable[str] = ()) -> None:
        self.pieces = sorted(pieces)
        self._labels = {"".join(piece.split()): _read_piece(piece) for piece in self.pieces}

    @classmethod
    def build(
        cls, texts: Sequence[Characters], labels: Sequence[Labels], unsure: Sequence[NDArray[np.bool_]]
    ) -> PieceTable:
        """Collect the pieces of the training text that the network is unsure of.

        Args:
            texts: the documents.
            labels: the true labels of each.
            unsure: bool (characters,) of each document: where the network is unsure, or wrong.
        """
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        wanted: set[str] = set()
        for characters, own, doubts in zip(texts, labels, unsure, strict=True):
            for piece, start in _find_pieces(characters):
                stop = start + len(piece)
                if len(piece) <= LONGEST_PIECE:
                    counts[piece][_write_piece(piece, own[start:stop].tolist())] += 1
                    if doubts[start + 1 : stop].any():
                        wanted.add(piece)
        best = ((counts[piece].most_common(1)[0], counts[piece].total()) for piece in wanted)
        return cls(written for (written, count), total in best if written and count >= MIN_AGREEMENT * total)

    @classmethod
    def parse(cls, pieces: object, source: str) -> PieceTable:
        """Read the table of a bundle.

        Raises:
            InputError: it is no list of pieces in lower case, each once.
        """
        if not isinstance(pieces, list) or not all(isinstance(piece, str) and piece.split() for piece in pieces):
            raise InputError(f"{source}: holds no list of pieces; take the bundle from its source again")
        table = cls(pieces)
        if len(table._labels) != len(pieces) or any(piece != piece.lower() for piece in pieces):
            raise InputError(
                f"{source}: a piece is there twice or in upper case; take the bundle from its source again"
            )
        return table

    def apply(self, characters: Characters, labels: Labels) -> None:
        """Relabel the known pieces of a text, but for their first character: it may begin a sentence."""
        for piece, start in [place for place in _find_pieces(characters) if place[0] in self._labels]:
            labels[start + 1 : start + len(piece)] = self._labels[piece][1:]
            if labels[start] in (EXPANDED, EXPANDED_SENTENCE):
                labels[start] = WORD if labels[start] == EXPANDED else SENTENCE


def _find_pieces(characters: Characters) -> Iterator[tuple[str, int]]:
    """The pieces of a text in lower case, each with the place where it begins."""
    text = characters.text.lower()
    if len(text) != len(characters.text):  # a few capitals of Turkish have a lower case of two characters
        text = "".join(low if len(low := character.lower()) == 1 else character for character in characters.text)
    starts = [0, *np.flatnonzero(characters.gaps != NO_GAP).tolist()]
    stops = [*starts[1:], len(text)]
    return zip([text[start:stop] for start, stop in zip(starts, stops, strict=True)], starts, strict=True)


def _write_piece(piece: str, labels: Sequence[int]) -> str:
    r"""Write a piece with its words apart; nothing if a sentence begins in it, or its words are not what is written.

    >>> _write_piece("don't.", [1, 0, 2, 0, 0, 1])
    "do\tn't ."
    """
    marks = {INSIDE: "", WORD: WORD_MARK, INNER_WORD: INNER_MARK}
    if labels[0] in (EXPANDED, EXPANDED_SENTENCE) or not set(labels[1:]) <= marks.keys():
        return ""
    return piece[0] + "".join(marks[label] + character for character, label in zip(piece[1:], labels[1:], strict=True))


def _read_piece(written: str) -> list[int]:
    r"""The labels of a piece; the reverse of `_write_piece`.

    >>> _read_piece("do\tn't .")
    [1, 0, 2, 0, 0, 1]
    """
    labels, label = [], WORD
    for character in written:
        if character in MARKS:
            label = MARKS[character]
        else:
            labels.append(label)
            label = INSIDE
    return labels


def join_addresses(characters: Characters, labels: Labels) -> None:
    """Make every web or e-mail address one word."""
    if "@" not in characters.text and "www." not in characters.text and "://" not in characters.text:
        return
    for piece, first in _find_pieces(characters):
        if "@" in piece or "www." in piece or "://" in piece:
            for found in ADDRESS.finditer(piece):
                start, stop = first + found.start(), first + found.end()
                labels[start + 1 : stop] = INSIDE
                labels[start] = max(labels[start], WORD)
                if found.end() < len(piece):
                    labels[stop] = max(labels[stop], WORD)
