"""Checks of the settings of a saved layer: functions from a value of `model.json` to whether a layer takes it.

Keras takes many more settings, and some do harm: `lora_rank` makes new weights, a `batch_shape` of a billion allocates
an array. A setting that no spec lists is refused, whichever engine would answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MAX_SIZE = 1 << 31  # of an axis of weights, which themselves show the true one
MAX_FEATURES = 1 << 18  # of a tensor, where no weight shows it
MAX_RANK = 4
MAX_NAME = 200

INT8_POLICY = "QuantizedDTypePolicy"
INT8_POLICY_SETTINGS = {"mode": "int8", "source_name": "float32"}
INITIALIZERS = (
    "GlorotUniform", "Orthogonal", "Zeros", "Ones", "RandomUniform", "RandomNormal", "Constant", "HeNormal",
)  # fmt: skip
ACTIVATIONS = (
    "linear", "tanh", "sigmoid", "relu", "hard_sigmoid", "elu", "softsign", "softplus", "leaky_relu", "softmax",
    "log_softmax", "gelu", "silu", "selu", "exponential",
)  # fmt: skip
# What Keras writes of a layer into `model.json`, beside its settings.
LAYER_KEYS = frozenset({"module", "class_name", "config", "registered_name", "build_config", "name", "inbound_nodes"})

Config = Mapping[str, Any]  # the settings of a layer, as JSON has them
Check = Callable[[object], bool]


def is_int8(config: Config) -> bool:
    """Whether a layer keeps its weights in 8 bits, with a scale for each row."""
    dtype = config.get("dtype")
    return isinstance(dtype, dict) and dtype["class_name"] == INT8_POLICY and dtype["config"] == INT8_POLICY_SETTINGS


def whole(low: int, high: int) -> Check:
    """An integer in a range; True is none."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def number(low: float, high: float) -> Check:
    """A number in a range; NaN is in none."""
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def one_of(*choices: object) -> Check:
    """One of a few values, and of their type: 1 is not True."""
    return lambda value: any(type(value) is type(choice) and value == choice for choice in choices)


def listed(check: Check, most: int) -> Check:
    """A list of values that each pass."""
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def either(*checks: Check) -> Check:
    """Whatever one of them accepts."""
    return lambda value: any(check(value) for check in checks)


def name(value: object) -> bool:
    """A name that a message can show."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable()


def float32(value: object) -> bool:
    """Single precision, as Keras writes it: a word, or a policy."""
    if isinstance(value, dict):
        return value.get("class_name") == "DTypePolicy" and value.get("config") == {"name": "float32"}
    return value == "float32"


def float32_or_int8(value: object) -> bool:
    """Single precision, or rows of 8 bits."""
    if isinstance(value, dict) and value.get("class_name") == INT8_POLICY:
        return value.get("config") == INT8_POLICY_SETTINGS
    return float32(value)


def initializer(value: object) -> bool:
    """How weights begin; they are read from the file, so this is without effect, and may not cost anything."""
    if not isinstance(value, dict) or value.get("class_name") not in INITIALIZERS:
        return False
    settings = value.get("config")
    plain = either(one_of(None), number(-1e9, 1e9), listed(whole(-MAX_RANK, MAX_RANK), MAX_RANK))
    return isinstance(settings, dict) and all(map(plain, settings.values()))


flag, nothing, seed = one_of(True, False), one_of(None), either(one_of(None), whole(0, 1 << 63))
size, rate, activation = whole(1, MAX_SIZE), number(0, 1), one_of(*ACTIVATIONS)

# Settings of every layer, and of every layer with a kernel. What is needed stands in `needed`: Keras would take it from
# nowhere, or refuse only when the network is run.
EVERY_NEEDED: Mapping[str, Check] = {"name": name, "dtype": float32}
EVERY_OPTIONAL: Mapping[str, Check] = {
    "trainable": flag, "autocast": flag, "activity_regularizer": nothing, "quantization_config": nothing,
}  # fmt: skip
KERNEL_NEEDED: Mapping[str, Check] = {"use_bias": flag, "activation": activation}
KERNEL_OPTIONAL: Mapping[str, Check] = {
    "kernel_initializer": initializer, "kernel_regularizer": nothing, "kernel_constraint": nothing,
    "bias_initializer": initializer, "bias_regularizer": nothing, "bias_constraint": nothing,
}  # fmt: skip


def show_value(value: object) -> str:
    """A value for a message, cut."""
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"].get("name", value.get("class_name"))
    return (f"{value:g}" if isinstance(value, float) else str(value))[:60]
