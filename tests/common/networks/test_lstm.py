"""The LSTM with the written-out backward pass against Keras': states, outputs and every gradient, in each variant."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.networks.layers import PACKAGE
from common.networks.lstm import LSTM

BATCH, TIME, FEATURES, UNITS = 3, 6, 5, 4
MASKS = {
    "no mask": None,
    "right-padded": [6, 2, 4],
    "a row of padding": [6, 0, 3],
}


def run(layer, mask, kernel_scale=0.7):
    """Outputs and gradients of a loss that looks at all of them, in training."""
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32"))
    if isinstance(layer, keras.layers.Bidirectional):
        states = []
    else:
        states = [tf.constant(rng.normal(size=(BATCH, UNITS)).astype("float32")) for _ in range(2)]
    layer(inputs)
    layer.set_weights([rng.normal(0, kernel_scale, weight.shape) for weight in layer.get_weights()])
    lengths = MASKS[mask]
    given = None if lengths is None else tf.constant(np.arange(TIME) < np.array(lengths)[:, None])
    with tf.GradientTape() as tape:
        tape.watch([inputs, *states])
        answers = layer(inputs, initial_state=states or None, mask=given, training=True)
        answers = answers if isinstance(answers, list | tuple) else [answers]
        weights = [tf.constant(rng.normal(size=answer.shape).astype("float32")) for answer in answers]
        loss = sum(tf.reduce_sum(w * tf.cast(a, tf.float32)) for w, a in zip(weights, answers, strict=True))
    gradients = tape.gradient(loss, [inputs, *states, *(v.value for v in layer.trainable_variables)])
    return [np.asarray(loss), *(np.asarray(tf.cast(gradient, tf.float32)) for gradient in gradients)]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [True, False])
def test_gradients_are_those_of_keras(mask, return_sequences, go_backwards):
    settings = {"return_sequences": return_sequences, "go_backwards": go_backwards, "return_state": True}
    found, expected = run(LSTM(UNITS, **settings), mask), run(keras.layers.LSTM(UNITS, **settings), mask)
    assert len(found) == 1 + 1 + 2 + 3
    for one, other in zip(found, expected, strict=True):
        assert np.abs(other).max() > 1e-2
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences", [True, False])
def test_both_directions(mask, return_sequences):
    layers = [
        keras.layers.Bidirectional(kind(UNITS, return_sequences=return_sequences)) for kind in (LSTM, keras.layers.LSTM)
    ]
    for one, other in zip(*(run(layer, mask) for layer in layers), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mask", MASKS)
def test_the_gradient_stays_within_stretches(mask):
    """As if the stretches were read one after the other, with the states as given."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
    weights = rng.normal(size=(BATCH, TIME, UNITS)).astype("float32")
    lengths = MASKS[mask] or [TIME] * BATCH
    given = np.arange(TIME) < np.array(lengths)[:, None]
    layer = LSTM(UNITS, return_sequences=True, return_state=True)
    layer(inputs)
    gradients = []
    for stretches in ([(0, 4), (4, 6)], [(0, 6)]):
        layer.gradient_length = 0 if len(stretches) > 1 else 4
        states, loss = None, 0.0
        with tf.GradientTape() as tape:
            for start, end in stretches:
                states = states and [tf.stop_gradient(state) for state in states]
                piece = tf.constant(inputs[:, start:end])
                answer, *states = layer(piece, initial_state=states, mask=given[:, start:end], training=True)
                loss += tf.reduce_sum(tf.where(given[:, start:end, None], weights[:, start:end] * answer, 0.0))
        gradients.append([np.asarray(g) for g in tape.gradient(loss, [v.value for v in layer.trainable_variables])])
    for one, other in zip(*gradients, strict=True):
        assert np.abs(other).max() > 1e-2
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_stretches_are_refused_where_keras_has_the_loop():
    layer = LSTM(UNITS, activation="relu")
    layer.gradient_length = 3
    with pytest.raises(ValueError, match="gradient_length is 3"):
        layer(np.zeros((BATCH, TIME, FEATURES), "float32"), training=True)


def test_mixed_precision_is_close():
    exact = run(LSTM(UNITS, return_sequences=True, return_state=True), "right-padded")
    policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    rough = run(LSTM(UNITS, return_sequences=True, return_state=True, dtype=policy), "right-padded")
    for one, other in zip(rough[1:], exact[1:], strict=True):
        assert 0 < np.abs(one - other).max() < 0.05 * np.abs(other).max()


def test_outputs_at_padding_are_zero_where_keras_has_zeros():
    inputs = np.random.default_rng(0).normal(size=(2, 5, FEATURES)).astype("float32")
    mask = np.arange(5) < np.array([[3], [5]])
    layer = keras.layers.Bidirectional(LSTM(UNITS, return_sequences=True))
    answer = np.asarray(layer(inputs, mask=mask, training=True))
    assert not answer[0, 3:].any()
    assert answer[mask].any(axis=-1).all()


def calls_of(layer, monkeypatch, training):
    """How often Keras' own loop runs."""
    calls = []
    own = keras.layers.LSTM.inner_loop
    monkeypatch.setattr(keras.layers.LSTM, "inner_loop", lambda *a, **k: calls.append(1) or own(*a, **k))
    layer(np.zeros((2, 3, FEATURES), "float32"), training=training)
    return len(calls)


@pytest.mark.parametrize(
    ("settings", "training", "by_keras"),
    [
        ({}, True, 0),
        ({}, False, 1),
        ({"activation": "relu"}, True, 1),
        ({"recurrent_activation": "hard_sigmoid"}, True, 1),
        ({"use_bias": False}, True, 1),
        ({"dropout": 0.1}, True, 1),
        ({"recurrent_dropout": 0.1}, True, 1),
        ({"unroll": True}, True, 1),
    ],
)
def test_what_it_does_not_cover_is_left_to_keras(settings, training, by_keras, monkeypatch):
    assert calls_of(LSTM(UNITS, **settings), monkeypatch, training) == by_keras


def test_lengths_may_vary_in_a_compiled_step():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, FEATURES))
    outputs = keras.layers.Dense(1)(LSTM(UNITS, return_sequences=True)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.05), "mse")

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, number):
            shape = (2 + number, 3 + 2 * number)
            return np.ones((*shape, FEATURES), "float32"), np.ones((*shape, 1), "float32")

    losses = model.fit(Data(), epochs=6, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def test_it_is_saved_as_an_lstm():
    model = keras.Sequential([keras.Input((None, FEATURES)), LSTM(UNITS)])
    (layer,) = [layer for layer in json.loads(model.to_json())["config"]["layers"] if layer["class_name"] == "LSTM"]
    assert (layer["module"], layer["registered_name"]) == ("common.networks.lstm", f"{PACKAGE}>LSTM")
    again = keras.models.model_from_json(model.to_json())
    assert type(again.layers[0]) is LSTM
    again.set_weights(model.get_weights())
    given = np.random.default_rng(0).normal(size=(2, 3, FEATURES)).astype("float32")
    np.testing.assert_allclose(again(given), model(given), atol=1e-6)
