"""The commands of the microscope: what they read, what they write, and the head of their pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.cli.flags import make_parser
from common.errors import InputError
from interpretability.cli import add_inside_arguments, check_arguments, facts_of, load_halves, probe, units
from interpretability.microscope_config import UnitsConfig
from interpretability.reading import Piece, open_model

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests/fixtures/format_2"
FEW = ["--num-controls", "1", "--num-untrained", "0", "--concepts", "text,sentence"]
CONLLU = "".join(f"{i}\tw{i}\tw\tNOUN\t_\t_\t0\troot\t_\t_\n" for i in (1, 2)) + "\n"


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"The king went home {number} times . He said so !\n" for number in range(30)))
    return path


def given(*argv):
    """A parser with the options of a command, and what it reads."""
    parser = make_parser("interpretability.units", "Units.")
    add_inside_arguments(parser, UnitsConfig)
    return parser, parser.parse_args([*map(str, argv)])


def test_units_are_told_as_text_as_json_and_on_a_page(texts, tmp_path, capsys):
    argv = ["--model", str(FIXTURES / "language_model"), "--input", str(texts), *FEW]
    units(argv)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["concept", "unit", "measure"]
    assert any(line.startswith("text ") and "recurrent_0" in line for line in lines)
    units([*argv, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert [each["concept"] for each in found["concepts"]] == ["sentence", "text"]
    units([*argv, "--output", str(tmp_path / "page.html")])
    page = (tmp_path / "page.html").read_text()
    assert "Which unit follows which concept?" in page
    assert "interpretability.units" in page
    assert str(tmp_path) not in page


def test_probes_are_told_as_json_and_on_a_page(texts, tmp_path):
    options = ["--max-lag", "1", "--num-words", "10", "--inverse-penalty", "0.01"]
    argv = ["--model", str(FIXTURES / "language_model"), "--input", str(texts), *options]
    probe([*argv, "--output", str(tmp_path / "found.json")])
    names = [task["task"] for task in json.loads((tmp_path / "found.json").read_text())["tasks"]]
    assert names[:2] == ["this word", "word -1"]
    probe([*argv, "--output", str(tmp_path / "page.html"), "--test", str(texts)])
    assert "Probes: language_model" in (tmp_path / "page.html").read_text()


def test_the_head_of_a_page_names_the_options_that_were_chosen_and_no_folder(texts):
    parser, arguments = given("--model", FIXTURES / "sentiment", "--input", texts, "--seed", 3, "--format", "json",
                              "--output", "x.json", "--text-column", "review")  # fmt: skip
    halves = [[Piece(["a"] * 1200, 0), Piece(["a"], 1)], [Piece(["b"] * 3, 2)]]
    found = facts_of(parser, arguments, halves)
    command = found.pop("command")
    assert found == {"model": "sentiment", "first split": "2 (1,201 tokens)", "scored on": "1 (3 tokens)"}
    assert command.split()[-6:] == ["--input", "texts.txt", "--text-column", "review", "--seed", "3"]
    _, arguments = given("--model", "sentiment/reviews", "--input", texts)
    assert facts_of(parser, arguments, halves)["model"] == "sentiment/reviews"


def test_options_stand_for_themselves(texts):
    _, arguments = given("--model", "m", "--input", texts)
    assert (arguments.document, arguments.test, arguments.output, arguments.text_column) == ("auto", None, None, None)
    for argv in (["--input", texts], ["--model", "m"], ["--model", "m", "--input", texts, "--format", "xml"]):
        with pytest.raises(SystemExit):
            given(*argv)


def test_files_are_checked_before_a_model_is_loaded(texts, tmp_path):
    check_arguments(given("--model", "m", "--input", texts)[1])
    for argv in (["--test", tmp_path / "none.txt"], ["--output", texts]):
        with pytest.raises(InputError):
            check_arguments(given("--model", "m", "--input", texts, *argv)[1])


def halves_of(texts, *argv):
    model = open_model(FIXTURES / "language_model")
    return load_halves(given("--model", "m", "--input", texts, *argv)[1], model, UnitsConfig(num_texts=6))


def test_without_a_second_file_the_first_is_halved(texts):
    first, second = halves_of(texts)
    assert (len(first), len(second)) == (3, 3)
    assert not {piece.text for piece in first} & {piece.text for piece in second}


def test_a_second_file_is_read_as_the_first(texts, tmp_path):
    (tmp_path / "test.txt").write_text("One more .\nAnother .\n")
    first, second = halves_of(texts, "--test", tmp_path / "test.txt", "--document", "line")
    assert (len(first), [piece.tokens for piece in second]) == (6, [["One", "more", "."], ["Another", "."]])


def test_files_of_two_kinds_are_refused(texts, tmp_path):
    (tmp_path / "a.conllu").write_text(CONLLU * 2)
    for one, other in ((texts, tmp_path / "a.conllu"), (tmp_path / "a.conllu", texts)):
        with pytest.raises(InputError, match=r"of another kind than .*; both have annotations, or neither"):
            halves_of(one, "--test", other)
    assert [len(half) for half in halves_of(tmp_path / "a.conllu", "--test", tmp_path / "a.conllu")] == [2, 2]


def test_columns_of_a_table_are_those_that_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("text,other,stars\nleft out,Good one,4\nno,Bad one,2\n")
    options = ["--text-column", "other", "--rating-column", "stars"]
    first, second = halves_of(tmp_path / "a.csv", *options, "--test", tmp_path / "a.csv")
    assert [(piece.tokens, piece.rating) for piece in first] == [(["Good", "one"], 4), (["Bad", "one"], 2)]
    assert [piece.rating for piece in second] == [4, 2]


def test_settings_that_will_not_do_are_refused_before_anything_is_read():
    with pytest.raises(InputError, match="--max-tokens: found 1"):
        units(["--model", "m", "--input", "none.txt", "--max-tokens", "1"])


@pytest.mark.parametrize("command", ["units", "probe"])
def test_help_waits_for_nothing(command):
    script = (
        f"import sys; from interpretability import cli\ntry: cli.{command}(['--help'])\nexcept SystemExit: pass\n"
        "slow = {'sklearn', 'matplotlib', 'spacy', 'tensorflow'} & set(sys.modules)\nassert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
