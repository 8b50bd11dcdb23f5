"""Shards on this machine: a pool of processes, each with the model, on one thread; one worker is this process itself.

A worker that is killed is replaced, and its shard answered again. Workers end when their driver does, however it ends.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType

from common.errors import InputError
from common.parallel import end_with_parent
from common.progress import quiet, say
from scaling.answering import Work, answer_shard
from scaling.environment import ONE_THREAD, changed_environment
from scaling.shards import Shard
from scaling.stores import open_store
from scaling.verbs import Answerer

MOST_BROKEN = 3  # times in a row that workers are killed before a single shard is done


def run(work: Work, shards: Sequence[Shard], num_workers: int) -> None:
    """Answer shards.

    Raises:
        InputError: one cannot be read, or workers are killed again and again.
    """
    if num_workers == 1:
        worker = Worker(work)
        for shard in shards:
            worker.answer(shard)
        return
    missing = list(shards)
    num_broken = 0
    while missing:
        num_before = len(missing)
        try:
            _run_pool(work, missing, num_workers)
        except BrokenProcessPool:
            num_broken = num_broken + 1 if len(missing) == num_before else 1
            if num_broken == MOST_BROKEN:
                raise InputError(
                    f"workers were killed {MOST_BROKEN} times in a row, perhaps for want of memory; "
                    "run the same command with fewer --workers, it goes on"
                ) from None
            say("a worker was killed; its shards are answered again")


class Worker:
    """A model, loaded at the first shard."""

    def __init__(self, work: Work) -> None:
        self.work, self.target = work, open_store(work.output)
        self.model: Answerer | None = None

    def answer(self, shard: Shard) -> int:
        """Answer a shard; gives its number."""
        with quiet():  # what there is to say of a file was said when it was cut
            self.model = self.model or self.work.load()
            answer_shard(shard, self.target, self.work, self.model)
        return shard.number


_worker: Worker  # of this process


def _start(work: Work) -> None:
    """Begin a process of the pool."""
    global _worker
    _worker = Worker(work)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's
    end_with_parent()


def _answer(shard: Shard) -> int:
    return _worker.answer(shard)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep processes that start within a block from running the user's script, which they need nothing of.

    `spawn` has them import `__main__`: a script that calls `answer_corpus` at its top would call it in each of them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _run_pool(work: Work, missing: list[Shard], num_workers: int) -> None:
    """Answer shards in a pool of processes; those that are done are taken out of the list.

    Raises:
        BrokenProcessPool: a worker was killed.
    """
    by_number = {shard.number: shard for shard in missing}
    waiting: set[Future[int]] = set()
    others = {*multiprocessing.active_children()}
    context = multiprocessing.get_context("spawn")  # what this process has loaded is no use to a worker
    with changed_environment(ONE_THREAD), ProcessPoolExecutor(num_workers, context, _start, (work,)) as pool:
        shards = iter(list(missing))
        try:
            while True:
                more = itertools.islice(shards, 2 * num_workers - len(waiting))
                with _without_main():  # a process starts where one is wanted
                    waiting |= {pool.submit(_answer, shard) for shard in more}
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    missing.remove(by_number[future.result()])
        except BaseException:
            for future in waiting:
                future.cancel()
            for child in {*multiprocessing.active_children()} - others:  # else they would finish what they are at
                child.terminate()
            raise
