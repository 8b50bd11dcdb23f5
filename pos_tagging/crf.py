"""Decoding a linear-chain conditional random field (CRF): the best sequence of tags, the probability of each tag.

    P(tags)  =  exp(sum over the words of scores[word, tag before, tag]) / Z

The scores are made by `common.networks.layers.ChainScores`; `pos_tagging.training_model` learns them. Lafferty,
McCallum & Pereira 2001, "Conditional Random Fields"; over an LSTM: Huang, Xu & Yu 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_paths(scores: NDArray, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Viterbi's algorithm: the best sequence of tags of each sentence.

    Args:
        scores: (batch, time, tag before, tag).
        mask: (batch, time).
    Returns:
        Tag ids (batch, time); at padding, anything.
    """
    batch_size, num_steps, num_tags = scores.shape[:3]
    best, origins = scores[:, 0, 0, :], np.empty((num_steps, batch_size, num_tags), np.int64)
    stay = np.arange(num_tags)
    for t in range(1, num_steps):
        ways = best[:, :, None] + scores[:, t]  # (batch, tag before, tag)
        real = mask[:, t, None]
        origins[t] = np.where(real, ways.argmax(axis=1), stay)
        best = np.where(real, ways.max(axis=1), best)
    paths = np.empty((batch_size, num_steps), np.int64)
    paths[:, -1] = best.argmax(axis=-1)
    for t in range(num_steps - 1, 0, -1):
        paths[:, t - 1] = np.take_along_axis(origins[t], paths[:, t, None], axis=1)[:, 0]
    return paths


def tag_probabilities(scores: NDArray, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Forward-backward algorithm: the probability of each tag of each word, over all sequences.

    Args:
        scores: (batch, time, tag before, tag).
        mask: (batch, time).
    Returns:
        (batch, time, tags); sums to one.
    """
    num_steps = scores.shape[1]
    ahead = [scores[:, 0, 0, :].astype(float)]
    for t in range(1, num_steps):
        longer = np.logaddexp.reduce(ahead[-1][:, :, None] + scores[:, t], axis=1)
        ahead.append(np.where(mask[:, t, None], longer, ahead[-1]))
    behind = [np.zeros_like(ahead[0])]
    for t in range(num_steps - 1, 0, -1):
        longer = np.logaddexp.reduce(scores[:, t] + behind[-1][:, None, :], axis=2)
        behind.append(np.where(mask[:, t, None], longer, behind[-1]))
    both = np.stack(ahead, axis=1) + np.stack(behind[::-1], axis=1)  # (batch, time, tags)
    return np.exp(both - np.logaddexp.reduce(both, axis=-1, keepdims=True))
