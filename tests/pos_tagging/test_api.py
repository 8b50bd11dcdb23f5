"""Training, evaluating and tagging from Python: files, DataFrames and lists in; one string is one text."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import pos_tagging
from common.errors import InputError
from pos_tagging.config import TaggingConfig
from pos_tagging.loader import load_sentences
from pos_tagging.sentences import Sentence, TaggedText
from tests.conftest import ROOT

SENTENCES = [
    [("Birds", "NOUN"), ("sing", "VERB"), (".", "PUNCT")],
    [("We", "PRON"), ("hear", "VERB"), ("birds", "NOUN")],
    [("Go", "VERB")],
] * 4
TOKENS, TAGS = ([[pair[i] for pair in sentence] for sentence in SENTENCES] for i in (0, 1))
TINY = {"units": 3, "num_layers": 1, "embedding_dim": 4, "character_dim": 2, "character_filters": 2, "num_epochs": 2}
CONFIG = TaggingConfig(**TINY)


def file_of(folder):
    path = folder / "train.csv"
    rows = [["\t".join(tokens), "\t".join(tags)] for tokens, tags in zip(TOKENS, TAGS, strict=True)]
    pd.DataFrame(rows, columns=["tokens", "tags"]).to_csv(path, index=False)
    return path


KINDS = {
    "path": file_of,
    "name of a file": lambda folder: str(file_of(folder)),
    "table of lists": lambda folder: pd.DataFrame({"tokens": TOKENS, "tags": TAGS}),
    "table of tuples": lambda folder: pd.DataFrame(
        {"tags": [*map(tuple, TAGS)], "n": 1, "tokens": [*map(tuple, TOKENS)]}
    ),
    "table of arrays": lambda folder: pd.DataFrame(
        {"tokens": [*map(np.array, TOKENS)], "tags": [*map(np.array, TAGS)]}
    ),
    "table of texts": lambda folder: pd.read_csv(file_of(folder)),
    "list of lists": lambda folder: SENTENCES,
    "tuple of lists of lists": lambda folder: tuple([list(pair) for pair in sentence] for sentence in SENTENCES),
    "Series": lambda folder: pd.Series(SENTENCES),
    "list of rows": lambda folder: [{"tokens": a, "tags": "\t".join(b)} for a, b in zip(TOKENS, TAGS, strict=True)],
    "list of sentences": lambda folder: [Sentence(a, b) for a, b in zip(TOKENS, TAGS, strict=True)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_every_kind(kind, tmp_path):
    found = load_sentences(KINDS[kind](tmp_path), CONFIG)
    assert [sentence.pairs() for sentence in found] == SENTENCES
    assert {type(token) for sentence in found for token in (*sentence.tokens, *sentence.tags)} == {str}


def test_further_tags_of_a_list_and_of_a_table():
    config = TaggingConfig(auxiliary_column="xpos")
    words = [[("Go", "VERB", "VB"), ("!", "PUNCT", ".")]]
    table = pd.DataFrame({"tokens": [["Go", "!"]], "tags": [["VERB", "PUNCT"]], "xpos": ["VB\t."]})
    for data in (words, table):
        [sentence] = load_sentences(data, config, with_further=True)
        assert (sentence.tokens, sentence.tags, sentence.further) == (["Go", "!"], ["VERB", "PUNCT"], ["VB", "."])
        [sentence] = load_sentences(data, config)
        assert not sentence.further
    with pytest.raises(InputError, match=r"sentence 1: found \('Go', 'VERB'\), wanted \(word, tag, further tag\)"):
        load_sentences([[("Go", "VERB")]], config, with_further=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (7, "found 7 as data, wanted a file, a DataFrame or a list of sentences"),
        (None, "found None as data"),
        ({"tokens": TOKENS, "tags": TAGS}, "as data, wanted a file"),
        ([], "the data: no sentences; give at least one"),
        (pd.DataFrame({"tokens": [], "tags": []}), "the data: no sentences; give at least one"),
        (pd.DataFrame({"tokens": TOKENS}), "needs one column 'tags'; the columns there are: tokens"),
        (pd.DataFrame({"tokens": TOKENS, "tags": np.nan}), "row 1: found nan as tags, wanted a list of strings"),
        (
            [{"tokens": ["Go", None], "tags": ["VERB", "X"]}],
            r"sentence 1: found \['Go', None\] as tokens, wanted a list of",
        ),
        ([[("Go", 3.5)]], r"sentence 1: found \('Go', 3.5\), wanted \(word, tag\)"),
        (pd.DataFrame({"tokens": [[1]], "tags": [["X"]]}), r"row 1: found \[1\] as tokens"),
        (pd.DataFrame({"tokens": ["a\tb"], "tags": ["X"]}), "row 1: 2 tokens and 1 tags"),
        ([{"tokens": ["a"]}], "sentence 1: no 'tags'; there are: tokens"),
        ([[("a", "X")], None], "sentence 2: found None, wanted a list of"),
        ([[("a", "X")], float("nan")], "sentence 2: found nan, wanted a list of"),
        ([[("a", "X")], "a/X"], "sentence 2: found 'a/X', wanted a list of"),
        ([["a"]], r"sentence 1: found 'a', wanted \(word, tag\)"),
        ([[("a", "X", "Y")]], r"wanted \(word, tag\)"),
        ([[("a", None)]], r"sentence 1: found \('a', None\), wanted \(word, tag\)"),
        ([[]], "sentence 1: empty sentence"),
        ([[("a", " ")]], "sentence 1: an empty token or tag"),
        ([Sentence(["a"])], "sentence 1: 1 tokens and 0 tags"),
        ([Sentence(["a"], ["X", "X"], place="here")], "here: 1 tokens and 2 tags"),
    ],
    ids=str,
)
def test_wrong_data_are_named(data, message):
    with pytest.raises(InputError, match=message):
        load_sentences(data, CONFIG)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return pos_tagging.train(SENTENCES, tmp_path_factory.mktemp("api") / "model", CONFIG, about_data="Made up.")


def test_training_from_python(result, capsys):
    assert result.path.name == "model"
    assert set(result.scores) >= {"accuracy", "accuracy_unknown", "macro_f1"}
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert result.verdict is None  # one sentence is held out
    facts = json.loads((result.path / "manifest.json").read_text())
    assert (facts["title"], facts["train"]["file"]) == ("Tagger: model", "list of 12 rows")
    loaded = pos_tagging.load(result.path)
    assert loaded.tag("Birds sing.") == result.model.tag("Birds sing.")
    for shown in (result, result.model, loaded.tag("Birds <sing>.")):
        assert "<table>" in shown._repr_html_()
    assert "Birds/" in loaded.tag("Birds <sing>.")._repr_html_()
    assert "<sing>" not in loaded.tag("Birds <sing>.")._repr_html_()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.slow
def test_a_tagger_of_a_treebank_keeps_the_splitter_that_it_learned(tmp_path):
    config = TaggingConfig(**TINY, splitter="learned")
    result = pos_tagging.train(ROOT / "pos_tagging/dataset/train.conllu", tmp_path / "model", config, start="scratch")
    assert (tmp_path / "model/splitter/model.json").exists()
    text = "I don't know. She's here!"
    [again], [before] = (model.tag(text) for model in (pos_tagging.load(tmp_path / "model"), result.model))
    assert [sentence.tokens for sentence in again] == [sentence.tokens for sentence in before]


@pytest.mark.slow
def test_a_validation_table_and_a_stop_after_an_epoch(tmp_path):
    seen = []

    def on_epoch(number, scores):
        seen.append((number, set(scores)))
        return number == 1

    table = pd.DataFrame({"tokens": TOKENS, "tags": TAGS})
    result = pos_tagging.train(table, str(tmp_path / "model"), CONFIG, on_epoch, validation=SENTENCES[:3])
    assert seen == [(1, {"loss", "accuracy", "accuracy_unknown"})]
    assert [row["epoch"] for row in result.history] == [1]
    metrics = json.loads((tmp_path / "model/metrics.json").read_text())
    assert metrics["validation"]["num_examples"] == 3
    with pytest.raises(InputError, match="--overwrite"):
        pos_tagging.train(table, tmp_path / "model", CONFIG)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head": "crf", "architecture": "previous-tag"}, "--head crf: previous-tag chooses each tag before"),
        ({"units": 0}, "--units: found 0, wanted at least 1"),
        ({"directions": "backward"}, "--directions: found 'backward', wanted one of forward, both"),
    ],
)
def test_settings_are_checked_before_anything_is_written(settings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        pos_tagging.train(SENTENCES, tmp_path / "model", TaggingConfig(**settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("few_resamples")
def test_evaluating_from_python(result, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scores = pos_tagging.evaluate(result.model, SENTENCES, train=SENTENCES[:2])
    assert scores["accuracy"] == scores.flat["accuracy"]
    low, high = scores.intervals["accuracy"]
    assert low <= scores["accuracy"] <= high
    assert set(scores.baselines) == {"most frequent tag", "trigram HMM"}
    assert scores.predictions == [tags for tags, _ in result.model.tag_tokens(TOKENS)]
    assert scores.facts["num_tokens"] == 28
    assert "trigram HMM" in scores._repr_html_()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""
    assert "raw_tags_f1" in pos_tagging.evaluate(result.model, SENTENCES, raw=True)
    assert scores.verdict.sentence.startswith("On 12 test sentences the model tags ")
    assert scores.as_dict()["verdict"] == scores.verdict.sentence
    assert pos_tagging.evaluate(result.model, SENTENCES).verdict is None  # there is nothing to compare with


def test_tags_that_the_model_does_not_have_count_as_wrong(result, monkeypatch):
    said = []
    monkeypatch.setattr("pos_tagging.loader.say", said.append)
    plain = pos_tagging.evaluate(result.model, SENTENCES)
    [*others, (word, _)] = SENTENCES[0]
    scores = pos_tagging.evaluate(result.model, [[*others, (word, "NEW")], *SENTENCES[1:]])
    was_right = plain.predictions[0][-1] == SENTENCES[0][-1][1]
    assert scores["accuracy"] == pytest.approx(plain["accuracy"] - was_right / 28)
    assert "'NEW'" in said[0]
    assert len(said) == 1
    assert pos_tagging.evaluate(result.model, [[("a", "NEW")]])["accuracy"] == 0


TEXTS = ["Birds sing. We hear.", "Go"]


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, iter])
def test_texts_of_every_kind(kind, result):
    answers = result.model.tag(kind(TEXTS))
    assert answers == result.model.tag(TEXTS)
    assert [[sentence.text() for sentence in answer] for answer in answers] == [["Birds sing.", "We hear."], ["Go"]]


def test_one_string_is_one_text(result):
    [answer] = result.model.tag(TEXTS[0])
    assert isinstance(answer, TaggedText)
    assert [word for word, _ in answer.pairs()] == ["Birds", "sing", ".", "We", "hear", "."]
    assert result.model.tag([]) == []


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "found None, wanted a string or a list of strings"),
        (3.5, "found 3.5, wanted"),
        (["a", None], "text 2: found None, wanted a string"),
        (["a", float("nan")], "text 2: found nan, wanted a string"),
        ([["a", "b"]], r"text 1: found \['a', 'b'\], wanted a string"),
    ],
)
def test_what_is_no_text(texts, message, result):
    with pytest.raises(InputError, match=message):
        result.model.tag(texts)


def test_old_names_of_settings(result, tmp_path, run_here):
    old = {
        "average_momentum": 0.5,
        "validation_rate": 0.2,
        "warmup_rate": 0.1,
        "case_noise": 0.3,
        "bidirectional": False,
    }
    new = TaggingConfig(**TaggingConfig.upgrade(old))
    assert new == TaggingConfig(
        ema_momentum=0.5, validation_split=0.2, warmup_ratio=0.1, case_augmentation=0.3, directions="forward"
    )
    assert TaggingConfig.upgrade({"bidirectional": True}) == {"directions": "both"}
    for refused in ({"bidirectional": "no"}, {"bidirectional": True, "directions": "both"}):
        assert TaggingConfig.upgrade(refused) == refused
    done = run_here("pos_tagging.train", "--train", "x", "--output-dir", tmp_path / "y", "--case-noise", "0.1")
    assert (done.returncode, "--case-noise" in done.stderr) == (2, True)


@pytest.mark.slow
def test_the_preset_is_what_the_example_model_is_trained_with(run_here, tmp_path):
    values = json.loads((pos_tagging.cli.PRESETS / "sample.json").read_text())
    assert values["num_epochs"] == 20
    path = file_of(tmp_path)
    done = run_here("pos_tagging.train", "--train", path, "--output-dir", tmp_path / "m", "--preset", "sample",
                    "--num-epochs", 1, "--units", 3)  # fmt: skip
    assert done.returncode == 0, done.stderr
    config = json.loads((tmp_path / "m/config.json").read_text())
    assert (config["num_epochs"], config["units"], config["batch_size"]) == (1, 3, values["batch_size"])
