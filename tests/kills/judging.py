"""What stands in a folder: exactly, to see that nothing has changed; and what of it two equal runs have in common."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py

# Beside a target NAME: what a killed run may leave there, and the next run that succeeds removes.
LEFTOVERS = (".{name}.unfinished", "{name}.checkpoint")

Content = Mapping[str, Any]


def leftover_paths(target: Path, folder: Path, leftovers: Collection[str] = LEFTOVERS) -> list[Path]:
    """What a killed run may leave beside a target, or beside a folder that it is in, down from `folder`."""
    found = []
    for path in (target, *target.parents):
        if path == folder:
            return found
        if path.parent.is_dir():
            names = [pattern.format(name=path.name) for pattern in leftovers]
            found += [each for each in path.parent.iterdir() if any(fnmatchcase(each.name, name) for name in names)]
    return found


def snapshot(path: Path, without: Collection[Path] = ()) -> dict[str, str]:
    """All that stands at a path and below it, by its name: kind, mode, and a hash of the content."""
    found: dict[str, str] = {}
    pending = [path]
    while pending:
        current = pending.pop()
        if current in without:
            continue
        status = current.lstat()
        kind = f"{stat.filemode(status.st_mode)}"
        if stat.S_ISDIR(status.st_mode):
            pending += current.iterdir()
        elif stat.S_ISLNK(status.st_mode):
            kind += f" to {os.readlink(current)}"  # noqa: PTH115  as it is written there
        elif stat.S_ISREG(status.st_mode):
            kind += f" {hashlib.sha256(current.read_bytes()).hexdigest()}"
        found[current.relative_to(path).as_posix()] = kind
    return found


def differences(before: Content, after: Content) -> list[str]:
    """Name what was lost, added or changed, as `lost NAME`."""
    found = [f"lost {name}" for name in before if name not in after]
    found += [f"added {name}" for name in after if name not in before]
    return found + [f"changed {name}" for name in before if name in after and before[name] != after[name]]


# -- What equal runs have in common: all but durations, and the order in which files are stored ----------------------


def file_content(path: Path) -> Content:
    """A file; of a `.gz`, what was compressed, since its head has the time in it."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return {"rows": content.count(b"\n"), "content": hashlib.sha256(content).hexdigest()}


def folder_content(path: Path) -> Content:
    """The files of a folder."""
    files = (file for file in path.rglob("*") if not file.is_dir())
    return {file.relative_to(path).as_posix(): _plain(file) for file in files}


def saved_model_content(path: Path) -> Content:
    """Names and assets of a SavedModel; TensorFlow numbers the functions in it anew each time."""
    content = folder_content(path)
    return {name: value if name.startswith("assets") else "" for name, value in content.items()}


def bundle_content(path: Path) -> Content:
    """A bundle, without how long its training took, and the number of that run."""
    return {name: FILES.get(name, _plain)(path / name) for name in folder_content(path)}


def _plain(path: Path) -> Any:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _manifest(path: Path) -> Any:
    content = json.loads(path.read_text(encoding="utf-8"))
    return {**content, "seconds": None, "run": None, "files": sorted(content["files"])}


def _card(path: Path) -> Any:
    return re.sub(r"in \d+\.\d minutes", "in some minutes", path.read_text(encoding="utf-8"))


def _history(path: Path) -> Any:
    with open(path, newline="", encoding="utf-8") as file:
        return [{**row, "seconds": None} for row in csv.DictReader(file)]


def _weights(path: Path) -> Any:
    found = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = (item.shape, str(item.dtype), hashlib.sha256(item[()].tobytes()).hexdigest())

    with h5py.File(path) as file:
        file.visititems(take)
    return found


FILES: dict[str, Callable[[Path], Any]] = {
    "manifest.json": _manifest,
    "README.md": _card,
    "history.csv": _history,
    "model.weights.h5": _weights,
}
