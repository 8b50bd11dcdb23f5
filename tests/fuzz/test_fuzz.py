"""Odd bundles and odd input files: an answer or one clear line, in bounded time and memory, and nothing read outside.

The cases run in a program of their own, `python -m tests.fuzz`, which forks a process for each command.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import GATE, REDUNDANT
from tests.fuzz.cases_faults import FAULTS, NUM_ENDING
from tests.fuzz.change_aimed import AIMS, aim_of

ROOT = Path(__file__).resolve().parent.parent.parent
# What the campaigns allow a command is 10 s; here a machine may be several times slower.
SLOW_MACHINE = ("--seconds", 60)
HOURS = 3600

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it watches files and memory with Linux' own means")


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Whole bundles of all tasks and architectures."""
    folder = tmp_path_factory.mktemp("fuzz") / "bases"
    subprocess.run([sys.executable, "-m", "tests.fuzz.base_bundles", folder], cwd=ROOT, check=True, timeout=HOURS)
    return folder


def fuzz(*args):
    """Run the harness; returns its report."""
    command = [sys.executable, "-m", "tests.fuzz", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=4 * HOURS, check=False)


@pytest.mark.parametrize("kind", ["bundles", "inputs"])
def test_a_few_odd_cases(kind, bases):
    done = fuzz(kind, "--count", 15, "--without-keras", "--bases", bases, *SLOW_MACHINE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bundles", "inputs"])
def test_many_odd_cases(kind, bases):
    done = fuzz(kind, "--count", 500, "--bases", bases, *SLOW_MACHINE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("first", "count", "seconds"),
    [(0, NUM_ENDING, 60), (NUM_ENDING, len(FAULTS) - NUM_ENDING, 3)],
)
@pytest.mark.slow
def test_every_fault_is_noticed(first, count, seconds, tmp_path):
    """Those that end have all the time that a busy machine may need, so that none is a hang, too."""
    done = fuzz("faults", "--first", first, "--count", count, "--seconds", seconds, "--bases", tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = {(fault, column) for column, fault in re.findall(r"^- \d+, ([^:]+): .*; ([^;]+): \2; ", done.stdout, re.M)}
    wanted = list(FAULTS.items())[first : first + count]
    assert found == {(fault, column) for fault, column in wanted if column}, done.stdout + done.stderr


def test_every_check_of_the_gate_is_aimed_at():
    gate = {f"{module}:{check.split('=')[0]}" for module, checks in GATE.items() for check in checks.split()}
    assert {aim.check for aim in AIMS} == gate
    assert not gate & REDUNDANT.keys()
    assert {aim_of(number).check for number in range(500) if aim_of(number)} == gate


@pytest.mark.slow
@pytest.mark.parametrize("which", [[], ["--redundant"]])
def test_the_gate_without_one_of_its_checks_is_noticed(which, bases):
    done = fuzz("bundles", "--without-keras", "--break-gate", "--bases", bases, *which, *SLOW_MACHINE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_case_is_the_same_each_time(bases):
    first, second = (
        fuzz("bundles", "--first", 40, "--count", 6, "--without-keras", "--bases", bases, *SLOW_MACHINE)
        for _ in range(2)
    )
    assert rows(first.stdout) == rows(second.stdout)


def rows(report):
    """The lines of a report that do not tell the time."""
    return [line for line in report.splitlines() if " minutes; " not in line]
