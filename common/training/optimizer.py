"""AdamW with warm-up, cosine decay and gradient clipping; layer-wise learning rates for fine-tuning.

Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization". Howard & Ruder 2018, "Universal Language Model
Fine-tuning for Text Classification": discriminative learning rates and gradual unfreezing, so that what is new on top
does not at once undo what was learned below.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from keras import ops

from common.progress import say
from common.settings import TrainingConfig

CPU_INFO = Path("/proc/cpuinfo")  # of Linux; elsewhere nothing is known of the processor


def set_precision(mixed: bool) -> None:
    """Mixed precision of the models built from now on: bfloat16 with float32 weights, or float32 alone."""
    flags = CPU_INFO.read_text(encoding="utf-8", errors="replace") if CPU_INFO.exists() else "bf16"
    if mixed and "bf16" not in flags:
        say("This processor has no bfloat16 instructions; --no-mixed-precision will be faster")
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")


def make_optimizer(
    config: TrainingConfig, num_steps: int, layer_rates: Mapping[str, tuple[float, int]] | None = None
) -> keras.optimizers.Optimizer:
    """Adam with the schedule, warm-up, clipping and weight decay of the settings.

    Args:
        config: the settings.
        num_steps: steps of the whole run; "cosine" falls to 1% of the learning rate by then.
        layer_rates: layers that learn more slowly or begin later, see `LayerAdamW`.
    """
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        warmup = max(1, round(num_steps * config.warmup_ratio))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 10, max(1, num_steps - warmup), alpha=0.01, warmup_target=rate, warmup_steps=warmup
        )
    return LayerAdamW(
        layer_rates or {},
        learning_rate=rate,
        beta_2=config.adam_beta_2,
        weight_decay=config.weight_decay,
        global_clipnorm=config.max_gradient_norm,
    )


class LayerAdamW(keras.optimizers.AdamW):
    """AdamW in which a layer has a share of the learning rate, from a step on; its weights decay at the same rate.

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
        rate = learning_rate * share * ops.cast(self.iterations >= first_step, learning_rate.dtype)
        if self.weight_decay:
            self.assign_sub(variable, variable * self.weight_decay * ops.cast(rate, variable.dtype))
        super().update_step(gradient, variable, rate)

    def _apply_weight_decay(self, variables):
        """Keras would decay all layers at the full rate here; `update_step` decays each at its own."""
