"""Places that cannot be read or written are refused before anything is opened, in words that help."""

from __future__ import annotations

import os
import re
import socket
import stat
from pathlib import Path

import pytest

from common.errors import InputError
from common.files import check_file, check_writable


def test_a_file_and_a_pipe_can_be_read(tmp_path):
    (tmp_path / "a.csv").write_text("")
    check_file(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "pipe")
    check_file(tmp_path / "pipe")


def test_what_cannot_be_read_is_named_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")  # by a short name: that of a socket has at most 108 characters
        for path, reason in {
            tmp_path / "b.csv": f"no such file; check the name (you are in {tmp_path})",
            tmp_path / "a.csv/inside": "cannot be read (Not a directory); check the name",
            tmp_path / ("x" * 300): "cannot be read (File name too long); check the name",
            tmp_path: "is a folder; give the name of a file in it",
            tmp_path / "socket": "is a socket; give a file or a pipe",
        }.items():
            with pytest.raises(InputError, match=re.escape(f"{path}: {reason}")):
                check_file(path)


def test_a_block_device_is_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "stat", lambda path: os.stat_result([stat.S_IFBLK, *[0] * 9]))
    with pytest.raises(InputError, match=r"disk: is a block device; give a file or a pipe"):
        check_file(tmp_path / "disk")


def test_folders_on_the_way_to_a_new_file_need_not_be_there(tmp_path):
    check_writable(tmp_path / "new/folder/a.csv", "--output")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_named_with_its_option(tmp_path):
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(InputError, match=r"a\.csv: cannot be written \(Not a directory\); choose another --output"):
        check_writable(tmp_path / "a.csv/inside/b.csv", "--output")
