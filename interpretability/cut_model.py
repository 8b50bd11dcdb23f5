"""A Keras model cut in two at the vectors of its tokens: ids to vectors, and vectors to a score with its gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from common.errors import InputError

MAX_NUMBERS = 4_000_000  # of the vectors differentiated at once, 16 MB; more need memory and save no time


class CutModel:
    """Both parts of a model; they share its weights, and see it when these change.

    Args:
        model: a functional model with named inputs.
        vectors: the tensor to cut at, (batch, time, features).
        answer: the tensor, or tensors, that the score is read from.
        read: what reads it: from the answer and the `place` of `differentiate` to scores (batch,).
    Raises:
        InputError: Keras runs on another backend than TensorFlow, whose gradients are used.
    """

    def __init__(self, model: keras.Model, vectors: Any, answer: Any, read: Callable[[Any, Any], Any]) -> None:
        if keras.backend.backend() != "tensorflow":
            raise InputError(
                f"--method: found Keras on {keras.backend.backend()}, gradients want TensorFlow; set KERAS_BACKEND"
            )
        self.names = list(model.input)
        self.below = keras.Model(model.input, vectors)
        above = keras.Model([vectors, *model.input.values()], answer)
        self._differentiate = _compile(above, list(model.input.values()), vectors, read)

    def vectors(self, inputs: Mapping[str, NDArray]) -> NDArray[np.float32]:
        """The vectors of some inputs, float32 (batch, time, features)."""
        return np.asarray(self.below({name: inputs[name] for name in self.names}, training=False))

    def differentiate(
        self,
        vectors: NDArray[np.float32],
        inputs_of: Callable[[int], Mapping[str, NDArray]],
        place: Sequence[int] = (),
        fixed: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score vectors, and differentiate each score by its vectors.

        Args:
            vectors: (batch, time, features).
            inputs_of: makes the other inputs for so many rows; the ids among them are not looked up.
            place: numbers that `read` needs to know.
            fixed: further vectors that stay as they are, (others, time, features); they follow those of the rows.
        Returns:
            The scores (batch,) and their gradients (batch, time, features).
        """
        fixed = vectors[:0] if fixed is None else fixed
        at_once = max(1, MAX_NUMBERS // max(1, vectors[0].size))
        scores, gradients = [], []
        for start in range(0, len(vectors), at_once):
            part = vectors[start : start + at_once]
            inputs = inputs_of(len(part))
            score, gradient = self._differentiate(
                part, fixed, [inputs[name] for name in self.names], np.array(place, np.int32)
            )
            scores.append(score.numpy().astype(np.float64))
            gradients.append(gradient.numpy().astype(np.float64))
        return np.concatenate(scores), np.concatenate(gradients)


def _compile(above: keras.Model, inputs: list[Any], vectors: Any, read: Callable[[Any, Any], Any]) -> Callable:
    """Compile the upper part once, for all batch sizes and lengths."""

    def differentiate(points: Any, fixed: Any, others: list[Any], place: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(points)
            scores = read(above([tf.concat([points, fixed], axis=0), *others], training=False), place)
        return scores, tape.gradient(scores, points, unconnected_gradients="zero")

    signature = [
        *[tf.TensorSpec(vectors.shape, tf.float32)] * 2,
        [tf.TensorSpec(value.shape, value.dtype) for value in inputs],
        tf.TensorSpec((None,), tf.int32),
    ]
    return tf.function(differentiate, input_signature=signature)
