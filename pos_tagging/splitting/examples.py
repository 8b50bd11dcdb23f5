"""Training examples of the splitter: windows of the training text, changed a little in every epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.text.batching import Batch
from common.text.vocabulary import Vocabulary
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.encoding import NUM_NEIGHBOURS, CharacterTable, encode_context
from pos_tagging.splitting.labels import INNER_WORD, INSIDE, NO_GAP, PARAGRAPH, Characters, Labels

APOSTROPHES = "'\u2019"
REPEATED_MARKS = "-=*_!?~#+$"
MORE_REPETITIONS = 0.15  # p of the geometric distribution of their number


class SplitterBatches:
    """The batches of the training text; windows and changes of an epoch depend on (seed, epoch) alone.

    Args:
        texts: the documents, at least a window of characters in all.
        labels: of the characters of each.
        vocabulary: of characters.
        config: the settings.
    """

    def __init__(
        self, texts: Sequence[Characters], labels: Sequence[Labels], vocabulary: Vocabulary, config: SplitterConfig
    ) -> None:
        self.config = config
        gaps = [np.append(np.uint8(PARAGRAPH), text.gaps[1:]) for text in texts if text.text]
        whole = Characters("".join(text.text for text in texts), np.concatenate(gaps))
        codes = np.array(list(whole.text))
        self.encoded = CharacterTable(vocabulary).encode(whole)
        self.gaps, self.labels = whole.gaps, np.concatenate(labels)
        self.capitals = np.array([character.isupper() for character in whole.text], np.int32)
        self.may_leave = np.isin(codes, list(APOSTROPHES)) & _in_inner_word(self.labels)
        repeated = np.append(False, codes[1:] == codes[:-1]) & (self.labels == INSIDE) & (self.gaps == NO_GAP)
        self.may_repeat = repeated & np.isin(codes, list(REPEATED_MARKS))
        self.num_windows = len(codes) // config.window
        self.lengths = np.full(self.num_windows, config.window)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Change the text, and cut it into windows."""
        rng = np.random.default_rng([self.config.seed, epoch])
        counts = self._draw_counts(rng)
        source = np.repeat(np.arange(len(counts)), counts)
        first = np.append(True, source[1:] != source[:-1])
        capitals = self.capitals[source]
        self.parts = (
            self.encoded.character_ids[source],
            encode_context(np.where(first, self.gaps[source], NO_GAP).astype(np.uint8), capitals),
            np.where(first, _without(self.labels, counts)[source], INSIDE).astype(np.int32),
        )
        self.epoch_capitals = capitals
        window = self.config.window
        offset = rng.integers(window)
        starts = (offset + np.arange(self.num_windows) * window) % max(len(source) - window, 1)
        self.starts = rng.permutation(starts)
        self.lowered = rng.random(self.num_windows) < self.config.lower_case_rate

    def _draw_counts(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """How often each character stands in the text of this epoch: once, but for some."""
        counts = np.ones(len(self.labels), np.intp)
        counts[self.may_leave & (rng.random(len(counts)) < self.config.apostrophe_dropout)] = 0
        repeated = self.may_repeat & (rng.random(len(counts)) < self.config.repetition_rate)
        counts[repeated] += rng.geometric(MORE_REPETITIONS, repeated.sum())
        return counts

    @property
    def sizes(self) -> list[int]:
        """Characters in each batch."""
        window, size = self.config.window, self.config.batch_size
        return [window * min(size, self.num_windows - start) for start in range(0, self.num_windows, size)]

    def __len__(self) -> int:
        return -(-self.num_windows // self.config.batch_size)

    def __getitem__(self, number: int) -> Batch:
        size, window = self.config.batch_size, self.config.window
        chosen = slice(number * size, (number + 1) * size)
        places = self.starts[chosen, None] + np.arange(-NUM_NEIGHBOURS, window + NUM_NEIGHBOURS)
        outside = (places < 0) | (places >= len(self.parts[0]))
        places = places.clip(0, len(self.parts[0]) - 1)
        characters, contexts, labels = (part[places] for part in self.parts)
        contexts = contexts - self.epoch_capitals[places] * self.lowered[chosen, None]
        inside = slice(NUM_NEIGHBOURS, NUM_NEIGHBOURS + window)
        mask = np.ones((len(places), window), bool)
        inputs = {
            "character_ids": np.where(outside, 0, characters).astype(np.int32),
            "context_ids": np.where(outside, 0, contexts).astype(np.int32),
            "mask": mask,
        }
        return inputs, labels[:, inside], mask.astype(np.float32)


def _in_inner_word(labels: Labels) -> NDArray[np.bool_]:
    """Whether each character belongs to a word within a token: "'m" of "I'm"."""
    begun = np.maximum.accumulate(np.where(labels != INSIDE, np.arange(len(labels)), 0))
    return labels[begun] == INNER_WORD


def _without(labels: Labels, counts: NDArray[np.intp]) -> Labels:
    """The labels of a text in which some characters are left out: the next one takes over what begins there."""
    labels = labels.copy()
    left = np.flatnonzero((counts[:-1] == 0) & (labels[:-1] != INSIDE))
    heirs = left[labels[left + 1] == INSIDE]
    labels[heirs + 1] = labels[heirs]
    return labels
