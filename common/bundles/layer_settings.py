"""Which settings a layer of a saved network may have, and which values: a class that is not here is not built.

Keras takes many more, and some do harm: `lora_rank` makes new weights, a `batch_shape` of a billion makes an array. A
setting that is not in these tables is refused, whichever engine would answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.networks.rating_levels import MAX_LEVELS

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

Check = Callable[[Any], bool]


def is_int8(config: Mapping[str, Any]) -> bool:
    """Whether a layer keeps its weights in 8 bits, with a scale for each row."""
    dtype = config.get("dtype")
    return isinstance(dtype, dict) and dtype["class_name"] == INT8_POLICY and dtype["config"] == INT8_POLICY_SETTINGS


def whole(low: int, high: int) -> Check:
    """An integer in a range; True is none."""
    return lambda value: type(value) is int and low <= value <= high


def number(low: float, high: float) -> Check:
    """A number in a range; NaN is in none."""
    return lambda value: type(value) in (int, float) and low <= value <= high


def one_of(*choices: Any) -> Check:
    """One of a few values, and of their type: 1 is not True."""
    return lambda value: any(type(value) is type(choice) and value == choice for choice in choices)


def listed(check: Check, most: int) -> Check:
    """A list of values that each pass."""
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def either(*checks: Check) -> Check:
    """Whatever one of them accepts."""
    return lambda value: any(check(value) for check in checks)


def name(value: Any) -> bool:
    """A name that a message can show."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable()


def float32(value: Any) -> bool:
    """Single precision, as Keras writes it: a word, or a policy."""
    if isinstance(value, dict):
        return value.get("class_name") == "DTypePolicy" and value.get("config") == {"name": "float32"}
    return value == "float32"


def float32_or_int8(value: Any) -> bool:
    """Single precision, or rows of 8 bits."""
    return float32(value) or (isinstance(value, dict) and "class_name" in value and _is_int8_policy(value))


def _is_int8_policy(value: Mapping[str, Any]) -> bool:
    return value["class_name"] == INT8_POLICY and value.get("config") == INT8_POLICY_SETTINGS


def initializer(value: Any) -> bool:
    """How weights begin; they are read from the file, so this is without effect, and may not cost anything."""
    if not isinstance(value, dict) or value.get("class_name") not in INITIALIZERS:
        return False
    settings = value.get("config")
    plain = either(one_of(None), number(-1e9, 1e9), listed(whole(-MAX_RANK, MAX_RANK), MAX_RANK))
    return isinstance(settings, dict) and all(map(plain, settings.values()))


flag, nothing, seed = one_of(True, False), one_of(None), either(one_of(None), whole(0, 1 << 63))
size, rate, activation = whole(1, MAX_SIZE), number(0, 1), one_of(*ACTIVATIONS)
EVERY_LAYER: dict[str, Check] = {"name": name, "trainable": flag, "dtype": float32, "autocast": flag,
                                 "activity_regularizer": nothing, "quantization_config": nothing}  # fmt: skip
KERNEL: dict[str, Check] = {"kernel_initializer": initializer, "kernel_regularizer": nothing,
                            "kernel_constraint": nothing, "bias_initializer": initializer, "bias_regularizer": nothing,
                            "bias_constraint": nothing, "use_bias": flag}  # fmt: skip
RECURRENT_LAYER: dict[str, Check] = {
    **KERNEL, "units": size, "activation": activation, "return_sequences": flag, "return_state": flag,
    "go_backwards": flag, "stateful": one_of(False), "unroll": one_of(False), "zero_output_for_mask": flag,
    "dropout": rate, "recurrent_dropout": rate, "seed": seed, "recurrent_initializer": initializer,
    "recurrent_regularizer": nothing, "recurrent_constraint": nothing,
}  # fmt: skip
DROPOUT: dict[str, Check] = {"rate": rate, "seed": seed}
SETTINGS: dict[str, dict[str, Check]] = {
    "InputLayer": {
        "batch_shape": lambda value: (
            listed(either(nothing, whole(1, MAX_FEATURES)), MAX_RANK)(value) and len(value) > 1 and value[0] is None
        ),
        "dtype": one_of("int32", "bool", "float32"), "sparse": one_of(False), "ragged": one_of(False),
        "optional": one_of(False),
    },
    "SimpleRNN": RECURRENT_LAYER,
    "GRU": {**RECURRENT_LAYER, "recurrent_activation": activation, "reset_after": flag},
    "LSTM": {**RECURRENT_LAYER, "recurrent_activation": activation, "unit_forget_bias": flag},
    "Bidirectional": {
        "merge_mode": one_of("concat", "sum", "mul", "ave", None), "layer": lambda value: isinstance(value, dict),
        "backward_layer": lambda value: isinstance(value, dict),
    },
    "Embedding": {
        "input_dim": size, "output_dim": size, "embeddings_initializer": initializer, "embeddings_regularizer": nothing,
        "embeddings_constraint": nothing, "mask_zero": one_of(False), "dtype": float32_or_int8,
    },
    "TiedEmbedding": {"input_dim": size, "output_dim": size},
    "Dense": {**KERNEL, "units": size, "activation": activation},
    "Conv1D": {
        **KERNEL, "filters": size, "kernel_size": listed(whole(1, 1000), 3), "activation": activation,
        "padding": one_of("same", "valid"), "strides": one_of([1]), "dilation_rate": one_of([1]),
        "groups": one_of(1), "data_format": one_of("channels_last"),
    },
    "GlobalMaxPooling1D": {"data_format": one_of("channels_last"), "keepdims": one_of(False)},
    "LayerNormalization": {
        "axis": one_of([-1]), "epsilon": number(1e-9, 1), "center": flag, "scale": flag, "rms_scaling": one_of(False),
        "beta_initializer": initializer, "gamma_initializer": initializer, "beta_regularizer": nothing,
        "gamma_regularizer": nothing, "beta_constraint": nothing, "gamma_constraint": nothing,
    },
    "Activation": {"activation": activation},
    "Dropout": {**DROPOUT, "noise_shape": either(nothing, listed(either(nothing, one_of(1)), MAX_RANK))},
    "SpatialDropout1D": DROPOUT,
    "EmbeddingDropout": {"rate": rate, "input_dim": size},
    "Concatenate": {"axis": whole(-1, MAX_RANK)},
    "Add": {},
    "Reshape": {"target_shape": listed(whole(-1, MAX_FEATURES), MAX_RANK)},
    "Rescaling": {
        "scale": either(number(-1e9, 1e9), listed(number(-1e9, 1e9), MAX_LEVELS)),
        "offset": either(number(-1e9, 1e9), listed(number(-1e9, 1e9), MAX_LEVELS)),
    },
    "MaskedPooling": {"mode": one_of("mean", "max", "sum")},
    "AttentionPooling": {"units": size},
    "ChainScores": {"num_tags": size},
    "ExpectedLevel": {
        "levels": lambda value: listed(number(-1e9, 1e9), MAX_LEVELS)(value) and len(value) > 1, "ordinal": flag,
    },
    "SlidingWindow": {"size": whole(2, 1000)},
    "FlipTime": {},
    "TakeRows": {},
}  # fmt: skip
# What Keras would take from nowhere, or refuse only when the network is run, if it were missing.
NEEDED = frozenset(
    {"name", "units", "activation", "recurrent_activation", "use_bias", "return_sequences", "return_state",
     "go_backwards", "zero_output_for_mask", "batch_shape", "dtype", "input_dim", "output_dim", "filters",
     "kernel_size", "padding", "layer", "merge_mode", "center", "scale", "epsilon", "axis", "target_shape", "offset",
     "mode", "num_tags", "levels", "ordinal", "size", "reset_after"}
)  # fmt: skip


def _shown(value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return str(value["config"].get("name", value.get("class_name")))
    return f"{value:g}" if isinstance(value, float) else str(value)


def find_fault(class_name: str, config: Any) -> str | None:
    """Say what is wrong with the settings of a layer, or None.

    >>> find_fault("Dense", {"name": "x", "dtype": "float32", "units": 0, "activation": "tanh", "use_bias": True})
    'units is 0'
    """
    if not isinstance(config, dict):
        return "there are no settings"
    known = {**EVERY_LAYER, **SETTINGS[class_name]}
    for setting, value in config.items():
        if setting not in known:
            return f"no such setting as {setting[:40]}"
        if not known[setting](value):
            return f"{setting} is {_shown(value)[:60]}"
    missing = sorted(NEEDED & known.keys() - config.keys())
    return f"{missing[0]} is missing" if missing else None
