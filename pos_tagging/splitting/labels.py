"""Sentences and words as labels of characters, which the splitter predicts; and back again.

A text is the row of its characters that are no white space, each with the gap before it: none, a space, or the blank
line between paragraphs. A label says what begins at a character:

    0  nothing, the word goes on         3  a token of several words that are written in another way
    1  a word                            4  a word, and with it a sentence
    2  a word within a token             5  such a token, and with it a sentence

"I don't." has the labels 4 10200 1: the token "don't" is the words "do" and "n't". French "du" has the labels 30: its
words "de" and "le" are not what is written, and the table of expansions has them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pos_tagging.sentences import Layout, Sentence

INSIDE, WORD, INNER_WORD, EXPANDED, SENTENCE, EXPANDED_SENTENCE = range(6)
NUM_LABELS = 6
NO_GAP, SPACE, PARAGRAPH = range(3)
Labels = NDArray[np.uint8]  # (characters,)
Expansions = Mapping[str, Sequence[str]]  # a token in lower case, and its words


class Characters(NamedTuple):
    """A text without its white space: the characters, and the gap before each, uint8 (characters,)."""

    text: str
    gaps: NDArray[np.uint8]


def read_characters(text: str) -> Characters:
    r"""Take the white space out of a text.

    >>> text, gaps = read_characters("No, \t no.\n\nYes")
    >>> text, gaps.tolist()
    ('No,no.Yes', [0, 0, 0, 1, 0, 0, 2, 0, 0])
    """
    pieces = text.split()
    gaps = np.zeros(sum(map(len, pieces)), np.uint8)
    starts = np.cumsum([len(piece) for piece in pieces[:-1]], dtype=np.intp)
    gaps[starts] = SPACE
    if "\n" in text:
        _mark_paragraphs(text, pieces, starts, gaps)
    return Characters("".join(pieces), gaps)


def _mark_paragraphs(text: str, pieces: Sequence[str], starts: NDArray[np.intp], gaps: NDArray[np.uint8]) -> None:
    """Mark the gaps that hold a blank line."""
    end = text.find(pieces[0]) + len(pieces[0]) if pieces else 0
    for start, piece in zip(starts, pieces[1:], strict=True):
        begin = text.index(piece, end)
        if begin - end > 1 and text.count("\n", end, begin) > 1:
            gaps[start] = PARAGRAPH
        end = begin + len(piece)


def label_characters(sentences: Sequence[Sentence], expansions: Expansions) -> Labels:
    """Label the characters of a document whose sentences are known.

    >>> sentence = Sentence(["I", "do", "n't", "."], layout=Layout([True, False, False, False], [(2, 3, "don't")]))
    >>> label_characters([sentence], {}).tolist()
    [4, 1, 0, 2, 0, 0, 1]
    """
    labels: list[int] = []
    for sentence in sentences:
        first = len(labels)
        for form, places in sentence.layout.written(sentence.tokens):
            labels += _label_token(form, [sentence.tokens[place] for place in places], expansions)
        labels[first] = EXPANDED_SENTENCE if labels[first] == EXPANDED else SENTENCE
    return np.array(labels, np.uint8)


def _label_token(form: str, words: Sequence[str], expansions: Expansions) -> list[int]:
    parts = ["".join(word.split()) for word in words]
    written = "".join(form.split())
    if "".join(parts) != written:
        return [EXPANDED if written.lower() in expansions else WORD] + [INSIDE] * (len(written) - 1)
    labels = [label for part in parts for label in [INNER_WORD] + [INSIDE] * (len(part) - 1)]
    return [WORD, *labels[1:]]


def collect_expansions(sentences: Sequence[Sentence]) -> dict[str, list[str]]:
    """Collect the tokens whose words are written in another way, with their most frequent words, in lower case."""
    counts: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for sentence in sentences:
        for first, last, form in sentence.layout.ranges:
            words = sentence.tokens[first - 1 : last]
            if "".join(words) != form:
                counts["".join(form.split()).lower()][tuple(word.lower() for word in words)] += 1
    return {form: list(counts[form].most_common(1)[0][0]) for form in sorted(counts)}


def make_sentences(characters: Characters, labels: Labels, expansions: Expansions) -> list[Sentence]:
    """Cut a text at its labels.

    >>> [sentence.tokens for sentence in make_sentences(read_characters("No. Yes"), np.array([4, 0, 1, 4, 0, 0]), {})]
    [['No', '.'], ['Yes']]
    """
    text, gaps = characters
    if not text:
        return []
    starts = np.flatnonzero(labels)
    kinds, places = labels[starts], [*starts.tolist(), len(text)]
    spaces = [*(gaps[starts[1:]] != NO_GAP).tolist(), False]
    words = [text[start:stop] for start, stop in pairwise(places)]
    bounds = [0, *(np.flatnonzero(kinds[1:] >= SENTENCE) + 1).tolist(), len(words)]
    is_plain = ((kinds == WORD) | (kinds == SENTENCE)).tolist()
    found = []
    for first, last in pairwise(bounds):
        part = slice(first, last)
        if all(is_plain[part]):
            found.append(Sentence(words[part], layout=Layout(spaces[part])))
        else:
            found.append(_join_tokens(words[part], kinds[part].tolist(), spaces[part], expansions))
    return found


def _join_tokens(
    words: Sequence[str], kinds: Sequence[int], spaces: Sequence[bool], expansions: Expansions
) -> Sentence:
    """A sentence with tokens of several words."""
    builder = _Builder()
    for word, kind, space in zip(words, kinds, spaces, strict=True):
        builder.add(word, kind, space, expansions)
    return Sentence(builder.tokens, layout=Layout(builder.spaces, builder.ranges))


class _Builder:
    """A sentence to which words are added."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.spaces: list[bool] = []
        self.ranges: list[tuple[int, int, str]] = []

    def add(self, form: str, kind: int, space: bool, expansions: Expansions) -> None:
        """Add a word; the words of a token that is written otherwise; or a word to the token before it."""
        if kind in (EXPANDED, EXPANDED_SENTENCE) and form.lower() in expansions:
            words = _in_case_of(form, expansions[form.lower()])
            self.ranges.append((len(self.tokens) + 1, len(self.tokens) + len(words), form))
            self.tokens += words
            self.spaces += [False] * (len(words) - 1) + [space]
            return
        if kind == INNER_WORD and self.tokens:
            last = len(self.tokens)
            first, _, before = (
                self.ranges.pop() if self.ranges and self.ranges[-1][1] == last else (last, 0, self.tokens[-1])
            )
            self.ranges.append((first, last + 1, before + form))
        self.tokens.append(form)
        self.spaces.append(space)


def _in_case_of(form: str, words: Sequence[str]) -> list[str]:
    """The words of a token in capitals, or with a capital at the front, as it has them.

    >>> _in_case_of("Du", ["de", "le"]), _in_case_of("DU", ["de", "le"])
    (['De', 'le'], ['DE', 'LE'])
    """
    if len(form) > 1 and form.isupper():
        return [word.upper() for word in words]
    if form[0].isupper():
        return [words[0][:1].upper() + words[0][1:], *words[1:]]
    return list(words)
