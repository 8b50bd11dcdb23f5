"""The networks that the benchmarks run: the project's own, with weights of no meaning, and inputs without padding.

Keras is spared the masks in its recurrent layers, as PyTorch is spared the packing of its rows: every row is full, so
neither is needed, and Keras would spend up to a third of its time on them. ONNX Runtime runs the project's graph as it
is, which is told the length of every row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from common.bundles.bundle import open_network, save_weights
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.inference.engine import OnnxEngine
from common.networks.lstm import LSTM
from common.text.vocabulary import UNK_ID
from language_model.config import LanguageModelConfig
from language_model.loader import initial_states
from language_model.model import build_model as build_language_model
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import WORD_LENGTH
from pos_tagging.model import build_model as build_tagger
from sentiment.config import SentimentConfig
from sentiment.model import build_model as build_rating_model

Batch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]
NO_DROPOUT: dict[str, Any] = {"dropout": 0.0}


@dataclass(frozen=True)
class Network:
    """A network to measure.

    Args:
        name: in tables and in JSON.
        model: the project's Keras model.
        num_steps: tokens of a row that one call reads.
        make_inputs: a batch size to the model's named inputs.
    """

    name: str
    model: keras.Model
    num_steps: int
    make_inputs: Callable[[int], dict[str, np.ndarray]]


def tagger(
    embedding_dim: int = 128, units: int = 200, num_tags: int = 17, vocab_size: int = 10_000, num_steps: int = 40
) -> Network:
    """A bidirectional LSTM over words alone."""
    config = TaggingConfig(embedding_dim=embedding_dim, units=units, num_layers=1, character_dim=0, **NO_DROPOUT)
    model = build_tagger(config, vocab_size, num_characters=1, num_tags=num_tags)

    def make_inputs(batch_size: int) -> dict[str, np.ndarray]:
        # Spellings are an input, but without `character_dim` unread.
        unread = {"spellings": (1, WORD_LENGTH), "spelling_ids": (batch_size, num_steps)}
        rows = {name: np.zeros(shape, np.int32) for name, shape in unread.items()}
        return {**full_rows(batch_size, num_steps, vocab_size), **rows}

    return Network("tagger", _with_random_weights(model), num_steps, make_inputs)


def language_model(
    architecture: str = "gru",
    embedding_dim: int = 300,
    units: int = 500,
    num_layers: int = 2,
    vocab_size: int = 10_000,
    num_steps: int = 1,
) -> Network:
    """A language model over words whose state goes in and comes out; by default it reads a token at a time."""
    config = LanguageModelConfig(
        architecture=architecture,
        num_layers=num_layers,
        units=units,
        embedding_dim=embedding_dim,
        tie_embeddings=False,
        input_dropout=0.0,
        hidden_dropout=0.0,
        **NO_DROPOUT,
    )

    def make_inputs(batch_size: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(batch_size)
        states = {
            name: rng.uniform(-1, 1, zeros.shape).astype(np.float32)
            for name, zeros in initial_states(config, batch_size).items()
        }
        return {**full_rows(batch_size, num_steps, vocab_size), **states}

    return Network(
        "language model", _with_random_weights(build_language_model(config, vocab_size)), num_steps, make_inputs
    )


def rating_model(
    embedding_dim: int = 100,
    units: int = 96,
    directions: str = "both",
    pooling: str = "mean-max",
    vocab_size: int = 10_000,
    num_steps: int = 200,
) -> Network:
    """An LSTM, pooled, to one number."""
    config = SentimentConfig(
        embedding_dim=embedding_dim,
        units=units,
        directions=directions,
        pooling=pooling,
        head="regression",
        ngrams=0,
        min_rating=1.0,
        max_rating=10.0,
        word_vector_dropout=0.0,
        **NO_DROPOUT,
    )
    model = build_rating_model(config, vocab_size)
    model = _with_random_weights(keras.Model(model.input, model.output["rating"]))
    return Network("rating model", model, num_steps, lambda batch_size: full_rows(batch_size, num_steps, vocab_size))


def full_rows(batch_size: int, num_steps: int, vocab_size: int) -> dict[str, np.ndarray]:
    """Make random words without padding: token_ids int32 and mask bool, (batch, time)."""
    token_ids = np.random.default_rng(batch_size).integers(UNK_ID, vocab_size, (batch_size, num_steps), np.int32)
    return {"token_ids": token_ids, "mask": np.ones((batch_size, num_steps), bool)}


def _with_random_weights(model: keras.Model) -> keras.Model:
    """Make all weights random; Keras starts with biases of zero, and two that changed places would not show."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    return model


def without_masks(model: keras.Model) -> keras.Model:
    """Give the same layers, with the same weights, where no recurrent layer is told a mask."""

    def call(layer: Any, *arguments: Any, **named: Any) -> Any:
        if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
            named.pop("mask", None)
        return layer(*arguments, **named)

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


def with_keras_lstm(model: keras.Model) -> keras.Model:
    """Give the same network, with the same weights, whose LSTMs are Keras' own."""

    def clone(layer: Any) -> Any:
        if isinstance(layer, LSTM):
            return keras.layers.LSTM.from_config(layer.get_config())
        if isinstance(layer, keras.layers.Bidirectional):
            return keras.layers.Bidirectional(clone(layer.forward_layer), name=layer.name)
        return layer

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def onnx_engine(model: keras.Model, folder: Path, num_threads: int) -> OnnxEngine:
    """Write a model as a bundle has it, and open it in ONNX Runtime."""
    (folder / MODEL_FILE).write_text(model.to_json(), encoding="utf-8")
    save_weights(model, folder / WEIGHTS_FILE)
    return OnnxEngine(open_network(folder), num_threads)
