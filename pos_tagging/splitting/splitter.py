"""Split raw text into sentences and words as the training treebank has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle
from common.bundles.file_names import CHARACTERS_FILE, EXPANSIONS_FILE, PIECES_FILE
from common.errors import InputError
from common.inference.engine import Engine
from common.json_files import read_json, write_json
from common.text.tokenization import clean_text
from common.text.vocabulary import Vocabulary
from pos_tagging.sentences import Sentence
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.encoding import CharacterTable, batches_of, cut_windows, group_windows
from pos_tagging.splitting.labels import (
    EXPANDED_SENTENCE,
    INNER_WORD,
    INSIDE,
    NO_GAP,
    NUM_LABELS,
    PARAGRAPH,
    SENTENCE,
    Characters,
    Expansions,
    Labels,
    make_sentences,
    read_characters,
)
from pos_tagging.splitting.pieces import PieceTable, join_addresses


class Splitter:
    """A trained splitter: texts in, sentences of words out.

    Args:
        network: runs `pos_tagging.splitting.model.build_splitter`.
        config: its settings.
        characters: those that it knows.
        expansions: the words of tokens that are written in another way.
        pieces: those whose words are known.
    """

    def __init__(
        self,
        network: Engine,
        config: SplitterConfig,
        characters: Vocabulary,
        expansions: Expansions,
        pieces: PieceTable | None = None,
    ) -> None:
        self.network = network
        self.config = config
        self.characters = characters
        self.expansions = expansions
        self.pieces = pieces or PieceTable()
        self.table = CharacterTable(characters)

    @classmethod
    def load(cls, bundle: Bundle, network: Engine) -> Splitter:
        """Read what `save` wrote into a bundle, or into a part of one.

        Raises:
            InputError: a file is missing or damaged.
        """
        config, characters = bundle.read_config(SplitterConfig), bundle.read_vocabulary(CHARACTERS_FILE)
        return cls(network, config, characters, read_expansions(bundle), read_pieces(bundle))

    def save_tables(self, folder: Path) -> None:
        """Write the vocabulary and the tables."""
        self.characters.save(folder / CHARACTERS_FILE)
        write_json(folder / EXPANSIONS_FILE, self.expansions, indent=0)
        write_json(folder / PIECES_FILE, self.pieces.pieces, indent=0)

    def split(self, texts: Iterable[str]) -> list[list[Sentence]]:
        """Split texts into sentences, whose tags are not known yet."""
        documents = [read_characters(clean_text(text)) for text in texts]
        return [
            make_sentences(document, labels, self.expansions)
            for document, labels in zip(documents, self.label(documents), strict=True)
        ]

    def find_logits(self, documents: Sequence[Characters]) -> list[NDArray[np.float32]]:
        """The logits of each document (characters, NUM_LABELS)."""
        encoded = [self.table.encode(document) for document in documents]
        logits = [np.zeros((len(document.text), NUM_LABELS), np.float32) for document in documents]
        groups = group_windows(cut_windows([len(document.text) for document in documents]))
        for group, answers in zip(groups, self.network.answers(batches_of(groups, encoded)), strict=True):
            for window, answer in zip(group, answers, strict=True):
                skipped = window.start - window.read_from
                logits[window.text][window.start : window.stop] = answer[skipped : skipped + window.stop - window.start]
        return logits

    def label(self, documents: Sequence[Characters]) -> list[Labels]:
        """The labels of each document (characters,)."""
        if not documents:
            return []
        gaps = [np.append(np.uint8(PARAGRAPH), document.gaps[1:])[: len(document.gaps)] for document in documents]
        chosen = choose_labels(np.concatenate(self.find_logits(documents)), np.concatenate(gaps))
        labels = np.split(chosen, np.cumsum([len(document.text) for document in documents])[:-1])
        for document, own in zip(documents, labels, strict=True):
            if document.text:
                self.pieces.apply(document, own)
                join_addresses(document, own)
        return labels


def choose_labels(logits: NDArray[np.float32], gaps: NDArray[np.uint8]) -> Labels:
    """The best label of each character that may stand there.

    Behind white space a word begins, behind a blank line and at the beginning a sentence.

    Args:
        logits: float32 (characters, NUM_LABELS).
        gaps: uint8 (characters,).
    """
    labels = logits.argmax(axis=1).astype(np.uint8)
    apart = np.flatnonzero(gaps != NO_GAP)
    words = logits[apart]
    words[:, [INSIDE, INNER_WORD]] = -np.inf
    labels[apart] = words.argmax(axis=1)
    first = np.flatnonzero(np.append(np.uint8(PARAGRAPH), gaps[1:])[: len(gaps)] == PARAGRAPH)
    labels[first] = SENTENCE + logits[first, SENTENCE : EXPANDED_SENTENCE + 1].argmax(axis=1)
    return labels


def read_pieces(bundle: Bundle) -> PieceTable:
    """Read the table of known pieces.

    Raises:
        InputError: it is missing, or damaged.
    """
    source = str(bundle.path / PIECES_FILE)
    return PieceTable.parse(read_json(bundle.read_bytes(PIECES_FILE), source), source)


def read_expansions(bundle: Bundle) -> dict[str, list[str]]:
    """Read the table of tokens that are written otherwise than their words.

    Raises:
        InputError: it is missing, or damaged.
    """
    expansions = bundle.read_json(EXPANSIONS_FILE)
    for words in expansions.values():
        if not (isinstance(words, list) and words and all(isinstance(word, str) and word.strip() for word in words)):
            file = bundle.path / EXPANSIONS_FILE
            raise InputError(f"{file}: a token has no list of words; take the bundle from its source again")
    return expansions
