"""A bundle in memory: its files by name, as bytes, for a pickle, a spaCy pipeline or a message.

There is no code in it. Whoever unpacks it goes through the gate of `common.bundles.bundle.open_bundle`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import MANIFEST_FILE
from common.bundles.manifest import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_JSON_BYTES,
    check_hash,
    check_name,
    read_regular,
)
from common.errors import InputError, as_written

PackedBundle = Mapping[str, bytes]


def pack_bundle(bundle: Bundle) -> dict[str, bytes]:
    """All files of a bundle that lies in a folder; those that were checked when it was opened are not read again.

    Raises:
        InputError: another file has changed since.
    """
    packed = {MANIFEST_FILE: bytes(read_regular(bundle.path, MANIFEST_FILE, MAX_JSON_BYTES))}
    for name, expected in bundle.manifest["files"].items():
        content = bundle.contents.get(name)
        if content is None:  # the card, pictures
            content = read_regular(bundle.path, name, MAX_FILE_BYTES, expected)
            check_hash(bundle.path / name, hashlib.sha256(content).hexdigest(), expected)
        packed[name] = bytes(content)
    return packed


def unpack_bundle(packed: PackedBundle, task: str) -> Bundle:
    """Open a packed bundle, checked as one in a folder is.

    Raises:
        InputError: which check failed.
    """
    with tempfile.TemporaryDirectory(prefix="rnn-language-") as folder:
        write_packed(packed, Path(folder))
        return open_bundle(Path(folder), task)


def write_packed(packed: PackedBundle, folder: Path) -> None:
    """Write the files of a packed bundle into a new folder.

    Raises:
        InputError: it is no packed bundle, or a file would lie outside of the folder.
    """
    if not isinstance(packed, Mapping) or len(packed) > MAX_FILES + 1:
        raise InputError(f"found {as_written(packed)}, wanted the files of a bundle")
    for name, content in packed.items():
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise InputError(f"found {as_written(name)} in a packed bundle, wanted the content of a file by its name")
        check_name(folder, name)
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
