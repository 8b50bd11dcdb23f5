"""Every setting of the language model and of text generation: its default, its meaning, its unit.

The defaults were chosen on the validation split of the fairy tales; language_model/EXPERIMENTS.md has the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from common.errors import InputError
from common.settings import (
    MAX_SEED,
    OPTIMIZATION,
    ReadingConfig,
    Settings,
    TextSettings,
    TrainingConfig,
    flag_of,
    setting,
)
from common.text.documents import DOCUMENTS

TASK, DEFAULT_NAME = "language_model", "stories"
ARCHITECTURES = ("lstm", "gru", "simple-rnn", "fixed-window")
LEVELS = ("word", "spaced", "character")
VOCABULARY, DATA, MODEL, REGULARIZATION, VECTORS = "vocabulary", "data", "model", "regularization", "word vectors"
LENGTH, SAMPLING, DECODING, DYNAMIC = "length", "sampling", "decoding", "dynamic evaluation"
RMS_RATE, SGD_RATE = 0.0001, 0.05  # learning rates of dynamic evaluation
# Half a megabyte of text and less: fewer tokens than these are learned in at least so many steps.
SMALL = {"word": 100_000, "spaced": 100_000, "character": 500_000}
LEAST_STEPS = {"word": 500, "spaced": 500, "character": 1500}


@dataclass(frozen=True)
class TextConfig(TextSettings, ReadingConfig):
    """How texts are read."""

    level: str = setting("word", "unit of a token; spaced: between spaces", LEVELS, group=VOCABULARY, basic=True)
    max_vocab_size: int = setting(
        10_000, "size of the vocabulary, at most, special tokens included", minimum=5, group=VOCABULARY, basic=True
    )
    min_count: int = setting(2, "smallest count in training of a token in the vocabulary", minimum=1, group=VOCABULARY)
    lowercase: bool = setting(False, "lower-case the tokens", group=VOCABULARY)
    document: str = setting("auto", "one text in plain text", DOCUMENTS, group=DATA, basic=True)
    text_column: str = setting("text", "column of the text in a table", group=DATA, basic=True)


@dataclass(frozen=True)
class WordVectorConfig(TextConfig):
    """Settings of word vectors from co-occurrence counts."""

    dim: int = setting(64, "size of a word vector", minimum=1, group=VECTORS, basic=True)
    window: int = setting(
        2, "context window: places before a word, and after it", minimum=1, maximum=10, group=VECTORS, basic=True
    )
    max_vocab_size: int = setting(50_000, "size of the vocabulary, at most, special tokens included", minimum=5)
    lowercase: bool = setting(True, "lower-case the tokens")
    seed: int = setting(
        1, "random seed of the randomized decomposition", minimum=0, maximum=MAX_SEED, group=VECTORS, basic=True
    )


@dataclass(frozen=True)
class LanguageModelConfig(TrainingConfig, TextConfig):
    """Settings of a language model."""

    OLD_NAMES: ClassVar[Mapping[str, str]] = {
        **TrainingConfig.OLD_NAMES,
        "activation_penalty": "activation_regularization",
        "change_penalty": "temporal_activation_regularization",
        "max_length": "tbptt_length",
        "num_sampled": "sampled_softmax_size",
        "carry_state": "stateful",
    }

    architecture: str = setting("lstm", "network", ARCHITECTURES, group=MODEL, basic=True)
    window: int = setting(5, "context of a fixed-window network, in tokens", minimum=2, maximum=100, group=MODEL)
    num_layers: int = setting(1, "stacked hidden layers", minimum=1, maximum=8, group=MODEL, basic=True)
    units: int = setting(384, "size of the hidden state", minimum=1, group=MODEL, basic=True)
    embedding_dim: int = setting(256, "size of a token vector", minimum=1, group=MODEL)
    tie_embeddings: bool = setting(
        True, "weight tying: the token vectors are the output weights too (Press & Wolf 2017)", group=MODEL
    )
    input_dropout: float = setting(
        0.3, "variational dropout of the token vectors' dimensions", minimum=0, maximum=0.99, group=REGULARIZATION
    )
    hidden_dropout: float = setting(0.3, "dropout rate between layers", minimum=0, maximum=0.99, group=REGULARIZATION)
    dropout: float = setting(
        0.5, "dropout rate after the last layer", minimum=0, maximum=0.99, group=REGULARIZATION, basic=True
    )
    variational_dropout: bool = setting(
        False, "variational dropout of hidden states: one mask for all time steps", group=REGULARIZATION
    )
    weight_dropout: float = setting(
        0.0, "DropConnect: dropout rate of the recurrent weights, per batch", minimum=0, maximum=0.99,
        group=REGULARIZATION,
    )  # fmt: skip
    embedding_dropout: float = setting(
        0.0, "embedding dropout: share of the vocabulary dropped, per batch", minimum=0, maximum=0.99,
        group=REGULARIZATION,
    )  # fmt: skip
    activation_regularization: float = setting(
        0.0, "activation regularization (AR, Merity et al. 2017): weight; 0 = off", minimum=0, group=REGULARIZATION
    )
    temporal_activation_regularization: float = setting(
        0.0, "temporal activation regularization (TAR): weight; 0 = off", minimum=0, group=REGULARIZATION
    )
    word_dropout: float = setting(
        0.0, "share of input tokens replaced by <unk>", minimum=0, maximum=0.99, group=REGULARIZATION
    )
    sampled_softmax_size: int = setting(
        0, "sampled softmax: tokens drawn in a training step; 0 = full softmax", minimum=0, group=OPTIMIZATION
    )
    stateful: bool = setting(
        False, "carry the state from piece to piece of one stream of all texts", group=OPTIMIZATION, basic=True
    )
    tbptt_length: int = setting(
        100, "truncated back-propagation through time: tokens in a piece, at most", minimum=2, group=OPTIMIZATION
    )

    validation_split: float = setting(
        0.1,
        "share of the data held out if there is no --validation; 0 = none, the last epoch is taken",
        minimum=0,
        maximum=0.9,
    )
    batch_size: int = setting(0, "pieces of text in a batch; 0 = by the size of the data", minimum=0)
    num_epochs: int = setting(0, "most passes over the training split; 0 = by data size", minimum=0)
    learning_rate: float = setting(0.0, "peak learning rate of AdamW; 0 = by the size of the data", minimum=0)
    ema_momentum: float = setting(
        -1, "weight averaging (EMA): momentum per step; 0 = off; -1 = by the size of the data", minimum=-1, maximum=1
    )
    patience: int = setting(
        -1,
        "early stopping: epochs in a row without a better validation score; -1 = by the size of the data",
        minimum=-1,
    )
    mixed_precision: bool = setting(True, "compute in bfloat16 where the processor has it; weights stay float32")
    max_gradient_norm: float = setting(1.0, "gradient clipping: largest global L2 norm of the gradient", minimum=0)

    def sized(self, num_tokens: int, num_texts: int, fine_tuning: bool) -> LanguageModelConfig:
        """Choose the settings of optimization that are left to the size of the data.

        A small text is read more often and in smaller batches: a network needs some hundred steps, however small the
        text. language_model/EXPERIMENTS.md has the trials.

        Args:
            num_tokens: in the training split.
            num_texts: that they are in; a piece of text is no longer than one of them.
            fine_tuning: whether the run starts from a trained model.
        """
        piece = max(1.0, min(self.tbptt_length, num_tokens / max(num_texts, 1)))
        small = num_tokens < SMALL[self.level]
        batch_size = self.batch_size or min(64, max(8 if small else 16, round((600 if small else 1200) / piece)))
        steps = max(1, math.ceil(num_tokens / (piece * batch_size)))
        if fine_tuning:
            epochs, rate, momentum = 8, 0.0006, 0.98
        else:
            epochs = max(8, min(24, math.ceil(LEAST_STEPS[self.level] / steps))) if small else 9
            rate = 0.004 if small else 0.003
            momentum = 0.99 if small else 0.998
        return replace(
            self,
            batch_size=batch_size,
            num_epochs=self.num_epochs or epochs,
            learning_rate=self.learning_rate or rate,
            patience=self.patience if self.patience >= 0 else 1 if fine_tuning else 3,
            ema_momentum=self.ema_momentum if self.ema_momentum >= 0 else momentum,
        )

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, and what would do.
        """
        super().validate()
        if self.architecture == "fixed-window" and self.weight_dropout:
            raise InputError("--weight-dropout: a fixed-window network has no recurrent weights; leave it out")


@dataclass(frozen=True)
class DynamicConfig(Settings):
    """Settings of dynamic evaluation."""

    dynamic_learning_rate: float = setting(
        0.0, "learning rate; 0 = 0.0001 with --train (RMS), 0.05 without (SGD)", minimum=0, group=DYNAMIC
    )
    dynamic_decay: float = setting(
        0.001, "decay to the trained weights, per segment", minimum=0, maximum=1, group=DYNAMIC
    )
    dynamic_segment: int = setting(
        20, "tokens in a segment, after which the weights change", minimum=1, maximum=10_000, group=DYNAMIC
    )
    dynamic_epsilon: float = setting(
        1.0, "added to the root mean squares of the gradients, as a multiple of their mean", minimum=0.0001,
        group=DYNAMIC,
    )  # fmt: skip


# Tokens in which nearly every sentence ends that is under way; language_model/EXPERIMENTS.md has the shares.
EXTRA_TOKENS = {"word": 50, "spaced": 50, "character": 400}
SAMPLING_SETTINGS = ("temperature", "top_k", "top_p", "min_p")


@dataclass(frozen=True)
class GenerationConfig(Settings):
    """Settings of text generation."""

    num_samples: int = setting(1, "texts to write, all at once", minimum=1, maximum=1000, group=LENGTH, basic=True)
    max_tokens: int = setting(
        100, "tokens after the prompt, at most, but for --complete-sentences", minimum=1, maximum=1_000_000,
        group=LENGTH, basic=True,
    )  # fmt: skip
    complete_sentences: bool = setting(
        True, "at --max-tokens go on to the end of the sentence, or cut back to the last one", group=LENGTH, basic=True
    )
    extra_tokens: int = setting(
        -1, "tokens beyond --max-tokens to end the sentence, at most; -1 = 50, of characters 400", minimum=-1,
        maximum=1_000_000, group=LENGTH,
    )  # fmt: skip
    num_sentences: int = setting(
        0, "full sentences after which a text stops; 0 = no limit", minimum=0, group=LENGTH, basic=True
    )
    stop: str = setting("", "stop sequence: a text stops where this has been written", group=LENGTH)
    temperature: float = setting(
        0.8, "softmax temperature; 0 = the likeliest token (greedy)", minimum=0, group=SAMPLING, basic=True
    )
    top_k: int = setting(0, "top-k sampling: among the k likeliest tokens; 0 = off", minimum=0, group=SAMPLING)
    top_p: float = setting(
        1.0, "nucleus sampling: total probability of the likeliest tokens kept; 1 = off", minimum=0.0001,
        maximum=1, group=SAMPLING, basic=True,
    )  # fmt: skip
    min_p: float = setting(
        0.0, "min-p sampling: least probability relative to the likeliest token; 0 = off", minimum=0, maximum=1,
        group=SAMPLING,
    )  # fmt: skip
    repetition_penalty: float = setting(
        1.0, "repetition penalty of tokens that were written (Keskar et al. 2019); 1 = off", minimum=1, group=DECODING
    )
    no_repeat_ngram: int = setting(
        0, "n-gram blocking: length of the n-grams never repeated, in tokens; 0 = off", minimum=0, group=DECODING
    )
    num_beams: int = setting(
        0, "beam search with so many beams; 0 = sampling", minimum=0, maximum=1000, group=DECODING, basic=True
    )
    seed: int = setting(
        0, "random seed: the same one gives the same texts", minimum=0, maximum=MAX_SEED, group=SAMPLING, basic=True
    )

    def longest(self, level: str) -> int:
        """Tokens after the prompt, at most, of a model of this level."""
        extra = self.extra_tokens if self.extra_tokens >= 0 else EXTRA_TOKENS[level]
        return self.max_tokens + (extra if self.complete_sentences else 0)

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, and what would do.
        """
        super().validate()
        if self.extra_tokens >= 0 and not self.complete_sentences:
            raise InputError("--extra-tokens: are for --complete-sentences; leave one of the options out")
        if not self.num_beams:
            return
        for name in SAMPLING_SETTINGS:
            if getattr(self, name) != getattr(type(self), name):
                raise InputError(f"{flag_of(name)}: nothing is drawn with --num-beams; leave one of them out")
        if self.num_samples > self.num_beams:
            raise InputError(f"--num-samples: found {self.num_samples}, wanted at most --num-beams {self.num_beams}")
