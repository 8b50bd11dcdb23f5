"""Provenance of a model: data files by name and hash, versions, machine, seed and duration of a training run."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from common.bundles.file_names import MANIFEST_FILE
from common.bundles.manifest import DATA_FILES
from common.parallel import num_cores
from common.settings import TrainingConfig
from common.text.readers import hash_of_read
from common.text.tokenization import load_pipeline, tokenizer_settings


def describe_file(path: Path) -> dict[str, str]:
    """Name and hash of a data file, or of a bundle's manifest; not its folder, which is nobody else's business."""
    file = path / MANIFEST_FILE if path.is_dir() else path
    sha256 = hash_of_read(file)
    return {"file": path.name, **({"sha256": sha256} if sha256 else {})}


class FinishedRun(Protocol):
    """What a manifest tells of the course of a training run; see `common.training.fit.Progress`."""

    run: str
    epoch: int
    best_epoch: int
    seconds: float


def describe_run(
    task: str, title: str, arguments: argparse.Namespace, config: TrainingConfig, state: FinishedRun
) -> dict[str, Any]:
    """Collect what a manifest says of a training run.

    Args:
        task: the package.
        title: heading of the model card.
        arguments: of the `train` command.
        config: the settings.
        state: how training ended.
    """
    teachers = getattr(arguments, "teachers", [])
    return {
        "task": task,
        "title": title,
        "about_data": arguments.about_data,
        "train": describe_file(arguments.train),
        "validation": describe_file(arguments.validation) if arguments.validation else None,
        **{option: describe_file(path) for option in DATA_FILES[1:] if (path := getattr(arguments, option, None))},
        **({"teachers": [describe_file(path) for path in teachers]} if teachers else {}),
        "run": state.run,
        "seed": config.seed,
        "num_epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "seconds": round(state.seconds),
        "versions": describe_versions(),
        "tokenizer": tokenizer_settings(load_pipeline()),
        "machine": describe_machine(),
    }


def describe_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result can depend on."""
    packages = ("tensorflow", "keras", "spacy", "numpy", "h5py", "scikit-learn")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def describe_machine() -> dict[str, Any]:
    """What a timing depends on; nothing that names the machine or its user."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": num_cores(),
    }
