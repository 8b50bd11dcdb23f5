"""Tags of spaCy's tokens; tests/rnn_language/test_spacy_components.py has what both components share."""

from __future__ import annotations

import spacy

from pos_tagging.spacy_component import TaggerComponent, sentences_of, set_tag
from tests.forge import FIXTURES


def words_of(doc):
    return [[token.text for token in sentence] for sentence in sentences_of(doc)]


def test_sentences_of_the_pipeline_else_of_the_rules():
    nlp = spacy.blank("en")
    assert words_of(nlp("")) == []
    doc = nlp("One two.  Three \n four.")
    assert words_of(doc) == [["One", "two", "."], ["Three", "four", "."]]
    for token in doc:
        token.is_sent_start = token.i in (0, 1, 3)
    assert words_of(doc) == [["One"], ["two", "."], ["Three", "four", "."]]
    doc = nlp("One  ")
    for token in doc:
        token.is_sent_start = True
    assert words_of(doc) == [["One"]]
    doc = spacy.blank("xx")("Eins. Zwei.")
    assert words_of(doc) == [["Eins", "."], ["Zwei", "."]]


def test_tokens_get_their_tags_and_white_space_is_space():
    component = TaggerComponent(str(FIXTURES / "pos_tagging"), "rnn_tagger")
    docs = [spacy.blank("en")(text) for text in ("Birds  sing.", "Go!")]
    component.annotate(docs)
    wanted = [tags for tags, _ in component.loaded().tag_tokens([["Birds", "sing", "."], ["Go", "!"]])]
    assert [[token.tag_ for token in doc if not token.is_space] for doc in docs] == wanted
    assert [[token.pos_ for token in doc if token.is_space] for doc in docs] == [["SPACE"], []]


def test_a_tag_that_is_not_universal_leaves_the_universal_one():
    doc = spacy.blank("en")("up and . go")
    for token, tag in zip(doc, ("PRT", "NNP", ".", "VERB"), strict=True):
        set_tag(token, tag)
    assert [(token.tag_, token.pos_) for token in doc] == [
        ("PRT", "PART"), ("NNP", ""), (".", "PUNCT"), ("VERB", "VERB"),
    ]  # fmt: skip
