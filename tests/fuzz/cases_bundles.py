"""Bundles to fuzz with: a whole one, one mutation, and the commands that are given it."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz import (
    change_bytes,
    change_hdf5,
    change_json,
    change_manifest,
    change_network,
    change_parts,
    change_sizes,
)
from tests.fuzz.base_bundles import MANIFEST, rehash, task_of
from tests.fuzz.case import ANSWERING, TASKS, TEXT_COLUMN, Case, Command, Place, has_lstm, needs_keras
from tests.fuzz.change_aimed import aim_of
from tests.fuzz.outside import canaries

TEXTS = ("The soup was cold, but I loved the view.", "the ferry was late again .", "zzyzx")
TEST_FILES = {
    "sentiment": ("test.csv", "review,rating\n" + "".join(f'"{text}",{i + 1}\n' for i, text in enumerate(TEXTS))),
    "language_model": ("test.csv", "text\n" + "".join(f'"{text} It was good."\n' for text in TEXTS)),
    "pos_tagging": ("test.csv", "tokens,tags\nthe\tview,DET\tNOUN\nit\twas\tlate,PRON\tVERB\tADJ\n"),
}

# How often, and what: a mutation changes the bundle and returns what it did and why no answer may come of it, or "".
Mutation = Callable[..., tuple[str, str]]
MUTATIONS: tuple[tuple[int, str, Mutation], ...] = (
    (4, "bytes, old hash", change_bytes.change_bytes_with_old_hash),
    (12, "bytes, new hash", change_bytes.change_bytes_with_new_hash),
    (14, "JSON: a value", change_json.change_a_value),
    (5, "JSON: a number", change_json.change_a_number),
    (5, "JSON: keys", change_json.change_keys),
    (5, "JSON: a list", change_json.change_a_list),
    (2, "JSON: the text", change_json.change_the_text),
    (3, "network: foreign classes", change_network.put_foreign_classes),
    (3, "network: calls", change_network.change_calls),
    (5, "HDF5: weights outside", change_hdf5.put_weights_outside),
    (2, "HDF5: soft links", change_hdf5.put_links),
    (1, "HDF5: hard links", change_hdf5.put_hard_links),
    (4, "HDF5: other numbers", change_hdf5.put_other_values),
    (5, "HDF5: other arrays", change_hdf5.put_other_arrays),
    (2, "HDF5: stored otherwise", change_hdf5.store_otherwise),
    (3, "HDF5: groups", change_hdf5.change_groups),
    (4, "manifest: facts", change_manifest.change_facts),
    (3, "manifest: entries", change_manifest.change_entries),
    (4, "manifest: paths outside", change_manifest.list_outside_paths),
    (4, "no regular file", change_manifest.put_no_file),
    (1, "strangers and links", change_manifest.put_links_for_folders),
    (1, "bomb: layers", change_sizes.add_many_layers),
    (1, "bomb: calls", change_sizes.add_many_calls),
    (2, "bomb: declared sizes", change_sizes.declare_much),
    (1, "bomb: hard links", change_sizes.link_one_array_many_times),
    (1, "bomb: words", change_sizes.enlarge_a_vocabulary),
    (1, "bomb: files", change_sizes.enlarge_a_file),
    (1, "bomb: nesting", change_sizes.nest_deeply),
)
NUM_DISAGREEING = 24  # of the weights above, for each way in which parts disagree together
NUM_GOOD = 3


def make_case(number: int, rng: Random, place: Place) -> Case:
    """Copy a whole bundle, change it, and choose the commands; every few cases are aimed at one check of the gate."""
    aim = aim_of(number)
    base = rng.choice(sorted(place.bases.glob(aim.bases if aim else "*-*")))
    task = task_of(base)
    bundle = place.case / "bundle"
    shutil.copytree(base, bundle)
    others = [other for other in TASKS if other != task]
    shutil.copy(place.bases / f"{rng.choice(others)}-0" / "config.json", place.case / "other.json")
    if aim:
        done, wrong = aim.change(bundle, rng, canaries(place.outside))
        given_task = rng.choice(others) if aim.to_another_task else task
        commands = choose_commands(given_task, place.case, rng, needs_keras(number), has_lstm(base))
        module, check = aim.check.split(":")
        return Case(f"aimed at {module}", f"{check}, {base.name}, {done}", commands, wrong)
    weights = [*(weight for weight, _, _ in MUTATIONS), NUM_DISAGREEING, NUM_GOOD]
    chosen = rng.choices(range(len(weights)), weights)[0]
    good = chosen == len(MUTATIONS) + 1
    if chosen < len(MUTATIONS):
        _, name, mutation = MUTATIONS[chosen]
        done, wrong = mutation(bundle, rng, canaries(place.outside))
    elif good:
        name, (done, wrong) = "none", leave_good(bundle, rng)
    else:
        way = rng.choice((*change_parts.WAYS, change_parts.mix_bundles))
        name = f"disagreeing: {way.__name__.replace('_', ' ')}"
        done, wrong = change_parts.disagree(way, bundle, base, rng, canaries(place.outside))
    given_task = task
    if chosen > len(MUTATIONS) - 1 and not good and way is change_parts.change_the_task:
        given_task = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))["task"]
    commands = choose_commands(given_task, place.case, rng, needs_keras(number), has_lstm(base))
    return Case(name, f"{base.name}, {done}", commands, wrong, good)


def leave_good(bundle: Path, rng: Random) -> tuple[str, str]:
    """Change nothing that matters."""
    way = rng.choice(("nothing", "card", "key order", "indent"))
    if way == "card":
        (bundle / "README.md").write_text("# Mine\n", encoding="utf-8")
    elif way in ("key order", "indent"):
        for name in ("model.json", "config.json"):
            content = json.loads((bundle / name).read_text(encoding="utf-8"))
            if way == "key order" and name == "config.json":
                content = dict(sorted(content.items()))
            (bundle / name).write_text(json.dumps(content, indent=None if way == "indent" else 3), encoding="utf-8")
    rehash(bundle)
    return way, ""


def choose_commands(task: str, folder: Path, rng: Random, with_keras: bool, int8: bool) -> list[Command]:
    """An answer always, scores and an export sometimes; with Keras one command."""
    bundle = folder / "bundle"
    engine = ["--engine", "keras" if with_keras else rng.choice(("onnx", "onnx", "onnx-int8" if int8 else "onnx"))]
    model = ["--model", str(bundle), *engine, *rng.choice(([], ["--threads", "1"]))]
    answer = functools.partial(_answer, task, folder, model, rng)
    evaluate = functools.partial(_evaluate, task, folder, model, rng)
    if with_keras:
        return [rng.choice((answer, evaluate, lambda: _export(folder, rng)))()]
    return [answer(), *([evaluate()] if rng.random() < 0.35 else [])]


def _answer(task: str, folder: Path, model: list[str], rng: Random) -> Command:
    if task == "language_model" and rng.random() < 0.5:
        few = ["--max-tokens", "15", *rng.choice(([], ["--num-beams", "2"], ["--num-samples", "2"]))]
        return Command("language_model.generate", [*model, "--prompt", "the ferry", *few])
    more = {"sentiment": ["--explain"], "language_model": ["--context", "The soup."]}
    options = more.get(task, ["--probabilities"]) if rng.random() < 0.2 else []
    if rng.random() < 0.5:
        return Command(ANSWERING[task], [*model, *options, *TEXTS])
    rows, output = folder / "rows.jsonl", folder / "answers.jsonl"
    rows.write_text("".join(json.dumps({TEXT_COLUMN[task]: text}) + "\n" for text in TEXTS))
    arguments = [*model, *options, "--input", str(rows), "--output", str(output), "--format", "jsonl"]
    written = [str(output)]
    return Command(ANSWERING[task], arguments, may_write=written, output=str(output), num_rows=len(TEXTS))


def _evaluate(task: str, folder: Path, model: list[str], rng: Random) -> Command:
    name, content = TEST_FILES[task]
    (folder / name).write_text(content)
    arguments = [*model, "--test", str(folder / name), *rng.choice(([], ["--json"]))]
    may_write = []
    if rng.random() < 0.4:
        arguments.append("--save")
        may_write = [str(folder / "bundle"), str(folder / "moved")]  # where a link may lead
    return Command(f"{task}.evaluate", arguments, may_write=may_write)


def _export(folder: Path, rng: Random) -> Command:
    kind = rng.choice(("onnx", "onnx", "onnx", "saved_model"))
    output = str(folder / "exported")
    arguments = ["--model", str(folder / "bundle"), "--format", kind, "--output", output]
    return Command("common.cli.export", arguments, may_write=[output])
