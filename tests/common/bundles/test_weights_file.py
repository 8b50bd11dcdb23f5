"""Weights are stretches of their own file: whatever else HDF5 can be made to read is refused before it is read."""

from __future__ import annotations

import os
import time

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from common.bundles.weights_file import (
    MAX_OBJECTS,
    bind_parts,
    check_binding,
    check_numbers,
    check_scales,
    read_arrays,
    store_halves,
)
from common.errors import InputError

VALUES = np.arange(6, dtype="float32").reshape(2, 3)


def write(folder, fill):
    """A good file, and what `fill` puts beside its array."""
    path = folder / "weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = VALUES
        fill(file)
    return path


def refuse(path, message):
    start = time.perf_counter()
    with pytest.raises(InputError, match=f"^weights.h5: .*{message}") as refusal:
        read_arrays(bytearray(path.read_bytes()), "weights.h5")
    assert time.perf_counter() - start < 1
    assert "\n" not in str(refusal.value)


@pytest.fixture(params=["a file", "a FIFO", "nothing"])
def elsewhere(request, tmp_path):
    """Another place of the machine: of a FIFO nobody writes to, reading would never end."""
    path = tmp_path / "elsewhere"
    if request.param == "a file":
        with h5py.File(path, "w") as file:
            file["secret"] = VALUES
    elif request.param == "a FIFO":
        os.mkfifo(path)
    return str(path)


def test_matrices_in_half_precision_are_the_same_numbers(tmp_path):
    half = np.float16([[0.1, -3.14], [65504, 6e-8]])

    def fill(file):
        file["bias"] = np.float32([0.1, 1e-9])
        file["rows"] = np.int8([[1, 2]])
        file["half"] = half.astype("float32")
        file["layers/dense"].attrs["name"] = "dense"

    path = write(tmp_path, fill)
    before = read_arrays(bytearray(path.read_bytes()), "weights.h5")
    store_halves(path)
    with h5py.File(path, "r") as file:
        assert [file[name].dtype for name in ("half", "layers/dense/vars/0")] == ["float16", "float16"]
        assert [file[name].dtype for name in ("bias", "rows")] == ["float32", "int8"]
        assert file["layers/dense"].attrs["name"] == "dense"
    after = read_arrays(bytearray(path.read_bytes()), "weights.h5")
    assert after.keys() == before.keys()
    for name, array in before.items():
        assert after[name].dtype == (np.float16 if array.ndim == 2 and array.dtype == np.float32 else array.dtype)
        np.testing.assert_array_equal(after[name], array)


def test_what_half_precision_would_change_stays_in_single(tmp_path):
    path = write(tmp_path, lambda file: file.create_dataset("other", data=np.float32([[0.1, 70_000.0]])))
    content = path.read_bytes()
    store_halves(path)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["weights.h5"]


def test_arrays_are_those_that_h5py_reads(tmp_path):
    more = {"a": np.float32([7]), "deep/er/1": np.int8([[1, -2]]), "z": np.random.default_rng(0).normal(size=(3, 4, 5))}
    more["z"] = more["z"].astype("float32")

    def fill(file):
        for name, value in more.items():
            file[name] = value

    content = bytearray(write(tmp_path, fill).read_bytes())
    found = read_arrays(content, "weights.h5")
    assert found.keys() == {"layers/dense/vars/0", *more}
    for name, value in {"layers/dense/vars/0": VALUES, **more}.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype
    assert np.shares_memory(found["layers/dense/vars/0"], np.frombuffer(content, np.uint8))


def test_external_storage(tmp_path, elsewhere):
    def fill(file):
        created = h5p.create(h5p.DATASET_CREATE)
        created.set_external(elsewhere.encode(), 0, 24)
        h5d.create(file.id, b"x", h5t.IEEE_F32LE, h5s.create_simple((6,)), created)

    refuse(write(tmp_path, fill), "'x' is in another file")


@pytest.mark.parametrize("unlimited", [False, True])
def test_a_view_of_another_file(tmp_path, elsewhere, unlimited):
    def fill(file):
        layout = h5py.VirtualLayout((6,), "float32", maxshape=(None,) if unlimited else None)
        source = h5py.VirtualSource(elsewhere, "secret", (6,), maxshape=(None,) if unlimited else None)
        end = h5s.UNLIMITED if unlimited else 6
        layout[:end] = source[:end]
        file.create_virtual_dataset("x", layout)

    refuse(write(tmp_path, fill), "'x' is a view, in chunks or compressed")


def test_an_external_link(tmp_path, elsewhere):
    refuse(write(tmp_path, lambda file: file.update({"x": h5py.ExternalLink(elsewhere, "/secret")})), "'x' is a link")


def hard_links(file):
    for number in range(1000):
        file[f"copies/{number}"] = file["layers/dense/vars/0"]


def cycle(file):
    file["layers/again"] = file["layers"]


def huge(file):
    for number in range(MAX_OBJECTS):
        file.create_group(str(number))


def named_type(file):
    file["x"] = np.dtype("float32")


def references(file):
    file.create_dataset("x", (1,), h5py.ref_dtype)[0] = file["layers"].ref


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda file: file.update({"x": h5py.SoftLink("/layers/dense/vars/0")}), "'x' is a link"),
        (lambda file: file.update({"x": h5py.SoftLink("/nowhere")}), "'x' is a link"),
        (hard_links, "is a second name of something else"),
        (cycle, "is a second name of something else"),
        (huge, "more than 10,000 groups and data sets"),
        (named_type, "'x' is a type"),
        (references, "holds no float32, float16 or int8 numbers"),
        (lambda file: file.create_dataset("x", data=np.ones(9, "f4"), compression="gzip"), "in chunks or compressed"),
        (lambda file: file.create_dataset("x", (9,), "f4", chunks=(3,)), "in chunks or compressed"),
        (lambda file: file.create_dataset("x", (9,), "f4"), "'x' is declared and not stored"),
        (lambda file: file.update({"x": h5py.Empty("float32")}), "'x' is empty or without a shape"),
        (lambda file: file.update({"x": np.float32(3)}), "'x' is empty or without a shape"),
        (lambda file: file.update({"x": np.zeros((0, 3), "float32")}), "'x' is empty or without a shape"),
        (lambda file: file.update({"x": VALUES.astype("float64")}), "holds no float32, float16 or int8 numbers"),
        (lambda file: file.update({"x": VALUES.astype(">f4")}), "holds no float32, float16 or int8 numbers"),
        (lambda file: file.update({"x": "text"}), "empty or without a shape"),
        (lambda file: file.update({"x": ["a", "b"]}), "holds no float32, float16 or int8 numbers"),
        (lambda file: file.update({"x": np.zeros(2, "f4,i4")}), "holds no float32, float16 or int8 numbers"),
    ],
)  # fmt: skip
def test_what_a_weight_is_not(fill, message, tmp_path):
    refuse(write(tmp_path, fill), message)


def test_two_arrays_of_the_same_bytes(tmp_path):
    """Not by a second name but by a second header that points to the place of the first."""
    path = write(tmp_path, lambda file: file.update({"x": VALUES + 100}))
    with h5py.File(path) as file:
        first, second = (file[name].id.get_offset() for name in ("layers/dense/vars/0", "x"))
    content = path.read_bytes()
    assert content.count(second.to_bytes(8, "little")) == 1
    path.write_bytes(content.replace(second.to_bytes(8, "little"), first.to_bytes(8, "little")))
    refuse(path, "is made of bytes of another one")


def test_flipped_bytes_of_the_structure_are_one_line_or_harmless(tmp_path):
    good = write(tmp_path, lambda file: file.update({f"group{number}/a": VALUES for number in range(5)})).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        content = bytearray(good)
        for place in rng.integers(0, 4000, 4):
            content[place] = rng.integers(256)
        try:
            arrays = read_arrays(content, "weights.h5")
        except InputError as error:
            arrays, lines = {}, str(error).splitlines()
            refused += len(lines) == 1
        assert sum(array.nbytes for array in arrays.values()) <= len(content)
    assert refused > 100


@pytest.mark.parametrize("size", [0, 3, 100, 900, 2000])
def test_a_file_that_is_cut(tmp_path, size):
    path = write(tmp_path, lambda file: None)
    path.write_bytes(path.read_bytes()[:size])
    refuse(path, "not a complete HDF5 file")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38, -2e8])
def test_numbers_that_are_none_or_make_sums_infinite(number):
    with pytest.raises(InputError, match=r"layer 'x' has weights that are (NaN or infinite|larger)"):
        check_numbers(np.float32([1, number, 2]), "x", "weights.h5")
    check_numbers(np.float32([1, -1e7]), "x", "weights.h5")


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, -np.nan])
def test_half_precision_has_its_own_numbers_that_are_none(number):
    with pytest.raises(InputError, match=r"weights\.h5: layer 'x' has weights that are NaN or infinite"):
        check_numbers(np.float16([1, number, -2]), "x", "weights.h5")
    check_numbers(np.float16([65504, -65504, 0, -0.0, 6e-8]), "x", "weights.h5")


@pytest.mark.parametrize("scale", [0, -1, np.nan, np.inf, 1e-30])
def test_scales_that_cannot_be_divided_by(scale):
    with pytest.raises(InputError, match="layer 'x' has scales"):
        check_scales(np.float32([127, scale]), "x", "weights.h5")
    check_scales(np.float32([127, 1.27e9]), "x", "weights.h5")


def test_weights_know_the_files_that_belong_to_them(tmp_path):
    path = write(tmp_path, lambda file: None)
    parts = {"vocabulary.json": b"[1, 2]", "config.json": b"{}"}
    check_binding(path.read_bytes(), parts, "weights.h5")  # nothing is known
    bind_parts(path, parts)
    check_binding(path.read_bytes(), parts, "weights.h5")
    np.testing.assert_array_equal(read_arrays(path.read_bytes(), "weights.h5")["layers/dense/vars/0"], VALUES)
    others = [{**parts, "vocabulary.json": b"[2, 1]"}, {**parts, "tags.json": b"[]"}, {"config.json": b"{}"}]
    for other in others:
        with pytest.raises(InputError, match="belong to other weights"):
            check_binding(path.read_bytes(), other, "weights.h5")


@pytest.mark.parametrize("mark", ["text", np.zeros(3), h5py.Empty("f4"), np.bytes_(b"0" * 63 + b"x")])
def test_a_mark_that_is_no_hash(mark, tmp_path):
    path = write(tmp_path, lambda file: file.attrs.update({"parts_sha256": mark}))
    with pytest.raises(InputError, match=r"^weights\.h5: "):
        check_binding(path.read_bytes(), {}, "weights.h5")
