"""Pretrained models by name: `imdb` is the bundle `pretrained_model/sentiment/imdb` of the project."""

from __future__ import annotations

import os
from pathlib import Path

from common.errors import InputError
from common.output import recover

FOLDER = Path(__file__).resolve().parents[2] / "pretrained_model"


def pretrained_names(task: str) -> list[str]:
    """The names of a task's pretrained models."""
    return sorted(folder.name for folder in (FOLDER / task).glob("*/") if folder.is_dir())


def pretrained_folder(task: str, name: str) -> Path:
    """Where the bundle of a pretrained model lies."""
    return FOLDER / task / name


def find_bundle(task: str, model: str | os.PathLike[str]) -> Path:
    """The folder of a bundle that is given as a folder or by the name of a pretrained model.

    A folder that exists comes first: `./imdb` and `imdb` are the same.

    Raises:
        InputError: there is neither.
    """
    path = Path(model)
    recover(path)
    if path.exists() or path.parent != Path():
        return path
    if path.name in pretrained_names(task):
        return pretrained_folder(task, path.name)
    names = ", ".join(pretrained_names(task)) or "none"
    raise InputError(f"{model}: no such folder, and no pretrained model of that name; those there are: {names}")
