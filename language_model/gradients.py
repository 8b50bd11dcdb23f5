"""The network of a language model cut at its word vectors, for gradients of the log-probability of an ending."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import tensorflow as tf

from common.networks import layer_names
from interpretability.cut_model import CutModel


@lru_cache(maxsize=2)  # compiled once for all texts
def cut(network: Any, architecture: str) -> CutModel:
    """Cut the network of a model at the word vectors that its first layer reads."""
    reader = network.get_layer("window" if architecture == "fixed-window" else layer_names.recurrent(0))
    embedding = network.get_layer(layer_names.EMBEDDING)
    names = [layer.name for layer in network.layers]

    def to_logits(hidden: Any) -> Any:
        if "hidden" not in network.output:  # of an old bundle: they are logits already
            return hidden
        if layer_names.TO_LOGITS in names:
            return network.get_layer(layer_names.TO_LOGITS)(hidden)
        return embedding(hidden, reverse=True)

    def read(hidden: Any, place: Any) -> Any:
        """The log-probability of the ending, (batch,); `place` is its first step, then its ids."""
        steps = hidden[:, place[0] : place[0] + tf.size(place) - 1]  # (batch, ending, features)
        nats = tf.nn.log_softmax(to_logits(steps))  # (batch, ending, vocab_size)
        return tf.reduce_sum(nats * tf.one_hot(place[1:], nats.shape[-1]), [1, 2])

    answer = network.output.get("hidden", network.output["logits"])
    return CutModel(network, reader.input[0], answer, read)
