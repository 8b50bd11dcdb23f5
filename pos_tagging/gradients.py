"""The network of a tagger cut at its word vectors, or at those of letters, for gradients of a tag's log-probability."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from keras import ops

from common.networks import layer_names
from interpretability.cut_model import CutModel
from pos_tagging.training_model import chain_nats

FAR = 100.0  # nats that make a tag impossible; far more would cost float32 the digits of what is possible


@lru_cache(maxsize=4)  # compiled once for all texts
def cut(network: Any, letters: bool) -> CutModel:
    """Cut the network of a tagger at the word vectors that its first recurrent layer reads, or at those of letters."""

    def read(answer: Any, place: Any) -> Any:
        """The log-probability of a tag, (batch,); `place` is the index of the word and that of the tag."""
        if not isinstance(answer, dict):
            return ops.take(ops.log_softmax(answer[:, place[0]]), place[1], axis=1)
        scores = answer["scores"]  # (batch, time, tag before, tag)
        real = ops.ones(ops.shape(scores)[:2], "bool")
        here = ops.cast(ops.arange(ops.shape(scores)[1]) == place[0], "int32")  # (time,)
        tags = ops.cast(real, "int32") * here * place[1]  # any path through the tag
        others = here[:, None] * ops.cast(ops.arange(scores.shape[-1]) != place[1], "int32")  # (time, tag)
        through = scores - FAR * ops.cast(others, scores.dtype)[None, :, None, :]
        # log of the sum over all paths through the tag, less that over all paths: the path itself falls out
        return chain_nats(through, tags, real) - chain_nats(scores, tags, real)

    vectors = network.get_layer(layer_names.recurrent(0)).input[0]
    if letters:
        vectors = network.get_layer(layer_names.CHARACTER_EMBEDDING).output
    return CutModel(network, vectors, network.output, read)
