"""Bundles of every format version there has been still load, and answer as they did."""

import json
from pathlib import Path

import pytest

import language_model
import pos_tagging
import sentiment

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
    from common.bundles.bundle import FORMAT_VERSION

    assert f"format_{FORMAT_VERSION}" in [folder.name for folder in VERSIONS]


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_old_bundles_answer_as_they_did(folder):
    expected = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    found = answers(folder)
    assert found["tags"] == expected["tags"]
    assert found["rating"] == pytest.approx(expected["rating"], abs=1e-5)
    assert found["log_probabilities"] == pytest.approx(expected["log_probabilities"], abs=1e-5)
