"""Processor cores, threads and processes: how many there are, and an ordered, bounded parallel map over threads."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from common.errors import InputError, excerpt

Item = TypeVar("Item")
Answer = TypeVar("Answer")
# What OpenMP, two libraries for matrices, and TensorFlow read; each would start a thread for every core.
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip
# What `common.training.processes` reads: where the first process is reached, how many there are, which this is.
ADDRESS, COUNT, RANK = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"

LAUNCHER = "RNN_LANGUAGE_LAUNCHER"  # the process that has started the parts of a run on this machine, if one has


def num_cores() -> int:
    """Count the processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(number: int) -> dict[str, str]:
    """The variables by which a process is told to compute on so many threads; each library reads its own."""
    return dict.fromkeys(THREADS, str(number))


def limit_threads_of_jax(number: int) -> dict[str, str]:
    """The same for a process that computes with JAX.

    >>> limit_threads_of_jax(2)["XLA_FLAGS"]
    '--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads=2'
    """
    flags = f"--xla_cpu_multi_thread_eigen={str(number > 1).lower()} intra_op_parallelism_threads={number}"
    return {**limit_threads(number), "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()}


def end_with_parent() -> None:
    """Have this process end when the one that has started it does, however that ends; else it would work on, unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def end_with_launcher() -> None:
    """The same for one of several processes of a training run, which `common.cli.processes` starts."""
    if LAUNCHER in os.environ:
        threading.Thread(target=_end_without, args=(int(os.environ[LAUNCHER]),), daemon=True).start()


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def is_part() -> bool:
    """Whether the environment makes this process one of several of a training run."""
    return COUNT in os.environ


def num_processes() -> int:
    """How many processes the training run has."""
    return _whole_number(COUNT) if is_part() else 1


def rank() -> int:
    """The number of this process among those of its training run, from 0; 0 if it is alone."""
    return _whole_number(RANK) if is_part() else 0


def _whole_number(name: str) -> int:
    """What a variable of the environment says; 0 if it is not set."""
    found = os.environ.get(name, "0").strip()
    if not (found.isascii() and found.isdigit()):
        raise InputError(f"{name}: found {excerpt(found)} in the environment, wanted a whole number")
    return int(found)


def writes() -> bool:
    """Whether this process writes what a run leaves: it is alone, or the first of several."""
    return rank() == 0


def map_ahead(function: Callable[[Item], Answer], items: Iterable[Item], num_threads: int = 1) -> Iterator[Answer]:
    """Call a function on items, in other threads, while the caller reads items and uses answers.

    It pays where the function spends its time outside Python, as ONNX Runtime does.

    Args:
        function: called by `num_threads` threads at once.
        items: read in the caller's thread, some more than are worked on.
        num_threads: calls at a time.
    Yields:
        The answers in the order of the items. If reading an item fails, after those to the items before it.

    >>> list(map_ahead(str.upper, "abc"))
    ['A', 'B', 'C']
    """
    waiting: deque[Future[Answer]] = deque()
    errors: list[Exception] = []
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for item in _until_error(items, errors):
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * num_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if errors:
        raise errors[0]


def _until_error(items: Iterable[Item], errors: list[Exception]) -> Iterator[Item]:
    try:
        yield from items
    except Exception as error:
        errors.append(error)
