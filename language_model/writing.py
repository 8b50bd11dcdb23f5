"""Text generation, token by token: sampling, or beam search for the likeliest text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from common.errors import InputError
from common.settings import as_option
from common.text.vocabulary import EOS_ID, Vocabulary
from language_model.config import SAMPLING_SETTINGS, GenerationConfig, LanguageModelConfig
from language_model.joining import SENTENCE_ENDS, WordJoiner
from language_model.loader import encode_text, split_text
from language_model.sampling import (
    NEVER_WRITTEN,
    NOTHING_LEFT,
    forbid_repeated_ngrams,
    penalise_repetition,
    sample_tokens,
)

OPENING, CLOSING = ("“", "``", '"'), ("”", "''", '"')


class NextTokenModel(Protocol):
    """What text generation needs of a language model: its vocabulary, its settings, and the logits of the next token.

    `language_model.predict.LanguageModel` is one.
    """

    vocabulary: Vocabulary
    config: LanguageModelConfig

    def begin(self, ids: Sequence[int], num_samples: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Read the beginning of a text: the logits of the next token (num_samples, vocab_size), and the states."""

    def step(
        self, token_ids: np.ndarray, mask: np.ndarray, states: dict[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Read the next tokens (batch, time): `logits` (batch, time, vocab_size), and the states after them."""


class DeadEnd(NamedTuple):
    """Where a text stopped because its settings left no token to write."""

    place: int  # of the text among all, from 0
    num_tokens: int  # it has after the prompt


def no_token_left(config: GenerationConfig) -> str:
    """Name the settings that leave no token to write, where a text has stopped for that."""
    names = [name for name in ("no_repeat_ngram", "num_sentences") if getattr(config, name)]
    if not names:
        return "the model gives no token a finite score"
    options = " and ".join(as_option(name, getattr(config, name)) for name in names)
    return f"{options} {'leaves' if len(names) == 1 else 'leave'} no token to write"


def describe_dead_end(number: int, num_tokens: int, config: GenerationConfig) -> str:
    """A message on the text of this number that has stopped after so many tokens."""
    return f"text {number} stops after {num_tokens} token{'s' if num_tokens != 1 else ''}: {no_token_left(config)}"


class GrowingText:
    """A text as it is written: its tokens, how they are joined, and whether it goes on.

    Args:
        model: gives vocabulary and tokens.
        prompt_tokens: the tokens it begins with.
        config: where it stops.
    """

    def __init__(self, model: NextTokenModel, prompt_tokens: Sequence[str], config: GenerationConfig) -> None:
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
        self.joiner: WordJoiner | None = None
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
    model: NextTokenModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    """Sample token by token; see `LanguageModel.write`."""
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


class Beam(NamedTuple):
    """A hypothesis of beam search that goes on."""

    text: GrowingText
    written: str  # after the prompt
    total: float  # sum of the log-probabilities of its tokens


class Hypotheses:
    """The hypotheses of beam search that go on no longer: finished texts, and texts that no token may follow.

    Args:
        config: number of beams and of texts, longest text.
    """

    def __init__(self, config: GenerationConfig) -> None:
        self.config = config
        self.finished: dict[str, float] = {}  # what was written, to its mean log-probability
        self.dead_ends: dict[str, tuple[float, int]] = {}  # also the number of tokens

    def add_finished(self, written: str, mean: float) -> None:
        """Take in a text that has ended."""
        self.finished[written] = max(mean, self.finished.get(written, -np.inf))

    def add_dead_end(self, beam: Beam) -> None:
        """Take in a text that no token may follow."""
        num_tokens = len(beam.text.written)
        self.dead_ends[beam.written] = beam.total / max(1, num_tokens), num_tokens

    def keep_best(self) -> None:
        """Forget all finished texts but the `num_beams` best."""
        best = sorted(self.finished.items(), key=lambda item: -item[1])
        self.finished = dict(best[: self.config.num_beams])

    def are_enough(self, beams: Sequence[Beam]) -> bool:
        """Whether none of the beams can become better than the finished texts.

        A sum only falls: a text that goes on can at best reach its present sum over the longest length.
        """
        best_mean = max((beam.total for beam in beams), default=-np.inf) / self.config.max_tokens
        return len(self.finished) == self.config.num_beams and best_mean < min(self.finished.values())

    def best(self) -> list[str]:
        """What was written in the best texts; those that no token may follow stand behind all that have ended."""
        behind = sorted(
            self.dead_ends.keys() - self.finished.keys(), key=lambda written: (-self.dead_ends[written][0], written)
        )
        return [*self.finished, *behind][: self.config.num_samples]


def search_beams(
    model: NextTokenModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    """Beam search for the texts with the highest mean log-probability of their tokens; see `LanguageModel.write`.

    Lowerre 1976: at every token the `num_beams` likeliest hypotheses are kept, of whatever texts. The mean, as a sum
    would favour short texts.
    """
    beams = [Beam(text, "", 0.0) for text in _begin(model, prompt, config)[:1]]
    logits, states = model.begin(beams[0].text.ids, 1)
    hypotheses = Hypotheses(config)
    for length in range(1, config.max_tokens + 1):
        _forbid(logits, [beam.text for beam in beams], config)
        totals = extended_totals(beams, logits, hypotheses)  # (beams, vocab_size)
        beams, parents = extend_beams(beams, totals, length, hypotheses, config)
        hypotheses.keep_best()
        if not beams or hypotheses.are_enough(beams):
            break
        last_ids = np.array([[beam.text.ids[-1]] for beam in beams], np.int32)  # (beams, 1)
        answer, states = model.step(
            last_ids, np.ones(last_ids.shape, bool), {name: state[parents] for name, state in states.items()}
        )
        logits = answer["logits"][:, -1]
    chosen = hypotheses.best()
    for place, written in enumerate(chosen):
        if written not in hypotheses.finished:
            on_dead_end(DeadEnd(place, hypotheses.dead_ends[written][1]))
    yield [_shown(prompt, model)] * len(chosen)
    yield chosen


def extended_totals(beams: Sequence[Beam], logits: np.ndarray, hypotheses: Hypotheses) -> np.ndarray:
    """The sums of log-probabilities of each beam with each next token; beams that have none become dead ends.

    Args:
        beams: the hypotheses that go on.
        logits: (beams, vocab_size).
        hypotheses: takes in the dead ends.
    Returns:
        float64 (beams, vocab_size); minus infinity for a token that may not follow.
    """
    logits[:, NEVER_WRITTEN] = -np.inf
    largest = logits.max(axis=-1, keepdims=True)
    possible = np.isfinite(largest)  # (beams, 1)
    for place in np.flatnonzero(~possible):
        hypotheses.add_dead_end(beams[int(place)])
    shifted = np.where(possible, logits.astype(np.float64) - np.where(possible, largest, 0), 0)
    sums = np.array([beam.total for beam in beams])
    totals = sums[:, None] + shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    totals[~possible[:, 0]] = -np.inf
    return totals


def extend_beams(
    beams: Sequence[Beam], totals: np.ndarray, length: int, hypotheses: Hypotheses, config: GenerationConfig
) -> tuple[list[Beam], list[int]]:
    """Extend the beams by their likeliest next tokens.

    Args:
        beams: the hypotheses that go on.
        totals: of `extended_totals`.
        length: tokens after the prompt, the next one included.
        hypotheses: takes in what ends.
        config: number of beams, longest text.
    Returns:
        The new beams, best first, and the place of the beam that each extends.
    """
    # As many of these end as there are beams, at most, so that enough go on.
    count = min(2 * config.num_beams, int(np.isfinite(totals).sum()))
    if not count:
        return [], []
    best = np.argpartition(-totals.ravel(), count - 1)[:count]
    extended: list[Beam] = []
    parents: list[int] = []
    for place in best[np.argsort(-totals.ravel()[best], kind="stable")]:
        parent, token_id = divmod(int(place), totals.shape[1])
        text, total = beams[parent].text.branch(), float(totals.flat[place])
        written = beams[parent].written + text.add(token_id)
        if not text.running or length == config.max_tokens:
            hypotheses.add_finished(written, total / length)
        elif len(extended) < config.num_beams:
            extended.append(Beam(text, written, total))
            parents.append(parent)
    return extended, parents


def _begin(model: NextTokenModel, prompt: str, config: GenerationConfig) -> list[GrowingText]:
    prompt_tokens = split_text(prompt, model.config)
    texts = [GrowingText(model, prompt_tokens, config) for _ in range(config.num_samples)]
    if config.stop and not texts[0].stop:
        raise InputError(f"--stop: found {config.stop!r}, wanted at least one {model.config.level} of text")
    return texts


def _shown(prompt: str, model: NextTokenModel) -> str:
    """The prompt as it was given; a word that follows brings its own space."""
    return prompt if model.config.level == "character" else prompt.rstrip()


def _forbid(logits: np.ndarray, texts: Sequence[GrowingText], config: GenerationConfig) -> None:
    """Apply repetition penalty, n-gram blocking and the wish for full sentences to the logits, in place."""
    written = [text.ids for text in texts]
    if config.repetition_penalty > 1:
        penalise_repetition(logits, written, config.repetition_penalty)
    if config.no_repeat_ngram:
        forbid_repeated_ngrams(logits, written, config.no_repeat_ngram)
    if config.num_sentences:
        logits[[not text.may_end for text in texts], EOS_ID] = -np.inf
