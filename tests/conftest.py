"""What all tests share: Keras, started quietly; a token cache of their own; programs run as users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.keras_start import start_keras

ROOT = Path(__file__).resolve().parent.parent

start_keras()


@pytest.fixture(autouse=True, scope="session")
def token_cache(tmp_path_factory):
    """Keep the tests out of the user's cache, subprocesses too."""
    os.environ["TOKEN_CACHE"] = str(tmp_path_factory.mktemp("tokens"))


@pytest.fixture
def run():
    """Run `python -m MODULE ARGUMENTS…`; the answer has `returncode`, `stdout` and `stderr`."""

    def run(module, *args, input=None, cwd=None):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, args)],
            input="" if input is None else input,
            cwd=cwd or ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=600,
        )

    return run
