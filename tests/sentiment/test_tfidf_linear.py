"""The linear baselines against NumPy by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge, RidgeCV

from sentiment import tfidf_linear
from sentiment.tfidf_linear import DECIDES, RATES, RIDGE_ALPHA, SVM_C, LinearModels, NaiveBayesSVM

TEXTS = ["good film", "bad film film", "good good day"]
RATINGS = np.array([8.0, 1.0, 9.0])
# words, pairs and triples of the three texts, as counts
COUNTS = {
    "good": (1, 0, 2), "film": (1, 2, 0), "bad": (0, 1, 0), "day": (0, 0, 1), "good film": (1, 0, 0),
    "bad film": (0, 1, 0), "film film": (0, 1, 0), "good good": (0, 0, 1), "good day": (0, 0, 1),
    "bad film film": (0, 1, 0), "good good day": (0, 0, 1),
}  # fmt: skip
TABLE = np.array(list(COUNTS.values()), float).T  # (texts, terms)


def test_weights_and_ridge_by_hand():
    tf = np.where(TABLE > 0, 1 + np.log(np.maximum(TABLE, 1)), 0)
    idf = np.array([math.log((1 + 3) / (1 + sum(c > 0 for c in row))) + 1 for row in COUNTS.values()])
    features = tf * idf
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    # Ridge without a penalty on the intercept: centre, then solve (X'X + alpha I) w = X'y
    centred = features - features.mean(axis=0)
    gram = centred.T @ centred + RIDGE_ALPHA * np.eye(len(COUNTS))
    weights = np.linalg.solve(gram, centred.T @ (RATINGS - RATINGS.mean()))
    expected = centred @ weights + RATINGS.mean()
    models = LinearModels(TEXTS, RATINGS, 5.5)
    np.testing.assert_allclose(models.predict(TEXTS)["TF-IDF + ridge"], expected, rtol=1e-3)
    assert expected[2] > expected[0] > expected[1]
    # nothing known: only the intercept is left
    unknown = models.predict(["unheard of"])["TF-IDF + ridge"][0]
    assert unknown == pytest.approx(RATINGS.mean() - features.mean(axis=0) @ weights, rel=1e-3)


def test_the_machine_looks_at_what_is_there_weighted_by_log_count_ratios():
    good = RATINGS > 5
    machine = NaiveBayesSVM(CountVectorizer(ngram_range=(1, 3)).fit_transform(TEXTS), good)
    there = np.minimum(TABLE, 1)[:, np.argsort(list(COUNTS))]  # the order of the terms is that of the alphabet
    shares = [1 + there[rows].sum(axis=0) for rows in (good, ~good)]
    ratio = np.log(shares[0] / shares[0].sum()) - np.log(shares[1] / shares[1].sum())
    features, sides = np.c_[there * ratio, np.ones(3)], np.where(good, 1, -1)

    def loss(weights):  # squared hinge; the bias is a weight like the others
        return weights @ weights / 2 + SVM_C * (np.maximum(0, 1 - sides * (features @ weights)) ** 2).sum()

    *learned, bias = minimize(loss, np.zeros(features.shape[1]), tol=1e-12).x
    np.testing.assert_allclose(machine.weights, ratio * learned, atol=1e-4)
    assert machine.bias == pytest.approx(bias, abs=1e-4)


def test_all_find_the_sides_of_texts_they_have_seen():
    texts = ["not good but bad", "not bad but good", "neither"] * 9
    ratings = np.array([1.0, 10.0, 5.5] * 9)
    answers = LinearModels(texts, ratings, 5.5).predict(texts[:2])
    assert tuple(answers) == (*RATES, *DECIDES)
    assert np.diff(answers["TF-IDF + ridge"]) > 5  # the same words: only pairs and triples tell them apart
    assert all(answers[name].tolist() == [False, True] for name in DECIDES)


def test_ratings_in_the_middle_teach_neither_side():
    texts, ratings = ["good film", "bad film", "lukewarm"] * 9, np.array([10.0, 1.0, 5.5] * 9)
    models = LinearModels(texts, ratings, 5.5)
    lukewarm = models.counter.vocabulary_["lukewarm"]
    assert models.bayes.weights[lukewarm] == models.logistic.coef_[0][lukewarm] == 0
    [margin] = models.bayes.margins(models.counter.transform(["lukewarm"]))
    assert margin == models.bayes.bias == pytest.approx(0, abs=0.1)
    assert (
        models.bayes.weights[models.counter.vocabulary_["bad"]]
        < 0
        < models.bayes.weights[models.counter.vocabulary_["good"]]
    )


def test_without_both_sides_only_ratings():
    assert tuple(LinearModels(TEXTS, RATINGS + 10, 5.5).predict(TEXTS)) == RATES


def test_rare_terms_are_left_out_of_large_data():
    texts = [f"word{i} common" for i in range(1001)]
    assert list(LinearModels(texts, np.arange(1001.0), 500).counter.vocabulary_) == ["common"]


@pytest.mark.parametrize("number", [5, 9, 10])
def test_few_texts_are_learned_without_a_word(number):
    """A warning of scikit-learn would be an error here: folds of a single text have no R²."""
    texts = [f"{'good' if place % 2 else 'bad'} number {place}" for place in range(number)]
    rated = LinearModels(texts, np.arange(number) % 2 * 8.0 + 1, 5.0).predict(["good", "bad"])["TF-IDF + ridge"]
    assert rated[0] > rated[1]


@pytest.mark.parametrize(
    ("number", "text"), [(1, "a"), (12, "😀 😀"), (12, "{}"), (1001, "word{}")], ids=["one", "emojis", "digits", "rare"]
)
def test_without_a_word_the_mean_is_left(number, text, capsys):
    texts = [text.format(place % 10 if number == 12 else place) for place in range(number)]
    ratings = np.where(np.arange(number) % 3, 1.0, 10.0)
    answers = LinearModels(texts, ratings, 5.5).predict(["a", "good film"])
    np.testing.assert_allclose(answers["TF-IDF + ridge"], ratings.mean())
    assert tuple(answers) == (RATES if number == 1 else (*RATES, *DECIDES))
    assert all(not answers[name].any() for name in DECIDES if name in answers)  # most ratings are bad
    assert capsys.readouterr().err.count("TF-IDF finds no words") == 1


def test_a_thousand_texts_keep_their_rare_terms():
    texts = [f"word{i} common" for i in range(1000)]
    assert len(LinearModels(texts, np.arange(1000.0), -1).counter.vocabulary_) == 1 + 2 * 1000


@pytest.mark.parametrize(("number", "kind"), [(9, Ridge), (10, RidgeCV), (12, RidgeCV), (13, Ridge)])
def test_the_penalty_is_chosen_on_some_texts(number, kind, monkeypatch):
    monkeypatch.setattr(tfidf_linear, "MOST_FOR_CHOICE", 12)
    texts, ratings = [f"so {'good' if i % 2 else 'bad'}" for i in range(number)], np.arange(number) % 2 * 4.0
    models = LinearModels(texts, ratings, 2.0)
    assert type(models.ridge) is kind
    if kind is RidgeCV:
        assert models.ridge.cv == 5
    assert models.bayes.predict(models.counter.transform(["good", "bad"])).tolist() == [True, False]
