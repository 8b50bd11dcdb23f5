"""Diversity and originality of generated text: distinct n-grams, and the longest span copied from the training text."""

from __future__ import annotations

import html
from collections.abc import Sequence

from common.evaluation.report import Section, html_table
from common.text.data import Data
from language_model.config import TextConfig
from language_model.loader import load_texts, split_text, split_tokens

SEPARATOR = "\x00"
NGRAM_SIZES = (1, 2, 3, 4)


def distinct_ngrams(token_lists: Sequence[Sequence[str]], size: int) -> float:
    """Distinct-n: the number of different n-grams of `size` tokens, over the number of all; 1 = no repetition.

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
    """Find the longest span of tokens that is in the training text, word for word.

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


def measure(token_lists: Sequence[Sequence[str]], training: str | None) -> list[list]:
    """Diversity and copied spans of generated texts, as a table.

    Args:
        token_lists: the tokens of each text.
        training: of `join_all`; None leaves copied spans out.
    """
    rows: list[list] = [["measure", "value"], ["tokens written", sum(map(len, token_lists))]]
    for size in NGRAM_SIZES:
        rows.append([f"different among all {size}-grams", distinct_ngrams(token_lists, size)])
    if training is not None:
        spans = [end - start for start, end in (longest_copied_span(tokens, training) for tokens in token_lists)]
        rows.append(["longest span copied from the training text, in tokens", max(spans)])
        rows.append(["the same, mean over the texts", sum(spans) / len(spans)])
    return rows


def mark_copied(tokens: Sequence[str], training: str | None, joined_by: str) -> str:
    """A text in HTML, with the longest copied span marked."""
    start, end = longest_copied_span(tokens, training) if training is not None else (0, 0)
    parts = [html.escape(joined_by.join(part)) for part in (tokens[:start], tokens[start:end], tokens[end:])]
    parts[1] = f"<mark>{parts[1]}</mark>" if parts[1] else ""
    return f'<p style="white-space: pre-wrap">{joined_by.join(part for part in parts if part)}</p>'


def report_texts(texts: Sequence[str], config: TextConfig, train: Data | None) -> tuple[list[list], list[Section]]:
    """Report on generated texts.

    Args:
        texts: what was generated, without the prompt.
        config: how the model reads texts.
        train: the training data that may have been copied.
    Returns:
        The table of measures, and the sections of an HTML report.
    """
    token_lists = [split_text(text, config) for text in texts]
    training = None if train is None else join_all(split_tokens(load_texts(train, config), config))
    rows = measure(token_lists, training)
    joined_by = "" if config.level == "character" else " "
    marked = "".join(mark_copied(tokens, training, joined_by) for tokens in token_lists)
    note = "" if training is None else "Marked: the longest span of each text that is in the training text."
    return rows, [("Measures", html_table(rows)), ("Texts", f"<p>{note}</p>{marked}")]
