"""A small language model with random weights, for the tests of what is done with one."""

from __future__ import annotations

import numpy as np

from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from language_model.config import LanguageModelConfig
from language_model.model import build_model
from language_model.predict import LanguageModel

VOCABULARY = Vocabulary(["the", "king", "went", "home", "."])


def build_reader(vocabulary=VOCABULARY, seed=0, scale=0.5, **settings):
    """A language model of the vocabulary; biases are random too, so that each weight counts."""
    config = LanguageModelConfig(**{"units": 6, "embedding_dim": 7, "batch_size": 3, **settings})
    model = build_model(config, len(vocabulary))
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, scale, weight.shape) for weight in model.get_weights()])
    return LanguageModel(KerasEngine(model), vocabulary, config)


def prefer(model, token_id, nats):
    """Make a token so many nats likelier at every place of a tied model."""
    bias = model.network.model.get_layer("embedding").bias
    bias.assign(np.array(bias) + nats * (np.arange(bias.shape[0]) == token_id))
    return model
