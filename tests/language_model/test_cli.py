"""The commands of the language model: options to calls, answers to lines. The model is a toy, or none."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

import language_model
from common.errors import InputError
from language_model import cli
from language_model.config import DynamicConfig, GenerationConfig
from tests.conftest import ROOT

DATA = ROOT / "language_model/dataset/train.csv"


def test_training_from_options(monkeypatch, run_here, tmp_path):
    calls = []

    def train(data, output_dir, config, on_epoch, **options):
        calls.append((data, output_dir, config, options))
        first = len(calls) == 1
        scores = {"perplexity": 12.345, "bits_per_character": 1.2345} if first else {}
        verdict = SimpleNamespace(sentence="It is so.") if first else None
        return SimpleNamespace(scores=scores, path=Path("here"), verdict=verdict)

    monkeypatch.setattr(language_model, "train", train)
    options = ["--train", DATA, "--output-dir", tmp_path / "x"]
    done = run_here("language_model.train", *options, "--units", 7, "--start", "scratch")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "validation: perplexity 12.35, 1.234 bits a character; bundle in here\nIt is so.\n"
    [(given, folder, config, settings)] = calls
    assert (given, folder, config.units, settings["start"]) == (DATA, tmp_path / "x", 7, "scratch")
    done = run_here("language_model.train", *options)
    assert done.stdout == "trained without validation; bundle in here\n"


def dynamic(*options):
    return cli.read_dynamic(cli.evaluate_parser().parse_args(["--test", "x", *options]))


def test_settings_of_dynamic_evaluation(monkeypatch):
    started = []
    monkeypatch.setattr(cli, "start_keras", lambda: started.append(1))
    assert dynamic() is None
    assert not started
    assert dynamic("--dynamic") == DynamicConfig()
    assert dynamic("--dynamic", "--dynamic-segment", "3").dynamic_segment == 3
    assert len(started) == 2
    with pytest.raises(InputError, match="--dynamic-decay: is for dynamic evaluation; add --dynamic"):
        dynamic("--dynamic-decay", "0.1")
    with pytest.raises(InputError, match="--dynamic: --engine onnx-int8 has weights that cannot be adapted"):
        dynamic("--dynamic", "--engine", "onnx-int8")


@pytest.mark.parametrize(
    ("option", "value", "fits"),
    [
        ("--reset-every", "-1", False),
        ("--reset-every", "0", True),
        ("--ngram-order", "0", False),
        ("--ngram-order", "1", True),
    ],
)
def test_numbers_of_an_evaluation(option, value, fits, run_here):
    done = run_here("language_model.evaluate", "--model", "none/there", "--test", DATA, option, value)
    assert done.returncode == 2
    assert (f"{option}: " not in done.stderr) == fits
    assert cli.evaluate_parser().parse_args(["--test", "x"]).reset_every == 0


def test_an_evaluation_passes_its_options_on(toy, monkeypatch, run_here, tmp_path):
    calls = []
    monkeypatch.setattr(language_model, "evaluate", lambda *given, **options: calls.append((given, options)))
    monkeypatch.setattr(cli, "show_scores", lambda *given: None)
    done = run_here("language_model.evaluate", "--test", DATA, "--ngram-order", 3, "--stateful", "--cache", DATA)
    assert done.returncode == 0, done.stderr
    [((model, data), options)] = calls
    assert (model, data) == (toy, DATA)
    assert (options["ngram_order"], options["reset_every"], options["cache"], options["dynamic"]) == (3, 0, DATA, None)
    assert options["config"].stateful
    done = run_here("language_model.evaluate", "--test", DATA, "--cache", tmp_path / "none.csv")
    assert "none.csv: no such file" in done.stderr


@pytest.mark.usefixtures("toy")
def test_an_explanation(run_here):
    done = run_here("language_model.explain", "--ending", "home", "the king went")
    assert done.returncode == 0, done.stderr
    assert "log-probability of 'home'" in done.stdout
    assert "the likeliest next" in run_here("language_model.explain", "the king went").stdout


def test_texts_one_after_the_other_and_one_as_it_comes():
    def printed(*steps):
        output = io.StringIO()
        assert cli.print_pieces(map(list, steps), output) == [list(step) for step in steps]
        return output.getvalue()

    assert printed(("the",), (" king",)) == "the king\n"
    assert printed(("a", "b"), (" c", "")) == "--- 1\na c\n--- 2\nb\n"


def test_endings_are_shown_with_what_is_before_them(monkeypatch):
    ending = SimpleNamespace(context=" " + "x" * 200 + " ", given=" b. ", written=" c.")
    monkeypatch.setattr(cli, "write_endings", lambda *_: [ending])
    output = io.StringIO()
    cli.print_endings(None, [], None, output)
    assert output.getvalue() == "… " + "x" * 160 + "\n  given:   b.\n  written: c.\n\n"


def test_dead_ends_are_numbered_and_none_written_is_an_error(monkeypatch):
    said = []
    monkeypatch.setattr(cli, "say", said.append)
    config = GenerationConfig(no_repeat_ngram=1)

    def model_of(*steps):
        def write(prompt, on_dead_end, **settings):
            yield [prompt, prompt]
            yield from map(list, steps)
            on_dead_end(SimpleNamespace(place=1, num_tokens=1))

        return SimpleNamespace(write=write)

    assert cli.print_texts(model_of((" a", "")), "so", config, io.StringIO()) == [["so", "so"], [" a", ""]]
    assert said == ["text 2 stops after 1 token: --no-repeat-ngram 1 leaves no token to write"]
    with pytest.raises(InputError, match="--no-repeat-ngram 1 leaves no token to write after this prompt"):
        cli.print_texts(model_of(("", "")), "so", config, io.StringIO())
