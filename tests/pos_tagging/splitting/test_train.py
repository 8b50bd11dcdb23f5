"""Which splitter a run gets, and that one learns from few sentences of one pattern."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from common.bundles.bundle import Bundle
from common.bundles.file_names import SPLITTER_FOLDER
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.text.vocabulary import Vocabulary
from pos_tagging.config import TaggingConfig
from pos_tagging.sentences import Layout, Sentence
from pos_tagging.splitting import train as training
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.encoding import encode_context
from pos_tagging.splitting.examples import SplitterBatches, _in_inner_word, _without
from pos_tagging.splitting.labels import label_characters, read_characters
from pos_tagging.splitting.splitter import Splitter
from pos_tagging.splitting.train import choose_splitter, find_unsure, save_splitter, score_split, train_splitter

WITHOUT_LAYOUT = [Sentence(["So", "good", "."], ["ADV", "ADJ", "PUNCT"])] * 1200
PATTERN = [
    Sentence(["I", "do", "n't", "go", "!!!"], layout=Layout([True, False, True, False, True], [(2, 3, "don't")])),
    Sentence(["We", "re-read", "b", "-", "c", "."], layout=Layout([True, True, False, False, False, True])),
]
TEXT = "I don't go!!! We re-read b-c."


@pytest.mark.parametrize("splitter", ["auto", "rules"])
def test_no_splitter_without_layout(splitter):
    assert choose_splitter(WITHOUT_LAYOUT, [], TaggingConfig(splitter=splitter), None) is None


def test_few_sentences_make_no_splitter():
    assert choose_splitter(PATTERN * 10, [], TaggingConfig(), None) is None


def test_a_splitter_is_asked_for_that_nothing_can_teach():
    with pytest.raises(InputError, match="--splitter learned: no word of the training file has SpaceAfter=No"):
        choose_splitter(WITHOUT_LAYOUT, [], TaggingConfig(splitter="learned"), None)


def test_one_sentence_with_joined_words_is_enough_to_learn_from(monkeypatch):
    learned = object.__new__(Splitter)
    monkeypatch.setattr(training, "train_splitter", lambda sentences, config: learned)
    monkeypatch.setattr(training, "score_split", lambda documents, split: 1.0)
    assert choose_splitter([*WITHOUT_LAYOUT, PATTERN[0]], [], TaggingConfig(splitter="learned"), None) is learned


def test_augmented_examples_keep_their_labels():
    config = SplitterConfig(window=12, batch_size=2, num_epochs=1, apostrophe_dropout=1, repetition_rate=1)
    text = read_characters(TEXT)
    vocabulary = Vocabulary(sorted(set(text.text.lower())))
    batches = SplitterBatches([text], [label_characters(PATTERN, {})], vocabulary, config)
    ids, _, labels = batches.parts
    written = "".join(vocabulary.decode(ids.tolist()))
    assert written.startswith("idontgo!!!!")
    assert written.endswith("!!were-readb-c.")
    starts = [*np.flatnonzero(labels).tolist(), len(labels)]
    words = [written[start:stop].rstrip("!") for start, stop in pairwise(starts)]
    assert words == ["i", "do", "nt", "go", "", "we", "re-read", "b", "-", "c", "."]
    again = SplitterBatches([text], [label_characters(PATTERN, {})], vocabulary, config)
    assert all(np.array_equal(a, b) for a, b in zip(batches.parts, again.parts, strict=True))
    again.set_epoch(1)
    assert len(again.parts[0]) != len(ids) or not np.array_equal(again.starts, batches.starts)
    assert len(set(batches.starts.tolist())) == batches.num_windows > 1
    assert max(batches.starts) + config.window <= len(ids)
    inputs, targets, weights = batches[0]
    assert inputs["character_ids"].shape == (2, 12 + 4)
    assert targets.shape == weights.shape == (2, 12)


def test_a_trained_splitter_is_saved_and_splits_as_before(tmp_path):
    splitter = train_splitter(PATTERN * 8, SplitterConfig(window=24, units=2, filters=2, num_epochs=1, batch_size=8))
    save_splitter(splitter, tmp_path)
    names = [file.relative_to(tmp_path).as_posix() for file in tmp_path.glob(f"{SPLITTER_FOLDER}/*.*")]
    part = Bundle(tmp_path, {}, {name: (tmp_path / name).read_bytes() for name in names}).part(SPLITTER_FOLDER)
    part.check_network()
    again = Splitter.load(part, KerasEngine(part))
    logits = (made.find_logits([read_characters(TEXT)])[0] for made in (splitter, again))
    np.testing.assert_allclose(*logits, atol=1e-6)


@pytest.mark.slow
def test_a_splitter_learns_a_pattern():
    config = SplitterConfig(window=24, units=12, filters=12, num_epochs=25, batch_size=8)
    splitter = train_splitter(PATTERN * 60, config)
    found = splitter.split([TEXT])[0]
    assert [list(sentence.tokens) for sentence in found] == [list(sentence.tokens) for sentence in PATTERN]
    assert [list(sentence.layout.ranges) for sentence in found] == [[(2, 3, "don't")], []]
    tagged = [Sentence(s.tokens, [""] * len(s.tokens), layout=s.layout) for s in PATTERN]
    assert score_split([(TEXT, tagged)], splitter.split) == 1


def labels_of(*labels):
    return np.array(labels, np.uint8)


def test_what_is_left_out_leaves_its_label_to_the_next_character():
    assert _in_inner_word(labels_of(4, 1, 0, 2, 0, 0, 1)).tolist() == [*[False] * 3, *[True] * 3, False]
    assert _in_inner_word(labels_of(0, 2)).tolist() == [False, True]
    for labels, counts, left in (
        ((1, 0, 2, 0, 0), (1, 1, 0, 1, 1), (1, 0, 2, 2, 0)),
        ((1, 2, 1), (1, 0, 1), (1, 2, 1)),  # the next one has its own
        ((1, 0, 0), (1, 0, 1), (1, 0, 0)),  # nothing begins there
        ((1, 0, 2), (1, 1, 0), (1, 0, 2)),  # there is no next one
    ):
        assert _without(labels_of(*labels), np.array(counts)).tolist() == list(left)


def batches_of(texts, labels, **settings):
    rates = {"apostrophe_dropout": 0, "repetition_rate": 0, "lower_case_rate": 0}
    config = SplitterConfig(**{"window": 8, "batch_size": 2, "num_epochs": 1, **rates, **settings})
    characters = [read_characters(text) for text in texts]
    vocabulary = Vocabulary(sorted(set("".join(text.text.lower() for text in characters))))
    return SplitterBatches(characters, labels, vocabulary, config)


def test_examples_are_windows_of_the_text_with_their_neighbours():
    text = "Ab cd. " * 9  # 45 characters
    labels = labels_of(*[4, 0, 1, 0, 1] * 9)
    batches = batches_of([text], [labels])
    assert (batches.num_windows, batches.sizes, len(batches)) == (5, [16, 16, 8], 3)
    ids, contexts, found = batches.parts
    assert found.tolist() == labels.tolist()
    assert contexts.tolist() == encode_context(batches.gaps, batches.capitals).tolist()
    assert batches.capitals.tolist() == [1, 0, 0, 0, 0] * 9
    seen = []
    for number in range(3):
        inputs, targets, weights = batches[number]
        for row, target in zip(range(len(targets)), targets, strict=True):
            start = int(batches.starts[2 * number + row])
            seen.append(start)
            assert target.tolist() == labels[start : start + 8].tolist()
            around = [*[0] * 2, *ids.tolist(), *[0] * 2]
            assert inputs["character_ids"][row].tolist() == around[start : start + 12]
            around = [*[0] * 2, *contexts.tolist(), *[0] * 2]
            assert inputs["context_ids"][row].tolist() == around[start : start + 12]
        assert weights.tolist() == inputs["mask"].tolist() == np.ones(targets.shape).tolist()
    assert len(set(seen)) == 5
    assert 0 <= min(seen) <= max(seen) <= 45 - 8
    lowered, _, _ = batches_of([text], [labels], lower_case_rate=1)[0]
    same, _, _ = batches[0]
    capitals = np.r_[[0] * 2, batches.capitals, [0] * 2]
    for row in range(2):
        start = int(batches.starts[row])
        difference = same["context_ids"][row] - lowered["context_ids"][row]
        assert difference.tolist() == capitals[start : start + 12].tolist()


def test_a_document_begins_a_paragraph_and_an_empty_one_is_nothing():
    batches = batches_of(["ab cd", "", "ef gh"], [labels_of(4, 0, 1, 0), labels_of(), labels_of(4, 0, 1, 0)])
    assert batches.gaps.tolist() == [2, 0, 1, 0, 2, 0, 1, 0]
    assert batches.labels.tolist() == [4, 0, 1, 0] * 2
    assert batches.num_windows == 1


def test_which_characters_may_be_left_out_or_repeated():
    text, labels = "I don't!!! a--b 'x' !!", [4, 1, 0, 2, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    batches = batches_of([text], [labels_of(*labels)], repetition_rate=1, apostrophe_dropout=1)
    shown = read_characters(text).text
    assert [place for place in range(18) if batches.may_leave[place]] == [4]
    assert [place for place in range(18) if batches.may_repeat[place]] == [7, 8, 11]
    assert (shown[4], shown[7], shown[11]) == ("'", "!", "-")
    counts = batches._draw_counts(np.random.default_rng(0))
    assert counts[4] == 0
    assert all(counts[place] >= 2 for place in (7, 8, 11))
    assert all(counts[place] == 1 for place in range(18) if place not in (4, 7, 8, 11))


def test_the_network_is_unsure_below_99_percent():
    logits = np.log(np.array([[0.995, 0.005], [0.985, 0.015], [0.005, 0.995]], np.float32)) + 3
    assert find_unsure(logits, labels_of(0, 0, 0)).tolist() == [False, True, True]
    assert find_unsure(logits, labels_of(1, 1, 1)).tolist() == [True, True, False]


@pytest.fixture
def learned(monkeypatch):
    """Choose a splitter where the scores of the learned one and of the rules are given; returns it and what is said."""
    made = object.__new__(Splitter)
    made.split = None
    said = []

    def choose(scores, number=1, **settings):
        found = iter(scores)
        monkeypatch.setattr(training, "train_splitter", lambda sentences, config: made)
        monkeypatch.setattr(training, "score_split", lambda documents, split: next(found))
        monkeypatch.setattr(training, "MIN_SENTENCES", 4)
        monkeypatch.setattr(training, "say", said.append)
        said.clear()
        return choose_splitter(PATTERN * number, PATTERN, TaggingConfig(**settings), None) is made, said

    return choose


def test_the_better_splitter_is_kept(learned):
    assert learned([0.9, 0.8], 1) == (False, [])  # two sentences are too few
    kept, said = learned([0.9, 0.8], 2)
    assert kept
    assert said[1] == "Splitter: F1 of words 0.9000, rules 0.8000; it is kept"
    kept, said = learned([0.8, 0.8], 2)
    assert not kept
    assert said[1] == "Splitter: F1 of words 0.8000, rules 0.8000; the rules are kept"
    assert learned([0.7, 0.8], 1, splitter="learned")[0]
    assert learned([0.9, 0.8], 2, splitter="rules") == (False, [])


def test_words_that_are_found_are_counted():
    true = [Sentence(s.tokens, ["X"] * len(s.tokens), layout=s.layout) for s in PATTERN]
    assert score_split([(TEXT, true)], lambda texts: [PATTERN]) == 1
    joined = [Sentence(["I", "don't", "go", "!!!"], layout=Layout([True, True, False, True])), PATTERN[1]]
    assert score_split([(TEXT, true)], lambda texts: [joined]) == pytest.approx(2 * 9 / (11 + 10))
