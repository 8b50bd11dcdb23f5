"""Ridge regression on the features of an encoder and on TF-IDF at once, in closed form.

    score  =  bias  +  deep . features  +  wide . terms

Both parts are fitted together, in the dual: the kernel of two texts is that of their features plus `share` times that
of their terms. How much each part may say (`share`) and how much both are held back (`alpha`) are those with the
smallest leave-one-out error, which a ridge regression has without refitting: Allen 1974, "The Relationship Between
Variable Selection and Data Augmentation and a Method for Prediction"; Hastie et al. 2009, "The Elements of Statistical
Learning", section 7.10. So a few hundred texts are enough, and none has to be held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from common.errors import InputError
from sentiment.ngrams import Ngrams

SHARES = (0.1, 0.3, 1.0, 3.0)
ALPHAS = np.logspace(-1.5, 2.5, 13)
MAX_CHOSEN_ON = 1500  # texts on which share and alpha are chosen: the time grows with their cube
DIRECTION_SHARE = 0.3  # of the kernel, beside the features
FEW = 50  # texts, of which the error is taken to be the same everywhere
LEAST_VARIANCE = 0.2  # of an error, of the mean variance
MAX_FITTED = 8000  # texts: the kernel is a square of so many
NUM_FOLDS, ALPHAS_OF_MANY = 5, (0.25, 0.5, 1.0, 2.0, 4.0)  # of more texts


@dataclass(frozen=True)
class RidgeFit:
    """A fitted regression.

    Args:
        deep: weights of the features as the encoder gives them, (features,).
        wide: weights of the terms, (terms,).
        bias: what is added.
        held_out: what the regression says of each training text without having seen it, (texts,).
        wide_held_out: the part of the terms in that.
    """

    deep: NDArray[np.float64]
    wide: NDArray[np.float64]
    bias: float
    held_out: NDArray[np.float64]
    wide_held_out: NDArray[np.float64]


def fit_ridge(
    features: NDArray[np.floating] | None,
    terms: csr_matrix,
    scores: NDArray[np.floating],
    seed: int,
    direction: NDArray[np.floating] | None = None,
) -> RidgeFit:
    """Fit the regression.

    Args:
        features: of the encoder (texts, features); None fits the terms alone.
        terms: TF-IDF (texts, terms).
        scores: what is to be predicted (texts,).
        seed: of the choice of texts, where there are more than the closed form takes.
        direction: weights of the features (features,) that were right for other texts: they are held back less.
    Raises:
        InputError: fewer than two texts.
    """
    if len(scores) < 2:
        raise InputError("one review is left to train on; give more data")
    rng = np.random.default_rng(seed)
    if features is None and len(scores) > MAX_FITTED:
        return _fit_many(terms, scores.astype(np.float64), rng)
    fitted = _choose(rng, len(scores), MAX_FITTED)
    features = np.zeros((len(scores), 1)) if features is None else features.astype(np.float64)
    mean, scale = features[fitted].mean(axis=0), _scales(features[fitted])
    standard = (features - mean) / scale
    if direction is not None:
        whole = (features - mean) @ direction
        size = whole[fitted].std() / np.sqrt(DIRECTION_SHARE) + 1e-9
        standard = np.column_stack([standard, whole / size])
    target = scores[fitted].astype(np.float64)
    deep, wide = standard[fitted] @ standard[fitted].T, (terms[fitted] @ terms[fitted].T).toarray()
    share, alpha = _choose_settings(deep, wide, target, _choose(rng, len(fitted), MAX_CHOSEN_ON))
    dual, inverse = _solve(deep + share * wide, target, alpha)
    deep_weights = standard[fitted].T @ dual
    if direction is not None:
        deep_weights = deep_weights[:-1] / scale + deep_weights[-1] * direction / size
    else:
        deep_weights = deep_weights / scale
    wide_weights = share * (terms[fitted].T @ dual)
    bias = target.mean() - (features[fitted] @ deep_weights + terms[fitted] @ wide_weights).mean()
    held_out = features @ deep_weights + terms @ wide_weights + bias
    wide_held_out = terms @ wide_weights
    # Without text i its dual weight is 0, and every other one has changed by a multiple of column i of the inverse.
    without = dual / np.diag(inverse)
    held_out[fitted] = target - without
    wide_held_out[fitted] -= share * without * np.einsum("ij,ji->i", wide, inverse)
    return RidgeFit(deep_weights, wide_weights, float(bias), held_out, wide_held_out)


def fit_spread(scores: NDArray[np.floating], held_out: NDArray[np.floating]) -> NDArray[np.float64]:
    """The variance of the error as a parabola of the score, for `common.networks.layers.ScoreSpread`.

    Args:
        scores: true scores (texts,).
        held_out: predictions of a model that had not seen them (texts,).
    Returns:
        a, b, c of a + b score + c score², (3,); of few texts the mean alone.
    """
    squares = (scores - held_out) ** 2
    mean = squares.mean()
    if len(scores) < FEW:
        return np.array([mean, 0.0, 0.0])
    x = np.clip(held_out, -1, 1)
    # Bernstein polynomials: with weights that are not negative the parabola is nowhere below the least of them.
    basis = np.column_stack([(1 - x) ** 2 / 4, (1 - x) * (1 + x) / 2, (1 + x) ** 2 / 4])
    left, middle, right = nnls(basis, squares - LEAST_VARIANCE * mean)[0] + LEAST_VARIANCE * mean
    parabola = np.array([(left + right) / 4 + middle / 2, (right - left) / 2, (left + right) / 4 - middle / 2])
    return parabola * mean / (parabola[0] + x * (parabola[1] + x * parabola[2])).mean()


def term_matrix(ngrams: Ngrams, token_lists: Sequence[Sequence[str]]) -> csr_matrix:
    """The TF-IDF of some texts, sparse float64 (texts, rows of the table of the wide part)."""
    rows = [ngrams.encode(tokens) for tokens in token_lists]
    ends = np.cumsum([0, *(len(ids) for ids, _ in rows)])
    ids, values = (list(chain.from_iterable(row[part] for row in rows)) for part in (0, 1))
    return csr_matrix((values, ids, ends), shape=(len(rows), len(ngrams)))


def _fit_many(terms: csr_matrix, target: NDArray[np.float64], rng: np.random.Generator) -> RidgeFit:
    """Fit the terms alone on any number of texts, by conjugate gradients; held out are folds, not single texts."""
    fold_of = rng.permutation(len(target)) % NUM_FOLDS

    def fit(rows: NDArray[np.bool_], alpha: float) -> Ridge:
        return Ridge(alpha, solver="sparse_cg").fit(terms[rows], target[rows])

    def error(alpha: float) -> float:
        return float(np.mean((fit(fold_of != 0, alpha).predict(terms[fold_of == 0]) - target[fold_of == 0]) ** 2))

    alpha = min(ALPHAS_OF_MANY, key=error)
    held_out, wide_held_out = np.zeros((2, len(target)))
    for fold in range(NUM_FOLDS):
        rows, machine = fold_of == fold, fit(fold_of != fold, alpha)
        wide_held_out[rows] = terms[rows] @ machine.coef_
        held_out[rows] = wide_held_out[rows] + machine.intercept_
    machine = fit(fold_of >= 0, alpha)
    return RidgeFit(np.zeros(1), machine.coef_, float(machine.intercept_), held_out, wide_held_out)


def _choose(rng: np.random.Generator, number: int, most: int) -> NDArray[np.intp]:
    return np.arange(number) if number <= most else np.sort(rng.permutation(number)[:most])


def _scales(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations, none of them near 0, times the root of their number: a text has a length of about 1."""
    return (features.std(axis=0) + 0.01 * features.std() + 1e-6) * np.sqrt(features.shape[1])


def _centred(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    means = kernel.mean(axis=0)
    return kernel - means[None] - means[:, None] + kernel.mean()


def _choose_settings(
    deep: NDArray[np.float64], wide: NDArray[np.float64], target: NDArray[np.float64], chosen: NDArray[np.intp]
) -> tuple[float, float]:
    """The share and the alpha with the smallest leave-one-out error on some of the texts."""
    square = np.ix_(chosen, chosen)
    centred = target[chosen] - target[chosen].mean()
    best: tuple[float, float, float] = (np.inf, SHARES[0], float(ALPHAS[-1]))
    for share in SHARES:
        values, vectors = np.linalg.eigh(_centred(deep[square] + share * wide[square]))
        values, along = np.maximum(values, 0), vectors.T @ centred
        for alpha in ALPHAS:
            kept = values / (values + alpha)
            own = np.minimum(vectors**2 @ kept + 1 / len(chosen), 1 - 1e-6)
            error = float(np.mean(((centred - vectors @ (kept * along)) / (1 - own)) ** 2))
            best = min(best, (error, share, float(alpha)))
    return best[1], best[2]


def _solve(
    kernel: NDArray[np.float64], target: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The dual weights (texts,), which sum to 0, and the inverse they come from (texts, texts)."""
    number = len(target)
    inverse = np.asarray(np.linalg.inv(kernel + alpha * np.eye(number)), np.float64)
    sums = inverse.sum(axis=0)
    inverse = inverse - np.outer(sums, sums) / sums.sum()  # with a bias that is not held back
    return inverse @ target, inverse
