"""What is exported answers as Keras does, knows its vocabulary, and runs without any of our code."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import sentiment
from common.bundles.bundle import open_bundle
from common.bundles.file_names import MODEL_FILE, WEIGHTS_FILE
from common.bundles.gate import read_architecture
from common.cli import export
from common.errors import InputError
from common.inference.trial_inputs import random_inputs
from common.networks.specs import recurrent_node
from common.text.vocabulary import Vocabulary
from tests.conftest import ROOT

TASKS = ("sentiment", "language_model", "pos_tagging")
# Only what the example in the README imports may be there.
NOTHING_ELSE = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"keras", "tensorflow", "onnx", "h5py", "spacy", "pandas", "common", "sentiment"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
"""


@pytest.fixture
def one_call(monkeypatch):
    """No medians: networks are not timed here."""
    monkeypatch.setattr(export, "REPEATS", 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    TASKS,
)
def test_an_onnx_file_carries_all_that_answering_needs(task, small_bundle, run, tmp_path):
    bundle = small_bundle(task)
    done = run(
        "common.cli.export",
        "--model",
        bundle,
        "--format",
        "onnx",
        "--output",
        tmp_path / "deep" / "model.onnx",
    )
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"largest difference from Keras: (\S+)", done.stderr)[1]) < 1e-5
    assert done.stderr.count("median of") == len(export.SHAPES)
    assert "WARN" not in done.stderr.upper()
    assert re.fullmatch(r".*model\.onnx: \d+\.\d MB\n", done.stdout)
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["model.onnx"]
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / "deep" / "model.onnx").metadata_props}
    assert json.loads(metadata["task"]) == task
    assert json.loads(metadata["config"]) == json.loads((bundle / "config.json").read_text())
    vocabulary = Vocabulary.load(bundle / "vocabulary.json")
    assert json.loads(metadata["vocabulary"])["tokens"] == vocabulary.tokens[4:]
    assert json.loads(metadata["tokenizer"])["pipeline"] == "blank en"
    assert not {"model", "metrics", "manifest"} & metadata.keys()


@pytest.mark.slow
def test_a_saved_model_answers_and_carries_the_rest_beside_it(small_bundle, run, tmp_path):
    bundle = small_bundle("sentiment")
    done = run("common.cli.export", "--model", bundle, "--format", "saved_model", "--output", tmp_path / "model")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model" / "saved_model.pb").is_file()
    extras = tmp_path / "model" / "assets.extra"
    assert (extras / "vocabulary.json").read_text() == (bundle / "vocabulary.json").read_text()
    assert json.loads((extras / "task.json").read_text()) == "sentiment"


@pytest.mark.usefixtures("one_call")
def test_the_example_in_the_readme_needs_onnxruntime_alone(run_here, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [command] = re.findall(r"^python -m common\.cli\.export (.*) --output ratings\.onnx$", readme, re.MULTILINE)
    done = run_here("common.cli.export", *command.split(), "--output", tmp_path / "ratings.onnx")
    assert done.returncode == 0, done.stderr
    [program] = re.findall(r"```python\n(import json\n.*?)```", readme, re.DOTALL)
    assert len(program.strip().splitlines()) == 10
    answer = subprocess.run(
        [sys.executable, "-c", NOTHING_ELSE + program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    [wanted] = sentiment.load().predict(["A joy from start to end."])
    assert float(answer.stdout.strip("[]\n")) == pytest.approx(wanted.rating, abs=1e-5)


def test_other_numbers_than_those_of_keras_are_never_written(small_bundle, tmp_path, monkeypatch):
    reorder = recurrent_node.onnx_weights
    monkeypatch.setattr(recurrent_node, "onnx_weights", lambda cell, gates: [1.5 * w for w in reorder(cell, gates)])
    bundle = open_bundle(small_bundle("pos_tagging"))
    with pytest.raises(InputError, match=r"differs from Keras by .* nothing was written"):
        export.export(bundle, "onnx", tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [(True, False), (False, True), (True, True)])
def test_numbers_that_are_none_are_never_equal(bad):
    """Python's max(0.0, nan) is 0.0."""
    good, damaged = ({"a": np.ones(3), "b": np.array([1, number, 1])} for number in (2.0, np.nan))
    keras, exported = (lambda inputs, answer=damaged if one else good: answer for one in bad)
    for trials in ([{}], [{}, {}]):
        difference, largest = export.compare(keras, exported, trials)
        assert not difference <= export.LARGEST_DIFFERENCE * max(largest, 1)
    assert export.compare(lambda _: good, lambda _: good, [{}]) == (0.0, 2.0)


def test_nothing_is_replaced(small_bundle, tmp_path):
    (tmp_path / "model.onnx").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        export.export(open_bundle(small_bundle("sentiment")), "onnx", tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_text() == "precious"


def test_random_inputs_fit_the_network(small_bundle, tmp_path):
    bundle = small_bundle("pos_tagging")
    architecture = read_architecture(bundle / MODEL_FILE, bundle / WEIGHTS_FILE)
    inputs = random_inputs(architecture, 3, 5, np.random.default_rng(0))
    assert {name: (array.shape, str(array.dtype)) for name, array in inputs.items()} == {
        "token_ids": ((3, 5), "int32"),
        "shape_ids": ((3, 5), "int32"),
        "affix_ids": ((3, 5, 8), "int32"),
        "spellings": ((3, 16), "int32"),
        "spelling_ids": ((3, 5), "int32"),
        "mask": ((3, 5), "bool"),
    }
    assert inputs["mask"][0].all()
    assert (inputs["mask"][:, 1:] <= inputs["mask"][:, :-1]).all()
    num_ids = {
        layer.name: layer.config["input_dim"] for layer in architecture.layers.values() if "input_dim" in layer.config
    }
    assert 0 < inputs["spelling_ids"].max() < 3
    assert inputs["spellings"].max() < num_ids["character_embedding"] < num_ids["embedding"]


@pytest.mark.usefixtures("one_call")
def test_lengths_are_free_in_the_exported_file(small_bundle, tmp_path):
    export.export(open_bundle(small_bundle("language_model")), "onnx", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert {node.name: node.shape[:2] for node in session.get_inputs()}["token_ids"] == ["batch", "time"]
    assert [node.name for node in session.get_outputs()] == ["logits", "hidden", "next_state_0_h", "next_state_0_c"]
