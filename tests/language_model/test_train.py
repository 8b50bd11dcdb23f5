"""Training a language model: it goes on with a pattern it was shown; and runs repeat."""

from __future__ import annotations

import json

import numpy as np
import pytest

import language_model
from common.errors import InputError
from language_model import evaluate
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


WALK = ["the king went home .", "the dog went away .", "a <unk> came home .", "the king came away ."]


@pytest.fixture
def spaced_texts(tmp_path):
    """Lines with spaces between all tokens and `<unk>` written in them, as benchmarks come."""
    for name, number in (("train", 60), ("validation", 12), ("test", 12)):
        lines = np.random.default_rng(number).choice(WALK, number)
        (tmp_path / f"{name}.txt").write_text("".join(f" {line} \n" for line in lines))
    return tmp_path


@pytest.mark.parametrize(
    "flags",
    [
        "--carry-state --weight-dropout 0.2 --variational-dropout --embedding-dropout 0.1 --activation-penalty 1",
        "--carry-state --num-sampled 8 --no-tie-embeddings",
        "--architecture fixed-window --window 3 --num-layers 2",
        "--architecture fixed-window --carry-state --num-sampled 8",
    ],
)
def test_a_stream_of_tokens_is_learned_and_evaluated(flags, spaced_texts, capsys):
    model, files = spaced_texts / "model", {name: str(spaced_texts / f"{name}.txt") for name in ("train", "validation")}
    settings = (
        "--level spaced --document line --min-count 1 --units 16 --embedding-dim 12 --batch-size 4 --max-length 12"
    )
    training = (
        "--num-epochs 12 --learning-rate 0.02 --dropout 0 --input-dropout 0 --hidden-dropout 0 --no-mixed-precision"
    )
    data = ["--train", files["train"], "--validation", files["validation"], "--output-dir", str(model)]
    main([*data, *settings.split(), *training.split(), *flags.split()])
    reader = language_model.load(model)
    assert "<unk>" not in reader.vocabulary.tokens[4:]
    capsys.readouterr()
    options = ["--test", str(spaced_texts / "test.txt"), "--train", files["train"], "--cache", files["validation"]]
    evaluate.main(["--model", str(model), *options, "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["carry_state"] == ("--carry-state" in flags)
    assert result["num_tokens"] == 12 * 6  # five tokens a line, and the end
    assert result["perplexity"] < 2.2  # of 11 tokens; a line is one of four
    assert list(result["baselines"]) == ["Kneser-Ney 5-gram", "model, cache", "Kneser-Ney 5-gram, cache"]
    for system in result["baselines"].values():
        assert 1 < system["perplexity"] < 3
    evaluate.main(["--model", str(model), *options[:2], "--json", "--reset-every", "1", "--no-carry-state"])
    forgetful = json.loads(capsys.readouterr().out)
    assert forgetful["reset_every"] == 1
    assert forgetful["perplexity"] > result["perplexity"] * 1.1


def test_without_validation_the_last_epoch_counts(spaced_texts, capsys):
    model, train_file = spaced_texts / "model", str(spaced_texts / "train.txt")
    data = ["--train", train_file, "--validation-rate", "0", "--output-dir", str(model)]
    settings = "--level spaced --document line --min-count 1 --units 5 --embedding-dim 4 --num-epochs 3 --batch-size 20"
    main([*data, *settings.split(), "--average-momentum", "0"])
    assert capsys.readouterr().out == f"trained without validation; bundle in {model}\n"
    history = (model / "history.csv").read_text().splitlines()
    assert history[0] == "epoch,loss,seconds"
    manifest = json.loads((model / "manifest.json").read_text())
    assert (manifest["best_epoch"], manifest["num_epochs"]) == (3, 3)
    assert json.loads((model / "metrics.json").read_text()) == {}
    evaluate.main(["--model", str(model), "--test", str(spaced_texts / "test.txt"), "--save"])
    assert "| perplexity |" in (model / "README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--num-sampled 50", "--num-sampled: found 50, wanted less than the 13 tokens known; 0 takes all"),
        ("--architecture fixed-window --weight-dropout 0.1", "--weight-dropout: a fixed-window network has no"),
        ("--architecture fixed-window --window 1", "--window: found 1, wanted from 2 to 100"),
    ],
)
def test_settings_that_do_not_fit(flags, message, spaced_texts):
    data = ["--train", str(spaced_texts / "train.txt"), "--output-dir", str(spaced_texts / "model")]
    with pytest.raises(InputError, match=message):
        main([*data, "--level", "spaced", "--document", "line", "--min-count", "1", *flags.split()])
    assert not (spaced_texts / "model").exists()
