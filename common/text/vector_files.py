"""Word vectors that others have trained: read and written as text (GloVe, word2vec, fastText), read from spaCy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError, excerpt
from common.text.readers import TooLong, bounded_lines, open_text
from common.text.spacy_start import start_spacy
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary

SPREAD = 0.3  # standard deviation of the numbers in the result
Vector: TypeAlias = NDArray[np.float32]


def scaled(vectors: NDArray[np.float32], spread: float) -> NDArray[np.float32]:
    """Scale vectors whose numbers have the standard deviation `spread` to the one that embeddings start with."""
    return vectors * np.float32(SPREAD / max(spread, 1e-9))


def match_vectors(
    pairs: Iterable[tuple[str, Vector]], vocabulary: Vocabulary, dim: int, source: Path
) -> tuple[NDArray[np.float32], int]:
    """Look up the vectors of the words of a vocabulary.

    Args:
        pairs: words with their vectors.
        vocabulary: whose words are wanted.
        dim: size of a vector.
        source: where the pairs come from, for messages.
    Returns:
        float32 (vocab_size, dim), zeros for words that are not there, and how many were.
    Raises:
        InputError: none of the words is there.
    """
    vectors = np.zeros((len(vocabulary), dim), np.float32)
    found = np.zeros(len(vocabulary), bool)
    for word, vector in pairs:
        # The spelling that the vocabulary has comes first; for "the", "The" does only if there is nothing better.
        [number] = vocabulary.encode([word])
        if number >= len(SPECIAL_TOKENS) and (vocabulary.tokens[number] == word or not found[number]):
            vectors[number], found[number] = vector, True
    if not found.any():
        raise InputError(f"{source}: has a vector for none of the {len(vocabulary):,} words; give one of this language")
    return scaled(vectors, float(vectors[found].std())), int(found.sum())


def first_vectors(pairs: Iterable[tuple[str, Vector]], max_words: int) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Take the first words, whatever they are.

    Args:
        pairs: words with their vectors.
        max_words: most words that are read.
    Returns:
        The words, and their vectors, float32 (vocab_size, dim); special tokens have zeros.
    """
    rows = dict(islice(pairs, max_words))
    values = np.array(list(rows.values()), np.float32)
    return Vocabulary(rows), np.pad(scaled(values, float(values.std())), [[len(SPECIAL_TOKENS), 0], [0, 0]])


def write_word_vectors(file: IO[str], vocabulary: Vocabulary, vectors: NDArray[np.float32]) -> None:
    """Write the vectors of a vocabulary's words as text, in the format of word2vec."""
    words = vocabulary.tokens[len(SPECIAL_TOKENS) :]
    file.write(f"{len(words)} {vectors.shape[1]}\n")
    for word, vector in zip(words, vectors[len(SPECIAL_TOKENS) :], strict=True):
        file.write(" ".join([word, *(f"{number:.4f}" for number in vector)]) + "\n")


def read_vectors(path: Path, dim: int | None = None, wanted: Vocabulary | None = None) -> Iterator[tuple[str, Vector]]:
    """Read words with their vectors.

    Args:
        path: a text file of GloVe, word2vec or fastText (a word and its numbers a line, a header or none; may end in
            `.gz`), or the folder of a spaCy package with vectors.
        dim: size that a vector must have; None: any.
        wanted: the words to look up in a spaCy package; None: all of them.
    Raises:
        InputError: vectors of another size, or a damaged or cut file.
    """
    return _read_spacy(path, wanted, dim) if path.is_dir() else _read_text(path, dim)


def check_dim(path: Path, found: int, dim: int | None) -> None:
    """Refuse vectors of another size than is wanted."""
    if dim is not None and found != dim:
        raise InputError(f"{path}: vectors of {found} numbers, wanted {dim}; give --embedding-dim {found}")


def _read_text(path: Path, wanted_dim: int | None) -> Iterator[tuple[str, Vector]]:
    promised = None
    num_vectors = dim = 0
    with open_text(path) as file:
        for number, line in enumerate(bounded_lines(file), 1):
            if isinstance(line, TooLong):
                raise InputError(f"{path}, line {number}: {line.message}")
            if number == 1:
                promised, dim = _read_first_line(path, line)
                check_dim(path, dim, wanted_dim)
                if promised is not None:
                    continue
            num_vectors += 1
            yield _read_line(path, number, line, dim)
    if not num_vectors:
        raise InputError(f"{path}: no vectors in the file; give one with a word and its numbers a line")
    if promised is not None and num_vectors != promised:
        raise InputError(
            f"{path}: {num_vectors:,} vectors, and its first line promises {promised:,}; the file is cut, copy it again"
        )


def _fields(line: str) -> list[str]:
    return line.rstrip("\r\n ").split(" ")


def _read_first_line(path: Path, line: str) -> tuple[int | None, int]:
    """The number of vectors, if a header gives it (word2vec and fastText), and the size of a vector."""
    fields = _fields(line)
    if len(fields) == 2 and all(re.fullmatch("[0-9]{1,9}", field) for field in fields):
        return int(fields[0]), int(fields[1])
    if len(fields) < 3:
        raise InputError(f"{path}, line 1: {excerpt(line.strip())} is no word with its vector")
    return None, len(fields) - 1


def _read_line(path: Path, number: int, line: str, dim: int) -> tuple[str, Vector]:
    fields = _fields(line)
    # A few words of the large files hold a space: the numbers are the last fields.
    word, numbers = " ".join(fields[:-dim]), fields[-dim:]
    try:
        vector = np.array(numbers, np.float32)
    except ValueError:
        vector = np.empty(0, np.float32)
    if not word or len(vector) != dim or not np.isfinite(vector).all():
        raise InputError(
            f"{path}, line {number}: {excerpt(line.strip())} is no word with {dim} numbers; "
            "the file is damaged or cut, copy it again"
        )
    return word, vector


def _read_spacy(path: Path, wanted: Vocabulary | None, dim: int | None) -> Iterator[tuple[str, Vector]]:
    try:
        known = start_spacy().util.load_model_from_path(path).vocab
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: neither a bundle nor a spaCy package ({excerpt(reason, 120)})") from None
    if not known.vectors.size:
        raise InputError(f"{path}: a spaCy package without vectors; those whose name ends in md or lg have some")
    check_dim(path, known.vectors.shape[1], dim)
    words = wanted.tokens[len(SPECIAL_TOKENS) :] if wanted else (known.strings[key] for key in known.vectors)
    for word in words:
        if known.has_vector(word):
            yield word, np.asarray(known.get_vector(word), np.float32)
