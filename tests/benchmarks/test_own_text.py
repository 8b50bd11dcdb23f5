"""What a benchmark of own texts measures: perplexity over some of the words that a model knows."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.own_text import cut_texts, perplexity_over
from common.evaluation.metrics import perplexity
from common.text.vocabulary import UNK_ID, Vocabulary
from language_model.loader import encode_text, initial_states
from tests.language_model.toy_model import VOCABULARY, build_reader

TEXTS = [["the", "king", "went", "home", "."], ["home", "sweet", "king"]]


def test_over_all_words_it_is_the_perplexity_of_the_model():
    model = build_reader()
    nats = np.concatenate(model.score_tokens(TEXTS))
    assert perplexity_over(model, TEXTS, VOCABULARY) == pytest.approx(perplexity(-nats.sum(), len(nats)), rel=1e-5)


def test_words_that_are_not_told_apart_count_as_one():
    """`<unk>`, "went" and "." are one word; "the" and "The" too, in a vocabulary of small letters."""
    model = build_reader(Vocabulary(["the", "king", "went", "home", ".", "The"]))
    told_apart = Vocabulary(["the", "king", "home"], lowercase=True)
    nats = 0.0
    for tokens in TEXTS:
        ids = np.array([encode_text(tokens, model.vocabulary)], np.int32)
        states = initial_states(model.config, 1)
        logits = model.step(ids[:, :-1], np.ones(ids[:, :-1].shape, bool), states)[0]["logits"][0]
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)  # (time, vocab_size)
        together = {place: group for group in ([4, 9], [UNK_ID, 6, 8]) for place in group}
        for row, target in zip(probabilities, ids[0, 1:].tolist(), strict=True):
            nats -= np.log(row[together.get(target, [target])].sum())
    assert perplexity_over(model, TEXTS, told_apart) == pytest.approx(perplexity(nats, 10), rel=1e-5)


def test_texts_are_cut_by_their_length():
    texts = ["one", "two", "six", "ten", "all"]
    assert cut_texts(texts, 0, 9) == (texts[:3], ["ten"])
    assert cut_texts(texts, 3, 6) == (["two", "six"], ["ten"])
