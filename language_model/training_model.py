"""The language model as it is trained: with the state of the piece before, and regularised.

The network is that of `language_model.model`, and its weights are the same variables. What is only for training is done
here, around it, so that the saved model is a plain one.
"""

from __future__ import annotations

import keras
from keras import ops

from language_model.config import LanguageModelConfig
from language_model.loader import initial_states


class TrainingModel(keras.Model):
    """A language model around which dropped weights, penalties and a carried state are laid.

    Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models": the recurrent matrices are dropped, not the
    states (DropConnect, Wan et al. 2013), and the states are kept small and slow.

    Args:
        model: of `language_model.model.build_model`.
        config: the settings.

    Call arguments:
        inputs: `token_ids` and `mask` (batch, time), and either the states, or with `carry_state` `goes_on` (batch, 1),
            0 where the state begins anew.
    Returns:
        logits (batch, time, vocab_size).
    """

    def __init__(self, model: keras.Model, config: LanguageModelConfig) -> None:
        super().__init__(name="training")
        last = model.get_layer(f"recurrent_{config.num_layers - 1}")
        states, dropped = last.output[0], model.get_layer(f"dropout_{config.num_layers - 1}").output
        self.network = keras.Model(model.input, {**model.output, "raw": states, "dropped": dropped})
        self.config = config
        self.seed_generator = keras.random.SeedGenerator(config.seed)
        layers = [model.get_layer(f"recurrent_{number}") for number in range(config.num_layers)]
        self.recurrent_kernels = [layer.cell.recurrent_kernel for layer in layers]
        self.carried = {}
        if config.carry_state:
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
        if training and self.config.activation_penalty:
            self.add_loss(self.config.activation_penalty * _mean_square(outputs["dropped"]))
        if training and self.config.change_penalty:
            changes = outputs["raw"][:, 1:] - outputs["raw"][:, :-1]
            self.add_loss(self.config.change_penalty * _mean_square(changes))
        return outputs["logits"]

    def _run(self, inputs, training):
        """Run the network, with some of its recurrent weights put to 0 for this batch."""
        if not (training and self.config.weight_dropout):
            return self.network(inputs, training=training)
        values = {id(variable): variable.value for variable in self.network.variables}
        for kernel in self.recurrent_kernels:
            dropped = keras.random.dropout(kernel.value, self.config.weight_dropout, seed=self.seed_generator)
            values[id(kernel)] = dropped
        mapping = [(variable, values[id(variable)]) for variable in self.network.variables]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = self.network(inputs, training=training)
        for variable in self.network.non_trainable_variables:  # the states of the dropout layers' chance
            variable.assign(scope.get_current_value(variable))
        return outputs


def _mean_square(values):
    return ops.mean(ops.square(ops.cast(values, "float32")))
