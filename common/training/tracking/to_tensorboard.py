"""A training run in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from common.evaluation.report import markdown_table
from common.files import check_writable


class TensorBoardTracker:
    """See `common.training.tracking.Tracker`."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.writer = EventFileWriter(str(folder))
        table = markdown_table([["setting", "value"], *([name, str(value)] for name, value in settings.items())])
        self._write(0, text_pb("settings", table))

    def __call__(self, epoch: int, scores: dict[str, float]) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in scores.items()]
        self._write(epoch, Summary(value=values))
        self.writer.flush()

    def _write(self, epoch: int, summary: Summary) -> None:
        self.writer.add_event(Event(step=epoch, summary=summary))

    def close(self, finished: bool) -> None:
        """Close the file."""
        self.writer.close()


def open_tracker(place: str, task: str, name: str, settings: Mapping[str, Any]) -> TensorBoardTracker:
    """Begin a run in a folder of TensorBoard's, as `TASK/NAME`.

    Args:
        place: the folder of all runs.
        task: the package.
        name: of the run.
        settings: of the run.
    """
    check_writable(Path(place), "--track-to")
    return TensorBoardTracker(Path(place) / task / name, settings)
