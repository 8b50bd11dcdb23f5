"""Only what the manifest lists is read, and only regular files inside the folder are opened at all."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time

import pytest

from common.bundles.bundle import open_bundle
from common.bundles.manifest import FACTS, MANIFEST_FILE, MAX_FILES
from common.errors import InputError
from tests.forge import copy_fixture, put, rewrite, sign, write

LISTED = ("vocabulary.json", "model.weights.h5", "README.md", "learning_curve.png")


@pytest.fixture
def bundle(tmp_path):
    return copy_fixture("sentiment", tmp_path)


def refuse(bundle, message):
    start = time.perf_counter()
    with pytest.raises(InputError, match=message) as refusal:
        open_bundle(bundle, "sentiment")
    assert time.perf_counter() - start < 1
    assert "\n" not in str(refusal.value)


# -- What lies in the folder ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LISTED, MANIFEST_FILE])
def test_a_fifo_is_never_opened(bundle, name):
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    refuse(bundle, "not a regular file")


@pytest.mark.parametrize("name", [*LISTED, MANIFEST_FILE])
def test_a_socket_is_never_opened(bundle, name, monkeypatch):
    (bundle / name).unlink()
    monkeypatch.chdir(bundle)  # the name of a socket may be 100 characters long
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(name)
        refuse(bundle, "not a regular file")


@pytest.mark.parametrize("name", [*LISTED, MANIFEST_FILE])
def test_a_folder_is_no_file(bundle, name):
    (bundle / name).unlink()
    (bundle / name).mkdir()
    refuse(bundle, "not a regular file")


@pytest.mark.parametrize("name", [*LISTED, MANIFEST_FILE])
@pytest.mark.parametrize("target", ["inside", "outside"])
def test_a_link_is_not_followed(bundle, name, target, tmp_path):
    place = bundle / "elsewhere" if target == "inside" else tmp_path / "elsewhere"
    (bundle / name).rename(place)
    (bundle / name).symlink_to(place)
    refuse(bundle, "a link, it may lead outside the bundle")


def test_a_folder_on_the_way_may_not_be_a_link(bundle, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "notes.json").write_text("{}")
    (bundle / "more").symlink_to(tmp_path / "outside")
    sign(bundle, "more/notes.json")
    refuse(bundle, "more: a link")


def test_a_file_in_a_folder_of_the_bundle_may_be_listed(bundle):
    (bundle / "more").mkdir()
    (bundle / "more" / "notes.txt").write_text("so good")
    sign(bundle, "more/notes.txt")
    open_bundle(bundle)


def test_what_is_not_listed_is_not_opened(bundle):
    os.mkfifo(bundle / "notes.txt")
    os.mkfifo(bundle / "shapes.json")
    open_bundle(bundle)


@pytest.mark.parametrize("name", ["vocabulary.json", "tags.json", "characters.json", "training_words.json"])
def test_a_part_that_is_not_listed_is_not_read(name, tmp_path):
    bundle = copy_fixture("pos_tagging", tmp_path)
    rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].pop(name) and None)
    with pytest.raises(InputError, match=rf"{name}: missing, manifest\.json does not list it"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/hostname", "a/../x", "./x", "a//b", "", "a\0b", "..\\x", "x\n", "manifest.json"]
)
def test_a_name_that_is_none(bundle, name):
    rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].update({name: {"size": 1, "sha256": "0"}}))
    refuse(bundle, "outside the bundle|does not list the files of a bundle")


@pytest.mark.parametrize("size", [True, 1.0, "1565", None, -1, 10**15])
def test_a_size_that_is_none(bundle, size):
    (bundle / "README.md").write_text("x")
    entry = {"size": size, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].update({"README.md": entry}))
    refuse(bundle, "README.md: 1 bytes, not what the manifest says")


def test_many_files(bundle):
    more = {str(number): {"size": 0, "sha256": ""} for number in range(MAX_FILES)}
    rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].update(more))
    refuse(bundle, r"lists \d+ files")


@pytest.mark.parametrize("name", ["config.json", "model.json", "metrics.json", MANIFEST_FILE])
def test_a_large_file_is_not_parsed(bundle, name):
    listed = {"size": 1 << 28, "sha256": "0" * 64}  # which nobody computes
    if name != MANIFEST_FILE:
        rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].update({name: listed}))
    with open(bundle / name, "ab") as file:
        file.truncate(1 << 28)
    refuse(bundle, rf"{name}: 268,435,456 bytes, at most")


@pytest.mark.parametrize("name", ["config.json", "model.json", "metrics.json", "vocabulary.json", MANIFEST_FILE])
@pytest.mark.parametrize(
    "content", ["[" * 100_000, "[]", "null", "3", '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": "\\ud800"}', "{", "\xff"]
)
def test_json_that_is_none_of_ours(bundle, name, content):
    write(bundle, name, content)
    refuse(bundle, name.replace(".", r"\."))


def test_a_vocabulary_of_ten_million_words_is_refused_at_once(bundle):
    write(bundle, "vocabulary.json", '{"lowercase": true, "tokens": [' + '"wordy",' * 10_000_000 + '"word"]}')
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"vocabulary\.json: [\d,]+ bytes, at most"):
        open_bundle(bundle)
    assert time.perf_counter() - start < 0.1
    write(bundle, "vocabulary.json", '{"lowercase": true, "tokens": [' + '"wordy",' * 3_000_000 + '"word"]}')
    start = time.process_time()
    with pytest.raises(InputError, match=r"vocabulary\.json: .*more tokens than the 200 of the network"):
        open_bundle(bundle)
    assert time.process_time() - start < 1


# -- What the manifest and the scores say ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_the_model_card_needs_is_missing_or_odd(bundle, name, tmp_path):
    whole = shutil.copytree(bundle, tmp_path / "whole")
    rewrite(bundle, MANIFEST_FILE, lambda content: content.pop(name) and None)
    refuse(bundle, f"says nothing of {name}")
    for value in ([], True):
        rewrite(whole, MANIFEST_FILE, lambda content, value=value: content.update({name: value}))
        refuse(whole, f"manifest.json: '{name}' is")


@pytest.mark.parametrize(
    "change",
    [
        put({}, "machine"),
        put("two", "machine", "cores"),
        put(3, "machine", "accelerator"),
        put({"keras": 3}, "versions"),
        put({}, "train"),
        put({"file": "x"}, "train"),
        put({"file": 3, "sha256": "x"}, "train"),
        put("x", "validation"),
        put({}, "unlabelled"),
        put(["x"], "teachers"),
        put([{}], "teachers"),
        put(3, "made_by"),
        put({"pipeline": None}, "tokenizer"),
    ],
)
def test_an_odd_fact(bundle, change):
    rewrite(bundle, MANIFEST_FILE, change)
    refuse(bundle, r"manifest\.json: ")


@pytest.mark.parametrize(
    "change",
    [
        put(3, "validation"),
        put("good", "validation", "r2"),
        put([1], "validation", "r2"),
        put([1], "validation", "r2_interval"),
        put([1, "x"], "validation", "r2_interval"),
        put(3, "validation", "r2_interval"),
        put("x", "validation", "data"),
        put({}, "validation", "data"),
        put({"file": 3}, "validation", "data"),
        put([], "validation", "baselines"),
        put({"x": 3}, "validation", "baselines"),
        put({"x": {"r2": "y"}}, "validation", "baselines"),
        put(3, "validation", "command"),
    ],
)
def test_an_odd_score(bundle, change):
    rewrite(bundle, "metrics.json", change)
    refuse(bundle, r"metrics\.json: ")


@pytest.mark.parametrize("version", [True, 1.0, "1", [1]])
def test_a_version_that_is_almost_one(bundle, version):
    rewrite(bundle, MANIFEST_FILE, put(version, "format_version"))
    refuse(bundle, "format version")


@pytest.mark.parametrize("task", [None, 3, "toy", "../sentiment", "os", ["sentiment"]])
def test_a_task_that_is_none(bundle, task):
    rewrite(bundle, MANIFEST_FILE, put(task, "task"))
    with pytest.raises(InputError, match="the tasks are sentiment, pos_tagging, language_model"):
        open_bundle(bundle)


def test_the_bytes_that_were_checked_are_those_that_are_used(bundle):
    opened = open_bundle(bundle)
    for file in bundle.iterdir():
        file.write_text("something else")
    assert opened.read_json("config.json")["units"] == 3
    assert len(opened.read_vocabulary("vocabulary.json")) == 200
    assert json.loads(opened.architecture.for_keras())["class_name"] == "Functional"
    assert opened.read_layer("embedding")[0].shape == (200, 4)
