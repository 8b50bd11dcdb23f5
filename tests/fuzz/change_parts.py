"""Mutations after which the parts of a bundle are each in order and do not belong together.

Every one is known to disagree: a command that answers from such a bundle answers wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.fuzz.base_bundles import MANIFEST, rehash, task_of
from tests.fuzz.case import TASKS
from tests.fuzz.change_hdf5 import WEIGHTS, datasets
from tests.fuzz.change_json import nodes, write
from tests.fuzz.outside import Canaries

DISAGREE = "its parts disagree"
HAS_WEIGHTS = ("Embedding", "TiedEmbedding", "Dense", "LSTM", "GRU", "SimpleRNN", "Conv1D", "ChainScores")
SIZES = ("units", "input_dim", "output_dim", "filters", "num_tags")
OTHER = {  # the other choice of a setting that has words
    "architecture": {"lstm": "gru", "gru": "lstm", "simple-rnn": "lstm", "bow": "cbow", "cbow": "bow"}
    | {"fixed-window": "lstm", "previous-tag": "lstm"},
    "head": {"regression": "categorical", "categorical": "ordinal", "ordinal": "categorical"}
    | {"class": "ordinal", "softmax": "crf", "crf": "softmax"},
    "pooling": {"mean-max": "mean", "attention": "max", "last": "mean"},
    "directions": {"forward": "both", "both": "forward"},
    "character_network": {"convolution": "lstm", "lstm": "convolution"},
    "level": {"word": "character"},
}


def read(file: Path) -> Any:
    """Read JSON."""
    return json.loads(file.read_text(encoding="utf-8"))


def settings_in_the_network(task: str, config: dict[str, Any], bundle: Path) -> list[str]:
    """The settings of a bundle that its network or its vocabularies show."""
    architecture = config["architecture"]
    directions = "directions" if "directions" in config else "bidirectional"  # an older bundle
    if task == "sentiment":
        names = ["architecture", "head", "min_rating", "max_rating", "units", "lowercase"]
        if architecture == "bow":
            return names
        names.append("embedding_dim")
        if architecture == "cbow":
            return names
        both = ["backward_units"] if config.get("backward_units") else [directions]
        return [*names, *both, "num_layers", "pooling"]
    if task == "language_model":
        names = ["architecture", "units", "embedding_dim", "num_layers", "tie_embeddings", "lowercase"]
        names += ["level"] if config["level"] == "word" else []
        return [*names, *(["window"] if architecture == "fixed-window" else [])]
    names = ["architecture", "units", "embedding_dim", "lowercase"]
    names += ["tag_dim"] if architecture == "previous-tag" else [directions, "num_layers", "head"]
    names += ["shape_dim"] if (bundle / "shapes.json").exists() else []
    names += ["affix_dim"] if (bundle / "affixes.json").exists() else []
    if config["character_dim"]:
        network = config.get("character_network", "convolution")
        names += ["character_dim", "character_network"]
        names += ["character_filters" if network == "convolution" else "character_units"]
    return names


def change_a_setting(bundle: Path, rng: Random, task: str) -> str:
    """A setting that the network was not built with."""
    config = read(bundle / "config.json")
    name = rng.choice(settings_in_the_network(task, config, bundle))
    old = config.get(name)
    if isinstance(old, bool):
        config[name] = not old
    elif isinstance(old, str):
        config[name] = OTHER[name][old]
    elif name == "min_rating":
        config[name] = rng.choice((old - 1, old - 0.5, -1000.0, config["max_rating"]))
    elif name == "max_rating":
        config[name] = rng.choice((old + 1, old + 10, old - 0.5, 1e30, config["min_rating"]))
    else:
        config[name] = old + 1 if old is not None else "lstm"
    if name == "character_network" and old is None:
        config[name] = "lstm"
    write(bundle / "config.json", config)
    return f"{name}: {old} is now {config[name]}"


def spoil_settings(bundle: Path, rng: Random, task: str) -> str:
    """Settings that no training can have had."""
    config = read(bundle / "config.json")
    ways: dict[str, dict[str, Any] | None] = {
        "no settings": {},
        "no units": {key: value for key, value in config.items() if key != "units"},
        "an unknown one": config | {"unheard_of": 1},
        "units of a text": config | {"units": "3"},
        "units NaN": config | {"units": float("nan")},
        "units 0": config | {"units": 0},
        "units -3": config | {"units": -3},
        "lowercase 1": config | {"lowercase": 1},
        "an architecture that is none": config | {"architecture": "transformer"},
        "a dropout above 1": config | {"dropout": 1.5},
        "a dropout of NaN": config | {"dropout": float("nan")},
        "a learning rate of NaN": config | {"learning_rate": float("nan")},
        "less than no epochs": config | {"num_epochs": -1},
        "a seed of null": config | {"seed": None},
        "settings of another task": read(bundle.parent / "other.json"),
    }
    if task == "sentiment":
        low, high = config["min_rating"], config["max_rating"]
        ways |= {
            "min above max": config | {"min_rating": high, "max_rating": low},
            "min NaN": config | {"min_rating": float("nan")},
            "max NaN": config | {"max_rating": float("nan")},
            "max infinite": config | {"max_rating": float("inf")},
            "max a text": config | {"max_rating": "10"},
            "a length of -1": config | {"max_length": -1},
        }
    if config["architecture"] == "bow":
        del ways["no units"]  # the default may do for a layer; that case has `change_a_setting`
    way = rng.choice(sorted(ways))
    write(bundle / "config.json", ways[way])
    return f"config: {way}"


def vocabularies_in_the_network(task: str, bundle: Path) -> list[str]:
    """The vocabularies whose number of tokens the network shows."""
    names = ["vocabulary.json"]
    if task == "pos_tagging":
        names += [name for name in ("shapes.json", "affixes.json", "vector_words.json") if (bundle / name).exists()]
        names += ["characters.json"] if read(bundle / "config.json")["character_dim"] else []
    return names


def change_a_vocabulary(bundle: Path, rng: Random, task: str) -> str:
    """Too few tokens, too many, one twice, tokens that are no texts."""
    file = bundle / rng.choice(vocabularies_in_the_network(task, bundle))
    content = read(file)
    tokens = content["tokens"]
    number = len(tokens)
    middle = rng.randrange(number)
    ways: dict[str, Any] = {
        "the last gone": tokens[:-1],
        "one gone": tokens[:middle] + tokens[middle + 1 :],
        "half": tokens[: number // 2],
        "none": [],
        "one more": [*tokens, "more"],
        "500 more": [*tokens, *(f"more{i}" for i in range(500))],
        "one twice": [*tokens[:-1], tokens[0]],
        "all twice": tokens * 2,
        "a number": [*tokens[:-1], 7],
        "null": None,
        "a null": [*tokens[:-1], None],
        "a list": [*tokens[:-1], ["x"]],
        "a text as long": "".join(map(chr, range(0x4E00, 0x4E00 + number))),
        "a dict as long": dict.fromkeys(tokens, 1),
    }
    way = rng.choice([*sorted(ways), "lowercase", "lowercase a text", "no lowercase", "only a list", "null file"])
    if way in ways:
        content["tokens"] = ways[way]
    elif way == "lowercase":
        file = bundle / "vocabulary.json"
        content = read(file) | {"lowercase": not read(file)["lowercase"]}
    elif way == "lowercase a text":
        content["lowercase"] = "false"
    elif way == "no lowercase":
        del content["lowercase"]
    else:
        content = tokens if way == "only a list" else None
    write(file, content)
    return f"{file.name}: {way}"


def change_tags(bundle: Path, rng: Random, task: str) -> str:
    """Tags of a tagger: too few, too many, one twice; of other tasks a vocabulary."""
    if task != "pos_tagging":
        return change_a_vocabulary(bundle, rng, task)
    file = bundle / "tags.json"
    tags = read(file)
    ways: dict[str, Any] = {
        "the last gone": tags[:-1],
        "none": [],
        "one more": [*tags, "ZZZ"],
        "one twice": [tags[0], *tags[:-1]],
        "a number": [*tags[:-1], 7],
        "a null": [*tags[:-1], None],
        "null": None,
        "a text as long": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(tags)],
        "a dict as long": dict.fromkeys(tags, 1),
        "a vocabulary": {"lowercase": False, "tokens": tags},
    }
    way = rng.choice(sorted(ways))
    write(file, ways[way])
    return f"tags: {way}"


def lose_a_vocabulary(bundle: Path, rng: Random, task: str) -> str:
    """A vocabulary is neither there nor listed."""
    manifest = read(bundle / MANIFEST)
    names = [*vocabularies_in_the_network(task, bundle), *(["tags.json"] if task == "pos_tagging" else [])]
    name = rng.choice(names)
    (bundle / name).unlink()
    del manifest["files"][name]
    write(bundle / MANIFEST, manifest)
    return f"without {name}"


def change_a_declared_size(bundle: Path, rng: Random, task: str) -> str:
    """A layer declares another size than its weights have."""
    model = read(bundle / "model.json")
    places = [
        (c["config"], key)
        for c, k in nodes(model)
        if k == "config" and c.get("class_name") in HAS_WEIGHTS
        for key in SIZES
        if isinstance(c["config"].get(key), int)
    ]
    config, key = rng.choice(places)
    config[key] = rng.choice((config[key] + 1, config[key] - 1, config[key] * 2, 0, -1, float(config[key]) + 0.5))
    write(bundle / "model.json", model)
    return f"{config['name']}: {key} is {config[key]}"


def rename_an_end(bundle: Path, rng: Random, task: str) -> str:
    """An input, a state or an output of the network has another name than the program gives or reads."""
    model = read(bundle / "model.json")
    layers = model["config"]["layers"]
    used = json.dumps([layer["inbound_nodes"] for layer in layers])
    inputs = [layer["name"] for layer in layers if layer["class_name"] == "InputLayer"]
    inputs = [name for name in inputs if f'"keras_history": ["{name}"' in used]
    outputs = model["config"]["output_layers"]
    names = [name for name in outputs if name not in ("spread", "hidden")] if isinstance(outputs, dict) else []
    if task == "sentiment":
        names = [name for name in names if name == "rating"]
    if names and rng.random() < 0.5:
        name = rng.choice(names)
        outputs["other"] = outputs.pop(name)
        write(bundle / "model.json", model)
    else:
        name = rng.choice(inputs)
        text = json.dumps(model, indent=1).replace(json.dumps(name), '"other"')
        (bundle / "model.json").write_text(text, encoding="utf-8")
    return f"{name} is called other"


def change_the_scale(bundle: Path, rng: Random, task: str) -> str:
    """A rating network whose scale is not that of the settings; of other tasks a size."""
    model = read(bundle / "model.json")
    layers = [layer for layer in model["config"]["layers"] if layer["class_name"] in ("Rescaling", "ExpectedLevel")]
    if not layers:
        return change_a_declared_size(bundle, rng, task)
    config = layers[0]["config"]
    if "levels" in config:
        levels = config["levels"]
        ways = ([x + 1 for x in levels], levels[::-1], levels[:-1], [*levels, 99.0], [float("nan"), *levels[1:]], [])
        config["levels"] = rng.choice(ways)
        done = f"levels {config['levels'][:3]}"
    else:
        key = rng.choice(("scale", "offset"))
        config[key] = rng.choice((config[key] + 1, -config[key], 0, float("nan"), float("inf"), "1", None))
        done = f"{key} {config[key]}"
    write(bundle / "model.json", model)
    return done


def change_the_task(bundle: Path, rng: Random, task: str) -> str:
    """The manifest names another task, whose commands are then given the bundle."""
    manifest = read(bundle / MANIFEST)
    manifest["task"] = rng.choice([other for other in TASKS if other != task])
    write(bundle / MANIFEST, manifest)
    return f"{task} says it is {manifest['task']}"


def mix_bundles(bundle: Path, rng: Random, task: str, bases: Path) -> str:
    """The network, or the weights alone, of another bundle of the task."""
    own = read(bundle / "model.json")
    others = [base for base in sorted(bases.glob(f"{task}-*")) if read(base / "model.json") != own]
    other = rng.choice(others)
    names = rng.choice((("model.json",), ("model.json", WEIGHTS), ("config.json",)))
    for name in names:
        (bundle / name).write_bytes((other / name).read_bytes())
    return f"{' and '.join(names)} of {other.name}"


def spoil_scales(bundle: Path, rng: Random, task: str) -> str:
    """Rows in 8 bits whose scale is 0 or no number; where there are none, weights that are not finite."""
    with h5py.File(bundle / WEIGHTS, "r+") as file:
        whole = [name for name in datasets(file) if file[name].dtype == np.int8]
        name = whole[0].removesuffix("0") + "1" if whole else datasets(file)[0]
        file[name][...] = rng.choice((0.0, np.nan)) if whole else np.nan
    return f"{name} is spoiled"


WAYS: tuple[Callable[[Path, Random, str], str], ...] = (
    change_a_setting,
    spoil_settings,
    change_a_vocabulary,
    change_tags,
    lose_a_vocabulary,
    change_a_declared_size,
    rename_an_end,
    change_the_scale,
    change_the_task,
    spoil_scales,
)


def disagree(way: Callable[..., str], bundle: Path, base: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Make the parts of a bundle disagree in one way, with new hashes."""
    task = task_of(base)
    done = mix_bundles(bundle, rng, task, base.parent) if way is mix_bundles else way(bundle, rng, task)
    if way is not lose_a_vocabulary:
        rehash(bundle)
    return done, DISAGREE
