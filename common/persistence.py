"""A saved model is a folder, a *bundle*: JSON, HDF5 weights and readable text; nothing is pickled.

    model.json         the architecture, `to_json()` of the uncompiled model
    model.weights.h5   the weights, without optimizer state
    vocabulary.json …  token ids as readable text
    config.json        every setting of the run
    metrics.json       what was measured, on which file
    manifest.json      format, task, sha256 and size of every other file, versions, seed, training data, duration
    README.md          the model card

Loading distrusts the folder. The manifest is checked first (format, task, hashes), then the layer classes against
an allow-list and the declared sizes against the HDF5 shapes; only then is anything built. Hashes tell a damaged
bundle; the other two checks are what protects from a bundle that somebody made to do harm.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from common.architecture import Layer, read_architecture, read_weights
from common.errors import InputError, excerpt
from common.files import sha256_of
from common.keras_start import start_keras
from common.output import MANIFEST_FILE, recover, replace_folder, update_folder, write_json, write_text
from common.settings import Config, make_config, read_json_object

FORMAT_VERSION = 1
MAX_FILE_BYTES = 1 << 30
HDF5_OVERHEAD = 1 << 20  # bytes beside the weights themselves, amply
MODEL_FILE, WEIGHTS_FILE, CONFIG_FILE = "model.json", "model.weights.h5", "config.json"
METRICS_FILE, CARD_FILE = "metrics.json", "README.md"
REQUIRED_FILES = (MODEL_FILE, WEIGHTS_FILE, CONFIG_FILE, METRICS_FILE)


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose manifest and hashes have been checked."""

    path: Path
    manifest: dict[str, Any]

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The layers of the network, by name."""
        return read_architecture(self.path / MODEL_FILE, self.path / WEIGHTS_FILE).layers

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of the bundle's JSON files."""
        return read_json_object(self.path / name)

    def read_config(self, config_class: type[Config]) -> Config:
        """Read the settings the bundle was trained with."""
        return make_config(config_class, self.read_json(CONFIG_FILE), str(self.path / CONFIG_FILE))

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of the training run."""
        return {name: value for name, value in self.manifest.items() if name not in ("format_version", "files")}

    def read_layer(self, name: str) -> list[np.ndarray]:
        """Read the weights of one layer, in Keras' order.

        Raises:
            InputError: the network has no such layer.
        """
        if name not in self.layers:
            names = ", ".join(self.layers)
            raise InputError(f"{self.path / MODEL_FILE}: no layer {name!r}; the layers there are: {names}")
        with h5py.File(self.path / WEIGHTS_FILE, "r") as file:
            return read_weights(self.layers[name], file)


# -- Saving ---------------------------------------------------------------------------------------------------------


def write_manifest(folder: Path, facts: dict[str, Any], names: Iterable[str] | None = None) -> None:
    """Write the manifest of a folder whose other files are complete: all of them belong to the bundle, or `names`."""
    if names is None:
        names = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file()]
    files = {
        name: {"size": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)}
        for name in names
        if name != MANIFEST_FILE
    }
    write_json(folder / MANIFEST_FILE, {"format_version": FORMAT_VERSION, **facts, "files": files})


def save_weights(model: Any, path: Path) -> None:
    """Write a model's weights as HDF5, and the state of its optimizer, if it has one.

    HDF5 on a full disk takes the whole process down, so the room is claimed first: there a full disk is an OSError.
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else [])]
    num_bytes = sum(4 * math.prod(variable.shape) for variable in variables) + HDF5_OVERHEAD
    if hasattr(os, "posix_fallocate"):
        with tempfile.TemporaryFile(dir=path.parent) as file:
            os.posix_fallocate(file.fileno(), 0, num_bytes)
    model.save_weights(path)


def save_bundle(
    path: Path,
    model: Any,
    config: Any,
    metrics: dict[str, Any],
    facts: dict[str, Any],
    card: str,
    save_extras: Callable[[Path], None],
    overwrite: bool = False,
) -> None:
    """Save a trained model and all that answering with it needs, in one step.

    Args:
        path: the bundle's folder.
        model: an uncompiled Keras model.
        config: the task's settings.
        metrics: scores by split.
        facts: for the manifest; `task` at least.
        card: the model card, Markdown.
        save_extras: writes vocabularies and pictures into the folder it is given.
        overwrite: whether a bundle that is there may be replaced.
    """
    with replace_folder(path, overwrite) as folder:
        write_json(folder / MODEL_FILE, json.loads(model.to_json()), indent=1)
        save_weights(model, folder / WEIGHTS_FILE)
        write_json(folder / CONFIG_FILE, asdict(config))
        write_json(folder / METRICS_FILE, metrics)
        write_text(folder / CARD_FILE, card)
        save_extras(folder)
        write_manifest(folder, facts)
        open_bundle(folder, facts["task"])  # what would not be read again is not saved


def update_bundle(bundle: Bundle, metrics: dict[str, Any], card: str) -> None:
    """Write new scores and the card that shows them into a bundle, in one step; what else is there stays as it is."""
    with update_folder(bundle.path) as folder:
        write_json(folder / METRICS_FILE, metrics)
        write_text(folder / CARD_FILE, card)
        write_manifest(folder, bundle.facts, dict.fromkeys([*bundle.manifest["files"], CARD_FILE]))


# -- Loading --------------------------------------------------------------------------------------------------------


def open_bundle(path: Path, task: str | None = None) -> Bundle:
    """Check a bundle: its manifest, task (any, if None) and hashes, then its layers and sizes; nothing is built yet.

    Raises:
        InputError: which check failed, and on which file.
    """
    recover(path)
    if not path.is_dir():
        raise InputError(f"{path}: no such bundle; train one, or give its folder with --model")
    if not (path / MANIFEST_FILE).is_file():
        raise InputError(f"{path}: not a bundle, {MANIFEST_FILE} is missing; give a folder that train has written")
    manifest = read_json_object(path / MANIFEST_FILE)
    version, found_task, files = (manifest.get(key) for key in ("format_version", "task", "files"))
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path / MANIFEST_FILE}: format version {excerpt(str(version))}, this program reads {FORMAT_VERSION}; "
            "update the program or train again"
        )
    if task is not None and found_task != task:
        raise InputError(f"{path}: a bundle for {excerpt(str(found_task))}, not for {task}; give one of this task")
    if not isinstance(files, dict) or any(name not in files for name in REQUIRED_FILES):
        raise InputError(f"{path / MANIFEST_FILE}: does not list the files of a bundle; copy the bundle again")
    for name, expected in files.items():
        _check_file(path, name, expected)
    bundle = Bundle(path, manifest)
    _ = bundle.layers  # read, and so checked
    return bundle


def _check_file(folder: Path, name: str, expected: Any) -> None:
    file = folder / name
    if ".." in Path(name).parts or Path(name).is_absolute() or file.is_symlink():
        raise InputError(f"{folder / MANIFEST_FILE}: lists {excerpt(name)}, outside the bundle; do not use this bundle")
    if not file.is_file():
        raise InputError(f"{file}: missing, the manifest lists it; copy the bundle again")
    size = file.stat().st_size
    if not isinstance(expected, dict) or size != expected.get("size") or size > MAX_FILE_BYTES:
        raise InputError(
            f"{file}: {size:,} bytes, not what the manifest says; the file was cut or changed, copy it again"
        )
    if sha256_of(file) != expected.get("sha256"):
        raise InputError(f"{file}: its sha256 is not the manifest's; the file was changed, copy the bundle again")


def load_model(bundle: Bundle) -> Any:
    """Build the Keras model of a checked bundle and load its weights.

    Raises:
        InputError: Keras does not accept it.
    """
    keras = start_keras()

    import common.lstm  # noqa: F401  registers our layers with Keras, those of common.layers too

    try:
        model = keras.models.model_from_json((bundle.path / MODEL_FILE).read_text(encoding="utf-8"))
        model.load_weights(bundle.path / WEIGHTS_FILE)
    except Exception as error:  # there is no telling how Keras fails on what somebody wrote
        reason = str(error).strip().splitlines()
        raise InputError(
            f"{bundle.path / MODEL_FILE}: Keras cannot build it ({reason[0] if reason else type(error).__name__})"
        ) from None
    return model
