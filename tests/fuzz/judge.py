"""Which rules a command has broken: each failure has a column of the table and a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.fuzz.case import Case, Command
from tests.fuzz.child import Observation

MAX_SECONDS = 10.0
MAX_MB = 1024.0
COLUMNS = ("tracebacks", "hangs", "over 1 GB", "outside reads", "wrong answers", "other")


def failures(
    case: Case, command: Command, seen: Observation, before: Observation | None = None
) -> Iterator[tuple[str, str]]:
    """The rules that a command has broken, as (column, reason).

    Args:
        case: what is known of it.
        command: of the case.
        seen: what the command did.
        before: what the command before it did, if there was one.
    """
    if seen.hung:
        yield "hangs", "too slow"
    if seen.too_large or seen.peak_mb > MAX_MB:
        yield "over 1 GB", f"{seen.peak_mb:.0f} MB"
    if seen.exception:
        yield "tracebacks", seen.exception
    for line in seen.bad_lines:
        yield ("tracebacks" if line.startswith("traceback") else "other"), f"standard error, {line}"
    if seen.outside:
        yield "outside reads", f"opened {', '.join(seen.outside)}"
    if seen.hung or seen.too_large or seen.exception:
        return
    if seen.crash:
        yield "other", f"crash: {seen.crash}"
    elif seen.status == 0:
        yield from _answered(case, command, seen)
        if command.damage_cache and before is not None and seen.printed != before.printed:
            yield "wrong answers", "a damaged cache changed the answer"
    elif seen.status == 2:
        yield from _refused(case, seen)
    else:
        yield "other", f"exit status {seen.status!r}; {seen.last_line[:120]!r}"


def _answered(case: Case, command: Command, seen: Observation) -> Iterator[tuple[str, str]]:
    if case.wrong:
        yield "wrong answers", f"answered although {case.wrong}"
    if seen.num_error_lines:
        yield "other", f"status 0 with an error line: {seen.last_line[:120]!r}"
    if strangers := [path for path in seen.changed if not _is_within(path, command.may_write)]:
        yield "other", f"status 0, changed {strangers[0]}"
    if command.num_rows is not None:
        answered = seen.num_answered or 0
        if answered + seen.num_unanswered != command.num_rows:
            yield "wrong answers", f"{command.num_rows} rows in, {answered} answered, {seen.num_unanswered} not"


def _refused(case: Case, seen: Observation) -> Iterator[tuple[str, str]]:
    if case.good:
        yield "other", f"refused what is good: {seen.last_line[:160]!r}"
    if seen.num_error_lines != 1 or not seen.last_line.startswith("error: "):
        yield "other", f"status 2 with {seen.num_error_lines} error lines, the last line {seen.last_line[:120]!r}"
    if seen.changed:
        yield "other", f"status 2, changed {seen.changed[0]}"


def _is_within(path: str, allowed: Sequence[str]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in allowed)
