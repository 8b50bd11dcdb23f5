"""Progress of an epoch: what the run will cost, compilation counted; a line every half minute where there is no bar."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from common.training import keras_progress
from common.training.keras_progress import COST_STEPS, EpochBar, duration

START = 5000.0  # a machine does not start with the program
NUM_STEPS, SIZE = 100, 4


@pytest.fixture
def said(monkeypatch, capsys):
    """The lines of an epoch whose steps take so many seconds; the first two are slow."""

    def said(seconds, compiles=True, epochs_left=3):
        clock = [START]
        monkeypatch.setattr(keras_progress.time, "monotonic", lambda: clock[0])
        bar = EpochBar("Epoch 1/3", SimpleNamespace(sizes=[SIZE] * NUM_STEPS), compiles, epochs_left)
        bar.on_train_begin()
        for step in range(NUM_STEPS):
            clock[0] += seconds if step > 1 else 200 * seconds
            bar.on_train_batch_end(step, {"loss": 1.5})
        bar.on_train_end()
        assert bar.seconds_to_compile == pytest.approx(400 * seconds if compiles else 0)
        return capsys.readouterr().err.splitlines()

    return said


def test_the_cost_is_said_once_and_compilation_counts_only_once(said):
    """100 steps of 0.05 s an epoch, 74 of them left in the first of three, after 20 s of compilation."""
    compiling, cost = said(0.05)
    assert compiling == "Compiling the network: the first epoch takes longer"
    assert cost.startswith("Cost: 20 s to compile, then about 5.0 s an epoch; at most 14 s left, ")
    assert said(0.05, epochs_left=1)[1].startswith(
        "Cost: 20 s to compile, then about 5.0 s an epoch; at most 3.7 s left"
    )
    assert said(0.05, compiles=False) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (99.4, "99 s"), (100, "1.7 min"), (3600, "60.0 min")],
)
def test_a_duration(seconds, said):
    assert duration(seconds) == said


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_stands_on_a_terminal_and_goes_away(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    bar = EpochBar("Epoch 2/3", SimpleNamespace(sizes=[3, 2]), False, 2)
    bar.on_train_begin()
    drawn = bar.bar
    [task] = drawn.tasks
    assert (task.description, task.total, task.completed) == ("Epoch 2/3", 5, 0)
    bar.on_train_batch_end(0, {"loss": 1.25})
    assert (task.completed, task.fields["loss"]) == (3, "loss 1.2500")
    bar.on_train_batch_end(1, {"loss": 1.0})
    assert task.completed == 5
    assert bar.seconds_to_compile == 0
    bar.on_train_end()
    assert bar.bar is None
    assert not drawn.live.is_started
    assert "Epoch 2/3" in terminal.getvalue()
    bar.close()


@pytest.mark.parametrize(("sizes", "said"), [([4, 1, 2], True), ([4, 1], False), ([4, 1] + [2] * 24, True)])
def test_the_cost_of_a_short_epoch_is_said_at_its_end(sizes, said, monkeypatch, capsys):
    clock = [START]
    monkeypatch.setattr(keras_progress.time, "monotonic", lambda: clock[0])
    bar = EpochBar("Epoch 1/2", SimpleNamespace(sizes=sizes), True, 2)
    bar.on_train_begin()
    for step, size in enumerate(sizes):
        clock[0] += size if step > 1 else 6
        bar.on_train_batch_end(step, {"loss": 1.5})
    lines = capsys.readouterr().err.splitlines()[1:]
    total = sum(sizes)  # seconds of an epoch
    assert [line.partition(" left")[0] for line in lines if line.startswith("Cost")] == [
        f"Cost: 12 s to compile, then about {duration(total)} an epoch; at most {duration(total)}"
    ] * said


def test_long_times_are_minutes(said):
    lines = said(1.0)
    assert "Cost: 6.7 min to compile, then about 1.7 min an epoch; at most 4.6 min left, " in "\n".join(lines)


def test_a_log_gets_a_line_every_half_minute(said):
    lines = said(1.0, compiles=False)
    assert lines[0] == "Epoch 1/3: 1%, loss 1.5000"
    assert lines[2] == "Epoch 1/3: 33%, loss 1.5000"
    assert len(lines) == 5
    assert COST_STEPS < NUM_STEPS
