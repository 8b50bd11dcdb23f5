"""Files outside a bundle that no program may read, and a watch on them (inotify)."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

IN_ACCESS, IN_MODIFY, IN_OPEN = 0x01, 0x02, 0x20
VALUE = 12345.678  # of all numbers outside
NUM_VALUES = 1 << 16


@dataclass(frozen=True)
class Canaries:
    """What lies outside: numbers, text, a whole HDF5 file, a FIFO without a writer, a socket."""

    numbers: Path
    words: Path
    hdf5: Path
    fifo: Path
    socket: Path


def canaries(folder: Path) -> Canaries:
    """The names of the files in the outside folder."""
    return Canaries(*(folder / name for name in ("numbers.bin", "words.json", "weights.h5", "fifo", "socket")))


def make_canaries(folder: Path) -> Canaries:
    """Write the files in an empty folder."""
    import h5py
    import numpy as np

    files = canaries(folder)
    values = np.full(NUM_VALUES, VALUE, np.float32)
    files.numbers.write_bytes(values.tobytes())
    files.words.write_text('{"lowercase": false,\n"tokens": ["secret", "words", "outside"]}\n')
    with h5py.File(files.hdf5, "w") as file:
        file["values"] = values
        file["layers/embedding/vars/0"] = np.full((200, 4), VALUE, np.float32)
    os.mkfifo(files.fifo)
    with socket.socket(socket.AF_UNIX) as listener:
        old = Path.cwd()
        os.chdir(folder)  # the name of a socket has at most 107 bytes
        listener.bind(files.socket.name)
        os.chdir(old)
    return files


class Watch:
    """Notes who opens or reads a file in a folder, from the moment it is made."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = IN_ACCESS | IN_MODIFY | IN_OPEN
        if self.descriptor < 0 or libc.inotify_add_watch(self.descriptor, os.fsencode(folder), mask) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(folder))

    def names(self) -> list[str]:
        """The files that were opened, read or changed since the last call; the folder itself may be listed."""
        found: set[str] = set()
        while True:
            try:
                content = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return sorted(found)
            place = 0
            while place < len(content):
                _, _, _, length = struct.unpack_from("iIII", content, place)
                found.add(content[place + 16 : place + 16 + length].rstrip(b"\0").decode())
                place += 16 + length
            found.discard("")
