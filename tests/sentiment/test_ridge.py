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
    dual, _ = ridge._solve(kernel, scores, 0.7)
    np.testing.assert_allclose(said(whole, features, terms), kernel @ dual + (scores - kernel @ dual).mean(), atol=1e-8)
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


def test_share_and_alpha_are_those_of_the_smallest_error_without_the_text(monkeypatch):
    """By solving for each of them: the dual weights over the diagonal of the inverse are the errors."""
    monkeypatch.setattr(ridge, "ALPHAS", np.array([0.01, 0.1, 1.0, 10.0, 100.0]))
    found = set()
    for seed in range(6):
        features, terms, scores = make_data(14, seed)
        scores = scores + seed / 2 * np.random.default_rng(seed).normal(size=14)
        deep, wide = features @ features.T / 50, (terms @ terms.T).toarray()
        errors = {}
        for share in ridge.SHARES:
            for alpha in ridge.ALPHAS:
                dual, inverse = ridge._solve(deep + share * wide, scores, alpha)
                errors[share, alpha] = np.mean((dual / np.diag(inverse)) ** 2)
        found.add(ridge._choose_settings(deep, wide, scores, np.arange(14)))
        assert ridge._choose_settings(deep, wide, scores, np.arange(14)) == min(errors, key=errors.get)
        some = np.array([0, 2, 3, 5, 7, 8, 9, 12])
        assert ridge._choose_settings(deep, wide, scores, some) == ridge._choose_settings(
            deep[np.ix_(some, some)], wide[np.ix_(some, some)], scores[some], np.arange(8)
        )
    assert len(found) > 2


def test_texts_are_drawn_where_there_are_more():
    rng = np.random.default_rng(1)
    assert ridge._choose(rng, 5, 5).tolist() == [0, 1, 2, 3, 4]
    some = ridge._choose(rng, 50, 49).tolist()
    assert len(some) == 49
    assert some == sorted(set(some))
    assert set(some) < set(range(50))


def test_a_feature_that_is_always_the_same_has_a_small_scale():
    scales = ridge._scales(np.array([[5.0, 1], [5, 3]]))
    spread = np.array([5.0, 1, 5, 3]).std()
    assert scales == pytest.approx(np.sqrt(2) * np.array([0.01 * spread, 1 + 0.01 * spread]), rel=1e-4)


def test_two_texts_are_enough():
    features, terms, scores = make_data()
    fit = fit_ridge(features[:2], terms[:2], scores[:2], 1)
    assert np.isfinite([*fit.deep, *fit.wide, fit.bias]).all()
    assert said(fit, features[:2], terms[:2]).mean() == pytest.approx(scores[:2].mean())


@pytest.mark.parametrize(("left", "middle", "right"), [(0.4, 0.3, 0.9), (0.9, 0.5, 0.3)])
def test_a_parabola_is_found(left, middle, right):
    x = np.linspace(-1, 1, 50)
    variance = left * (1 - x) ** 2 / 4 + middle * (1 - x) * (1 + x) / 2 + right * (1 + x) ** 2 / 4
    parabola = [(left + right) / 4 + middle / 2, (right - left) / 2, (left + right) / 4 - middle / 2]
    assert fit_spread(x + np.sqrt(variance), x) == pytest.approx(parabola, abs=1e-6)
    few = fit_spread((x + np.sqrt(variance))[:49], x[:49])
    assert few.tolist() == [pytest.approx(variance[:49].mean()), 0, 0]


def test_a_variance_is_a_fifth_of_the_mean_at_least():
    """No error on bad texts, large ones on good texts."""
    x = np.linspace(-1, 1, 101)
    scores = np.where(x > 0.5, x + 1, x)
    a, b, c = fit_spread(scores, x)
    mean = ((scores - x) ** 2).mean()
    variances = a + b * x + c * x**2
    assert variances.mean() == pytest.approx(mean)
    assert 0.1 * mean < variances.min() < 0.2 * mean  # what is too much at the other end is taken off everywhere
    beyond = fit_spread(np.r_[scores, 1.0], np.r_[x, 7.0])  # a prediction off the scale counts as its end
    assert beyond @ [1, 1, 1] > 0
    assert beyond.tolist() != [a, b, c]
