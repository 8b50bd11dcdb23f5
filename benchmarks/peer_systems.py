"""What the two halves of `benchmarks.peers` share: is a peer installed, how much room does it take, how fast is it."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.timing import make_turn, summarize, take_turns
from common.progress import say

SECONDS = 0.5  # of a turn, about
EXTRA = "-r requirements-bench.txt"
Figures = list[dict[str, Any]]


def installed(title: str, *modules: str, package: str = EXTRA) -> Any:
    """The first of some modules that is installed; None, and a line that says how to install it, if none is.

    Args:
        title: name of the peer.
        modules: any one of them will do.
        package: what `pip install` is given.
    """
    for module in modules:
        try:
            return import_module(module)
        except ModuleNotFoundError:
            continue
    say(f"{title} is not installed and is left out; for it: pip install {package}")
    return None


def size_of(thing: Any) -> int:
    """Bytes on disk: of a module its package with the lexicon or model in it, of a folder its files, else pickled."""
    if hasattr(thing, "__file__"):
        thing = Path(thing.__file__).parent
    if not isinstance(thing, Path):
        return len(pickle.dumps(thing))
    files = (file for file in thing.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return sum(file.stat().st_size for file in files)


def measure_speed(
    data: str, unit: str, count: int, calls: Mapping[str, Callable[[], Any]], arguments: argparse.Namespace
) -> Figures:
    """Let all systems answer the same rows in turn; a figure for each.

    Args:
        data: name of the rows.
        unit: what is counted, "words" say.
        count: how many of them one call answers.
        calls: of each system, by its name.
        arguments: `repeats` is the number of turns.
    """
    turns = {system: make_turn(call, SECONDS) for system, call in calls.items()}
    summaries = {system: summarize(times) for system, times in take_turns(turns, arguments.repeats).items()}
    return [
        {
            "data": data,
            "unit": unit,
            "system": system,
            "per_second": round(1000 * count / times["median_ms"], 1),
            **times,
        }
        for system, times in summaries.items()
    ]
