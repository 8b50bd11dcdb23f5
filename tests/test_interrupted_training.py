"""A run that is stopped at any moment and resumed ends as one that was never stopped; real processes, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

ROOT = Path(__file__).resolve().parent.parent
TASKS = ["language_model", *(pytest.param(task, marks=pytest.mark.slow) for task in ("sentiment", "pos_tagging"))]
# Sends the signal from inside, in the middle of the second epoch. A stopwatch would miss the epochs of a small run.
STOP_IN_EPOCH_2 = """
import os, runpy, signal, sys
from common.text.batching import Batches
signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background it is ignored
signal_number, module, sys.argv = int(sys.argv[1]), sys.argv[2], sys.argv[2:]
get = Batches.__getitem__
def get_or_stop(self, number):
    if self.seed is not None and self.epoch == 1 and number == len(self) // 2:
        os.kill(os.getpid(), signal_number)
    return get(self, number)
Batches.__getitem__ = get_or_stop
runpy.run_module(module, run_name="__main__")
"""


def train_until_stopped(small, output_dir, number):
    """Start a small run that gets a signal in its second epoch; returns the ended process."""
    command = [sys.executable, "-c", STOP_IN_EPOCH_2, str(int(number)), f"{small.task}.train"]
    data = ["--train", str(small.train), "--output-dir", str(output_dir)]
    return subprocess.run(
        [*command, *data, *small.flags], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def resume(run, small, output_dir):
    done = run(f"{small.task}.train", "--train", small.train, "--output-dir", output_dir, *small.flags, "--resume")
    assert done.returncode == 0, done.stderr
    assert "Going on after epoch 1 of 2" in done.stderr


def weights(folder):
    found = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()].tolist()} if hasattr(item, "shape") else {}))
    return found


def assert_same_model(resumed, uninterrupted):
    first, second = ((folder / "metrics.json").read_text() for folder in (resumed, uninterrupted))
    assert json.loads(first) == json.loads(second)
    assert weights(resumed) == weights(uninterrupted)
    assert len(weights(resumed)) > 3
    histories = [(folder / "history.csv").read_text().splitlines() for folder in (resumed, uninterrupted)]
    without_seconds = [[line.rsplit(",", 1)[0] for line in lines] for lines in histories]
    assert without_seconds[0] == without_seconds[1]


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_killed_run_ends_as_one_that_was_not(task, run, small_runs, small_bundle, tmp_path):
    small, folder = small_runs[task], tmp_path / "model"
    killed = train_until_stopped(small, folder, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert "Epoch 1/2" in killed.stderr
    assert not folder.exists()
    assert [path.name for path in (tmp_path / "model.checkpoint").glob("*")] == ["epoch-0001", ".rnn-language"]
    # a run over it is refused, and so are other settings
    again = run(f"{task}.train", "--train", small.train, "--output-dir", folder, *small.flags)
    assert again.returncode == 2
    assert "add --resume to go on" in again.stderr
    resume(run, small, folder)
    assert_same_model(folder, small_bundle(task))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
def test_ctrl_c_keeps_the_checkpoint(run, small_runs, tmp_path):
    small, folder = small_runs["sentiment"], tmp_path / "model"
    stopped = train_until_stopped(small, folder, signal.SIGINT)
    assert stopped.returncode == 130
    assert stopped.stderr.splitlines()[-1] == "interrupted"
    assert "Traceback" not in stopped.stderr
    assert not folder.exists()
    resume(run, small, folder)
    assert (folder / "manifest.json").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_answering_ends_quietly(number, small_bundle):
    script = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "runpy.run_module('sentiment.predict', run_name='__main__')"
    )
    command = [sys.executable, "-c", script, "--model", str(small_bundle("sentiment")), "--format", "jsonl"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write("so good\n" * 256)  # as many as are answered at once
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["text"] == "so good"
    time.sleep(0.3)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert errors in ("", "interrupted\n")
