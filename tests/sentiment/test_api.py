"""The Python API of the sentiment task: files, tables and lists in; models, scores and results out; nothing printed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import sentiment
from common.errors import InputError
from sentiment import SentimentConfig

ROWS = [("A good film.", 9), ("A bad film.", 2), ("Good, good.", 10), ("Bad, bad.", 1)] * 5
CONFIG = SentimentConfig(num_epochs=2, units=5, embedding_dim=6, min_count=1, validation_split=0.3)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return sentiment.train(ROWS, tmp_path_factory.mktemp("api") / "model", CONFIG)


@pytest.mark.slow
def test_a_list_a_table_and_a_file_train_the_same_model(result, tmp_path):
    table = pd.DataFrame(ROWS, columns=["review", "rating"])
    table.to_csv(tmp_path / "rows.csv", index=False)
    for name, data in (("table", table), ("file", tmp_path / "rows.csv")):
        other = sentiment.train(data, tmp_path / name, CONFIG)
        assert other.scores == pytest.approx(result.scores, rel=1e-4)
        assert other.path == tmp_path / name


def test_a_result_holds_model_scores_history_and_path(result):
    assert set(result.scores) >= {"r2", "binary_accuracy"}
    assert [row["epoch"] for row in result.history] == [1, 2]
    own, saved = result.model.predict("Good."), sentiment.load(result.path).predict("Good.")
    assert own[0].rating == pytest.approx(saved[0].rating, abs=1e-4)


def test_on_epoch_may_stop_a_run(tmp_path):
    seen = []
    result = sentiment.train(ROWS, tmp_path / "model", CONFIG, lambda epoch, scores: seen.append(epoch) or True)
    assert seen == [1]
    assert len(result.history) == 1


def test_one_string_is_one_text_and_every_form_gives_the_same(result):
    model = sentiment.load(result.path)
    [one] = model.predict("A good film.")
    texts = ["A good film.", "A bad film."]
    answers = model.predict(texts)
    assert answers[0].rating == pytest.approx(one.rating, abs=1e-5)
    for form in (tuple(texts), pd.Series(texts), np.array(texts)):
        assert [answer.rating for answer in model.predict(form)] == [answer.rating for answer in answers]
    assert model.predict([]) == []
    for bad in ([None], [float("nan")], [["A good film."]]):
        with pytest.raises(InputError, match=r"text 1: found .*, wanted a string"):
            model.predict(bad)


def test_scores_are_computed_and_nothing_is_printed(result, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = sentiment.evaluate(result.model, ROWS, train=ROWS)
    assert scores["r2"] == scores.flat["r2"]
    low, high = scores.intervals["r2"]
    assert low <= scores["r2"] <= high
    assert "TF-IDF + ridge" in scores.baselines
    assert len(scores.predictions) == len(ROWS)
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []
    report = scores.write_report(tmp_path / "report", "Ours")
    assert report.read_text().startswith("<!doctype html>")


@pytest.mark.usefixtures("few_resamples")
def test_notebooks_show_tables(result):
    model = result.model
    shown = [
        result,
        model,
        model.predict(["<b>"]),
        sentiment.evaluate(model, ROWS),
        sentiment.explain(model, "<b> good"),
    ]
    for thing in shown:
        page = thing._repr_html_()
        assert "<b>" not in page.replace("<p><b>Rating model</b>", "")
    assert "&lt;b&gt;" in shown[2]._repr_html_()


def test_a_name_loads_a_pretrained_model_and_a_folder_comes_first(result, monkeypatch):
    monkeypatch.chdir(result.path.parent)
    assert sentiment.load("model").config.units == 5
    assert sentiment.load("reviews").config.directions == "asymmetric"
    result.path.rename(result.path.parent / "reviews")
    assert sentiment.load("reviews").config.units == 5
    (result.path.parent / "reviews").rename(result.path)
    with pytest.raises(
        InputError, match="reveiws: no such folder, and no pretrained model of that name; those there are: reviews"
    ):
        sentiment.load("reveiws")


def test_settings_are_checked_in_python_too(tmp_path):
    with pytest.raises(InputError, match="--units: found 0"):
        sentiment.train(ROWS, tmp_path / "model", SentimentConfig(units=0))
    with pytest.raises(InputError, match="--teachers and --unlabelled"):
        sentiment.train(ROWS, tmp_path / "model", CONFIG, unlabelled=["a"])
    with pytest.raises(InputError, match="row 1: rating '11' is outside 1 to 10"):
        sentiment.train([("a", 11), ("b", 3)], tmp_path / "model", replace(CONFIG, min_rating=1.0, max_rating=10.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_program_that_uses_the_functions_sees_no_line_of_ours(tmp_path):
    program = (
        "import sentiment\n"
        f"rows = {ROWS!r}\n"
        "config = sentiment.SentimentConfig(num_epochs=1, units=5, embedding_dim=6)\n"
        f"sentiment.train(rows, {str(tmp_path / 'model')!r}, config)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"bidirectional": True}, {"directions": "both"}),
        ({"bidirectional": False}, {"directions": "forward"}),
        ({"bidirectional": False, "reverse": True}, {"directions": "backward"}),
        ({"bidirectional": False, "backward_units": 3}, {"backward_units": 3, "directions": "asymmetric"}),
        ({"head": "class", "linear_teacher": 2.0}, {"head": "categorical", "nbsvm_weight": 2.0}),
        ({"adversarial_size": 3.0, "average_momentum": 0.5}, {"adversarial_epsilon": 3.0, "ema_momentum": 0.5}),
    ],
)
def test_settings_of_older_bundles_have_their_new_names(old, new):
    assert SentimentConfig.upgrade(old) == new
