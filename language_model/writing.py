"""Write texts with a language model: one token after the other, by chance or by a search for the likeliest."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from common.errors import InputError
from common.text.vocabulary import EOS_ID
from language_model.config import GenerationConfig
from language_model.joining import SENTENCE_ENDS, WordJoiner
from language_model.loader import encode_text, split_text
from language_model.sampling import (
    NEVER_WRITTEN,
    NOTHING_LEFT,
    forbid_repeated_ngrams,
    penalise_repetition,
    sample_tokens,
)

if TYPE_CHECKING:
    from language_model.predict import LanguageModel

OPENING, CLOSING = ("“", "``", '"'), ("”", "''", '"')
SAMPLING_SETTINGS = ("temperature", "top_k", "top_p", "min_p")


class DeadEnd(NamedTuple):
    """Where a text stopped because its settings left no token to write."""

    place: int  # of the text among all, from 0
    num_tokens: int  # it has after the prompt


class GrowingText:
    """A text as it is written: its tokens, how they are put together, and whether it goes on.

    Args:
        model: what writes.
        prompt_tokens: how it begins.
        config: where it stops.
    """

    def __init__(self, model: LanguageModel, prompt_tokens: Sequence[str], config: GenerationConfig) -> None:
        self.vocabulary = model.vocabulary
        self.config = config
        self.stop = split_text(config.stop, model.config)
        self.ids = encode_text(prompt_tokens, model.vocabulary)[:-1]
        self.quoting = False
        for token in prompt_tokens:
            self._follow_quotes(token)
        self.written: list[str] = []
        self.num_sentences = 0
        self.running = True
        self.joiner = None
        if model.config.level != "character":
            self.joiner = WordJoiner(capitalise=model.vocabulary.lowercase)
            for token in prompt_tokens:
                self.joiner.add(token)

    @property
    def may_end(self) -> bool:
        """Where sentences are wanted, a text ends after one, not before."""
        return self.num_sentences > 0 or not self.config.num_sentences

    def add(self, token_id: int) -> str:
        """Take the next token; returns the piece of text by which the text grows, "" once it has ended."""
        if not self.running:
            return ""
        if token_id == NOTHING_LEFT:
            self.running = False
            return ""
        token = self.vocabulary.tokens[token_id]
        if token_id == EOS_ID or (self._is_full() and token not in CLOSING):
            self.running = False
            return ""
        self.ids.append(token_id)
        self.written.append(token)
        self.num_sentences += token in SENTENCE_ENDS
        self._follow_quotes(token)
        # Within a quotation one more token is looked at: the mark that closes it belongs to the sentence.
        if (self._is_full() and not self.quoting) or (self.stop and self.written[-len(self.stop) :] == self.stop):
            self.running = False
        return token if self.joiner is None else self.joiner.add(token)

    def branch(self) -> GrowingText:
        """A copy that may go on differently."""
        twin = copy.copy(self)
        twin.ids, twin.written, twin.joiner = [*self.ids], [*self.written], copy.deepcopy(self.joiner)
        return twin

    def _is_full(self) -> bool:
        return 0 < self.config.num_sentences <= self.num_sentences

    def _follow_quotes(self, token: str) -> None:
        if token in (*OPENING, *CLOSING):
            self.quoting = token in OPENING and not (token in CLOSING and self.quoting)


def write_samples(
    model: LanguageModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    """Draw token after token; see `LanguageModel.write`."""
    rng = np.random.default_rng(config.seed)
    texts = _begin(model, prompt, config)
    yield [_shown(prompt, model)] * len(texts)
    logits, states = model.begin(texts[0].ids, len(texts))
    mask = np.ones((len(texts), 1), bool)
    limits = [getattr(config, name) for name in SAMPLING_SETTINGS]
    for _ in range(config.max_tokens):
        _forbid(logits, texts, config)
        chosen = sample_tokens(logits, rng, *limits)  # (samples,)
        for place, text in enumerate(texts):
            if text.running and chosen[place] == NOTHING_LEFT:
                on_dead_end(DeadEnd(place, len(text.written)))
        yield [text.add(token_id) for text, token_id in zip(texts, chosen.tolist(), strict=True)]
        if not any(text.running for text in texts):
            return
        # What has ended reads anything.
        answer, states = model.step(np.where(chosen == NOTHING_LEFT, EOS_ID, chosen)[:, None], mask, states)
        logits = answer["logits"][:, -1]


def search_beams(
    model: LanguageModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    """Search for the texts with the highest mean log-probability of their tokens; see `LanguageModel.write`.

    Beam search (Lowerre 1976): at every token the `num_beams` likeliest beginnings are kept, of whatever texts. The
    mean, as a sum would favour short texts. Beginnings that no token may follow stand behind all texts that have ended.

    Raises:
        InputError: more texts wanted than beams, or settings that belong to drawing by chance.
    """
    for name in SAMPLING_SETTINGS:
        if getattr(config, name) != getattr(GenerationConfig, name):
            raise InputError(f"--{name.replace('_', '-')}: nothing is drawn with --num-beams; leave one of them out")
    if config.num_samples > config.num_beams:
        raise InputError(f"--num-samples: found {config.num_samples}, wanted at most --num-beams {config.num_beams}")
    return _search_beams(model, prompt, config, on_dead_end)


def _search_beams(
    model: LanguageModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    beams = [(text, "") for text in _begin(model, prompt, config)[:1]]  # each with what was written after the prompt
    sums = np.zeros(1)  # of log-probabilities, (beams,)
    logits, states = model.begin(beams[0][0].ids, 1)
    finished: dict[str, float] = {}
    dead_ends: dict[str, tuple[float, int]] = {}  # where no token was left: mean log-probability and number of tokens
    for length in range(1, config.max_tokens + 1):
        _forbid(logits, [text for text, _ in beams], config)
        logits[:, NEVER_WRITTEN] = -np.inf
        largest = logits.max(axis=-1, keepdims=True)
        possible = np.isfinite(largest)  # (beams, 1)
        for place in np.flatnonzero(~possible):
            text, written = beams[place]
            dead_ends[written] = sums[place] / max(1, len(text.written)), len(text.written)
        shifted = np.where(possible, logits.astype(np.float64) - np.where(possible, largest, 0), 0)
        totals = sums[:, None] + shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))  # (beams, vocab_size)
        totals[~possible[:, 0]] = -np.inf
        # As many of these end as there are beams, at most, so that enough go on.
        count = min(2 * config.num_beams, int(np.isfinite(totals).sum()))
        if not count:
            break
        best = np.argpartition(-totals.ravel(), count - 1)[:count]
        going_on: list[tuple[GrowingText, str]] = []
        parents, tokens, kept = [], [], []
        for place in best[np.argsort(-totals.ravel()[best], kind="stable")]:
            parent, token_id = divmod(int(place), totals.shape[1])
            text, written = beams[parent][0].branch(), beams[parent][1]
            written += text.add(token_id)
            if not text.running or length == config.max_tokens:
                finished[written] = max(totals.flat[place] / length, finished.get(written, -np.inf))
            elif len(going_on) < config.num_beams:
                going_on.append((text, written))
                parents.append(parent)
                tokens.append(token_id)
                kept.append(totals.flat[place])
        finished = dict(sorted(finished.items(), key=lambda item: -item[1])[: config.num_beams])
        # A sum only falls: a text that goes on can at best reach its present sum over the longest length.
        best_mean = max(kept, default=-np.inf) / config.max_tokens
        enough = len(finished) == config.num_beams and best_mean < min(finished.values())
        if not going_on or enough:
            break
        beams, sums = going_on, np.array(kept)
        answer, states = model.step(
            np.array(tokens, np.int32)[:, None],
            np.ones((len(beams), 1), bool),
            {name: state[parents] for name, state in states.items()},
        )
        logits = answer["logits"][:, -1]
    behind = sorted(dead_ends.keys() - finished.keys(), key=lambda written: (-dead_ends[written][0], written))
    chosen = [*finished, *behind][: config.num_samples]
    for place, written in enumerate(chosen):
        if written not in finished:
            on_dead_end(DeadEnd(place, dead_ends[written][1]))
    yield [_shown(prompt, model)] * len(chosen)
    yield chosen


def _begin(model: LanguageModel, prompt: str, config: GenerationConfig) -> list[GrowingText]:
    prompt_tokens = split_text(prompt, model.config)
    texts = [GrowingText(model, prompt_tokens, config) for _ in range(config.num_samples)]
    if config.stop and not texts[0].stop:
        raise InputError(f"--stop: found {config.stop!r}, wanted at least one {model.config.level} of text")
    return texts


def _shown(prompt: str, model: LanguageModel) -> str:
    """The prompt as it was written; words bring the space before them along."""
    return prompt if model.config.level == "character" else prompt.rstrip()


def _forbid(logits: np.ndarray, texts: Sequence[GrowingText], config: GenerationConfig) -> None:
    """Make what may not be written next impossible, and what should not be less likely, in place."""
    written = [text.ids for text in texts]
    if config.repetition_penalty > 1:
        penalise_repetition(logits, written, config.repetition_penalty)
    if config.no_repeat_ngram:
        forbid_repeated_ngrams(logits, written, config.no_repeat_ngram)
    if config.num_sentences:
        logits[[not text.may_end for text in texts], EOS_ID] = -np.inf
