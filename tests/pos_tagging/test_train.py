"""Training a tagger: it learns a rule that needs the neighbour, the spelling or the tag before; and runs repeat."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

import pos_tagging
from common.errors import InputError
from pos_tagging import pretraining
from pos_tagging.config import TaggingConfig
from pos_tagging.sentences import Sentence

LETTERS = "abcdefghij"


def tags_of(tagger, sentences):
    return [tags for tags, _ in tagger.tag_tokens([words for words, _ in sentences])]


def train(run_here, *arguments):
    done = run_here("pos_tagging.train", *arguments)
    assert done.returncode == 0, done.stderr


def write_sentences(path, sentences):
    lines = []
    for words, tags in sentences:
        lines += [f"{i}\t{w}\t_\t{t}\t_\t_\t_\t_\t_\t_\n" for i, (w, t) in enumerate(zip(words, tags, strict=True), 1)]
        lines.append("\n")
    path.write_text("".join(lines))


def rule(number, rng):
    """`to` makes a verb of the next word, `the` a noun; a word in -ly is an adverb, whoever stands before it."""
    words, tags = [], []
    for _ in range(number):
        stem = "".join(rng.choice(list(LETTERS), 3))
        kind = rng.integers(3)
        words += [["the", stem], ["to", stem], [stem + "ly"]][kind]
        tags += [["DET", "NOUN"], ["PART", "VERB"], ["ADV"]][kind]
    return words, tags


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["lstm", "previous-tag"])
def test_a_rule_is_learned_and_holds_for_new_words(architecture, run_here, tmp_path):
    rng = np.random.default_rng(0)
    write_sentences(tmp_path / "train.conllu", [rule(rng.integers(1, 6), rng) for _ in range(200)])
    flags = (
        f"--architecture {architecture} --num-layers 1 --units 12 --embedding-dim 8 --character-dim 6 "
        "--character-filters 8 --batch-size 10 --num-epochs 4 --learning-rate 0.02 --dropout 0 --ema-momentum 0"
    )
    train(run_here, "--train", tmp_path / "train.conllu", "--output-dir", tmp_path / "model", *flags.split())
    sentences = [rule(5, np.random.default_rng(seed)) for seed in range(100, 120)]
    answers = tags_of(pos_tagging.load(tmp_path / "model"), sentences)
    right = [
        a == t for (_, tags), given in zip(sentences, answers, strict=True) for a, t in zip(given, tags, strict=True)
    ]
    assert np.mean(right) > 0.97


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(run_here, small_runs, small_bundle, tmp_path):
    def train_again(name):
        small = small_runs["pos_tagging"]
        train(run_here, "--train", small.train, "--output-dir", tmp_path / name, *small.flags)
        return tmp_path / name

    def metrics(folder):
        return json.loads((folder / "metrics.json").read_text())["validation"]

    first, again = small_bundle("pos_tagging"), train_again("again")  # one in a process of its own, one in this
    scores = [metrics(folder) for folder in (first, again)]
    verdicts = [row.pop("verdict") for row in scores]
    assert scores[1] == pytest.approx(scores[0], rel=1e-4)
    assert verdicts[1] == verdicts[0]
    weights = [pos_tagging.load(folder).network.model.get_weights() for folder in (first, again)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_validation_file_shapes_no_vocabulary(run_here, tmp_path):
    write_sentences(tmp_path / "train.conllu", [(["a", "b"], ["X", "Y"])] * 5)
    write_sentences(tmp_path / "validation.conllu", [(["ç", "b"], ["X", "Y"])])
    flags = "--units 3 --embedding-dim 3 --character-dim 2 --character-filters 2 --num-epochs 1 --num-layers 1"
    data = ["--train", tmp_path / "train.conllu", "--validation", tmp_path / "validation.conllu"]
    train(run_here, *data, "--output-dir", tmp_path / "model", *flags.split())
    for name in ("vocabulary", "characters", "training_words"):
        assert sorted(json.loads((tmp_path / f"model/{name}.json").read_text())["tokens"]) == ["a", "b"]
    assert json.loads((tmp_path / "model/metrics.json").read_text())["validation"]["num_examples"] == 1


def test_tags_and_words_that_only_the_validation_file_has(run_here, tmp_path):
    """They end no command: the words count as wrong, scores of no words are undefined, the verdict is said and kept."""
    write_sentences(tmp_path / "train.conllu", [(["a", "b"], ["X", "Y"])] * 5)
    write_sentences(tmp_path / "validation.conllu", [(["a", "b"], ["X", "ODD"])] * 2)
    flags = "--units 3 --embedding-dim 3 --character-dim 2 --character-filters 2 --num-epochs 1 --num-layers 1"
    data = ["--train", tmp_path / "train.conllu", "--validation", tmp_path / "validation.conllu"]
    done = run_here("pos_tagging.train", *data, "--output-dir", tmp_path / "model", *flags.split())
    assert done.returncode == 0, done.stderr
    start, odd, *_ = done.stderr.splitlines()
    assert start == "Start: from scratch, for --num-layers: found 1, the tagger has 2"
    assert odd == "Validation: 2 words with tags that the model does not have, which count as wrong: 'ODD'"
    scores, verdict = done.stdout.splitlines()
    assert "accuracy_unknown undefined; bundle in" in scores
    assert verdict.startswith("On 2 validation sentences the model tags ")
    assert "the trigram HMM 50%: too close to call" in verdict
    kept = json.loads((tmp_path / "model/metrics.json").read_text())["validation"]
    assert (kept["verdict"], kept["accuracy_unknown"]) == (verdict, None)
    assert kept["accuracy"] <= 0.5


@pytest.mark.slow
def test_a_killed_run_with_a_score_that_is_not_defined_goes_on(tmp_path):
    def die(number, scores):
        raise KeyboardInterrupt

    sentences = [[("a", "X"), ("b", "Y")]] * 5
    config = TaggingConfig(
        units=3, embedding_dim=3, character_dim=0, shape_dim=0, affix_dim=0, num_layers=1, num_epochs=2, patience=9
    )
    with pytest.raises(KeyboardInterrupt):
        pos_tagging.train(sentences, tmp_path / "model", config, die)
    result = pos_tagging.train(sentences, tmp_path / "model", config, resume=True)
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert np.isnan([row["accuracy_unknown"] for row in result.history]).all()  # the held-out words are known
    assert not np.isnan([row["accuracy"] for row in result.history]).any()


def test_few_sentences_are_read_more_often_and_in_smaller_batches():
    sizes = (20, 90, 450, 900, 3000, 12_544)
    configs = [TaggingConfig().sized(size, fine_tuning=False) for size in sizes]
    steps = [-(-size // config.batch_size) * config.num_epochs for size, config in zip(sizes, configs, strict=True)]
    assert sorted(steps) == steps
    assert min(steps[2:]) >= 1400
    assert [config.num_epochs for config in configs[:3]] == [60, 60, 25]
    assert [config.rare_word_dropout for config in configs[:-1]] == [0.5] * 5
    last = configs[-1]  # as the pretrained taggers were trained
    assert (last.batch_size, last.num_epochs, last.learning_rate, last.patience) == (32, 16, 0.003, 5)
    assert (last.ema_momentum, last.rare_word_dropout) == (0.998, 2.0)
    tuned = [TaggingConfig().sized(size, fine_tuning=True) for size in sizes]
    assert all(config.num_epochs <= 8 and config.learning_rate == 0.001 for config in tuned)
    for config in (*configs, *tuned):
        config.validate()
        assert 0 < config.ema_momentum < 1


@pytest.mark.parametrize("fine_tuning", [False, True])
def test_what_is_given_is_not_left_to_the_size(fine_tuning):
    given = {
        "batch_size": 3, "num_epochs": 1, "learning_rate": 0.5, "patience": 0, "ema_momentum": 0.0,
        "rare_word_dropout": 0.0,
    }  # fmt: skip
    config = TaggingConfig(**given)
    assert config.sized(500, fine_tuning) == config


def test_by_default_a_run_starts_from_the_pretrained_tagger(small_bundle, small_runs, monkeypatch, tmp_path):
    """Here a small one stands for it."""
    monkeypatch.setattr(pretraining, "pretrained_folder", lambda task, name: small_bundle(task))
    config = TaggingConfig(num_epochs=1, learning_rate=1e-30, ema_momentum=0)
    result = pos_tagging.train(small_runs["pos_tagging"].train, tmp_path / "model", config)
    manifest = json.loads((result.path / "manifest.json").read_text())
    assert manifest["initialize_from"]["file"] == "pos_tagging"
    assert result.model.config.units == 8
    texts = ["The old dog sleeps.", "We hear the birds sing."]
    before = pos_tagging.load(small_bundle("pos_tagging"), engine="keras").tag(texts, probabilities=True)
    for ours, theirs in zip(result.model.tag(texts, probabilities=True), before, strict=True):
        assert ours.pairs() == theirs.pairs()
        np.testing.assert_allclose(
            np.concatenate([s.probabilities for s in ours]),
            np.concatenate([s.probabilities for s in theirs]),
            atol=1e-5,
        )
    assert "start" not in manifest


@pytest.mark.slow
def test_words_that_training_never_saw_have_the_vectors_they_came_with(run_here, tmp_path):
    """Nouns and verbs without a telling letter: what a new word is, its vector alone can say."""
    nouns, verbs = ["qo", "wo", "eo", "ro", "to"], ["yo", "uo", "io", "po", "ao"]
    vectors = [f"{word} {1 + i / 9} 0.1" for i, word in enumerate(nouns)]
    vectors += [f"{word} -0.1 {1 + i / 9}" for i, word in enumerate(verbs)]
    (tmp_path / "vectors.txt").write_text("\n".join(vectors) + "\n")
    sentences = [([noun, verb], ["NOUN", "VERB"]) for noun in nouns[:3] for verb in verbs[:3]]
    sentences += [([verb, noun], ["VERB", "NOUN"]) for noun in nouns[:3] for verb in verbs[:3]]
    write_sentences(tmp_path / "train.conllu", sentences * 3)
    new = [(["ro"], ["NOUN"]), (["ao"], ["VERB"]), (["TO"], ["NOUN"]), (["po"], ["VERB"])]
    write_sentences(tmp_path / "validation.conllu", new)
    flags = "--units 8 --embedding-dim 4 --character-dim 0 --num-layers 1 --num-epochs 10 --word-dropout 0.3 "
    flags += "--learning-rate 0.02"
    data = ["--train", tmp_path / "train.conllu", "--validation", tmp_path / "validation.conllu"]
    train(
        run_here,
        *data,
        "--word-vectors-from",
        tmp_path / "vectors.txt",
        "--output-dir",
        tmp_path / "model",
        *flags.split(),
    )
    answers = tags_of(pos_tagging.load(tmp_path / "model", engine="onnx"), new)
    assert answers == [tags for _, tags in new]


# -- Before and after the network learns ----------------------------------------------------------------------------

training = importlib.import_module("pos_tagging.train")  # `pos_tagging.train` is the function
TAGGED = [[("so", "ADV"), ("good", "ADJ")], [("so", "ADV")], [("good", "ADJ")]] * 4
INPUTS = {"train": TAGGED, "validation": None, "word_vectors_from": None, "start": "auto"}


def test_sentences_are_held_out_or_given():
    splits = training.read_splits(INPUTS, TaggingConfig(validation_split=0.25))
    assert (len(splits.train), len(splits.validation)) == (9, 3)
    given = training.read_splits({**INPUTS, "validation": TAGGED[:1]}, TaggingConfig())
    assert (len(given.train), len(given.validation)) == (12, 1)
    with pytest.raises(InputError, match="--units: found 0"):
        training.read_splits(INPUTS, TaggingConfig(units=0))


def test_settings_that_follow_from_the_inputs():
    config = training.settle(TaggingConfig(), INPUTS, None, 12)
    assert (config.num_epochs, config.batch_size, config.learning_rate) == (60, 8, 0.003)
    with pytest.raises(InputError, match="--word-vectors-from and --start both give word vectors"):
        training.settle(TaggingConfig(), {**INPUTS, "word_vectors_from": "a"}, "a bundle", 12)
    with pytest.raises(InputError, match="--head crf"):
        training.settle(TaggingConfig(head="crf", architecture="previous-tag"), INPUTS, None, 12)


def test_what_is_said_of_the_data(capsys):
    config = TaggingConfig(batch_size=4, rare_word_dropout=0.0)
    splits = training.read_splits({**INPUTS, "validation": TAGGED[:1]}, config)
    capsys.readouterr()
    examples = training.prepare_data(splits, INPUTS, config, None)
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Data: 12 sentences to train on, 1 for validation; 6 words, 8 characters, 2 tags"
    )
    assert (len(examples.batches), examples.vectors, examples.num_further) == (3, None, 0)
    assert examples.sizes()["vector_dim"] == 0
    tagger = SimpleNamespace(tag_tokens=lambda rows: [(["ADV", "ADV"], [])])
    assert examples.tag(tagger) == [["ADV", "ADV"]]
    assert examples.tag_ids(tagger).tolist() == [1, 1]
    assert examples.score(tagger, ("accuracy",)) == {"accuracy": 0.5}
    assert set(examples.score(tagger)) == set(training.SCORES)


def test_the_verdict_is_on_some_of_the_validation_split(monkeypatch, capsys):
    known = [Sentence(["so", "good"], ["ADV", "ADJ"])] * 3
    splits = training.Splits(TaggingConfig(), known, known)
    tagger = SimpleNamespace(config=splits.config, tag_tokens=lambda rows: [(["ADV", "ADJ"], []) for _ in rows])
    assert training.judge(splits, tagger).sentence.startswith("On 3 validation sentences the model tags 100%")
    monkeypatch.setattr(training, "MOST_FOR_VERDICT", 2)
    assert training.judge(splits, tagger).sentence.startswith("On 2 validation sentences")
    assert capsys.readouterr().err.startswith("Baselines: trigram HMM, most frequent tag")
