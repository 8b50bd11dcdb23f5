"""Pretrained models by name: `ewt` is the bundle `pos_tagging/ewt` of the first of these places that has it.

RNN_LANGUAGE_MODELS    an environment variable: folders of your own, separated as in PATH
pretrained_model/      of the checkout that this file is in
rnn_language_models    what the data packages `rnn-language-models-TASK` install
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from common.bundles.file_names import MANIFEST_FILE
from common.errors import InputError
from common.output import recover

VARIABLE = "RNN_LANGUAGE_MODELS"
FOLDER = Path(__file__).resolve().parents[2] / "pretrained_model"
PACKAGE = "rnn_language_models"


def model_folders() -> list[Path]:
    """The folders that hold pretrained models, each task in a folder of its own; the first comes first."""
    own = [Path(folder) for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]
    installed = importlib.util.find_spec(PACKAGE)
    locations = installed.submodule_search_locations if installed else None
    return [*own, FOLDER, *map(Path, locations or ())]


def pretrained_folders(task: str) -> dict[str, Path]:
    """The bundles of a task's pretrained models, by name."""
    found: dict[str, Path] = {}
    for folder in model_folders():
        for manifest in (folder / task).glob(f"*/{MANIFEST_FILE}"):
            found.setdefault(manifest.parent.name, manifest.parent)
    return dict(sorted(found.items()))


def pretrained_names(task: str) -> list[str]:
    """The names of a task's pretrained models."""
    return list(pretrained_folders(task))


def pretrained_folder(task: str, name: str) -> Path:
    """Where the bundle of a pretrained model lies.

    Raises:
        InputError: it is not installed.
    """
    folders = pretrained_folders(task)
    if name not in folders:
        names = ", ".join(folders) if folders else f"none{how_to_install(task)}"
        raise InputError(f"{name}: no pretrained model of that name; those there are: {names}")
    return folders[name]


def how_to_install(task: str) -> str:
    """What to do where a task has no pretrained model."""
    return f"; install them with pip install ./pretrained_model/{task}, or say with {VARIABLE} where they are"


def find_bundle(task: str, model: str | os.PathLike[str]) -> Path:
    """The folder of a bundle that is given as a folder or by the name of a pretrained model.

    A folder that exists comes first: `./ewt` and `ewt` are the same.

    Raises:
        InputError: there is neither.
    """
    path = Path(model)
    recover(path)
    if path.exists() or path.parent != Path():
        return path
    try:
        return pretrained_folder(task, path.name)
    except InputError as error:
        raise InputError(f"{path.name}: no such folder, and{str(error).removeprefix(path.name + ':')}") from None
