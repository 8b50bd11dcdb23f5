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
from sentiment.cli import write_text
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
