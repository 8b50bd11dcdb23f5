"""A tagger that starts from another one, whose words and tags are not its own."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pos_tagging
from common.bundles.bundle import open_bundle
from common.bundles.pretrained import find_bundle
from common.errors import InputError
from common.text.vocabulary import UNK_ID, Vocabulary
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import Lexicon
from pos_tagging.model import build_model
from pos_tagging.pretraining import (
    _columns,
    _rows,
    choose_start,
    find_obstacle,
    inherit_lexicon,
    inherit_settings,
    inherit_weights,
    share_known,
)
from pos_tagging.sentences import Sentence
from tests.conftest import ROOT

# Words and letters that the other tagger has and has not, in an order of their own.
OWN = Vocabulary(["zyzzyva", "you", "the"], lowercase=True)
LETTERS = Vocabulary("☃hte")
SHAPES = Vocabulary(["☃☃☃", "xxx"])
AFFIXES = Vocabulary(["☃-", "-e"])


def train(run_here, *arguments):
    done = run_here("pos_tagging.train", *arguments)
    assert done.returncode == 0, done.stderr


def start(bundle, tags):
    """A tagger that has learned nothing since; and the lexicon and weights of the other one."""
    theirs = Lexicon.load(bundle)
    config = inherit_settings(TaggingConfig(), bundle)
    lexicon = inherit_lexicon(Lexicon(OWN, LETTERS, OWN, tags, SHAPES, AFFIXES), theirs, max_vectors=9)
    model = build_model(config, **lexicon.sizes())
    fresh = {layer.name: layer.get_weights() for layer in model.layers}
    inherit_weights(model, lexicon, bundle)
    return model, fresh, lexicon, theirs


@pytest.fixture(scope="module")
def bundle(small_bundle):
    return open_bundle(small_bundle("pos_tagging"))


def test_words_and_letters_keep_their_vectors_under_new_numbers(bundle):
    model, fresh, lexicon, theirs = start(bundle, ["A", "B"])
    assert lexicon.words.tokens[4:7] == ["zyzzyva", "you", "the"]
    assert set(theirs.words.tokens) < set(lexicon.words.tokens)
    assert lexicon.training_words.tokens == OWN.tokens  # what is new to this training stays new
    for layer, vocabulary, known in (
        ("embedding", lexicon.words, theirs.words),
        ("character_embedding", lexicon.characters, theirs.characters),
        ("shape_embedding", lexicon.shapes, theirs.shapes),
        ("affix_embedding", lexicon.affixes, theirs.affixes),
    ):
        [rows], [given] = model.get_layer(layer).get_weights(), bundle.read_layer(layer)
        assert len(rows) == len(vocabulary)
        for token in known.tokens:
            np.testing.assert_array_equal(rows[vocabulary.tokens.index(token)], given[known.tokens.index(token)])
        new = [i for i, token in enumerate(vocabulary.tokens) if token not in known.tokens]
        assert len(new) == 1  # zyzzyva, ☃, ☃☃☃, ☃-
        np.testing.assert_array_equal(rows[new], fresh[layer][0][new])
    for layer in ("recurrent_0", "recurrent_1", "filters_of_3"):
        for ours, given in zip(model.get_layer(layer).get_weights(), bundle.read_layer(layer), strict=True):
            np.testing.assert_array_equal(ours, given)
    np.testing.assert_array_equal(model.get_layer("logits").get_weights()[0], fresh["logits"][0])  # other tags


def test_the_tags_that_both_have_keep_their_weights(bundle):
    model, fresh, lexicon, theirs = start(bundle, ["ADJ", "BIRD", "NOUN"])
    assert lexicon.tags == ["ADJ", "BIRD", "NOUN"]
    own, given = model.get_layer("logits").get_weights(), bundle.read_layer("logits")
    for i, tag in ((0, "ADJ"), (2, "NOUN")):
        for ours, of_them in zip(own, given, strict=True):
            np.testing.assert_array_equal(ours[..., i], of_them[..., theirs.tags.index(tag)])
    np.testing.assert_array_equal(own[0][:, 1], fresh["logits"][0][:, 1])
    assert not np.array_equal(own[0], fresh["logits"][0])


def test_tags_that_a_small_file_lacks_are_not_lost(bundle):
    model, _, lexicon, theirs = start(bundle, ["NOUN", "VERB"])
    assert lexicon.tags == theirs.tags
    np.testing.assert_array_equal(model.get_layer("logits").get_weights()[0], bundle.read_layer("logits")[0])


ENGLISH = [Sentence(["The", "old", "dog", "sleeps", "beside", "the", "warm", "house", "."], ["X"] * 9)]
FRENCH = [Sentence(["Le", "vieux", "chien", "dort", "près", "de", "la", "maison", "."], ["X"] * 9)]


def choose(sentences=ENGLISH, **given):
    inputs = {"start": "auto", "word_vectors_from": None, **given.pop("inputs", {})}
    return choose_start(sentences, TaggingConfig(**given), inputs)


@pytest.mark.parametrize(
    ("sentences", "given", "reason"),
    [
        (FRENCH, {}, "the pretrained tagger ewt knows 50% of the words"),
        ([Sentence(["!", "?"], ["X", "X"])], {}, "the pretrained tagger ewt knows 0% of the words"),
        (ENGLISH, {"units": 9}, "--units: found 9, the tagger has 150"),
        (ENGLISH, {"inputs": {"word_vectors_from": "vectors.txt"}}, "--word-vectors-from is given"),
    ],
)
def test_where_the_pretrained_tagger_does_not_fit_a_run_starts_from_scratch(sentences, given, reason, monkeypatch):
    said = []
    monkeypatch.setattr("pos_tagging.pretraining.say", said.append)
    assert choose(sentences, **given) is None
    assert said == [f"Start: from scratch, for {reason}"]


def test_english_sentences_start_from_the_pretrained_tagger(monkeypatch):
    said = []
    monkeypatch.setattr("pos_tagging.pretraining.say", said.append)
    assert choose(head="crf").path == find_bundle("pos_tagging", "ewt")
    assert [line.split(",")[:2] for line in said] == [
        ["Start: the pretrained tagger ewt", " which knows 100% of the words"]
    ]
    assert choose(inputs={"start": "scratch"}) is None
    assert choose(FRENCH, inputs={"start": "brown"}).path == find_bundle("pos_tagging", "brown")  # as was said
    assert len(said) == 1
    with pytest.raises(InputError, match="nothing_here: no such folder, and no pretrained model of that name"):
        choose(inputs={"start": "nothing_here"})


def test_regularization_that_the_run_does_not_choose_is_that_of_the_other_tagger():
    ewt = open_bundle(find_bundle("pos_tagging", "ewt"))
    config = inherit_settings(TaggingConfig(word_dropout=0.25), ewt)
    assert (config.rare_word_dropout, config.word_dropout) == (0.5, 0.25)
    assert inherit_settings(TaggingConfig(rare_word_dropout=1.5), ewt).rare_word_dropout == 1.5


def test_the_share_of_known_words_leaves_out_what_is_no_word(bundle):
    """Of the, qqzzq, 7, !, Qqzzq and The three of four words are known; "qqzzq" has a given vector."""
    theirs = Lexicon.load(bundle)
    assert "the" in theirs.words
    tokens = ["the", "qqzzq", "7", "!", "Qqzzqx", "The"]
    lexicon = Lexicon(theirs.words, theirs.characters, theirs.words, [], vector_words=Vocabulary(["qqzzq"]))
    assert share_known([Sentence(tokens, ["X"] * 6)], lexicon) == 3 / 4
    assert share_known([Sentence(tokens, ["X"] * 6)], theirs) == 2 / 4


def test_with_the_same_tags_it_says_the_same_of_the_same_words(bundle):
    theirs = Lexicon.load(bundle)
    model, _, lexicon, _ = start(bundle, theirs.tags)
    words = [word for word in ("the", "dog", "sleeps", "Nvrseen") if set(word) <= set(theirs.characters.tokens)]
    assert len(words) >= 3

    def ask(network, lexicon):
        ids = lexicon.encode(words)
        batch = {"spellings": ids.pop("spellings"), **{name: value[None] for name, value in ids.items()}}
        batch |= {"spelling_ids": np.arange(len(words), dtype=np.int32)[None], "mask": np.ones((1, len(words)), bool)}
        return np.asarray(network(batch))

    answer, expected = ask(model, lexicon), ask(pos_tagging.load(bundle.path).network, theirs)
    assert np.ptp(expected, axis=-1).min() > 0.1
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_a_run_starts_from_the_bundle(run_here, bundle, small_runs, tmp_path):
    data = ["--train", small_runs["pos_tagging"].test, "--start", bundle.path]
    flags = "--num-epochs 1 --learning-rate 1e-30 --ema-momentum 0 --auxiliary-column feats"
    train(run_here, *data, "--output-dir", tmp_path / "model", *flags.split())
    model = pos_tagging.load(tmp_path / "model")
    assert model.config.units == 8
    known = Lexicon.load(bundle).words
    assert set(known.tokens) <= set(model.lexicon.words.tokens)
    new = [word for word in model.lexicon.training_words.tokens[4:] if known.encode([word]) == [UNK_ID]]
    assert new
    assert all(word in model.lexicon.words for word in new)
    theirs = pos_tagging.load(bundle.path).network.model
    for layer in ("recurrent_0", "filters_of_2"):
        weights = [network.get_layer(layer).get_weights()[0] for network in (model.network.model, theirs)]
        np.testing.assert_array_equal(*weights)
    manifest = json.loads((tmp_path / "model/manifest.json").read_text())
    assert manifest["initialize_from"]["file"] == "pos_tagging"
    assert "--start pos_tagging" in (tmp_path / "model/README.md").read_text()


@pytest.mark.slow
def test_given_vectors_come_along(run_here, small_runs, tmp_path):
    (tmp_path / "vectors.txt").write_text("the 1 2\nqux 3 4\n")
    flags = [*small_runs["pos_tagging"].flags, "--num-epochs", "1", "--train", small_runs["pos_tagging"].train]
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    train(run_here, *flags, "--word-vectors-from", tmp_path / "vectors.txt", "--output-dir", first)
    train(run_here, *flags, "--start", first, "--output-dir", second)
    train(run_here, *flags, "--start", first, "--max-vectors", "1", "--output-dir", third)
    models = [pos_tagging.load(folder) for folder in (first, second, third)]
    assert [model.lexicon.vector_words.tokens[4:] for model in models] == [["the", "qux"], ["the", "qux"], ["the"]]
    vectors = [model.network.model.get_layer("given_vectors").get_weights()[0] for model in models]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0][:5], vectors[2])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--start {bundle} --units 9", "--units: found 9, the tagger has 8; leave it out"),
        ("--start {bundle} --word-vectors-from {bundle}", "both give word vectors; leave one out"),
        ("--start {lm}", "a bundle for 'language_model', not for pos_tagging"),
        ("--auxiliary-column lemma", "has no 'lemma'; the columns are upos, xpos, feats"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(flags, message, run_here, bundle, small_runs, tmp_path):
    places = {"bundle": bundle.path, "lm": ROOT / "tests/fixtures/format_1/language_model"}
    data = ["--train", small_runs["pos_tagging"].train, "--output-dir", tmp_path / "model"]
    done = run_here("pos_tagging.train", *data, *flags.format(**places).split())
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert message in line
    assert not (tmp_path / "model").exists()


def test_rows_and_columns_of_the_same_token_by_hand():
    own, given = np.arange(6.0)[:, None], 10 + np.arange(7.0)[:, None]
    rows = _rows(own, Vocabulary(["b", "x"]), given, Vocabulary(["a", "b", "c"]))
    assert rows[:, 0].tolist() == [10, 11, 12, 13, 15, 5]
    columns = _columns(np.array([[1.0, 2, 3]]), ["A", "B", "C"], np.array([[7.0, 8]]), ["C", "A"])
    assert columns.tolist() == [[8, 2, 7]]


def test_a_lexicon_takes_what_both_have():
    def lexicon(*words, tags, **parts):
        return Lexicon(Vocabulary(words), Vocabulary(""), Vocabulary(words), list(tags), **parts)

    own = lexicon("a", tags="XY", shapes=Vocabulary(["x"]))
    given = Vocabulary(["one", "two", "three"], lowercase=True)
    theirs = lexicon("b", tags="WXY", affixes=Vocabulary(["a-"]), vector_words=given)
    found = inherit_lexicon(own, theirs, max_vectors=2)
    assert (found.tags, found.words.tokens[4:]) == (["W", "X", "Y"], ["a", "b"])
    assert (found.shapes, found.affixes) == (None, None)
    assert (found.vector_words.tokens[4:], found.vector_words.lowercase) == (["one", "two"], True)
    assert inherit_lexicon(own, lexicon("b", tags="XZ"), 2).tags == ["X", "Y"]
    assert inherit_lexicon(own, lexicon("b", tags="XYZ"), 2).vector_words is None


def test_the_share_of_the_words_with_a_vector():
    lexicon = Lexicon(Vocabulary(["a", "b"]), Vocabulary(""), Vocabulary([]), [], vector_words=Vocabulary(["c"]))
    assert share_known([Sentence(["a", "c", "d", "7", "!"])], lexicon) == pytest.approx(2 / 3)
    assert share_known([Sentence(["7"])], lexicon) == 0
    plain = Lexicon(Vocabulary(["a"]), Vocabulary(""), Vocabulary([]), [])
    assert share_known([Sentence(["a"])] * 2000 + [Sentence(["d"])] * 99, plain) == 1
    assert share_known([Sentence(["a"])] * 1999 + [Sentence(["d"])] * 99, plain) == pytest.approx(1999 / 2000)


def test_four_of_five_words_are_enough(bundle):
    inputs = {"word_vectors_from": None}
    assert find_obstacle(bundle, 0.8, TaggingConfig(), inputs) is None
    assert find_obstacle(bundle, 0.79, TaggingConfig(), inputs) == "the pretrained tagger ewt knows 79% of the words"
    assert find_obstacle(bundle, 1, TaggingConfig(language="de"), inputs) == (
        "the pretrained tagger ewt is for --language en"
    )
    assert find_obstacle(bundle, 1, TaggingConfig(num_layers=3), inputs).startswith("--num-layers: found 3, the tagger")


def test_what_a_run_chooses_it_keeps(bundle):
    chosen = inherit_settings(TaggingConfig(dropout=0.1, language="de"), bundle)
    assert (chosen.dropout, chosen.language, chosen.units) == (0.1, "de", 8)
