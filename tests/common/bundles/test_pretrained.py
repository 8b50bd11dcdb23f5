"""Models by name and by folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from common.bundles.pretrained import FOLDER, find_bundle, pretrained_names
from common.errors import InputError
from common.output import Place, make_ours, workspace_of


def test_a_pretrained_model_has_a_name():
    assert pretrained_names("sentiment") == ["imdb"]
    assert pretrained_names("pos_tagging") == ["brown", "ewt"]
    assert pretrained_names("cooking") == []
    assert find_bundle("sentiment", "imdb") == FOLDER / "sentiment/imdb"


def test_a_folder_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imdb").mkdir()
    assert find_bundle("sentiment", "imdb") == Path("imdb")
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
