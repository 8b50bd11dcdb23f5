"""Scores of an evaluation: printed, as JSON, as a page, and kept in a bundle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from common.bundles.bundle import open_bundle
from common.cli.flags import make_parser
from common.cli.options import add_evaluate_arguments
from common.cli.scores import save_elsewhere, show_scores
from common.evaluation.report import html_table
from common.evaluation.scores import Scores
from common.evaluation.verdict import Verdict
from sentiment.config import SentimentConfig
from tests.conftest import ROOT

BUNDLE = ROOT / "tests/fixtures/format_2/sentiment"


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(BUNDLE, tmp_path / "mine")


@pytest.fixture
def shown(bundle, capsys):
    """Show scores with some options; returns what is printed, and what is said."""

    def shown(*options, **more):
        parser = make_parser("toy.evaluate", None)
        add_evaluate_arguments(parser, "sentiment", "reviews")
        arguments = parser.parse_args(["--model", str(bundle), "--test", "data/test.csv", *options])
        given = {
            "names": ("r2",), "flat": {"r2": 0.5, "r2_interval": [0.4, 0.6]}, "baselines": {}, "predictions": None,
            "facts": {"weaknesses": ["Irony."]}, "notes": ["a note", "9 texts"],
            "sections": lambda rows: [("Scores", html_table(rows))], "verdict": Verdict("even", "Even."),
        }  # fmt: skip
        show_scores(parser, arguments, "sentiment", SentimentConfig(), Scores(**given | more))
        return capsys.readouterr()

    return shown


def test_a_table_with_what_was_counted(shown):
    assert shown().out.splitlines() == [
        "Even.",
        "score  model                    meaning",
        "r2     0.5000 [0.4000, 0.6000]  share of the variance that is explained; higher is better",
        "a note",
        "9 texts; in brackets: 95% bootstrap intervals",
        "no baseline: give the training data with --train",
    ]


def test_what_is_beside_a_baseline(shown):
    lines = shown("--train", "data/train.csv", baselines={"mean": {"r2": 0.0}}).out.splitlines()
    assert lines[2].startswith("r2     0.5000 [0.4000, 0.6000] *  0.0000")
    assert lines[-1] == "9 texts; in brackets: 95% bootstrap intervals; *: best of its row"


def test_one_object_of_json(shown, bundle):
    printed = json.loads(shown("--json").out)
    assert printed == {
        "r2": 0.5,
        "r2_interval": [0.4, 0.6],
        "weaknesses": ["Irony."],
        "verdict": "Even.",
        "baselines": {},
    }
    assert not json.loads((bundle / "metrics.json").read_text()).get("test", {}).get("command")


def test_a_report_names_model_and_command(shown, tmp_path):
    printed = json.loads(shown("--json", "--report", str(tmp_path / "page"), "--engine", "keras").out)
    page = Path(printed["report"])
    assert page == tmp_path / "page" / "report.html"
    content = page.read_text()
    assert "<h1>mine on test.csv</h1>" in content
    assert "<dt>model</dt><dd>mine (sentiment)</dd>" in content
    command = "python -m toy.evaluate --model mine --engine keras --test test.csv --report DIR"
    assert f"<dt>command</dt><dd><code>{command}</code></dd>" in content


def test_scores_are_kept_with_the_command_that_gave_them(shown, bundle, tmp_path):
    assert shown("--save").err == f"scores kept in {bundle}\n"
    kept = open_bundle(bundle, "sentiment").read_json("metrics.json")
    assert kept["test"]["r2"] == 0.5
    assert kept["test"]["command"] == "python -m toy.evaluate --model DIR --test test.csv --save"
    assert kept["validation"] == json.loads((BUNDLE / "metrics.json").read_text())["validation"]
    card = (bundle / "README.md").read_text()
    assert "- Irony." in card
    assert "| r2 |" in card


def test_scores_on_other_texts_are_kept_beside_them(shown, bundle, capsys):
    shown("--save", flat={"r2": 0.5, "r2_interval": [0.4, 0.6], "mae": 1.0})
    parts = {"phones": {"num_examples": 1200, "r2": 0.25}, "books": {"num_examples": 5, "r2": 0.5}}
    save_elsewhere(bundle, "sentiment", SentimentConfig(), parts, ["poems: nothing."])
    assert capsys.readouterr().err == f"scores of 2 other kinds of text kept in {bundle}\n"
    kept = open_bundle(bundle, "sentiment").read_json("metrics.json")
    assert kept["out_of_domain"] == {"weaknesses": ["poems: nothing."], **parts}
    assert kept["test"]["r2"] == 0.5
    card = (bundle / "README.md").read_text()
    assert "| phones | 1,200 | 0.2500 |" in card
    assert "- Not for poems: nothing." in card
    assert "- Irony." in card
    assert "| mae |" not in card  # it has no interval
