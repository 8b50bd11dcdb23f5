"""True-casing of a vocabulary: give a lower-case language model the capitals that its texts have.

    vocabulary   the most frequent words as they are written: `The`, `the`, `THE`
    vectors      each that of its lower-case form; of a word that the model lacks, that of <unk>
    biases       the probability of the lower-case form, shared out among its written forms by their counts

So at the first step the network predicts what the old one does, and which case a word has by frequency alone; that the
first word of a sentence has a capital is learned in a few hundred steps.
"""

from __future__ import annotations

from common.inference.keras_start import start_keras

start_keras()  # quietly, before anything imports Keras

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from common.bundles.bundle import Bundle, open_bundle, save_bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.bundles.model_card import make_card
from common.networks import layer_names
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from language_model.config import TASK, LanguageModelConfig
from language_model.loader import load_texts, split_tokens, split_validation
from language_model.model import build_model
from language_model.pretraining import count_ids


def add_capitals(origin: Path, data: Path, max_vocab_size: int, output_dir: Path) -> None:
    """Write the bundle of a lower-case language model with tied embeddings, its words with capitals.

    Args:
        origin: its bundle.
        data: the texts that it learned from.
        max_vocab_size: size of the new vocabulary, at most, special tokens included.
        output_dir: the bundle to write; it has no scores, for it is where training starts.
    """
    bundle = open_bundle(origin, TASK)
    config = replace(bundle.read_config(LanguageModelConfig), lowercase=False, max_vocab_size=max_vocab_size)
    texts, _ = split_validation(load_texts(data, config), config)
    token_lists = split_tokens(texts, config)
    vocabulary = Vocabulary.build(token_lists, max_vocab_size, config.min_count)
    network = build_model(config, len(vocabulary))
    written_as(network, bundle, vocabulary, count_ids(token_lists, vocabulary))
    facts = {**bundle.facts, "title": f"Language model: {output_dir.name}"}

    def save_extras(folder: Path) -> None:
        vocabulary.save(folder / VOCABULARY_FILE)

    save_bundle(output_dir, network, config, {}, facts, make_card(facts, config, {}, ()), save_extras)


def written_as(network: keras.Model, origin: Bundle, vocabulary: Vocabulary, counts: np.ndarray) -> None:
    """Give a network the weights of a lower-case one, its embedding those of the lower-case forms.

    Args:
        network: of `build_model`, for the new vocabulary.
        origin: the bundle of the lower-case model.
        vocabulary: the words as they are written.
        counts: how often each is in the texts, int (vocab_size,).
    """
    special, words = range(len(SPECIAL_TOKENS)), vocabulary.tokens[len(SPECIAL_TOKENS) :]
    sources = np.array([*special, *origin.read_vocabulary(VOCABULARY_FILE).encode(words)])  # (vocab_size,)
    for layer in network.layers:
        if layer.name == layer_names.EMBEDDING:
            vectors, bias = origin.read_layer(layer.name)
            layer.set_weights([vectors[sources], bias[sources] + log_shares(sources, counts)])
        elif layer.weights:
            layer.set_weights(origin.read_layer(layer.name))


def log_shares(sources: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The logarithm of each word's share among those that come from the same one, by their counts plus one.

    >>> np.exp(log_shares(np.array([0, 1, 1]), np.array([7, 2, 0]))).round(3)
    array([1.  , 0.75, 0.25])
    """
    counts = counts + 1
    totals = np.bincount(sources, weights=counts)
    return (np.log(counts) - np.log(totals[sources])).astype(np.float32)
