"""Progress of an epoch: what the run will cost, said once, and a line every half minute where nobody sees a bar."""

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

    def said(seconds, say_cost=True):
        clock = [START]
        monkeypatch.setattr(keras_progress.time, "monotonic", lambda: clock[0])
        bar = EpochBar("Epoch 1/3", SimpleNamespace(sizes=[SIZE] * NUM_STEPS), say_cost=say_cost, num_epochs=3)
        bar.on_train_begin()
        for step in range(NUM_STEPS):
            clock[0] += seconds if step > 1 else 20 * seconds
            bar.on_train_batch_end(step, {"loss": 1.5})
        bar.on_train_end()
        return capsys.readouterr().err.splitlines()

    return said


def test_the_cost_is_said_once_without_the_time_of_compilation(said):
    [cost] = said(0.05)
    assert cost.startswith("Cost: about 5.0 s an epoch, 15 s for 3, ")
    assert said(0.05, say_cost=False) == []


def test_long_times_are_minutes(said):
    assert said(0.98)[1].startswith("Cost: about 98 s an epoch, 4.9 min for 3, ")
    assert said(1.0)[1].startswith("Cost: about 1.7 min an epoch, 5.0 min for 3, ")


def test_a_log_gets_a_line_every_half_minute(said):
    lines = said(1.0, say_cost=False)
    assert lines[0] == "Epoch 1/3: 2%, loss 1.5000"
    assert lines[1] == "Epoch 1/3: 33%, loss 1.5000"
    assert len(lines) == 4
    assert COST_STEPS < NUM_STEPS
