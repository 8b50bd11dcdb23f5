"""The commands of the rating model: options to calls, answers to lines. The model is a small one that is there."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

import pytest

from common.cli.table_files import JsonLines
from common.text.asked import Asked
from interpretability.explanation import Explanation
from sentiment.cli import own_columns, scale_ends, write_text
from sentiment.predict import Rating

MODEL = Path(__file__).resolve().parents[1] / "fixtures/format_1/sentiment"


def test_texts_come_from_the_column_that_is_named(run_here, tmp_path):
    table = tmp_path / "texts.csv"
    table.write_text("review,words\nBad.,A joy.\nBad.,So dull!\n")
    ratings = {}
    for column in ("words", "review"):
        options = ["--model", MODEL, "--input", table, "--format", "jsonl", "--text-column", column]
        done = run_here("sentiment.predict", *options)
        assert done.returncode == 0, done.stderr
        ratings[column] = [json.loads(line)["rating"] for line in done.stdout.splitlines()]
    assert ratings["review"][0] == ratings["review"][1] != ratings["words"][0]
    done = run_here("sentiment.predict", "--model", MODEL, "--input", table, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [float(row["rating"]) for row in rows] == pytest.approx(ratings["review"], abs=0.006)  # the default


def test_an_answer_is_written_before_the_next_text_is_read():
    """Whoever feeds a pipe text by text gets each answer at once."""
    arrived = io.BytesIO()
    output = io.TextIOWrapper(io.BufferedWriter(arrived), encoding="utf-8")
    answer = Rating(8.25, num_tokens=3, num_unknown=0, spread=None)
    write_text(argparse.Namespace(line_numbers=False), output, lambda text: None, Asked("text 1", "A joy.", 1), answer)
    assert b"8.2  A joy." in arrived.getvalue()
    JsonLines(output).write({"rating": 8.25})
    assert b'{"rating": 8.25}' in arrived.getvalue()


def written(answer, explanation=None, asked=None, line_numbers=False):
    output = io.StringIO()
    arguments = argparse.Namespace(line_numbers=line_numbers)
    write_text(arguments, output, lambda text: explanation, asked or Asked("text 2", "A\njoy.", 2), answer)
    return output.getvalue()


def test_an_answer_in_lines():
    rating = Rating(8.26, 1.5, 3, 0)
    assert written(rating) == " 8.3 ±1.5  A joy.\n"
    assert written(Rating(10.0, None, 3, 0), line_numbers=True) == "2: 10.0  A joy.\n"
    words = [f"w{number}" for number in range(12)]
    explanation = Explanation(words, [0.1 * number - 0.55 for number in range(12)])
    lines = written(rating, explanation).splitlines()
    assert lines[1] == "      -0.55  w0"
    assert [line.split()[1] for line in lines[1:]] == [*words[:5], *words[7:]]  # the ten largest
    for asked in (Asked("row 2", None, 2, "empty text"), Asked("row 2", "x", 2, "bad")):
        assert written(None, asked=asked).startswith("   –  (")
    assert "–" in written(rating, asked=Asked("row 2", None, 2, "empty text"))


def test_an_answer_in_columns():
    columns = own_columns(lambda text: None)
    asked = Asked("text 1", "A joy.", 1)
    assert columns.formats == {"rating": ".2f", "spread": ".2f", "num_tokens": "", "num_unknown": ""}
    assert columns.values(asked, Rating(8.0, None, 3, 1)) == {
        "rating": 8.0, "spread": None, "num_tokens": 3, "num_unknown": 1,
    }  # fmt: skip
    assert columns.values(asked, Rating(8.0, None, 3, 1, "odd"))["remark"] == "odd"
    explained = own_columns(lambda text: Explanation([text], [0.5]))
    assert explained.values(asked, Rating(8.0, None, 3, 1))["tokens"] == ["A joy."]
    assert explained.values(asked, Rating(8.0, None, 3, 1))["weights"] == [0.5]
    assert columns.text_name == "review"


def test_a_scale_of_the_option():
    assert scale_ends("1-5") == (1, 5)
    with pytest.raises(argparse.ArgumentTypeError, match="5 is not below 1"):
        scale_ends("5-1")


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_weights_have_no_room_in_a_row(name, run_here):
    done = run_here("sentiment.predict", "--model", MODEL, "--explain", "--format", name, "A joy.")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--explain: a row has no room for the weights of words" in done.stderr


@pytest.mark.usefixtures("few_resamples")
def test_what_is_explained_and_what_is_scored(run_here, tmp_path):
    done = run_here("sentiment.predict", "--model", MODEL, "--explain", "--scale", "1-5", "A joy.", "")
    first, *words, last = done.stdout.splitlines()
    assert first.endswith("  A joy.")
    assert 1 <= float(first.split()[0]) <= 5
    assert len(words) == 3
    assert last.startswith("   –  (")
    table = tmp_path / "test.csv"
    table.write_text("text,stars\nA joy.,9\nSo dull!,2\n")
    options = ["--text-column", "text", "--rating-column", "stars", "--min-rating", "1", "--max-rating", "10"]
    done = run_here("sentiment.evaluate", "--model", MODEL, "--test", table, *options)
    assert done.returncode == 0, done.stderr
    assert "binary_accuracy" in done.stdout
    done = run_here("sentiment.evaluate", "--model", MODEL, "--test", table, *options[:-1], "1")
    assert "--min-rating 1 is not below --max-rating 1" in done.stderr
