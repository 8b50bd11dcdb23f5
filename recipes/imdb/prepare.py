"""The texts of each stage: which reviews it may read.

reviews.csv                  training and unlabelled reviews: of `recipes/reviews`
backwards.csv                the same from the last word to the first
unlabelled.csv               unlabelled reviews, each once, none that is also a training or a test review
unlabelled_14000.csv         some of them
teacher_texts.csv            the training split, without the validation films, and the unlabelled reviews
teacher_texts_backwards.csv  the same from the last word to the first
student_texts.csv            the same as teacher_texts.csv, and windows of some of them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas

from common.text.tokenization import load_pipeline, tokenize_all
from recipes.program import Places
from recipes.reviews.prepare import known_texts, read_texts
from recipes.sources import imdb, once, write_table
from sentiment.config import SentimentConfig
from sentiment.loader import Reviews, load_reviews, split_validation

NUM_FINAL = 14_000
WINDOW_SHARE, SHORTEST_WINDOW = 0.4, 20  # share of the texts that get a window; words


@dataclass(frozen=True)
class Files:
    """The files of the recipe, by what they hold."""

    train: Path
    films: Path
    test: Path
    reviews: Path
    backwards: Path
    unlabelled: Path
    some_unlabelled: Path
    teacher_texts: Path
    teacher_texts_backwards: Path
    student_texts: Path


def prepare(places: Places) -> Files:
    """Write the files that are not there yet."""
    sources = imdb(places.data, places.work)
    reviews, work = known_texts(places), places.work
    unlabelled = once(work / "unlabelled.csv", lambda file: write_table(unlabelled_texts(places))(file))
    teacher_texts = once(
        work / "teacher_texts.csv", lambda file: write_table(texts_of_teachers(sources, unlabelled))(file)
    )
    return Files(
        sources["train"],
        sources["train.films"],
        sources["test"],
        reviews,
        once(work / "backwards.csv", partial(write_backwards, reviews)),
        unlabelled,
        once(work / f"unlabelled_{NUM_FINAL}.csv", lambda file: write_table(sample(unlabelled))(file)),
        teacher_texts,
        once(work / "teacher_texts_backwards.csv", partial(write_backwards, teacher_texts)),
        once(work / "student_texts.csv", lambda file: write_table(with_windows(teacher_texts))(file)),
    )


def split_films(sources: dict[str, Path]) -> tuple[Reviews, Reviews]:
    """Training and validation split, by film: the one that `sentiment.train` makes with its default settings."""
    config = SentimentConfig(min_rating=1.0, max_rating=10.0)
    return split_validation(load_reviews(sources["train"], config, sources["train.films"]), config)


def unlabelled_texts(places: Places) -> pandas.Series:
    """The unlabelled reviews, each once, none that is also a training or a test review."""
    texts = read_texts(places)
    unlabelled = texts["unlabelled"].drop_duplicates()
    return unlabelled[~unlabelled.isin(pandas.concat([texts["train"], texts["test"]]))]


def sample(unlabelled: Path) -> pandas.DataFrame:
    """Those that the last stage reads."""
    table = pandas.read_csv(unlabelled)
    return table.sample(min(NUM_FINAL, len(table)), random_state=1)


def texts_of_teachers(sources: dict[str, Path], unlabelled: Path) -> pandas.DataFrame:
    """What the teachers read, and what their vocabulary is made of: no review of a validation film.

    The validation reviews choose epochs and the temperature; a teacher that had read their words would look better on
    them than it is.
    """
    training, validation = split_films(sources)
    texts = pandas.Series([*training.texts, *pandas.read_csv(unlabelled).review], name="review")
    return texts[~texts.isin(validation.texts)].to_frame()


def write_backwards(source: Path, file) -> None:
    """Write each review from its last token to its first, separated by spaces."""
    table = pandas.read_csv(source)
    table.review = [" ".join(reversed(tokens)) for tokens in tokenize_all(table.review, load_pipeline())]
    write_table(table)(file)


def with_windows(teacher_texts: Path) -> pandas.DataFrame:
    """The texts, and a window of some of them (Beyer et al. 2022): the teachers rate what the student is shown."""
    texts = list(pandas.read_csv(teacher_texts).review)
    return pandas.DataFrame({"review": [*texts, *windows(texts, np.random.default_rng(1))]})


def windows(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Cut a window from a share of the texts: 30 to 100% of the words, at least `SHORTEST_WINDOW`."""
    cut = []
    for text in texts:
        if rng.random() >= WINDOW_SHARE:
            continue
        words = text.split()
        number = max(int(len(words) * rng.uniform(0.3, 1)), min(len(words), SHORTEST_WINDOW))
        begin = int(rng.integers(len(words) - number + 1))
        cut.append(" ".join(words[begin : begin + number]))
    return cut
