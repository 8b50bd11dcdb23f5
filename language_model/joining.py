"""Detokenization: spaces, quotation marks and capitals as a person would write them."""

from __future__ import annotations

import re
from collections.abc import Iterable

NO_SPACE_BEFORE = re.compile(r"[.,;:!?)\]}%…]+|n't|['’]\w+|--+", re.IGNORECASE)
NO_SPACE_AFTER = re.compile(r"[(\[{$£€#]|--+")
# Which quotation a mark belongs to; all but the curly ones open it and close it.
QUOTATIONS = {'"': '"', "``": '"', "''": '"', "“": "“", "”": "“", "'": "'", "‘": "‘", "’": "‘"}
OPENING, CLOSING = ("“", "‘", "``"), ("”", "''")
BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
SENTENCE_ENDS = (".", "!", "?")


class WordJoiner:
    """Detokenizer that takes one word after the other, and gives the piece of text by which a text grows.

    Args:
        capitalise: give sentences and the word "I" their capitals, for a model that knows small letters alone.

    >>> joiner = WordJoiner(capitalise=True)
    >>> [joiner.add(token) for token in ("no", ",", "said", "i", ".")]
    ['No', ',', ' said', ' I', '.']
    """

    def __init__(self, capitalise: bool = False) -> None:
        self.capitalise = capitalise
        self._open: set[str] = set()  # quotations
        self._num_brackets = 0  # open
        self._before = ""  # the token before
        self._glue = self._sentence_begins = True

    @property
    def is_inside(self) -> bool:
        """Whether a quotation or a bracket is open."""
        return bool(self._open) or self._num_brackets > 0

    def add(self, token: str) -> str:
        """The next word, with the space before it that it needs."""
        self._num_brackets = max(0, self._num_brackets + BRACKETS.get(token, 0))
        after_word = self._before[-1:].isalnum()
        if token in QUOTATIONS and not (token in ("'", "’") and self._is_apostrophe(token)):
            return self._add_quotation_mark(token)
        joins_words = token == "-" and after_word  # brand-new; a dash after a quotation mark stands by itself
        apostrophe = token in ("'", "’")
        attached = self._glue or joins_words or apostrophe or NO_SPACE_BEFORE.fullmatch(token) is not None
        self._glue = joins_words or NO_SPACE_AFTER.fullmatch(token) is not None
        self._before = token
        if self.capitalise and (token == "i" or self._sentence_begins):
            token = token[:1].upper() + token[1:]
        self._sentence_begins = token in SENTENCE_ENDS or (self._sentence_begins and not token[-1:].isalnum())
        return token if attached else f" {token}"

    def _is_apostrophe(self, token: str) -> bool:
        """The giants' house: after a word there is an apostrophe, after a comma or a full stop the end of a quotation.

        What begins a quotation stands after no word, or after one that is no plural.
        """
        after_word, is_open = self._before[-1:].isalnum(), QUOTATIONS[token] in self._open
        return after_word and (is_open or token == "’" or self._before.endswith("s"))

    def _add_quotation_mark(self, token: str) -> str:
        quotation = QUOTATIONS[token]
        closing = token in CLOSING or (token not in OPENING and (quotation in self._open or token == "’"))
        (self._open.discard if closing else self._open.add)(quotation)
        piece = token if closing or self._glue else f" {token}"
        if closing and self._before in ("!", "?"):
            self._sentence_begins = False  # "No!" he said.
        self._glue, self._before = not closing, token
        return piece


def join_words(tokens: Iterable[str], capitalise: bool = False) -> str:
    """Detokenize words and punctuation.

    >>> join_words(["“", "Do", "n't", "go", ",", "”", "she", "said", "."])
    "“Don't go,” she said."
    >>> join_words(["He", "said", ":", '"', "No", "!", '"', "-", "and", "left", "."])
    'He said: "No!" - and left.'
    >>> join_words(["A", "brand", "-", "new", "hat"])
    'A brand-new hat'
    >>> join_words(['"', "no", "!", '"', "he", "said", ".", '"', "i", "will", ".", '"'], capitalise=True)
    '"No!" he said. "I will."'
    """
    joiner = WordJoiner(capitalise)
    return "".join(joiner.add(token) for token in tokens)
