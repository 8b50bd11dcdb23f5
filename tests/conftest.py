"""What all tests share: Keras, started quietly; a token cache of their own; programs run as users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.keras_start import start_keras

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config):
    """Start Keras before anything imports it; the lessons in NumPy do without."""
    if not all("from_scratch" in argument for argument in config.args):
        start_keras()


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
        "sentiment": ("csv", "--units 8 --embedding-dim 10 --max-length 40"),
        "language_model": ("csv", "--units 12 --embedding-dim 9 --batch-size 16"),
        "pos_tagging": ("conllu", "--units 8 --embedding-dim 9 --character-dim 4 --character-filters 5"),
    }
    runs = {}
    for task, (ending, flags) in settings.items():
        data = ROOT / task / "dataset"
        flags = f"{flags} --num-epochs 2 --learning-rate 0.01"
        runs[task] = SmallRun(task, data / f"train.{ending}", data / f"test.{ending}", tuple(flags.split()))
    return runs


@pytest.fixture(scope="session")
def small_bundle(run, small_runs, tmp_path_factory) -> Callable[[str], Path]:
    """A function from a task to the bundle of its small run, trained once by the real command. Copy it to change it."""
    folder, trained = tmp_path_factory.mktemp("bundles"), {}

    def small_bundle(task: str) -> Path:
        if task not in trained:
            small = small_runs[task]
            done = run(f"{task}.train", "--train", small.train, "--output-dir", folder / task, *small.flags)
            assert done.returncode == 0, done.stderr
            trained[task] = folder / task
        return trained[task]

    return small_bundle
