"""Plain Keras reads saved models after `import common.networks` alone, whichever is imported first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from common.bundles.bundle import open_bundle
from common.inference.keras_engine import KerasEngine
from common.inference.trial_inputs import random_inputs
from common.networks import registration
from tests.conftest import ROOT

BUNDLES = [
    *sorted(path.parent for path in ROOT.glob("pretrained_model/*/*/manifest.json")),
    *sorted(path.parent for path in ROOT.glob("tests/fixtures/format_*/*/manifest.json")),
]
# A package `keras` of our own: which modules are imported after it?
FAKE = """
import sys
import common.networks
assert "keras" not in sys.modules
import common.networks.registration as registration
registration.LAYER_MODULES = ("colorsys",)
import keras
assert keras.NAME == "fake" and keras.__spec__.loader is keras.__loader__
assert "colorsys" in sys.modules
assert not any(type(finder).__name__ == "_KerasFinder" for finder in sys.meta_path)
"""
# What README.md shows, for each bundle named; the answers to inputs in an .npz file are written beside it.
PLAIN = """
import json, sys
{imports}
import numpy as np
for folder, inputs, outputs in json.load(sys.stdin):
    model = keras.models.model_from_json(open(folder + "/model.json").read())
    model.load_weights(folder + "/model.weights.h5")
    given = np.load(inputs)
    answer = model({{name: given[name] for name in model.input}}, training=False)
    answer = answer if isinstance(answer, dict) else {{"answer": answer}}
    np.savez(outputs, **{{name: np.asarray(value) for name, value in answer.items()}})
"""


def test_keras_that_is_installed_later_is_still_found(monkeypatch):
    monkeypatch.setattr(registration, "LAYER_MODULES", ("colorsys",))
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setitem(sys.modules, "keras", None)
    registration.register_with_keras()
    registration.register_with_keras()
    [finder] = sys.meta_path
    assert finder.find_spec("other", None) is None
    assert sys.meta_path == [finder]
    monkeypatch.setattr(registration.importlib.util, "find_spec", lambda name: None)
    assert finder.find_spec("keras", None) is None
    assert sys.meta_path == [finder]
    spec = SimpleNamespace(loader=SimpleNamespace(create_module=str, exec_module=lambda module: done.append(module)))
    done, loader = [], spec.loader
    monkeypatch.setattr(registration.importlib.util, "find_spec", lambda name: spec)
    assert finder.find_spec("keras", None) is spec
    assert sys.meta_path == []
    assert spec.loader.create_module("keras") == "keras"
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    monkeypatch.setattr(registration.importlib, "import_module", done.append)
    module = SimpleNamespace(__spec__=spec, __loader__=None)
    spec.loader.exec_module(module)
    assert done == [module, "colorsys"]
    assert spec.loader is module.__loader__ is loader


def test_layers_are_registered_at_once_where_keras_is_there(monkeypatch):
    done = []
    monkeypatch.setattr(registration.importlib, "import_module", done.append)
    monkeypatch.setitem(sys.modules, "keras", "there")
    before = list(sys.meta_path)
    registration.register_with_keras()
    assert done == ["common.networks.layers", "common.networks.lstm"]
    assert sys.meta_path == before


def test_layers_are_registered_after_keras_is_imported(tmp_path):
    (tmp_path / "keras.py").write_text("NAME = 'fake'\n")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n{FAKE}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("imports", ["import keras, common.networks", "import common.networks, keras"])
def test_plain_keras_answers_as_we_do(imports, small_bundle, tmp_path):
    new = [small_bundle(task) for task in ("sentiment", "language_model", "pos_tagging")]
    jobs: list[tuple[Path, Path, Path]] = []
    for number, folder in enumerate([*BUNDLES, *new]):
        inputs = random_inputs(open_bundle(folder).architecture, 3, 11, np.random.default_rng(number))
        np.savez(tmp_path / f"in{number}.npz", **inputs)
        jobs.append((folder, tmp_path / f"in{number}.npz", tmp_path / f"out{number}.npz"))
    assert len(jobs) >= 12
    subprocess.run(
        [sys.executable, "-c", PLAIN.format(imports=imports)],
        cwd=ROOT, input=json.dumps([[str(path) for path in job] for job in jobs]), text=True, check=True,
    )  # fmt: skip
    for folder, inputs, outputs in jobs:
        ours = KerasEngine(open_bundle(folder))(dict(np.load(inputs)))
        ours = ours if isinstance(ours, dict) else {"answer": ours}
        theirs = dict(np.load(outputs))
        assert theirs.keys() == ours.keys()
        for name, value in ours.items():
            np.testing.assert_allclose(theirs[name], value, rtol=1e-6, atol=1e-6, err_msg=f"{folder}: {name}")
