"""Kills of the commands, and of a toy, which shows that the harness finds what it is there to find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# In a process of its own: a process of pytest may have run TensorFlow, and cannot be forked.
KILL_THE_TOYS = """
import json, os, sys, tempfile
from pathlib import Path
from tests.kills.harness import expect, kill_once
from tests.kills.judging import LEFTOVERS, file_content
from tests.kills.operations import Operation

def kill_toy(way, before, folder):
    assets, work = folder / "assets", folder / "work"
    os.environ["TOKEN_CACHE"] = str(folder / "tokens")
    old = assets / "old" / "toy" / "new.txt"
    old.parent.mkdir(parents=True)
    old.write_text("old\\n")
    old_arguments = ("whole", "new.txt") if before == "over" else ()
    toy = Operation("toy", 1, "tests.kills.toy_writer", (way, "new.txt"), "new.txt", {}, file_content, old_arguments)
    try:
        expected = expect(toy, assets, work, LEFTOVERS)
    except AssertionError as error:
        return [f"not killed: {error}"]
    outcomes = [kill_once(toy, expected, number, 1, assets, work) for number in range(10)]
    assert all(outcome.state for outcome in outcomes), outcomes
    return sorted({fault for outcome in outcomes for fault in outcome.faults})

found = {}
for case in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder:
        found[case] = kill_toy(*case.split(), Path(folder).resolve())
print(json.dumps(found))
"""
BROKEN = "broken target: changed rows, changed content"
TOYS = {
    "whole over": None,
    "whole new": None,
    "in_place over": BROKEN,
    "in_place new": BROKEN,
    "old_away over": "lost target: the old file is gone, the new one is not there",
    "any_name over": "another file: added tmp",
    "another_file over": "not killed: changed another file: changed notes.txt",
    "no_tidying over": "left after the next run: new.txt.checkpoint",
    "other_result over": "the next run gave another result: broken changed content",
    "stuck over": "the next run failed with status 3: (no output)",
}


def run_python(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=4 * 3600,  # a run that hangs is stopped long before; the slow test takes six minutes and more
        check=False,
    )


@pytest.fixture(scope="module")
def toy_faults():
    done = run_python("-c", KILL_THE_TOYS, *TOYS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("case", TOYS)
def test_the_harness_finds_what_a_toy_does_wrong(case, toy_faults):
    if TOYS[case] is None:
        assert toy_faults[case] == []
    else:
        assert any(fault.startswith(TOYS[case]) for fault in toy_faults[case]), toy_faults[case]


def kill(*arguments) -> None:
    done = run_python("-m", "tests.kills", *arguments)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "No faults." in done.stdout


@pytest.mark.slow
def test_a_killed_predict_loses_nothing():
    kill("--operations", "sentiment: predict --output*", "--count", 9, "--seed", 3)


@pytest.mark.slow
def test_a_killed_command_loses_nothing():
    kill("--count", 30, "--seed", 2)
