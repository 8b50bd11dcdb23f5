"""Both parts of a wide-and-deep rating model, fitted together before the deep part is trained further.

    1. the encoder of a pretrained model reads the training reviews; a ridge regression on its features and on TF-IDF of
       n-grams gives the weights of both parts, in closed form (`sentiment.ridge`)
    2. the deep part then learns, by gradient, what the wide part leaves over: ratings less the leave-one-out score of
       the wide part, for on reviews that it has seen the wide part is better than it will ever be on new ones

From scratch there are no features yet: the deep part begins at zero, and the model at TF-IDF with ridge regression.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from common.bundles.bundle import Bundle
from common.inference.keras_engine import KerasEngine
from common.networks import layer_names
from common.progress import progress
from common.text.vocabulary import Vocabulary
from sentiment.config import SentimentConfig
from sentiment.loader import make_batches
from sentiment.model import deep_part
from sentiment.ngrams import Ngrams
from sentiment.pretraining import rating_direction
from sentiment.ridge import fit_ridge, fit_spread, term_matrix


def fit_both_parts(
    network: keras.Model,
    token_lists: Sequence[Sequence[str]],
    ratings: np.ndarray,
    vocabulary: Vocabulary,
    ngrams: Ngrams,
    config: SentimentConfig,
    origin: Bundle | None,
) -> np.ndarray:
    """Give a network the weights of both parts, in closed form; returns what is left for the deep part to learn.

    Args:
        network: of `build_model`, its encoder that of `origin`.
        token_lists: the tokens of each training review.
        ratings: float32 (reviews, 1).
        vocabulary: of the network.
        ngrams: of the wide part.
        config: the settings.
        origin: the pretrained model; None: the encoder has learned nothing yet.
    Returns:
        Targets of the deep part, scores float32 (reviews, 1).
    """
    middle, half = (config.max_rating + config.min_rating) / 2, (config.max_rating - config.min_rating) / 2
    scores = (ratings[:, 0].astype(np.float64) - middle) / half
    features, direction = None, None
    if origin:
        features = encode(deep_part(network, layer_names.FEATURES), token_lists, vocabulary, config)
        direction = rating_direction(origin)
        if direction is not None and len(direction) != features.shape[1]:
            direction = None  # a direction of reading was added: its features are new
    fit = fit_ridge(features, term_matrix(ngrams, token_lists), scores, config.seed, direction)
    deep = fit.deep if origin else np.zeros(network.get_layer(layer_names.SCORE).kernel.shape[0])
    network.get_layer(layer_names.SCORE).set_weights([deep[:, None], np.array([fit.bias])])
    network.get_layer(layer_names.WIDE).set_weights([fit.wide])
    network.get_layer(layer_names.SPREAD).set_weights([fit_spread(scores, fit.held_out)])
    return (scores - fit.wide_held_out)[:, None].astype(np.float32)


def encode(
    encoder: keras.Model, token_lists: Sequence[Sequence[str]], vocabulary: Vocabulary, config: SentimentConfig
) -> np.ndarray:
    """What an encoder makes of texts, float32 (texts, features)."""
    batches = make_batches(token_lists, None, vocabulary, config, shuffle=False)
    found = KerasEngine(encoder).answers(inputs for inputs, _, _ in batches)
    features = np.zeros((len(token_lists), encoder.output.shape[-1]), np.float32)
    for indices, rows in progress(zip(batches.indices, found, strict=True), "Reading", len(batches)):
        features[indices] = rows
    return features
