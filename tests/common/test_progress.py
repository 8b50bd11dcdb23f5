"""Progress: plain lines in a log, a bar on a terminal, and every item passed on."""

from __future__ import annotations

import io
import sys

import pytest

from common import progress as module
from common.progress import peak_memory_gb, progress

START = 5000.0


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set; a machine does not start with the program."""
    time = [START]
    monkeypatch.setattr(module.time, "monotonic", lambda: time[0])
    return time


def test_every_item_comes_through_once_and_as_it_is_asked_for():
    taken = []
    items = progress((taken.append(number) or number for number in range(5)), "Counting")
    assert next(items) == 0
    assert taken == [0]
    assert list(items) == [1, 2, 3, 4]


def test_a_quick_loop_says_nothing(capsys, clock):
    list(progress(range(1000), "Counting"))
    assert capsys.readouterr().err == ""


def test_a_log_gets_a_line_every_half_minute(capsys, clock):
    for number in progress(range(1200), "Counting", total=1200):
        clock[0] = START + number / 10  # 120 seconds
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Counting: 302 of 1,200")


def test_a_terminal_gets_a_bar_after_a_second_which_goes_away(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    items = progress(range(30), "Counting", total=30)
    next(items)
    assert terminal.getvalue() == ""
    clock[0] = START + 0.5
    next(items)
    next(items)
    assert terminal.getvalue() == ""
    clock[0] = START + 2
    next(items)
    next(items)
    assert "Counting" in terminal.getvalue()
    items.close()
    assert 1 == terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h"), "the cursor is back"


def test_memory_is_in_gigabytes():
    assert 0.01 < peak_memory_gb() < 100
