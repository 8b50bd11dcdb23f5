"""Fine-tuning: start from the vocabulary, word vectors and layers of a language model or another rating model.

Dai & Le 2015, "Semi-supervised Sequence Learning": a network that has read many reviews, to guess their next word,
knows much of what a rating needs. On top of it only the head is new; of a rating model not even that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import CONFIG_FILE, VOCABULARY_FILE
from common.bundles.pretrained import find_bundle, pretrained_folder, pretrained_names
from common.errors import InputError
from common.networks import layer_names
from common.progress import say
from common.settings import inherit
from common.text.vocabulary import Vocabulary
from common.text.word_vectors import induced_vectors
from sentiment.agreement import read_settings
from sentiment.config import DEFAULT_NAME, TASK, SentimentConfig
from sentiment.loader import rating_levels

INHERITED = ("architecture", "num_layers", "units", "embedding_dim", "lowercase")
READING = ("language", "normalization")
REGULARIZATION = ("dropout", "word_vector_dropout", "word_dropout", "direction_dropout", "tbptt_length")
MIN_KNOWN = 0.8  # of the words of the reviews: below, they are in another language, or of another kind


def inherit_reading(config: SentimentConfig, start: str | Path | None) -> SentimentConfig:
    """Read the reviews as the model that `--start` names reads texts: the language, the steps of normalization.

    Raises:
        InputError: `--start` names no bundle, or the run has another language.
    """
    if start is None or str(start) in ("auto", "scratch"):
        return config
    theirs, defaults = open_bundle(find_bundle(TASK, start)).read_json(CONFIG_FILE), vars(SentimentConfig())
    return inherit(config, {name: theirs.get(name, defaults[name]) for name in READING}, "model")


def choose_start(
    token_lists: Sequence[Sequence[str]], config: SentimentConfig, inputs: Mapping[str, Any]
) -> Bundle | None:
    """What a run starts from, said in one line; None: from scratch.

    Args:
        token_lists: the training reviews.
        config: the settings of the run.
        inputs: what it reads, by option.
    Raises:
        InputError: `--start` names no bundle.
    """
    start = str(inputs["start"])
    if start == "scratch":
        return None
    if start != "auto":
        return open_bundle(find_bundle(TASK, start))
    if DEFAULT_NAME not in pretrained_names(TASK):
        say(f"Start: from scratch, for the pretrained model {DEFAULT_NAME} is not installed")
        return None
    origin = open_bundle(pretrained_folder(TASK, DEFAULT_NAME), TASK)
    if reason := find_obstacle(origin, token_lists, config, inputs):
        say(f"Start: from scratch, for {reason}")
        return None
    say(f"Start: the pretrained model {DEFAULT_NAME} is fine-tuned; --start scratch would begin from nothing")
    return origin


def find_obstacle(
    origin: Bundle, token_lists: Sequence[Sequence[str]], config: SentimentConfig, inputs: Mapping[str, Any]
) -> str | None:
    """Why the pretrained model is not the place to start from; None: it is."""
    if inputs["teachers"] or inputs["word_vectors_from"]:
        return f"--{'teachers' if inputs['teachers'] else 'word-vectors-from'} is given"
    try:
        inherit_settings(config, origin)
    except InputError as error:
        return str(error).replace("; leave it out", "")
    vocabulary = origin.read_vocabulary(VOCABULARY_FILE)
    words = [token for tokens in token_lists[:2000] for token in tokens if token.isalpha()]
    known = np.mean([token in vocabulary for token in words]) if words else 0.0
    return None if known >= MIN_KNOWN else f"the pretrained model knows {known:.0%} of the words"


def rating_direction(origin: Bundle) -> np.ndarray | None:
    """The weights of the features that raise the rating of a rating model (features,); None of a language model."""
    if origin.manifest["task"] != TASK:
        return None
    if layer_names.SCORE in origin.layers:
        return origin.read_layer(layer_names.SCORE)[0][:, 0]
    levels = rating_levels(read_settings(origin))
    return origin.read_layer(layer_names.LOGITS)[0] @ (levels - levels.mean())


def inherit_settings(config: SentimentConfig, bundle: Bundle) -> SentimentConfig:
    """Take the settings of the encoder from the model that a run starts from.

    Args:
        config: the settings of the run.
        bundle: of a language model over words with recurrent layers, or of a rating model.
    Raises:
        InputError: it is another kind of model, or the run has settings that do not fit it.
    """
    theirs, task = SentimentConfig.upgrade(bundle.read_json(CONFIG_FILE)), bundle.manifest["task"]
    one_way = "asymmetric" if config.directions == "asymmetric" else "forward"  # a backward direction may be added
    defaults = vars(SentimentConfig())
    values = {**{name: theirs.get(name) for name in INHERITED}, "word_vectors": "given"}
    values |= {name: theirs.get(name, defaults[name]) for name in READING}
    if task == "sentiment":
        values |= {
            "directions": one_way if theirs["directions"] == "forward" else theirs["directions"],
            **({"backward_units": theirs["backward_units"]} if theirs.get("backward_units") else {}),
            "pooling": theirs["pooling"],
            **{
                name: theirs[name]
                for name in REGULARIZATION
                if name in theirs and getattr(config, name) == defaults[name]  # older bundles have not all of them
            },
        }
        return inherit(config, values, "model")
    if task != "language_model":
        raise InputError(f"{bundle.path}: a bundle for {task}; wanted one of a language model or a rating model")
    level, architecture = theirs.get("level"), theirs.get("architecture")
    if level not in ("word", "spaced") or architecture == "fixed-window":
        raise InputError(
            f"{bundle.path}: a {architecture} network that reads {level}s; wanted recurrent layers that read words"
        )
    # Its texts may have been reversed, which only whoever made it knows.
    direction = "backward" if config.directions == "backward" else one_way
    return inherit(config, {**values, "directions": direction}, "language model")


def inherit_vocabulary(bundle: Bundle, token_lists: Sequence[Sequence[str]], config: SentimentConfig) -> Vocabulary:
    """The vocabulary of another model, and behind it the most frequent `new_words` of the training texts."""
    known = bundle.read_vocabulary(VOCABULARY_FILE)
    if not config.new_words:
        return known
    found = Vocabulary.build(token_lists, min_count=config.min_count, lowercase=known.lowercase)
    vocabulary = known.extended(found, config.new_words)
    say(f"Vocabulary: {len(vocabulary) - len(known):,} new words beside the {len(known):,} of the pretrained model")
    return vocabulary


def inherit_weights(model: Any, bundle: Bundle, token_ids: Sequence[Sequence[int]] = ()) -> None:
    """Put the weights of another model into the layers of a rating model that have the same names and shapes.

    Args:
        model: the network; its vocabulary begins with that of the other model.
        bundle: of the other model.
        token_ids: the training texts, from which the vectors of words come that the other model lacks.
    """
    for layer in model.layers:
        if layer.weights and layer.name in bundle.layers:
            # A language model's embedding has one more array: the bias of its way back from vectors to words.
            given = bundle.read_layer(layer.name)[: len(layer.weights)]
            if layer.name == layer_names.EMBEDDING and len(given[0]) < (size := layer.weights[0].shape[0]):
                given[0] = np.concatenate([given[0], induced_vectors(token_ids, given[0], size)])
            if [array.shape for array in given] == [tuple(weight.shape) for weight in layer.weights]:
                layer.set_weights(given)


def layer_rates(config: SentimentConfig, steps_per_epoch: int) -> dict[str, tuple[float, int]]:
    """The share of the learning rate, and the first step, of each layer below the head."""
    names = [*(layer_names.recurrent(number) for number in reversed(range(config.num_layers))), layer_names.EMBEDDING]
    return {
        name: (config.layerwise_lr_decay**-depth, round(depth * config.unfreeze_epochs * steps_per_epoch))
        for depth, name in enumerate(names, 1)
    }
