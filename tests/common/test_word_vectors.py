"""Vectors from company: words used alike are alike."""

from __future__ import annotations

import numpy as np
import pytest

from common.vocabulary import SPECIAL_TOKENS
from common.word_vectors import SPREAD, cooccurrence_vectors

CAT, DOG, RED, BLUE, PURRS, SHINES = range(4, 10)


def similarity(vectors, a, b):
    return vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b])


def test_words_in_the_same_company_are_similar():
    # cats and dogs never meet, but both purr; so with colours, which shine
    texts = [[CAT, PURRS], [DOG, PURRS], [RED, SHINES], [SHINES, BLUE]] * 10
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=3)
    assert vectors.shape == (10, 3)
    assert vectors.dtype == np.float32
    assert similarity(vectors, CAT, DOG) == pytest.approx(1, abs=0.01)
    assert similarity(vectors, RED, BLUE) == pytest.approx(1, abs=0.01)
    assert similarity(vectors, CAT, RED) == pytest.approx(0, abs=0.01)
    assert vectors.std() == pytest.approx(SPREAD, rel=0.01)


def test_texts_are_no_neighbours_of_each_other():
    texts = [[CAT, PURRS], [DOG, PURRS], [RED, SHINES, DOG], [SHINES, BLUE]]
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=6)
    other_order = cooccurrence_vectors([texts[i] for i in (2, 0, 3, 1)], vocab_size=10, dim=6)
    np.testing.assert_allclose(other_order @ other_order.T, vectors @ vectors.T, atol=1e-5)  # alike but for a rotation


def test_special_tokens_and_lonely_words_have_zeros():
    texts = [[*range(len(SPECIAL_TOKENS)), CAT, DOG, 1, CAT], [RED]]
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=3)
    assert (vectors[: len(SPECIAL_TOKENS)] == 0).all()
    assert (vectors[[RED, SHINES]] == 0).all()
    assert np.abs(vectors[[CAT, DOG]]).sum(axis=1).min() > 0


@pytest.mark.parametrize("texts", [[], [[]], [[CAT], [DOG]]])
def test_without_any_company_all_is_zero(texts):
    vectors = cooccurrence_vectors(texts, vocab_size=10, dim=20)
    assert vectors.shape == (10, 20)
    assert (vectors == 0).all()


def test_the_same_text_gives_the_same_vectors():
    texts = [[CAT, DOG, PURRS, RED], [RED, BLUE, CAT]]
    np.random.seed(0)  # noqa: NPY002  the global state must not matter
    first = cooccurrence_vectors(texts, 10, 3)
    np.testing.assert_array_equal(cooccurrence_vectors(texts, 10, 3), first)
