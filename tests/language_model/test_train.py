"""Training a language model: it goes on with a pattern it was shown; and runs repeat."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import language_model
from common.errors import InputError
from language_model.config import LanguageModelConfig
from tests import forge
from tests.language_model.toy_model import build_reader

training = importlib.import_module("language_model.train")  # `language_model.train` is the function


def test_abab_is_continued(tmp_path, run_here):
    (tmp_path / "train.txt").write_text(
        "ab" * 20 + "\n" + "ba" * 20 + "\n" + ("ab" * 15 + "\n" + "ba" * 15 + "\n") * 10
    )
    flags = (
        "--level character --document line --units 12 --embedding-dim 6 --batch-size 4 --num-epochs 6 --patience 6 "
        "--learning-rate 0.03 --dropout 0 --input-dropout 0 --ema-momentum 0 --min-count 1"
    )
    data = ["--train", str(tmp_path / "train.txt"), "--validation", str(tmp_path / "train.txt")]
    done = run_here("language_model.train", *data, "--output-dir", tmp_path / "model", *flags.split())
    assert "perplexity 1." in done.stdout
    model = language_model.load(tmp_path / "model")
    assert model.generate("aba", max_tokens=9, temperature=0) == ["abababababab"]
    assert model.generate("bab", max_tokens=9, temperature=0) == ["babababababa"]
    surprised = model.score(["ababaabab"])[0].log_probabilities
    assert np.argmin(surprised[1:8]) + 1 == 5  # the second a in a row


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(small_runs, small_bundle, tmp_path, run_here):
    def train(name):
        small = small_runs["language_model"]
        run_here("language_model.train", "--train", small.train, "--output-dir", tmp_path / name, *small.flags)
        return tmp_path / name

    def metrics(folder):
        validation = json.loads((folder / "metrics.json").read_text())["validation"]
        assert validation.pop("verdict")
        return validation

    first, again = small_bundle("language_model"), train("again")  # one in a process of its own, one in this
    assert metrics(again) == pytest.approx(metrics(first), rel=1e-4)
    weights = [language_model.load(folder).network.model.get_weights() for folder in (first, again)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_validation_file_shapes_no_vocabulary(tmp_path):
    (tmp_path / "train.txt").write_text("one two\n" * 5)
    (tmp_path / "validation.txt").write_text("one three\n" * 5)
    config = LanguageModelConfig(document="line", units=3, embedding_dim=3, num_epochs=1, min_count=1)
    validation = tmp_path / "validation.txt"
    language_model.train(tmp_path / "train.txt", tmp_path / "model", config, validation=validation)
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
        "--stateful --weight-dropout 0.2 --variational-dropout --embedding-dropout 0.1 --activation-regularization 1",
        pytest.param("--stateful --sampled-softmax-size 8 --no-tie-embeddings", marks=pytest.mark.slow),
        pytest.param("--architecture fixed-window --window 3 --num-layers 2", marks=pytest.mark.slow),
        pytest.param("--architecture fixed-window --stateful --sampled-softmax-size 8", marks=pytest.mark.slow),
    ],
)
def test_a_stream_of_tokens_is_learned_and_evaluated(flags, spaced_texts, run_here):
    model, files = spaced_texts / "model", {name: str(spaced_texts / f"{name}.txt") for name in ("train", "validation")}
    settings = (
        "--level spaced --document line --min-count 1 --units 16 --embedding-dim 12 --batch-size 4 --tbptt-length 12"
    )
    training = (
        "--num-epochs 12 --learning-rate 0.02 --dropout 0 --input-dropout 0 --hidden-dropout 0 --no-mixed-precision"
    )
    data = ["--train", files["train"], "--validation", files["validation"], "--output-dir", str(model)]
    done = run_here("language_model.train", *data, *settings.split(), *training.split(), *flags.split())
    assert done.returncode == 0, done.stderr
    reader = language_model.load(model)
    assert "<unk>" not in reader.vocabulary.tokens[4:]

    def evaluate(*options):
        done = run_here("language_model.evaluate", "--model", model, *options, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    options = ["--test", str(spaced_texts / "test.txt"), "--train", files["train"], "--cache", files["validation"]]
    result = evaluate(*options)
    assert result["stateful"] == ("--stateful" in flags)
    assert result["num_tokens"] == 12 * 6  # five tokens a line, and the end
    assert result["perplexity"] < 2.2  # of 11 tokens; a line is one of four
    assert list(result["baselines"]) == ["Kneser-Ney 5-gram", "model, cache", "Kneser-Ney 5-gram, cache"]
    for system in result["baselines"].values():
        assert 1 < system["perplexity"] < 3
    forgetful = evaluate(*options[:2], "--reset-every", "1", "--no-stateful")
    assert forgetful["reset_every"] == 1
    assert forgetful["perplexity"] > result["perplexity"] * 1.1


def test_without_validation_the_last_epoch_counts(spaced_texts, run_here):
    model, train_file = spaced_texts / "model", str(spaced_texts / "train.txt")
    data = ["--train", train_file, "--validation-split", "0", "--output-dir", str(model)]
    settings = "--level spaced --document line --min-count 1 --units 5 --embedding-dim 4 --num-epochs 3 --batch-size 20"
    done = run_here("language_model.train", *data, *settings.split(), "--ema-momentum", "0")
    assert done.stdout == f"trained without validation; bundle in {model}\n"
    history = (model / "history.csv").read_text().splitlines()
    assert history[0] == "epoch,loss,seconds"
    manifest = json.loads((model / "manifest.json").read_text())
    assert (manifest["best_epoch"], manifest["num_epochs"]) == (3, 3)
    assert json.loads((model / "metrics.json").read_text()) == {}
    done = run_here("language_model.evaluate", "--model", model, "--test", spaced_texts / "test.txt", "--save")
    assert done.returncode == 0, done.stderr
    assert "| perplexity |" in (model / "README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            "--sampled-softmax-size 50",
            "--sampled-softmax-size: found 50, wanted less than the 13 tokens of the vocabulary; 0 takes",
        ),
        ("--architecture fixed-window --weight-dropout 0.1", "--weight-dropout: a fixed-window network has no"),
        ("--architecture fixed-window --window 1", "--window: found 1, wanted from 2 to 100"),
    ],
)
def test_settings_that_do_not_fit(flags, message, spaced_texts, run_here):
    data = ["--train", str(spaced_texts / "train.txt"), "--output-dir", str(spaced_texts / "model")]
    settings = ["--level", "spaced", "--document", "line", "--min-count", "1"]
    done = run_here("language_model.train", *data, *settings, *flags.split())
    assert done.returncode == 2
    assert f"error: {message}" in done.stderr
    assert not (spaced_texts / "model").exists()


@pytest.mark.parametrize("fine_tuning", [False, True])
def test_settings_left_to_the_size_of_the_data_follow_it(fine_tuning):
    def steps(num_tokens, num_texts):
        config = LanguageModelConfig().sized(num_tokens, num_texts, fine_tuning)
        config.validate()
        assert config.batch_size > 0 < config.learning_rate
        assert config.ema_momentum >= 0 <= config.patience
        piece = min(config.tbptt_length, num_tokens / num_texts)
        return config.num_epochs * num_tokens / piece / config.batch_size, config.num_epochs, config.batch_size

    small, lines, large = steps(12_000, 160), steps(12_000, 1200), steps(600_000, 3000)
    assert small[0] > 50
    assert small[1] >= large[1], "a small text is read at least as often"
    assert small[2] < lines[2], "short pieces go into larger batches"
    assert small[2] < large[2]
    given = LanguageModelConfig(num_epochs=2, batch_size=5, learning_rate=0.1, ema_momentum=0, patience=0)
    assert given.sized(12_000, 160, fine_tuning) == given


def test_a_network_from_scratch_begins_with_the_frequencies(tmp_path):
    """Before it learns anything else, "the" and the end of a text are likely, a word that is never there is not."""
    config = replace(TINY, num_epochs=1, learning_rate=1e-9, mixed_precision=False)
    result = language_model.train(WALK * 4, tmp_path / "model", config, validation=WALK)
    counts = np.array([3, 2, 2, 2, 4, 1, 2, 1, 1, 2, 4])  # the king went home . dog away a <unk> came, and the ends
    unigram = -(counts / counts.sum() * np.log(counts / counts.sum())).sum()
    assert result.scores["nats_per_token"] == pytest.approx(unigram, abs=0.1)
    assert unigram < np.log(len(result.model.vocabulary)) - 0.2


def test_training_ends_with_the_verdict(tmp_path, run_here):
    (tmp_path / "train.txt").write_text("\n\n".join(WALK * 20))
    data = ["--train", tmp_path / "train.txt", "--validation", tmp_path / "train.txt"]
    flags = "--units 4 --embedding-dim 3 --num-epochs 1 --learning-rate 0.000001"
    done = run_here("language_model.train", *data, "--output-dir", tmp_path / "model", *flags.split())
    assert done.returncode == 0, done.stderr
    verdict = done.stdout.splitlines()[-1]
    assert verdict.startswith("On 80 validation texts the model's perplexity is ")
    assert "the model is behind. It has learned from " in verdict
    assert json.loads((tmp_path / "model/metrics.json").read_text())["validation"]["verdict"] == verdict
    model = language_model.load(tmp_path / "model")
    scores = language_model.evaluate(model, WALK * 5, train=tmp_path / "train.txt")
    [baseline] = scores.baselines.values()
    shown = (
        f"{scores['perplexity']:.1f} (lower is better), Kneser-Ney's {baseline['perplexity']:.1f}: the model is behind"
    )
    assert f"On 20 test texts the model's perplexity is {shown}" in str(scores.verdict)
    assert language_model.evaluate(model, WALK * 5).verdict is None


# -- The Python API -------------------------------------------------------------------------------------------------

TINY = LanguageModelConfig(units=5, embedding_dim=4, num_epochs=3, min_count=1, batch_size=4, level="spaced")


def test_a_table_in_memory_is_learned_and_evaluated(tmp_path, capsys):
    frame = pd.DataFrame({"story": [*WALK, "the king ."] * 3, "title": "x"})
    config = replace(TINY, text_column="story", num_epochs=1)
    result = language_model.train(frame, tmp_path / "model", config, validation=frame.iloc[:4])
    assert set(result.scores) == {"perplexity", "nats_per_token", "bits_per_character"}
    assert result.path == tmp_path / "model"
    loaded = language_model.load(result.path)
    assert loaded.score("the king .")[0].perplexity == pytest.approx(result.model.score("the king .")[0].perplexity)
    scores = language_model.evaluate(loaded, frame.iloc[:4], train=frame)
    assert scores["perplexity"] == pytest.approx(result.scores["perplexity"], rel=1e-5)
    assert list(scores.baselines) == ["Kneser-Ney 5-gram"]
    assert capsys.readouterr().out == ""
    assert "perplexity" in result._repr_html_()
    assert "Language model" in loaded._repr_html_()


def test_on_epoch_sees_the_scores_and_stops(tmp_path):
    seen = []

    def on_epoch(number, scores):
        seen.append((number, set(scores)))
        return number == 2

    result = language_model.train(WALK * 4, tmp_path / "model", TINY, on_epoch)
    assert seen == [(number, {"loss", "perplexity", "nats_per_token"}) for number in (1, 2)]
    assert len(result.history) == 2


def test_evaluate_writes_nothing_and_returns_the_log_probabilities(small_bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = language_model.load(small_bundle("language_model"))
    texts = ["The king went home. He was tired.", "A fox came. It was red."]
    scores = language_model.evaluate(model, texts, train=texts, cache=texts)
    assert list(tmp_path.iterdir()) == []
    assert [len(row) for row in scores.predictions] == [10, 9]
    total = -sum(row.sum() for row in scores.predictions)
    assert scores["nats_per_token"] == pytest.approx(total / 19, rel=1e-6)
    assert scores.facts["num_endings"] == 2
    assert "ending_accuracy" in scores
    assert scores.write_report(tmp_path, "A title").name == "report.html"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([None], "row 1: found None"),
        (["fine", float("nan")], "row 2: found nan"),
        (["fine", ["a", "b"]], "row 2: found \\['a', 'b'\\]"),
        ([], "no rows"),
        (3, "found 3 as data"),
        (pd.DataFrame({"story": ["a"]}), "no column 'text'; the columns there are: story"),
        (pd.DataFrame({"text": ["a", None]}), "row 2: empty text"),
    ],
)
def test_data_that_are_none(data, message, tmp_path):
    with pytest.raises(InputError, match=message):
        language_model.train(data, tmp_path / "model", TINY)
    assert not (tmp_path / "model").exists()


def test_settings_of_the_api_are_checked(tmp_path):
    for config, message in (
        (replace(TINY, units=0), "--units: found 0, wanted at least 1"),
        (replace(TINY, architecture="fixed-window", weight_dropout=0.1), "--weight-dropout"),
    ):
        with pytest.raises(InputError, match=message):
            language_model.train(WALK, tmp_path / "model", config)


def test_old_names_of_settings_are_read_from_bundles_alone(tmp_path, run_here):
    bundle = forge.copy_fixture("language_model", tmp_path)
    old = {
        "average_momentum": 0.5, "validation_rate": 0.2, "warmup_rate": 0.3, "activation_penalty": 2.0,
        "change_penalty": 3.0, "max_length": 77, "num_sampled": 9, "carry_state": True,
    }  # fmt: skip
    forge.write(bundle, "config.json", json.loads((bundle / "config.json").read_text()) | old)
    config = language_model.load(bundle).config
    assert [getattr(config, LanguageModelConfig.OLD_NAMES[name]) for name in old] == list(old.values())
    done = run_here("language_model.train", "--train", "x.txt", "--output-dir", tmp_path / "new", "--carry-state")
    assert done.returncode == 2
    assert "unrecognized arguments: --carry-state" in done.stderr


# -- Before and after the network learns ----------------------------------------------------------------------------


def splits_of(train, validation, **settings):
    config = LanguageModelConfig(**{"batch_size": 2, "min_count": 1, **settings})
    rows = [[text.split() for text in part] for part in (train, validation)]
    return training.Splits(config, list(train), rows[0], list(validation), rows[1])


def test_the_vocabulary_and_the_counts_of_a_run(capsys):
    splits = splits_of(["a b a", "a c"], ["a d"])
    examples = training.prepare_data(splits, splits.config, None)
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Data: 2 texts of 5 tokens to train on, 1 for validation; 7 different, 0.0% of the tokens unknown"
    )
    assert examples.counts.tolist() == [0, 0, 0, 2, 3, 1, 1]
    small = splits_of(["a b a", "a c"], [], max_vocab_size=5)
    assert len(training.prepare_data(small, small.config, None).vocabulary) == 5
    assert "40.0% of the tokens unknown" in capsys.readouterr().err
    for number in (6, 7):
        sampled = splits_of(["a b a", "a c"], [], sampled_softmax_size=number)
        if number == 6:
            training.prepare_data(sampled, sampled.config, None)
        else:
            with pytest.raises(InputError, match="--sampled-softmax-size: found 7, wanted less than the 7 tokens"):
                training.prepare_data(sampled, sampled.config, None)


def test_scores_of_the_validation_texts():
    model = build_reader()
    assert splits_of(["the"], []).score(model) == {}
    assert splits_of(["the"], []).log_probabilities(model).tolist() == []
    splits = splits_of(["the"], ["the king", "home"])
    assert splits.score(model, ("perplexity",)) == {"perplexity": splits.score(model)["perplexity"]}
    assert set(splits.score(model)) == {"perplexity", "nats_per_token", "bits_per_character"}
    assert splits.log_probabilities(model).tolist() == pytest.approx(
        np.concatenate(model.score_tokens([["the", "king"], ["home"]])).tolist()
    )
    stateful = build_reader(stateful=True)
    assert splits.log_probabilities(stateful).tolist() == pytest.approx(
        np.concatenate(model.score_tokens([["the", "king"], ["home"]], stateful=True)).tolist(), abs=1e-5
    )


def test_the_verdict_is_given_where_n_grams_can_be_counted(monkeypatch):
    model = build_reader()
    splits = splits_of(["the king went home"] * 5, ["the king"] * 10)
    assert "On 10 validation texts" in training.judge(splits, model).sentence
    monkeypatch.setattr(training, "MOST_FOR_BASELINE", 20)
    assert training.judge(splits, model) is not None
    monkeypatch.setattr(training, "MOST_FOR_BASELINE", 19)
    assert training.judge(splits, model) is None


def test_settings_are_sized_and_checked():
    splits = splits_of(["a b"] * 9, [], batch_size=0)
    assert training.settle(splits, None).batch_size == 64
    wrong = splits_of(["a b"], [], architecture="fixed-window", weight_dropout=0.1)
    with pytest.raises(InputError, match="--weight-dropout"):
        training.settle(wrong, None)
