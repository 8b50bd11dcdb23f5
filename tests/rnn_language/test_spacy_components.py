"""Components of spaCy pipelines: answers as our own models give them, batches, processes, serialization."""

from __future__ import annotations

import multiprocessing
import os
import pickle

import pytest
import spacy

import pos_tagging
import sentiment
from common.bundles.bundle import open_bundle
from common.errors import InputError
from pos_tagging.spacy_component import TaggerComponent, set_tag
from sentiment.spacy_component import RatingComponent
from tests.conftest import ROOT

FIXTURES = ROOT / "tests/fixtures/format_1"
TEXTS = [
    "They refuse to permit us  to obtain it. So good!\n\nBirds sing.",
    "A joy.",
    "",
    " \n",
    'He said: "No." He left.',
]


def make_pipeline():
    nlp = spacy.blank("en")
    nlp.add_pipe("rnn_tagger", config={"model": str(FIXTURES / "pos_tagging")})
    nlp.add_pipe("rnn_rating", config={"model": str(FIXTURES / "sentiment")})
    return nlp


def answers(docs):
    return [
        ([(token.text, token.pos_, token.tag_) for token in doc], doc._.rating, doc._.rating_spread) for doc in docs
    ]


@pytest.fixture(scope="module")
def nlp():
    return make_pipeline()


def test_answers_are_those_of_our_own_models(nlp):
    docs = list(nlp.pipe(TEXTS))
    ratings = sentiment.load(FIXTURES / "sentiment").predict(TEXTS)
    assert [doc._.rating for doc in docs] == pytest.approx([answer.rating for answer in ratings], abs=1e-5)
    assert [doc._.rating_spread for doc in docs] == [answer.spread for answer in ratings]
    tagged = pos_tagging.load(FIXTURES / "pos_tagging").tag(TEXTS)
    for doc, answer in zip(docs, tagged, strict=True):
        pairs = [pair for sentence in answer for pair in sentence.pairs()]
        assert [(token.text, token.tag_) for token in doc if not token.is_space] == pairs
        assert all(token.pos_ == "SPACE" for token in doc if token.is_space)
        assert not doc.has_annotation("SENT_START") or len(doc) <= 1


def test_one_by_one_and_in_batches_give_the_same(nlp):
    docs = answers(nlp.pipe(TEXTS, batch_size=2))
    for one, many in zip(answers(map(nlp, TEXTS)), docs, strict=True):
        assert one[0] == many[0]
        assert one[1] == pytest.approx(many[1], abs=1e-5)


def test_sentences_that_the_pipeline_has_set_are_kept(monkeypatch):
    nlp = make_pipeline()
    seen = []
    tagger = nlp.get_pipe("rnn_tagger").loaded()
    monkeypatch.setattr(tagger, "tag_tokens", lambda rows: seen.extend(rows) or type(tagger).tag_tokens(tagger, rows))
    nlp("One two. Three four.")
    assert seen == [["One", "two", "."], ["Three", "four", "."]]
    nlp.add_pipe("own_ends", first=True)
    seen.clear()
    doc = nlp("One two. Three four.")
    assert seen == [["One"], ["two", ".", "Three", "four", "."]]
    assert len(list(doc.sents)) == 2


@spacy.Language.component("own_ends")
def own_ends(doc):
    for token in doc:
        token.is_sent_start = token.i in (0, 1)
    return doc


@pytest.fixture(scope="module")
def tagger():
    return TaggerComponent(str(FIXTURES / "pos_tagging"), "rnn_tagger")


def test_a_component_is_the_files_of_its_bundle(tagger, tmp_path):
    for _ in range(2):  # also where it stands already
        tagger.to_disk(tmp_path / "tagger")
    assert open_bundle(tmp_path / "tagger", "pos_tagging")
    others = [TaggerComponent("nowhere/it/is", "other") for _ in range(2)]
    others[0].from_disk(tmp_path / "tagger")
    others[1].from_bytes(tagger.to_bytes())
    tokens = [["Birds", "sing", "."]]
    for other in (*others, pickle.loads(pickle.dumps(tagger))):
        assert other.loaded().tag_tokens(tokens) == tagger.loaded().tag_tokens(tokens)
        assert other.to_bytes() == tagger.to_bytes()


def test_what_was_changed_is_refused(tagger, tmp_path):
    tagger.to_disk(tmp_path / "tagger")
    file = tmp_path / "tagger/model.weights.h5"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match="the file was changed"):
        tagger.from_disk(tmp_path / "tagger")
    (tmp_path / "tagger/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="would be lost"):
        tagger.to_disk(tmp_path / "tagger")
    with pytest.raises(InputError, match="a bundle for 'pos_tagging', not for sentiment"):
        RatingComponent(None, "rnn_rating").from_bytes(tagger.to_bytes())
    assert tagger.loaded()  # it is still what it was


@pytest.mark.slow
def test_a_saved_pipeline_needs_no_model_beside_it(nlp, tmp_path):
    wanted = answers(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path / "pipeline")
    assert answers(spacy.load(tmp_path / "pipeline").pipe(TEXTS)) == wanted
    other = spacy.blank("en")
    other.add_pipe("rnn_tagger", config={"model": "nowhere/it/is"})
    other.add_pipe("rnn_rating", config={"model": "nowhere/it/is"})
    assert answers(other.from_bytes(nlp.to_bytes()).pipe(TEXTS)) == wanted
    assert answers(pickle.loads(pickle.dumps(nlp)).pipe(TEXTS)) == wanted


def test_a_missing_model_is_named_when_it_is_needed():
    with pytest.raises(InputError, match=r"nonsense: no such folder.*brown, ewt"):
        TaggerComponent("nonsense", "rnn_tagger").loaded()


def test_a_model_of_twelve_tags_gives_universal_ones(nlp):
    doc = nlp.make_doc("up and .")
    for token, tag in zip(doc, ("PRT", "CONJ", "."), strict=True):
        set_tag(token, tag)
    assert [(token.tag_, token.pos_) for token in doc] == [("PRT", "PART"), ("CONJ", "CCONJ"), (".", "PUNCT")]
    set_tag(doc[0], "NNP")
    assert (doc[0].tag_, doc[0].pos_) == ("NNP", "PART")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_several_processes_give_the_same(method, nlp, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    wanted = answers(nlp.pipe(TEXTS * 5))
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        assert answers(nlp.pipe(TEXTS * 5, n_process=2, batch_size=4)) == wanted
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert os.getpid() == nlp.get_pipe("rnn_tagger")._opened[0]
