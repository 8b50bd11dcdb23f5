"""A map over threads that keeps the order."""

from __future__ import annotations

import threading
import time

import pytest

from common.parallel import map_ahead


def test_the_answers_keep_the_order_of_the_items():
    def slower_first(number):
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    assert list(map_ahead(slower_first, range(30), num_threads=4)) == [number**2 for number in range(30)]


def test_so_many_calls_run_at_once():
    """Each waits for two others: with fewer threads, or one after the other, it would not end."""
    barrier = threading.Barrier(3, timeout=20)
    assert list(map_ahead(lambda _: barrier.wait() >= 0, range(6), num_threads=3)) == [True] * 6


def test_few_items_are_read_ahead():
    read = []

    def items():
        for number in range(1000):
            read.append(number)
            yield number

    answers = map_ahead(str, items(), num_threads=2)
    assert next(answers) == "0"
    assert len(read) == 5
    answers.close()
    assert len(read) == 5


def test_an_item_that_cannot_be_read_comes_after_the_answers_before_it():
    def items():
        yield from "ab"
        raise ValueError("row 3")

    answers = map_ahead(str.upper, items())
    assert [next(answers), next(answers)] == ["A", "B"]
    with pytest.raises(ValueError, match="row 3"):
        next(answers)


def test_a_call_that_fails_ends_it():
    def fail_at_two(number):
        if number == 2:
            raise ValueError("found 2")
        return number

    answers = map_ahead(fail_at_two, range(1000))
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ValueError, match="found 2"):
        next(answers)
