"""The model card says how to make the model again, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
