"""`--backend` and `--processes` of the `train` commands: what computes, and in how many processes."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from common.cli.flags import OneLineParser, advanced
from common.errors import InputError
from common.parallel import ADDRESS, COUNT, LAUNCHER, RANK, is_part, limit_threads_of_jax, num_cores

BACKENDS = ("tensorflow", "jax", "torch")  # of Keras, each a package of that name
VARIABLE = "KERAS_BACKEND"
SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 10.0  # that the other processes have when one has failed


def add_backend_arguments(parser: OneLineParser) -> None:
    """Add the options."""
    for action in (
        parser.add_argument(
            "--backend", choices=BACKENDS, metavar="NAME",
            help=f"what Keras computes with: {', '.join(BACKENDS)} (default: {VARIABLE}, else tensorflow)",
        ),
        parser.add_argument(
            "--processes", type=int, default=1, metavar="N",
            help="processes that share each batch, with --backend jax (default: 1)",
        ),
    ):  # fmt: skip
        advanced(action)


def start_backend(arguments: argparse.Namespace, task: str, argv: Sequence[str] | None) -> None:
    """Have Keras compute with the backend of the options; with several processes, be the one that starts and ends them.

    Args:
        arguments: of the command.
        task: its package.
        argv: what was typed behind the command.
    Raises:
        InputError: the backend is not installed, or cannot do what is asked.
        SystemExit: the processes have ended, with the status of the first that failed.
    """
    if arguments.backend:
        os.environ[VARIABLE] = arguments.backend
    backend = os.environ.get(VARIABLE, "tensorflow")
    if importlib.util.find_spec(backend) is None:
        how = "'rnn-language[processes]'" if backend == "jax" else backend
        raise InputError(f"--backend {backend}: needs the package {backend}; pip install {how}")
    if arguments.processes < 1:
        raise InputError(f"--processes: found {arguments.processes}, wanted at least 1")
    if arguments.processes == 1 or is_part():
        return
    if backend != "jax":
        raise InputError("--processes: only JAX connects processes; add --backend jax")
    words = [sys.executable, "-m", "rnn_language", task, "train", *(sys.argv[1:] if argv is None else argv)]
    raise SystemExit(run_processes(words, arguments.processes))


def run_processes(command: Sequence[str], count: int, seconds_to_end: float = SECONDS_TO_END) -> int:
    """Run a command in several connected processes on this machine; returns the status of the first that fails, or 0.

    Each has its share of the processor cores. The first one speaks; of the others is shown how they failed.

    Args:
        command: of each process.
        count: how many.
        seconds_to_end: that the others have when one has failed.
    """
    address = f"127.0.0.1:{_free_port()}"
    with tempfile.TemporaryFile() as silent:
        processes = [
            subprocess.Popen(
                command,
                env={**os.environ, **_place(address, count, number)},
                stdin=subprocess.DEVNULL,
                stdout=silent if number else None,
                stderr=silent if number else None,
            )
            for number in range(count)
        ]
        try:
            status = _wait(processes, seconds_to_end)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        if status and processes[0].returncode in (0, -9):
            silent.seek(0)
            sys.stderr.write(silent.read()[-2000:].decode("utf-8", "replace"))
    return status


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def _place(address: str, count: int, number: int) -> dict[str, str]:
    """The variables that make a process one of several; see `common.training.processes`."""
    threads = limit_threads_of_jax(max(1, num_cores() // count))
    return {ADDRESS: address, COUNT: str(count), RANK: str(number), LAUNCHER: str(os.getpid()), **threads}


def _wait(processes: Sequence[subprocess.Popen], seconds_to_end: float) -> int:
    """Wait for all; if one fails, give the others some seconds."""
    end = float("inf")
    # Each is asked, also those behind one that still runs: one that fails may not go unnoticed until the first ends.
    while None in [process.poll() for process in processes] and time.monotonic() < end:
        if end == float("inf") and any(process.returncode for process in processes):
            end = time.monotonic() + seconds_to_end
        time.sleep(SECONDS_BETWEEN_LOOKS)
    failed = [process.returncode for process in processes if process.returncode]
    return abs(failed[0]) if failed else 0
