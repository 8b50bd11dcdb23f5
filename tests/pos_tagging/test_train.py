"""Training a tagger: it learns a rule that needs the neighbour, the spelling or the tag before; and runs repeat."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pos_tagging

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
    assert metrics(again) == pytest.approx(metrics(first), rel=1e-4)
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
