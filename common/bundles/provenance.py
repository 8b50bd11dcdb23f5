"""Provenance of a model: data files by name and hash, versions, machine, seed and duration of a training run."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from common.bundles.file_names import MANIFEST_FILE
from common.parallel import num_cores
from common.settings import TrainingConfig
from common.text.binary_tables import is_saved_dataset
from common.text.data import Data, name_of, path_of
from common.text.readers import hash_of_read, sha256_of
from common.text.tokenization import load_pipeline, tokenizer_settings
from common.version import VERSION


def describe_data(data: Data) -> dict[str, str]:
    """Name and hash of data, or of a bundle's manifest; not the folder of a file, which is nobody else's business."""
    path = path_of(data)
    if path is None:
        return {"file": name_of(data), "sha256": _hash_rows(data)}
    if is_saved_dataset(path):
        return {"file": path.name, "sha256": _hash_folder(path)}
    sha256 = hash_of_read(path / MANIFEST_FILE if path.is_dir() else path)
    return {"file": path.name, "sha256": sha256 or "unknown"}  # of a pipe that was not read to its end


def _hash_folder(path: Path) -> str:
    """The sha256 of the names and contents of the files in a folder."""
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
    return digest.hexdigest()


def _hash_rows(data: Any) -> str:
    """The sha256 of a DataFrame or a list, row by row."""
    digest = hashlib.sha256()
    for row in data.itertuples(index=False, name=None) if hasattr(data, "columns") else data:
        digest.update(json.dumps(row, default=str).encode())
    return digest.hexdigest()


class FinishedRun(Protocol):
    """What a manifest tells of the course of a training run; see `common.training.fit.Progress`."""

    run: str
    epoch: int
    best_epoch: int
    seconds: float


def describe_run(
    task: str,
    title: str,
    inputs: Mapping[str, Any],
    about_data: str,
    config: TrainingConfig,
    state: FinishedRun,
) -> dict[str, Any]:
    """Collect what a manifest says of a training run.

    Args:
        task: the package.
        title: heading of the model card.
        inputs: the data and bundles that it read, by the name of their option; None or an empty tuple is left out.
        about_data: source and licence of the data.
        config: the settings.
        state: how training ended.
    """
    given = {name: value for name, value in inputs.items() if value is not None}
    return {
        "task": task,
        "title": title,
        "about_data": about_data,
        "validation": None,
        **{name: _describe(value) for name, value in given.items() if not (isinstance(value, tuple) and not value)},
        "run": state.run,
        "seed": config.seed,
        "num_epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "seconds": round(state.seconds),
        "versions": describe_versions(),
        "tokenizer": tokenizer_settings(load_pipeline(config.language)),
        "machine": describe_machine(),
    }


def _describe(value: Any) -> Any:
    """Data by name and hash; several bundles one by one."""
    return [describe_data(item) for item in value] if isinstance(value, tuple) else describe_data(value)


def describe_versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages that a result can depend on."""
    packages = ("tensorflow", "keras", "spacy", "numpy", "h5py", "scikit-learn")
    ours = {"rnn-language": VERSION, "python": platform.python_version()}
    return ours | {name: version(name) for name in packages}


def describe_machine() -> dict[str, Any]:
    """What a timing depends on; nothing that names the machine or its user."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": num_cores(),
    }
