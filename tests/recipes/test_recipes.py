"""The recipes of the language models and taggers on tiny samples; what is done is not done again."""

from __future__ import annotations

import gzip
import importlib
import itertools
import json
import re
import shutil
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import pytest

import sentiment
from common.bundles.bundle import open_bundle
from common.bundles.pretrained import find_bundle
from common.errors import InputError
from common.settings import as_option
from pos_tagging.config import TaggingConfig
from pos_tagging.loader import load_sentences
from recipes import program, sources
from recipes.brown.prepare import split
from recipes.ewt.prepare import genre_of, plain_text, web_and_gum
from recipes.program import Places, Stage
from recipes.ratings import augmentation
from recipes.ratings import prepare as ratings
from recipes.ratings.interpolation import interpolate
from recipes.reviews import prepare
from recipes.sources import find, gum, once, read_text, treebank
from sentiment.config import SentimentConfig
from tests.recipes.sample_data import ROOT, write_data

TRIALS = {
    "reviews": ("language_model", "Kneser-Ney 4-gram", "--test reviews.test.csv --train reviews.csv --ngram-order 4"),
    "shakespeare": (
        "language_model", "Kneser-Ney 7-gram",
        "--test tinyshakespeare.test.txt --train tinyshakespeare.train.txt",
    ),
    "stories": (
        "language_model", "Kneser-Ney 5-gram, cache",
        "--test test.csv.gz --train stories.csv.gz --cache valid.csv.gz --dynamic",
    ),
    "brown": ("pos_tagging", "trigram HMM", "--test test.csv --train train.csv"),
    "ewt": ("pos_tagging", "trigram HMM", "--test test.conllu.gz --train ewt_gum.conllu.gz --raw"),
    "ratings": ("sentiment", "TF-IDF + ridge", "--test test.csv.gz --train general.csv"),
}  # fmt: skip
BUNDLES = {"ratings": "reviews"}  # that are called otherwise than their recipe


# What a bundle that starts from another takes from that one, whatever its own settings say.
TAKEN_OVER = {
    "direction_dropout",
    "units",
    "backward_units",
    "embedding_dim",
    "directions",
    "affix_dim",
    "word_vectors",
}


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
        monkeypatch.setattr(recipe, "evaluate_elsewhere", lambda *args: None, raising=False)
        monkeypatch.setattr(recipe, "evaluate", lambda *args, **options: scored.append((args, options)))
        monkeypatch.setattr(recipe, "prune", lambda *args: pruned.append(args), raising=False)
        monkeypatch.setattr(recipe, "interpolate", lambda *args: pruned.append(args), raising=False)
        monkeypatch.setattr(recipe, "add_capitals", lambda *args: pruned.append(args), raising=False)
        monkeypatch.setattr(recipe, "beginning", lambda *args: places.work / "imdb", raising=False)
        recipe.make(Places(places.data, places.work, places.output_dir, trial))
        return runs, pruned, scored

    return make


@pytest.mark.parametrize("name", TRIALS)
def test_the_last_stage_has_the_settings_of_the_shipped_model(name, make, places):
    runs, _, scored = make(name)
    last = runs[-1]
    assert last.path == (places.work / "reviews_tuned" if name == "ratings" else places.output_dir)
    task = TRIALS[name][0]
    older = {"ngrams": 0} if task == "sentiment" else {}  # the bundle is from before there was a wide part
    shipped = open_bundle(find_bundle(task, BUNDLES.get(name, name)), task).read_config(type(last.config), **older)
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
    assert flags == {
        option: True if option == "dynamic" else getattr(value, "name", value) for option, value in options.items()
    }
    words = ["--test", test.name, "--train", train.name, *(as_option(*flag) for flag in flags.items())]
    assert " ".join(words).replace(".gz", "") == TRIALS[name][2].replace(".gz", "")


@pytest.mark.parametrize("name", ["imdb", *TRIALS])
def test_each_stage_starts_from_an_earlier_one(name, make, places):
    runs, pruned, _ = make(name)
    between = {"imdb": "imdb_384", "ratings": "imdb", "reviews": "reviews_capitals"}
    made = [places.work / between[name]] if pruned else []
    for run in runs:
        assert run.start in ("scratch", *made)
        assert run.config.num_epochs > 0
        made.append(run.path)
    assert (
        len(made)
        == len(set(made))
        == {"imdb": 16, "ewt": 4, "brown": 2, "ratings": 2, "stories": 2, "reviews": 3}.get(name, 1)
    )


@pytest.mark.parametrize(
    ("name", "models"), [("ewt", ["brown_a", "e_case", "e_web", "ewt"]), ("brown", ["brown_b", "brown"])]
)
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
    shipped = open_bundle(find_bundle("sentiment", "reviews"), "sentiment").read_config(SentimentConfig, ngrams=0)
    _, [(large, num_units, reviews, small)], _ = make("imdb")
    assert (large, small, num_units) == (places.work / "imdb_512", places.work / "imdb_384", shipped.units)
    assert reviews.exists()


@pytest.mark.slow
def test_between_two_rating_models_new_words_stay_as_they_are(tmp_path):
    origin = shutil.copytree(ROOT / "tests/fixtures/format_2/sentiment", tmp_path / "origin")
    rows = [("A zebra is a joy.", 9.0), ("A zebra is a bore.", 2.0)] * 8
    pandas.DataFrame(rows, columns=["review", "rating"]).to_csv(tmp_path / "rows.csv", index=False)
    config = SentimentConfig(head="categorical", ngrams=0, new_words=1, min_rating=1.0, max_rating=10.0, num_epochs=1,
                             batch_size=4, learning_rate=0.01, ema_momentum=0.0)  # fmt: skip
    begun = sentiment.train(rows, tmp_path / "begun", replace(config, new_words=0), start=origin).path
    tuned = sentiment.train(rows, tmp_path / "tuned", config, start=begun).path
    interpolate(tuned, begun, 0.75, tmp_path / "rows.csv", tmp_path / "mean", "Rows.")
    first, last, mean = (open_bundle(path, "sentiment") for path in (begun, tuned, tmp_path / "mean"))
    known, new, mixed = (bundle.read_layer("embedding")[0] for bundle in (first, last, mean))
    assert len(known) + 1 == len(new) == len(mixed)
    np.testing.assert_allclose(mixed[:-1], 0.25 * known + 0.75 * new[:-1], atol=1e-3)
    assert np.abs(known - new[:-1]).max() > 2e-3
    np.testing.assert_allclose(mixed[-1], new[-1], atol=1e-3)
    assert "Rows." in (tmp_path / "mean/README.md").read_text()


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


def test_the_rating_model_learns_nothing_that_it_is_scored_on(places, monkeypatch):
    monkeypatch.setattr(ratings, "NUM_AUGMENTED", 200)
    files = ratings.prepare(places)
    learned, chosen, taught = (
        set(pandas.read_csv(path).review) for path in (files.train, files.validation, files.unlabelled)
    )
    assert any(text.startswith("hotels_datafiniti") for text in learned)
    assert any(text.startswith("hotels_datafiniti") for text in chosen)
    assert not any(text.startswith("headphones") for text in learned | chosen | taught)
    held_out = {*ratings.everyday_rows(held_out=True).review, *ratings.snippets(places, held_out=True).review}
    assert len(held_out) > 100
    assert not held_out & (learned | chosen | taught)
    assert set(ratings.snippets(places, held_out=False).review) <= learned
    assert set(ratings.everyday_rows(held_out=False).review) <= learned
    assert not chosen & (learned | taught)


def test_augmented_sentences_share_few_words_with_the_held_out_ones():
    def rows(*texts):
        return pandas.DataFrame({"review": texts})

    [text] = ratings.everyday_rows(held_out=True).review[:1]
    assert ratings.apart(rows(text, f"{text} Indeed.", "Bread.")).review.tolist() == ["Bread."]
    assert len(ratings.apart(rows(*(text for text, _ in augmentation.sentences(500))))) > 480


def test_a_negation_turns_an_augmented_sentence():
    found = dict(augmentation.sentences(100_000))
    assert found["This is a good film."] > 5.5 > found["This is not a good film."]
    assert found["This is a bad film."] < 5.5 < found["This is not a bad film."]
    assert "This is an awful film." in found
    assert all(1 <= rating <= 10 for rating in found.values())
    assert augmentation.sentences(7) == augmentation.sentences(7) != augmentation.sentences(7, seed=2)


def test_rare_stars_of_a_domain_count_more_and_no_domain_too_much(monkeypatch):
    stars = [10.0] * 90 + [1.0] * 10
    rows = pandas.DataFrame({"review": range(100), "rating": stars, "domain": "a"})
    counts = ratings.balanced(rows).rating.value_counts()
    assert counts[10.0] == 90
    assert 10 < counts[1.0] <= 20
    monkeypatch.setattr(ratings, "MOST_OF_A_DOMAIN", 50)
    assert 40 <= len(ratings.balanced(rows)) <= 60


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


def test_of_gum_only_the_genres_that_all_may_use_are_learned(places):
    text = read_text(web_and_gum(places))
    assert "# newdoc id = news" in text
    assert "fiction" not in text
    both, web = (
        load_sentences(path, TaggingConfig()) for path in (web_and_gum(places), treebank(places.data, "train"))
    )
    assert [sentence.pairs() for sentence in both] == [sentence.pairs() for sentence in (*web, web[0])]


def test_a_tagger_is_scored_elsewhere_by_genre(tmp_path, monkeypatch):
    places = Places(write_data(tmp_path), tmp_path, tmp_path)
    recipe = importlib.import_module("recipes.ewt.__main__")
    path = gum(places.data, "validation")
    first = read_text(path)
    second = "\n".join(line for line in first.split("\n\n")[0].split("\n") if not line.startswith("# "))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(first + f"{second}\n\n")  # the same document goes on
    monkeypatch.setattr(recipe.pos_tagging, "evaluate", lambda model, rows: len(rows))
    found = recipe.score_elsewhere(places, SimpleNamespace(config=TaggingConfig()))
    assert found == {"English-GUM, validation": 3, "news": 1, "fiction (a genre not learned)": 2}


@pytest.mark.parametrize(
    ("document", "genre"),
    [("# meta::genre = news\n1\tA", "news"), ("# a\n# meta::genre = bio\n", "bio"), ("x # meta::genre = bio", "")],
)
def test_the_genre_of_a_document_stands_in_its_comments(document, genre):
    assert genre_of(document) == genre


def test_a_trial_has_folders_of_its_own(tmp_path):
    def read(*more):
        return program.read_places("brown", ["--data", str(tmp_path), "--work", "w", "--output-dir", "m/out", *more])

    assert read() == Places(tmp_path, Path("w"), Path("m/out"), False)
    assert read("--trial") == Places(tmp_path, Path("w/trial"), Path("m/out-trial"), True)


@pytest.mark.parametrize("left_out", ["--data", "--work", "--output-dir"])
def test_a_recipe_needs_its_three_folders(tmp_path, left_out):
    given = {"--data": tmp_path, "--work": tmp_path, "--output-dir": tmp_path / "out"}
    del given[left_out]
    with pytest.raises(SystemExit):
        program.read_places("brown", [str(word) for option in given.items() for word in option])


def test_a_folder_that_is_no_bundle_is_not_written_over(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/letter.txt").touch()
    with pytest.raises(InputError, match="out"):
        program.read_places("brown", ["--data", str(tmp_path), "--work", "w", "--output-dir", str(tmp_path / "out")])


def test_a_recipe_as_a_program_makes_what_its_options_say(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        program, "run_command", lambda command: command(["--data", str(tmp_path), "--work", "w", "--output-dir", "out"])
    )
    program.main("brown", made.append)
    assert made == [Places(tmp_path, Path("w"), Path("out"))]


def test_of_files_the_first_that_is_there_is_found(tmp_path):
    for name in ("b.csv", "c.csv"):
        (tmp_path / name).touch()
    assert find(tmp_path, "a.csv", "b.csv", "c.csv") == tmp_path / "b.csv"


@pytest.mark.parametrize(
    ("name", "split", "published"),
    [
        ("treebank", "validation", "UD_English-EWT/en_ewt-ud-dev.conllu"),
        ("gum", "test", "UD_English-GUM/en_gum-ud-test.conllu"),
    ],
)
def test_treebanks_are_found_as_they_are_published(tmp_path, name, split, published):
    (tmp_path / published).parent.mkdir()
    (tmp_path / published).touch()
    assert getattr(sources, name)(tmp_path, split) == tmp_path / published


def test_tiny_shakespeare_is_cut_at_nine_tenths(tmp_path):
    recipe = importlib.import_module("recipes.shakespeare.__main__")
    (tmp_path / "input.txt").write_text("0123456789abcdefghi")
    paths = recipe.prepare(Places(tmp_path, tmp_path / "work", tmp_path / "model"))
    assert [path.read_text() for path in paths] == ["0123456789abcdefg", "hi"]


def test_stories_are_those_of_both_collections(places):
    recipe = importlib.import_module("recipes.stories.__main__")
    own = list(pandas.read_csv(recipe.OWN_STORIES).text)
    known = list(pandas.read_csv(sources.stories(places.data, "train")).text)
    assert list(pandas.read_csv(recipe.prepare(places)).text) == known + own


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


def test_scores_on_other_texts_are_written_into_the_card_once(tmp_path):
    bundle = shutil.copytree(ROOT / "tests/fixtures/format_2/sentiment", tmp_path / "model")
    rows = [("A joy from start to end.", 9.0), ("Dull and loud.", 2.0)] * 5
    pandas.DataFrame(rows, columns=["review", "rating"]).to_csv(tmp_path / "test.csv", index=False)
    program.evaluate("sentiment", bundle, tmp_path / "test.csv", tmp_path / "test.csv", flags={})

    def score(model):
        return {"phones": sentiment.evaluate(model, rows), "hotels": sentiment.evaluate(model, rows[:4])}

    program.evaluate_elsewhere("sentiment", bundle, score, ("mae", "spearman"), ["novels: nobody has tried."])
    card = (bundle / "README.md").read_text()
    assert "## Out of domain\n\n| texts | examples | mae | spearman |" in card
    assert "| hotels | 4 | " in card
    assert card.endswith("- Not for novels: nobody has tried.\n")
    program.evaluate_elsewhere("sentiment", bundle, pytest.fail, ("mae",), [])
    sentiment.load(bundle)


def test_data_that_are_not_there_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"found none of a\.csv, b\.csv; get the data set, see recipes/README\.md"):
        find(tmp_path, "a.csv", "b.csv")
    places = ["--data", str(tmp_path / "no"), "--work", str(tmp_path), "--output-dir", str(tmp_path / "model")]
    with pytest.raises(InputError, match="no such folder; give the one with the public data"):
        program.read_places("brown", places)
