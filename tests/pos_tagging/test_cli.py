"""The commands of the tagger: options to calls, answers to lines. The model is a small one that is there, or none."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import pos_tagging
from common.text.asked import Asked
from pos_tagging import cli
from pos_tagging.cli import own_columns, write_sentences
from pos_tagging.config import TaggingConfig
from pos_tagging.formats import WRITERS
from pos_tagging.sentences import TaggedSentence, TaggedText
from tests.conftest import ROOT
from tests.forge import FIXTURES

MODEL = FIXTURES / "pos_tagging"


@pytest.fixture
def trained(monkeypatch):
    """The calls of a training that does nothing."""
    calls = []

    def train(data, output_dir, config, on_epoch, **options):
        calls.append((data, output_dir, config, options))
        scores = {"accuracy": 0.5, "accuracy_unknown": 0.25}
        verdict = SimpleNamespace(sentence="It is so.") if len(calls) == 1 else None
        return SimpleNamespace(scores=scores, path=Path("here"), verdict=verdict)

    monkeypatch.setattr(pos_tagging, "train", train)
    return calls


def test_training_from_options(trained, run_here, tmp_path):
    data = ROOT / "pos_tagging/dataset/train.conllu"
    options = ["--train", data, "--output-dir", tmp_path / "x"]
    done = run_here("pos_tagging.train", *options, "--units", 7, "--word-vectors-from", "v.txt", "--start", "scratch")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "validation: accuracy 0.5000, accuracy_unknown 0.2500; bundle in here\nIt is so.\n"
    [(given, folder, config, settings)] = trained
    assert (given, folder, config.units, settings["start"]) == (data, tmp_path / "x", 7, "scratch")
    assert settings["word_vectors_from"] == Path("v.txt")
    done = run_here("pos_tagging.train", *options)
    assert done.stdout.endswith("; bundle in here\n")
    assert trained[1][3]["word_vectors_from"] is None
    shown, hidden = (run_here("pos_tagging.train", flag).stdout for flag in ("--help", "--help-all"))
    assert "--word-vectors-from" not in shown
    assert "--word-vectors-from" in hidden


def test_an_evaluation_passes_its_options_on(monkeypatch, run_here):
    calls = []
    monkeypatch.setattr(pos_tagging, "load", lambda *_: pos_tagging.Tagger(None, None, TaggingConfig()))
    monkeypatch.setattr(pos_tagging, "evaluate", lambda *given, **options: calls.append((given, options)))
    monkeypatch.setattr(cli, "show_scores", lambda *given: None)
    data = ROOT / "pos_tagging/dataset/test.conllu"
    done = run_here("pos_tagging.evaluate", "--test", data, "--raw", "--tag-column", "xpos")
    assert done.returncode == 0, done.stderr
    assert run_here("pos_tagging.evaluate", "--test", data, "--train", data).returncode == 0
    [((first, given), raw), ((second, _), plain)] = calls
    assert (given, raw["raw"], raw["train"], first.config.tag_column) == (data, True, None, "xpos")
    assert (plain["raw"], plain["train"], second.config.tag_column) == (False, data, "upos")


def test_an_explanation_of_a_word(run_here):
    done = run_here("pos_tagging.explain", "--model", MODEL, "--word", 2, "--tag", "VERB", "Birds sing.")
    assert done.returncode == 0, done.stderr
    assert "log-probability of VERB for 'sing'" in done.stdout
    done = run_here("pos_tagging.explain", "--model", MODEL, "--word", "sing", "--letters", "Birds sing.")
    assert ", by its letters" in done.stdout
    for option in ("--word", "--tag"):
        done = run_here("pos_tagging.explain", "--faithfulness", "--input", "x", option, "1")
        assert f"{option}: --faithfulness takes random words and their tags; leave it out" in done.stderr


def test_tags_in_every_format(run_here, tmp_path):
    tagger = pos_tagging.load(MODEL)
    [text] = tagger.tag("Birds sing. Go!", probabilities=True)
    command = ["pos_tagging.predict", "--model", MODEL]
    for name, write in WRITERS.items():
        plain = [TaggedSentence(each.tokens, each.tags, layout=each.layout) for each in text]
        done = run_here(*command, "--format", name, "Birds sing. Go!")
        if name not in ("html", "conllu"):
            assert done.stdout == write(plain, "text 1"), name
        assert done.stdout.startswith("<!doctype html>") == (name == "html")
    assert run_here(*command, "--probabilities", "Birds sing. Go!").stdout == WRITERS["text"](text, "")
    lines = run_here(*command, "--line-numbers", "Birds sing. Go!", "Go").stdout.splitlines()
    assert [line[:3] for line in lines] == ["1: ", "1: ", "2: "]
    table = tmp_path / "a.csv"
    table.write_text("text\nGo!\n")
    header, row = run_here(*command, "--input", table, "--probabilities").stdout.splitlines()
    assert header.split(",")[:4] == ["text", "tokens", "tags", "probabilities"]
    assert "Go" in row


def test_words_of_a_file_in_another_format(run_here, tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text("".join("\t".join([str(i), word, *["_"] * 8]) + "\n" for i, word in ((1, "Go"), (2, "!"))) + "\n")
    command = ["pos_tagging.predict", "--model", MODEL, "--input", path]
    [tags] = [tags for tags, _ in pos_tagging.load(MODEL).tag_tokens([["Go", "!"]])]
    assert run_here(*command).stdout == f"Go/{tags[0]} !/{tags[1]}\n"
    assert run_here(*command, "--format", "tsv").stdout == f"Go\t{tags[0]}\n!\t{tags[1]}\n\n"
    assert run_here(*command, "--format", "html").stdout.startswith("<!doctype html>")
    kept = run_here(*command, "--format", "conllu").stdout
    assert [line.split("\t")[3] for line in kept.splitlines() if line] == tags
    assert kept.count("\n") == 3
    done = run_here(*command, "--format", "csv")
    assert "--format csv: for texts in a table; the words of" in done.stderr
    done = run_here("pos_tagging.predict", "--model", MODEL, "--format", "same", "Go")
    assert "--format same: keeps a file of words and tags" in done.stderr


def written(name, answer, line_numbers=False, text="Go."):
    output = io.StringIO()
    arguments = argparse.Namespace(line_numbers=line_numbers)
    asked = Asked("row 3", text, 3, "" if text else "empty text")
    write_sentences(arguments, name, output, lambda answer, place, text: f"{place}\n{text}\n", asked, answer)
    return output.getvalue()


def test_what_has_no_answer_keeps_its_place():
    assert written("text", None, text=None).startswith("   –  (")
    assert written("text", None, True, text=None).startswith("3:    –  (")
    assert json.loads(written("jsonl", None, text=None)) == {"place": "row 3", "text": "", "note": "empty text"}
    assert written("tsv", None, text=None) == ""
    answer = TaggedText([])
    assert written("text", answer) == "row 3\nGo.\n"
    assert written("text", answer, True) == "3: row 3\n3: Go.\n"
    assert written("tsv", answer, True) == "row 3\nGo.\n"


def test_columns_of_an_answer():
    answer = TaggedText([TaggedSentence(["Go"], ["V"])])
    assert own_columns(False).formats == {"tokens": "", "tags": ""}
    assert own_columns(True).formats == {"tokens": "", "tags": "", "probabilities": ""}
    assert own_columns(False).values(None, answer) == {"tokens": ["Go"], "tags": ["V"], "sentence_lengths": [1]}
