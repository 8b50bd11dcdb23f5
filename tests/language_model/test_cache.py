"""Caches: shares by hand, in pieces as in one, mixtures that sum to one, settings that are best."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from common.errors import InputError
from common.text.vocabulary import Vocabulary
from language_model.cache import (
    RATES,
    CacheSettings,
    ContinuousCache,
    choose_continuous_cache,
    choose_unigram_cache,
    mix,
    read_with_cache,
    score_with_cache,
    unigram_cache,
)
from language_model.loader import Streams, encode_text
from tests.language_model.toy_model import VOCABULARY, build_reader

STREAM = [2, 5, 6, 5, 7, 5, 5, 6, 8, 5]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_unigram_shares_by_hand(size):
    found = unigram_cache(STREAM, size)
    assert np.isnan(found[0])
    for place in range(1, len(STREAM) - 1):
        before = STREAM[1 : place + 1][-size:]
        assert found[place] == pytest.approx(before.count(STREAM[place + 1]) / len(before))


def shares_by_hand(states, tokens, setting):
    shares = [np.nan]
    for now in range(1, len(tokens)):
        places = range(max(0, now - setting.size), now)
        weights = [np.exp(setting.flatness * states[place] @ states[now]) for place in places]
        same = [weight for weight, place in zip(weights, places, strict=True) if tokens[place] == tokens[now]]
        shares.append(sum(same) / sum(weights))
    return shares


@pytest.mark.parametrize("cut", [(20,), (1, 20), (7, 8, 13, 20)])
def test_continuous_shares_by_hand(cut):
    rng = np.random.default_rng(0)
    states, tokens = rng.normal(size=(20, 4)).astype(np.float32), rng.integers(4, 8, 20)
    settings = [CacheSettings(size, 0.1, flatness) for size in (1, 6, 50) for flatness in (0.0, 0.7)]
    cache, start, found = ContinuousCache(settings), 0, []
    for end in cut:
        found.append(cache.read(states[start:end], tokens[start:end]))
        start = end
    for setting, shares in zip(settings, np.concatenate(found, axis=1), strict=True):
        np.testing.assert_allclose(shares, shares_by_hand(states, tokens, setting), rtol=1e-4)


def test_a_cache_keeps_no_more_than_it_needs():
    cache = ContinuousCache([CacheSettings(size, 0.1) for size in (2, 5)])
    for _ in range(3):
        cache.read(np.ones((4, 3)), np.arange(4))
        assert len(cache.tokens) == len(cache.states) <= 5
    assert cache.tokens.tolist() == [3, 0, 1, 2, 3]


def test_without_flatness_it_is_a_unigram_cache():
    states = np.random.default_rng(0).normal(size=(len(STREAM) - 1, 4))
    shares = ContinuousCache([CacheSettings(3, 0.1)]).read(states, np.array(STREAM[1:]))[0]
    np.testing.assert_allclose(shares, unigram_cache(STREAM, 3))


def test_the_shares_of_all_tokens_sum_to_one():
    states, tokens = np.random.default_rng(0).normal(size=(9, 4)), np.array(STREAM[1:])
    total = 0.0
    for last in (5, 6, 7, 8):  # whatever comes last, over all that have come
        tokens[-1] = last
        total += ContinuousCache([CacheSettings(100, 0.1, 0.5)]).read(states, tokens)[0, -1]
    assert total == pytest.approx(1)


def test_a_mixture_by_hand():
    nats, shares = np.log([0.5, 0.25, 0.1]), np.array([np.nan, 1.0, 0.0])
    np.testing.assert_allclose(mix(nats, shares, 0.2), np.log([0.5, 0.4, 0.08]))
    np.testing.assert_array_equal(mix(nats, shares, 0.0), nats)


def test_the_best_setting_is_chosen():
    texts = [[2, *([5] * 300 + [6] * 300) * 4, 3]]  # a longer memory holds the wrong number longer
    nats = [np.full(len(texts[0]) - 1, np.log(0.1))]
    assert choose_unigram_cache(nats, Streams(texts)) == CacheSettings(100, max(RATES))
    varied = [[2, *range(4, 400), 3]]  # nothing comes again
    assert choose_unigram_cache([np.full(397, np.log(0.1))], Streams(varied)).rate == 0


def test_beginnings_have_no_say_in_the_choice():
    """In one stream of many short texts beginnings come again and again; nobody guesses them, and nothing else does."""
    model = build_reader(vocabulary=Vocabulary([f"w{number}" for number in range(300)]))
    texts = [encode_text([f"w{number}"], model.vocabulary)[:-1] for number in range(300)]
    assert choose_continuous_cache(model, Streams(texts, stateful=True)).rate == 0


def test_a_cache_helps_where_things_come_again():
    model = build_reader()
    streams = Streams([encode_text(["home"] * 40, VOCABULARY), encode_text(["king"] * 40, VOCABULARY)])
    best = choose_continuous_cache(model, streams)
    assert best.rate == max(RATES)
    cached = score_with_cache(model, streams, best)
    plain = model.score_tokens([["home"] * 40, ["king"] * 40])
    for row, other in zip(cached, plain, strict=True):
        assert len(row) == len(other) == 41
        assert row[0] == pytest.approx(other[0])
        assert row[5:40].mean() > other[5:40].mean() + 0.3


@pytest.mark.parametrize("batch_size", [1, 3])
def test_streams_are_read_with_their_own_caches(batch_size):
    model = build_reader(batch_size=batch_size)
    texts = [["the", "king", "the", "king", "the"], ["went"], ["home", "home", "home"]]
    streams = [encode_text(tokens, VOCABULARY) for tokens in texts]
    settings = [CacheSettings(2, 0.1, 0.3), CacheSettings(100, 0.1)]
    nats, shares = read_with_cache(model, streams, settings)
    for row, expected in zip(nats, model.score_tokens(texts), strict=True):
        np.testing.assert_allclose(row, expected, atol=1e-5)
    for stream, found in zip(streams, shares, strict=True):
        np.testing.assert_allclose(found[1], unigram_cache(stream, 100))
        assert found.shape == (2, len(stream) - 1)
    alone = read_with_cache(model, streams[:1], settings)[1][0]
    np.testing.assert_allclose(shares[0], alone, atol=1e-5)


def test_a_bundle_without_features_has_no_cache(monkeypatch):
    model = build_reader()
    step = model.step

    def old_step(*given):
        answer, states = step(*given)
        return {"logits": answer["logits"]}, states

    monkeypatch.setattr(model, "step", old_step)
    with pytest.raises(InputError, match="--cache: this bundle does not tell the features of its tokens"):
        read_with_cache(model, [[2, 4, 3]], [CacheSettings(2, 0.1)])


@pytest.mark.parametrize(("period", "size"), [(90, 100), (300, 500), (1500, 2000)])
def test_the_memory_reaches_as_far_back_as_things_come_again(period, size):
    blocks = [list(range(4 + start, 4 + start + period)) * 2 for start in range(0, 4 * period, period)]  # each twice
    texts = [[2, *itertools.chain(*blocks), 3]]
    best = choose_unigram_cache([np.full(len(texts[0]) - 1, np.log(1e-5))], Streams(texts))
    assert best == CacheSettings(size, max(RATES))


def test_a_long_text_is_compared_piece_by_piece():
    rng = np.random.default_rng(0)
    states, tokens = rng.normal(size=(600, 3)).astype(np.float32), rng.integers(4, 30, 600)
    setting = CacheSettings(270, 0.1, 0.3)
    np.testing.assert_allclose(
        ContinuousCache([setting]).read(states, tokens)[0], shares_by_hand(states, tokens, setting), rtol=1e-4
    )


def test_flatness_is_chosen_with_the_size_and_the_rate():
    model = build_reader()
    best = choose_continuous_cache(model, Streams([encode_text(["home", "king"] * 30, VOCABULARY)]))
    assert (best.size, best.rate) == (100, max(RATES))  # of equals the smallest
    assert best.flatness in (0.1, 0.2, 0.3, 0.5)  # after `home` comes what came after `home`
    assert CacheSettings(3, 0.1).flatness == 0
