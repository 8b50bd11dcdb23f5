"""Bundle: a saved model as a folder of JSON, HDF5 weights and readable text; nothing is pickled.

    model.json         the architecture, `to_json()` of the uncompiled model
    model.weights.h5   the weights, without optimizer state; matrices in half precision where that loses nothing
    vocabulary.json …  token ids as readable text
    config.json        every setting of the run
    metrics.json       what was measured, on which file
    manifest.json      format, task, sha256 and size of every other file, versions, seed, training data, duration
    README.md          the model card

Loading distrusts the folder: `open_bundle` is the one gate before both engines and `export`. In this order it checks

    the manifest    format, task, files, facts of the run                               `common.bundles.manifest`
    each file       regular, inside the folder, its size and hash; read once            `common.bundles.manifest`
    the network     classes, settings, calls, shapes, the weights' storage and numbers  `common.bundles.gate`
    the agreement   settings, vocabularies and tags with the network                    `TASK.agreement`

and only then is anything built. Hashes tell a damaged bundle; the rest is what protects from a bundle that somebody
made to do harm, or put together from parts of others.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from common.bundles.architecture import Architecture, Layer
from common.bundles.file_names import (
    CARD_FILE,
    CONFIG_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    MODEL_FILE,
    WEIGHTS_FILE,
)
from common.bundles.gate import parse_architecture
from common.bundles.manifest import (
    FORMAT_VERSION,
    MAX_FILE_BYTES,
    check_facts,
    check_metrics,
    read_files,
    read_manifest,
    read_regular,
)
from common.bundles.weights_file import bind_parts, check_binding, store_halves
from common.errors import InputError, excerpt
from common.json_files import read_json, write_json, write_text
from common.output import recover, replace_folder, update_folder
from common.settings import Config, TrainingConfig, make_config
from common.text.readers import sha256_of
from common.text.vocabulary import Vocabulary

HDF5_OVERHEAD = 1 << 20  # bytes beside the weights themselves, amply
TASKS = ("sentiment", "pos_tagging", "language_model")  # each has a module `agreement`


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files have been checked: whoever needs one of them gets the bytes that were, from memory.

    `contents` holds its JSON files and its weights by name; what the manifest does not list is not there.
    """

    path: Path
    manifest: dict[str, Any]
    contents: Mapping[str, bytes | bytearray] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def architecture(self) -> Architecture:
        """The network, checked, with its weights."""
        return parse_architecture(
            self.read_bytes(MODEL_FILE),
            self.read_bytes(WEIGHTS_FILE),
            str(self.path / MODEL_FILE),
            str(self.path / WEIGHTS_FILE),
        )

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers of the network, by name."""
        return self.architecture.layers

    def read_bytes(self, name: str) -> bytes | bytearray:
        """The content of one of the bundle's JSON files, or of its weights.

        Raises:
            InputError: the manifest does not list it.
        """
        if name not in self.contents:
            raise InputError(f"{self.path / name}: missing, {MANIFEST_FILE} does not list it; copy the bundle again")
        return self.contents[name]

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of the bundle's JSON files that hold an object."""
        value = read_json(self.read_bytes(name), str(self.path / name))
        if not isinstance(value, dict):
            raise InputError(f"{self.path / name}: holds no object {{…}}; copy the bundle again")
        return value

    def read_vocabulary(self, name: str, num_ids: int | None = None) -> Vocabulary:
        """Read a vocabulary, once.

        Args:
            name: of the file.
            num_ids: how many ids it must have; None: any number.
        Raises:
            InputError: there is none, or it is of another size.
        """
        if name not in self._vocabularies:
            source = str(self.path / name)
            self._vocabularies[name] = Vocabulary.parse(self.read_bytes(name), source, num_ids)
        return self._vocabularies[name]

    @cached_property
    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {}

    def read_config(self, config_class: type[Config], **otherwise: object) -> Config:
        """Read the settings the bundle was trained with; `otherwise` are those of a bundle that does not have them."""
        values = config_class.upgrade({**otherwise, **self.read_json(CONFIG_FILE)})
        return make_config(config_class, values, str(self.path / CONFIG_FILE))

    def part(self, folder: str) -> Bundle | None:
        """Another network in a folder of this bundle, with its settings and vocabularies; None if there is none."""
        own = {name: content for name, content in self.contents.items() if name.startswith(f"{folder}/")}
        contents = {name.removeprefix(f"{folder}/"): content for name, content in own.items()}
        return Bundle(self.path / folder, {}, contents) if contents else None

    def check_network(self) -> None:
        """Check the network, and that settings and vocabularies belong to its weights.

        Raises:
            InputError: which check failed, and on which file.
        """
        _ = self.architecture  # read, and so checked
        parts = {file.name: self.contents[file.name] for file in _parts(_own_names(self.contents))}
        check_binding(self.read_bytes(WEIGHTS_FILE), parts, str(self.path / WEIGHTS_FILE))

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
        return self.layers[name].values()


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


class KerasModel(Protocol):
    """What saving needs of a Keras model."""

    @property
    def variables(self) -> Sequence[Any]:
        """Its weights, and what else it keeps."""

    def to_json(self) -> str:
        """Its architecture."""

    def save_weights(self, filepath: Path) -> None:
        """Write the weights as HDF5."""


def save_weights(model: KerasModel, path: Path) -> None:
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


def save_network(folder: Path, model: KerasModel, config: TrainingConfig, save_extras: Callable[[Path], None]) -> None:
    """Write a network into a folder that is there: of a bundle, or of a part of one.

    Args:
        folder: the place.
        model: an uncompiled Keras model.
        config: its settings.
        save_extras: writes vocabularies and pictures into the folder it is given.
    """
    write_json(folder / MODEL_FILE, json.loads(model.to_json()), indent=1)
    save_weights(model, folder / WEIGHTS_FILE)
    store_halves(folder / WEIGHTS_FILE)
    write_json(folder / CONFIG_FILE, asdict(config))
    save_extras(folder)
    bind_parts(folder / WEIGHTS_FILE, {file.name: file.read_bytes() for file in _parts(folder.glob("*.json"))})


def save_bundle(
    path: Path,
    model: KerasModel,
    config: TrainingConfig,
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
        write_json(folder / METRICS_FILE, metrics)
        write_text(folder / CARD_FILE, card)
        save_network(folder, model, config, save_extras)
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
    """Check a bundle, see above; nothing is built yet.

    Args:
        path: its folder.
        task: the one it must be for; None: any of `TASKS`.
    Raises:
        InputError: which check failed, and on which file.
    """
    recover(path)
    manifest = read_manifest(path, task)
    if task is None and manifest.get("task") not in TASKS:
        raise InputError(f"{path}: a bundle for {excerpt(str(manifest.get('task')))}; the tasks are {', '.join(TASKS)}")
    bundle = Bundle(path, manifest, read_files(path, manifest["files"]))
    check_metrics(bundle.read_json(METRICS_FILE), path / METRICS_FILE)
    bundle.check_network()
    if manifest["task"] in TASKS:
        check_facts(manifest, path / MANIFEST_FILE)
        check_agreement(bundle)
    return bundle


def check_agreement(bundle: Bundle) -> None:
    """Hold the settings, vocabularies and tags of a bundle against its network; its task knows how."""
    importlib.import_module(f"{bundle.manifest['task']}.agreement").check_agreement(bundle)


def _parts(files: Iterable[Path]) -> list[Path]:
    """The files that belong to the weights and to no others: the architecture, the settings, the vocabularies."""
    return [file for file in files if file.suffix == ".json" and file.name not in (MANIFEST_FILE, METRICS_FILE)]


def _own_names(names: Iterable[str]) -> list[Path]:
    """The files of a network itself, without those of its parts, which lie in folders."""
    return [Path(name) for name in names if "/" not in name]


def open_network(folder: Path) -> Bundle:
    """Open the two files of a network that this program has just written, without manifest and all that it lists."""
    names = (MODEL_FILE, WEIGHTS_FILE)
    return Bundle(folder, {}, {name: read_regular(folder, name, MAX_FILE_BYTES) for name in names})
