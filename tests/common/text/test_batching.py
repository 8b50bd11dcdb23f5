"""Padding, masks, batches of similar length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from common.text.batching import (
    BATCHES_PER_SORT,
    SCORED_TOKENS,
    Batches,
    drop_words,
    group_by_length,
    make_mask,
    pad,
)
from common.text.vocabulary import BOS_ID, PAD_ID, UNK_ID


def test_pad_fills_on_the_right_and_cuts():
    assert pad([[5, 6, 7], [8]]).tolist() == [[5, 6, 7], [8, PAD_ID, PAD_ID]]
    assert pad([[5, 6, 7], [8]], length=2).tolist() == [[5, 6], [8, PAD_ID]]
    assert pad([[5], [8]], length=4).shape == (2, 4)
    assert pad([[5]]).dtype == np.int32
    assert pad([]).shape == (0, 0)


def test_mask_marks_what_pad_kept():
    lengths = [3, 1, 2]
    ids = pad([[9] * length for length in lengths], length=5)
    assert np.array_equal(make_mask(lengths, 5), ids != PAD_ID)
    assert make_mask(lengths).shape == (3, 3)


@pytest.mark.parametrize("num_examples", [0, 1, 3, 4, 5, 401, 1000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_example_is_in_one_batch(num_examples, shuffle):
    lengths = np.random.default_rng(0).integers(1, 90, num_examples)
    batches = group_by_length(lengths, 4, np.random.default_rng(1) if shuffle else None)
    assert sorted(np.concatenate([*batches, np.array([], int)]).tolist()) == list(range(num_examples))
    assert all(1 <= len(batch) <= 4 for batch in batches)
    assert len(batches) <= -(-num_examples // 4) + num_examples // (4 * BATCHES_PER_SORT)


def test_longest_batch_first_shortest_second():
    lengths = np.random.default_rng(0).integers(1, 90, 997)
    for seed in (None, 0, 1):
        batches = group_by_length(lengths, 8, None if seed is None else np.random.default_rng(seed))
        longest = [lengths[batch].max() for batch in batches]
        assert longest[0] == lengths.max() == max(longest)
        assert longest[1] == min(longest)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_has_no_more_tokens_than_it_may(shuffle):
    lengths = np.random.default_rng(0).integers(1, 90, 997)
    lengths[5] = 500
    batches = group_by_length(lengths, 8, np.random.default_rng(0) if shuffle else None, max_tokens=300)
    assert sorted(np.concatenate(batches).tolist()) == list(range(997))
    assert [batch.tolist() for batch in batches if 5 in batch] == [[5]]  # longer than a batch may be
    others = [batch for batch in batches if 5 not in batch]
    assert all(lengths[batch].max() * len(batch) <= 300 for batch in others)
    assert max(len(batch) for batch in others) == 8
    if not shuffle:  # no batch could have taken in the next example
        ordered = sorted(others, key=lambda batch: lengths[batch].max())
        pairs = itertools.pairwise(ordered)
        assert all(len(a) == 8 or lengths[b].min() * (len(a) + 1) > 300 for a, b in pairs)


def test_only_batches_that_are_scored_have_a_limit():
    lengths = [SCORED_TOKENS // 2] * 5
    assert [len(batch) for batch in make_batches(None, lengths).indices] == [2, 2, 1]
    assert sorted(len(batch) for batch in make_batches(1, lengths).indices) == [1, 4]


def test_grouping_leaves_little_padding():
    lengths = np.random.default_rng(0).integers(1, 400, 2000)
    batches = group_by_length(lengths, 20, np.random.default_rng(0))
    padded = sum(lengths[batch].max() * len(batch) for batch in batches)
    assert padded < 1.1 * lengths.sum()  # in batches by chance it would be about 1.9 times


def test_shuffling_mixes_all_but_the_first_two_batches():
    lengths = np.arange(1, 201)
    orders = {tuple(np.concatenate(group_by_length(lengths, 5, np.random.default_rng(seed)))) for seed in range(5)}
    assert len(orders) == 5


def make_batches(seed, lengths=tuple(range(1, 40))):
    def make_batch(indices, rng):
        chance = 0.0 if rng is None else rng.random()
        return {"indices": indices}, np.array(chance), np.ones(len(indices))

    return Batches(lengths, make_batch, 4, seed)


def content(batches):
    return [
        (inputs["indices"].tolist(), float(chance)) for inputs, chance, _ in (batches[i] for i in range(len(batches)))
    ]


def test_order_and_chance_depend_on_seed_and_epoch_alone():
    batches = make_batches(seed=7)
    epochs = []
    for epoch in range(3):
        batches.set_epoch(epoch)
        epochs.append(content(batches))
    assert len({str([indices for indices, _ in epoch]) for epoch in epochs}) == 3
    assert len({chance for epoch in epochs for _, chance in epoch}) == 3 * len(batches)

    np.random.seed(0)  # noqa: NPY002  the global state must not matter
    later = make_batches(seed=7)
    later.set_epoch(2)
    assert [content(later)[i] for i in (3, 1)] == [epochs[2][i] for i in (3, 1)], "in any order of reading"
    assert content(later) == epochs[2]
    assert content(make_batches(seed=8)) != epochs[0]


def test_without_a_seed_the_order_is_fixed():
    batches = make_batches(seed=None)
    first = content(batches)
    batches.set_epoch(5)
    assert content(batches) == first
    assert {chance for _, chance in first} == {0.0}


def test_drop_words_leaves_pads_and_the_beginning():
    lengths = [50, 20]
    ids = pad([[BOS_ID] + [9] * (length - 1) for length in lengths], length=60)
    mask = make_mask(lengths, 60)
    before = ids.copy()
    dropped = drop_words(ids, mask, 1.0, np.random.default_rng(0))
    assert np.array_equal(ids, before), "the batch itself is not changed"
    assert dropped.dtype == np.int32
    assert (dropped[:, 0] == BOS_ID).all()
    assert (dropped[~mask] == PAD_ID).all()
    assert (dropped[:, 1:][mask[:, 1:]] == UNK_ID).all()


def test_drop_words_drops_the_share_that_was_asked():
    ids = np.full((100, 101), 9, np.int32)
    dropped = drop_words(ids, np.ones(ids.shape, bool), 0.3, np.random.default_rng(0))
    assert (dropped == UNK_ID).mean() == pytest.approx(0.3, abs=0.02)
    assert np.array_equal(drop_words(ids, np.ones(ids.shape, bool), 0.0, np.random.default_rng(0)), ids)
