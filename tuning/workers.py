"""A function in several processes, each with its share of the processor cores."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
from collections.abc import Callable
from typing import Any

from common.errors import InputError
from common.inference.keras_start import start_keras
from common.parallel import end_with_parent, limit_threads, num_cores
from common.progress import LOGGER, show_progress


def run_workers(function: Callable[[], None], num_workers: int) -> None:
    """Call a function in so many processes, or in this one.

    Raises:
        InputError: one of them has not done its work.
    """
    if num_workers == 1:
        function()
        return
    context = multiprocessing.get_context("spawn")
    errors = context.SimpleQueue()
    shown = LOGGER.isEnabledFor(logging.INFO)
    given = pickle.dumps(function), max(1, num_cores() // num_workers), shown, errors
    processes = [context.Process(target=_in_worker, args=given) for _ in range(num_workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if not errors.empty():
        raise InputError(errors.get())
    if failed := [process.exitcode for process in processes if process.exitcode]:
        how = f"was killed by signal {-failed[0]}" if failed[0] < 0 else f"ended with status {failed[0]}"
        raise InputError(f"a worker {how}; what is done is kept, and the same command with --resume goes on")


def _in_worker(function: bytes, threads: int, shown: bool, errors: Any) -> None:
    """What a process of `run_workers` does; it does not outlive the one that has started it."""
    os.environ.update(limit_threads(threads))
    end_with_parent()
    if shown:
        show_progress()
    start_keras()
    try:
        pickle.loads(function)()  # made by `run_workers`; it imports TensorFlow
    except InputError as error:
        errors.put(str(error))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
