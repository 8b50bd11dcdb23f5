"""HDF5 weights of a network, read from a file that somebody may have made to do harm.

HDF5 can do more than hold arrays: a data set may lie in another file of the machine, be a view of others, be the same
bytes under a thousand names, or declare terabytes of which nothing is stored. A weight of ours is none of that but a
stretch of the file's own bytes. So HDF5 is only asked where each one lies; the numbers are taken from the bytes in
memory whose hash was checked, and no two weights share a byte: the memory is bounded by the size of the file, of
half-precision numbers (format 2), which are computed with as float32, by twice that.

What is refused, each by a function of its own: links, external storage, views, filters and chunks, data without a
shape, types other than float32, float16 and int8, a group or data set under two names, shared or missing bytes, too
many objects; and numbers that are not finite, or so large that sums of their products would not be.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5p, h5s, h5t

from common.errors import InputError, excerpt

MAX_OBJECTS = 10_000
LARGEST_WEIGHT = 1e8
# Of the numbers by which rows of 8 bits are divided: a smaller one would make weights larger than the largest.
SMALLEST_SCALE = 127 / LARGEST_WEIGHT
TYPES = (
    (h5t.IEEE_F32LE, np.dtype(np.float32)), (h5t.IEEE_F16LE, np.dtype(np.float16)), (h5t.STD_I8LE, np.dtype(np.int8))
)  # fmt: skip
HALF_INFINITY, HALF_MINUS_INFINITY = 0x7C00, 0xFC00  # the bits of float16; those of NaN are larger
MARK = b"parts_sha256"  # the attribute that `bind_parts` writes


class _Bytes(io.RawIOBase):
    """A file whose bytes lie in memory and are not copied."""

    def __init__(self, content: bytes | bytearray) -> None:
        self.content = memoryview(content)
        self.place = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: len(self.content)}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: Any) -> int:
        piece = self.content[self.place : self.place + len(buffer)]
        buffer[: len(piece)] = piece
        self.place += len(piece)
        return len(piece)


def read_arrays(content: bytes | bytearray, source: str) -> dict[str, np.ndarray]:
    """Find the arrays in an HDF5 file; they are views of its bytes, but for those that are not aligned.

    Args:
        content: the whole file.
        source: its name, for messages.
    Returns:
        Each data set by its path, "layers/dense/vars/0", say.
    Raises:
        InputError: it is no HDF5 file, or a data set is more than a stretch of the file's bytes.
    """
    try:
        with h5py.File(_Bytes(content), "r") as file:
            places = _walk(file.id, source)
            return {
                path: _view(content, offset, shape, dtype)
                for path, (offset, shape, dtype) in _sorted_apart(places, source)
            }
    except InputError:
        raise
    except Exception as error:  # h5py has OSError, RuntimeError, KeyError, ValueError, TypeError for damaged files
        reason = excerpt(" ".join(str(error).split()) or type(error).__name__, 120)
        raise InputError(f"{source}: not a complete HDF5 file ({reason}); copy the bundle again") from None


Place = tuple[int, tuple[int, ...], np.dtype]


def _walk(root: h5g.GroupID, source: str) -> dict[str, Place]:
    """Where every data set of the file lies."""
    places: dict[str, Place] = {}
    seen = {_address(root)}
    waiting = [("", root)]
    num_objects = 0
    while waiting:
        path, group = waiting.pop()
        num_objects += group.get_num_objs()
        check_number(num_objects, source)
        for name in list(group):
            inside = f"{path}{name.decode('utf-8', 'replace')}"
            check_link(group.links.get_info(name).type, inside, source)
            child = h5o.open(group, name)
            check_single_name(_address(child), seen, inside, source)
            if isinstance(child, h5py.h5g.GroupID):
                waiting.append((f"{inside}/", child))
            elif isinstance(child, h5d.DatasetID):
                places[inside] = _place(child, inside, source)
            else:
                refuse(inside, "a type", source)
    return places


def _address(node: h5g.GroupID | h5d.DatasetID | h5t.TypeID) -> int:
    return h5o.get_info(node).addr


def _place(data: h5d.DatasetID, path: str, source: str) -> Place:
    created = data.get_create_plist()
    check_storage(created, path, source)
    check_external(created, path, source)
    check_shape(data.get_space(), path, source)
    dtype = check_type(data.get_type(), path, source)
    offset = data.get_offset()
    if offset is None:
        refuse(path, "declared and not stored", source)
    return offset, data.shape, dtype


def refuse(path: str, what: str, source: str) -> None:
    """Raise the error for something that a file of weights has no use for."""
    raise InputError(f"{source}: {excerpt(path)} is {what}, no array of this file; do not use this bundle")


def check_number(num_objects: int, source: str) -> None:
    """Refuse more groups and data sets than the largest network has."""
    if num_objects > MAX_OBJECTS:
        raise InputError(f"{source}: more than {MAX_OBJECTS:,} groups and data sets; do not use this bundle")


def check_link(kind: int, path: str, source: str) -> None:
    """Refuse soft and external links: they are names of other places, in this file or in any other."""
    if kind != h5l.TYPE_HARD:
        refuse(path, "a link", source)


def check_single_name(address: int, seen: set[int], path: str, source: str) -> None:
    """Refuse a second name of one object: by hard links 12 MB become 3 GB, and a group may hold itself."""
    if address in seen:
        refuse(path, "a second name of something else", source)
    seen.add(address)


def check_storage(created: h5p.PropDCID, path: str, source: str) -> None:
    """Refuse views of other data sets, and chunks, which may be compressed or missing."""
    if created.get_layout() != h5d.CONTIGUOUS or created.get_nfilters():
        refuse(path, "a view, in chunks or compressed", source)


def check_external(created: h5p.PropDCID, path: str, source: str) -> None:
    """Refuse data that lie in another file."""
    if created.get_external_count():
        refuse(path, "in another file", source)


def check_shape(space: h5s.SpaceID, path: str, source: str) -> None:
    """Refuse data without a shape (`h5py.Empty`), and arrays without numbers."""
    if space.get_simple_extent_type() != h5s.SIMPLE or not space.get_simple_extent_npoints():
        refuse(path, "empty or without a shape", source)


def check_type(found: h5t.TypeID, path: str, source: str) -> np.dtype:
    """Refuse types other than float32, float16 and int8: text, references, structures, numbers of another size."""
    for known, dtype in TYPES:
        if found == known:
            return dtype
    raise InputError(f"{source}: {excerpt(path)} holds no float32, float16 or int8 numbers; do not use this bundle")


def _sorted_apart(places: Mapping[str, Place], source: str) -> list[tuple[str, Place]]:
    """The data sets in the order of their bytes; none may reach into the next."""
    order = sorted(places.items(), key=lambda item: item[1][0])
    end = 0
    for path, (offset, shape, dtype) in order:
        check_apart(offset, end, path, source)
        end = offset + math.prod(shape) * dtype.itemsize
    return order


def check_apart(offset: int, end: int, path: str, source: str) -> None:
    """Refuse a data set that shares bytes with the one before it: each byte of the file may be read once."""
    if offset < end:
        refuse(path, "made of bytes of another one", source)


def _view(content: bytes | bytearray, offset: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = math.prod(shape)
    if offset + size * dtype.itemsize > len(content):
        raise ValueError("an array reaches beyond the end of the file")
    array = np.frombuffer(content, dtype, size, offset).reshape(shape)
    return array if array.flags.aligned else array.copy()


def check_numbers(array: np.ndarray, layer: str, source: str) -> None:
    """Refuse weights that are NaN, infinite, or too large for the sums of their products to stay finite."""
    if array.dtype == np.float16:  # none is too large, and their bits, as whole numbers, are in order
        is_sane = array.view(np.int16).max() < HALF_INFINITY and array.view(np.uint16).max() < HALF_MINUS_INFINITY
    else:
        is_sane = array.min() >= -LARGEST_WEIGHT and array.max() <= LARGEST_WEIGHT
    if not is_sane:
        kind = "larger than any weight is" if np.isfinite(array).all() else "NaN or infinite"
        raise InputError(f"{source}: layer {excerpt(layer)} has weights that are {kind}; do not use this bundle")


def check_scales(scales: np.ndarray, layer: str, source: str) -> None:
    """Refuse scales of rows in 8 bits by which the rows cannot be divided."""
    if scales.min() < SMALLEST_SCALE or not np.isfinite(scales).all():
        raise InputError(f"{source}: layer {excerpt(layer)} has scales of 0 or less, or not finite; do not use it")


# -- Half precision ------------------------------------------------------------------------------------------------


def is_matrix(array: np.ndarray | h5py.Dataset) -> bool:
    """Whether an array is one that half precision is for; vectors, such as biases and scales, are small anyway."""
    return array.ndim >= 2 and array.dtype == np.float32


def round_to_half(array: np.ndarray) -> np.ndarray:
    """Round a matrix to half precision (10 bits of fraction); other arrays stay as they are.

    Args:
        array: float32, of any shape.
    Returns:
        The same shape and type; infinite where it does not fit, beyond 65,504.
    """
    if not is_matrix(array):
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float32)


def store_halves(weights_file: Path) -> None:
    """Store the matrices of a file of weights as float16, if that loses nothing of any of them."""
    halved = weights_file.with_suffix(".half")
    with h5py.File(weights_file, "r") as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda name, node: arrays.append(node) if isinstance(node, h5py.Dataset) else None)
        if not all(np.array_equal(round_to_half(array[()]), array) for array in arrays):
            return
        with h5py.File(halved, "w") as copy:
            file.visititems(partial(_copy_node, copy))
    halved.replace(weights_file)


def _copy_node(copy: h5py.File, name: str, node: h5py.Group | h5py.Dataset) -> None:
    """Write a group or an array into another file, with its attributes."""
    if isinstance(node, h5py.Dataset):
        made = copy.create_dataset(name, data=node[()].astype(np.float16) if is_matrix(node) else node[()])
    else:
        made = copy.require_group(name)
    made.attrs.update(node.attrs)


# -- What belongs to these weights ----------------------------------------------------------------------------------


def parts_digest(contents: Mapping[str, bytes | bytearray]) -> bytes:
    """One hash of the other files that a network needs: an architecture, settings, vocabularies."""
    lines = (f"{name} {hashlib.sha256(contents[name]).hexdigest()}\n" for name in sorted(contents))
    return hashlib.sha256("".join(lines).encode()).hexdigest().encode()


def bind_parts(weights_file: Path, contents: Mapping[str, bytes]) -> None:
    """Write into a file of weights which other files belong to it.

    A vocabulary in another order, or of another network with as many words, has nothing else that tells.
    """
    with h5py.File(weights_file, "a") as file:
        file.attrs[MARK.decode()] = np.bytes_(parts_digest(contents))


def check_binding(weights: bytes | bytearray, contents: Mapping[str, bytes | bytearray], source: str) -> None:
    """Compare what `bind_parts` wrote, if it did, with the files beside the weights.

    Raises:
        InputError: they belong to other weights, or were changed.
    """
    found = _read_mark(weights, source)
    if found is not None and found != parts_digest(contents):
        raise InputError(
            f"{source}: the settings or vocabularies beside it belong to other weights; copy the bundle again"
        )


def _read_mark(weights: bytes | bytearray, source: str) -> bytes | None:
    try:
        with h5py.File(_Bytes(weights), "r") as file:
            if not h5a.exists(file.id, MARK):
                return None
            mark = h5a.open(file.id, MARK)
            value = np.zeros((), f"S{mark.get_storage_size()}" if mark.get_storage_size() == 64 else "S1")
            if mark.dtype != value.dtype or mark.shape != ():
                raise ValueError("its mark is no hash")
            mark.read(value)
    except Exception as error:  # as in `read_arrays`
        raise InputError(f"{source}: not a complete HDF5 file ({excerpt(str(error), 120)}); copy it again") from None
    found = bytes(value[()])
    return found if re.fullmatch(rb"[0-9a-f]{64}", found) else b"no hash"
