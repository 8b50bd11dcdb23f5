"""The pretrained rating model's way: arrays for the GPU, teachers and student there, and a bundle of the student."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

import sentiment
from common.errors import InputError
from scripts import build_rating_model
from scripts.build_notebooks import ROOT
from sentiment.train import main as train
from tests.sentiment.test_train import REVIEWS

READER = (
    "--directions forward --units 8 --embedding-dim 6 --batch-size 8 --num-epochs 6 --min-count 1 --learning-rate 0.05"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Forty rated reviews, of ten films, five unrated ones, and a model that reads forwards."""
    folder = tmp_path_factory.mktemp("files")
    rated = list(REVIEWS.items()) * 5
    for name, rows in (
        ("train.csv", [("review", "rating"), *rated]),
        ("unlabelled.csv", [["review"], *([f"{text} {text}"] for text in list(REVIEWS)[:5])]),
    ):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file).writerows(rows)
    (folder / "films.txt").write_text("".join(f"film {i % 10}\n" for i in range(len(rated))))
    data = ["--train", str(folder / "train.csv"), "--groups", str(folder / "films.txt")]
    train([*data, "--output-dir", str(folder / "start"), *READER.split()])
    return folder


@pytest.fixture
def take_step(files, tmp_path, monkeypatch):
    """Run `build_rating_model` on these files; the arrays are in `tmp_path / "work"`."""
    monkeypatch.setattr(build_rating_model, "BACKWARD_UNITS", 4)
    monkeypatch.setitem(build_rating_model.SETTINGS, "backward_units", 4)

    def take_step(step, start=files / "start"):
        given = {"train": "train.csv", "groups": "films.txt", "unlabelled": "unlabelled.csv"}
        places = {**{name: files / file for name, file in given.items()}, "initialize-from": start}
        places |= {"work": tmp_path / "work", "output-dir": tmp_path / "model"}
        build_rating_model.main([step, *(f"--{name}={path}" for name, path in places.items())])

    return take_step


def test_arrays_hold_each_review_once_and_know_what_it_is_for(take_step, files, tmp_path):
    take_step("prepare")
    with np.load(tmp_path / "work/reviews.npz") as arrays:
        split, lengths, ratings = arrays["split"], arrays["lengths"], arrays["ratings"]
        assert [int((split == i).sum()) for i in range(3)] == [36, 4, 5]
        assert lengths.sum() == len(arrays["flat"])
        assert (ratings[split < 2] > 0).all()
        assert not ratings[split == 2].any()
        assert (arrays["margins"][ratings >= 9] > 0).all()
        starts = np.cumsum(lengths) - lengths
        assert (arrays["flat"][starts] == 2).all()  # the mark of the start
        assert arrays["levels"].tolist() == list(range(1, 11))


def test_a_student_that_learned_nothing_answers_as_the_model_it_began_as(take_step, files, tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.temperature_scaling.fit_temperature", lambda *_: 1.0)
    take_step("prepare")
    work = tmp_path / "work"
    (work / "student.npz").rename(work / "taught_student.npz")
    (work / "history.csv").write_text("epoch,loss,r2,binary_accuracy\n1,2.0,0.5,0.8\n2,1.5,0.4,0.8\n")
    learned = {"seconds": 60, "torch": "2.11.0", "cores": 16, "accelerator": "NVIDIA H200"}
    (work / "facts.json").write_text(json.dumps(learned))
    take_step("finish")
    model, before = sentiment.load(tmp_path / "model"), sentiment.load(files / "start")
    assert model.config.backward_units == 4
    for one, other in zip(model.predict(list(REVIEWS)), before.predict(list(REVIEWS)), strict=True):
        assert (one.rating, one.spread) == pytest.approx((other.rating, other.spread), abs=1e-4)
    card = (tmp_path / "model/README.md").read_text()
    assert "Made by `python -m scripts.build_rating_model finish --train train.csv --groups films.txt" in card
    assert "2 epochs in 1.0 minutes on 16 cores and an NVIDIA H200" in card


def test_a_model_of_another_kind_is_refused(take_step, small_bundle):
    with pytest.raises(InputError, match=r"--initialize-from .*wanted an LSTM that reads forwards"):
        take_step("prepare", start=small_bundle("sentiment"))


def test_teachers_learn_and_their_student_says_the_same_in_keras(take_step, tmp_path, monkeypatch):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: pip install -r requirements-bench.txt")
    take_step("prepare")
    work = tmp_path / "work"
    command = [sys.executable, ROOT / "scripts/rating_teachers.py", work, "--rows", "4"]
    flags = "--teacher-sizes 8 12 8 --language 3 --rate 3 --again 2 --student 4"
    subprocess.run([*command, *flags.split()], check=True)
    with np.load(work / "student.npz") as before, np.load(work / "taught_student.npz") as after:
        assert before.files == after.files
        assert all((before[name] != after[name]).any() for name in before.files)
    monkeypatch.setattr("sentiment.temperature_scaling.fit_temperature", lambda *_: 1.0)
    take_step("finish")
    metrics = json.loads((tmp_path / "model/metrics.json").read_text())["validation"]
    learned = json.loads((work / "facts.json").read_text())
    assert metrics["r2"] == pytest.approx(learned["r2"], abs=1e-3)
    assert {path.name for path in work.glob("*.pt")} == {
        f"{step}_{direction}.pt" for step in ("language", "rate", "again") for direction in ("forward", "backward")
    }
