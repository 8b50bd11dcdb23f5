"""Run a Keras model on batches of any length, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def make_forward(model: Any) -> Callable[[Mapping[str, np.ndarray]], Any]:
    """Compile the forward pass of a model.

    `predict_on_batch` compiles again for batch after batch while shapes change; here the shapes are declared to change.

    Args:
        model: a functional model with named inputs; its weights may change later.
    Returns:
        A function from a dict of arrays to an array, or to a dict of arrays for a model with named outputs.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return model.predict_on_batch

    import tensorflow as tf

    signature = {name: tf.TensorSpec(value.shape, value.dtype, name) for name, value in model.input.items()}
    compiled = tf.function(lambda inputs: model(inputs, training=False), input_signature=[signature])

    def forward(inputs: Mapping[str, np.ndarray]) -> Any:
        answer = compiled({name: tf.convert_to_tensor(inputs[name]) for name in signature})
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), answer)

    return forward
