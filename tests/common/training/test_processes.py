"""Shares of batches: together they are the whole, in few shapes; and what the options of processes refuse."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from common import parallel
from common.cli import processes
from common.cli.flags import make_parser
from common.cli.processes import run_processes, start_backend
from common.errors import InputError
from common.inference.widths import rounded_width, widen
from common.parallel import limit_threads_of_jax
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
    ("environment", "message"),
    [
        ({}, r"JAX_PROCESS_ID: not in the environment; set the number of this process, from 0"),
        ({"ID": "first"}, r"JAX_PROCESS_ID: found 'first' in the environment, wanted a whole number"),
        ({"ID": "-1"}, r"JAX_PROCESS_ID: found '-1' in the environment, wanted a whole number"),
        ({"ID": "2"}, r"JAX_PROCESS_ID: found 2, wanted less than JAX_NUM_PROCESSES, 2; count from 0"),
        ({"ID": "1", "COUNT": "two"}, r"JAX_NUM_PROCESSES: found 'two' in the environment, wanted a whole number"),
        ({"ID": "1"}, r"JAX_COORDINATOR_ADDRESS: found '', wanted host:port of the first process"),
        ({"ID": "1", "ADDRESS": "here"}, r"JAX_COORDINATOR_ADDRESS: found 'here', wanted host:port"),
        ({"ID": "1", "ADDRESS": "here:1"},
         r"JAX_COORDINATOR_ADDRESS: the 2 processes did not meet at here:1 \(DEADLINE passed\); start all of them"),
    ],
)  # fmt: skip
def test_what_the_environment_lacks_is_one_line(environment, message, monkeypatch):
    def initialize(address, count, number):
        assert (address, count, number) == ("here:1", 2, 1)
        raise RuntimeError("DEADLINE\npassed")

    distributed = SimpleNamespace(is_initialized=lambda: False, initialize=initialize)
    jax = SimpleNamespace(distributed=distributed, config=SimpleNamespace(update=lambda *setting: None))
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setattr("common.training.processes.on_jax", lambda: True)
    for name, variable in (("ADDRESS", parallel.ADDRESS), ("COUNT", parallel.COUNT), ("ID", parallel.RANK)):
        monkeypatch.delenv(variable, raising=False)
        if value := {"COUNT": "2", **environment}.get(name):
            monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"^{message}"):
        join()


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
    start = time.monotonic()
    assert run_processes([sys.executable, "-c", code], 2, seconds_to_end=0.5) == 1
    assert time.monotonic() - start < 30
    assert "broken" in capfd.readouterr().err
    assert run_processes([sys.executable, "-c", "pass"], 3) == 0


def test_each_process_has_its_share_of_the_cores(monkeypatch):
    monkeypatch.setattr(processes, "num_cores", lambda: 6)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert processes._place("here:1", 2, 1) == {
        "JAX_COORDINATOR_ADDRESS": "here:1", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1",
        "RNN_LANGUAGE_LAUNCHER": str(os.getpid()), **limit_threads_of_jax(3),
    }  # fmt: skip
    monkeypatch.setenv("XLA_FLAGS", "--own")
    for count in (6, 9):
        assert processes._place("here:1", count, 0)["XLA_FLAGS"] == (
            "--own --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )


@pytest.mark.parametrize(
    ("programs", "status", "said"),
    [
        (["print('one')", "print('two')"], 0, ("one\n", "")),
        (["pass", "import sys; sys.exit(3)"], 3, ("", "")),
        (["import sys; sys.exit(4)", "print('two')"], 4, ("", "")),
        (["pass", "import os; os.kill(os.getpid(), 15)"], 15, ("", "")),
        (["pass", "import sys; print('x' * 3000); sys.exit('é')"], 1, ("", "x" * 1996 + "\né\n")),
        (["pass", "import sys; print(repr(sys.stdin.read()), file=sys.stderr); sys.exit(1)"], 1, ("", "''\n")),
    ],
)
def test_the_first_process_speaks_and_of_the_others_how_they_failed(programs, status, said, capfd, monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_BETWEEN_LOOKS", 0.01)
    code = f"import os; exec({programs!r}[int(os.environ['JAX_PROCESS_ID'])])"
    assert run_processes([sys.executable, "-c", code], 2, seconds_to_end=5) == status
    found = capfd.readouterr()
    assert (found.out, found.err) == said


def test_a_process_that_runs_on_is_ended_after_the_time_that_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_BETWEEN_LOOKS", 0.01)
    code = (
        "import os, pathlib, sys, time; n = os.environ['JAX_PROCESS_ID']; n == '1' and sys.exit(2); time.sleep(0.2)\n"
        f"pathlib.Path({str(tmp_path / 'ended')!r}).touch(); time.sleep(60)"
    )
    start = time.monotonic()
    assert run_processes([sys.executable, "-c", code], 2, seconds_to_end=0.6) == 2
    assert time.monotonic() - start < 20
    assert (tmp_path / "ended").exists()


def test_a_run_of_several_processes_ends_with_their_status(monkeypatch):
    ran = []
    monkeypatch.setattr(processes, "run_processes", lambda command, count: ran.append((command, count)) or 7)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delenv("JAX_NUM_PROCESSES", raising=False)
    arguments = argparse.Namespace(backend="jax", processes=2)
    with pytest.raises(SystemExit) as stop:
        start_backend(arguments, "sentiment", ["--a", "b"])
    assert stop.value.code == 7
    command = [sys.executable, "-m", "rnn_language", "sentiment", "train", "--a", "b"]
    monkeypatch.setattr(sys, "argv", ["train", "--c"])
    with pytest.raises(SystemExit):
        start_backend(arguments, "sentiment", None)
    assert ran == [(command, 2), ([*command[:5], "--c"], 2)]
    assert os.environ["KERAS_BACKEND"] == "jax"
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    start_backend(arguments, "sentiment", [])  # it is one of them
    start_backend(argparse.Namespace(backend=None, processes=1), "sentiment", [])
    assert os.environ["KERAS_BACKEND"] == "jax"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs the package jax; pip install 'rnn-language\[processes\]'"):
        start_backend(arguments, "sentiment", [])


def test_one_process_unless_more_are_wanted():
    parser = make_parser("toy.train", None)
    processes.add_backend_arguments(parser)
    arguments = parser.parse_args([])
    assert (arguments.backend, arguments.processes) == (None, 1)
    assert parser.parse_args(["--processes", "3"]).processes == 3
    assert "--processes" not in parser.format_help()


@pytest.mark.parametrize(("width", "rounded"), [(0, 0), (1, 1), (2, 8), (8, 8), (13, 16), (17, 24), (24, 24), (25, 32)])
def test_the_width_of_a_batch_is_rounded_up(width, rounded):
    assert rounded_width(width) == rounded


@pytest.mark.parametrize("num_terms", [9, 10])
def test_numbers_and_values_of_n_grams_stay_as_wide_as_each_other(num_terms):
    given = {
        "token_ids": np.ones((2, 9), np.int32), "mask": np.ones((2, 9), bool),
        "ngram_ids": np.ones((2, num_terms), np.int32), "ngram_values": np.ones((2, num_terms), np.float32),
    }  # fmt: skip
    found = widen(given)
    assert {array.shape for array in found.values()} == {(2, 12)}
    assert found["ngram_values"].sum() == 2 * num_terms


def test_what_is_as_wide_as_the_mask_is_widened():
    shape = (2, 9)
    given = {
        "mask": np.ones(shape, bool), "ids": np.ones(shape, np.int32), "letters": np.ones((2, 9, 5, 9), np.uint8),
        "state": np.ones(shape, np.float32), "table": np.ones((2, 7), np.int32), "row": np.ones(2, np.int32),
    }  # fmt: skip
    found = widen(given)
    assert {name: array.shape for name, array in found.items()} == {
        "mask": (2, 12), "ids": (2, 12), "letters": (2, 12, 8, 9), "state": (2, 9), "table": (2, 7), "row": (2,)
    }  # fmt: skip
    assert found["mask"].tolist() == [[True] * 9 + [False] * 3] * 2


@pytest.mark.parametrize(
    ("rows", "count", "shares"),
    [(3, 2, [[0, 1], [2, 0]]), (4, 2, [[0, 1], [2, 3]]), (1, 3, [[0], [0], [0]]), (5, 3, [[0, 1], [2, 3], [4, 0]])],
)
def test_the_rows_of_each_process(rows, count, shares):
    class Plain(OneBatch):
        lengths, sizes = np.array([4, 5]), [9]

        def __getitem__(self, number):
            return {"x": np.arange(rows, dtype=np.float32)}, np.arange(rows), np.ones(rows)

    parts = [Shares(Plain(), number, count) for number in range(count)]
    assert [part[0][1].tolist() for part in parts] == shares
    assert sum(part[0][2].sum() for part in parts) == rows
    assert parts[0][0][0]["x"].tolist() == shares[0]
    parts[0].set_epoch(4)
    assert (parts[0].batches.epoch, len(parts[0]), parts[0].sizes, parts[0].lengths.tolist()) == (4, 1, [9], [4, 5])


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
