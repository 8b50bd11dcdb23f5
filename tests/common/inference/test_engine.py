"""ONNX Runtime as an engine: Keras' answers from any thread, without Keras and without copies of the weights."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

import common.inference.onnx.graph
from common.bundles.bundle import Bundle, open_bundle, save_bundle
from common.errors import InputError
from common.inference.engine import ENGINES, OnnxEngine, open_engine
from common.inference.keras_engine import KerasEngine
from common.networks.layers import MaskedPooling, TiedEmbedding
from common.parallel import num_cores
from common.settings import TrainingConfig

ROOT = Path(__file__).resolve().parents[3]
VOCAB_SIZE, EMBEDDING_DIM, UNITS = 11, 5, 4


@dataclass(frozen=True)
class ToyConfig(TrainingConfig):
    pass


def build_model(embedding, units=UNITS, named=True):
    """Token ids and a state to scores, or to scores and the next state."""
    inputs = {
        "token_ids": keras.Input((None,), dtype="int32", name="token_ids"),
        "mask": keras.Input((None,), dtype="bool", name="mask"),
        "state": keras.Input((units,), name="state"),
    }
    token_ids, mask, state = inputs.values()
    layer = keras.layers.GRU(units, return_sequences=True, return_state=True)
    states, after = layer(embedding(token_ids), initial_state=state, mask=mask)
    scores = keras.layers.Dense(3)(MaskedPooling("mean")(states, mask=mask))
    return keras.Model(inputs, {"scores": scores, "state": after} if named else scores)


def save(model, path):
    save_bundle(path, model, ToyConfig(), {}, {"task": "toy"}, "# Card", lambda folder: None)
    return open_bundle(path, "toy")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    model = build_model(keras.layers.Embedding(VOCAB_SIZE, EMBEDDING_DIM, name="embedding"))
    return save(model, tmp_path_factory.mktemp("saved") / "bundle")


def make_batch(lengths):
    rng = np.random.default_rng(len(lengths))
    num_steps = max(lengths)
    return {
        "token_ids": rng.integers(0, VOCAB_SIZE, (len(lengths), num_steps), dtype=np.int32),
        "mask": np.arange(num_steps) < np.array(lengths)[:, None],
        "state": rng.normal(size=(len(lengths), UNITS)).astype("float32"),
    }


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("lengths", [[1], [7], [3, 1, 2], [1, 2] * 9], ids=str)
def test_it_answers_as_keras(bundle, lengths):
    inputs = make_batch(lengths)
    assert_same(open_engine(bundle, "onnx")(inputs), open_engine(bundle, "keras")(inputs))


def test_a_single_output_is_an_array(tmp_path):
    model = build_model(keras.layers.Embedding(VOCAB_SIZE, EMBEDDING_DIM, name="embedding"), named=False)
    bundle, inputs = save(model, tmp_path / "bundle"), make_batch([3, 1])
    answer = OnnxEngine(bundle)(inputs)
    assert isinstance(answer, np.ndarray)
    np.testing.assert_allclose(answer, KerasEngine(bundle)(inputs), rtol=0, atol=1e-6)


def test_every_engine_has_the_keras_model(bundle):
    for name in ENGINES:
        model = open_engine(bundle, name).model
        assert isinstance(model, keras.Model)
        assert model.get_layer("embedding").input_dim == VOCAB_SIZE


def test_an_unknown_engine_is_refused(bundle):
    with pytest.raises(ValueError, match="engine is 'tpu'; one of onnx, onnx-int8, keras would do"):
        open_engine(bundle, "tpu")


def test_inputs_that_are_not_needed_are_ignored(bundle):
    inputs = make_batch([3, 1])
    assert_same(OnnxEngine(bundle)({**inputs, "unused": np.ones(3, "float32")}), OnnxEngine(bundle)(inputs))


def test_a_bundle_is_opened_when_it_is_needed(tmp_path):
    engine = OnnxEngine(Bundle(tmp_path, {}))
    with pytest.raises(InputError, match=r"model\.json"):
        engine(make_batch([3, 1]))


@pytest.mark.parametrize("row", [[True, False, True], [False, True, True], [False, False, True]])
def test_a_mask_with_padding_before_a_token_is_refused(bundle, row):
    inputs = make_batch([3, 1])
    inputs["mask"][0] = row
    with pytest.raises(ValueError, match="mask: padding before a token; pad on the right"):
        OnnxEngine(bundle)(inputs)


@pytest.mark.parametrize("token_id", [VOCAB_SIZE, 10**6, -VOCAB_SIZE - 1])
def test_a_token_id_outside_of_the_embedding_is_an_error(bundle, token_id):
    inputs = make_batch([3, 1])
    inputs["token_ids"][0, 1] = token_id
    with pytest.raises(InputError, match="ONNX Runtime cannot run its network"):
        OnnxEngine(bundle)(inputs)


def intra_op_threads(engine):
    [opened] = engine._opened.values()
    return opened.session.get_session_options().intra_op_num_threads


@pytest.mark.parametrize(("num_threads", "expected"), [(1, 1), (3, 3), (None, num_cores())])
def test_one_batch_has_all_threads(bundle, num_threads, expected):
    engine = OnnxEngine(bundle, num_threads)
    engine(make_batch([3, 1]))
    assert intra_op_threads(engine) == expected


@pytest.mark.parametrize("name", ["onnx", "keras"])
def test_answers_to_many_batches_come_in_their_order(bundle, name):
    engine = open_engine(bundle, name, num_threads=3 if name == "onnx" else None)
    batches = [make_batch([3, 1, 2, 5][: 1 + number % 4]) for number in range(20)]
    for found, inputs in zip(engine.answers(iter(batches)), batches, strict=True):
        assert_same(found, engine(inputs))


def test_of_many_batches_each_has_one_thread(bundle):
    engine = OnnxEngine(bundle, 3)
    assert len(list(engine.answers([make_batch([3, 1])] * 4))) == 4
    assert intra_op_threads(engine) == 1


# -- Threads --------------------------------------------------------------------------------------------------------


def test_many_threads_open_it_once_and_get_the_answers_of_one(bundle, monkeypatch):
    openings = []
    build_network = common.inference.onnx.graph.build_network

    def build_slowly(*arguments):
        openings.append(arguments)
        time.sleep(0.1)
        return build_network(*arguments)

    batches = [make_batch([3, 1, 2][: 1 + number % 3]) for number in range(8)]
    expected = [OnnxEngine(bundle, 1)(batch) for batch in batches]
    monkeypatch.setattr(common.inference.onnx.graph, "build_network", build_slowly)
    engine, barrier = OnnxEngine(bundle, 1), threading.Barrier(8)

    def ask(batch):
        barrier.wait()
        return [engine(batch) for _ in range(20)]

    with ThreadPoolExecutor(8) as threads:
        for answers, wanted in zip(threads.map(ask, batches), expected, strict=True):
            for answer in answers:
                assert_same(answer, wanted)
    assert sorted(full for _, full, *_ in openings) == [False, True]  # one for batches without padding


# -- Memory ---------------------------------------------------------------------------------------------------------


def test_a_table_is_read_where_it_is(bundle):
    engine, inputs = OnnxEngine(bundle), make_batch([3, 1])
    before = engine(inputs)
    [table] = engine._open(False, engine.num_threads).tables.values()
    assert table.shape == (VOCAB_SIZE, EMBEDDING_DIM)
    table += 1
    assert np.abs(engine(inputs)["scores"] - before["scores"]).min() > 1e-4


# Prints the largest memory so far, in bytes, before a bundle is opened and after it has answered.
PEAKS = """
import resource, sys
from pathlib import Path
import h5py, numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper
from common.inference.engine import OnnxEngine
from common.bundles.bundle import open_network

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "tiny", value[:1], value[1:])
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
tiny = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
tiny.run(None, {"x": np.ones(1, np.float32)})
before = peak()
inputs = {
    "token_ids": np.array([[4, 5]], "int32"),
    "mask": np.ones((1, 2), bool),
    "state": np.zeros((1, int(sys.argv[2])), "float32"),
}
OnnxEngine(open_network(Path(sys.argv[1])), 1)(inputs)
print([before, peak()])
"""
# A process is told the peak of the one that started it, and the tests have grown large: a small one stands in between.
IN_BETWEEN = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"


def run_python(*args):
    done = subprocess.run([sys.executable, "-c", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_tied_model(embedding, units):
    """The model of all tests, which also scores all ids with the embedding."""
    model = build_model(embedding, units)
    back = embedding(keras.layers.Reshape((1, -1))(model.output["state"]), reverse=True)
    return keras.Model(model.input, {**model.output, "back": back})


@pytest.mark.parametrize(
    ("make_embedding", "build"), [(keras.layers.Embedding, build_model), (TiedEmbedding, build_tied_model)]
)
def test_opening_takes_less_than_three_times_the_memory_of_the_bundle(make_embedding, build, tmp_path):
    pytest.importorskip("resource")
    dim = units = 100
    bundle = save(build(make_embedding(90_000, dim), units), tmp_path / "bundle")
    num_bytes = sum(file.stat().st_size for file in bundle.path.iterdir())
    assert 35e6 < num_bytes < 45e6
    before, after = json.loads(run_python(IN_BETWEEN, PEAKS, str(bundle.path), str(units)))
    assert 0.8 * num_bytes < after - before < 3 * num_bytes


WITHOUT_KERAS = """
import sys
from pathlib import Path
import numpy as np
from common.inference.engine import open_engine
from common.bundles.bundle import open_bundle

bundle = open_bundle(Path(sys.argv[1]), "language_model")
states = {f"state_0_{name}": np.zeros((2, bundle.read_json("config.json")["units"]), "float32") for name in "hc"}
answer = open_engine(bundle)(
    {"token_ids": np.array([[4, 5, 6], [4, 0, 0]], "int32"), "mask": np.array([[1, 1, 1], [1, 0, 0]], bool), **states}
)
assert answer["logits"].shape[:2] == (2, 3)
print({"keras", "tensorflow", "jax", "torch"} & {name.split(".")[0] for name in sys.modules})
"""


def test_it_answers_without_keras():
    folder = ROOT / "tests" / "fixtures" / "format_1" / "language_model"
    assert run_python(WITHOUT_KERAS, str(folder)) == "set()\n"


def test_an_input_that_is_missing_is_named(bundle):
    inputs = make_batch([3, 1])
    del inputs["mask"]
    with pytest.raises(KeyError, match="mask"):
        OnnxEngine(bundle)(inputs)


def test_a_batch_without_padding_gets_a_graph_without_masks_and_the_same_answers(bundle):
    engine = OnnxEngine(bundle)
    inputs = make_batch([3, 3])
    fast = engine(inputs)
    assert [full for full, _ in engine._opened] == [True]
    padded = {name: np.pad(inputs[name], ((0, 0), (0, 2))) for name in ("token_ids", "mask")}
    slow = engine({**inputs, **padded})
    assert [full for full, _ in engine._opened] == [True, False]
    for name, answer in fast.items():
        np.testing.assert_allclose(slow[name], answer, atol=1e-6)
    unpadded, any_batch = engine._opened.values()
    assert unpadded.tables is any_batch.tables
