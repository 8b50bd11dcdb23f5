"""The n-gram baseline by hand, and its probabilities sum to one after every context."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from common.text.vocabulary import BOS_ID, EOS_ID, PAD_ID, UNK_ID, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.loader import load_texts, split_tokens
from language_model.ngram import NgramModel
from tests.conftest import ROOT

A, B, C = 4, 5, 6
PREDICTED = (UNK_ID, EOS_ID, A, B, C)  # of 7 ids: no text goes on with <pad> or <bos>


def test_bigrams_by_hand():
    model = NgramModel([[A, B], [A, A]], vocab_size=7, order=2)
    # Pairs: <bos>A 2, AB 1, B<eos> 1, AA 1, A<eos> 1. Too few for estimated discounts: 0.5 of a 1, 0.75 of a 2.
    # Below, a token counts by the different tokens before it: A 2 (<bos>, A), B 1 (A), <eos> 2 (B, A); 5 together.
    # What 0.75 + 0.5 + 0.75 took off goes to 1 / 5 for each of the 5 tokens: 2 / 5 * 1 / 5 = 0.08.
    p_a, p_b, p_end, p_other = (1.25 / 5 + 0.08), (0.5 / 5 + 0.08), (1.25 / 5 + 0.08), 0.08
    for token, expected in ((A, p_a), (B, p_b), (EOS_ID, p_end), (C, p_other), (UNK_ID, p_other)):
        assert model.probability(token, []) == pytest.approx(expected)
        assert model.probability(token, [C]) == pytest.approx(expected)  # C was never seen: no better context
    # After A: A, B and <eos> once each; 0.5 off each gives 1.5 / 3 of the mass to the order below.
    assert model.probability(B, [A]) == pytest.approx(0.5 / 3 + 0.5 * p_b)
    assert model.probability(C, [A]) == pytest.approx(0.5 * p_other)
    # After <bos>: A twice; 0.75 off.
    assert model.probability(A, [BOS_ID]) == pytest.approx(1.25 / 2 + 0.75 / 2 * p_a)
    # A text, its end included
    expected = [1.25 / 2 + 0.375 * p_a, 0.5 / 3 + 0.5 * p_b, 0.5 / 1 + 0.5 / 1 * p_end]
    assert model.log_probabilities([A, B]) == pytest.approx([math.log(p) for p in expected])


def test_the_discounts_by_hand():
    # Unigrams: one token 1 time, one 2 times, one 3 times, one 4 times: n1 = n2 = n3 = n4 = 1, y = 1 / (1 + 2) = 1/3
    # D1 = 1 - 2y = 1/3, D2 = 2 - 3y = 1, D3 = 3 - 4y = 5/3
    model = NgramModel([[A, B, B, B, C, C, C, C], []], vocab_size=7, order=1)  # <eos> twice
    assert model.discounts[0] == pytest.approx((1 / 3, 1, 5 / 3))
    mass = 1 / 3 + 1 + 5 / 3 + 5 / 3
    assert model.probability(A, []) == pytest.approx((1 - 1 / 3 + mass / 5) / 10)
    assert model.probability(C, []) == pytest.approx((4 - 5 / 3 + mass / 5) / 10)
    assert model.probability(UNK_ID, []) == pytest.approx(mass / 5 / 10)


TEXTS = [[A, B, C, A, B], [A, B, B, A], [C, A, B, C, C, A, B], [UNK_ID, A], [], [B, C, A, B, C, A, B, A, A]]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_after_every_context(order):
    model = NgramModel(TEXTS, vocab_size=7, order=order)
    seen = unseen = 0
    for length in range(4):
        for context in itertools.product((BOS_ID, UNK_ID, A, B, C), repeat=length):
            probabilities = [model.probability(token, context) for token in PREDICTED]
            assert sum(probabilities) == pytest.approx(1, abs=1e-12), context
            assert min(probabilities) > 0
            known = length < order and context in model.followers[length]
            seen, unseen = seen + known, unseen + (not known)
    assert seen >= 1
    assert unseen > 100


@pytest.mark.parametrize("order", [1, 2, 4, 7, 9])
def test_probabilities_sum_to_one_in_the_sample_stories(order):
    config = LanguageModelConfig()
    texts = split_tokens(load_texts(ROOT / "language_model/dataset/train.csv", config), config)
    vocabulary = Vocabulary.build(texts, min_count=3)
    encoded = [vocabulary.encode(tokens) for tokens in texts]
    model, rng = NgramModel(encoded, len(vocabulary), order), np.random.default_rng(order)
    predicted = [i for i in range(len(vocabulary)) if i not in (PAD_ID, BOS_ID)]
    for number in range(12):
        text = [BOS_ID] * (order - 1) + encoded[rng.integers(len(encoded))]
        end = int(rng.integers(order, len(text)))
        context = text[:end]
        if number % 3 == 0:  # one that nobody has seen, at least at its full length
            context[-(order // 2) - 1] = int(rng.integers(4, len(vocabulary)))
        total = math.fsum(model.probability(token, context) for token in predicted)
        assert total == pytest.approx(1, abs=1e-12)


def test_francisco_is_a_poor_guess_after_another_word():
    # C stands often, but only after B; A stands less often, after three different tokens
    model = NgramModel([[B, C], [B, C], [B, C], [B, C], [A], [B, A], [C, A]], vocab_size=8, order=2)
    assert model.probability(A, [7]) > model.probability(C, [7])
    assert model.probability(C, [B]) > model.probability(A, [B])


def test_only_the_last_tokens_of_a_context_matter():
    model = NgramModel(TEXTS, vocab_size=7, order=3)
    assert model.probability(C, [A, A, A, A, B]) == model.probability(C, [A, B])
    assert model.probability(C, [A, B]) != model.probability(C, [B])


def test_an_order_of_nothing():
    with pytest.raises(ValueError, match="order is 0"):
        NgramModel([], vocab_size=7, order=0)
