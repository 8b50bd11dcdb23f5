"""A program that writes two lines to a file, well or in one of the ways that the harness must find out:

python -m tests.kills.toy_writer WAY FILE
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

LINES = ("first\n", "second\n")


def write(path: Path, lines=LINES) -> None:
    """Write line by line, each on the disk before the next."""
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def whole(path: Path) -> None:
    partial = path.with_name(f".{path.name}.unfinished")
    write(partial)
    partial.replace(path)


def in_place(path: Path) -> None:
    write(path)


def old_away(path: Path) -> None:
    partial = path.with_name(f".{path.name}.unfinished")
    write(partial)
    path.unlink(missing_ok=True)
    partial.rename(path)


def any_name(path: Path) -> None:
    number, name = tempfile.mkstemp(dir=path.parent)
    os.close(number)
    write(Path(name))
    Path(name).replace(path)


def another_file(path: Path) -> None:
    (path.parent / "notes.txt").write_text("mine now\n", encoding="utf-8")
    whole(path)


def no_tidying(path: Path) -> None:
    used = path.with_name(f"{path.name}.checkpoint")
    if not used.exists():
        write(used)
        used = path.with_name(f".{path.name}.unfinished")
        write(used)
        used.replace(path)
        path.with_name(f"{path.name}.checkpoint").unlink()
    else:
        write(path)


def other_result(path: Path) -> None:
    partial = path.with_name(f".{path.name}.unfinished")
    write(partial, LINES if not partial.exists() else LINES[::-1])
    partial.replace(path)


def stuck(path: Path) -> None:
    partial = path.with_name(f".{path.name}.unfinished")
    if partial.exists():
        sys.exit(3)
    whole(path)


WRITERS = (whole, in_place, old_away, any_name, another_file, no_tidying, other_result, stuck)


def main(argv=None) -> None:
    way, name = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
    for writer in WRITERS:
        if writer.__name__ == way:
            writer(Path(name))
