"""The network of a rating model cut at its word vectors, for gradients of the rating or of a level's probability."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from keras import ops

from common.networks import layer_names
from interpretability.cut_model import CutModel


@lru_cache(maxsize=2)  # compiled once for all texts
def cut(network: Any, head: str) -> CutModel:
    """Cut the network of a model at its word vectors."""

    def read(answer: Any, place: Any) -> Any:
        """The rating for level -1, else the probability of the level, (batch,)."""
        level = place[0]
        if head == "regression":
            return answer["rating"][:, 0]
        if head == "categorical":
            shares = ops.softmax(answer["logits"])  # (batch, levels)
        else:
            above = ops.pad(ops.sigmoid(answer["logits"]), [[0, 0], [1, 1]])
            above = above + ops.one_hot([0], above.shape[-1])  # 1, above each level but the last, 0
            shares = ops.relu(above[:, :-1] - above[:, 1:])
            shares = shares / ops.sum(shares, axis=1, keepdims=True)
        of_level = ops.take(shares, ops.maximum(level, 0), axis=1)
        return ops.where(level < 0, answer["rating"][:, 0], of_level)

    answer = network.output if isinstance(network.output, dict) else {"rating": network.output}
    return CutModel(network, network.get_layer(layer_names.EMBEDDING).output, answer, read)
