"""Scores over another vocabulary: tokens are put into classes, and a class is as likely as its tokens together.

So models with different vocabularies compare: over the words that both know, or over those of a text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from language_model.predict import LanguageModel


def words_of(vocabulary: Vocabulary) -> list[str]:
    """The words of a vocabulary, special tokens left out."""
    return vocabulary.tokens[len(SPECIAL_TOKENS) :]


def classes_of(words: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.intp]:
    """The class of each token of a model: its id in another vocabulary, where all that this lacks are `<unk>`.

    Args:
        words: of the model's vocabulary, as the other one writes them.
        vocabulary: the other one.
    Returns:
        (vocab_size,).
    """
    return np.array([*range(len(SPECIAL_TOKENS)), *vocabulary.encode(words)])


def class_nats(
    model: LanguageModel, streams: Sequence[Sequence[int]], targets: Sequence[ArrayLike], classes: NDArray[np.intp]
) -> list[NDArray[np.float64]]:
    """-log of the summed probability of all tokens of each target's class.

    Args:
        model: the model.
        streams: ids, each stream read from a state of zeros.
        targets: the class of each id of a stream but the first.
        classes: of `classes_of`.
    Returns:
        For each stream (targets,); infinite where a class is out of the question.
    """
    order = np.argsort(classes, kind="stable")
    wanted = [np.asarray(row) for row in targets]
    last = max(int(row.max()) for row in (classes, *wanted) if len(row))
    ends = np.searchsorted(classes[order], np.arange(last + 2))
    nats: list[list[float]] = [[] for _ in streams]
    for reading in model.read(streams):
        shifted = np.exp(reading.logits - reading.logits.max(axis=-1, keepdims=True))  # (batch, time, vocab_size)
        for values, i, length in zip(shifted, reading.rows, reading.lengths, strict=True):
            begun = len(nats[i])
            for row, target in zip(values, wanted[i][begun : begun + length], strict=False):
                won = row[order[ends[target] : ends[target + 1]]].sum(dtype=float)
                with np.errstate(divide="ignore"):
                    nats[i].append(float(np.log(row.sum(dtype=float)) - np.log(won)))
    return [np.array(row) for row in nats]
