"""The splitter: a bidirectional LSTM over the characters of a text, with a logit for each label of each character.

character, its case and the gaps around it -> vectors -> convolution -> BiLSTM -> logits (batch, time, labels)

Evang et al. 2013, "Elephant: Sequence Labeling for Word and Sentence Segmentation"; of the same kind: Straka & Strakova
2017, "Tokenizing, POS Tagging, Lemmatizing and Parsing UD 2.0 with UDPipe", section 3.
"""

from __future__ import annotations

import keras

from common.networks import layer_names
from common.networks.lstm import LSTM
from pos_tagging.splitting.config import FILTER_WIDTH, SplitterConfig
from pos_tagging.splitting.encoding import NUM_CONTEXTS
from pos_tagging.splitting.labels import NUM_LABELS


def build_splitter(config: SplitterConfig, num_characters: int) -> keras.Model:
    """Build an uncompiled splitter.

    Args:
        config: the settings.
        num_characters: number of character ids.
    Returns:
        `character_ids` and `context_ids` (batch, time + FILTER_WIDTH - 1), with the neighbours on both sides that the
        convolution sees, and `mask` (batch, time) to logits (batch, time, NUM_LABELS).
    """
    character_ids = keras.Input((None,), dtype="int32", name="character_ids")
    context_ids = keras.Input((None,), dtype="int32", name="context_ids")
    mask = keras.Input((None,), dtype="bool", name="mask")
    vectors = keras.layers.Concatenate(name="vectors")(
        [
            keras.layers.Embedding(num_characters, config.character_dim, name="character_embedding")(character_ids),
            keras.layers.Embedding(NUM_CONTEXTS, config.context_dim, name="context_embedding")(context_ids),
        ]
    )
    convolution = keras.layers.Conv1D(config.filters, FILTER_WIDTH, activation="relu", name="filters")
    features = keras.layers.Dropout(config.dropout, name="features")(convolution(vectors))  # (batch, time, filters)
    layer = keras.layers.Bidirectional(LSTM(config.units, return_sequences=True, name="recurrent"), name="recurrent")
    states = keras.layers.Dropout(config.dropout, name="states")(layer(features, mask=mask))  # (batch, time, 2 * units)
    logits = keras.layers.Dense(NUM_LABELS, name=layer_names.LOGITS, dtype="float32")(states)
    inputs = {"character_ids": character_ids, "context_ids": context_ids, "mask": mask}
    return keras.Model(inputs, logits, name="splitter")
