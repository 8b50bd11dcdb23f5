"""Scores of ratings against arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from common.evaluation.metrics import format_score, with_intervals
from sentiment.evaluate import (
    SCORES,
    baseline_answers,
    count_facts,
    describe_counts,
    quadratic_kappa,
    rating_scores,
    rating_verdict,
    score_baselines,
    score_new,
    side_scores,
    spread_scores,
)
from sentiment.loader import Reviews
from sentiment.report import by_length, by_rating, by_spread, weaknesses, worst_mistakes
from tests.sentiment.settings import settings as settings_of

CONFIG = settings_of()
RATINGS = np.array([1, 4, 8, 10], np.float32)
PREDICTIONS = np.array([2, 4, 6.4, 9], np.float32)


def test_scores_by_hand():
    scores = rating_scores(RATINGS, PREDICTIONS, CONFIG)
    assert tuple(scores) == SCORES[:-1]  # the last one is of spreads
    # mean 5.75; squares around it 22.5625 + 3.0625 + 5.0625 + 18.0625 = 48.75; squared errors 1 + 0 + 2.56 + 1 = 4.56
    assert scores["r2"] == pytest.approx(1 - 4.56 / 48.75, rel=1e-5)
    assert scores["r2_rounded"] == pytest.approx(1 - 6 / 48.75, rel=1e-5)  # rounded: 2 4 6 9, errors 1 0 2 1
    assert scores["rmse"] == pytest.approx(math.sqrt(4.56 / 4), rel=1e-5)
    assert scores["mae"] == pytest.approx(3.6 / 4, rel=1e-5)
    assert scores["spearman"] == pytest.approx(1)
    assert scores["binary_accuracy"] == 1  # 1 and 4 below 5.5, 8 and 10 above; so are the predictions


def test_kappa_weighs_by_the_distance_of_the_ratings():
    # 1 - (squared error of the pairs there are) / (of all pairs): 6 / 4 against
    # truths 1 4 8 10 with answers 2 4 6 9: (1+9+25+64) + (4+0+4+25) + (36+16+4+1) + (64+36+16+1) = 306 in 16 pairs
    assert rating_scores(RATINGS, PREDICTIONS, CONFIG)["qwk"] == pytest.approx(1 - (6 / 4) / (306 / 16))
    # one step off and nine steps off are not the same
    near = rating_scores(np.array([1.0, 10.0]), np.array([2.0, 10.0]), CONFIG)["qwk"]
    far = rating_scores(np.array([1.0, 10.0]), np.array([9.0, 10.0]), CONFIG)["qwk"]
    assert near > far + 0.5
    rng = np.random.default_rng(0)
    ratings, predictions = rng.integers(1, 11, 50), rng.integers(3, 8, 50).astype(np.float32)
    expected = cohen_kappa_score(ratings, predictions.astype(int), weights="quadratic", labels=range(1, 11))
    assert quadratic_kappa(ratings, predictions) == pytest.approx(expected, abs=1e-12)


def test_ties_in_ranks_share_their_mean_rank():
    # ranks of the truth 1 2.5 2.5 4, of the answers 1 2 3 4: covariance 4.5 / 4, variances 4.5 / 4 and 5 / 4
    scores = rating_scores(np.array([1.0, 5, 5, 9]), np.array([2.0, 3, 4, 5]), CONFIG)
    assert scores["spearman"] == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_the_very_middle_is_neither_good_nor_bad():
    ratings, predictions = np.array([3.0, 1, 5, 3]), np.array([1.0, 4, 4, 5])
    scores = rating_scores(ratings, predictions, settings_of(min_rating=1.0, max_rating=5.0))
    assert scores["binary_accuracy"] == 0.5  # 1 and 5 count; 5 is found good


@pytest.mark.parametrize(
    ("ratings", "predictions"),
    [([7.0], [7.0]), ([7.0, 7.0], [6.0, 8.0]), ([1.0, 9.0], [5.0, 5.0]), ([5.5], [5.5])],
)
def test_what_is_not_defined_is_undefined(ratings, predictions):
    scores = rating_scores(np.array(ratings), np.array(predictions), CONFIG)
    assert math.isnan(scores["spearman"])
    assert math.isnan(scores["r2"]) == (len(set(ratings)) == 1)
    assert math.isfinite(scores["rmse"])
    assert format_score("spearman", with_intervals(lambda chosen: scores, len(ratings))) == "undefined"


def test_spreads_are_measured_against_the_errors():
    spreads = np.array([0.5, 1.0, 0.8, 2.0])
    # errors 1 0 1.6 1, in spreads 2 0 2 0.5
    scores = spread_scores(RATINGS, PREDICTIONS, spreads)
    assert scores == {"error_in_spreads": pytest.approx(math.sqrt((4 + 0 + 4 + 0.25) / 4), rel=1e-5)}
    table = by_spread(RATINGS, PREDICTIONS, spreads)
    assert [row[:2] for row in table[1:]] == [[0.5, 1], [0.8, 1], [1.0, 1], [2.0, 1]]  # the surest first
    assert [row[2] for row in table[1:]] == pytest.approx([1, 1.6, 0, 1])
    honest = np.random.default_rng(0).normal(0, 1, 100_000)
    assert spread_scores(honest, 0 * honest, 0 * honest + 1)["error_in_spreads"] == pytest.approx(1, abs=0.01)


def test_answers_that_only_part_good_from_bad():
    ratings = np.array([1.0, 5.5, 8, 10])
    assert side_scores(ratings, np.array([False, True, True, False]), CONFIG) == {"binary_accuracy": 2 / 3}


def test_tables():
    assert by_rating(np.array([1.0, 9, 1]), np.array([2.0, 8, 4]))[1:] == [[1.0, 2, 3.0, 2.0], [9.0, 1, 8.0, 1.0]]
    lengths = np.array([50, 10, 20, 40, 30])
    table = by_length(np.array([5.0, 1, 2, 4, 3]), np.array([8.0, 1, 2, 4, 4]), lengths)
    assert [row[:2] for row in table[1:]] == [["10-20", 2], ["30-30", 1], ["40-40", 1], ["50-50", 1]]
    assert [row[2] for row in table[1:]] == [0, 1, 0, 3]
    worst = worst_mistakes(np.array([1.0, 9, 5]), np.array([1.5, 2, 8]), ["a", "b" * 2000, "c"], 2)
    assert worst[1:] == [[9.0, 2.0, "b" * 1500], [5.0, 8.0, "c"]]


def test_weaknesses_are_the_largest_errors():
    ratings, predictions = np.array([1.0, 4, 8, 10]), np.array([1.0, 4, 2, 10])
    found = weaknesses(ratings, predictions, np.array([5, 6, 7, 8]))
    assert "rated 8" in found[0]
    assert "mean prediction 2.0, mean absolute error 6.00" in found[0]
    assert "of 7-7 tokens: root mean squared error 6.00" in found[1]
    assert "Ratings 2, 3, 5, 6, 7, 9 do not occur" in found[-2]
    mixed = "Mixed reviews: 25.0% of the predictions are ratings that do not occur, mean absolute error 6.00"
    assert mixed in found[-1]
    assert "of 5-5 tokens: root mean" in weaknesses(ratings, np.array([7.0, 4, 8, 10]), np.array([5, 6, 7, 8]))[1]
    assert "rated 1:" in weaknesses(ratings, np.array([7.0, 4, 8, 10]), np.array([5, 6, 7, 8]))[0]
    assert not any("Mixed" in sentence for sentence in weaknesses(ratings, ratings, np.array([5, 6, 7, 8])))


def test_a_spread_of_nothing_counts_as_a_hundredth():
    assert spread_scores(np.array([1.0, 2]), np.array([1.5, 2]), np.array([0.0, 1])) == {
        "error_in_spreads": pytest.approx(np.sqrt(50**2 / 2))
    }


def test_ratings_of_one_side_alone():
    assert math.isnan(side_scores(np.array([5.5]), np.array([True]), CONFIG)["binary_accuracy"])
    assert quadratic_kappa(np.array([3]), np.array([3])) != quadratic_kappa(np.array([3]), np.array([3]))  # undefined
    assert quadratic_kappa(np.array([3, 3]), np.array([3, 3.5])) == pytest.approx(1 - 0.125 / (0.0625 + 0.0625))
    assert rating_scores(np.array([1.0, 9]), np.array([5.5, 5.6]), CONFIG)["binary_accuracy"] == 1


def test_what_was_scored_is_counted():
    facts = count_facts(np.array([3, 4, 1000, 5]), settings_of(max_length=5))
    assert facts == {"num_examples": 4, "num_tokens": 1012, "cut_rate": 0.5}
    assert describe_counts(facts) == "4 reviews, 1,012 tokens; 50.0% of the reviews were cut"


def test_reviews_that_training_knows_are_scored_apart():
    reviews = Reviews(["a", "b", "c", "d"], np.array([1.0, 5, 9, 10]))
    known = Reviews(["b", "x"], np.array([5.0, 5]))
    scores, notes = score_new(reviews, known, np.array([2.0, 9, 9, 9]), CONFIG, "train.csv")
    assert scores["mae"] == pytest.approx(2 / 3)
    assert "error_in_spreads" not in scores
    [note] = notes
    assert "reviews also stand in train.csv" in note
    assert "r2" in note
    assert "binary_accuracy" in note
    assert score_new(reviews, Reviews(["x"], np.array([1.0])), np.array([2.0, 9, 9, 9]), CONFIG, "t") == ({}, [])


def test_the_verdict_compares_shares_of_the_variance():
    ratings = np.tile(np.array([1.0, 10, 4, 8], np.float32), 10)
    reviews = Reviews(["x"] * 40, ratings)
    verdict = rating_verdict(reviews, ratings + 0.5, np.full(40, 9.0), "validation", 1200)
    assert verdict.sentence == (
        "On 40 validation reviews the model explains 98% of the variance of the ratings, TF-IDF with ridge "
        "regression 0%: the model is ahead."
    )
    behind = rating_verdict(reviews, np.full(40, 9.0), ratings + 0.5, "test", 1200)
    assert behind.sentence == (
        "On 40 test reviews the model explains 0% of the variance of the ratings, TF-IDF with ridge regression 98%: "
        "the model is behind. It was trained on 1,200 reviews: more of them help most."
    )
    assert rating_verdict(reviews.take([0]), ratings[:1], ratings[:1], "test", 9) is None
    assert rating_verdict(Reviews(["a", "b"], np.array([3.0, 3])), ratings[:2], ratings[:2], "test", 9) is None
    assert rating_verdict(reviews.take([0, 1]), ratings[:2], ratings[1::-1], "test", 9) is not None


def test_baselines_stay_inside_the_scale_and_are_scored_by_what_they_say():
    texts = ["good", "bad", "fine film", "poor film"] * 5
    known = Reviews(texts, np.array([10.0, 1, 10, 1] * 5, np.float32))
    answers = baseline_answers(["good good good fine fine", "bad poor"], known, CONFIG)
    assert list(answers) == ["TF-IDF + ridge", "TF-IDF + logistic", "NB-SVM"]
    assert 1 <= answers["TF-IDF + ridge"][1] < 3 < 8 < answers["TF-IDF + ridge"][0] <= 10
    narrow = baseline_answers(["good", "bad"], known, settings_of(min_rating=4.0, max_rating=6.0))
    assert narrow["TF-IDF + ridge"].tolist() == [6, 4]
    wordless = baseline_answers(["good", "😡"], Reviews(["😀", "😡"], np.array([9.0, 2])), CONFIG)
    assert wordless["TF-IDF + ridge"].tolist() == [5.5, 5.5]
    reviews = Reviews(["good", "bad"], np.array([9.0, 2]))
    scored = score_baselines(reviews, answers, CONFIG, lambda score: score(np.array([0])))
    assert {name: set(scores) for name, scores in scored.items()} == {
        "TF-IDF + ridge": set(SCORES[:-1]), "TF-IDF + logistic": {"binary_accuracy"}, "NB-SVM": {"binary_accuracy"},
    }  # fmt: skip
    assert scored["NB-SVM"] == {"binary_accuracy": 1}
