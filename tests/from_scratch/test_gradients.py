"""Every derivative of cells, directions, stacks, perceptrons, losses and the CRF, against differences of the loss."""

from __future__ import annotations

import numpy as np
import pytest

from from_scratch import crf, encoder_decoder, gru, losses, lstm, mlp, rnn, through_time
from from_scratch.gradient_check import largest_errors, numeric_gradient

CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}
BATCH, TIME, INPUTS, UNITS, CLASSES = 3, 7, 5, 2, 6  # all differ, and from twice the units: a mix-up shows
MASKS = {"no mask": None, "padding": np.arange(TIME) < np.array([[7], [3], [5]])}
LARGEST = 1e-7

each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
each_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


def random_params(cell, num_inputs=INPUTS, seed=0):
    """Parameters that are all far from zero, biases too."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 0.6, value.shape) for name, value in cell.init_params(num_inputs, UNITS, rng).items()}


def random_case(seed=1):
    """An input, the true class at each step, and weights from states to classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(BATCH, TIME, INPUTS))
    return x, rng.integers(0, CLASSES, (BATCH, TIME)), rng.normal(size=(UNITS, CLASSES))


def assert_right(loss, values, grads):
    errors = largest_errors(loss, values, grads)
    assert errors
    assert max(errors.values()) < LARGEST, errors


@each_cell
@each_mask
def test_cells_at_every_step(cell, mask):
    """A class is read off every real step, and the last state counts too; the first state is learned."""
    params, (x, targets, W_hy) = random_params(cell), random_case()
    rng = np.random.default_rng(2)
    state = {name: rng.normal(size=(BATCH, UNITS)) for name in cell.init_state(BATCH, params)}
    dlast = {name: rng.normal(size=(BATCH, UNITS)) for name in state}

    def walk():
        return through_time.forward(cell, x, params, state, mask)

    def loss():
        found = walk()
        last = sum((dlast[name] * found.last[name]).sum() for name in dlast)
        return losses.softmax_cross_entropy(found.h @ W_hy, targets, mask)[0] + last

    found = walk()
    dh = losses.softmax_cross_entropy(found.h @ W_hy, targets, mask)[1] @ W_hy.T
    grads, dx, dstate = through_time.backward(cell, found, x, params, dh, dlast, mask)
    before = {f"before {name}": value for name, value in state.items()}
    dbefore = {f"before {name}": value for name, value in dstate.items()}
    assert_right(loss, {**params, **before, "x": x}, {**grads, **dbefore, "x": dx})


@each_cell
@each_mask
@pytest.mark.parametrize("counted", ["last", "last three"])
def test_cells_with_targets_at_the_end(cell, mask, counted):
    params, (x, targets, W_hy) = random_params(cell), random_case()
    lengths = np.full(BATCH, TIME) if mask is None else mask.sum(axis=1)
    width = {"last": 1, "last three": 3}[counted]
    places = np.arange(TIME)
    wanted = (places < lengths[:, None]) & (places >= lengths[:, None] - width)

    def loss():
        return losses.softmax_cross_entropy(through_time.forward(cell, x, params, mask=mask).h @ W_hy, targets, wanted)[
            0
        ]

    walk = through_time.forward(cell, x, params, mask=mask)
    dh = losses.softmax_cross_entropy(walk.h @ W_hy, targets, wanted)[1] @ W_hy.T
    grads, _, _ = through_time.backward(cell, walk, x, params, dh, mask=mask)
    assert_right(loss, params, grads)


@each_cell
@each_mask
def test_stacked_cells_that_read_both_ways(cell, mask):
    x, targets, W_hy = random_case()
    W_hy = np.concatenate([W_hy, -0.5 * W_hy])
    sides = random_params(cell, seed=3), random_params(cell, seed=4)
    top = random_params(cell, 2 * UNITS, 5), random_params(cell, 2 * UNITS, 6)

    def read(counted=None):
        h, walks = through_time.both_ways_forward(cell, x, sides, mask)
        h_top, top_walks = through_time.both_ways_forward(cell, h, top, mask)
        return h, walks, h_top, top_walks

    def loss():
        return losses.softmax_cross_entropy(read()[2] @ W_hy, targets, mask)[0]

    h, walks, h_top, top_walks = read()
    dh_top = losses.softmax_cross_entropy(h_top @ W_hy, targets, mask)[1] @ W_hy.T
    top_grads, dh = through_time.both_ways_backward(cell, top_walks, h, top, dh_top, mask)
    grads, dx = through_time.both_ways_backward(cell, walks, x, sides, dh, mask)
    for params, found in zip((*sides, *top), (*grads, *top_grads), strict=True):
        assert_right(loss, params, found)
    assert_right(loss, {"x": x}, {"x": dx})


@each_cell
def test_encoder_and_decoder(cell):
    """The decoder begins in the last state of the encoder, whose padding is skipped; no other state is read off."""
    rng, mask = np.random.default_rng(7), np.arange(4) < np.array([[4], [2], [3]])
    x, before, targets = rng.normal(size=(BATCH, 4, 3)), rng.normal(size=(BATCH, 5, 4)), rng.integers(0, 6, (BATCH, 5))
    params = {"encoder": random_params(cell, 3, 1), "decoder": random_params(cell, 4, 2)}
    params["output"] = {"W_hy": rng.normal(size=(UNITS, CLASSES)), "b_y": rng.normal(size=CLASSES)}

    def loss():
        return losses.softmax_cross_entropy(encoder_decoder.forward(cell, x, before, params, mask).logits, targets)[0]

    found = encoder_decoder.forward(cell, x, before, params, mask)
    dlogits = losses.softmax_cross_entropy(found.logits, targets)[1]
    grads = encoder_decoder.backward(cell, found, x, before, params, dlogits, mask)
    for part, named in params.items():
        assert_right(loss, named, grads[part])


@each_cell
def test_stacked_cells(cell):
    x, targets, W_hy = random_case()
    layers = [random_params(cell, seed=3), random_params(cell, UNITS, 4), random_params(cell, UNITS, 5)]

    def loss():
        top = through_time.stacked_forward(cell, x, layers)[-1]
        return losses.softmax_cross_entropy(top.h @ W_hy, targets)[0]

    walks = through_time.stacked_forward(cell, x, layers)
    dh = losses.softmax_cross_entropy(walks[-1].h @ W_hy, targets)[1] @ W_hy.T
    grads, dx = through_time.stacked_backward(cell, walks, x, layers, dh)
    for params, found in zip(layers, grads, strict=True):
        assert_right(loss, params, found)
    assert_right(loss, {"x": x}, {"x": dx})


@each_cell
def test_truncated_gradients_are_those_of_stretches(cell):
    """Stretches of three steps, each begun with the state that the one before left, as a constant."""
    params, (x, targets, W_hy) = random_params(cell), random_case()
    whole = through_time.forward(cell, x, params)
    starts = {0: None} | {t: whole.before[t] for t in (3, 6)}

    def loss():
        pieces = [through_time.forward(cell, x[:, t : t + 3], params, state).h for t, state in starts.items()]
        return losses.softmax_cross_entropy(np.concatenate(pieces, axis=1) @ W_hy, targets)[0]

    dh = losses.softmax_cross_entropy(whole.h @ W_hy, targets)[1] @ W_hy.T
    grads, _, _ = through_time.backward(cell, whole, x, params, dh, truncate=3)
    assert_right(loss, params, grads)
    full, _, _ = through_time.backward(cell, whole, x, params, dh)
    assert np.abs(full["W_hh"] - grads["W_hh"]).max() > 1e-3


@pytest.mark.parametrize("activations", [("sigmoid", "linear"), ("tanh", "sigmoid", "tanh"), ("linear",)])
@pytest.mark.parametrize("biases", [True, False])
def test_perceptron(activations, biases):
    rng = np.random.default_rng(0)
    params = mlp.init_params([INPUTS, *[UNITS] * (len(activations) - 1), 2], rng)
    params = {n: rng.normal(size=v.shape) for n, v in params.items() if biases or n.startswith("W")}
    x, target = rng.normal(size=(BATCH, INPUTS)), rng.normal(size=(BATCH, 2))

    def loss():
        return losses.squared_error(mlp.forward(x, params, activations)[-1], target)[0]

    said = mlp.forward(x, params, activations)
    grads, dx = mlp.backward(losses.squared_error(said[-1], target)[1], said, params, activations)
    assert set(grads) == set(params)
    assert_right(loss, {**params, "x": x}, {**grads, "x": dx})


@pytest.mark.parametrize("name", ["squared_error", "sigmoid_cross_entropy"])
def test_losses_of_numbers(name):
    rng = np.random.default_rng(0)
    answer, target = rng.normal(size=(2, 3, 4)), rng.uniform(size=(2, 3, 4))
    function = getattr(losses, name)
    assert_right(lambda: function(answer, target)[0], {"answer": answer}, {"answer": function(answer, target)[1]})


def test_losses_by_hand():
    logits = np.log(np.array([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]))
    value, _ = losses.softmax_cross_entropy(logits, np.array([[0, 1]]))
    assert value == pytest.approx((np.log(2) + np.log(10)) / 2)
    value, dlogits = losses.softmax_cross_entropy(logits, np.array([[0, 1]]), np.array([[True, False]]))
    assert value == pytest.approx(np.log(2))
    assert not dlogits[0, 1].any()
    assert losses.sigmoid_cross_entropy(np.array([0.0, 800.0]), np.array([1.0, 1.0]))[0] == pytest.approx(np.log(2) / 2)


def test_crf():
    rng = np.random.default_rng(0)
    num_tags = 4
    emissions, tags = rng.normal(size=(BATCH, TIME, num_tags)), rng.integers(0, num_tags, (BATCH, TIME))
    params = {n: rng.normal(size=v.shape) for n, v in crf.init_params(num_tags, rng).items()}
    for mask in (np.ones((BATCH, TIME), bool), MASKS["padding"]):
        _, grads, demissions = crf.loss_and_grads(emissions, params, tags, mask)
        assert_right(
            lambda mask=mask: crf.loss_and_grads(emissions, params, tags, mask)[0],
            {**params, "emissions": emissions},
            {**grads, "emissions": demissions},
        )
        assert not demissions[~mask].any()


def test_the_check_itself_can_fail():
    values = {"w": np.array([1.0, 2.0])}

    def loss():
        return float((values["w"] ** 3).sum())

    right = 3 * values["w"] ** 2
    assert largest_errors(loss, values, {"w": right})["w"] < 1e-9
    assert largest_errors(loss, values, {"w": right + np.array([0, 1e-5])})["w"] > LARGEST
    with pytest.raises(ValueError, match="the largest derivative is"):
        largest_errors(lambda: 1.0, values, {"w": np.zeros(2)})
    assert values["w"].tolist() == [1, 2]
    np.testing.assert_allclose(numeric_gradient(loss, values["w"]), right)
