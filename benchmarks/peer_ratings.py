"""Rating models beside what a user would pick instead: three sentiment lexicons, and a linear model.

VADER           compound score of the text, -1 to 1 (Hutto & Gilbert 2014)
TextBlob        polarity of the text, -1 to 1 (the lexicon of Pattern: De Smedt & Daelemans 2012)
AFINN           mean score of the words of the lexicon in the text, each -5 to 5 (Nielsen 2011); 0 without any
TF-IDF + ridge  the baseline of `sentiment.evaluate`, trained on rows of the same kind: IMDb's training reviews for
                films, the learned domains for reviews, these and the other snippets for snippets

All answers and true ratings are compared on a scale of -1 to 1: a straight line from the ends of one scale to those of
the other, as a user draws it who has no ratings to calibrate on. R² is the same on every such scale.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline

import sentiment
from benchmarks.peer_systems import Figures, installed, measure_speed, size_of
from common.bundles.pretrained import find_bundle
from recipes.imdb.prepare import split_films
from recipes.ratings.prepare import NOT_LEARNED, is_held_out
from recipes.sources import find
from sentiment.config import DEFAULT_NAME, TASK
from sentiment.loader import split_tokens
from sentiment.scale import convert
from sentiment.tfidf_linear import RIDGE_ALPHA

SYSTEMS = ("VADER", "TextBlob", "AFINN", "TF-IDF + ridge")
PACKAGES = ("onnxruntime", "vaderSentiment", "textblob", "afinn")
SCALES = {"films": (1.0, 10.0), "reviews": (1.0, 5.0), "snippets": (-4.0, 4.0)}
LEAST = {"snippets": 0.25}  # a mean of people's ratings that is nearer to the middle is neither good nor bad
LEAST_ROWS = 200  # of a domain: of fewer, R² is noise
TEXTS_TIMED = 256
Parts = tuple[pandas.DataFrame, pandas.DataFrame]  # to learn from, to score; columns name, text, rating (-1 to 1)


class Peer(NamedTuple):
    """A system: texts to ratings from -1 to 1, float64 (texts,); its size in bytes."""

    name: str
    rate: Callable[[Sequence[str]], NDArray]
    size: int


def measure(arguments: argparse.Namespace) -> tuple[Figures, Figures, dict[str, int]]:
    """Score and time all systems; returns the figures of both, and the bytes of each system."""
    scores, speeds, sizes = Figures(), Figures(), dict[str, int]()
    models = [load_model(name, arguments.threads) for name in arguments.model or [DEFAULT_NAME]]
    lexicons = load_lexicons()
    for kind, read in (("films", read_films), ("reviews", read_reviews), ("snippets", read_snippets)):
        known, scored = read(arguments.data, arguments.split)
        parts = [part.sample(min(arguments.sample, len(part)), random_state=1) for _, part in scored.groupby("name")]
        peers = [*models, *lexicons, fit_linear(known)]
        timed = pandas.concat(parts).text.sample(frac=1, random_state=1)[:TEXTS_TIMED].tolist()
        calls = {peer.name: partial(peer.rate, timed) for peer in peers}
        speeds += measure_speed(kind, "texts", len(timed), calls, arguments)
        for part in parts:
            about = {"data": part.name.iloc[0], "group": kind, "count": len(part)}
            scores += [{**about, "system": peer.name, **score(part, peer, LEAST.get(kind, 0))} for peer in peers]
        sizes |= {peer.name: max(peer.size, sizes.get(peer.name, 0)) for peer in peers}
    return scores, speeds, sizes


def score(rows: pandas.DataFrame, peer: Peer, least: float) -> dict[str, float]:
    """R², Spearman's rank correlation, and the share of good and bad texts that are on the right side.

    Args:
        rows: with `text` and `rating`.
        peer: the system.
        least: distance from the middle from which on a text is good or bad; the middle itself never is.
    Returns:
        The scores. An answer in the very middle, such as a lexicon gives to a text without any of its words, is half
        right.
    """
    true, given = rows.rating.to_numpy(), peer.rate(rows.text.tolist())
    sided = (np.abs(true) >= least) & (true != 0)
    right = 1 - np.abs(np.sign(true[sided]) - np.sign(given[sided])) / 2
    return {
        "r2": float(r2_score(true, given)),
        "spearman": float(spearmanr(true, given).statistic),
        "right": float(right.mean()),
    }


# -- The systems ----------------------------------------------------------------------------------------------------


def load_model(name: str, num_threads: int) -> Peer:
    """A model of ours."""
    model = sentiment.load(name, num_threads=num_threads)
    ends = model.config.min_rating, model.config.max_rating

    def rate(texts: Sequence[str]) -> NDArray:
        return convert(model.predict_tokens(split_tokens(texts, model.config)).ratings, ends, (-1, 1))

    return Peer(Path(name).name, rate, size_of(find_bundle(TASK, name)))


def load_lexicons() -> list[Peer]:
    """The lexicons that are installed."""
    peers = []
    if vader := installed("VADER", "vaderSentiment.vaderSentiment"):
        scores_of = vader.SentimentIntensityAnalyzer().polarity_scores
        peers.append(Peer("VADER", each(lambda text: scores_of(text)["compound"]), size_of(vader)))
    if textblob := installed("TextBlob", "textblob"):
        peers.append(Peer("TextBlob", each(lambda text: textblob.TextBlob(text).polarity), size_of(textblob)))
    if afinn := installed("AFINN", "afinn", package="afinn==0.1"):
        word_scores = afinn.Afinn(emoticons=True).scores
        peers.append(Peer("AFINN", each(lambda text: float(np.mean(word_scores(text) or [0])) / 5), size_of(afinn)))
    return peers


def each(rate_one: Callable[[str], float]) -> Callable[[Sequence[str]], NDArray]:
    """A function of many texts from one of a single text."""
    return lambda texts: np.array([rate_one(text) for text in texts], np.float64)


def fit_linear(known: pandas.DataFrame) -> Peer:
    """TF-IDF of words, pairs and triples with ridge regression."""
    terms = TfidfVectorizer(ngram_range=(1, 3), min_df=2, sublinear_tf=True, dtype=np.float32)
    pipeline = make_pipeline(terms, Ridge(alpha=RIDGE_ALPHA)).fit(known.text, known.rating)
    return Peer("TF-IDF + ridge", lambda texts: np.clip(pipeline.predict(texts), -1, 1), size_of(pipeline))


# -- The rows -------------------------------------------------------------------------------------------------------


def read_films(data: Path, split: str) -> Parts:
    """IMDb: the validation films of the training file, or the test file."""
    if split == "test":
        tables = [read_table(data, f"imdb/{name}.csv.gz") for name in ("train", "test")]
        known, scored = (make_rows("films", "IMDb", table.review, table.rating) for table in tables)
    else:
        films = {"train": find(data, "imdb/train.csv.gz"), "train.films": find(data, "imdb/train.films.txt.gz")}
        known, scored = (make_rows("films", "IMDb", part.texts, part.ratings) for part in split_films(films))
    return known, scored


def read_reviews(data: Path, split: str) -> Parts:
    """Reviews of the large domains that are learned, or of those that no model has learned; rows never trained on."""
    tables = [read_table(data, f"reviews_domains/{name}.csv.gz") for name in ("train", "validation")]
    known, other = (make_rows("reviews", table.domain, table.review, table.rating) for table in tables)
    scored = other[other.name.isin(NOT_LEARNED) == (split == "test")]
    large = scored.groupby("name").filter(lambda rows: len(rows) >= LEAST_ROWS)
    return known[~known.name.isin(NOT_LEARNED)], large


def read_snippets(data: Path, split: str) -> Parts:
    """Single sentences: the tenth that is held out, or a tenth of the others."""
    table = read_table(data, "reviews_domains/snippets.csv.gz")
    rows, held_out = make_rows("snippets", table.domain, table.text, table["mean"]), table.text.map(is_held_out)
    if split == "validation":
        rows = rows[~held_out]
        held_out = pandas.Series(np.arange(len(rows)) % 10 == 0, rows.index)
    return pandas.concat([read_reviews(data, split)[0], rows[~held_out]]), rows[held_out]


def read_table(data: Path, name: str) -> pandas.DataFrame:
    """A table of the data sets; a text such as "NA" is a text."""
    return pandas.read_csv(find(data, name), keep_default_na=False)


def make_rows(
    kind: str, name: str | pandas.Series, texts: Sequence[str], ratings: Sequence[float] | NDArray
) -> pandas.DataFrame:
    """Rows with the columns name, text, rating (-1 to 1)."""
    return pandas.DataFrame(
        {"name": name, "text": texts, "rating": convert(np.asarray(ratings, np.float64), SCALES[kind], (-1, 1))}
    )
