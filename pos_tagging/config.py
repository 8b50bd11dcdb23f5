"""Every setting of the tagging task: its default, its meaning, its unit.

The defaults were chosen on the validation split of UD English-EWT; pos_tagging/README.md has the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import TrainingConfig, setting

HEADS = ("softmax", "crf")
CHARACTER_NETWORKS = ("convolution", "lstm")
FILTER_WIDTHS = (2, 3, 5)  # characters
TAG_COLUMNS = ("upos", "xpos")
ARCHITECTURES = ("lstm", "gru", "simple-rnn", "previous-tag")


@dataclass(frozen=True)
class TaggingConfig(TrainingConfig):
    """Settings of a tagger."""

    architecture: str = setting(
        "lstm", "recurrent layer; previous-tag: a GRU from left to right, fed with the tag it gave last", ARCHITECTURES
    )
    head: str = setting(
        "softmax",
        "how tags are chosen: each by itself, or those of a sentence together by a CRF (previous-tag cannot)",
        HEADS,
    )
    bidirectional: bool = setting(True, "read the sentence from both ends (previous-tag cannot)")
    num_layers: int = setting(2, "recurrent layers on top of each other", minimum=1, maximum=8)
    units: int = setting(150, "size of the hidden state, for each direction", minimum=1)
    embedding_dim: int = setting(100, "size of a word vector", minimum=1)
    character_dim: int = setting(32, "size of a character vector; 0: words only", minimum=0)
    character_network: str = setting("convolution", "what reads the characters of a word", CHARACTER_NETWORKS)
    character_filters: int = setting(100, "convolution filters over the characters, of each width", minimum=1)
    character_units: int = setting(50, "size of the state of an lstm over the characters, both ways", minimum=1)
    shape_dim: int = setting(16, "size of the vector of a word's shape, such as Xxxx or dd-dd; 0: none", minimum=0)
    affix_dim: int = setting(
        8, "size of the vector of each beginning and ending of a word, of 1 to 4 characters; 0: none", minimum=0
    )
    tag_dim: int = setting(16, "size of the vector of the previous tag", minimum=1)
    dropout: float = setting(0.5, "share of features dropped before and after each layer", minimum=0, maximum=0.99)
    word_dropout: float = setting(0.1, "share of training words replaced by <unk>", minimum=0, maximum=0.99)
    rare_word_dropout: float = setting(
        2.0, "a: of the rest, a word seen n times is replaced with probability a / (a + n)", minimum=0
    )
    affix_dropout: float = setting(
        0.3, "share of the beginnings and endings of training words replaced by <unk>", minimum=0, maximum=0.99
    )
    case_noise: float = setting(
        0.0, "share of training sentences read in small letters, IN CAPITALS or With Capitals", minimum=0, maximum=1
    )

    max_vocab_size: int = setting(30_000, "most words known, special ones included", minimum=5)
    max_vectors: int = setting(50_000, "most words of --word-vectors-from, the first of the file", minimum=1)
    lowercase: bool = setting(True, "look words up in lower case; the characters keep their case")
    tag_column: str = setting("upos", "tags of a CoNLL-U file: universal ones, or those of the treebank", TAG_COLUMNS)
    auxiliary_column: str | None = setting(
        None,
        "column of further tags that the network learns beside its own, while it trains: xpos or feats of a CoNLL-U "
        "file, any of a CSV file",
    )
    num_beams: int = setting(1, "ways to go on that previous-tag keeps in mind while it tags", minimum=1, maximum=1000)
    tokens_column: str = setting("tokens", "column of the tab-separated tokens in a CSV file")
    tags_column: str = setting("tags", "column of the tab-separated tags in a CSV file")

    batch_size: int = setting(32, "sentences in a batch", minimum=1)
    num_epochs: int = setting(16, "most passes over the training split", minimum=1)
    patience: int = setting(5, "epochs without a better validation score before stopping", minimum=0)
    learning_rate: float = setting(0.003, "largest step size of Adam", minimum=0)
