"""Every setting of the language model and of what it writes: its default, its meaning, its unit.

The defaults were chosen on the validation split of the fairy tales; language_model/README.md has the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import MAX_SEED, TrainingConfig, setting

ARCHITECTURES = ("lstm", "gru", "simple-rnn", "fixed-window")
LEVELS = ("word", "spaced", "character")


@dataclass(frozen=True)
class TextConfig:
    """How texts are read."""

    level: str = setting("word", "a token: a word, what stands between spaces, or a character", LEVELS)
    max_vocab_size: int = setting(10_000, "most tokens known, special ones included", minimum=5)
    min_count: int = setting(2, "a word seen less often in training is unknown", minimum=1)
    lowercase: bool = setting(False, "read The as the")
    document: str = setting("paragraph", "what one text is in a plain text file", ("file", "paragraph", "line"))
    text_column: str = setting("text", "column of the text in a table")


@dataclass(frozen=True)
class WordVectorConfig(TextConfig):
    """Settings of word vectors made by counting."""

    dim: int = setting(64, "size of a vector", minimum=1)
    window: int = setting(2, "places before a word, and after it, that are looked at", minimum=1, maximum=10)
    max_vocab_size: int = setting(50_000, "most words that get a vector, special tokens included", minimum=5)
    lowercase: bool = setting(True, "read The as the")
    seed: int = setting(1, "of the decomposition, which is randomised", minimum=0, maximum=MAX_SEED)


@dataclass(frozen=True)
class LanguageModelConfig(TrainingConfig, TextConfig):
    """Settings of a language model."""

    architecture: str = setting("lstm", "recurrent layer, or a network without memory", ARCHITECTURES)
    window: int = setting(5, "tokens that a fixed-window network reads for the next one", minimum=2, maximum=100)
    num_layers: int = setting(1, "hidden layers on top of each other", minimum=1, maximum=8)
    units: int = setting(384, "size of the hidden state", minimum=1)
    embedding_dim: int = setting(256, "size of a token vector", minimum=1)
    tie_embeddings: bool = setting(True, "use the token vectors for the output too")
    input_dropout: float = setting(
        0.3, "share of dimensions dropped from the token vectors of a text", minimum=0, maximum=0.99
    )
    hidden_dropout: float = setting(0.3, "share of features dropped between layers", minimum=0, maximum=0.99)
    dropout: float = setting(0.5, "share of features dropped after the last layer", minimum=0, maximum=0.99)
    variational_dropout: bool = setting(False, "drop the same features at every token of a piece")
    weight_dropout: float = setting(0.0, "share of the recurrent weights dropped in a batch", minimum=0, maximum=0.99)
    embedding_dropout: float = setting(0.0, "share of the vocabulary dropped in a batch", minimum=0, maximum=0.99)
    activation_penalty: float = setting(0.0, "weight of the mean square of the last layer's output", minimum=0)
    change_penalty: float = setting(0.0, "weight of the mean square of its change from token to token", minimum=0)
    word_dropout: float = setting(0.0, "share of input tokens replaced by <unk>", minimum=0, maximum=0.99)

    num_sampled: int = setting(
        0, "words drawn to stand for the whole vocabulary in a training step; 0: all of it", minimum=0
    )

    carry_state: bool = setting(False, "read all texts in one stream, the state carried from piece to piece")
    max_length: int = setting(100, "longest piece of a text in one training step, in tokens", minimum=2)

    validation_rate: float = setting(
        0.1,
        "share of the training data kept for validation if there is no --validation; 0: nothing, the last epoch counts",
        minimum=0,
        maximum=0.9,
    )
    batch_size: int = setting(16, "pieces of text in a batch", minimum=1)
    num_epochs: int = setting(9, "most passes over the training split", minimum=1)
    learning_rate: float = setting(0.003, "largest step size of Adam", minimum=0)
    mixed_precision: bool = setting(True, "compute in bfloat16 where the processor has it; weights stay float32")
    max_gradient_norm: float = setting(1.0, "longer gradients are scaled down to this norm", minimum=0)


@dataclass(frozen=True)
class GenerationConfig:
    """How texts are written."""

    num_samples: int = setting(1, "texts to write, all at once", minimum=1, maximum=1000)
    max_tokens: int = setting(100, "most tokens written after the prompt", minimum=1, maximum=1_000_000)
    num_sentences: int = setting(0, "stop after so many full sentences; 0: at the end of the text", minimum=0)
    stop: str = setting("", "stop where this has been written")
    temperature: float = setting(0.8, "below 1: bolder in what is likely; 0: always the likeliest token", minimum=0)
    top_k: int = setting(0, "only the k likeliest tokens; 0: all", minimum=0)
    top_p: float = setting(1.0, "only the likeliest tokens that hold this share", minimum=0.0001, maximum=1)
    min_p: float = setting(0.0, "only tokens at least this share as likely as the likeliest", minimum=0, maximum=1)
    repetition_penalty: float = setting(1.0, "above 1: tokens that are there already become less likely", minimum=1)
    no_repeat_ngram: int = setting(0, "never write so many tokens in a row a second time; 0: may", minimum=0)
    num_beams: int = setting(
        0, "search for the likeliest text with so many beams; 0: draw by chance", minimum=0, maximum=1000
    )
    seed: int = setting(0, "the same seed writes the same texts", minimum=0, maximum=MAX_SEED)
