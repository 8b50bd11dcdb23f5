"""The temperature of a rating model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from common.bundles.bundle import open_bundle
from common.text.tokenization import load_pipeline, tokenize_cached
from sentiment.cli import train as main
from sentiment.loader import load_reviews, make_targets, split_validation
from sentiment.predict import RatingModel
from sentiment.temperature_scaling import divide_logits, fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_ratings_is_found(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 4))
    targets = np.eye(4)[[rng.choice(4, p=row) for row in softmax(logits / temperature, axis=1)]]
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.05)


@pytest.mark.slow
def test_training_divides_the_logits(small_runs, tmp_path, capsys):
    small = small_runs["sentiment"]
    logits = {}
    for name, flags in (("plain", []), ("calibrated", ["--temperature-scaling"])):
        main(["--train", str(small.train), "--output-dir", str(tmp_path / name), *small.flags, *flags])
        rater = RatingModel.load(tmp_path / name)
        _, held_out = split_validation(load_reviews(small.train, rater.config), rater.config)
        targets = make_targets(held_out.ratings, rater.config)
        tokens = tokenize_cached(held_out.texts, load_pipeline())
        logits[name] = rater.answer_tokens(tokens)["logits"]
    [temperature] = np.unique((logits["plain"] / logits["calibrated"]).round(2))
    assert temperature == pytest.approx(fit_temperature(logits["plain"], targets), abs=0.01)
    assert f"divided by {temperature:.2f}" in capsys.readouterr().err

    def loss(name):
        return -(targets * log_softmax(logits[name], axis=1)).sum(axis=1).mean()

    assert loss("calibrated") < loss("plain")
    assert open_bundle(tmp_path / "calibrated").read_json("config.json")["temperature_scaling"] is True


def test_the_temperature_has_limits():
    logits = np.eye(3)
    assert fit_temperature(logits, np.eye(3)) == pytest.approx(0.1, rel=1e-3)  # always right
    assert fit_temperature(logits, np.eye(3)[[1, 2, 0]]) == pytest.approx(10, rel=1e-3)  # always wrong


def test_all_weights_of_the_logits_are_divided():
    given, kept = [np.array([[2.0, 4.0]]), np.array([6.0, 8.0])], []
    layer = SimpleNamespace(get_weights=lambda: given, set_weights=kept.extend)
    names = []
    divide_logits(SimpleNamespace(get_layer=lambda name: names.append(name) or layer), 2.0)
    assert [weights.tolist() for weights in kept] == [[[1, 2]], [3, 4]]
    assert names == ["logits"]
