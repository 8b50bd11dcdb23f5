"""The texts of the Large Movie Review Dataset, without those that are also test reviews."""

from __future__ import annotations

import re
from pathlib import Path

import pandas

from recipes.program import Places
from recipes.sources import imdb, once, write_table

NUM_TEST = 2000
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def clean_review(text: str) -> str:
    """Turn the line breaks of web pages into line breaks."""
    return LINE_BREAK.sub("\n", text)


def read_texts(places: Places) -> dict[str, pandas.Series]:
    """The review texts of each file, cleaned."""
    files = imdb(places.data, places.work)
    return {name: pandas.read_csv(files[name]).review.map(clean_review) for name in ("train", "unlabelled", "test")}


def known_texts(places: Places) -> Path:
    """`reviews.csv`: the training and the unlabelled reviews, each once, none that is also a test review."""

    def write(file):
        texts = read_texts(places)
        known = pandas.concat([texts["train"], texts["unlabelled"]]).drop_duplicates()
        write_table(known[~known.isin(texts["test"])])(file)

    return once(places.work / "reviews.csv", write)


def scored_texts(places: Places) -> Path:
    """`reviews.test.csv`: 2,000 of the test reviews."""

    def write(file):
        test = read_texts(places)["test"]
        write_table(test.sample(min(NUM_TEST, len(test)), random_state=1))(file)

    return once(places.work / "reviews.test.csv", write)
