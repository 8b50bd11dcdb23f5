"""Experiment tracking: what a tracker is told, and what is refused; MLflow and TensorBoard where they are."""

from __future__ import annotations

import importlib
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


# -- What is told, where neither package need be there --------------------------------------------------------------


class Known(types.ModuleType):
    """A module that has whatever is imported from it."""

    __path__ = ()

    def __getattr__(self, name):
        return lambda *given, **named: (name, *given, *named.items())


@pytest.fixture
def stand_in(monkeypatch):
    """Import a tracker on modules that only remember what they are given."""

    def stand_in(tracker, modules, **classes):
        for name in modules:
            module = Known(name)
            for key, value in classes.items():
                setattr(module, key, value)
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.delitem(sys.modules, f"common.training.tracking.{tracker}", raising=False)
        found = importlib.import_module(f"common.training.tracking.{tracker}")
        monkeypatch.setitem(sys.modules, found.__name__, found)
        return found

    return stand_in


class Refused(Exception):
    """What MLflow raises."""


class Client:
    """What MLflow's client is asked for."""

    experiments = ("sentiment",)

    def __init__(self, place):
        if place == "sqlite:///bad":
            raise Refused("no\nway " + "x" * 200)
        self.place, self.calls = place, []

    def get_experiment_by_name(self, name):
        return types.SimpleNamespace(experiment_id=f"old {name}") if name in self.experiments else None

    def create_experiment(self, name):
        return f"new {name}"

    def create_run(self, experiment, run_name):
        self.calls.append((experiment, run_name))
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=7))

    def log_batch(self, run, metrics=(), params=()):
        self.calls.append((run, list(metrics), list(params)))

    def set_terminated(self, run, status):
        self.calls.append((run, status))


class Status:
    FINISHED, FAILED = "finished", "failed"
    to_string = str.upper


def test_what_mlflow_is_told(stand_in):
    modules = ("mlflow", "mlflow.entities", "mlflow.exceptions", "mlflow.utils", "mlflow.utils.time")
    module = stand_in("to_mlflow", modules, MlflowClient=Client, RunStatus=Status, MlflowException=Refused,
                      get_current_time_millis=lambda: 99)  # fmt: skip
    tracker = module.open_tracker("sqlite:///a.db", "sentiment", "mine", {"dropout": 0.5, "long": "y" * 6001})
    tracker(3, {"r2": 0.5})
    tracker.close(True)
    tracker.close(False)
    assert tracker.client.calls == [
        ("old sentiment", "mine"),
        (7, [], [("Param", "dropout", "0.5"), ("Param", "long", "y" * 6000)]),
        (7, [("Metric", "r2", 0.5, 99, 3)], []),
        (7, "FINISHED"),
        (7, "FAILED"),
    ]
    many = module.open_tracker("sqlite:///a.db", "tags", "mine", {str(n): n for n in range(201)}).client.calls
    assert many[0] == ("new tags", "mine")
    assert [len(params) for _, _, params in many[1:]] == [100, 100, 1]
    with pytest.raises(InputError, match=r"--track-to runs.db: no URI; a file of a database is sqlite:///runs.db"):
        module.open_tracker("runs.db", "sentiment", "mine", {})
    with pytest.raises(InputError, match=r"^--track-to sqlite:///bad: no way x+\.\.\.x+$") as error:
        module.open_tracker("sqlite:///bad", "sentiment", "mine", {})
    assert len(str(error.value)) == len("--track-to sqlite:///bad: ") + 150


class LostClient(Client):
    """A server that has gone after the run began."""

    def log_batch(self, run, metrics=(), params=()):
        super().log_batch(run, metrics, params)
        if metrics:
            raise Refused("max retries\nexceeded")

    set_terminated = log_batch


def test_a_server_that_is_lost_does_not_end_the_run(stand_in, capsys):
    modules = ("mlflow", "mlflow.entities", "mlflow.exceptions", "mlflow.utils", "mlflow.utils.time")
    module = stand_in("to_mlflow", modules, MlflowClient=LostClient, RunStatus=Status, MlflowException=Refused,
                      get_current_time_millis=lambda: 99)  # fmt: skip
    tracker = module.open_tracker("sqlite:///a.db", "sentiment", "mine", {"dropout": 0.5})
    for epoch in (1, 2):
        assert tracker(epoch, {"r2": 0.5}) is None
    tracker.close(True)
    assert len(tracker.client.calls) == 3  # the start, its settings, and one epoch: no more is tried
    said = "MLflow: max retries exceeded; the run goes on, and is tracked no more"
    assert capsys.readouterr().err.count(said) == 1


class Writer:
    """What TensorBoard's writer is asked for."""

    def __init__(self, folder):
        self.told = [folder]

    def add_event(self, event):
        self.told.append(event)

    def flush(self):
        self.told.append("flush")

    def close(self):
        self.told.append("close")


class Summary:
    Value = dict

    def __new__(cls, value):
        return value


def test_what_tensorboard_is_told(stand_in, tmp_path):
    modules = [
        "tensorboard", "tensorboard.compat", "tensorboard.compat.proto", "tensorboard.compat.proto.event_pb2",
        "tensorboard.compat.proto.summary_pb2", "tensorboard.plugins", "tensorboard.plugins.text",
        "tensorboard.plugins.text.summary_v2", "tensorboard.summary", "tensorboard.summary.writer",
        "tensorboard.summary.writer.event_file_writer",
    ]  # fmt: skip
    module = stand_in("to_tensorboard", modules, EventFileWriter=Writer, Summary=Summary)
    tracker = module.open_tracker(str(tmp_path / "board"), "sentiment", "mine", {"dropout": 0.5})
    tracker(3, {"r2": 0.5})
    tracker.close(True)
    table = "| setting | value |\n| --- | --- |\n| dropout | 0.5 |"
    assert tracker.writer.told == [
        str(tmp_path / "board" / "sentiment" / "mine"),
        ("Event", ("step", 0), ("summary", ("text_pb", "settings", table))),
        ("Event", ("step", 3), ("summary", [{"tag": "r2", "simple_value": 0.5}])),
        "flush",
        "close",
    ]
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written .*; choose another --track-to"):
        module.open_tracker(str(tmp_path / "file" / "board"), "sentiment", "mine", {})


# -- The packages themselves ----------------------------------------------------------------------------------------


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
