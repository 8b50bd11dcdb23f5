"""Places to write that hold something else: the input itself, a FIFO, a socket, a folder, files of the user."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from random import Random

from tests.fuzz.case import Command
from tests.fuzz.input_files import Given

OUTPUT_OPTIONS = ("--output", "--output-dir", "--report")
NO_PLACE = "the place to write holds something that is not ours"


def change(command: Command, given: Given, rng: Random, folder: Path) -> tuple[str, str, list[str]]:
    """Give a command an odd place to write; returns what it is, why it must be refused, and the arguments."""
    arguments = list(command.arguments)
    option = next((name for name in OUTPUT_OPTIONS if name in arguments), "")
    if not option:
        option = "--report" if command.module.endswith(".evaluate") else "--output"
        if command.module == "language_model.generate":
            option = "--report"
        arguments += [option, ""]
    place = arguments.index(option) + 1
    if option == "--report":
        ways = ("a file", "FIFO", "socket", "link to a file", "below a file", "circle")
    elif option == "--output-dir":
        ways = ("a file", "FIFO", "socket", "strangers", "another manifest", "link to a file", "below a file", "circle")
    else:
        ways = ("the input", "link to the input", "FIFO", "socket", "a folder", "below a file", "no folder", "circle")
    way = rng.choice(ways)
    target = folder / "target"
    if way == "the input":
        target = given.path
    elif way == "link to the input":
        target.symlink_to(given.path)
    elif way == "a file":
        target.write_text("mine")
    elif way == "FIFO":
        os.mkfifo(target)
    elif way == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(folder)
            listener.bind(target.name)
    elif way == "link to a file":
        (folder / "mine").write_text("mine")
        target.symlink_to(folder / "mine")
    elif way == "below a file":
        target.write_text("mine")
        target = target / "below"
    elif way == "circle":
        target.symlink_to(target.name)
    elif way == "no folder":
        target = target / "missing" / "file"
    else:
        target.mkdir()
        (target / "notes.txt").write_text("mine")
        if way == "another manifest":
            (target / "manifest.json").write_text('{"name": "my web app"}')
    arguments[place] = str(target)
    return f"{option} is {way}", NO_PLACE, arguments
