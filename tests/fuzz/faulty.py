"""A program that breaks the rule that its argument names: what the harness must notice."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from common.errors import InputError


def main(argv: Sequence[str] | None = None) -> None:
    fault = sys.argv[1]
    if fault == "traceback":
        raise ValueError("on purpose")
    if fault == "traceback of a thread":
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    elif fault == "sleep":
        time.sleep(1000)
    elif fault == "work":
        while True:
            pass
    elif fault == "memory":
        _ = b"x" * (1100 << 20)
    elif fault == "memory without end":
        held = []
        while True:
            held.append(b"x" * (64 << 20))
    elif fault == "read outside":
        Path("../outside/numbers.bin").read_bytes()
    elif fault == "crash":
        os.abort()
    elif fault == "status 3":
        sys.exit(3)
    elif fault == "stray file":
        Path("stray").write_text("x")
    elif fault == "stray file, refused":
        Path("stray").write_text("x")
        raise InputError("no")
    elif fault == "two lines":
        print("error: no", file=sys.stderr)
        raise InputError("no")
    elif fault == "control character":
        print("error: \x1b[31mred", file=sys.stderr)
        raise SystemExit(2)
    elif fault == "long line":
        print("error: " + "x" * 400, file=sys.stderr)
        raise SystemExit(2)
    elif fault == "warning":
        print("x.py:1: RuntimeWarning: invalid value", file=sys.stderr)
    elif fault == "rows lost":
        Path("answers").write_text('{"place": "row 1"}\n')
    elif fault in ("refused", "refuses what is good"):
        raise InputError("no")
