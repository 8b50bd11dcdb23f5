"""Random seeds: one drives everything, so that the same run gives the same numbers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras, and have TensorFlow add numbers in one fixed order.

    Keras' own count of the layers made so far starts anew, too: it goes into their names, and TensorFlow orders sums by
    names, so that a second run in the same process would differ from the first in the last digits.
    """
    distribution = keras.distribution.distribution()
    keras.utils.clear_session(free_memory=False)
    keras.distribution.set_distribution(distribution)  # over processes; it would be forgotten, too
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def reseed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Set the state of every dropout layer from (seed, epoch) alone.

    A run that goes on from a checkpoint then drops the same units as one that never stopped.
    """
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    for number, state in enumerate(states):
        rng = np.random.default_rng([seed, epoch, number])
        state.assign(rng.integers(2**31, size=state.shape))
