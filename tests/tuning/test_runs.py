"""Runs below a folder: finished and unfinished ones, what differs, and the forms it is written in."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict

import pytest

import tuning
from common.errors import InputError
from pos_tagging.config import TaggingConfig
from sentiment.config import SentimentConfig
from tuning.cli import runs


def bundle(folder, config, task="sentiment", **scores):
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"format_version": 2, "task": task, "files": {}, "seconds": 90}))
    (folder / "config.json").write_text(json.dumps(asdict(config)))
    (folder / "metrics.json").write_text(json.dumps({"validation": {**scores, "num_examples": 5}} if scores else {}))
    name, value = next(iter(scores.items()), ("r2", 0))
    (folder / "history.csv").write_text(
        f"epoch,loss,{name},seconds\n1,2.0,{(value or 0) - 0.1},3\n2,1.5,{value or 0},3\n"
    )


@pytest.fixture
def folder(tmp_path):
    bundle(tmp_path / "a", SentimentConfig(dropout=0.2), r2=0.5, mae=1.0)
    bundle(tmp_path / "deep" / "b<i>", SentimentConfig(dropout=0.4), r2=0.6, mae=0.9)
    bundle(tmp_path / "none", SentimentConfig(dropout=0.4, seed=3))
    bundle(tmp_path / "t", TaggingConfig(), "pos_tagging", accuracy=0.9)
    checkpoint = tmp_path / "c.checkpoint" / "epoch-0002"
    checkpoint.mkdir(parents=True)
    history = [
        {"epoch": 1, "loss": 2.0, "r2": 0.7, "seconds": 1.0},
        {"epoch": 2, "loss": 1.0, "r2": None, "seconds": 1.0},
    ]
    state = {"settings": asdict(SentimentConfig(dropout=0.3)), "history": history, "best_epoch": 1, "seconds": 60}
    (checkpoint / "state.json").write_text(json.dumps(state))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "metrics.json").write_text("{}")
    return tmp_path


def test_the_best_of_each_task_comes_first(folder):
    found = tuning.find_runs(folder)
    assert [(run.task, run.name) for run in found] == [
        ("pos_tagging", "t"), ("sentiment", "c"), ("sentiment", "deep/b<i>"), ("sentiment", "a"), ("sentiment", "none")
    ]  # fmt: skip
    assert [run.state for run in found[1:3]] == ["unfinished after epoch 2", "2 epochs"]
    assert [run.name for run in tuning.find_runs(folder / "deep" / "b<i>")] == ["b<i>"]


def test_the_settings_that_differ_stand_beside_the_score(folder, capsys):
    runs([str(folder), "--task", "sentiment"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["run", "r2", "epochs", "minutes", "dropout", "seed"] or lines[0][-2:] == ["seed", "dropout"]
    assert lines[2][:2] == ["deep/b<i>", "0.6000"]
    assert {"0.4", "1"} <= set(lines[2])


def test_csv_json_and_a_page(folder, tmp_path, capsys):
    runs([str(folder), "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["run"] for row in rows] == ["t", "c", "deep/b<i>", "a", "none"]
    assert (rows[2]["r2"], rows[2]["mae"], rows[2]["dropout"], rows[0]["r2"]) == ("0.6", "0.9", "0.4", "")
    runs([str(folder), "--format", "json"])
    assert json.loads(capsys.readouterr().out)[1]["history"][1]["r2"] is None
    page = tmp_path / "runs.html"
    runs([str(folder), "--output", str(page)])
    text = page.read_text()
    assert "deep/b&lt;i&gt;" in text
    assert "b<i>" not in text.replace("b&lt;i&gt;", "")
    assert text.count("<svg") == 2


def test_where_no_run_is(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        tuning.find_runs(tmp_path / "nothing")
    with pytest.raises(InputError, match="no run of this program there"):
        tuning.find_runs(tmp_path)


@pytest.mark.parametrize("broken", ["", "epoch,loss\n1,many\n", "\x00"])
def test_a_history_that_cannot_be_read_is_left_out_aloud(broken, folder, caplog):
    (folder / "a" / "history.csv").write_text(broken)
    with caplog.at_level("INFO", "rnn_language"):
        run = next(run for run in tuning.find_runs(folder) if run.name == "a")
    assert (run.history, run.state) == ([], "not known")
    assert f"{folder / 'a' / 'history.csv'}: no learning curve that can be read" in caplog.text
    tuning.format_runs([run], "html")


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"history": 3}', '{"history": [{}], "best_epoch": 5}', '{"seconds": "x"}']
)
def test_a_run_that_is_damaged_is_left_out_aloud(folder, content, caplog):
    file = folder / "c.checkpoint" / "epoch-0002" / "state.json"
    file.write_text(content)
    with caplog.at_level("INFO", "rnn_language"):
        assert "c" not in [run.name for run in tuning.find_runs(folder)]
    assert f"left out: {file}" in caplog.text


@pytest.mark.parametrize("content", ["", '{"format_version": 2, "task": "senti', "[]"])
def test_a_run_whose_manifest_is_damaged_is_left_out_aloud(folder, content, caplog):
    file = folder / "a" / "manifest.json"
    file.write_text(content)
    with caplog.at_level("INFO", "rnn_language"):
        assert "a" not in [run.name for run in tuning.find_runs(folder)]
    assert f"left out: {file}: damaged, or of another program" in caplog.text


def test_a_pipe_in_a_run_keeps_nobody_waiting(folder):
    (folder / "a" / "history.csv").unlink()
    os.mkfifo(folder / "a" / "history.csv")
    (folder / "none" / "metrics.json").unlink()
    os.mkfifo(folder / "none" / "metrics.json")
    assert {run.name: len(run.history) for run in tuning.find_runs(folder)} == {"t": 2, "c": 2, "deep/b<i>": 2, "a": 0}


def test_a_table_is_not_written_into_a_model(folder):
    file = folder / "a" / "metrics.json"
    before = file.read_text()
    with pytest.raises(InputError, match="lies inside the model"):
        runs([str(folder), "--output", str(file)])
    assert file.read_text() == before


def test_a_name_with_dollars_is_drawn_as_it_is(folder):
    (folder / "a").rename(folder / "_run $x^$")
    assert tuning.format_runs(tuning.find_runs(folder), "html").count("<svg") == 2
