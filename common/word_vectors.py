"""Word vectors from the training text itself: words that keep the same company get similar vectors.

Counts of neighbouring words, weighted by how much more often they meet than chance would have it (positive pointwise
mutual information), squeezed to a few dimensions by a singular value decomposition. Levy, Goldberg & Dagan 2015,
"Improving Distributional Similarity with Lessons Learned from Word Embeddings", have the choices made here: weights
that fall with the distance, contexts smoothed with the power 0.75, the root of the singular values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from common.vocabulary import SPECIAL_TOKENS

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
    from sklearn.utils.extmath import randomized_svd

    gap = [0] * window  # texts are no neighbours of each other
    stream = np.array([i for text in texts for part in (text, gap) for i in part], dtype=np.int32)
    shape = (vocab_size, vocab_size)
    counts = sparse.csr_matrix(shape, dtype=np.float32)
    for distance in range(1, window + 1):
        left, right = stream[:-distance], stream[distance:]
        words = (left >= len(SPECIAL_TOKENS)) & (right >= len(SPECIAL_TOKENS))
        weights = np.full(words.sum(), 1 / distance, dtype=np.float32)
        counts += sparse.coo_matrix((weights, (left[words], right[words])), shape=shape).tocsr()
    counts = (counts + counts.T).tocoo()  # (vocab_size, vocab_size)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    contexts = totals**CONTEXT_POWER
    contexts /= max(contexts.sum(), 1e-9)
    information = np.log(counts.data / (totals[counts.row] * contexts[counts.col]))
    positive = information > 0
    matrix = sparse.csr_matrix((information[positive], (counts.row[positive], counts.col[positive])), shape=shape)
    rank = min(dim, vocab_size - 1)
    left_vectors, values, _ = randomized_svd(matrix, rank, n_iter=4, random_state=seed)
    vectors = np.zeros((vocab_size, dim), dtype=np.float32)
    vectors[:, :rank] = left_vectors * np.sqrt(values)  # (vocab_size, dim)
    vectors[totals == 0] = 0  # the decomposition leaves tiny numbers there
    return vectors * np.float32(SPREAD / max(float(vectors.std()), 1e-9))
