"""The recipe of the rating model: what each stage may read, the order of the stages, and all of it on a tiny sample."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pandas
import pytest

import sentiment
from recipes.imdb import stages
from recipes.imdb.prepare import Files, prepare, split_films, windows
from recipes.program import Places
from recipes.sources import imdb
from sentiment.config import SentimentConfig
from tests.recipes.sample_data import write_data, write_imdb


@pytest.fixture
def places(tmp_path):
    """A tiny Large Movie Review Dataset."""
    write_imdb(tmp_path / "data/imdb")
    return Places(tmp_path / "data", tmp_path / "work", tmp_path / "model")


def texts_of(path):
    return list(pandas.read_csv(path).review)


def test_the_teachers_read_no_review_of_a_validation_film(places):
    files = prepare(places)
    training, validation = split_films(imdb(places.data, places.work))
    assert len(training) == 54
    assert len(validation) == 6
    known = texts_of(files.teacher_texts)
    assert set(known) == {*training.texts, *texts_of(files.unlabelled)}
    assert not set(known) & set(validation.texts)
    # Nor does a part of one reach them, in whatever order: the vocabulary is made of these files.
    openings = [" ".join(text.split()[:8]) for text in validation.texts]
    assert not any(opening in text for opening in openings for text in texts_of(files.student_texts))
    backwards = [" ".join(reversed(text.split(" "))) for text in texts_of(files.teacher_texts_backwards)]
    assert len(backwards) == len(known)
    assert not any(opening in text for opening in openings for text in backwards)


def test_a_training_review_that_is_also_of_a_validation_film_is_kept_from_the_teachers(places):
    _, validation = split_films(imdb(places.data, places.work))
    path = places.data / "imdb/train.csv.gz"
    table = pandas.read_csv(path)
    double = table.review[table.review.isin(validation.texts)].iloc[0]
    table.loc[~table.review.isin(validation.texts).to_numpy() & (table.index > 30), "review"] = double
    table.to_csv(path, index=False)
    assert double not in texts_of(prepare(places).teacher_texts)


def test_unlabelled_reviews_are_new_and_each_once(places):
    files = prepare(places)
    unlabelled, reviews = texts_of(files.unlabelled), texts_of(files.reviews)
    train, test = (pandas.read_csv(path).review for path in (files.train, files.test))
    assert len(unlabelled) == len(set(unlabelled)) == 20
    assert not set(unlabelled) & {*train, *test}
    assert set(reviews) == {*train, *unlabelled}
    assert sorted(texts_of(files.some_unlabelled)) == sorted(unlabelled)


def test_backwards_is_the_last_token_first(places):
    files = prepare(places)
    before, after = texts_of(files.reviews), texts_of(files.backwards)
    assert len(before) == len(after)
    assert before[0].split()[0] == after[0].split(" ")[-1]
    assert sorted("".join(before[3].split())) == sorted("".join(after[3].split()))


def test_windows_are_pieces_of_texts():
    texts = [" ".join(f"w{i}_{j}" for j in range(100)) for i in range(500)]
    cut = windows(texts, np.random.default_rng(0))
    assert 150 < len(cut) < 250
    assert all(any(window in text for text in texts) for window in cut)
    lengths = [len(window.split()) for window in cut]
    assert min(lengths) >= 30
    assert 55 < np.mean(lengths) < 75
    assert len({window.split()[0].split("_")[1] for window in cut}) > 30  # they begin anywhere
    assert set(windows(["a short one"] * 50, np.random.default_rng(0))) == {"a short one"}


def test_the_public_archive_is_read_as_the_tables_are(places, tmp_path):
    """A folder `aclImdb` of the same reviews, a file each, gives the same tables."""
    expected = imdb(places.data, places.work)
    train, unlabelled = pandas.read_csv(expected["train"]), pandas.read_csv(expected["unlabelled"])
    train = pandas.concat([train[train.rating > 5], train[train.rating <= 5]])  # as published: good ones first
    original = tmp_path / "public/aclImdb"
    for split in ("train", "test"):
        for kind, rows in (("pos", train[train.rating > 5]), ("neg", train[train.rating <= 5])):
            write_reviews(original / split / kind, rows.review, rows.rating)
    write_reviews(original / "train/unsup", unlabelled.review, [0] * len(unlabelled))
    found = imdb(tmp_path / "public", tmp_path / "tables")
    pandas.testing.assert_frame_equal(pandas.read_csv(found["train"]), train.reset_index(drop=True))
    pandas.testing.assert_frame_equal(pandas.read_csv(found["unlabelled"]), unlabelled)
    training, validation = split_films(found)
    assert len(training) + len(validation) == len(train)
    assert not set(training.groups) & set(validation.groups)


def write_reviews(folder, texts, ratings):
    folder.mkdir(parents=True)
    for number, (text, rating) in enumerate(zip(texts, ratings, strict=True)):
        (folder / f"{number}_{rating}.txt").write_text(text, encoding="utf-8")
    addresses = [f"http://www.imdb.com/title/tt{number // 3}/usercomments\n" for number in range(len(texts))]
    (folder.parent / f"urls_{folder.name}.txt").write_text("".join(addresses))


def all_stages(folder):
    files = Files(**{field.name: folder / field.name for field in fields(Files)})
    runs = [*stages.self_training(files, folder), *stages.teachers(files, folder), stages.student(files, folder)]
    return files, [*runs, stages.last(files, folder, folder / "imdb")]


def test_every_stage_starts_from_stages_before_it(tmp_path):
    _, runs = all_stages(tmp_path)
    made = {tmp_path / "reviews"}
    for run in runs:
        if run.path.name == "imdb":
            made.add(tmp_path / "imdb_384")  # pruned
        start = run.options.get("start", "scratch")
        needed = {*([] if start == "scratch" else [start]), *run.options.get("teachers", ())}
        assert needed <= made, run.path
        made.add(run.path)
    assert len(made) == len(runs) + 2


def test_no_stage_is_trained_on_the_ratings_of_validation_films(tmp_path):
    files, runs = all_stages(tmp_path)
    rating = [run for run in runs if run.task == "sentiment"]
    assert len(rating) == 11
    for run in rating:  # so each holds out the films of `split_films`
        assert (run.data, run.options["groups"]) == (files.train, files.films)
        assert (run.config.seed, run.config.validation_split) == (SentimentConfig().seed, 0.1)
    # The two directions are pretrained on texts without these films, which later stages are compared on.
    reading = {run.path.name: run.data for run in runs if run.task == "language_model"}
    assert reading["teacher_forward_reading"] == files.teacher_texts
    assert reading["teacher_backward_reading"] == files.teacher_texts_backwards


@pytest.mark.slow
def test_a_trial_runs_from_the_public_files_to_the_scored_bundle(tmp_path, run):
    data = write_data(tmp_path / "data")
    places = ["--data", data, "--work", tmp_path / "work", "--output-dir", tmp_path / "imdb", "--trial"]
    done = run("recipes.imdb", *places)
    assert done.returncode == 0, done.stderr
    model = sentiment.load(tmp_path / "imdb-trial")
    assert (model.config.directions, model.config.units, model.config.backward_units) == ("asymmetric", 6, 96)
    assert 1 <= model.predict("A joy from start to end.")[0].rating <= 10
    made = {path.parent.name for path in (tmp_path / "work/trial").glob("*/manifest.json")}
    directions = {f"teacher_{way}{part}" for way in ("forward", "backward") for part in ("_reading", "_rated", "")}
    assert made == {
        "reviews",
        "backwards",
        *(f"imdb_{name}" for name in ("1", "2", "3", "4", "b", "512", "384")),
        *directions,
    }
    metrics = json.loads((tmp_path / "imdb-trial/metrics.json").read_text())
    assert set(metrics["test"]["baselines"]) == {"TF-IDF + ridge", "TF-IDF + logistic", "NB-SVM"}
    card = (tmp_path / "imdb-trial/README.md").read_text()
    assert "`python -m sentiment.evaluate --model DIR --test test.csv.gz --train train.csv.gz --save`" in card
    again = run("recipes.imdb", *places)
    assert again.returncode == 0
    assert again.stderr.count("is there already") == 15
    assert "Epoch" not in again.stderr
