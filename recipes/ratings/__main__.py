"""Make the rating model `reviews`: python -m recipes.ratings --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas

import sentiment
from common.errors import InputError
from common.evaluation.scores import Scores
from recipes.imdb.stages import FINE_TUNING
from recipes.program import Places, Stage, evaluate, evaluate_elsewhere, is_made, main, train
from recipes.ratings.interpolation import interpolate
from recipes.ratings.prepare import Files, everyday_rows, held_out_facts, prepare, snippets, unknown_reviews
from recipes.sources import imdb
from sentiment.predict import RatingModel

CONFIG = replace(
    FINE_TUNING, num_epochs=3, learning_rate=0.001, layerwise_lr_decay=1.3, temperature_scaling=True, new_words=7000,
    min_count=4, half_precision=True,
)  # fmt: skip
ABOUT = (
    "Film reviews of the Large Movie Review Dataset 1.0 (Maas et al. 2011, ACL; research use, cite the paper), with "
    "and without ratings, without the validation films; star-rated reviews of 47 domains, collected from public "
    "repositories, most of which state no licence (research use; McAuley et al. 2015, Hou et al. 2024, Zhang et al. "
    "2015, Gräßer et al. 2018 and others); snippets with mean ratings of vaderSentiment (Hutto & Gilbert 2014; MIT, "
    "the sentences remain their authors'); and sentences written for this project (CC0 1.0). The reviews remain those"
    " of their authors. The model began as `imdb`, which also gave the soft targets of the reviews without ratings "
    "and a share of 0.15 of the weights at the end (weight interpolation, Wortsman et al. 2022). Ten domains, a tenth"
    " of the snippets and half of the everyday sentences were set aside before training; the card scores them as out "
    "of domain. Neither model has read the test file, but 123 of its reviews also stand in the training half."
)
SHARE = 0.85  # of the fine-tuned weights; the rest is of those of `imdb`
SHOWN = ("r2", "spearman", "binary_accuracy")
NOT_FOR = (
    "medicines: rated 2 too low on average, for their reviews tell of illness and side effects.",
    "facts without a word that says whether they are good: 72 of the 100 everyday sentences are on the right side, and"
    " 60% of 3,604 facts.",
    "news: no review; the order of its sentences is a guess (Spearman 0.48).",
    "texts of more than 100 words outside film: R² 0.31.",
)
LENGTHS = (1, 10, 30, 100, 5000)  # words
CLEAR = 1.5  # a snippet with a mean rating nearer to the middle is neither good nor bad: 1 on its own scale of -4 to 4


def stage(files: Files, begun: Path, bundle: Path) -> Stage:
    """The training run: fine-tuning of `imdb` on everything, with its own soft targets of film reviews."""
    options = {
        "validation": files.validation, "start": begun, "teachers": [begun], "unlabelled": files.unlabelled,
    }  # fmt: skip
    return Stage("sentiment", bundle, files.train, CONFIG, options, ABOUT)


def beginning(places: Places, files: Files) -> Path:
    """The bundle `imdb` of its own recipe, in the folder of work; in a trial a tiny model of its kind.

    Raises:
        InputError: it has not been made.
    """
    path = places.work / "imdb"
    if places.trial:
        kind = replace(FINE_TUNING, directions="asymmetric", backward_units=4)
        return train(Stage("sentiment", path, files.train, kind, {"validation": files.validation}), trial=True)
    if not is_made(path):
        raise InputError(f"{path}: no such bundle; make it first: python -m recipes.imdb --output-dir {path} …")
    return path


def score_elsewhere(places: Places, model: RatingModel) -> dict[str, Scores]:
    """Score what was not learned: ten domains, one by one and by length, snippets, everyday sentences."""
    reviews = pandas.concat([unknown_reviews(places, split) for split in ("train", "validation")])
    lengths = reviews.review.str.split().str.len()
    held_out = snippets(places, held_out=True)
    clear = held_out[(held_out.rating - 5.5).abs() >= CLEAR]
    parts = {
        **{str(domain): rows for domain, rows in reviews.groupby("domain")},
        **{
            f"of {low} to {high - 1} words": reviews[lengths.between(low, high, inclusive="left")]
            for low, high in itertools.pairwise(LENGTHS)
        },
        **{f"snippets: {domain}": rows for domain, rows in clear.groupby("domain")},
        "everyday sentences": everyday_rows(held_out=True),
        "facts, in pairs": held_out_facts(),
    }
    return {
        name: sentiment.evaluate(model, rows[["review", "rating"]], scale=(1, 10))
        for name, rows in parts.items()
        if len(rows) > 1
    }


def make(places: Places) -> None:
    """All of it."""
    files, bundle = prepare(places), places.output_dir
    begun = beginning(places, files)
    tuned = train(stage(files, begun, places.work / "reviews_tuned"), places.trial)
    if not is_made(bundle):
        interpolate(tuned, begun, SHARE, files.validation, bundle, ABOUT)
    evaluate("sentiment", bundle, imdb(places.data, places.work)["test"], files.train, flags={})
    evaluate_elsewhere("sentiment", bundle, partial(score_elsewhere, places), SHOWN, NOT_FOR)


if __name__ == "__main__":
    main("ratings", make)
