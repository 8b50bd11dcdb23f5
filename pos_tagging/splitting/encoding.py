"""Characters of a text as ids, with their neighbours, in windows of a bounded length."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.text.batching import group_by_length, make_mask
from common.text.vocabulary import PAD_ID, SPECIAL_TOKENS, UNK_ID, Vocabulary
from pos_tagging.splitting.config import FILTER_WIDTH
from pos_tagging.splitting.labels import PARAGRAPH, Characters

NUM_GAPS, NUM_CASES = 3, 2
NUM_CONTEXTS = 1 + NUM_GAPS * NUM_GAPS * NUM_CASES  # padding; gap before, gap after, case
NUM_NEIGHBOURS = FILTER_WIDTH // 2  # that the convolution sees on each side
WINDOW = 600  # characters that are labelled at once
OVERLAP = 24  # characters before and after them that are read too
WINDOWS_AT_ONCE = 16
MIN_COUNT = 5  # of a character; a rarer one trains `UNK_ID`


class Encoded(NamedTuple):
    """A text as ids, int32 (characters,)."""

    character_ids: NDArray[np.int32]
    context_ids: NDArray[np.int32]


def normal_form(character: str) -> str:
    """The character that stands for another one: lower case, and one digit for all.

    >>> [normal_form(character) for character in "Aé7"]
    ['a', 'é', '0']
    """
    if character.isdigit():
        return "0"
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


class CharacterTable:
    """The id of every character there is, looked up for a whole text at once.

    A letter that the vocabulary lacks is read as its base letter (é: e), or as the most frequent letter.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        own = vocabulary.tokens[len(SPECIAL_TOKENS) :]
        self._some_letter = next((token for token in own if token.isalpha()), "")
        self._ids = np.full(0x110000, -1, np.int32)

    def encode(self, characters: Characters) -> Encoded:
        """Turn a text into ids."""
        codes = np.frombuffer(characters.text.encode("utf-32-le", "surrogatepass"), np.uint32)
        both = self._ids[codes]
        if (both < 0).any():
            for code in np.unique(codes[both < 0]).tolist():
                self._ids[code] = 2 * self._id_of(chr(code)) + chr(code).isupper()
            both = self._ids[codes]
        ids, capitals = np.divmod(both, np.int32(2))
        return Encoded(ids, encode_context(characters.gaps, capitals))

    def _id_of(self, character: str) -> int:
        normal = normal_form(character)
        forms = [normal, unicodedata.normalize("NFKD", normal)[0]]
        if character.isalpha():
            forms.append(self._some_letter)
        return next((found for found in self.vocabulary.encode(forms) if found != UNK_ID), UNK_ID)


def encode_context(gaps: NDArray[np.uint8], capitals: NDArray[np.int32]) -> NDArray[np.int32]:
    """The ids of the gap before, the gap after and the case of each character; a text stands between paragraphs."""
    if not len(gaps):
        return np.zeros(0, np.int32)
    before = gaps.astype(np.int32)
    before[0] = PARAGRAPH
    after = np.append(before[1:], np.int32(PARAGRAPH))
    return 1 + (before * NUM_GAPS + after) * NUM_CASES + capitals


class Window(NamedTuple):
    """A stretch of a text: which text; where the characters begin and end that are read; those that are labelled."""

    text: int
    read_from: int
    read_to: int
    start: int
    stop: int


def cut_windows(lengths: Sequence[int]) -> list[Window]:
    """Cut texts into windows that overlap.

    >>> [window[1:] for window in cut_windows([700])]
    [(0, 624, 0, 600), (576, 700, 600, 700)]
    """
    return [
        Window(
            number, max(start - OVERLAP, 0), min(start + WINDOW + OVERLAP, length), start, min(start + WINDOW, length)
        )
        for number, length in enumerate(lengths)
        for start in range(0, length, WINDOW)
    ]


def group_windows(windows: Sequence[Window]) -> list[list[Window]]:
    """Put windows of similar length together."""
    lengths = [window.read_to - window.read_from for window in windows]
    return [[windows[i] for i in indices] for indices in group_by_length(lengths, WINDOWS_AT_ONCE)] if windows else []


def window_inputs(windows: Sequence[Window], texts: Sequence[Encoded]) -> dict[str, NDArray]:
    """The inputs of the network for a batch of windows, see `pos_tagging.splitting.model.build_splitter`."""
    lengths = [window.read_to - window.read_from for window in windows]
    shape = (len(windows), max(lengths) + 2 * NUM_NEIGHBOURS)
    inputs: dict[str, NDArray] = {name: np.full(shape, PAD_ID, np.int32) for name in Encoded._fields}
    for row, window in enumerate(windows):
        first = max(window.read_from - NUM_NEIGHBOURS, 0)
        column = first - (window.read_from - NUM_NEIGHBOURS)
        for name, ids in texts[window.text]._asdict().items():
            read = ids[first : window.read_to + NUM_NEIGHBOURS]
            inputs[name][row, column : column + len(read)] = read
    return {**inputs, "mask": make_mask(lengths)}


def batches_of(windows: Sequence[Sequence[Window]], texts: Sequence[Encoded]) -> Iterator[dict[str, NDArray]]:
    """The inputs of one batch after the other."""
    return (window_inputs(group, texts) for group in windows)
