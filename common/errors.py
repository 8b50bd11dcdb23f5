"""Bad input gets one clear line and exit status 2; the line is made where the input is read."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


class InputError(ValueError):
    """The user's input is at fault. The message is one line: where, what was found, what to do."""


def fail(message: str) -> NoReturn:
    """Print `error: message` as one line on standard error and leave with status 2."""
    print("error: " + " ".join(message.split()), file=sys.stderr)
    raise SystemExit(2)


def excerpt(text: str, max_characters: int = 40) -> str:
    """Quote the start of a text for a message, so that a long or odd one cannot flood the screen.

    >>> excerpt("abcdef", 3)
    "'abc…'"
    """
    return repr(text if len(text) <= max_characters else text[:max_characters] + "…")


def run_command(command: Callable[[Sequence[str] | None], None]) -> None:
    """Run the `main` of a program and turn what users cause into exit statuses instead of tracebacks.

    0 done; 2 bad input, a full disk or a folder that cannot be written; 130 Ctrl-C. A reader that closes the
    pipe early (`| head`) ends the program quietly.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
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
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            fail(f"{error.filename or 'output'}: the disk is full; free some space and run the command again")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            fail(f"{error.filename}: cannot be written ({error.strerror}); choose another folder")
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG):
            fail(f"{error.filename}: {error.strerror}; choose another path")
        raise
