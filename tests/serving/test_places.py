"""Which bundles are meant by names and folders."""

from __future__ import annotations

import shutil

import pytest

from common.bundles.pretrained import pretrained_folders
from common.errors import InputError
from serving import places
from serving.places import Place, find_places
from tests.conftest import ROOT

FIXTURES = ROOT / "tests/fixtures/format_2"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Two pretrained models of one name, and the default model of a single task."""
    folders = {
        "sentiment": {"both": FIXTURES / "sentiment", "reviews": FIXTURES / "sentiment"},
        "language_model": {"both": FIXTURES / "language_model"},
    }
    monkeypatch.setattr(places, "pretrained_folders", lambda task: folders.get(task, {}))
    monkeypatch.chdir(tmp_path)
    return folders


def ids(*names):
    return [place.id for place in find_places(names)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ["sentiment/reviews"]),
        (["both"], ["sentiment/both", "language_model/both"]),
        (["language_model/both"], ["language_model/both"]),
        (["reviews", "language_model/both"], ["sentiment/reviews", "language_model/both"]),
    ],
)
def test_a_name_means_every_model_of_that_name(installed, names, found):
    assert ids(*names) == found


def test_a_place_says_where_its_bundle_lies(installed):
    assert find_places(["reviews"]) == [Place("sentiment", "reviews", FIXTURES / "sentiment")]


@pytest.mark.parametrize("name", ["nobody", "pos_tagging/both", "sentiment/nobody", "other/both"])
def test_what_is_neither_is_refused_with_what_there_is(installed, name):
    with pytest.raises(InputError, match=f"model '{name}'; there are: sentiment/both, sentiment/reviews, language_mod"):
        ids(name)


def test_a_folder_is_served_under_its_name(installed, tmp_path):
    shutil.copytree(FIXTURES / "pos_tagging", tmp_path / "mine")
    assert find_places([str(tmp_path / "mine")]) == [Place("pos_tagging", "mine", tmp_path / "mine")]
    assert ids("mine") == ["pos_tagging/mine"]


def test_a_folder_comes_before_a_pretrained_model_of_its_name_unless_the_task_is_named(installed, tmp_path):
    shutil.copytree(FIXTURES / "pos_tagging", tmp_path / "both")
    assert ids("both") == ["pos_tagging/both"]
    shutil.copytree(FIXTURES / "pos_tagging", tmp_path / "sentiment/both")
    assert ids("sentiment/both") == ["sentiment/both"]
    shutil.copytree(FIXTURES / "pos_tagging", tmp_path / "sentiment/own")
    assert ids("sentiment/own") == ["pos_tagging/own"]


def test_two_models_of_one_name_are_refused(installed):
    with pytest.raises(InputError, match="two models are called sentiment/both; rename"):
        ids("both", "sentiment/both")


def test_where_nothing_is_installed_a_folder_has_to_be_given(installed):
    installed.clear()
    with pytest.raises(InputError, match="no pretrained models are installed"):
        ids()
    with pytest.raises(InputError, match="there are: none"):
        ids("reviews")


def test_by_default_the_default_model_of_each_task_is_served():
    names = {"sentiment": "reviews", "language_model": "stories", "pos_tagging": "ewt"}
    there = {f"{task}/{name}" for task, name in names.items() if name in pretrained_folders(task)}
    if not there:
        pytest.skip("the pretrained models are not here")
    assert set(ids()) == there
