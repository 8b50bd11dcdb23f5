"""Run many cases, a process for each command; stop what hangs or grows; count and report what went wrong."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz import judge
from tests.fuzz.case import Case, Place, needs_keras, random_of
from tests.fuzz.child import Observation, observe, send
from tests.fuzz.outside import make_canaries

MAKING_SECONDS = 120.0
PATIENCE = 6.0  # a process that the machine keeps waiting may take so many times as long
KILL_MB = 1500.0  # a process is stopped there, so that it does not take the machine down
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1  # end with the supervisor, however it ends
PAGE = os.sysconf("SC_PAGE_SIZE")
SLOT_FOLDERS = ("case", "outside", "io", "cache", "tmp")

MakeCase = Callable[..., Case]


@dataclass
class Failure:
    """A rule that a case has broken."""

    number: int
    mutation: str
    description: str
    column: str
    reason: str
    command: str


@dataclass
class Report:
    """What came of all cases."""

    kind: str
    seed: int
    cases: Counter[str] = field(default_factory=Counter)  # by mutation
    refused: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)
    largest: tuple[float, int] = (0.0, -1)

    def markdown(self) -> str:
        """The table, a row for each mutation, and a line for each failure."""
        columns = ("cases", "refused", "answered", *judge.COLUMNS)
        lines = [
            f"# Fuzzing: {sum(self.cases.values()):,} {self.kind}, seed {self.seed}",
            "",
            f"{self.seconds / 60:.1f} minutes; slowest command {self.slowest[0]:.1f} s (case {self.slowest[1]}), "
            f"largest {self.largest[0]:.0f} MB (case {self.largest[1]}). A case counts once in a column.",
            "",
            f"| mutation | {' | '.join(columns)} |",
            f"| --- |{' ---: |' * len(columns)}",
        ]
        failed = Counter(
            (mutation, column) for _, mutation, column in {(f.number, f.mutation, f.column) for f in self.failures}
        )
        rows = [*sorted(self.cases), "all"]
        for row in rows:
            chosen = list(self.cases) if row == "all" else [row]
            numbers = [sum(counter[name] for name in chosen) for counter in (self.cases, self.refused, self.answered)]
            numbers += [sum(failed[name, column] for name in chosen) for column in judge.COLUMNS]
            lines.append(f"| {row} | {' | '.join(f'{number:,}' for number in numbers)} |")
        if self.failures:
            lines += ["", "## Failures", ""]
            lines += [
                f"- {f.number}, {f.column}: {f.reason}; {f.mutation}: {f.description}; `{f.command}`"
                for f in sorted_by(self.failures)
            ]
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode() + "\n"


def sorted_by(failures: Iterable[Failure]) -> list[Failure]:
    """Failures of one column and one mutation together."""
    return sorted(failures, key=lambda f: (f.column, f.mutation, f.number))


@dataclass
class Job:
    """A case on its way, in a slot of its own: the process that makes it, then one for each command."""

    number: int
    slot: Path
    case: Case | None = None
    next_command: int = 0
    process: int = 0
    pipe: int = -1
    received: bytes = b""
    start: float = 0.0
    max_seconds: float = 0.0
    seen: list[Observation] = field(default_factory=list)


class Supervisor:
    """Run the cases of a kind; see `run`.

    Args:
        kind: "bundles" or "inputs".
        seed: of all cases.
        make_case: writes the files of a case and says what to run.
        bases: folder of whole bundles.
        work: folder to work in.
        num_jobs: processes at a time.
        max_seconds: for one command; the time that it waits for a processor does not count.
        stop: whether to start no more cases after the first failure.
    """

    def __init__(
        self,
        kind: str,
        seed: int,
        make_case: MakeCase,
        bases: Path,
        work: Path,
        num_jobs: int,
        max_seconds: float = judge.MAX_SECONDS,
        stop: bool = False,
    ) -> None:
        self.report = Report(kind, seed)
        self.make_case, self.bases, self.work, self.num_jobs = make_case, bases, work, num_jobs
        self.max_seconds, self.stop = max_seconds, stop

    def run(self, numbers: Iterable[int], prepare_keras: Callable[[], None]) -> Report:
        """Run cases: first those without Keras, then, once it is imported, those with it."""
        start = time.monotonic()
        numbers = list(numbers)
        slots = [self.work / f"slot_{number}" for number in range(self.num_jobs)]
        for with_keras in (False, True):
            waiting = [number for number in numbers if needs_keras(number) == with_keras]
            if waiting and with_keras:
                prepare_keras()
            gc.collect()
            gc.freeze()
            self._run_all(waiting, list(slots))
        self.report.seconds = time.monotonic() - start
        return self.report

    def _run_all(self, waiting: list[int], free: list[Path]) -> None:
        running: list[Job] = []
        done, waiting = 0, waiting[::-1]
        while waiting or running:
            if self.stop and self.report.failures:
                waiting.clear()
            while waiting and free:
                running.append(self._start(Job(waiting.pop(), free.pop())))
            ready, _, _ = select.select([job.pipe for job in running], [], [], POLL_SECONDS)
            for job in list(running):
                if job.pipe in ready and (block := os.read(job.pipe, 1 << 20)):
                    job.received += block
                elif job.pipe in ready:
                    self._ended(job)
                elif reason := self._too_much(job):
                    self._stop(job, reason)
                if job.process == 0:
                    running.remove(job)
                    free.append(job.slot)
                    done += 1
                    if done % 500 == 0:
                        print(f"{done:,} cases, {len(self.report.failures):,} failures", file=sys.stderr, flush=True)

    # -- One case --

    def _start(self, job: Job) -> Job:
        clear(job.slot)
        self._fork(job, lambda: self._make(job), MAKING_SECONDS)
        return job

    def _make(self, job: Job) -> None:
        place = Place(job.slot / "case", job.slot / "outside", self.bases)
        make_canaries(place.outside)
        rng = random_of(self.report.kind, self.report.seed, job.number)
        case = self.make_case(job.number, rng, place)
        with os.fdopen(job.pipe, "wb") as pipe:
            pipe.write(case.to_json().encode())

    def _fork(self, job: Job, work: Callable[[], None], seconds: float) -> None:
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                os.setsid()
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                os.close(reading)
                job.pipe = writing
                work()
            except BaseException:
                (job.slot / "io" / "harness").write_text(traceback.format_exc())
                os._exit(99)
            os._exit(0)
        os.close(writing)
        job.process, job.pipe, job.received = process, reading, b""
        job.start, job.max_seconds = time.monotonic(), seconds

    def _next(self, job: Job) -> None:
        """Start the next command of a case, or note that there is none."""
        assert job.case is not None
        if job.next_command == len(job.case.commands):
            self._count(job)
            job.process = 0
            return
        command = job.case.commands[job.next_command]
        self._fork(job, lambda: send(observe(command, job.slot), job.pipe), self.max_seconds)

    def _ended(self, job: Job) -> None:
        """A process closed its pipe: what it sent is all there is."""
        status = self._wait(job)
        if job.case is None:
            if status != 0:
                problem = job.slot / "io" / "harness"
                text = problem.read_text() if problem.exists() else f"killed by signal {-status}"
                self._not_made(job, text)
                return
            job.case = Case.from_json(job.received.decode())
        else:
            try:
                seen = Observation(**json.loads(job.received))
            except ValueError:
                problem = job.slot / "io" / "harness"
                how = problem.read_text() if problem.exists() else signal.Signals(-status).name if status < 0 else ""
                seen = Observation(crash=how or f"left with status {status}")
            self._judge(job, seen)
        self._next(job)

    def _not_made(self, job: Job, reason: str) -> None:
        """A fault of this program, to be mended: the case counts as one that failed."""
        self.report.cases["not made"] += 1
        reason = " ".join(reason.split())[-300:]
        self.report.failures.append(
            Failure(job.number, "not made", "", "other", f"the case cannot be made: {reason}", "")
        )
        job.process = 0

    def _too_much(self, job: Job) -> str:
        seconds = time.monotonic() - job.start
        if seconds > job.max_seconds * PATIENCE:
            return "hung"
        if seconds > job.max_seconds and seconds - seconds_kept_waiting(job.process) > job.max_seconds:
            return "hung"
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{job.process}/statm").read_text().split()[1])
            if job.case is not None and pages * PAGE / (1 << 20) > KILL_MB:
                return "too_large"
        return ""

    def _stop(self, job: Job, reason: str) -> None:
        peak_mb = peak_memory_mb(job.process)
        os.killpg(job.process, signal.SIGKILL)
        self._wait(job)
        if job.case is None:
            self._not_made(job, "it takes too long")
            return
        seen = Observation(seconds=self.max_seconds if reason == "hung" else 0.0)
        seen.hung, seen.too_large = reason == "hung", reason == "too_large"
        seen.peak_mb = peak_mb
        self._judge(job, seen)
        self._next(job)

    def _wait(self, job: Job) -> int:
        os.close(job.pipe)
        _, status = os.waitpid(job.process, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.process, signal.SIGKILL)  # what it may have started
        return os.waitstatus_to_exitcode(status)

    def _judge(self, job: Job, seen: Observation) -> None:
        assert job.case is not None
        command = job.case.commands[job.next_command]
        job.next_command += 1
        shown = " ".join([command.module, *command.arguments]).replace(f"{job.slot}/", "").replace(f"{self.bases}/", "")
        before = job.seen[-1] if job.seen else None
        job.seen.append(seen)
        for column, reason in judge.failures(job.case, command, seen, before):
            reason = reason.replace(f"{job.slot}/", "")
            what = job.case.mutation, job.case.description[:200]
            self.report.failures.append(Failure(job.number, *what, column, reason[:400], shown[:200]))
            print(f"case {job.number}, {column}: {reason[:200]!a}; {shown[:200]!a}", file=sys.stderr, flush=True)
        self.report.slowest = max(self.report.slowest, (seen.seconds, job.number))
        self.report.largest = max(self.report.largest, (seen.peak_mb, job.number))

    def _count(self, job: Job) -> None:
        assert job.case is not None
        mutation = job.case.mutation
        self.report.cases[mutation] += 1
        self.report.refused[mutation] += all(seen.status == 2 for seen in job.seen)
        self.report.answered[mutation] += any(seen.status == 0 for seen in job.seen)


def peak_memory_mb(process: int | str) -> float:
    """The largest memory of a running process."""
    try:
        return int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def seconds_kept_waiting(process: int) -> float:
    """How long a process, or the thread of it that waited most, was ready and had no processor."""
    longest = 0
    with contextlib.suppress(OSError, IndexError):
        for task in Path(f"/proc/{process}/task").iterdir():
            longest = max(longest, int((task / "schedstat").read_text().split()[1]))
    return longest / 1e9


def clear(slot: Path) -> None:
    """Make the empty folders of a slot."""
    shutil.rmtree(slot, ignore_errors=True)
    for name in SLOT_FOLDERS:
        (slot / name).mkdir(parents=True)
