"""Change a bundle as somebody would who means harm: the manifest is right again afterwards."""

from __future__ import annotations

import json
import shutil

from common.bundles.file_names import MANIFEST_FILE
from common.text.readers import sha256_of
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "format_1"


def copy_fixture(task, folder):
    """A small bundle of the first format, to spoil."""
    return shutil.copytree(FIXTURES / task, folder / task)


def sign(bundle, name):
    """Put the size and the hash of a file into the manifest."""
    manifest = json.loads((bundle / MANIFEST_FILE).read_text())
    manifest["files"][name] = {"size": (bundle / name).stat().st_size, "sha256": sha256_of(bundle / name)}
    (bundle / MANIFEST_FILE).write_text(json.dumps(manifest))


def write(bundle, name, content):
    """Write a file of a bundle, and sign it."""
    (bundle / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    if name != MANIFEST_FILE:
        sign(bundle, name)


def rewrite(bundle, name, change):
    """Change the content of a JSON file; `change` may return another."""
    content = json.loads((bundle / name).read_text(encoding="utf-8"))
    changed = change(content)
    write(bundle, name, content if changed is None else changed)


def put(value, *keys):
    """A change of JSON content: a value under some keys, one inside the other."""

    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change
