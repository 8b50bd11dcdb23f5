"""Ridge regression in closed form: what it says of a text that it has not seen, by leaving that text out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from common.errors import InputError
from sentiment import ridge
from sentiment.ridge import fit_ridge, fit_spread


def make_data(number=40, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(2, 3, (number, 5))
    terms = csr_matrix(np.maximum(rng.normal(size=(number, 30)), 0))
    scores = 0.3 * features[:, 1] + 0.5 * terms.toarray()[:, 3] + 0.1 * rng.normal(size=number)
    return features, terms, scores


def said(fit, features, terms):
    return features @ fit.deep + terms @ fit.wide + fit.bias


@pytest.mark.parametrize("with_direction", [False, True])
def test_held_out_scores_are_those_of_a_fit_without_the_text(with_direction, monkeypatch):
    features, terms, scores = make_data()
    direction = np.array([0.0, 1.0, 0.2, 0.0, 0.0]) if with_direction else None
    monkeypatch.setattr(ridge, "SHARES", (0.5,))
    monkeypatch.setattr(ridge, "ALPHAS", np.array([0.7]))
    whole = fit_ridge(features, terms, scores, 1, direction)
    # The same standardization for the rest: it is no part of the fit.
    mean, scale = features.mean(axis=0), ridge._scales(features)
    standard = (features - mean) / scale
    if with_direction:
        along = (features - mean) @ direction
        standard = np.column_stack([standard, along / (along.std() / np.sqrt(ridge.DIRECTION_SHARE) + 1e-9)])
    wide = (terms @ terms.T).toarray()
    kernel = standard @ standard.T + 0.5 * wide
    for left in (0, 17, 39):
        rest = np.delete(np.arange(40), left)
        dual, _ = ridge._solve(kernel[np.ix_(rest, rest)], scores[rest], 0.7)
        bias = scores[rest].mean() - (kernel[np.ix_(rest, rest)] @ dual).mean()
        assert whole.held_out[left] == pytest.approx(kernel[left, rest] @ dual + bias, abs=1e-8)
        assert whole.wide_held_out[left] == pytest.approx(0.5 * wide[left, rest] @ dual, abs=1e-8)


def test_both_parts_are_found_and_new_texts_are_predicted():
    features, terms, scores = make_data(300)
    fit = fit_ridge(features[:200], terms[:200], scores[:200], 1)
    errors = said(fit, features[200:], terms[200:]) - scores[200:]
    assert errors.var() < 0.15 * scores.var()
    assert np.argmax(np.abs(fit.deep)) == 1
    assert np.argmax(np.abs(fit.wide)) == 3


def test_features_that_say_nothing_are_let_alone():
    _, terms, scores = make_data(200)
    noise = np.random.default_rng(1).normal(size=(200, 50))
    fit = fit_ridge(noise, terms, 2 * terms.toarray()[:, 3], 1)
    assert np.abs(noise @ fit.deep).std() < 0.3 * np.abs(terms @ fit.wide).std()
    alone = fit_ridge(None, terms, scores, 1)
    assert alone.deep.tolist() == [0]


def test_more_texts_than_the_closed_form_takes(monkeypatch):
    features, terms, scores = make_data(200)
    monkeypatch.setattr(ridge, "MAX_FITTED", 150)
    monkeypatch.setattr(ridge, "MAX_CHOSEN_ON", 60)
    fit = fit_ridge(features, terms, scores, 1)
    assert fit.held_out.shape == (200,)
    assert (fit.held_out - scores).var() < 0.3 * scores.var()
    again = fit_ridge(features, terms, scores, 1)
    np.testing.assert_array_equal(fit.wide, again.wide)


def test_terms_alone_of_more_texts_than_the_closed_form_takes_are_fitted_on_all_of_them(monkeypatch):
    _, terms, _ = make_data(400)
    scores = terms.toarray() @ np.linspace(-1, 1, 30) + np.random.default_rng(2).normal(0, 0.5, 400)
    closed = fit_ridge(None, terms, scores, 1)
    monkeypatch.setattr(ridge, "MAX_FITTED", 100)
    monkeypatch.setattr(ridge, "ALPHAS_OF_MANY", (1.0, 1e6))
    many = fit_ridge(None, terms, scores, 1)
    assert many.deep.tolist() == [0]
    np.testing.assert_allclose(many.wide, closed.wide, atol=0.05)
    assert many.bias == pytest.approx(closed.bias, abs=0.05)
    # A text is held out of the fold that rates it, and the part of the terms is that without a bias.
    assert ((many.held_out - scores) ** 2).mean() > ((terms @ many.wide + many.bias - scores) ** 2).mean()
    assert ((many.held_out - scores) ** 2).mean() < 1.3 * ((closed.held_out - scores) ** 2).mean()
    assert np.unique((many.held_out - many.wide_held_out).round(9)).size == ridge.NUM_FOLDS


def test_one_text_is_too_few():
    features, terms, scores = make_data()
    with pytest.raises(InputError, match="one review is left to train on; give more data"):
        fit_ridge(features[:1], terms[:1], scores[:1], 1)


def test_the_spread_follows_the_errors_and_is_nowhere_0():
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, 4000)
    true = 0.05 + 0.4 * (1 - scores**2)
    a, b, c = fit_spread(scores + true * rng.normal(size=4000), scores)
    found = np.sqrt(a + b * scores + c * scores**2)
    assert np.corrcoef(found, true)[0, 1] > 0.95
    ends = fit_spread(np.full(100, 0.99), np.full(100, 0.98))
    assert all(ends[0] + x * (ends[1] + x * ends[2]) > 0 for x in np.linspace(-1, 1, 21))
    few = fit_spread(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    assert few.tolist() == [0.25, 0, 0]
