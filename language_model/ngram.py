"""N-gram language model with interpolated modified Kneser-Ney smoothing: the baseline.

Chen & Goodman 1999, "An Empirical Study of Smoothing Techniques for Language Modeling", section 3. The probability of a
token after a context mixes all orders:

    p(w | context) = (c(context w) - D(c)) / c(context) + mass(context) * p(w | shorter context)

c is a count at the highest order, and below it the number of different tokens seen before the sequence: "Francisco"
is frequent, but only after "San", so alone it is a poor guess. D takes a little off every count (three discounts for
counts of 1, 2 and more), and mass is what was taken off, so that the probabilities sum to one after any context.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from common.text.vocabulary import BOS_ID, EOS_ID

NEVER_PREDICTED = 2  # <pad> and <bos> are ids, but no text goes on with them


class NgramModel:
    """An n-gram model of any order with modified Kneser-Ney smoothing.

    Args:
        texts: the ids of the tokens of each text, without the marks of beginning and end.
        vocab_size: number of token ids.
        order: tokens in the longest sequence counted, the predicted one included.

    >>> model = NgramModel([[4, 5], [4, 4]], vocab_size=6, order=2)
    >>> round(sum(model.probability(token, [4]) for token in (1, 3, 4, 5)), 12)
    1.0
    """

    def __init__(self, texts: Iterable[Sequence[int]], vocab_size: int, order: int = 5) -> None:
        if order < 1:
            raise ValueError(f"order is {order}; at least 1 would do")
        self.order = order
        self.uniform = 1 / (vocab_size - NEVER_PREDICTED)
        # followers[n][context of n tokens][token] = count
        self.followers: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        for text in texts:
            ids = [BOS_ID] * (order - 1) + [*text, EOS_ID]
            for end in range(order - 1, len(ids)):
                self.followers[-1][tuple(ids[end - order + 1 : end])][ids[end]] += 1
        for length in range(order - 2, -1, -1):
            self._count_continuations(length)
        self.discounts = [_discounts(table.values()) for table in self.followers]
        self.totals = [
            {context: (counts.total(), self._mass(length, counts)) for context, counts in table.items()}
            for length, table in enumerate(self.followers)
        ]

    def _count_continuations(self, length: int) -> None:
        """Fill `followers[length]` from the next longer contexts: each adds one, whatever its count.

        A context that begins at a beginning of text has nothing before it; there the counts themselves are taken.
        """
        shorter = self.followers[length]
        for context, counts in self.followers[length + 1].items():
            at_start = length > 0 and context[1] == BOS_ID
            for token, count in counts.items():
                shorter[context[1:]][token] += count if at_start else 1

    def _mass(self, length: int, counts: Counter[int]) -> float:
        """The sum of the discounts of the counts after one context."""
        return sum(self._discount(length, count) for count in counts.values())

    def _discount(self, length: int, count: int) -> float:
        return self.discounts[length][min(count, 3) - 1]

    def probability(self, token: int, context: Sequence[int]) -> float:
        """Return p(token | context); only the last `order - 1` tokens of the context matter."""
        result = self.uniform
        for length in range(self.order):
            end = tuple(context[len(context) - length :])
            if len(end) < length or end not in self.followers[length]:
                break  # a longer context was not seen either
            total, mass = self.totals[length][end]
            count = self.followers[length][end].get(token, 0)
            kept = count - self._discount(length, count) if count else 0.0
            result = (kept + mass * result) / total
        return result

    def log_probabilities(self, text: Sequence[int]) -> list[float]:
        """The log-probability in nats of each token of a text and of its end: one more than tokens."""
        ids = [BOS_ID] * (self.order - 1) + [*text, EOS_ID]
        return [
            math.log(self.probability(ids[end], ids[end - self.order + 1 : end]))
            for end in range(self.order - 1, len(ids))
        ]


def _discounts(tables: Iterable[Counter[int]]) -> tuple[float, float, float]:
    """The three discounts of one order, from how many sequences have a count of 1, 2, 3 and 4 (equation 26)."""
    n = Counter(min(count, 5) for counts in tables for count in counts.values())
    if not all(n[i] for i in (1, 2, 3, 4)):
        return 0.5, 0.75, 0.9  # too little text to estimate them
    y = n[1] / (n[1] + 2 * n[2])
    discounts = [i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3)]
    one, two, more = (min(max(d, 0.05), i - 0.05) for i, d in enumerate(discounts, 1))
    return one, two, more
