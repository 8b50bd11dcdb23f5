"""Bundles of every format version there has been still load, and answer as they did."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import language_model
import pos_tagging
import sentiment
from common.bundles.bundle import FORMAT_VERSION, open_bundle
from common.bundles.file_names import MODEL_FILE
from common.inference.engine import open_engine
from common.inference.trial_inputs import random_inputs

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted(FIXTURES.glob("format_*"))
TEXT = "The old ferry was late again, but I loved the view."


def answers(folder: Path) -> dict:
    """What the three bundles of a format version say of one text."""
    [rating] = sentiment.load(folder / "sentiment").predict([TEXT])
    [score] = language_model.load(folder / "language_model").score([TEXT])
    [[sentence]] = pos_tagging.load(folder / "pos_tagging").tag(TEXT)
    return {"rating": rating.rating, "log_probabilities": score.log_probabilities, "tags": sentence.tags}


def test_there_is_a_fixture_for_the_present_format():
    assert f"format_{FORMAT_VERSION}" in [folder.name for folder in VERSIONS]


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_old_bundles_answer_as_they_did(folder):
    expected = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    found = answers(folder)
    assert found["tags"] == expected["tags"]
    assert found["rating"] == pytest.approx(expected["rating"], abs=1e-5)
    assert found["log_probabilities"] == pytest.approx(expected["log_probabilities"], abs=1e-5)


@pytest.mark.parametrize("engine", ["onnx", "keras"])
@pytest.mark.parametrize("task", ["sentiment", "language_model", "pos_tagging"])
def test_bundles_that_name_the_modules_of_older_programs_load(task, engine):
    """Keras writes the module of each class; ours have moved since."""
    folder = FIXTURES / "format_1" / task
    found = set(re.findall(r'"module": "(common[^"]*)"', (folder / MODEL_FILE).read_text(encoding="utf-8")))
    assert found
    assert found <= {"common.layers", "common.lstm"}
    bundle = open_bundle(folder, task)
    inputs = random_inputs(bundle.architecture, 2, 3, np.random.default_rng(0))
    answer = open_engine(bundle, engine)(inputs)
    for array in answer.values() if isinstance(answer, dict) else [answer]:
        assert np.isfinite(array).all()
