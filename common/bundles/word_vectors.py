"""Word vectors to start from, wherever they are: the embedding of a bundle, a text file, or a spaCy package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import MANIFEST_FILE, VOCABULARY_FILE
from common.networks import layer_names
from common.text.vector_files import Vector, check_dim, first_vectors, match_vectors, read_vectors
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary


def load_word_vectors(path: Path, vocabulary: Vocabulary, dim: int) -> tuple[NDArray[np.float32], int]:
    """Load the vectors of the words of a vocabulary.

    Args:
        path: the folder of a bundle, or what `common.text.vector_files.read_vectors` reads.
        vocabulary: whose words are wanted.
        dim: size of a vector.
    Returns:
        float32 (vocab_size, dim), zeros for words that are not there, and how many were.
    Raises:
        InputError: vectors of another size, a damaged or cut file, or none of the words in it.
    """
    return match_vectors(_read(path, dim, vocabulary), vocabulary, dim, path)


def load_all_vectors(path: Path, max_words: int) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Load the first vectors, whatever their words are.

    Args:
        path: as in `load_word_vectors`.
        max_words: most words that are read.
    Returns:
        The words, and their vectors, float32 (vocab_size, dim); special tokens have zeros.
    Raises:
        InputError: as in `load_word_vectors`.
    """
    return first_vectors(_read(path), max_words)


def bundle_vectors(bundle: Bundle) -> tuple[list[str], NDArray[np.float32]]:
    """The words of a bundle and the rows of its embedding, float32 (words, dim); special tokens left out."""
    vectors = bundle.read_layer(layer_names.EMBEDDING)[0]
    words = bundle.read_vocabulary(VOCABULARY_FILE, len(vectors)).tokens
    return words[len(SPECIAL_TOKENS) :], vectors[len(SPECIAL_TOKENS) :]


def _read(path: Path, dim: int | None = None, wanted: Vocabulary | None = None) -> Iterator[tuple[str, Vector]]:
    if not (path / MANIFEST_FILE).is_file():
        return read_vectors(path, dim, wanted)
    words, vectors = bundle_vectors(open_bundle(path))
    check_dim(path, vectors.shape[1], dim)
    return zip(words, vectors, strict=True)
