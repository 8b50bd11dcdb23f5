"""A network made by hand, in which one unit is a concept: it holds whether a bracket is open."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from common.bundles.bundle import open_network
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.networks import layer_names
from common.text.batching import make_mask, pad
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from interpretability.reading import Model, Piece

UNITS, DIM = 8, 6
PLANTED = 5  # the unit
WORDS = ["(", ")", *(f"w{number}" for number in range(60))]


class Reader:
    """Reads words as they are; the first step reads the first word."""

    level = "word"
    embedding = layer_names.EMBEDDING
    vocabulary = Vocabulary(WORDS)

    def split(self, text):
        return [text.split()]

    def encode(self, token_lists):
        rows = [self.vocabulary.encode(tokens) for tokens in token_lists]
        return {"token_ids": pad(rows), "mask": make_mask([len(row) for row in rows])}

    def steps(self, num_tokens):
        return np.arange(num_tokens)


def planted_model(folder):
    """A SimpleRNN: h = tanh(5 h + 20 (opens) - 20 (closes)) in one unit, small random weights in the others."""
    ids, mask = keras.Input((None,), dtype="int32", name="token_ids"), keras.Input((None,), dtype="bool", name="mask")
    num_ids = len(SPECIAL_TOKENS) + len(WORDS)
    vectors = keras.layers.Embedding(num_ids, DIM, name=layer_names.EMBEDDING)(ids)
    states = keras.layers.SimpleRNN(UNITS, return_sequences=True, name="recurrent_0")(vectors, mask=mask)
    network = keras.Model({"token_ids": ids, "mask": mask}, states)
    rng = np.random.default_rng(0)
    embedding = rng.normal(0, 0.5, (num_ids, DIM))
    embedding[:, 0] = 0
    embedding[len(SPECIAL_TOKENS), 0], embedding[len(SPECIAL_TOKENS) + 1, 0] = 1, -1
    kernel, recurrent = rng.normal(0, 0.5, (DIM, UNITS)), rng.normal(0, 0.2, (UNITS, UNITS))
    kernel[0] = 0
    kernel[:, PLANTED], recurrent[:, PLANTED], recurrent[PLANTED] = 0, 0, 0
    kernel[0, PLANTED], recurrent[PLANTED, PLANTED] = 20, 5
    network.set_weights([embedding, kernel, recurrent, np.zeros(UNITS)])
    (folder / MODEL_FILE).write_text(network.to_json())
    network.save_weights(folder / WEIGHTS_FILE)
    return Model("planted", open_network(folder).architecture, Reader())


def make_pieces(num_texts, seed, length=20):
    """Random words, with a pair of brackets in each; the annotation `upos` tells where they are open."""
    rng = np.random.default_rng(seed)
    pieces = []
    for number in range(num_texts):
        tokens = [f"w{i}" for i in rng.integers(60, size=length)]
        opens, closes = sorted(rng.choice(length, 2, replace=False))
        tokens[opens], tokens[closes] = "(", ")"
        pieces.append(Piece(tokens, number, float(rng.integers(1, 6))))
    return pieces


def with_annotations(pieces):
    """The same with a part of speech: where the word is, in brackets or outside."""
    annotated = []
    for piece in pieces:
        where = ["IN" if piece.tokens.index("(") <= i < piece.tokens.index(")") else "OUT" for i in range(20)]
        none = [""] * len(where)
        annotated.append(replace(piece, annotations={"upos": where, "number": none, "tense": none}))
    return annotated
