"""Mutations of a network's description: classes that are not ours, and calls that cannot be made."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.base_bundles import rehash
from tests.fuzz.change_json import nodes, write
from tests.fuzz.outside import Canaries

NOT_OURS = "a class is not one of ours"
NO_CALL = "a call cannot be made"
FOREIGN: tuple[dict[str, Any], ...] = (
    {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "4wEAAAAA"}, "registered_name": None},
    {"module": "os", "class_name": "system", "config": "true", "registered_name": None},
    {"module": "builtins", "class_name": "eval", "config": "1", "registered_name": "function"},
    {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.1}, "registered_name": None},
    {"module": "keras.src.saving.serialization_lib", "class_name": "__lambda__", "config": {"value": "4wEAAAAA"}},
    {"module": "subprocess", "class_name": "Zeros", "config": {}, "registered_name": None},
    {"module": "keras.initializers", "class_name": "\x1b[31mZeros", "config": {}, "registered_name": None},
    {"module": ["keras"], "class_name": "Zeros", "config": {}, "registered_name": None},
)


def put_foreign_classes(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """A class of another package in the place of a layer, an initializer, a type, or where nobody reads it."""
    file = bundle / "model.json"
    model = json.loads(file.read_text(encoding="utf-8"))
    foreign = rng.choice(FOREIGN)
    way = rng.choice(("layer", "initializer", "initializer", "regularizer", "activation", "dtype", "unread"))
    if way == "layer":
        layer = rng.choice(model["config"]["layers"])
        layer["class_name"], layer["module"] = foreign["class_name"], foreign["module"]
    elif way == "unread":
        model["compile_config"] = foreign
    else:
        places = [(c, k) for c, k in nodes(model) if isinstance(k, str) and k.endswith(way)]
        if not places:
            places = [(layer["config"], way) for layer in model["config"]["layers"]]
        container, key = rng.choice(places)
        container[key] = foreign
    write(file, model)
    rehash(bundle)
    return f"{way}: {foreign['class_name']} of {foreign['module']}", NOT_OURS


def change_calls(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Layers that take their own results, those of nobody, or of a call that is not there."""
    file = bundle / "model.json"
    model = json.loads(file.read_text(encoding="utf-8"))
    layers = {layer["name"]: layer for layer in model["config"]["layers"]}
    chosen = rng.choice([layer for layer in layers.values() if layer["inbound_nodes"]])
    history = rng.choice([c[k] for c, k in nodes(chosen["inbound_nodes"]) if k == "keras_history"])
    ways: dict[str, tuple[list[Any], str]] = {
        "of itself": ([chosen["name"], 0, 0], NO_CALL),
        "of nobody": (["nobody", 0, 0], NO_CALL),
        "of a call that is not there": ([history[0], 7, 0], NO_CALL),
        "of call -1": ([history[0], -1, 0], NO_CALL),
        "a result that is not there": ([history[0], 0, 9], ""),
        "of null": ([None], NO_CALL),
        "of nothing": ([], NO_CALL),
        "of a list": ([["x"], {}, 0], NO_CALL),
        "of another layer": ([rng.choice(sorted(layers)), 0, 0], ""),
        "with numbers as texts": ([history[0], "0", "0"], NO_CALL),
        "with numbers as floats": ([history[0], 0.5, 0.5], NO_CALL),
    }
    way = rng.choice(sorted(ways))
    new, wrong = ways[way]
    history[:] = new
    write(file, model)
    rehash(bundle)
    return f"{chosen['name']} takes the result {way}", wrong
