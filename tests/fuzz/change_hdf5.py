"""Mutations of the structure of a weights file, with a new hash: what HDF5 can do beside holding arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.fuzz.base_bundles import rehash
from tests.fuzz.outside import NUM_VALUES, Canaries

WEIGHTS = "model.weights.h5"
READS_OUTSIDE = "weights lie outside the file"


def datasets(file: h5py.File) -> list[str]:
    """The names of all arrays."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def change(bundle: Path, rng: Random, how: Callable[[h5py.File, str, np.ndarray], tuple[str, str]]) -> tuple[str, str]:
    """Change one array of a bundle's weights; `how` gets the file, the array's name and its old content."""
    with h5py.File(bundle / WEIGHTS, "r+") as file:
        name = rng.choice([name for name in datasets(file) if file[name].size])
        done, wrong = how(file, name, file[name][()])
    rehash(bundle)
    return f"{name}: {done}", wrong


def put_weights_outside(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """External storage, a virtual data set, an external link: to a file outside, to one not there, to a FIFO."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        way = rng.choice(("external storage", "virtual", "external link", "external group", "two external files"))
        if way in ("external link", "external group", "virtual"):
            target = rng.choice((outside.hdf5, outside.hdf5, outside.fifo, Path("missing.h5"), Path(WEIGHTS)))
        else:
            target = rng.choice((outside.numbers, outside.numbers, outside.fifo, outside.socket, Path("README.md")))
        parent = name.rsplit("/", 1)[0]
        if way == "external group":
            del file[parent]
            file[parent] = h5py.ExternalLink(target, "layers/embedding/vars")
            return f"{way} to {target.name}", READS_OUTSIDE
        del file[name]
        if way == "external link":
            file[name] = h5py.ExternalLink(target, "values")
        elif way == "virtual":
            layout = h5py.VirtualLayout(old.shape, old.dtype)
            # A file without a directory is a name beside the file that is read.
            source = h5py.VirtualSource(target, "values", (NUM_VALUES,), old.dtype)
            if old.ndim == 1:
                layout[:] = source[: old.shape[0]]
            else:
                layout[0, ...] = source[: int(np.prod(old.shape[1:]))]
            file.create_virtual_dataset(name, layout)
        else:
            places = [(str(target), 0, old.nbytes)]
            if way == "two external files" and old.nbytes > 8:
                places = [(str(target), 0, 8), (str(outside.numbers), 8, old.nbytes - 8)]
            file.create_dataset(name, old.shape, old.dtype, external=places)
        return f"{way} to {target.name}", READS_OUTSIDE

    return change(bundle, rng, how)


def put_links(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Soft links: to another array, to nothing, to themselves, to a group above."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        targets = {"another array": rng.choice(datasets(file)), "nothing": "nowhere", "itself": name, "above": "/"}
        way = rng.choice(sorted(targets))
        del file[name]
        file[name] = h5py.SoftLink("/" + targets[way].lstrip("/"))
        return f"a soft link to {way}", "a weight is a link to nothing" if way in ("nothing", "itself") else ""

    return change(bundle, rng, how)


def put_hard_links(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """The same array or group under many names; a group within itself."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        way = rng.choice(("many names", "within itself", "one array for two"))
        parent = file[name.rsplit("/", 1)[0]]
        if way == "many names":
            for number in range(rng.choice((3, 1000))):
                parent[f"{number + 10}"] = file[name]
        elif way == "within itself":
            parent["loop"] = parent
        else:
            other = rng.choice(datasets(file))
            source = file[name]
            del file[other]
            file[other] = source
        return way, ""

    return change(bundle, rng, how)


def put_other_values(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Numbers that are none, or very large ones."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        if not np.issubdtype(old.dtype, np.floating):
            file[name][()] = rng.choice((0, -128, 127))
            return "other whole numbers", ""
        value = rng.choice((np.nan, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 1e20))
        new = old.copy()
        if rng.random() < 0.6:
            new.flat[rng.randrange(new.size)] = value
        else:
            new[...] = value
        file[name][()] = new
        return f"{value}", "" if np.isfinite(value) else "a weight is not finite"

    return change(bundle, rng, how)


def put_other_arrays(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Another type, another shape, no content, texts, records, references."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        wrong_shape = "the network declares another shape"
        wrong_kind = "a weight is no number"
        ways: dict[str, tuple[Callable[[], Any], str]] = {
            "float64": (lambda: old.astype(np.float64), ""),
            "float16": (lambda: old.astype(np.float16), ""),
            "big-endian": (lambda: old.astype(old.dtype.newbyteorder(">")), ""),
            "int64": (lambda: old.astype(np.int64), ""),
            "uint8": (lambda: old.astype(np.uint8), ""),
            "bool": (lambda: old.astype(bool), ""),
            "complex": (lambda: old.astype(np.complex64), wrong_kind),
            "bytes": (lambda: np.full(old.shape, b"x"), wrong_kind),
            "texts": (lambda: np.full(old.shape, "x", object), wrong_kind),
            "records": (lambda: np.zeros(old.shape, [("a", "f4"), ("b", "i4")]), wrong_kind),
            "one more row": (lambda: np.concatenate([old, old[:1]]), wrong_shape),
            "one row less": (lambda: old[1:], wrong_shape),
            "one axis more": (lambda: old[..., None], wrong_shape),
            "flat": (lambda: old.ravel(), wrong_shape if old.ndim > 1 else ""),
            "transposed": (lambda: old.T.copy(), wrong_shape if old.shape != old.T.shape else ""),
            "a single number": (lambda: old.flat[0], wrong_shape),
            "no rows": (lambda: old[:0], wrong_shape),
            "empty": (lambda: h5py.Empty("f4"), wrong_shape),
            "a text": (lambda: "x", wrong_kind),
            "a reference": (lambda: file.ref, wrong_kind),
            "a type": (lambda: np.dtype("f4"), wrong_kind),
        }
        way = rng.choice(sorted(ways))
        make, wrong = ways[way]
        new = make()
        del file[name]
        if way == "texts":
            file.create_dataset(name, data=new, dtype=h5py.string_dtype())
        elif way == "a reference":
            file.create_dataset(name, data=new, dtype=h5py.ref_dtype)
        else:
            file[name] = new
        return way, wrong

    return change(bundle, rng, how)


def store_otherwise(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Filters, chunks, and declared sizes far beyond what is stored."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        ways: dict[str, dict[str, Any]] = {
            "gzip": {"compression": "gzip", "data": old},
            "lzf": {"compression": "lzf", "data": old},
            "shuffle and checksum": {"shuffle": True, "fletcher32": True, "data": old},
            "scale and offset": {"scaleoffset": 3, "data": old},
            "may grow": {"maxshape": (None,) * old.ndim, "data": old},
            "nothing stored": {"shape": old.shape, "dtype": old.dtype, "chunks": old.shape},
            "a billion rows": {"shape": (10**9, *old.shape[1:]), "dtype": old.dtype, "chunks": True},
            "a gzip bomb": {"shape": (50_000_000,), "dtype": "f4", "chunks": (5_000_000,), "compression": "gzip"},
        }
        way = rng.choice(sorted(ways))
        del file[name]
        array = file.create_dataset(name, **ways[way])
        if way == "a gzip bomb":
            array[:] = 1.0
        lacking = way in ("nothing stored", "a billion rows", "a gzip bomb")
        return way, "a weight is not what the network declares" if lacking else ""

    return change(bundle, rng, how)


def change_groups(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Arrays and groups that are missing, of another name, or too many."""

    def how(file: h5py.File, name: str, old: np.ndarray) -> tuple[str, str]:
        ways = ("array gone", "group gone", "renamed", "group for array", "array for group", "extra array", "attribute")
        way = rng.choice((*ways, "extra type", "all gone"))
        parent = name.rsplit("/", 1)[0]
        wrong = "a weight is missing"
        if way == "array gone":
            del file[name]
        elif way == "group gone":
            del file[parent]
        elif way == "renamed":
            file.move(name, f"{parent}/{rng.choice(('00', '-1', '9', 'x', 'é', '0 '))}")
        elif way == "group for array":
            del file[name]
            file.create_group(name)
        elif way == "array for group":
            del file[parent]
            file[parent] = old
        elif way == "all gone":
            del file["layers"]
        else:
            wrong = ""
            if way == "extra array":
                file[rng.choice((f"{parent}/extra", "extra", f"{parent}/{len(file[parent])}"))] = old
            elif way == "extra type":
                file[f"{parent}/type"] = np.dtype("f8")
            else:
                file[name].attrs["text"] = "x" * 1000
                file.attrs["name"] = "\x1b[31m"
        return way, wrong

    return change(bundle, rng, how)
