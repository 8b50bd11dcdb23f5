"""Train a splitter on the sentences of a treebank, whose layout tells how they were written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle, save_network
from common.bundles.file_names import SPLITTER_FOLDER
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.progress import say
from common.text.vocabulary import Vocabulary
from common.training.fit import Validation, fit
from common.training.optimizer import make_optimizer
from common.training.run import in_single_precision, seeded_network
from pos_tagging.config import TaggingConfig
from pos_tagging.predict import split_by_rules
from pos_tagging.raw_text import count_words, raw_scores, read_documents
from pos_tagging.sentences import Sentence
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.encoding import MIN_COUNT, normal_form
from pos_tagging.splitting.examples import SplitterBatches
from pos_tagging.splitting.labels import Labels, collect_expansions, label_characters, read_characters
from pos_tagging.splitting.model import build_splitter
from pos_tagging.splitting.pieces import PieceTable
from pos_tagging.splitting.splitter import Splitter

Split = Callable[[Sequence[str]], list[list[Sentence]]]  # texts to the sentences of each
SURE = 0.99  # probability of the true label
MIN_SENTENCES = 1000  # of a treebank that a splitter learns from; pos_tagging/EXPERIMENTS.md
MOST_COMPARED = 2000  # validation sentences


def choose_splitter(
    sentences: Sequence[Sentence], validation: Sequence[Sentence], config: TaggingConfig, origin: Bundle | None
) -> Splitter | None:
    """Make the splitter of a tagger, said in one line; None: spaCy's rules split as well or better.

    Args:
        sentences: the training split.
        validation: the validation split, on which the splitter and the rules are compared.
        config: the settings of the tagger.
        origin: the tagger that it starts from, whose splitter serves where there are too few sentences.
    Raises:
        InputError: a splitter is asked for, and the data do not tell how their words were written.
    """
    if config.splitter == "rules":
        return None
    has_layout = any(not all(sentence.layout.space_after) for sentence in sentences)
    if config.splitter == "learned" and not has_layout:
        raise InputError(
            "--splitter learned: no word of the training file has SpaceAfter=No; give CoNLL-U, or --splitter rules"
        )
    if config.splitter == "auto" and not (has_layout and len(sentences) >= MIN_SENTENCES):
        part = origin and origin.part(SPLITTER_FOLDER)
        return Splitter.load(part, KerasEngine(part)) if part else None
    say("Splitter: a character network learns to find sentences and words in raw text; --splitter rules does without")
    splitter = train_splitter(sentences, SplitterConfig(seed=config.seed))
    documents = read_documents(validation[:MOST_COMPARED])
    learned, rules = (
        score_split(documents, split) for split in (splitter.split, partial(split_by_rules, config=config))
    )
    kept = config.splitter == "learned" or learned > rules
    say(f"Splitter: F1 of words {learned:.4f}, rules {rules:.4f}; {'it is' if kept else 'the rules are'} kept")
    return splitter if kept else None


def score_split(documents: Sequence[tuple[str, Sequence[Sentence]]], split: Split) -> float:
    """F1 of the words that a splitter finds in documents, each a text and its true sentences."""
    pairs = zip(documents, split([text for text, _ in documents]), strict=True)
    untagged = ((true, [replace(s, tags=[""] * len(s.tokens)) for s in found]) for (_, true), found in pairs)
    return raw_scores(np.array([row for pair in untagged for row in count_words(*pair)]))["raw_words_f1"]


def save_splitter(splitter: Splitter | None, folder: Path) -> None:
    """Write a splitter, if there is one, as a part of the bundle in a folder."""
    if splitter is not None:
        (folder / SPLITTER_FOLDER).mkdir()
        save_network(folder / SPLITTER_FOLDER, splitter.network.model, splitter.config, splitter.save_tables)


def train_splitter(sentences: Sequence[Sentence], config: SplitterConfig) -> Splitter:
    """Learn to split raw text as these sentences are.

    Args:
        sentences: the training split, in the order of their documents.
        config: the settings.
    """
    documents = read_documents(sentences)
    expansions = collect_expansions(sentences)
    texts = [read_characters(text) for text, _ in documents]
    labels = [label_characters(own, expansions) for _, own in documents]
    normal = ([normal_form(character) for character in text.text] for text in texts)
    vocabulary = Vocabulary.build(normal, min_count=MIN_COUNT)
    config = config.sized(sum(len(text.text) for text in texts))
    build = partial(build_splitter, config, len(vocabulary))
    network = seeded_network(config, build)
    fit_splitter(network, SplitterBatches(texts, labels, vocabulary, config), config)
    splitter = Splitter(KerasEngine(in_single_precision(network, build)), config, vocabulary, expansions)
    logits = splitter.find_logits(texts)
    unsure = [find_unsure(rows, own) for rows, own in zip(logits, labels, strict=True)]
    splitter.pieces = PieceTable.build(texts, labels, unsure)
    return splitter


def fit_splitter(network: keras.Model, batches: SplitterBatches, config: SplitterConfig) -> None:
    """Train a network for all epochs; what a kill would lose is a minute's work, so its checkpoints are not kept."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(make_optimizer(config, config.num_epochs * len(batches)), loss)
    with tempfile.TemporaryDirectory() as folder:
        fit(network, batches, Validation(dict, None), config, Path(folder) / SPLITTER_FOLDER)


def find_unsure(logits: NDArray[np.float32], labels: Labels) -> NDArray[np.bool_]:
    """Whether the network gives the true label of each character a probability of less than `SURE`."""
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return chances[np.arange(len(labels)), labels] < SURE * chances.sum(axis=1)
