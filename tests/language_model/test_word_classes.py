"""Scores over another vocabulary: what is unknown there counts together."""

from __future__ import annotations

import numpy as np

from common.text.vocabulary import BOS_ID, EOS_ID, UNK_ID, Vocabulary
from language_model import predict
from language_model.word_classes import class_nats, classes_of, words_of
from tests.language_model.toy_model import VOCABULARY, build_reader

OTHER = Vocabulary(["home", "the", "zorgl"])


def test_the_classes_of_the_words():
    assert words_of(VOCABULARY) == ["the", "king", "went", "home", "."]
    assert classes_of(words_of(VOCABULARY), OTHER).tolist() == [0, 1, 2, 3, 5, UNK_ID, UNK_ID, 4, UNK_ID]


def test_a_class_is_as_likely_as_its_tokens_together(monkeypatch):
    monkeypatch.setattr(predict, "MAX_LOGITS", 1)  # a token at a time
    model = build_reader()
    tokens = [["the", "king", "went", "home"], ["home"]]
    streams = [[BOS_ID, *VOCABULARY.encode(row), EOS_ID] for row in tokens]
    classes = classes_of(words_of(VOCABULARY), OTHER)
    targets = [[5, UNK_ID, UNK_ID, 4, EOS_ID], [4, 6]]  # of the last class the model has no word
    found = class_nats(model, streams, targets, classes)
    for stream, wanted, nats in zip(streams, targets, found, strict=True):
        for place, (target, value) in enumerate(zip(wanted, nats, strict=True)):
            members = np.flatnonzero(classes == target).tolist()
            rows = [[*stream[: place + 1], token] for token in members]
            alone = [nats_of(model, row)[-1] for row in rows]
            np.testing.assert_allclose(value, -np.log(np.exp(alone).sum()) if alone else np.inf, atol=1e-5)


def nats_of(model, row):
    """The log-probability of each id of a row, but the first."""
    parts = [predict.log_softmax_at(reading.logits, reading.targets)[0] for reading in model.read([row])]
    return np.concatenate(parts)
