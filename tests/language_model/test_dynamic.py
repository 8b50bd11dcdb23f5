"""Dynamic evaluation: one step by hand, both variants, a copy that is adapted and not the model, refusals."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.errors import InputError
from common.text.vocabulary import Vocabulary
from language_model.config import DynamicConfig
from language_model.dynamic import DynamicEvaluation
from language_model.evaluate import evaluate
from language_model.loader import encode_text, initial_states
from tests.language_model.toy_model import VOCABULARY, build_reader

TOKENS = ["the", "king", "went", "home", ".", "the", "king"]
STILL = {"learning_rate": 1e-30, "decay": 0.0}  # so small that no weight changes


def learner(model, **settings):
    return DynamicEvaluation(model, DynamicConfig(**{f"dynamic_{name}": value for name, value in settings.items()}))


@pytest.fixture(scope="module")
def model():
    return build_reader(dropout=0.5)


@pytest.fixture(scope="module")
def shared(model):
    """One for all tests that leave it as it is, since compiling takes a second."""
    return learner(model, learning_rate=0.05, decay=0.0, segment=3)


def loss(model, tokens):
    return -np.mean(model.score_tokens([tokens])[0])


@pytest.mark.slow
def test_a_step_goes_down_the_gradient(shared, model):
    """The change of the weights against finite differences of the mean loss."""
    tokens = TOKENS[:2]  # one segment, with the end
    shared.score_tokens([tokens])
    changes = [
        np.asarray(v) - np.asarray(w) for v, w in zip(shared.network.trainable_variables, shared.trained, strict=True)
    ]
    twin = build_reader()
    for number, (variable, change) in enumerate(zip(twin.network.model.trainable_variables, changes, strict=True)):
        place = np.unravel_index(np.abs(change).argmax(), change.shape)
        before, losses = np.array(variable), []
        for step in (0.01, -0.01):
            moved = before.copy()
            moved[place] += step
            variable.assign(moved)
            losses.append(loss(twin, tokens))
        variable.assign(before)
        gradient = (losses[0] - losses[1]) / 0.02
        assert abs(gradient) > 1e-3, "else the comparison proves nothing"
        assert change[place] == pytest.approx(-0.05 * gradient, rel=0.02), number


@pytest.mark.parametrize("stateful", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_each_segment_is_scored_before_it_is_learned(shared, model, stateful):
    texts = [TOKENS, ["home"], TOKENS[::-1]]
    weights = model.network.model.get_weights()
    static = model.score_tokens(texts, stateful)
    adapted = shared.score_tokens(texts, stateful)
    assert [len(row) for row in adapted] == [8, 2, 8]
    np.testing.assert_allclose(adapted[0][:3], static[0][:3], atol=1e-5)
    for row, other in zip(adapted, static, strict=True):
        assert np.abs(row[3:] - other[3:]).max(initial=1) > 1e-3  # and is learned from afterwards
    again = shared.score_tokens(texts, stateful)  # begins with the trained weights
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(adapted))
    for weight, other in zip(model.network.model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, other)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["lstm", "simple-rnn", "fixed-window"])
@pytest.mark.parametrize("reading", [{}, {"stateful": True}, {"stateful": True, "reset_every": 5}])
def test_without_a_change_of_weights_the_scores_are_the_static_ones(architecture, reading):
    model = build_reader(architecture=architecture, tie_embeddings=architecture == "lstm", embedding_dropout=0.5)
    texts = [TOKENS, ["home"], TOKENS[::-1]]
    still = learner(model, segment=3, **STILL)
    found = still.score_tokens(texts, **reading)
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(model.score_tokens(texts, **reading)), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("with_statistics", [False, True])
def test_two_steps_by_the_equation(with_statistics):
    model = build_reader()
    rate, decay, epsilon = 0.003 if with_statistics else 0.3, 0.4, 0.5
    one = learner(model, learning_rate=rate, decay=decay, segment=4, epsilon=epsilon)
    expected = [np.asarray(weight) for weight in one.trained]
    roots, mean = [1.0] * len(expected), 1.0
    if with_statistics:
        one.gather([TOKENS, ["home", "."]])
        roots = [np.sqrt(np.asarray(square)) for square in one.mean_squares]
        mean = np.mean(np.concatenate([root.ravel() for root in roots]))
        epsilons = epsilon * mean
    else:
        epsilons = 0.0
    trained, states = expected, initial_states(model.config, 1)
    ids = np.array([encode_text(TOKENS, VOCABULARY)], np.int32)
    for start in (0, 4):
        for variable, weight in zip(one.network.trainable_variables, expected, strict=True):
            variable.assign(weight)
        piece = ids[:, start : start + 5]
        inputs = {"token_ids": piece[:, :-1], "mask": np.ones((1, piece.shape[1] - 1), bool), **states}
        _, gradients, states = one.differentiate(inputs, piece[:, 1:])
        expected = [
            w - rate * np.asarray(g) / (root + epsilons) + np.minimum(decay * root / mean, 1) * (start_w - w)
            for w, g, root, start_w in zip(expected, gradients, roots, trained, strict=True)
        ]
    one.score_tokens([TOKENS])
    for variable, weight in zip(one.network.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(np.asarray(variable), weight, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_it_helps_where_things_come_again():
    model = build_reader()
    texts = [["home", "king"] * 40] * 2
    static = loss(model, texts[0])
    adapted = learner(model, learning_rate=0.3, decay=0.001, segment=5).score_tokens(texts)
    assert -adapted[0].mean() < static - 0.2
    assert -adapted[1].mean() < -adapted[0].mean()  # what was learned goes on from text to text


# -- Refusals -------------------------------------------------------------------------------------------------------


def test_what_cannot_be_adapted_is_refused(model, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(model.network, "int8", True, raising=False)
        with pytest.raises(InputError, match="--dynamic: --engine onnx-int8 has weights that cannot be adapted"):
            learner(model)
    with monkeypatch.context() as patch:
        patch.setattr(model, "vocabulary", Vocabulary(["the"]))
        with pytest.raises(InputError, match="--dynamic: the network of this bundle is not that of its settings"):
            learner(model)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(InputError, match="--dynamic: found Keras on torch, wanted TensorFlow"):
        learner(model)


@pytest.mark.slow
def test_weights_that_diverge_are_an_error(shared, monkeypatch):
    monkeypatch.setattr(shared, "config", DynamicConfig(dynamic_learning_rate=1e30, dynamic_segment=3))
    with pytest.raises(
        InputError, match=r"--dynamic-learning-rate: with 1e\+30 the weights diverge; give a smaller one"
    ):
        shared.score_tokens([TOKENS])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dynamic-decay", "0.1"], "--dynamic-decay: is for dynamic evaluation; add --dynamic"),
        (["--dynamic", "--engine", "onnx-int8"], "--dynamic: --engine onnx-int8 has weights that cannot be adapted"),
        (["--dynamic", "--dynamic-segment", "0"], "--dynamic-segment: found 0, wanted from 1 to 10,000"),
    ],
)
def test_wrong_options(options, message, run_here):
    done = run_here("language_model.evaluate", "--test", "language_model/dataset/test.csv", *options)
    assert done.returncode == 2
    assert message in done.stderr


# -- The column -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("train", [None, ["The king went home. The king."] * 30])
def test_its_scores_stand_in_a_column_of_their_own(train, capsys):
    model = build_reader()
    texts = ["the king went home.", "the king. home."] * 6
    scores = evaluate(model, texts, train=train, dynamic=DynamicConfig())
    static = evaluate(model, texts, train=train)
    assert [*scores.baselines] == [*static.baselines, "model, dynamic"]
    assert dict(scores) == dict(static)
    assert scores.baselines["model, dynamic"]["perplexity"] < scores["perplexity"]
    said = capsys.readouterr().err
    assert f"dynamic evaluation: {'RMS of gradients on' if train else 'SGD, as there is no --train'}" in said
