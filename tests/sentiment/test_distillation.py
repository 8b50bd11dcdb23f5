"""A rating model that learns from its teachers' answers to texts that nobody has rated."""

from __future__ import annotations

import csv
import importlib
import json

import numpy as np
import pytest

import sentiment
from common.errors import InputError
from sentiment import distillation
from sentiment.cli import train as main
from sentiment.distillation import shift_by_nbsvm, soft_targets
from sentiment.loader import Reviews
from sentiment.predict import RatingModel
from sentiment.tfidf_linear import LinearModels
from tests.sentiment.settings import settings as settings_of
from tests.sentiment.test_train import REVIEWS

training = importlib.import_module("sentiment.train")  # `sentiment.train` is the function

QUICK = (
    "--units 16 --embedding-dim 12 --batch-size 8 --num-epochs 16 --patience 16 --learning-rate 0.05 --dropout 0 "
    "--word-dropout 0 --word-vector-dropout 0 --ema-momentum 0 --min-count 1"
)


class FakeTeacher(RatingModel):
    def __init__(self, head, **answers):
        super().__init__(None, None, settings_of(head=head))
        self.answers = answers

    def answer_tokens(self, token_lists):
        return self.answers


@pytest.mark.parametrize(
    ("head", "name", "said", "expected"),
    [
        ("categorical", "logits", ([[0.0, np.log(3)]], [[0.0, 0.0]]), [[0.375, 0.625]]),  # 1/4 and 1/2; 3/4 and 1/2
        ("ordinal", "logits", ([[0.0, np.log(3)]], [[0.0, 0.0]]), [[0.5, 0.625]]),  # 1/2 and 1/2; 3/4 and 1/2
        ("regression", "rating", ([[4.0], [12.0]], [[5.0], [8.0]]), [[4.5], [9.0]]),  # 12 is off the scale, so 10
    ],
)
def test_targets_are_the_mean_of_what_teachers_find_likely(head, name, said, expected):
    teachers = [FakeTeacher(head, **{name: np.array(answer, np.float32)}) for answer in said]
    targets = soft_targets(teachers, [["word"]] * len(expected))
    assert targets.dtype == np.float32
    np.testing.assert_allclose(targets, expected, atol=1e-6)


def test_a_linear_model_moves_the_odds_of_good_and_nothing_within_a_side():
    texts = ["good fun", "good cast", "bad plot", "bad cast"] * 3
    train_split = Reviews(texts, np.array([5.0, 4.0, 1.0, 2.0] * 3, np.float32))
    targets = np.tile(np.float32([0.1, 0.2, 0.1, 0.2, 0.4]), (3, 1))
    config = settings_of(min_rating=1, max_rating=5, nbsvm_weight=2.0)
    corrected = shift_by_nbsvm(targets, ["good", "bad", "unheard"], train_split, config)
    np.testing.assert_allclose(corrected.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(corrected[:, 1] / corrected[:, 0], 2, rtol=1e-5)
    np.testing.assert_allclose(corrected[:, 4] / corrected[:, 3], 2, rtol=1e-5)
    linear = LinearModels(texts, train_split.ratings, 3.0)
    margins = linear.bayes.margins(linear.counter.transform(["good", "bad", "unheard"]))
    assert margins[0] > 0.1 > -0.1 > margins[1]
    odds = np.log(corrected[:, 3:].sum(axis=1) / corrected[:, :2].sum(axis=1))
    np.testing.assert_allclose(odds, np.log(0.6 / 0.3) + 2.0 * margins, rtol=1e-5)
    # The middle of the scale is on neither side: in log-odds it stays half-way between what is below and above.
    np.testing.assert_allclose(corrected[:, 2] ** 2 / corrected[:, 1] / corrected[:, 3], 0.1**2 / 0.04, rtol=1e-5)


def test_the_linear_model_is_fitted_on_the_training_split_alone(monkeypatch, tmp_path):
    """On the ratings of the validation split it would correct the teachers there, and the scores with them."""
    fitted = {}

    class Spy(LinearModels):
        def __init__(self, texts, ratings, middle):
            fitted.update(texts=list(texts), ratings=list(ratings))
            super().__init__(texts, ratings, middle)

    monkeypatch.setattr(distillation, "LinearModels", Spy)
    monkeypatch.setattr(training, "open_teachers", lambda *_: ["a teacher"])
    monkeypatch.setattr(training, "soft_targets", lambda _, texts: np.full((len(texts), 10), 0.1, np.float32))
    rated = [(f"word{number} is {'good' if number % 2 else 'bad'}", 9 if number % 2 else 2) for number in range(40)]
    inputs = dict.fromkeys(("validation", "groups", "word_vectors_from", "start"))
    inputs |= {"train": rated, "teachers": ("a",), "unlabelled": ["a good text", "a bad text"]}
    config = settings_of(nbsvm_weight=1.0, validation_split=0.25, embedding_dim=5, min_count=1)
    examples = training.prepare_data(training.read_splits(inputs, config), inputs, config, None)
    validation = set(examples.validation.texts)
    assert len(validation) == 10
    assert len(fitted["texts"]) == 30
    assert not validation & set(fitted["texts"])
    assert fitted["ratings"] == [dict(rated)[text] for text in fitted["texts"]]


@pytest.fixture
def write_table(tmp_path):
    def write(name, rows):
        with open(tmp_path / name, "w", newline="") as file:
            csv.writer(file).writerows(rows)
        return str(tmp_path / name)

    return write


@pytest.mark.slow
@pytest.mark.parametrize("head", ["regression", "categorical"])
def test_a_student_learns_what_only_its_teacher_was_told(head, write_table, tmp_path):
    rated = write_table("rated.csv", [("review", "rating"), *REVIEWS.items()] + list(REVIEWS.items()) * 7)
    two = [(text, rating) for text, rating in REVIEWS.items() if rating in (1, 10)]
    few = write_table("few.csv", [("review", "rating"), *two])
    unlabelled = write_table("unlabelled.csv", [["review"], *([text] for text in REVIEWS)] + [[t] for t in REVIEWS] * 7)
    flags = ["--validation", rated, *QUICK.split(), "--head", head]
    teacher, student, alone = (str(tmp_path / name) for name in ("teacher", "student", "alone"))
    main(["--train", rated, "--output-dir", teacher, *flags])
    main(["--train", few, "--output-dir", student, *flags, "--teachers", teacher, "--unlabelled", unlabelled])
    main(["--train", few, "--output-dir", alone, *flags])

    def error(folder):
        answers = [answer.rating for answer in sentiment.load(folder).predict(list(REVIEWS))]
        return np.abs(np.array(answers) - list(REVIEWS.values())).max()

    assert error(student) < 1 < error(alone)
    manifest = json.loads((tmp_path / "student/manifest.json").read_text())
    assert manifest["unlabelled"]["file"] == "unlabelled.csv"
    assert [facts["file"] for facts in manifest["teachers"]] == ["teacher"]
    assert "--unlabelled unlabelled.csv --teachers teacher" in (tmp_path / "student/README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--teachers {teacher}", "--teachers and --unlabelled: .* give both or neither"),
        ("--unlabelled {train}", "--teachers and --unlabelled: .* give both or neither"),
        (
            "--teachers {teacher} --unlabelled {train} --head ordinal",
            "its --head is categorical, that of this run ordinal",
        ),
        (
            "--teachers {teacher} --unlabelled {train} --max-rating 11",
            "its --max-rating is 10.0, that of this run 11.0",
        ),
        ("--teachers {teacher} --unlabelled {train} --min-rating 0.5", "its --min-rating is 1.0, that of this run 0.5"),
        ("--teachers {teacher} --unlabelled {train}x", "no such file"),
        ("--nbsvm-weight 2 --head categorical", "--nbsvm-weight: shifts the probabilities of --teachers"),
        ("--teachers {teacher} --unlabelled {empty}", "row 2: empty text"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(flags, message, write_table, small_bundle, small_runs, tmp_path):
    places = {
        "teacher": small_bundle("sentiment"),
        "train": small_runs["sentiment"].train,
        "empty": write_table("empty.csv", [["review"], ["Good."], [" "]]),
    }
    data = ["--train", str(places["train"]), "--output-dir", str(tmp_path / "model")]
    data += [] if "--head" in flags else ["--head", "categorical"]
    with pytest.raises(InputError, match=message):
        main([*data, *flags.format(**places).split()])
    assert not (tmp_path / "model").exists()
