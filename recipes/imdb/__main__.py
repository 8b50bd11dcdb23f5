"""Make the rating model `imdb`: python -m recipes.imdb --data FOLDER --work FOLDER --output-dir DIR"""

from __future__ import annotations

from common.progress import say
from recipes.imdb import stages
from recipes.imdb.prepare import prepare
from recipes.imdb.pruning import prune
from recipes.program import Places, evaluate, is_made, main, train, train_all
from recipes.reviews.__main__ import stage as language_model


def make(places: Places) -> None:
    """All of it."""
    work = places.work
    files = prepare(places)
    train(language_model(places, work / "reviews"), places.trial)
    train_all(stages.self_training(files, work), places.trial)
    train_all(stages.teachers(files, work), places.trial)
    large = train(stages.student(files, work), places.trial)
    small = work / "imdb_384"
    if not is_made(small):
        say("imdb_384: structured pruning of imdb_512")
        num_units = stages.PRUNED_UNITS_TRIAL if places.trial else stages.PRUNED_UNITS
        prune(large, num_units, files.train, small)
    final = train(stages.last(files, work, places.output_dir), places.trial)
    evaluate("sentiment", final, files.test, files.train, flags={})


if __name__ == "__main__":
    main("imdb", make)
