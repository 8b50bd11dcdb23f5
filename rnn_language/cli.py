"""The command `rnn-language`: all programs of the project under one name, from any folder.

    rnn-language rate "A joy from start to end."
    rnn-language sentiment train --train reviews.csv --output-dir runs/mine

`rnn-language TASK VERB` is the program `python -m TASK.VERB`. A task is imported when one of its commands is called.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from common.cli.called import shown_as
from common.cli.run import run_command
from common.errors import InputError
from common.version import VERSION

PROGRAM = "rnn-language"


class Command(NamedTuple):
    """A command: the module that it is in, the name of its function, and what `--help` says of it."""

    module: str
    function: str
    help: str


SHORT = {
    "rate": Command("sentiment.cli", "predict", "predict the star rating of reviews: sentiment predict"),
    "tag": Command("pos_tagging.cli", "predict", "find the part of speech of every word: pos_tagging predict"),
    "write": Command("language_model.cli", "generate", "generate text: language_model generate"),
    "score": Command("language_model.cli", "score", "log-probability and perplexity: language_model score"),
}
TASKS = {
    "sentiment": ("train", "evaluate", "predict", "explain"),
    "pos_tagging": ("train", "evaluate", "predict", "explain"),
    "language_model": ("train", "evaluate", "score", "generate", "explain", "word_vectors"),
    "interpretability": ("units", "probe"),
}
OTHER = {
    "models": Command("rnn_language.models", "main", "list the pretrained models: purpose, size, scores"),
    "export": Command("common.cli.export", "main", "write a model as one ONNX file, or as a SavedModel"),
    "search": Command("tuning.cli", "search", "search for settings of a task: several trials, a report"),
    "runs": Command("tuning.cli", "runs", "compare the training runs below a folder"),
    "corpus": Command("scaling.corpus_cli", "corpus", "rate, tag or score a folder of files, in several processes"),
    "serve": Command("serving.cli", "serve", "serve models over HTTP, completions with OpenAI's fields"),
    "completion": Command("rnn_language.completion", "main", "print a completion script for a shell: bash, zsh, fish"),
}
COMMANDS = {
    **SHORT,
    **{f"{task} {verb}": Command(f"{task}.cli", verb, "") for task, verbs in TASKS.items() for verb in verbs},
    **OTHER,
}


def help_text() -> str:
    """What `rnn-language --help` prints."""
    short = [f"  {name:17} {command.help}" for name, command in SHORT.items()]
    tasks = [f"  {task:17} {' | '.join(verbs)}" for task, verbs in TASKS.items()]
    other = [f"  {name:17} {command.help}" for name, command in OTHER.items()]
    return "\n".join(
        [
            f"usage: {PROGRAM} COMMAND [options]",
            "",
            "Recurrent networks for language: rate reviews, tag words, score and write text.",
            "",
            "short forms, with the pretrained models:",
            *short,
            "",
            "tasks, each with its verbs; the same programs as python -m TASK.VERB:",
            *tasks,
            "",
            "other commands:",
            *other,
            "",
            f"  {'--version':17} show the version",
            f"  {'--help':17} show this; {PROGRAM} COMMAND --help: the options of a command",
        ]
    )


def find_command(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The name of the command that is called, and its arguments.

    Raises:
        InputError: there is none of that name; what comes nearest.

    >>> find_command(["pos-tagging", "predict", "Birds sing."])
    ('pos_tagging predict', ['Birds sing.'])
    """
    first = words[0].replace("-", "_")
    if first in COMMANDS:
        return first, words[1:]
    if first not in TASKS:
        raise InputError(f"no command {words[0]!r}{_hint(first)}; see {PROGRAM} --help")
    verb = words[1].replace("-", "_") if len(words) > 1 else ""
    if verb not in TASKS[first]:
        near = difflib.get_close_matches(verb, TASKS[first], n=1)
        hint = f"did you mean {near[0]}?" if near else f"the verbs are {', '.join(TASKS[first])}"
        raise InputError(f"{first}: no verb {words[1] if verb else ''!r}; {hint}; see {PROGRAM} --help")
    return f"{first} {verb}", words[2:]


def _hint(word: str) -> str:
    """What somebody may have meant who typed something else than a command."""
    whole = [name for name in COMMANDS if name.endswith(f" {word}")]  # a verb without its task
    near = whole or difflib.get_close_matches(word, [*TASKS, *(name for name in COMMANDS if " " not in name)], n=1)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def load(name: str) -> Callable[[Sequence[str] | None], None]:
    """The function of a command; its task is imported here."""
    command = COMMANDS[name]
    return getattr(importlib.import_module(command.module), command.function)


def run(words: Sequence[str]) -> None:
    """Do what the words behind `rnn-language` say."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(help_text())
    elif words[0] in ("-V", "--version"):
        print(f"{PROGRAM} {VERSION}")
    elif len(words) == 2 and words[0].replace("-", "_") in TASKS and words[1] in ("-h", "--help"):
        print(help_text())
    else:
        name, arguments = find_command(words)
        with shown_as(f"{PROGRAM} {name}"):
            load(name)(arguments)


def main() -> None:
    """The console script."""
    run_command(lambda _: run(sys.argv[1:]))
