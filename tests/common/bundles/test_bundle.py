"""Bundles: what is loaded is what was saved, and a bundle that was damaged or forged is refused by name."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass

import h5py
import keras
import numpy as np
import pytest

from common.bundles.bundle import (
    FORMAT_VERSION,
    open_bundle,
    save_bundle,
    update_bundle,
)
from common.bundles.file_names import MANIFEST_FILE, METRICS_FILE, MODEL_FILE, WEIGHTS_FILE
from common.bundles.manifest import REQUIRED_FILES
from common.errors import InputError
from common.inference.keras_engine import load_model
from common.networks.layers import TiedEmbedding
from common.settings import TrainingConfig, make_config, setting
from common.text.readers import sha256_of
from common.text.vocabulary import Vocabulary
from tests.common.toy_model import EMBEDDING_DIM, UNITS, VOCAB_SIZE, build_model
from tests.forge import put

BATCH, TIME = 2, 3


@dataclass(frozen=True)
class ToyConfig(TrainingConfig):
    units: int = setting(UNITS, "size of the state", minimum=1)


@pytest.fixture(scope="module")
def inputs():
    return {
        "token_ids": np.array([[4, 5, 6], [7, 0, 0]], "int32"),
        "mask": np.array([[True, True, True], [True, False, False]]),
    }


@pytest.fixture(scope="module")
def model():
    return build_model()


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    return save(tmp_path_factory.mktemp("saved") / "bundle", model)


def save(path, model, metrics=None, save_vocabulary=None, overwrite=True):
    def save_extras(folder):
        (save_vocabulary or Vocabulary(["so", "good"]).save)(folder / "vocabulary.json")

    metrics = metrics or {"validation": {"r2": 0.5}}
    save_bundle(path, model, ToyConfig(), metrics, {"task": "toy", "seed": 1}, "# Card", save_extras, overwrite)
    return path


@pytest.fixture
def bundle(saved, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(saved, tmp_path / "bundle")


def rewrite(bundle, name, change):
    """Change a file as a forger would: its hash in the manifest is right again afterwards."""
    file = bundle / name
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    if name != MANIFEST_FILE:
        sign(bundle, name)


def sign(bundle, name):
    manifest = json.loads((bundle / MANIFEST_FILE).read_text())
    manifest["files"][name] = {"size": (bundle / name).stat().st_size, "sha256": sha256_of(bundle / name)}
    (bundle / MANIFEST_FILE).write_text(json.dumps(manifest))


def load(path, task="toy"):
    return load_model(open_bundle(path, task))


def answer(model, inputs):
    return model(inputs, training=False)  # compiles nothing


# -- Good bundles ---------------------------------------------------------------------------------------------------


def test_the_loaded_model_answers_as_the_saved_one(model, saved, inputs):
    loaded = load(saved)
    np.testing.assert_array_equal(answer(loaded, inputs), answer(model, inputs))
    assert not loaded.compiled


def test_a_bundle_holds_what_it_should(saved):
    bundle = open_bundle(saved, "toy")
    names = {file.name for file in saved.iterdir()}
    assert names == {*REQUIRED_FILES, MANIFEST_FILE, "README.md", "vocabulary.json"}
    assert set(bundle.manifest["files"]) == names - {MANIFEST_FILE}
    assert bundle.manifest["format_version"] == FORMAT_VERSION
    assert bundle.manifest["seed"] == 1
    assert make_config(ToyConfig, bundle.read_json("config.json")) == ToyConfig()
    assert Vocabulary.load(saved / "vocabulary.json").tokens[4:] == ["so", "good"]


def test_no_optimizer_state_is_kept(tmp_path, inputs):
    model = build_model()
    model.compile("adam", "mse", run_eagerly=True)
    model.train_on_batch(inputs, np.ones((BATCH, 1), "float32"))
    plain = build_model()
    plain.set_weights(model.get_weights())
    save(tmp_path / "bundle", plain)
    with h5py.File(tmp_path / "bundle" / WEIGHTS_FILE) as file:
        assert "optimizer" not in file
    assert not json.loads((tmp_path / "bundle" / MODEL_FILE).read_text()).get("compile_config")


def test_saving_twice_gives_the_same_bytes(model, saved, tmp_path):
    again = save(tmp_path / "bundle", model)
    for name in (MODEL_FILE, "config.json", "vocabulary.json", "README.md"):
        assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_new_scores_replace_the_old(bundle, model, inputs):
    update_bundle(open_bundle(bundle, "toy"), {"test": {"r2": 0.25}}, "# New card")
    updated = open_bundle(bundle, "toy")
    assert updated.read_json(METRICS_FILE) == {"test": {"r2": 0.25}}
    assert updated.manifest["seed"] == 1
    assert (bundle / "README.md").read_text() == "# New card"
    np.testing.assert_array_equal(answer(load(bundle), inputs), answer(model, inputs))
    assert [file.name for file in bundle.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    "make_layer",
    [
        lambda layers: layers.SimpleRNN(UNITS),
        lambda layers: layers.SimpleRNN(UNITS, use_bias=False),
        lambda layers: layers.GRU(UNITS),
        lambda layers: layers.GRU(UNITS, reset_after=False),
        lambda layers: layers.LSTM(UNITS, use_bias=False),
        lambda layers: layers.Bidirectional(layers.GRU(UNITS), merge_mode="sum"),
        lambda layers: layers.Bidirectional(layers.LSTM(UNITS), backward_layer=layers.LSTM(7, go_backwards=True)),
        lambda layers: layers.Dense(UNITS, use_bias=False, activation="tanh"),
    ],
)  # fmt: skip
def test_every_kind_of_layer_passes_its_own_check(make_layer, tmp_path):
    vectors = keras.Input((None, EMBEDDING_DIM))
    model = keras.Model(vectors, make_layer(keras.layers)(vectors))
    save(tmp_path / "bundle", model)
    steps = np.random.default_rng(0).normal(size=(BATCH, TIME, EMBEDDING_DIM)).astype("float32")
    np.testing.assert_array_equal(answer(load(tmp_path / "bundle"), steps), answer(model, steps))

    def shrink(content):
        layer = content["config"]["layers"][-1]["config"]
        layer.get("layer", {"config": layer})["config"]["units"] += 1

    rewrite(tmp_path / "bundle", MODEL_FILE, shrink)
    with pytest.raises(InputError, match="declares weights of"):
        load(tmp_path / "bundle")


def test_characters_and_tied_embeddings_pass_their_check(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    batch = np.array([[1, 2, 3], [4, 5, 6]], "int32")
    embedding = TiedEmbedding(VOCAB_SIZE, EMBEDDING_DIM)
    tied = keras.Model(ids, embedding(embedding(ids), reverse=True))
    save(tmp_path / "tied", tied)
    np.testing.assert_array_equal(answer(load(tmp_path / "tied"), batch), answer(tied, batch))
    rewrite(
        tmp_path / "tied", MODEL_FILE, lambda content: find(content, "TiedEmbedding")["config"].update(input_dim=10**9)
    )
    with pytest.raises(InputError, match="declares weights of"):
        load(tmp_path / "tied")

    letters = keras.Input((7, EMBEDDING_DIM))
    pooled = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(UNITS, 2)(letters))
    model = keras.Model(letters, keras.layers.Reshape((UNITS, 1))(keras.layers.Activation("relu")(pooled)))
    save(tmp_path / "convolution", model)
    batch = np.random.default_rng(0).normal(size=(BATCH, 7, EMBEDDING_DIM)).astype("float32")
    np.testing.assert_array_equal(answer(load(tmp_path / "convolution"), batch), answer(model, batch))


def test_layer_names_and_a_second_layer_of_a_class_are_no_trouble(tmp_path):
    vectors = keras.Input((EMBEDDING_DIM,))
    model = keras.Model(vectors, keras.layers.Dense(3, name="b")(keras.layers.Dense(UNITS, name="a")(vectors)))
    save(tmp_path / "bundle", model)
    batch = np.ones((BATCH, EMBEDDING_DIM), "float32")
    np.testing.assert_array_equal(answer(load(tmp_path / "bundle"), batch), answer(model, batch))


# -- Damage ---------------------------------------------------------------------------------------------------------


def test_no_bundle(tmp_path):
    with pytest.raises(InputError, match="no such bundle"):
        open_bundle(tmp_path / "nothing", "toy")
    with pytest.raises(InputError, match=r"not a bundle, manifest\.json is missing"):
        open_bundle(tmp_path, "toy")


@pytest.mark.parametrize("name", [*REQUIRED_FILES, "vocabulary.json"])
def test_one_flipped_bit(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: its sha256 is not the manifest's"):
        open_bundle(bundle, "toy")


@pytest.mark.parametrize("name", [*REQUIRED_FILES, "vocabulary.json"])
def test_a_file_cut_short(bundle, name):
    os.truncate(bundle / name, (bundle / name).stat().st_size - 1)
    with pytest.raises(InputError, match=rf"{name}: [\d,]+ bytes, not what the manifest says"):
        open_bundle(bundle, "toy")


@pytest.mark.parametrize("name", [*REQUIRED_FILES, "vocabulary.json"])
def test_a_missing_file(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: missing, the manifest lists it"):
        open_bundle(bundle, "toy")


def test_a_weights_file_that_is_no_hdf5(bundle):
    (bundle / WEIGHTS_FILE).write_bytes(b"nothing")
    sign(bundle, WEIGHTS_FILE)
    with pytest.raises(InputError, match=r"model\.weights\.h5: not a complete HDF5 file"):
        load(bundle)


def test_a_bundle_of_another_task(bundle):
    with pytest.raises(InputError, match="a bundle for 'toy', not for other"):
        open_bundle(bundle, "other")


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, "1", None])
def test_another_format_version(bundle, version):
    rewrite(bundle, MANIFEST_FILE, lambda content: content.update(format_version=version))
    with pytest.raises(InputError, match=rf"format version '{version}', this program reads 1 to 2"):
        open_bundle(bundle, "toy")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": 1, "task": "toy"}'])
def test_a_manifest_that_is_none(bundle, content):
    (bundle / MANIFEST_FILE).write_text(content)
    with pytest.raises(InputError, match=r"manifest\.json"):
        open_bundle(bundle, "toy")


@pytest.mark.parametrize("value", [None, 3, [], {}, {"size": "7"}])
def test_a_manifest_entry_that_says_nothing(bundle, value):
    rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].update({MODEL_FILE: value}))
    with pytest.raises(InputError, match=r"model\.json"):
        open_bundle(bundle, "toy")


# -- Harm -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/hostname", "\ud800", "a\x1b[31m", ""])
def test_a_manifest_may_not_reach_outside(bundle, name):
    (bundle.parent / "secret").write_text("x")
    entry = {"size": 1, "sha256": sha256_of(bundle.parent / "secret")}
    rewrite(bundle, MANIFEST_FILE, lambda content: content["files"].update({name: entry}))
    with pytest.raises(InputError, match="outside the bundle"):
        open_bundle(bundle, "toy")


def test_a_file_may_not_be_a_link(bundle, tmp_path):
    (bundle / "vocabulary.json").rename(tmp_path / "elsewhere.json")
    (bundle / "vocabulary.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InputError, match="outside the bundle"):
        open_bundle(bundle, "toy")


def layers_of(content):
    return content["config"]["layers"]


def find(content, class_name):
    return next(layer for layer in layers_of(content) if layer["class_name"] == class_name)


def forge_lambda(content):
    layers_of(content).append(
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
    )


def forge_size(content):
    find(content, "Embedding")["config"]["input_dim"] = 10**9


def forge_cycle(content):
    [node] = layers_of(content)[-1]["inbound_nodes"]
    node["args"][0]["config"]["keras_history"][0] = "score"


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (forge_lambda, "class .* is not allowed"),
        (forge_size, "declares weights of .*holds"),
        (forge_cycle, "waits for itself"),
    ],
)
def test_an_architecture_that_is_refused_is_not_built(bundle, forge, message, monkeypatch):
    rewrite(bundle, MODEL_FILE, forge)
    monkeypatch.setattr(keras.models, "model_from_json", None)
    with pytest.raises(InputError, match=rf"model\.json: .*{message}"):
        load(bundle)


def drop(*keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


@pytest.mark.parametrize(
    "change",
    [
        drop("config"),
        drop("class_name"),
        put("Dense", "class_name"),
        put([], "config"),
        drop("config", "layers"),
        put({}, "config", "layers"),
        put([3], "config", "layers"),
        drop("config", "layers", 2, "config"),
        drop("config", "layers", 2, "class_name"),
        put(None, "config", "layers", 2, "config"),
        put([], "config", "layers", 2, "config"),
        put("x", "config", "layers", 2, "class_name"),
        drop("config", "output_layers"),
        put([["nothing", 0, 0]], "config", "output_layers"),
        put([], "config", "layers", -1, "inbound_nodes"),
        put({}, "config", "layers", -1, "inbound_nodes"),
        put("so", "config", "layers", -1, "config", "units"),
        put(-1, "config", "layers", -1, "config", "units"),
        put("nonsense", "config", "layers", -1, "config", "activation"),
        put("nonsense", "config", "layers", 0, "config", "dtype"),
        put({"a": 1}, "config", "layers", -1, "config", "nonsense"),
        put([[[[]]]], "config", "layers", 0, "config", "batch_shape"),
    ],
)
def test_a_spoilt_architecture_is_one_clear_error(bundle, change):
    rewrite(bundle, MODEL_FILE, change)
    with pytest.raises(InputError, match=r"model\.json: "):
        load(bundle)


# -- Saving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_save_leaves_the_old_bundle(bundle, model, inputs, interruption):
    def interrupt(file):
        raise interruption

    before = {file.name: file.read_bytes() for file in bundle.iterdir()}
    with pytest.raises((KeyboardInterrupt, OSError)):
        save(bundle, model, {"validation": {"r2": 0.9}}, interrupt)
    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == before
    assert [file.name for file in bundle.parent.iterdir()] == ["bundle"]


def test_an_interrupted_first_save_leaves_nothing(tmp_path, model):
    def interrupt(file):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "bundle", model, None, interrupt)
    assert list(tmp_path.iterdir()) == []
