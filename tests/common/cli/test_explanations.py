"""Explanations on the command line, with an explainer that is made up."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

import pytest

from common.cli.explanations import add_explain_arguments, run_explain
from common.cli.flags import make_parser
from common.cli.stream import ask
from common.errors import InputError
from common.settings import Settings, setting


@dataclass(frozen=True)
class Method(Settings):
    method: str = setting("gradients", "the method", ("gradients", "occlusion"), basic=True)


@dataclass(frozen=True)
class Measure(Settings):
    num_samples: int = setting(9, "samples", minimum=1)


@dataclass(frozen=True)
class Found:
    text: str

    def lines(self):
        return [f"  {word} +" for word in self.text.split()]

    def record(self):
        return {"target": self.text.upper(), "weights": [float("nan"), 1.0]}

    def section(self):
        return f"<p>{self.text}</p>"

    def __str__(self):
        return f"measured: {self.text}"


def page(sections, **options):
    yield "<page>"
    yield from sections
    yield f"</page {sorted(options.items())}>\n" if options else "</page>\n"


def explain(text):
    if text.startswith("odd"):
        raise InputError(f"cannot explain {text!r}")
    return Found(text)


@pytest.fixture
def run_toy(capsys):
    def run_toy(*argv, **changed):
        parser = make_parser("toy.explain", None)
        add_explain_arguments(parser, Method, Measure)
        parser.set_defaults(model="none")
        arguments = argparse.Namespace(**vars(parser.parse_args([*map(str, argv)])) | changed)
        run_explain(arguments, (Method, Measure), lambda: ask(arguments), lambda: explain, lambda: Found("all"), page)
        return capsys.readouterr()

    return run_toy


def test_lines_for_people(run_toy):
    assert run_toy("so\ngood", "odd one", "", "--line-numbers") == (
        "1: so good\n  so +\n  good +\n\n2:    –  (cannot explain 'odd one')\n\n3:    –  (empty text)\n\n",
        "no explanation: text 2: cannot explain 'odd one'\nno answer: text 3: empty text; write something there or "
        "leave the row out\n1 of 3 rows have no answer\n",
    )


def test_objects_beside_their_rows(run_toy, tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,so good\n2,odd\n")
    lines = run_toy("--input", tmp_path / "a.csv", "--format", "jsonl", "--text-column", "text").out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": "1", "text": "so good", "target": "SO GOOD", "weights": [None, 1.0]},
        {"id": "2", "text": "odd", "target": None, "note": "cannot explain 'odd'"},
    ]


def test_a_page(run_toy, tmp_path):
    run_toy("so", "odd <", "--output", tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text() == (
        '<page><p>so</p><p class="note">text 2: cannot explain &#x27;odd &lt;&#x27;</p></page>\n'
    )


@pytest.mark.parametrize("argv", [["odd"], ["so", "odd", "--strict"]])
def test_an_explanation_that_fails_ends_the_command(argv, run_toy):
    with pytest.raises(InputError, match=r"^cannot explain 'odd'$"):
        run_toy(*argv)


def test_nothing_explained_is_an_error(run_toy, capsys):
    with pytest.raises(InputError, match="none of the 2 texts could be explained; see above why"):
        run_toy("odd", "odd 2")
    assert capsys.readouterr().err.count("no explanation: text ") == 2


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["a", "--num-samples", "3"], "--num-samples: is for --faithfulness; add that, or leave it out"),
        (["--faithfulness", "--method", "occlusion"], "--method: --faithfulness compares all methods; leave it out"),
        (["--faithfulness"], "--faithfulness: measures on a file of examples; give it with --input"),
        (["--faithfulness", "a", "--input", "b.csv"], "--faithfulness: measures on a file of examples"),
        (["--faithfulness", "--input", "nothing.csv"], "nothing.csv: no such file"),
        (["--faithfulness", "--input", "a.csv", "--columns", "a"], "--columns: the answers are no table"),
        (["a", "--columns", "a"], "--columns: the answers are no table; leave it out, or choose another --format"),
    ],
)
def test_options_that_exclude_each_other(argv, message, run_toy):
    with pytest.raises(InputError, match=message):
        run_toy(*argv)


def test_how_faithful_the_methods_are(run_toy, tmp_path):
    given = tmp_path / "a.csv"
    given.write_text("text\nso\n")
    measured = ["--faithfulness", "--input", given]
    assert run_toy(*measured, "--num-samples", "3").out == "measured: all\n"
    assert json.loads(run_toy(*measured, "--format", "jsonl").out) == {"target": "ALL", "weights": [None, 1.0]}
    assert run_toy(*measured, "--format", "html").out == (
        "<page><p>all</p></page [('is_colored', False), ('title', 'Faithfulness of explanations')]>\n"
    )
    with pytest.raises(InputError, match="is read by this command"):
        run_toy(*measured, "--output", given)


def test_help_shows_the_basic_settings(capsys):
    parser = make_parser("toy.explain", None)
    add_explain_arguments(parser, Method, Measure)
    shown, all_shown = parser.format_help(), parser.format_help(everything=True)
    assert "--method NAME" in shown
    assert "--num-samples" not in shown
    assert "--num-samples INT" in all_shown
