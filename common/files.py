"""Whether a file can be read, and a place written, before anything is opened."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

from common.errors import InputError


def check_file(path: Path) -> None:
    """Raise an InputError that says why `path` cannot be read as a file; nothing is opened.

    A pipe, a FIFO and `/dev/stdin` can be read as a file, once.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name (you are in {Path.cwd()})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; give the name of a file in it")
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise InputError(f"{path}: is a {'socket' if stat.S_ISSOCK(mode) else 'block device'}; give a file or a pipe")


def check_writable(path: Path, option: str) -> None:
    """Raise an InputError if nothing can be written at `path`; the folders on the way to it need not be there yet."""
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise InputError(f"{parent}: cannot be written ({error.strerror}); choose another {option}") from None
