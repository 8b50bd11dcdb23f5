"""A trained language model: texts in, log-probabilities out; a beginning in, a text out.

The commands are `python -m language_model.score` and `python -m language_model.generate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.bundles.file_names import VOCABULARY_FILE
from common.cli import options as commands
from common.evaluation.metrics import bits_per_character, perplexity
from common.inference.engine import Engine, open_engine
from common.progress import progress
from common.settings import make_config
from common.text.vocabulary import PAD_ID, Vocabulary
from language_model.config import GenerationConfig, LanguageModelConfig
from language_model.loader import Streams, encode_text, initial_states, split_text
from language_model.writing import DeadEnd, search_beams, write_samples

TASK, DEFAULT_NAME = "language_model", "stories"
MAX_LOGITS = 3_000_000  # numbers held at once, 12 MB; more are not faster


@dataclass(frozen=True)
class TextScore:
    """The score of one text.

    `tokens` ends with `<eos>`; `log_probabilities` are in nats, one for each token. An unknown word counts with the
    probability of `<unk>`, that is of any unknown word.
    """

    text: str
    tokens: list[str]
    log_probabilities: list[float]
    num_unknown: int

    @property
    def total_nats(self) -> float:
        """Minus the log-probability of the text."""
        return -sum(self.log_probabilities)

    @property
    def perplexity(self) -> float:
        """The number of equally likely tokens that would be as hard to guess."""
        return perplexity(self.total_nats, len(self.tokens))

    @property
    def bits_per_character(self) -> float:
        """Bits for each character of the text."""
        return bits_per_character(self.total_nats, len(self.text))


@dataclass(frozen=True)
class Reading:
    """What a network made of the next tokens of some streams.

    Args:
        rows: the streams.
        targets: the tokens to guess, int32 (batch, time).
        lengths: how many of them are real in each row.
        logits: float32 (batch, time, vocab_size).
        hidden: the features the logits are made from, float32 (batch, time, features); None from a bundle of old.
    """

    rows: np.ndarray
    targets: np.ndarray
    lengths: list[int]
    logits: np.ndarray
    hidden: np.ndarray | None


class LanguageModel:
    """A trained language model: scores texts and writes them."""

    def __init__(self, network: Engine, vocabulary: Vocabulary, config: LanguageModelConfig) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config

    @classmethod
    def load(
        cls, path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None
    ) -> LanguageModel:
        """Load a bundle; None takes the pretrained one. The rest: see `common.inference.engine.open_engine`.

        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        from common.bundles.bundle import open_bundle

        folder = Path(path) if path else commands.pretrained_folder(TASK, DEFAULT_NAME)
        bundle = open_bundle(folder, TASK)
        config = bundle.read_config(LanguageModelConfig)
        return cls(open_engine(bundle, engine, num_threads), bundle.read_vocabulary(VOCABULARY_FILE), config)

    def step(
        self, token_ids: np.ndarray, mask: np.ndarray, states: dict[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Read the next tokens of some texts.

        Args:
            token_ids: int32 (batch, time).
            mask: bool (batch, time).
            states: of `initial_states`, or of the step before.
        Returns:
            `logits` float32 (batch, time, vocab_size) and `hidden` (batch, time, features), and the states after the
            last real token.
        """
        answer = self.network({"token_ids": token_ids, "mask": mask, **states})
        after = {name: answer.pop(name) for name in states}
        return answer, after

    def read(self, streams: Sequence[Sequence[int]]) -> Iterator[Reading]:
        """Read streams of ids from their beginnings, in batches of similar length and in pieces.

        The state is carried from piece to piece, so nothing is cut, and memory stays bounded: at most `MAX_LOGITS`
        logits at once.
        """
        order = np.argsort([len(stream) for stream in streams], kind="stable")
        starts = range(0, len(order), self.config.batch_size)
        for start in progress(starts, "Scoring", len(starts)):
            chosen = order[start : start + self.config.batch_size]
            states = initial_states(self.config, len(chosen))
            width = max(1, MAX_LOGITS // (len(chosen) * len(self.vocabulary)))
            longest = max(len(streams[i]) for i in chosen) - 1
            for t in range(0, longest, width):
                going_on = [len(streams[i]) - 1 > t for i in chosen]
                chosen, states = chosen[going_on], {name: state[going_on] for name, state in states.items()}
                pieces = [streams[i][t : t + width + 1] for i in chosen]
                lengths = [len(piece) - 1 for piece in pieces]
                ids = np.full((len(chosen), max(lengths) + 1), PAD_ID, np.int32)  # (batch, time + 1)
                for row, piece in zip(ids, pieces, strict=True):
                    row[: len(piece)] = piece
                mask = np.arange(max(lengths)) < np.array(lengths)[:, None]  # (batch, time)
                answer, states = self.step(ids[:, :-1], mask, states)
                yield Reading(chosen, ids[:, 1:], lengths, answer["logits"], answer.get("hidden"))

    def score_tokens(
        self, token_lists: Sequence[Sequence[str]], carry_state: bool = False, reset_every: int = 0
    ) -> list[np.ndarray]:
        """Return the log-probabilities in nats of the tokens of each text and of its end, float32 (tokens + 1,).

        Args:
            token_lists: the tokens of each text.
            carry_state: read the texts one after the other, with the state carried from each to the next.
            reset_every: begin with a state of zeros again after so many tokens; 0: never.
        """
        streams = Streams([encode_text(tokens, self.vocabulary) for tokens in token_lists], carry_state, reset_every)
        results: list[list[np.ndarray]] = [[] for _ in streams.rows]
        for reading in self.read(streams.rows):
            nats = log_softmax_at(reading.logits, reading.targets)  # (batch, time)
            for i, row, length in zip(reading.rows, nats, reading.lengths, strict=True):
                results[i].append(row[:length])
        return streams.split([part for row in results for part in row])

    def score(self, texts: Sequence[str], context: str = "") -> list[TextScore]:
        """Score raw texts, each as what follows the context; the tokens of the context do not count."""
        before = split_text(context, self.config)
        token_lists = [split_text(text, self.config) for text in texts]
        scores = self.score_tokens([[*before, *tokens] for tokens in token_lists])
        return [
            TextScore(
                text,
                [*tokens, "<eos>"],
                nats[len(before) :].tolist(),
                sum(token not in self.vocabulary for token in tokens),
            )
            for text, tokens, nats in zip(texts, token_lists, scores, strict=True)
        ]

    def begin(self, ids: Sequence[int], num_samples: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Read the beginning of a text once, for several to go on with.

        Returns:
            The logits of the next token (num_samples, vocab_size) and the states, each (num_samples, size).
        """
        states, width = initial_states(self.config, 1), max(1, MAX_LOGITS // len(self.vocabulary))
        for start in range(0, len(ids), width):
            piece = np.array([ids[start : start + width]], np.int32)
            answer, states = self.step(piece, np.ones(piece.shape, bool), states)
        logits = np.repeat(answer["logits"][:, -1], num_samples, axis=0)
        return logits, {name: np.repeat(state, num_samples, axis=0) for name, state in states.items()}

    def write(
        self, prompt: str = "", on_dead_end: Callable[[DeadEnd], None] = lambda dead_end: None, **settings: Any
    ) -> Iterator[list[str]]:
        """Write texts, and give what is new of each as it comes: first the prompt, then token by token.

        A text ends where its settings leave no token to write.

        Args:
            prompt: how every text begins; words the model does not know are read as `<unk>`.
            on_dead_end: called where that happens.
            settings: of `language_model.config.GenerationConfig`.
        Raises:
            InputError: no such setting, or a value out of range.
        """
        config = make_config(GenerationConfig, settings)
        if config.num_beams:
            return search_beams(self, prompt, config, on_dead_end)
        return write_samples(self, prompt, config, on_dead_end)

    def generate(self, prompt: str = "", **settings: Any) -> list[str]:
        """Write texts that begin with the prompt; the same as `write`, whole."""
        return ["".join(pieces) for pieces in zip(*self.write(prompt, **settings), strict=True)]


def log_softmax_at(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return log softmax(logits) at the targets, in nats, (batch, time), holding the probabilities only once."""
    shifted = logits - logits.max(axis=-1, keepdims=True)  # (batch, time, vocab_size)
    at_target = np.take_along_axis(shifted, targets[:, :, None].astype(np.int64), axis=-1)[:, :, 0]  # (batch, time)
    return at_target - np.log(np.exp(shifted, out=shifted).sum(axis=-1))
