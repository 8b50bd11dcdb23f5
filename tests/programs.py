"""The function behind `python -m MODULE`: of the tasks it is in their module `cli`, elsewhere it is `main`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def command_of(module: str) -> Callable[..., Any]:
    """The command that a program module runs."""
    package, _, verb = module.rpartition(".")
    with suppress(ModuleNotFoundError):
        return getattr(importlib.import_module(f"{package}.cli"), verb)
    return importlib.import_module(module).main
