"""Mutations of a manifest and of the kinds of files that it lists: links, FIFOs, sockets, paths outside."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.base_bundles import MANIFEST, entry
from tests.fuzz.change_json import MARK, odd_value, write
from tests.fuzz.outside import Canaries

DECORATION = ("README.md", "history.csv", "learning_curve.png")  # no answer needs them
NO_FILE = "a file of the bundle is no regular file in it"


def _read(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))


def change_facts(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """A fact that the manifest lacks, or that is odd: `evaluate --save` reads them all."""
    manifest = _read(bundle)
    raw = "null"
    if rng.random() < 0.4:
        key = rng.choice(sorted(manifest))
        del manifest[key]
        done, needed = f"without {key!r}", key in ("format_version", "task", "files")
    else:
        parts = [manifest, *(manifest[key] for key in ("train", "versions", "tokenizer", "machine"))]
        container = rng.choice(parts)
        key = rng.choice(sorted(container))
        raw, name = odd_value(rng)
        container[key] = MARK
        done, needed = f"{key!r} is {name}", key in ("task", "files")
    write(bundle / MANIFEST, manifest, raw)
    return done, "the manifest says too little" if needed else ""


def change_entries(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """The list of files: too short, too long, with wrong sizes, hashes and types."""
    manifest = _read(bundle)
    files = manifest["files"]
    name = rng.choice(sorted(files))
    raw, odd_name = odd_value(rng)
    way = rng.choice(("not listed", "size", "hash", "entry", "extra", "size and hash", "file gone"))
    wrong = "the manifest is wrong about a file"
    if way == "not listed":
        del files[name]
        wrong = "" if name in DECORATION else wrong
    elif way == "size":
        files[name]["size"] = rng.choice((0, -1, files[name]["size"] + 1, 1e999, str(files[name]["size"]), None))
    elif way == "hash":
        files[name]["sha256"] = rng.choice(("", "0" * 64, None, 0, [], files[name]["sha256"][:-1]))
    elif way == "entry":
        files[name] = rng.choice((None, [], "", 0, {}, {"size": files[name]["size"]}))
    elif way == "size and hash":
        files[name] = {"size": MARK, "sha256": MARK}
    elif way == "file gone":
        (bundle / name).unlink()
    else:
        files["extra.txt"] = MARK
        way = f"extra entry {odd_name}"
    write(bundle / MANIFEST, manifest, raw)
    return f"{name}: {way}", wrong


def list_outside_paths(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Entries that name a file outside, rightly described, or no file at all."""
    manifest = _read(bundle)
    right = entry(outside.words)
    (bundle / "folder").symlink_to(outside.words.parent)
    names = (
        str(outside.words), f"../outside/{outside.words.name}", f"folder/{outside.words.name}", "folder/../../x",
        f"./../outside/{outside.words.name}", "", ".", "..", "/", "a\0b", "\ud800", "x" * 5000, "folder", "folder/fifo",
        "\x1b[31mred", MANIFEST, "README.md/", "./README.md", "sub//x", "con\nerror: forged line", "~", "*",
    )  # fmt: skip
    name = rng.choice(names)
    manifest["files"][name] = right
    if not name.startswith("folder"):
        (bundle / "folder").unlink()
    write(bundle / MANIFEST, manifest)
    return f"lists {name[:50]!r}", "" if name in ("./README.md", "README.md/") else "the manifest lists a file outside"


def put_no_file(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """A link, FIFO, socket or folder in the place of a file, with or without an entry in the manifest."""
    manifest = _read(bundle)
    name = rng.choice(sorted([*manifest["files"], MANIFEST, "vocabulary.json", "model.weights.h5"]))
    file = bundle / name
    kept = file.read_bytes()
    file.unlink()
    links = ("link outside", "link to the same bytes", "link in a circle", "link to nothing", "link to FIFO")
    way = rng.choice((*links, "FIFO", "socket", "folder"))
    same = outside.words.parent / "same"
    if way == "link outside":
        file.symlink_to(outside.hdf5 if name.endswith(".h5") else outside.words)
    elif way == "link to the same bytes":
        same.write_bytes(kept)
        file.symlink_to(same)
    elif way == "link in a circle":
        file.symlink_to(name)
    elif way == "link to nothing":
        file.symlink_to("nowhere")
    elif way == "FIFO":
        os.mkfifo(file)
    elif way == "link to FIFO":
        file.symlink_to(outside.fifo)
    elif way == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(bundle)
            listener.bind(name)
    else:
        file.mkdir()
    done = f"{way} for {name}"
    if name != MANIFEST and rng.random() < 0.5:
        target = file if way.startswith("link") and file.is_file() else None
        if rng.random() < 0.5:
            del manifest["files"][name]
            done += ", not listed"
        else:
            manifest["files"][name] = entry(target) if target else {"size": 0, "sha256": ""}
            done += ", listed as it is"
        write(bundle / MANIFEST, manifest)
    read = name not in DECORATION or name in manifest["files"]
    return done, NO_FILE if read else ""


def put_links_for_folders(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """The bundle's folder is a link, its files lie in another folder, or there are strangers among them."""
    ways = ("folder is a link", "a stranger", "a stranger folder", "a stranger FIFO", "an odd name", "no bundle")
    way = rng.choice(ways)
    if way == "folder is a link":
        moved = bundle.with_name("moved")
        bundle.rename(moved)
        bundle.symlink_to(moved)
    elif way == "a stranger":
        (bundle / "notes.txt").write_text("mine")
    elif way == "a stranger folder":
        (bundle / "report").mkdir()
        (bundle / "report" / "report.html").write_text("mine")
    elif way == "a stranger FIFO":
        os.mkfifo(bundle / "stranger")
    elif way == "an odd name":
        Path(os.fsdecode(os.fsencode(bundle) + b"/caf\xe9\x1b[31m\n")).write_text("mine")
    else:
        shutil.rmtree(bundle)
        rng.choice((lambda: os.mkfifo(bundle), lambda: bundle.write_text("x"), lambda: bundle.symlink_to("bundle")))()
    return way, "there is no bundle" if way == "no bundle" else ""
