"""Places to write that hold something else: the input itself, a FIFO, a socket, a folder, files of the user."""

from __future__ import annotations

import dataclasses
import os
import socket
from pathlib import Path
from random import Random

from tests.fuzz.case import Command
from tests.fuzz.input_files import ODD_NAMES, Given

OUTPUT_OPTIONS = ("--output", "--output-dir", "--report")
NO_PLACE = "the place to write holds something that is not ours"


def change(command: Command, given: Given, rng: Random, folder: Path) -> tuple[str, str, Command]:
    """Give a command an odd place to write; returns what it is, why it must be refused, and the command."""
    arguments = list(command.arguments)
    option = next((name for name in OUTPUT_OPTIONS if name in arguments), "")
    if not option:
        option = "--report" if command.module.endswith(".evaluate") else "--output"
        if command.module == "language_model.generate":
            option = "--report"
        arguments += [option, ""]
    place = arguments.index(option) + 1
    if option == "--report":
        ways = ("a file", "FIFO", "socket", "link to a file", "below a file", "circle", "odd name")
    elif option == "--output-dir":
        ways = ("a file", "FIFO", "socket", "strangers", "another manifest", "link to a file", "below a file", "circle")
        ways += ("odd name",)
    else:
        ways = ("the input", "link to the input", "FIFO", "socket", "a folder", "below a file", "no folder", "circle")
        ways += ("odd name",)
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
    elif way == "odd name":
        target = folder / rng.choice((*ODD_NAMES, "x" * 300, "long/" * 1000))
    else:
        target.mkdir()
        (target / "notes.txt").write_text("mine")
        if way == "another manifest":
            (target / "manifest.json").write_text('{"name": "my web app"}')
    others = [other for other in command.may_write if other != arguments[place]]
    arguments[place] = str(target)
    # Who reads from a pipe cannot know which file another program writes into it.
    unknown = bool(command.stdin) and way in ("the input", "link to the input")
    wrong = "" if unknown or way in ("no folder", "odd name") else NO_PLACE
    others += [str(given.path)] if unknown else []
    written = [str(folder / "target") if way == "no folder" else str(target), *others]
    changed = dataclasses.replace(command, arguments=arguments, may_write=[] if wrong else written, output=None)
    return f"{option} is {way}", wrong, changed
