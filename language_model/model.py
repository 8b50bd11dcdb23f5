"""Language models: the tokens so far and a state in, a score for every possible next token and the next state out.

    token id -> vector -> recurrent layers -> (projection) -> logits = vectors of all tokens . projection + bias
                             ^        |
                   state before      state after

The state goes in and comes out, so the same model reads whole texts in training, goes on where it stopped in scoring,
and takes one step at a time in writing, with any number of texts at once.
"""

from __future__ import annotations

import keras

from common.layers import EmbeddingDropout, TiedEmbedding
from language_model.config import LanguageModelConfig
from language_model.loader import initial_states

RECURRENT_LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple-rnn": keras.layers.SimpleRNN}


def build_model(config: LanguageModelConfig, vocab_size: int) -> keras.Model:
    """Build an uncompiled language model (Mikolov et al. 2010; Zaremba et al. 2014 for where dropout goes).

    Args:
        config: the settings.
        vocab_size: number of token ids.
    Returns:
        `{"token_ids": int32 (batch, time), "mask": bool (batch, time), "state_…": (batch, units)}` to
        `{"logits": (batch, time, vocab_size), "state_…": (batch, units)}`, the states after the last real token.
    """
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")  # (batch, time)
    mask = keras.Input((None,), dtype="bool", name="mask")  # (batch, time)
    states = {name: keras.Input((config.units,), name=name) for name in initial_states(config, 1)}
    if config.tie_embeddings:
        embedding = TiedEmbedding(vocab_size, config.embedding_dim, name="embedding")
    else:
        embedding = keras.layers.Embedding(vocab_size, config.embedding_dim, name="embedding")
    vectors = embedding(token_ids)  # (batch, time, embedding_dim)
    if config.embedding_dropout:
        vectors = EmbeddingDropout(config.embedding_dropout, vocab_size)(vectors, token_ids)
    # The same dimensions dropped at every token of a text: Gal & Ghahramani 2016.
    hidden = keras.layers.SpatialDropout1D(config.input_dropout)(vectors)
    dropout = keras.layers.SpatialDropout1D if config.variational_dropout else keras.layers.Dropout
    outputs = {}
    for number in range(config.num_layers):
        names = [name for name in states if name.startswith(f"state_{number}_")]
        layer = RECURRENT_LAYERS[config.architecture](
            config.units, return_sequences=True, return_state=True, name=f"recurrent_{number}"
        )
        hidden, *after = layer(hidden, initial_state=[states[name] for name in names], mask=mask)
        outputs |= dict(zip(names, after, strict=True))
        rate = config.dropout if number == config.num_layers - 1 else config.hidden_dropout
        hidden = dropout(rate, name=f"dropout_{number}")(hidden)  # (batch, time, units)
    if not config.tie_embeddings:
        logits = keras.layers.Dense(vocab_size, name="to_logits")(hidden)  # (batch, time, vocab_size)
    else:
        if config.units != config.embedding_dim:
            hidden = keras.layers.Dense(config.embedding_dim, name="projection")(hidden)  # (batch, time, embedding_dim)
        logits = embedding(hidden, reverse=True)  # (batch, time, vocab_size)
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
    inputs = {"token_ids": token_ids, "mask": mask, **states}
    return keras.Model(inputs, {"logits": logits, **outputs}, name=f"language_model_{config.architecture}")
