"""Sequences of different lengths as rectangular arrays: right padding, masks, batches grouped by length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from common.text.vocabulary import BOS_ID, PAD_ID, UNK_ID

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


# Sorting within so many batches' worth of shuffled examples: short enough for chance, long enough for little padding.
BATCHES_PER_SORT = 50
# Most tokens, padding included, in a batch that is scored: as fast as larger ones, and an LSTM of 512 needs 0.4 GB.
SCORED_TOKENS = 16_384


def pad(sequences: Sequence[Sequence[int]], length: int | None = None) -> NDArray[np.int32]:
    """Stack sequences of ids, filled on the right with `PAD_ID`.

    Args:
        sequences: `batch` sequences of ids.
        length: columns of the result; None takes the longest sequence. Longer sequences are cut.
    Returns:
        int32 (batch, length).

    >>> pad([[5, 6], [7]]).tolist()
    [[5, 6], [7, 0]]
    """
    length = max((len(ids) for ids in sequences), default=0) if length is None else length
    padded = np.full((len(sequences), length), PAD_ID, dtype=np.int32)  # (batch, time)
    for row, ids in zip(padded, sequences, strict=True):
        row[: len(ids)] = ids[:length]
    return padded


def make_mask(lengths: Sequence[int], length: int | None = None) -> NDArray[np.bool_]:
    """Mark the real positions of right-padded rows.

    >>> make_mask([2, 1]).tolist()
    [[True, True], [True, False]]
    """
    width = max(lengths, default=0) if length is None else length
    return np.arange(width)[None, :] < np.asarray(lengths)[:, None]  # (batch, time)


def group_by_length(
    lengths: ArrayLike, batch_size: int, rng: np.random.Generator | None = None, max_tokens: int | None = None
) -> list[NDArray[np.intp]]:
    """Cut examples into batches of similar length, so that little is padding.

    With `rng` the examples are shuffled and sorted only within stretches of `BATCHES_PER_SORT` batches; then the
    batches are shuffled. The longest batch comes first and the shortest second: a run that does not fit in memory
    fails in its first step, not after an hour, and Keras, which reads the shapes off two batches, sees that
    the length varies.

    Args:
        lengths: length of each example.
        batch_size: examples in a batch; the last one may be smaller.
        rng: source of the shuffling; None sorts by length alone.
        max_tokens: most tokens in a batch, padding included, so that memory does not grow with the length; an example
            that is longer is a batch of its own. None sets no limit.
    Returns:
        The indices of each batch; together every example once.

    >>> [batch.tolist() for batch in group_by_length([3, 1, 2, 9], 2)]
    [[0, 3], [1, 2]]
    """
    lengths = np.asarray(lengths)
    order = np.arange(len(lengths)) if rng is None else rng.permutation(len(lengths))
    stretch = len(order) if rng is None else batch_size * BATCHES_PER_SORT
    batches: list[NDArray[np.intp]] = []
    for start in range(0, len(order), max(stretch, 1)):
        piece = order[start : start + stretch]
        piece = piece[np.argsort(lengths[piece], kind="stable")]
        batches.extend(_cut(piece, lengths[piece], batch_size, max_tokens))
    if rng is not None:
        rng.shuffle(batches)
    longest = [int(lengths[batch].max()) for batch in batches]
    if len(batches) > 1 and max(longest) > min(longest):
        first, second = int(np.argmax(longest)), int(np.argmin(longest))
        rest = [batch for i, batch in enumerate(batches) if i not in (first, second)]
        batches = [batches[first], batches[second], *rest]
    return batches


def _cut(
    piece: NDArray[np.intp], lengths: NDArray[np.intp], batch_size: int, max_tokens: int | None
) -> Iterator[NDArray[np.intp]]:
    """Cut examples, the shortest first, into batches."""
    start = 0
    while start < len(piece):
        longest = lengths[start : start + batch_size]
        num_tokens = longest * np.arange(1, len(longest) + 1)  # of the first, of the first two, …
        fitting = len(longest) if max_tokens is None else int(np.searchsorted(num_tokens, max_tokens, side="right"))
        stop = start + max(fitting, 1)
        yield piece[start:stop]
        start = stop


def drop_words(
    token_ids: NDArray[np.int32], mask: NDArray[np.bool_], rate: float | NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Replace a share of the real words by `UNK_ID`, so that a model learns to guess from the rest.

    Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", section 3.

    Args:
        token_ids: int32 (batch, time).
        mask: bool (batch, time).
        rate: share of words replaced, 0 to 1; for all words, or (batch, time). The beginning-of-text token stays.
        rng: random generator.
    Returns:
        A changed copy, int32 (batch, time).
    """
    dropped = (rng.random(token_ids.shape) < rate) & mask & (token_ids != BOS_ID)
    return np.where(dropped, np.int32(UNK_ID), token_ids)


# A batch is what `model.fit` takes: named inputs, targets, and one weight for each target (0 where padded).
Batch = tuple[dict[str, "NDArray"], "NDArray", "NDArray"]
MakeBatch = Callable[["NDArray[np.intp]", "np.random.Generator | None"], Batch]


class EpochBatches(Protocol):
    """What training needs of the batches of its split: their order, and all that is random, depend on the epoch."""

    @property
    def lengths(self) -> NDArray[np.int_]:
        """The length of each example, in the order of the data."""

    @property
    def sizes(self) -> list[int]:
        """Tokens in each batch, padding included: a measure of its work."""

    def set_epoch(self, epoch: int) -> None:
        """Prepare the batches of an epoch."""

    def __len__(self) -> int:
        """The number of batches, the same in every epoch."""

    def __getitem__(self, number: int) -> Batch:
        """One batch of the epoch."""


class Batches:
    """The batches of one split; the order and the word dropout of an epoch depend on (seed, epoch) alone.

    Args:
        lengths: length of each example.
        make_batch: indices of examples, and a random generator while training, to a batch.
        batch_size: examples in a batch.
        seed: shuffles; None keeps a fixed order, for scoring.
    """

    def __init__(self, lengths: Sequence[int], make_batch: MakeBatch, batch_size: int, seed: int | None = None) -> None:
        self.lengths = np.asarray(lengths)
        self.make_batch = make_batch
        self.batch_size = batch_size
        self.seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Put the batches in the order of `epoch`."""
        self.epoch = epoch
        rng = None if self.seed is None else np.random.default_rng([self.seed, epoch])
        max_tokens = SCORED_TOKENS if self.seed is None else None
        self.indices = group_by_length(self.lengths, self.batch_size, rng, max_tokens)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def sizes(self) -> list[int]:
        """Tokens in each batch, padding included: a measure of its work."""
        return [int(self.lengths[indices].max()) * len(indices) for indices in self.indices]

    def __iter__(self) -> Iterator[Batch]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Batch:
        rng = None if self.seed is None else np.random.default_rng([self.seed, self.epoch, number])
        return self.make_batch(self.indices[number], rng)
