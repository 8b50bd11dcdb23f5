"""The commands of the rating model: options to calls, answers to lines. The model is a small one that is there."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sentiment.cli import ROW_WRITERS
from sentiment.predict import Rating

MODEL = Path(__file__).resolve().parents[1] / "fixtures/format_1/sentiment"


def test_texts_come_from_the_column_that_is_named(run_here, tmp_path):
    table = tmp_path / "texts.csv"
    table.write_text("review,words\nnot this,A joy.\nnor this,So dull!\n")
    answers = {}
    for column in ("words", "review"):
        options = ["--model", MODEL, "--input", table, "--format", "jsonl", "--text-column", column]
        done = run_here("sentiment.predict", *options)
        assert done.returncode == 0, done.stderr
        answers[column] = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert answers == {"words": ["A joy.", "So dull!"], "review": ["not this", "nor this"]}
    done = run_here("sentiment.predict", "--model", MODEL, "--input", table, "--format", "csv")
    assert [row["review"] for row in csv.DictReader(io.StringIO(done.stdout))] == answers["review"]  # the default


@pytest.mark.parametrize("name", ["text", "jsonl"])
def test_an_answer_is_written_before_the_next_text_is_read(name):
    """Whoever feeds a pipe text by text gets each answer at once."""
    arrived = io.BytesIO()
    write = ROW_WRITERS[name](io.TextIOWrapper(io.BufferedWriter(arrived), encoding="utf-8"))
    write("A joy.", Rating(8.25, num_tokens=3, num_unknown=0, spread=None), None)
    assert b"A joy." in arrived.getvalue()
    assert b"8.2" in arrived.getvalue()
