"""Progress of an epoch: what the run will cost, compilation counted; a line every half minute where there is no bar."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from common.training import keras_progress
from common.training.keras_progress import COST_STEPS, EpochBar

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


def test_long_times_are_minutes(said):
    lines = said(1.0)
    assert "Cost: 6.7 min to compile, then about 1.7 min an epoch; at most 4.6 min left, " in "\n".join(lines)


def test_a_log_gets_a_line_every_half_minute(said):
    lines = said(1.0, compiles=False)
    assert lines[0] == "Epoch 1/3: 1%, loss 1.5000"
    assert lines[2] == "Epoch 1/3: 33%, loss 1.5000"
    assert len(lines) == 5
    assert COST_STEPS < NUM_STEPS
