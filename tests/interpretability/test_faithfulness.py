"""Deletion and randomization tests: what is important is told from what is not, and what was learned from chance."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from interpretability.config import AttributionConfig, FaithfulnessConfig
from interpretability.faithfulness import (
    RANDOM,
    deletion_scores,
    draw,
    measure_faithfulness,
    randomization_test,
    summarize,
    top_tokens,
)
from tests.interpretability.linear_bag import BagScorer, build_network

WORDS = [f"w{i}" for i in range(40)]
METHODS = (AttributionConfig(), AttributionConfig("integrated-gradients", num_steps=8))


def build_scorers(number=30, length=12):
    rng = np.random.default_rng(1)
    network = build_network(WORDS, size=8)
    return network, [BagScorer(network, WORDS, list(rng.choice(WORDS, length))) for _ in range(number)]


def test_deletion_scores_by_hand():
    network = build_network(["a", "b"], size=1)
    network.vectors.weight, network.direction.weight = np.array([[0.0], [3.0], [1.0]]), np.array([1.0])
    scorer = BagScorer(network, ["a", "b"], ["a", "b"])
    right, wrong = np.array([3.0, 1.0]), np.array([1.0, 3.0])
    scores = deletion_scores(scorer, [right, wrong], 3, np.random.default_rng(0))
    # every share of two tokens is one token: without a 1 is left of 4, with a alone 3
    np.testing.assert_allclose(scores[:, 0], [[3, 1], [3, 1]])
    np.testing.assert_allclose(scores[:, 1], [[1, 3], [1, 3]])
    assert (scores[:, 2] >= 1).all()


def test_a_score_that_rises_without_words_is_turned_round():
    network = build_network(["a", "b"], size=1)
    network.vectors.weight, network.direction.weight = np.array([[0.0], [-3.0], [-1.0]]), np.array([1.0])
    scorer = BagScorer(network, ["a", "b"], ["a", "b"])
    scores = deletion_scores(scorer, [np.array([-3.0, -1.0])], 1, np.random.default_rng(0))
    np.testing.assert_allclose(scores[0, 0], [3, 1])


def test_shares_of_the_tokens_are_rounded_up():
    order = np.random.default_rng(0).permutation(100)
    assert top_tokens(order).sum(axis=1).tolist() == [1, 5, 10, 20, 50]
    assert top_tokens(order)[0].argmax() == order[0]
    assert top_tokens(np.arange(3)).sum(axis=1).tolist() == [1, 1, 1, 1, 2]


def test_methods_that_are_right_are_ahead_of_random_orders_and_noise_is_not():
    _, scorers = build_scorers()
    found = measure_faithfulness(scorers, "points", FaithfulnessConfig(num_randomized=0), METHODS)
    by_name = {(result.deletion, result.method): result for result in found.deletions}
    assert len(by_name) == 2 * (len(METHODS) + 1)
    for (_, method), result in by_name.items():
        assert method == RANDOM or (result.ahead("comprehensiveness") and result.ahead("sufficiency"))
        low, high = result.scores["comprehensiveness_interval"]
        assert low < result.scores["comprehensiveness"] < high
    assert [key for key, result in by_name.items() if result.is_favoured] == [("unk", "occlusion (unk)")]
    assert found.gaps["integrated-gradients (unk)"].max() < 1e-5

    rng = np.random.default_rng(2)
    noise = [deletion_scores(scorer, [rng.normal(size=12)], 5, rng) for scorer in scorers]
    behind = [result for result in summarize(np.stack(noise), METHODS[:1]) if result.method != RANDOM]
    assert len(behind) == 2
    for result in behind:
        assert result.cell("comprehensiveness").endswith("(not ahead)")
        assert result.cell("sufficiency").endswith("(not ahead)")


def test_randomized_weights_destroy_the_ranking_and_come_back():
    network, scorers = build_scorers(number=40)
    before = [weight.copy() for weight in network.get_weights()]
    ranks = randomization_test(network, scorers, METHODS, seed=0)
    assert list(ranks) == ["direction", "vectors"]  # from the output down
    for method in METHODS:
        signed, absolute = ranks["vectors"][method.name]
        assert abs(signed) < 0.2
        assert abs(absolute) < 0.2
    for weight, now in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)


def test_layers_are_randomized_one_on_top_of_the_other():
    network, scorers = build_scorers(number=2)
    seen = []
    for scorer in scorers:
        inner = scorer.score

        def score(kept, deletion, inner=inner):
            seen.append(
                tuple((weight != start).any() for weight, start in zip(network.get_weights(), begin, strict=True))
            )
            return inner(kept, deletion)

        scorer.score = score
    begin = [weight.copy() for weight in network.get_weights()]
    randomization_test(network, scorers, METHODS[:1], seed=0)
    assert list(dict.fromkeys(seen)) == [(False, False), (False, True), (True, True)]  # (vectors, direction)


def test_a_table_says_which_method_is_favoured():
    network, scorers = build_scorers(number=4)
    found = measure_faithfulness(scorers, "points", FaithfulnessConfig(), METHODS, network, lambda scorer: scorer)
    shown = str(found)
    header, first, *_ = found.deletion_rows()
    assert header[1:] == [
        "comprehensiveness, unk", "sufficiency, unk", "comprehensiveness, removed", "sufficiency, removed"
    ]  # fmt: skip
    assert [cell.endswith("†") for cell in first] == [False, True, True, False, False]
    assert "† The method has ranked the words by the operator that deletes them" in shown
    assert "4 examples, in points" in shown
    assert found.randomization_rows()[0] == ["randomized down to", "occlusion (unk)", "integrated-gradients (unk)"]
    assert "<table>" in found.section()
    assert found.record()["randomization"].keys() == {"direction", "vectors"}


def test_examples_are_drawn_by_length_and_seed():
    texts = [["w"] * length for length in (1, 2, 3, 30, 300)]
    assert sorted(map(len, draw(texts, FaithfulnessConfig()))) == [2, 3, 30]
    assert len(draw(texts, FaithfulnessConfig(num_examples=2))) == 2
    many = [["w"] * (length % 90 + 2) for length in range(200)]
    one, other = (draw(many, FaithfulnessConfig(num_examples=50, seed=seed)) for seed in (0, 1))
    assert one == draw(many, FaithfulnessConfig(num_examples=50))
    assert one != other
    with pytest.raises(InputError, match="--faithfulness: found 1 texts of 2 to 2 tokens, wanted 2 at least"):
        draw(texts, FaithfulnessConfig(max_tokens=2))
