"""The name that a command was called by: what help and errors show. It imports next to nothing, for quick starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NAME: ContextVar[str | None] = ContextVar("_NAME", default=None)


@contextmanager
def shown_as(name: str) -> Iterator[None]:
    """Show commands in help and errors as `name`, instead of as `python -m …`."""
    token = _NAME.set(name)
    try:
        yield
    finally:
        _NAME.reset(token)


def called_name() -> str | None:
    """The name of `shown_as`, if the command was called by one."""
    return _NAME.get()
