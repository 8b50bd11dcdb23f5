"""Word vectors counted from text: positive pointwise mutual information and a singular value decomposition.

Counts of neighbouring words are weighted by how much more often they meet than independent words would (PPMI), and
reduced to a few dimensions by a truncated SVD, so that words with the same neighbours get similar vectors. Levy,
Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word Embeddings", give the
choices made here: weights that fall with the distance, contexts smoothed with the power 0.75, the root of the singular
values. Vectors that others have trained are read by `common.text.vector_files`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from common.text.vector_files import scaled
from common.text.vocabulary import SPECIAL_TOKENS

CONTEXT_POWER = 0.75


def cooccurrence_vectors(
    texts: Sequence[Sequence[int]], vocab_size: int, dim: int, window: int = 5, seed: int = 0
) -> NDArray[np.float32]:
    """Compute a vector for every word of a vocabulary from the words that stand near it.

    Args:
        texts: the ids of the words of each text of the training split.
        vocab_size: number of ids.
        dim: size of a vector.
        window: words to the left and right that count as neighbours; at distance d with weight 1 / d.
        seed: of the randomised decomposition.
    Returns:
        float32 (vocab_size, dim). Special tokens, and words without neighbours, have zeros.
    """
    stream = _stream(texts, window)
    shape = (vocab_size, vocab_size)
    counts = sparse.csr_matrix(shape, dtype=np.float32)
    for distance in range(1, window + 1):
        counts += _count_pairs(stream[:-distance], stream[distance:], shape) / distance
    vectors = _squeeze(counts + counts.T, dim, seed)
    return scaled(vectors, float(vectors.std()))


def induced_vectors(
    texts: Sequence[Sequence[int]],
    vectors: NDArray[np.float32],
    vocab_size: int,
    window: int = 5,
    penalty: float = 0.001,
) -> NDArray[np.float32]:
    """Induce vectors for new words from the known words that stand near them, in the space of the known vectors.

    Khodak et al. 2018, "A La Carte Embedding": the mean vector of a word's neighbours, times a matrix that is fitted by
    least squares on the known words, where the result is known.

    Args:
        texts: the ids of the words of each text; ids from `len(vectors)` on are the new words.
        vectors: of the known words, float32 (known words, features).
        vocab_size: number of ids.
        window: words to the left and right that count as neighbours.
        penalty: of the least squares (ridge regression), in units of the mean eigenvalue.
    Returns:
        float32 (vocab_size - known words, features); the mean known vector of words without known neighbours.
    """
    num_known, dim = vectors.shape
    stream = _stream(texts, window)
    shape = (vocab_size, num_known)
    counts = sparse.csr_matrix(shape, dtype=np.float32)
    for distance in range(1, window + 1):
        before, after = stream[:-distance], stream[distance:]
        counts += _count_pairs(after, before, shape) + _count_pairs(before, after, shape)
    totals = np.asarray(counts.sum(axis=1))  # (words, 1)
    words = slice(len(SPECIAL_TOKENS), num_known)
    mean = vectors[words].mean(axis=0)
    contexts = (counts @ (vectors - mean)) / np.maximum(totals, 1)  # (words, features)
    weights = np.log1p(totals[words])
    gram = contexts[words].T @ (weights * contexts[words])
    gram += np.eye(dim) * penalty * np.trace(gram) / dim
    transform = np.linalg.solve(gram, contexts[words].T @ (weights * (vectors[words] - mean)))
    return (mean + contexts[num_known:] @ transform).astype(np.float32)


def place_vectors(
    texts: Sequence[Sequence[int]],
    vocab_size: int,
    dim: int,
    window: int = 2,
    num_neighbors: int = 10_000,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Compute vectors by syntactic position: before and after which other words a word stands.

    Schuetze 1995, "Distributional Part-of-Speech Tagging": the neighbour to the left and the one to the right are
    counted apart, so that words of one class get similar vectors, whatever they are about.

    Args:
        texts: the ids of the words of each text; ids go by frequency.
        vocab_size: number of ids.
        dim: size of a vector.
        window: places to the left and right that are looked at.
        num_neighbors: how many ids count as neighbours; rarer ones tell little.
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
