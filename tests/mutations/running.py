"""Run the tests on a mutation, in a copy of the checkout and in processes of their own."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mutations.belonging import TASKS, close_tests, other_tests
from tests.mutations.places import Mutation

# Imported once: a process forked from this one has them already. None of ours: those are mutated.
SLOW_IMPORTS = (
    "tensorflow", "keras", "numpy", "pandas", "h5py", "spacy", "spacy.lang.en", "onnx", "onnxruntime",
    "sklearn.linear_model", "sklearn.feature_extraction.text", "sklearn.metrics", "scipy.stats", "matplotlib.pyplot",
    "rich.progress",
)  # fmt: skip
OURS = ("common", *TASKS, "recipes", "tests", "from_scratch", "scripts", "benchmarks")
TEST_SECONDS = 240  # for one test with its fixtures, on a busy machine; a mutation may make it run forever
RUN_SECONDS = 1500
START = "start"  # in place of a test, where pytest does not get so far
PR_SET_PDEATHSIG = 1  # end with the parent, however it ends


@dataclass(frozen=True)
class Outcome:
    """What came of one mutation."""

    number: int
    mutation: Mutation
    killed_by: str = ""  # the test that failed; empty: none did
    num_tests: int = 0
    seconds: float = 0.0
    doubt: str = ""


class Watch:
    """Note the test that runs, and the first that fails; end the process if one of them takes too long."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        self.found: dict[str, Any] = {"running": "", "failed": "", "count": 0}

    def note(self, **found: Any) -> None:
        self.found |= found
        self.notes.write_text(json.dumps(self.found))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.note(running=nodeid, count=self.found["count"] + 1)
        signal.alarm(TEST_SECONDS)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.found["failed"]:
            self.note(failed=report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.found["failed"]:
            self.note(failed=report.nodeid)


def copy_checkout(root: Path, to: Path) -> None:
    """Copy what git tracks or would track; no caches, no environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file() and not (root / name).is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, to / name)


def import_slow() -> None:
    """Import what all tests need, quietly; nothing is computed, so that the process can be forked."""
    from common.inference.keras_start import start_keras

    start_keras()
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    for name in SLOW_IMPORTS:
        importlib.import_module(name)


def run_tests(tests: Sequence[str | Path], folder: Path, work: Path, log: Path) -> dict[str, Any]:
    """Run tests in a forked process until one fails.

    Args:
        tests: files, or names of single tests.
        folder: the copy of the checkout, where they run.
        work: for temporary files.
        log: gets what pytest prints.
    Returns:
        `failed`: the test that failed or hung, or ""; `count`: tests that were started.
    """
    work.mkdir(parents=True, exist_ok=True)
    notes = work / "notes.json"
    notes.write_text("{}")
    process = os.fork()
    if process == 0:
        status = 3
        try:
            status = _run_pytest(tests, folder, work, log, notes)
        except BaseException:
            log.with_suffix(".traceback").write_text(traceback.format_exc())
        os._exit(status)
    status = _wait(process, RUN_SECONDS)
    found = {"running": "", "failed": "", "count": 0} | json.loads(notes.read_text())
    shutil.rmtree(work, ignore_errors=True)
    if not found["failed"] and status not in (0, 5):  # 5: no test there
        found["failed"] = f"{found['running'] or START} ({'hangs' if status < 0 else f'status {status}'})"
    return found


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _run_pytest(tests: Sequence[str | Path], folder: Path, work: Path, log: Path, notes: Path) -> int:
    os.setsid()
    _end_with_parent()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    sys.path[0] = str(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    importlib.invalidate_caches()
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(work)}
    sys.dont_write_bytecode = True
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--tb=short", f"--basetemp={work / 'pytest'}"]
    return int(pytest.main([*options, *map(str, tests)], plugins=[Watch(notes)]))


def _wait(process: int, seconds: float) -> int:
    """The exit status of a child, negative if it was ended by a signal; what it started is ended, too."""
    end = time.monotonic() + seconds
    while not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) and time.monotonic() < end:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # before its number is free for another process
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def try_mutation(number: int, mutation: Mutation, folder: Path, work: Path, log: Path, quick: bool = False) -> Outcome:
    """Make one mistake in the copy, run the tests, take it back; a test that fails without it, too, does not count."""
    start, path = time.monotonic(), folder / mutation.path
    original, mutated = path.read_bytes(), mutation.apply(path.read_bytes())
    stages = [close_tests(mutation.path, folder), *([] if quick else [other_tests(mutation.path, folder)])]
    count = 0
    failing: list[str] = []  # without the mutation, too
    while stages:
        path.write_bytes(mutated)
        try:
            found = run_tests([*stages[0], *(f"--deselect={test}" for test in failing)], folder, work / "run", log)
        finally:
            path.write_bytes(original)
        count += found["count"]
        if not (killed_by := found["failed"]):
            stages.pop(0)
            continue
        test = killed_by.partition(" (")[0]
        check = [test] if "::" in test else ["--collect-only", *(stages[0] if test == START else [test])]
        if not run_tests(check, folder, work / "run", log)["failed"]:
            return Outcome(number, mutation, killed_by, count, time.monotonic() - start, _failing(failing))
        if test == START:
            raise RuntimeError(f"the tests of {mutation.path} do not start without the mutation either")
        if test in failing:
            raise RuntimeError(f"{test} cannot be left out")
        failing.append(test)
        stages[0] = [each for each in stages[0] if each.as_posix() != test]  # of a file that cannot be imported
    return Outcome(number, mutation, "", count, time.monotonic() - start, _failing(failing))


def _failing(tests: Sequence[str]) -> str:
    return f"(failing anyway: {', '.join(tests)})" if tests else ""


def try_all(
    numbered: Iterable[tuple[int, Mutation]], root: Path, work: Path, jobs: int, quick: bool
) -> Iterator[Outcome]:
    """Try mutations, `jobs` at a time, each in a forked process with a copy of the checkout; yields as they end."""
    free = []
    for job in range(jobs):
        free.append(work / f"job{job}")
        copy_checkout(root, free[-1] / "checkout")
    running: dict[int, tuple[Path, int, Mutation]] = {}
    waiting = list(numbered)
    while waiting or running:
        while waiting and free:
            number, mutation = waiting.pop(0)
            place = free.pop()
            process = os.fork()
            if process == 0:
                _try_forked(number, mutation, place, quick)
            running[process] = (place, number, mutation)
        process, _ = os.waitpid(-1, 0)
        place, number, mutation = running.pop(process)
        free.append(place)
        found = json.loads((place / f"{number}.json").read_text())
        yield Outcome(number, mutation, **found)


def _try_forked(number: int, mutation: Mutation, place: Path, quick: bool) -> None:
    _end_with_parent()
    try:
        found = try_mutation(number, mutation, place / "checkout", place, place / f"{number}.log", quick)
        answer = {name: getattr(found, name) for name in ("killed_by", "num_tests", "seconds", "doubt")}
    except BaseException as error:
        answer = {"doubt": f"not tried: {type(error).__name__}: {error}"}
    (place / f"{number}.json").write_text(json.dumps(answer))
    os._exit(0)
