"""Trigram hidden Markov model (TnT): a tagger made of counts, and a baseline.

    P(words, tags)  =  product of  P(tag | the two tags before)  P(word | tag)          best tags: Viterbi

The trigram probabilities of tags are smoothed by linear interpolation with those of bigrams and unigrams; the tags of
an unknown word are estimated from its suffix, and from whether it begins with a capital. Brants 2000, "TnT: A
Statistical Part-of-Speech Tagger".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pos_tagging.sentences import Sentence

MAX_SUFFIX = 10  # letters of an ending
MAX_RARE = 10  # endings are learned from words that occur at most so often: new words are like them
DIGIT = re.compile(r"\d")


class TrigramHmm:
    """Trigram HMM; its tags are numbered, and one more number is the edge of a sentence.

    Args:
        sentences: tagged sentences of the training split.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.tags = sorted({tag for sentence in sentences for tag in sentence.tags})
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        edge = len(self.tags)
        trigrams = np.zeros((edge + 1, edge + 1, edge + 1))
        self.words: dict[str, NDArray] = defaultdict(lambda: np.zeros(edge))
        for sentence in sentences:
            tags = [edge, edge, *(numbers[tag] for tag in sentence.tags), edge]
            for triple in zip(tags, tags[1:], tags[2:], strict=False):
                trigrams[triple] += 1
            for token, tag in zip(sentence.tokens, tags[2:], strict=False):
                self.words[normal_form(token)][tag] += 1
        self.words = dict(self.words)
        self.tag_counts = np.sum(list(self.words.values()), axis=0)  # (tags,)
        self.log_transitions = np.log(interpolate(trigrams))  # (tag two before, tag before, tag)
        self._learn_endings()

    def _learn_endings(self) -> None:
        """Count the tags of the suffixes of rare words, separately for words with a capital."""
        self.endings: dict[tuple[bool, str], NDArray] = defaultdict(lambda: np.zeros(len(self.tags)))
        for word, counts in self.words.items():
            if counts.sum() <= MAX_RARE:
                for ending in endings(word):
                    self.endings[ending] += counts
        self.endings = dict(self.endings)
        shares = self.tag_counts / self.tag_counts.sum()
        # The weight of the shorter suffix in the interpolation: the standard deviation of the tags' probabilities.
        self.distrust = float(shares.std(ddof=1)) if len(shares) > 1 else 1.0

    def log_emissions(self, word: str) -> NDArray[np.float64]:
        """log P(word | tag) of each tag (tags,), up to a number that is the same for all."""
        form = normal_form(word)
        counts = self.words.get(form)
        if counts is None:  # at the beginning of a sentence any word has a capital
            counts = self.words.get(form.lower())
        if counts is not None:
            with np.errstate(divide="ignore"):
                return np.log(counts / self.tag_counts)
        shares = self.tag_counts / self.tag_counts.sum()
        probabilities = shares
        for ending in endings(form):
            counts = self.endings.get(ending)
            if counts is None:
                break
            probabilities = (counts / counts.sum() + self.distrust * probabilities) / (1 + self.distrust)
        with np.errstate(divide="ignore"):
            return np.log(probabilities / shares)  # Bayes: P(word | tag) = P(tag | word) P(word) / P(tag)

    def tag(self, tokens: Sequence[str]) -> list[str]:
        """Tag a sentence: the most probable sequence of tags, by Viterbi's algorithm over pairs of tags."""
        edge = len(self.tags)
        best = np.full((edge + 1, edge + 1), -np.inf)  # of the ways to end in (tag before, tag)
        best[edge, edge] = 0.0
        origins = []
        for token in tokens:
            emissions = np.append(self.log_emissions(token), -np.inf)
            ways = best[:, :, None] + self.log_transitions  # (tag two before, tag before, tag)
            origins.append(ways.argmax(axis=0))
            best = ways.max(axis=0) + emissions
        if not origins:
            return []
        before, last = np.unravel_index((best + self.log_transitions[:, :, edge]).argmax(), best.shape)
        path = [int(last), int(before)]
        for origin in reversed(origins[1:]):
            path.append(int(origin[path[-1], path[-2]]))
        return [self.tags[number] for number in reversed(path[: len(tokens)])]


def normal_form(word: str) -> str:
    """A word as it is counted: all numbers of a length are one.

    >>> normal_form("B52s")
    'B00s'
    """
    return DIGIT.sub("0", word)


def endings(word: str) -> Iterator[tuple[bool, str]]:
    """The endings of a word, shortest first, each with whether the word has a capital.

    >>> list(endings("Bond"))[:3]
    [(True, ''), (True, 'd'), (True, 'nd')]
    """
    capital = word[:1].isupper()
    for length in range(min(len(word), MAX_SUFFIX) + 1):
        yield capital, word[len(word) - length :].lower()


def interpolate(trigrams: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation of trigram, bigram and unigram probabilities of tags.

    The weights are found by deleted interpolation (Jelinek & Mercer 1980): each trigram is left out once, and counts
    for the one of the three that gives it the highest probability.

    Args:
        trigrams: counts (tag two before, tag before, tag); the last tag is the edge of a sentence.
    Returns:
        Of the same shape; sums to one over the last axis.
    """
    bigrams, unigrams = trigrams.sum(axis=0), trigrams.sum(axis=(0, 1))
    contexts = (trigrams.sum(axis=2), bigrams.sum(axis=1), unigrams.sum())  # how often each came before something
    seen = np.argwhere(trigrams > 0)
    weights = np.zeros(3)
    for a, b, c in seen:
        pairs = (
            (unigrams[c] - 1, contexts[2] - 1),
            (bigrams[b, c] - 1, contexts[1][b] - 1),
            (trigrams[a, b, c] - 1, contexts[0][a, b] - 1),
        )
        shares = [count / total if total > 0 else 0.0 for count, total in pairs]
        weights[int(np.argmax(shares))] += trigrams[a, b, c]
    weights = (weights + 1e-3) / (weights + 1e-3).sum()
    single = (unigrams + 1e-6) / (unigrams + 1e-6).sum()
    after_one = np.where(contexts[1][:, None] > 0, bigrams / np.maximum(contexts[1][:, None], 1), single)
    after_two = np.where(contexts[0][:, :, None] > 0, trigrams / np.maximum(contexts[0][:, :, None], 1), after_one)
    return weights[0] * single + weights[1] * after_one + weights[2] * after_two
