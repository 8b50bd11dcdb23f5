"""The commands `search` and `runs`: options in, one call, lines out."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import tuning
from common.cli.answers import format_by_ending
from common.cli.flags import OneLineParser, add_settings, given_settings, make_parser
from common.cli.options import DATA_OPTIONS, add_data_arguments, check_train_arguments, number
from common.cli.stream import open_output
from common.errors import InputError, show
from common.files import check_file
from common.output import check_file_place
from common.parallel import num_cores
from common.settings import make_config
from tuning.tasks import TASKS

RUN_FORMATS = ("text", "csv", "json", "html")
MOST_WORKERS = 64


def search(argv: Sequence[str] | None = None) -> None:
    """`python -m tuning.search`"""
    words = list(sys.argv[1:] if argv is None else argv)
    task = next((name for name in map(_as_task, words) if name in TASKS), "")
    parser = make_parser(
        "tuning.search",
        "Search for settings with a good validation score; the test file is no option.\n\n"
        "python -m tuning.search sentiment --train sentiment/dataset/train.csv --output-dir runs/search --trials 20",
    )
    parser.add_argument("task", type=_as_task, choices=tuple(TASKS), metavar="TASK", help=", ".join(TASKS))
    add_data_arguments(parser)
    add_search_arguments(parser)
    inputs = add_task_arguments(parser, task) if task else ()
    arguments = parser.parse_args(words)
    if arguments.task != task:  # the value of an option is called as a task is
        parser.error(f"{arguments.task} stands behind {task}; name the task first")
    given = given_settings(arguments, TASKS[task].config_class)
    config = make_config(TASKS[task].config_class, given, str(arguments.config or ""))
    check_train_arguments(arguments)
    if arguments.space:
        check_file(arguments.space)
    try:
        find = tuning.search
    except ModuleNotFoundError as error:
        raise InputError(f"search: needs the package {error.name}; pip install 'rnn-language[search]'") from None
    result = find(
        task, arguments.train, arguments.output_dir, arguments.space, config, fixed=given, num_trials=arguments.trials,
        num_workers=arguments.workers, num_seeds=arguments.seeds, prune=arguments.prune, resume=arguments.resume,
        **{name: getattr(arguments, name) for name in (*DATA_OPTIONS, *inputs)},
    )  # fmt: skip
    show(result.verdict.sentence)
    show(f"settings: --config {result.path / 'best.json'}; all trials: {result.path / 'report.html'}")


def _as_task(word: str) -> str:
    """The name of a task as Python has it."""
    return word.replace("-", "_")


def add_task_arguments(parser: OneLineParser, task: str) -> tuple[str, ...]:
    """Add what the `train` of a task reads beside the data, and its settings; returns the names of what it reads."""
    commands = importlib.import_module(f"{task}.cli")
    inputs = getattr(commands, "INPUTS", ())
    if inputs:
        commands.add_inputs(parser)
    add_settings(parser, TASKS[task].config_class, commands.PRESETS)
    return inputs


def add_search_arguments(parser: OneLineParser) -> None:
    """Add the options of the search itself."""
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR", help="folder for trials and report")
    parser.add_argument(
        "--space", type=Path, metavar="FILE", help="TOML file of ranges (default: tuning/spaces/TASK.toml)"
    )
    parser.add_argument("--trials", type=number(int, 1), default=20, metavar="N", help="settings to try (default: 20)")
    parser.add_argument(
        "--workers", type=number(int, 1, MOST_WORKERS), default=1, metavar="N",
        help=f"trials at the same time, each in a process; {num_cores()} cores here (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=number(int, 1), default=3, metavar="N", help="runs of the best three settings (default: 3)"
    )
    parser.add_argument(
        "--prune",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="stop trials that stay behind (default: on)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the search in --output-dir")


def runs(argv: Sequence[str] | None = None) -> None:
    """`python -m tuning.runs`"""
    parser = make_parser(
        "tuning.runs",
        "Compare the training runs below a folder: settings that differ, scores, learning curves.\n\n"
        "python -m tuning.runs runs --output runs.html",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="it and the folders below it are searched")
    parser.add_argument("--task", choices=tuple(TASKS), metavar="TASK", help=f"{', '.join(TASKS)} (default: all)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of on standard output")
    parser.add_argument(
        "--format", choices=RUN_FORMATS, metavar="NAME",
        help=f"{', '.join(RUN_FORMATS)} (default: by the ending of --output, else text)",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    if arguments.output:
        check_file_place(arguments.output, arguments.output.absolute().parents)
    found = tuning.find_runs(arguments.folder, arguments.task)
    form = format_by_ending(arguments, RUN_FORMATS)
    with open_output(arguments.output, for_people=form == "text") as file:
        file.write(tuning.format_runs(found, form, f"Runs below {arguments.folder}"))
