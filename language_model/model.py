"""Recurrent language models: tokens and a state in, logits of the next token and the next state out.

    token id -> vector -> recurrent layers -> (projection) -> logits = vectors of all tokens . projection + bias
                             ^        |
                   state before      state after

The state is input and output, so the same model reads whole texts in training, goes on where it stopped in scoring,
and takes one step at a time in text generation, with any number of texts at once.
"""

from __future__ import annotations

import keras

from common.networks import layer_names
from common.networks.layers import EmbeddingDropout, SlidingWindow, TiedEmbedding
from common.networks.lstm import LSTM
from language_model.config import LanguageModelConfig
from language_model.loader import state_sizes

RECURRENT_LAYERS = {"lstm": LSTM, "gru": keras.layers.GRU, "simple-rnn": keras.layers.SimpleRNN}


def build_model(config: LanguageModelConfig, vocab_size: int) -> keras.Model:
    """Build an uncompiled language model (Mikolov et al. 2010; Zaremba et al. 2014 for where dropout goes).

    With `fixed-window` the "state" is the vectors of the last tokens and nothing else (Bengio et al. 2003, "A Neural
    Probabilistic Language Model").

    Args:
        config: the settings.
        vocab_size: number of token ids.
    Returns:
        `{"token_ids": int32 (batch, time), "mask": bool (batch, time), "state_…": (batch, size)}` to
        `{"logits": (batch, time, vocab_size), "hidden": (batch, time, features), "state_…": (batch, size)}`: the
        features from which the logits are made, and the states after the last real token.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")  # (batch, time)
    mask = keras.Input((None,), dtype="bool", name="mask")  # (batch, time)
    states = {name: keras.Input((size,), name=name) for name, size in state_sizes(config).items()}
    if config.tie_embeddings:
        embedding = TiedEmbedding(vocab_size, config.embedding_dim, name=layer_names.EMBEDDING)
    else:
        embedding = keras.layers.Embedding(vocab_size, config.embedding_dim, name=layer_names.EMBEDDING)
    hidden = embedding(token_ids)  # (batch, time, embedding_dim)
    if config.embedding_dropout:
        hidden = EmbeddingDropout(config.embedding_dropout, vocab_size)(hidden, token_ids)
    # The same dimensions dropped at every token of a text: Gal & Ghahramani 2016.
    hidden = keras.layers.SpatialDropout1D(config.input_dropout)(hidden)
    hidden, after = _read(hidden, states, mask, config)  # (batch, time, units)
    if not config.tie_embeddings:
        logits = keras.layers.Dense(vocab_size, name=layer_names.TO_LOGITS)(hidden)  # (batch, time, vocab_size)
    else:
        if config.units != config.embedding_dim:
            hidden = keras.layers.Dense(config.embedding_dim, name=layer_names.PROJECTION)(
                hidden
            )  # (batch, time, embedding_dim)
        logits = embedding(hidden, reverse=True)  # (batch, time, vocab_size)
    answers = {
        "logits": keras.layers.Activation("linear", dtype="float32", name=layer_names.LOGITS)(logits),
        "hidden": keras.layers.Activation("linear", dtype="float32", name="hidden")(hidden),
    }
    inputs = {"token_ids": token_ids, "mask": mask, **states}
    return keras.Model(inputs, answers | after, name=f"language_model_{config.architecture.replace('-', '_')}")


def _read(
    vectors: keras.KerasTensor,
    states: dict[str, keras.KerasTensor],
    mask: keras.KerasTensor,
    config: LanguageModelConfig,
) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Stack the hidden layers; returns the last one's output, and the states after the last token."""
    hidden, after = vectors, {}
    if config.architecture == "fixed-window":
        hidden, after["state_window"] = SlidingWindow(config.window, name="window")(
            vectors, states["state_window"], mask=mask
        )
    dropout = keras.layers.SpatialDropout1D if config.variational_dropout else keras.layers.Dropout
    for number in range(config.num_layers):
        if config.architecture == "fixed-window":
            hidden = keras.layers.Dense(config.units, "tanh", name=f"hidden_{number}")(hidden)
        else:
            names = [name for name in states if name.startswith(f"state_{number}_")]
            layer = RECURRENT_LAYERS[config.architecture](
                config.units, return_sequences=True, return_state=True, name=layer_names.recurrent(number)
            )
            hidden, *new = layer(hidden, initial_state=[states[name] for name in names], mask=mask)
            after |= dict(zip(names, new, strict=True))
        rate = config.dropout if number == config.num_layers - 1 else config.hidden_dropout
        hidden = dropout(rate, name=layer_names.dropout(number))(hidden)  # (batch, time, units)
    return hidden, after
