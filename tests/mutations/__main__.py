"""Mutation testing: make small mistakes in the code, at random, and see whether the tests notice.

    python -m tests.mutations --count 40 --seed 1
    python -m tests.mutations --seed 1 --only 17
    python -m tests.mutations --count 20 --modules 'serving/*' --quick

Modules of common, the tasks and the recipes are drawn, two mutations of each, or more of fewer modules. The tests of a
module run first, then those of its task or room; the slow ones do not. A mutation that no test notices survives: a test
is missing, or the code makes no difference there. A test that fails without the mutation, too, does not count.
(DeMillo, Lipton & Sayward 1978, "Hints on Test Data Selection".)
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from tests.mutations.belonging import modules
from tests.mutations.places import draw
from tests.mutations.running import Outcome, import_slow, try_all

ROOT = Path(__file__).resolve().parent.parent.parent
ONE_THREAD = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
WIDTH = 60


def row(outcome: Outcome) -> str:
    """One row of the table."""
    mutation = outcome.mutation
    changed = " -> ".join(f"`{_short(text)}`" for text in (mutation.before, mutation.after))
    fate = f"{outcome.killed_by.removeprefix('tests/') or '**survived**'} {outcome.doubt}"
    where = f"{mutation.path.as_posix()}:{mutation.line}"
    return f"| {outcome.number} | {where} | {changed} | {fate} | {outcome.seconds:.0f} |"


def _short(text: str) -> str:
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def main(argv: Sequence[str] | None = None) -> int:
    """Try the mutations, print a row for each as it ends; the exit status is 1 if more than 15% survive."""
    parser = argparse.ArgumentParser(
        "python -m tests.mutations", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=40, metavar="N", help="mutations (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="modules and places are drawn from it")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="these alone; keep what pytest printed")
    parser.add_argument("--modules", default="*", metavar="GLOB", help="draw from these alone (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="mutations at a time (default: 2)")
    parser.add_argument("--quick", action="store_true", help="only the tests that are about a module itself")
    parser.add_argument("--list", action="store_true", help="show the mutations, try none")
    arguments = parser.parse_args(argv)
    files = [path for path in modules(ROOT) if fnmatchcase(path.as_posix(), arguments.modules)]
    if not files:
        parser.error(f"--modules: found {arguments.modules!r}, which no module matches; write 'serving/*'")
    drawn = draw(files, ROOT, arguments.count, arguments.seed, each=max(2, -(-arguments.count // len(files))))
    wanted = [(number, each) for number, each in enumerate(drawn, 1) if number in (arguments.only or [number])]
    if arguments.list:
        print("\n".join(row(Outcome(number, mutation)) for number, mutation in wanted))
        return 0
    os.nice(5)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    import_slow()
    print("| | place | mutation | noticed by | seconds |\n| ---: | --- | --- | --- | ---: |", flush=True)
    folder = tempfile.mkdtemp(prefix="mutations-") if arguments.only else None
    with tempfile.TemporaryDirectory(prefix="mutations-", ignore_cleanup_errors=True) as work:
        outcomes = []
        for outcome in try_all(wanted, ROOT, Path(folder or work).resolve(), arguments.jobs, arguments.quick):
            outcomes.append(outcome)
            print(row(outcome), flush=True)
    if folder:
        print(f"what pytest printed: {folder}/job*/*.log", file=sys.stderr)
    killed = sum(bool(outcome.killed_by) for outcome in outcomes)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{killed} of {len(outcomes)} noticed ({killed / len(outcomes):.0%}); seed {arguments.seed}, ", end="")
    print(f"{used.ru_utime + used.ru_stime:.0f} processor seconds")
    return int(killed < 0.85 * len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
