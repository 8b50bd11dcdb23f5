"""The bundles that are meant by names and folders, for the server and the page."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.bundles.bundle import TASKS, open_bundle
from common.bundles.pretrained import pretrained_folders
from common.errors import InputError, excerpt


@dataclass(frozen=True)
class Place:
    """A bundle to be loaded: its task, its name, and where it lies."""

    task: str
    name: str
    path: Path

    @property
    def id(self) -> str:
        """What clients call it."""
        return f"{self.task}/{self.name}"


def find_places(names: Sequence[str]) -> list[Place]:
    """Find the bundles that are meant by names and folders.

    Args:
        names: `reviews`: every pretrained model of that name; `sentiment/reviews`: one; or a folder. None: the default
            model of each task.
    Raises:
        InputError: there is none, or two would have one name.
    """
    places = [place for name in names for place in _meant(name)] if names else _defaults()
    ids = [place.id for place in places]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise InputError(f"--model: two models are called {twice}; rename the folder of one")
    return places


def _defaults() -> list[Place]:
    found = []
    for task in TASKS:
        name, folders = importlib.import_module(f"{task}.config").DEFAULT_NAME, pretrained_folders(task)
        found += [Place(task, name, folders[name])] if name in folders else []
    if not found:
        raise InputError("--model: no pretrained models are installed; give the folder of a bundle")
    return found


def _meant(name: str) -> list[Place]:
    task, _, short = name.rpartition("/")
    found = [
        Place(own, short, pretrained_folders(own)[short])
        for own in TASKS
        if task in ("", own) and short in pretrained_folders(own)
    ]
    path = Path(name)
    if path.is_dir() and not (found and task in TASKS):
        bundle = open_bundle(path)
        return [Place(bundle.manifest["task"], path.resolve().name, path)]
    if not found:
        there = ", ".join(f"{own}/{short}" for own in TASKS for short in pretrained_folders(own))
        raise InputError(f"--model: no folder and no pretrained model {excerpt(name)}; there are: {there or 'none'}")
    return found
