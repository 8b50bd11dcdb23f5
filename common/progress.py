"""Progress for people: messages of a logger, and one bar at a time.

Messages go to the logger `rnn_language` at level INFO. A program that uses our functions sees none of them, unless it
sets up logging; the commands call `show_progress`, which writes them, and the bars, on standard error.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from common.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")
SECONDS_BEFORE_BAR = 1.0
SECONDS_BETWEEN_LINES = 30.0


try:
    import resource
except ImportError:  # Windows does not have it
    resource = None  # type: ignore[assignment]

LOGGER = logging.getLogger("rnn_language")


class StandardError(logging.Handler):
    """Print each message as a line on standard error, which keeps standard output for answers."""

    def emit(self, record: logging.LogRecord) -> None:
        print(printable(record.getMessage(), sys.stderr.encoding), file=sys.stderr, flush=True)


def show_progress() -> None:
    """Show messages and bars on standard error from now on, as commands do."""
    if not any(isinstance(handler, StandardError) for handler in LOGGER.handlers):
        LOGGER.addHandler(StandardError())
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


_quiet: ContextVar[bool] = ContextVar("_quiet", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing, and draw no bars, within a block, in this thread."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def draws_bars() -> bool:
    """Whether somebody sees bars: on a terminal, in a command."""
    return LOGGER.isEnabledFor(logging.INFO) and sys.stderr.isatty() and not _quiet.get()


@contextmanager
def only_from(logger: logging.Logger) -> Iterator[None]:
    """Let only the messages of a child of our logger through: a program that runs another speaks for both."""
    levels = logger.level, LOGGER.level
    logger.setLevel(logger.getEffectiveLevel())
    LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for each, level in zip((logger, LOGGER), levels, strict=True):
            each.setLevel(level)


def say(message: str) -> None:
    """Log a message for the user."""
    if not _quiet.get():
        LOGGER.info("%s", message)


def peak_memory_gb() -> float:
    """Largest memory of this process so far, in GB; 0 where the system does not tell."""
    return 0.0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def progress(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Pass `items` on while showing how many have gone by, if it takes longer than a second.

    On a terminal it is a bar that vanishes when done; without one (a log file, a pipe) a message every 30 seconds.
    """
    last = time.monotonic()
    bar = DelayedBar(description, total)
    try:
        for count, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            bar.update(count)
            if not draws_bars() and now - last > SECONDS_BETWEEN_LINES:
                say(f"{description}: {count:,}" + (f" of {total:,}" if total else ""))
                last = now
    finally:
        bar.stop()


@contextmanager
def working(description: str) -> Iterator[None]:
    """Tell what a step does that nobody can count, if it takes longer than a second: a line, or on a terminal a bar."""
    line = None if draws_bars() else threading.Timer(SECONDS_BEFORE_BAR, say, [f"{description} …"])
    if line:
        line.daemon = True
        line.start()
    bar = DelayedBar(description, None)
    try:
        yield
    finally:
        bar.stop()
        if line:
            line.cancel()


class DelayedBar:
    """A bar on a terminal, which appears after a second, though its first step may take longer, and vanishes.

    Args:
        description: stands before it.
        total: steps; None: not known.
    """

    def __init__(self, description: str, total: int | None) -> None:
        self.bar: Progress | None = None
        self.closed, self.lock = False, threading.Lock()
        self.description, self.total = description, total
        self.timer = threading.Timer(SECONDS_BEFORE_BAR, self._start) if draws_bars() else None
        if self.timer:
            self.timer.daemon = True
            self.timer.start()

    def _start(self) -> None:
        with self.lock:
            if not self.closed:
                self.bar = _start_bar(self.description, self.total)

    def update(self, count: int, description: str | None = None) -> None:
        """Show how many steps are done, and perhaps another description."""
        with self.lock:
            if self.bar is not None:
                self.bar.update(self.bar.task_ids[0], completed=count, description=description)

    def stop(self) -> None:
        """Take the bar off the screen, or let it never appear."""
        with self.lock:
            self.closed = True
            if self.timer:
                self.timer.cancel()
            if self.bar is not None:
                self.bar.stop()


def _start_bar(description: str, total: int | None) -> Progress:
    from rich import console, progress  # 0.1 s to import: only where a bar is drawn

    bar = progress.Progress(console=console.Console(stderr=True), transient=True)
    bar.add_task(description, total=total)
    bar.start()
    return bar
