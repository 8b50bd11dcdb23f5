"""Names of layers, inputs and packages that a saved network is known by: a bundle keeps them, so they never change.

A task builds a layer under one of these names, and finds it again by `model.get_layer(names.EMBEDDING)`.
"""

from __future__ import annotations

PACKAGE = "rnn_language"  # under which our layers are registered with Keras
# The modules in which our layers are, and those in which they were when older bundles were saved.
MODULES = ("common.networks.layers", "common.networks.lstm", "common.layers", "common.lstm")

EMBEDDING = "embedding"  # of words, or of characters in a language model of characters
CHARACTER_EMBEDDING = "character_embedding"
SHAPE_EMBEDDING = "shape_embedding"
AFFIX_EMBEDDING = "affix_embedding"
TAG_EMBEDDING = "tag_embedding"
GIVEN_VECTORS = "given_vectors"  # word vectors that training leaves as they are
WORD_VECTOR_DROPOUT = "word_vector_dropout"
PROJECTION = "projection"
TO_LOGITS = "to_logits"
LOGITS = "logits"
SCORE = "score"
SCORES = "scores"
RATING = "rating"
FEATURES = "features"  # of a text, below the head
WIDE = "wide"
TOTAL = "total"
SPREAD = "spread"
RECURRENT = "recurrent_"  # with its number behind it: see `recurrent`


def recurrent(number: int) -> str:
    """The name of a recurrent layer, by its number from the bottom; 0 is the first."""
    return f"{RECURRENT}{number}"


def backward(number: int) -> str:
    """The name of the layer that reads backwards beside `recurrent(number)`."""
    return f"backward_{number}"


def dropout(number: int) -> str:
    """The name of the dropout after a hidden layer, by the number of that layer."""
    return f"dropout_{number}"
