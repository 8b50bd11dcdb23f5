"""Adam for a network that has learned before: its lower layers learn more slowly, and begin later.

Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification": discriminative fine-tuning and
gradual unfreezing, so that what is new on top does not at once undo what was learned below.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import ops


class LayerAdamW(keras.optimizers.AdamW):
    """AdamW in which a layer has a share of the learning rate, from a step on.

    Args:
        layer_rates: of each layer that is not as the rest: its share of the learning rate, and its first step.
        arguments: of `keras.optimizers.AdamW`.
    """

    def __init__(self, layer_rates: Mapping[str, tuple[float, int]], **arguments) -> None:
        super().__init__(**arguments)
        self.layer_rates = layer_rates

    def update_step(self, gradient, variable, learning_rate):
        # The backend may pass its own variable, which does not know its layer.
        path = self._trainable_variables[self._get_variable_index(variable)].path.split("/")
        share, first_step = next((self.layer_rates[name] for name in path if name in self.layer_rates), (1.0, 0))
        begun = ops.cast(self.iterations >= first_step, learning_rate.dtype)
        super().update_step(gradient, variable, learning_rate * share * begun)
