"""A language model that starts from another one: its weights, its words, and when that is done unasked."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

import language_model
from common.bundles.bundle import open_bundle
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import BOS_ID, UNK_ID, Vocabulary
from language_model import pretraining
from language_model.config import LanguageModelConfig
from language_model.loader import initial_states, load_texts
from language_model.model import build_model
from language_model.predict import LanguageModel
from language_model.pretraining import (
    MIN_KNOWN,
    choose_start,
    count_ids,
    first_perplexity,
    first_tokens,
    inherit_settings,
    inherit_weights,
    nearest,
    share_known,
    unigram_bias,
)
from tests.language_model.toy_model import VOCABULARY, build_reader

NEW = Vocabulary(["the", "dragon", "king", "slept"])
TEXTS = [["the", "dragon", "went", "home", "."], ["dragon", "slept", "by", "the", "king"]]


def fake_bundle(reader):
    """What `inherit_weights` needs of a bundle, of a model in memory."""
    network = reader.network.model
    return SimpleNamespace(
        read_layer=lambda name: network.get_layer(name).get_weights(), read_vocabulary=lambda name: reader.vocabulary
    )


@pytest.mark.parametrize("settings", [{"num_layers": 2}, {"tie_embeddings": False}, {"embedding_dim": 6}])
def test_at_the_first_step_the_network_predicts_what_the_old_one_does(settings):
    """Only the probability of an unknown word is divided, by the counts of the new words plus one."""
    old = build_reader(**settings)
    vocabulary = VOCABULARY.extended(NEW)
    assert vocabulary.tokens[4:] == ["the", "king", "went", "home", ".", "dragon", "slept"]
    network = build_model(old.config, len(vocabulary))
    counts = count_ids(TEXTS, vocabulary)
    assert counts[[UNK_ID, *vocabulary.encode(["the", "dragon", "slept"])]].tolist() == [1, 2, 2, 1]
    inherit_weights(network, fake_bundle(old), counts)
    new = LanguageModel(KerasEngine(network), vocabulary, old.config)

    def probabilities(reader):
        ids = np.array([[BOS_ID, *reader.vocabulary.encode(TEXTS[1])]], np.int32)
        states = initial_states(reader.config, 1)
        logits = reader.step(ids, np.ones(ids.shape, bool), states)[0]["logits"][0]
        return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)  # (time, vocab_size)

    before, after = probabilities(old), probabilities(new)
    known = [i for i in range(len(VOCABULARY)) if i != UNK_ID]
    assert np.ptp(before[:, UNK_ID]) > 0.001
    np.testing.assert_allclose(after[:, known], before[:, known], rtol=1e-4)
    for word, share in (("<unk>", 2 / 7), ("dragon", 3 / 7), ("slept", 2 / 7)):
        place = vocabulary.tokens.index(word)
        np.testing.assert_allclose(after[:, place], before[:, UNK_ID] * share, rtol=1e-4)


def test_a_new_network_begins_with_the_frequencies_of_the_tokens():
    bias = unigram_bias(np.array([0, 3, 0, 2, 5]))
    np.testing.assert_allclose(np.exp(bias), [0.1 / 10.5, 3.1 / 10.5, 0.1 / 10.5, 2.1 / 10.5, 5.1 / 10.5], rtol=1e-6)
    assert bias.dtype == np.float32


# -- What a run starts from -----------------------------------------------------------------------------------------


@pytest.fixture
def shipped(small_bundle, monkeypatch):
    """The only pretrained model is the small one of the tests; a function from settings and texts to what is said."""
    bundle = small_bundle("language_model")
    monkeypatch.setattr(pretraining, "pretrained_names", lambda task: ["stories"])
    monkeypatch.setattr(pretraining, "pretrained_folder", lambda task, name: bundle)
    monkeypatch.setattr(pretraining, "say", lambda line: said.append(line))
    said = []

    def choose(token_lists, start="auto", **settings):
        said.clear()
        origin = choose_start(token_lists, LanguageModelConfig(**settings), {"start": start})
        return origin and origin.path == bundle, "".join(said)

    return choose


KNOWN = [["The", "king", "was", "old", ",", "and", "the", "wolf", "was", "not", "."]] * 10
FOREIGN = [["Der", "König", "war", "alt", ",", "the", "wolf", "schlief", "."]] * 10


def test_a_text_of_known_words_starts_from_the_pretrained_model(shipped):
    chosen, said = shipped(KNOWN)
    assert chosen
    assert said == (
        "Start: the pretrained model stories is fine-tuned, which knows 100% of the words; "
        "--start scratch would begin from nothing"
    )


@pytest.mark.parametrize(
    ("texts", "settings", "reason"),
    [
        (FOREIGN, {}, "the pretrained model stories knows 29% of the words"),
        ([], {}, "the pretrained model stories knows 0% of the words"),
        (KNOWN, {"level": "character"}, "stories reads words, not --level character"),
        (KNOWN, {"units": 77}, "--units: found 77, the language model has 12"),
        (KNOWN, {"lowercase": True}, "--lowercase: found True, the language model has False"),
        (KNOWN * 5, {}, "there are 550 tokens to learn from"),
    ],
)
def test_what_does_not_fit_starts_from_scratch_and_the_line_says_why(texts, settings, reason, shipped, monkeypatch):
    monkeypatch.setattr(pretraining, "MOST_TOKENS", 500)
    chosen, said = shipped(texts, **settings)
    assert chosen is None
    assert said == f"Start: from scratch, for {reason}"


TALE = ["Once", "upon", "a", "time", "there", "lived", "an", "old", "king", "who", "had", "three", "sons", "."]
REVIEW = [
    "This",
    "movie",
    "is",
    "a",
    "waste",
    "of",
    "time",
    ",",
    "with",
    "a",
    "plot",
    "and",
    "acting",
    "so",
    "bad",
    ".",
]


@pytest.mark.parametrize(("tokens", "name"), [(TALE, "stories"), (REVIEW, "reviews")])
def test_of_the_pretrained_models_the_one_that_is_surprised_least_is_taken(tokens, name):
    assert choose_start([tokens] * 3, LanguageModelConfig(), {"start": "auto"}).path.name == name


def test_the_first_perplexity_is_that_of_the_network_before_its_first_step(small_bundle):
    origin = open_bundle(small_bundle("language_model"))
    model = LanguageModel.load(origin.path)
    texts = [["The", "xyzzy", "king"], ["xyzzy", "and", "plugh"]]
    # Of three unknown tokens in five shares (counts plus one, and one for what stays unknown): 3/6 and 2/6.
    nats = np.concatenate(model.score_tokens(texts)).sum() + 2 * np.log(3 / 6) + np.log(2 / 6)
    assert first_perplexity(origin, texts) == pytest.approx(np.exp(-nats / 8))


def test_the_first_perplexity_looks_at_the_first_tokens(small_bundle, monkeypatch):
    monkeypatch.setattr(pretraining, "NUM_SCORED", 5)
    origin = open_bundle(small_bundle("language_model"))
    long, short = (first_perplexity(origin, texts) for texts in ([KNOWN[0], KNOWN[1]], [KNOWN[0][:5]]))
    assert long == pytest.approx(short)


def test_scratch_says_nothing(shipped):
    assert shipped(KNOWN, start="scratch") == (None, "")


def test_punctuation_is_no_known_word(small_bundle):
    origin = open_bundle(small_bundle("language_model"))
    assert share_known(origin, [["xyzzy", ",", ".", "the"]]) == 0.5 < MIN_KNOWN


def test_settings_come_from_the_model_unless_they_contradict_it(small_bundle):
    origin = open_bundle(small_bundle("language_model"))
    config = inherit_settings(LanguageModelConfig(dropout=0.7, stateful=True), origin)
    assert (config.units, config.embedding_dim, config.dropout, config.stateful) == (12, 9, 0.7, True)
    with pytest.raises(InputError, match="--num-layers: found 3, the language model has 1; leave it out"):
        inherit_settings(LanguageModelConfig(num_layers=3), origin)


def test_a_run_goes_on_from_a_bundle_with_the_words_of_both(small_bundle, small_runs, tmp_path, run_here):
    start, file = small_bundle("language_model"), tmp_path / "texts.txt"
    stories = load_texts(small_runs["language_model"].train, LanguageModelConfig())[:12]
    file.write_text("\n\n".join(f"{story} The zyx slept, and the zyx snored." for story in stories))
    data = ["--train", file, "--start", start, "--output-dir", tmp_path / "model", "--num-epochs", "1"]
    done = run_here("language_model.train", *data)
    assert done.returncode == 0, done.stderr
    new, old = language_model.load(tmp_path / "model"), language_model.load(start)
    size = len(old.vocabulary)
    assert new.vocabulary.tokens[:size] == old.vocabulary.tokens
    assert "zyx" in new.vocabulary.tokens[size:]
    assert new.config.max_vocab_size >= len(new.vocabulary)
    assert new.config.units == old.config.units
    assert json.loads((tmp_path / "model/manifest.json").read_text())["initialize_from"]["file"] == start.name
    assert f"--start {start.name}" in (tmp_path / "model/README.md").read_text()
    assert (new.score("zyx")[0].num_unknown, old.score("zyx")[0].num_unknown) == (0, 1)


@pytest.mark.parametrize(
    ("start", "reason"),
    [("{sentiment}", "a bundle for 'sentiment', not for language_model"), ("nobody", "nobody: no such folder, and no")],
)
def test_what_is_no_start_is_refused(start, reason, small_bundle, tmp_path, run_here):
    (tmp_path / "texts.txt").write_text("The king slept.\n\nThe wolf came.\n")
    if "{" in start:
        start = start.format(sentiment=small_bundle("sentiment"))
    data = ["--train", tmp_path / "texts.txt", "--start", start, "--output-dir", tmp_path / "model"]
    done = run_here("language_model.train", *data)
    assert done.returncode == 2
    assert reason in done.stderr


def test_the_first_tokens():
    assert [first_tokens(["abc", "def", "ghi"], number) for number in (0, 3, 4, 9)] == [
        [], ["abc"], ["abc", "d"], ["abc", "def", "ghi"],
    ]  # fmt: skip


def test_of_two_models_the_less_surprised_one_is_nearest(monkeypatch):
    monkeypatch.setattr(pretraining, "first_perplexity", lambda model, texts: {"A": 3.0, "B": 2.0}[model])
    assert nearest({"a": "A", "b": "B"}, []) == "b"
    assert nearest({"a": "A"}, []) == "a"
    monkeypatch.setattr(pretraining, "first_perplexity", None)
    assert nearest({"only": "A"}, []) == "only"  # nothing is measured


def test_words_are_looked_at_until_there_are_enough(monkeypatch):
    bundle = SimpleNamespace(read_vocabulary=lambda name: VOCABULARY)
    texts = [["the", "king"], ["zorgl", "zorgl"], ["the"]]
    assert share_known(bundle, texts) == 3 / 5
    monkeypatch.setattr(pretraining, "NUM_LOOKED_AT", 2)
    assert share_known(bundle, texts) == 1
    monkeypatch.setattr(pretraining, "NUM_LOOKED_AT", 3)
    assert share_known(bundle, texts) == 2 / 4
    assert share_known(bundle, [["!"]]) == 0


def test_limits_that_are_reached_are_kept(shipped, monkeypatch):
    monkeypatch.setattr(pretraining, "MOST_TOKENS", 110)
    monkeypatch.setattr(pretraining, "share_known", lambda origin, texts: 0.8)
    assert shipped(KNOWN)[0]
    monkeypatch.setattr(pretraining, "share_known", lambda origin, texts: 0.79)
    assert shipped(KNOWN)[1].endswith("the pretrained model stories knows 79% of the words")
    monkeypatch.setattr(pretraining, "pretrained_names", lambda task: [])
    assert shipped(KNOWN)[1] == "Start: from scratch, for there is no pretrained model"
