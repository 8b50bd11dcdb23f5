"""A training run in MLflow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read at import: nothing is reported to anybody
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.utils.time import get_current_time_millis

from common.errors import InputError, printable
from common.progress import say

MAX_VALUE = 6000  # characters of a parameter


class MlflowTracker:
    """See `common.training.tracking.Tracker`."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.client, self.run_id = client, run_id
        self.lost = False

    def __call__(self, epoch: int, scores: dict[str, float]) -> None:
        now = get_current_time_millis()
        metrics = [Metric(name, value, now, epoch) for name, value in scores.items()]
        self._tell(self.client.log_batch, metrics=metrics)

    def close(self, finished: bool) -> None:
        """End the run."""
        status = RunStatus.to_string(RunStatus.FINISHED if finished else RunStatus.FAILED)
        self._tell(self.client.set_terminated, status=status)

    def _tell(self, call: Callable[..., Any], **told: Any) -> None:
        """Call the server; if it is lost, training goes on, and it is not called again: MLflow retries for minutes."""
        if self.lost:
            return
        try:
            call(self.run_id, **told)
        except MlflowException as error:
            self.lost = True
            say(f"MLflow: {printable(str(error), max_characters=150)}; the run goes on, and is tracked no more")


def open_tracker(place: str, task: str, name: str, settings: Mapping[str, Any]) -> MlflowTracker:
    """Begin a run in the experiment of a task, with its settings as parameters.

    Args:
        place: the tracking URI.
        task: the name of the experiment.
        name: of the run.
        settings: of the run.
    Raises:
        InputError: nothing answers at that URI.
    """
    if not urlsplit(place).scheme:
        raise InputError(f"--track-to {place}: no URI; a file of a database is sqlite:///{place}")
    try:
        client = MlflowClient(place)
        experiment = client.get_experiment_by_name(task)
        experiment_id = experiment.experiment_id if experiment else client.create_experiment(task)
        run_id = client.create_run(experiment_id, run_name=name).info.run_id
        params = [Param(key, str(value)[:MAX_VALUE]) for key, value in settings.items()]
        for start in range(0, len(params), 100):
            client.log_batch(run_id, params=params[start : start + 100])
    except (MlflowException, ModuleNotFoundError) as error:
        raise InputError(f"--track-to {place}: {printable(str(error), max_characters=150)}") from None
    return MlflowTracker(client, run_id)
