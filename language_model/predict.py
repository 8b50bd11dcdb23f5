"""Log-probabilities of texts, and generated texts, of a trained language model.

The commands are `python -m language_model.score` and `python -m language_model.generate`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.bundles.bundle import open_bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.bundles.pretrained import find_bundle
from common.errors import InputError
from common.evaluation.metrics import bits_per_character, perplexity
from common.inference.answers import Answers, describe_model
from common.inference.engine import Engine, open_engine
from common.inference.tables import answer_frame
from common.progress import progress
from common.settings import make_config
from common.text.data import as_texts
from common.text.remarks import remark_on
from common.text.vocabulary import PAD_ID, Vocabulary
from language_model.config import DEFAULT_NAME, TASK, GenerationConfig, LanguageModelConfig
from language_model.loader import Streams, encode_text, initial_states, split_text, split_with_written
from language_model.writing import DeadEnd, search_beams, write_samples

if TYPE_CHECKING:
    import pandas

READ_TOGETHER = 16  # streams, by a model whose settings do not say
MAX_LOGITS = 3_000_000  # numbers held at once, 12 MB; more are not faster


@dataclass(frozen=True)
class TextScore:
    """The score of one text.

    `tokens` are as written in the text, and end with `<eos>`; `log_probabilities` are in nats, one for each token. An
    unknown word counts with the probability of `<unk>`, that is of any unknown word; `is_unknown` tells which they
    are. `gain`, if known, is the pointwise mutual information of text and context in nats: by how much the context
    raises the log-probability of the text. `remark` says so if the model can make little of it.
    """

    text: str
    tokens: list[str]
    log_probabilities: list[float]
    num_unknown: int
    gain: float | None = None
    is_unknown: Sequence[bool] = ()
    remark: str | None = None

    @property
    def total_nats(self) -> float:
        """Minus the log-probability of the text."""
        return -sum(self.log_probabilities)

    @property
    def perplexity(self) -> float:
        """The perplexity per token: the number of equally likely tokens that would be as hard to predict."""
        return perplexity(self.total_nats, len(self.tokens))

    @property
    def bits_per_character(self) -> float:
        """Bits per character of the text."""
        return bits_per_character(self.total_nats, len(self.text))

    def numbers(self) -> dict[str, float]:
        """The scores by name, as columns of a table."""
        return {
            "log_probability": -self.total_nats,
            "perplexity": self.perplexity,
            "bits_per_character": self.bits_per_character,
            "num_tokens": len(self.tokens),
            "num_unknown": self.num_unknown,
            **({} if self.gain is None else {"gain": self.gain}),
        }

    @property
    def surprisals(self) -> list[float]:
        """The surprisal of each token, in bits."""
        return [-value / math.log(2) for value in self.log_probabilities]


class TextScores(Answers[TextScore]):
    """The scores of some texts, in their order."""

    def _columns(self, answer: TextScore) -> dict[str, Any]:
        return {
            "perplexity": answer.perplexity,
            "bits per character": answer.bits_per_character,
            "unknown tokens": answer.num_unknown,
        }


@dataclass(frozen=True)
class Reading:
    """The network's output for the next tokens of some streams.

    Args:
        rows: the streams.
        targets: the tokens to predict, int32 (batch, time).
        lengths: how many of them are real in each row.
        logits: float32 (batch, time, vocab_size).
        hidden: the features the logits are made from, float32 (batch, time, features); None from an old bundle.
    """

    rows: np.ndarray
    targets: np.ndarray
    lengths: list[int]
    logits: np.ndarray
    hidden: np.ndarray | None


class LanguageModel:
    """A trained language model: texts in, log-probabilities out; a prompt in, texts out."""

    def __init__(self, network: Engine, vocabulary: Vocabulary, config: LanguageModelConfig) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config

    @classmethod
    def load(
        cls, model: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None
    ) -> LanguageModel:
        """Load a language model.

        Args:
            model: the folder of a bundle, or the name of a pretrained model; None takes the default one.
            engine: "onnx", "onnx-int8" (dynamically quantized LSTMs: faster, rounded) or "keras" (the reference).
            num_threads: processor cores to use; None takes all.
        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        bundle = open_bundle(find_bundle(TASK, model or DEFAULT_NAME), TASK)
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

        The state is carried from piece to piece, so nothing is truncated, and memory is bounded: at most `MAX_LOGITS`
        logits at once.
        """
        order = np.argsort([len(stream) for stream in streams], kind="stable")
        batch_size = self.config.batch_size or READ_TOGETHER
        starts = range(0, len(order), batch_size)
        for start in progress(starts, "Scoring", len(starts)):
            chosen = order[start : start + batch_size]
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
        self, token_lists: Sequence[Sequence[str]], stateful: bool = False, reset_every: int = 0
    ) -> list[np.ndarray]:
        """The log-probabilities in nats of the tokens of each text and of its end, float32 (tokens + 1,).

        Args:
            token_lists: the tokens of each text.
            stateful: read the texts as one stream, with the state carried from each to the next.
            reset_every: reset the state to zeros after so many tokens; 0 = never.
        """
        streams = Streams([encode_text(tokens, self.vocabulary) for tokens in token_lists], stateful, reset_every)
        results: list[list[np.ndarray]] = [[] for _ in streams.rows]
        for reading in self.read(streams.rows):
            nats = log_softmax_at(reading.logits, reading.targets)  # (batch, time)
            for i, row, length in zip(reading.rows, nats, reading.lengths, strict=True):
                results[i].append(row[:length])
        return streams.split([part for row in results for part in row])

    def score(self, texts: str | Iterable[str], context: str = "") -> Answers[TextScore]:
        """Score texts, each as the continuation of the context.

        Args:
            texts: a string, or a list, tuple, Series or array of them.
            context: text before each of them; its tokens are read, and not scored.
        Returns:
            A score for each; one string is one text.
        Raises:
            InputError: something in it is not a string.
        """
        texts = as_texts(texts)
        before = split_text(_checked("context", context), self.config)
        pairs = [split_with_written(text, self.config) for text in texts]
        token_lists = [tokens for tokens, _ in pairs]
        scores = self.score_tokens([[*before, *tokens] for tokens in token_lists])
        answers = (
            self._make_score(text, tokens, written, nats[len(before) :])
            for text, (tokens, written), nats in zip(texts, pairs, scores, strict=True)
        )
        return TextScores(answers, texts)

    def _make_score(self, text: str, tokens: list[str], written: list[str], nats: np.ndarray) -> TextScore:
        is_unknown = [token not in self.vocabulary for token in tokens]
        remark = remark_on(tokens, self.vocabulary.__contains__, self.config.language)
        tokens = [*written, "<eos>"]
        return TextScore(text, tokens, nats.tolist(), sum(is_unknown), None, [*is_unknown, False], remark)

    def score_table(self, frame: pandas.DataFrame, column: str | None = None, context: str = "") -> pandas.DataFrame:
        """Score the texts of a table.

        Args:
            frame: a DataFrame.
            column: of the texts; None: that of the training data, or the only one that can be it.
            context: text before each of them; its tokens are read, and not scored.
        Returns:
            The same rows and columns with the same index, and beside them `log_probability`, `perplexity`,
            `bits_per_character`, `num_tokens`, `num_unknown` and `note`, which says why there is no score.
        Raises:
            InputError: there is no such column.
        """
        usual = (self.config.text_column, LanguageModelConfig.text_column)
        return answer_frame(frame, column, usual, lambda texts: self.score(texts, context), TextScore.numbers)

    def unknown_tokens(self, tokens: Iterable[str]) -> list[str]:
        """The tokens that are not in the vocabulary, in their order."""
        return [token for token in tokens if token not in self.vocabulary]

    def begin(self, ids: Sequence[int], num_samples: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Read the beginning of a text once, for several samples.

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
        """Generate texts, and give what is new of each as it comes: first the prompt, then the text.

        With `complete_sentences`, the default, a piece is a whole sentence, as one that does not end in time is left
        out; else it is a token. A text also ends where its settings leave no token to write.

        Args:
            prompt: the beginning of every text; words the model does not know are read as `<unk>`.
            on_dead_end: called where no token is left.
            settings: of `language_model.GenerationConfig`.
        Returns:
            An iterator of lists, each with a piece of every text, "" where there is nothing new.
        Raises:
            InputError: no such setting, a value out of range, or settings that exclude each other.
        """
        config = make_config(GenerationConfig, settings)
        config.validate()
        generate = search_beams if config.num_beams else write_samples
        return generate(self, _checked("prompt", prompt), config, on_dead_end)

    def generate(self, prompt: str = "", **settings: Any) -> list[str]:
        """Generate texts that begin with the prompt; whole ones, where `write` gives pieces.

        Args:
            prompt: the beginning of every text; words the model does not know are read as `<unk>`.
            settings: of `language_model.GenerationConfig`: `num_samples`, `max_tokens`, `temperature`, `seed`, …
        Returns:
            `num_samples` texts; of beam search the best first.
        Raises:
            InputError: no such setting, a value out of range, or settings that exclude each other.
        """
        return ["".join(pieces) for pieces in zip(*self.write(prompt, **settings), strict=True)]

    def _repr_html_(self) -> str:
        """What the model is, in a notebook."""
        return describe_model("Language model", len(self.vocabulary), self.config)


def _checked(name: str, text: str) -> str:
    if not isinstance(text, str):
        raise InputError(f"{name}: found {text!r:.40}, wanted a string")
    return text


def log_softmax_at(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return log softmax(logits) at the targets, in nats, (batch, time), holding the probabilities only once."""
    shifted = logits - logits.max(axis=-1, keepdims=True)  # (batch, time, vocab_size)
    at_target = np.take_along_axis(shifted, targets[:, :, None].astype(np.int64), axis=-1)[:, :, 0]  # (batch, time)
    return at_target - np.log(np.exp(shifted, out=shifted).sum(axis=-1))


load = LanguageModel.load
