"""Mutations aimed at one check of the gate each: nothing else of the bundle is wrong, so that only this check tells.

Hashes, sizes and the binding of settings to weights are made anew, and what must agree is changed on both sides.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from common.bundles.weights_file import bind_parts
from tests.fuzz.base_bundles import MANIFEST, entry, rehash
from tests.fuzz.change_hdf5 import WEIGHTS, datasets
from tests.fuzz.change_json import MARK, write
from tests.fuzz.outside import Canaries

GIVEN_WORD = "zzyzx"  # in the texts that the commands are given
HUGE_INTEGER = "1" + "0" * 400

Mutation = Callable[[Path, Random, Canaries], tuple[str, str]]


@dataclass(frozen=True)
class Aim:
    """A mutation, the bundles that it suits, and whether the commands of another task are given them."""

    check: str
    change: Mutation
    bases: str = "*-*"
    to_another_task: bool = False


def read(file: Path) -> Any:
    """Read JSON."""
    return json.loads(file.read_text(encoding="utf-8"))


def in_json(
    name: str, how: Callable[[Any, Random], tuple[str, str]], raw: Callable[[Random], str] = lambda rng: "null"
) -> Mutation:
    """Change a JSON file; `raw` is the text that stands where `how` puts the mark."""

    def change(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
        content = read(bundle / name)
        done, wrong = how(content, rng)
        write(bundle / name, content, raw(rng))
        if name != MANIFEST:
            rehash(bundle)
        return f"{name}: {done}", wrong

    return change


def in_weights(how: Callable[[h5py.File, Random], tuple[str, str]]) -> Mutation:
    """Change the file of weights."""

    def change(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
        with h5py.File(bundle / WEIGHTS, "r+") as file:
            done, wrong = how(file, rng)
        rehash(bundle)
        return done, wrong

    return change


def in_layers(how: Callable[[list[Any], Random], tuple[str, str]]) -> Mutation:
    """Change the layers of the network."""
    return in_json("model.json", lambda model, rng: how(model["config"]["layers"], rng))


def in_outputs(how: Callable[[dict[str, Any], Random], tuple[str, str]]) -> Mutation:
    """Change the outputs of the network that have names."""
    return in_json("model.json", lambda model, rng: how(model["config"]["output_layers"], rng))


def in_file(names: tuple[str, ...], how: Callable[[bytes, Random], bytes], wrong: str) -> Mutation:
    """Change the bytes of one of some files."""

    def change(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
        file = bundle / rng.choice([name for name in names if (bundle / name).exists()])
        file.write_bytes(how(file.read_bytes(), rng))
        rehash(bundle)
        return file.name, wrong

    return change


def in_words(how: Callable[[list[Any], Random], Any], wrong: str, name: str = "vocabulary.json") -> Mutation:
    """Change the tokens of a vocabulary, not how many there are."""

    def change(content: Any, rng: Random) -> tuple[str, str]:
        content["tokens"] = how(content["tokens"], rng)
        return wrong, wrong

    return in_json(name, change)


# -- JSON -----------------------------------------------------------------------------------------------------------


def nest_unread_settings(layers: list[Any], rng: Random) -> tuple[str, str]:
    """Nothing reads how a layer was built, but the walk through all classes."""
    depth = rng.choice((100, 400, 900))
    value: Any = 1
    for _ in range(depth):
        value = [value]
    rng.choice(layers)["build_config"] = {"input_shape": value}
    return f"{depth} brackets", "no file is nested so deeply"


def put_a_score(content: Any, rng: Random) -> tuple[str, str]:
    content["test"] = {"rmse": MARK}
    return "a score that is no number of JSON", "a number is none that JSON or this program has"


def put_a_duration(content: Any, rng: Random) -> tuple[str, str]:
    content["seconds"] = MARK
    return "a duration that is no number of JSON", "a number is none that JSON or this program has"


def double_a_setting(content: Any, rng: Random) -> tuple[str, str]:
    content[MARK] = content.pop("batch_size")
    return "batch_size twice", "a key stands there twice"


# -- Manifest -------------------------------------------------------------------------------------------------------


def put_another_format(content: Any, rng: Random) -> tuple[str, str]:
    content["format_version"] = rng.choice((0, 3, "1", None, 1.0, True))
    return f"format {content['format_version']!r}", "it is of another format"


def name_no_task(content: Any, rng: Random) -> tuple[str, str]:
    """Of a task that nobody knows, settings and vocabularies are held against nothing."""
    content["task"] = rng.choice(("other", "", None, 1))
    return f"task {content['task']!r}", "it is of another task"


def change_nothing(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    return "whole", "it is of another task"


def put_no_list(content: Any, rng: Random) -> tuple[str, str]:
    content["files"] = rng.choice((None, [], 1, "x"))
    return f"files {content['files']}", "no files are listed"


def list_many_files(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    manifest = read(bundle / MANIFEST)
    for number in range(100):
        file = bundle / f"{number}.txt"
        file.write_text("x")
        manifest["files"][file.name] = entry(file)
    write(bundle / MANIFEST, manifest)
    return "100 files more", "no bundle has so many files"


def list_a_file_outside(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    manifest = read(bundle / MANIFEST)
    name = rng.choice(("../../outside/words.json", "./../../outside/words.json"))
    manifest["files"][name] = entry(outside.words)
    write(bundle / MANIFEST, manifest)
    return name, "the manifest lists a file outside"


def list_a_file_behind_a_link(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    manifest = read(bundle / MANIFEST)
    (bundle / "folder").symlink_to(outside.words.parent)
    manifest["files"]["folder/words.json"] = entry(outside.words)
    write(bundle / MANIFEST, manifest)
    return "folder/words.json", "the manifest lists a file outside"


def list_another_size(content: Any, rng: Random) -> tuple[str, str]:
    name = rng.choice(sorted(content["files"]))
    listed = content["files"][name]
    listed["size"] = rng.choice((listed["size"] + 1, 0, None, str(listed["size"]), float(listed["size"])))
    return f"{name}: size {listed['size']!r}", "the size of a file is wrong"


def enlarge_weights(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    with open(bundle / WEIGHTS, "r+b") as file:
        file.truncate(300 << 20)
    rehash(bundle)
    return "300 MB of weights", "no file is so large"


def change_a_byte(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """As long as before; of a file that nothing else looks into."""
    file = bundle / rng.choice(("README.md", "history.csv"))
    content = bytearray(file.read_bytes())
    content[rng.randrange(len(content))] ^= 1
    file.write_bytes(content)
    return file.name, "a hash is wrong"


def lose_a_fact(content: Any, rng: Random) -> tuple[str, str]:
    name = rng.choice(("title", "seed", "num_epochs", "seconds", "versions", "tokenizer", "machine", "train"))
    if rng.random() < 0.5:
        del content[name]
        return f"without {name}", "the manifest says too little"
    content[name] = rng.choice((None, []))
    return f"{name} {content[name]}", "the manifest says too little"


def spoil_a_score(content: Any, rng: Random) -> tuple[str, str]:
    content["test"] = rng.choice((1, "x", [], {"rmse": "x"}, {"rmse": []}, {"baselines": 1}))
    return f"test {content['test']}", "the scores are none"


# -- Weights --------------------------------------------------------------------------------------------------------


def add_groups(file: h5py.File, rng: Random) -> tuple[str, str]:
    for number in range(12_000):
        file.create_group(f"more/{number}")
    return "12,000 groups", "no network has so many groups"


def name_a_group_twice(file: h5py.File, rng: Random) -> tuple[str, str]:
    """An empty one: two names of an array share its bytes, and a group within itself is more than any number."""
    file["one"] = file.create_group("other")
    return "a group has two names", "a group has two names"


def share_bytes(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Write the place of one array where that of another stands, which HDF5 itself never does."""
    with h5py.File(bundle / WEIGHTS) as file:
        arrays = [file[name] for name in datasets(file) if file[name].dtype == np.float32]
        arrays.sort(key=lambda array: array.size)
        chosen = rng.randrange(len(arrays) - 1)
        old, new = (struct.pack("<Q", array.id.get_offset()) for array in (arrays[chosen], arrays[-1]))
        name = arrays[chosen].name
    content = (bundle / WEIGHTS).read_bytes()
    (bundle / WEIGHTS).write_bytes(content.replace(old, new, 1))
    rehash(bundle)
    return f"{name} begins where another array does", "two arrays share bytes"


def put_no_number(file: h5py.File, rng: Random) -> tuple[str, str]:
    array = file[rng.choice(datasets(file))]
    value = rng.choice((np.nan, np.inf, -np.inf, 3e38))
    array[(0,) * array.ndim] = value
    return f"{array.name}: {value}", "a weight is no number"


def put_no_scale(file: h5py.File, rng: Random) -> tuple[str, str]:
    [name] = [name for name in datasets(file) if file[name].dtype == np.int8]
    value = rng.choice((0.0, -1.0, np.nan, np.inf, 1e-30))
    file[name.removesuffix("0") + "1"][rng.choice((0, 5))] = value
    return f"a scale of {value}", "rows cannot be divided by their scale"


def bind_other_words(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """As many words, each once: nothing tells but what was written into the weights when they were saved."""
    files = [file for file in bundle.glob("*.json") if file.name not in (MANIFEST, "metrics.json")]
    bind_parts(bundle / WEIGHTS, {file.name: file.read_bytes() for file in files})
    vocabulary = read(bundle / "vocabulary.json")
    vocabulary["tokens"] = vocabulary["tokens"][::-1]
    write(bundle / "vocabulary.json", vocabulary)
    rehash(bundle)
    return "the words in another order", "the words are those of other weights"


# -- Network --------------------------------------------------------------------------------------------------------


def name_a_foreign_class(layers: list[Any], rng: Random) -> tuple[str, str]:
    layer = rng.choice([layer for layer in layers if layer["class_name"] in ("Embedding", "TiedEmbedding", "Dense")])
    way = rng.choice(("module", "registered_name", "build_config"))
    layer[way] = {"module": "os", "registered_name": "builtins>eval"}.get(
        way, {"class_name": "Lambda", "module": "keras.layers", "config": {}}
    )
    return f"{way} {layer[way]}", "a class is not one of ours"


def _tensor(name: str) -> dict[str, Any]:
    config = {"shape": [None, None, 4], "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _linear(name: str, source: str) -> dict[str, Any]:
    """A layer that changes nothing."""
    config = {"name": name, "trainable": True, "dtype": "float32", "activation": "linear"}
    layer = {"module": "keras.layers", "class_name": "Activation", "config": config, "registered_name": None}
    return {**layer, "name": name, "inbound_nodes": [{"args": [_tensor(source)], "kwargs": {}}]}


def lengthen_the_network(layers: list[Any], rng: Random) -> tuple[str, str]:
    """A chain of layers that change nothing, between the vectors of words and who reads them."""
    [source, *_] = [layer["name"] for layer in layers if layer["class_name"] in ("Embedding", "TiedEmbedding")]
    number = rng.choice((500, 5_000))
    for layer in layers:
        for node in layer["inbound_nodes"]:
            tensors = [value for value in [*node["args"], *node["kwargs"].values()] if isinstance(value, dict)]
            for tensor in tensors:
                history = tensor["config"]["keras_history"]
                history[0] = f"chain_{number - 1}" if history == [source, 0, 0] else history[0]
    layers += [_linear(f"chain_{i}", f"chain_{i - 1}" if i else source) for i in range(number)]
    return f"{number:,} layers more", "no network has so many layers"


def add_a_part(model: Any, rng: Random) -> tuple[str, str]:
    part = rng.choice((model, model["config"], rng.choice(model["config"]["layers"])))
    part[rng.choice(("quantization_config", "more", "shared_object_id"))] = {}
    return "a key more", "no network has such a key"


def spoil_a_setting(layers: list[Any], rng: Random) -> tuple[str, str]:
    """A setting that an input does not have, of which no engine would tell; or none where a layer needs one."""
    if rng.random() < 0.5:
        config = rng.choice([layer for layer in layers if layer["class_name"] == "InputLayer"])["config"]
        config[rng.choice(("lora_rank", "more", "quantization_config"))] = rng.choice((10**6, "x"))
        return f"{config['name']}: a setting more", "no layer has such a setting"
    config = rng.choice([layer for layer in layers if "activation" in layer["config"]])["config"]
    del config["activation"]
    return f"{config['name']}: without activation", "a layer lacks a setting"


def add_an_argument(layers: list[Any], rng: Random) -> tuple[str, str]:
    node = rng.choice([layer for layer in layers if layer["inbound_nodes"]])["inbound_nodes"][0]
    tensors = [value for value in node["args"] if isinstance(value, dict)]
    if tensors and rng.random() < 0.5:
        tensors[0]["config"]["shape"] = ["x"]
    else:
        node["more"] = {}
    return "an argument that is none", "a call is not one that a network of ours makes"


def add_a_word(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """In the vocabulary and in the declared size of the table, not in the table: the new word reads beyond it."""
    vocabulary, model = read(bundle / "vocabulary.json"), read(bundle / "model.json")
    size = len(vocabulary["tokens"]) + 4
    vocabulary["tokens"].append(rng.choice((GIVEN_WORD, "another")))
    for layer in model["config"]["layers"]:
        reads = json.dumps(layer["inbound_nodes"])
        if layer["config"].get("input_dim") == size and '"token_ids"' in reads:
            layer["config"]["input_dim"] += 1
    write(bundle / "vocabulary.json", vocabulary)
    write(bundle / "model.json", model)
    rehash(bundle)
    return f"{size + 1} words", "a table has fewer rows than there are words"


def put_bytes_for_numbers(file: h5py.File, rng: Random) -> tuple[str, str]:
    name = rng.choice([name for name in datasets(file) if file[name].dtype == np.float32])
    shape = file[name].shape
    del file[name]
    file[name] = np.ones(shape, np.int8)
    return f"{name} in 8 bits", "weights are of another type than the network declares"


def add_an_array(file: h5py.File, rng: Random) -> tuple[str, str]:
    file[rng.choice(("layers/dense_9/vars/0", "more", "optimizer/vars/0"))] = np.ones(3, np.float32)
    return "an array more", "weights belong to no layer"


def add_an_output(outputs: dict[str, Any], rng: Random) -> tuple[str, str]:
    outputs["more"] = [*rng.choice(list(outputs.values()))]
    return "an output more", "no program reads such an output"


def add_an_output_of_nothing(outputs: dict[str, Any], rng: Random) -> tuple[str, str]:
    outputs["more"] = rng.choice(([*next(iter(outputs.values()))[:2], 9], ["token_ids", 0, 0]))
    return f"an output {outputs['more']}", "an output is no result"


def add_an_idle_layer(layers: list[Any], rng: Random) -> tuple[str, str]:
    [source, *_] = [layer["name"] for layer in layers if layer["class_name"] in ("Embedding", "TiedEmbedding")]
    layers.append(_linear("idle", source))
    return "a layer that nothing reads", "a layer has no part in the answer"


# -- Agreement ------------------------------------------------------------------------------------------------------


def leave_a_setting_out(content: Any, rng: Random) -> tuple[str, str]:
    """One that the network does not show: its default need not have been what the network was trained with."""
    names = [name for name in ("batch_size", "max_length", "truncation", "document") if name in content]
    name = rng.choice(names)
    del content[name]
    return f"without {name}", "a setting that answers depend on is missing"


def rename_the_mask(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    text = (bundle / "model.json").read_text(encoding="utf-8")
    kept = text.replace('"mask":', '"mask" :').replace('"mask"', '"other"').replace('"other" :', '"mask":')
    content = json.loads(kept)
    inputs = content["config"]["input_layers"]
    if isinstance(inputs, dict):
        inputs["other"] = inputs.pop("mask")
    write(bundle / "model.json", content)
    rehash(bundle)
    return "the input `mask` is called other", "an input has another name"


def fix_the_length(layers: list[Any], rng: Random) -> tuple[str, str]:
    for layer in layers:
        if layer["name"] in ("token_ids", "mask"):
            layer["config"]["batch_shape"] = [None, 5]
    return "inputs of 5 tokens", "an input has another shape"


def swap_outputs(one: str, other: str) -> Mutation:
    def swap(outputs: dict[str, Any], rng: Random) -> tuple[str, str]:
        outputs[one], outputs[other] = outputs[other], outputs[one]
        return f"{one} and {other} exchanged", "an output has the name of another"

    return in_outputs(swap)


def count_one_unit_more(content: Any, rng: Random) -> tuple[str, str]:
    content["units"] += 1
    return "one unit more", "the settings are of another network"


def turn_lowercase(content: Any, rng: Random) -> tuple[str, str]:
    content["lowercase"] = not content["lowercase"]
    return f"lowercase is {content['lowercase']}", "words are looked up in another case"


def turn_the_scale(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """The worst rating above the best, in the settings and in the network."""
    config, model = read(bundle / "config.json"), read(bundle / "model.json")
    config["min_rating"], config["max_rating"] = config["max_rating"], config["min_rating"]
    [scale] = [layer["config"] for layer in model["config"]["layers"] if layer["class_name"] == "Rescaling"]
    scale["scale"] = -scale["scale"]
    write(bundle / "config.json", config)
    write(bundle / "model.json", model)
    rehash(bundle)
    return "the scale turned round", "the worst rating is above the best"


def name_the_only_output(model: Any, rng: Random) -> tuple[str, str]:
    output = model["config"]["output_layers"]
    model["config"]["output_layers"] = {"logits": output if isinstance(output[0], str) else output[0]}
    return "the output has a name", "an output has a name that nobody asks for"


AGREEMENT = "common.bundles.agreement"
AIMS: tuple[Aim, ...] = (
    Aim("common.json_files:check_size", in_file(("tags.json",), lambda content, rng: content + b" " * (5 << 20),
        "no such file is so large"), "pos_tagging-*"),
    Aim("common.json_files:check_num_parts", in_file(("vocabulary.json", "training_words.json"),
        lambda content, rng: b'{"lowercase": false, "tokens": [' + b"[[[[]]]]," * 3_700_000 + b"[]]}",
        "tokens are no lists")),
    Aim("common.json_files:check_depth", in_layers(nest_unread_settings)),
    Aim("common.json_files:bounded_integer", in_json("metrics.json", put_a_score, lambda rng: HUGE_INTEGER)),
    Aim("common.json_files:bounded_integer", in_json(MANIFEST, put_a_duration, lambda rng: HUGE_INTEGER)),
    Aim("common.json_files:refuse_constant", in_json("metrics.json", put_a_score,
        lambda rng: rng.choice(("NaN", "Infinity", "-Infinity")))),
    Aim("common.json_files:finite_number", in_json(MANIFEST, put_a_duration,
        lambda rng: rng.choice(("1e999", "-1e999")))),
    Aim("common.json_files:distinct_keys", in_json("config.json", double_a_setting,
        lambda rng: '"batch_size": 7, "batch_size"')),
    Aim("common.bundles.manifest:check_format", in_json(MANIFEST, put_another_format)),
    Aim("common.bundles.manifest:check_task", change_nothing, to_another_task=True),
    Aim("common.bundles.manifest:check_task", in_json(MANIFEST, name_no_task)),
    Aim("common.bundles.manifest:check_list", in_json(MANIFEST, put_no_list)),
    Aim("common.bundles.manifest:check_list", list_many_files),
    Aim("common.bundles.manifest:check_name", list_a_file_outside),
    Aim("common.bundles.manifest:check_regular", list_a_file_behind_a_link),
    Aim("common.bundles.manifest:check_size", in_json(MANIFEST, list_another_size)),
    Aim("common.bundles.manifest:check_size", enlarge_weights),
    Aim("common.bundles.manifest:check_hash", change_a_byte),
    Aim("common.bundles.manifest:check_facts", in_json(MANIFEST, lose_a_fact)),
    Aim("common.bundles.manifest:check_metrics", in_json("metrics.json", spoil_a_score)),
    Aim("common.bundles.weights_file:check_number", in_weights(add_groups)),
    Aim("common.bundles.weights_file:check_single_name", in_weights(name_a_group_twice)),
    Aim("common.bundles.weights_file:check_apart", share_bytes),
    Aim("common.bundles.weights_file:check_numbers", in_weights(put_no_number), "*-[0124]"),
    Aim("common.bundles.weights_file:check_scales", in_weights(put_no_scale), "pos_tagging-3"),
    Aim("common.bundles.weights_file:check_binding", bind_other_words),
    Aim("common.bundles.gate:check_classes", in_layers(name_a_foreign_class)),
    Aim("common.bundles.gate:check_number_of_layers", in_layers(lengthen_the_network)),
    Aim("common.bundles.gate:check_entries", in_json("model.json", add_a_part)),
    Aim("common.bundles.gate:check_settings", in_layers(spoil_a_setting)),
    Aim("common.bundles.calls:check_calls", in_layers(add_an_argument)),
    Aim("common.bundles.layer_weights:check_shapes", add_a_word, "sentiment-*"),
    Aim("common.bundles.layer_weights:check_types", in_weights(put_bytes_for_numbers), "*-[0124]"),
    Aim("common.bundles.layer_weights:check_nothing_left", in_weights(add_an_array)),
    Aim("common.bundles.calls:check_outputs", in_outputs(add_an_output_of_nothing), "*-[12]"),
    Aim("common.bundles.calls:check_all_used", in_layers(add_an_idle_layer)),
    Aim("common.text.vocabulary:check_parts", in_json("vocabulary.json", lambda content, rng: (
        f"without {rng.choice((content.pop('lowercase'), 'lowercase'))}", "the vocabulary says too little"))),
    Aim("common.text.vocabulary:check_parts", in_json("vocabulary.json", lambda content, rng: (
        f"{content.update(lowercase='false')}", "lowercase is a text"))),
    Aim("common.text.vocabulary:check_tokens", in_words(
        lambda tokens, rng: [*tokens[:-1], rng.choice(("", 7, None, ["x"]))],
        "a token is no word")),
    Aim(f"{AGREEMENT}:check_stated", in_json("config.json", leave_a_setting_out)),
    Aim(f"{AGREEMENT}:check_inputs", rename_the_mask, "sentiment-*"),
    Aim(f"{AGREEMENT}:check_inputs", in_layers(fix_the_length), "sentiment-*"),
    Aim(f"{AGREEMENT}:check_answers", in_outputs(add_an_output), "language_model-*"),
    Aim(f"{AGREEMENT}:check_places", swap_outputs("rating", "spread"), "sentiment-[1236]"),
    Aim(f"{AGREEMENT}:check_origins", swap_outputs("rating", "spread"), "sentiment-5"),
    Aim(f"{AGREEMENT}:check_layers", in_json("config.json", count_one_unit_more), "sentiment-*"),
    Aim(f"{AGREEMENT}:check_lowercase", in_json("vocabulary.json", turn_lowercase)),
    Aim(f"{AGREEMENT}:check_special", in_words(lambda tokens, rng: [*tokens[:-1], rng.choice(("<pad>", "<bos>"))],
        "a special token is a word"), "*-[0134]"),
    Aim(f"{AGREEMENT}:check_words", in_words(lambda tokens, rng: [*tokens[:-1], rng.choice(("two words", " ", "x\n"))],
        "a word has white space in it"), "sentiment-*"),
    Aim(f"{AGREEMENT}:check_characters", in_words(lambda tokens, rng: [*tokens[:-1], "ab"],
        "a character is two"), "language_model-2"),
    Aim(f"{AGREEMENT}:check_characters", in_words(lambda tokens, rng: [*tokens[:-1], "ab"],
        "a character is two", "characters.json"), "pos_tagging-*"),
    Aim("sentiment.agreement:check_scale", turn_the_scale, "sentiment-[04]"),
    Aim("sentiment.agreement:check_outputs", in_outputs(add_an_output), "sentiment-[12356]"),
    Aim("language_model.agreement:check_states", swap_outputs("state_0_h", "state_0_c"), "language_model-[04]"),
    Aim("pos_tagging.agreement:check_outputs", in_json("model.json", name_the_only_output), "pos_tagging-[034]"),
    Aim("pos_tagging.agreement:check_vocabularies", in_json("vocabulary.json", turn_lowercase), "pos_tagging-*"),
    Aim("common.bundles.bundle:check_agreement", in_json("config.json", count_one_unit_more)),
)  # fmt: skip
AIMED_EVERY, AIMED_REST = 5, 3  # one case in so many is aimed, none of those that run Keras; the gate is the same


def aim_of(number: int) -> Aim | None:
    """The aim of a case, in turn; None if it has none."""
    turn, rest = divmod(number, AIMED_EVERY)
    return AIMS[turn % len(AIMS)] if rest == AIMED_REST else None
