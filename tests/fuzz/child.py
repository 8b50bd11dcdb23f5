"""What happens in the process of one command: it runs as users run it, and what it did is written down.

The process is forked from one that has imported everything, so it starts in milliseconds, its memory is its own, and a
crash or a hang takes nothing else with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import resource
import signal
import stat
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.case import PIPE, Command
from tests.fuzz.change_bytes import change_some_bytes
from tests.fuzz.outside import Watch

ADDRESS_SPACE = 24 << 30  # bytes; beyond it memory is refused, as on a machine that has no more
# Control characters, and marks that turn the direction of what a terminal shows.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ESCAPE = re.compile(r"\\(x..|u....|U........)")
NO_ANSWER = re.compile(r"^([\d,]+) of ([\d,]+) rows have no answer$")
WARNING = re.compile(r"\.py:\d+: \w*Warning: ")


@dataclass
class Observation:
    """What one command did."""

    status: Any = None
    exception: str = ""  # other than SystemExit: its class, message and place
    seconds: float = 0.0
    peak_mb: float = 0.0
    num_error_lines: int = 0
    last_line: str = ""
    bad_lines: list[str] = field(default_factory=list)  # on standard error
    changed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    num_answered: int | None = None
    num_unanswered: int = 0
    printed: str = ""  # a hash of standard output
    # written by the supervisor, of a process that did not end by itself
    hung: bool = False
    too_large: bool = False
    crash: str = ""


def snapshot(folder: Path) -> dict[str, tuple[int, ...]]:
    """What is in a folder, links and FIFOs included, without opening any file."""
    found: dict[str, tuple[int, ...]] = {}
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for item in entries:
                state = item.stat(follow_symlinks=False)
                is_folder = item.is_dir(follow_symlinks=False)
                facts = [state.st_mode] if is_folder else [state.st_mode, state.st_ino]
                if stat.S_ISREG(state.st_mode):
                    facts += [state.st_size, state.st_mtime_ns]
                found[item.path] = tuple(facts)
                if is_folder:
                    pending.append(item.path)
    return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The paths that appeared, went or changed."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def observe(command: Command, slot: Path) -> Observation:
    """Run a command in this process and describe what it did.

    Args:
        command: what to run.
        slot: the folder of this process, with `case`, `outside`, `io`, `cache` and `tmp` in it.
    """
    _limit(slot)
    if command.damage_cache:
        _damage(slot / "cache")
    before = snapshot(slot / "case") | snapshot(slot / "outside")
    watch = Watch(slot / "outside")
    seen = Observation()
    with _streams(command, slot / "io") as arguments:
        _reset_peak()
        start = time.monotonic()
        seen.status, seen.exception = _run(command.module, arguments)
        seen.seconds = time.monotonic() - start
        seen.peak_mb = _peak_mb()
    seen.outside = watch.names()
    seen.changed = changes(before, snapshot(slot / "case") | snapshot(slot / "outside"))
    _read_errors(slot / "io" / "stderr", command.encoding, seen)
    seen.printed = hashlib.sha256((slot / "io" / "stdout").read_bytes()).hexdigest()
    if command.output is not None and Path(command.output).is_file():
        seen.num_answered = _count_answered(Path(command.output))
    return seen


def send(observation: Observation, descriptor: int) -> None:
    """Write an observation for the supervisor."""
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(json.dumps(asdict(observation)).encode())


def _limit(slot: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ |= {"TOKEN_CACHE": str(slot / "cache"), "TMPDIR": str(slot / "tmp")}
    tempfile.tempdir = None
    os.chdir(slot / "case")


def _damage(folder: Path) -> None:
    """Change some bytes of each file."""
    for file in folder.rglob("*"):
        if file.is_file():
            content, _ = change_some_bytes(file.read_bytes(), Random(file.stat().st_size))
            file.write_bytes(content)


@contextlib.contextmanager
def _streams(command: Command, folder: Path) -> Iterator[list[str]]:
    """Connect the three standard streams as a shell would; gives the arguments, pipes named."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        with open(folder / name, "wb") as file:
            os.dup2(file.fileno(), number)
    arguments = list(command.arguments)
    for fifo, source in command.feeds.items():
        if fifo == PIPE:
            reading, writing = os.pipe()
            arguments = [argument.replace(PIPE, f"/proc/self/fd/{reading}") for argument in arguments]
            _feed(source, writing)
        else:
            _feed(source, fifo)
    if command.stdin is None:
        os.close(0)
        sys.stdin = None  # type: ignore[assignment]
    else:
        reading, writing = os.pipe()
        os.dup2(reading, 0)
        os.close(reading)
        _feed(command.stdin, writing)
        sys.stdin = _wrap(0, "rb", command.encoding)
    sys.stderr = _wrap(2, "wb", command.encoding, "backslashreplace")
    if command.stdout_closed:
        os.close(1)
        sys.stdout = None  # type: ignore[assignment]
    else:
        sys.stdout = _wrap(1, "wb", command.encoding)
    yield arguments
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()  # type: ignore[union-attr]


def _wrap(descriptor: int, mode: str, encoding: str, errors: str = "strict") -> Any:
    """A standard stream as Python makes it; standard error is not buffered."""
    buffering = 0 if descriptor == 2 else -1
    raw = open(descriptor, mode, buffering, closefd=False)  # noqa: SIM115  open as long as the process
    return io.TextIOWrapper(raw, encoding, errors, write_through=descriptor == 2)  # type: ignore[type-var]


def _feed(source: str, target: str | int) -> None:
    """Write a file's bytes into a FIFO or pipe once, as another program would; "" stands for no bytes."""

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), open(target, "wb") as sink:
            if source:
                with open(source, "rb") as file:
                    while block := file.read(1 << 16):
                        sink.write(block)

    threading.Thread(target=feed, daemon=True).start()


def _run(module: str, arguments: list[str]) -> tuple[Any, str]:
    """Run the `main` of a module; returns its exit status, and the exception that came out of it, if any."""
    from common.cli.run import run_command
    from tests.programs import command_of

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.argv = [module, *arguments]
    try:
        run_command(command_of(module))
    except SystemExit as left:
        return (0 if left.code is None else left.code), ""
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "site-packages" not in frame.filename] or list(frames)
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return 1, f"{type(error).__name__} in {place}: {CONTROL.sub('?', ' '.join(str(error).split()))[:200]}"
    return 0, ""


def _reset_peak() -> None:
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _read_errors(path: Path, encoding: str, seen: Observation) -> None:
    """Look at every line of standard error."""
    with open(path, encoding=encoding, errors="surrogateescape", newline="\n") as file:
        for line in file:
            line = line.removesuffix("\n")
            seen.last_line = line[:400]
            seen.num_error_lines += line.startswith("error: ")
            unanswered = NO_ANSWER.match(line)
            if unanswered:
                seen.num_unanswered = int(unanswered[1].replace(",", ""))
            length = len(ESCAPE.sub("?", line))  # the console's own way to show what it has no character for
            for problem, found in (
                ("control character", CONTROL.search(line)),
                (f"line of {length} characters", length > 300),
                ("traceback", line.startswith("Traceback (most recent call last)")),
                ("warning", WARNING.search(line)),
            ):
                if found and len(seen.bad_lines) < 5:
                    seen.bad_lines.append(f"{problem}: {line[:160]!r}")


def _count_answered(path: Path) -> int:
    """The answered rows of a file in JSON lines; a tagger writes several lines of one place of a text."""
    places = set()
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            row = json.loads(line)
            if "note" not in row:
                places.add(row.get("place", number))
    return len(places)
