"""Dynamic evaluation: the weights of a model are adapted, by gradient steps, to what it has read of a text.

    segment 1 -> scored -> gradient -> weights 1      segment 2 -> scored with weights 1 -> gradient -> weights 2 …

Krause et al. 2018, "Dynamic Evaluation of Neural Sequence Models". Each segment is scored before anything is learned
from it, so the scores are those of predictions; as the model has learned from the text before, they stand in a column
of their own. With `rms` the root mean square of each weight's gradients in training, and m the mean of them all:

    RMS    w <- w - rate * gradient / (rms + epsilon * m) + decay * rms / m * (trained w - w)
    SGD    w <- w - rate * gradient                       + decay * (trained w - w)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from common.errors import InputError
from common.progress import progress
from common.text.vocabulary import BOS_ID
from language_model.config import RMS_RATE, SGD_RATE, DynamicConfig
from language_model.loader import Streams, encode_text, initial_states
from language_model.model import build_model
from language_model.predict import LanguageModel

DESCRIPTION = "Dynamic evaluation"
COLUMNS = 32  # of the training text that are read side by side for the gradients' statistics
MOST_FOR_STATISTICS = 200_000  # training tokens


class DynamicEvaluation:
    """A copy of a language model that learns while it reads; the model keeps its weights.

    Args:
        model: the language model.
        config: learning rate, decay, length of a segment, epsilon.
    Raises:
        InputError: Keras does not run on TensorFlow, or the model has no weights that can be adapted.
    """

    def __init__(self, model: LanguageModel, config: DynamicConfig) -> None:
        config.validate()
        self.config, self.reading, self.vocabulary = config, model.config, model.vocabulary
        self.network = copy_network(model)
        self.trained = [ops.copy(variable) for variable in self.network.trainable_variables]
        self.mean_squares: list[Any] | None = None
        self.differentiate = compile_gradients(self.network)

    @property
    def learning_rate(self) -> float:
        """The learning rate: the one given, or the default of either variant."""
        return self.config.dynamic_learning_rate or (SGD_RATE if self.mean_squares is None else RMS_RATE)

    def gather(self, token_lists: Sequence[Sequence[str]]) -> None:
        """Gather the mean squares of the gradients over training texts; without them, plain SGD is used.

        Args:
            token_lists: the tokens of each text.
        """
        ids = (token_id for tokens in token_lists for token_id in encode_text(tokens, self.vocabulary))
        stream, size = np.fromiter(ids, np.int32), self.config.dynamic_segment
        num_columns = max(1, min(COLUMNS, len(stream) // (10 * size)))
        length = len(stream) // num_columns
        columns = stream[: num_columns * length].reshape(num_columns, length)  # (batch, time)
        columns = columns[:, : max(size, MOST_FOR_STATISTICS // num_columns) + 1]
        sums, num_batches = [ops.zeros_like(weight) for weight in self.trained], 0
        for _, gradients in self._read(columns, "Statistics of gradients"):
            sums = [total + ops.square(gradient) for total, gradient in zip(sums, gradients, strict=True)]
            num_batches += 1
        self.mean_squares = [total / num_batches for total in sums]

    def score_tokens(
        self, token_lists: Sequence[Sequence[str]], stateful: bool = False, reset_every: int = 0
    ) -> list[np.ndarray]:
        """The log-probabilities in nats of the tokens of each text and of its end, float32 (tokens + 1,).

        The texts are read in their order. The weights are the trained ones before the first, and change all the way.

        Args:
            token_lists: the tokens of each text.
            stateful: carry the state from each text to the next.
            reset_every: reset the state to zeros after so many tokens; 0 = never.
        Raises:
            InputError: the weights diverge.
        """
        for variable, weight in zip(self.network.trainable_variables, self.trained, strict=True):
            variable.assign(weight)
        texts = [encode_text(tokens, self.vocabulary) for tokens in token_lists]
        streams, adapt = Streams(texts, stateful, reset_every), self._compile_step()
        one = len(streams.rows) == 1
        found = []
        for row in streams.rows if one else progress(streams.rows, DESCRIPTION, len(streams.rows)):
            for nats, gradients in self._read(np.array([row], np.int32), DESCRIPTION if one else ""):
                if not np.isfinite(nats).all():
                    rate = f"{self.learning_rate:g}"
                    raise InputError(f"--dynamic-learning-rate: with {rate} the weights diverge; give a smaller one")
                adapt(gradients)
                found.append(nats[0])
        return streams.split(found)

    def _read(self, columns: np.ndarray, description: str) -> Iterator[tuple[np.ndarray, list[Any]]]:
        """The log-probabilities (batch, time) of one segment after the other, and the gradients of their mean loss.

        Args:
            columns: ids (batch, tokens), of texts side by side.
            description: what the progress bar shows; "" for none.
        """
        states = initial_states(self.reading, len(columns))
        size = self.config.dynamic_segment
        starts: Any = range(0, columns.shape[1] - 1, size)
        for start in progress(starts, description, len(starts)) if description else starts:
            piece = columns[:, start : start + size + 1]
            token_ids, targets = piece[:, :-1], piece[:, 1:]
            inputs = {"token_ids": token_ids, "mask": np.ones(token_ids.shape, bool), **states}
            nats, gradients, states = self.differentiate(inputs, targets)
            yield np.asarray(nats), gradients

    def _compile_step(self) -> Callable[[list[Any]], None]:
        """The change of all weights by the gradients of a segment."""
        rate, decay = self.learning_rate, self.config.dynamic_decay
        factors, pulls = [rate] * len(self.trained), [decay] * len(self.trained)
        if self.mean_squares is not None:
            roots = [ops.sqrt(square) for square in self.mean_squares]
            num_weights = sum(ops.size(root) for root in roots)
            mean = max(float(sum(float(ops.sum(root)) for root in roots)) / float(num_weights), 1e-30)
            factors = [rate / (root + self.config.dynamic_epsilon * mean) for root in roots]
            pulls = [ops.minimum(decay * root / mean, 1.0) for root in roots]

        def adapt(gradients: list[Any]) -> None:
            for variable, weight, factor, pull, gradient in zip(
                self.network.trainable_variables, self.trained, factors, pulls, gradients, strict=True
            ):
                variable.assign(variable - factor * gradient + pull * (weight - variable))

        return tf.function(adapt)


def copy_network(model: LanguageModel) -> keras.Model:
    """Build the network of a model anew, without dropout, and give it the model's weights.

    Raises:
        InputError: Keras does not run on TensorFlow, or the network is not that of the settings.
    """
    if keras.backend.backend() != "tensorflow":
        raise InputError(f"--dynamic: found Keras on {keras.backend.backend()}, wanted TensorFlow; set KERAS_BACKEND")
    if getattr(model.network, "int8", False):
        raise InputError("--dynamic: --engine onnx-int8 has weights that cannot be adapted; take onnx or keras")
    # Without dropout it can run as in training, which has the faster LSTM.
    config = replace(model.config, input_dropout=0.0, hidden_dropout=0.0, dropout=0.0, embedding_dropout=0.0)
    network = build_model(config, len(model.vocabulary))
    weights = model.network.model.get_weights()
    if [weight.shape for weight in weights] != [tuple(weight.shape) for weight in network.weights]:
        raise InputError("--dynamic: the network of this bundle is not that of its settings; train it again")
    network.set_weights(weights)
    return network


def compile_gradients(network: keras.Model) -> Callable[..., tuple[Any, list[Any], dict[str, Any]]]:
    """Compile a function that reads a segment.

    Args:
        network: of `copy_network`.
    Returns:
        A function of inputs and targets (batch, time): the log-probabilities (batch, time), the gradients of the mean
        loss by each trainable weight, and the states after the segment. The beginning of a text is not predicted.
    """
    variables = [variable.value for variable in network.trainable_variables]

    def differentiate(inputs: dict[str, Any], targets: Any) -> tuple[Any, list[Any], dict[str, Any]]:
        with tf.GradientTape() as tape:
            answer = network(inputs, training=True)
            logits = answer["logits"]  # (batch, time, vocab_size)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)  # (batch, time)
            weights = tf.cast(targets != BOS_ID, losses.dtype)
            loss = tf.reduce_sum(losses * weights) / tf.maximum(tf.reduce_sum(weights), 1)
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
        return -losses, gradients, {name: answer[name] for name in inputs if name.startswith("state_")}

    ids = tf.TensorSpec((None, None), tf.int32)
    inputs = {"token_ids": ids, "mask": tf.TensorSpec((None, None), tf.bool)}
    states = {
        name: tf.TensorSpec(value.shape, value.dtype) for name, value in network.input.items() if name not in inputs
    }
    return tf.function(differentiate, input_signature=[{**inputs, **states}, ids])
