"""The CRF against trying every sequence of tags."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from from_scratch import crf

TIME, TAGS = 4, 3


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    params = {name: rng.normal(size=value.shape) for name, value in crf.init_params(TAGS, rng).items()}
    return rng.normal(size=(2, TIME, TAGS)), params, np.arange(TIME) < np.array([[4], [2]])


def every_score(emissions, params):
    """The score of every sequence of tags of one text, by arithmetic."""
    scores = {}
    for tags in itertools.product(range(TAGS), repeat=len(emissions)):
        total = params["start"][tags[0]] + sum(emissions[t][tag] for t, tag in enumerate(tags))
        scores[tags] = total + sum(params["transitions"][pair] for pair in itertools.pairwise(tags))
    return scores


def test_the_sum_over_all_sequences(case):
    emissions, params, mask = case
    log_z, _ = crf.log_partition(emissions, params, mask)
    for row, length in enumerate((4, 2)):
        scores = every_score(emissions[row, :length], params)
        assert len(scores) == TAGS**length
        assert log_z[row] == pytest.approx(np.log(np.exp(list(scores.values())).sum()))
        for tags in list(scores)[::5]:
            padded = np.zeros((2, TIME), int)
            padded[row, :length] = tags
            assert crf.score(emissions, params, padded, mask)[row] == pytest.approx(scores[tags])


def test_the_best_sequence(case):
    emissions, params, _ = case
    for row in emissions:
        scores = every_score(row, params)
        best = max(scores, key=scores.get)
        assert crf.viterbi(row, params) == (list(best), pytest.approx(scores[best]))
    assert crf.viterbi(emissions[0][:1], params)[0] == [int((params["start"] + emissions[0][0]).argmax())]
