"""The spec of every layer that a saved network may have, by Keras' name of its class."""

from __future__ import annotations

from common.networks.specs import dense, embeddings, outputs, pooling, recurrent, sequences
from common.networks.specs.settings import Config, is_int8
from common.networks.specs.spec import LayerSpec

FAMILIES = (dense, embeddings, sequences, recurrent, pooling, outputs)
SPECS: dict[str, LayerSpec] = {spec.name: spec for family in FAMILIES for spec in family.SPECS}


def describe_layer(class_name: str, config: Config) -> str:
    """Describe a layer by the settings that shape its answer.

    >>> describe_layer("LSTM", {"units": 3, "go_backwards": True}), describe_layer("Dense", {"units": 2})
    ('LSTM(3, go_backwards=True)', 'Dense(2)')
    """
    spec = SPECS[class_name]
    shown = [_shown(config[name]) for name in spec.shown or () if name in config]
    usual = spec.usual.items()
    shown += [f"{name}={_shown(config[name])}" for name, value in usual if config.get(name, value) != value]
    if class_name == recurrent.BIDIRECTIONAL.name:
        sides = [config["layer"], config.get("backward_layer", config["layer"])]
        both = [describe_layer(side["class_name"], {**side["config"], "go_backwards": False}) for side in sides]
        shown = [*dict.fromkeys(both), *shown]
    shown += ["int8"] if is_int8(config) else []
    return f"{class_name}({', '.join(shown)})"


def shapes_answers(class_name: str, config: Config) -> bool:
    """Whether a layer has a part in answers: not inputs, dropout, and activations that change nothing."""
    return SPECS[class_name].shown is not None and not (class_name == "Activation" and config["activation"] == "linear")


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:.6g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
