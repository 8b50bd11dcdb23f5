"""Experiment tracking: the settings and scores of a training run, epoch by epoch, in MLflow or TensorBoard.

Both are extras, imported when they are asked for; a run without them needs neither. They see a run through `on_epoch`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from common.errors import InputError

if TYPE_CHECKING:
    from common.training.fit import OnEpoch

TRACKERS = ("mlflow", "tensorboard")


class Tracker(Protocol):
    """What writes down a run. It is made from a place, the run's task and name, and its settings."""

    def __call__(self, epoch: int, scores: dict[str, float]) -> None:
        """Write down the scores of an epoch."""

    def close(self, finished: bool) -> None:
        """End the run: it has finished, or was stopped."""


@contextmanager
def track(
    kind: str | None, place: str | None, output_dir: Path, task: str, settings: Mapping[str, Any]
) -> Iterator[OnEpoch | None]:
    """Track a training run.

    Args:
        kind: "mlflow", "tensorboard", or None for no tracking.
        place: of MLflow its tracking URI, such as `sqlite:///runs/mlflow.db`; of TensorBoard a folder.
        output_dir: of the run, which has its name from it.
        task: the package, MLflow's experiment.
        settings: of the run.
    Yields:
        What `train` takes as `on_epoch`.
    Raises:
        InputError: the package is missing, or the place is.
    """
    if kind is None:
        if place:
            raise InputError("--track-to: what writes there? add --track mlflow or --track tensorboard")
        yield None
        return
    tracker = _open(kind, place, output_dir, task, settings)
    finished = False
    try:
        yield tracker
        finished = True
    finally:
        tracker.close(finished)


def _open(kind: str, place: str | None, output_dir: Path, task: str, settings: Mapping[str, Any]) -> Tracker:
    if place is None:
        example = {"mlflow": "sqlite:///mlflow.db", "tensorboard": "runs/tensorboard"}[kind]
        raise InputError(f"--track {kind}: where to? add --track-to {example}, say")
    try:
        module = importlib.import_module(f"common.training.tracking.to_{kind}")
    except ModuleNotFoundError as error:
        raise InputError(
            f"--track {kind}: needs the package {error.name}; pip install 'rnn-language[track-{kind}]'"
        ) from None
    return module.open_tracker(place, task, output_dir.name, settings)
