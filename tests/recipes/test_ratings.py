"""The general rating model: where it begins, its rows and their weights, and what it is scored on beside films."""

from __future__ import annotations

import re

import numpy as np
import pandas
import pytest

from common.errors import InputError
from recipes.program import Places
from recipes.ratings import __main__ as recipe
from recipes.ratings import augmentation
from recipes.ratings import prepare as ratings


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path / "data", tmp_path / "work", tmp_path / "model")


def write_domains(places, rows, snippets=()):
    """Reviews (text, stars, domain), the last one for validation, and snippets (text, mean, domain)."""
    folder = places.data / "reviews_domains"
    folder.mkdir(parents=True)
    for name, part in (("train", rows[:-1]), ("validation", rows[-1:])):
        pandas.DataFrame(part, columns=["review", "rating", "domain"]).to_csv(folder / f"{name}.csv.gz", index=False)
    pandas.DataFrame(snippets, columns=["text", "mean", "domain"]).to_csv(folder / "snippets.csv.gz", index=False)


def texts_where(held_out, number):
    texts = (f"snippet {i}" for i in range(1000))
    return [text for text in texts if ratings.is_held_out(text) == held_out][:number]


def test_it_begins_as_the_model_of_films_which_has_to_be_made_first(places, monkeypatch):
    with pytest.raises(InputError, match=r"imdb: no such bundle; make it first: python -m recipes\.imdb --output-dir"):
        recipe.beginning(places, None)
    monkeypatch.setattr(recipe, "is_made", lambda path: path == places.work / "imdb")
    assert recipe.beginning(places, None) == places.work / "imdb"


def test_a_trial_begins_as_a_tiny_model_of_its_kind(places, monkeypatch):
    trained = []
    monkeypatch.setattr(recipe, "train", lambda stage, trial: trained.append((stage, trial)) or stage.path)
    files = ratings.Files(*(places.work / name for name in ("train", "validation", "everyday", "unlabelled")))
    path = recipe.beginning(Places(places.data, places.work, places.output_dir, trial=True), files)
    [(stage, trial)] = trained
    assert (path, stage.path, stage.data, trial) == (places.work / "imdb", path, files.train, True)
    assert (stage.config.directions, stage.config.backward_units) == ("asymmetric", 4)
    assert stage.options == {"validation": files.validation}


def test_it_is_scored_by_domain_by_length_on_snippets_and_on_everyday_sentences(places, monkeypatch):
    sizes = [1, 9, 10, 29, 30, 99, 100, 4999, 5000, 1]
    rows = [(" ".join(["w"] * size), 1 + i % 5, "headphones") for i, size in enumerate(sizes)]
    rows += [("to be learned", 3, "hotels")] * 3 + [("w w", 5, "kindle_books")] * 2
    known, new = texts_where(False, 2), texts_where(True, 5)
    means = [1.0, -1.0, 0.99, -0.99, 3.0]
    snippets = [*zip(known, [3, 3], ["tweets"] * 2, strict=True), *zip(new, means, ["tweets"] * 5, strict=True)]
    write_domains(places, rows, snippets)
    seen = []

    def evaluate(model, table, scale):
        assert list(table.columns) == ["review", "rating"]
        seen.append((model, scale))
        return [len(table), round(table.rating.mean(), 3)]

    monkeypatch.setattr(recipe.sentiment, "evaluate", evaluate)
    assert recipe.score_elsewhere(places, "model") == {
        "headphones": [10, 5.5],
        "kindle_books": [2, 10.0],
        "of 1 to 9 words": [5, pytest.approx((1 + 3.25 + 10 + 10 + 10) / 5, abs=0.01)],
        "of 10 to 29 words": [2, pytest.approx((5.5 + 7.75) / 2)],
        "of 30 to 99 words": [2, pytest.approx((10 + 1) / 2)],
        "of 100 to 4999 words": [2, pytest.approx((3.25 + 5.5) / 2)],
        "snippets: tweets": [3, pytest.approx((7 + 4 + 10) / 3)],
        "everyday sentences": [100, 5.5],
        "facts, in pairs": [3604, 5.5],
    }
    assert set(seen) == {("model", (1, 10))}


def test_a_kind_of_text_with_a_single_example_has_no_scores(places, monkeypatch):
    write_domains(places, [("a", 1, "headphones"), ("b", 1, "headphones"), ("c d", 2, "kindle_books")])
    monkeypatch.setattr(recipe.sentiment, "evaluate", lambda model, table, scale: len(table))
    found = recipe.score_elsewhere(places, None)
    assert found == {"headphones": 2, "of 1 to 9 words": 3, "everyday sentences": 100, "facts, in pairs": 3604}


def test_no_held_out_fact_is_learned():
    learned = {*ratings.short_sentences().review, *(text for text, _ in augmentation.sentences(20_000))}
    assert not {text.lower() for text in ratings.held_out_facts().review} & {text.lower() for text in learned}


def test_snippets_are_put_on_the_scale_of_the_ratings(places):
    texts = texts_where(False, 5)
    write_domains(places, [("a", 1, "hotels")], [*zip(texts, [-4, -3, 0, 1, 3.5], "abcde", strict=True)])
    found = ratings.snippets(places, held_out=False)
    assert found.rating.tolist() == [1, 1, 5.5, 7, 10]
    assert found.review.tolist() == texts
    assert len(ratings.snippets(places, held_out=True)) == 0


def test_a_tenth_of_the_snippets_is_held_out():
    assert 80 < len(texts_where(True, 1000)) < 120


def test_stars_are_put_on_the_scale_of_the_ratings(places):
    write_domains(places, [("a", 1, "hotels"), ("b", 3, "headphones"), ("c", 5, "hotels"), ("d", 4, "hotels")])
    assert ratings.starred_reviews(places, "train").rating.tolist() == [1, 5.5, 10]
    assert ratings.domain_reviews(places, "train").review.tolist() == ["a", "c"]
    assert ratings.unknown_reviews(places, "train").review.tolist() == ["b"]


def test_half_of_the_everyday_sentences_are_learned():
    held_out, learned = (ratings.everyday_rows(held_out=side) for side in (True, False))
    assert (len(held_out), len(learned)) == (100, 100)
    assert not set(held_out.review) & set(learned.review)
    assert held_out.rating.value_counts().to_dict() == {9.0: 50, 2.0: 50}
    pairs = pandas.read_csv(ratings.EVERYDAY)
    good = dict(zip(pairs.good, pairs.bad, strict=True))
    assert {good[text] for text in learned.review[learned.rating == 9.0]} == set(learned.review[learned.rating == 2.0])


def test_sentences_that_share_half_of_their_words_are_not_apart(monkeypatch):
    monkeypatch.setattr(ratings, "everyday_rows", lambda held_out: pandas.DataFrame({"review": ["It isn't so GOOD."]}))
    texts = ["It so", "good", "it isn't a b c", "It isn't so bad"]
    assert ratings.apart(pandas.DataFrame({"review": texts})).review.tolist() == ["good", "it isn't a b c"]
    assert ratings.words("It isn't 5 Stars!") == {"it", "isn't", "stars"}


def test_short_sentences_are_everyday_ones_and_facts():
    found = ratings.short_sentences()
    assert len(found) > 100 + 300
    assert set(found.rating) == {9.0, 2.0}


def test_each_domain_is_weighed_by_itself_and_copies_are_limited(monkeypatch):
    rows = pandas.DataFrame(
        {"review": range(64), "rating": [10.0] * 32 + [1.0] + [5.0] * 31, "domain": ["a"] * 33 + ["b"] * 31}
    )
    monkeypatch.setattr(ratings, "BALANCE", 1.0)
    found = ratings.balanced(rows).review.value_counts()
    assert len(found) == 64
    assert found[32] == 2
    assert found.drop(32).eq(1).all()
    monkeypatch.setattr(ratings, "MOST_OF_A_DOMAIN", 0)
    assert len(ratings.balanced(rows)) == 0


def test_a_sample_is_of_so_many_rows_at_most():
    table = pandas.DataFrame({"a": range(5)})
    assert len(ratings.sample(table, 3.9)) == 3
    assert sorted(ratings.sample(table, 9).a) == [0, 1, 2, 3, 4]
    assert ratings.sample(table, 5).index.tolist() == ratings.sample(table, 5).index.tolist()


def test_films_without_ratings_are_whole_ones_and_windows_of_others(places, monkeypatch):
    texts = pandas.Series([f"{i} " + "w " * 50 for i in range(100)])
    monkeypatch.setattr(ratings, "unlabelled_texts", lambda places: texts)
    monkeypatch.setattr(ratings, "NUM_UNLABELLED", 20)
    monkeypatch.setattr(ratings, "NUM_WINDOWS", 16)
    found = ratings.unlabelled_reviews(places).review.tolist()
    assert set(found[:20]) <= set(texts)
    assert 8 <= len(found[20:]) <= 24
    assert not set(found[20:]) & set(found[:20])
    assert all(20 <= len(text.split()) <= 51 for text in found[20:])


def test_articles_of_augmented_sentences_fit_their_words():
    facts = {text.format(thing=thing) for text, _ in augmentation.FACTS for thing in augmentation.THINGS}
    for text in dict(augmentation.sentences(100_000)).keys() - facts:
        assert not re.search(r"\ba (?!us)[aeiou]|\ban (us|[^aeiou])", text), text


def test_the_opposite_word_gives_the_opposite_rating_and_a_negation_turns_it():
    found = dict(augmentation.sentences(100_000))
    middle = 5.5
    for frame, turn, strength in augmentation.FRAMES:
        good, bad = (found[frame.format(word, thing="film")] for word in ("good", "bad"))
        assert good - middle == pytest.approx(middle - bad)
        assert abs(good - middle) == pytest.approx(4.5 * strength)
        assert (good > middle) == (turn > 0)
    facts = [(found[text.format(thing="film")], middle + 4.5 * value) for text, value in augmentation.FACTS]
    assert sum(rating != pytest.approx(expected) for rating, expected in facts) <= 5  # some are patterns, too


def test_augmented_sentences_are_drawn_at_random_each_once():
    everything = augmentation.sentences(100_000)
    assert len({text for text, _ in everything}) == len(everything) > 20_000
    few = augmentation.sentences(3000)
    assert len(few) == 3000
    assert set(few) < set(everything)
    assert 4.5 < np.mean([rating for _, rating in few]) < 6.5
    assert len({text[0] for text, _ in few}) > 15
