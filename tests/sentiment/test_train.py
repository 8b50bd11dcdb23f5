"""Training a rating model: it learns, and a run can be repeated. tests/test_interrupted_training.py kills it."""

from __future__ import annotations

import csv
import importlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

import sentiment
from common.errors import InputError
from common.text.vocabulary import Vocabulary
from sentiment.cli import train as main
from sentiment.config import SentimentConfig
from sentiment.loader import Reviews
from tests.sentiment.settings import settings as settings_of

training = importlib.import_module("sentiment.train")  # `sentiment.train` is the function

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


@pytest.mark.slow
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


# -- Before and after the network learns ----------------------------------------------------------------------------


def inputs_of(**given):
    nothing = {"train": [], "validation": None, "groups": None, "word_vectors_from": None, "unlabelled": None}
    return {**nothing, "start": "auto", "teachers": (), **given}


def test_inputs_that_belong_together():
    for given in ({}, {"teachers": ("a",), "unlabelled": ["b"]}, {"word_vectors_from": "a", "start": "scratch"}):
        training.check_inputs(inputs_of(**given), SentimentConfig())
    training.check_inputs(
        inputs_of(teachers=("a",), unlabelled=["b"]), SentimentConfig(head="categorical", nbsvm_weight=1.0)
    )
    for given, settings, message in (
        ({"teachers": ("a",)}, {}, "--teachers and --unlabelled: "),
        ({"unlabelled": []}, {}, "--teachers and --unlabelled: "),
        ({}, {"head": "categorical", "nbsvm_weight": 1.0}, "--nbsvm-weight: shifts the probabilities of --teachers"),
        ({"word_vectors_from": "a", "start": "b"}, {}, "--word-vectors-from and --start both give word vectors"),
        ({}, {"units": 0}, "--units: found 0"),
    ):
        with pytest.raises(InputError, match=message):
            training.check_inputs(inputs_of(**given), SentimentConfig(**settings))


@pytest.mark.parametrize("name", ["adversarial_epsilon", "tbptt_length"])
def test_what_only_one_backend_can_do(name, monkeypatch):
    config = SentimentConfig(**{name: 3})
    training.check_inputs(inputs_of(), config)
    monkeypatch.setattr(training.keras.backend, "backend", lambda: "jax")
    training.check_inputs(inputs_of(), SentimentConfig())
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}: only with --backend tensorflow"):
        training.check_inputs(inputs_of(), config)


def test_settings_that_follow_from_the_inputs():
    def settle(config, **given):
        return training.settle(config, inputs_of(**given), None, 100)

    assert settle(SentimentConfig()).ngrams == 2
    assert settle(SentimentConfig(head="ordinal")).ngrams == 0
    assert settle(SentimentConfig(), teachers=("a",)).ngrams == 0
    assert settle(SentimentConfig(ngrams=3)).ngrams == 3
    assert settle(SentimentConfig(), word_vectors_from="a").word_vectors == "given"
    assert settle(SentimentConfig()).num_epochs == 30
    for config, given, message in (
        (SentimentConfig(ngrams=1), {"teachers": ("a",)}, "--ngrams: not with --teachers"),
        (SentimentConfig(architecture="bow"), {"word_vectors_from": "a"}, "a bow network has no word vectors"),
        (SentimentConfig(new_words=1), {}, "--new-words: only with --start MODEL"),
        (SentimentConfig(word_vectors="given"), {}, "--word-vectors given: by what?"),
        (SentimentConfig(directions="asymmetric"), {}, "add --backward-units"),
    ):
        with pytest.raises(InputError, match=message):
            settle(config, **given)


def test_one_review_is_too_few():
    with pytest.raises(InputError, match="nothing is left to train on after one review"):
        training.read_splits(inputs_of(train=[("a", 1)]), SentimentConfig())
    splits = training.read_splits(inputs_of(train=[("good", 1), ("bad", 5)]), SentimentConfig())
    assert (len(splits.train), len(splits.validation)) == (1, 1)
    validated = training.read_splits(inputs_of(train=[("so", 1), ("bad", 5)], validation=[("x", 3)]), SentimentConfig())
    assert (len(validated.train), validated.validation.ratings.tolist(), validated.tokens) == (
        2,
        [3],
        [["so"], ["bad"]],
    )


def test_what_is_said_of_the_data(capsys):
    rows = [("good film", 5), ("bad film", 1), ("good good good", 4), ("bad", 2)]
    config = settings_of(max_length=3, min_count=1, ngrams=2, head="regression", embedding_dim=3, max_rating=5.0)
    splits = training.read_splits(inputs_of(train=rows, validation=[("film", 3)]), config)
    capsys.readouterr()
    examples = training.prepare_data(splits, inputs_of(), config, None)
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Data: 4 reviews to train on, 1 for validation; 7 words, 7 n-grams; 25.0% of the reviews are too long and cut"
    )
    assert examples.targets.tolist() == [[5], [1], [4], [2]]
    assert examples.vectors.shape == (7, 3)
    plain = training.prepare_data(splits, inputs_of(), settings_of(architecture="bow", min_count=3), None)
    assert (plain.ngrams, plain.vectors, plain.vocabulary.tokens[4:]) == (None, None, ["good"])
    assert "; 5 words; " in capsys.readouterr().err
    random = settings_of(word_vectors="random", min_count=1)
    assert training.prepare_data(splits, inputs_of(), random, None).vectors is None


def test_layers_that_are_never_reached_are_frozen():
    config = settings_of(units=3, embedding_dim=2, num_epochs=2, unfreeze_epochs=1.0, dropout=0.0)
    network = training.build_model(config, 6)
    training.compile_learner(network, 10, config)  # 20 steps; the layer begins at 10, the word vectors at 20
    assert {layer.name for layer in network.layers if layer.weights and not layer.trainable} == {"embedding"}


def test_the_verdict_is_on_the_validation_split(monkeypatch, capsys):
    known = Reviews([f"{'good' if i % 2 else 'bad'} {i}" for i in range(12)], np.array([1.0, 9] * 6, np.float32))
    held_out = Reviews(["good", "bad"], np.array([9.0, 1], np.float32))
    splits = training.Splits(settings_of(), known, [], held_out, [["good"], ["bad"]])
    model = SimpleNamespace(
        config=settings_of(), predict_tokens=lambda tokens: SimpleNamespace(ratings=np.array([9.0, 1.0]))
    )
    seen, answers = [], training.baseline_answers

    def answer(texts, chosen, config):
        seen.append(len(chosen))
        return answers(texts, chosen, config)

    monkeypatch.setattr(training, "baseline_answers", answer)
    assert "On 2 validation reviews the model explains 100%" in training.judge(splits, model).sentence
    monkeypatch.setattr(training, "MOST_FOR_BASELINE", 11)
    training.judge(splits, model)
    assert seen == [12, 11]
    assert capsys.readouterr().err.startswith("Baseline: TF-IDF with ridge regression")
    examples = training.Examples([], None, Vocabulary([]), None, None, held_out, [["good"], ["bad"]])
    assert examples.score(model, ("mae",)) == {"mae": 0}
    assert set(examples.score(model)) >= {"mae", "r2", "qwk"}
    shown = training.shown_ratings([["good"]])
    assert shown.tolerance == 0.01


def test_emojis_have_a_verdict_too(capsys):
    """TF-IDF finds no words in them, after a training that may have taken hours."""
    known = Reviews(["😀 😀", "😡"] * 10, np.array([9.0, 1] * 10, np.float32))
    splits = training.Splits(settings_of(), known, [], known.take([0, 1]), [["😀", "😀"], ["😡"]])
    model = SimpleNamespace(
        config=settings_of(), predict_tokens=lambda tokens: SimpleNamespace(ratings=np.array([9.0, 1.0]))
    )
    assert "the model explains 100% of the variance" in training.judge(splits, model).sentence
    assert "TF-IDF finds no words" in capsys.readouterr().err


def test_logits_are_divided_by_the_temperature_that_is_said(monkeypatch, capsys):
    divided = []
    monkeypatch.setattr(training, "divide_logits", lambda network, temperature: divided.append((network, temperature)))
    model = SimpleNamespace(
        config=settings_of(min_rating=1.0, max_rating=3.0), answer_tokens=lambda tokens: {"logits": np.eye(3)}
    )
    training.calibrate("network", model, [], np.array([2.0, 3.0, 1.0]))  # always wrong
    assert divided == [("network", pytest.approx(10, rel=1e-3))]
    assert capsys.readouterr().err == "Temperature scaling: the logits are divided by 10.00\n"
