"""Every setting of the tagging task: its default, its meaning, its unit.

The defaults were chosen on the validation split of UD English-EWT; pos_tagging/EXPERIMENTS.md has the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from common.errors import InputError
from common.settings import ReadingConfig, TrainingConfig, setting
from pos_tagging.recognition import TAGGED_FORMATS, Columns

TASK, DEFAULT_NAME = "pos_tagging", "ewt"
HEADS = ("softmax", "crf")
DIRECTIONS = ("forward", "both")
CHARACTER_NETWORKS = ("convolution", "lstm")
FILTER_WIDTHS = (2, 3, 5)  # characters
TAG_COLUMNS = ("upos", "xpos")
SPLITTERS = ("auto", "rules", "learned")
ARCHITECTURES = ("lstm", "gru", "simple-rnn", "previous-tag")
MODEL, WORDS, REGULARIZATION, VOCABULARY, DATA = (
    "model", "features of a word", "regularization", "vocabulary", "data",
)  # fmt: skip


@dataclass(frozen=True)
class TaggingConfig(TrainingConfig, ReadingConfig):
    """Settings of a tagger."""

    OLD_NAMES: ClassVar[Mapping[str, str]] = {**TrainingConfig.OLD_NAMES, "case_noise": "case_augmentation"}
    OLD_FLAGS: ClassVar[Mapping[str, str]] = {"bidirectional": "--directions both or --directions forward"}

    architecture: str = setting(
        "lstm",
        "recurrent layer; previous-tag: GRU fed with its last tag",
        ARCHITECTURES,
        group=MODEL,
        basic=True,
    )
    head: str = setting(
        "softmax",
        "output layer; crf: conditional random field",
        HEADS,
        group=MODEL,
        basic=True,
    )
    directions: str = setting(
        "both", "reading direction; previous-tag is always forward", DIRECTIONS, group=MODEL, basic=True
    )
    num_layers: int = setting(2, "stacked recurrent layers", minimum=1, maximum=8, group=MODEL, basic=True)
    units: int = setting(150, "size of the hidden state, for each direction", minimum=1, group=MODEL, basic=True)
    tag_dim: int = setting(16, "size of the embedding of the previous tag (previous-tag)", minimum=1, group=MODEL)
    num_beams: int = setting(1, "beam search: beams (previous-tag); 1 = greedy", minimum=1, maximum=1000, group=MODEL)

    embedding_dim: int = setting(100, "size of a word vector", minimum=1, group=WORDS)
    character_dim: int = setting(32, "size of a character vector; 0 = words only", minimum=0, group=WORDS)
    character_network: str = setting(
        "convolution", "network over the characters of a word", CHARACTER_NETWORKS, group=WORDS
    )
    character_filters: int = setting(100, "convolution filters over characters, of each width", minimum=1, group=WORDS)
    character_units: int = setting(50, "hidden state of the character lstm, for each direction", minimum=1, group=WORDS)
    shape_dim: int = setting(16, "size of the vector of a word's shape (Xxxx, dd-dd); 0 = off", minimum=0, group=WORDS)
    affix_dim: int = setting(
        8, "size of the vector of each prefix and suffix of 1 to 4 characters; 0 = off", minimum=0, group=WORDS
    )

    dropout: float = setting(
        0.5,
        "dropout rate before and after each recurrent layer",
        minimum=0,
        maximum=0.99,
        group=REGULARIZATION,
        basic=True,
    )
    word_dropout: float = setting(
        0.1, "share of training words replaced by <unk>", minimum=0, maximum=0.99, group=REGULARIZATION
    )
    rare_word_dropout: float = setting(
        -1.0,
        "a in a / (a + n), the further dropout rate of a word with n occurrences; 0 = off; -1 = by size of the data",
        minimum=-1,
        group=REGULARIZATION,
    )
    affix_dropout: float = setting(
        0.3,
        "share of prefixes and suffixes of training words replaced by <unk>",
        minimum=0,
        maximum=0.99,
        group=REGULARIZATION,
    )
    case_augmentation: float = setting(
        0.0,
        "share of training sentences in lower case, UPPER CASE or Title Case; 0 = off",
        minimum=0,
        maximum=1,
        group=REGULARIZATION,
    )

    max_vocab_size: int = setting(30_000, "size of the vocabulary, at most", minimum=5, group=VOCABULARY, basic=True)
    max_vectors: int = setting(
        50_000, "words taken from --word-vectors-from, the first of the file", minimum=1, group=VOCABULARY
    )
    lowercase: bool = setting(True, "lower-case the words; their characters keep the case", group=VOCABULARY)

    tag_column: str = setting(
        "upos", "tags of a CoNLL-U file: universal, or of the treebank", TAG_COLUMNS, group=DATA, basic=True
    )
    input_format: str = setting(
        "auto", "format of files of tagged words; auto: by their content", TAGGED_FORMATS, group=DATA
    )
    tokens_column: str = setting(
        "tokens", "column of the words: its name in a table, else its number", group=DATA, basic=True
    )
    tags_column: str = setting(
        "tags", "column of the tags: its name in a table, else its number", group=DATA, basic=True
    )
    splitter: str = setting(
        "auto", "what splits raw text; learned: as in a CoNLL-U file; auto: where it is large", SPLITTERS, group=DATA
    )
    auxiliary_column: str | None = setting(
        None, "multi-task learning: column of further tags (xpos, feats; any of a table)", group=DATA
    )

    batch_size: int = setting(0, "sentences in a batch; 0 = by the size of the data", minimum=0)
    num_epochs: int = setting(0, "most passes over the training split; 0 = by data size", minimum=0)
    learning_rate: float = setting(0.0, "peak learning rate of AdamW; 0 = by the size of the data", minimum=0)
    ema_momentum: float = setting(
        -1, "weight averaging (EMA): momentum per step; 0 = off; -1 = by the size of the data", minimum=-1, maximum=1
    )
    patience: int = setting(
        -1,
        "early stopping: epochs in a row without a better validation accuracy; -1 = by the size of the data",
        minimum=-1,
    )

    @classmethod
    def upgrade(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give the settings of an older bundle the names and words that they have now.

        >>> TaggingConfig.upgrade({"bidirectional": False, "case_noise": 0.1})
        {'case_augmentation': 0.1, 'directions': 'forward'}
        """
        values = super().upgrade(values)
        if isinstance(values.get("bidirectional"), bool) and "directions" not in values:
            values["directions"] = "both" if values.pop("bidirectional") else "forward"
        return values

    def sized(self, num_sentences: int, fine_tuning: bool) -> TaggingConfig:
        """Choose the settings of optimization that are left to the size of the data.

        Few sentences are read more often and in smaller batches: a network needs some thousand steps, however small
        the file. pos_tagging/EXPERIMENTS.md has the trials.

        Args:
            num_sentences: in the training split.
            fine_tuning: whether the run starts from a pretrained tagger.
        """
        batch_size = self.batch_size or (32 if num_sentences >= 4000 else 16 if num_sentences >= 2000 else 8)
        steps = math.ceil(num_sentences / batch_size)
        if fine_tuning:
            epochs, rate, patience = (8 if num_sentences < 2000 else 5), 0.001, 4
        else:
            epochs, rate, patience = max(16, min(60, math.ceil(1400 / steps))), 0.003, 5
        epochs = self.num_epochs or epochs
        rare = 0.5 if num_sentences < 4000 else 2.0  # most words of a small file are rare ones
        # The average reaches back over a tenth of the run, at most over 500 steps.
        momentum = round(1 - 1 / max(5, min(500, epochs * steps / 10)), 4)
        return replace(
            self,
            batch_size=batch_size,
            num_epochs=epochs,
            learning_rate=self.learning_rate or rate,
            patience=patience if self.patience < 0 else self.patience,
            ema_momentum=momentum if self.ema_momentum < 0 else self.ema_momentum,
            rare_word_dropout=rare if self.rare_word_dropout < 0 else self.rare_word_dropout,
        )

    def columns(self, further: str | None = None) -> Columns:
        """The columns of a file of words that are wanted; `further` for multi-task learning."""
        return Columns(self.tag_column, further, self.tokens_column, self.tags_column)

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, and what would do.
        """
        super().validate()
        if self.head == "crf" and self.architecture == "previous-tag":
            raise InputError("--head crf: previous-tag chooses each tag before it reads on; leave one of the two out")
