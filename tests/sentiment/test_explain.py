"""Explanations of ratings: gradients at the word vectors, both engines alike, what is refused."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

import sentiment
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from interpretability.attribution import attribute
from interpretability.config import OCCLUSIONS, AttributionConfig
from sentiment.config import ARCHITECTURES
from sentiment.explain import RatingScorer, find_level, make_explainer
from sentiment.model import build_model
from sentiment.predict import RatingModel
from tests.interpretability.check_scorer import check_scorer
from tests.sentiment.settings import settings as settings_of

VOCABULARY = Vocabulary(["good", "bad", "film", "the", "."], lowercase=True)
TOKENS = ["The", "good", "film", ",", "the", "bad", "film", "."]


@cache
def build(**settings):
    config = settings_of(**{"units": 5, "embedding_dim": 7, "batch_size": 2, **settings})
    network = build_model(config, len(VOCABULARY))
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.4, weight.shape) for weight in network.get_weights()])
    return RatingModel(KerasEngine(network), VOCABULARY, config)


def test_gradients_at_the_word_vectors():
    model = build(architecture="cbow")
    check_scorer(RatingScorer(model, TOKENS))
    check_scorer(RatingScorer(model, TOKENS, level=7))


@pytest.mark.slow
@pytest.mark.parametrize("head", ["regression", "ordinal", "categorical"])
@pytest.mark.parametrize("directions", ["forward", "backward", "both", "asymmetric"])
def test_gradients_of_every_head_and_direction(head, directions):
    model = build(head=head, directions=directions, backward_units=3)
    check_scorer(RatingScorer(model, TOKENS))
    if head != "regression":
        check_scorer(RatingScorer(model, TOKENS, level=0))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"bow"}))
def test_gradients_of_every_architecture(architecture):
    check_scorer(RatingScorer(build(architecture=architecture), TOKENS))


@pytest.mark.slow
def test_a_linear_bag_of_words_is_explained_exactly():
    """A regression on the sum of word vectors, its squashing layer taken for its straight middle."""
    model = build(architecture="bow", head="regression", units=4)
    network = model.network.model
    vectors = 1e-3 * np.random.default_rng(1).normal(size=network.get_layer("embedding").get_weights()[0].shape)
    network.get_layer("embedding").set_weights([vectors])
    kernel, _ = network.get_layer("score").get_weights()
    # sigmoid(z) = 1/2 + z/4 near 0, and half the scale of 1 to 10 is 4.5
    by_word = 4.5 * (vectors / 4) @ kernel[:, 0]
    ids = VOCABULARY.encode(TOKENS)
    for config in (*OCCLUSIONS, AttributionConfig("gradient-x-input", "zeros"), AttributionConfig("gradient-x-input")):
        expected = by_word[ids] - (by_word[1] if config.baseline == "unk" else 0)
        weights = attribute(RatingScorer(model, TOKENS), config).weights
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(weights, expected, atol=3e-6)


def test_occlusion_is_the_same_by_both_engines(small_bundle):
    texts = ["A good, good book.", "It was bad; never again would I read such a thing."]
    for config in OCCLUSIONS:
        onnx, keras = (
            make_explainer(sentiment.load(small_bundle("sentiment"), engine), config=config)
            for engine in ("onnx", "keras")
        )
        for text in texts:
            found = onnx(text).weights
            assert np.abs(found).max() > 1e-3
            np.testing.assert_allclose(found, keras(text).weights, atol=1e-5)


@pytest.mark.slow
def test_tokens_that_are_not_read_have_no_weight():
    model = build(architecture="cbow", max_length=5)  # the mark of the beginning, one word from the head, three
    for config in OCCLUSIONS:
        weights = np.array(make_explainer(model, config=config)("good bad good bad good bad good film").weights)
        assert (weights[1:5] == 0).all()
        assert (weights[[0, 5, 6, 7]] != 0).all()


def test_what_cannot_be_explained_is_refused():
    model = build(architecture="cbow")
    with pytest.raises(InputError, match="--level: found 11, wanted one of 1, 2, 3"):
        sentiment.explain(model, "Good.", level=11)
    with pytest.raises(InputError, match="--level: a model with --head regression has no probabilities"):
        sentiment.explain(RatingModel(None, VOCABULARY, settings_of(head="regression")), "Good.", level=3)
    with pytest.raises(InputError, match="--steps: no such setting; did you mean num_steps"):
        sentiment.explain(model, "Good.", steps=3)
    wide = RatingModel(model.network, VOCABULARY, model.config, ngrams=object())
    with pytest.raises(InputError, match="the n-grams of a wide-and-deep model have no vectors"):
        sentiment.explain(wide, "Good.", method="gradient-x-input")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--baseline", "zeros", "Good."], "--baseline zeros: occlusion changes words"),
        (["--num-examples", "5", "Good."], "--num-examples: is for --faithfulness; add that"),
        (["--faithfulness", "Good."], "--faithfulness: measures on a file of examples; give it with --input"),
        (["--faithfulness", "--method", "occlusion", "--input", "x"], "--method: --faithfulness compares all methods"),
        (["--faithfulness", "--input", "none.csv"], "none.csv: no such file"),
        (["--level", "many", "Good."], "--level: invalid float value: 'many'"),
        (["--format", "csv", "Good."], "invalid choice: 'csv'"),
        (["--level", "11", "Good."], "--level: found 11, wanted one of"),
    ],
)
@pytest.mark.usefixtures("toy")
def test_commands_are_refused_in_one_line(options, message, run_here):
    done = run_here("sentiment.explain", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def toy(monkeypatch):
    """Commands answer with a toy."""
    monkeypatch.setattr(sentiment, "load", lambda *_: build(architecture="cbow"))


@pytest.mark.usefixtures("toy")
def test_explanations_in_every_format(run_here, tmp_path):
    command = ["sentiment.explain", "A good book.", "", "<b> bad"]
    done = run_here(*command)
    assert done.returncode == 0
    text = done.stdout
    assert text.startswith("A good book.\nrating: ")
    assert "   –  (empty text)" in text
    assert text.count("completeness gap") == 2
    records = [json.loads(line) for line in run_here(*command, "--format", "jsonl").stdout.splitlines()]
    assert [record["text"] for record in records] == ["A good book.", "", "<b> bad"]
    assert records[0]["tokens"] == ["A", "good", "book", "."]
    assert records[1]["note"] == "empty text"
    assert f"rating: {records[0]['score']:.3f}" in text
    assert run_here(*command, "--output", tmp_path / "page.html").stdout == ""
    page = (tmp_path / "page.html").read_text()
    assert page.count("<section>") == 2
    assert page.endswith("</html>\n")
    assert ">good</span> <span" in page


@pytest.mark.usefixtures("toy")
def test_a_text_that_cannot_be_explained_keeps_its_place(run_here, monkeypatch):
    def make(model, level, config):
        def explain(text):
            if "bad" in text:
                raise InputError("integrated gradients: not complete")
            return make_explainer(model)(text)

        return explain

    monkeypatch.setattr(sentiment, "make_explainer", make)
    command = ["sentiment.explain", "--format", "jsonl"]
    done = run_here(*command, "good", "bad")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, len(first["weights"]), second["target"]) == (0, 1, None)
    assert second["note"] == "integrated gradients: not complete"
    assert "no explanation: text 2: integrated gradients: not complete" in done.stderr
    assert run_here(*command, "bad").returncode == run_here(*command, "bad", "bad").returncode == 2
    assert run_here(*command, "--strict", "good", "bad").returncode == 2


def test_what_the_model_does_not_read_has_no_weight():
    model = build(architecture="cbow", max_length=5)  # the mark of the beginning, one word from the head, three
    found = make_explainer(model)("good bad good bad good bad good film")
    assert [weight != 0 for weight in found.weights] == [True, *[False] * 4, True, True, True]
    assert found.target == "rating"
    assert make_explainer(model, 3)("good").target == "probability of 3"


def test_levels_are_found_by_their_value():
    model = build(architecture="cbow", min_rating=0.0, max_rating=2.0)
    assert [find_level(model, level) for level in (0, 1.0000001, 2)] == [0, 1, 2]
    for level in (0.5, 1.00001, 3):
        with pytest.raises(InputError, match=rf"--level: found {level:g}, wanted one of 0, 1, 2"):
            find_level(model, level)


def test_gradients_are_not_those_of_rounded_weights():
    class Rounded:
        int8 = True

    rounded = RatingModel(Rounded(), VOCABULARY, settings_of())
    make_explainer(rounded)
    with pytest.raises(InputError, match="--method: --engine onnx-int8 has weights that have no gradients"):
        make_explainer(rounded, config=AttributionConfig("gradient-x-input"))
