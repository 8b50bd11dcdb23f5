"""What a user would pick instead, on the same rows and words: how good, how fast, how large.

    python -m benchmarks.peers --task sentiment --data ../shared/data
    python -m benchmarks.peers --task pos_tagging --data ../shared/data --model ewt brown

sentiment     VADER, TextBlob, AFINN, TF-IDF with ridge regression; on films, reviews of many domains, single sentences
pos_tagging   spaCy's small model, a CRF, an averaged perceptron, a trigram HMM; on gold tokens and on raw text

`--split validation` is for choices. What `--split test` reads is opened once for each reported model: IMDb's test file,
the domains that no model has learned, the snippets that are held out, EWT's test file. Peers are no part of the
project: `pip install -r requirements-bench.txt` brings them, one that is missing is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.timing import benchmark_parser, parse_arguments
from common.cli.options import number

FORMATS = {"r2": "{:.2f}", "spearman": "{:.2f}", "right": "{:.1%}", "tags": "{:.1%}", "coarse_tags": "{:.1%}"}


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = benchmark_parser("benchmarks.peers", __doc__, repeats=5)
    parser.add_argument("--task", choices=("sentiment", "pos_tagging"), required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the data sets")
    parser.add_argument("--model", nargs="+", metavar="NAME", help="models of ours (default: that of the task)")
    parser.add_argument("--split", choices=("validation", "test"), default="validation", help="(default: validation)")
    parser.add_argument(
        "--sample", type=number(int, 2), default=5000, metavar="N", help="most rows of a data set (default 5000)"
    )
    parser.add_argument("--train", type=Path, nargs="+", metavar="FILE", help="treebanks for peers (default: EWT's)")
    arguments = parse_arguments(parser, argv)
    arguments.command += f" --task {arguments.task} --data DIR --split {arguments.split} --sample {arguments.sample}"
    for name in ("model", "train"):
        if values := getattr(arguments, name):
            arguments.command += " ".join([f" --{name}", *(Path(value).name for value in values)])
    return arguments


if __name__ == "__main__":
    read_arguments(None)  # before the slow imports: --help and a wrong option start nothing

from pandas import DataFrame

from benchmarks import peer_ratings, peer_taggers
from benchmarks.timing import describe_run, save_results
from common.cli.run import run_command
from common.errors import show
from common.evaluation.report import text_table
from common.files import check_writable


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, show and write."""
    arguments = read_arguments(argv)
    check_writable(arguments.output_dir, "--output-dir")
    half = peer_ratings if arguments.task == "sentiment" else peer_taggers
    scores, speeds, sizes = half.measure(arguments)
    facts = describe_run(arguments, half.PACKAGES)
    facts["left_out"] = [name for name in half.SYSTEMS if name not in sizes]
    for not_used in ("tensorflow", "keras"):
        facts["versions"].pop(not_used)
    results = {**facts, "split": arguments.split, "scores": scores, "speeds": speeds, "bytes": sizes}
    rows = table_rows(results)
    show(text_table(rows))
    save_results(arguments, f"peers_{arguments.task}", results, rows)


def table_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """A row for each data set and the mean of each group of them, then speed and size; a column for each system."""
    systems = list(results["bytes"])
    names = [name for name in FORMATS if name in results["scores"][0]]
    rows = [[" · ".join(names).replace("_", " "), "number", *systems]]
    for _, group in DataFrame(results["scores"]).groupby("group", sort=False):
        for data, part in group.groupby("data", sort=False):
            rows.append([str(data), f"{part['count'].iloc[0]:,}", *cells(part, names, systems)])
        if group.data.nunique() > 2:
            rows.append([f"mean of {group.group.iloc[0]}", "", *cells(group, names, systems)])
    for (data, unit), part in DataFrame(results["speeds"]).groupby(["data", "unit"], sort=False):
        found = dict(zip(part.system, part.per_second, strict=True))
        rows.append([f"{unit} a second: {data}", "", *(f"{found[system]:,.0f}" for system in systems)])
    return [*rows, ["MB", "", *(f"{results['bytes'][system] / 1e6:.1f}" for system in systems)]]


def cells(figures: DataFrame, names: Sequence[str], systems: Sequence[str]) -> list[str]:
    """The mean scores of each system, side by side."""
    means = figures.groupby("system")[list(names)].mean()
    return [" · ".join(FORMATS[name].format(means[name][system]) for name in names) for system in systems]


if __name__ == "__main__":
    run_command(main)
