"""Ordered, bounded parallel map with prefetching, over threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def num_cores() -> int:
    """Count the processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
