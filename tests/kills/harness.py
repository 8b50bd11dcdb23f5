"""One kill: prepare a folder, run a command in it, kill it, judge what is left, run it again, judge that too."""

from __future__ import annotations

import importlib
import os
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.kills.children import WAYS, Ended, Moment, Step, command, run
from tests.kills.judging import LEFTOVERS, Content, differences, leftover_paths, snapshot
from tests.kills.operations import Operation, has_checkpoint, make_old, prepare

SHARES = (25, 40, 20, 15)  # of the ways to kill
CACHE = "tokens"  # the token cache, in the working folder; cold, so that it is killed, too
NUM_TRIES = 20  # moments drawn until one comes before the end of the run
NEAR_RENAMES = 0.4  # share of the steps drawn among those next to a rename of the target
KILLED_TWICE = 0.25  # share of the kills after which the next run is killed, too


@dataclass(frozen=True)
class Expected:
    """What a run does that nobody kills."""

    seconds: float
    steps: Sequence[Step]
    content: Content
    answer: str
    old: Content  # snapshot of what stood at the target before; empty: nothing did
    old_answer: str
    knows_overwrite: bool


@dataclass
class Outcome:
    """What came of one kill."""

    number: int
    operation: str
    moments: list[Moment]  # a second one killed the next run
    state: str = ""  # of the target after the last kill: old, new, absent, lost, broken
    lost: bool = False  # after one of the kills
    repaired: str = ""  # by what a lost target was found again
    resumed: bool = False
    identical: bool = False  # whether the next run ended as one that was never killed
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        notes = [self.state, f"repaired by {self.repaired}" * bool(self.repaired), "resumed" * self.resumed]
        notes += ["then identical" * self.identical, *(f"FAULT {fault}" for fault in self.faults)]
        moments = ", again ".join(map(str, self.moments))
        return f"{self.number:4} {self.operation}, killed {moments}: {'; '.join(filter(None, notes))}"


def import_all(modules: Sequence[str]) -> None:
    """Import what the forked processes need; Keras without its chatter, and before others import it."""
    from common.inference.keras_start import start_keras
    from common.text.tokenization import load_pipeline

    for module in modules:
        start_keras() if module == "keras" else importlib.import_module(module)
    load_pipeline()


@contextmanager
def working_folder(operation: Operation, assets: Path, folder: Path, leftovers: Sequence[str]) -> Iterator[Path]:
    """A prepared folder, with a token cache of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["TOKEN_CACHE"] = str(folder / CACHE)
    prepare(operation, assets, folder, leftovers)
    yield folder
    shutil.rmtree(folder)


def strangers(operation: Operation, folder: Path, leftovers: Sequence[str]) -> Content:
    """All in a working folder that a run must not change: not its target, nor what a killed run may leave."""
    target = folder / operation.target
    without = [target, folder / CACHE, *leftover_paths(target, folder, leftovers)]
    found = snapshot(folder, without)
    for parent in target.relative_to(folder).parents:  # a run may make the folders above its target
        found.pop(parent.as_posix(), None)
    return found


def call_of(operation: Operation, knows_overwrite: bool) -> Callable[[], None]:
    """The command."""
    over = bool(operation.old_arguments) and knows_overwrite
    return command(operation.module, [*operation.arguments, *["--overwrite"] * over])


def call_again(operation: Operation, knows_overwrite: bool, folder: Path) -> Callable[[], None]:
    """The command as a user gives it again after it was killed."""
    target = folder / operation.target
    if operation.refuses and target.exists():  # the user must do this
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    if not operation.trains:
        return call_of(operation, knows_overwrite)
    arguments = [word for word in operation.arguments if word != "--resume"]
    over = (bool(operation.old_arguments) or target.exists()) and knows_overwrite
    return command(operation.module, [*arguments, *["--resume"] * has_checkpoint(target), *["--overwrite"] * over])


def open_target(operation: Operation, folder: Path) -> Ended | None:
    """Open what was written, as users do."""
    return run(operation.opens(folder / operation.target), folder) if operation.opens else None


def expect(operation: Operation, assets: Path, work: Path, leftovers: Sequence[str]) -> Expected:
    """Run a command twice to its end.

    Raises:
        Refused: it never is where it was to be killed.
        AssertionError: it fails, or the two runs differ, so that nothing can be said of a third.
    """
    knows_overwrite = "--overwrite" in run(command(operation.module, ["--help"]), assets).output
    make_old(operation, assets)
    runs = []
    for _ in range(2):  # the second is timed, since the first reads files that nobody has read yet
        with working_folder(operation, assets, work, leftovers) as folder:
            target, before = folder / operation.target, strangers(operation, folder, leftovers)
            old = snapshot(target) if target.exists() else {}
            opened = open_target(operation, folder) if old else None
            ended = run(call_of(operation, knows_overwrite), folder)
            assert ended.status == 0, f"{_failure(ended, folder)}\n{ended.output[-2000:]}"
            changed = differences(before, strangers(operation, folder, leftovers))
            assert not changed, f"changed another file: {', '.join(changed)}"
            left = [path.name for path in leftover_paths(target, folder, leftovers)]
            assert not left, f"left behind: {', '.join(left)}"
            found = open_target(operation, folder)
            assert found is None or found.status == 0, f"the result cannot be opened: {found.output[-2000:]}"
            answer, old_answer = (ended.output if ended else "" for ended in (found, opened))
            runs.append(
                Expected(
                    ended.seconds, ended.steps, operation.content(target), answer, old, old_answer, knows_overwrite
                )
            )
    changed = differences(runs[0].content, runs[1].content)
    assert not changed, f"two runs that nobody killed differ: {', '.join(changed)}"
    assert runs[1].steps, "no step was counted"
    return runs[1]


def draw_moment(rng: random.Random, expected: Expected, target: str, certain: bool) -> Moment:
    """Choose when to kill.

    Args:
        rng: random generator.
        expected: has the steps, and how long they take.
        target: what is written; steps that give it its name, or take it away, are drawn more often.
        certain: choose a moment that comes in every run.
    """
    times = [step.seconds for step in expected.steps]
    numbers = range(len(times))
    way = "step" if certain else rng.choices(WAYS, SHARES)[0]
    if way == "time":
        return Moment(way, seconds=rng.uniform(0, expected.seconds))
    # The token cache is written early, and losing it is no loss; other files are what matters.
    opened = [number for number in numbers if expected.steps[number].event == "open"]
    opened = [number for number in opened if not expected.steps[number].path.startswith(CACHE)] or opened
    if way == "write" and opened:
        return Moment(way, rng.choice(opened), num_bytes=rng.choice([0, int(2 ** rng.uniform(0, 16))]))
    renames = [number for number in numbers if target in expected.steps[number].path.split(" -> ")]
    near = [number for number in numbers if any(abs(number - rename) <= 1 for rename in renames)]
    step = rng.choice(near if near and rng.random() < NEAR_RENAMES else numbers)
    if way != "between":
        return Moment("step", step)
    return Moment(way, step, seconds=rng.uniform(0, [*times, max(expected.seconds, times[-1])][step + 1] - times[step]))


def state_of(operation: Operation, folder: Path, expected: Expected) -> tuple[str, str]:
    """What stands at the target: old, new, absent, lost (absent, though something stood there) or broken, and why."""
    target = folder / operation.target
    if not os.path.lexists(target):
        return ("lost", "") if expected.old else ("absent", "")
    if expected.old and snapshot(target) == expected.old:
        return "old", ""
    try:
        changed = differences(expected.content, operation.content(target))
    except Exception as error:  # whatever reading half a file gives
        return "broken", f"{type(error).__name__}: {error}"
    return ("broken", ", ".join(changed)) if changed else ("new", "")


def kill_once(
    operation: Operation,
    expected: Expected,
    number: int,
    seed: int,
    assets: Path,
    work: Path,
    leftovers: Sequence[str] = LEFTOVERS,
) -> Outcome:
    """Kill a command at a moment drawn from (seed, number); see that nothing was lost, and run it again."""
    rng = random.Random(f"{seed} {number}")
    for tried in range(NUM_TRIES):
        moment = draw_moment(rng, expected, operation.target, certain=tried == NUM_TRIES - 1)
        outcome = Outcome(number, operation.name, [moment])
        with working_folder(operation, assets, work, leftovers) as folder:
            before = strangers(operation, folder, leftovers)
            ended = run(call_of(operation, expected.knows_overwrite), folder, moment)
            if ended.status == 0:
                continue  # over before its time came
            if not ended.killed:
                outcome.faults.append(f"not killed, but {_failure(ended, folder)}")
                return outcome
            judge_killed(operation, expected, folder, before, outcome, rng.random() < 0.5, leftovers)
            twice = rng.random() < KILLED_TWICE and not outcome.faults
            second = draw_moment(rng, expected, operation.target, certain=False) if twice else None
            run_again(operation, expected, folder, before, outcome, leftovers, second)
            return outcome
    outcome.faults.append("no moment came before the end of the run")
    return outcome


def judge_killed(
    operation: Operation,
    expected: Expected,
    folder: Path,
    before: Content,
    outcome: Outcome,
    repair_by_opening: bool,
    leftovers: Sequence[str],
) -> None:
    """Judge what a killed run has left; a lost target is opened, or left for the next run to find again."""
    outcome.state, why = state_of(operation, folder, expected)
    outcome.lost |= outcome.state == "lost"
    outcome.faults += [f"another file: {each}" for each in differences(before, strangers(operation, folder, leftovers))]
    if outcome.state == "broken":
        outcome.faults.append(f"broken target: {why}")
        return
    if outcome.state == "lost" and not operation.opens:
        outcome.faults.append("lost target: the old file is gone, the new one is not there")
        return
    if outcome.state == "absent" or (outcome.state == "lost" and operation.trains and not repair_by_opening):
        return
    opened = open_target(operation, folder)
    if opened is None:
        return
    if opened.status:
        outcome.faults.append(f"{outcome.state} target cannot be opened: {_failure(opened, folder)}")
        return
    found, why = state_of(operation, folder, expected)
    if outcome.state == "lost":
        outcome.repaired = f"opening, as {found}"
    elif found != outcome.state:
        outcome.faults.append(f"{outcome.state} target became {found} by opening it")
    if opened.output != {"old": expected.old_answer, "new": expected.answer}.get(found):
        outcome.faults.append(f"{found} target gives another answer: {opened.last_line}")
    changed = differences(before, strangers(operation, folder, leftovers))
    outcome.faults += [f"another file, by opening: {each}" for each in changed]


def run_again(
    operation: Operation,
    expected: Expected,
    folder: Path,
    before: Content,
    outcome: Outcome,
    leftovers: Sequence[str],
    moment: Moment | None = None,
) -> None:
    """Run the command again, unless a second moment kills it; it must end as one never killed, and leave nothing."""
    target = folder / operation.target
    outcome.resumed = operation.trains and has_checkpoint(target)
    was_lost = outcome.state == "lost" and not outcome.repaired
    ended = run(call_again(operation, expected.knows_overwrite, folder), folder, moment)
    if moment and ended.killed:
        outcome.moments.append(moment)
        judge_killed(operation, expected, folder, before, outcome, True, leftovers)
        run_again(operation, expected, folder, before, outcome, leftovers)
        return
    if ended.status:
        outcome.faults.append(f"the next run failed with {_failure(ended, folder)}")
        return
    if was_lost:
        outcome.repaired = "the next run"
    state, why = state_of(operation, folder, expected)
    outcome.identical = state == "new"
    if not outcome.identical:
        outcome.faults.append(f"the next run gave another result: {state} {why}")
    for each in differences(before, strangers(operation, folder, leftovers)):
        outcome.faults.append(f"another file, after the next run: {each}")
    for path in [] if operation.only_opens else leftover_paths(target, folder, leftovers):
        outcome.faults.append(f"left after the next run: {path.name}")


def _failure(ended: Ended, folder: Path) -> str:
    """How a run failed, without the name of its folder."""
    said = "it hangs" if ended.hung else ended.last_line
    return re.sub(re.escape(f"{folder}{os.sep}"), "", f"status {ended.status}: {said}")


def heaviest(operations: Sequence[Operation]) -> tuple[str, ...]:
    """What must be imported for all of some operations."""
    return max((operation.imports for operation in operations), key=len)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
