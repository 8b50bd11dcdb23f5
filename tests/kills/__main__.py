"""Kill commands that write, at random moments, and see that nothing is lost.

    python -m tests.kills --count 200 --seed 1 --report kills.md
    python -m tests.kills --seed 1 --only 17

After each kill: the old result or the new one is whole, or there is none if there was none; no other file is changed;
and the same command, run again, ends bit for bit as one that was never killed, and leaves nothing behind. The exit
status is 1 if anything of that fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from common.parallel import limit_threads
from tests.kills.harness import CACHE, Expected, Outcome, expect, heaviest, import_all, kill_once, say
from tests.kills.judging import LEFTOVERS
from tests.kills.operations import Operation, Refused, all_operations, make_assets

# Many small processes, one at a time: threads would wait for each other, most of all on a machine that is busy.
COLUMNS = (
    "command",
    "kills",
    "old whole",
    "new whole",
    "absent",
    "broken",
    "found again, of those away",
    "run again: identical",
)
COLUMNS += ("of these resumed", "kills with faults")


def deal(operations: Sequence[Operation]) -> list[Operation]:
    """Lay out which operation each number kills, the same for every count: all soon, each as often as its share."""
    places = [
        ((turn + 0.5) / operation.share, place, operation)
        for place, operation in enumerate(operations)
        for turn in range(operation.share)
    ]
    return [operation for *_, operation in sorted(places, key=lambda each: each[:2])]


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """One row for each command, and one for all, in Markdown."""
    names = list(dict.fromkeys(outcome.operation for outcome in outcomes))
    rows = [_row(name, [outcome for outcome in outcomes if outcome.operation == name]) for name in sorted(names)]
    rows.append(_row("**all**", outcomes))
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [COLUMNS, *rows]]
    return [lines[0], "| --- |" + " ---: |" * (len(COLUMNS) - 1), *lines[1:]]


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple:
    states = [outcome.state for outcome in outcomes]
    return (
        name,
        len(outcomes),
        *(states.count(state) for state in ("old", "new", "absent", "broken")),
        f"{sum(bool(outcome.repaired) for outcome in outcomes)} of {sum(outcome.lost for outcome in outcomes)}",
        sum(outcome.identical for outcome in outcomes),
        sum(outcome.identical and outcome.resumed for outcome in outcomes),
        sum(bool(outcome.faults) for outcome in outcomes),
    )


def fault_list(outcomes: Sequence[Outcome]) -> list[str]:
    """Each kind of fault, how often it was found, and in which kills."""
    numbers: dict[str, list[int]] = {}
    for outcome in outcomes:
        for fault in outcome.faults:
            kind = re.sub(r"(-)[a-z0-9_]{8}\b", r"\1…", fault)  # names that `tempfile` makes
            numbers.setdefault(kind, []).append(outcome.number)
    shown = sorted(numbers.items(), key=lambda item: -len(item[1]))
    return [f"- {len(kills)} x {kind} (kills {', '.join(map(str, kills[:12]))})" for kind, kills in shown]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200, metavar="N", help="kills (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="moments are drawn from it and the kill's number")
    parser.add_argument("--only", type=int, metavar="N", help="kill number N alone, to replay it")
    parser.add_argument("--operations", nargs="+", default=["*"], metavar="PATTERN", help="such as '*train*'")
    parser.add_argument(
        "--leftovers", nargs="+", default=LEFTOVERS, metavar="PATTERN", help=f"default: {' '.join(LEFTOVERS)}"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write table, faults and log there, as Markdown")
    arguments = parser.parse_args(argv)
    chosen = [
        operation
        for operation in all_operations()
        if any(fnmatchcase(operation.name, pattern) for pattern in arguments.operations)
    ]
    if not chosen:
        parser.error("--operations: no command has such a name")
    start = time.monotonic()
    deck = deal(chosen)
    numbers = [arguments.only] if arguments.only else range(1, arguments.count + 1)
    os.environ.update(limit_threads(1))
    import_all(heaviest(chosen))
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        outcomes, unkilled = kill_all(deck, numbers, arguments, Path(folder).resolve())
    faults = [*fault_list(outcomes), *(f"- {reason.splitlines()[0]}" for reason in unkilled)]
    lines = [*table(outcomes), "", *(faults or ["No faults."])]
    patterns = "" if arguments.operations == ["*"] else f" --operations {shlex.join(arguments.operations)}"
    lines += ["", f"{len(outcomes)} kills, {sum(len(outcome.moments) == 2 for outcome in outcomes)} of them twice; "]
    lines[-1] += f"seed {arguments.seed}, {time.monotonic() - start:.0f} s. Kill N alone: "
    lines[-1] += f"`python -m tests.kills --seed {arguments.seed}{patterns} --only N`"
    print("\n".join(lines))
    if arguments.report:
        log = "\n".join(map(str, outcomes))
        arguments.report.write_text("\n".join(lines) + f"\n\n```\n{log}\n```\n", encoding="utf-8")
    return int(any(outcome.faults for outcome in outcomes) or any("FAULT" in reason for reason in unkilled))


def kill_all(
    deck: Sequence[Operation], numbers: Sequence[int], arguments: argparse.Namespace, folder: Path
) -> tuple[list[Outcome], list[str]]:
    """Kill number by number; returns what came of it, and why which commands were not killed."""
    assets, work = folder / "assets", folder / "work"
    assets.mkdir()
    make_assets(assets)
    os.environ["TOKEN_CACHE"] = str(folder / CACHE)  # until there is a working folder: never the user's
    known: dict[str, Expected | None] = {}
    outcomes: list[Outcome] = []
    unkilled: list[str] = []
    for number in numbers:
        operation = deck[(number - 1) % len(deck)]
        if operation.name not in known:
            known[operation.name] = None
            try:
                known[operation.name] = expected = expect(operation, assets, work, arguments.leftovers)
                say(f"     {operation.name}: {expected.seconds:.2f} s, {len(expected.steps)} steps")
            except (Refused, AssertionError) as error:
                word = "left out" if isinstance(error, Refused) else "FAULT, nobody having killed it"
                unkilled.append(f"{operation.name}: {word}: {error}")
                say(f"     {unkilled[-1]}")
        expected = known[operation.name]
        if expected is not None:
            outcomes.append(kill_once(operation, expected, number, arguments.seed, assets, work, arguments.leftovers))
            say(str(outcomes[-1]))
    return outcomes, unkilled


if __name__ == "__main__":
    sys.exit(main())
