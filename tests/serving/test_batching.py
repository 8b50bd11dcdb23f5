"""Dynamic batching: which requests are answered together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.batching import SHORT, Batcher, Waiting, take_batch
from serving.limits import ServerConfig


def queue(*requests):
    """Requests by the lengths of their texts; an option may follow."""

    async def make():
        loop = asyncio.get_running_loop()
        return deque(
            Waiting(["x" * length for length in lengths], option, loop.create_future()) for lengths, option in requests
        )

    return asyncio.run(make())


def lengths(batch):
    return [[len(text) for text in waiting.texts] for waiting in batch]


def test_similar_lengths_go_together_and_the_oldest_goes_first():
    waiting = queue(([5], 0), ([3000], 0), ([SHORT], 0), ([2000], 0), ([7], 0))
    assert lengths(take_batch(waiting, 8)) == [[5], [SHORT], [7]]
    assert lengths(take_batch(waiting, 8)) == [[3000], [2000]]
    assert take_batch(waiting, 8) == []


def test_a_batch_has_a_size_but_a_request_is_never_cut():
    waiting = queue(([1] * 5, 0), ([1] * 3, 0), ([1], 0))
    assert lengths(take_batch(waiting, 6)) == [[1] * 5, [1]]
    assert lengths(take_batch(waiting, 2)) == [[1] * 3]


def test_options_are_not_mixed():
    waiting = queue(([1], None), ([2], (1, 5)), ([3], None))
    assert lengths(take_batch(waiting, 8)) == [[1], [3]]
    assert lengths(take_batch(waiting, 8)) == [[2]]


def test_what_is_no_longer_wanted_is_left_out():
    waiting = queue(([1], 0), ([2], 0), ([3], 0))
    waiting[0].future.cancel()
    waiting[2].future.cancel()
    assert lengths(take_batch(waiting, 8)) == [[2]]
    assert not waiting


def test_what_waits_is_shared_out_among_the_threads():
    """Each batch waits until the other is being answered, too."""
    both, sizes = threading.Barrier(2, timeout=5), []

    def answer(texts, option):
        sizes.append(len(texts))
        both.wait()
        return [text.upper() for text in texts]

    async def ask():
        batcher = Batcher(answer, ServerConfig(batch_wait=20), executor, 2)
        return await asyncio.gather(*(batcher.ask([text]) for text in "abcdef"))

    with ThreadPoolExecutor(2) as executor:
        assert asyncio.run(ask()) == [[text] for text in "ABCDEF"]
    assert sizes == [3, 3]


@pytest.mark.parametrize(("wait", "number", "expected"), [(20, 2, [2]), (1000, 8, [8]), (0, 1, [1])])
def test_a_free_model_waits_for_others_until_a_batch_is_full(wait, number, expected):
    sizes = []

    def answer(texts, option):
        sizes.append(len(texts))
        return texts

    async def ask():
        batcher = Batcher(answer, ServerConfig(batch_wait=wait, batch_texts=8), executor, 1)
        start = time.monotonic()
        first = asyncio.create_task(batcher.ask(["x"]))
        await asyncio.sleep(0)  # it waits
        await asyncio.sleep(0)
        await asyncio.gather(first, *(batcher.ask(["x"]) for _ in range(number - 1)))
        return time.monotonic() - start

    with ThreadPoolExecutor(1) as executor:
        assert asyncio.run(ask()) < 0.5
    assert sizes == expected
