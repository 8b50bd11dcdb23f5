"""States of the ONNX graph and gates in NumPy, against Keras and against the cells of from_scratch."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from common.bundles.bundle import open_network
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.errors import InputError
from common.inference.states import LayerStates, RecurrentLayer, StateReader
from common.networks.lstm import LSTM
from from_scratch import lstm
from interpretability.gates import ACTIVATIONS, find_gates

BATCH, STEPS, FEATURES, UNITS = 3, 6, 4, 5
LENGTHS = (6, 1, 4)
CELLS = {"lstm": LSTM, "gru": keras.layers.GRU, "simple-rnn": keras.layers.SimpleRNN}
TOLERANCE = 1e-5


def make_inputs():
    rng = np.random.default_rng(0)
    mask = np.arange(STEPS) < np.array(LENGTHS)[:, None]
    return {"vectors": rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32"), "mask": mask}


def open_layer(layer, folder):
    """Save a network of one layer with large random weights; returns it, and what reads its states."""
    vectors, mask = keras.Input((None, FEATURES), name="vectors"), keras.Input((None,), dtype="bool", name="mask")
    results = layer(vectors, mask=mask)
    if isinstance(results, list | tuple):
        results = dict(zip(("steps", "h", "c"), results, strict=True))
    network = keras.Model({"vectors": vectors, "mask": mask}, results)
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(0, 0.7, weight.shape) for weight in network.get_weights()])
    (folder / MODEL_FILE).write_text(network.to_json())
    network.save_weights(folder / WEIGHTS_FILE)
    return network, StateReader(open_network(folder).architecture)


def real(values, row):
    return values[row, : LENGTHS[row]]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_states_of_the_graph_are_those_of_keras(kind, backwards, tmp_path):
    layer = CELLS[kind](UNITS, return_sequences=True, go_backwards=backwards, name="recurrent_0")
    network, reader = open_layer(layer, tmp_path)
    inputs = make_inputs()
    wanted = np.asarray(network(inputs))  # (batch, time, units)
    found = reader(inputs)["recurrent_0"].states
    assert np.abs(found).max() > 0.5
    for row in range(BATCH):
        steps = wanted[row][::-1] if backwards else wanted[row]  # Keras gives the order of reading: padding first
        np.testing.assert_allclose(real(found, row), steps[: LENGTHS[row]], atol=TOLERANCE)


def test_both_directions_of_a_layer_are_told_apart(tmp_path):
    layer = keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True), name="recurrent_0")
    network, reader = open_layer(layer, tmp_path)
    inputs = make_inputs()
    wanted, found = np.asarray(network(inputs)), reader(inputs)
    assert [(name, each.backwards) for name, each in reader.layers.items()] == [
        ("recurrent_0.forward", False),
        ("recurrent_0.backward", True),
    ]
    for row in range(BATCH):
        both = np.concatenate([real(each.states, row) for each in found.values()], axis=-1)
        np.testing.assert_allclose(both, real(wanted, row), atol=TOLERANCE)


@pytest.mark.parametrize("backwards", [False, True])
def test_cells_of_an_lstm_are_those_of_keras_and_give_its_states(backwards, tmp_path):
    layer = LSTM(UNITS, return_sequences=True, return_state=True, go_backwards=backwards, name="recurrent_0")
    network, reader = open_layer(layer, tmp_path)
    inputs = make_inputs()
    last_cell = np.asarray(network(inputs)["c"])  # (batch, units)
    found = reader(inputs)["recurrent_0"]
    gates = find_gates(reader.layers["recurrent_0"], found, inputs["mask"])
    for row in range(BATCH):
        last = 0 if backwards else LENGTHS[row] - 1
        np.testing.assert_allclose(gates["c"][row, last], last_cell[row], atol=TOLERANCE)
        states = real(gates["o"] * np.tanh(gates["c"]), row)
        np.testing.assert_allclose(states, real(found.states, row), atol=TOLERANCE)


@pytest.mark.parametrize("reset_after", [False, True])
def test_gates_of_a_gru_give_its_states(reset_after, tmp_path):
    layer = keras.layers.GRU(UNITS, return_sequences=True, reset_after=reset_after, name="recurrent_0")
    _, reader = open_layer(layer, tmp_path)
    inputs = make_inputs()
    found = reader(inputs)["recurrent_0"]
    gates = find_gates(reader.layers["recurrent_0"], found, inputs["mask"])
    for row in range(BATCH):
        before = np.zeros(UNITS)
        for z, g, h in zip(*(real(values, row) for values in (gates["z"], gates["g"], found.states)), strict=True):
            np.testing.assert_allclose(z * before + (1 - z) * g, h, atol=TOLERANCE)
            before = h


def test_gates_are_those_of_the_cell_that_goes_step_by_step():
    rng = np.random.default_rng(2)
    params = lstm.init_params(FEATURES, UNITS, rng)
    params["b_h"] = rng.normal(size=4 * UNITS)
    inputs, state = rng.normal(size=(BATCH, STEPS, FEATURES)), lstm.init_state(BATCH, params)
    states, kept = [], []
    for t in range(STEPS):
        state, parts = lstm.step(inputs[:, t], state, params)
        states.append(state["h"])
        kept.append({**parts, "c": state["c"]})
    layer = RecurrentLayer(
        "recurrent_0", "LSTM", {"recurrent_activation": "sigmoid", "activation": "tanh"},
        [params["W_xh"], params["W_hh"], params["b_h"]], False,
    )  # fmt: skip
    gates = find_gates(layer, LayerStates(inputs, np.stack(states, axis=1)))
    for name in ("i", "f", "g", "o", "c"):
        np.testing.assert_allclose(gates[name], np.stack([parts[name] for parts in kept], axis=1), atol=1e-12)


def test_a_network_without_recurrent_layers_is_refused(tmp_path):
    vectors = keras.Input((FEATURES,), name="vectors")
    network = keras.Model({"vectors": vectors}, keras.layers.Dense(UNITS)(vectors))
    (tmp_path / MODEL_FILE).write_text(network.to_json())
    network.save_weights(tmp_path / WEIGHTS_FILE)
    with pytest.raises(InputError, match="no recurrent layer"):
        StateReader(open_network(tmp_path).architecture)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_keras(name):
    values = np.linspace(-5, 5, 21, dtype="float32")
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(values))
    np.testing.assert_allclose(ACTIVATIONS[name](values), expected, atol=1e-6)
