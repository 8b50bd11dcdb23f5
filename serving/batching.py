"""Dynamic batching: requests that wait are answered together, those of similar length; a batch on each processor core.

A model that is free waits until the oldest request has waited some milliseconds for others; a busy one takes what has
come in the meantime. The oldest request is always among those that are answered next, so that none waits for ever.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from serving.limits import ServerConfig
from serving.problems import Problem
from serving.waiting import WaitingRoom

SIMILAR = 2.0  # times as long, at most, is answered together
SHORT = 200  # characters: texts up to here are all alike


@dataclass(eq=False)
class Waiting:
    """A request that waits: its texts, how they are to be answered, and the future that the answers go to."""

    texts: list[str]
    option: Any
    future: asyncio.Future[list[Any]]
    since: float = field(default_factory=time.monotonic)

    @property
    def length(self) -> int:
        """Characters of the longest text."""
        return max(map(len, self.texts), default=0)


class Batcher:
    """Answers texts in batches.

    Args:
        answer: takes some texts and an option, and gives an answer to each; it is called in a thread.
        config: sizes and waiting times.
        executor: of threads.
        threads: batches that are answered at the same time.
    """

    def __init__(
        self, answer: Callable[[list[str], Any], Sequence[Any]], config: ServerConfig, executor: Executor, threads: int
    ) -> None:
        self.answer, self.config, self.executor, self.threads = answer, config, executor, threads
        self.queue: deque[Waiting] = deque()
        self.arrived, self.full = asyncio.Event(), asyncio.Event()
        self.free = asyncio.Semaphore(threads)
        self.running: set[asyncio.Task[None]] = set()
        self.waiting = WaitingRoom(config.max_waiting)
        self.seconds_per_text = 0.002  # a running mean, for Retry-After
        self.worker: asyncio.Task[None] | None = None

    async def ask(self, texts: list[str], option: Any = None) -> list[Any]:
        """The answers to some texts; only those with the same option are answered together.

        Raises:
            Problem: too many texts wait already (429), or there was no answer in time (504).
        """
        if not texts:
            return []
        with self.waiting.reserve(len(texts), self.waiting.number * self.seconds_per_text):
            if self.worker is None or self.worker.done():
                self.worker = asyncio.create_task(self._work())
            waiting = Waiting(texts, option, asyncio.get_running_loop().create_future())
            self.queue.append(waiting)
            self.arrived.set()
            if not self.full.is_set() and self._num_queued() >= self.config.batch_texts:
                self.full.set()
            try:
                return await asyncio.wait_for(waiting.future, self.config.timeout)
            except TimeoutError:
                seconds = f"{self.config.timeout:g}"
                raise Problem(504, f"no answer within {seconds} s; send fewer or shorter texts") from None

    async def _work(self) -> None:
        """Answer what comes, for ever."""
        while True:
            await self.free.acquire()
            await self._wait_for_some()
            batch = take_batch(self.queue, self._share())
            if batch:
                self.running.add(task := asyncio.create_task(self._answer(batch)))
                task.add_done_callback(self._be_free)
            else:
                self.free.release()

    async def _wait_for_some(self) -> None:
        """Until the oldest request has waited long enough, or a batch is full."""
        self.arrived.clear()
        if not self.queue:
            await self.arrived.wait()
        rest = self.queue[0].since + self.config.batch_wait / 1000 - time.monotonic()
        if rest > 0 and self._num_queued() < self.config.batch_texts:
            self.full.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.full.wait(), rest)
            self.full.set()  # nobody waits for it

    def _num_queued(self) -> int:
        return sum(len(waiting.texts) for waiting in self.queue)

    def _share(self) -> int:
        """Texts of the next batch: what waits is shared out among the threads that are free."""
        free = self.threads - len(self.running)
        return min(self.config.batch_texts, math.ceil(self._num_queued() / free))

    def _be_free(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        self.free.release()

    async def _answer(self, batch: list[Waiting]) -> None:
        texts, option = [text for waiting in batch for text in waiting.texts], batch[0].option
        start = time.monotonic()
        try:
            answers = list(await asyncio.get_running_loop().run_in_executor(self.executor, self.answer, texts, option))
        except Exception as error:  # goes to those who asked
            for waiting in batch:
                if not waiting.future.done():
                    waiting.future.set_exception(error)
            return
        seconds = (time.monotonic() - start) / len(texts) / self.threads
        self.seconds_per_text += 0.1 * (seconds - self.seconds_per_text)
        place = 0
        for waiting in batch:
            found, place = answers[place : place + len(waiting.texts)], place + len(waiting.texts)
            if not waiting.future.done():  # who asked may have gone
                waiting.future.set_result(found)


def take_batch(queue: deque[Waiting], most: int) -> list[Waiting]:
    """Take the oldest request that is still wanted, and further ones of its option and of similar length, in order.

    Args:
        queue: what waits; what is taken, or no longer wanted, is removed.
        most: texts, at most; a single request may have more.
    """
    while queue and queue[0].future.done():
        queue.popleft()
    if not queue:
        return []
    batch = [queue.popleft()]
    number, length = len(batch[0].texts), max(batch[0].length, SHORT)
    left: list[Waiting] = []
    for waiting in queue:
        similar = length / SIMILAR <= max(waiting.length, SHORT) <= length * SIMILAR
        similar = similar and waiting.option == batch[0].option
        if waiting.future.done():
            continue
        if similar and number + len(waiting.texts) <= most:
            batch.append(waiting)
            number += len(waiting.texts)
        else:
            left.append(waiting)
    queue.clear()
    queue.extend(left)
    return batch
