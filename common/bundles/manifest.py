"""Manifest of a bundle, and the files that it lists: nothing else of the folder is read, and each file once.

A file is looked at before it is opened. It must be a regular file inside the folder, on no way that leads through a
link: a FIFO would never end, a device may do anything, and a link reads what was never part of the bundle. What was
read is hashed and kept, so that whoever needs it later has the very bytes that were checked.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from common.bundles.file_names import CONFIG_FILE, MANIFEST_FILE, METRICS_FILE, MODEL_FILE, WEIGHTS_FILE
from common.errors import InputError, excerpt
from common.json_files import MAX_BYTES as MAX_JSON_BYTES
from common.json_files import read_json
from common.text.vocabulary import MAX_BYTES as MAX_VOCABULARY_BYTES

FORMATS = (1, 2)  # that are read; from 2 on matrices may be in half precision
FORMAT_VERSION = FORMATS[-1]  # that is written
MAX_FILE_BYTES = 1 << 28  # ten times the largest file of ours
MAX_FILES = 100
REQUIRED_FILES = (MODEL_FILE, WEIGHTS_FILE, CONFIG_FILE, METRICS_FILE)
SHORT_FILES = (MODEL_FILE, CONFIG_FILE, METRICS_FILE, MANIFEST_FILE)
# What a run may have read beside its training data.
DATA_FILES = ("validation", "groups", "word_vectors_from", "initialize_from", "unlabelled")


def read_manifest(folder: Path, task: str | None) -> dict[str, Any]:
    """Read the manifest of a bundle.

    Raises:
        InputError: the folder is no bundle, or one of another format or task, or the manifest lists no files.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such bundle; train one, or give its folder with --model")
    if not os.path.lexists(folder / MANIFEST_FILE):
        raise InputError(f"{folder}: not a bundle, {MANIFEST_FILE} is missing; give a folder that train has written")
    file = folder / MANIFEST_FILE
    content = read_regular(folder, MANIFEST_FILE, MAX_JSON_BYTES)
    manifest = read_json(content, str(file), MAX_JSON_BYTES)
    if not isinstance(manifest, dict):
        raise InputError(f"{file}: holds no object {{…}}; copy the bundle again")
    check_format(manifest, file)
    check_task(manifest, task, folder)
    check_list(manifest, file)
    return manifest


def check_format(manifest: Mapping[str, Any], file: Path) -> None:
    """Refuse a format that this program does not read."""
    version = manifest.get("format_version")
    if version not in FORMATS or isinstance(version, bool | float):
        raise InputError(
            f"{file}: format version {excerpt(str(version))}, this program reads {FORMATS[0]} to {FORMATS[-1]}; "
            "update the program or train again"
        )


def check_task(manifest: Mapping[str, Any], task: str | None, folder: Path) -> None:
    """Refuse a bundle of another task."""
    found = manifest.get("task")
    if task is not None and found != task:
        raise InputError(f"{folder}: a bundle for {excerpt(str(found))}, not for {task}; give one of this task")


def check_list(manifest: Mapping[str, Any], file: Path) -> None:
    """Refuse a manifest without the files that every bundle has, or with more than any has."""
    files = manifest.get("files")
    if not isinstance(files, dict) or any(name not in files for name in REQUIRED_FILES) or MANIFEST_FILE in files:
        raise InputError(f"{file}: does not list the files of a bundle; copy the bundle again")
    if len(files) > MAX_FILES:
        raise InputError(f"{file}: lists {len(files):,} files, a bundle has a dozen; do not use this bundle")


def read_files(folder: Path, files: Mapping[str, Any]) -> dict[str, bytes | bytearray]:
    """Check every file that a manifest lists; those that answering needs, JSON and weights, are kept in memory.

    Raises:
        InputError: a file is missing, outside of the folder, not a regular file, or not the one that was listed.
    """
    kept: dict[str, bytes | bytearray] = {}
    for name, expected in files.items():
        check_name(folder, name)
        check_regular(folder, name)
        if _base(name) != WEIGHTS_FILE and not name.endswith(".json"):
            check_hash(folder / name, _hash_regular(folder, name, expected), expected)
            continue
        content = read_regular(folder, name, _limit(name), expected)
        check_hash(folder / name, hashlib.sha256(content).hexdigest(), expected)
        kept[name] = content
    return kept


def _limit(name: str) -> int:
    if _base(name) == WEIGHTS_FILE:
        return MAX_FILE_BYTES
    return MAX_JSON_BYTES if _base(name) in SHORT_FILES else MAX_VOCABULARY_BYTES


def _base(name: str) -> str:
    """The name of a file without the folder of the part that it belongs to."""
    return name.rpartition("/")[2]


def check_name(folder: Path, name: str) -> None:
    """Refuse a name that leads out of the folder, or that is none."""
    if not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise InputError(f"{folder / MANIFEST_FILE}: lists {excerpt(name)}, outside the bundle; do not use this bundle")


def check_regular(folder: Path, name: str) -> None:
    """Refuse what is no regular file, before it is opened; and folders on the way to it that are links."""
    place = folder
    parts = name.split("/")
    for number, part in enumerate(parts, 1):
        place = place / part
        try:
            mode = place.lstat().st_mode
        except OSError:
            raise InputError(f"{folder / name}: missing, the manifest lists it; copy the bundle again") from None
        if stat.S_ISLNK(mode):
            raise InputError(f"{place}: a link, it may lead outside the bundle; put the file itself there")
        if not (stat.S_ISREG(mode) if number == len(parts) else stat.S_ISDIR(mode)):
            raise InputError(f"{place}: not a regular file; copy the bundle again")


UNLISTED = object()  # stands for an entry of the manifest where there is none


def read_regular(folder: Path, name: str, max_bytes: int, expected: object = UNLISTED) -> bytearray:
    """Read a regular file, of the size that the manifest gives."""
    check_regular(folder, name)
    with _open_regular(folder / name) as file:
        size = os.fstat(file.fileno()).st_size
        check_size(folder / name, size, max_bytes, {"size": size} if expected is UNLISTED else expected)
        content = bytearray(size)
        del content[file.readinto(content) :]  # less, if somebody has just cut it; the hash tells
        return content


def _hash_regular(folder: Path, name: str, expected: object) -> str:
    with _open_regular(folder / name) as file:
        check_size(folder / name, os.fstat(file.fileno()).st_size, MAX_FILE_BYTES, expected)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_regular(file: Path) -> BufferedReader:
    """Open a file without following a link and without waiting, should it have changed since it was looked at."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return open(os.open(file, flags), "rb")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); copy the bundle again") from None


def check_size(file: Path, size: int, max_bytes: int, expected: object) -> None:
    """Refuse a file that is not as long as the manifest says, or longer than its kind may be."""
    listed = expected.get("size") if isinstance(expected, dict) else None
    if size != listed or isinstance(listed, bool | float):
        raise InputError(
            f"{file}: {size:,} bytes, not what the manifest says; the file was cut or changed, copy it again"
        )
    if size > max_bytes:
        raise InputError(f"{file}: {size:,} bytes, at most {max_bytes:,} are read; do not use this bundle")


def check_hash(file: Path, sha256: str, expected: object) -> None:
    """Refuse a file whose bytes are others than when the manifest was written."""
    if not isinstance(expected, dict) or sha256 != expected.get("sha256"):
        raise InputError(f"{file}: its sha256 is not the manifest's; the file was changed, copy the bundle again")


# -- What the model card shows --------------------------------------------------------------------------------------

NUMBER, OPTIONAL = (int, float), type(None)
FACTS: dict[str, tuple[type, ...]] = {
    "title": (str,), "about_data": (str, OPTIONAL), "train": (dict,), "seed": (int,), "num_epochs": (int,),
    "best_epoch": (int, OPTIONAL), "seconds": NUMBER, "versions": (dict,), "tokenizer": (dict,), "machine": (dict,),
}  # fmt: skip
HALF_PRECISION: dict[str, tuple[type, ...]] = {"num_answers": (int,), "change": NUMBER, "unit": (str,)}
SCORES_WITHOUT_NUMBERS: dict[str, type] = {
    "baselines": dict, "data": dict, "command": str, "weaknesses": list, "verdict": str,
}  # fmt: skip


def check_facts(manifest: Mapping[str, Any], file: Path) -> None:
    """Check what a manifest says of the training run: `evaluate --save` writes it into the model card at the end.

    Raises:
        InputError: a fact is missing, or of another type.
    """
    for name, kinds in FACTS.items():
        if name not in manifest:
            raise InputError(f"{file}: says nothing of {name}; copy the bundle again")
        _require(file, name, manifest[name], *kinds)
    _require(file, "made_by", manifest.get("made_by"), str, OPTIONAL)
    _require(file, "cores", manifest["machine"].get("cores"), int)
    _require(file, "accelerator", manifest["machine"].get("accelerator"), str, OPTIONAL)
    _require(file, "train sha256", manifest["train"].get("sha256"), str)
    for name, version in [*manifest["versions"].items(), *manifest["tokenizer"].items()]:
        _require(file, name, version, str)
    _require(file, "teachers", manifest.get("teachers", []), list)
    _require(file, "half_precision", manifest.get("half_precision", {}), dict)
    for name, kinds in HALF_PRECISION.items() if manifest.get("half_precision") else ():
        _require(file, name, manifest["half_precision"].get(name), *kinds)
    others = [manifest[name] for name in DATA_FILES if manifest.get(name) is not None]
    for entry in [manifest["train"], *others, *manifest.get("teachers", [])]:
        _require(file, "a data file", entry, dict)
        _require(file, "the name of a data file", entry.get("file"), str)


def check_metrics(metrics: Mapping[str, Any], file: Path) -> None:
    """Check the scores of a bundle, of each split or each baseline: the model card shows them, too.

    Raises:
        InputError: a score or its interval is of another type.
    """
    for split, scores in metrics.items():
        _require(file, split, scores, dict, OPTIONAL)
        for name, value in (scores or {}).items():
            if name in SCORES_WITHOUT_NUMBERS:
                _require(file, name, value, SCORES_WITHOUT_NUMBERS[name])
            elif name.endswith("_interval"):
                for bound in value if isinstance(value, list) and len(value) == 2 else ["no interval"]:
                    _require(file, name, bound, *NUMBER, OPTIONAL)
            elif isinstance(value, dict):  # the scores of a part of the split
                check_metrics({name: value}, file)
            else:
                _require(file, name, value, *NUMBER, bool, OPTIONAL)
        if scores and "data" in scores:
            _require(file, "the name of a data file", scores["data"].get("file"), str)
        check_metrics((scores or {}).get("baselines", {}), file)


def _require(file: Path, name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise InputError(f"{file}: {excerpt(name)} is {excerpt(str(value))}; copy the bundle again")
