"""Every setting of the sentiment task: its default, its meaning, its unit.

The defaults were chosen on the IMDb training reviews, validation cut by film; sentiment/README.md has the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import TrainingConfig, setting

RECURRENT = ("lstm", "gru", "simple-rnn")
ARCHITECTURES = (*RECURRENT, "bow", "cbow")
HEADS = ("regression", "ordinal", "class")
POOLINGS = ("last", "mean", "max", "mean-max", "attention")


@dataclass(frozen=True)
class SentimentConfig(TrainingConfig):
    """Settings of a rating model."""

    architecture: str = setting("lstm", "recurrent layer, or a bag of words (summed, mean) under an MLP", ARCHITECTURES)
    bidirectional: bool = setting(True, "read the text from both ends")
    num_layers: int = setting(1, "recurrent layers on top of each other", minimum=1, maximum=8)
    units: int = setting(96, "size of the hidden state, for each direction; of the hidden layer of an MLP", minimum=1)
    backward_units: int = setting(
        0,
        "with --no-bidirectional, or from a model that reads forward: a smaller reader from the other end, with a "
        "hidden state of this size; 0: none",
        minimum=0,
    )
    direction_dropout: float = setting(
        0.0,
        "share of texts in training in which a reader is silent, each of the two by chance of its own (needs "
        "--backward-units)",
        minimum=0,
        maximum=0.99,
    )
    pooling: str = setting("mean-max", "states of the last recurrent layer to one vector", POOLINGS)
    head: str = setting(
        "class",
        "what the network says: the rating; or, with the spread of its answer, how likely it is to be above each level "
        "of the scale (ordinal), or at each (class)",
        HEADS,
    )
    embedding_dim: int = setting(100, "size of a word vector", minimum=1)
    word_vectors: str = setting(
        "cooccurrence",
        "word vectors at the start: from the company words keep in the training text, random, or given by "
        "--word-vectors-from or --initialize-from",
        ("cooccurrence", "random", "given"),
    )
    word_vector_dropout: float = setting(
        0.4, "share of dimensions dropped from a text's word vectors", minimum=0, maximum=0.99
    )
    dropout: float = setting(0.5, "share of features dropped between layers", minimum=0, maximum=0.99)
    word_dropout: float = setting(0.3, "share of training words replaced by <unk>", minimum=0, maximum=0.99)
    adversarial_size: float = setting(
        0.0,
        "learn each text once more, its word vectors changed in the worst direction by so much (3 to 10); 0: do not",
        minimum=0,
    )
    linear_teacher: float = setting(
        0.0,
        "how much an NB-SVM over the training texts corrects the --teachers: its margin, times this, is added to their "
        "log-odds of a good text (2 to 3); 0: not",
        minimum=0,
    )
    calibrate: bool = setting(
        False, "after training, make the answers as sure as they may be, on the validation reviews (class heads)"
    )

    max_vocab_size: int = setting(20_000, "most words known, special ones included", minimum=5)
    min_count: int = setting(2, "a word seen less often in training is unknown", minimum=1)
    lowercase: bool = setting(True, "read GOOD as good")
    max_length: int = setting(4000, "longest text read, in tokens; 0 reads all of any text", minimum=0)
    gradient_length: int = setting(
        0, "tokens that the gradient goes back through, at most, in an lstm; 0: all of a text", minimum=0
    )
    truncation: str = setting(
        "both", "what is kept of a longer text; both: a quarter from the head", ("head", "tail", "both")
    )
    reverse: bool = setting(False, "read texts from their last word to their first")

    text_column: str = setting("review", "column of the text")
    rating_column: str = setting("rating", "column of the rating")
    group_column: str | None = setting(None, "column of what a review is about; a group is never split by validation")
    min_rating: float = setting(1.0, "worst rating of the scale")
    max_rating: float = setting(10.0, "best rating of the scale")

    batch_size: int = setting(64, "reviews in a batch", minimum=1)
    num_epochs: int = setting(6, "most passes over the training split", minimum=1)
    learning_rate: float = setting(0.002, "largest step size of Adam", minimum=0)
    layer_rate_decay: float = setting(
        1.0, "the learning rate of a layer, divided by this, is that of the layer below", minimum=1
    )
    unfreeze_epochs: float = setting(
        0.0, "how much later than the layer above a layer begins to learn, in epochs; --num-epochs: never", minimum=0
    )
    average_momentum: float = setting(
        0.995, "how slowly the averaged weights follow, per step; 0: no averaging", minimum=0, maximum=1
    )
