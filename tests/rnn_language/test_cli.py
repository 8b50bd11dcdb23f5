"""The command rnn-language: every program, help, hints, the list of models, completion; it starts fast."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from common.bundles.pretrained import pretrained_folders
from common.cli.flags import parser_of
from common.errors import InputError
from common.version import VERSION
from rnn_language import cli, completion, models
from tests.conftest import ROOT


def test_every_program_of_the_tasks_is_a_command():
    programs = {
        (path.parent.name, found[1])
        for path in ROOT.glob("*/*.py")
        if (found := re.search(r"run_command\(cli\.(\w+)\)", path.read_text(encoding="utf-8")))
    }
    assert {f"{room} {verb}" if room in cli.TASKS else verb for room, verb in programs} <= set(cli.COMMANDS)
    assert all(callable(cli.load(name)) for name in cli.COMMANDS)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sentimnt", "train"], "no command 'sentimnt'; did you mean sentiment?"),
        (["predict"], "did you mean sentiment predict or pos_tagging predict?"),
        (["generate"], "did you mean language_model generate?"),
        (["wirte"], "did you mean write?"),
        (["sentiment", "predcit"], "sentiment: no verb 'predcit'; did you mean predict?"),
        (["pos-tagging", "xyz"], "pos_tagging: no verb 'xyz'; the verbs are train, evaluate, predict"),
        (["sentiment"], "sentiment: no verb ''; the verbs are train"),
        (["xyz"], "no command 'xyz'; see rnn-language --help"),
    ],
)
def test_a_mistyped_command_is_an_error_with_a_hint(words, hint):
    with pytest.raises(InputError, match=re.escape(hint)):
        cli.run(words)


@pytest.mark.parametrize("words", [[], ["--help"], ["sentiment", "--help"]])
def test_help_names_all_commands(words, capsys):
    cli.run(words)
    shown = capsys.readouterr().out
    assert shown.startswith("usage: rnn-language COMMAND")
    assert all(re.search(rf"\b{word}\b", shown) for name in cli.COMMANDS for word in name.split())
    assert len(shown.splitlines()) <= 45
    assert max(map(len, shown.splitlines())) <= 100


def test_help_of_a_command_calls_it_by_its_name(capsys):
    with pytest.raises(SystemExit):
        cli.run(["rate", "--help"])
    shown = capsys.readouterr().out
    assert shown.startswith("usage: rnn-language rate")
    assert "python -m" not in shown
    with pytest.raises(SystemExit):
        cli.run(["pos-tagging", "predict", "--formatt", "html"])
    assert "see rnn-language pos_tagging predict --help" in capsys.readouterr().err
    assert parser_of(cli.load("rate")).prog == "python -m sentiment.predict"


def test_the_version_and_the_help_import_nothing_slow():
    script = (
        "import sys; from rnn_language.cli import run; run(['--version']); run(['--help'])\n"
        "slow = {'numpy', 'spacy', 'argparse', 'h5py', 'pandas', 'rich', 'shtab'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"rnn-language {VERSION}\nusage: ")


def test_models_lists_what_is_there(capsys):
    cli.run(["models"])
    lines = capsys.readouterr().out.splitlines()
    there = [f"{task}/{name}" for task in models.TASKS for name in pretrained_folders(task)]
    assert [line.split()[0] for line in lines] == there
    assert {tuple(name.split("/")) for name in there} == set(models.PURPOSES)
    cli.run(["models", "pos-tagging", "--json"])
    found = {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}
    assert list(found) == ["brown", "ewt"]
    assert found["ewt"]["default"]
    assert not found["brown"]["default"]
    metrics = json.loads((ROOT / "pretrained_model/pos_tagging/ewt/metrics.json").read_text())
    assert found["ewt"]["scores"] == {"accuracy": metrics["test"]["accuracy"]}
    with pytest.raises(SystemExit):
        cli.run(["models", "cooking"])


def test_without_models_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setattr(models, "pretrained_folders", lambda task: {})
    with pytest.raises(InputError, match=r"pip install \./pretrained_model/sentiment"):
        models.list_models()


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "rnn-language"
    path.write_text(completion.shtab.complete(completion.whole_parser(), "bash"))
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sent"], {"sentiment"}),
        (["language_model", ""], {"train", "evaluate", "score", "generate", "word_vectors"}),
        (["rate", "--expl"], {"--explain"}),
        (["sentiment", "train", "--output-d"], {"--output-dir"}),
    ],
)
def test_bash_completes_commands_and_options(words, offered, bash_script):
    line = " ".join(f"'{word}'" for word in ["rnn-language", *words])
    script = (
        f"source {bash_script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_TYPE=9;"
        "_shtab_rnn_language; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert offered <= {line.strip() for line in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_too(shell):
    script = completion.shtab.complete(completion.whole_parser(), shell)
    assert "word_vectors" in script
    assert "rnn-language" in script
