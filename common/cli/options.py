"""What the commands of the three tasks share: their common options, texts in, answers out."""

from __future__ import annotations

import argparse
import errno
import gzip
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from math import inf, isfinite
from pathlib import Path
from typing import IO, Any, TypeVar

from common.errors import ForPeople, InputError, show
from common.evaluation.metrics import finite
from common.inference.engine import ENGINES, num_cores
from common.output import (
    REPORT_FILE,
    check_file_place,
    check_not_inside,
    check_not_read,
    check_report_place,
    claim,
    claim_all,
    kind_of,
    replace_file,
    resolve,
)
from common.parallel import map_ahead
from common.progress import say
from common.settings import as_option
from common.text.readers import MAX_ROW, BadRow, check_file, check_writable, read_texts

Answer = TypeVar("Answer")
ROOT = Path(__file__).resolve().parents[2]
MOST_REPORTED = 1000  # rows that are left out, one by one
TEXTS_AT_ONCE, CHARACTERS_AT_ONCE = 256, MAX_ROW


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options every `train` has."""
    parser.add_argument(
        "--train", type=Path, required=True, metavar="FILE", help=f"training data; at most {MAX_ROW:,} characters a row"
    )
    parser.add_argument("--validation", type=Path, metavar="FILE", help="validation data; else cut from --train")
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR", help="folder for the bundle")
    parser.add_argument("--overwrite", action="store_true", help="replace the model that --output-dir holds")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument(
        "--about-data", default="", metavar="TEXT", help="source and licence of the data, for the model card"
    )


def pretrained_folder(task: str, name: str) -> Path:
    """Where a bundle that comes with the project lies."""
    return ROOT / "pretrained_model" / task / name


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
    default = pretrained_folder(task, name)
    shown = default.relative_to(ROOT).as_posix()
    parser.add_argument("--model", type=Path, default=default, metavar="DIR", help=f"a bundle (default: {shown})")
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


def add_text_arguments(parser: argparse.ArgumentParser, formats: tuple[str, ...] = ()) -> None:
    """Add the options of the commands that answer to texts."""
    parser.add_argument(
        "texts", nargs="*", metavar="TEXT", help="texts; without any and without --input: standard input"
    )
    parser.add_argument(
        "--input",
        type=Path,
        metavar="FILE",
        help=f"a text a line, or a .csv, .tsv or .jsonl file; at most {MAX_ROW:,} characters a row",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of on standard output")
    parser.add_argument("--strict", action="store_true", help="stop at the first bad row instead of leaving it out")
    if formats:
        parser.add_argument("--format", choices=formats, default=formats[0], help=f"(default: {formats[0]})")


WRITTEN = ("output", "output_dir", "report")  # options that name a place to write


def paths_read(arguments: argparse.Namespace) -> list[Path]:
    """The files and folders that a command was given to read."""
    given = {name: value for name, value in vars(arguments).items() if name not in WRITTEN}
    values = itertools.chain.from_iterable(value if isinstance(value, list) else [value] for value in given.values())
    return [value for value in values if isinstance(value, Path)]


def open_texts(arguments: argparse.Namespace, items: Iterable[Any] | None = None) -> Iterator[Any]:
    """Find what is wrong with the options before the model is loaded, and open what is to be answered, once.

    Args:
        arguments: of the command.
        items: what is read from `--input`, if not texts.
    Returns:
        What `answer_all` takes; of a file the first row has been read.
    """
    if arguments.texts and arguments.input:
        raise InputError("TEXT and --input exclude each other; give one of them")
    if arguments.output:
        check_file_place(arguments.output, paths_read(arguments))
    rows = iter(given_texts(arguments) if items is None else items)
    first = [*itertools.islice(rows, 1)] if arguments.input else []
    return itertools.chain(first, rows)


def given_texts(arguments: argparse.Namespace) -> Iterable[tuple[str, str] | BadRow]:
    """The texts of the command line, of `--input`, or of standard input, each with its place."""
    if arguments.texts:
        for number, text in enumerate(arguments.texts, 1):
            place = f"text {number}"
            yield (place, text) if text.strip() else BadRow(f"{place}: empty text; write something there")
        return
    if is_interactive(arguments):
        say("Type a text and press Enter; Ctrl-D ends.")
    yield from read_texts(arguments.input, getattr(arguments, "text_column", "text"))


def is_interactive(arguments: argparse.Namespace) -> bool:
    """Whether somebody types the texts."""
    return not arguments.texts and arguments.input is None and sys.stdin is not None and sys.stdin.isatty()


def answer_all(
    arguments: argparse.Namespace,
    answer: Callable[[list[Any]], list[Answer]],
    items: Iterable[tuple[str, Any] | BadRow],
    at_once: int = TEXTS_AT_ONCE,
    size: Callable[[Any], int] = len,
) -> Iterator[tuple[str, Any, Answer]]:
    """Answer texts in their order, some hundred at a time, however many there are.

    A bad row is reported on standard error and left out; with `--strict` it ends the command.

    Args:
        arguments: of the command.
        answer: takes some texts and gives an answer to each.
        items: what to answer, each with its place, of `open_texts`.
        at_once: how many are answered together, at most.
        size: the characters of one, about; long ones are answered in smaller groups.
    Yields:
        The place of the text, the text, its answer.
    """
    interactive = is_interactive(arguments)
    num_bad = num_answered = 0

    def chunks() -> Iterator[list[tuple[str, Any]]]:
        nonlocal num_bad
        for chunk in _chunks(items, 1 if interactive else at_once, size):
            for item in chunk:
                if isinstance(item, BadRow):
                    if arguments.strict:
                        raise InputError(item.message)
                    num_bad += 1
                    if num_bad <= MOST_REPORTED:
                        say(f"left out: {item.message}")
                    elif num_bad == MOST_REPORTED + 1:
                        say("further rows that are left out are only counted")
            yield [item for item in chunk if not isinstance(item, BadRow)]

    def answer_chunk(chunk: list[tuple[str, Any]]) -> list[tuple[str, Any, Answer]]:
        results = answer([text for _, text in chunk])
        return [(*item, result) for item, result in zip(chunk, results, strict=True)]

    # Of a file, while some are answered, the next are read and the last are written. Who types, or feeds a pipe, may
    # wait for the answers before going on.
    is_file = arguments.input is not None and arguments.input.is_file()
    for answers in map_ahead(answer_chunk, chunks()) if is_file else map(answer_chunk, chunks()):
        yield from answers
        num_answered += len(answers)
    if num_bad:
        say(f"{num_bad:,} of {num_bad + num_answered:,} rows left out")
    if not num_bad + num_answered:
        raise InputError("no text given; write one after the command, or use --input")
    if not num_answered:
        raise InputError(f"none of the {num_bad:,} rows could be answered; see above what is wrong with them")


def _chunks(items: Iterable[Any], at_once: int, size: Callable[[Any], int]) -> Iterator[list[Any]]:
    """Put items together, so many, or fewer where they are long."""
    chunk: list[Any] = []
    num_characters = 0
    for item in items:
        chunk.append(item)
        num_characters += 0 if isinstance(item, BadRow) else size(item[1])
        if len(chunk) == at_once or num_characters > CHARACTERS_AT_ONCE:
            yield chunk
            chunk, num_characters = [], 0
    if chunk:
        yield chunk


@contextmanager
def open_output(path: Path | None, for_people: bool = False) -> Iterator[IO[str]]:
    """Open where answers go; `.gz` is compressed. A file appears under its name only when it is complete.

    Args:
        path: the file, or a pipe; None: standard output.
        for_people: whether the answers are lines to read rather than data; their control characters are not shown.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="backslashreplace")
        yield ForPeople(sys.stdout) if for_people or sys.stdout.isatty() else sys.stdout  # type: ignore[misc]
        return
    if kind_of(resolve(path)) in ("FIFO", "device"):  # nothing to replace
        with _open_stream(path) as file:
            yield file
        return
    with replace_file(path, "wb") as binary, ExitStack() as stack:
        content = (
            stack.enter_context(gzip.GzipFile("", "wb", fileobj=binary, mtime=0)) if path.suffix == ".gz" else binary
        )
        file = io.TextIOWrapper(content, encoding="utf-8", errors="replace", newline="")
        try:
            yield file
        finally:
            file.detach()  # what lies below is closed by those who opened it


def _open_stream(path: Path) -> IO[str]:
    """Open a pipe or `/dev/stdout` to write; one that nobody reads would never open."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise InputError(f"{path}: nobody reads from it; start the program that reads first, or name a file") from None
    os.set_blocking(descriptor, True)
    return open(descriptor, "w", encoding="utf-8", errors="replace", newline="")


def check_evaluate_arguments(arguments: argparse.Namespace) -> None:
    """Find what is wrong with the files before the model is loaded."""
    for path in filter(None, (arguments.test, arguments.train)):
        check_file(path)
    if arguments.report:
        check_report_place(arguments.report, paths_read(arguments))
    if arguments.save:
        check_not_inside(arguments.model.resolve(), "--model, or leave out --save")
        check_writable(arguments.model.resolve(), "--model, or leave out --save")


def claim_for_training(arguments: argparse.Namespace) -> AbstractContextManager[Any]:
    """Reserve the place of the bundle that a `train` command will write, if it reads no data from there.

    Raises:
        InputError: it does, or another run has reserved the place.
    """
    data = [path for path in paths_read(arguments) if path != arguments.config]
    check_not_read(arguments.output_dir, data)
    return claim(arguments.output_dir)


def claim_for_scores(arguments: argparse.Namespace) -> AbstractContextManager[None]:
    """Reserve the places that an `evaluate` command will write to: the report, the bundle."""
    report = arguments.report / REPORT_FILE if arguments.report else None
    return claim_all([report, arguments.model if arguments.save else None])


def show_scores(
    arguments: argparse.Namespace,
    result: dict[str, Any],
    rows: Sequence[Sequence[str]],
    counted: str,
    sections: Callable[[], list[tuple[str, str]]],
) -> None:
    """Print the scores as a table or as one JSON object, and write the report if one is wanted.

    Args:
        arguments: of the command.
        result: what `--json` prints; gets the path of the report.
        rows: the table, of `score_rows`.
        counted: what was scored, in words.
        sections: makes the pieces of the report.
    """
    from common.evaluation.report import text_table, write_report

    if arguments.report:
        title = f"{Path(arguments.model).name} on {arguments.test.name}"
        result["report"] = str(write_report(arguments.report, title, sections()))
    if arguments.json:
        print(json.dumps(finite(result)))
        return
    show(text_table(rows))
    show(f"{counted}; in brackets: 95% bootstrap intervals")
    if not arguments.train:
        show("no baseline: give the training data with --train")


def save_scores(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    task: str,
    config: Any,
    result: dict[str, Any],
    names: tuple[str, ...],
) -> None:
    """Keep the scores of a test file, and the command that gave them, in a bundle, and show them in its model card."""
    from common.bundles.bundle import METRICS_FILE, open_bundle, update_bundle
    from common.bundles.model_card import make_card

    bundle = open_bundle(arguments.model, task)
    scores = {name: value for name, value in result.items() if name != "report"}
    scores["command"] = shown_command(parser, arguments)
    metrics = {**bundle.read_json(METRICS_FILE), "test": finite(scores)}
    update_bundle(bundle, metrics, make_card(bundle.manifest, config, metrics, names, result["weaknesses"]))
    say(f"scores kept in {arguments.model}")


def shown_command(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """Write an `evaluate` command with the options that its scores depend on, and files without their folders."""
    words = [parser.prog, "--model DIR"]
    for name, value in vars(arguments).items():
        if name in ("model", "threads", "report", "json", "save") or value == parser.get_default(name):
            continue
        shown = value.name if isinstance(value, Path) else value
        words.append(as_option(name.removeprefix("setting:"), shown))
    return " ".join([*words, "--save"])
