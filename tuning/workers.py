"""A function in several processes, each with its share of the processor cores."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

from common.errors import InputError, describe_os_error, is_want_of_memory
from common.inference.keras_start import start_keras
from common.parallel import end_with_parent, limit_threads, num_cores
from common.progress import LOGGER, show_progress


def run_workers(function: Callable[[], None], num_workers: int) -> None:
    """Call a function in so many processes, or in this one. When one fails, or this one is to end, all end.

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
    try:
        for process in processes:
            process.start()
        _watch(processes, errors)
    finally:  # else Python waits for them when it ends
        started = [process for process in processes if process.pid]
        for process in started:
            process.terminate()
        for process in started:
            process.join()


def _watch(processes: Sequence[BaseProcess], errors: Any) -> None:
    """Wait until all have done their work, or one has failed.

    Raises:
        InputError: one has failed.
    """
    working = {process.sentinel: process for process in processes}
    while working:
        for sentinel in wait(list(working)):
            process = working.pop(sentinel)  # type: ignore[arg-type]
            process.join()
            if process.exitcode:
                raise InputError(errors.get() if not errors.empty() else _how_it_ended(process.exitcode))


def _how_it_ended(status: int) -> str:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"a worker {how}; what is done is kept, and the same command with --resume goes on"


def _in_worker(function: bytes, threads: int, shown: bool, errors: Any) -> None:
    """What a process of `run_workers` does; it does not outlive the one that has started it."""
    try:
        os.environ.update(limit_threads(threads))
        end_with_parent()
        if shown:
            show_progress()
        start_keras()
        pickle.loads(function)()  # made by `run_workers`; it imports TensorFlow
    except InputError as error:
        _fail(str(error), errors)
    except OSError as error:
        _fail(describe_os_error(error), errors)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        if not is_want_of_memory(error):
            raise
        _fail("not enough memory; give fewer --workers, and --resume", errors)


def _fail(message: str, errors: Any) -> NoReturn:
    """End a worker; the one that has started it tells why."""
    errors.put(message)
    raise SystemExit(2)
