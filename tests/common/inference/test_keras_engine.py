"""A compiled forward pass: the model's own answers, whatever the lengths."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest

from common.bundles.bundle import Bundle, open_network
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.networks.layers import MaskedPooling


@pytest.fixture
def model():
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="bool", name="mask")
    states = keras.layers.Dropout(0.9)(keras.layers.Embedding(9, 5)(token_ids))
    return keras.Model({"token_ids": token_ids, "mask": mask}, MaskedPooling("mean")(states, mask=mask))


def batch(size, time):
    ids = np.random.default_rng(time).integers(0, 9, (size, time)).astype("int32")
    return {"token_ids": ids, "mask": np.ones((size, time), bool), "unused": None}


def test_it_answers_as_the_model_for_any_length(model):
    network = KerasEngine(model)
    for size, time in ((2, 3), (1, 7), (4, 1)):
        inputs = batch(size, time)
        wanted = model({name: inputs[name] for name in ("token_ids", "mask")}, training=False)
        answer = network(inputs)
        assert isinstance(answer, np.ndarray)
        assert answer.shape == (size, 5)
        np.testing.assert_allclose(answer, wanted, rtol=1e-6)


def test_it_is_traced_once_for_all_lengths(model, monkeypatch):
    calls = []
    call = MaskedPooling.call
    monkeypatch.setattr(MaskedPooling, "call", lambda *args, **kwargs: calls.append(1) or call(*args, **kwargs))
    network = KerasEngine(model)
    for time in range(1, 9):
        network(batch(2, time))
    assert len(calls) == 1


def test_later_weights_count(model):
    network = KerasEngine(model)
    before = network(batch(2, 3))
    model.set_weights([2 * weight for weight in model.get_weights()])
    np.testing.assert_allclose(network(batch(2, 3)), 2 * before, rtol=1e-6)


def test_named_outputs_stay_named(model):
    named = keras.Model(model.input, {"score": model.output})
    assert list(KerasEngine(named)(batch(2, 3))) == ["score"]


def test_a_bundle_is_built_when_it_is_needed(tmp_path):
    network = KerasEngine(Bundle(tmp_path, {}))
    with pytest.raises(ValueError, match=r"model\.json"):
        network(batch(2, 3))


def test_what_keras_cannot_run_is_one_line(model, tmp_path):
    (tmp_path / MODEL_FILE).write_text(model.to_json())
    model.save_weights(tmp_path / WEIGHTS_FILE)
    network, inputs = KerasEngine(open_network(tmp_path)), batch(2, 3)
    name = next(iter(inputs))
    for spoilt in (
        {key: value for key, value in inputs.items() if key != name},
        {**inputs, name: np.ones((2, 3, 4, 5))},
    ):
        with pytest.raises(InputError, match=r"^[^\n]*: Keras cannot run its network \([^\n]*$"):
            network(spoilt)


def test_what_does_not_need_keras_does_not_import_it():
    program = "import common.cli.options, common.bundles.bundle, common.settings, common.text.tokenization, "
    program += "common.inference.keras_engine, sys; "
    program += "print({'keras', 'tensorflow', 'spacy', 'pandas', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
