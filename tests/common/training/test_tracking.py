"""Experiment tracking: what a tracker is told, and what is refused; MLflow and TensorBoard where they are."""

from __future__ import annotations

import sys
import types

import pytest

from common.errors import InputError
from common.training.tracking import track

SETTINGS = {"dropout": 0.5, "head": "regression"}


class Tracker:
    def __init__(self, *given):
        self.given, self.told = given, []

    def __call__(self, epoch, scores):
        self.told.append((epoch, scores))

    def close(self, finished):
        self.told.append(finished)


@pytest.fixture
def made(monkeypatch):
    made = []
    module = types.ModuleType("common.training.tracking.to_mlflow")
    module.open_tracker = lambda *given: made.append(Tracker(*given)) or made[-1]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


def test_a_run_is_tracked_to_its_end(made, tmp_path):
    with track("mlflow", "sqlite:///a.db", tmp_path / "mine", "sentiment", SETTINGS) as on_epoch:
        assert on_epoch(1, {"r2": 0.5}) is None
    assert made[0].given == ("sqlite:///a.db", "sentiment", "mine", SETTINGS)
    assert made[0].told == [(1, {"r2": 0.5}), True]


def test_a_run_that_fails_is_closed_as_one(made, tmp_path):
    with pytest.raises(KeyboardInterrupt), track("mlflow", "sqlite:///a.db", tmp_path / "mine", "sentiment", {}):
        raise KeyboardInterrupt
    assert made[0].told == [False]


def test_what_is_missing_is_one_line(tmp_path, monkeypatch):
    with track(None, None, tmp_path, "sentiment", {}) as on_epoch:
        assert on_epoch is None
    with pytest.raises(InputError, match="--track-to: what writes there"), track(None, "x", tmp_path, "sentiment", {}):
        pass
    with (
        pytest.raises(InputError, match=r"--track mlflow: where to\?"),
        track("mlflow", None, tmp_path, "sentiment", {}),
    ):
        pass
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with (
        pytest.raises(InputError, match=r"needs the package tensorboard.*rnn-language\[track-tensorboard\]"),
        track("tensorboard", str(tmp_path), tmp_path, "sentiment", {}),
    ):
        pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The ``noload``")  # of MLflow's own code
def test_mlflow_has_settings_and_scores(tmp_path):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    place = f"sqlite:///{tmp_path}/runs.db"
    with track("mlflow", place, tmp_path / "mine", "sentiment", SETTINGS) as on_epoch:
        for epoch in (1, 2):
            on_epoch(epoch, {"r2": 0.1 * epoch})
    client = MlflowClient(place)
    experiment = client.get_experiment_by_name("sentiment")
    [run] = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status, run.data.params["dropout"]) == ("mine", "FINISHED", "0.5")
    assert [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, "r2")] == [
        (1, 0.1),
        (2, 0.2),
    ]
    with (
        pytest.raises(InputError, match=r"no URI; a file of a database is sqlite:///runs\.db"),
        track("mlflow", "runs.db", tmp_path / "mine", "sentiment", {}),
    ):
        pass


@pytest.mark.slow
def test_tensorboard_has_settings_and_scores(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with track("tensorboard", str(tmp_path / "board"), tmp_path / "mine", "sentiment", SETTINGS) as on_epoch:
        for epoch in (1, 2):
            on_epoch(epoch, {"r2": 0.1 * epoch})
    events = EventAccumulator(str(tmp_path / "board" / "sentiment" / "mine")).Reload()
    assert [(each.step, pytest.approx(each.value)) for each in events.Scalars("r2")] == [(1, 0.1), (2, 0.2)]
    assert b"dropout" in events.Tensors("settings")[0].tensor_proto.string_val[0]
