"""The model card says how to make the model again, and what was measured."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from common.bundles.model_card import make_card
from common.bundles.provenance import describe_data, describe_run
from common.settings import TrainingConfig, setting
from common.text.readers import sha256_of
from common.training.fit import Progress


@dataclass(frozen=True)
class ToyConfig(TrainingConfig):
    lowercase: bool = setting(True, "lower-case first")


def make(tmp_path, config, metrics=None, weaknesses=(), about="Reviews, CC0."):
    (tmp_path / "train.csv").write_text("x")
    inputs = {"train": tmp_path / "train.csv", "validation": None}
    facts = describe_run("toy", "A toy", inputs, about, config, Progress(epoch=3, best_epoch=2, seconds=90))
    metrics = metrics or {"validation": {"r2": 0.5}}
    return facts, make_card(facts, config, metrics, ("r2", "mae"), weaknesses)


def test_the_command_holds_what_is_not_default(tmp_path):
    _, card = make(tmp_path, ToyConfig(lowercase=False, num_epochs=4, mixed_precision=True))
    command = "python -m toy.train --train train.csv --num-epochs 4 --mixed-precision --no-lowercase"
    assert f"Made by `{command}`" in card


def test_facts_name_no_folder_of_the_machine(tmp_path):
    facts, card = make(tmp_path, ToyConfig())
    assert facts["train"] == {"file": "train.csv", "sha256": sha256_of(tmp_path / "train.csv")}
    for private in (str(tmp_path), str(Path.home()), str(Path.cwd())):
        assert private not in str(facts) + card
    assert describe_data(tmp_path / "train.csv") == facts["train"]
    assert facts["versions"].keys() >= {"python", "tensorflow", "keras", "spacy"}


def test_scores_of_each_split_and_baseline_stand_in_one_table(tmp_path):
    test = {
        "r2": 0.4,
        "r2_interval": [0.3, 0.5],
        "mae": 1.5,
        "data": {"file": "test.csv"},
        "command": "python -m toy.evaluate --odd --save",
        "baselines": {"ridge": {"r2": 0.2}},
    }
    _, card = make(tmp_path, ToyConfig(), {"validation": {"r2": 0.5}, "test": test}, ["Irony."])
    assert "| score | validation | test (test.csv) | ridge, test |" in card
    assert "| r2 | 0.5000 | 0.4000 [0.3000, 0.5000] | 0.2000 |" in card
    assert "| mae |  | 1.5000 |  |" in card
    assert "- Irony." in card
    assert "`python -m toy.evaluate --odd --save`" in card
    assert "3 epochs (the best was number 2) in 1.5 minutes" in card
    assert "also in training" not in card


def test_other_kinds_of_text_have_a_table_of_their_own(tmp_path):
    elsewhere = {"weaknesses": ["poems: no score above 0.1."], "phones": {"num_examples": 1200, "r2": 0.31}}
    _, card = make(tmp_path, ToyConfig(), {"test": {"r2": 0.4, "command": ""}, "out_of_domain": elsewhere})
    assert card.endswith(
        "## Out of domain\n\n| texts | examples | r2 |\n| --- | --- | --- |\n| phones | 1,200 | 0.3100 |\n\n"
        "- Not for poems: no score above 0.1.\n"
    )
    assert "| score | test |\n" in card
    assert "Out of domain" not in make(tmp_path, ToyConfig())[1]


def test_scores_without_test_texts_that_are_also_in_training_have_a_column(tmp_path):
    test = {
        "r2": 0.4,
        "num_examples": 25_000,
        "command": "",
        "without_known_texts": {"r2": 0.3, "num_examples": 23_000},
    }
    _, card = make(tmp_path, ToyConfig(), {"test": test})
    assert "| score | test | test, without 2,000 that are also in training |" in card
    assert "| r2 | 0.4000 | 0.3000 |" in card
    assert "Reviews, CC0." in card


def test_the_command_names_what_was_read(tmp_path):
    facts, _ = make(tmp_path, ToyConfig())
    facts |= {
        "train": {"file": "my train.csv"}, "validation": {"file": "b.csv"}, "initialize_from": {"file": "reviews"},
        "teachers": [{"file": "one"}, {"file": "two"}], "num_epochs": 1, "seconds": 150,
    }  # fmt: skip
    facts["machine"] |= {"cores": 1}
    card = make_card(facts, ToyConfig(seed=7), {}, ())
    command = (
        "python -m toy.train --train 'my train.csv' --validation b.csv --start reviews --teachers one two --seed 7"
    )
    assert f"\nMade by `{command}`\n" in card
    assert "\n1 epoch (the best was number 2) in 2.5 minutes on 1 core; seed 1. rnn-language " in card
    assert "Training file `my train.csv`, sha256 `unknown`." in card
    assert "half precision" not in card
    facts |= {"half_precision": {"num_answers": 1234, "change": 0.00123, "unit": "points"}}
    card = make_card(facts, ToyConfig(), {}, (), sections={"More": "text"})
    assert (
        "Bundle format 2. Matrices in half precision: 1,234 validation answers changed by 0.0012 points at most.\n"
        in card
    )
    assert card.endswith("Not measured yet: run evaluate with `--save`.\n\n## More\n\ntext\n")
    assert "two" not in make_card(facts | {"made_by": "python -m other"}, ToyConfig(), {}, ())


def test_verdicts_stand_above_the_scores(tmp_path):
    metrics = {"validation": {"r2": 0.5, "verdict": "Ahead."}, "test": {}, "other": {"mae": 1.0, "verdict": "Behind."}}
    _, card = make(tmp_path, ToyConfig(), metrics)
    assert "was measured.\n\nAhead.\n\nBehind.\n\n| score | validation | other |\n" in card
    assert "| r2 | 0.5000 |  |\n| mae |  | 1.0000 |\n" in card
    assert "The test file was scored by" not in card


def test_what_a_manifest_says_of_a_run(tmp_path):
    (tmp_path / "train.csv").write_text("x")
    inputs = {"train": tmp_path / "train.csv", "validation": None, "teachers": (), "others": (tmp_path / "train.csv",)}
    facts = describe_run("toy", "T", inputs, "CC0.", ToyConfig(seed=5), Progress(epoch=3, best_epoch=2, seconds=89.6))
    data = {"file": "train.csv", "sha256": hashlib.sha256(b"x").hexdigest()}
    known = {name: facts[name] for name in facts.keys() - {"run", "versions", "tokenizer", "machine"}}
    assert known == {
        "task": "toy", "title": "T", "about_data": "CC0.", "validation": None, "train": data, "others": [data],
        "seed": 5, "num_epochs": 3, "best_epoch": 2, "seconds": 90,
    }  # fmt: skip
    assert facts["tokenizer"]["pipeline"] == "blank en"
    assert facts["machine"].keys() == {"system", "processor", "cores"}


def test_data_are_known_by_their_content(tmp_path):
    rows = [("a", 1), ("b", 2.5)]
    written = hashlib.sha256(b'["a", 1]["b", 2.5]').hexdigest()
    assert describe_data(rows) == {"file": "list of 2 rows", "sha256": written}
    assert describe_data(pd.DataFrame(rows))["sha256"] == hashlib.sha256(b'["a", 1.0]["b", 2.5]').hexdigest()
    assert describe_data([{"day": date(2024, 5, 6)}])["sha256"] == hashlib.sha256(b'{"day": "2024-05-06"}').hexdigest()
    folder = tmp_path / "saved"
    (folder / "deep").mkdir(parents=True)
    for name in ("state.json", "deep/b"):
        (folder / name).write_text(name)
    lines = "".join(f"{name}\0{hashlib.sha256(name.encode()).hexdigest()}\n" for name in ("deep/b", "state.json"))
    assert describe_data(folder) == {"file": "saved", "sha256": hashlib.sha256(lines.encode()).hexdigest()}
    (tmp_path / "manifest.json").write_text("{}")
    assert describe_data(tmp_path) == {"file": tmp_path.name, "sha256": hashlib.sha256(b"{}").hexdigest()}
    os.mkfifo(tmp_path / "pipe")
    assert describe_data(tmp_path / "pipe") == {"file": "pipe", "sha256": "unknown"}


def test_what_is_not_known_is_said(tmp_path):
    _, card = make(tmp_path, ToyConfig(), about="")
    assert "No description was given" in card
    assert "Not measured yet" in card


def test_what_another_program_made_on_a_gpu_says_so(tmp_path):
    config = ToyConfig(num_epochs=4)
    facts, _ = make(tmp_path, config)
    facts |= {"made_by": "python -m scripts.build_toy", "best_epoch": None}
    facts["machine"] |= {"cores": 16, "accelerator": "NVIDIA H200"}
    card = make_card(facts, config, {"validation": {"r2": 0.5}}, ("r2",))
    assert "Made by `python -m scripts.build_toy --train train.csv`\n" in card
    assert "\n3 epochs in 1.5 minutes on 16 cores and an NVIDIA H200; seed 1." in card
