"""The TF-IDF baseline against NumPy by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sentiment.tfidf_linear import RIDGE_ALPHA, fit_tfidf_ridge

TEXTS = ["good film", "bad film film", "good good day"]
RATINGS = np.array([8.0, 1.0, 9.0])


def test_weights_and_ridge_by_hand():
    # words and word pairs of the three texts, as counts
    counts = {
        "good": (1, 0, 2), "film": (1, 2, 0), "bad": (0, 1, 0), "day": (0, 0, 1), "good film": (1, 0, 0),
        "bad film": (0, 1, 0), "film film": (0, 1, 0), "good good": (0, 0, 1), "good day": (0, 0, 1),
    }  # fmt: skip
    table = np.array(list(counts.values()), float).T  # (texts, terms)
    tf = np.where(table > 0, 1 + np.log(np.maximum(table, 1)), 0)
    idf = np.array([math.log((1 + 3) / (1 + sum(c > 0 for c in row))) + 1 for row in counts.values()])
    features = tf * idf
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    # Ridge without a penalty on the intercept: centre, then solve (X'X + alpha I) w = X'y
    centred = features - features.mean(axis=0)
    gram = centred.T @ centred + RIDGE_ALPHA * np.eye(len(counts))
    weights = np.linalg.solve(gram, centred.T @ (RATINGS - RATINGS.mean()))
    expected = centred @ weights + RATINGS.mean()
    model = fit_tfidf_ridge(TEXTS, RATINGS)
    np.testing.assert_allclose(model.predict(TEXTS), expected, rtol=1e-3)
    assert expected[2] > expected[0] > expected[1]
    # nothing known: only the intercept is left
    assert model.predict(["unheard of"])[0] == pytest.approx(RATINGS.mean() - features.mean(axis=0) @ weights, rel=1e-3)


def test_word_pairs_count():
    texts = ["not good but bad", "not bad but good"] * 3
    ratings = np.array([1.0, 10.0] * 3)
    bad, good = fit_tfidf_ridge(texts, ratings).predict(texts[:2])
    assert good > bad + 5  # the same words: only pairs tell them apart


def test_rare_terms_are_left_out_of_large_data():
    texts = [f"word{i} common" for i in range(1001)]
    vectorizer = fit_tfidf_ridge(texts, np.arange(1001.0))[0]
    assert list(vectorizer.vocabulary_) == ["common"]
