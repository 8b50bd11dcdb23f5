"""Fine-tuning: start from the vocabulary, word vectors and layers of a language model or another rating model.

Dai & Le 2015, "Semi-supervised Sequence Learning": a network that has read many reviews, to guess their next word,
knows much of what a rating needs. On top of it only the head is new; of a rating model not even that.
"""

from __future__ import annotations

from typing import Any

from common.bundles.bundle import Bundle
from common.bundles.file_names import CONFIG_FILE
from common.errors import InputError
from common.networks import layer_names
from common.settings import inherit
from sentiment.config import SentimentConfig

INHERITED = ("architecture", "num_layers", "units", "embedding_dim", "lowercase")


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
    values = {**{name: theirs.get(name) for name in INHERITED}, "word_vectors": "given"}
    if task == "sentiment":
        values |= {
            "directions": one_way if theirs["directions"] == "forward" else theirs["directions"],
            **({"backward_units": theirs["backward_units"]} if theirs.get("backward_units") else {}),
            "pooling": theirs["pooling"],
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


def inherit_weights(model: Any, bundle: Bundle) -> None:
    """Put the weights of another model into the layers of a rating model that have the same names and shapes."""
    for layer in model.layers:
        if layer.weights and layer.name in bundle.layers:
            # A language model's embedding has one more array: the bias of its way back from vectors to words.
            given = bundle.read_layer(layer.name)[: len(layer.weights)]
            if [array.shape for array in given] == [tuple(weight.shape) for weight in layer.weights]:
                layer.set_weights(given)


def layer_rates(config: SentimentConfig, steps_per_epoch: int) -> dict[str, tuple[float, int]]:
    """The share of the learning rate, and the first step, of each layer below the head."""
    names = [*(layer_names.recurrent(number) for number in reversed(range(config.num_layers))), layer_names.EMBEDDING]
    return {
        name: (config.layerwise_lr_decay**-depth, round(depth * config.unfreeze_epochs * steps_per_epoch))
        for depth, name in enumerate(names, 1)
    }
