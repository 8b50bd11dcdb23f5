"""The pretrained models that are there: what each is for, its size, and its scores on the test file, from its card.

rnn-language models
rnn-language models sentiment --json
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.bundles.bundle import TASKS
from common.bundles.file_names import CONFIG_FILE, METRICS_FILE
from common.bundles.manifest import read_manifest
from common.bundles.pretrained import how_to_install, pretrained_folders
from common.cli.flags import make_parser
from common.errors import InputError, show
from common.evaluation.metrics import format_score
from common.json_files import read_json_object

PURPOSES = {
    ("sentiment", "reviews"): "ratings of reviews of all kinds from 1 to 10",
    ("pos_tagging", "ewt"): "17 universal tags, English of many kinds",
    ("pos_tagging", "brown"): "12 tags, edited prose",
    ("language_model", "stories"): "scoring and writing stories",
    ("language_model", "reviews"): "scoring reviews; fine-tuning",
    ("language_model", "shakespeare"): "text by characters",
}
SCORES = {
    "sentiment": ("r2", "binary_accuracy"),
    "pos_tagging": ("accuracy",),
    "language_model": ("perplexity", "bits_per_character"),
}


def describe(task: str, name: str, folder: Path) -> dict[str, Any]:
    """What is known of a pretrained model.

    Raises:
        InputError: its manifest or its scores cannot be read.
    """
    manifest = read_manifest(folder, task)
    test = read_json_object(folder / METRICS_FILE).get("test") or {}
    sizes = [entry.get("size", 0) for entry in manifest["files"].values() if isinstance(entry, dict)]
    return {
        "task": task,
        "name": name,
        "default": name == default_name(task),
        "for": purpose(task, name, str(manifest.get("title", ""))),
        "language": str(read_json_object(folder / CONFIG_FILE).get("language", "en")),
        "megabytes": round(sum(sizes) / 1e6, 1),
        "scores": {score: test[score] for score in SCORES[task] if isinstance(test.get(score), int | float)},
        "path": str(folder),
    }


def purpose(task: str, name: str, otherwise: str = "") -> str:
    """What a pretrained model is for."""
    return PURPOSES.get((task, name), otherwise)


def default_name(task: str) -> str:
    """The model that a task takes where none is named."""
    return importlib.import_module(f"{task}.config").DEFAULT_NAME


def list_models(tasks: Sequence[str] = TASKS) -> list[dict[str, Any]]:
    """Describe the pretrained models of some tasks; see `describe`.

    Raises:
        InputError: there are none.
    """
    found = [describe(task, name, path) for task in tasks for name, path in pretrained_folders(task).items()]
    if not found:
        raise InputError(f"no pretrained models are there{how_to_install(tasks[0])}")
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """`rnn-language models`"""
    parser = make_parser("rnn_language models", "List the pretrained models.")
    parser.add_argument("task", nargs="?", type=task_name, metavar="TASK", help=f"only those of {', '.join(TASKS)}")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args(argv)
    models = list_models([arguments.task] if arguments.task else TASKS)
    if arguments.json:
        print(json.dumps({"models": models}))
        return
    rows = [[*_row(model)] for model in models]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def task_name(text: str) -> str:
    """Read the name of a task."""
    task = text.replace("-", "_")
    if task not in TASKS:
        raise argparse.ArgumentTypeError(f"found {text!r}, wanted one of {', '.join(TASKS)}")
    return task


def _row(model: dict[str, Any]) -> list[str]:
    """The cells of a model, for people."""
    scores = ", ".join(f"{name} {format_score(name, model['scores'])}" for name in model["scores"])
    name = f"{model['task']}/{model['name']}{' (default)' if model['default'] else ''}"
    return [name, f"{model['megabytes']:5.1f} MB", model["for"], scores or "not scored"]
