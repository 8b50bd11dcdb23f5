"""A stranger's package of the name of one of ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rnn_language.shadowing import check_not_shadowed
from tests.conftest import ROOT


def test_our_own_packages_pass():
    check_not_shadowed()


@pytest.mark.parametrize("file", ["common/__init__.py", "common.py"])
def test_a_strangers_package_is_named(file, tmp_path):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    script = (
        f"import sys; sys.path.append({str(ROOT)!r}); from rnn_language.shadowing import check_not_shadowed as c; c()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: common: found {tmp_path}/common")
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
