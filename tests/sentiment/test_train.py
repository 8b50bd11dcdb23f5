"""Training a rating model: it learns, and a run can be repeated. tests/test_interrupted_training.py kills it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import sentiment
from sentiment.cli import train as main

REVIEWS = {
    "I loved every minute of it.": 10,
    "A warm and clever story.": 9,
    "Nice, but far too long.": 6,
    "I fell asleep twice.": 4,
    "Not clever, not warm, not a story.": 2,
    "I hated every minute of it.": 1,
    "The best thing since bread.": 8,
    "The worst thing since mud.": 3,
}


@pytest.fixture
def reviews_csv(tmp_path):
    """Eight reviews, each eight times: an epoch of eight steps."""
    path = tmp_path / "eight.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("review", "rating"), *list(REVIEWS.items()) * 8])
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "--architecture lstm",
        pytest.param("--architecture bow", marks=pytest.mark.slow),
        pytest.param("--adversarial-epsilon 1", marks=pytest.mark.slow),
    ],
)
def test_eight_reviews_are_memorised(kind, reviews_csv, tmp_path, capsys):
    flags = (
        f"{kind} --start scratch --ngrams 0 --head regression --min-count 1 "
        "--units 16 --embedding-dim 12 --batch-size 8 --num-epochs 16 --patience 16 "
        "--learning-rate 0.05 --dropout 0 --word-dropout 0 --word-vector-dropout 0 --ema-momentum 0"
    )
    data = ["--train", str(reviews_csv), "--validation", str(reviews_csv)]
    main([*data, "--output-dir", str(tmp_path / "model"), *flags.split()])
    assert capsys.readouterr().out.startswith(("validation: r2 0.9", "validation: r2 1.0"))
    answers = [answer.rating for answer in sentiment.load(tmp_path / "model").predict(list(REVIEWS))]
    assert answers == pytest.approx(list(REVIEWS.values()), abs=0.5)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(small_runs, small_bundle, tmp_path):
    def train(name, *flags):
        small = small_runs["sentiment"]
        main(["--train", str(small.train), "--output-dir", str(tmp_path / name), *small.flags, *flags])
        return tmp_path / name

    def metrics(folder):
        found = json.loads((folder / "metrics.json").read_text())["validation"]
        return {name: value for name, value in found.items() if name != "verdict"}

    first, again = small_bundle("sentiment"), train("again")  # one in a process of its own, one in this
    assert metrics(again) == pytest.approx(metrics(first), rel=1e-4)
    weights = [sentiment.load(folder).network.model.get_weights() for folder in (first, again)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert metrics(train("other", "--seed", "4")) != pytest.approx(metrics(first), rel=1e-3)


def test_a_group_stays_on_one_side_and_the_rest_shapes_the_vocabulary(tmp_path):
    path = tmp_path / "films.csv"
    with open(path, "w", newline="") as file:
        rows = [(f"film{film} was fine, word{film}", film + 1, f"tt{film}") for film in range(8) for _ in range(4)]
        csv.writer(file).writerows([("review", "rating", "film"), *rows])
    flags = "--group-column film --units 4 --embedding-dim 5 --num-epochs 1 --validation-split 0.25 --min-count 4"
    main(["--train", str(path), "--output-dir", str(tmp_path / "model"), *flags.split()])
    words = set(json.loads((tmp_path / "model/vocabulary.json").read_text())["tokens"])
    # Of eight films two were held out: all four reviews of each, so their words stay unknown.
    assert sum(f"word{film}" in words for film in range(8)) == 6
    metrics = json.loads((tmp_path / "model/metrics.json").read_text())
    assert metrics["validation"]["num_examples"] == 8
