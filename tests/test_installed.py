"""The project as it is installed: what the wheels hold, and commands from a folder with a stranger's packages.

Nothing is downloaded: the wheels are built with the setuptools that is there, and installed without what they need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from common.version import VERSION
from tests.conftest import ROOT

TASKS = ("sentiment", "pos_tagging", "language_model")
PACKAGES = ("rnn_language", "common", "interpretability", *TASKS, "from_scratch", "serving", "scaling", "tuning")
SUFFIXES = (".py", ".css", ".js")
SHADOWING = ("common", "sentiment", "rnn_language_models")

pytestmark = pytest.mark.slow


def pip(*arguments):
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--no-index", "--no-deps", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The four wheels, built from a copy: pip leaves things beside the sources."""
    folder = tmp_path_factory.mktemp("wheels")
    copy = folder / "copy"
    copy.mkdir()
    for name in (*PACKAGES, "pretrained_model"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for project in (copy, *(copy / "pretrained_model" / task for task in TASKS)):
        pip("wheel", "--no-build-isolation", "-w", folder, project)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """A folder with what the wheels install."""
    folder = tmp_path_factory.mktemp("site")
    pip("install", "--target", folder, *wheels.values())
    return folder


@pytest.fixture
def run(installed, tmp_path):
    """Run a command of the installation in a folder with packages of a stranger."""
    for name in SHADOWING:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a stranger')")

    def run(*command):
        return subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def names_in(wheel):
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_module_and_its_data(wheels):
    found = names_in(wheels["rnn_language"])
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and (path.suffix in SUFFIXES or {"presets", "spaces", "dataset", "page"} & {*path.parts})
    }
    assert found == {
        name
        for name in files
        if not name.startswith("from_scratch/notebooks/") and not {"__pycache__", "node_modules"} & {*name.split("/")}
    }
    assert {name.split("/")[0] for name in found} == set(PACKAGES)


def test_the_data_wheels_hold_the_pretrained_models_and_fit_an_index(wheels):
    assert len(wheels) == 4
    for task in TASKS:
        wheel = wheels[f"rnn_language_models_{task}"]
        models = ROOT / "pretrained_model" / task
        manifests = models.glob("*/manifest.json")
        files = {
            path.relative_to(models).as_posix()
            for each in manifests
            for path in each.parent.rglob("*")
            if path.is_file()
        }
        assert names_in(wheel) == {f"rnn_language_models/{task}/{name}" for name in files}
        assert wheel.stat().st_size < 100e6  # what package indexes take


def test_what_is_declared_is_what_is_pinned(wheels):
    """The base needs what requirements-predict.txt names, but for what spaCy asks for; `train` the rest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(lines):
        return {re.match(r"[\w-]+", line).group() for line in lines if re.match(r"\w", line)}

    pinned = names((ROOT / "requirements-predict.txt").read_text().splitlines())
    assert names(project["dependencies"]) == pinned - {"typer"}
    more = names((ROOT / "requirements.txt").read_text().splitlines())
    assert names(project["optional-dependencies"]["train"]) == more
    metadata = zipfile.ZipFile(wheels["rnn_language"]).read(f"rnn_language-{VERSION}.dist-info/METADATA").decode()
    assert f"\nVersion: {VERSION}\n" in metadata
    assert all("==" not in line.split(";")[0] for line in metadata.splitlines() if line.startswith("Requires-Dist"))


def test_the_command_works_beside_a_strangers_packages(installed, run):
    command = installed / "bin/rnn-language"
    assert run("-P", command, "--version").stdout == f"rnn-language {VERSION}\n"
    done = run("-P", command, "rate", "A joy from start to end.")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r" \d\.\d ±\d\.\d  A joy from start to end\.\n", done.stdout)
    done = run("-P", command, "tag", "Birds sing.")
    assert done.stdout == "Birds/NOUN sing/VERB ./PUNCT\n"
    done = run("-P", command, "write", "--prompt", "Once upon a time", "--max-tokens", "5", "--seed", "1")
    assert done.stdout.startswith("Once upon a time ")
    listed = run("-P", command, "models").stdout
    assert listed.count("\n") == 6
    done = run("-m", "rnn_language", "rate", "A joy.")
    assert done.returncode == 2
    assert re.fullmatch(r"error: common: found .*wanted the package of rnn-language .*python -P.*\n", done.stderr)


def test_spacy_finds_the_components_and_is_not_disturbed(run):
    script = "import spacy; nlp = spacy.blank('en'); nlp.add_pipe('rnn_tagger'); nlp.add_pipe('rnn_rating');"
    script += "doc = nlp('Birds sing.'); print([token.pos_ for token in doc], doc._.rating > 5)"
    done = run("-P", "-c", script)
    assert (done.stdout, done.stderr) == ("['NOUN', 'VERB', 'PUNCT'] True\n", "")
    done = run("-c", "import spacy; print(len(spacy.blank('en')('No.'))); spacy.blank('en').add_pipe('rnn_tagger')")
    assert done.stdout == "2\n"
    assert done.stderr.splitlines()[-1].startswith("ImportError: common: found ")


def test_sample_data_and_notebook_cells_need_no_repository(run, installed):
    for task in TASKS:
        lesson = (ROOT / task / "notebook.py").read_text(encoding="utf-8")
        assert f'DATA = Path({task}.__file__).parent / "dataset"' in lesson
        assert not re.search(r"^(?!#).*(pretrained_model|Path\(\"\.)", lesson, re.MULTILINE)
        assert len(list(Path(installed / task / "dataset").glob("*"))) == 3
