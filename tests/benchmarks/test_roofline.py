"""The roofline in a tiny size: what is counted is right, and the shares fit together."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from benchmarks import roofline
from common.bundles.bundle import open_bundle
from common.bundles.pretrained import find_bundle
from common.inference.states import recurrent_layers
from sentiment.predict import RatingModel


def test_texts_are_drawn_evenly(tmp_path):
    path = tmp_path / "texts.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["review"], *([f"text {number}"] for number in range(9))])
    assert roofline.sample(path, "review", 3) == ["text 0", "text 4", "text 8"]
    assert len(roofline.sample(path, "review", 100)) == 9


def test_a_product_is_that_of_the_matrices():
    kernel = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")
    (sums,) = roofline.product(2, kernel)()
    rows = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    np.testing.assert_allclose(sums, rows @ kernel, rtol=1e-5)


def test_figures_fit_together(monkeypatch):
    monkeypatch.setattr(roofline, "SECONDS", 0.001)
    monkeypatch.setattr(roofline, "COPIED_MB", 1)
    bundle = open_bundle(find_bundle("sentiment", "reviews"), "sentiment")
    layers = list(recurrent_layers(bundle.architecture).values())
    texts = ["A joy.", "It drags, and nobody cared about the plot at all."]
    found = roofline.measure(RatingModel.from_bundle(bundle, num_threads=1), layers, texts, repeats=1)
    units, backward, features = 384, 96, 256  # of the two LSTMs of `reviews`
    assert found["products_of_token"] == 4 * (units * (features + units) + backward * (features + backward))
    assert found["num_tokens"] == 4 + 13  # texts, each with the mark of its beginning
    assert found["num_steps"] == 2 * 13
    rates = [part["billions"] * 1e9 / found["products_of_token"] for part in found["products"]]
    assert min(rates) * 0.99 <= found["limit_tokens"] <= max(rates) * 1.01
    assert ["padding among the steps that are computed", "34.6%"] in roofline.table_rows(found)


@pytest.mark.parametrize("option", ["--texts", "--repeats"])
def test_a_wrong_number_is_refused(option, capsys):
    with pytest.raises(SystemExit):
        roofline.PARSER.parse_args(["--input", "x.csv", option, "0"])
    assert "wanted at least 1" in capsys.readouterr().err
