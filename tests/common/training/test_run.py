"""The frame around every training: its place is reserved, and nothing that is there is lost unless that is wanted."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
from types import SimpleNamespace

import keras
import pandas as pd
import pytest

from common.errors import InputError
from common.training.run import Run, open_run


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


def test_the_hashes_of_what_a_run_reads(place):
    def hashes(**inputs):
        run = Run("toy", place, inputs, "", resume=False, overwrite=False)
        return run.hashes(None)

    rows = [("So good.", 9), ("So bad.", 2)]
    table = pd.DataFrame(rows, columns=["review", "rating"])
    file = place.parent / "train.csv"
    found = hashes(train=rows, validation=None, start="auto", teachers=(), groups=file)
    assert list(found) == ["train", "groups"]
    assert found["groups"] == [hashlib.sha256(b"text\nA joy.\n").hexdigest()]
    assert found == hashes(train=list(rows), groups=str(file))
    for other in (rows[::-1], [("So good.", 2), ("So bad.", 9)], rows[:1]):
        assert hashes(train=other)["train"] != found["train"]
    assert hashes(train=table) == hashes(train=table.copy())
    assert hashes(train=table) != hashes(train=table.assign(rating=[2, 9]))
    origin = SimpleNamespace(path=file)
    run = Run("toy", place, {"start": "auto", "teachers": (file, file)}, "", resume=False, overwrite=False)
    assert run.hashes(origin) == {"initialize_from": found["groups"], "teachers": found["groups"] * 2}


class Killed(Exception):
    """As final as a kill: nothing in the code under test expects it."""


@pytest.mark.parametrize(
    ("task", "config", "rows", "other"),
    [
        ("sentiment", "SentimentConfig", [(f"A warm story {i}.", i % 10 + 1) for i in range(40)],
         [(f"A warm story {i}.", 10 - i % 10) for i in range(40)]),
        ("language_model", "LanguageModelConfig", ["A warm and clever story."] * 40, ["A cold and clever story."] * 40),
        pytest.param("pos_tagging", "TaggingConfig", [[("so", "ADV"), ("good", "ADJ")]] * 40,
                     [[("so", "ADJ"), ("good", "ADV")]] * 40, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_no_task_resumes_on_other_data(task, config, rows, other, tmp_path):
    module = importlib.import_module(f"{task}.train")
    settings = getattr(importlib.import_module(f"{task}.config"), config)(num_epochs=2, units=4, embedding_dim=4)

    def killed(*epoch):
        raise Killed

    def train(data, validation, resume=True):
        module.train(data, tmp_path / "run", settings, killed, validation=validation, start="scratch", resume=resume)

    with pytest.raises(Killed):
        train(rows, rows, resume=False)
    with pytest.raises(InputError, match="made with other training data"):
        train(other, rows)
    for validation in (other, rows[:30]):
        with pytest.raises(InputError, match="made with another --validation"):
            train(rows, validation)
    with pytest.raises(Killed):
        train(rows, rows)


def test_a_run_that_fails_leaves_the_precision_as_it_was(tmp_path):
    with contextlib.suppress(InputError), open_run("toy", tmp_path / "model", {"train": []}):
        keras.config.set_dtype_policy("mixed_bfloat16")
        raise InputError("no")
    assert keras.config.dtype_policy().name == "float32"
