"""The frame around every training: its place is reserved, and nothing that is there is lost unless that is wanted."""

from __future__ import annotations

import contextlib
import json

import keras
import pytest

from common.errors import InputError
from common.training.run import open_run


@pytest.fixture
def place(tmp_path):
    (tmp_path / "train.csv").write_text("text\nA joy.\n")
    return tmp_path / "model"


def open_toy(place, **options):
    return open_run("toy", place, {"train": place.parent / "train.csv", "validation": None, "teachers": ()}, **options)


def write_bundle(place):
    place.mkdir()
    (place / "manifest.json").write_text(json.dumps({"format_version": 1, "task": "toy", "files": {}}))


def test_a_run_starts_anew_unless_it_is_told_to_go_on(place):
    with open_toy(place) as run:
        assert (run.task, run.output_dir, run.resume, run.overwrite) == ("toy", place, False, False)
    with pytest.raises(InputError, match="no checkpoint to resume"), open_toy(place, resume=True):
        pass


def test_a_bundle_is_replaced_only_on_request(place):
    write_bundle(place)
    with pytest.raises(InputError), open_toy(place):
        pass
    with open_toy(place, overwrite=True) as run:
        assert run.overwrite


def test_a_bundle_is_not_replaced_while_a_file_in_it_is_read(place):
    write_bundle(place)
    inputs = {"train": place / "manifest.json"}
    with pytest.raises(InputError, match="lies in"), open_run("toy", place, inputs, overwrite=True):
        pass


def test_a_run_that_fails_leaves_the_precision_as_it_was(tmp_path):
    with contextlib.suppress(InputError), open_run("toy", tmp_path / "model", {"train": []}):
        keras.config.set_dtype_policy("mixed_bfloat16")
        raise InputError("no")
    assert keras.config.dtype_policy().name == "float32"
