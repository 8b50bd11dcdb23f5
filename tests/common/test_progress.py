"""Progress: plain lines in a log, a bar on a terminal, and every item passed on."""

from __future__ import annotations

import io
import logging
import sys
import time

import pytest

from common import progress as module
from common.progress import DelayedBar, only_from, peak_memory_gb, progress, quiet, say, show_progress, working

START = 5000.0


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set; a machine does not start with the program."""
    now = [START]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


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


def open_terminal(monkeypatch):
    """A terminal where bars come after a tenth of a second. No fixture: pytest sets `sys.stderr` after those."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "SECONDS_BEFORE_BAR", 0.1)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def wait_for(condition):
    """Wait until it is so, some seconds at most."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def the_cursor_is_back(terminal):
    return 1 == terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h")


def test_a_terminal_gets_a_bar_after_a_while_which_goes_away(monkeypatch):
    terminal = open_terminal(monkeypatch)
    items = progress(range(30), "Counting", total=30)
    next(items)
    assert terminal.getvalue() == ""
    assert wait_for(lambda: "Counting" in terminal.getvalue()), "though no second item has come"
    next(items)
    items.close()
    assert the_cursor_is_back(terminal)


def test_a_quick_loop_draws_nothing(monkeypatch):
    terminal = open_terminal(monkeypatch)
    assert sum(progress(range(30), "Counting", total=30)) == 435
    time.sleep(0.2)
    assert terminal.getvalue() == ""


def test_a_bar_that_comes_after_the_end_is_not_drawn(monkeypatch):
    """The clock may have run out at the very moment at which the last step ended."""
    terminal = open_terminal(monkeypatch)
    bar = DelayedBar("Counting", 30)
    bar.stop()
    bar._start()
    assert terminal.getvalue() == ""


def test_a_step_that_nobody_can_count_is_named_while_it_takes_long(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        terminal = open_terminal(patch)
        with working("Waiting"):
            assert wait_for(lambda: "Waiting" in terminal.getvalue())
        assert the_cursor_is_back(terminal)
    monkeypatch.setattr(module, "SECONDS_BEFORE_BAR", 0.1)
    with working("Waiting"):
        pass
    time.sleep(0.3)
    assert capsys.readouterr().err == ""  # it was over before anybody wondered
    said = []
    with working("Waiting"):
        assert wait_for(lambda: said.append(capsys.readouterr().err) or "".join(said) == "Waiting …\n")


def test_memory_is_in_gigabytes(monkeypatch):
    assert 0.01 < peak_memory_gb() < 100
    monkeypatch.setattr(module, "resource", None)
    assert peak_memory_gb() == 0


def test_without_a_total_a_line_says_how_many_have_gone_by(capsys, clock):
    for number in progress(range(3), "Counting"):
        clock[0] = START + 30 * number + 0.5 * (number == 2)
    assert capsys.readouterr().err == "Counting: 3\n"  # after 60.5 seconds; not after just 30


def test_a_quiet_block_says_nothing_and_ends(capsys):
    with quiet():
        say("within")
        assert not module.draws_bars()
    say("after")
    with pytest.raises(ValueError, match="no"), quiet():
        raise ValueError("no")
    say("a\x1b")
    assert capsys.readouterr().err == "after\na\ufffd\n"


def test_bars_are_for_a_terminal_that_is_spoken_to(monkeypatch):
    assert not module.draws_bars()
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert module.draws_bars()
    with quiet():
        assert not module.draws_bars()
    monkeypatch.setattr(module.LOGGER, "level", logging.WARNING)
    module.LOGGER._cache.clear()
    assert not module.draws_bars()
    module.LOGGER._cache.clear()


def test_only_the_messages_of_a_child_come_through(capsys):
    child = module.LOGGER.getChild("child")
    before = child.level, module.LOGGER.level
    with only_from(child):
        say("ours")
        child.info("the child's")
    assert (child.level, module.LOGGER.level) == before
    say("ours again")
    assert capsys.readouterr().err == "the child's\nours again\n"


def test_a_message_is_out_at_once(monkeypatch):
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(content, encoding="utf-8"))  # it holds some lines back
    say("now")
    assert content.getvalue() == b"now\n"


def test_messages_are_shown_once(capsys):
    show_progress()
    show_progress()
    say("once")
    assert capsys.readouterr().err == "once\n"
    assert not module.LOGGER.propagate
