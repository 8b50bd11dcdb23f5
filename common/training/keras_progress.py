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
    """Show how far an epoch is; in the first of a run, say what the rest will cost after `COST_STEPS` steps.

    The first two steps compile the network, for two lengths, which may take longer than the epoch. The longest batch
    comes first, so that the memory measured by then is the memory the run needs.

    Args:
        title: stands before the bar.
        batches: of the epoch; their lengths turn steps into a share of the work.
        compiles: whether this is the first epoch of the process.
        epochs_left: this one and those after it.
    """

    def __init__(self, title: str, batches: EpochBatches, compiles: bool, epochs_left: int) -> None:
        super().__init__()
        self.title, self.compiles, self.epochs_left = title, compiles, epochs_left
        self.sizes = batches.sizes
        self.bar: Progress | None = None
        self.seconds_to_compile = 0.0

    def on_train_begin(self, logs=None):
        self.began = time.monotonic()
        if self.compiles:
            say("Compiling the network: the first epoch takes longer")
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
            self.seconds_to_compile = now - self.began if self.compiles else 0.0
        if self.compiles and batch == min(COST_STEPS, len(self.sizes) - 1) and batch > 1:
            rate = (now - self.measured_from) / sum(self.sizes[2 : batch + 1])
            epoch, rest = rate * sum(self.sizes), rate * sum(self.sizes[batch + 1 :])
            say(
                f"Cost: {duration(self.seconds_to_compile)} to compile, then about {duration(epoch)} an epoch; "
                f"at most {duration(rest + epoch * (self.epochs_left - 1))} left, {peak_memory_gb():.1f} GB of memory"
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


def duration(seconds: float) -> str:
    """Say seconds as a person would.

    >>> duration(0.42), duration(42), duration(200)
    ('0.4 s', '42 s', '3.3 min')
    """
    if seconds >= 100:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
