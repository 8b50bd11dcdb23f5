"""Attribution: exact where the answer is known by hand, complete, and refused where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from interpretability.attribution import attribute, delete
from interpretability.config import COMPARED, AttributionConfig
from interpretability.explanation import Explanation, html_page
from tests.interpretability.linear_bag import BagScorer, build_network

WORDS = ["good", "bad", "film", "the"]
TEXT = ["the", "good", "film", "the", "odd", "bad"]


def linear(tokens=TEXT):
    return BagScorer(build_network(WORDS), WORDS, list(tokens))


def curved(steepness=1.0):
    scorer = linear()
    scorer.curve = lambda sums: np.tanh(steepness * sums)
    scorer.slope = lambda sums: steepness * (1 - np.tanh(steepness * sums) ** 2)
    return scorer


@pytest.mark.parametrize("config", COMPARED, ids=lambda config: config.name)
def test_every_method_is_exact_on_a_linear_bag_of_words(config):
    scorer = linear()
    found = attribute(scorer, config)
    by_hand = scorer.vectors(False) @ scorer.network.direction.weight  # each word adds its vector . direction
    assert np.abs(by_hand).max() > 0.5
    np.testing.assert_allclose(found.weights, by_hand, rtol=1e-6, atol=1e-6)
    assert found.weights[4] == 0  # an unknown word adds nothing
    assert found.score == pytest.approx(by_hand.sum())
    assert found.baseline_score == 0
    assert abs(found.gap) < 1e-5


def test_integrated_gradients_are_complete_on_a_curve_and_gradient_x_input_is_not():
    scorer = curved()
    integrated = attribute(scorer, AttributionConfig("integrated-gradients"))
    assert integrated.weights.sum() == pytest.approx(integrated.score - integrated.baseline_score, abs=1e-6)
    assert integrated.relative_gap < 1e-6
    gradient = attribute(scorer, AttributionConfig("gradient-x-input"))
    assert abs(gradient.gap) > 0.02


def test_a_gap_above_the_tolerance_is_refused_with_what_to_do():
    scorer = curved(steepness=40.0)
    with pytest.raises(
        InputError, match=r"completeness gap [+-]\d.*above --tolerance 0.05; give more --num-steps than 2"
    ):
        attribute(scorer, AttributionConfig("integrated-gradients", num_steps=2))
    assert attribute(scorer, AttributionConfig("integrated-gradients", num_steps=2, tolerance=9)).relative_gap > 0.05
    assert attribute(scorer, AttributionConfig("integrated-gradients", num_steps=200)).relative_gap < 0.05


@pytest.mark.parametrize("config", COMPARED, ids=lambda config: config.name)
def test_a_planted_word_is_found(config):
    scorer = curved()
    scorer.network.vectors.weight[2] = 30 * scorer.network.direction.weight  # "bad", the last word
    scorer.curve, scorer.slope = (lambda sums: sums**3), (lambda sums: 3 * sums**2)
    weights = attribute(scorer, config).weights
    assert np.abs(weights).argmax() == 5
    assert weights[5] > 0
    assert np.abs(weights[:5]).max() < 0.5 * weights[5]


def test_occlusion_takes_one_word_after_the_other_by_the_operator_of_the_baseline():
    scorer = linear(["good", "film"])
    attribute(scorer, AttributionConfig(baseline="removed"))
    ((kept, deletion),) = scorer.calls
    assert deletion == "removed"
    assert kept.astype(int).tolist() == [[1, 1], [0, 0], [0, 1], [1, 0]]
    assert delete(["good", "film"], kept, deletion, "<unk>") == [["good", "film"], [], ["film"], ["good"]]


def test_an_empty_text_has_no_weights():
    for config in COMPARED:
        assert attribute(linear([]), config).weights.shape == (0,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baseline": "zeros"}, "--baseline zeros: occlusion changes words"),
        ({"method": "integrated-gradients", "baseline": "removed"}, "--baseline removed: integrated-gradients needs"),
        ({"method": "magic"}, "--method: found 'magic', wanted one of occlusion"),
        ({"num_steps": 0}, "--num-steps: found 0, wanted from 1 to 2,048"),
        ({"tolerance": -0.1}, "--tolerance: found -0.1, wanted at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        attribute(linear(), AttributionConfig(**settings))


def explanation(**changes):
    config = AttributionConfig("integrated-gradients")
    found = {"tokens": ["So", "<b>", "bad"], "weights": [0.5, 0.0, -2.0], "target": "rating", "score": 3.0}
    return Explanation(**{**found, "baseline_score": 4.4, "config": config, "text": "So <b>  bad", **changes})


def test_an_explanation_reports_its_baseline_and_its_gap():
    shown = "\n".join(explanation().lines())
    assert "rating: 3.000" in shown
    assert "  -2.000  bad" in shown
    assert "64 steps; baseline (each word as <unk>): 4.400; sum of weights -1.500, completeness gap -0.1000" in shown
    record = explanation().record()
    assert record["completeness_gap"] == pytest.approx(-0.1)
    assert (record["method"], record["baseline"]) == ("integrated-gradients", "unk")


def test_a_page_shows_the_text_as_it_was_written_and_needs_no_other_file():
    page = "".join(html_page([explanation(explained=2).section()], {"model": "<m>"}))
    assert '>So</span> <span style="background: rgba(213' in page or ">So</span> <span" in page
    assert "&lt;b&gt;</span>  <span" in page  # two spaces, as in the text
    assert "rgba(0, 114, 178, 0.15)" in page  # 0.5 of 2, of 0.6
    assert '<span class="explained" style="background: rgba(213, 94, 0, 0.60)" title="-2.000">bad</span>' in page
    assert "<b>" not in page
    assert "<m>" not in page
    assert "viewport" in page
    assert "http" not in page
