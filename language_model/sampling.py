"""Sampling of the next token: temperature, top-k, nucleus and min-p sampling, repetition penalty, n-gram blocking."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from common.text.vocabulary import BOS_ID, PAD_ID, UNK_ID

NEVER_WRITTEN = [PAD_ID, BOS_ID, UNK_ID]
SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
NOTHING_LEFT = -1  # in place of a token id: every token is impossible


def sample_tokens(
    logits: np.ndarray,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
) -> np.ndarray:
    """Sample a next token for each text; never padding, a beginning mark, `<unk>` or a logit of minus infinity.

    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", for top-p; Nguyen et al. 2024, "Turning Up the
    Heat: Min-p Sampling for Creative and Coherent LLM Outputs".

    Args:
        logits: (batch, vocab_size).
        rng: random generator.
        temperature: see `GenerationConfig`; so all that follow.
    Returns:
        int32 (batch,); `NOTHING_LEFT` where no token has a finite logit.
    """
    scores = logits.astype(np.float32)
    scores[:, NEVER_WRITTEN] = -np.inf
    largest = scores.max(axis=-1, keepdims=True)
    possible = np.isfinite(largest)  # (batch, 1)
    if possible.all():
        return _choose(scores, largest, rng, temperature, top_k, top_p, min_p)
    scores, largest = np.where(possible, scores, 0), np.where(possible, largest, 0)
    chosen = _choose(scores, largest, rng, temperature, top_k, top_p, min_p)
    return np.where(possible[:, 0], chosen, np.int32(NOTHING_LEFT))


def _choose(
    scores: np.ndarray,
    largest: np.ndarray,
    rng: np.random.Generator,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
) -> np.ndarray:
    """Sample a column of each row of logits, which are overwritten; `largest` is (batch, 1)."""
    if temperature == 0:
        return scores.argmax(axis=-1).astype(np.int32)
    with np.errstate(over="ignore"):  # to minus infinity: never drawn
        scores -= largest
        scores /= np.float32(min(max(temperature, SMALLEST), LARGEST))
    weights = np.exp(scores, out=scores)  # probabilities, but for their sum; the largest is 1
    if min_p:
        weights *= weights >= min_p
    if top_k or top_p < 1:
        weights *= weights >= _smallest_kept(weights, top_k or weights.shape[1], top_p)
    return draw_columns(weights, rng)


def _smallest_kept(weights: np.ndarray, top_k: int, top_p: float) -> np.ndarray:
    """The smallest weight among the `top_k` largest, or among those of them that sum to the share `top_p`; (batch, 1).

    Weights are sorted, and not their places; running sums are taken of as few as will do: both are ten times faster.
    """
    largest = np.sort(weights, axis=-1)[:, : -top_k - 1 : -1]  # (batch, top_k), largest first
    if top_p == 1:
        return largest[:, -1:]
    wanted, count = top_p * weights.sum(axis=-1, keepdims=True, dtype=np.float64), 256
    while True:
        held = np.cumsum(largest[:, :count], axis=-1, dtype=np.float64)
        if count >= largest.shape[1] or (held[:, -1:] >= wanted).all():
            num_kept = 1 + (held[:, :-1] < wanted).sum(axis=-1, keepdims=True)
            return np.take_along_axis(largest, num_kept - 1, axis=-1)
        count *= 8


def draw_columns(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sample a column of each row, with probabilities in proportion to the weights.

    Where the running sum of the weights passes a random share of the whole, there is the column. It is looked up in
    two steps, first among sums of blocks and then within one block: for 10,000 columns that is ten times faster than
    one running sum over all of them.

    Args:
        weights: (rows, columns), not negative, not all 0 in a row.
        rng: random generator.
    Returns:
        int32 (rows,).
    """
    rows, width = np.arange(len(weights))[:, None], math.isqrt(weights.shape[1])
    sums = np.add.reduceat(weights, np.arange(0, weights.shape[1], width), axis=1)  # (rows, blocks)
    passed = np.cumsum(sums, axis=1, dtype=np.float64)
    aim = rng.random((len(weights), 1)) * passed[:, -1:]
    block = _first_above(passed, aim)
    columns = block * width + np.arange(width)  # (rows, width); the last block may be shorter
    within = np.where(columns < weights.shape[1], weights[rows, np.minimum(columns, weights.shape[1] - 1)], 0)
    place = _first_above(np.cumsum(within, axis=1, dtype=np.float64), aim - passed[rows, block] + sums[rows, block])
    return columns[rows, place][:, 0].astype(np.int32)


def _first_above(running_sums: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """The first place in each row whose running sum is above the aim, which rounding may have put past the end."""
    below_end = np.minimum(aim, np.nextafter(running_sums[:, -1:], 0))
    return (running_sums <= below_end).sum(axis=1, keepdims=True)


def penalise_repetition(logits: np.ndarray, written: Sequence[Sequence[int]], penalty: float) -> None:
    """Repetition penalty: lower the logits of the tokens that a text has already, in place.

    Keskar et al. 2019, "CTRL: A Conditional Transformer Language Model for Controllable Generation", section 4.1:
    a logit above 0 is divided by the penalty, one below is multiplied by it. No penalty makes a token impossible.

    Args:
        logits: (batch, vocab_size).
        written: the ids of each text so far.
        penalty: 1 changes nothing.
    """
    lowest = np.finfo(logits.dtype).min
    with np.errstate(over="ignore"):
        for row, ids in zip(logits, written, strict=True):
            chosen = np.unique(np.asarray(ids, int))
            scores = row[chosen].astype(np.float64)
            changed = np.where(scores > 0, scores / penalty, scores * penalty)
            row[chosen] = np.maximum(changed, np.minimum(scores, lowest))  # what was impossible stays so


def forbid_repeated_ngrams(logits: np.ndarray, written: Sequence[Sequence[int]], size: int) -> None:
    """N-gram blocking: rule out, in place, the tokens that would complete an n-gram of `size` tokens a second time.

    Paulus et al. 2018, "A Deep Reinforced Model for Abstractive Summarization", section 2.5.

    Args:
        logits: (batch, vocab_size).
        written: the ids of each text so far.
        size: tokens in an n-gram, at least 1.
    """
    for row, ids in zip(logits, written, strict=True):
        if len(ids) < size:
            continue
        ends = list(ids[len(ids) - size + 1 :])
        starts = range(len(ids) - size + 1)
        row[[ids[i + size - 1] for i in starts if list(ids[i : i + size - 1]) == ends]] = -np.inf
