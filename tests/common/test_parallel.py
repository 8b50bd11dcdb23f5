"""A map over threads that keeps the order."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from common.parallel import LAUNCHER, end_with_parent, is_part, map_ahead, num_cores, num_processes, rank, writes
from tests.conftest import ROOT


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


def test_one_call_at_a_time_unless_more_are_wanted():
    running, most = [], []

    def work(number):
        running.append(number)
        most.append(len(running))
        time.sleep(0.01)
        running.remove(number)

    list(map_ahead(work, range(5)))
    assert max(most) == 1


def test_calls_that_nobody_waits_for_are_not_made():
    made, go_on = [], threading.Event()

    def work(number):
        made.append(number)
        if number:
            go_on.wait(20)
        return number

    answers = map_ahead(work, range(100))
    assert next(answers) == 0
    threading.Timer(0.05, go_on.set).start()
    answers.close()
    assert len(made) <= 2


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, (False, 1, 0, True)),
        ({"JAX_PROCESS_ID": "2"}, (False, 1, 0, True)),
        ({"JAX_NUM_PROCESSES": "3"}, (True, 3, 0, True)),
        ({"JAX_NUM_PROCESSES": "3", "JAX_PROCESS_ID": "2"}, (True, 3, 2, False)),
    ],
)
def test_the_place_of_a_process_in_its_run(environment, found, monkeypatch):
    for name in ("JAX_NUM_PROCESSES", "JAX_PROCESS_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (is_part(), num_processes(), rank(), writes()) == found


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0: {4, 7, 9}}[process], raising=False)
    assert num_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert num_cores() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert num_cores() == 1


def test_a_process_ends_with_the_one_that_has_started_it(monkeypatch):
    end_with_parent()  # nobody has started this one
    ended, left = threading.Event(), []
    parent = SimpleNamespace(join=ended.wait)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: parent)
    monkeypatch.setattr(os, "_exit", left.append)
    before = set(threading.enumerate())
    end_with_parent()
    [watching] = set(threading.enumerate()) - before
    assert watching.daemon
    assert left == []
    ended.set()
    watching.join(10)
    assert left == [1]


def test_a_call_that_fails_ends_it():
    def fail_at_two(number):
        if number == 2:
            raise ValueError("found 2")
        return number

    answers = map_ahead(fail_at_two, range(1000))
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ValueError, match="found 2"):
        next(answers)


def test_a_part_of_a_training_run_ends_with_the_process_that_has_started_it():
    part = (
        "import time; from common.parallel import end_with_launcher; "
        "end_with_launcher(); print(1, flush=True); time.sleep(60)"
    )
    code = (
        "import os, subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {part!r}], env={{**os.environ, {LAUNCHER!r}: str(os.getpid())}})"
    )
    with subprocess.Popen([sys.executable, "-uc", code], cwd=ROOT, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout.readline() == b"1\n"
        launcher.kill()
        start = time.monotonic()
        assert launcher.stdout.read() == b""  # which ends when the part has
        assert time.monotonic() - start < 30
