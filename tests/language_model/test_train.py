"""Training a language model: it goes on with a pattern it was shown; and runs repeat."""

from __future__ import annotations

import json

import numpy as np
import pytest

import language_model
from language_model.train import main


def test_abab_is_continued(tmp_path, capsys):
    (tmp_path / "train.txt").write_text(
        "ab" * 20 + "\n" + "ba" * 20 + "\n" + ("ab" * 15 + "\n" + "ba" * 15 + "\n") * 10
    )
    flags = (
        "--level character --document line --units 12 --embedding-dim 6 --batch-size 4 --num-epochs 6 --patience 6 "
        "--learning-rate 0.03 --dropout 0 --input-dropout 0 --average-momentum 0 --min-count 1"
    )
    data = ["--train", str(tmp_path / "train.txt"), "--validation", str(tmp_path / "train.txt")]
    main([*data, "--output-dir", str(tmp_path / "model"), *flags.split()])
    assert "perplexity 1." in capsys.readouterr().out
    model = language_model.load(tmp_path / "model")
    assert model.generate("aba", max_tokens=9, temperature=0) == ["abababababab"]
    assert model.generate("bab", max_tokens=9, temperature=0) == ["babababababa"]
    surprised = model.score(["ababaabab"])[0].log_probabilities
    assert np.argmin(surprised[1:8]) + 1 == 5  # the second a in a row


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(small_runs, small_bundle, tmp_path):
    def train(name):
        small = small_runs["language_model"]
        main(["--train", str(small.train), "--output-dir", str(tmp_path / name), *small.flags])
        return tmp_path / name

    def metrics(folder):
        return json.loads((folder / "metrics.json").read_text())["validation"]

    first, again = small_bundle("language_model"), train("again")  # one in a process of its own, one in this
    assert metrics(again) == pytest.approx(metrics(first), rel=1e-4)
    weights = [language_model.load(folder).network.model.get_weights() for folder in (first, again)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_validation_file_shapes_no_vocabulary(tmp_path):
    (tmp_path / "train.txt").write_text("one two\n" * 5)
    (tmp_path / "validation.txt").write_text("one three\n" * 5)
    flags = "--document line --units 3 --embedding-dim 3 --num-epochs 1 --min-count 1"
    data = ["--train", str(tmp_path / "train.txt"), "--validation", str(tmp_path / "validation.txt")]
    main([*data, "--output-dir", str(tmp_path / "model"), *flags.split()])
    assert sorted(json.loads((tmp_path / "model/vocabulary.json").read_text())["tokens"]) == ["one", "two"]
