"""Several processes: their errors, and their end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from common.errors import InputError
from tuning.workers import run_workers

ROOT = Path(__file__).resolve().parents[2]
WAITING = """
import signal, sys, time
from tuning.workers import run_workers
def work():
    print("working", flush=True)
    time.sleep(300)
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run_workers(work, 2)
"""


def _raise_in_one(path, error):
    """Fail in the worker that comes first; the other works on for long."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        time.sleep(300)
    raise error


@pytest.fixture(autouse=True)
def importable(monkeypatch, tmp_path):
    """What workers call is in this file: they find it by its name. In place of Keras they import an empty module."""
    (tmp_path / "keras.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(_raise_in_one, "__module__", "test_workers")
    monkeypatch.setitem(sys.modules, "test_workers", sys.modules[__name__])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("--dropout: too much"), "^--dropout: too much$"),
        (OSError(errno.ENOSPC, "No space left on device", "journal.log"), "^journal.log: the disk is full"),
        (MemoryError(), "not enough memory; give fewer --workers"),
    ],
    ids=["input", "disk", "memory"],
)
def test_the_error_of_a_worker_is_one_line_and_ends_the_others(error, message, tmp_path, capfd):
    start = time.monotonic()
    with pytest.raises(InputError, match=message):
        run_workers(partial(_raise_in_one, str(tmp_path / "first"), error), 2)
    assert time.monotonic() - start < 120
    assert "Traceback" not in capfd.readouterr().err


def test_a_worker_that_is_killed_ends_the_others():
    with pytest.raises(InputError, match="a worker was killed by signal 9; what is done is kept"):
        run_workers(partial(signal.raise_signal, signal.SIGKILL), 2)


def test_sigterm_ends_all(tmp_path):
    (tmp_path / "waiting.py").write_text(WAITING)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "waiting.py")], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert [process.stdout.readline() for _ in range(2)] == ["working\n"] * 2
        process.terminate()
        assert process.wait(20) == 143
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate()
