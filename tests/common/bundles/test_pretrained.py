"""Models by name and by folder."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from pathlib import Path

import pytest

from common.bundles import pretrained
from common.bundles.bundle import TASKS
from common.bundles.pretrained import FOLDER, find_bundle, pretrained_names
from common.errors import InputError
from common.output import Place, make_ours, workspace_of


def test_a_pretrained_model_has_a_name():
    assert pretrained_names("sentiment") == ["reviews"]
    assert pretrained_names("pos_tagging") == ["brown", "ewt"]
    assert pretrained_names("cooking") == []
    assert find_bundle("sentiment", "reviews") == FOLDER / "sentiment/reviews"


def test_a_folder_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews").mkdir()
    assert find_bundle("sentiment", "reviews") == Path("reviews")
    assert find_bundle("sentiment", tmp_path / "none") == tmp_path / "none"  # what opens it says that it is not there


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"nonsense: no such folder.*those there are: brown, ewt"):
        find_bundle("pos_tagging", "nonsense")
    with pytest.raises(InputError, match="those there are: none"):
        find_bundle("cooking", "soup")


def test_a_bundle_that_a_killed_save_left_beside_its_place_is_found(tmp_path):
    """Between its two renames nothing is under the name; the old bundle is put back."""
    bundle = tmp_path / "mine"
    workspace = workspace_of(bundle)
    make_ours(workspace)
    old = Place(bundle, workspace).old
    old.mkdir()
    (old / "model.json").write_text("{}")
    entry = {"size": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    (old / "manifest.json").write_text(json.dumps({"format_version": 1, "task": "toy", "files": {"model.json": entry}}))
    assert find_bundle("toy", bundle) == bundle
    assert (bundle / "model.json").read_text() == "{}"


def make_model(folder):
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")


def test_models_are_found_in_an_installed_data_package_and_in_folders_of_ones_own(tmp_path, monkeypatch):
    installed, own = tmp_path / "site/rnn_language_models/toy/pasta", tmp_path / "own/toy"
    make_model(installed)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert pretrained_names("toy") == ["pasta"]
    assert find_bundle("toy", "pasta") == installed
    make_model(own / "soup")
    make_model(own / "pasta")
    (own / "build").mkdir()  # no model
    monkeypatch.setenv("RNN_LANGUAGE_MODELS", os.pathsep.join(["", str(tmp_path / "nowhere"), str(tmp_path / "own")]))
    assert pretrained_names("toy") == ["pasta", "soup"]
    assert find_bundle("toy", "pasta") == own / "pasta"
    assert find_bundle("sentiment", "reviews") == FOLDER / "sentiment/reviews"
    with pytest.raises(InputError, match="those there are: pasta, soup"):
        find_bundle("toy", "nonsense")


def test_where_no_model_is_installed_it_is_said_how(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(
        InputError, match=r"reviews: no such folder, and no .*: none; install them with pip install \./pre"
    ):
        find_bundle("sentiment", "reviews")


@pytest.mark.parametrize("task", TASKS)
def test_the_data_packages_name_every_file_of_their_bundles(task):
    folder = FOLDER / task
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"][f"rnn_language_models.{task}"]
    named = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    listed = {
        manifest.parent / name
        for manifest in folder.glob("*/manifest.json")
        for name in [manifest.name, *json.loads(manifest.read_text(encoding="utf-8"))["files"]]
    }
    assert listed
    assert named == listed
