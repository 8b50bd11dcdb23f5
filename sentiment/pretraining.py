"""Start from a language model: its vocabulary, its word vectors and its recurrent layers.

Dai & Le 2015, "Semi-supervised Sequence Learning": a network that has read many reviews, to guess their next word,
knows much of what a rating needs. On top of it only the head is new.
"""

from __future__ import annotations

from typing import Any

from common.errors import InputError
from common.persistence import CONFIG_FILE, Bundle
from common.settings import inherit
from sentiment.config import SentimentConfig

INHERITED = ("architecture", "num_layers", "units", "embedding_dim", "lowercase")


def inherit_settings(config: SentimentConfig, bundle: Bundle) -> SentimentConfig:
    """Take the settings of the encoder from a language model.

    Args:
        config: the settings of the run.
        bundle: of a language model over words with recurrent layers.
    Raises:
        InputError: it is another kind of model, or the run has settings that do not fit it.
    """
    theirs = bundle.read_json(CONFIG_FILE)
    level, architecture = theirs.get("level"), theirs.get("architecture")
    if level != "word" or architecture == "fixed-window":
        raise InputError(
            f"{bundle.path}: a {architecture} network that reads {level}s; wanted recurrent layers that read words"
        )
    values = {**{name: theirs[name] for name in INHERITED}, "bidirectional": False, "word_vectors": "given"}
    return inherit(config, values, "language model")


def inherit_weights(model: Any, config: SentimentConfig, bundle: Bundle) -> None:
    """Put the weights of a language model into the encoder of a rating model."""
    model.get_layer("embedding").set_weights(bundle.read_layer("embedding")[:1])  # [1] is the bias of the way back
    for number in range(config.num_layers):
        model.get_layer(f"recurrent_{number}").set_weights(bundle.read_layer(f"recurrent_{number}"))


def layer_rates(config: SentimentConfig, steps_per_epoch: int) -> dict[str, tuple[float, int]]:
    """The share of the learning rate, and the first step, of each layer below the head; see `common.layer_rates`."""
    names = [*(f"recurrent_{number}" for number in reversed(range(config.num_layers))), "embedding"]
    return {
        name: (config.layer_rate_decay**-depth, round(depth * config.unfreeze_epochs * steps_per_epoch))
        for depth, name in enumerate(names, 1)
    }
