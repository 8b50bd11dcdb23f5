"""A corpus on two workers of every engine: rate against one process, memory, and kill -9 at random moments.

    python -m benchmarks.corpus --data reviews.csv.gz --texts 1000000 --work DIR
    python -m benchmarks.corpus --data reviews.csv.gz --texts 1000000 --work DIR --kills 10 --seed 1

The texts are runs of 5 to 10 words out of the texts of a table, again and again. Without `--kills` the command runs
with one worker, then with each engine, in turn; every output is compared with that of one worker, byte by byte. With
`--kills` each run is disturbed: a worker or the driver, drawn at random, gets SIGKILL; a driver is started again; at
the end the parts are compared with those of an undisturbed run, and all texts are counted. An engine that is not
installed is left out.
"""

from __future__ import annotations

import argparse
import csv
import filecmp
import importlib.util
import itertools
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas

from common.cli.flags import make_parser
from common.cli.options import number
from common.cli.run import run_command
from common.errors import InputError
from common.evaluation.report import text_table
from common.progress import say

ROOT = Path(__file__).resolve().parent.parent
FEWEST, MOST = 5, 10  # words of a text
ENGINES = {"local": None, "spark": "pyspark", "ray": "ray"}
# What the command lines of processes begin with, or hold, that have the model.
WORKERS = {"local": "multiprocessing.spawn import spawn_main", "spark": "pyspark.daemon", "ray": "ray::_Actor"}
SECONDS_BETWEEN_LOOKS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")  # a second
ONE = "one process"
SECONDS_BETWEEN_KILLS = (8.0, 30.0)


def make_corpus(data: Path, num_texts: int, path: Path) -> None:
    """Write a table of short texts."""
    frame = pandas.read_csv(data)
    column = max(frame.columns, key=lambda name: frame[name].astype(str).str.len().mean())
    rng = random.Random(1)
    words = [text.split() for text in frame[column].dropna().sample(min(20_000, len(frame)), random_state=1)]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "text"])
        for place, text in zip(range(num_texts), itertools.cycle(words), strict=False):
            length = rng.randint(FEWEST, MOST)
            start = rng.randrange(max(1, len(text) - length))
            writer.writerow([place, " ".join(text[start : start + length])])


@dataclass(frozen=True)
class Process:
    """A process of a run: peak of its resident memory, in megabytes; processor seconds that it has used."""

    number: int
    parent: int
    command: str
    megabytes: float
    seconds: float


def processes() -> list[Process]:
    """The processes of this machine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            numbers = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            status = (folder / "status").read_text()
        except (OSError, ValueError):  # it has just ended
            continue
        peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
        seconds = (int(numbers[11]) + int(numbers[12])) / TICKS
        found.append(Process(int(folder.name), int(numbers[1]), command, int(peak) / 1024, seconds))
    return found


def processes_below(root: int) -> list[Process]:
    """The processes that a process has started, and those that they have."""
    found = processes()
    below: set[int] = set()
    wanted = {root}
    while wanted:
        wanted = {each.number for each in found if each.parent in wanted} - below
        below |= wanted
    return [each for each in found if each.number in below]


def workers_of(engine: str, root: int) -> list[Process]:
    """The processes of a run that have the model; Spark's daemon only makes them."""
    found = [each for each in processes_below(root) if WORKERS[engine] in each.command]
    return [each for each in found if engine != "spark" or each.parent in {other.number for other in found}]


class Run:
    """The command on a corpus, as a process."""

    def __init__(self, engine: str, num_workers: int, corpus: Path, output: Path, shard_mb: float) -> None:
        self.engine, self.num_workers = engine, num_workers
        command = [sys.executable, "-m", "scaling.corpus", "rate", "--input", str(corpus), "--output", str(output)]
        command += ["--engine", engine, "--workers", str(num_workers), "--json", "--shard-mb", str(shard_mb)]
        self.start = time.perf_counter()
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.peaks: dict[int, float] = {}  # of workers
        self.used: dict[int, float] = {}  # processor seconds of every process

    def workers(self) -> list[Process]:
        """The processes that have the model; one worker is the driver itself."""
        found = workers_of(self.engine, self.process.pid)
        return found if self.num_workers > 1 else self.driver()

    def driver(self) -> list[Process]:
        """The process itself, if it runs."""
        return [each for each in processes() if each.number == self.process.pid]

    def is_running(self) -> bool:
        """Whether it runs; looks at what its processes have used."""
        for each in [*processes_below(self.process.pid), *self.driver()]:
            self.used[each.number] = each.seconds
        for worker in self.workers():
            self.peaks[worker.number] = max(self.peaks.get(worker.number, 0.0), worker.megabytes)
        return self.process.poll() is None

    def result(self) -> tuple[float, dict]:
        """Seconds, and the summary.

        Raises:
            InputError: it has failed.
        """
        output, said = self.process.communicate()
        seconds = time.perf_counter() - self.start
        if self.process.returncode:
            raise InputError(f"{self.engine}: status {self.process.returncode}: {said.strip()[-200:]}")
        return seconds, json.loads(output)


def compare(folder: Path, wanted: Path) -> str:
    """How the parts in two folders differ; "" if they do not."""
    names, others = ({path.name for path in each.glob("part-*")} for each in (folder, wanted))
    left = [path.name for path in folder.rglob(".*")]
    if names != others or left:
        return f"other files: {sorted(names ^ others)[:3]} {left[:3]}"
    _, different, errors = filecmp.cmpfiles(folder, wanted, sorted(names), shallow=False)
    return f"other bytes: {[*different, *errors][:3]}" if different or errors else ""


def check_texts(folder: Path, num_texts: int) -> None:
    """Make sure that every text is there once, in its order.

    Raises:
        InputError: one is missing, or there twice.
    """
    wanted = 0
    for path in sorted(folder.glob("part-*")):
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if int(row["id"]) != wanted:
                    raise InputError(f"{path}: found text {row['id']}, wanted {wanted}")
                wanted += 1
    if wanted != num_texts:
        raise InputError(f"{folder}: {wanted:,} texts, wanted {num_texts:,}")


def measure(engines: Sequence[str], corpus: Path, arguments: argparse.Namespace) -> list[list[str]]:
    """Run one worker and each engine in turn; rows of a table."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(arguments.repeats):
        for name in (ONE, *engines):
            taken, used, peak = run_once(name, corpus, arguments)
            found.setdefault(name, []).append((taken, used, peak))
            say(f"{name}: {taken:.1f} s, {used:.1f} processor seconds, {peak:,.0f} MB a worker")
    middle = {name: [statistics.median(values) for values in zip(*runs, strict=True)] for name, runs in found.items()}
    rows = [["run", "seconds", "texts/s", "times one process", "processor seconds", "MB a worker"]]
    for name, (taken, used, peak) in middle.items():
        rate, ratio = arguments.texts / taken, middle[ONE][0] / taken
        rows.append([name, f"{taken:.1f}", f"{rate:,.0f}", f"{ratio:.2f}", f"{used:.1f}", f"{peak:,.0f}"])
    return rows


def run_once(name: str, corpus: Path, arguments: argparse.Namespace) -> tuple[float, float, float]:
    """Run an engine, or one process; the seconds, the processor seconds, and the megabytes of its largest worker.

    Raises:
        InputError: the parts are not those of one process.
    """
    output, whole = arguments.work / "out", arguments.work / "whole"
    shutil.rmtree(output, ignore_errors=True)
    run = Run(
        "local" if name == ONE else name, 1 if name == ONE else arguments.workers, corpus, output, arguments.shard_mb
    )
    while run.is_running():
        time.sleep(SECONDS_BETWEEN_LOOKS)
    taken, _ = run.result()
    if not whole.exists():
        output.rename(whole)
        check_texts(whole, arguments.texts)
    elif difference := compare(output, whole):
        raise InputError(f"{name}: {difference}")
    return taken, sum(run.used.values()), max(run.peaks.values(), default=0.0)


def disturb(engine: str, corpus: Path, arguments: argparse.Namespace) -> list[str]:
    """Kill workers and drivers at random moments until it has been done often enough, and let the run end."""
    rng, output = random.Random(arguments.seed), arguments.work / f"killed-{engine}"
    shutil.rmtree(output, ignore_errors=True)
    plan = [(rng.uniform(*SECONDS_BETWEEN_KILLS), rng.choice(["worker", "driver"])) for _ in range(arguments.kills)]
    run, num_starts, start = Run(engine, arguments.workers, corpus, output, arguments.shard_mb), 1, time.perf_counter()
    num_killed, last = Counter[str](), start
    while run.is_running() or run.process.returncode != 0:
        if not run.is_running():
            run.process.communicate()
            run = Run(engine, arguments.workers, corpus, output, arguments.shard_mb)
            num_starts += 1
        done = num_killed.total()
        if done < len(plan) and time.perf_counter() - last > plan[done][0]:
            who = plan[done][1]
            victims = [run.process.pid] if who == "driver" else [each.number for each in run.workers()]
            if victims:  # else workers have not begun
                os.kill(rng.choice(victims), signal.SIGKILL)
                num_killed[who] += 1
                last = time.perf_counter()
                say(f"{engine}: killed a {who}, {len([*output.glob('part-*')])} parts there")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    run.result()
    if difference := compare(output, arguments.work / "whole"):
        raise InputError(f"{engine}: {difference}")
    check_texts(output, arguments.texts)
    numbers = [num_killed["worker"], num_killed["driver"], num_starts, round(time.perf_counter() - start)]
    return [engine, *map(str, numbers), "equal, none missing, none twice"]


def undisturbed(corpus: Path, arguments: argparse.Namespace) -> None:
    """The parts of a run that nobody disturbs, if they are not there."""
    whole = arguments.work / "whole"
    if not whole.exists():
        run = Run("local", arguments.workers, corpus, whole, arguments.shard_mb)
        run.result()
        check_texts(whole, arguments.texts)


def installed(names: Sequence[str]) -> Iterator[str]:
    """Those engines whose package is there; of the others a line tells."""
    for name in names:
        package = ENGINES[name]
        if package is None or importlib.util.find_spec(package):
            yield name
        else:
            say(f"{name}: left out, {package} is not installed")


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m benchmarks.corpus`"""
    parser = make_parser("benchmarks.corpus", __doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="table with texts to take words from")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the corpus and its parts")
    parser.add_argument(
        "--texts", type=number(int, 1), default=1_000_000, metavar="N", help="short texts (default: %(default)s)"
    )
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=[*ENGINES], help="default: all")
    parser.add_argument(
        "--workers", type=number(int, 1), default=2, metavar="N", help="processes (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=number(int, 1), default=1, metavar="N", help="turns (default: %(default)s)")
    parser.add_argument(
        "--kills", type=number(int, 0), default=0, metavar="N", help="kills of each engine; 0 = measure rates"
    )
    parser.add_argument(
        "--shard-mb", type=number(float, 0.001), default=1.0, metavar="N", help="of a part (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the moments and victims (default: %(default)s)")
    arguments = parser.parse_args(argv)
    arguments.work.mkdir(parents=True, exist_ok=True)
    corpus = arguments.work / f"texts-{arguments.texts}.csv"
    if not corpus.exists():
        make_corpus(arguments.data, arguments.texts, corpus)
    engines = list(installed(arguments.engines))
    if arguments.kills:
        undisturbed(corpus, arguments)
        rows = [["engine", "workers killed", "drivers killed", "starts", "seconds", "parts"]]
        rows += [disturb(engine, corpus, arguments) for engine in engines]
    else:
        rows = measure(engines, corpus, arguments)
    print(text_table(rows))


if __name__ == "__main__":
    run_command(main)
