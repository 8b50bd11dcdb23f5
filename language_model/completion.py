"""Completions token by token: how a text goes on, with the log-probability of each token and of the likeliest ones.

`Completion` samples as `LanguageModel.generate` does, `score_prompt` scores as `LanguageModel.score` does; both give
single tokens, as clients of large language models want them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common.settings import make_config
from common.text.normalization import find_tokens
from common.text.vocabulary import BOS_ID
from language_model.config import GenerationConfig
from language_model.joining import WordJoiner
from language_model.loader import split_with_written
from language_model.predict import LanguageModel, log_softmax_at
from language_model.sampling import NOTHING_LEFT
from language_model.writing import begin_texts, sample_steps

END_OF_TEXT, LENGTH = "stop", "length"  # why a completion has ended


@dataclass(frozen=True)
class Token:
    """A token of a text.

    Attributes:
        text: by which the text grows, white space before it included; the tokens of a text add up to it.
        nats: its log-probability under the model, whatever the temperature; None for the mark of the beginning.
        likeliest: the log-probabilities of the likeliest tokens there, by token, the likeliest first.
    """

    text: str
    nats: float | None
    likeliest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Prompt:
    """The beginning of a text, read as the model reads it.

    Attributes:
        ids: of its tokens, without the mark of the beginning.
        pieces: of text, one for each token; they add up to the text.
        is_marked: whether the mark of the beginning was given too.
    """

    ids: list[int]
    pieces: list[str]
    is_marked: bool = False

    @property
    def text(self) -> str:
        """The beginning as it is shown."""
        return "".join(self.pieces)


def read_prompt(model: LanguageModel, prompt: str | Sequence[int]) -> Prompt:
    """Tokenize the beginning of a text.

    Args:
        model: the language model.
        prompt: a text, or ids of its vocabulary, in front of which the mark of the beginning may stand.
    """
    if not isinstance(prompt, str):
        is_marked = len(prompt) > 0 and prompt[0] == BOS_ID
        ids = list(prompt[is_marked:])
        return Prompt(ids, join_tokens(model, model.vocabulary.decode(ids)), is_marked)
    tokens, written = split_with_written(prompt, model.config)
    return Prompt(model.vocabulary.encode(tokens), _place(prompt, written))


def _place(text: str, written: Sequence[str]) -> list[str]:
    """Cut a text into pieces that each end with a token.

    >>> _place("So,  good ", ["So", ",", "good"])
    ['So', ',', '  good ']
    """
    pieces, end = [], 0
    for place in find_tokens(text, written):
        start, end = end, place[1] if place else end  # nothing where cleaning has changed the token
        pieces.append(text[start:end])
    if pieces:
        pieces[-1] += text[end:]
    return pieces


def join_tokens(model: LanguageModel, tokens: Sequence[str]) -> list[str]:
    """Tokens with the white space before them that written text has."""
    if model.config.level == "character":
        return list(tokens)
    joiner = WordJoiner(capitalise=model.vocabulary.lowercase)
    return [joiner.add(token) for token in tokens]


def score_prompt(model: LanguageModel, prompt: Prompt, num_likeliest: int = 0) -> list[Token]:
    """The log-probability of each token of a text, read from its beginning; that of a mark that was given is None.

    Args:
        model: the language model.
        prompt: of `read_prompt`.
        num_likeliest: how many of the likeliest tokens are wanted at each place.
    """
    pieces = iter(prompt.pieces)
    found = [Token("", None)] * prompt.is_marked
    for reading in model.read([[BOS_ID, *prompt.ids]]) if prompt.ids else ():
        for logits, token_id in zip(reading.logits[0], reading.targets[0], strict=True):
            found.append(score_token(model, next(pieces), logits, int(token_id), num_likeliest))
    return found


class Completion:
    """What texts go on with, sampled a token of each at a time.

    Args:
        model: the language model.
        prompt: of `read_prompt`.
        num_likeliest: how many of the likeliest tokens are wanted beside each.
        settings: of `language_model.GenerationConfig`; sentences are not completed unless they say so.
    Raises:
        InputError: no such setting, or a value out of range.
    """

    def __init__(self, model: LanguageModel, prompt: Prompt, num_likeliest: int = 0, **settings: Any) -> None:
        self.model, self.num_likeliest = model, num_likeliest
        self.config = make_config(GenerationConfig, {"complete_sentences": False, **settings})
        self.config.validate()
        self.texts = begin_texts(model, model.vocabulary.decode(prompt.ids), self.config)

    def __iter__(self) -> Iterator[list[Token | None]]:
        """The next token of each text, the mark of its end too, whose text is empty; None where it has ended."""
        for step in sample_steps(self.model, self.texts, self.config):
            yield [self._token(*each) for each in zip(*step, strict=True)]

    def _token(self, piece: str, token_id: int, logits: np.ndarray, is_new: bool) -> Token | None:
        if not is_new or token_id == NOTHING_LEFT:
            return None
        return score_token(self.model, piece, logits, int(token_id), self.num_likeliest)

    def reasons(self) -> list[str]:
        """Why each text has ended, `END_OF_TEXT` or `LENGTH`."""
        return [END_OF_TEXT if len(text.written) < self.config.max_tokens else LENGTH for text in self.texts]


def score_token(model: LanguageModel, piece: str, logits: np.ndarray, token_id: int, num_likeliest: int) -> Token:
    """A token with its log-probability, and those of the likeliest ones.

    Args:
        model: gives the names of tokens.
        piece: the text of the token.
        logits: float32 (vocab_size,).
        token_id: of the token.
        num_likeliest: how many others are wanted.
    """
    nats = float(log_softmax_at(logits[None, None], np.array([[token_id]]))[0, 0])
    best = np.argpartition(-logits, num_likeliest)[:num_likeliest]
    best = best[np.argsort(-logits[best], kind="stable")]
    likeliest = {model.vocabulary.tokens[i]: float(logits[i] - logits[token_id]) + nats for i in best.tolist()}
    return Token(piece, nats, likeliest)
