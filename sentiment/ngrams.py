"""TF-IDF of n-grams: the sparse features of a text that the wide part of a rating model reads.

    "so good so"  ->  so, good, so good, good so  ->  (1 + log count) x idf, scaled to length 1

Salton & Buckley 1988, "Term-weighting approaches in automatic text retrieval"; the same numbers as scikit-learn's
`TfidfVectorizer(sublinear_tf=True)`, without scikit-learn, which answering does not need.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.json_files import read_json, write_json
from common.text.batching import pad

MAX_BYTES = 64 << 20  # of a file
MAX_IDF = 100.0  # no collection has e^99 texts
PADDING = 1  # rows of the table before the first n-gram


class Ngrams:
    """The n-grams that a model knows, each with its weight; their ids start at 1, 0 is the padding.

    Args:
        terms: distinct n-grams, their tokens in lower case with a blank between.
        idf: inverse document frequency of each, (terms,).
    """

    def __init__(self, terms: Iterable[str], idf: Sequence[float] | NDArray[np.float64]) -> None:
        self.terms = list(terms)
        self.idf = np.asarray(idf, np.float64)
        self.longest = max((term.count(" ") + 1 for term in self.terms), default=1)
        self._ids = {term: number for number, term in enumerate(self.terms, PADDING)}

    @classmethod
    def build(cls, token_lists: Sequence[Sequence[str]], longest: int, max_terms: int) -> Ngrams:
        """Collect the n-grams of the training split that are in most texts, ties in alphabetical order.

        Args:
            token_lists: the tokens of each text.
            longest: most tokens in an n-gram.
            max_terms: most n-grams kept.
        """
        found: Counter[str] = Counter()
        for tokens in token_lists:
            found.update(set(_ngrams(tokens, longest)))
        terms = sorted(found, key=lambda term: (-found[term], term))[:max_terms]
        return cls(terms, [math.log((1 + len(token_lists)) / (1 + found[term])) + 1 for term in terms])

    def __contains__(self, term: str) -> bool:
        return term in self._ids

    def __len__(self) -> int:
        """Rows of the table that the wide part has."""
        return len(self.terms) + PADDING

    def encode(self, tokens: Sequence[str]) -> tuple[list[int], list[float]]:
        """The features of a text: ids and their TF-IDF, as a vector of length 1; empty if it has none.

        >>> Ngrams(["so", "so good"], [1.0, 1.0]).encode(["so", "good"])[0]
        [1, 2]
        """
        counts = Counter(self._ids[term] for term in _ngrams(tokens, self.longest) if term in self._ids)
        values = [(1 + math.log(count)) * self.idf[term - PADDING] for term, count in counts.items()]
        length = math.sqrt(sum(value * value for value in values))
        return list(counts), [float(value / length) for value in values]

    def save(self, path: Path) -> None:
        """Write the n-grams as JSON that a person can read."""
        write_json(path, {"terms": self.terms, "idf": [round(float(value), 6) for value in self.idf]}, indent=0)

    @classmethod
    def parse(cls, content: bytes | bytearray, source: str) -> Ngrams:
        """Read what `save` wrote, from its bytes.

        Raises:
            InputError: it is something else.
        """
        parts = read_json(content, source, MAX_BYTES)
        if fault := _find_fault(parts):
            raise InputError(f"{source}: no n-grams ({fault}); take the bundle from its source again")
        return cls(parts["terms"], parts["idf"])


def pad_terms(rows: Sequence[tuple[Sequence[int], Sequence[float]]]) -> dict[str, NDArray]:
    """The inputs of the wide part: `ngram_ids` int32 (batch, terms) and `ngram_values` float32 (batch, terms)."""
    ids = pad([row for row, _ in rows], max(1, *(len(row) for row, _ in rows)))
    values = np.zeros(ids.shape, np.float32)
    for line, (_, row) in zip(values, rows, strict=True):
        line[: len(row)] = row
    return {"ngram_ids": ids, "ngram_values": values}


def _ngrams(tokens: Sequence[str], longest: int) -> Iterator[str]:
    lower = [token.lower() for token in tokens if not token.isspace()]
    for length in range(1, longest + 1):
        for start in range(len(lower) - length + 1):
            yield " ".join(lower[start : start + length])


def _find_fault(parts: Any) -> str | None:
    if not isinstance(parts, dict) or parts.keys() != {"terms", "idf"}:
        return "it does not hold terms and idf"
    terms, idf = parts["terms"], parts["idf"]
    if not isinstance(terms, list) or not isinstance(idf, list) or len(terms) != len(idf):
        return "terms and idf are not two lists of one length"
    if not all(isinstance(term, str) and term for term in terms) or len(set(terms)) != len(terms):
        return "a term is empty, no text, or there twice"
    if not all(isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_IDF for value in idf):
        return "an idf is not a number from 0 to 100"
    return None
