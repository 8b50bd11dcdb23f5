"""Scores and their intervals."""

from __future__ import annotations

import json
import math
import threading
import time

import numpy as np
import pytest

from common.evaluation.metrics import bits_per_character, finite, format_score, perplexity, with_intervals


def test_perplexity_of_a_fair_die_is_its_sides():
    assert perplexity(10 * math.log(6), 10) == pytest.approx(6)
    assert perplexity(0.0, 3) == 1


def test_perplexity_is_over_all_tokens():
    # two batches, 1 token of ln 2 nats and 3 tokens of ln 8: (2 * 8^3)^(1/4) = 5.657; the mean over batches would be 5
    assert perplexity(math.log(2) + 3 * math.log(8), 4) == pytest.approx(1024**0.25)


def test_a_perplexity_beyond_all_numbers_is_infinite_and_null_in_json():
    assert perplexity(1e6, 1) == math.inf
    scores = finite({"perplexity": perplexity(1e6, 1), "perplexity_interval": (math.inf, math.nan), "n": 3})
    assert json.loads(json.dumps(scores, allow_nan=False)) == {
        "perplexity": None, "perplexity_interval": [None, None], "n": 3,
    }  # fmt: skip
    assert format_score("perplexity", scores) == "inf [inf, inf]"
    assert format_score("perplexity", {"perplexity": math.inf}) == "inf"


def test_bits_per_character():
    assert bits_per_character(6 * math.log(2), 3) == pytest.approx(2)


def test_the_interval_of_a_mean_is_the_one_of_the_textbook():
    values = np.random.default_rng(0).normal(5, 2, 400)
    result = with_intervals(lambda chosen: {"mean": values[chosen].mean()}, len(values), num_resamples=2000)
    half = 1.96 * values.std() / math.sqrt(400)
    assert result["mean"] == pytest.approx(values.mean())
    assert result["mean_interval"] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.1 * half)


def test_the_interval_depends_on_its_seed_alone():
    values = np.arange(50.0)

    def intervals(seed):
        np.random.seed(seed)  # noqa: NPY002  the global state must not matter
        return with_intervals(lambda chosen: {"mean": values[chosen].mean()}, 50, 100, seed=3)["mean_interval"]

    assert intervals(0) == intervals(1)
    other = with_intervals(lambda chosen: {"mean": values[chosen].mean()}, 50, 100, seed=4)
    assert other["mean_interval"] != intervals(0)


def test_several_scores_share_their_samples():
    values = np.arange(20.0)
    result = with_intervals(lambda chosen: {"mean": values[chosen].mean(), "double": 2 * values[chosen].mean()}, 20, 50)
    assert list(result) == ["mean", "mean_interval", "double", "double_interval"]
    assert result["double_interval"] == pytest.approx([2 * bound for bound in result["mean_interval"]])


def test_a_score_undefined_in_some_samples_has_an_interval_of_the_others():
    def score(chosen):
        return {"share": float("nan") if chosen[0] == 0 else 0.5}

    assert with_intervals(lambda chosen: score(chosen[::-1]), 5, 200)["share_interval"] == [0.5, 0.5]


def test_a_score_that_no_sample_defines_has_no_interval():
    found = with_intervals(lambda chosen: {"share": math.nan}, 5, 3)["share_interval"]
    assert all(map(math.isnan, found))


def test_the_samples_of_an_interval_are_those_of_numpy():
    values, rng = np.arange(30.0), np.random.default_rng(0)
    drawn = [values[rng.integers(30, size=30)].mean() for _ in range(500)]
    found = with_intervals(lambda chosen: {"mean": values[chosen].mean()}, 30)
    assert found["mean_interval"] == pytest.approx(np.percentile(drawn, [2.5, 97.5]).tolist())


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("r2", None, "undefined"), ("perplexity", math.nan, "nan"), ("perplexity", None, "inf"), ("r2", 1, "1.0000"),
        ("r2", "odd", "'odd'"),
    ],
)  # fmt: skip
def test_odd_scores_are_shown(name, value, shown):
    assert format_score(name, {name: value}) == shown


def test_format_score():
    scores = {"perplexity": 12.346, "perplexity_interval": [11.0, 13.999], "r2": 0.5}
    assert format_score("perplexity", scores) == "12.35 [11.00, 14.00]"
    assert format_score("r2", scores) == "0.5000"


def test_intervals_are_the_same_on_any_number_of_threads():
    """So many calls at a time and no more; each sample is drawn in one order whatever the threads."""
    values, at_once, most, lock = np.arange(40.0), 0, 0, threading.Lock()

    def score(chosen):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.001)
        with lock:
            at_once -= 1
        return {"mean": values[chosen].mean()}

    results = []
    for num_threads in (1, 3):
        most = 0
        results.append(with_intervals(score, len(values), 50, num_threads=num_threads))
        assert most == num_threads
    assert results[0] == results[1]
