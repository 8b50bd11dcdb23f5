"""Exit status of a command: 0 done, 2 bad input or usage, 130 interrupted; errors are one line, never a traceback."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Sequence

from common.errors import InputError, describe_os_error, fail, is_want_of_memory
from common.progress import show_progress


def run_command(command: Callable[[Sequence[str] | None], None]) -> None:
    """Run the `main` of a program and turn what users cause into exit statuses instead of tracebacks.

    0 done; 2 bad input, a full disk or a folder that cannot be written; 130 Ctrl-C. A reader that closes the
    pipe early (`| head`) ends the program quietly.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _check_streams()
        show_progress()
        command(None)
        sys.stdout.flush()
    except InputError as error:
        fail(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # Python flushes standard output once more at exit; point it somewhere that takes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(describe_os_error(error))
    except Exception as error:
        if not is_want_of_memory(error):
            raise
        fail("not enough memory for this input or a network of this size; give a smaller one")


def _check_streams() -> None:
    """Let no character stop a print, and no file that is opened be taken for a standard stream that was closed.

    Raises:
        InputError: standard output is closed.
    """
    # The numbers of closed streams would go to the next files that are opened, and what C++ code prints into those.
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        raise InputError("standard output is closed; leave it open, or send it to a file")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
