"""Cache language models: interpolation with the frequencies of recent tokens.

p = (1 - rate) * p of the model + rate * p of the cache. A token that was used lately is likely to be used again. The
cache adapts to the test text as it goes along, so its scores stand in a column of their own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import InputError
from language_model.loader import Streams
from language_model.predict import LanguageModel, log_softmax_at

SIZES = (100, 500, 2000)  # tokens remembered
STEPS_AT_ONCE = 256  # tokens that are compared with those before them; more would take more memory, and no less time
FLATNESSES = (0.0, 0.1, 0.2, 0.3, 0.5)  # 0: like a unigram cache
RATES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)


@dataclass(frozen=True)
class CacheSettings:
    """Settings of a cache.

    Args:
        size: tokens it remembers.
        rate: its weight in the interpolation.
        flatness: theta of a continuous cache: how much it prefers tokens that came in a similar state; 0 = not at all.
    """

    size: int
    rate: float
    flatness: float = 0.0


def unigram_cache(stream: Sequence[int], size: int) -> np.ndarray:
    """Unigram cache: the relative frequency of each token among the `size` tokens before it; NaN where there are none.

    Kuhn & De Mori 1990, "A Cache-Based Natural Language Model for Speech Recognition".

    Args:
        stream: ids; the first one is not predicted, and not remembered.
        size: tokens remembered.
    Returns:
        float64 (tokens - 1,).

    >>> unigram_cache([2, 7, 8, 7, 7], size=2).tolist()
    [nan, 0.0, 0.5, 0.5]
    """
    counts: Counter[int] = Counter()
    guessed, shares = list(stream[1:]), []
    for place, token in enumerate(guessed):
        shares.append(counts[token] / min(place, size) if place else np.nan)
        counts[token] += 1
        if place >= size:
            counts[guessed[place - size]] -= 1
    return np.array(shares)


class ContinuousCache:
    """Continuous cache: the tokens of one stream with the hidden states before them.

    Grave et al. 2017, "Improving Neural Language Models with a Continuous Cache": the share of a token is the sum, over
    its places among the last `size`, of softmax(flatness * state then . state now).

    Args:
        settings: sizes and flatnesses, each pair of which gives shares of its own.
    """

    def __init__(self, settings: Iterable[CacheSettings]) -> None:
        self.settings = list(settings)
        self.size = max(setting.size for setting in self.settings)
        self.states: np.ndarray | None = None  # (remembered, features)
        self.tokens = np.zeros(0, np.int32)

    def read(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Take in the next tokens, each with the state before it.

        Args:
            states: (time, features).
            tokens: (time,).
        Returns:
            The share of each token, NaN where nothing was before it, float64 (settings, time).
        """
        starts = range(0, len(tokens), STEPS_AT_ONCE)
        pieces = [slice(start, start + STEPS_AT_ONCE) for start in starts]
        return np.concatenate([self._read_piece(states[piece], tokens[piece]) for piece in pieces], axis=1)

    def _read_piece(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        known = len(self.tokens)
        states = states if self.states is None else np.concatenate([self.states, states])
        tokens = np.concatenate([self.tokens, tokens])
        products = states[known:] @ states.T  # (time, remembered + time)
        age = known + np.arange(len(tokens) - known)[:, None] - np.arange(len(tokens))  # of a place, seen from a step
        same = tokens[known:, None] == tokens
        shares = []
        for setting in self.settings:
            scores = np.where((age > 0) & (age <= setting.size), setting.flatness * products, -np.inf)
            scores -= np.maximum(scores.max(axis=1, keepdims=True), -1e30)
            weights = np.exp(scores)  # (time, remembered + time)
            with np.errstate(invalid="ignore"):
                shares.append((weights * same).sum(axis=1, dtype=float) / weights.sum(axis=1, dtype=float))
        self.states, self.tokens = states[-self.size :], tokens[-self.size :]
        return np.array(shares)


def mix(nats: np.ndarray, shares: np.ndarray, rate: float) -> np.ndarray:
    """Interpolate a model's log-probabilities with the shares of a cache; the model's own where the cache is empty."""
    mixed = np.log((1 - rate) * np.exp(nats.astype(float)) + rate * np.nan_to_num(shares))
    return np.where(np.isnan(shares), nats, mixed)


def choose_unigram_cache(nats: Sequence[np.ndarray], streams: Streams) -> CacheSettings:
    """Choose the settings that are best for a model's log-probabilities of the texts of some streams."""
    flat = np.concatenate(nats)
    scores: dict[CacheSettings, float] = {}
    for size in SIZES:
        shares = np.concatenate(streams.split([unigram_cache(row, size) for row in streams.rows]))
        scores |= {CacheSettings(size, rate): mix(flat, shares, rate).mean() for rate in RATES}
    return max(scores, key=lambda setting: scores[setting])


def choose_continuous_cache(model: LanguageModel, streams: Streams) -> CacheSettings:
    """Choose the settings that are best for the tokens of some streams."""
    kinds = [CacheSettings(size, 0.0, flatness) for size, flatness in itertools.product(SIZES, FLATNESSES)]
    nats, shares = read_with_cache(model, streams.rows, kinds)
    flat = np.concatenate(streams.split(nats))
    scores: dict[CacheSettings, float] = {}
    for i, kind in enumerate(kinds):
        found = np.concatenate(streams.split([row[i] for row in shares]))
        scores |= {CacheSettings(kind.size, rate, kind.flatness): mix(flat, found, rate).mean() for rate in RATES}
    return max(scores, key=lambda setting: scores[setting])


def score_with_cache(model: LanguageModel, streams: Streams, setting: CacheSettings) -> list[np.ndarray]:
    """The log-probabilities of each text, of a model with a continuous cache; in nats, (tokens + 1,)."""
    nats, shares = read_with_cache(model, streams.rows, [setting])
    return streams.split([mix(row, share[0], setting.rate) for row, share in zip(nats, shares, strict=True)])


def read_with_cache(
    model: LanguageModel, streams: Sequence[Sequence[int]], settings: Sequence[CacheSettings]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Read rows of ids, with a continuous cache over the features from which the model makes its logits.

    Returns:
        For each row the log-probabilities (tokens - 1,) and the cache's shares (settings, tokens - 1).
    Raises:
        InputError: the bundle was made before models gave their features.
    """
    caches: dict[int, ContinuousCache] = {}
    nats: list[list[np.ndarray]] = [[] for _ in streams]
    shares: list[list[np.ndarray]] = [[] for _ in streams]
    for reading in model.read(streams):
        if reading.hidden is None:
            raise InputError("--cache: this bundle does not tell the features of its tokens; train it again")
        found = log_softmax_at(reading.logits, reading.targets)  # (batch, time)
        for number, (i, length) in enumerate(zip(reading.rows, reading.lengths, strict=True)):
            cache = caches[i] if i in caches else caches.setdefault(i, ContinuousCache(settings))
            nats[i].append(found[number, :length])
            shares[i].append(cache.read(reading.hidden[number, :length], reading.targets[number, :length]))
            if sum(map(len, nats[i])) == len(streams[i]) - 1:
                del caches[i]  # this stream is at its end
    return [np.concatenate(row) for row in nats], [np.concatenate(row, axis=1) for row in shares]
