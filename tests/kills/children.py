"""Run a command in a forked process, and kill it at a chosen moment.

The parent has imported whatever is slow to import, so a command starts in milliseconds. There are four ways to choose a
moment; three of them count the steps of a command in its folder (files opened for writing, renames, …):

    time     after so many seconds, from outside
    step     just before step k, from inside: exact, the same in every replay
    between  some time after step k, by a timer of the kernel: in the middle of what C code writes
    write    after step k, in the first write that makes a file longer than so many bytes, by a limit of the kernel
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

WAYS = ("time", "step", "between", "write")
LIMIT_SECONDS = 900.0  # a run that takes longer hangs; the longest needs 15 s where nothing else runs
KILLED = {-signal.SIGKILL, -signal.SIGALRM, -signal.SIGXFSZ}  # the last two are sent by the kernel, and never handled
# Audit events of what changes a folder: which arguments are paths, and how far behind it a folder's descriptor stands.
EVENTS = {"os.rename": ((0, 1), 2), "os.link": ((0, 1), 2), "os.symlink": ((1,), 1)}
EVENTS |= {"os.mkdir": ((0,), 2), "os.remove": ((0,), 1), "os.rmdir": ((0,), 1), "os.truncate": ((0,), 0)}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Moment:
    """When a run is killed: the way, and the numbers that belong to it."""

    way: str
    step: int = 0
    seconds: float = 0.0
    num_bytes: int = 0

    def __str__(self) -> str:
        shown = {
            "time": f"after {self.seconds:.3f} s",
            "step": f"before step {self.step}",
            "between": f"{1000 * self.seconds:.1f} ms after step {self.step}",
            "write": f"at byte {self.num_bytes} of a file, from step {self.step} on",
        }
        return shown[self.way]


@dataclass(frozen=True)
class Step:
    """Something that changes a folder: the audit event, the path (`old -> new`), and seconds since the start."""

    event: str
    path: str
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How a run ended: its status (negative: minus the signal's number), what it printed, and the steps it took."""

    status: int
    output: str
    seconds: float
    hung: bool = False
    steps: list[Step] = field(default_factory=list)

    @property
    def killed(self) -> bool:
        """Whether it was stopped on purpose."""
        return self.status in KILLED and not self.hung

    @property
    def last_line(self) -> str:
        """What it said last, for a message."""
        return next((line for line in reversed(self.output.splitlines()) if line.strip()), "(no output)")[:300]


class Steps:
    """An audit hook that records the steps inside a folder, and acts just before the first that `when` accepts."""

    def __init__(self, folder: Path, when: Callable[[int], bool], act: Callable[[], object]) -> None:
        self.folder = str(folder)
        self.when = when
        self.act = act
        self.taken: list[Step] = []
        self.acted = False
        self.start = time.monotonic()

    def __call__(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING and not isinstance(path, int):
                self.take(event, _full_path(path))
        elif event == "fcntl.flock":
            self.take(event, _full_path(arguments[0]))
        elif event in EVENTS:
            places, distance = EVENTS[event]
            paths = []
            for place in places:
                folder = arguments[place + distance] if distance and place + distance < len(arguments) else None
                paths.append(_full_path(arguments[place], folder))
            self.take(event, *paths)

    def is_inside(self, path: str) -> bool:
        return path == self.folder or path.startswith(self.folder + os.sep)

    def take(self, event: str, *paths: str) -> None:
        if any(map(self.is_inside, paths)):
            shown = " -> ".join(path.removeprefix(self.folder + os.sep) for path in paths)
            self.taken.append(Step(event, shown, time.monotonic() - self.start))
            if not self.acted and self.when(len(self.taken) - 1):
                self.acted = True
                self.act()


def _full_path(path: object, folder: object = None) -> str:
    """The path of a name, seen from a folder's descriptor, or of a descriptor; of what is neither, an empty one."""
    if isinstance(path, int):
        return _of_descriptor(path)
    if not isinstance(path, str | bytes | os.PathLike):
        return ""
    name = os.fsdecode(path)
    if not name.startswith(os.sep) and isinstance(folder, int) and folder >= 0:
        name = os.path.join(_of_descriptor(folder), name)  # noqa: PTH118  strings: this runs at every step
    return os.path.abspath(name)  # noqa: PTH100


def _of_descriptor(number: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
    except OSError:
        return ""


def command(module: str, arguments: Sequence[str]) -> Callable[[], None]:
    """What `python -m MODULE ARGUMENTS…` does, as a call for `run`."""

    def call() -> None:
        from common.cli.run import run_command
        from tests.programs import command_of

        sys.argv = [module, *arguments]
        run_command(command_of(module))

    return call


def kill_itself() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def check_that_fork_is_safe() -> None:
    """TensorFlow must be imported only: once it has run something, its threads are missing in a forked process."""
    if "tensorflow" in sys.modules:
        from tensorflow.python.eager import context

        started = context.context_safe()
        assert started is None or not started._initialized, "TensorFlow has started in the parent of forked processes"


def run(
    call: Callable[[], object],
    folder: Path,
    moment: Moment | None = None,
    kill_when: Callable[[], bool] | None = None,
) -> Ended:
    """Run something in a process of its own, with `folder` as its current folder.

    Args:
        call: of `command`, or any function; what it raises is printed, and its status is 1.
        folder: the steps inside it are counted.
        moment: when the process is killed; None lets it end.
        kill_when: kills it at the first step before which this is true, if there is no moment.
    """
    check_that_fork_is_safe()
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as record:
        sys.stdout.flush()
        sys.stderr.flush()
        start = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of BLAS survive a fork, it looks after them
            process = os.fork()
        if process == 0:
            os.close(read_end)
            _live(call, folder, moment, kill_when, write_end, record.fileno())
        os.close(write_end)
        kill_at = start + moment.seconds if moment and moment.way == "time" else None
        output, hung = _read_until_the_end(process, read_end, kill_at, start + LIMIT_SECONDS)
        os.close(read_end)
        _, status = os.waitpid(process, 0)
        seconds = time.monotonic() - start
        record.seek(0)
        steps = [Step(*fields) for fields in json.loads(record.read() or b"[]")]
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, output.decode("utf-8", "replace"), seconds, hung, steps)


def _read_until_the_end(process: int, read_end: int, kill_at: float | None, limit: float) -> tuple[bytes, bool]:
    """Collect what a process prints; kill it when its time has come, or when it hangs."""
    output, hung = b"", False
    while True:
        now = time.monotonic()
        if kill_at is not None and now >= kill_at:
            os.kill(process, signal.SIGKILL)
            kill_at = None
        if not hung and now >= limit:
            os.kill(process, signal.SIGKILL)
            hung = True
        wait = min(limit, kill_at or limit) - now
        if not hung and not select.select([read_end], [], [], max(0, wait))[0]:
            continue
        piece = os.read(read_end, 1 << 16)
        if not piece:
            return output, hung
        output += piece


def _live(
    call: Callable[[], object],
    folder: Path,
    moment: Moment | None,
    kill_when: Callable[[], bool] | None,
    output: int,
    record: int,
) -> NoReturn:
    """The life of a forked process; it never returns into the code of its parent."""
    status = 1
    try:
        _redirect(output)
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        steps = Steps(folder, *_plan(moment, kill_when))
        _count_fsync(steps)
        sys.addaudithook(steps)
        call()
        sys.stdout.flush()
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if moment is None and kill_when is None:
            os.write(record, json.dumps([[s.event, s.path, s.seconds] for s in steps.taken]).encode())
        os._exit(status)


def _redirect(output: int) -> None:
    """Give the process an empty standard input, and `output` for all that it prints."""
    nothing, closed = os.pipe()
    os.close(closed)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    # New objects: those of the parent remember whether they were a file.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115


def _plan(
    moment: Moment | None, kill_when: Callable[[], bool] | None
) -> tuple[Callable[[int], bool], Callable[[], object]]:
    """At which step to act, and what to do there."""
    if moment is None:
        return (lambda number: bool(kill_when and kill_when())), kill_itself
    actions: dict[str, Callable[[], object]] = {
        "time": lambda: None,
        "step": kill_itself,
        "between": lambda: signal.setitimer(signal.ITIMER_REAL, max(moment.seconds, 1e-6)),
        "write": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (moment.num_bytes, moment.num_bytes)),
    }
    return (lambda number: number == moment.step), actions[moment.way]


def _count_fsync(steps: Steps) -> None:
    """Count `fsync`, for which Python raises no audit event, and leave it out: what a killed process has written stays.

    It only guards against a machine that stops, and takes longer than all else that a small run writes.
    """

    def fsync(file) -> None:
        steps.take("os.fsync", _full_path(file if isinstance(file, int) else file.fileno()))

    os.fsync = fsync
