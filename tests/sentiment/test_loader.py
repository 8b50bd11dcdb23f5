"""Reviews from files: what is read, what is refused, how they are split, cut and padded."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from common.errors import InputError
from common.text.vocabulary import BOS_ID, UNK_ID, Vocabulary
from sentiment.config import SentimentConfig
from sentiment.loader import (
    MOST_TOKENS,
    Reviews,
    columns_of,
    encode_review,
    file_scale,
    load_reviews,
    load_texts,
    make_batches,
    make_targets,
    rating_levels,
    read_reviews,
    reading_order,
    share_cut,
    split_validation,
    with_scale,
)
from tests.sentiment.settings import settings as settings_of

CONFIG = settings_of()
CSV = 'rating,subject,review\n4,boots,"Good, ""so far"".<br />Fine."\n10,film,No\n'


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.jsonl", "a.jsonl.gz"])
def test_every_format_gives_the_same_reviews(tmp_path, name):
    rows = [
        {"rating": 4, "subject": "boots", "review": 'Good, "so far".<br />Fine.'},
        {"rating": 10, "subject": "film", "review": "No"},
    ]
    text = {
        "csv": CSV,
        "tsv": 'rating\tsubject\treview\n4\tboots\tGood, "so far".<br />Fine.\n10\tfilm\tNo\n',
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }[name.split(".")[1]]
    path = tmp_path / name
    with gzip.open(path, "wb") if name.endswith(".gz") else open(path, "wb") as file:
        file.write(text.encode())
    reviews = load_reviews(path, settings_of(group_column="subject"))
    assert reviews.texts == ['Good, "so far".<br />Fine.', "No"]
    assert reviews.ratings.tolist() == [4, 10]
    assert reviews.ratings.dtype == np.float32
    assert reviews.groups == ["boots", "film"]


def test_another_scale_is_mapped(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("review,rating\na,1\nb,2\nc,3\nd,5\n")
    # 1 to 5 onto 1 to 10: a star is worth 9 / 4; 2 stars are 1 + 2.25, 3 stars are 1 + 4.5
    assert load_reviews(path, CONFIG, None, (1, 5)).ratings.tolist() == [1, 3.25, 5.5, 10]


def test_groups_from_a_file(tmp_path):
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "groups.txt").write_text("tt1\ntt2\n")
    assert load_reviews(tmp_path / "a.csv", CONFIG, tmp_path / "groups.txt").groups == ["tt1", "tt2"]
    (tmp_path / "groups.txt").write_text("tt1\n")
    with pytest.raises(InputError, match=r"groups\.txt: 1 lines for the 2 rows of .*a\.csv"):
        load_reviews(tmp_path / "a.csv", CONFIG, tmp_path / "groups.txt")


@pytest.mark.parametrize("rating", ["", "fair", "nan", "inf", "0", "10.5", "-1", "4/5"])
def test_a_wrong_rating_is_named_with_its_row(tmp_path, rating):
    path = tmp_path / "a.csv"
    path.write_text(f'review,rating\nfine,3\nso so,"{rating}"\n')
    with pytest.raises(InputError, match=r"a\.csv, row 2: rating .*; (write a number|give the ends|correct it)"):
        load_reviews(path, CONFIG, None, (1, 10))


def rated(*ratings):
    return [(f"text {number}", rating) for number, rating in enumerate(ratings)]


@pytest.mark.parametrize(
    ("ratings", "low", "high"),
    [((1, 3, 5), 1, 5), (("4/10", "10/10"), 1, 10), (("★★★★☆", "★☆☆☆☆"), 1, 5), (("positive", "negative"), -1, 1)],
)
def test_the_scale_is_found_out_and_said(ratings, low, high, capsys):
    written = read_reviews(rated(*ratings), SentimentConfig())
    config = with_scale(SentimentConfig(), written)
    assert (config.min_rating, config.max_rating) == (low, high)
    assert capsys.readouterr().err.startswith("Ratings: ratings ")


def test_one_end_of_the_scale_may_be_given():
    written = read_reviews(rated(1, 2, 3), SentimentConfig())
    config = with_scale(SentimentConfig(max_rating=4.0), written)
    assert (config.min_rating, config.max_rating) == (1, 4)


def test_labels_say_what_words_mean(tmp_path):
    config = settings_of(labels="bad=1,so so=5,good=10")
    assert load_reviews(rated("good", "Bad", "so so"), config).ratings.tolist() == [10, 1, 5]
    with pytest.raises(InputError, match=r"row 1: rating 'fine' .*--labels"):
        load_reviews(rated("fine", "good"), config)


def test_a_scale_that_does_not_fit_is_warned_of(capsys):
    with_scale(settings_of(), read_reviews(rated(*[1, 2, 4, 5] * 10), settings_of()))
    assert "WARNING: all 40 ratings are between 1 and 5, but the scale is 1 to 10" in capsys.readouterr().err


def test_ratings_on_another_scale_than_the_models_are_mapped_and_that_is_said(capsys):
    assert load_reviews(rated(*[1, 2, 4, 5] * 10), CONFIG).ratings[:4].tolist() == [1, 3.25, 7.75, 10]
    said = capsys.readouterr().err
    assert said.startswith("WARNING: list of 40 rows: ratings 1 to 5 in steps of 1")
    assert "the model rates from 1 to 10" in said
    assert load_reviews(rated(*[1, 2, 4, 10] * 10), CONFIG).ratings[:4].tolist() == [1, 2, 4, 10]
    assert not capsys.readouterr().err


def test_bad_rows_are_left_out_on_request_and_counted(capsys):
    rows = [("good", 9), ("", 3), ("bad", ""), ("so so", "n/a"), ("fine", 7)]
    with pytest.raises(InputError, match=r"row 2: empty text.*--skip-bad-rows"):
        load_reviews(rows, CONFIG)
    assert load_reviews(rows, settings_of(skip_bad_rows=True)).texts == ["good", "fine"]
    assert capsys.readouterr().err.startswith("Left out 3 of 5 rows; the first: row 2: empty text")
    with pytest.raises(InputError, match="no row has a text and a rating"):
        load_reviews(rows[1:4], settings_of(skip_bad_rows=True))


def test_a_scale_upside_down(tmp_path):
    (tmp_path / "a.csv").write_text(CSV)
    with pytest.raises(InputError, match="--min-rating 10 is not below --max-rating 1"):
        load_reviews(tmp_path / "a.csv", CONFIG, None, (10, 1))


# -- The validation split -------------------------------------------------------------------------------------------


def reviews_of(num, groups=None):
    return Reviews([f"text {i}" for i in range(num)], np.arange(num, dtype=np.float32), groups)


def test_validation_is_cut_by_group():
    groups = [f"film {i % 20}" for i in range(100)]
    train, validation = split_validation(reviews_of(100, groups), settings_of(validation_split=0.1))
    assert not set(train.groups) & set(validation.groups)
    assert len(set(validation.groups)) == 2  # a tenth of the 20 films
    assert len(validation) == 10  # each with its 5 reviews
    assert sorted(train.texts + validation.texts) == sorted(reviews_of(100).texts)
    for split in (train, validation):  # text, rating and group still belong together
        for text, rating, group in zip(split.texts, split.ratings, split.groups, strict=True):
            number = int(text.split()[1])
            assert (rating, group) == (number, groups[number])


def test_validation_without_groups_and_its_seed():
    def texts(seed):
        return split_validation(reviews_of(50), settings_of(seed=seed, validation_split=0.2))[1].texts

    assert len(texts(1)) == 10
    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


@pytest.mark.parametrize("reviews", [reviews_of(1), reviews_of(9, ["one film"] * 9)])
def test_nothing_left_to_train_on(reviews):
    with pytest.raises(InputError, match="nothing is left to train on"):
        split_validation(reviews, CONFIG)


# -- Ids and batches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [("head", "abcdefgh"), ("tail", "efghijkl"), ("both", "abghijkl")],  # 8 fit beside the beginning mark
)
def test_a_long_review_is_cut(truncation, kept):
    letters = "abcdefghijkl"
    config, vocabulary = settings_of(max_length=9, truncation=truncation), Vocabulary(letters)
    assert encode_review(list(letters), vocabulary, config) == [BOS_ID, *vocabulary.encode(kept)]
    assert encode_review(list(letters[:8]), vocabulary, config) == [BOS_ID, *vocabulary.encode(letters[:8])]
    backwards = replace(config, directions="backward")
    assert encode_review(list(letters), vocabulary, backwards) == [BOS_ID, *vocabulary.encode(kept[::-1])]


def test_batches_have_every_review_once_with_its_rating():
    config, vocabulary = settings_of(batch_size=3), Vocabulary("abcdefg")
    token_lists = [["a"], ["b"] * 6, ["c"] * 2, ["d"] * 5, ["e"] * 3, ["f"] * 4, ["g"]]
    ratings = np.arange(1, 8, dtype=np.float32)
    batches = make_batches(token_lists, ratings[:, None], vocabulary, config, shuffle=False)
    assert len(batches) == 3
    seen = {}
    for inputs, targets, weights in batches:
        batch, time = inputs["token_ids"].shape
        assert inputs["mask"].shape == (batch, time)
        assert targets.shape == (batch, 1)
        assert weights.tolist() == [1] * batch
        for ids, mask, rating in zip(inputs["token_ids"], inputs["mask"], targets[:, 0], strict=True):
            assert ids[0] == BOS_ID
            assert not ids[~mask].any()
            seen[rating] = vocabulary.decode(ids[mask][1:])
    assert seen == dict(zip(ratings.tolist(), token_lists, strict=True))


def test_words_are_dropped_in_training_alone():
    vocabulary = Vocabulary("a")
    token_lists = [["a"] * 200 for _ in range(20)]
    config = settings_of(word_dropout=0.3, batch_size=20)

    def ids(shuffle, epoch=0):
        batches = make_batches(token_lists, None, vocabulary, config, shuffle)
        batches.set_epoch(epoch)
        return batches[0][0]["token_ids"]

    assert (ids(False) != UNK_ID).all()
    dropped = ids(True)
    assert (dropped[:, 0] == BOS_ID).all()
    assert (dropped == UNK_ID).mean() == pytest.approx(0.3, abs=0.03)  # 4,000 words: sigma 0.007
    np.testing.assert_array_equal(dropped, ids(True))
    assert (dropped != ids(True, epoch=1)).any()


# -- Limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "num_tokens", "order"),
    [
        ({"max_length": 5}, 4, [0, 1, 2, 3]),
        ({"max_length": 5}, 5, [0, 2, 3, 4]),
        ({"max_length": 9}, 9, [0, 1, 3, 4, 5, 6, 7, 8]),
        ({"max_length": 5, "truncation": "head"}, 6, [0, 1, 2, 3]),
        ({"max_length": 5, "truncation": "tail"}, 6, [2, 3, 4, 5]),
        ({"max_length": 5, "directions": "backward"}, 5, [4, 3, 2, 0]),
        ({"max_length": 1}, 3, []),
    ],
)
def test_the_order_of_reading(settings, num_tokens, order):
    assert reading_order(num_tokens, settings_of(**{"truncation": "both", **settings})) == order


def test_without_a_limit_very_long_texts_are_cut_all_the_same():
    config = settings_of(max_length=0, truncation="head")
    assert len(reading_order(MOST_TOKENS - 1, config)) == len(reading_order(MOST_TOKENS, config)) == MOST_TOKENS - 1
    assert share_cut([5, 10**6], config) == 0
    assert share_cut([4, 5, 6, 7], settings_of(max_length=6)) == 0.5
    assert share_cut([], settings_of(max_length=6)) == 0


@pytest.mark.parametrize(
    ("low", "high", "levels"),
    [(1, 5, [1, 2, 3, 4, 5]), (0, 1, [0, 1]), (0, 0.4, [0, 0.4]), (0, 2.5, [0, 1.25, 2.5]), (-1, 1, [-1, 0, 1])],
)
def test_levels_are_a_step_apart(low, high, levels):
    assert rating_levels(settings_of(min_rating=low, max_rating=high)).tolist() == levels


def test_targets_of_each_head():
    ratings = np.array([1.0, 3.0], np.float32)
    scale = {"min_rating": 1.0, "max_rating": 3.0}
    assert make_targets(ratings, settings_of(head="regression", **scale)).tolist() == [[1], [3]]
    assert make_targets(ratings, settings_of(head="ordinal", **scale)).tolist() == [[0, 0], [1, 1]]
    assert make_targets(ratings, settings_of(head="categorical", **scale)).tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("ratings", "given", "expected"),
    [
        ([1, 5, 10] * 7, (None, None), (1, 10)),
        ([1, 5, 10] * 7, (0, None), (0, 10)),
        ([1, 5, 10] * 7, (None, 20), (1, 20)),
        ([10] * 18 + [60] * 2, (None, None), (0, 100)),  # a tenth of 20 are outside
        ([10] * 18 + [60], (None, None), (1, 10)),  # of 19
        ([10] * 19 + [60] * 2, (None, None), (1, 10)),  # less than a tenth
        ([10] * 18 + [0] * 2, (None, None), (0, 10)),
        (["4/5", "2/5"], (None, None), (1, 5)),
        (["4/10", "2/10"], (None, None), (1, 10)),
    ],
)
def test_the_scale_of_a_file_that_is_held_against_a_model(ratings, given, expected):
    assert file_scale(read_reviews(rated(*ratings), CONFIG), CONFIG, given) == expected


def test_a_given_scale_that_does_not_fit_is_warned_of_and_kept(capsys):
    written = read_reviews(rated(*[1, 2, 4, 5] * 10), CONFIG)
    assert file_scale(written, CONFIG, (1, 10)) == (1, 10)
    assert capsys.readouterr().err.startswith("WARNING: all 40 ratings are between 1 and 5")
    assert file_scale(written, CONFIG, (1, 5)) == (1, 5)
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match="--min-rating 10 is not below --max-rating 10"):
        file_scale(written, CONFIG, (10, None))


@pytest.mark.parametrize("rating", ["1", "10", "10/10"])
def test_the_ends_of_a_scale_are_inside(rating):
    assert load_reviews(rated("5", rating), CONFIG, None, (1, 10)).ratings[1] == float(rating.split("/")[0])


def test_columns_are_known_by_whether_they_are_given():
    plain, named = columns_of(settings_of()), columns_of(settings_of(text_column="words", group_column="film"))
    assert [(column.name, column.given) for column in plain] == [("review", False), ("rating", False)]
    assert [(column.name, column.given) for column in named] == [("words", True), ("rating", False), ("film", True)]


def test_texts_without_ratings(tmp_path):
    (tmp_path / "a.csv").write_text("rating,review\n,Good.\nx,Bad.\n")
    assert load_texts(tmp_path / "a.csv", CONFIG) == ["Good.", "Bad."]
    assert load_texts(["a", "b"], CONFIG) == ["a", "b"]
    with pytest.raises(InputError, match="row 2: empty text; write a review there or leave the row out"):
        load_texts(["a", " "], CONFIG)


def test_some_of_the_reviews():
    reviews = Reviews(["a", "b", "c"], np.array([1.0, 2, 3]), ["x", "y", "z"])
    some = reviews.take([2, 0])
    assert (len(some), some.texts, some.ratings.tolist(), some.groups) == (2, ["c", "a"], [3, 1], ["z", "x"])
    assert Reviews(["a"], np.array([1.0])).take([0]).groups is None


def test_the_scale_is_found_out_where_an_end_is_missing_or_they_are_turned(capsys):
    written = read_reviews(rated(1, 2, 5), SentimentConfig())
    for given in ({"min_rating": 2.0}, {"max_rating": 7.0}, {"min_rating": 3.0, "max_rating": 3.0}):
        config = with_scale(SentimentConfig(**given), written)
        assert (config.min_rating, config.max_rating) == (given.get("min_rating", 1), given.get("max_rating", 5))
        assert capsys.readouterr().err.startswith("Ratings: ratings 1 to 5")
    given = SentimentConfig(min_rating=1.0, max_rating=5.0)
    assert with_scale(given, written) is given
    assert capsys.readouterr().err == ""
