"""What is installed is known: every requirement has a lock with hashes, every action of a workflow its commit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def normalise(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(name):
    """The versions that a requirements file asks for, those of the files it includes too."""
    pins = {}
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith("-r "):
            pins |= read_pins(line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            package, version = re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups()
            pins[normalise(package)] = version
    return pins


def read_lock(name):
    """The versions of a lock, one or several for each package, each with its conditions and its number of hashes."""
    versions = {}
    content = re.sub(r"^ *#.*\n", "", (ROOT / "locks" / name).read_text(), flags=re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", content.replace("\\\n", " ").strip()):
        package, version, marker, hashes = re.fullmatch(
            r"([\w.-]+)==([\w.]+)((?: ; [^#\n]*?)?)((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", entry
        ).groups()
        versions.setdefault(normalise(package), {})[version, marker.strip()] = hashes.count("--hash")
    return versions


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_locked_with_hashes(name):
    pins, lock = read_pins(name), read_lock(name)
    assert pins
    for package, version in pins.items():
        assert {found for found, _ in lock[package]} == {version}, f"{package}: run `make lock`"
    assert all(number > 0 for found in lock.values() for number in found.values())


def test_the_locks_agree():
    largest = read_lock("requirements-bench.txt")
    for name in set(REQUIREMENTS) - {"requirements-bench.txt", "requirements-lock.txt"}:
        for package, versions in read_lock(name).items():
            assert versions.keys() == largest[package].keys(), (name, package)


def test_no_lock_names_a_place_to_download_from():
    assert sorted(path.name for path in (ROOT / "locks").iterdir()) == REQUIREMENTS
    for name in REQUIREMENTS:
        for folder in (ROOT, ROOT / "locks"):
            content = (folder / name).read_text()
            assert not re.search(r"://|index-url|find-links|trusted-host| @ |^--|file:", content, re.MULTILINE), name
            assert not re.search(r"\b[\w-]+\.(org|com|net|io)\b", content), name


def test_set_up_installs_by_hash():
    makefile = (ROOT / "Makefile").read_text()
    rule = re.search(r"^\$\(INSTALLED\): (.*?)\n\n", makefile, re.MULTILINE | re.DOTALL).group(1)
    assert rule.startswith("locks/requirements-dev.txt pyproject.toml |")
    assert "--require-hashes --only-binary :all: -r locks/requirements-dev.txt" in rule
    assert "--no-deps --no-build-isolation -e ." in rule
    assert "setuptools" in read_pins("requirements-dev.txt"), "what builds this project is locked too"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_runs_known_actions(path):
    content = path.read_text()
    assert "\npermissions:\n  contents: read\n" in content
    assert content.count("permissions:") == 1
    actions = re.findall(r"uses: (.*)", content)
    assert actions
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in actions), actions
    for line in content.splitlines():
        if "pip install" in line:
            assert "--require-hashes" in line
            assert "-r locks/" in line


def test_each_python_that_is_promised_is_tested():
    promised = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    versions = ", ".join(f'"3.{minor}"' for minor in range(int(promised[1]), int(promised[2])))
    for path in WORKFLOWS:
        assert f"python: [{versions}]" in path.read_text(), path.name


def test_the_slow_tests_run_every_week():
    content = (ROOT / ".github" / "workflows" / "slow-tests.yml").read_text()
    assert re.search(r'schedule:\n    - cron: "\d+ \d+ \* \* \d"', content)
    assert "run: make test-slow" in content
