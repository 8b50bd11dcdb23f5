"""Texts from plain text, tables or lists: read, split, tokenized, encoded, cut into pieces, batched.

Every text is `<bos> w1 … wn <eos>`: the model reads all but the last and predicts all but the first, so a text of n
tokens is scored on n + 1, the end included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from common.errors import InputError
from common.text.asked import head_lines
from common.text.batching import Batch, Batches, drop_words, make_mask, pad
from common.text.columns import TEXT, Column
from common.text.data import Data, name_of, path_of, read_data
from common.text.documents import AUTO, announce_document, find_document, read_documents
from common.text.normalization import normalize, normalize_with_offsets
from common.text.readers import read_open_rows
from common.text.rows import BadRow, SkippedRows, bounded_lines
from common.text.sources import open_source
from common.text.tables import Reading, file_kind, is_table
from common.text.tokenization import (
    clean_text,
    cut_long_runs,
    load_pipeline,
    split_sentences,
    tokenize,
    tokenize_cached,
)
from common.text.vocabulary import BOS_ID, EOS_ID, Vocabulary
from language_model.config import LanguageModelConfig, TextConfig


def load_texts(data: Data, config: TextConfig) -> list[str]:
    """Read texts.

    Args:
        data: a table, see `common.text.tables`, each row of which is a text; any other file, which is plain text with
            `config.document` as its unit; a DataFrame; or a list of texts.
        config: name of the column, and what one text is in plain text.
    Raises:
        InputError: the row or line, what was found there, and what would do.
    """
    path = path_of(data)
    skipped = SkippedRows(config.skip_bad_rows, name_of(data))
    column = Column(config.text_column, "--text-column", TEXT, config.text_column != TextConfig.text_column)
    if path is None or path.is_dir():
        texts = _good_texts(read_data(data, [column], Reading.of(config)), column, skipped)
    else:
        texts = _read_file(path, column, config, skipped)
    skipped.conclude(len(texts))
    if not texts:
        raise InputError(f"{path or 'the data'}: no text in the file; give one with at least a word")
    return texts


def _read_file(path: Path, column: Column, config: TextConfig, skipped: SkippedRows) -> list[str]:
    """The texts of a table or of plain text, which the content tells."""
    with open_source(path, config.encoding) as source:
        if is_table(source, file_kind(path)) or (column.given and file_kind(path) in ("", ".txt")):
            return _good_texts(read_open_rows(source, path, [column], Reading.of(config)), column, skipped)
        unit = find_document(head_lines(source)) if config.document == AUTO else config.document
        source.notes += announce_document(unit) if config.document == AUTO else []
        source.announce()
        texts = []
        for _, text in read_documents(bounded_lines(source.file), str(path), unit):
            if isinstance(text, BadRow):
                skipped.add(text.message)
            elif text.strip():
                texts.append(text)
        return texts


def _good_texts(rows: Iterable[tuple[str, dict[str, str]] | BadRow], column: Column, skipped: SkippedRows) -> list[str]:
    texts = []
    for item in rows:
        if isinstance(item, BadRow):
            skipped.add(item.message)
        elif not item[1][column.name].strip():
            skipped.add(f"{item[0]}: empty text; write something there or leave the row out")
        else:
            texts.append(item[1][column.name])
    return texts


def split_validation(texts: list[str], config: LanguageModelConfig) -> tuple[list[str], list[str]]:
    """Hold out a validation split: random texts, or the end of a single one; returns train, validation."""
    if not config.validation_split:
        return texts, []
    if len(texts) == 1:
        cut = round(len(texts[0]) * (1 - config.validation_split))
        train, validation = texts[0][:cut], texts[0][cut:]
        if not train.strip() or not validation.strip():
            raise InputError(
                "--validation-split: the text is too short to be cut in two; give more text, or --validation"
            )
        return [train], [validation]
    order = np.random.default_rng(config.seed).permutation(len(texts))
    num_held_out = max(1, round(len(texts) * config.validation_split))
    if num_held_out >= len(texts):
        raise InputError("--validation-split: nothing is left to train on; give a smaller one, or more data")
    return [texts[i] for i in order[num_held_out:]], [texts[i] for i in order[:num_held_out]]


def split_tokens(texts: Sequence[str], config: TextConfig) -> list[list[str]]:
    """Tokenize the texts of a data set; words are cached."""
    if config.level == "word":
        normal = [normalize(text, config.normalization) for text in texts]
        return tokenize_cached(normal, load_pipeline(config.language))
    return [split_text(text, config) for text in texts]


def split_text(text: str, config: TextConfig) -> list[str]:
    """Normalize and tokenize one text: words, what stands between spaces, or characters."""
    return _split(normalize(text, config.normalization), config)


def split_with_written(text: str, config: TextConfig) -> tuple[list[str], list[str]]:
    """Normalize and tokenize one text; returns the tokens, and how each is written in the text.

    >>> split_with_written("“So so…”", TextConfig())
    (['"', 'So', 'so', '...', '"'], ['“', 'So', 'so', '…', '”'])
    """
    normalized = normalize_with_offsets(text, config.normalization)
    tokens = _split(normalized.text, config)
    return tokens, normalized.written_tokens(tokens)


def _split(text: str, config: TextConfig) -> list[str]:
    if config.level == "word":
        return tokenize(text, load_pipeline(config.language))
    return clean_text(text).split() if config.level == "spaced" else list(clean_text(text))


def split_ending(text: str, config: TextConfig) -> tuple[str, str]:
    """Split a text before its last sentence; returns the context and the ending.

    >>> split_ending("It rained. They ran. They were wet.", TextConfig())
    ('It rained. They ran. ', 'They were wet.')
    """
    normalized = cut_long_runs(normalize_with_offsets(text, config.normalization))
    sentences = split_sentences(normalized.text, load_pipeline(config.language))
    start = sentences[-1][0].idx if sentences else 0
    start = normalized.place(start, start)[0]
    return text[:start], text[start:]


def encode_text(tokens: Sequence[str], vocabulary: Vocabulary) -> list[int]:
    """Turn a text into ids between the marks of its beginning and end.

    >>> encode_text(["a"], Vocabulary("ab"))
    [2, 4, 3]
    """
    return [BOS_ID, *vocabulary.encode(tokens), EOS_ID]


def cut_pieces(ids: Sequence[int], max_length: int) -> Iterator[Sequence[int]]:
    """Cut a text into pieces of about equal length, at most `max_length` predictions; they overlap by one token.

    >>> list(cut_pieces([2, 7, 8, 9, 3], 3))
    [[2, 7, 8], [8, 9, 3]]
    """
    num_predictions = len(ids) - 1
    num_pieces = -(-num_predictions // max_length)
    length = -(-num_predictions // num_pieces)
    for start in range(0, num_predictions, length):
        yield ids[start : start + length + 1]


class Streams:
    """Encoded texts as they are read: each from a state of zeros, or in one stream; cut where the state is reset.

    Args:
        texts: of `encode_text`.
        stateful: all texts are one stream; else each is one.
        reset_every: cut streams so that each has at most so many targets; 0 = no cut.

    >>> Streams([[2, 7, 3], [2, 8, 3]], stateful=True, reset_every=3).rows
    [[2, 7, 3, 2], [2, 8, 3]]
    """

    def __init__(self, texts: Sequence[Sequence[int]], stateful: bool = False, reset_every: int = 0) -> None:
        self.texts = texts
        self.rows = [[token_id for text in texts for token_id in text]] if stateful and texts else list(texts)
        if reset_every:
            starts = ((row, start) for row in self.rows for start in range(0, len(row) - 1, reset_every))
            self.rows = [row[start : start + reset_every + 1] for row, start in starts]

    def split(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Give each text its part of the values, without those of beginnings of texts, which are not predicted.

        Args:
            values: one number for each target, in the order of the rows, in any pieces.
        Returns:
            For each text (tokens + 1,).
        """
        if not self.texts:
            return []
        targets = np.concatenate([row[1:] for row in self.rows])
        flat = np.concatenate(values)[targets != BOS_ID]
        return np.split(flat, np.cumsum([len(text) - 1 for text in self.texts])[:-1])


def state_sizes(config: LanguageModelConfig) -> dict[str, int]:
    """The names of the states, which are inputs and outputs of the model, and their sizes."""
    if config.architecture == "fixed-window":
        return {"state_window": (config.window - 1) * config.embedding_dim}
    kinds = ("h", "c") if config.architecture == "lstm" else ("h",)
    return {f"state_{layer}_{kind}": config.units for layer in range(config.num_layers) for kind in kinds}


def initial_states(config: LanguageModelConfig, batch_size: int) -> dict[str, np.ndarray]:
    """States before the first token: zeros, float32 (batch, size)."""
    return {name: np.zeros((batch_size, size), np.float32) for name, size in state_sizes(config).items()}


def make_batches(
    token_lists: Sequence[Sequence[str]], vocabulary: Vocabulary, config: LanguageModelConfig, shuffle: bool
) -> Batches:
    """Put pieces of texts into padded batches of similar length.

    Args:
        token_lists: the tokens of each text.
        vocabulary: of the training split.
        config: the settings.
        shuffle: for training: a new order each epoch, and word dropout.
    Returns:
        Batches of `{"token_ids": int32 (batch, time), "mask": bool (batch, time), "state_…": float32 (batch, units)}`,
        the next tokens int32 (batch, time), and weights float32 (batch, time), 0 where padded.
    """
    texts = [encode_text(tokens, vocabulary) for tokens in token_lists]
    pieces = [piece for ids in texts for piece in cut_pieces(ids, config.tbptt_length)]
    lengths = [len(piece) - 1 for piece in pieces]

    def make_batch(indices: np.ndarray, rng: np.random.Generator | None) -> Batch:
        padded = pad([pieces[i] for i in indices])  # (batch, time + 1)
        mask = make_mask([lengths[i] for i in indices])  # (batch, time)
        # ids 2 7 8 3 -> inputs 2 7 8, targets 7 8 3
        token_ids, targets = padded[:, :-1] * mask, padded[:, 1:]
        if rng is not None and config.word_dropout:
            token_ids = drop_words(token_ids, mask, config.word_dropout, rng)
        inputs = {"token_ids": token_ids, "mask": mask, **initial_states(config, len(indices))}
        return inputs, targets, mask.astype(np.float32)

    return Batches(lengths, make_batch, config.batch_size, seed=config.seed if shuffle else None)


class StreamBatches:
    """All texts as one stream, for stateful training with truncated back-propagation through time.

        piece 1 | piece 2 | piece 3 …       the state goes on from piece to piece, the gradient stays within one
         state ---> state --->

    The stream is cut into `batch_size` columns, which are read piece by piece from top to bottom (Williams & Peng
    1990). The pieces are of random length, so that no token always stands where the gradient ends (Merity et al. 2018,
    "Regularizing and Optimizing LSTM Language Models"). The texts stay in their order, as one may go on where the other
    ended; the one that comes first, and the lengths of the pieces, depend on (seed, epoch) alone. The number of pieces
    is always the same. It is a `common.text.batching.EpochBatches`.

    Args:
        token_lists: the tokens of each text.
        vocabulary: of the training split.
        config: the settings.
    """

    def __init__(
        self, token_lists: Sequence[Sequence[str]], vocabulary: Vocabulary, config: LanguageModelConfig
    ) -> None:
        self.texts = [np.array(encode_text(tokens, vocabulary), np.int32) for tokens in token_lists]
        self.lengths = np.array([len(text) for text in self.texts])
        self.config = config
        self.column_length = (int(self.lengths.sum()) - 1) // config.batch_size  # predictions in a column
        self.num_pieces = max(2, round(self.column_length / config.tbptt_length))
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the first text of `epoch`, and cut."""
        rng = np.random.default_rng([self.config.seed, epoch])
        first = rng.integers(len(self.texts))
        stream = np.concatenate([*self.texts[first:], *self.texts[:first]])
        starts = np.arange(self.config.batch_size)[:, None] * self.column_length
        self.columns = stream[starts + np.arange(self.column_length + 1)]  # (batch, column_length + 1)
        shares = np.clip(rng.normal(1, 0.2, self.num_pieces), 0.4, 1.6).cumsum()
        self.ends = np.round(shares / shares[-1] * self.column_length).astype(int)
        if self.num_pieces > 2 and self.ends[1] == 2 * self.ends[0]:
            self.ends[0] -= 1  # Keras sees that the length varies if the first two pieces differ

    def __len__(self) -> int:
        return self.num_pieces

    @property
    def sizes(self) -> list[int]:
        """Tokens in each batch."""
        return [int(length) * self.config.batch_size for length in np.diff(self.ends, prepend=0)]

    def __getitem__(self, number: int) -> Batch:
        start, end = (0 if number == 0 else self.ends[number - 1]), self.ends[number]
        token_ids, targets = self.columns[:, start:end], self.columns[:, start + 1 : end + 1]  # (batch, time)
        inputs = {
            "token_ids": token_ids,
            "mask": np.ones(token_ids.shape, bool),
            "goes_on": np.full((len(token_ids), 1), number > 0, np.float32),
        }
        # What follows the end of a text is always a beginning: no prediction, so its weight is 0.
        return inputs, targets, (targets != BOS_ID).astype(np.float32)
