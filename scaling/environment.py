"""What the engines share: the variables that workers find, and the first line of what went wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from common.parallel import limit_threads

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = limit_threads(1)  # of a worker


def for_workers() -> dict[str, str]:
    """What workers find that another program starts: one thread, and this project."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**ONE_THREAD, "PYTHONPATH": path}


@contextmanager
def changed_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables within a block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def reason(error: Exception) -> str:
    """The first line of an error of another program, which may have hundreds.

    >>> reason(ValueError("no such host\\n  at a.b.c"))
    'no such host'
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
