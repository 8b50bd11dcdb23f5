"""Explanations of tags: by neighbours and by letters, both heads, both engines, what is refused."""

from __future__ import annotations

import importlib
from functools import cache

import numpy as np
import pytest

import pos_tagging
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from interpretability.config import OCCLUSIONS, AttributionConfig
from pos_tagging.config import TaggingConfig
from pos_tagging.explain import HIDDEN, TagScorer, letter_scorer, make_explainer, read_tags
from pos_tagging.lexicon import Lexicon
from pos_tagging.model import build_model
from pos_tagging.predict import Tagger
from tests.interpretability.check_scorer import check_scorer

explaining = importlib.import_module("pos_tagging.explain")  # `pos_tagging.explain` is the function
LEXICON = Lexicon(
    Vocabulary(["birds", "sing", "and", "we", "hear", "."], lowercase=True),
    Vocabulary("abdeghinrsw.B"),
    Vocabulary(["Birds", "sing"]),
    ["CCONJ", "NOUN", "PRON", "PUNCT", "VERB"],
)
WORDS = ["We", "hear", "strange", "birds", "sing", "."]
TEXT = "We hear strange birds sing. Birds sing."


@cache
def build(**settings):
    sizes = {"units": 6, "embedding_dim": 7, "character_dim": 4, "character_filters": 3, "tag_dim": 5, "num_layers": 1}
    config = TaggingConfig(**{**sizes, "batch_size": 3, **settings})
    network = build_model(config, **LEXICON.sizes())
    rng = np.random.default_rng(2)
    network.set_weights([rng.normal(0, 0.6, weight.shape) for weight in network.get_weights()])
    return Tagger(KerasEngine(network), LEXICON, config)


def test_a_crf_is_explained_by_its_marginal_probability():
    """By trying all paths: five tags to the power of three words."""
    scores = np.random.default_rng(0).normal(0, 2, (3, 5, 5))  # (time, tag before, tag)
    scores[0] = scores[0, 0]  # the first word has no tag before
    paths = np.array(np.meshgrid(*[range(5)] * 3, indexing="ij")).reshape(3, -1).T
    totals = scores[0, 0, paths[:, 0]] + scores[1, paths[:, 0], paths[:, 1]] + scores[2, paths[:, 1], paths[:, 2]]
    shares = np.exp(totals) / np.exp(totals).sum()
    for tag in range(5):
        found = read_tags({"scores": scores[None]}, np.ones((1, 3), bool), np.array([1]), tag)
        assert found[0] == pytest.approx(np.log(shares[paths[:, 1] == tag].sum()), abs=1e-5)


def test_words_around_a_word_are_taken_away_and_the_word_itself_is_replaced():
    tagger = build()
    scorer = TagScorer(tagger, WORDS, 3, 1)
    kept = np.ones((4, 6), bool)
    kept[0, 0] = kept[1, 3] = kept[2, [0, 3, 5]] = False
    by_hand = [
        (["hear", "strange", "birds", "sing", "."], 2),
        (["We", "hear", "strange", HIDDEN, "sing", "."], 3),
        (["hear", "strange", HIDDEN, "sing"], 2),
        (WORDS, 3),
    ]
    for found, (words, place) in zip(scorer.score(kept, "removed"), by_hand, strict=True):
        alone = TagScorer(tagger, words, place, 1).score(np.ones((1, len(words)), bool), "unk")
        assert found == pytest.approx(alone[0], abs=1e-5)
    assert len(set(scorer.score(kept, "removed").round(5))) == 4


def test_the_hidden_word_is_unknown_in_every_feature():
    ids = LEXICON.encode([HIDDEN])
    assert ids["token_ids"].tolist() == [1]
    assert ids["spellings"][0, :4].tolist() == [2, 1, 3, 0]


@pytest.mark.slow
def test_the_hidden_word_is_unknown_to_the_pretrained_taggers():
    for name in ("ewt", "brown"):
        ids = pos_tagging.load(name).lexicon.encode([HIDDEN])
        assert {name: set(np.ravel(values)) - {0, 2, 3} for name, values in ids.items()} == {name: {1} for name in ids}


def test_letters_change_the_spelling_and_nothing_else():
    tagger = build()
    scorer = letter_scorer(tagger, WORDS, 2, 1)
    assert scorer.tokens == list("strange")
    whole = TagScorer(tagger, WORDS, 2, 1).score(np.ones((1, 6), bool), "unk")
    found = scorer.score(np.concatenate([np.ones((1, 7), bool), ~np.eye(7, dtype=bool)]), "unk")
    assert found[0] == pytest.approx(whole[0], abs=1e-5)
    assert len(set(found.round(6))) > 4
    # another unknown word of the same letters without the first
    shorter = TagScorer(tagger, ["We", "hear", "trange", "birds", "sing", "."], 2, 1).score(
        np.ones((1, 6), bool), "unk"
    )
    removed = scorer.score(np.array([[False] + [True] * 6]), "removed")
    assert removed[0] == pytest.approx(shorter[0], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{}, {"head": "crf"}, {"architecture": "gru", "directions": "forward"}, {"character_network": "lstm"}],
    ids=str,
)
def test_gradients_at_words_and_letters(settings):
    tagger = build(**settings)
    check_scorer(TagScorer(tagger, WORDS, 3, 1))
    check_scorer(TagScorer(tagger, ["Birds"] * 2, 1, 4))
    check_scorer(letter_scorer(tagger, WORDS, 2, 1))
    check_scorer(letter_scorer(tagger, ["strange", "strange"], 1, 1))


@pytest.mark.slow
@pytest.mark.parametrize("letters", [False, True])
def test_occlusion_is_the_same_by_both_engines(letters, small_bundle):
    for config in OCCLUSIONS:
        onnx, keras = (
            make_explainer(pos_tagging.load(small_bundle("pos_tagging"), engine), 3, "NOUN", letters, config)(TEXT)
            for engine in ("onnx", "keras")
        )
        assert np.abs(onnx.weights).max() > 1e-5
        np.testing.assert_allclose(onnx.weights, keras.weights, atol=1e-5)


def test_a_word_is_chosen_by_its_number_its_letters_or_its_doubt():
    tagger = build()
    assert make_explainer(tagger, 4)(TEXT).explained == 3
    assert make_explainer(tagger, "4")(TEXT).tokens == ["We", "hear", "strange", "birds", "sing", "."]
    assert make_explainer(tagger, 8)(TEXT).tokens == ["Birds", "sing", "."]
    assert make_explainer(tagger, "Birds", tag="VERB")(TEXT).target == "log-probability of VERB for 'Birds'"
    probabilities = [p for sentence in tagger.tag(TEXT, probabilities=True)[0] for p in sentence.probabilities]
    found = make_explainer(tagger)(TEXT)
    assert np.exp(found.score) == pytest.approx(min(probabilities), abs=1e-5)


def test_of_a_long_word_the_two_ends_have_weights():
    found = make_explainer(build(), "abcdefgh" * 3, letters=True)("We hear " + "abcdefgh" * 3)
    assert "".join(found.tokens) == "abcdefgh" * 3
    assert found.weights[7:-7] == [0.0] * 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"word": 10}, "--word: found 10, the text has 9 words"),
        ({"word": 0}, "--word: found 0, the text has 9 words"),
        ({"word": "fish"}, "--word: found 'fish', which is no word of the text"),
        ({"tag": "FISH"}, "--tag: found 'FISH', wanted one of CCONJ, NOUN"),
        ({"baseline": "removed", "method": "gradient-x-input"}, "--baseline removed: gradient-x-input needs a vector"),
    ],
)
def test_what_is_not_there_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        pos_tagging.explain(build(), TEXT, **given)


def test_models_that_cannot_be_explained_are_refused(run_here):
    with pytest.raises(InputError, match="--model: a previous-tag tagger searches for its tags"):
        pos_tagging.explain(Tagger(None, LEXICON, TaggingConfig(architecture="previous-tag")), TEXT)
    with pytest.raises(InputError, match="--letters: the model reads no characters"):
        pos_tagging.explain(Tagger(None, LEXICON, TaggingConfig(character_dim=0)), TEXT, letters=True)
    for options, message in (
        (["--input", "x.conllu"], "x.conllu: a file of words, wanted texts"),
        (["--faithfulness", "--input", "x.conllu", "--word", "3"], "--word: --faithfulness takes random words"),
    ):
        done = run_here("pos_tagging.explain", *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_of_a_very_long_sentence_the_piece_of_the_word_is_explained(monkeypatch):
    monkeypatch.setattr(explaining, "MAX_TOKENS", 3)
    tagger = build()
    for number, (words, place) in {3: (WORDS[:3], 2), 4: (WORDS[3:], 0), 5: (WORDS[3:], 1)}.items():
        found = make_explainer(tagger, number)(TEXT)
        assert (found.tokens, found.explained) == (words, place)
        assert len(found.weights) == 3
    assert make_explainer(tagger, 8)(TEXT).tokens == ["Birds", "sing", "."]
    letters = make_explainer(tagger, 4, letters=True)(TEXT)
    assert letters.tokens == list("birds")
    assert letters.target.endswith(" for 'birds', by its letters")


def test_a_word_of_digits_is_a_number_if_there_are_so_many_words():
    tagger = build()
    assert make_explainer(tagger, "2")("We hear 7 birds.").explained == 1
    assert make_explainer(tagger, "7")("We hear 7 birds.").explained == 2
    with pytest.raises(InputError, match="found no word in the text"):
        make_explainer(tagger)(" ")
    with pytest.raises(InputError, match="--word: found '6', which is no word"):
        make_explainer(tagger, "6")("We hear 7 birds.")
    assert make_explainer(tagger, "5")("We hear 7 birds.").explained == 4


def test_gradients_are_not_those_of_rounded_weights():
    class Rounded:
        int8 = True

    rounded = Tagger(Rounded(), LEXICON, TaggingConfig())
    make_explainer(rounded)
    with pytest.raises(InputError, match="--method: --engine onnx-int8 has weights that have no gradients"):
        make_explainer(rounded, config=AttributionConfig("gradient-x-input"))


@pytest.mark.parametrize("length", [14, 15])
def test_letters_that_are_read(length):
    read = explaining.letters_read("x" * length)
    assert read == ([*range(14)] if length == 14 else [*range(7), *range(8, 15)])


def test_an_impossible_tag_has_a_logarithm():
    scores = np.array([[[0.0, -1e9]]])
    assert read_tags(scores, np.ones((1, 1), bool), np.array([0]), 1)[0] == pytest.approx(np.log(1e-300))


def test_gradients_of_words_and_the_scores_of_letters():
    tagger = build(architecture="simple-rnn", directions="forward")
    check_scorer(TagScorer(tagger, WORDS, 3, 1))
    scorer = letter_scorer(tagger, WORDS, 2, 1)
    vectors, hidden = scorer.vectors(False), scorer.vectors(True)
    scores, gradients = scorer.differentiate(np.stack([vectors, hidden]))
    assert vectors.shape == hidden.shape == gradients[0].shape == (7, 4)
    wanted = scorer.score(np.stack([np.ones(7, bool), np.zeros(7, bool)]), "unk")
    np.testing.assert_allclose(scores, wanted, atol=1e-5)
    assert np.abs(gradients).max() > 1e-4
