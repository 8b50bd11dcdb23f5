"""Shares of batches: together they are the whole, in few shapes; and what the options of processes refuse."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from common.cli.processes import run_processes, start_backend
from common.errors import InputError
from common.inference.widths import rounded_width, widen
from common.training.processes import Shares, agreed, join, shared

ROOT = Path(__file__).resolve().parents[3]
ROWS, STEPS, WORDS = 5, 11, 7


class OneBatch:
    """Sentences of which each word has a row in a table of spellings, as a tagger reads them."""

    lengths, sizes = np.array([STEPS]), [STEPS]

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return 1

    def __getitem__(self, number):
        rng = np.random.default_rng(number)
        mask = np.arange(STEPS) < rng.integers(1, STEPS + 1, ROWS)[:, None]
        inputs = {
            "token_ids": rng.integers(3, 9, (ROWS, STEPS), np.int32), "mask": mask,
            "spelling_ids": rng.integers(0, WORDS, (ROWS, STEPS), np.int32),
            "spellings": rng.integers(0, 9, (WORDS, 6), np.int32), "state": np.ones((ROWS, STEPS), np.float32),
        }  # fmt: skip
        return inputs, rng.integers(0, 4, (ROWS, STEPS)), mask.astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shares_of_all_processes_are_the_whole_batch(count):
    inputs, targets, weights = OneBatch()[0]
    parts = [Shares(OneBatch(), number, count)[0] for number in range(count)]
    assert len({part[2].shape for part in parts}) == 1
    whole_weights = np.concatenate([part[2] for part in parts])
    np.testing.assert_array_equal(whole_weights[:ROWS, :STEPS], weights)
    assert whole_weights.sum() == weights.sum()
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts])[:ROWS, :STEPS], targets)
    whole = {name: np.concatenate([part[0][name] for part in parts]) for name in inputs}
    for name in ("token_ids", "mask", "spelling_ids"):
        assert whole[name].shape[1] == 12
        np.testing.assert_array_equal(whole[name][:ROWS, :STEPS], inputs[name])
    spelled = whole["spellings"][whole["spelling_ids"][:ROWS, :STEPS]]
    np.testing.assert_array_equal(spelled, inputs["spellings"][inputs["spelling_ids"]])
    assert whole["mask"].any(axis=1).all()  # a row without a token would divide by zero
    assert whole["state"].shape[1] == STEPS


def test_a_target_for_each_example():
    class Reviews(OneBatch):
        def __getitem__(self, number):
            inputs, _, _ = super().__getitem__(number)
            return inputs, np.arange(ROWS)[:, None], np.ones(ROWS, np.float32)

    first, second = (Shares(Reviews(), number, 2)[0] for number in (0, 1))
    assert first[2].tolist() == [1, 1, 1]
    assert second[2].tolist() == [1, 1, 0]
    assert second[1].tolist() == [[3], [4], [0]]


def test_widths_are_few():
    widths = {rounded_width(width) for width in range(1, 513)}
    assert len(widths) == 14
    for width in range(8, 513):
        assert width <= rounded_width(width) < 1.5 * width
    states = {"state": np.zeros((2, 9), np.float32)}
    assert widen(states) is states


def test_a_process_that_is_alone_shares_nothing():
    batches = OneBatch()
    assert shared(batches) is batches  # on TensorFlow
    join()
    assert agreed([0.1, 0.2]) == [0.1, 0.2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"processes": 2}, "--processes: only JAX connects processes; add --backend jax"),
        ({"processes": 0}, "--processes: found 0, wanted at least 1"),
        ({"backend": "theano"}, "--backend theano: needs the package theano"),
    ],
)
def test_what_cannot_be_done_is_said(given, message, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    arguments = argparse.Namespace(**{"backend": None, "processes": 1, **given})
    with pytest.raises(InputError, match=message):
        start_backend(arguments, "sentiment", [])


def test_when_one_of_several_processes_fails_the_others_are_ended(capfd):
    code = "import os, sys, time; n = os.environ['JAX_PROCESS_ID']; n == '1' and sys.exit('broken'); time.sleep(60)"
    assert run_processes([sys.executable, "-c", code], 2, seconds_to_end=0.5) == 1
    assert "broken" in capfd.readouterr().err
    assert run_processes([sys.executable, "-c", "pass"], 3) == 0


# -- With JAX -------------------------------------------------------------------------------------------------------

WITHOUT_CHANCE = {
    "sentiment": "--ngrams 0 --units 8 --embedding-dim 8 --dropout 0 --word-dropout 0 --word-vector-dropout 0",
    "language_model": "--units 8 --embedding-dim 8 --dropout 0 --input-dropout 0 --hidden-dropout 0 --word-dropout 0 "
    "--no-mixed-precision",
    "pos_tagging": "--units 8 --num-layers 1 --embedding-dim 8 --character-dim 4 --character-filters 4 --dropout 0 "
    "--word-dropout 0 --rare-word-dropout 0 --affix-dropout 0 --case-augmentation 0 --splitter rules",
}
TRAIN = {"sentiment": "train.csv", "language_model": "train.csv", "pos_tagging": "train.conllu"}


def train(task, folder, *options, check=True):
    command = [
        sys.executable, "-m", "rnn_language", task, "train", "--train", str(ROOT / task / "dataset" / TRAIN[task]),
        "--start", "scratch", "--num-epochs", "2", "--backend", "jax", *WITHOUT_CHANCE[task].split(),
        "--output-dir", str(folder), *options,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=check)


def weights(folder):
    found = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if hasattr(item, "shape") else {}))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("task", TRAIN)
def test_two_processes_end_as_one(task, tmp_path):
    pytest.importorskip("jax")
    train(task, tmp_path / "one")
    train(task, tmp_path / "two", "--processes", "2")
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert len(one) > 3
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-5)
    manifest = json.loads((tmp_path / "two" / "manifest.json").read_text())
    assert (manifest["backend"], manifest["processes"]) == ("jax", 2)


@pytest.mark.slow
def test_an_error_of_two_processes_is_one_line(tmp_path):
    pytest.importorskip("jax")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    done = train("sentiment", tmp_path / "mine", "--processes", "2", check=False)
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if line.startswith("error:")] == [
        f"error: {tmp_path / 'mine'}: holds files that are no bundle; choose a new folder, nothing there was touched"
    ]
