"""Saved architectures: what is read is what Keras wrote, and what somebody forged is refused."""

from __future__ import annotations

import json
import shutil
import time

import h5py
import keras
import numpy as np
import pytest

import common.networks.layers
import common.networks.lstm
from common.bundles.architecture import sources
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.bundles.gate import MAX_CALLS, MAX_LAYERS, check_number_of_layers, parse_architecture, read_architecture
from common.errors import InputError
from common.inference.trial_inputs import random_inputs
from common.networks.layer_names import PACKAGE
from common.networks.layers import (
    AttentionPooling,
    ChainScores,
    EmbeddingDropout,
    ExpectedLevel,
    FlipTime,
    MaskedPooling,
    ScoreSpread,
    SlidingWindow,
    SparseLinear,
    TakeRows,
    TiedEmbedding,
)
from common.networks.lstm import LSTM
from common.networks.specs.table import SPECS
from tests.common.toy_model import EMBEDDING_DIM, UNITS, VOCAB_SIZE, build_model

IN_8_BITS = keras.dtype_policies.QuantizedDTypePolicy("int8", "float32")
IN_4_BITS = keras.dtype_policies.QuantizedDTypePolicy("int4", "float32")


def build_tied_model():
    """Token ids to logits and the state after them; the embedding is called at both ends."""
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    before = keras.Input((EMBEDDING_DIM,), name="state")
    embedding = TiedEmbedding(VOCAB_SIZE, EMBEDDING_DIM, name="embedding")
    recurrent = keras.layers.GRU(EMBEDDING_DIM, return_sequences=True, return_state=True, name="recurrent")
    states, after = recurrent(embedding(token_ids), initial_state=before)
    logits = keras.layers.Activation("linear", name="logits")(embedding(states, reverse=True))
    return keras.Model({"token_ids": token_ids, "state": before}, {"logits": logits, "state": after})


def build_model_of_every_layer():
    """Each class that may be built, twice with other sizes: the second one's weights lie under another name."""
    inputs = {
        "ids": keras.Input((None,), dtype="int32", name="ids"),
        "mask": keras.Input((None,), dtype="bool", name="mask"),
        "vectors": keras.Input((None, EMBEDDING_DIM), name="vectors"),
        "state": keras.Input((None,), name="state"),
        "values": keras.Input((None,), name="values"),
    }
    ids, mask, vectors, state, values = inputs.values()
    layers = keras.layers
    outputs = {}
    for size in (UNITS, UNITS + 2):
        results = [
            *(layer(ids) for layer in (layers.Embedding(VOCAB_SIZE, size), TiedEmbedding(VOCAB_SIZE, size))),
            layers.Embedding(VOCAB_SIZE, size, dtype=IN_8_BITS)(ids),
            *(layer(vectors) for layer in (layers.Conv1D(size, 3), layers.GlobalMaxPooling1D())),
            *(layer(vectors, mask=mask) for layer in (MaskedPooling("mean"), AttentionPooling(size))),
            *(layer([vectors] * size) for layer in (layers.Concatenate(), layers.Add())),
            EmbeddingDropout(0.5, VOCAB_SIZE)(vectors, ids),
            *SlidingWindow(size)(vectors, state, mask=mask),
            FlipTime()(vectors),
            TakeRows()(MaskedPooling("sum")(vectors, mask=mask), ids),
            *ExpectedLevel([0.0] * EMBEDDING_DIM)(MaskedPooling("max")(vectors, mask=mask)),
            ScoreSpread()(SparseLinear(VOCAB_SIZE)(ids, values)),
        ]
        for layer in (
            layers.SimpleRNN(size),
            layers.GRU(size),
            layers.GRU(size, reset_after=False),
            LSTM(size),
            layers.LSTM(size, use_bias=False),
            layers.Bidirectional(layers.SimpleRNN(size)),
            layers.Bidirectional(layers.LSTM(size), backward_layer=layers.LSTM(size + 1, go_backwards=True)),
            layers.Dense(size),
            layers.Dense(size, use_bias=False),
            layers.LayerNormalization(),
            layers.LayerNormalization(scale=False),
            layers.Activation("tanh"),
            layers.Dropout(0.5),
            layers.SpatialDropout1D(0.5),
            layers.Reshape((-1, 1)),
            layers.Rescaling(size),
            ChainScores(EMBEDDING_DIM),
        ):
            results.append(layer(vectors))
        outputs |= {f"{tensor.name}_{size}": tensor for tensor in results}
    return keras.Model(inputs, outputs)


def save(model, folder):
    (folder / MODEL_FILE).write_text(model.to_json())
    model.save_weights(folder / WEIGHTS_FILE)
    return folder


def read(folder):
    return read_architecture(folder / MODEL_FILE, folder / WEIGHTS_FILE)


@pytest.fixture(scope="module")
def model_of_every_layer():
    return build_model_of_every_layer()


@pytest.fixture(scope="module")
def saved_every_layer(model_of_every_layer, tmp_path_factory):
    return save(model_of_every_layer, tmp_path_factory.mktemp("every_layer"))


@pytest.fixture(scope="module")
def every_layer(saved_every_layer):
    """A function that reads the model of every layer after a change of its architecture."""
    weights = (saved_every_layer / WEIGHTS_FILE).read_bytes()
    model = (saved_every_layer / MODEL_FILE).read_text()

    def read_changed(change):
        content = json.loads(model)
        change(content)
        return parse_architecture(json.dumps(content).encode(), weights, MODEL_FILE, WEIGHTS_FILE)

    return read_changed


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    return save(build_model(), tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(saved_model, tmp_path):
    """A saved model to spoil."""
    return shutil.copytree(saved_model, tmp_path / "model")


def rewrite(folder, change):
    content = json.loads((folder / MODEL_FILE).read_text())
    change(content)
    (folder / MODEL_FILE).write_text(json.dumps(content))


def layers_of(content):
    return content["config"]["layers"]


def find(content, class_name):
    return next(layer for layer in layers_of(content) if layer["class_name"] == class_name)


# -- What Keras writes ----------------------------------------------------------------------------------------------


def turn_around(content):
    layers_of(content).reverse()


@pytest.mark.parametrize("build", [build_model, build_tied_model, build_model_of_every_layer])
def test_every_call_comes_once_and_after_those_whose_results_it_takes(build, tmp_path):
    architecture = read(save(build(), tmp_path))
    done = set()
    for name, number in architecture.order:
        calls = architecture.layers[name].calls
        assert set(sources(calls[number])) <= done if calls else number == 0
        assert (name, number) not in done
        done.add((name, number))
    assert len(done) == sum(max(1, len(layer.calls)) for layer in architecture.layers.values())


def test_the_order_is_that_of_the_calls_not_of_the_file(tmp_path):
    save(build_tied_model(), tmp_path)
    rewrite(tmp_path, turn_around)
    order = read(tmp_path).order
    assert set(order[:2]) == {("token_ids", 0), ("state", 0)}
    assert order[2:] == [("embedding", 0), ("recurrent", 0), ("embedding", 1), ("logits", 0)]


def test_a_layer_called_twice_has_the_arguments_of_both_calls(tmp_path):
    embedding = read(save(build_tied_model(), tmp_path)).layers["embedding"]
    assert [list(sources(call)) for call in embedding.calls] == [[("token_ids", 0)], [("recurrent", 0)]]
    assert [call["kwargs"].get("reverse", False) for call in embedding.calls] == [False, True]


def test_inputs_and_named_outputs(tmp_path):
    architecture = read(save(build_tied_model(), tmp_path))
    assert set(architecture.inputs) == {"token_ids", "state"}
    assert architecture.outputs == {"logits": ("logits", 0, 0), "state": ("recurrent", 0, 1)}


def test_a_single_output_has_no_name(tmp_path):
    assert read(save(build_model(), tmp_path)).outputs == ("score", 0, 0)


def test_every_layer_is_in_the_model_of_every_layer(model_of_every_layer):
    assert {type(layer).__name__ for layer in model_of_every_layer.layers} == SPECS.keys()


def test_every_layer_finds_its_own_weights(model_of_every_layer, saved_every_layer):
    architecture = read(saved_every_layer)
    with h5py.File(saved_every_layer / WEIGHTS_FILE) as file:
        for layer in model_of_every_layer.layers:
            found = architecture.layers[layer.name]
            assert found.class_name == type(layer).__name__
            places = [f"{found.group}/{place}" for place in found.spec.weights(found.config)]
            groups = [file[place] for place in places]
            shapes = [group[str(number)].shape for group in groups for number in range(len(group))]
            assert shapes == [tuple(weight.shape) for weight in layer.weights], layer.name


def test_every_spec_is_of_a_class_that_exists_and_every_class_of_ours_has_one():
    for name, spec in SPECS.items():
        assert spec.name == name
        assert hasattr(keras.layers, name) or (spec.own and hasattr(common.networks.layers, name))
    ours = {name for name, spec in SPECS.items() if spec.own}
    registered = {name.removeprefix(f"{PACKAGE}>") for name in keras.saving.get_custom_objects() if PACKAGE in name}
    assert ours <= registered
    assert ours == {
        name
        for module in (common.networks.layers, common.networks.lstm)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, keras.layers.Layer)
    }


def test_rows_in_8_bits_are_read_as_the_numbers_they_stand_for(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, keras.layers.Embedding(VOCAB_SIZE, UNITS, dtype=IN_8_BITS, name="rows")(ids))
    values = np.random.default_rng(0).normal(size=(VOCAB_SIZE, UNITS)).astype("float32")
    whole, scales = keras.quantizers.abs_max_quantize(values, axis=-1, to_numpy=True)
    scales = np.asarray(scales)[:, 0]
    model.set_weights([whole, scales])
    layer = read(save(model, tmp_path)).layers["rows"]
    [rows] = layer.values()
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, model.predict(np.arange(VOCAB_SIZE)[None], verbose=0)[0], rtol=1e-6)
    assert (np.abs(rows - values) <= 0.51 / scales[:, None]).all()  # half a step


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (keras.layers.Embedding(VOCAB_SIZE, UNITS, dtype=IN_4_BITS), keras.Input((None,), dtype="int32")),
        (keras.layers.Dense(UNITS, dtype=IN_8_BITS), keras.Input((None, EMBEDDING_DIM))),
    ],
)
def test_other_layers_in_few_bits_are_refused(layer, inputs, tmp_path):
    save(keras.Model(inputs, layer(inputs)), tmp_path)
    with pytest.raises(InputError, match=r"\): dtype is"):
        read(tmp_path)


# -- Sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_name", "key"),
    [
        ("SimpleRNN", "units"),
        ("GRU", "units"),
        ("LSTM", "units"),
        ("Embedding", "input_dim"),
        ("Embedding", "output_dim"),
        ("TiedEmbedding", "input_dim"),
        ("TiedEmbedding", "output_dim"),
        ("Dense", "units"),
        ("Conv1D", "filters"),
        ("AttentionPooling", "units"),
        ("ChainScores", "num_tags"),
    ],
)
@pytest.mark.parametrize("size", [1, 10**9])
def test_a_size_that_is_not_that_of_the_weights_is_refused(class_name, key, size, every_layer):
    with pytest.raises(InputError, match=rf"layer '.*' \({class_name}\) declares weights of .*holds \("):
        every_layer(lambda content: find(content, class_name)["config"].update({key: size}))


@pytest.mark.parametrize("direction", ["layer", "backward_layer"])
def test_the_size_of_each_direction_is_compared(direction, every_layer):
    def change(content):
        find(content, "Bidirectional")["config"][direction]["config"]["units"] = 10**9

    with pytest.raises(InputError, match=r"\(Bidirectional\) declares weights of"):
        every_layer(change)


@pytest.mark.parametrize("kernel_size", [[4], [1], [1, 3], []])
def test_the_size_of_a_convolution_kernel_is_compared(kernel_size, every_layer):
    with pytest.raises(InputError, match=r"\(Conv1D\) declares weights of"):
        every_layer(lambda content: find(content, "Conv1D")["config"].update(kernel_size=kernel_size))


@pytest.mark.parametrize(
    ("layer", "setting"),
    [
        (keras.layers.Dense(UNITS, use_bias=False), {"use_bias": True}),
        (keras.layers.LSTM(UNITS, use_bias=False), {"use_bias": True}),
        (keras.layers.GRU(UNITS), {"reset_after": False}),
        (keras.layers.GRU(UNITS, reset_after=False), {"reset_after": True}),
        (keras.layers.LayerNormalization(center=False), {"center": True}),
        (keras.layers.GRU(UNITS), {"use_bias": False}),
        (keras.layers.Dense(UNITS), {"use_bias": False}),
    ],
)
def test_weights_that_are_not_as_declared_are_refused(layer, setting, tmp_path):
    vectors = keras.Input((None, EMBEDDING_DIM))
    save(keras.Model(vectors, layer(vectors)), tmp_path)
    rewrite(tmp_path, lambda content: layers_of(content)[-1]["config"].update(setting))
    with pytest.raises(InputError, match=r"declares (\d )?weights"):
        read(tmp_path)


def test_random_inputs_may_be_read_by_nothing(tmp_path):
    token_ids, idle = (
        keras.Input((None,), dtype="int32", name="ids"),
        keras.Input((None, 3), dtype="int32", name="idle"),
    )
    vectors = keras.layers.Embedding(7, EMBEDDING_DIM)(token_ids)
    save(keras.Model({"ids": token_ids, "idle": idle}, vectors), tmp_path)
    inputs = random_inputs(read(tmp_path), 2, 5, np.random.default_rng(0))
    assert inputs["idle"].shape == (2, 5, 3)
    assert inputs["ids"].max() < 7


def test_weights_that_are_declared_and_not_there_are_refused(folder):
    """Chunked HDF5 can declare terabytes and store nothing."""
    rewrite(folder, lambda content: find(content, "Embedding")["config"].update(input_dim=10**9))
    with h5py.File(folder / WEIGHTS_FILE, "a") as file:
        del file["layers/embedding/vars/0"]
        file.create_dataset("layers/embedding/vars/0", (10**9, EMBEDDING_DIM), "float32", chunks=(1000, EMBEDDING_DIM))
    with pytest.raises(
        InputError, match=r"model\.weights\.h5: .*embedding/vars/0.* is a view, in chunks or compressed"
    ):
        read(folder)


def test_weights_that_are_no_hdf5_are_refused(folder):
    (folder / WEIGHTS_FILE).write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"model\.weights\.h5: not a complete HDF5 file"):
        read(folder)


# -- Harm -----------------------------------------------------------------------------------------------------------


def forge_lambda(content):
    layers_of(content).append(
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
    )


def forge_function(content):
    find(content, "Dense")["config"]["activation"] = {"module": "os", "class_name": "function", "config": "system"}


def forge_module(content):
    find(content, "Dense")["module"] = "os"


def forge_nested_class(content):
    find(content, "Dense")["config"]["kernel_initializer"] = {
        "module": "keras.initializers",
        "class_name": "Evil",
        "config": {},
    }


def forge_wrapped_class(content):
    find(content, "Bidirectional")["config"]["layer"]["class_name"] = "TFSMLayer"


def forge_compilation(content):
    content["compile_config"] = {"optimizer": {"module": "builtins", "class_name": "function", "config": "eval"}}


@pytest.mark.parametrize(
    "forge", [forge_lambda, forge_function, forge_module, forge_nested_class, forge_wrapped_class, forge_compilation]
)
def test_a_class_that_is_not_on_the_list_is_refused(folder, forge):
    rewrite(folder, forge)
    with pytest.raises(InputError, match=r"model\.json: class .* is not allowed"):
        read(folder)


def test_a_spoilt_wrapper_is_one_clear_error(tmp_path):
    for change in (lambda config: config.pop("layer"), lambda config: config.update(layer=3)):
        save(build_model(), tmp_path)
        rewrite(tmp_path, lambda content, change=change: change(find(content, "Bidirectional")["config"]))
        with pytest.raises(InputError, match=r"model\.json: "):
            read(tmp_path)


@pytest.mark.parametrize("source", ["score", "nothing"])
def test_a_layer_that_waits_for_itself_or_for_nothing_is_refused(folder, source):
    """Keras would look for an order of the layers for ever."""

    def change(content):
        [node] = layers_of(content)[-1]["inbound_nodes"]
        node["args"][0]["config"]["keras_history"][0] = source

    rewrite(folder, change)
    with pytest.raises(InputError, match="layer 'score' waits for itself or for nothing"):
        read(folder)


def test_an_architecture_nested_without_end(folder):
    deep = "[" * 3000 + "]" * 3000
    (folder / MODEL_FILE).write_text(deep)
    with pytest.raises(InputError, match=r"model\.json: "):
        read(folder)
    (folder / MODEL_FILE).write_text('{"a": ' * 200 + "1" + "}" * 200)
    with pytest.raises(InputError, match="nested deeper"):
        read(folder)


@pytest.mark.parametrize("size", [1, 1001, 10**12, 2.5, "3", None])
def test_a_window_has_a_limit(size, every_layer):
    with pytest.raises(InputError, match=r"\(SlidingWindow\): size is"):
        every_layer(lambda content: find(content, "SlidingWindow")["config"].update(size=size))


# -- What Keras takes and we do not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("class_name", SPECS)
@pytest.mark.parametrize(
    "setting",
    [
        {"lora_rank": 10**6},
        {"quantization_config": {"class_name": "DTypePolicy", "config": {}}},
        {"activity_regularizer": "l2"},
        {"dtype": "float16"},
        {"trainable": 1},
        {"nonsense": None},
    ],
)
def test_a_setting_that_no_network_of_ours_has_is_refused(class_name, setting, every_layer):
    with pytest.raises(InputError, match=rf"model\.json: layer '.*' \({class_name}\): .*{next(iter(setting))}"):
        every_layer(lambda content: find(content, class_name)["config"].update(setting))


@pytest.mark.parametrize(
    ("class_name", "setting"),
    [
        ("InputLayer", {"batch_shape": [None, 10**9]}),
        ("InputLayer", {"batch_shape": [10**9, None]}),
        ("InputLayer", {"batch_shape": [None] * 9}),
        ("InputLayer", {"batch_shape": [None, -1]}),
        ("InputLayer", {"batch_shape": [None, 2.5]}),
        ("InputLayer", {"batch_shape": 3}),
        ("InputLayer", {"sparse": True}),
        ("InputLayer", {"dtype": "string"}),
        ("Dense", {"units": True}),
        ("Dense", {"units": 5.0}),
        ("Dense", {"units": 10**12}),
        ("Dense", {"activation": "nonsense"}),
        ("Dense", {"activation": {"class_name": "Dense", "config": {}}}),
        ("Dense", {"kernel_initializer": "zeros"}),
        ("Dense", {"kernel_regularizer": "l2"}),
        ("Embedding", {"embeddings_constraint": "max_norm"}),
        ("Embedding", {"mask_zero": True}),
        ("LSTM", {"stateful": True}),
        ("LSTM", {"unroll": True}),
        ("LSTM", {"return_sequences": None}),
        ("GRU", {"reset_after": 1}),
        ("Conv1D", {"strides": [10**6]}),
        ("Conv1D", {"dilation_rate": [10**6]}),
        ("Conv1D", {"groups": 2}),
        ("Conv1D", {"data_format": "channels_first"}),
        ("Dropout", {"noise_shape": [10**9, 10**9]}),
        ("Dropout", {"rate": 2}),
        ("Dropout", {"seed": -1}),
        ("LayerNormalization", {"axis": [1]}),
        ("LayerNormalization", {"epsilon": 0}),
        ("Reshape", {"target_shape": [10**9]}),
        ("Rescaling", {"scale": 1e300}),
        ("Rescaling", {"scale": "3"}),
        ("ExpectedLevel", {"levels": [0.0] * 2000}),
        ("ExpectedLevel", {"levels": []}),
        ("ExpectedLevel", {"levels": [0, None]}),
        ("MaskedPooling", {"mode": "median"}),
        ("Concatenate", {"axis": 9}),
        ("Bidirectional", {"merge_mode": "nonsense"}),
        ("Bidirectional", {"layer": None}),
    ],
)
def test_a_value_that_no_layer_takes_is_refused(class_name, setting, every_layer):
    with pytest.raises(InputError, match=r"model\.json: layer .* is |of module"):
        every_layer(lambda content: find(content, class_name)["config"].update(setting))


@pytest.mark.parametrize("class_name", SPECS)
def test_a_setting_that_an_engine_would_ask_for_is_there(class_name, every_layer):
    for name in sorted(SPECS[class_name].all_needed.keys() - {"name"}):
        with pytest.raises(InputError, match=rf"{name} is missing"):
            every_layer(lambda content, name=name: find(content, class_name)["config"].pop(name))


def test_a_chain_of_layers_is_refused_at_once(folder):
    def lengthen(content):
        [node] = layers_of(content)[-1]["inbound_nodes"]
        config = node["args"][0]["config"]
        for number in range(8000):
            history = [f"score_{number - 1}" if number else "score", 0, 0]
            tensor = {"class_name": "__keras_tensor__", "config": {**config, "keras_history": history}}
            name = f"score_{number}"
            layers_of(content).append(
                {"class_name": "Activation", "config": {"name": name, "dtype": "float32", "activation": "tanh"},
                 "name": name, "inbound_nodes": [{"args": [tensor], "kwargs": {}}]}
            )  # fmt: skip

    rewrite(folder, lengthen)
    start = time.process_time()
    with pytest.raises(InputError, match=r"8,00\d layers with"):
        read(folder)
    assert time.process_time() - start < 1


def test_as_many_layers_and_calls_as_are_allowed_pass():
    at_most = [{"inbound_nodes": [{}]}] * (MAX_LAYERS - 1) + [{"inbound_nodes": [{}] * (MAX_CALLS - MAX_LAYERS + 1)}]
    check_number_of_layers(at_most, "model.json")
    with pytest.raises(InputError, match="401 layers with 1,000 calls"):
        check_number_of_layers([{"inbound_nodes": []}, *at_most], "model.json")
    with pytest.raises(InputError, match="400 layers with 1,001 calls"):
        check_number_of_layers([{"inbound_nodes": [{}, {}]}, *at_most[1:]], "model.json")


def test_many_calls_of_one_layer_are_refused_at_once(folder):
    rewrite(folder, lambda content: layers_of(content)[-1].update(inbound_nodes=[{"args": [], "kwargs": {}}] * 5000))
    with pytest.raises(InputError, match=r"layers with 5,00\d calls"):
        read(folder)


def test_tensors_cannot_grow_without_a_weight_that_shows_it(tmp_path):
    vectors = keras.Input((None, EMBEDDING_DIM), name="vectors")
    wide = vectors
    for _ in range(20):
        wide = keras.layers.Concatenate()([wide, wide])
    save(keras.Model(vectors, wide), tmp_path)
    with pytest.raises(InputError, match=r"\(Concatenate\): cannot be called so: it returns .* more than 262,144"):
        read(tmp_path)


@pytest.mark.parametrize(
    "history",
    [[None], None, [], "score", ["vectors"], ["dropout", 0], ["dropout", 0, 5], ["dropout", 3, 0], ["dropout", -1, 0],
     ["dropout", 0, -1], ["dropout", 0.0, 0], ["dropout", True, 0], [["dropout"], 0, 0], {"a": 1}],
)  # fmt: skip
@pytest.mark.parametrize("place", ["call", "output", "input"])
def test_a_reference_that_leads_nowhere(history, place, folder):
    def change(content):
        if place == "call":
            layers_of(content)[-1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = history
        elif place == "output":
            content["config"]["output_layers"] = history
        else:
            content["config"]["input_layers"]["mask"] = history

    rewrite(folder, change)
    with pytest.raises(InputError, match=r"^[^\n]*model\.json: [^\n]*$"):
        read(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer["inbound_nodes"][0]["args"].append(3),
        lambda layer: layer["inbound_nodes"][0]["args"].append("x"),
        lambda layer: layer["inbound_nodes"][0]["args"].clear(),
        lambda layer: layer["inbound_nodes"][0]["args"].extend([None] * 9),
        lambda layer: layer["inbound_nodes"][0]["kwargs"].update(nonsense=True),
        lambda layer: layer["inbound_nodes"][0]["kwargs"].update(training=True),
        lambda layer: layer["inbound_nodes"][0]["kwargs"].update(mask=True),
        lambda layer: layer["inbound_nodes"][0].pop("kwargs"),
        lambda layer: layer["inbound_nodes"][0].update(more=1),
        lambda layer: layer.update(inbound_nodes=[3]),
        lambda layer: layer.update(inbound_nodes={"a": 1}),
        lambda layer: layer.update(more=1),
        lambda layer: layer.update(name="other"),
        lambda layer: layer.update(registered_name="rnn_language>LSTM"),
        lambda layer: layer.update(registered_name=["x"]),
    ],
)
@pytest.mark.parametrize("class_name", ["Dense", "MaskedPooling", "Bidirectional", "GRU", "Embedding"])
def test_a_call_or_a_layer_that_is_odd(class_name, change, folder):
    rewrite(folder, lambda content: change(find(content, class_name)))
    with pytest.raises(InputError, match=r"^[^\n]*model\.json: [^\n]*$"):
        read(folder)


def swap_inputs(content):
    inputs = content["config"]["input_layers"]
    inputs["mask"], inputs["token_ids"] = inputs["token_ids"], inputs["mask"]


def name_twice(content):
    layers_of(content).append(layers_of(content)[-1])


def add_idle_layer(content):
    layer = json.loads(json.dumps(find(content, "MaskedPooling")))
    layer["name"] = layer["config"]["name"] = "idle"
    layers_of(content).append(layer)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (swap_inputs, "an input has the name of another"),
        (name_twice, "two layers have one name"),
        (add_idle_layer, "'idle' has no part in the answer"),
        (lambda content: content["config"].update(more=1), "'more' is not allowed"),
        (lambda content: content.update(compile_config={"optimizer": "adam"}), "not a functional Keras model"),
    ],
)
def test_a_network_that_is_odd(change, message, folder):
    rewrite(folder, change)
    with pytest.raises(InputError, match=message):
        read(folder)


def test_weights_of_no_layer_are_refused(folder):
    with h5py.File(folder / WEIGHTS_FILE, "a") as file:
        file["layers/other/vars/0"] = np.ones(3, "float32")
    with pytest.raises(InputError, match="no layer has 'layers/other/vars/0'"):
        read(folder)


def test_whole_numbers_in_the_place_of_weights_are_refused(folder):
    with h5py.File(folder / WEIGHTS_FILE, "a") as file:
        shape = file["layers/dense/vars/0"].shape
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.ones(shape, "int8")
    with pytest.raises(InputError, match="has weights of another type"):
        read(folder)


def test_keras_is_not_told_sizes_that_nobody_checked(folder):
    def change(content):
        for layer in layers_of(content):
            layer["build_config"] = {"input_shape": [None, 10**9]}

    rewrite(folder, change)
    assert "1000000000" not in read(folder).for_keras()
    assert keras.models.model_from_json(read(folder).for_keras()).count_params() > 0


def test_the_shapes_of_all_tensors_are_those_of_keras(model_of_every_layer, saved_every_layer):
    found = read(saved_every_layer).output_tensors
    expected = {name: tensor.shape for name, tensor in model_of_every_layer.output.items()}
    assert found.keys() == expected.keys()
    for name, shape in expected.items():
        assert len(found[name].shape) == len(shape), name
        if found[name].shape[-1] in (2 * UNITS + 1, 3 * UNITS + 1):
            continue  # Keras takes two directions for equal, whose sizes here are UNITS and one more
        for ours, theirs in zip(found[name].shape, shape, strict=True):
            assert ours == theirs or theirs is None, name
