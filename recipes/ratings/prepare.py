"""The texts of the general rating model: film reviews, reviews of other domains, rated snippets, everyday sentences.

general.csv             rows to learn from (review, rating 1 to 10), repeated by their weight
general.validation.csv  rows of the same kinds that choose the epoch; films, texts and pairs of their own
everyday.test.csv       the half of the pairs of everyday sentences that is scored and never learned

The domains `NOT_LEARNED` are in none of them: on those the model is scored as a stranger would use it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas

from recipes.imdb.prepare import WINDOW_SHARE, split_films, unlabelled_texts, windows
from recipes.program import Places
from recipes.ratings import augmentation
from recipes.sources import find, imdb, once, write_table
from sentiment.scale import convert

# Named before anything was trained: six that the benchmark `own_file` holds out, and four of its development domains.
NOT_LEARNED = (
    "amazon_baby", "amazon_cell_phones", "app_netflix", "app_udemy", "employers_glassdoor", "flipkart_laptops",
    "headphones", "kindle_books", "medicines_druglib", "memory_card",
)  # fmt: skip
EVERYDAY, FACTS, HELD_OUT_FACTS = (
    Path(__file__).parent / name for name in ("everyday.csv", "facts.csv", "held_out_facts.csv")
)
NUM_HELD_OUT_PAIRS = 50
NUM_FILMS, NUM_VALIDATION_FILMS = 8000, 1500
NUM_UNLABELLED, NUM_WINDOWS = 16_000, 4000
COPIES_OF_EVERYDAY, COPIES_OF_SNIPPETS, NUM_AUGMENTED = 4, 2, 4000
# Most rows of one domain, and most copies of a row: rare stars count up to so many times as much.
MOST_OF_A_DOMAIN, MOST_COPIES, BALANCE = 3000, 2, 0.3


@dataclass(frozen=True)
class Files:
    """The files of the recipe, by what they hold."""

    train: Path
    validation: Path
    everyday: Path
    unlabelled: Path


def prepare(places: Places) -> Files:
    """Write the files that are not there yet."""
    work = places.work
    return Files(
        once(work / "general.csv", lambda file: write_table(training_rows(places))(file)),
        once(work / "general.validation.csv", lambda file: write_table(validation_rows(places))(file)),
        once(work / "everyday.test.csv", lambda file: write_table(everyday_rows(held_out=True))(file)),
        once(work / "general.unlabelled.csv", lambda file: write_table(unlabelled_reviews(places))(file)),
    )


def training_rows(places: Places) -> pandas.DataFrame:
    """All that is learned with a rating, in random order."""
    films, _ = film_reviews(places)
    parts = [sample(films, NUM_FILMS), balanced(domain_reviews(places, "train"))]
    parts += [snippets(places, held_out=False)] * COPIES_OF_SNIPPETS
    parts += [short_sentences()] * COPIES_OF_EVERYDAY
    parts.append(apart(pandas.DataFrame(augmentation.sentences(NUM_AUGMENTED), columns=["review", "rating"])))
    return pandas.concat(parts)[["review", "rating"]].sample(frac=1, random_state=1)


def validation_rows(places: Places) -> pandas.DataFrame:
    """What chooses the epoch: reviews of films and domains, in equal parts."""
    _, films = film_reviews(places)
    domains = domain_reviews(places, "validation")
    number = min(NUM_VALIDATION_FILMS, len(films), len(domains))
    parts = [films.sample(number, random_state=1), domains.sample(number, random_state=1)]
    return pandas.concat(parts)[["review", "rating"]]


def film_reviews(places: Places) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Training and validation split of the film reviews, as for the model `imdb`."""
    splits = split_films(imdb(places.data, places.work))
    first, second = (pandas.DataFrame({"review": part.texts, "rating": part.ratings}) for part in splits)
    return first, second


def domain_reviews(places: Places, split: str) -> pandas.DataFrame:
    """Reviews of the domains that are learned."""
    table = starred_reviews(places, split)
    return table[~table.domain.isin(NOT_LEARNED)]


def unknown_reviews(places: Places, split: str) -> pandas.DataFrame:
    """Reviews of the domains `NOT_LEARNED`."""
    table = starred_reviews(places, split)
    return table[table.domain.isin(NOT_LEARNED)]


def starred_reviews(places: Places, split: str) -> pandas.DataFrame:
    """Reviews of all domains, their stars on the scale of 1 to 10."""
    table = pandas.read_csv(find(places.data, f"reviews_domains/{split}.csv.gz"), keep_default_na=False)
    return table.assign(rating=convert(table.rating.to_numpy(float), (1, 5), (1, 10)))


def balanced(reviews: pandas.DataFrame) -> pandas.DataFrame:
    """Weigh domains and stars: no domain has too many rows, and a rare star of a domain counts more, by copies."""
    rng = np.random.default_rng(1)
    parts = []
    for _, rows in reviews.groupby("domain", sort=True):
        counts = rows.rating.value_counts()
        weights = ((counts.max() / rows.rating.map(counts)) ** BALANCE).clip(upper=MOST_COPIES)
        weights *= min(1, MOST_OF_A_DOMAIN / weights.sum())
        copies = np.floor(weights + rng.random(len(rows))).astype(int)
        parts.append(rows.loc[rows.index.repeat(copies)])
    return pandas.concat(parts)


def snippets(places: Places, held_out: bool) -> pandas.DataFrame:
    """Snippets with the mean rating of twenty people, on the scale of 1 to 10; a tenth, by its hash, is held out."""
    table = pandas.read_csv(find(places.data, "reviews_domains/snippets.csv.gz"), keep_default_na=False)
    chosen = np.array([is_held_out(text) == held_out for text in table.text], bool)
    table = table[chosen].rename(columns={"text": "review"})
    return table.assign(rating=(5.5 + table["mean"].astype(float) * 4.5 / 3).clip(1, 10))


def is_held_out(text: str) -> bool:
    """Whether a snippet belongs to the tenth that is scored."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 10 == 0


def everyday_rows(held_out: bool) -> pandas.DataFrame:
    """The pairs of everyday sentences that are held out, or those that are learned: a sentence a row."""
    pairs = pandas.read_csv(EVERYDAY)
    order = sorted(range(len(pairs)), key=lambda number: hashlib.sha256(pairs.good[number].encode()).hexdigest())
    return sides(pairs.iloc[sorted(order[:NUM_HELD_OUT_PAIRS] if held_out else order[NUM_HELD_OUT_PAIRS:])])


def held_out_facts() -> pandas.DataFrame:
    """Facts that please or annoy and that no model has learned, a sentence a row."""
    return sides(pandas.read_csv(HELD_OUT_FACTS))


def sides(pairs: pandas.DataFrame) -> pandas.DataFrame:
    """Pairs of a good and a bad sentence, a sentence a row."""
    ratings = {"good": 9.0, "bad": 2.0}
    return pandas.concat([pandas.DataFrame({"review": pairs[side], "rating": ratings[side]}) for side in ratings])


def short_sentences() -> pandas.DataFrame:
    """What is learned of short sentences: the learned half of the everyday ones, and facts that please or annoy."""
    return pandas.concat([everyday_rows(held_out=False), apart(sides(pandas.read_csv(FACTS)))])


def apart(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The rows that share less than half of their words with every held-out sentence, so that those stay unseen."""
    held_out = [words(text) for text in everyday_rows(held_out=True).review]
    own = [words(text) for text in rows.review]
    return rows[[all(2 * len(a & b) < len(a | b) for b in held_out) for a in own]]


def words(text: str) -> set[str]:
    """The words of a text, in lower case."""
    return set(re.findall(r"[a-z']+", text.lower()))


def unlabelled_reviews(places: Places) -> pandas.DataFrame:
    """Film reviews without ratings, and windows of them: the soft targets of `imdb` keep what it knows of films."""
    texts = sample(unlabelled_texts(places).rename("review").to_frame(), NUM_UNLABELLED + NUM_WINDOWS / WINDOW_SHARE)
    whole, to_cut = texts.review[:NUM_UNLABELLED], texts.review[NUM_UNLABELLED:]
    return pandas.DataFrame({"review": [*whole, *windows(list(to_cut), np.random.default_rng(2))]})


def sample(table: pandas.DataFrame, number: float) -> pandas.DataFrame:
    """So many rows of a table, or all if it has fewer."""
    return table.sample(min(int(number), len(table)), random_state=1)
