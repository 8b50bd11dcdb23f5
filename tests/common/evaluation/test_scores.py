"""Scores: what a program, a person, JSON and the report are told of them; test examples that training has seen."""

from __future__ import annotations

import math

import pytest

from common.evaluation.meanings import Meaning, winners
from common.evaluation.overlap import score_without_known
from common.evaluation.report import html_table
from common.evaluation.scores import Scores
from common.evaluation.verdict import Verdict

FLAT = {"r2": 0.5, "r2_interval": [0.4, 0.6], "mae": math.nan, "mae_interval": [math.nan, math.nan], "rmse": 1.0}


def scores(**more):
    given = {
        "names": ("mae", "r2", "qwk"), "flat": FLAT, "baselines": {}, "facts": {"num_examples": 9},
        "notes": ["a note", "9 texts"], "predictions": None, "sections": lambda rows: [("Scores", html_table(rows))],
    }  # fmt: skip
    return Scores(**given | more)


def test_scores_are_a_mapping_of_numbers_with_their_intervals_apart():
    found = scores()
    assert {**found} == pytest.approx({"r2": 0.5, "mae": math.nan, "rmse": 1.0}, nan_ok=True)
    assert len(found) == 3
    assert found.intervals["r2"] == [0.4, 0.6]
    assert list(found.intervals) == ["r2", "mae"]


def test_a_table_of_scores_has_those_of_the_task_in_their_order():
    rows = scores(baselines={"mean": {"r2": 0.0}}).rows()
    assert [row[:3] for row in rows] == [
        ["score", "model", "mean"], ["mae", "undefined", ""], ["r2", "0.5000 [0.4000, 0.6000] *", "0.0000"]
    ]  # fmt: skip
    shown = repr(scores(verdict=Verdict("even", "Even.")))
    assert shown.startswith("Even.\nscore  model")
    assert shown.endswith("a note\n9 texts")


def test_scores_in_json():
    found = scores(verdict=Verdict("even", "Even."), baselines={"mean": {"r2": 0.0}}).as_dict()
    assert found == {
        "r2": 0.5, "r2_interval": [0.4, 0.6], "mae": None, "mae_interval": [None, None], "rmse": 1.0,
        "num_examples": 9, "verdict": "Even.", "baselines": {"mean": {"r2": 0.0}},
    }  # fmt: skip
    assert "verdict" not in scores().as_dict()


def test_the_report_says_what_was_counted_beside_the_data(tmp_path):
    facts = {"data": {"file": "test.csv"}}
    page = scores(facts=facts, baselines={"mean": {"r2": 0.0}}).write_report(tmp_path, "T", {"model": "m"}).read_text()
    assert "<dt>model</dt><dd>m</dd><dt>data</dt><dd>test.csv (9 texts)</dd><dt>date</dt>" in page
    assert page.count('<p class="note">*: best of its row.</p><p class="note">a note</p></body>') == 1
    page = scores(facts=facts, notes=[]).write_report(tmp_path / "other", "T").read_text()
    assert "<dd>test.csv</dd>" in page
    assert "best of its row" not in page
    sections = [("Scores", "<p>1</p>"), ("More", "<p>2</p>")]
    page = scores(sections=lambda rows: sections).write_report(tmp_path / "third", "T").read_text()
    assert '<h2>Scores</h2><p>1</p><p class="note">a note</p><h2>More</h2><p>2</p></body>' in page
    assert "<dt>data</dt>" not in page


@pytest.mark.parametrize(
    ("examples", "known", "scored", "said"),
    [
        (["a", "b", "a"], ["b", "c"], [0, 2], "1 of the texts that are in training, too; without them mae 2.0000"),
        (["a", "b"], ["c"], None, None),
        (["a", "b"], ["b", "a"], None, None),
        (["a"] * 2000 + ["b"], ["a"], [2000], "2,000 of the texts that are in training, too; without them mae 1.0000"),
    ],
)
def test_test_examples_that_training_has_seen_are_left_out(examples, known, scored, said):
    seen = []

    def score(chosen):
        seen.append(chosen.tolist())
        return {"mae": float(len(chosen)), "rmse": 1.0}

    found, lines = score_without_known(examples, known, score, "texts that are in training, too", ["mae"])
    if said is None:
        assert (found, lines, seen) == ({}, [], [])
    else:
        assert (found, lines) == ({"num_examples": len(scored), "mae": len(scored), "rmse": 1.0}, [said])
        assert seen == [scored]


def test_a_meaning_says_which_way_is_better():
    assert str(Meaning("a")) == "a; higher is better"
    assert str(Meaning("a", -math.inf)) == "a; lower is better"
    assert str(Meaning("a", 1.0)) == "a; 1 is best"


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("error_in_spreads", [0.5, 1.4, 1.5], [1]),
        ("error_in_spreads", [0.5, 1.5, 2], [0, 1]),
        ("rmse", [2, 1, 1], [1, 2]),
        ("r2", [None, 0.5, "x"], []),
        ("r2", [None, 0.5, 0.4], [1]),
        ("num_examples", [1, 2, 3], []),
    ],
)
def test_the_best_of_several_systems(name, values, best):
    assert winners(name, {place: {name: value} for place, value in enumerate(values)}) == best
    assert winners(name, {"a": {}, "b": {}}) == []
