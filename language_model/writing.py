"""Text generation, token by token: sampling, or beam search for the likeliest text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from common.errors import InputError
from common.settings import as_option
from common.text.sentences import CLOSING, MARKS, ends_sentence
from common.text.vocabulary import EOS_ID, Vocabulary
from language_model.config import SAMPLING_SETTINGS, GenerationConfig, LanguageModelConfig
from language_model.joining import WordJoiner
from language_model.loader import encode_text, split_text
from language_model.sampling import (
    NEVER_WRITTEN,
    NOTHING_LEFT,
    forbid_repeated_ngrams,
    penalise_repetition,
    sample_tokens,
)

TAIL = 60  # characters that tell whether a sentence ends


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

    With `complete_sentences` its pieces are held back until their sentence has ended, as they may be cut yet.

    Args:
        model: gives vocabulary and tokens.
        prompt_tokens: the tokens it begins with.
        config: where it stops.
    """

    def __init__(self, model: NextTokenModel, prompt_tokens: Sequence[str], config: GenerationConfig) -> None:
        self.vocabulary = model.vocabulary
        self.config = config
        self.level, self.language = model.config.level, model.config.language
        self.longest = config.longest(self.level)
        self.stop = split_text(config.stop, model.config)
        self.ids = encode_text(prompt_tokens, model.vocabulary)[:-1]
        self.joiner = None if self.level == "character" else WordJoiner(capitalise=model.vocabulary.lowercase)
        self.tail = "".join(map(self._join, prompt_tokens))[-TAIL:]
        self.written: list[str] = []
        self.pieces: list[str] = []  # of text, one for each token that was written
        self.num_given = 0  # pieces
        self.num_sentences = 0
        self.at_end = False  # of a sentence; of characters the next one may show that it goes on: 3.14
        self.last_end = 0  # tokens up to the end of the last sentence
        self.running = True
        self.was_cut = False

    @property
    def may_end(self) -> bool:
        """Where sentences are wanted, a text ends after one, not before."""
        return self.num_sentences > 0 or not self.config.num_sentences

    @property
    def is_complete(self) -> bool:
        """Whether the text has all that is wanted; one more token is looked at, which may close a quotation."""
        full = 0 < self.config.num_sentences <= self.num_sentences
        long = self.config.complete_sentences and len(self.written) >= self.config.max_tokens
        return self.at_end and (full or long)

    def add(self, token_id: int) -> str:
        """Take the next token; returns the piece of text by which the text grows, "" once it has ended."""
        if not self.running:
            return ""
        if token_id in (NOTHING_LEFT, EOS_ID):
            return self._finish()
        token = self.vocabulary.tokens[token_id]
        piece = self._join(token)
        if self.at_end and piece.strip(CLOSING):  # what closes a quotation or a bracket belongs to the sentence
            self._go_on(piece)
            if self.is_complete:
                return self._finish()
        self._append(token_id, token, piece)
        looks_ahead = self.joiner is None or self.joiner.is_inside
        if (self.is_complete and not looks_ahead) or (self.stop and self.written[-len(self.stop) :] == self.stop):
            return self._finish()
        if len(self.written) >= self.longest:
            return self._finish_at_length()
        return self._give(self.last_end if self.config.complete_sentences else len(self.pieces))

    def branch(self) -> GrowingText:
        """A copy that may go on differently."""
        twin = copy.copy(self)
        twin.ids, twin.written, twin.pieces = [*self.ids], [*self.written], [*self.pieces]
        twin.joiner = copy.deepcopy(self.joiner)
        return twin

    def _join(self, token: str) -> str:
        return token if self.joiner is None else self.joiner.add(token)

    def _go_on(self, piece: str) -> None:
        """Find out whether characters after a full stop or the like show that it was the end of a sentence."""
        if self.joiner is not None:
            return
        if piece.isspace() or not self.tail[-1:].isascii():
            self.last_end = len(self.written)
        else:
            self.at_end = False
            self.num_sentences -= 1

    def _append(self, token_id: int, token: str, piece: str) -> None:
        self.ids.append(token_id)
        self.written.append(token)
        self.pieces.append(piece)
        self.tail = (self.tail + piece)[-TAIL:]
        was_at_end, self.at_end = self.at_end, self._ends_sentence(token)
        if self.at_end:
            self.num_sentences += not was_at_end
            self.last_end = self.last_end if self.joiner is None else len(self.written)

    def _ends_sentence(self, token: str) -> bool:
        """Whether a sentence ends with this token; of words it is a token of its own that ends it: not `Mr.`."""
        if self.level == "word" and not (MARKS.issuperset(token) or (self.at_end and not token.strip(CLOSING))):
            return False
        return ends_sentence(self.tail, self.language)

    def _finish_at_length(self) -> str:
        """Stop at the longest length; if no sentence ends there, cut back to the last one, or to `max_tokens`."""
        if self.config.complete_sentences and not self.at_end:
            num_kept = self.last_end or self.config.max_tokens
            self.was_cut = num_kept < len(self.written)
            del self.ids[len(self.ids) - len(self.written) + num_kept :]
            del self.written[num_kept:], self.pieces[num_kept:]
        return self._finish()

    def _finish(self) -> str:
        self.running = False
        return self._give(len(self.pieces))

    def _give(self, end: int) -> str:
        """The pieces that have not been given, up to this one."""
        start, self.num_given = self.num_given, end
        return "".join(self.pieces[start:end])


class Step(NamedTuple):
    """One more token of some texts.

    Args:
        pieces: by which each text grows; "" where it has ended, or keeps a sentence back.
        chosen: the id of the token of each, int32 (samples,); `NOTHING_LEFT` where none was possible.
        logits: of the model before any setting has changed them, float32 (samples, vocab_size).
        is_new: whether each text was still growing, bool (samples,).
    """

    pieces: list[str]
    chosen: np.ndarray
    logits: np.ndarray
    is_new: np.ndarray


def write_samples(
    model: NextTokenModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    """Sample token by token; see `LanguageModel.write`."""
    texts = begin_texts(model, split_text(prompt, model.config), config)
    yield [shown_prompt(prompt, model)] * len(texts)
    for step in sample_steps(model, texts, config, on_dead_end):
        yield step.pieces


def sample_steps(
    model: NextTokenModel,
    texts: Sequence[GrowingText],
    config: GenerationConfig,
    on_dead_end: Callable[[DeadEnd], None] = lambda dead_end: None,
) -> Iterator[Step]:
    """Sample token by token, all texts at once, until each has ended.

    Args:
        model: gives the logits.
        texts: of `begin_texts`.
        config: how tokens are sampled.
        on_dead_end: called where no token is left.
    """
    rng = np.random.default_rng(config.seed)
    logits, states = model.begin(texts[0].ids, len(texts))
    mask = np.ones((len(texts), 1), bool)
    limits = [getattr(config, name) for name in SAMPLING_SETTINGS]
    while True:
        chosen = sample_tokens(_allowed(logits, texts, config), rng, *limits)  # (samples,)
        is_new = np.array([text.running for text in texts])
        for place, text in enumerate(texts):
            if text.running and not text.is_complete and chosen[place] == NOTHING_LEFT:
                on_dead_end(DeadEnd(place, len(text.written)))
        pieces = [text.add(token_id) for text, token_id in zip(texts, chosen.tolist(), strict=True)]
        yield Step(pieces, chosen, logits, is_new)
        if not any(text.running for text in texts):
            return
        # What has ended reads anything.
        answer, states = model.step(np.where(chosen == NOTHING_LEFT, EOS_ID, chosen)[:, None], mask, states)
        logits = answer["logits"][:, -1]


class Beam(NamedTuple):
    """A hypothesis of beam search that goes on."""

    text: GrowingText
    totals: tuple[float, ...]  # running sum of the log-probabilities of its tokens

    @property
    def total(self) -> float:
        """The sum of the log-probabilities of all its tokens."""
        return self.totals[-1] if self.totals else 0.0

    @property
    def written(self) -> str:
        """The text after the prompt."""
        return "".join(self.text.pieces)


class Hypotheses:
    """The hypotheses of beam search that go on no longer: finished texts, cut ones, and texts that no token may follow.

    Args:
        config: number of beams and of texts.
        longest: tokens of a text, at most.
    """

    def __init__(self, config: GenerationConfig, longest: int) -> None:
        self.config = config
        self.longest = longest
        self.finished: dict[str, float] = {}  # what was written, to its mean log-probability
        self.cut: dict[str, float] = {}  # the same of texts whose sentence did not end
        self.dead_ends: dict[str, tuple[float, int]] = {}  # also the number of tokens

    def add_finished(self, beam: Beam) -> None:
        """Take in a text that has ended; one that was cut back counts with the tokens that are left of it."""
        written, texts = beam.written, self.cut if beam.text.was_cut else self.finished
        num_tokens = len(beam.text.written) if beam.text.was_cut else len(beam.totals)
        texts[written] = max(beam.totals[num_tokens - 1] / num_tokens, texts.get(written, -np.inf))

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
        best_mean = max((beam.total for beam in beams), default=-np.inf) / self.longest
        return len(self.finished) == self.config.num_beams and best_mean < min(self.finished.values())

    def best(self) -> list[str]:
        """What was written in the best texts: those that have ended, then those that were cut, then the dead ends."""
        ranked = [*self.finished]
        for means in (self.cut, {written: mean for written, (mean, _) in self.dead_ends.items()}):
            behind = means.keys() - {*ranked}
            ranked += sorted(behind, key=lambda written: (-means[written], written))
        return ranked[: self.config.num_samples]


def search_beams(
    model: NextTokenModel, prompt: str, config: GenerationConfig, on_dead_end: Callable[[DeadEnd], None]
) -> Iterator[list[str]]:
    """Beam search for the texts with the highest mean log-probability of their tokens; see `LanguageModel.write`.

    Lowerre 1976: at every token the `num_beams` likeliest hypotheses are kept, of whatever texts. The mean, as a sum
    would favour short texts.
    """
    beams = [Beam(text, ()) for text in begin_texts(model, split_text(prompt, model.config), config)[:1]]
    logits, states = model.begin(beams[0].text.ids, 1)
    hypotheses = Hypotheses(config, beams[0].text.longest)
    while True:
        logits = _allowed(logits, [beam.text for beam in beams], config)
        totals = extended_totals(beams, logits, hypotheses)  # (beams, vocab_size)
        beams, parents = extend_beams(beams, totals, hypotheses)
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
        if written not in hypotheses.finished and written not in hypotheses.cut:
            on_dead_end(DeadEnd(place, hypotheses.dead_ends[written][1]))
    yield [shown_prompt(prompt, model)] * len(chosen)
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
        beam = beams[int(place)]
        (hypotheses.add_finished if beam.text.is_complete else hypotheses.add_dead_end)(beam)
    shifted = np.where(possible, logits.astype(np.float64) - np.where(possible, largest, 0), 0)
    sums = np.array([beam.total for beam in beams])
    totals = sums[:, None] + shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    totals[~possible[:, 0]] = -np.inf
    return totals


def extend_beams(beams: Sequence[Beam], totals: np.ndarray, hypotheses: Hypotheses) -> tuple[list[Beam], list[int]]:
    """Extend the beams by their likeliest next tokens.

    Args:
        beams: the hypotheses that go on.
        totals: of `extended_totals`.
        hypotheses: takes in what ends, and has the number of beams.
    Returns:
        The new beams, best first, and the place of the beam that each extends.
    """
    # As many of these end as there are beams, at most, so that enough go on.
    num_beams = hypotheses.config.num_beams
    count = min(2 * num_beams, int(np.isfinite(totals).sum()))
    if not count:
        return [], []
    best = np.argpartition(-totals.ravel(), count - 1)[:count]
    extended: list[Beam] = []
    parents: list[int] = []
    for place in best[np.argsort(-totals.ravel()[best], kind="stable")]:
        parent, token_id = divmod(int(place), totals.shape[1])
        beam = Beam(beams[parent].text.branch(), (*beams[parent].totals, float(totals.flat[place])))
        beam.text.add(token_id)
        if not beam.text.running:
            hypotheses.add_finished(beam)
        elif len(extended) < num_beams:
            extended.append(beam)
            parents.append(parent)
    return extended, parents


def begin_texts(model: NextTokenModel, prompt_tokens: Sequence[str], config: GenerationConfig) -> list[GrowingText]:
    """As many texts as are wanted, with what they begin with.

    Raises:
        InputError: the stop sequence has no token.
    """
    text = GrowingText(model, prompt_tokens, config)
    if config.stop and not text.stop:
        raise InputError(f"--stop: found {config.stop!r}, wanted at least one {model.config.level} of text")
    return [text, *(text.branch() for _ in range(config.num_samples - 1))]


def shown_prompt(prompt: str, model: NextTokenModel) -> str:
    """The prompt as it was given; a word that follows brings its own space."""
    return prompt if model.config.level == "character" else prompt.rstrip()


def _allowed(logits: np.ndarray, texts: Sequence[GrowingText], config: GenerationConfig) -> np.ndarray:
    """The logits under repetition penalty, n-gram blocking and the wish for full sentences."""
    if not (config.repetition_penalty > 1 or config.no_repeat_ngram or config.num_sentences):
        return logits
    written, logits = [text.ids for text in texts], logits.copy()
    if config.repetition_penalty > 1:
        penalise_repetition(logits, written, config.repetition_penalty)
    if config.no_repeat_ngram:
        forbid_repeated_ngrams(logits, written, config.no_repeat_ngram)
    if config.num_sentences:
        logits[[not text.may_end for text in texts], EOS_ID] = -np.inf
    return logits
