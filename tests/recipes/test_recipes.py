"""The recipes of the language models and taggers on tiny samples; what is done is not done again."""

from __future__ import annotations

import importlib
import itertools
import json
import re
from dataclasses import fields
from types import SimpleNamespace

import pandas
import pytest

from common.bundles.bundle import open_bundle
from common.bundles.pretrained import find_bundle
from common.errors import InputError
from common.settings import as_option
from recipes import program
from recipes.brown.prepare import split
from recipes.ewt.prepare import plain_text
from recipes.program import Places, Stage
from recipes.reviews import prepare
from recipes.sources import find, once
from sentiment.config import SentimentConfig
from tests.recipes.sample_data import ROOT, write_data

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


# What a bundle that starts from another takes from that one, whatever its own settings say.
TAKEN_OVER = {"units", "backward_units", "embedding_dim", "directions", "affix_dim", "word_vectors"}


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


@pytest.fixture
def make(places, monkeypatch):
    """Run a recipe, but for what takes time; returns its training runs, its pruning and its evaluations."""

    def make(name, trial=False):
        recipe = importlib.import_module(f"recipes.{name}.__main__")
        runs, pruned, scored = [], [], []

        def train(data, path, config, **options):
            runs.append(SimpleNamespace(data=data, path=path, config=config, **options))

        fake = SimpleNamespace(train=train)
        monkeypatch.setattr(program, "importlib", SimpleNamespace(import_module=lambda task: fake))
        monkeypatch.setattr(recipe, "evaluate", lambda *args, **options: scored.append((args, options)))
        monkeypatch.setattr(recipe, "prune", lambda *args: pruned.append(args), raising=False)
        recipe.make(Places(places.data, places.work, places.output_dir, trial))
        return runs, pruned, scored

    return make


@pytest.mark.parametrize("name", ["imdb", *TRIALS])
def test_the_last_stage_has_the_settings_of_the_shipped_model(name, make, places):
    runs, _, scored = make(name)
    last = runs[-1]
    assert last.path == places.output_dir
    task = TRIALS[name][0] if name in TRIALS else "sentiment"
    older = {"ngrams": 0} if task == "sentiment" else {}  # the bundle is from before there was a wide part
    shipped = open_bundle(find_bundle(task, name), task).read_config(type(last.config), **older)
    other = {each.name for each in fields(shipped) if getattr(shipped, each.name) != getattr(last.config, each.name)}
    assert other <= (TAKEN_OVER if last.start != "scratch" else set())
    [((scored_task, path, test, train), _)] = scored
    assert (scored_task, path) == (task, places.output_dir)
    assert test.exists()
    assert test != train == last.data


@pytest.mark.parametrize("name", TRIALS)
def test_the_command_in_the_card_has_the_options_of_the_scores(name, make):
    [((_, _, test, train), options)] = make(name)[2]
    flags = options.pop("flags")
    assert flags == {option: getattr(value, "name", value) for option, value in options.items()}
    words = ["--test", test.name, "--train", train.name, *(as_option(*flag) for flag in flags.items())]
    assert " ".join(words).replace(".gz", "") == TRIALS[name][2].replace(".gz", "")


@pytest.mark.parametrize("name", ["imdb", *TRIALS])
def test_each_stage_starts_from_an_earlier_one(name, make, places):
    runs, pruned, _ = make(name)
    made = [places.work / "imdb_384"] if pruned else []
    for run in runs:
        assert run.start in ("scratch", *made)
        assert run.config.num_epochs > 0
        made.append(run.path)
    assert len(made) == len(set(made)) == {"imdb": 16, "ewt": 3, "brown": 2}.get(name, 1)


@pytest.mark.parametrize(("name", "models"), [("ewt", ["brown_a", "e_case", "ewt"]), ("brown", ["brown_b", "brown"])])
def test_the_stages_of_a_tagger_are_the_commands_of_the_log(name, models, make, places):
    """What EXPERIMENTS.md says made each model; the options that its commands share stand apart there."""
    log = (ROOT / "pos_tagging/EXPERIMENTS.md").read_text(encoding="utf-8").replace("\\\n", " ")
    runs = {run.path.name: run.config for run in make(name)[0]}
    runs[name] = runs.pop(places.output_dir.name)
    assert list(runs) == models
    for model, config in runs.items():
        [command] = re.findall(rf"python -m pos_tagging\.train (.*) --output-dir (?:runs/)?{model} ", log)
        given = dict(re.findall(r"--([a-z-]+) ([^ -]\S*)", command))
        numbers = {option: float(value) for option, value in given.items() if re.fullmatch(r"[\d.]+", value)}
        assert "num-epochs" in numbers
        assert numbers == {option: getattr(config, option.replace("-", "_")) for option in numbers}


def test_the_student_is_pruned_to_the_size_of_the_shipped_model(make, places):
    shipped = open_bundle(find_bundle("sentiment", "imdb"), "sentiment").read_config(SentimentConfig, ngrams=0)
    _, [(large, num_units, reviews, small)], _ = make("imdb")
    assert (large, small, num_units) == (places.work / "imdb_512", places.work / "imdb_384", shipped.units)
    assert reviews.exists()


def test_a_trial_is_pruned_to_fewer_units_than_a_trial_trains(make):
    runs, [(_, num_units, *_)], _ = make("imdb", trial=True)
    assert 0 < num_units < runs[0].config.units == 8


def test_the_test_reviews_of_the_language_model_are_a_sample_of_the_test_file(places, monkeypatch):
    def texts(path):
        return set(pandas.read_csv(path).review)

    shipped = open_bundle(find_bundle("language_model", "reviews"), "language_model").read_json("metrics.json")
    assert shipped["test"]["num_examples"] == prepare.NUM_TEST
    everything = set(prepare.read_texts(places)["test"])
    assert texts(prepare.scored_texts(places)) == everything  # fewer than are wanted
    monkeypatch.setattr(prepare, "NUM_TEST", 7)
    few = texts(prepare.scored_texts(Places(places.data, places.work / "few", places.output_dir)))
    assert len(few) == 7
    assert few < everything


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
    assert calls == [
        (
            (stage.data, stage.path, config),
            {"about_data": "Known.", "resume": False, "start": "scratch", "groups": "films"},
        )
    ]
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
    later = program.shrink(Stage("sentiment", tmp_path, tmp_path, config, {"start": tmp_path}))
    assert (later.units, later.num_epochs) == (SentimentConfig().units, 1)
    assert program.shrink(Stage("sentiment", tmp_path, tmp_path, config, {"start": "scratch"})) == new


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
