"""The frame around every command: standard streams, exit status, signals."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common.cli.run import run_command
from common.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def same_handler():
    old = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, old)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_character_that_a_stream_cannot_show_is_escaped(name, monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(content, encoding="ascii"))
    run_command(lambda _: print("naïve", file=getattr(sys, name), flush=True))
    assert content.getvalue() == b"na\\xefve\n"


def test_a_stream_that_is_no_file_is_taken_as_it_is(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    run_command(lambda _: print("naïve"))
    assert shown.getvalue() == "naïve\n"


def test_a_command_that_starts_leaves_no_file_open():
    """Closed standard streams get a substitute, and nothing else does."""
    code = (
        "import os, sys; from common.cli.run import run_command; before = os.listdir('/proc/self/fd'); "
        "run_command(lambda _: print(sorted(before) == sorted(os.listdir('/proc/self/fd'))))"
    )
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not list open files")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("a.csv: no rows"), 2, "error: a.csv: no rows\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        *(
            (error, 2, "error: not enough memory for this input or a network of this size; give a smaller one\n")
            for error in (MemoryError(), type("ResourceExhaustedError", (Exception,), {})("of TensorFlow"))
        ),
    ],
)
def test_what_a_user_causes_is_a_line_and_a_status(error, status, message, capsys):
    def command(_):
        raise error

    with pytest.raises(SystemExit) as left:
        run_command(command)
    assert left.value.code == status
    assert capsys.readouterr().err == message


def test_a_terminated_command_ends_as_one_that_leaves():
    with pytest.raises(SystemExit) as left:
        run_command(lambda _: signal.raise_signal(signal.SIGTERM))
    assert left.value.code == 143


def test_a_reader_that_leaves_early_ends_a_command_quietly():
    code = "from common.cli.run import run_command; run_command(lambda _: [print(i) for i in range(10**5)])"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "0\n"
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 0
