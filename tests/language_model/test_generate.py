"""The generate command: pieces as they come, endings written anew, the report."""

from __future__ import annotations

import pytest

import language_model
from common.text.vocabulary import Vocabulary
from language_model import cli
from language_model.predict import LanguageModel
from tests.language_model.toy_model import build_reader

pytestmark = pytest.mark.usefixtures("toy")


def test_tokens_are_printed_as_they_come(toy, monkeypatch, capsys):
    seen = []

    def write(self, prompt, **settings):
        for piece in ("the king", " went", " home"):
            seen.append(capsys.readouterr().out)
            yield [piece]

    monkeypatch.setattr(LanguageModel, "write", write)
    cli.generate(["--prompt", "the king"])
    assert seen == ["", "the king", " went"]
    assert capsys.readouterr().out == " home\n"


def test_flags_are_settings(toy, capsys):
    flags = ["--num-samples", "2", "--max-tokens", "7", "--temperature", "1.5", "--min-p", "0.05", "--seed", "3"]
    cli.generate(["--prompt", "the king", *flags])
    texts = toy.generate("the king", num_samples=2, max_tokens=7, temperature=1.5, min_p=0.05, seed=3)
    assert capsys.readouterr().out == f"--- 1\n{texts[0]}\n--- 2\n{texts[1]}\n"


def test_unknown_words_are_named(run_here):
    done = run_here("language_model.generate", "--prompt", "the zorgl and the queen", "--max-tokens", "2")
    assert "the model does not know 'and', 'queen', 'zorgl'; it reads <unk> there" in done.stderr


def test_endings_are_written_anew(toy, tmp_path, run_here):
    path = tmp_path / "stories.txt"
    path.write_text("the king. went home.\n\nthe king\n\nhome. the. went.\n")
    done = run_here("language_model.generate", "--endings", path, "--seed", "5", "--max-tokens", "30")
    assert "text 2: has one sentence only; left out" in done.stderr
    blocks = done.stdout.strip().split("\n\n")
    assert len(blocks) == 2
    assert blocks[0].startswith("… the king.\n  given:   went home.\n  written: ")
    expected = toy.generate("home. the. ", num_sentences=1, seed=7, max_tokens=30)[0]
    assert blocks[1].endswith("  written: " + expected.removeprefix("home. the.").strip())


@pytest.fixture
def three_words(monkeypatch):
    model = build_reader(Vocabulary(["red", "green", "blue"]))
    monkeypatch.setattr(language_model, "load", lambda *_: model)


DEAD_END = ["--no-repeat-ngram", "1", "--num-sentences", "1"]


def test_where_no_token_is_left_it_says_so_once(three_words, run_here):
    done = run_here("language_model.generate", "--prompt", "red", "--num-samples", "2", *DEAD_END)
    assert [sorted(line.split()) for line in done.stdout.splitlines()[1::2]] == [["blue", "green", "red"]] * 2
    reason = "--no-repeat-ngram 1 and --num-sentences 1 leave no token to write"
    assert done.stderr == "".join(f"text {number} stops after 2 tokens: {reason}\n" for number in (1, 2))


def test_a_text_that_stops_is_written_as_it_came(three_words, run_here):
    command = ["language_model.generate", "--prompt", "red green", *DEAD_END]
    done = run_here(*command)
    assert done.stdout == "red green blue\n"
    assert done.stderr.startswith("text 1 stops after 1 token: ")
    beams = run_here(*command, "--num-beams", "2")
    assert (beams.stdout, beams.stderr) == (done.stdout, done.stderr)


def test_where_nothing_can_be_written_the_command_fails(three_words, run_here):
    done = run_here("language_model.generate", "--prompt", "red green blue", *DEAD_END)
    assert done.returncode == 2
    assert "--no-repeat-ngram 1 and --num-sentences 1 leave no token to write after this prompt" in done.stderr


def test_of_endings_those_that_stop_are_named(three_words, tmp_path, run_here):
    path = tmp_path / "stories.txt"
    path.write_text("red green. Blue.\n\nred green blue. Red.\n")
    done = run_here("language_model.generate", "--endings", path, "--no-repeat-ngram", "1")
    assert "written: blue\n" in done.stdout
    assert "written: \n" in done.stdout
    reason = "--no-repeat-ngram 1 and --num-sentences 1 leave no token to write"
    assert done.stderr == f"text 1 stops after 1 token: {reason}\ntext 2 stops after 0 tokens: {reason}\n"


def test_a_report_is_on_what_was_written(monkeypatch, tmp_path, run_here):
    def write(self, prompt, **settings):
        yield from (["the king"] * 2, [" went", " home"], [" home", " home"], [".", " <b>"])

    monkeypatch.setattr(LanguageModel, "write", write)
    (tmp_path / "train.txt").write_text("the king went home.\n")
    options = ["--prompt", "the king", "--num-samples", "2", "--report", tmp_path, "--train", tmp_path / "train.txt"]
    done = run_here("language_model.generate", *options)
    assert done.stdout == "--- 1\nthe king went home.\n--- 2\nthe king home home <b>\n"
    assert "tokens written: 8" in done.stderr  # <, b and > are three
    assert "longest span copied from the training text, in tokens: 3" in done.stderr
    assert "the same, mean over the texts: 2" in done.stderr
    page = (tmp_path / "report.html").read_text()
    assert "<mark>went home .</mark>" in page
    assert "<mark>home</mark>" in page
    assert "&lt; b &gt;" in page


def test_options_that_do_not_go_together(tmp_path, run_here):
    path = tmp_path / "x.txt"
    path.write_text("the. king.")
    for options, message in (
        (["--endings", path, "--prompt", "a"], "--endings: takes its prompts from the file"),
        (["--train", path], "--train: is for the report; add --report DIR"),
        (["--endings", tmp_path / "none.txt"], "no such file"),
        (["--prompt", "a", "--text-column", "b"], "--text-column b: tells how a file is read; leave it out, or add --"),
    ):
        done = run_here("language_model.generate", *options)
        assert done.returncode == 2
        assert message in done.stderr
