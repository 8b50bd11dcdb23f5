"""Keras layers that Keras lacks: pooling with masks, attention, CRF scores, tied embeddings, windows, ratings.

Each is written in `keras.ops` alone, so that every backend can train it, and has a spec in `common.networks.specs`.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from common.networks.layer_names import PACKAGE
from common.networks.rating_levels import level_moments


@keras.saving.register_keras_serializable(package=PACKAGE)
class MaskedPooling(keras.layers.Layer):
    """Pooling over time with a mask: mean, maximum or sum of the real steps of a sequence, without the padding.

    Args:
        mode: "mean", "max" or "sum".

    Call arguments:
        inputs: (batch, time, features).
        mask: bool (batch, time), True where there is a real token; at least one in each row.
    Returns:
        (batch, features).
    """

    def __init__(self, mode: str = "mean", **kwargs) -> None:
        super().__init__(**kwargs)
        if mode not in ("mean", "max", "sum"):
            raise ValueError(f"mode is {mode!r}; one of mean, max, sum would do")
        self.mode = mode
        self.supports_masking = True

    def call(self, inputs, mask):
        if self.mode == "max":
            lowest = ops.cast(-3e38, inputs.dtype)
            return ops.max(ops.where(mask[:, :, None], inputs, lowest), axis=1)  # (batch, features)
        steps = ops.cast(mask, inputs.dtype)  # (batch, time)
        pooled = ops.sum(inputs * steps[:, :, None], axis=1)  # (batch, features)
        return pooled / ops.sum(steps, axis=1, keepdims=True) if self.mode == "mean" else pooled

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, inputs_shape, mask_shape=None):
        return (inputs_shape[0], inputs_shape[-1])

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


@keras.saving.register_keras_serializable(package=PACKAGE)
class FlipTime(keras.layers.Layer):
    """Reversal of the time axis, padding included: the output of a layer with `go_backwards` has its last step first.

    Call arguments:
        inputs: (batch, time, features).
    Returns:
        (batch, time, features).
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.flip(inputs, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, inputs_shape):
        return inputs_shape


@keras.saving.register_keras_serializable(package=PACKAGE)
class TakeRows(keras.layers.Layer):
    """Lookup of rows by number: what was computed once for each distinct word, at every place where the word stands.

    Call arguments:
        rows: (rows, features).
        places: int (batch, time), the number of a row.
    Returns:
        (batch, time, features).
    """

    def call(self, rows, places):
        return ops.take(rows, places, axis=0)

    def compute_output_shape(self, rows_shape, places_shape):
        return (*places_shape, rows_shape[-1])


@keras.saving.register_keras_serializable(package=PACKAGE)
class AttentionPooling(keras.layers.Layer):
    """Attention pooling: the weighted mean of the real steps of a sequence, with learned weights.

        weights = softmax over time of  context . tanh(kernel . step + bias)

    Yang et al. 2016, "Hierarchical Attention Networks for Document Classification", section 2.2.

    Args:
        units: size of the hidden vector in which a step is compared with the context.

    Call arguments:
        inputs: (batch, time, features).
        mask: bool (batch, time), True where there is a real token; at least one in each row.
    Returns:
        (batch, features).
    """

    def __init__(self, units: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, inputs_shape, mask_shape=None):
        self.kernel = self.add_weight((inputs_shape[-1], self.units), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")
        self.context = self.add_weight((self.units,), keras.initializers.RandomNormal(stddev=0.1), name="context")

    def call(self, inputs, mask):
        hidden = ops.tanh(ops.matmul(inputs, self.kernel) + self.bias)  # (batch, time, units)
        scores = ops.matmul(hidden, self.context[:, None])  # (batch, time, 1)
        scores = ops.where(mask[:, :, None], scores, ops.cast(-3e38, scores.dtype))
        return ops.sum(inputs * ops.softmax(scores, axis=1), axis=1)  # (batch, features)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, inputs_shape, mask_shape=None):
        return (inputs_shape[0], inputs_shape[-1])

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package=PACKAGE)
class ChainScores(keras.layers.Layer):
    """Scores of a linear-chain conditional random field: each tag at each step, after each tag at the step before.

    Lafferty et al. 2001, "Conditional Random Fields". The score of a sequence of tags is the sum over its steps; what
    is done with the scores (the likelihood of a sequence, the best one) has no weights.

    Args:
        num_tags: number of tags.

    Call arguments:
        inputs: the score of each tag at each step by itself (batch, time, num_tags).
    Returns:
        (batch, time, tag before, tag). The first step has no tag before: there all rows are the same, the scores of
        beginning with a tag.
    """

    def __init__(self, num_tags: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_tags = num_tags
        self.supports_masking = True

    def build(self, inputs_shape):
        self.transitions = self.add_weight((self.num_tags, self.num_tags), "glorot_uniform", name="transitions")
        self.start = self.add_weight((self.num_tags,), "zeros", name="start")

    def call(self, inputs):
        steps = inputs[:, :, None, :]  # (batch, time, 1, tag)
        first = steps[:, :1] + self.start + ops.zeros_like(self.transitions)  # (batch, 1, tag before, tag)
        return ops.concatenate([first, steps[:, 1:] + self.transitions], axis=1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:2], self.num_tags, self.num_tags)

    def get_config(self):
        return {**super().get_config(), "num_tags": self.num_tags}


@keras.saving.register_keras_serializable(package=PACKAGE)
class ExpectedLevel(keras.layers.Layer):
    """Expected value and standard deviation of a distribution over the levels of a scale.

    Args:
        levels: the levels, lowest first.
        ordinal: whether the logits are of being above each level but the last, not of being at each; see
            `common.networks.rating_levels`.

    Call arguments:
        inputs: logits (batch, levels), or with `ordinal` (batch, levels - 1).
    Returns:
        The mean and the standard deviation, each (batch, 1).
    """

    def __init__(self, levels: Sequence[float], ordinal: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.levels = list(levels)
        self.ordinal = ordinal

    def call(self, inputs):
        middle, weights, start = level_moments(np.array(self.levels), self.ordinal)
        probabilities = ops.sigmoid(inputs) if self.ordinal else ops.softmax(inputs)
        moments = ops.matmul(probabilities, ops.cast(weights, inputs.dtype)) + ops.cast(start, inputs.dtype)
        mean, square = moments[:, :1], moments[:, 1:]  # (batch, 1)
        return mean + middle, ops.sqrt(ops.relu(square - mean * mean))

    def compute_output_shape(self, inputs_shape):
        return (inputs_shape[0], 1), (inputs_shape[0], 1)

    def get_config(self):
        return {**super().get_config(), "levels": self.levels, "ordinal": self.ordinal}


@keras.saving.register_keras_serializable(package=PACKAGE)
class SparseLinear(keras.layers.Layer):
    """Linear model of sparse features, the wide part of a wide-and-deep network: the sum of value times weight.

    Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems".

    Args:
        input_dim: number of features; 0 is the padding.

    Call arguments:
        ids: int (batch, terms), the features that a text has.
        values: float (batch, terms), 0 at padding.
    Returns:
        (batch, 1).
    """

    def __init__(self, input_dim: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.input_dim = input_dim

    def build(self, ids_shape, values_shape=None):
        self.kernel = self.add_weight((self.input_dim,), "zeros", name="kernel")

    def call(self, ids, values):
        return ops.sum(ops.take(self.kernel, ids, axis=0) * values, axis=1, keepdims=True)  # (batch, 1)

    def compute_output_shape(self, ids_shape, values_shape=None):
        return (ids_shape[0], 1)

    def get_config(self):
        return {**super().get_config(), "input_dim": self.input_dim}


@keras.saving.register_keras_serializable(package=PACKAGE)
class ScoreSpread(keras.layers.Layer):
    """Standard deviation of the error of a score; its variance is a parabola of the score, less at the ends of a scale.

        sqrt(max(floor, a + b score + c score²)),   score cut to [-1, 1]

    Call arguments:
        inputs: scores (batch, 1).
    Returns:
        (batch, 1), in the unit of the scores.
    """

    FLOOR = 1e-4

    def build(self, inputs_shape):
        self.parabola = self.add_weight((3,), "ones", name="parabola", trainable=False)  # a, b, c

    def call(self, inputs):
        score = ops.clip(inputs, -1.0, 1.0)
        variance = self.parabola[0] + score * (self.parabola[1] + score * self.parabola[2])
        return ops.sqrt(ops.maximum(variance, self.FLOOR))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape


@keras.saving.register_keras_serializable(package=PACKAGE)
class EmbeddingDropout(keras.layers.Layer):
    """Embedding dropout: for one batch all vectors of some words become 0, and those of the others are scaled up.

    Gal & Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", section 4.2.

    Args:
        rate: share of the words dropped.
        input_dim: number of ids.

    Call arguments:
        inputs: vectors (batch, time, features).
        token_ids: the id of each, int (batch, time).
    Returns:
        (batch, time, features); in training only, not the same.
    """

    def __init__(self, rate: float, input_dim: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.input_dim = input_dim
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True

    def call(self, inputs, token_ids, training=False):
        if not training:
            return inputs
        kept = keras.random.dropout(ops.ones((self.input_dim,), inputs.dtype), self.rate, seed=self.seed_generator)
        return inputs * ops.take(kept, token_ids, axis=0)[:, :, None]

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, inputs_shape, token_ids_shape=None):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "input_dim": self.input_dim}


@keras.saving.register_keras_serializable(package=PACKAGE)
class SlidingWindow(keras.layers.Layer):
    """Sliding window: the last few steps of a sequence concatenated, the input of a fixed-window language model.

    Bengio et al. 2003, "A Neural Probabilistic Language Model".

    Args:
        size: steps in a window, the newest one included; at least 2.

    Call arguments:
        inputs: (batch, time, features).
        state: the steps before the first one, side by side, (batch, (size - 1) * features).
        mask: bool (batch, time), True where there is a real step.
    Returns:
        The windows (batch, time, size * features), oldest step first, and the state after the last real step.
    """

    def __init__(self, size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        if size < 2:
            raise ValueError(f"size is {size}; at least 2 would do")
        self.size = size
        self.supports_masking = True

    def call(self, inputs, state, mask):
        num_steps, features = ops.shape(inputs)[1], inputs.shape[-1]
        before = ops.cast(ops.reshape(state, (-1, self.size - 1, features)), inputs.dtype)
        steps = ops.concatenate([before, inputs], axis=1)  # (batch, size - 1 + time, features)
        windows = ops.concatenate([steps[:, i : i + num_steps] for i in range(self.size)], axis=-1)
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)  # (batch, 1)
        last = lengths + ops.arange(self.size - 1)  # (batch, size - 1)
        after = ops.take_along_axis(steps, last[:, :, None], axis=1)  # (batch, size - 1, features)
        return windows, ops.reshape(after, (-1, (self.size - 1) * features))

    def compute_mask(self, inputs, *arguments, **named):
        return None

    def compute_output_shape(self, inputs_shape, state_shape, mask_shape=None):
        return (*inputs_shape[:2], self.size * inputs_shape[-1]), state_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package=PACKAGE)
class TiedEmbedding(keras.layers.Layer):
    """Tied input and output embedding of a language model: ids to vectors, and vectors to a score for every id.

    Press & Wolf 2017, "Using the Output Embedding to Improve Language Models". The way back adds a bias for each id,
    which learns how frequent it is.

    Args:
        input_dim: number of ids.
        output_dim: size of a vector.

    Call arguments:
        inputs: int (batch, time), or with `reverse` vectors (batch, time, output_dim).
        reverse: whether to go back from vectors to scores.
    Returns:
        Vectors (batch, time, output_dim), or with `reverse` scores (batch, time, input_dim).
    """

    def __init__(self, input_dim: int, output_dim: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.supports_masking = True

    def build(self, inputs_shape):
        # Vectors of length about one: scores then start at about the size of the states that make them.
        initializer = keras.initializers.RandomNormal(stddev=self.output_dim**-0.5)
        self.embeddings = self.add_weight((self.input_dim, self.output_dim), initializer, name="embeddings")
        self.bias = self.add_weight((self.input_dim,), "zeros", name="bias")

    def call(self, inputs, reverse=False):
        if reverse:
            return ops.matmul(inputs, ops.transpose(self.embeddings)) + self.bias  # (batch, time, input_dim)
        return ops.take(self.embeddings, inputs, axis=0)  # (batch, time, output_dim)

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self):
        return {**super().get_config(), "input_dim": self.input_dim, "output_dim": self.output_dim}
