"""The baseline to beat: word and word-pair frequencies, weighted by how rare they are, under a ridge regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline

RIDGE_ALPHA = 0.5  # best of 0.25, 0.5, 1 and 2 on IMDb validation films


def fit_tfidf_ridge(texts: Sequence[str], ratings: np.ndarray) -> Pipeline:
    """Fit TF-IDF of 1-2 grams with ridge regression; `predict(texts)` of the result gives ratings (texts,).

    A word pair must occur twice; in a small sample that leaves few, so there it must occur once.
    """
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2 if len(texts) > 1000 else 1, sublinear_tf=True)
    return make_pipeline(features, Ridge(alpha=RIDGE_ALPHA, solver="sparse_cg", random_state=0)).fit(texts, ratings)
