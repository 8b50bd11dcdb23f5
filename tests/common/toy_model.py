"""A small model of several layers, for the tests of what is done with saved models."""

from __future__ import annotations

import keras

from common.networks.layers import MaskedPooling

VOCAB_SIZE, EMBEDDING_DIM, UNITS = 11, 5, 4


def build_model():
    """Token ids and their mask to a score."""
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="bool", name="mask")
    vectors = keras.layers.Embedding(VOCAB_SIZE, EMBEDDING_DIM)(token_ids)
    states = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True))(vectors, mask=mask)
    states = keras.layers.GRU(UNITS, return_sequences=True)(keras.layers.Dropout(0.5)(states), mask=mask)
    outputs = keras.layers.Dense(1, name="score")(MaskedPooling("mean")(states, mask=mask))
    return keras.Model({"token_ids": token_ids, "mask": mask}, outputs)
