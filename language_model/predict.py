"""A trained language model: texts in, log-probabilities out; a beginning in, a text out.

The commands are `python -m language_model.score` and `python -m language_model.generate`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import commands
from common.engine import Engine, open_engine
from common.metrics import bits_per_character, perplexity
from common.progress import progress
from common.vocabulary import BOS_ID, EOS_ID, PAD_ID, UNK_ID, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.loader import encode_text, initial_states, split_text

TASK, DEFAULT_NAME = "language_model", "stories"
MAX_LOGITS = 16_000_000  # numbers held at once while scoring: 64 MB


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
        """Load a bundle; None takes the pretrained one. The rest: see `common.engine.open_engine`.

        Raises:
            InputError: the bundle is missing, damaged or of another task.
        """
        from common.persistence import open_bundle

        folder = Path(path) if path else commands.pretrained_folder(TASK, DEFAULT_NAME)
        bundle = open_bundle(folder, TASK)
        config = bundle.read_config(LanguageModelConfig)
        return cls(open_engine(bundle, engine, num_threads), Vocabulary.load(folder / "vocabulary.json"), config)

    def step(self, token_ids: np.ndarray, mask: np.ndarray, states: dict) -> tuple[np.ndarray, dict]:
        """Read some tokens.

        Args:
            token_ids: int32 (batch, time).
            mask: bool (batch, time).
            states: of `initial_states`, or of the step before.
        Returns:
            logits float32 (batch, time, vocab_size), and the states after the last real token.
        """
        answer = self.network({"token_ids": token_ids, "mask": mask, **states})
        logits = np.asarray(answer.pop("logits"))
        return logits, {name: np.asarray(state) for name, state in answer.items()}

    def score_tokens(self, token_lists: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the log-probabilities in nats of the tokens of each text and of its end, float32 (tokens + 1,).

        Long texts are read in pieces with the state carried over, so nothing is cut and memory stays bounded.
        """
        rows = [encode_text(tokens, self.vocabulary) for tokens in token_lists]
        results = [np.zeros(len(row) - 1, np.float32) for row in rows]
        order = np.argsort([len(row) for row in rows], kind="stable")
        starts = range(0, len(order), self.config.batch_size)
        for start in progress(starts, "Scoring", len(starts)):
            chosen = order[start : start + self.config.batch_size]
            states = initial_states(self.config, len(chosen))
            width = max(1, MAX_LOGITS // (len(chosen) * len(self.vocabulary)))
            longest = max(len(rows[i]) for i in chosen) - 1
            for t in range(0, longest, width):
                going_on = [len(rows[i]) - 1 > t for i in chosen]
                chosen, states = chosen[going_on], {name: state[going_on] for name, state in states.items()}
                pieces = [rows[i][t : t + width + 1] for i in chosen]
                num_scored = [max(len(piece) - 1, 0) for piece in pieces]
                columns = max(num_scored)
                ids = np.full((len(chosen), columns + 1), PAD_ID, np.int32)  # (batch, time + 1)
                for row, piece in zip(ids, pieces, strict=True):
                    row[: len(piece)] = piece
                mask = np.arange(columns) < np.array(num_scored)[:, None]  # (batch, time)
                logits, states = self.step(ids[:, :-1], mask, states)
                nats = log_softmax_at(logits, ids[:, 1:])  # (batch, time)
                for row, i, number in zip(nats, chosen, num_scored, strict=True):
                    results[i][t : t + number] = row[:number]
        return results

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Score raw texts."""
        token_lists = [split_text(text, self.config) for text in texts]
        scores = self.score_tokens(token_lists)
        return [
            TextScore(
                text,
                [*tokens, "<eos>"],
                nats.tolist(),
                sum(token not in self.vocabulary for token in tokens),
            )
            for text, tokens, nats in zip(texts, token_lists, scores, strict=True)
        ]

    def generate(
        self,
        prompt: str = "",
        num_samples: int = 1,
        max_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        num_sentences: int = 0,
        seed: int = 0,
    ) -> list[str]:
        """Write texts that begin with the prompt, by sampling token after token.

        Args:
            prompt: how every text begins; words the model does not know are read as `<unk>`.
            num_samples: texts written, all at once.
            max_tokens: most tokens written after the prompt.
            temperature: below 1 bolder in what is likely, above 1 in what is not; 0 always takes the likeliest.
            top_k: sample among the k likeliest tokens; 0: among all.
            top_p: sample among the likeliest tokens that hold this share of the probability.
            num_sentences: stop after so many full sentences; 0: only at the end of the text.
            seed: the same seed writes the same texts.
        Returns:
            The texts, prompt included, put together from their tokens.
        """
        prompt_tokens = split_text(prompt, self.config)
        rng = np.random.default_rng(seed)
        ids = np.array([[BOS_ID, *self.vocabulary.encode(prompt_tokens)]] * num_samples, np.int32)  # (samples, time)
        logits, states = self.step(ids, np.ones(ids.shape, bool), initial_states(self.config, num_samples))
        written: list[list[str]] = [[] for _ in range(num_samples)]
        running = np.ones(num_samples, bool)
        for _ in range(max_tokens):
            if num_sentences:
                # Where sentences are wanted, a text ends after one, not before.
                logits[[not _ends(tokens) for tokens in written], -1, EOS_ID] = -np.inf
            chosen = sample_tokens(logits[:, -1], rng, temperature, top_k, top_p)  # (samples,)
            for i in np.flatnonzero(running):
                if chosen[i] != EOS_ID:
                    written[i].append(self.vocabulary.tokens[chosen[i]])
                running[i] = chosen[i] != EOS_ID and not (num_sentences and _ends(written[i]) >= num_sentences)
            if not running.any():
                break
            logits, states = self.step(chosen[:, None], np.ones((num_samples, 1), bool), states)
        return [self._put_together(prompt, prompt_tokens, tokens) for tokens in written]

    def _put_together(self, prompt: str, prompt_tokens: list[str], tokens: list[str]) -> str:
        """The prompt as it was written, and after it the new tokens."""
        if self.config.level == "character":
            return prompt + "".join(tokens)
        whole, beginning = join_words([*prompt_tokens, *tokens]), join_words(prompt_tokens)
        return prompt.rstrip() + whole[len(beginning) :] if prompt.strip() else whole


def _ends(tokens: Sequence[str]) -> int:
    """Count the full sentences in what was written.

    >>> _ends(["So", ".", "Go", "!"]), _ends(["a"])
    (2, 0)
    """
    return sum(token in (".", "!", "?") for token in tokens)


def log_softmax_at(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return log softmax(logits) at the targets, in nats, (batch, time), holding the probabilities only once."""
    shifted = logits - logits.max(axis=-1, keepdims=True)  # (batch, time, vocab_size)
    at_target = np.take_along_axis(shifted, targets[:, :, None].astype(np.int64), axis=-1)[:, :, 0]  # (batch, time)
    return at_target - np.log(np.exp(shifted, out=shifted).sum(axis=-1))


def sample_tokens(
    logits: np.ndarray, rng: np.random.Generator, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> np.ndarray:
    """Choose a next token for each text; never padding, a beginning mark or `<unk>`.

    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", for top-p.

    Args:
        logits: (batch, vocab_size).
        rng: source of chance.
        temperature: see `LanguageModel.generate`; so `top_k` and `top_p`.
    Returns:
        int32 (batch,).
    """
    scores = logits.astype(np.float32)
    scores[:, [PAD_ID, BOS_ID, UNK_ID]] = -np.inf
    if temperature == 0:
        return scores.argmax(axis=-1).astype(np.int32)
    scores -= scores.max(axis=-1, keepdims=True)
    scores /= np.float32(temperature)
    weights = np.exp(scores, out=scores)  # probabilities, but for their sum
    if not top_k and top_p == 1:
        return draw_columns(weights, rng)
    likeliest = _likeliest(weights, top_k, top_p)  # (batch, kept), likeliest first
    kept = np.take_along_axis(weights, likeliest, axis=-1).astype(np.float64)
    if top_p < 1:
        share = kept / weights.sum(axis=-1, keepdims=True, dtype=np.float64)
        kept[np.cumsum(share, axis=-1) - share >= top_p] = 0
    return np.take_along_axis(likeliest, draw_columns(kept, rng)[:, None], axis=-1)[:, 0].astype(np.int32)


def _likeliest(weights: np.ndarray, top_k: int, top_p: float) -> np.ndarray:
    """The columns of the `top_k` largest weights, largest first; without `top_k`, enough to hold the share `top_p`."""
    vocab_size, wanted = weights.shape[1], top_p * weights.sum(axis=-1)
    count = min(top_k or 256, vocab_size)
    while True:
        columns = np.argpartition(weights, vocab_size - count, axis=-1)[:, -count:]  # (batch, count), not sorted
        held = np.take_along_axis(weights, columns, axis=-1)
        if top_k or count == vocab_size or (held.sum(axis=-1) >= wanted).all():
            return np.take_along_axis(columns, np.argsort(-held, axis=-1, kind="stable"), axis=-1)
        count = min(8 * count, vocab_size)


def draw_columns(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a column of each row, with a chance in proportion to its weight.

    Where the running sum of the weights passes a random share of the whole, there is the column. It is looked up in
    two steps, first among sums of blocks and then within one block: for 10,000 columns that is ten times faster than
    one running sum over all of them.

    Args:
        weights: (rows, columns), not negative, not all 0 in a row.
        rng: source of chance.
    Returns:
        int32 (rows,).
    """
    rows, width = np.arange(len(weights))[:, None], math.isqrt(weights.shape[1])
    sums = np.add.reduceat(weights, np.arange(0, weights.shape[1], width), axis=1)  # (rows, blocks)
    passed = np.cumsum(sums, axis=1, dtype=np.float64)
    aim = rng.random((len(weights), 1)) * passed[:, -1:]
    block = _first_above(passed, aim)
    columns = block * width + np.arange(width)  # (rows, width); the last block may be shorter
    within = np.where(columns < weights.shape[1], weights[rows, np.minimum(columns, weights.shape[1] - 1)], 0)
    place = _first_above(np.cumsum(within, axis=1, dtype=np.float64), aim - passed[rows, block] + sums[rows, block])
    return columns[rows, place][:, 0].astype(np.int32)


def _first_above(running_sums: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """The first place in each row whose running sum is above the aim, which rounding may have put past the end."""
    below_end = np.minimum(aim, np.nextafter(running_sums[:, -1:], 0))
    return (running_sums <= below_end).sum(axis=1, keepdims=True)


NO_SPACE_BEFORE = re.compile(r"[.,;:!?)\]}%…]+|'|’|n't|'\w+|’\w+", re.IGNORECASE)
NO_SPACE_AFTER = frozenset("([{$£€#")


def join_words(tokens: Sequence[str]) -> str:
    """Put words and punctuation together as a person would write them.

    >>> join_words(["“", "Do", "n't", "go", ",", "”", "she", "said", "."])
    "“Don't go,” she said."
    >>> join_words(["He", "said", ":", '"', "No", "!", '"', "-", "and", "left", "."])
    'He said: "No!" - and left.'
    >>> join_words(["A", "brand", "-", "new", "hat"])
    'A brand-new hat'
    """
    text = ""
    open_quotes: set[str] = set()
    glue, after_word = True, False
    for token in tokens:
        joins_words = token == "-" and after_word  # brand-new; a dash after a quotation mark stands by itself
        after_word = token[-1:].isalnum()
        if token in ('"', "”", "“", "''", "``"):
            mark = '"' if token in ('"', "''", "``") else "“"
            closing = mark in open_quotes or token == "”"
            (open_quotes.discard if closing else open_quotes.add)(mark)
            text += token if closing or glue else f" {token}"
            glue = not closing
            continue
        attached = glue or joins_words or NO_SPACE_BEFORE.fullmatch(token) is not None
        text += token if attached else f" {token}"
        glue = joins_words or token in NO_SPACE_AFTER
    return text
