"""Options that the commands of the three tasks share."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.bundles.pretrained import find_bundle
from common.cli.flags import OneLineParser, advanced
from common.cli.processes import add_backend_arguments
from common.errors import InputError
from common.files import check_writable
from common.inference.engine import ENGINES
from common.output import REPORT_FILE, check_not_inside, check_report_place, claim_all
from common.parallel import num_cores, writes
from common.settings import TrainingConfig, as_option
from common.text.data import check_data
from common.text.documents import AUTO, DOCUMENTS
from common.text.rows import MAX_ROW
from common.training.tracking import TRACKERS, track

if TYPE_CHECKING:
    from common.training.fit import OnEpoch

DATA_OPTIONS = ("validation", "start")  # of `add_data_arguments`, beside the data themselves


def add_data_arguments(parser: OneLineParser) -> None:
    """Add the options for what every training run learns from."""
    parser.add_argument(
        "--train", type=Path, required=True, metavar="FILE", help=f"training data; at most {MAX_ROW:,} characters a row"
    )
    parser.add_argument("--validation", type=Path, metavar="FILE", help="validation data; else cut from --train")
    parser.add_argument(
        "--start",
        default="auto",
        metavar="auto|scratch|MODEL",
        help="fine-tune: auto where it suits, or a model's name or folder (default: auto)",
    )


def add_train_arguments(parser: OneLineParser) -> None:
    """Add the options every `train` has."""
    add_data_arguments(parser)
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR", help="folder for the bundle")
    parser.add_argument("--overwrite", action="store_true", help="replace the model that --output-dir holds")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    add_backend_arguments(parser)
    others = [
        parser.add_argument(
            "--about-data", default="", metavar="TEXT", help="source and licence of the data, for the model card"
        ),
        parser.add_argument(
            "--track", choices=TRACKERS, metavar="NAME", help=f"experiment tracking: {' or '.join(TRACKERS)}"
        ),
        parser.add_argument(
            "--track-to", metavar="URI", help="of mlflow sqlite:///FILE or a server, of tensorboard a folder"
        ),
    ]
    for action in others:
        advanced(action)


def train_options(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """What `train` functions take by name: the options that all have, and those of these names."""
    return {name: getattr(arguments, name) for name in (*DATA_OPTIONS, "about_data", "resume", "overwrite", *names)}


def tracked(arguments: argparse.Namespace, task: str, config: TrainingConfig) -> AbstractContextManager[OnEpoch | None]:
    """What `--track` of a `train` command asks for; see `common.training.tracking.track`."""
    if not writes():  # the first of several processes has the scores of all
        return nullcontext()
    return track(arguments.track, arguments.track_to, arguments.output_dir, task, asdict(config))


def number(kind: type, low: float = -inf, high: float = inf) -> Callable[[str], float]:
    """Make an argparse type for finite numbers from `low` to `high`."""

    def read(text: str) -> float:
        value = kind(text)
        if kind is float and not isfinite(value):
            raise argparse.ArgumentTypeError(f"found {text}, wanted a finite number")
        if not low <= value <= high:
            wanted = f"at least {low:g}" if high == inf else f"from {low:g} to {high:g}"
            raise argparse.ArgumentTypeError(f"found {text}, wanted {wanted}")
        return value

    read.__name__ = kind.__name__
    return read


def cores(text: str) -> int:
    """Read a number of processor cores; of more than there are, those there are."""
    return min(int(number(int, 1)(text)), num_cores())


cores.__name__ = "int"  # as argparse calls it


def add_model_argument(parser: argparse.ArgumentParser, task: str, name: str) -> None:
    """Add `--model`, which defaults to the bundle that comes with the project, and what runs it."""

    def bundle(text: str) -> Path:
        try:
            return find_bundle(task, text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    parser.add_argument(
        "--model",
        type=bundle,
        default=name,
        metavar="DIR",
        help=f"folder of a bundle, or name of a pretrained model (default: {name})",
    )
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what runs the network (default: onnx)")
    parser.add_argument(
        "--threads", type=cores, metavar="N", help="processor cores to use, at most those there are (default: all)"
    )


def add_evaluate_arguments(parser: argparse.ArgumentParser, task: str, name: str) -> None:
    """Add the options every `evaluate` has."""
    add_model_argument(parser, task, name)
    parser.add_argument("--test", type=Path, required=True, metavar="FILE", help="data to score on")
    parser.add_argument("--train", type=Path, metavar="FILE", help="training data; the baselines are fitted on it")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write DIR/report.html, one page with pictures")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--save", action="store_true", help="keep the scores in the bundle and in its model card")


def add_text_arguments(
    parser: OneLineParser, formats: tuple[str, ...] = (), default: str = "as --input if that is a table, else text"
) -> None:
    """Add the options of the commands that answer to texts; `default` tells which format is taken if none is given."""
    parser.add_argument(
        "texts", nargs="*", metavar="TEXT", help="texts; without any and without --input: standard input"
    )
    parser.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        help=f"texts, or a table: CSV, TSV, JSON, .xlsx, Parquet; at most {MAX_ROW:,} characters a row",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of on standard output")
    shown = ", ".join(formats)
    parser.add_argument(
        "--format",
        choices=formats,
        metavar="NAME",
        help=f"{shown} (default: {default})",
    )
    parser.add_argument(
        "--text-column", metavar="NAME", help="column of the text in a table (default: found out, and said)"
    )
    parser.add_argument("--columns", metavar="A,B,…", help="columns of the table that is written (default: all)")
    parser.add_argument(
        "--document",
        choices=DOCUMENTS,
        default=AUTO,
        metavar="NAME",
        help="one text in plain text: line, paragraph, file (default: auto: found out)",
    )
    others = [
        parser.add_argument(
            "--line-numbers", action="store_true", help="the number of its line or row before each answer"
        ),
        parser.add_argument("--strict", action="store_true", help="stop at the first row that cannot be answered"),
        *add_reading_arguments(parser),
    ]
    for action in others:
        advanced(action)


def add_reading_arguments(parser: OneLineParser) -> list[argparse.Action]:
    """Add what may be said of a file to read."""
    return [
        parser.add_argument(
            "--encoding",
            default=AUTO,
            metavar="NAME",
            help="encoding of the file: utf-8, cp1252, … (default: found out)",
        ),
        parser.add_argument(
            "--no-header",
            dest="header",
            action="store_false",
            help="the first line of a table is a row; columns are 1, 2, …",
        ),
    ]


OF_FILES = {  # options that tell how a file or standard input is read, and their defaults
    "text_column": None, "tokens_column": None, "tags_column": None, "input_format": AUTO, "document": AUTO,
    "encoding": AUTO, "header": True,
}  # fmt: skip


def check_nothing_is_read(arguments: argparse.Namespace, instead: str) -> None:
    """Refuse options for files where no file is read.

    Args:
        arguments: of the command.
        instead: what would do.
    Raises:
        InputError: the option.
    """
    for name, default in OF_FILES.items():
        value = getattr(arguments, f"setting:{name}", getattr(arguments, name, default))
        if value != default:
            raise InputError(f"{as_option(name, value)}: tells how a file is read; leave it out, or {instead}")


WRITTEN = ("output", "output_dir", "report")  # options that name a place to write


def paths_read(arguments: argparse.Namespace) -> list[Path]:
    """The files and folders that a command was given to read."""
    given = {name: value for name, value in vars(arguments).items() if name not in WRITTEN}
    values = itertools.chain.from_iterable(value if isinstance(value, list) else [value] for value in given.values())
    return [value for value in values if isinstance(value, Path)]


def check_train_arguments(arguments: argparse.Namespace) -> None:
    """Find files that cannot be read before anything slow is imported."""
    for path in filter(None, (arguments.train, arguments.validation)):
        check_data(path)


def check_evaluate_arguments(arguments: argparse.Namespace) -> None:
    """Find what is wrong with the files before the model is loaded."""
    for path in filter(None, (arguments.test, arguments.train)):
        check_data(path)
    if arguments.report:
        check_report_place(arguments.report, paths_read(arguments))
    if arguments.save:
        check_not_inside(arguments.model.resolve(), "--model, or leave out --save")
        check_writable(arguments.model.resolve(), "--model, or leave out --save")


@contextmanager
def claim_for_scores(arguments: argparse.Namespace) -> Iterator[None]:
    """Check the files of an `evaluate` command, and reserve the places that it will write to: report and bundle."""
    check_evaluate_arguments(arguments)
    report = arguments.report / REPORT_FILE if arguments.report else None
    with claim_all([report, arguments.model if arguments.save else None]):
        yield
