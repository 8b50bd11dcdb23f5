"""The generate command: pieces as they come, endings written anew, the report."""

from __future__ import annotations

import pytest

from common.errors import InputError
from common.text.vocabulary import Vocabulary
from language_model import generate
from language_model.predict import LanguageModel
from tests.language_model.toy_model import build_reader


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    model = build_reader()
    monkeypatch.setattr(LanguageModel, "load", lambda *_: model)
    return model


def test_tokens_are_printed_as_they_come(toy, monkeypatch, capsys):
    seen = []

    def write(self, prompt, **settings):
        for piece in ("the king", " went", " home"):
            seen.append(capsys.readouterr().out)
            yield [piece]

    monkeypatch.setattr(LanguageModel, "write", write)
    generate.main(["--prompt", "the king"])
    assert seen == ["", "the king", " went"]
    assert capsys.readouterr().out == " home\n"


def test_flags_are_settings(toy, capsys):
    flags = ["--num-samples", "2", "--max-tokens", "7", "--temperature", "1.5", "--min-p", "0.05", "--seed", "3"]
    generate.main(["--prompt", "the king", *flags])
    texts = toy.generate("the king", num_samples=2, max_tokens=7, temperature=1.5, min_p=0.05, seed=3)
    assert capsys.readouterr().out == f"--- 1\n{texts[0]}\n--- 2\n{texts[1]}\n"


def test_unknown_words_are_named(capsys):
    generate.main(["--prompt", "the zorgl and the queen", "--max-tokens", "2"])
    assert "the model does not know 'and', 'queen', 'zorgl'; it reads <unk> there" in capsys.readouterr().err


def test_endings_are_written_anew(toy, tmp_path, capsys):
    path = tmp_path / "stories.txt"
    path.write_text("the king. went home.\n\nthe king\n\nhome. the. went.\n")
    generate.main(["--endings", str(path), "--seed", "5", "--max-tokens", "30"])
    shown, said = capsys.readouterr()
    assert "text 2: has one sentence only; left out" in said
    blocks = shown.strip().split("\n\n")
    assert len(blocks) == 2
    assert blocks[0].startswith("… the king.\n  given:   went home.\n  written: ")
    expected = toy.generate("home. the. ", num_sentences=1, seed=7, max_tokens=30)[0]
    assert blocks[1].endswith("  written: " + expected.removeprefix("home. the.").strip())


@pytest.fixture
def three_words(monkeypatch):
    model = build_reader(Vocabulary(["red", "green", "blue"]))
    monkeypatch.setattr(LanguageModel, "load", lambda *_: model)


DEAD_END = ["--no-repeat-ngram", "1", "--num-sentences", "1"]


def test_where_no_token_is_left_it_says_so_once(three_words, capsys):
    generate.main(["--prompt", "red", "--num-samples", "2", *DEAD_END])
    shown, said = capsys.readouterr()
    assert [sorted(line.split()) for line in shown.splitlines()[1::2]] == [["blue", "green", "red"]] * 2
    reason = "--no-repeat-ngram 1 and --num-sentences 1 leave no token to write"
    assert said == "".join(f"text {number} stops after 2 tokens: {reason}\n" for number in (1, 2))


def test_a_text_that_stops_is_written_as_it_came(three_words, capsys):
    generate.main(["--prompt", "red green", *DEAD_END])
    shown, said = capsys.readouterr()
    assert shown == "red green blue\n"
    assert said.startswith("text 1 stops after 1 token: ")
    generate.main(["--prompt", "red green", "--num-beams", "2", *DEAD_END])
    assert capsys.readouterr() == (shown, said)


def test_where_nothing_can_be_written_the_command_fails(three_words):
    with pytest.raises(
        InputError, match="--no-repeat-ngram 1 and --num-sentences 1 leave no token to write after this prompt"
    ):
        generate.main(["--prompt", "red green blue", *DEAD_END])


def test_of_endings_those_that_stop_are_named(three_words, tmp_path, capsys):
    path = tmp_path / "stories.txt"
    path.write_text("red green. Blue.\n\nred green blue. Red.\n")
    generate.main(["--endings", str(path), "--no-repeat-ngram", "1"])
    shown, said = capsys.readouterr()
    assert "written: blue\n" in shown
    assert "written: \n" in shown
    reason = "--no-repeat-ngram 1 and --num-sentences 1 leave no token to write"
    assert said == f"text 1 stops after 1 token: {reason}\ntext 2 stops after 0 tokens: {reason}\n"


def test_a_report_is_on_what_was_written(monkeypatch, tmp_path, capsys):
    def write(self, prompt, **settings):
        yield from (["the king"] * 2, [" went", " home"], [" home", " home"], [".", " <b>"])

    monkeypatch.setattr(LanguageModel, "write", write)
    (tmp_path / "train.txt").write_text("the king went home.\n")
    options = ["--prompt", "the king", "--num-samples", "2"]
    generate.main([*options, "--report", str(tmp_path), "--train", str(tmp_path / "train.txt")])
    shown, said = capsys.readouterr()
    assert shown == "--- 1\nthe king went home.\n--- 2\nthe king home home <b>\n"
    assert "tokens written: 8" in said  # <, b and > are three
    assert "longest span copied from the training text, in tokens: 3" in said
    assert "the same, mean over the texts: 2" in said
    page = (tmp_path / "report.html").read_text()
    assert "<mark>went home .</mark>" in page
    assert "<mark>home</mark>" in page
    assert "&lt; b &gt;" in page


def test_options_that_do_not_go_together(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("the. king.")
    with pytest.raises(InputError, match="--endings: takes its prompts from the file"):
        generate.main(["--endings", str(path), "--prompt", "a"])
    with pytest.raises(InputError, match="--train: is for the report; add --report DIR"):
        generate.main(["--train", str(path)])
    with pytest.raises(InputError, match="no such file"):
        generate.main(["--endings", str(tmp_path / "none.txt")])
