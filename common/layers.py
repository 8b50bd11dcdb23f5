"""The few layers Keras lacks, in `keras.ops` alone."""

from __future__ import annotations

import keras
from keras import ops

PACKAGE = "rnn_language"


@keras.saving.register_keras_serializable(package=PACKAGE)
class MaskedPooling(keras.layers.Layer):
    """Summarise the real steps of a sequence in one vector; padding has no part in it.

    Args:
        mode: "mean", "max", "sum", or "last" (the last real step).

    Call arguments:
        inputs: (batch, time, features).
        mask: bool (batch, time), True where there is a real token; at least one in each row.
    Returns:
        (batch, features).
    """

    def __init__(self, mode: str = "mean", **kwargs) -> None:
        super().__init__(**kwargs)
        if mode not in ("mean", "max", "sum", "last"):
            raise ValueError(f"mode is {mode!r}; one of mean, max, sum, last would do")
        self.mode = mode
        self.supports_masking = True

    def call(self, inputs, mask):
        if self.mode == "max":
            lowest = ops.cast(-3e38, inputs.dtype)
            return ops.max(ops.where(mask[:, :, None], inputs, lowest), axis=1)  # (batch, features)
        steps = ops.cast(mask, inputs.dtype)  # (batch, time)
        if self.mode == "last":
            # 1 at the last real step alone: the mask minus the mask one step to the left; 1 1 1 0 - 1 1 0 0
            steps = steps - ops.pad(steps[:, 1:], [[0, 0], [0, 1]])
        pooled = ops.sum(inputs * steps[:, :, None], axis=1)  # (batch, features)
        return pooled / ops.sum(steps, axis=1, keepdims=True) if self.mode == "mean" else pooled

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, inputs_shape, mask_shape=None):
        return (inputs_shape[0], inputs_shape[-1])

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


@keras.saving.register_keras_serializable(package=PACKAGE)
class TiedEmbedding(keras.layers.ReversibleEmbedding):
    """Keras' `ReversibleEmbedding`, which takes inputs that carry a mask without a warning.

    Padding is told by explicit masks in this project, so that the implicit one may end here.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.supports_masking = True

    def compute_mask(self, *args, **kwargs):
        return None
