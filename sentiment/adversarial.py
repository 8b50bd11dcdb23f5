"""Adversarial training: the loss of each review, and that of its word vectors perturbed against the gradient.

    vectors                 -> loss, and its gradient g at the vectors
    vectors + size * g / |g| -> loss once more; the step follows the mean of both

Miyato, Dai & Goodfellow 2017, "Adversarial Training Methods for Semi-Supervised Text Classification": a small change of
the word vectors, in the direction that hurts most, should not change the rating.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from common.networks import layer_names


class AdversarialLearner(keras.Model):
    """The part of a rating model that learns, in steps with a clean and an adversarial half.

    Args:
        model: of `sentiment.model.build_model`, with recurrent layers.
        answer: that of its outputs which learns.
        size: length of the change, see `worst_change`.
    """

    def __init__(self, model: keras.Model, answer: str, size: float) -> None:
        super().__init__(name="training")
        vectors = model.get_layer(
            layer_names.WORD_VECTOR_DROPOUT
        ).output  # what is dropped here is missing in both halves
        self.lower = keras.Model(model.input, vectors)
        self.upper = keras.Model([vectors, model.input["mask"]], model.output[answer])
        self.size = size
        self.built = True

    def call(self, inputs, training=False):
        vectors = self.lower(inputs, training=training)
        return self.upper([vectors, ops.convert_to_tensor(inputs["mask"])], training=training)

    def train_step(self, data):
        inputs, targets, weights = data
        mask = ops.convert_to_tensor(inputs["mask"])
        with tf.GradientTape() as tape:
            vectors = self.lower(inputs, training=True)  # (batch, time, features)
        loss, slopes, gradients = self._half(vectors, mask, targets, weights)
        change = worst_change(vectors, slopes, mask, self.size)
        _, slopes_there, gradients_there = self._half(vectors + change, mask, targets, weights)
        below = tape.gradient(vectors, self.lower.trainable_variables, (slopes + slopes_there) / 2)
        above = [(here + there) / 2 for here, there in zip(gradients, gradients_there, strict=True)]
        self.optimizer.apply(below + above, self.lower.trainable_variables + self.upper.trainable_variables)
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(targets)[0])
        return self.get_metrics_result()

    def _half(self, vectors, mask, targets, weights):
        """The loss, and its gradients at the vectors and at the weights above them."""
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            answers = self.upper([vectors, mask], training=True)
            loss = self.compute_loss(y=targets, y_pred=answers, sample_weight=weights)
        slopes, *gradients = tape.gradient(loss, [vectors, *self.upper.trainable_variables])
        return loss, slopes, gradients


def worst_change(vectors, slopes, mask, size: float):
    """The change of the word vectors of a text that raises its loss most, to first order.

    Args:
        vectors: of the words, (batch, time, features).
        slopes: the gradient of the loss there, of the same shape.
        mask: bool (batch, time), True where there is a real word.
        size: length of the change, over all words of a text together. It is measured in the root mean square of an
            entry of the vectors, so that longer vectors are no way out.
    Returns:
        (batch, time, features), 0 at padding.
    """
    values, slopes = ops.cast(vectors, "float32"), ops.cast(slopes, "float32")
    real = ops.cast(mask, "float32")[:, :, None]
    mean_square = ops.sum(ops.square(values) * real) / (ops.sum(real) * values.shape[-1])
    lengths = ops.sqrt(ops.sum(ops.square(slopes * real), axis=(1, 2), keepdims=True))
    change = size * ops.sqrt(mean_square) * slopes * real / ops.maximum(lengths, 1e-30)
    return ops.cast(ops.stop_gradient(change), vectors.dtype)
