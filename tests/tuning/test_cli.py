"""The command `search`: what stands where, and which settings were given."""

from __future__ import annotations

import pytest

import tuning
from common.evaluation.verdict import EVEN, Verdict
from tuning import cli


@pytest.fixture
def found(monkeypatch, tmp_path):
    """What the command calls `search` with."""
    calls = []

    def search(task, data, output_dir, space, config, **options):
        calls.append((task, config, options))
        return type("Result", (), {"verdict": Verdict(EVEN, "About level."), "path": tmp_path})

    monkeypatch.setattr(tuning, "search", search, raising=False)
    return calls


@pytest.fixture
def words(tmp_path):
    """Options of every search."""
    (tmp_path / "train.csv").write_text("text,rating\nGood.,9\n")
    return ["--train", str(tmp_path / "train.csv"), "--output-dir", str(tmp_path / "search")]


def test_options_may_stand_before_the_task(found, words):
    cli.search([*words, "--dropout", "0.4", "sentiment"])
    cli.search(["language-model", *words])
    assert [task for task, _, _ in found] == ["sentiment", "language_model"]
    assert found[0][1].dropout == 0.4


def test_a_value_that_is_called_as_a_task_is_one_line(found, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.search([*words[:2], "--output-dir", "sentiment", "pos-tagging"])
    assert "pos_tagging stands behind sentiment; name the task first" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        cli.search([*words, "sentimental"])
    assert not found


def test_settings_that_are_given_are_fixed_also_with_the_value_of_the_default(found, words, tmp_path):
    (tmp_path / "config.json").write_text('{"learning_rate": 0.002}')
    cli.search(["sentiment", *words, "--dropout", "0.5", "--config", str(tmp_path / "config.json")])
    assert set(found[0][2]["fixed"]) == {"dropout", "learning_rate"}
