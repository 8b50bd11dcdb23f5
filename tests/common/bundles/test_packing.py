"""A bundle as bytes: packed, unpacked, refused when somebody has changed it."""

from __future__ import annotations

import pytest

from common.bundles.bundle import open_bundle
from common.bundles.manifest import MAX_FILES
from common.bundles.packing import pack_bundle, unpack_bundle, write_packed
from common.errors import InputError
from tests.conftest import ROOT

BUNDLE = ROOT / "tests/fixtures/format_1/sentiment"


@pytest.fixture
def packed():
    return pack_bundle(open_bundle(BUNDLE, "sentiment"))


def test_what_is_packed_comes_out_again(packed, tmp_path):
    assert packed == {file.name: file.read_bytes() for file in BUNDLE.iterdir()}
    assert unpack_bundle(packed, "sentiment").contents == open_bundle(BUNDLE, "sentiment").contents
    write_packed(packed, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(packed)


def test_several_files_of_one_folder_are_written(tmp_path):
    write_packed({"splitter/a.json": b"1", "splitter/b.json": b"2", "a/b/c.json": b"3"}, tmp_path)
    assert [file.read_bytes() for file in sorted(tmp_path.glob("splitter/*"))] == [b"1", b"2"]
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == b"3"


def test_a_changed_file_is_refused(packed):
    for name in ("model.weights.h5", "README.md", "config.json"):
        with pytest.raises(InputError, match=f"{name}: .* the file was (cut or )?changed"):
            unpack_bundle({**packed, name: packed[name][:-1] + b"?"}, "sentiment")
    with pytest.raises(InputError, match=r"manifest.json is missing"):
        unpack_bundle({"model.json": b"{}"}, "sentiment")
    with pytest.raises(InputError, match="a bundle for 'sentiment', not for pos_tagging"):
        unpack_bundle(packed, "pos_tagging")


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "a\\b", ""])
def test_a_name_that_leads_outside_is_refused_before_anything_is_written(name, packed, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match="outside the bundle"):
        write_packed({name: b"", **packed}, folder)
    assert list(tmp_path.rglob("*")) == [folder]


def test_as_many_files_as_a_bundle_may_have_and_its_manifest(tmp_path):
    write_packed({f"{number}.json": b"" for number in range(MAX_FILES + 1)}, tmp_path)
    assert len(list(tmp_path.iterdir())) == MAX_FILES + 1
    with pytest.raises(InputError, match="wanted the files of a bundle"):
        write_packed({f"{number}.json": b"" for number in range(MAX_FILES + 2)}, tmp_path)


@pytest.mark.parametrize("packed", [None, [], {"model.json": "text"}, {1: b""}, {str(n): b"" for n in range(200)}])
def test_anything_else_is_refused(packed):
    with pytest.raises(InputError, match="wanted the"):
        unpack_bundle(packed, "sentiment")
