"""A search with the real task, killed again and again, and with two workers."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from optuna.trial import TrialState

from sentiment.config import SentimentConfig
from tuning.study import open_study

ROOT = Path(__file__).resolve().parents[2]
SPACE = "[learning_rate]\nlow = 1e-3\nhigh = 1e-1\nlog = true\n[dropout]\nlow = 0.0\nhigh = 0.6\nstep = 0.1\n"
SMALL = (
    "--start", "scratch", "--ngrams", "0", "--units", "8", "--embedding-dim", "8", "--num-epochs", "3",
    "--trials", "4", "--seeds", "2",
)  # fmt: skip
KILLS = 3


def command(folder, space, *options):
    train = ROOT / "sentiment" / "dataset" / "train.csv"
    where = ["--train", str(train), "--space", str(space), "--output-dir", str(folder)]
    return [sys.executable, "-m", "tuning.search", "sentiment", *where, *SMALL, *options]


def run(*given):
    subprocess.run(command(*given), cwd=ROOT, check=True, capture_output=True, timeout=900)


def kill_after(seconds, *given):
    """Start a search, kill it and all that it has started after some time; returns whether it had ended by then."""
    process = subprocess.Popen(
        command(*given), cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False


def results(folder):
    study = open_study(folder, SentimentConfig().seed, True, True)
    return [(trial.params, trial.value, trial.state, trial.intermediate_values) for trial in study.get_trials()]


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    path = tmp_path_factory.mktemp("space") / "space.toml"
    path.write_text(SPACE)
    return path


@pytest.mark.slow
def test_a_search_that_is_killed_ends_as_one_that_was_not(space, tmp_path):
    start = time.monotonic()
    run(tmp_path / "whole", space)
    seconds = time.monotonic() - start
    rng, options = random.Random(1), ()
    for _ in range(KILLS):
        ended = kill_after(rng.uniform(0.2, 0.8) * seconds, tmp_path / "killed", space, *options)
        options = ("--resume",) if (tmp_path / "killed" / "search.json").exists() else ()
        if ended:
            break
    run(tmp_path / "killed", space, *options)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    best = [json.loads((tmp_path / name / "best.json").read_text()) for name in ("killed", "whole")]
    assert best[0] == best[1]


@pytest.mark.slow
def test_two_workers_do_each_trial_once(space, tmp_path):
    run(tmp_path / "search", space, "--workers", "2")
    done = results(tmp_path / "search")
    assert len(done) == 4
    assert {state for _, _, state, _ in done} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert len(list((tmp_path / "search" / "trials").iterdir())) == sum(
        state == TrialState.COMPLETE for _, _, state, _ in done
    )
    assert (tmp_path / "search" / "report.html").exists()
