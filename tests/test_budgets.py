"""What a command may cost: an answer and a refusal, from start to exit, in processor seconds and megabytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from common.bundles.bundle import save_bundle, write_manifest
from common.bundles.file_names import MANIFEST_FILE, MODEL_FILE
from common.text.vocabulary import Vocabulary
from tests.conftest import ROOT, RUN_FACTS
from tests.language_model.toy_model import build_reader

# The peak of a process counts what its parent held when it was started, so a small one stands in between.
LAUNCHER = """
import json, os, sys
process = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", *sys.argv[1:]])
_, status, usage = os.wait4(process, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def measure(*command):
    """Run `python -m …`: exit status, what it said on standard error, processor seconds, peak megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    status, seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return status, done.stderr, seconds, megabytes


# What a fair second is: a program that, like the start of a command, imports and works in the interpreter, and the
# seconds it takes on the machine that the budgets were set on. A slow or busy machine needs more for both alike.
YARDSTICK, YARDSTICK_SECONDS = ("numpy.f2py", "--help"), 0.16


def measure_fairly(budget, *command):
    """As `measure`, with the seconds that it would take where the budgets were set; again if a moment was a bad one."""
    for _ in range(3):
        _, _, yardstick, _ = measure(*YARDSTICK)
        status, said, seconds, megabytes = measure(*command)
        seconds *= min(1, YARDSTICK_SECONDS / yardstick)
        if seconds < budget:
            break
    return status, said, seconds, megabytes


def layers_of(model):
    return {layer["name"]: layer for layer in model["config"]["layers"]}


def unknown_class(model):
    layers_of(model)["logits"]["class_name"] = "Conv9D"


def million_units(model):
    layers_of(model)["recurrent_0"]["config"]["units"] = 1_000_000


def a_lambda(model):
    layer = layers_of(model)["expected_level"]
    layer.update(class_name="Lambda", config={"name": "expected_level", "function": "import os"})


def other_shapes(model):
    layers_of(model)["embedding"]["config"]["output_dim"] += 1


def cycle(model):
    layers_of(model)["logits"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "expected_level"


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (unknown_class, "class 'Conv9D' is not allowed"),
        (million_units, "declares weights of"),
        (a_lambda, "class 'Lambda' is not allowed"),
        (other_shapes, "declares weights of"),
        (cycle, "waits for itself or for nothing"),
    ],
)
def test_a_hostile_architecture_is_refused_fast(forge, message, tmp_path):
    bundle = shutil.copytree(ROOT / "pretrained_model/sentiment/reviews", tmp_path / "bundle")
    model = json.loads((bundle / MODEL_FILE).read_text())
    forge(model)
    (bundle / MODEL_FILE).write_text(json.dumps(model))
    manifest = json.loads((bundle / MANIFEST_FILE).read_text())
    (bundle / MANIFEST_FILE).unlink()
    write_manifest(bundle, {key: value for key, value in manifest.items() if key not in ("format_version", "files")})
    status, said, seconds, megabytes = measure_fairly(1, "sentiment.predict", "--model", bundle, "A joy.")
    assert status == 2
    assert said.startswith(f"error: {bundle}")
    assert said.count("\n") == 1
    assert message in said
    assert seconds < 1
    assert megabytes < 200


@pytest.mark.parametrize("command", ["sentiment.predict", "pos_tagging.predict", "language_model.score"])
def test_one_sentence_costs_little(command):
    status, said, seconds, megabytes = measure_fairly(2, command, "The soup was cold and nobody cared.")
    assert (status, said) == (0, "")
    assert seconds < 2
    assert megabytes < 190


@pytest.fixture(scope="module")
def large_bundle(tmp_path_factory):
    """Two layers of GRU 500 over 10,000 words, with random weights."""
    folder = tmp_path_factory.mktemp("large") / "model"
    vocabulary = Vocabulary([f"word{number}" for number in range(10_000 - 4)])
    sizes = {"architecture": "gru", "num_layers": 2, "units": 500, "embedding_dim": 500, "tie_embeddings": False}
    model = build_reader(vocabulary, scale=0.02, **sizes)
    facts = {**RUN_FACTS, "task": "language_model"}
    save_bundle(
        folder,
        model.network.model,
        model.config,
        {},
        facts,
        "card",
        lambda new: vocabulary.save(new / "vocabulary.json"),
    )
    return folder


@pytest.mark.parametrize("num_samples", [pytest.param(1, marks=pytest.mark.slow), 32])
def test_writing_takes_little_memory(num_samples, large_bundle):
    flags = ("--num-samples", num_samples, "--max-tokens", 300, "--prompt", "word1 " * 3000)
    status, said, _, megabytes = measure("language_model.generate", "--model", large_bundle, *flags)
    assert (status, said) == (0, "")
    assert megabytes < 300


@pytest.mark.slow
def test_a_sampled_softmax_bounds_the_memory_of_training(tmp_path):
    words = np.random.default_rng(0).permutation(np.tile(np.arange(40_000), 2))
    lines = (" ".join(f"w{word}" for word in row) for row in words.reshape(-1, 100))
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    flags = (
        "--document line --level spaced --min-count 1 --max-vocab-size 50000 --batch-size 32 --units 8 --num-epochs 1"
    )
    data = ("--train", tmp_path / "train.txt", *flags.split(), "--embedding-dim", 8, "--no-mixed-precision")
    peaks = {}
    for number in (0, 500):
        *_, peaks[number] = measure(
            "language_model.train", *data, "--output-dir", tmp_path / str(number), "--sampled-softmax-size", number
        )
    # All logits of a batch, 32 x 100 x 40,000 numbers, are 512 MB.
    assert peaks[500] < peaks[0] - 512
