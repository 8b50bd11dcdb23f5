"""Wide-and-deep rating models: closed form, what is left to learn, one graph, a bundle whose parts agree."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnxruntime
import pytest

import sentiment
from common.bundles.bundle import open_bundle
from common.bundles.weights_file import bind_parts
from common.cli.export import main as export
from common.errors import InputError
from sentiment.cli import predict as predict_command
from sentiment.cli import train as train_command
from sentiment.config import SentimentConfig
from sentiment.ngrams import pad_terms
from sentiment.pretraining import choose_start
from tests.forge import rewrite, sign

GOOD, BAD = ("good", "lovely", "great", "fine"), ("awful", "dull", "poor", "bad")
ROWS = [
    (f"The {noun} was {word} and {again} .", 4.0 + (word in GOOD[:2]) if word in GOOD else 1.0 + (word in BAD[:2]))
    for noun in ("soup", "view", "quokka", "story", "king")
    for word, again in [*zip(GOOD, reversed(GOOD), strict=True), *zip(BAD, reversed(BAD), strict=True)]
]
FLAGS = {"units": 5, "embedding_dim": 6, "num_epochs": 1, "min_count": 1}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A tiny model trained from scratch; its result."""
    return sentiment.train(ROWS, tmp_path_factory.mktemp("wide") / "scratch", SentimentConfig(**FLAGS), start="scratch")


@pytest.fixture(scope="module")
def fine_tuned(small_bundle, tmp_path_factory):
    """The same reviews, from a pretrained model; its result."""
    config = SentimentConfig(num_epochs=1, validation_split=0.3)
    return sentiment.train(ROWS, tmp_path_factory.mktemp("wide") / "tuned", config, start=small_bundle("sentiment"))


def test_from_scratch_a_model_begins_at_tfidf_with_ridge_regression(scratch):
    assert (scratch.model.config.min_rating, scratch.model.config.max_rating) == (1, 5)
    assert scratch.model.config.ngrams == 2
    assert scratch.scores["r2"] > 0.8
    assert "TF-IDF with ridge regression" in scratch.verdict.sentence
    assert json.loads((scratch.path / "metrics.json").read_text())["validation"]["verdict"] == scratch.verdict.sentence
    assert scratch.verdict.sentence in (scratch.path / "README.md").read_text()


def test_a_pretrained_model_is_fine_tuned_on_another_scale(fine_tuned, small_bundle):
    theirs = sentiment.load(small_bundle("sentiment"))
    assert fine_tuned.model.vocabulary.tokens == theirs.vocabulary.tokens
    assert (theirs.config.max_rating, fine_tuned.model.config.max_rating) == (10, 5)
    assert fine_tuned.scores["r2"] > 0.6
    manifest = json.loads((fine_tuned.path / "manifest.json").read_text())
    assert manifest["initialize_from"]["file"] == "sentiment"
    assert "--start sentiment" in (fine_tuned.path / "README.md").read_text()


@pytest.mark.parametrize("kind", ["scratch", "fine_tuned"])
def test_both_engines_give_the_same_numbers(kind, request):
    path = request.getfixturevalue(kind).path
    texts = ["The soup was lovely .", "zorgl", "", "The dull king and the dull quokka ."]
    answers = [sentiment.load(path, engine).predict(texts) for engine in ("onnx", "keras")]
    for ours, theirs in zip(*answers, strict=True):
        assert ours.rating == pytest.approx(theirs.rating, abs=1e-5)
        assert ours.spread == pytest.approx(theirs.spread, abs=1e-5)
        assert 1 <= ours.rating <= 5
        assert ours.spread > 0
    assert answers[0][0].rating > answers[0][3].rating + 1
    alone = sentiment.load(path).predict(texts[3])[0]  # padding and company change nothing
    assert alone.rating == pytest.approx(answers[0][3].rating, abs=1e-5)


def test_a_term_of_the_wide_part_is_no_unknown_word(fine_tuned):
    model = fine_tuned.model
    assert "quokka" not in model.vocabulary
    assert model.predict("lovely quokka")[0].num_unknown == 0
    assert model.predict("lovely zorgl")[0].num_unknown == 1


def test_the_exported_graph_takes_terms(scratch, tmp_path):
    export(["--model", str(scratch.path), "--format", "onnx", "--output", str(tmp_path / "model.onnx")])
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    ids, terms = np.array([[2, 5, 6, 7]], np.int32), scratch.model.ngrams.encode(["lovely", "soup"])
    inputs = {"token_ids": ids, "mask": ids > 0, **pad_terms([terms])}
    outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))
    wanted = scratch.model.network(inputs)
    assert inputs["ngram_ids"].shape[1] != ids.shape[1]  # the axes of words and of terms are two
    for name in ("rating", "spread"):
        np.testing.assert_allclose(outputs[name], wanted[name], atol=1e-5)


def test_answers_on_another_scale(scratch, capsys):
    own = scratch.model.predict("The soup was fine .")[0]
    [moved] = scratch.model.predict("The soup was fine .", scale=(0, 1))
    assert moved.rating == pytest.approx((own.rating - 1) / 4, abs=1e-6)
    assert moved.spread == pytest.approx(own.spread / 4, abs=1e-6)
    predict_command(["--model", str(scratch.path), "--scale", "1-10", "--format", "jsonl", "The soup was fine ."])
    assert json.loads(capsys.readouterr().out)["rating"] == pytest.approx(1 + 9 * (own.rating - 1) / 4, abs=1e-4)


def test_the_words_of_a_rating_are_explained(scratch):
    explanation = sentiment.explain(scratch.model, "The soup was lovely .")
    assert max(zip(explanation.weights, explanation.tokens, strict=True))[1] == "lovely"


def exchange_outputs(content):
    """What is said to be the rating is the spread."""
    outputs = content["config"]["output_layers"]
    outputs["rating"], outputs["spread"] = outputs["spread"], outputs["rating"]


def drop_last(content):
    content["terms"].pop()
    content["idf"].pop()


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("ngrams.json", drop_last, "rows, the network has"),
        ("ngrams.json", lambda content: content["terms"].__setitem__(0, "a b c d"), "setting ngrams is 2"),
        ("ngrams.json", lambda content: content["idf"].__setitem__(0, -1), "idf is not a number"),
        ("model.json", exchange_outputs, "output rating is made of ScoreSpread, not of Add"),
        ("config.json", lambda content: content.update(ngrams=0), "do not belong together"),
        ("config.json", lambda content: content.update(head="ordinal"), "do not belong together|not with --head"),
    ],
)
def test_a_bundle_whose_parts_disagree_is_refused(name, change, fault, scratch, tmp_path):
    bundle = shutil.copytree(scratch.path, tmp_path / "bundle")
    rewrite(bundle, name, change)
    weights = bundle / "model.weights.h5"
    kept = [file for file in bundle.glob("*.json") if file.name not in ("manifest.json", "metrics.json")]
    bind_parts(weights, {file.name: file.read_bytes() for file in kept})  # as somebody would who forges a bundle
    sign(bundle, weights.name)
    with pytest.raises(InputError, match=fault):
        open_bundle(bundle, "sentiment")


def test_auto_says_why_it_begins_from_scratch(tmp_path, capsys):
    data = tmp_path / "french.csv"
    words = ["le", "potage", "était", "délicieux", "et", "la", "vue", "magnifique", "pourtant", "mauvais"]
    rows = [f'"{" ".join(np.random.default_rng(i).permutation(words))}",{1 + i % 5}' for i in range(20)]
    data.write_text("\n".join(["review,rating", *rows]), encoding="utf-8")
    train_command(["--train", str(data), "--output-dir", str(tmp_path / "one"), "--num-epochs", "1"])
    said = capsys.readouterr().err
    assert "Start: from scratch, for the pretrained model knows" in said
    assert "% of the words" in said
    inputs = {"start": "auto", "teachers": (), "word_vectors_from": None}
    english = [["A", "joy", "from", "start", "to", "end"]]
    assert choose_start(english, SentimentConfig(units=5), inputs) is None
    assert "Start: from scratch, for --units: found 5" in capsys.readouterr().err
    assert choose_start(english, SentimentConfig(), inputs).path.name == "reviews"


def test_size_decides_what_is_not_given():
    few, many = (SentimentConfig().sized(number, fine_tuning=False) for number in (200, 25_000))
    assert few.num_epochs * (200 / few.batch_size) >= 300
    assert (many.num_epochs, many.batch_size, many.learning_rate, many.patience) == (6, 64, 0.002, 3)
    tuned = [SentimentConfig().sized(number, fine_tuning=True) for number in (100, 1000)]
    assert tuned[0].learning_rate < tuned[1].learning_rate
    given = {"num_epochs": 2, "batch_size": 7, "learning_rate": 0.1, "patience": 0, "ema_momentum": 0.5}
    kept = SentimentConfig(**given).sized(200, fine_tuning=True)
    assert {name: getattr(kept, name) for name in given} == given
