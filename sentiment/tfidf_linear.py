"""Linear baselines over counts of words, pairs and triples: TF-IDF with ridge or logistic regression, NB-SVM.

TF-IDF + ridge       weights of terms by how rare they are, a linear regression of the rating, its alpha chosen by
                     cross-validation
TF-IDF + logistic    the same weights, good against bad
NB-SVM               which terms stand in good texts and which in bad, weighted by how much more often, under a linear
                     support vector machine: Wang & Manning 2012, "Baselines and Bigrams", here with all of the
                     weight that a term learned (their beta is 1: less was no better on validation films)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.svm import LinearSVC

from common.progress import say

RIDGE_ALPHAS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
LEAST_FOR_CHOICE = 10  # texts: of fewer, a fold would have one, whose R² is not defined
MOST_FOR_CHOICE = 5000  # texts: of more, the alpha is that of validation films of IMDb
# The best of a few on validation films of IMDb; sentiment/EXPERIMENTS.md has the log.
RIDGE_ALPHA = 0.5
LOGISTIC_C = 10.0
SVM_C = 0.005

WORD, BETWEEN_SPACES = r"(?u)\b\w\w+\b", r"\S+"
NO_TERM = ""  # matches neither pattern: in no text

RATES, DECIDES = ("TF-IDF + ridge",), ("TF-IDF + logistic", "NB-SVM")


class LinearModels:
    """The three models.

    A pair or triple must occur in two texts; in a small sample that leaves few, so there it must occur in one. Where no
    term is left (emojis alone, words of one letter), only the intercepts are learned: the ridge predicts the mean.

    Args:
        texts: of the training file.
        ratings: (texts,).
        middle: of the scale; what is rated higher is good.
        token_pattern: what a word is; `BETWEEN_SPACES` for texts that are split already.
    """

    def __init__(self, texts: Sequence[str], ratings: np.ndarray, middle: float, token_pattern: str = WORD) -> None:
        self.counter = CountVectorizer(
            token_pattern=token_pattern, ngram_range=(1, 3), min_df=2 if len(texts) > 1000 else 1, dtype=np.float32
        )
        try:
            counts = self.counter.fit_transform(texts)  # (texts, terms)
        except ValueError:  # no terms
            say("TF-IDF finds no words in the training reviews: every text gets the same rating from it, their mean")
            counts = self.counter.set_params(vocabulary=[NO_TERM]).fit_transform(texts)
        self.weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
        weighted = self.weighting.transform(counts)
        few = LEAST_FOR_CHOICE <= len(ratings) <= MOST_FOR_CHOICE
        self.ridge = (RidgeCV(RIDGE_ALPHAS, cv=5) if few else Ridge(alpha=RIDGE_ALPHA)).fit(weighted, ratings)
        sided = ratings != middle
        good = ratings[sided] > middle
        self.knows_sides = len(np.unique(good)) == 2
        if self.knows_sides:
            self.logistic = LogisticRegression(C=LOGISTIC_C, solver="liblinear", dual=True, max_iter=1000)
            self.logistic.fit(weighted[sided], good)
            self.bayes = NaiveBayesSVM(counts[sided], good)

    def predict(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Answer by each model.

        Args:
            texts: raw texts.
        Returns:
            Ratings (texts,) of the models in `RATES`; of those in `DECIDES` whether a text is good, bool (texts,), if
            there were good and bad ones to learn from.
        """
        counts = self.counter.transform(texts)
        weighted = self.weighting.transform(counts)
        answers = {"TF-IDF + ridge": self.ridge.predict(weighted)}
        if self.knows_sides:
            answers |= {"TF-IDF + logistic": self.logistic.predict(weighted), "NB-SVM": self.bayes.predict(counts)}
        return answers


class NaiveBayesSVM:
    """A linear support vector machine over binary features, each scaled by its naive Bayes log-count ratio.

    Args:
        counts: of terms, sparse (texts, terms); only whether they are there matters.
        good: bool (texts,).
    """

    def __init__(self, counts, good: np.ndarray) -> None:
        there = _binary(counts)
        shares = [1 + np.asarray(there[rows].sum(axis=0)).ravel() for rows in (good, ~good)]  # (terms,)
        ratio = np.log(shares[0] / shares[0].sum()) - np.log(shares[1] / shares[1].sum())
        machine = LinearSVC(C=SVM_C, dual=True, random_state=0).fit(there.multiply(ratio).tocsr(), good)
        self.weights, self.bias = ratio * machine.coef_[0], machine.intercept_[0]

    def margins(self, counts) -> np.ndarray:
        """Say how good texts are: float64 (texts,), above 0 for a good one."""
        return _binary(counts) @ self.weights + self.bias

    def predict(self, counts) -> np.ndarray:
        """Say which texts are good, bool (texts,)."""
        return self.margins(counts) > 0


def _binary(counts):
    binary = counts.copy()
    binary.data[:] = 1
    return binary
