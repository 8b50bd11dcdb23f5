"""Evaluate a rating model on a test file, beside linear baselines.

    python -m sentiment.evaluate --model example_model/sentiment --test sentiment/dataset/test.csv \\
        --train sentiment/dataset/train.csv --report runs/report
"""

from __future__ import annotations

from common.cli.run import run_command
from sentiment import cli

if __name__ == "__main__":
    run_command(cli.evaluate)

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from common.bundles.provenance import describe_data
from common.evaluation.metrics import with_intervals
from common.evaluation.overlap import score_without_known
from common.evaluation.scores import Scores
from common.evaluation.verdict import Verdict, compare, make_verdict
from common.text.data import Data, name_of
from common.text.languages import WITHOUT_SPACES
from sentiment.config import SentimentConfig
from sentiment.loader import Ends, Reviews, load_reviews, normal_texts, share_cut, split_tokens
from sentiment.predict import RatingModel
from sentiment.report import report_sections, weaknesses
from sentiment.tfidf_linear import BETWEEN_SPACES, RATES, WORD, LinearModels

SCORES = ("r2", "r2_rounded", "rmse", "mae", "spearman", "qwk", "binary_accuracy", "error_in_spreads")


def rating_scores(ratings: np.ndarray, predictions: np.ndarray, config: SentimentConfig) -> dict[str, float]:
    """Score predicted ratings.

    Args:
        ratings: true ratings (reviews,).
        predictions: predicted ratings (reviews,).
        config: the scale; its middle divides good from bad.
    Returns:
        `r2` and `rmse`, `mae` on the rating scale; `r2_rounded` and `qwk` (quadratic weighted kappa) on predictions
        rounded to whole ratings; `spearman` rank correlation; `binary_accuracy` of good against bad, where a true
        rating in the very middle of the scale is left out. What is not defined (one review, all the same) is NaN.
    """
    rounded = np.rint(predictions)
    varied = len(ratings) > 1 and np.ptp(ratings) > 0
    return {
        "r2": float(r2_score(ratings, predictions)) if varied else math.nan,
        "r2_rounded": float(r2_score(ratings, rounded)) if varied else math.nan,
        "rmse": math.sqrt(mean_squared_error(ratings, predictions)),
        "mae": float(mean_absolute_error(ratings, predictions)),
        "spearman": float(np.corrcoef(rankdata(ratings), rankdata(predictions))[0, 1])
        if varied and np.ptp(predictions) > 0
        else math.nan,
        "qwk": quadratic_kappa(np.rint(ratings), rounded),
        **side_scores(ratings, predictions > middle_of(config), config),
    }


def quadratic_kappa(ratings: np.ndarray, predictions: np.ndarray) -> float:
    """Quadratic weighted kappa: mean squared error, compared with that of all pairs of a rating and a prediction.

    Cohen 1968, "Weighted Kappa", the weights being squared distances. Without a table of counts it is
    faster than scikit-learn's, and an interval asks for it some hundred times.

    Returns:
        1: all the same; 0: no nearer than by chance; NaN: both are one and the same number.
    """
    ratings, predictions = ratings.astype(np.float64), predictions.astype(np.float64)
    of_all_pairs = ratings.var() + predictions.var() + (ratings.mean() - predictions.mean()) ** 2
    return float(1 - np.mean((ratings - predictions) ** 2) / of_all_pairs) if of_all_pairs else math.nan


def side_scores(ratings: np.ndarray, good: np.ndarray, config: SentimentConfig) -> dict[str, float]:
    """Score answers that only part good from bad.

    Args:
        ratings: true ratings (reviews,).
        good: whether each was said to be good, bool (reviews,).
        config: the scale.
    """
    sided = ratings != middle_of(config)
    right = good[sided] == (ratings > middle_of(config))[sided]
    return {"binary_accuracy": float(right.mean()) if sided.any() else math.nan}


def middle_of(config: SentimentConfig) -> float:
    """The middle of the scale, which parts good from bad."""
    return (config.min_rating + config.max_rating) / 2


def spread_scores(ratings: np.ndarray, predictions: np.ndarray, spreads: np.ndarray) -> dict[str, float]:
    """Score the calibration of the predicted spreads.

    Returns:
        `error_in_spreads`: the root mean square of the errors, each divided by the predicted spread. 1 is right;
        more: the model is overconfident.
    """
    return {"error_in_spreads": float(np.sqrt(np.mean(((ratings - predictions) / np.maximum(spreads, 0.01)) ** 2)))}


def evaluate(
    model: RatingModel | str | Path,
    data: Data,
    *,
    train: Data | None = None,
    config: SentimentConfig | None = None,
    scale: Ends = (None, None),
    num_threads: int | None = None,
) -> Scores:
    """Score a model on rated reviews, beside the baselines if training data are given.

    Args:
        model: of `sentiment.load`, or what `load` takes.
        data: rated reviews: a file, a DataFrame, or a list of (review, rating).
        train: the training data, on which the baselines are fitted.
        config: names of the columns; None takes the model's.
        scale: worst and best rating in the data, (1, 5), say; None: the model's, or found out if that does not fit.
        num_threads: processor cores for the bootstrap; None takes all.
    Returns the scores `SCORES`; `predictions` are the ratings float32 (reviews,).
    """
    model = model if isinstance(model, RatingModel) else RatingModel.load(model)
    config = config or model.config
    reviews = load_reviews(data, config, None, scale)
    tokens = split_tokens(reviews.texts, model.config)
    lengths = np.array([len(row) for row in tokens])
    predictions, spreads = model.predict_tokens(tokens)
    intervals = partial(with_intervals, num_units=len(reviews), num_threads=num_threads)
    facts = {**count_facts(lengths, model.config), "data": describe_data(data)}
    baselines, verdict = dict[str, dict[str, Any]](), None
    without_known, overlap = dict[str, float](), list[str]()
    if train is not None:
        known = load_reviews(train, config, None, scale)
        answers = baseline_answers(reviews.texts, known, model.config)
        baselines = score_baselines(reviews, answers, model.config, intervals)
        verdict = rating_verdict(reviews, predictions, answers[RATES[0]], "test", len(known))
        without_known, overlap = score_new(reviews, known, predictions, model.config, name_of(train))
    return Scores(
        names=SCORES,
        flat=intervals(partial(_score, reviews, model.config, predictions, spreads)),
        baselines=baselines,
        facts={
            **facts,
            "without_known_texts": without_known,
            "weaknesses": weaknesses(reviews.ratings, predictions, lengths),
        },
        notes=[*overlap, describe_counts(facts)],
        predictions=predictions,
        sections=lambda rows: report_sections(reviews.ratings, predictions, spreads, reviews.texts, lengths, rows),
        verdict=verdict,
    )


def score_new(
    reviews: Reviews, known: Reviews, predictions: np.ndarray, config: SentimentConfig, source: str
) -> tuple[dict[str, float], list[str]]:
    """Score the reviews that are not also training reviews; `source` is the name of the training data."""
    score, shown = partial(_score, reviews, config, predictions, None), ("r2", "binary_accuracy")
    return score_without_known(reviews.texts, known.texts, score, f"reviews also stand in {source}", shown)


def count_facts(lengths: np.ndarray, config: SentimentConfig) -> dict[str, Any]:
    """How much was scored: reviews, tokens, the share of reviews that were truncated."""
    cut_rate = share_cut(lengths, config)
    return {"num_examples": len(lengths), "num_tokens": int(lengths.sum()), "cut_rate": cut_rate}


def describe_counts(facts: Mapping[str, Any]) -> str:
    """Say how much was scored."""
    return "{num_examples:,} reviews, {num_tokens:,} tokens; {cut_rate:.1%} of the reviews were cut".format(**facts)


def _score(
    reviews: Reviews, config: SentimentConfig, given: np.ndarray, spreads: np.ndarray | None, chosen: np.ndarray
) -> dict[str, float]:
    """Score the predictions of some of the reviews."""
    scores = rating_scores(reviews.ratings[chosen], given[chosen], config)
    if spreads is not None:
        scores |= spread_scores(reviews.ratings[chosen], given[chosen], spreads[chosen])
    return scores


def baseline_answers(texts: Sequence[str], known: Reviews, config: SentimentConfig) -> dict[str, np.ndarray]:
    """What linear models fitted on the training reviews say of texts: ratings inside the scale, or which are good."""
    if config.language in WITHOUT_SPACES:
        texts, known_texts = (list(map(" ".join, split_tokens(part, config))) for part in (texts, known.texts))
    else:
        texts, known_texts = normal_texts(texts, config), normal_texts(known.texts, config)
    pattern = BETWEEN_SPACES if config.language in WITHOUT_SPACES else WORD
    linear = LinearModels(known_texts, known.ratings, middle_of(config), pattern)
    answers = linear.predict(texts)
    return answers | {name: np.clip(answers[name], config.min_rating, config.max_rating) for name in RATES}


def score_baselines(
    reviews: Reviews, answers: Mapping[str, np.ndarray], config: SentimentConfig, intervals: Any
) -> dict[str, Any]:
    """Score the linear models; some rate, some only part good from bad."""

    def score_sides(good: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
        return side_scores(reviews.ratings[chosen], good[chosen], config)

    return {
        name: intervals(
            partial(_score, reviews, config, answer, None) if name in RATES else partial(score_sides, answer)
        )
        for name, answer in answers.items()
    }


def rating_verdict(
    reviews: Reviews, predictions: np.ndarray, baseline: np.ndarray, split: str, num_known: int
) -> Verdict | None:
    """Whether a model is ahead of TF-IDF with ridge regression; None if no variance is there to explain.

    Args:
        reviews: that both have rated.
        predictions: of the model (reviews,).
        baseline: of TF-IDF with ridge regression (reviews,).
        split: "validation", say.
        num_known: reviews that both were trained on.
    """
    if len(reviews) < 2 or np.ptp(reviews.ratings) == 0:
        return None
    model_r2, baseline_r2 = (r2_score(reviews.ratings, given) for given in (predictions, baseline))
    outcome = compare((predictions - reviews.ratings) ** 2, (baseline - reviews.ratings) ** 2)
    return make_verdict(
        outcome,
        f"{len(reviews):,} {split} reviews",
        f"the model explains {max(model_r2, 0):.0%} of the variance of the ratings",
        f"TF-IDF with ridge regression {max(baseline_r2, 0):.0%}",
        f"It was trained on {num_known:,} reviews: more of them help most.",
    )
