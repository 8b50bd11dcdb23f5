"""Our own layers against NumPy by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.networks.layers import AttentionPooling, ChainScores, ExpectedLevel, MaskedPooling, TiedEmbedding

MODES = ("mean", "max", "sum")
LENGTHS = [3, 1]


@pytest.fixture
def inputs():
    return (
        np.random.default_rng(0).normal(-2, 1, (2, 3, 5)).astype("float32")
    )  # below 0: a pad's 0 would be the largest


def mask(time):
    return np.arange(time) < np.array(LENGTHS)[:, None]


def by_hand(mode, inputs):
    summary = {
        "mean": lambda x: x.mean(0),
        "max": lambda x: x.max(0),
        "sum": lambda x: x.sum(0),
    }
    return np.stack([summary[mode](row[:length]) for row, length in zip(inputs, LENGTHS, strict=True)])


@pytest.mark.parametrize("mode", MODES)
def test_pooling_by_hand(mode, inputs):
    pooled = MaskedPooling(mode)(inputs, mask=mask(3))
    assert pooled.shape == (2, 5)
    np.testing.assert_allclose(pooled, by_hand(mode, inputs), rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("filler", [0.0, 1e6, -1e6])
def test_padding_changes_nothing(mode, filler, inputs):
    short = MaskedPooling(mode)(inputs, mask=mask(3))
    garbage = np.where(mask(3)[:, :, None], inputs, np.float32(filler))
    longer = np.concatenate([garbage, np.full((2, 4, 5), filler, "float32")], axis=1)  # (2, 7, 5)
    np.testing.assert_array_equal(MaskedPooling(mode)(longer, mask=mask(7)), short)


@pytest.mark.parametrize("mode", MODES)
def test_pooling_in_bfloat16(mode, inputs):
    pooled = MaskedPooling(mode, dtype="bfloat16")(inputs, mask=mask(3))
    np.testing.assert_allclose(keras.ops.cast(pooled, "float32"), by_hand(mode, inputs), rtol=0.03)


@pytest.mark.parametrize("mode", MODES)
def test_pooling_in_a_model_with_unknown_time(mode, inputs):
    features = keras.Input((None, 5))
    mask_input = keras.Input((None,), dtype="bool")
    pooled = MaskedPooling(mode)(features, mask=mask_input)
    assert pooled.shape == (None, 5)
    assert getattr(pooled, "_keras_mask", None) is None
    model = keras.models.model_from_json(keras.Model([features, mask_input], pooled).to_json())
    assert model.layers[-1].mode == mode
    np.testing.assert_allclose(model([inputs, mask(3)]), by_hand(mode, inputs), rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_reach_real_steps_alone(mode, inputs):
    import tensorflow as tf

    steps = tf.Variable(inputs)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(MaskedPooling(mode)(steps, mask=mask(3)))
    gradient = np.asarray(tape.gradient(total, steps))
    assert (gradient[~mask(3)] == 0).all()
    # The pooled vector is linear in its steps, or picks one: its gradients sum to `count` for each feature.
    count = {"mean": [1, 1], "max": [1, 1], "sum": LENGTHS}[mode]
    np.testing.assert_allclose(gradient.sum(axis=1), np.repeat(np.array(count)[:, None], 5, axis=1), rtol=1e-6)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="'median'; one of mean, max, sum"):
        MaskedPooling("median")


# -- TiedEmbedding --------------------------------------------------------------------------------------------------


def tied_embedding():
    """7 ids, vectors of 5; returns the layer, its matrix and its bias."""
    layer = TiedEmbedding(7, 5)
    layer.build((2, 3))
    rng = np.random.default_rng(0)
    embeddings, bias = rng.normal(size=(7, 5)).astype("float32"), rng.normal(size=7).astype("float32")
    layer.set_weights([embeddings, bias])
    return layer, embeddings, bias


def test_tied_embedding_by_hand():
    layer, embeddings, bias = tied_embedding()
    ids = np.array([[6, 0, 1], [2, 2, 3]], "int32")
    vectors = layer(ids)
    np.testing.assert_array_equal(vectors, embeddings[ids])  # (2, 3, 5)
    scores = layer(vectors, reverse=True)
    assert scores.shape == (2, 3, 7)
    np.testing.assert_allclose(scores, embeddings[ids] @ embeddings.T + bias, rtol=1e-5, atol=1e-5)


def test_tied_embedding_has_one_matrix_that_both_ends_train():
    import tensorflow as tf

    layer, _, _ = tied_embedding()
    assert [weight.shape for weight in layer.weights] == [(7, 5), (7,)]
    with tf.GradientTape() as tape:
        vectors = layer(np.array([[4]], "int32"))
        loss = layer(tf.stop_gradient(vectors), reverse=True)[0, 0, 2] + tf.reduce_sum(vectors)
    gradient = np.asarray(tf.convert_to_tensor(tape.gradient(loss, layer.embeddings.value)))
    assert {int(row) for row in np.flatnonzero(np.abs(gradient).sum(axis=1))} == {4, 2}  # looked up; scored


def test_tied_embedding_in_a_model():
    ids = keras.Input((None,), dtype="int32")
    layer = TiedEmbedding(7, 5)
    model = keras.Model(ids, layer(layer(ids), reverse=True))
    assert model.output.shape == (None, None, 7)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    batch = np.array([[6, 0, 1], [2, 2, 3]], "int32")
    np.testing.assert_array_equal(again(batch), model(batch))


def test_attention_pooling_by_hand(inputs):
    layer = AttentionPooling(4)
    layer.build(inputs.shape)
    rng = np.random.default_rng(3)
    kernel, bias, context = (rng.normal(0, 1, weight.shape).astype("float32") for weight in layer.get_weights())
    layer.set_weights([kernel, bias, context])
    pooled = np.asarray(layer(inputs, mask=mask(3)))
    assert pooled.shape == (2, 5)
    for row, length, result in zip(inputs, LENGTHS, pooled, strict=True):
        scores = np.exp(np.tanh(row[:length] @ kernel + bias) @ context)
        np.testing.assert_allclose(result, (scores / scores.sum()) @ row[:length], rtol=1e-5)


def test_attention_pooling_does_not_see_padding(inputs):
    layer = AttentionPooling(4)
    short = np.asarray(layer(inputs, mask=mask(3)))
    longer = np.concatenate([inputs, np.full((2, 4, 5), 99, "float32")], axis=1)  # (2, 7, 5)
    np.testing.assert_allclose(layer(longer, mask=mask(7)), short, rtol=1e-6)


def test_chain_scores_by_hand():
    emissions = np.arange(12, dtype="float32").reshape(2, 2, 3)  # (batch, time, tags)
    layer = ChainScores(3)
    layer.build(emissions.shape)
    transitions, start = np.arange(9).reshape(3, 3) * 100, np.array([0.1, 0.2, 0.3])
    layer.set_weights([transitions, start])
    scores = np.asarray(layer(emissions))
    assert scores.shape == (2, 2, 3, 3)
    # The first step of the first text: scores 0 1 2 and those of beginning with each tag, whatever was before.
    np.testing.assert_allclose(scores[0, 0], [[0.1, 1.2, 2.3]] * 3)
    # Its second step: scores 3 4 5; from tag 2 to tag 0 costs 600.
    assert scores[0, 1, 2, 0] == 603
    assert scores[1, 1, 0, 2] == 11 + 200
    assert layer(emissions[:, :1]).shape == (2, 1, 3, 3)


# -- Expected level -------------------------------------------------------------------------------------------------

PROBABILITIES = np.array([[0.5, 0.1, 0.4], [0.0, 0.25, 0.75]])  # of the levels 1, 3 and 10
MEANS = [[4.8], [8.25]]  # 0.5 + 0.3 + 4;  0.75 + 7.5
SPREADS = [[(0.5 * 3.8**2 + 0.1 * 1.8**2 + 0.4 * 5.2**2) ** 0.5], [(0.25 * 5.25**2 + 0.75 * 1.75**2) ** 0.5]]


@pytest.mark.parametrize("ordinal", [False, True])
def test_expected_level_by_hand(ordinal):
    above = 1 - PROBABILITIES.cumsum(axis=1)[:, :-1]  # more than 1, more than 3
    with np.errstate(divide="ignore"):
        logits = np.log(above / (1 - above)) if ordinal else np.log(PROBABILITIES)
    mean, spread = ExpectedLevel([1, 3, 10], ordinal)(np.clip(logits, -50, 50).astype("float32"))
    np.testing.assert_allclose(mean, MEANS, rtol=1e-5)
    np.testing.assert_allclose(spread, SPREADS, rtol=1e-5)


@pytest.mark.parametrize("ordinal", [False, True])
def test_a_certain_answer_has_no_spread(ordinal):
    logits = np.array([[90.0, 90, -90, -90]]) if ordinal else np.array([[0, 0, 90.0, 0, 0]])
    mean, spread = ExpectedLevel([1, 2, 3, 4, 5], ordinal)(logits.astype("float32"))
    assert float(mean[0, 0]) == 3
    assert float(spread[0, 0]) == 0


def test_levels_out_of_order_still_have_a_spread():
    """Nothing forces "more than 2" to be likelier than "more than 3"; the mean square may then be below the square."""
    spread = ExpectedLevel([1, 2, 3], True)(np.array([[-9.0, 9.0]], "float32"))[1]
    assert np.isfinite(spread).all()
