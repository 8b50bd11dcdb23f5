"""What all tests share: Keras, started quietly; a token cache of their own; programs run as users run them."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.cli.run import run_command
from common.errors import InputError
from common.evaluation.metrics import with_intervals
from common.inference.keras_start import start_keras
from common.output import claim
from common.parallel import limit_threads
from common.progress import show_progress
from tests.programs import command_of

ROOT = Path(__file__).resolve().parent.parent
# What the manifest of a bundle says of its run, where no run has made it.
RUN_FACTS = {
    "title": "A toy", "about_data": None, "train": {"file": "train.csv", "sha256": "0" * 64}, "seed": 1,
    "num_epochs": 1, "best_epoch": 1, "seconds": 1, "versions": {"python": "3.11"}, "tokenizer": {"spacy": "3.8"},
    "machine": {"cores": 2},
}  # fmt: skip


def pytest_configure(config):
    """Start Keras before anything imports it; the lessons in NumPy do without, and who only hands tests out does."""
    # A worker has one core; threads that share it would wait for each other. Their programs inherit this.
    if hasattr(config, "workerinput"):
        os.environ |= limit_threads(1)
    hands_out = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if not hands_out and not all("from_scratch" in argument for argument in config.args):
        start_keras()


@pytest.fixture(autouse=True, scope="session")
def progress_on_standard_error():
    """Show progress as commands do; functions alone say nothing."""
    show_progress()


@pytest.fixture(autouse=True, scope="session")
def token_cache(tmp_path_factory):
    """Keep the tests out of the user's cache, subprocesses too."""
    os.environ["TOKEN_CACHE"] = str(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="session")
def run():
    """Run `python -m MODULE ARGUMENTS…`; the answer has `returncode`, `stdout` and `stderr`."""

    def run(module, *args, input=None, cwd=None):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, args)],
            input="" if input is None else input,
            cwd=cwd or ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=600,
        )

    return run


@pytest.fixture
def run_here():
    """As `run`, in this process: for the many commands that are refused sooner than a process of their own starts."""

    def run_here(module, *args, input=""):
        given = input.encode("utf-8", "surrogateescape")
        streams = {
            name: io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="surrogateescape")
            for name, content in (("stdin", given), ("stdout", b""), ("stderr", b""))
        }
        status, old_handler = 0, signal.getsignal(signal.SIGTERM)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [module, *map(str, args)])
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            try:
                run_command(command_of(module))
            except SystemExit as left:
                status = left.code
            finally:
                signal.signal(signal.SIGTERM, old_handler)
        said = []
        for name in ("stdout", "stderr"):
            streams[name].seek(0)
            said.append(streams[name].read())
        return subprocess.CompletedProcess([module, *args], status, *said)

    return run_here


@pytest.fixture
def few_resamples(monkeypatch):
    """Intervals from few resamples, in this process: for tests that look at something else about scores."""
    _, *others = with_intervals.__defaults__
    monkeypatch.setattr(with_intervals, "__defaults__", (100, *others))


@dataclass(frozen=True)
class SmallRun:
    """A training run of seconds: the sample data of a task, and settings for a tiny model."""

    task: str
    train: Path
    test: Path
    flags: tuple[str, ...]


@pytest.fixture(scope="session")
def small_runs() -> dict[str, SmallRun]:
    """The small run of each task."""
    settings = {
        "sentiment": (
            "csv",
            "--start scratch --head categorical --batch-size 64 --units 8 --embedding-dim 10 --max-length 40",
        ),
        "language_model": ("csv", "--units 12 --embedding-dim 9 --batch-size 16"),
        "pos_tagging": (
            "conllu",
            "--batch-size 32 --units 8 --embedding-dim 9 --character-dim 4 --character-filters 5",
        ),
    }
    runs = {}
    for task, (ending, flags) in settings.items():
        data = ROOT / task / "dataset"
        flags = f"{flags} --num-epochs 2 --learning-rate 0.01"
        runs[task] = SmallRun(task, data / f"train.{ending}", data / f"test.{ending}", tuple(flags.split()))
    return runs


@pytest.fixture(scope="session")
def small_bundle(run, small_runs, tmp_path_factory) -> Callable[[str], Path]:
    """A function from a task to the bundle of its small run, trained once by the real command. Copy it to change it.

    Tests on several cores share it: the one that comes first trains, the others wait.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "small_bundles"

    def small_bundle(task: str) -> Path:
        while not (folder / task).exists():
            with contextlib.suppress(InputError), claim(folder / f"{task}.turn"):  # refused while another trains
                if not (folder / task).exists():
                    small = small_runs[task]
                    done = run(f"{task}.train", "--train", small.train, "--output-dir", folder / task, *small.flags)
                    assert done.returncode == 0, done.stderr
            time.sleep(0.05)
        return folder / task

    return small_bundle
