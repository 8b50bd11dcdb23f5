"""How much of what a model writes is its own: varied words, or the same ones; new spans, or copied ones."""

from __future__ import annotations

from collections.abc import Sequence

SEPARATOR = "\x00"


def distinct_ngrams(token_lists: Sequence[Sequence[str]], size: int) -> float:
    """The number of different sequences of `size` tokens, over the number of all; 1 is no repetition at all.

    Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models": distinct-1, distinct-2.

    >>> distinct_ngrams([["a", "b", "a", "b"]], 2)
    0.6666666666666666
    """
    ngrams = [tuple(tokens[i : i + size]) for tokens in token_lists for i in range(len(tokens) - size + 1)]
    return len(set(ngrams)) / len(ngrams) if ngrams else 1.0


def join_all(token_lists: Sequence[Sequence[str]]) -> str:
    """Texts as one string in which a sequence of tokens is found as a substring.

    >>> join_all([["a", "b"], ["c"]]).split(SEPARATOR)
    ['', 'a', 'b', '', '', 'c', '']
    """
    return "".join(_as_string(tokens) + SEPARATOR for tokens in token_lists).removesuffix(SEPARATOR)


def _as_string(tokens: Sequence[str]) -> str:
    return SEPARATOR + SEPARATOR.join(tokens) + SEPARATOR


def longest_copied_span(tokens: Sequence[str], training: str) -> tuple[int, int]:
    """Find the longest sequence of tokens that stands word for word in the training text.

    Args:
        tokens: what was written.
        training: of `join_all`.
    Returns:
        Where it starts and ends in `tokens`; the first of equals.

    >>> longest_copied_span(["x", "b", "c", "y"], join_all([["a", "b", "c"]]))
    (1, 3)
    """
    best_start = best_end = 0
    for start in range(len(tokens)):
        # Only a longer one counts, so each token is looked at twice at most.
        while (end := start + best_end - best_start + 1) <= len(tokens) and _as_string(tokens[start:end]) in training:
            best_start, best_end = start, end
    return best_start, best_end
