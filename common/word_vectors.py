"""Where word vectors start: from the training text itself, from a file, or from another network.

From the text: words that keep the same company get similar vectors. Counts of neighbouring words, weighted by how much
more often they meet than chance would have it (positive pointwise mutual information), are squeezed to a few
dimensions by a singular value decomposition. Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with
Lessons Learned from Word Embeddings", have the choices made here: weights that fall with the distance, contexts
smoothed with the power 0.75, the root of the singular values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from common.errors import InputError, excerpt
from common.files import open_text
from common.persistence import MANIFEST_FILE, open_bundle
from common.vocabulary import SPECIAL_TOKENS, Vocabulary

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
    if not path.is_dir():
        pairs = _read_vector_file(path, dim)
    elif (path / MANIFEST_FILE).is_file():
        pairs = _read_bundle_vectors(path, dim)
    else:
        pairs = _read_spacy_vectors(path, vocabulary, dim)
    vectors = np.zeros((len(vocabulary), dim), np.float32)
    found = np.zeros(len(vocabulary), bool)
    for word, vector in pairs:
        # The spelling that the vocabulary has comes first; for "the", "The" does only if there is nothing better.
        [number] = vocabulary.encode([word])
        if number >= len(SPECIAL_TOKENS) and (vocabulary.tokens[number] == word or not found[number]):
            vectors[number], found[number] = vector, True
    if not found.any():
        raise InputError(f"{path}: has a vector for none of the {len(vocabulary):,} words; give one of this language")
    return vectors * np.float32(SPREAD / max(float(vectors[found].std()), 1e-9)), int(found.sum())


def _check_dim(path: Path, found: int, dim: int) -> None:
    if found != dim:
        raise InputError(f"{path}: vectors of {found} numbers, wanted {dim}; give --embedding-dim {found}")


def _read_vector_file(path: Path, dim: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    promised = None
    num_vectors = 0
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip("\r\n ").split(" ")
            if number == 1:
                if len(fields) == 2 and all(field.isdigit() for field in fields):  # word2vec and fastText
                    promised = int(fields[0])
                    _check_dim(path, int(fields[1]), dim)
                    continue
                if len(fields) < 3:
                    raise InputError(f"{path}, line 1: {excerpt(line.strip())} is no word with its vector")
                _check_dim(path, len(fields) - 1, dim)
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


def _read_bundle_vectors(path: Path, dim: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    bundle = open_bundle(path)
    vectors = bundle.read_layer("embedding")[0]
    _check_dim(path, vectors.shape[1], dim)
    words = Vocabulary.load(path / "vocabulary.json").tokens
    yield from zip(words[len(SPECIAL_TOKENS) :], vectors[len(SPECIAL_TOKENS) :], strict=True)


def _read_spacy_vectors(path: Path, vocabulary: Vocabulary, dim: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    import spacy

    try:
        known = spacy.util.load_model_from_path(path).vocab
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: neither a bundle nor a spaCy package ({excerpt(reason, 120)})") from None
    if not known.vectors.size:
        raise InputError(f"{path}: a spaCy package without vectors; those whose name ends in md or lg have some")
    _check_dim(path, known.vectors.shape[1], dim)
    for word in vocabulary.tokens[len(SPECIAL_TOKENS) :]:
        if known.has_vector(word):
            yield word, np.asarray(known.get_vector(word), np.float32)
