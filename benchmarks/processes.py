"""Training in several processes beside one: the scores with dropout, for three seeds, and the time of an epoch.

    python -m benchmarks.processes [--tasks NAME …] [--seeds N]

The samples of the repository, JAX, from scratch, dropout and all else as `--preset sample` has it; one process on all
cores and two processes with half of the cores each, in turn. The time of an epoch is the median over all seeds and all
epochs but the first ones, in which XLA compiles. The weights without dropout are compared by
`tests/common/training/test_processes.py`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common.cli.run import run_command
from common.errors import InputError
from common.evaluation.metrics import format_score
from common.evaluation.report import markdown_table
from common.progress import say
from tuning.runs import Run, find_runs
from tuning.tasks import TASKS

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = {"sentiment": "csv", "language_model": "csv", "pos_tagging": "conllu"}
WAYS: Mapping[str, int] = {"one process": 1, "two processes": 2}
NUM_COMPILING = 2  # epochs


def train(task: str, way: str, seed: int, folder: Path) -> Run:
    """Train on the sample of a task.

    Raises:
        InputError: the run failed.
    """
    sample, bundle = ROOT / task / "dataset" / f"train.{ENDINGS[task]}", folder / f"{task}-{way}-{seed}"
    options = {"train": sample, "output-dir": bundle, "start": "scratch", "backend": "jax", "processes": WAYS[way]}
    words = [f"--{name}={value}" for name, value in {**options, "seed": seed, "preset": "sample"}.items()]
    command = [sys.executable, "-m", "rnn_language", task, "train", *words, "--overwrite"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise InputError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    return find_runs(bundle)[0]


def row(task: str, way: str, runs: Sequence[Run], usual: float | None = None) -> list[str]:
    """A row of the table: the score of each seed, and the time of an epoch beside another."""
    name = TASKS[task].score
    mean = {name: statistics.mean(run.scores[name] for run in runs)}
    time = epoch_seconds(runs)
    shown = [", ".join(format_score(name, run.scores) for run in runs), format_score(name, mean)]
    return [task, way, *shown, f"{time:.2f}", f"{time / (usual or time):.2f}"]


def epoch_seconds(runs: Sequence[Run]) -> float:
    """The median time of an epoch."""
    return statistics.median(each["seconds"] for run in runs for each in run.history[NUM_COMPILING:])


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and print a row for each task and way as it is done."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.processes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=ENDINGS, default=list(ENDINGS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 to N (default: 3)")
    arguments = parser.parse_args(argv)
    rows = []
    with TemporaryDirectory(prefix="processes-") as folder:
        for task in arguments.tasks:
            runs: dict[str, list[Run]] = {way: [] for way in WAYS}
            for seed in range(1, arguments.seeds + 1):
                for way, done in runs.items():
                    done.append(train(task, way, seed, Path(folder)))
                    say(f"{task}, seed {seed}, {way}: {done[-1].scores}")
            rows += [row(task, way, done, epoch_seconds(runs["one process"])) for way, done in runs.items()]
    head = ["task", "way", "validation score of each seed", "mean", "seconds an epoch", "ratio"]
    print(markdown_table([head, *rows]))


if __name__ == "__main__":
    run_command(main)
