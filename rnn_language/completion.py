"""Shell completion: a script that knows every command and option, made once from their parsers by shtab.

rnn-language completion bash > ~/.local/share/bash-completion/completions/rnn-language
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shtab

from common.cli.flags import OneLineParser, make_parser, parser_of
from rnn_language.cli import COMMANDS, OTHER, PROGRAM, SHORT, TASKS, load

SHELLS = ("bash", "zsh", "fish")
FOLDERS = ("DIR",)  # metavars of options that name a folder


def whole_parser() -> argparse.ArgumentParser:
    """One parser with all commands below it, to make a script from; nobody parses with it."""
    parser = argparse.ArgumentParser(PROGRAM)
    parser.add_argument("--version", action="store_true", help="show the version")
    commands = parser.add_subparsers()
    for name, command in {**SHORT, **OTHER}.items():
        _add(commands, name, name, command.help)
    for task, verbs in TASKS.items():
        below = commands.add_parser(task, help=" | ".join(verbs)).add_subparsers()
        for verb in verbs:
            _add(below, verb, f"{task} {verb}", "")
    return parser


def _add(commands: Any, shown: str, name: str, help: str) -> None:
    """Add a command under the name that is typed, with its options."""
    options = shell_parser() if COMMANDS[name].module == __name__ else parser_of(load(name))
    commands.add_parser(shown, parents=[_with_files(options)], add_help=False, help=help)


def _with_files(parser: OneLineParser) -> OneLineParser:
    """Mark the options that name files and folders; a `%` in a help text is no format here."""
    for action in parser._actions:
        if action.type is Path or action.metavar in FOLDERS:
            action.complete = shtab.DIRECTORY if action.metavar in FOLDERS else shtab.FILE  # type: ignore[attr-defined]
    return parser


def shell_parser() -> OneLineParser:
    """The parser of this command."""
    parser = make_parser("rnn_language completion", "Print a completion script for a shell; see README.md, Install.")
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """`rnn-language completion`"""
    print(shtab.complete(whole_parser(), shell_parser().parse_args(argv).shell))
