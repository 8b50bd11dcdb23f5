"""The pretrained models against the public data, where these lie beside the clone: scores, prepared files, leaks."""

from __future__ import annotations

import importlib
import json
import os
from collections import Counter
from pathlib import Path

import pandas
import pytest

from common.bundles.pretrained import find_bundle
from common.text.readers import sha256_of
from common.text.tokenization import load_pipeline, tokenize_all
from recipes.brown.prepare import split
from recipes.ewt.prepare import web_and_gum
from recipes.imdb.prepare import unlabelled_texts
from recipes.program import Places
from recipes.ratings.prepare import prepare as prepare_ratings
from recipes.reviews.prepare import clean_review, known_texts, read_texts, scored_texts
from recipes.shakespeare.__main__ import prepare as cut_shakespeare
from recipes.sources import read_text, stories, treebank

# The folder of recipes/README.md; by default beside the clone.
DATA = Path(os.environ.get("PUBLIC_DATA", Path(__file__).resolve().parents[3] / "shared/data"))
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no public data in {DATA}; get them (recipes/README.md), and set PUBLIC_DATA"
)

# Of each model: the slice of its test file, and its scores there, measured when the model was shipped.
SLICES = {
    "ratings": ("sentiment", {"r2": 0.792, "binary_accuracy": 0.92}),
    "reviews": ("language_model", {"nats_per_token": 4.29218}),
    "stories": ("language_model", {"nats_per_token": 3.99408}),
    "shakespeare": ("language_model", {"nats_per_token": 1.36088}),
    "ewt": ("pos_tagging", {"accuracy": 0.97494, "accuracy_unknown": 0.90521}),
    "brown": ("pos_tagging", {"accuracy": 0.97825, "accuracy_unknown": 0.87109}),
}

BUNDLES = {"ratings": "reviews"}


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    return Places(DATA, work, work / "model")


def write_slice(name: str, places: Places, folder: Path) -> Path:
    """A fixed part of a test file."""
    if name == "shakespeare":
        path = folder / "part.txt"
        path.write_text(read_text(cut_shakespeare(places)[1])[:20_000], encoding="utf-8")
    elif name == "ewt":
        path = folder / "part.conllu"
        path.write_text("\n\n".join(read_text(treebank(DATA, "test")).strip().split("\n\n")[::10]) + "\n\n", "utf-8")
    else:
        path, (table, step) = folder / "part.csv", {
            "ratings": (lambda: pandas.read_csv(DATA / "imdb/test.csv.gz"), 50),
            "reviews": (lambda: pandas.read_csv(scored_texts(places)), 100),
            "stories": (lambda: pandas.read_csv(stories(DATA, "test")), 5),
            "brown": (lambda: pandas.read_csv(split(places)["test"]), 20),
        }[name]  # fmt: skip
        table()[::step].to_csv(path, index=False)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", SLICES)
def test_a_shipped_model_scores_on_a_slice_as_its_card_says(name, places, tmp_path):
    task, expected = SLICES[name]
    package = importlib.import_module(task)
    bundle = find_bundle(task, BUNDLES.get(name, name))
    scores = package.evaluate(package.load(bundle), write_slice(name, places, tmp_path))
    card = json.loads((bundle / "metrics.json").read_text())["test"]
    for score, value in expected.items():
        assert scores[score] == pytest.approx(value, abs=0.002), score
        low, high = scores.intervals[score]  # twice as wide, since one slice in twenty is outside by chance
        assert 2 * low - value <= card[score] <= 2 * high - value, score


@pytest.mark.slow
def test_the_prepared_files_are_those_that_the_shipped_models_learned_from(places):
    """Byte for byte: whoever runs the recipes starts from the same texts."""

    def named(task, model, option="train"):
        return json.loads((find_bundle(task, model) / "manifest.json").read_text())[option]["sha256"]

    brown, ratings = split(places), prepare_ratings(places)
    assert sha256_of(ratings.train) == named("sentiment", "reviews")
    assert sha256_of(ratings.validation) == named("sentiment", "reviews", "validation")
    assert sha256_of(ratings.unlabelled) == named("sentiment", "reviews", "unlabelled")
    assert sha256_of(known_texts(places)) == named("language_model", "reviews")
    scores = json.loads((find_bundle("language_model", "reviews") / "metrics.json").read_text())["test"]
    assert sha256_of(scored_texts(places)) == scores["data"]["sha256"]
    assert sha256_of(cut_shakespeare(places)[0]) == named("language_model", "shakespeare")
    assert sha256_of(brown["train"]) == named("pos_tagging", "brown")
    assert sha256_of(brown["validation"]) == named("pos_tagging", "brown", "validation")
    assert sha256_of(web_and_gum(places)) == named("pos_tagging", "ewt")


@pytest.mark.slow
def test_no_test_review_is_among_the_texts_that_models_read(places):
    texts = read_texts(places)
    known, test = set(pandas.read_csv(known_texts(places)).review), set(texts["test"])
    assert not known & test
    assert not set(unlabelled_texts(places)) & {*test, *texts["train"]}
    assert len(set(map(clean_review, texts["train"])) & test) == 123  # as the card of the rating model says


@pytest.mark.slow
def test_the_vocabulary_of_the_rating_model_is_that_of_texts_outside_the_test_file(places):
    """Not one of its words is known from the test file alone."""
    vocabulary = set(json.loads((find_bundle("sentiment", "reviews") / "vocabulary.json").read_text())["tokens"])
    counts = Counter()
    for path in (known_texts(places), prepare_ratings(places).train):
        for tokens in tokenize_all(pandas.read_csv(path, keep_default_na=False).review, load_pipeline()):
            counts.update(token.lower() for token in tokens)
    assert min(counts[word] for word in vocabulary) >= 2


@pytest.mark.parametrize("name", ["ewt", "brown"])
def test_the_words_that_a_tagger_calls_known_are_those_of_its_training_file(name, places):
    words = set(json.loads((find_bundle("pos_tagging", name) / "training_words.json").read_text())["tokens"])
    files = split(places) if name == "brown" else {"train": web_and_gum(places), "test": treebank(DATA, "test")}
    found = {part: set(forms(files[part])) for part in ("train", "test")}
    assert words <= found["train"]
    only_in_test = found["test"] - found["train"]
    assert len(only_in_test) > 1000
    assert not words & only_in_test


def forms(path: Path) -> list[str]:
    """The words of a CoNLL-U file, or of a table of sentences."""
    if path.suffix == ".csv":
        return [word for row in pandas.read_csv(path).tokens for word in row.split("\t")]
    lines = read_text(path).splitlines()
    return [line.split("\t")[1] for line in lines if line[:1].isdigit() and line.split("\t")[0].isdigit()]
