"""Dynamic batching: which requests are answered together."""

from __future__ import annotations

import asyncio
from collections import deque

from serving.batching import SHORT, Waiting, take_batch


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
