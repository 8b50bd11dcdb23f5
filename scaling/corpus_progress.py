"""Progress of a corpus, whoever works on it: the parts that are there are counted in the output itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from common.errors import InputError
from common.progress import SECONDS_BETWEEN_LINES, DelayedBar, draws_bars, say
from scaling.answering import ABOUT
from scaling.shards import Shard
from scaling.stores import Folder, Remote

SECONDS_BETWEEN_LOOKS = {Folder: 2.0, Remote: 15.0}  # a store may count every look


class Progress:
    """Counts the parts of a run, and their rows.

    Args:
        store: the output.
        shards: of the whole corpus.
        missing: those that this run answers.
    """

    def __init__(self, store: Folder | Remote, shards: Sequence[Shard], missing: Sequence[Shard]) -> None:
        self.store, self.num_shards = store, len(shards)
        self.missing = {shard.label: shard for shard in missing}
        self.work = sum(shard.weight for shard in missing)
        self.start = time.monotonic()
        self.num_rows = 0

    def look(self) -> None:
        """Count what is there by now."""
        for name in self.store.sizes():
            label = name.partition(".")[0]
            if label in self.missing:
                about = json.loads(self.store.read(f"{ABOUT}/{label}.json"))
                self.num_rows += about["sums"]["rows"]
                del self.missing[label]

    @property
    def num_done(self) -> int:
        """Parts that are there."""
        return self.num_shards - len(self.missing)

    def line(self) -> str:
        """How far the run is, its rate, and the time left."""
        seconds = max(time.monotonic() - self.start, 1e-3)
        rest = sum(shard.weight for shard in self.missing.values())
        shown = f"{self.num_done:,} of {self.num_shards:,} parts"
        if self.num_rows and self.work > rest:
            left = seconds * rest / (self.work - rest)
            shown += f", {self.num_rows / seconds:,.0f} rows/s, {duration(left)} left"
        return shown


def duration(seconds: float) -> str:
    """A time that people can take in.

    >>> duration(42), duration(600), duration(10_000)
    ('42 s', '10 min', '2 h 47 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def shown_progress(store: Folder | Remote, shards: Sequence[Shard], missing: Sequence[Shard]) -> Iterator[None]:
    """Show progress while the block runs: a bar on a terminal, else a line every half a minute."""
    progress, ended = Progress(store, shards, missing), threading.Event()
    bar = DelayedBar("corpus", len(shards))

    def watch() -> None:
        last = time.monotonic()
        while not ended.wait(SECONDS_BETWEEN_LOOKS[type(store)]):
            try:
                progress.look()
            except (InputError, OSError, ValueError):  # the store is not reached at the moment
                continue
            bar.update(progress.num_done, progress.line())
            if not draws_bars() and time.monotonic() - last > SECONDS_BETWEEN_LINES:
                say(progress.line())
                last = time.monotonic()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        bar.stop()
