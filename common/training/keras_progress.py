"""The progress of an epoch: one bar on a terminal, and the cost of the run said once, early."""

from __future__ import annotations

import time

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from common.progress import SECONDS_BETWEEN_LINES, draws_bars, peak_memory_gb, say
from common.text.batching import EpochBatches

COST_STEPS = 25  # steps of the first epoch after which its cost is known well enough to say


class EpochBar(keras.callbacks.Callback):
    """Show how far an epoch is; after `COST_STEPS` steps of the first, say what the run will cost.

    The longest batch comes first, so that the memory measured by then is the memory the run needs.

    Args:
        title: stands before the bar.
        batches: of the epoch; their lengths turn steps into a share of the work.
        say_cost: whether this is the first epoch.
        num_epochs: epochs of the whole run.
    """

    def __init__(self, title: str, batches: EpochBatches, say_cost: bool, num_epochs: int) -> None:
        super().__init__()
        self.title, self.say_cost, self.num_epochs = title, say_cost, num_epochs
        self.sizes = batches.sizes
        self.bar: Progress | None = None

    def on_train_begin(self, logs=None):
        if draws_bars():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[loss]}"),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task(self.title, total=sum(self.sizes), loss="")
            self.bar.start()
        self.spoke = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if batch == 1:  # the first two steps trace and compile
            self.measured_from = now
        if self.say_cost and batch == min(COST_STEPS, len(self.sizes) - 1) and batch > 1:
            seconds = (now - self.measured_from) / sum(self.sizes[2 : batch + 1]) * sum(self.sizes)
            say(
                f"Cost: about {_duration(seconds)} an epoch, {_duration(seconds * self.num_epochs)} for "
                f"{self.num_epochs}, {peak_memory_gb():.1f} GB of memory"
            )
        if self.bar is not None:
            self.bar.update(self.task, advance=self.sizes[batch], loss=f"loss {logs['loss']:.4f}")
        elif now - self.spoke > SECONDS_BETWEEN_LINES:
            say(f"{self.title}: {sum(self.sizes[: batch + 1]) / sum(self.sizes):.0%}, loss {logs['loss']:.4f}")
            self.spoke = now

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _duration(seconds: float) -> str:
    """Say seconds as a person would.

    >>> _duration(0.42), _duration(42), _duration(200)
    ('0.4 s', '42 s', '3.3 min')
    """
    if seconds >= 100:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
