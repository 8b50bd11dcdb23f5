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
from pos_tagging.splitting.config import SplitterConfig
from pos_tagging.splitting.examples import SplitterBatches
from pos_tagging.splitting.labels import label_characters, read_characters
from pos_tagging.splitting.splitter import Splitter
from pos_tagging.splitting.train import choose_splitter, save_splitter, score_split, train_splitter

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
