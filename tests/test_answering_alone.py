"""Answering needs what requirements-predict.txt names and nothing more: neither TensorFlow nor Keras."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Runs `python -m MODULE ARGUMENTS…` where Keras and its backends cannot be imported, and tells what was imported.
RUN_WITHOUT_KERAS = """
import atexit, json, os, runpy, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras", "tensorflow", "jax", "torch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
def tell():
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    with open(os.environ["IMPORTED"], "w") as file:
        json.dump([file for file in files if file], file)
atexit.register(tell)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
TEST = {
    "sentiment": "sentiment/dataset/test.csv",
    "language_model": "language_model/dataset/test.csv",
    "pos_tagging": "pos_tagging/dataset/test.conllu",
}


@pytest.fixture
def run_without_keras(tmp_path):
    """Run a command; its answer has `imported`, the files of all modules it imported."""

    def run(module, *args):
        imported = tmp_path / "imported.json"
        done = subprocess.run(
            [sys.executable, "-c", RUN_WITHOUT_KERAS, module, *map(str, args)],
            cwd=ROOT,
            env={**os.environ, "IMPORTED": str(imported)},
            capture_output=True,
            text=True,
            check=False,
        )
        done.imported = json.loads(imported.read_text())
        return done

    return run


def needed(requirements):
    """The names of the distributions of a requirements file, and of all they need."""
    names, waiting = set(), re.findall(r"^([\w-]+)==", (ROOT / requirements).read_text(), re.MULTILINE)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in names:
            names.add(name)
            try:
                wants = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # for another system
            waiting += [re.match(r"[\w.-]+", want).group() for want in wants if "extra ==" not in want]
    return names


def distributions(files):
    """The names of the installed distributions that these files belong to."""
    owners = metadata.packages_distributions()
    places = [place for place in sys.path if place.endswith("site-packages")]
    tops = {Path(file).relative_to(place).parts[0].split(".")[0] for file in files for place in places if place in file}
    return {re.sub(r"[-_.]+", "-", owner).lower() for top in tops for owner in owners.get(top, ())}


def beginning(data, folder):
    """A file with the first rows or sentences of another, which are scored sooner."""
    end = "\n\n" if data.suffix == ".conllu" else "\n"
    rows = (ROOT / data).read_text(encoding="utf-8").split(end)
    (folder / data.name).write_text(end.join([*rows[:20], ""]), encoding="utf-8")
    return folder / data.name


COMMANDS = [
    ("sentiment.predict", "A joy from start to end."),
    ("pos_tagging.predict", "They refuse to permit us to obtain the refuse permit."),
    ("language_model.score", "--tokens", "The king went into the forest."),
    ("language_model.generate", "--prompt", "Once upon a time", "--max-tokens", "9", "--top-p", "0.9"),
    *(
        pytest.param((f"{task}.evaluate", "--test", path), id=f"{task}.evaluate", marks=pytest.mark.slow)
        for task, path in TEST.items()
    ),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_answers_come_without_keras(command, run_without_keras, tmp_path):
    if command[-1] in TEST.values():
        command = (*command[:-1], beginning(Path(command[-1]), tmp_path))
    done = run_without_keras(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    used = distributions(done.imported)
    assert {"onnxruntime", "onnx", "h5py", "numpy"} <= used
    for_nothing = ("spacy/cli/", "onnx/__init__.py", "httpx/", "typer/")
    inside = [file.replace(os.sep, "/").rpartition("site-packages/")[2] for file in done.imported]
    assert [file for file in inside if file.startswith(for_nothing)] == []
    # joblib, which scikit-learn needs, takes psutil where it is, and pandas takes pyarrow.
    assert used - {"rnn-language", "psutil", "pyarrow"} <= needed("requirements-predict.txt")


def test_it_is_keras_that_is_missing(run_without_keras):
    """And it is said in one line, where it is asked for."""
    done = run_without_keras("sentiment.predict", "--engine", "keras", "A joy.")
    assert done.returncode == 2
    assert done.stderr == (
        "error: keras is not installed, only what answering needs; pip install 'rnn-language[train]'\n"
    )
    assert "tensorflow" not in needed("requirements-predict.txt")
    assert "keras" not in needed("requirements-predict.txt")


@pytest.mark.slow
def test_both_engines_give_the_same_answers(run):
    for module, text in (("sentiment.predict", "A joy from start to end."), ("pos_tagging.predict", "Birds sing.")):
        answers = [run(module, "--engine", engine, "--threads", 1, text).stdout for engine in ("onnx", "keras")]
        assert answers[0] == answers[1] != ""


def test_8_bits_round_ratings_a_little(run_here):
    reviews = ("--input", ROOT / "sentiment/dataset/test.csv", "--text-column", "review", "--format", "jsonl")
    ratings = {}
    for engine in ("onnx", "onnx-int8"):
        lines = run_here("sentiment.predict", "--engine", engine, *reviews).stdout.splitlines()
        ratings[engine] = [json.loads(line)["rating_predicted"] for line in lines]
    differences = [abs(a - b) for a, b in zip(*ratings.values(), strict=True)]
    assert 0 < max(differences) < 0.2


def test_threads_must_be_some(run_here):
    done = run_here("sentiment.predict", "--threads", "0", "A joy.")
    assert done.returncode == 2
    assert "--threads: found 0, wanted at least 1" in done.stderr


def test_answering_leaves_nothing_in_the_home_folder(tmp_path):
    """ONNX Runtime would write an identifier there, and send reports."""
    script = "import sentiment, pos_tagging.predict, language_model.predict, common.inference.onnx.export"
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | home
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
