"""Choosing the next token: the right frequencies, limits that hold, penalties by hand."""

from __future__ import annotations

import numpy as np
import pytest

from common.text.vocabulary import BOS_ID, PAD_ID, UNK_ID
from language_model.sampling import (
    NOTHING_LEFT,
    draw_columns,
    forbid_repeated_ngrams,
    penalise_repetition,
    sample_tokens,
)

# <pad> <unk> <bos> <eos> a b c d: the forbidden ones are the likeliest
PROBABILITIES = np.array([0.3, 0.2, 0.1, 0.04, 0.16, 0.12, 0.06, 0.02])
ALLOWED = {3: 0.1, 4: 0.4, 5: 0.3, 6: 0.15, 7: 0.05}  # the rest of them, made to sum to one


def draw(number, seed=0, **options):
    logits = np.tile(np.log(PROBABILITIES), (number, 1)) + 7
    return sample_tokens(logits, np.random.default_rng(seed), **options)


def test_frequencies_approach_the_probabilities():
    counts = np.bincount(draw(100_000), minlength=8) / 100_000
    assert not counts[[PAD_ID, UNK_ID, BOS_ID]].any()
    for token, probability in ALLOWED.items():
        assert counts[token] == pytest.approx(probability, abs=0.006)  # sigma at most 0.0016


def test_temperature_sharpens():
    counts = np.bincount(draw(100_000, temperature=0.5), minlength=8) / 100_000
    squares = {token: probability**2 for token, probability in ALLOWED.items()}  # p ** (1 / 0.5), normalised
    for token, square in squares.items():
        assert counts[token] == pytest.approx(square / sum(squares.values()), abs=0.006)


@pytest.mark.parametrize("options", [{"temperature": 0}, {"top_k": 1}, {"top_p": 0.0001}, {"top_p": 0.39}])
def test_only_the_likeliest(options):
    assert set(draw(1000, **options)) == {4}


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({"top_k": 2}, {4, 5}),
        ({"top_k": 99}, {3, 4, 5, 6, 7}),
        ({"top_p": 0.41}, {4, 5}),  # 0.4 does not hold it, 0.4 + 0.3 does
        ({"top_p": 0.69}, {4, 5}),
        ({"top_p": 0.71}, {4, 5, 6}),
        ({"top_p": 0.94}, {3, 4, 5, 6}),
        ({"top_p": 1.0}, {3, 4, 5, 6, 7}),
        ({"top_k": 3, "top_p": 0.5}, {4, 5}),
    ],
)
def test_the_set_that_is_sampled_from(options, tokens):
    assert set(draw(20_000, **options)) == tokens


@pytest.mark.parametrize("num_columns", [1, 2, 3, 10, 99, 100, 101, 1000])
def test_columns_are_drawn_in_proportion_to_their_weight(num_columns):
    weights = np.random.default_rng(1).random(num_columns).astype(np.float32) ** 3
    weights[::3] = 0 if num_columns > 1 else 1
    drawn = draw_columns(np.tile(weights, (50_000, 1)), np.random.default_rng(2))
    wanted = weights / weights.sum()
    shares = np.bincount(drawn, minlength=num_columns) / 50_000
    assert not shares[weights == 0].any()
    assert (np.abs(shares - wanted) < 5 * np.sqrt(wanted / 50_000) + 1e-12).all()


def test_a_lone_column_is_found_wherever_it_is():
    weights = np.eye(130, dtype=np.float32) * np.float32(1e-30)
    assert draw_columns(weights, np.random.default_rng(0)).tolist() == list(range(130))


def test_a_flat_distribution_needs_many_of_the_likeliest():
    logits = np.zeros((1, 10_000), np.float32)
    logits[0, 5000:] = -1  # each of these 1/e as likely: the first half holds 73%
    drawn = [int(sample_tokens(logits, np.random.default_rng(seed), top_p=0.7)[0]) for seed in range(300)]
    assert max(drawn) < 5000
    assert max(sample_tokens(np.tile(logits, (300, 1)), np.random.default_rng(0), top_p=0.9)) > 5000


def test_each_text_has_its_own_chance():
    assert len(set(draw(50))) > 2
    assert draw(50).tolist() == draw(50).tolist()
    assert draw(50).tolist() != draw(50, seed=1).tolist()


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({"min_p": 0.1}, {3, 4, 5, 6, 7}),  # 0.05 is an eighth of 0.4
        ({"min_p": 0.2}, {3, 4, 5, 6}),
        ({"min_p": 0.3}, {4, 5, 6}),
        ({"min_p": 1.0}, {4}),
        ({"min_p": 0.2, "temperature": 0.5}, {4, 5}),  # 0.15 squared is a seventh of 0.4 squared
        ({"min_p": 0.2, "top_k": 3}, {4, 5, 6}),
        ({"min_p": 0.3, "top_p": 0.5}, {4, 5}),
    ],
)
def test_tokens_much_less_likely_than_the_likeliest_are_left_out(options, tokens):
    assert set(draw(20_000, **options)) == tokens


def test_a_penalty_by_hand():
    logits = np.array([[2.0, -2.0, 4.0, 1.0], [2.0, -2.0, 4.0, 1.0]])
    penalise_repetition(logits, [[0, 1, 1], [3]], 2.0)
    assert logits.tolist() == [[1, -4, 4, 1], [2, -2, 4, 0.5]]


def test_what_would_repeat_is_forbidden():
    def forbidden(ids, size):
        logits = np.zeros((1, 10))
        forbid_repeated_ngrams(logits, [ids], size)
        return np.flatnonzero(np.isinf(logits[0])).tolist()

    assert forbidden([5, 6, 7, 5, 6], 3) == [7]  # 5 6 7 once more
    assert forbidden([5, 6, 7, 5, 6, 8, 5, 6], 3) == [7, 8]
    assert forbidden([5, 6, 7, 5, 7], 3) == []
    assert forbidden([5, 5], 2) == [5]
    assert forbidden([5, 6], 1) == [5, 6]
    assert forbidden([5, 6], 3) == []
    assert forbidden([], 1) == []


# -- Extremes; warnings are errors here ------------------------------------------------------------------------------

EVERY_WAY = [
    {},
    {"temperature": 0},
    {"top_k": 2},
    {"top_p": 0.5},
    {"min_p": 0.5},
    {"top_k": 3, "top_p": 0.9, "min_p": 0.1},
]


@pytest.mark.parametrize("options", EVERY_WAY)
@pytest.mark.parametrize("score", [-np.inf, np.nan, np.inf])
def test_where_nothing_is_left_nothing_is_drawn(options, score):
    logits = np.tile(np.log(PROBABILITIES), (3, 1))
    wanted = sample_tokens(logits, np.random.default_rng(3), **options)
    logits[1, 3:] = score
    drawn = sample_tokens(logits, np.random.default_rng(3), **options)
    assert drawn.tolist() == [wanted[0], NOTHING_LEFT, wanted[2]], "the others go on as before"
    assert sample_tokens(logits[[1]], np.random.default_rng(3), **options).tolist() == [NOTHING_LEFT]


@pytest.mark.parametrize("options", EVERY_WAY)
def test_what_is_impossible_is_never_drawn(options):
    logits = np.tile(np.log(PROBABILITIES), (2000, 1))
    logits[:, [3, 4, 5]] = -np.inf
    assert set(sample_tokens(logits, np.random.default_rng(0), **options)) <= {6, 7}


@pytest.mark.parametrize("temperature", [5e-324, 1e-320, 1e-45, 1e-39, 1e-6])
def test_the_smallest_temperature_takes_the_likeliest(temperature):
    assert set(draw(1000, temperature=temperature)) == {4}
    assert set(draw(1000, temperature=temperature, top_p=0.9, min_p=0.5, top_k=3)) == {4}


@pytest.mark.parametrize("temperature", [1e39, 1e300, np.finfo(float).max])
def test_the_largest_temperature_makes_all_alike(temperature):
    counts = np.bincount(draw(50_000, temperature=temperature), minlength=8) / 50_000
    assert counts[:3].tolist() == [0, 0, 0]
    assert counts[3:] == pytest.approx([0.2] * 5, abs=0.01)


def test_limits_beyond_the_vocabulary():
    assert set(draw(20_000, top_k=10**30)) == {3, 4, 5, 6, 7}
    assert set(draw(100, top_k=10**30, top_p=0.0001, min_p=1.0)) == {4}


@pytest.mark.parametrize("penalty", [1e39, 1e300, np.finfo(float).max])
def test_the_largest_penalty_makes_nothing_impossible(penalty):
    logits = np.array([[2, -2, 0, 4, 1, -np.inf]], np.float32)
    penalise_repetition(logits, [[0, 1, 2, 5]], penalty)
    assert logits[0, [0, 2, 3, 4]] == pytest.approx([0, 0, 4, 1], abs=1e-30)
    assert logits[0, 1] == np.finfo(np.float32).min
    assert logits[0, 5] == -np.inf, "what was impossible stays so"
