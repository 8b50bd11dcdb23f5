"""Where word vectors start: from the training text itself, from a file, or from another network.

From the text: words that keep the same company get similar vectors. Counts of neighbouring words, weighted by how much
more often they meet than chance would have it (positive pointwise mutual information), are squeezed to a few
dimensions by a singular value decomposition. Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with
Lessons Learned from Word Embeddings", have the choices made here: weights that fall with the distance, contexts
smoothed with the power 0.75, the root of the singular values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from common.bundles.bundle import open_bundle
from common.bundles.manifest import MANIFEST_FILE
from common.errors import InputError, excerpt
from common.text.readers import TooLong, bounded_lines, open_text
from common.text.vocabulary import SPECIAL_TOKENS, Vocabulary

CONTEXT_POWER = 0.75
SPREAD = 0.3  # standard deviation of the numbers in the result


def cooccurrence_vectors(
    texts: Sequence[Sequence[int]], vocab_size: int, dim: int, window: int = 5, seed: int = 0
) -> NDArray[np.float32]:
    """Compute a vector for every word of a vocabulary.

    Args:
        texts: the ids of the words of each text of the training split.
        vocab_size: number of ids.
        dim: size of a vector.
        window: words to the left and right that count as company; at distance d with weight 1 / d.
        seed: of the randomised decomposition.
    Returns:
        float32 (vocab_size, dim). Special tokens, and words that are never in company, have zeros.
    """
    stream = _stream(texts, window)
    shape = (vocab_size, vocab_size)
    counts = sparse.csr_matrix(shape, dtype=np.float32)
    for distance in range(1, window + 1):
        counts += _count_pairs(stream[:-distance], stream[distance:], shape) / distance
    vectors = _squeeze(counts + counts.T, dim, seed)
    return vectors * np.float32(SPREAD / max(float(vectors.std()), 1e-9))


def place_vectors(
    texts: Sequence[Sequence[int]],
    vocab_size: int,
    dim: int,
    window: int = 2,
    num_neighbors: int = 10_000,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Compute vectors that say in what places a word can stand: before and after which others.

    Schuetze 1995, "Distributional Part-of-Speech Tagging": the neighbour to the left and the one to the right are
    counted apart, so that words of one class get similar vectors, whatever they are about.

    Args:
        texts: the ids of the words of each text; ids go by frequency.
        vocab_size: number of ids.
        dim: size of a vector.
        window: places to the left and right that are looked at.
        num_neighbors: how many ids count as neighbours; rarer ones say little.
        seed: of the randomised decomposition.
    Returns:
        float32 (vocab_size, dim), each of length one. Special tokens, and words without neighbours, have zeros.
    """
    stream = _stream(texts, window)
    shape = (vocab_size, min(num_neighbors, vocab_size))
    blocks = []
    for distance in range(1, window + 1):
        before, after = stream[:-distance], stream[distance:]
        blocks += [_count_pairs(after, before, shape), _count_pairs(before, after, shape)]
    vectors = _squeeze(sparse.hstack(blocks), dim, seed)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _stream(texts: Sequence[Sequence[int]], window: int) -> NDArray[np.int32]:
    """All texts in one row, so far apart that they are no neighbours of each other."""
    gap = [0] * window
    return np.array([i for text in texts for part in (text, gap) for i in part], dtype=np.int32)


def _count_pairs(rows: NDArray[np.int32], columns: NDArray[np.int32], shape: tuple[int, int]) -> sparse.csr_matrix:
    """How often each id of `rows` meets each of `columns`, special tokens left out; float32 (shape)."""
    words = (rows >= len(SPECIAL_TOKENS)) & (columns >= len(SPECIAL_TOKENS)) & (columns < shape[1])
    ones = np.ones(int(words.sum()), dtype=np.float32)
    return sparse.coo_matrix((ones, (rows[words], columns[words])), shape=shape).tocsr()


def _squeeze(counts: sparse.spmatrix, dim: int, seed: int) -> NDArray[np.float32]:
    """Counts (words, contexts) to vectors (words, dim): mutual information, then a singular value decomposition."""
    from sklearn.utils.extmath import randomized_svd

    counts = counts.tocoo()
    totals = np.asarray(counts.sum(axis=1)).ravel()
    contexts = np.asarray(counts.sum(axis=0)).ravel() ** CONTEXT_POWER
    contexts /= max(contexts.sum(), 1e-9)
    information = np.log(counts.data / (totals[counts.row] * contexts[counts.col]))
    positive = information > 0
    places = (counts.row[positive], counts.col[positive])
    matrix = sparse.csr_matrix((information[positive], places), shape=counts.shape)
    rank = min(dim, min(counts.shape) - 1)
    left_vectors, values, _ = randomized_svd(matrix, rank, n_iter=4, random_state=seed)
    vectors = np.zeros((counts.shape[0], dim), dtype=np.float32)
    vectors[:, :rank] = left_vectors * np.sqrt(values)  # (words, dim)
    vectors[totals == 0] = 0  # the decomposition leaves tiny numbers there
    return vectors


def load_word_vectors(path: Path, vocabulary: Vocabulary, dim: int) -> tuple[NDArray[np.float32], int]:
    """Read the vectors of the words of a vocabulary that others have trained.

    Args:
        path: a text file of GloVe, word2vec or fastText (a word and its numbers a line, a header or none; may end in
            `.gz`); the folder of a bundle; or the folder of a spaCy package with vectors.
        vocabulary: whose words are wanted.
        dim: size of a vector.
    Returns:
        float32 (vocab_size, dim), zeros for words that are not there, and how many were.
    Raises:
        InputError: vectors of another size, a damaged or cut file, or none of the words in it.
    """
    vectors = np.zeros((len(vocabulary), dim), np.float32)
    found = np.zeros(len(vocabulary), bool)
    for word, vector in _read_vectors(path, dim, vocabulary):
        # The spelling that the vocabulary has comes first; for "the", "The" does only if there is nothing better.
        [number] = vocabulary.encode([word])
        if number >= len(SPECIAL_TOKENS) and (vocabulary.tokens[number] == word or not found[number]):
            vectors[number], found[number] = vector, True
    if not found.any():
        raise InputError(f"{path}: has a vector for none of the {len(vocabulary):,} words; give one of this language")
    return vectors * np.float32(SPREAD / max(float(vectors[found].std()), 1e-9)), int(found.sum())


def load_all_vectors(path: Path, max_words: int) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Read the first vectors of a file, whatever their words are.

    Args:
        path: as in `load_word_vectors`.
        max_words: most words that are read.
    Returns:
        The words, and their vectors, float32 (vocab_size, dim); special tokens have zeros.
    Raises:
        InputError: as in `load_word_vectors`.
    """
    rows = dict(islice(_read_vectors(path), max_words))
    values = np.array(list(rows.values()), np.float32)
    values = np.pad(values * np.float32(SPREAD / max(float(values.std()), 1e-9)), [[len(SPECIAL_TOKENS), 0], [0, 0]])
    return Vocabulary(rows), values


def write_word_vectors(file: IO[str], vocabulary: Vocabulary, vectors: NDArray[np.float32]) -> None:
    """Write the vectors of a vocabulary's words as text, in the format of word2vec."""
    words = vocabulary.tokens[len(SPECIAL_TOKENS) :]
    file.write(f"{len(words)} {vectors.shape[1]}\n")
    for word, vector in zip(words, vectors[len(SPECIAL_TOKENS) :], strict=True):
        file.write(" ".join([word, *(f"{number:.4f}" for number in vector)]) + "\n")


def _read_vectors(
    path: Path, dim: int | None = None, wanted: Vocabulary | None = None
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The words of a file with their vectors; of a spaCy package only `wanted` ones, if they are given."""
    if not path.is_dir():
        return _read_vector_file(path, dim)
    if (path / MANIFEST_FILE).is_file():
        return _read_bundle_vectors(path, dim)
    return _read_spacy_vectors(path, wanted, dim)


def _check_dim(path: Path, found: int, dim: int | None) -> None:
    if dim is not None and found != dim:
        raise InputError(f"{path}: vectors of {found} numbers, wanted {dim}; give --embedding-dim {found}")


def _read_vector_file(path: Path, wanted_dim: int | None) -> Iterator[tuple[str, NDArray[np.float32]]]:
    promised = None
    num_vectors = dim = 0
    with open_text(path) as file:
        for number, line in enumerate(bounded_lines(file), 1):
            if isinstance(line, TooLong):
                raise InputError(f"{path}, line {number}: {line.message}")
            fields = line.rstrip("\r\n ").split(" ")
            if number == 1:
                if len(fields) == 2 and all(
                    re.fullmatch("[0-9]{1,9}", field) for field in fields
                ):  # word2vec and fastText
                    promised, dim = int(fields[0]), int(fields[1])
                elif len(fields) < 3:
                    raise InputError(f"{path}, line 1: {excerpt(line.strip())} is no word with its vector")
                else:
                    dim = len(fields) - 1
                _check_dim(path, dim, wanted_dim)
                if promised is not None:
                    continue
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
            num_vectors += 1
            yield word, vector
    if not num_vectors:
        raise InputError(f"{path}: no vectors in the file; give one with a word and its numbers a line")
    if promised is not None and num_vectors != promised:
        raise InputError(
            f"{path}: {num_vectors:,} vectors, and its first line promises {promised:,}; the file is cut, copy it again"
        )


def _read_bundle_vectors(path: Path, dim: int | None) -> Iterator[tuple[str, NDArray[np.float32]]]:
    bundle = open_bundle(path)
    vectors = bundle.read_layer("embedding")[0]
    _check_dim(path, vectors.shape[1], dim)
    words = bundle.read_vocabulary("vocabulary.json", len(vectors)).tokens
    yield from zip(words[len(SPECIAL_TOKENS) :], vectors[len(SPECIAL_TOKENS) :], strict=True)


def _read_spacy_vectors(
    path: Path, wanted: Vocabulary | None, dim: int | None
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    import spacy

    try:
        known = spacy.util.load_model_from_path(path).vocab
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: neither a bundle nor a spaCy package ({excerpt(reason, 120)})") from None
    if not known.vectors.size:
        raise InputError(f"{path}: a spaCy package without vectors; those whose name ends in md or lg have some")
    _check_dim(path, known.vectors.shape[1], dim)
    words = wanted.tokens[len(SPECIAL_TOKENS) :] if wanted else (known.strings[key] for key in known.vectors)
    for word in words:
        if known.has_vector(word):
            yield word, np.asarray(known.get_vector(word), np.float32)
