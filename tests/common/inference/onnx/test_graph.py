"""The ONNX graph against Keras under the same random weights, layer by layer and model by model."""

from __future__ import annotations

import itertools
import json
from functools import partial
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers

import common.bundles.gate
import language_model.model
import pos_tagging.model
import sentiment.model
from common.bundles.bundle import open_bundle, open_network
from common.bundles.file_names import MANIFEST_FILE, MODEL_FILE, WEIGHTS_FILE
from common.bundles.gate import read_architecture
from common.bundles.weights_file import round_to_half, store_halves
from common.errors import InputError
from common.inference.engine import OnnxEngine
from common.inference.keras_engine import load_model
from common.inference.onnx.export import whole_graph
from common.inference.onnx.graph import build_network
from common.networks.layers import (
    AttentionPooling,
    ChainScores,
    EmbeddingDropout,
    ExpectedLevel,
    FlipTime,
    MaskedPooling,
    SlidingWindow,
    TakeRows,
    TiedEmbedding,
)
from common.networks.specs.table import SPECS
from common.networks.specs.translation import ACTIVATIONS, SOFTMAXES, NotCovered
from language_model.config import LanguageModelConfig
from pos_tagging.config import TaggingConfig
from sentiment.config import POOLINGS, SentimentConfig

# Keras doubts the attention over a single step.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis 1")

ROOT = Path(__file__).resolve().parents[4]
TOLERANCE = 1e-5  # of the largest number of an output, if that is above 1, as it is among the cells of an LSTM
VOCAB_SIZE, FEATURES, UNITS = 11, 6, 4
RATING = {"min_rating": 1.0, "max_rating": 10.0, "head": "categorical", "ngrams": 0}

IDS = keras.Input((None,), dtype="int32", name="ids")
MASK = keras.Input((None,), dtype="bool", name="mask")
VECTORS = keras.Input((None, FEATURES), name="vectors")
ROWS = keras.Input((FEATURES,), name="rows")
STATES = [keras.Input((UNITS,), name=f"state_{number}") for number in range(4)]
INPUTS = {tensor.name: tensor for tensor in (IDS, MASK, VECTORS, ROWS, *STATES)}

# Number of steps; the length of each row.
LENGTHS = {
    "one step": (1, [1]),
    "one step of padding": (1, [0]),
    "one padded row": (3, [2]),
    "no padding": (3, [3] * 5),
    "padding": (3, [3, 1, 2, 3, 1]),
    "rows of padding only": (3, [number % 4 for number in range(33)]),
}


def make_batch(seed, num_steps, lengths):
    rng = np.random.default_rng(seed)
    shape = (len(lengths), num_steps)
    return {
        "ids": rng.integers(0, VOCAB_SIZE, shape, dtype=np.int32),
        "mask": np.arange(num_steps) < np.array(lengths)[:, None],
        "vectors": rng.normal(size=(*shape, FEATURES)).astype("float32"),
        "rows": rng.normal(size=(len(lengths), FEATURES)).astype("float32"),
        **{state.name: rng.normal(size=(len(lengths), UNITS)).astype("float32") for state in STATES},
    }


BATCHES = {name: make_batch(seed, *lengths) for seed, (name, lengths) in enumerate(LENGTHS.items())}
PADDED = BATCHES["padding"]


def batches(*names):
    return {name: BATCHES[name] for name in names}


def build(outputs, scale=0.4):
    """A model of all inputs with random weights, biases among them; `outputs` is a tensor, or tensors by name."""
    return randomise(keras.Model(INPUTS, outputs), scale)


def randomise(model, scale=0.4):
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, scale, weight.shape) for weight in model.get_weights()])
    return model


def save(model, folder, change=None):
    """Write the two files of a network; `change` edits the architecture."""
    content = json.loads(model.to_json())
    if change:
        change(content)
    (folder / MODEL_FILE).write_text(json.dumps(content))
    model.save_weights(folder / WEIGHTS_FILE)
    return folder


def translate(model, folder):
    save(model, folder)
    return build_network(read_architecture(folder / MODEL_FILE, folder / WEIGHTS_FILE))


def open_engine(model, folder, int8=False):
    return OnnxEngine(open_network(save(model, folder)), num_threads=1, int8=int8)


def test_a_table_in_half_precision_stays_so_and_gives_the_same_rows(tmp_path):
    model = randomise(keras.Model(IDS, layers.LSTM(UNITS)(layers.Embedding(VOCAB_SIZE, FEATURES)(IDS))))
    model.set_weights([round_to_half(weight) for weight in model.get_weights()])
    single = open_engine(model, tmp_path)(PADDED)
    store_halves(tmp_path / WEIGHTS_FILE)
    architecture = read_architecture(tmp_path / MODEL_FILE, tmp_path / WEIGHTS_FILE)
    assert [table.dtype for table in build_network(architecture).tables.values()] == [np.float16]
    np.testing.assert_array_equal(OnnxEngine(open_network(tmp_path), num_threads=1)(PADDED), single)
    for layer in load_model(open_network(tmp_path)).layers:  # Keras computes in single precision
        assert {weight.dtype for weight in layer.get_weights()} <= {np.dtype(np.float32)}


def answers_of_keras(model, inputs):
    return model({name: inputs[name] for name in model.input}, training=False)


def differences(found, expected):
    """The outputs that differ at any position, padding included, and by how much."""
    if not isinstance(expected, dict):
        found, expected = {"output": found}, {"output": expected}
    assert list(found) == list(expected)
    largest = {}
    for name, array in expected.items():
        array = np.asarray(array)
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype), name
        largest[name] = np.abs(found[name] - array).max(initial=0) / max(np.abs(array).max(initial=0), 1)
    return {name: difference for name, difference in largest.items() if not difference <= TOLERANCE}


def assert_same(found, expected):
    assert differences(found, expected) == {}


def assert_as_keras(model, folder, given=None):
    """Compare on batches by name, all of `BATCHES` by default; a failure names the batch and the outputs."""
    assert_engine_as_keras(model, open_engine(model, folder), BATCHES if given is None else given)


def assert_engine_as_keras(model, engine, given):
    """The engine reads batch after batch. Keras reads those of one length together: its rows know nothing of others."""
    wrong = {}
    for num_steps in {inputs["mask"].shape[1] for inputs in given.values()}:
        together = {name: inputs for name, inputs in given.items() if inputs["mask"].shape[1] == num_steps}
        joined = {key: np.concatenate([inputs[key] for inputs in together.values()]) for key in model.input}
        expected, start = answers_of_keras(model, joined), 0
        for name, inputs in together.items():
            rows = slice(start, start := start + len(inputs["mask"]))
            wrong[name] = differences(engine(inputs), keras.tree.map_structure(lambda a, rows=rows: a[rows], expected))
    assert {name: found for name, found in wrong.items() if found} == {}


def name_each(name, results):
    """A layer's result, or all of its results, as outputs of a model."""
    results = results if isinstance(results, list | tuple) else [results]
    return {f"{name}, result {number}": tensor for number, tensor in enumerate(results)}


def describe(settings):
    return ", ".join(f"{name}={value}" for name, value in settings.items())


# -- Recurrent layers -----------------------------------------------------------------------------------------------

KINDS = {
    "simple-rnn": layers.SimpleRNN,
    "gru": layers.GRU,
    "gru-reset-before": partial(layers.GRU, reset_after=False),
    "lstm": layers.LSTM,
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_wrapper = pytest.mark.parametrize(
    "wrapper", [lambda layer: layer, layers.Bidirectional], ids=["one way", "both ways"]
)


def choices(*names):
    """Every combination of settings that are on or off."""
    for values in itertools.product([False, True], repeat=len(names)):
        yield dict(zip(names, values, strict=True))


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory):
    """A function from a kind to a model of one direction with all combinations of settings, and its engine."""

    def build_all(kind):
        outputs = {}
        combinations = [*choices("return_sequences", "go_backwards", "masked", "started")]
        combinations += [settings | {"use_bias": False} for settings in choices("return_sequences", "masked")]
        combinations += [settings | {"zero_output_for_mask": True} for settings in choices("go_backwards", "started")]
        for settings in combinations:
            outputs |= name_results(KINDS[kind], kind, settings)
        return build(outputs)

    return remember_models(build_all, tmp_path_factory)


MERGES = ("concat", "sum", "mul", "ave", None)


@pytest.fixture(scope="module")
def bidirectional(tmp_path_factory):
    """A function from a kind to a model of both directions with all combinations of settings, and its engine."""

    def build_all(kind):
        def both(*args, merge_mode="concat", **settings):
            return layers.Bidirectional(KINDS[kind](*args, **settings), merge_mode=merge_mode)

        outputs = {}
        combinations = [*choices("return_sequences", "masked", "started")]
        for merge_mode in MERGES[1:]:  # the first is the default
            combinations += [settings | {"merge_mode": merge_mode} for settings in choices("return_sequences")]
        for settings in combinations:
            outputs |= name_results(both, kind, settings, num_directions=2)
        return build(outputs)

    return remember_models(build_all, tmp_path_factory)


def name_results(make_layer, kind, settings, num_directions=1):
    """The steps and the states of a layer, under names that tell its settings."""
    settings = {"return_sequences": True, "masked": True, "started": True} | settings
    described = describe(settings)
    masked, started = settings.pop("masked"), settings.pop("started")
    layer = make_layer(UNITS, return_state=True, **settings)
    start = STATES[: num_directions * (2 if kind == "lstm" else 1)] if started else None
    return name_each(described, layer(VECTORS, initial_state=start, mask=MASK if masked else None))


def remember_models(build_all, tmp_path_factory):
    models = {}

    def get(kind):
        if kind not in models:
            model = build_all(kind)
            models[kind] = model, open_engine(model, tmp_path_factory.mktemp("model"))
        return models[kind]

    return get


@each_kind
def test_one_direction(kind, recurrent):
    assert_engine_as_keras(*recurrent(kind), BATCHES)


@each_kind
def test_both_directions(kind, bidirectional):
    assert_engine_as_keras(*bidirectional(kind), BATCHES)


@each_kind
def test_both_directions_without_states_and_biases(kind, tmp_path):
    outputs = {}
    for settings in choices("return_sequences", "use_bias"):
        for merge_mode in ("concat", None):
            both = layers.Bidirectional(KINDS[kind](UNITS, **settings), merge_mode=merge_mode)
            outputs |= name_each(describe({"merge_mode": merge_mode, **settings}), both(VECTORS, mask=MASK))
    assert_as_keras(build(outputs), tmp_path, batches("padding"))


@each_kind
def test_two_layers_given_for_the_two_directions(kind, tmp_path):
    backward = KINDS[kind](UNITS, return_sequences=True, go_backwards=True)
    both = layers.Bidirectional(KINDS[kind](UNITS, return_sequences=True), backward_layer=backward)
    assert_as_keras(build(both(VECTORS, mask=MASK)), tmp_path, batches("padding"))


@each_kind
@each_wrapper
def test_stacked_layers(kind, wrapper, tmp_path):
    states = VECTORS
    for units in (UNITS, 5, 3):
        states = wrapper(KINDS[kind](units, return_sequences=True))(states, mask=MASK)
    last = wrapper(KINDS[kind](2))(states, mask=MASK)
    given = batches("one padded row", "rows of padding only")
    assert_as_keras(build({"states": states, "last": last}), tmp_path, given)


@each_kind
def test_a_layer_called_twice_has_its_weights_once(kind, tmp_path):
    layer = KINDS[kind](UNITS, return_sequences=True)
    model = build({"first": layer(VECTORS, mask=MASK), "second": layer(layers.Dense(FEATURES)(VECTORS))})
    assert_as_keras(model, tmp_path, batches("padding"))
    network = build_network(read_architecture(tmp_path / MODEL_FILE, tmp_path / WEIGHTS_FILE))
    assert len(network.weights) == 3 + 2


SMALL = 0.2  # scale of the weights: without a bound states grow, and their rounding errors with them


ACTIVATED = [*ACTIVATIONS, "linear"]
NEIGHBOURS = list(zip(ACTIVATED, ACTIVATED[1:] + ACTIVATED[:1], strict=True))  # each once in each place
EVERY_PAIR = list(itertools.product(ACTIVATED, repeat=2))


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize(
    "pairs", [NEIGHBOURS, pytest.param(EVERY_PAIR, marks=pytest.mark.slow)], ids=["each in each place", "every pair"]
)
def test_activations_of_gates_and_states(pairs, kind, tmp_path):
    outputs = {}
    for recurrent_activation, activation in pairs:
        settings = {"recurrent_activation": recurrent_activation, "activation": activation}
        outputs[describe(settings)] = KINDS[kind](UNITS, return_sequences=True, **settings)(VECTORS)
    assert_as_keras(build(outputs, SMALL), tmp_path, batches("padding"))


@pytest.mark.parametrize("kind", ["gru", "gru-reset-before", "lstm"])
def test_activations_of_both_directions(kind, tmp_path):
    outputs = {}
    for recurrent_activation, activation in NEIGHBOURS:
        settings = {"recurrent_activation": recurrent_activation, "activation": activation}
        outputs[describe(settings)] = layers.Bidirectional(KINDS[kind](UNITS, **settings))(VECTORS)
    assert_as_keras(build(outputs, SMALL), tmp_path, batches("padding"))


@each_wrapper
def test_every_activation_of_a_simple_rnn(wrapper, tmp_path):
    outputs = {
        activation: wrapper(layers.SimpleRNN(UNITS, return_sequences=True, activation=activation))(VECTORS)
        for activation in ACTIVATED
    }
    assert_as_keras(build(outputs, SMALL), tmp_path, batches("padding"))


# -- Dynamic int8 quantization --------------------------------------------------------------------------------------


@pytest.mark.parametrize("directions", ["recurrent", "bidirectional"])
def test_an_lstm_in_8_bits_is_close_and_not_the_same(directions, request, tmp_path):
    model, engine = request.getfixturevalue(directions)("lstm")
    engine_in_8_bits = open_engine(model, tmp_path, int8=True)
    for batch, inputs in BATCHES.items():
        found, expected = engine_in_8_bits(inputs), engine(inputs)
        largest = max(np.abs(found[name] - array).max(initial=0) for name, array in expected.items())
        assert largest < 0.05, batch
        assert largest > 1e-4 or not inputs["mask"].any(), batch


def words_and_letters():
    """Vectors of words beside filters over them, two layers of LSTM, the first in both directions; states, too."""
    vectors = layers.Embedding(VOCAB_SIZE, FEATURES)(IDS)
    filters = layers.Conv1D(5, 3, padding="same", activation="relu")(vectors)
    both = layers.Concatenate()([vectors, filters])
    steps = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))(both, mask=MASK)
    top = layers.LSTM(UNITS)(steps, mask=MASK)
    going_on = layers.LSTM(UNITS, return_sequences=True)(vectors, mask=MASK, initial_state=STATES[:2])
    return build({"steps": steps, "top": top, "going on": going_on}, 0.8)


def test_a_row_in_8_bits_is_rounded_alike_in_any_company(tmp_path):
    engine = open_engine(words_and_letters(), tmp_path, int8=True)
    for inputs in BATCHES.values():
        inputs = {name: np.clip(value, -1, 1) if "state" in name else value for name, value in inputs.items()}
        together = engine(inputs)
        for row in range(len(inputs["mask"])):
            alone = engine({name: value[row : row + 1] for name, value in inputs.items()})
            for name, value in alone.items():
                np.testing.assert_array_equal(value[0], together[name][row], err_msg=name)


def test_an_lstm_in_8_bits_without_biases(tmp_path):
    model = build(layers.LSTM(UNITS, use_bias=False)(VECTORS, mask=MASK))
    expected = answers_of_keras(model, PADDED)
    np.testing.assert_allclose(open_engine(model, tmp_path, int8=True)(PADDED), expected, rtol=0, atol=0.02)


def test_a_column_of_zeros_in_8_bits(tmp_path):
    model = build(layers.LSTM(UNITS)(VECTORS, mask=MASK))
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert not open_engine(model, tmp_path, int8=True)(PADDED).any()


def test_8_bits_are_a_quarter_of_the_kernels(tmp_path):
    save(build(layers.LSTM(64)(VECTORS)), tmp_path)
    sizes = []
    for int8 in (False, True):
        network = build_network(read_architecture(tmp_path / MODEL_FILE, tmp_path / WEIGHTS_FILE), int8=int8)
        sizes.append(sum(weight.nbytes for weight in network.weights.values() if weight.size > 8 * 64))
    assert sizes[1] * 4 == sizes[0]


@pytest.mark.parametrize("kind", ["gru", "simple-rnn"])
def test_a_network_without_an_lstm_has_nothing_in_8_bits(kind, tmp_path):
    engine = open_engine(build(KINDS[kind](UNITS)(VECTORS, mask=MASK)), tmp_path, int8=True)
    with pytest.raises(NotCovered, match="it has no LSTM, and nothing else runs in 8 bits; leave out --engine onnx"):
        engine(PADDED)


# -- Other layers ---------------------------------------------------------------------------------------------------


def test_embeddings(tmp_path):
    embedding = TiedEmbedding(VOCAB_SIZE, FEATURES)
    outputs = {
        "vectors": layers.Embedding(VOCAB_SIZE, UNITS)(IDS),
        "tied vectors": embedding(IDS),
        "scores": embedding(VECTORS, reverse=True),
        "there and back": embedding(embedding(IDS), reverse=True),
    }
    assert_as_keras(build(outputs), tmp_path)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, *SOFTMAXES, "linear"])
def test_dense_layers_and_activations(activation, tmp_path):
    far = layers.Rescaling(4)(VECTORS)  # hard_sigmoid bends at 3 and -3
    outputs = {
        "activation": layers.Activation(activation)(far),
        "steps": layers.Dense(UNITS, activation=activation)(VECTORS),
        "steps without bias": layers.Dense(UNITS, activation=activation, use_bias=False)(VECTORS),
        "rows": layers.Dense(UNITS, activation=activation)(ROWS),
        "rows without bias": layers.Dense(UNITS, activation=activation, use_bias=False)(ROWS),
    }
    assert_as_keras(build(outputs), tmp_path, batches("one step", "no padding"))


@pytest.mark.parametrize(
    ("padding", "widths", "names"),
    [
        ("same", (1, 2, 3, 5), ["one step", "no padding", "padding"]),
        ("valid", (1, 2, 3), ["no padding", "padding"]),
        ("valid", (1,), ["one step"]),
    ],
)
def test_convolutions(padding, widths, names, tmp_path):
    outputs = {f"width {width}": layers.Conv1D(4, width, padding=padding)(VECTORS) for width in widths}
    outputs["bent"] = layers.Conv1D(4, widths[-1], padding=padding, activation="relu", use_bias=False)(VECTORS)
    assert_as_keras(build(outputs), tmp_path, batches(*names))


def test_the_largest_of_all_steps(tmp_path):
    low = layers.Rescaling(1, offset=-9)(VECTORS)  # a zero would be the largest
    assert_as_keras(build(layers.GlobalMaxPooling1D()(low)), tmp_path)


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.5}], ids=describe)
def test_layer_normalization_of_steps(settings, tmp_path):
    assert_as_keras(build(layers.LayerNormalization(**settings)(VECTORS)), tmp_path, batches("padding"))


def test_layer_normalization_of_rows(tmp_path):
    assert_as_keras(build(layers.LayerNormalization()(ROWS)), tmp_path, batches("padding"))


def test_joined_and_reshaped_tensors(tmp_path):
    other, third = layers.Dense(FEATURES)(VECTORS), layers.Dense(FEATURES)(VECTORS)
    row = layers.Reshape((1, FEATURES))(ROWS)
    outputs = {
        "two joined": layers.Concatenate()([VECTORS, layers.Dense(2)(VECTORS)]),
        "three joined": layers.Concatenate(axis=-1)([VECTORS, other, third]),
        "joined in time": layers.Concatenate(axis=1)([VECTORS, other]),
        "rows joined": layers.Concatenate()([ROWS, ROWS]),
        "two added": layers.Add()([VECTORS, other]),
        "three added": layers.Add()([VECTORS, other, third]),
        "a row added to each step": layers.Add()([VECTORS, row]),
        "row": row,
        "halves": layers.Reshape((-1, 2, FEATURES // 2))(VECTORS),
        "flat": layers.Reshape((-1,))(VECTORS),
        "matrix": layers.Reshape((2, 3))(ROWS),
        "scaled": layers.Rescaling(4.5, offset=5.5)(VECTORS),
        "each feature scaled": layers.Rescaling([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], offset=0.1)(VECTORS),
    }
    assert_as_keras(build(outputs), tmp_path, batches("one step", "no padding"))


def test_dropout_vanishes(tmp_path):
    vectors = layers.Embedding(VOCAB_SIZE, UNITS)(IDS)
    vectors = EmbeddingDropout(0.5, VOCAB_SIZE)(vectors, IDS)
    dropped = layers.Dropout(0.5)(layers.SpatialDropout1D(0.5)(vectors), training=False)
    model = build({"dropped": dropped})
    assert [node.op_type for node in translate(model, tmp_path).model.graph.node] == ["Gather", "Identity"]
    assert_as_keras(model, tmp_path, batches("padding"))


WITH_TOKENS = ("one step", "one padded row", "no padding", "padding")  # in each row


def test_pooling(tmp_path):
    low = layers.Rescaling(1, offset=-9)(VECTORS)  # a zero of padding would be the largest
    outputs = {mode: MaskedPooling(mode)(low, mask=MASK) for mode in ("mean", "max", "sum")}
    outputs["attention"] = AttentionPooling(UNITS)(VECTORS, mask=MASK)
    assert_as_keras(build(outputs), tmp_path, batches(*WITH_TOKENS))


@pytest.mark.parametrize("mask", [MASK, None], ids=["masked", "padding is read"])
def test_pooling_of_states(mask, tmp_path):
    """The states of each direction are pooled as its node gives them; others as they are."""
    settings = {"return_sequences": True, "zero_output_for_mask": True}
    forward = layers.LSTM(UNITS, **settings)(VECTORS, mask=mask)
    backward = layers.GRU(3, **settings, go_backwards=True)(VECTORS, mask=mask)
    kinds = {
        "both": layers.Concatenate()([layers.Dropout(0.5)(forward), FlipTime()(backward), VECTORS]),
        "not turned": backward,
        "twice turned": FlipTime()(FlipTime()(forward)),
    }
    outputs = {
        f"{mode} of {kind}": MaskedPooling(mode)(states, mask=MASK)
        for mode in ("mean", "max", "sum")
        for kind, states in kinds.items()
    }
    assert_as_keras(build(outputs, scale=1), tmp_path, batches(*WITH_TOKENS))


@pytest.mark.parametrize(("full", "operators"), [(False, {"ReduceSum", "Add"}), (True, {"ReduceMean", "ReduceMax"})])
def test_vectors_and_states_stay_time_first(full, operators, tmp_path):
    """Another axis first, or the states of both directions put together, would take a tenth of the time."""
    config = SentimentConfig(
        pooling="mean-max", directions="asymmetric", backward_units=3, units=UNITS, embedding_dim=5, **RATING
    )
    save(sentiment.model.build_model(config, VOCAB_SIZE), tmp_path)
    nodes = build_network(read_architecture(tmp_path / MODEL_FILE, tmp_path / WEIGHTS_FILE), full).model.graph.node
    vectors = {node.input[0] for node in nodes if node.op_type == "LSTM"}
    assert [node.op_type for node in nodes if vectors.intersection(node.output)] == ["Gather"]
    states = {node.output[0] for node in nodes if node.op_type == "LSTM"}
    steps = {node.output[0] for node in nodes if node.op_type == "Squeeze" and node.input[0] in states}
    assert len(steps) == 2
    assert {node.op_type for node in nodes if steps.intersection(node.input)} == operators


def test_time_turned_around(tmp_path):
    assert_as_keras(build(FlipTime()(VECTORS)), tmp_path, batches("padding"))


def test_rows_at_their_places(tmp_path):
    model = build(TakeRows()(ROWS, IDS))
    engine = open_engine(model, tmp_path)
    for name in WITH_TOKENS:  # each by itself: the places are those of its own rows
        inputs = {**BATCHES[name], "ids": BATCHES[name]["ids"] % len(BATCHES[name]["ids"])}
        assert_engine_as_keras(model, engine, {name: inputs})


def test_chain_scores(tmp_path):
    outputs = {"scores": ChainScores(FEATURES)(VECTORS), "fewer": ChainScores(3)(layers.Dense(3)(VECTORS))}
    assert_as_keras(build(outputs), tmp_path)


@pytest.mark.parametrize("ordinal", [False, True])
def test_expected_level(ordinal, tmp_path):
    pooled = MaskedPooling("sum")(VECTORS, mask=MASK)
    levels = np.linspace(1, 5, FEATURES + ordinal).tolist()
    mean, spread = ExpectedLevel(levels, ordinal)(pooled)
    assert_as_keras(build({"mean": mean, "spread": spread}), tmp_path)


@pytest.mark.parametrize("size", [2, 3, 6])
def test_sliding_window(size, tmp_path):
    """With and without a mask: `full` batches are read by the other graph."""
    state = keras.Input(((size - 1) * FEATURES,), name="state")
    window, after = SlidingWindow(size)(VECTORS, state, mask=MASK)
    model = keras.Model({**INPUTS, "state": state}, {"window": window, "state": after})
    rng = np.random.default_rng(3)
    given = {}
    for name, inputs in BATCHES.items():
        before = rng.normal(size=(len(inputs["mask"]), *state.shape[1:])).astype("float32")
        given[name] = {**inputs, "state": before}
    assert_as_keras(model, tmp_path, given)


# -- The whole graph ------------------------------------------------------------------------------------------------


def build_reader():
    """Both ends of a network of ours: ids, two recurrent layers with states, poolings, scores of ids."""
    embedding = TiedEmbedding(VOCAB_SIZE, FEATURES, name="embedding")
    states, *after = layers.LSTM(UNITS, return_sequences=True, return_state=True)(
        layers.Dropout(0.5)(embedding(IDS)), initial_state=STATES[:2], mask=MASK
    )
    both = layers.Bidirectional(layers.GRU(UNITS, return_sequences=True))(states, mask=MASK)
    outputs = {
        "logits": embedding(layers.Dense(FEATURES)(states), reverse=True),
        "both": both,
        "pooled": layers.Concatenate()([MaskedPooling(mode)(both, mask=MASK) for mode in ("mean", "max", "sum")]),
        "attention": AttentionPooling(UNITS)(both, mask=MASK),
        "last": layers.SimpleRNN(UNITS)(both, mask=MASK),
        "scores": ChainScores(2 * UNITS)(both),
        "state_0": after[0],
        "state_1": after[1],
    }
    return build(outputs)


def test_an_output_with_the_name_of_an_input_is_the_next_one(tmp_path):
    network = translate(build_reader(), tmp_path)
    plain = ["logits", "both", "pooled", "attention", "last", "scores"]
    assert [output.name for output in network.model.graph.output] == [*plain, "next_state_0", "next_state_1"]
    assert network.outputs == [*plain, "state_0", "state_1"]
    assert {node.name for node in network.model.graph.input} == {*INPUTS, *network.tables}
    assert {node.name for node in network.with_weights().graph.input} == set(INPUTS)


def test_a_single_output_has_no_name(tmp_path):
    network = translate(build(layers.Dense(3, name="score")(ROWS)), tmp_path)
    assert network.outputs is None
    assert [output.name for output in network.model.graph.output] == ["score"]


@pytest.mark.parametrize(
    "layer", [layers.Embedding(VOCAB_SIZE, UNITS, name="scores"), ChainScores(FEATURES, name="scores")]
)
@pytest.mark.parametrize("named", [False, True])
def test_an_output_may_have_the_name_of_a_layer_with_weights(layer, named, tmp_path):
    result = layer(IDS if isinstance(layer, layers.Embedding) else VECTORS)
    assert_as_keras(build({"scores": result} if named else result), tmp_path, batches("padding"))


def test_the_graph_without_its_weights_is_small(tmp_path):
    ids = keras.Input((None,), dtype="int32", name="ids")
    model = keras.Model({"ids": ids}, layers.Dense(2)(layers.Embedding(30_000, 10)(ids)))
    network = translate(model, tmp_path)
    assert len(network.model.SerializeToString()) < 5_000
    assert len(network.with_weights().SerializeToString()) > 4 * 300_000


def test_the_graph_with_its_weights_is_valid_and_answers_alone(tmp_path):
    model = build_reader()
    network = translate(model, tmp_path)
    whole = whole_graph(network)
    onnx.checker.check_model(whole, full_check=True)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = {node.name: PADDED[node.name] for node in session.get_inputs()}
    found = dict(zip(network.outputs, session.run(None, inputs), strict=True))
    assert_same(found, answers_of_keras(model, PADDED))


def test_padding_changes_nothing(tmp_path):
    engine = open_engine(build_reader(), tmp_path)
    num_steps, more = 3, 50
    rng = np.random.default_rng(1)
    padded = {
        **PADDED,
        "ids": np.hstack([PADDED["ids"], rng.integers(0, VOCAB_SIZE, (5, more), dtype=np.int32)]),
        "mask": np.pad(PADDED["mask"], [(0, 0), (0, more)]),
        "vectors": np.pad(PADDED["vectors"], [(0, 0), (0, more), (0, 0)]),
    }
    short, long = engine(PADDED), engine(padded)
    for name, array in short.items():
        found = long[name]
        if name in ("logits", "both", "scores"):
            assert found.shape[1] == num_steps + more
            array, found = array[PADDED["mask"]], found[:, :num_steps][PADDED["mask"]]
        np.testing.assert_allclose(found, array, rtol=0, atol=1e-6, err_msg=name)


# -- What is not covered --------------------------------------------------------------------------------------------


def refuse(model, folder, message, change=None):
    save(model, folder, change)
    with pytest.raises(NotCovered, match=rf"model\.json: layer '{message} is not covered in ONNX, "):
        build_network(read_architecture(folder / MODEL_FILE, folder / WEIGHTS_FILE))


def refuse_twice(model, folder, at_the_gate, message, change=None):
    """Refused for every engine; and were it not, the graph would still refuse it."""
    save(model, folder, change)
    with pytest.raises(InputError, match=rf"model\.json: layer '.*\): {at_the_gate}; do not use this bundle"):
        read_architecture(folder / MODEL_FILE, folder / WEIGHTS_FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common.bundles.gate, "check_settings", lambda *_: None)
        refuse(model, folder, message, change)


def refuse_at_the_gate(model, folder, message, change=None):
    save(model, folder, change)
    with pytest.raises(InputError, match=rf"model\.json: layer '.*\): {message}; do not use this bundle"):
        build_network(read_architecture(folder / MODEL_FILE, folder / WEIGHTS_FILE))


def both_ways(forward, backward):
    return layers.Bidirectional(forward, backward_layer=backward, name="x")


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (layers.Dense(3, activation="gelu", name="x"), "activation 'gelu'"),
        (layers.Activation("gelu", name="x"), "activation 'gelu'"),
        (layers.LSTM(3, activation="gelu", name="x"), "activation 'gelu'"),
        (layers.GRU(3, recurrent_activation="gelu", name="x"), "activation 'gelu'"),
        (layers.SimpleRNN(3, activation="softmax", name="x"), "activation 'softmax'"),
        (layers.Bidirectional(layers.LSTM(3, activation="gelu"), name="x"), "activation 'gelu'"),
        (layers.LayerNormalization(scale=False, center=False, name="x"), "scale=False with center=False"),
        (both_ways(layers.LSTM(3), layers.GRU(3, go_backwards=True)), "two directions of different kinds"),
        (both_ways(layers.LSTM(3), layers.LSTM(4, go_backwards=True)), "two directions of different kinds"),
        (
            both_ways(layers.LSTM(3), layers.LSTM(3, go_backwards=True, activation="relu")),
            "two directions of different kinds",
        ),
        (
            both_ways(layers.GRU(3), layers.GRU(3, go_backwards=True, reset_after=False)),
            "two directions of different kinds",
        ),
        (
            both_ways(layers.GRU(3), layers.GRU(3, go_backwards=True, use_bias=False)),
            "two directions of different kinds",
        ),
    ],
)
def test_a_setting_without_translation_is_refused(layer, what, tmp_path):
    refuse(build(layer(VECTORS)), tmp_path, rf"x.*' \(.*\): {what}.*")


@pytest.mark.parametrize(
    ("layer", "dtype"),
    [
        (layers.Dense(3, dtype="mixed_bfloat16", name="x"), "mixed_bfloat16"),
        (layers.LSTM(3, dtype="float16", name="x"), "float16"),
        (layers.Bidirectional(layers.GRU(3, dtype="mixed_bfloat16"), name="x"), "mixed_bfloat16"),
    ],
)
def test_another_precision_is_refused(layer, dtype, tmp_path):
    refuse_at_the_gate(build(layer(VECTORS)), tmp_path, f"dtype is {dtype}")


def test_directions_the_other_way_round_are_refused(tmp_path):
    layer = both_ways(layers.LSTM(3, go_backwards=True), layers.LSTM(3))
    wrong_way = r"its directions are not one of each kind \(go_backwards\)"
    refuse_twice(build(layer(VECTORS)), tmp_path, wrong_way, r"x.*' \(.*\): go_backwards=True.*")


def test_layer_normalization_over_time_is_refused(tmp_path):
    vectors = keras.Input((3, FEATURES), name="vectors")
    model = keras.Model(vectors, layers.LayerNormalization(axis=1, name="x")(vectors))
    refuse_at_the_gate(model, tmp_path, r"axis is \[1\]")


def test_layer_normalization_without_the_mean_is_refused(tmp_path):
    def change(content):
        content["config"]["layers"][-1]["config"]["rms_scaling"] = True

    model = build(layers.LayerNormalization(name="x")(VECTORS))
    refuse_twice(model, tmp_path, "rms_scaling is True", r"x' \(LayerNormalization\): .*rms_scaling=True", change)


def test_an_embedding_that_makes_a_mask_is_refused(tmp_path):
    model = build(layers.Embedding(VOCAB_SIZE, UNITS, mask_zero=True, name="x")(IDS))
    refuse_twice(model, tmp_path, "mask_zero is True", r"x' \(Embedding\): mask_zero=True")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.Conv1D(4, 1, data_format="channels_first", name="x"), "data_format is channels_first"),
        (layers.GlobalMaxPooling1D(data_format="channels_first", name="x"), "data_format is channels_first"),
        (layers.GlobalMaxPooling1D(keepdims=True, name="x"), "keepdims is True"),
        (layers.Conv1D(4, 1, groups=2, name="x"), "groups is 2"),
        (layers.Conv1D(4, 2, strides=2, name="x"), r"strides is \[2\]"),
        (layers.Conv1D(4, 2, dilation_rate=2, name="x"), r"dilation_rate is \[2\]"),
        (layers.Conv1D(4, 2, padding="causal", name="x"), "padding is causal"),
    ],
)
def test_windows_over_letters_that_are_refused(layer, message, tmp_path):
    letters = keras.Input((6, 8))
    refuse_at_the_gate(keras.Model(letters, layer(letters)), tmp_path, message)


@pytest.mark.parametrize(
    "layer",
    [
        layers.SimpleRNN(UNITS, name="x"),
        layers.LSTM(UNITS, name="x"),
        layers.Bidirectional(layers.LSTM(UNITS), name="x"),
        layers.Dense(UNITS, name="x"),
        layers.Activation("tanh", name="x"),
        layers.Dropout(0.5, name="x"),
        layers.Reshape((-1,), name="x"),
    ],
)
def test_a_setting_nobody_reads_is_refused(layer, tmp_path):
    def change(content):
        content["config"]["layers"][-1]["config"]["nonsense"] = 1

    model, unknown = build(layer(VECTORS)), "no such setting as nonsense"
    refuse_twice(model, tmp_path, unknown, r"x' \(.*\): setting nonsense=1", change)


@pytest.mark.parametrize("direction", ["layer", "backward_layer"])
def test_a_direction_is_read_like_a_layer(direction, tmp_path):
    def change(content, setting="nonsense"):
        content["config"]["layers"][-1]["config"][direction]["config"][setting] = False

    model = build(layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True), name="x")(VECTORS, mask=MASK))
    unknown = "no such setting as nonsense"
    refuse_twice(model, tmp_path, unknown, r"x\..*' \(LSTM\): setting nonsense=False", change)
    change = partial(change, setting="zero_output_for_mask")
    refuse(model, tmp_path, r"x\..*' \(LSTM\): zero_output_for_mask=False", change)


@each_kind
def test_a_layer_that_remembers_the_batch_before_is_refused(kind, tmp_path):
    def change(content):
        content["config"]["layers"][-1]["config"]["stateful"] = True

    model = build(KINDS[kind](UNITS, name="x")(VECTORS))
    refuse_twice(model, tmp_path, "stateful is True", r"x' \(.*\): stateful=True", change)


@each_wrapper
@each_kind
def test_an_unrolled_layer_is_refused(kind, wrapper, tmp_path):
    """Where its zeros for padding are to be, Keras does not turn the mask around with the steps."""
    vectors = keras.Input((3, FEATURES), name="vectors")
    layer = wrapper(KINDS[kind](UNITS, unroll=True, name="x"))
    model = keras.Model(vectors, layer(vectors))
    refuse_twice(model, tmp_path, "unroll is True", r".*' \(.*\): unroll=True")


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5, name="x"),
        layers.SpatialDropout1D(0.5, name="x"),
        layers.LSTM(UNITS, dropout=0.5, name="x"),
        layers.Bidirectional(layers.GRU(UNITS, recurrent_dropout=0.5), name="x"),
    ],
)
def test_dropping_out_while_answering_is_refused(layer, tmp_path):
    refuse_at_the_gate(build(layer(VECTORS, training=True)), tmp_path, "cannot be called so: training=True .*answering")


@each_kind
def test_zeros_in_the_place_of_the_last_state_are_refused(kind, tmp_path):
    layer = KINDS[kind](UNITS, zero_output_for_mask=True, name="x")
    refuse(build(layer(VECTORS, mask=MASK)), tmp_path, r"x' \(.*\): zero_output_for_mask=True")


@pytest.mark.parametrize(
    "make_layer", [layers.SimpleRNN, lambda *a, **k: layers.Bidirectional(layers.LSTM(*a), **k)], ids=["one", "both"]
)
@pytest.mark.parametrize(
    "between",
    [lambda x: x, layers.Dropout(0.5), layers.Dense(FEATURES)],
    ids=["nothing", "dropout", "dense"],
)
def test_a_mask_that_keras_passes_on_by_itself(make_layer, between, tmp_path):
    """Keras writes such a mask into the call; where it does not stand there, Keras would still pass it on."""
    states = layers.GRU(UNITS, return_sequences=True)(VECTORS, mask=MASK)
    model = build(make_layer(3, name="x")(between(states)))
    assert_as_keras(model, tmp_path, batches("padding"))

    def forget_mask(content):
        [call] = content["config"]["layers"][-1]["inbound_nodes"]
        assert call["kwargs"].pop("mask") is not None

    refuse(model, tmp_path, r"x' \(.*\): a mask that Keras passes on by itself", forget_mask)


def test_a_pooled_vector_has_no_mask(tmp_path):
    states = layers.GRU(UNITS, return_sequences=True)(VECTORS, mask=MASK)
    pooled = layers.Reshape((2, 2))(MaskedPooling("mean")(states, mask=MASK))
    assert_as_keras(build(layers.LSTM(UNITS)(pooled)), tmp_path, batches("padding"))


def test_a_class_without_a_spec_is_refused(tmp_path, monkeypatch):
    monkeypatch.delitem(SPECS, "Dense")
    save(build(layers.Dense(3, name="x")(VECTORS)), tmp_path)
    with pytest.raises(InputError, match=r"model\.json: class 'Dense' is not allowed; do not use this bundle"):
        read_architecture(tmp_path / MODEL_FILE, tmp_path / WEIGHTS_FILE)


def test_several_outputs_without_names_are_one_clear_error(tmp_path):
    save(keras.Model(INPUTS, [layers.Dense(3)(VECTORS), layers.Dense(3)(ROWS)]), tmp_path)
    with pytest.raises(InputError, match=r"model\.json: no network can be built from it"):
        build_network(read_architecture(tmp_path / MODEL_FILE, tmp_path / WEIGHTS_FILE))


# -- Our models -----------------------------------------------------------------------------------------------------


def random_inputs(model, num_steps, lengths):
    """Ids that the model's embeddings have, a mask, and states."""
    rng = np.random.default_rng(num_steps)
    embeddings = {
        "token_ids": "embedding",
        "spellings": "character_embedding",
        "previous_tags": "tag_embedding",
        "shape_ids": "shape_embedding",
        "affix_ids": "affix_embedding",
        "vector_ids": "given_vectors",
        "ngram_ids": "wide",
    }
    names = {layer.name for layer in model.layers}
    inputs = {}
    for name, tensor in model.input.items():
        shape = [len(lengths), *(num_steps if size is None else size for size in tensor.shape[1:])]
        if name == "mask":
            inputs[name] = np.arange(num_steps) < np.array(lengths)[:, None]
        elif name == "spelling_ids":
            inputs[name] = rng.integers(0, len(lengths), shape, dtype=np.int32)
        elif name in embeddings:
            num_ids = model.get_layer(embeddings[name]).input_dim if embeddings[name] in names else 1
            inputs[name] = rng.integers(0, num_ids, shape, dtype=np.int32)
        else:
            inputs[name] = rng.uniform(-1, 1, shape).astype("float32")
    return inputs


def with_probabilities(answer, softmax):
    """Logits, which may be large, as probabilities; ratings and states as they are."""
    answer = answer if isinstance(answer, dict) else {"logits" if softmax else "rating": answer}
    return {name: keras.ops.softmax(value).numpy() if name == "logits" else value for name, value in answer.items()}


def assert_model_as_keras(model, engine, softmax):
    for num_steps, lengths in ((1, [1]), (4, [4]), (4, [4, 1, 2, 4, 3])):
        inputs = random_inputs(model, num_steps, lengths)
        found, expected = engine(inputs), answers_of_keras(model, inputs)
        assert_same(with_probabilities(found, softmax), with_probabilities(expected, softmax))


def variants(quick=lambda combination: True, **settings):
    """Every combination of some settings, with an id for each; those that are not quick run in `make test-slow`."""
    combinations = [dict(zip(settings, values, strict=True)) for values in itertools.product(*settings.values())]
    marks = [() if quick(combination) else pytest.mark.slow for combination in combinations]
    return [
        pytest.param(combination, id=describe(combination), marks=mark)
        for combination, mark in zip(combinations, marks, strict=True)
    ]


@pytest.mark.parametrize(
    "settings",
    [
        *variants(
            # Poolings do not know which layer made the states.
            quick=lambda settings: settings["architecture"] == "lstm" or settings["pooling"] == "last",
            architecture=["lstm", "gru", "simple-rnn"],
            pooling=POOLINGS,
            directions=["forward", "both"],
        ),
        *variants(architecture=["lstm", "gru"], pooling=["last", "max"], directions=["asymmetric"], backward_units=[3]),
        *variants(architecture=["bow", "cbow"]),
    ],
)
def test_rating_models(settings, tmp_path):
    config = SentimentConfig(**settings, num_layers=2, units=UNITS, embedding_dim=5, **RATING)
    model = randomise(sentiment.model.build_model(config, VOCAB_SIZE))
    assert_model_as_keras(model, open_engine(model, tmp_path), softmax=False)


@pytest.mark.parametrize(
    "settings",
    variants(
        quick=lambda settings: settings["architecture"] == "lstm" or settings["embedding_dim"] != UNITS,
        architecture=["lstm", "gru", "simple-rnn", "fixed-window"],
        tie_embeddings=[False, True],
        embedding_dim=[UNITS, 5],
    ),
)
def test_language_models(settings, tmp_path):
    config = LanguageModelConfig(**settings, num_layers=2, units=UNITS)
    model = randomise(language_model.model.build_model(config, VOCAB_SIZE))
    assert_model_as_keras(model, open_engine(model, tmp_path), softmax=True)


@pytest.mark.parametrize(
    "settings",
    [
        *variants(
            quick=lambda settings: settings["architecture"] == "lstm" or settings["character_dim"],
            architecture=["lstm", "gru", "simple-rnn"],
            directions=["forward", "both"],
            character_dim=[0, 3],
        ),
        *variants(architecture=["previous-tag"], directions=["forward"], character_dim=[0, 3]),
        *variants(architecture=["lstm", "previous-tag"], character_network=["lstm"], shape_dim=[0, 2]),
    ],
)
def test_taggers(settings, tmp_path):
    sizes = {"num_layers": 2, "units": UNITS, "embedding_dim": 5, "character_filters": 2, "tag_dim": 3}
    config = TaggingConfig(**settings, **sizes)
    more = {"num_shapes": 6, "num_affixes": 5, "num_vectors": 8, "vector_dim": 3} if config.shape_dim else {}
    model = randomise(pos_tagging.model.build_model(config, VOCAB_SIZE, num_characters=9, num_tags=7, **more))
    if more:
        pos_tagging.model.give_vectors(model, np.random.default_rng(1).normal(size=(8, 3)).astype(np.float32))
    assert_model_as_keras(model, open_engine(model, tmp_path), softmax=True)


BUNDLES = [
    manifest.parent.relative_to(ROOT)
    for pattern in ("pretrained_model/*/*", "tests/fixtures/format_*/*")
    for manifest in sorted(ROOT.glob(f"{pattern}/{MANIFEST_FILE}"))
]


@pytest.mark.parametrize("path", BUNDLES, ids=str)
def test_trained_bundles(path):
    bundle = open_bundle(ROOT / path)
    assert_model_as_keras(load_model(bundle), OnnxEngine(bundle), softmax="sentiment" not in path.parts)
