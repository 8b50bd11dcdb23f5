"""Hidden states, the start of Keras, and components of a pipeline."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from types import ModuleType, SimpleNamespace

import keras
import numpy as np
import onnxruntime
import pytest

from common.bundles.architecture import Layer, name_outputs, resolve, sources
from common.bundles.bundle import open_bundle
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.bundles.gate import read_architecture
from common.errors import InputError
from common.inference import keras_start
from common.inference.onnx.export import write_onnx
from common.inference.onnx.session import open_session, session_options
from common.inference.spacy_component import BundleComponent
from common.inference.states import StateReader
from tests.conftest import ROOT

BUNDLE = ROOT / "tests/fixtures/format_1/sentiment"


def open_model(model, folder):
    (folder / MODEL_FILE).write_text(model.to_json())
    model.save_weights(folder / WEIGHTS_FILE)
    return read_architecture(folder / MODEL_FILE, folder / WEIGHTS_FILE)


@pytest.fixture
def two_directions(tmp_path):
    """A network of a layer in both directions over one that goes backwards, and what reads its states."""
    vectors, mask = keras.Input((None, 3), name="vectors"), keras.Input((None,), dtype="bool", name="mask")
    layers = keras.layers
    lower = layers.SimpleRNN(4, return_sequences=True, go_backwards=True, name="below")(vectors, mask=mask)
    upper = layers.Bidirectional(layers.GRU(2, return_sequences=True), name="above")(lower)
    return open_model(keras.Model({"vectors": vectors, "mask": mask}, layers.Dense(1)(upper)), tmp_path)


def test_each_direction_is_a_layer_with_its_own_weights(two_directions):
    reader = StateReader(two_directions)
    found = {name: (each.class_name, each.units, each.backwards) for name, each in reader.layers.items()}
    assert found == {
        "below": ("SimpleRNN", 4, True), "above.forward": ("GRU", 2, False), "above.backward": ("GRU", 2, True)
    }  # fmt: skip
    weights = two_directions.layers["above"].weights
    for name, own in (("above.forward", weights[:3]), ("above.backward", weights[3:])):
        for one, other in zip(reader.layers[name].weights, own, strict=True):
            np.testing.assert_array_equal(one, other)
    inputs = {"vectors": np.ones((2, 5, 3), np.float32), "mask": np.arange(5) < np.array([[5], [2]])}
    states = reader(inputs)
    assert {name: (each.inputs.shape, each.states.shape) for name, each in states.items()} == {
        "below": ((2, 5, 3), (2, 5, 4)), "above.forward": ((2, 5, 4), (2, 5, 2)),
        "above.backward": ((2, 5, 4), (2, 5, 2)),
    }  # fmt: skip
    assert not states["below"].states[1, 2:].any()
    assert states["below"].states[1, :2].all()
    with pytest.raises(InputError, match=r"ONNX Runtime cannot run its network \(.*\); train it again"):
        reader({**inputs, "vectors": np.ones((2, 5, 9), np.float32)})


def test_a_network_that_onnx_runtime_does_not_take_is_an_error_of_its_file(two_directions, monkeypatch):
    def fail(*given, **options):
        raise RuntimeError("not\n  so " + "x" * 300)

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(
        InputError, match=rf"model\.json: ONNX Runtime cannot run its network \('not so {'x' * 193}…'\); tr"
    ):
        StateReader(two_directions)


def test_sessions_have_so_many_threads_and_write_nothing(two_directions):
    opened = open_session(two_directions, 3)
    options = opened.session.get_session_options()
    assert (options.intra_op_num_threads, options.log_severity_level) == (3, 4)
    assert opened.session.get_providers() == ["CPUExecutionProvider"]
    assert set(opened.inputs) == {"vectors", "mask"}
    assert session_options().log_severity_level == 4
    tables = {"t": np.ones(3)}
    assert open_session(two_directions, 1, tables=tables).tables is tables
    assert set(open_session(two_directions, 1, states=True).outputs) == {
        f"{name}.{kind}" for name in ("below", "above") for kind in ("inputs", "states")
    }  # fmt: skip


def test_an_exported_network_carries_its_metadata_and_ignores_what_it_does_not_read(two_directions, tmp_path):
    run = write_onnx(two_directions, {"task": "toy"}, tmp_path / "a.onnx")
    inputs = {"vectors": np.ones((2, 5, 3), np.float32), "mask": np.ones((2, 5), bool), "more": np.ones(1)}
    assert run(inputs).shape == (2, 5, 1)
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    assert session.get_modelmeta().custom_metadata_map == {"task": "toy"}


# -- Architectures --------------------------------------------------------------------------------------------------


def test_references_to_results():
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 2, 1]}}
    assert list(sources({"args": [[tensor], None], "kwargs": {"mask": tensor}})) == [("a", 2)] * 2
    assert resolve([tensor, True], {("a", 2): ["x", "y"]}) == ["y", True]
    assert name_outputs(("a", 0, 1)) == {"": ("a", 0, 1)}
    assert name_outputs({"b": ("a", 0, 1)}) == {"b": ("a", 0, 1)}


def test_a_table_in_half_precision_stays_so_where_rows_are_read():
    rows = np.ones((2, 3), np.float16)
    table, dense = (Layer("l", name, {}, "g", [], [rows]) for name in ("Embedding", "Dense"))
    assert [each.answering_values()[0].dtype for each in (table, dense)] == [np.float16, np.float32]
    assert table.values()[0].dtype == np.float32
    assert Layer("l", "Embedding", {}, "g", [], [rows.astype("float32")]).answering_values()[0].dtype == np.float32


# -- The start of Keras ---------------------------------------------------------------------------------------------


def free_descriptor():
    """The number that the next file to be opened gets."""
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number


def test_keras_is_imported_once_and_quietly(monkeypatch, capfd):
    started = []

    def start(name):
        started.append(name)
        os.write(2, b"six lines of TensorFlow\n")
        sys.modules[name] = ModuleType(name)

    monkeypatch.setattr(keras_start.importlib, "import_module", start)
    monkeypatch.delitem(sys.modules, "keras")
    free = free_descriptor()
    found = keras_start.start_keras()
    assert found is sys.modules["keras"] is keras_start.start_keras()
    assert started == ["keras"]
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "Starting Keras and TensorFlow\nafter\n"
    assert free_descriptor() == free


def test_where_keras_is_not_installed_it_is_said_how(monkeypatch, capfd):
    def fail(name):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(keras_start.importlib, "import_module", fail)
    monkeypatch.setattr(keras_start.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "keras")
    with pytest.raises(
        InputError, match=r"^tensorflow is not installed, only .*; pip install 'rnn-language\[train\]'$"
    ):
        keras_start.start_keras()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_of_what_tensorflow_logs_only_retracing_is_left_out():
    logger = logging.getLogger("tensorflow")
    records = [SimpleNamespace(msg=text) for text in ("5 out of 5: function retracing", "an error")]
    assert [all(each(record) for each in logger.filters) for record in records] == [False, True]


# -- Components of a pipeline ---------------------------------------------------------------------------------------


class Component(BundleComponent):
    """Counts how often its bundle is opened."""

    task, default_model = "sentiment", str(BUNDLE)

    def open(self, bundle, num_threads):
        self.opened = [*getattr(self, "opened", []), (bundle.path.name, num_threads)]
        return bundle

    def annotate(self, docs):
        docs.append("seen") if isinstance(docs, list) else None


def test_a_component_opens_its_bundle_once_for_each_process(monkeypatch):
    component = Component(None, "rating")
    assert component.loaded() is component.loaded()
    assert component.opened == [("sentiment", None)]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr("multiprocessing.parent_process", lambda: "another")
    component.loaded()
    assert component.opened == [("sentiment", None), ("sentiment", 1)]
    assert component("doc") == "doc"
    assert list(component.pipe(["a", "b", "c"], batch_size=2)) == ["a", "b", "seen", "c", "seen"]


def test_a_component_is_the_files_of_its_bundle(tmp_path):
    component = Component(str(BUNDLE), "rating")
    component.to_disk(tmp_path / "a")
    component.to_disk(tmp_path / "a")
    assert {file.name for file in (tmp_path / "a").iterdir()} == {file.name for file in BUNDLE.iterdir()}
    contents = open_bundle(BUNDLE, "sentiment").contents
    others = [
        Component("nothing", "x").from_disk(tmp_path / "a"), Component("nothing", "x").from_bytes(component.to_bytes()),
        pickle.loads(pickle.dumps(component)),
    ]  # fmt: skip
    for other in others:
        assert other.loaded().contents == contents
        assert len(other.opened) == 1
    assert (others[2].model, others[2].name) == (str(BUNDLE), "rating")
    others[0].loaded()
    others[0].from_bytes(component.to_bytes()).loaded()
    assert len(others[0].opened) == 2
