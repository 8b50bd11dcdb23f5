"""The rating of a spaCy document; tests/rnn_language/test_spacy_components.py has what both components share."""

from __future__ import annotations

import pickle

import pytest
import spacy
from spacy.tokens import Doc

import sentiment
from sentiment.spacy_component import EXTENSIONS, RatingComponent, add_extensions
from tests.forge import FIXTURES


def test_documents_are_rated_and_have_the_attributes_after_a_pickle_too():
    component = RatingComponent(str(FIXTURES / "sentiment"), "rnn_rating")
    wanted = [answer.rating for answer in sentiment.load(FIXTURES / "sentiment").predict(["A joy.", "So dull!"])]
    for name in EXTENSIONS:
        Doc.remove_extension(name)
    again = pickle.loads(pickle.dumps(component))
    docs = [spacy.blank("en")(text) for text in ("A joy.", "So dull!")]
    assert [(doc._.rating, doc._.rating_spread) for doc in docs] == [(None, None)] * 2
    again.annotate(docs)
    assert [doc._.rating for doc in docs] == pytest.approx(wanted, abs=1e-5)
    assert [doc._.rating_spread for doc in docs] == [None, None]


def test_attributes_are_added_once():
    if Doc.has_extension("rating"):
        Doc.remove_extension("rating")
    for _ in range(2):
        add_extensions()
    assert Doc.has_extension("rating")
    Doc.remove_extension("rating")
    RatingComponent("nowhere", "rnn_rating")
    assert Doc.has_extension("rating")
