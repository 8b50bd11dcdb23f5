"""Training of a language model: stateful back-propagation, regularization after Merity et al. 2018, sampled softmax.

The network is that of `language_model.model`, and its weights are the same variables. What is only for training is done
here, around it, so that the saved model is a plain one.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from common.networks import layer_names
from language_model.config import LanguageModelConfig
from language_model.loader import initial_states


class TrainingModel(keras.Model):
    """A language model in training: DropConnect, activation regularization, a carried state, a sampled softmax.

    Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models": the recurrent matrices are dropped, not the
    states (DropConnect, Wan et al. 2013); L2 penalties keep the last layer's output small (AR) and slow (TAR).

    Args:
        model: of `language_model.model.build_model`.
        config: the settings.

    Call arguments:
        inputs: `token_ids` and `mask` (batch, time), and either the states, or if `stateful` `goes_on` (batch, 1),
            0 where the state begins anew.
    Returns:
        logits (batch, time, vocab_size); with `sampled_softmax_size` the features they are made from (batch, time,
        features), as all logits of a large vocabulary would not fit in memory, and the loss needs few of them.
    """

    def __init__(self, model: keras.Model, config: LanguageModelConfig) -> None:
        super().__init__(name="training")
        dropout = model.get_layer(layer_names.dropout(config.num_layers - 1))
        outputs = {**model.output, "raw": dropout.input, "dropped": dropout.output}
        self.answer = "logits"
        if config.sampled_softmax_size:
            self.answer = "hidden"
            vocab_size = outputs.pop("logits").shape[-1]
            self.output_layer = model.get_layer(
                layer_names.EMBEDDING if config.tie_embeddings else layer_names.TO_LOGITS
            )
            self.expected_counts = expected_counts(vocab_size, config.sampled_softmax_size)
        self.network = keras.Model(model.input, outputs)
        self.config = config
        self.seed_generator = keras.random.SeedGenerator(config.seed)
        self.recurrent_kernels = [layer.cell.recurrent_kernel for layer in model.layers if hasattr(layer, "cell")]
        self.carried = {}
        if config.stateful:
            self.carried = {
                name: self.add_weight(state.shape, "zeros", trainable=False, name=name)
                for name, state in initial_states(config, config.batch_size).items()
            }
        self.built = True

    def call(self, inputs, training=False):
        states = {name: state * inputs["goes_on"] for name, state in self.carried.items()}
        given = {name: value for name, value in inputs.items() if name != "goes_on"}
        outputs = self._run({**given, **states}, training)
        for name, state in self.carried.items():
            state.assign(ops.stop_gradient(outputs[name]))
        if training and self.config.activation_regularization:
            self.add_loss(self.config.activation_regularization * _mean_square(outputs["dropped"]))
        if training and self.config.temporal_activation_regularization:
            changes = outputs["raw"][:, 1:] - outputs["raw"][:, :-1]
            self.add_loss(self.config.temporal_activation_regularization * _mean_square(changes))
        return outputs[self.answer]

    def _run(self, inputs, training):
        """Run the network, with DropConnect: some of its recurrent weights are 0 for this batch."""
        if not (training and self.config.weight_dropout):
            return self.network(inputs, training=training)
        values = {id(variable): variable.value for variable in self.network.variables}
        for kernel in self.recurrent_kernels:
            dropped = keras.random.dropout(kernel.value, self.config.weight_dropout, seed=self.seed_generator)
            values[id(kernel)] = dropped
        mapping = [(variable, values[id(variable)]) for variable in self.network.variables]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = self.network(inputs, training=training)
        for variable in self.network.non_trainable_variables:  # the random states of the dropout layers
            variable.assign(scope.get_current_value(variable))
        return outputs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if not self.config.sampled_softmax_size:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        losses = self._sampled_loss(y_pred, ops.cast(y, "int32"))  # (batch, time)
        return ops.sum(losses * sample_weight) / ops.sum(sample_weight) + sum(self.losses)

    def _sampled_loss(self, hidden, targets):
        """Sampled softmax: cross-entropy over each target and a sample of the vocabulary.

        Jean et al. 2015, "On Using Very Large Target Vocabularies for Neural Machine Translation": a word that is drawn
        one time in ten counts for ten, so that on average the sum over all words comes out right. The draw is without
        replacement: the first to arrive in a race of exponential clocks.

        Args:
            hidden: (batch, time, features).
            targets: int (batch, time).
        Returns:
            Nats, (batch, time).
        """
        log_counts = ops.convert_to_tensor(np.log(self.expected_counts), "float32")  # (vocab_size,)
        chance = keras.random.uniform(log_counts.shape, 1e-7, 1.0, seed=self.seed_generator)
        clocks = -ops.log(chance) / ops.convert_to_tensor(word_shares(len(self.expected_counts)), "float32")
        drawn = ops.top_k(-clocks, self.config.sampled_softmax_size, sorted=False)[1]  # (num_sampled,)
        weights, biases = self._output_weights()  # (vocab_size, features), (vocab_size,)
        hidden = ops.cast(hidden, self.compute_dtype)
        scores = ops.matmul(hidden, ops.transpose(ops.cast(ops.take(weights, drawn, axis=0), self.compute_dtype)))
        scores = ops.cast(scores, "float32") + ops.take(biases - log_counts, drawn)  # (batch, time, num_sampled)
        scores = ops.where(targets[:, :, None] == drawn, -1e9, scores)  # the target competes once
        vectors = ops.cast(ops.take(weights, targets, axis=0), self.compute_dtype)  # (batch, time, features)
        target_scores = ops.sum(ops.cast(hidden * vectors, "float32"), axis=-1) + ops.take(biases, targets)
        return ops.logaddexp(ops.logsumexp(scores, axis=-1), target_scores) - target_scores

    def _output_weights(self):
        if self.config.tie_embeddings:
            return self.output_layer.embeddings, self.output_layer.bias
        return ops.transpose(self.output_layer.kernel), self.output_layer.bias


def word_shares(vocab_size: int) -> np.ndarray:
    """The probability of drawing each id: Zipf's law, as ids go by frequency; float64 (vocab_size,), sum 1."""
    ranks = np.arange(vocab_size)
    return np.log((ranks + 2) / (ranks + 1)) / np.log(vocab_size + 1)


def expected_counts(vocab_size: int, num_sampled: int) -> np.ndarray:
    """The probability of each id to be among `num_sampled` drawn without replacement, float64 (vocab_size,).

    An id has arrived by the time t with the probability 1 - exp(-share t); t is when `num_sampled` are expected.

    >>> expected_counts(1000, 100).sum().round(6)
    np.float64(100.0)
    """
    if num_sampled >= vocab_size:
        raise ValueError(f"num_sampled is {num_sampled}; less than the vocabulary's {vocab_size} would do")
    shares, low, high = word_shares(vocab_size), 0.0, 1e12
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if (1 - np.exp(-shares * middle)).sum() > num_sampled else (middle, high)
    return 1 - np.exp(-shares * low)


def _mean_square(values):
    return ops.mean(ops.square(ops.cast(values, "float32")))
