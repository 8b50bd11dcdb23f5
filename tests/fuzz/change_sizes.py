"""Resource bombs: small bundles that ask for much memory or time."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.fuzz.base_bundles import MANIFEST, rehash
from tests.fuzz.change_hdf5 import WEIGHTS
from tests.fuzz.change_json import nodes, write
from tests.fuzz.outside import Canaries

TOO_MUCH = "it asks for far more than it holds"


def _read(bundle: Path) -> Any:
    return json.loads((bundle / "model.json").read_text(encoding="utf-8"))


def _layers_with(model: Any, *keys: str) -> list[dict[str, Any]]:
    """The settings of all layers that have one of the keys."""
    return [c[k] for c, k in nodes(model) if k == "config" and isinstance(c[k], dict) and any(x in c[k] for x in keys)]


def add_many_layers(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """A chain of thousands of layers without weights, in or beside the network."""
    model = _read(bundle)
    layers = model["config"]["layers"]
    [source, *_] = [layer for layer in layers if layer["class_name"] in ("Embedding", "TiedEmbedding")]
    number = rng.choice((300, 8_000, 8_000, 30_000))
    before = source["name"]
    tensor = {"shape": [None, None, 4], "dtype": "float32"}
    for i in range(number):
        history = {**tensor, "keras_history": [before, 0, 0]}
        node = {"args": [{"class_name": "__keras_tensor__", "config": history}], "kwargs": {}}
        name = f"chain_{i}"
        config = {"name": name, "trainable": True, "dtype": "float32", "activation": "linear"}
        layers.append({"module": "keras.layers", "class_name": "Activation", "config": config, "registered_name": None,
                       "name": name, "inbound_nodes": [node]})  # fmt: skip
        before = name
    write(bundle / "model.json", model)
    rehash(bundle)
    return f"a chain of {number:,} layers", TOO_MUCH if number > 1000 else ""


def add_many_calls(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """A layer that is called thousands of times, or takes thousands of tensors."""
    model = _read(bundle)
    layers = [layer for layer in model["config"]["layers"] if layer["inbound_nodes"]]
    chosen = rng.choice(layers)
    if rng.random() < 0.5:
        chosen["inbound_nodes"] = chosen["inbound_nodes"] * 20_000
        done = "called 20,000 times"
    else:
        arguments = chosen["inbound_nodes"][0]["args"]
        chosen["inbound_nodes"][0]["args"] = [[arguments[0]] * 50_000] if arguments else []
        done = "50,000 tensors in a call"
    write(bundle / "model.json", model)
    rehash(bundle)
    return f"{chosen['name']}: {done}", TOO_MUCH


def declare_much(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Sizes that no weight shows: of adapters, of inputs, of windows, levels, targets."""
    model = _read(bundle)
    way = rng.choice(("lora_rank", "batch_shape", "units", "target_shape", "levels", "noise_shape", "kernel_size"))
    wrong = TOO_MUCH
    huge = rng.choice((10**9, 2**31, 2**63, 10**30))
    if way == "lora_rank":
        rng.choice(_layers_with(model, "units", "input_dim"))[way] = huge
    elif way == "batch_shape":
        settings = rng.choice(_layers_with(model, way))
        settings[way] = rng.choice(([huge, huge], [huge, None], [None, huge], [None] * 10_000, [None, -1], [None, 0]))
    elif way == "units":
        rng.choice(_layers_with(model, way, "output_dim")).update({"units": huge, "output_dim": huge})
    else:
        chosen = _layers_with(model, way)
        if not chosen:
            return f"no {way}", ""
        rng.choice(chosen)[way] = {
            "target_shape": [-1, huge],
            "levels": list(range(200_000)),
            "noise_shape": [huge, huge, huge],
            "kernel_size": [huge],
        }[way]
        wrong = "" if way == "noise_shape" else TOO_MUCH  # dropout does nothing when answering
    write(bundle / "model.json", model)
    rehash(bundle)
    return f"{way} {huge:.3g}", wrong


def link_one_array_many_times(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """12 MB of weights under many names, each a layer: gigabytes in memory."""
    model = _read(bundle)
    layers = model["config"]["layers"]
    [source, *_] = [layer for layer in layers if layer["class_name"] in ("Embedding", "TiedEmbedding")]
    number, rows, columns = rng.choice((20, 250)), 100_000, 32
    with h5py.File(bundle / WEIGHTS, "r+") as file:
        file["shared"] = np.ones((rows, columns), np.float32)
        used = sum(layer["class_name"] == "Embedding" for layer in layers)
        for i in range(number):
            name = f"linked_{i}"
            layer = copy.deepcopy(source) | {"name": name, "class_name": "Embedding", "module": "keras.layers"}
            layer["registered_name"] = None
            layer["inbound_nodes"] = layer["inbound_nodes"][:1]
            layer["config"] = {"name": name, "input_dim": rows, "output_dim": columns, "dtype": "float32"}
            layers.append(layer)
            suffix = f"_{used + i}" if used + i else ""
            file[f"layers/embedding{suffix}/vars/0"] = file["shared"]
    write(bundle / "model.json", model)
    rehash(bundle)
    return f"{number} layers share 12 MB", TOO_MUCH


def enlarge_a_vocabulary(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Many words, or long ones."""
    names = ("vocabulary.json", "characters.json", "training_words.json", "tags.json")
    file = rng.choice([bundle / name for name in names if (bundle / name).exists()])
    number = rng.choice((100_000, 1_000_000, 10_000_000))
    tokens = ",".join(f'"w{i}"' for i in range(number))
    content = f"[{tokens}]" if file.name == "tags.json" else f'{{"lowercase": false, "tokens": [{tokens}]}}'
    file.write_text(content)
    rehash(bundle)
    return f"{file.name}: {number:,} words", "" if file.name in (
        "training_words.json",
        "characters.json",
    ) else "too many words"


def enlarge_a_file(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """A file of 400 MB of nothing, or of white space, which takes no room on disk or little time."""
    file = rng.choice(sorted(bundle.iterdir()))
    size = rng.choice((64, 400)) << 20
    way = rng.choice(("zeros", "zeros", "white space"))
    with open(file, "r+b") as handle:
        handle.seek(0, 2)
        if way == "zeros":
            handle.truncate(size)
        else:
            for _ in range(size >> 20):
                handle.write(b" " * (1 << 20))
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {size >> 20} MB of {way}", ""


def nest_deeply(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Brackets within brackets in any file."""
    file = rng.choice(sorted(bundle.glob("*.json")))
    depth = rng.choice((1_000, 100_000, 3_000_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    file.write_text(opening * depth + "1" + closing * depth)
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {depth:,} {opening}", "" if file.name == "metrics.json" else "no file holds this"
