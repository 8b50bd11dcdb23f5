"""Progress for people: one bar at a time on a terminal, plain lines elsewhere, all on standard error."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 30.0


def say(message: str) -> None:
    """Print a line for the user on standard error, which keeps standard output for answers."""
    print(message, file=sys.stderr, flush=True)


def peak_memory_gb() -> float:
    """Largest memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def progress(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Pass `items` on while showing how many have gone by.

    On a terminal it is a bar that vanishes when done; without one (a log file, a pipe) a line every 30 seconds.
    """
    if sys.stderr.isatty():
        # rich takes 0.1 s to import: only where a bar is drawn
        from rich.console import Console
        from rich.progress import track

        yield from track(items, description, total, console=Console(stderr=True), transient=True)
        return
    last = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            say(f"{description}: {count:,}" + (f" of {total:,}" if total else ""))
            last = time.monotonic()
