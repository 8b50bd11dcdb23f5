"""Texts and tokens in, tags out: greedy decoding by hand, every format, the same from a saved bundle."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import pos_tagging
from common.bundles.bundle import save_bundle
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from pos_tagging import predict
from pos_tagging.config import ARCHITECTURES, TaggingConfig
from pos_tagging.conllu import read_conllu
from pos_tagging.formats import WRITERS, write_conllu, write_html
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import make_batches
from pos_tagging.model import build_model
from pos_tagging.predict import Tagger
from pos_tagging.sentences import Layout, Sentence, TaggedSentence
from tests.conftest import RUN_FACTS

VOCABULARY = Vocabulary(["birds", "sing", "and", "we", "hear", "."], lowercase=True)
CHARACTERS = Vocabulary("abdeghinrsw.B")
WORDS = Vocabulary(["Birds", "sing"])
TAGS = ["CCONJ", "NOUN", "PRON", "PUNCT", "VERB"]
LEXICON = Lexicon(VOCABULARY, CHARACTERS, WORDS, TAGS)
SENTENCES = [
    Sentence(["Birds", "sing", "and", "we", "hear", "birds", "sing", "."]),
    Sentence(["We", "hear", "."]),
    Sentence(["hear"]),
    Sentence(["strange", "birds", "and", "strange", "weeds"]),
]


def build(**settings):
    sizes = {"units": 6, "embedding_dim": 7, "character_dim": 4, "character_filters": 3, "tag_dim": 5}
    config = TaggingConfig(**{**sizes, "num_layers": 1, "batch_size": 3, **settings})
    model = build_model(config, **LEXICON.sizes())
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    to_tags = model.get_layer("logits")
    to_tags.set_weights([3 * to_tags.get_weights()[0], np.zeros(len(TAGS))])  # so that no tag always wins
    if config.head == "crf":
        chain = model.get_layer("scores")
        chain.set_weights([0.3 * weight for weight in chain.get_weights()])
    return Tagger(KerasEngine(model), LEXICON, config)


def tags_of(tagger, sentences):
    return [answer.tags for answer in tagger.tag_sentences(sentences)]


VARIANTS = [*({"architecture": name} for name in ARCHITECTURES), {"head": "crf"}]


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_company_and_order_change_nothing(settings):
    tagger = build(**settings)
    together = tags_of(tagger, SENTENCES)
    assert len({tag for tags in together for tag in tags}) > 1
    assert [len(tags) for tags in together] == [len(sentence.tokens) for sentence in SENTENCES]
    assert [tags_of(tagger, [sentence])[0] for sentence in SENTENCES] == together
    assert tags_of(tagger, SENTENCES[::-1])[::-1] == together
    assert tags_of(tagger, []) == []


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_probabilities_are_those_of_the_tags(settings):
    tagger = build(**settings)
    answers = tagger.tag_sentences(SENTENCES, probabilities=True)
    assert [sentence.tags for sentence in answers] == tags_of(tagger, SENTENCES)
    chances = [value for sentence in answers for value in sentence.probabilities]
    assert len(chances) == sum(len(sentence.tokens) for sentence in SENTENCES)
    assert 1 / len(TAGS) < np.mean(chances) < 1
    assert len(set(chances)) > 8
    # one by one they are the same, and without being asked there are none
    [alone] = tagger.tag_sentences(SENTENCES[3:], probabilities=True)
    assert alone.probabilities == pytest.approx(answers[3].probabilities, abs=1e-5)
    assert tagger.tag_sentences(SENTENCES)[0].probabilities == []


def test_probabilities_in_every_format():
    sentence = TaggedSentence(["No", "!"], ["INTJ", "PUNCT"], [0.98765, 1.0], Layout([False, True]))
    assert WRITERS["text"]([sentence], "") == "No/INTJ:0.99 !/PUNCT:1.00\n"
    assert WRITERS["tsv"]([sentence], "") == "No\tINTJ\t0.9877\n!\tPUNCT\t1.0000\n\n"
    assert "\tSpaceAfter=No|TagProbability=0.9877\n" in WRITERS["conllu"]([sentence], "")
    assert "\tTagProbability=1.0000\n" in WRITERS["conllu"]([sentence], "")
    assert json.loads(WRITERS["jsonl"]([sentence], ""))["probabilities"] == [0.9877, 1.0]
    assert ">INTJ 99%</span>" in WRITERS["html"]([sentence], "")


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_given_tags_are_not_looked_at(settings):
    tagger = build(**settings)
    answers = tags_of(tagger, SENTENCES)
    misled = [Sentence(sentence.tokens, ["VERB"] * len(sentence.tokens)) for sentence in SENTENCES]
    assert tags_of(tagger, misled) == answers


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_greedy_decoding_by_hand():
    """A GRU, word after word in NumPy: the tag it gives is what it hears about the word before.

    Keras' gates are z r h; `reset_after` has a bias on each side: Cho et al. 2014 in the form that cuDNN has.
    """
    tagger = build(architecture="previous-tag", character_dim=0)
    weights = {variable.path: np.asarray(variable) for variable in tagger.network.model.weights}
    vectors, tag_vectors = weights["embedding/embeddings"], weights["tag_embedding/embeddings"]
    kernel, recurrent, (bias, recurrent_bias) = (
        next(value for path, value in weights.items() if path.endswith(f"gru_cell/{name}"))
        for name in ("kernel", "recurrent_kernel", "bias")
    )
    W_hy, b_y = weights["logits/kernel"], weights["logits/bias"]
    for sentence, answer in zip(SENTENCES, tags_of(tagger, SENTENCES), strict=True):
        h_t, previous, tags = np.zeros(6), 0, []
        for token_id in VOCABULARY.encode(sentence.tokens):
            x_z, x_r, x_h = np.split(np.concatenate([vectors[token_id], tag_vectors[previous]]) @ kernel + bias, 3)
            h_z, h_r, h_h = np.split(h_t @ recurrent + recurrent_bias, 3)
            z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
            h_t = z * h_t + (1 - z) * np.tanh(x_h + r * h_h)
            best = int((h_t @ W_hy + b_y).argmax())
            tags.append(TAGS[best])
            previous = best + 1
        assert answer == tags


def test_greedy_decoding_is_one_pass_over_the_tags_it_gave():
    tagger = build(architecture="previous-tag")
    answers = tags_of(tagger, SENTENCES)
    assert len({tag for tags in answers for tag in tags}) > 1
    tagged = [Sentence(s.tokens, tags) for s, tags in zip(SENTENCES, answers, strict=True)]
    batches = make_batches(tagged, LEXICON, tagger.config, shuffle=False)
    for inputs, targets, weights in batches:
        best = np.asarray(tagger.network.model(inputs)["logits"]).argmax(axis=-1)
        np.testing.assert_array_equal(best[weights > 0], targets[weights > 0])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_loaded_bundle_answers_as_the_model_it_came_from(architecture, tmp_path):
    tagger = build(architecture=architecture)

    facts = {**RUN_FACTS, "task": "pos_tagging"}
    save_bundle(tmp_path / "model", tagger.network.model, tagger.config, {}, facts, "card", LEXICON.save)
    loaded = pos_tagging.load(tmp_path / "model")
    assert loaded.config == tagger.config
    assert tags_of(loaded, SENTENCES) == tags_of(tagger, SENTENCES)
    batch = make_batches(SENTENCES, LEXICON, tagger.config, shuffle=False)[0][0]
    first, second = (model.network(batch) for model in (tagger, loaded))
    if architecture == "previous-tag":
        first, second = first["logits"], second["logits"]
    np.testing.assert_allclose(second, first, atol=1e-5)


# -- Raw text in, every format out ----------------------------------------------------------------------------------


def test_a_text_becomes_sentences_and_keeps_its_spaces():
    [[first, second]] = build().tag("Birds sing.  (We hear)")
    assert first.tokens == ["Birds", "sing", "."]
    assert (first.text(), second.text()) == ("Birds sing.", "(We hear)")
    assert len(first.tags) == 3
    assert [list(answer) for answer in build().tag("")] == [[]]
    assert [len(found) for found in build().tag(["We. We.", " ", "We"])] == [2, 0, 1]


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_a_sentence_without_end_is_read_in_pieces(settings, monkeypatch):
    tagger, words = build(**settings), ["we", "hear", "birds", "sing", "and", "we", "hear"]
    pieces = tags_of(tagger, [Sentence(words[:3]), Sentence(words[3:6]), Sentence(words[6:])])
    monkeypatch.setattr(predict, "MAX_TOKENS", 3)
    [sentence], [other] = tagger.tag([" ".join(words), "we"], probabilities=True)
    assert sentence.tokens == words
    assert sentence.tags == [tag for tags in pieces for tag in tags]
    assert len(sentence.probabilities) == 7
    assert (len(other.tags), len(other.probabilities)) == (1, 1)


def test_the_pretrained_tagger_on_odd_sentences():
    tagger = pos_tagging.load()
    none, word, emoji, [long] = tagger.tag(["", "Stop", "😀😀 🎉", "I see a dog and " * 1250 + "stop."])
    assert list(none) == []
    assert [sentence.pairs() for sentence in word] in ([[("Stop", "VERB")]], [[("Stop", "NOUN")]])
    assert [sentence.pairs() for sentence in emoji] == [[("😀", "SYM"), ("😀", "SYM"), ("🎉", "SYM")]]
    assert len(long.tags) == 1250 * 5 + 2
    expected = [["PRON", "VERB", "DET", "NOUN", "CCONJ"]] * 1250
    right = sum(a == b for a, b in zip(long.tags, [tag for tags in expected for tag in tags], strict=False))
    assert right > 6200  # of 6,250


TAGGED = [
    TaggedSentence(["<b>", "&", '"x"'], ["X", "CCONJ", "NOUN"], layout=Layout([False, True, True])),
    TaggedSentence(["Ja", "!"], ["INTJ", "PUNCT"], layout=Layout([False, False])),
]


def test_conllu_is_read_back(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(write_conllu(TAGGED, "text 1"))
    for sentence, original in zip(read_conllu(path), TAGGED, strict=True):
        assert sentence.pairs() == original.pairs()
        assert sentence.layout.space_after == original.layout.space_after
    assert "# text = Ja!\n" in path.read_text()


def test_html_is_escaped():
    page = write_html([*TAGGED, TaggedSentence(["<script>"], ["<i>"])], "text 1")
    assert not re.search(r"<b>|<script>|<i>", page)
    assert "&lt;b&gt;" in page
    assert page.count('class="entities"') == 3


def test_text_tsv_and_json_lines():
    assert WRITERS["text"](TAGGED, "") == '<b>/X &/CCONJ "x"/NOUN\nJa/INTJ !/PUNCT\n'
    assert WRITERS["tsv"](TAGGED[1:], "") == "Ja\tINTJ\n!\tPUNCT\n\n"
    records = [json.loads(line) for line in WRITERS["jsonl"](TAGGED, "text 7").splitlines()]
    assert records[1] == {"place": "text 7", "text": "Ja!", "tokens": ["Ja", "!"], "tags": ["INTJ", "PUNCT"]}


def best_by_hand(tagger, sentence, num_kept):
    """Grow sequences of tags word by word, keeping the likeliest few; all of them if there are fewer."""
    inputs, _, _ = make_batches([sentence], LEXICON, tagger.config, shuffle=False)[0]
    ways = [(0.0, [], inputs["state"])]
    for t in range(len(sentence.tokens)):
        longer = []
        for total, tags, state in ways:
            step = {name: inputs[name][:, t : t + 1] for name in ("token_ids", "spelling_ids", "mask")}
            step["spellings"] = inputs["spellings"]
            previous = np.array([[tags[-1] + 1 if tags else 0]], np.int32)
            answer = tagger.network({**step, "previous_tags": previous, "state": state})
            logits = answer["logits"][0, 0].astype(float)
            for tag, chance in enumerate(logits - np.log(np.exp(logits).sum())):
                longer.append((total + chance, [*tags, tag], answer["state"]))
        ways = sorted(longer, key=lambda way: -way[0])[:num_kept]
    return [TAGS[tag] for tag in ways[0][1]], ways[0][0]


@pytest.mark.parametrize("num_beams", [1, 2, 4, 125])
def test_beams_by_hand(num_beams):
    tagger = build(architecture="previous-tag", num_beams=num_beams)
    short = [Sentence(sentence.tokens[:3]) for sentence in SENTENCES]
    for sentence, answer in zip(short, tagger.tag_sentences(short, probabilities=True), strict=True):
        tags, log_probability = best_by_hand(tagger, sentence, num_beams)
        assert answer.tags == tags
        assert np.log(answer.probabilities).sum() == pytest.approx(log_probability, abs=1e-4)


def test_more_beams_find_a_likelier_sequence():
    found = [build(architecture="previous-tag", num_beams=number).tag_sentences(SENTENCES, True) for number in (1, 25)]
    chances = [[np.log(sentence.probabilities).sum() for sentence in answers] for answers in found]
    assert (np.array(chances[1]) >= np.array(chances[0]) - 1e-6).all()
    assert np.array(chances[1]).sum() > np.array(chances[0]).sum() + 0.01


def test_treebank_tags_are_written_where_they_belong():
    sentence = TaggedSentence(["No"], ["UH"])
    assert write_conllu([sentence], "", "xpos").splitlines()[1].split("\t") == ["1", "No", "_", "_", "UH", *["_"] * 5]
    assert write_conllu([sentence], "").splitlines()[1].split("\t")[3:5] == ["UH", "_"]


def test_a_text_is_tagged_the_same_however_it_is_written():
    tagger = build()
    plain, written = tagger.tag(
        ["Birds sing and... we hear.", "Bi\u200brds&nbsp;s\u00ading\nand\u2026 <i>we</i> hear&#46;"]
    )
    assert [tag for _, tag in written.pairs()] == [tag for _, tag in plain.pairs()]
    assert [word for word, _ in written.pairs()] == [
        "Bi\u200brds", "s\u00ading", "and", "\u2026", "we", "hear", "&#46;"
    ]  # fmt: skip
    assert written.sentences[0].layout.space_after == [True, True, False, True, True, False, False]
    tagger = build(language="zh")
    assert [word for word, _ in tagger.tag("\u597d\u2026\u2026abc\u3002")[0].pairs()] == [
        "\u597d",
        "\u2026",
        "\u2026",
        "abc",
        "\u3002",
    ]


def test_words_behind_a_very_long_one_are_whole():
    words = [word for word, _ in build().tag("x" * 2500 + " birds s\u00ading.")[0].pairs()]
    assert "".join(words[:-3]) == "x" * 2500
    assert words[-3:] == ["birds", "s\u00ading", "."]
