"""Taggers: recurrent networks over words and their characters, with a logit for each tag of each word.

word id  -----------> word vector ---------------------------+
given vector, shape, beginnings and endings -> vectors ------+-> recurrent layers -> logits (batch, time, tags)
characters ----------> vectors -> convolutions, or an LSTM --+

previous-tag: a forward GRU over the same word vectors and the embedding of the previous tag.
crf: on the logits, transition scores of a linear-chain CRF; see `pos_tagging.crf`.
"""

from __future__ import annotations

import keras
import numpy as np

from common.networks import layer_names
from common.networks.layers import ChainScores, TakeRows
from common.networks.lstm import LSTM
from pos_tagging.config import FILTER_WIDTHS, TaggingConfig
from pos_tagging.lexicon import NUM_AFFIXES, WORD_LENGTH

RECURRENT_LAYERS = {"lstm": LSTM, "gru": keras.layers.GRU, "simple-rnn": keras.layers.SimpleRNN}


def build_model(
    config: TaggingConfig,
    vocab_size: int,
    num_characters: int,
    num_tags: int,
    num_shapes: int = 0,
    num_affixes: int = 0,
    num_vectors: int = 0,
    vector_dim: int = 0,
) -> keras.Model:
    """Build an uncompiled tagger.

    Args:
        config: the settings.
        vocab_size: number of word ids.
        num_characters: number of character ids.
        num_tags: number of tags.
        num_shapes: number of ids of shapes; 0 for none.
        num_affixes: number of ids of beginnings and endings; 0 for none.
        num_vectors: number of ids of words whose vectors are given, by `give_vectors`; or 0.
        vector_dim: size of these vectors.
    Returns:
        The inputs of `pos_tagging.loader.make_batches` to logits (batch, time, tags); with the head `crf` to
        `{"scores": (batch, time, tag before, tag)}`; with `previous-tag` to `{"logits": …, "state": (batch, units)}`,
        the state after the last word.
    """
    inputs = {
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),  # (batch, time)
        "spellings": keras.Input((WORD_LENGTH,), dtype="int32", name="spellings"),  # (distinct words, characters)
        "spelling_ids": keras.Input((None,), dtype="int32", name="spelling_ids"),  # (batch, time)
        "mask": keras.Input((None,), dtype="bool", name="mask"),  # (batch, time)
    }
    parts = [keras.layers.Embedding(vocab_size, config.embedding_dim, name="embedding")(inputs["token_ids"])]
    if num_vectors:
        parts.append(_given_vectors(inputs, num_vectors, vector_dim))
    if num_shapes:
        parts.append(_shape_vectors(inputs, num_shapes, config))
    if num_affixes:
        parts.append(_affix_vectors(inputs, num_affixes, config))
    if config.character_dim:
        parts.append(_spelling_vectors(inputs["spellings"], inputs["spelling_ids"], config, num_characters))
    words = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]  # (batch, time, features)
    to_logits = keras.layers.Dense(num_tags, name=layer_names.LOGITS, dtype="float32")
    if config.architecture == "previous-tag":
        states, state = _tag_feedback(words, inputs, config, num_tags)
        return keras.Model(inputs, {"logits": to_logits(states), "state": state}, name="tagger_previous_tag")
    answer = to_logits(_recurrent_states(words, inputs["mask"], config))
    if config.head == "crf":
        answer = {"scores": ChainScores(num_tags, name=layer_names.SCORES, dtype="float32")(answer)}
    return keras.Model(inputs, answer, name=f"tagger_{config.architecture}")


def _given_vectors(inputs: dict[str, keras.KerasTensor], num_vectors: int, vector_dim: int) -> keras.KerasTensor:
    """Frozen word vectors, quantized to int8; (batch, time, features)."""
    inputs["vector_ids"] = keras.Input((None,), dtype="int32", name="vector_ids")  # (batch, time)
    in_8_bits = keras.dtype_policies.QuantizedDTypePolicy("int8", "float32")
    given = keras.layers.Embedding(num_vectors, vector_dim, trainable=False, dtype=in_8_bits, name="given_vectors")
    return given(inputs["vector_ids"])


def _shape_vectors(inputs: dict[str, keras.KerasTensor], num_shapes: int, config: TaggingConfig) -> keras.KerasTensor:
    """The vector of each word's shape; (batch, time, features)."""
    inputs["shape_ids"] = keras.Input((None,), dtype="int32", name="shape_ids")  # (batch, time)
    return keras.layers.Embedding(num_shapes, config.shape_dim, name="shape_embedding")(inputs["shape_ids"])


def _affix_vectors(inputs: dict[str, keras.KerasTensor], num_affixes: int, config: TaggingConfig) -> keras.KerasTensor:
    """The vectors of each word's prefixes and suffixes, side by side; (batch, time, features)."""
    inputs["affix_ids"] = keras.Input((None, NUM_AFFIXES), dtype="int32", name="affix_ids")  # (batch, time, affixes)
    affixes = keras.layers.Embedding(num_affixes, config.affix_dim, name="affix_embedding")(inputs["affix_ids"])
    return keras.layers.Reshape((-1, NUM_AFFIXES * config.affix_dim))(affixes)


def _recurrent_states(words: keras.KerasTensor, mask: keras.KerasTensor, config: TaggingConfig) -> keras.KerasTensor:
    """Stacked recurrent layers, with dropout before and after each; (batch, time, units or 2 * units)."""
    states = words
    for number in range(config.num_layers):
        states = keras.layers.Dropout(config.dropout)(states)
        name = f"recurrent_{number}"
        layer = RECURRENT_LAYERS[config.architecture](config.units, return_sequences=True, name=name)
        if config.directions == "both":
            layer = keras.layers.Bidirectional(layer, name=name)
        states = layer(states, mask=mask)
    return keras.layers.Dropout(config.dropout)(states)


def give_vectors(model: keras.Model, vectors: np.ndarray) -> None:
    """Set the frozen word vectors: quantized to int8 with a scale for each word, a quarter of the size.

    Args:
        model: of `build_model`.
        vectors: float32 (num_vectors, vector_dim).
    """
    rows, scales = keras.quantizers.abs_max_quantize(vectors, axis=-1, to_numpy=True)
    model.get_layer(layer_names.GIVEN_VECTORS).set_weights([rows, scales[:, 0]])


def _spelling_vectors(
    spellings: keras.KerasTensor, spelling_ids: keras.KerasTensor, config: TaggingConfig, num_characters: int
) -> keras.KerasTensor:
    """Character-level word vectors, for unknown words above all: -ing, un-, capitals, digits.

    A batch has the same words again and again; the vector of each is computed once.
    """
    letters = keras.layers.Embedding(num_characters, config.character_dim, name=layer_names.CHARACTER_EMBEDDING)(
        spellings
    )
    read = _read_letters if config.character_network == "lstm" else _fit_letters
    return TakeRows(name="spelled_words")(read(letters, config), spelling_ids)  # (batch, time, features)


def _read_letters(letters: keras.KerasTensor, config: TaggingConfig) -> keras.KerasTensor:
    """Bidirectional LSTM over the characters of a word; padding is one more character to it.

    Ling et al. 2015, "Finding Function in Form: Compositional Character Models for Open Vocabulary Word
    Representation".
    """
    return keras.layers.Bidirectional(LSTM(config.character_units, name="letters"), name="letters")(letters)


def _fit_letters(letters: keras.KerasTensor, config: TaggingConfig) -> keras.KerasTensor:
    """Convolution over the characters of a word, and max pooling: each filter gives its best match.

    dos Santos & Zadrozny 2014, "Learning Character-level Representations for Part-of-Speech Tagging".
    """
    best = []  # letters: (words, characters, features)
    for width in FILTER_WIDTHS:
        filters = keras.layers.Conv1D(
            config.character_filters, width, padding="same", activation="relu", name=f"filters_of_{width}"
        )
        best.append(keras.layers.GlobalMaxPooling1D()(filters(letters)))  # (words, filters)
    return keras.layers.Concatenate()(best)


def _tag_feedback(
    words: keras.KerasTensor, inputs: dict[str, keras.KerasTensor], config: TaggingConfig, num_tags: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """GRU whose input is the previous tag too: the predicted one, in training the true one (teacher forcing)."""
    inputs["previous_tags"] = keras.Input((None,), dtype="int32", name="previous_tags")  # (batch, time)
    inputs["state"] = keras.Input((config.units,), name="state")
    previous = keras.layers.Embedding(num_tags + 1, config.tag_dim, name="tag_embedding")(inputs["previous_tags"])
    features = keras.layers.Dropout(config.dropout)(keras.layers.Concatenate()([words, previous]))
    layer = keras.layers.GRU(config.units, return_sequences=True, return_state=True, name="recurrent_0")
    states, state = layer(features, initial_state=inputs["state"], mask=inputs["mask"])
    return keras.layers.Dropout(config.dropout)(states), state
