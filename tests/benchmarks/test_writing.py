"""The benchmark of writing in tiny sizes: what is timed writes all its tokens."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import networks, timing, writing
from common.text.vocabulary import EOS_ID
from language_model.loader import initial_states
from tests.language_model.toy_model import build_reader, prefer


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    build = networks.language_model
    monkeypatch.setattr(networks, "language_model", lambda: build(embedding_dim=5, units=7, vocab_size=11))
    monkeypatch.setattr(writing, "NUM_TOKENS", 6)
    monkeypatch.setattr(writing, "SECONDS", 0.0)
    monkeypatch.setattr(writing, "PRETRAINED", ("stories",))
    monkeypatch.setattr(timing, "REST_SECONDS", 0)


@pytest.mark.parametrize("way", writing.WAYS)
@pytest.mark.parametrize("num_samples", [1, 3])
def test_every_text_has_all_its_tokens(way, num_samples, monkeypatch):
    model = writing.never_end(prefer(build_reader(), EOS_ID, 9))
    shapes, step = [], model.step
    monkeypatch.setattr(model, "step", lambda *inputs: shapes.append(inputs[0].shape) or step(*inputs))
    writing.make_call(model, num_samples, writing.WAYS[way])()
    assert shapes == [(1, 1)] + [(num_samples, 1)] * 5  # nothing follows the last of six tokens
    answer, _ = model.step(np.array([[4]], np.int32), np.ones((1, 1), bool), initial_states(model.config, 1))
    assert np.isneginf(answer["logits"][0, 0, EOS_ID])


@pytest.mark.slow
def test_results(tmp_path, capsys):
    writing.main(["--repeats", "3", "--threads", "1", "--output-dir", str(tmp_path)])
    results = json.loads((tmp_path / "writing.json").read_text())
    figures = results["figures"]
    assert [(figure["model"], figure["num_samples"], figure["draw"]) for figure in figures] == [
        (model, count, way) for model in ("2 x GRU 500", "stories") for count in (1, 32) for way in writing.WAYS
    ]
    for figure in figures:
        assert len(figure["times_ms"]) == 3
        assert figure["tokens_per_second"] == pytest.approx(
            1000 * figure["num_samples"] / figure["median_ms"], rel=1e-3
        )
    assert (tmp_path / "writing.png").stat().st_size > 5000
    table = capsys.readouterr().out
    assert table.count("2 x GRU 500") == 6
    assert results["command"] == "python -m benchmarks.writing --repeats 3 --threads 1"
