"""Structured pruning of a rating model: what the other units can predict is not lost."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import sentiment
from common.bundles.bundle import open_bundle, save_bundle
from common.errors import InputError
from common.inference.keras_engine import load_model
from recipes.imdb.pruning import prune, prune_weights
from recipes.ratings.interpolation import interpolate, mix
from sentiment.agreement import read_settings
from sentiment.cli import train
from tests.sentiment.test_train import REVIEWS

TWO_READERS = (
    "--start scratch --head categorical --directions asymmetric --backward-units 4 --units 6 --embedding-dim 5 "
    "--num-epochs 2 --min-count 1"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Reviews and a model, in which unit 4 is made the double of unit 1."""
    folder = tmp_path_factory.mktemp("shrink")
    with open(folder / "train.csv", "w", newline="") as file:
        csv.writer(file).writerows([("review", "rating"), *list(REVIEWS.items()) * 4])
    train(["--train", str(folder / "train.csv"), "--output-dir", str(folder / "trained"), *TWO_READERS.split()])
    bundle = open_bundle(folder / "trained")
    model, config = load_model(bundle), read_settings(bundle)
    layer, head = model.get_layer("recurrent_0"), model.get_layer("logits")
    kernel, recurrent_kernel, bias = layer.get_weights()
    for array in (kernel, recurrent_kernel, bias):
        array[..., 4::6] = array[..., 1::6]
    recurrent_kernel[4] *= 0.1  # the double matters less than any other unit
    layer.set_weights([kernel, recurrent_kernel, bias])
    weights, head_bias = head.get_weights()
    weights[4] *= 0.1
    weights[10 + 4] = 0  # its maximum is not read
    head.set_weights([weights, head_bias])
    vocabulary = bundle.read_vocabulary("vocabulary.json")
    save_bundle(
        folder / "large",
        model,
        config,
        {},
        bundle.facts,
        "A double.",
        lambda path: vocabulary.save(path / "vocabulary.json"),
    )
    return folder


def run(folder, units, output, model="large"):
    prune(folder / model, units, folder / "train.csv", output)


def test_a_unit_that_is_the_double_of_another_is_not_missed(folder, tmp_path):
    run(folder, 5, tmp_path / "small")
    small, large = sentiment.load(tmp_path / "small"), sentiment.load(folder / "large")
    assert (small.config.units, large.config.units) == (5, 6)
    ratings = [[answer.rating for answer in model.predict(list(REVIEWS))] for model in (small, large)]
    np.testing.assert_allclose(*ratings, atol=1e-3)
    assert np.ptp(ratings[0]) > 0.01


def test_a_unit_that_the_others_predict_goes_first_and_is_reconstructed_from_them():
    rng = np.random.default_rng(0)
    weights = {"kernel": rng.normal(size=(2, 12)), "recurrent_kernel": rng.normal(size=(3, 12))}
    weights |= {"bias": rng.normal(size=12), "mean": rng.normal(size=(3, 2)), "max": rng.normal(size=(3, 2))}
    weights["head_bias"] = rng.normal(size=2)
    states = rng.normal(size=(50, 3))
    states[:, 1] = 0.02 * states[:, 0] - 0.01 * states[:, 2] + 0.5
    small = prune_weights(weights, states, np.full((4, 3), 0.75), 2)
    gates = [0, 2, 3, 5, 6, 8, 9, 11]
    np.testing.assert_allclose(small["kernel"], weights["kernel"][:, gates])
    said = np.array([[0.02], [-0.01]])
    for name, columns in (("recurrent_kernel", gates), ("mean", [0, 1])):
        expected = weights[name][[0, 2]] + said * weights[name][1]
        np.testing.assert_allclose(small[name], expected[:, columns], atol=1e-9)
    np.testing.assert_allclose(small["max"], weights["max"][[0, 2]])
    np.testing.assert_allclose(small["bias"], (weights["bias"] + 0.5 * weights["recurrent_kernel"][1])[gates])
    expected = weights["head_bias"] + 0.5 * weights["mean"][1] + 0.75 * weights["max"][1]
    np.testing.assert_allclose(small["head_bias"], expected)


def test_what_does_not_fit_is_said(folder, small_bundle, tmp_path):
    with pytest.raises(InputError, match=r"has 6 units, 6 were to stay"):
        run(folder, 6, tmp_path / "small")
    with pytest.raises(InputError, match=r"wanted one layer, asymmetric directions"):
        run(folder, 2, tmp_path / "small", small_bundle("sentiment"))
    assert not (tmp_path / "small").exists()


def test_between_two_models_lie_their_weights_and_new_words_stay_as_they_are(folder, tmp_path):
    interpolate(folder / "trained", folder / "large", 0.25, folder / "train.csv", tmp_path / "mean", "Rows.")
    tuned, origin, mean = (open_bundle(path) for path in (folder / "trained", folder / "large", tmp_path / "mean"))
    for name in ("embedding", "recurrent_0", "backward_0"):
        for one, other, between in zip(*(bundle.read_layer(name) for bundle in (tuned, origin, mean)), strict=True):
            np.testing.assert_allclose(between, 0.25 * one + 0.75 * other, atol=1e-3)
    assert (mean.manifest["title"], mean.manifest["about_data"]) == ("Rating model: mean", "Rows.")
    assert mean.manifest["half_precision"]
    assert mean.read_json("metrics.json")["validation"]["num_examples"] == 4 * len(REVIEWS)
    assert (tmp_path / "mean/history.csv").read_bytes() == (folder / "trained/history.csv").read_bytes()
    assert (tmp_path / "mean/learning_curve.png").exists()
    assert "Rows." in (tmp_path / "mean/README.md").read_text()

    class Older:
        """The larger model, before it had its last two words."""

        def read_layer(self, name):
            return [weight[:-2] if name == "embedding" else weight for weight in origin.read_layer(name)]

    [vectors, *_] = mix(tuned, Older(), 0.25).get_layer("embedding").get_weights()
    old, new = origin.read_layer("embedding")[0], tuned.read_layer("embedding")[0]
    np.testing.assert_allclose(vectors[:-2], (0.25 * new + 0.75 * old)[:-2], atol=1e-6)
    np.testing.assert_array_equal(vectors[-2:], new[-2:])
