"""The recipes of the language models and taggers on tiny samples; what is done is not done again."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import pytest

from common.bundles.bundle import open_bundle
from common.errors import InputError
from recipes import program
from recipes.brown.prepare import split
from recipes.ewt.prepare import plain_text
from recipes.program import Places, Stage
from recipes.sources import find, once
from sentiment.config import SentimentConfig
from tests.recipes.sample_data import write_data

TRIALS = {
    "reviews": ("language_model", "Kneser-Ney 4-gram", "--test reviews.test.csv --train reviews.csv --ngram-order 4"),
    "shakespeare": (
        "language_model", "Kneser-Ney 7-gram",
        "--test tinyshakespeare.test.txt --train tinyshakespeare.train.txt",
    ),
    "stories": (
        "language_model", "Kneser-Ney 5-gram, cache", "--test test.csv.gz --train stories.csv.gz --cache valid.csv.gz",
    ),
    "brown": ("pos_tagging", "trigram HMM", "--test test.csv --train train.csv"),
    "ewt": ("pos_tagging", "trigram HMM", "--test test.conllu.gz --train train.conllu.gz --raw"),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def places(data, tmp_path):
    return Places(data, tmp_path / "work", tmp_path / "model")


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_runs_from_the_public_files_to_the_scored_bundle(name, data, run, tmp_path):
    done = run(
        f"recipes.{name}", "--data", data, "--work", tmp_path / "work", "--output-dir", tmp_path / name, "--trial"
    )
    assert done.returncode == 0, done.stderr
    task, baseline, command = TRIALS[name]
    bundle = open_bundle(tmp_path / f"{name}-trial", task)
    scores = bundle.read_json("metrics.json")["test"]
    assert baseline in scores["baselines"]
    card = (bundle.path / "README.md").read_text()
    assert f"`python -m {task}.evaluate --model DIR {command} --save`" in card
    assert bundle.manifest["about_data"]


def test_documents_of_brown_are_in_one_part_each(places):
    parts = {name: path.read_text() for name, path in split(places).items()}
    names = [f"ca{number:02}" for number in range(20)]
    found = {name: [document for document in names if f"{document}," in text] for name, text in parts.items()}
    assert found["validation"] == ["ca00", "ca10"]
    assert found["test"] == ["ca09", "ca19"]
    assert sorted(itertools.chain.from_iterable(found.values())) == names


def test_the_plain_text_holds_no_test_sentence(places):
    text = plain_text(places).read_text()
    assert "The cost 1,000 , sixty-four ." in text
    assert "A heading" not in text
    test = split(places)["test"].read_text().splitlines()[1]
    assert test.split(",")[2].strip('"').replace("\t", " ") not in text


def test_a_stage_that_is_done_is_not_done_again_and_one_that_was_killed_goes_on(tmp_path, monkeypatch):
    calls = []

    def train(*args, **options):
        calls.append((args, options))

    monkeypatch.setattr(program.importlib, "import_module", {"sentiment": SimpleNamespace(train=train)}.get)
    config = SentimentConfig(num_epochs=7)
    stage = Stage("sentiment", tmp_path / "model", tmp_path / "train.csv", config, {"groups": "films"}, "Known.")
    program.train(stage)
    assert calls == [((stage.data, stage.path, config), {"about_data": "Known.", "resume": False, "groups": "films"})]
    (tmp_path / "model.checkpoint/epoch-0001").mkdir(parents=True)
    program.train(stage)
    assert calls[1][1]["resume"] is True
    stage.path.mkdir()
    (stage.path / "manifest.json").write_text(json.dumps({"format_version": 1, "task": "sentiment", "files": {}}))
    program.train(stage)
    assert len(calls) == 2


def test_a_trial_is_tiny_and_what_starts_from_a_model_takes_its_sizes(tmp_path):
    config = SentimentConfig(units=512, num_epochs=9)
    new = program.shrink(Stage("sentiment", tmp_path, tmp_path, config))
    assert (new.units, new.num_epochs) == (8, 1)
    later = program.shrink(Stage("sentiment", tmp_path, tmp_path, config, {"initialize_from": tmp_path}))
    assert (later.units, later.num_epochs) == (SentimentConfig().units, 1)


def test_a_prepared_file_is_written_once_and_never_in_part(tmp_path):
    def fail(file):
        file.write("half")
        raise OSError("full")

    for name in ("texts.csv", "texts.csv.gz"):
        with pytest.raises(OSError, match="full"):
            once(tmp_path / name, fail)
        assert not (tmp_path / name).exists()
        once(tmp_path / name, lambda file: file.write("first"))
        before = (tmp_path / name).read_bytes()
        once(tmp_path / name, lambda file: file.write("second"))
        assert (tmp_path / name).read_bytes() == before
    (tmp_path / "texts.csv.gz").rename(tmp_path / "before.gz")
    once(tmp_path / "texts.csv.gz", lambda file: file.write("first"))
    assert (tmp_path / "texts.csv.gz").read_bytes() == (tmp_path / "before.gz").read_bytes()  # no time stamp


def test_data_that_are_not_there_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"found none of a\.csv, b\.csv; get the data set, see recipes/README\.md"):
        find(tmp_path, "a.csv", "b.csv")
    places = ["--data", str(tmp_path / "no"), "--work", str(tmp_path), "--output-dir", str(tmp_path / "model")]
    with pytest.raises(InputError, match="no such folder; give the one with the public data"):
        program.read_places("brown", places)
