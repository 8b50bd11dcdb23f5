"""The same weights in Keras: outputs and derivatives, for every cell, direction and mask."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from from_scratch import gru, lstm, rnn, through_time

CELLS = {"rnn": (rnn, keras.layers.SimpleRNN), "lstm": (lstm, keras.layers.LSTM), "gru": (gru, keras.layers.GRU)}
BATCH, TIME, INPUTS, UNITS = 3, 7, 4, 5
MASKS = {"no mask": None, "padding": np.arange(TIME) < np.array([[7], [3], [5]])}
TOLERANCE = 1e-5

each_cell = pytest.mark.parametrize("cell", CELLS)
each_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


def random_params(cell, seed):
    rng = np.random.default_rng(seed)
    params = cell.init_params(INPUTS, UNITS, rng)
    return {name: rng.normal(0, 0.6, value.shape).astype(np.float32) for name, value in params.items()}


def as_keras(params):
    """Keras' weights in its order; a GRU there has both biases in one array."""
    bias = np.stack([params["b_x"], params["b_h"]]) if "b_x" in params else params["b_h"]
    return [params["W_xh"], params["W_hh"], bias]


def assert_as_keras(layer, x, mask, weights, h, grads, dx):
    """Compare all states, and the derivatives of a loss that weighs the real ones."""
    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        states = layer(inputs, mask=None if mask is None else tf.constant(mask))
        loss = tf.reduce_sum(states * weights)
    found = tape.gradient(loss, [inputs, *(variable.value for variable in layer.trainable_variables)])
    real = np.ones((BATCH, TIME), bool) if mask is None else mask
    np.testing.assert_allclose(h[real], np.asarray(states)[real], atol=TOLERANCE)
    for ours, theirs in zip([dx, *grads], found, strict=True):
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE * np.abs(theirs).max(), rtol=TOLERANCE)


def random_case(mask, num_features):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(BATCH, TIME, INPUTS)).astype(np.float32)
    weights = rng.normal(size=(BATCH, TIME, num_features)).astype(np.float32)
    return x, weights if mask is None else weights * mask[:, :, None]


@each_cell
@each_mask
def test_one_direction(cell, mask):
    ours, theirs = CELLS[cell]
    params, (x, weights) = random_params(ours, 0), random_case(mask, UNITS)
    layer = theirs(UNITS, return_sequences=True)
    layer.build(x.shape)
    layer.set_weights(as_keras(params))
    walk = through_time.forward(ours, x, params, mask=mask)
    grads, dx, _ = through_time.backward(ours, walk, x, params, weights, mask=mask)
    assert_as_keras(layer, x, mask, weights, walk.h, as_keras(grads), dx)


@each_cell
@each_mask
def test_both_directions(cell, mask):
    ours, theirs = CELLS[cell]
    params, (x, weights) = (random_params(ours, 0), random_params(ours, 1)), random_case(mask, 2 * UNITS)
    layer = keras.layers.Bidirectional(theirs(UNITS, return_sequences=True))
    layer.build(x.shape)
    layer.set_weights([*as_keras(params[0]), *as_keras(params[1])])
    h, walks = through_time.both_ways_forward(ours, x, params, mask)
    grads, dx = through_time.both_ways_backward(ours, walks, x, params, weights, mask)
    assert_as_keras(layer, x, mask, weights, h, [*as_keras(grads[0]), *as_keras(grads[1])], dx)
