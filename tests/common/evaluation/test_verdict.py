"""The verdict: ahead and behind only where the bootstrap is sure, in a sentence; the meaning of scores."""

from __future__ import annotations

import math

import numpy as np
import pytest

from common.evaluation.meanings import MEANINGS, winners
from common.evaluation.report import score_rows
from common.evaluation.verdict import AHEAD, BEHIND, EVEN, compare, make_verdict


@pytest.mark.parametrize(
    ("model", "baseline", "outcome"),
    [(1.0, 2.0, AHEAD), (2.0, 1.0, BEHIND), (1.0, 1.0, EVEN)],
)
def test_the_smaller_loss_is_ahead(model, baseline, outcome):
    noise = np.random.default_rng(0).normal(0, 0.3, 50)
    assert compare(model + noise, baseline - noise) == outcome


def test_a_difference_that_may_be_chance_is_none():
    rng = np.random.default_rng(1)
    losses = rng.exponential(1, 20)
    assert compare(losses, losses + rng.normal(0.05, 1, 20)) == EVEN
    many = rng.exponential(1, 5000)
    assert compare(many, many + rng.normal(0.05, 1, 5000)) == AHEAD  # the same difference, of enough examples


@pytest.mark.parametrize(("share", "outcome"), [(950, AHEAD), (949, EVEN)])
def test_ahead_is_who_wins_nineteen_of_twenty_samples(share, outcome, monkeypatch):
    """Of 1000 samples, each of one example: so many are of the example that the model wins."""

    class Drawn:
        def integers(self, high, size):
            assert (high, size) == (2, (1000, 2))
            return np.array([[0, 0]] * share + [[1, 1]] * (1000 - share))

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Drawn())
    assert compare(np.array([0.0, 1.0]), np.array([1.0, 0.0])) == outcome
    behind = BEHIND if outcome == AHEAD else EVEN
    assert compare(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == behind


def test_the_verdict_depends_on_its_seed_alone():
    losses = np.random.default_rng(173).normal(0.3, 1, 30)  # at the edge of what is sure
    assert [compare(np.zeros(30), losses, seed) for seed in (0, 1, 0)] == [AHEAD, EVEN, AHEAD]
    assert compare(np.zeros(30), losses) == AHEAD


def test_only_who_is_not_ahead_gets_advice():
    said = {outcome: str(make_verdict(outcome, "5 texts", "it is 1", "that 2", "Do more.")) for outcome in
            (AHEAD, EVEN, BEHIND)}  # fmt: skip
    assert said[AHEAD] == "On 5 texts it is 1, that 2: the model is ahead."
    assert said[EVEN] == "On 5 texts it is 1, that 2: too close to call on so few. Do more."
    assert said[BEHIND] == "On 5 texts it is 1, that 2: the model is behind. Do more."


def test_the_best_of_a_row_is_marked_which_ever_way_is_better():
    systems = {"model": {"r2": 0.5, "rmse": 1.0, "error_in_spreads": 1.1}, "other": {"r2": 0.4, "rmse": 2.0}}
    assert winners("r2", systems) == winners("rmse", systems) == ["model"]
    assert winners("error_in_spreads", systems) == []  # nobody to be better than
    assert winners("r2", {"a": {"r2": math.nan}, "b": {"r2": 0.1}, "c": {"r2": 0.1}}) == ["b", "c"]
    rows = score_rows(["r2", "rmse"], systems, explained=True)
    assert rows[0] == ["score", "model", "other", "meaning"]
    assert rows[1][1:] == ["0.5000 *", "0.4000", "share of the variance that is explained; higher is better"]
    assert rows[2][1:] == ["1.0000 *", "2.0000", "root mean squared error, in ratings; lower is better"]


def test_every_score_of_the_tasks_has_a_meaning():
    from language_model.evaluate import SCORES as OF_TEXTS
    from pos_tagging.evaluate import RAW_SCORES
    from pos_tagging.evaluate import SCORES as OF_TAGS
    from sentiment.evaluate import SCORES as OF_RATINGS

    assert {*OF_TEXTS, *OF_TAGS, *RAW_SCORES, *OF_RATINGS} == MEANINGS.keys()
