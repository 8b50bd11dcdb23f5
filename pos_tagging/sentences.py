"""Sentences: words with tags to learn from, the tagged sentences that a tagger answers with, and how both are written.

The sentence of a CoNLL-U file, which has comments too, is `pos_tagging.conllu.ConlluSentence`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from common.output import replace_file


class KnownWords(Protocol):
    """Words of the training split, as a set or a vocabulary: they tell known words from unknown ones."""

    def __contains__(self, word: str, /) -> bool: ...


@dataclass(frozen=True)
class Layout:
    """How the words of a sentence are written.

    `space_after` tells for each word whether a space follows it; empty: after each. `ranges` are multiword tokens,
    words that are written as one: number of the first word, number of the last, as written. "won't" is (1, 2, "won't")
    of "wo" and "n't".
    """

    space_after: Sequence[bool] = ()
    ranges: Sequence[tuple[int, int, str]] = ()

    def spaces(self, num_words: int) -> Sequence[bool]:
        """Whether a space follows each word."""
        return self.space_after or [True] * num_words

    def written(self, tokens: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
        """What is written as one, with the indices of its words.

        >>> list(Layout([False, True, True], [(1, 2, "won't")]).written(["wo", "n't", "go"]))
        [("won't", [0, 1]), ('go', [2])]
        """
        ranges = {first: (last, form) for first, last, form in self.ranges}
        number = 1
        while number <= len(tokens):
            last, form = ranges.get(number, (number, tokens[number - 1]))
            yield form, list(range(number - 1, last))
            number = last + 1

    def text(self, tokens: Sequence[str]) -> str:
        """The words as they were written.

        >>> Layout([False, True]).text(["No", "!"])
        'No!'
        """
        spaces = self.spaces(len(tokens))
        if not self.ranges:
            return "".join(token + " " * space for token, space in zip(tokens, spaces, strict=True)).rstrip()
        return "".join(form + " " * spaces[places[-1]] for form, places in self.written(tokens)).rstrip()


class _TaggedWords:
    """What sentences have in common, whether their tags were read or predicted."""

    tokens: Sequence[str]
    tags: Sequence[str]
    layout: Layout

    def pairs(self) -> list[tuple[str, str]]:
        """The words with their tags."""
        return list(zip(self.tokens, self.tags, strict=True))

    def text(self) -> str:
        """The sentence as it was written."""
        return self.layout.text(self.tokens)


@dataclass(frozen=True)
class Sentence(_TaggedWords):
    """A sentence to learn from, or to be scored on.

    `tags` are empty if they are not known; `further` are tags of another kind, for multi-task learning; `place` tells
    where the sentence stands, for messages.
    """

    tokens: Sequence[str]
    tags: Sequence[str] = ()
    further: Sequence[str] = ()
    place: str = ""
    layout: Layout = Layout()


@dataclass(frozen=True)
class TaggedSentence(_TaggedWords):
    """The answer to one sentence: words and their tags; the probabilities of the tags, if they were asked for."""

    tokens: list[str]
    tags: list[str]
    probabilities: list[float] = field(default_factory=list)
    layout: Layout = field(default=Layout(), repr=False)

    def __str__(self) -> str:
        """Pairs of word and tag.

        >>> str(TaggedSentence(["Birds", "sing"], ["NOUN", "VERB"]))
        'Birds/NOUN sing/VERB'
        """
        return " ".join(f"{token}/{tag}" for token, tag in self.pairs())


@dataclass(frozen=True)
class TaggedText:
    """The answer to one text: its sentences, in their order; `remark` tells if the model can make little of it."""

    sentences: list[TaggedSentence]
    remark: str | None = None

    def __iter__(self) -> Iterator[TaggedSentence]:
        return iter(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def pairs(self) -> list[tuple[str, str]]:
        """The words of all sentences with their tags."""
        return [pair for sentence in self.sentences for pair in sentence.pairs()]

    def columns(self) -> dict[str, list]:
        """Tokens and tags of all sentences as columns of a table, with the number of words of each sentence."""
        found: dict[str, list] = {"tokens": [], "tags": [], "probabilities": []}
        for sentence in self.sentences:
            found["tokens"] += sentence.tokens
            found["tags"] += sentence.tags
            found["probabilities"] += [round(value, 4) for value in sentence.probabilities]
        if not found["probabilities"]:
            del found["probabilities"]
        return {**found, "sentence_lengths": [len(sentence.tokens) for sentence in self.sentences]}


@dataclass(frozen=True)
class TaggedFile:
    """The answer to a file: its sentences, and the file written again with their tags.

    Args:
        sentences: in their order; one that could not be read is left out.
        text: the whole file: of words and tags, as it was but for the tags; of other files, CoNLL-U.
        notes: what could not be read.
    """

    sentences: list[TaggedSentence]
    text: str = field(repr=False)
    notes: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[TaggedSentence]:
        return iter(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def write(self, path: str | Path) -> None:
        """Write the text to a file, which appears there when it is complete."""
        with replace_file(Path(path), encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(self.text)
