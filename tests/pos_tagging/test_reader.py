"""How those who look at hidden states see a tagger read: sentences, arrays, steps."""

from __future__ import annotations

import pytest

from common.bundles.bundle import open_bundle
from pos_tagging.reader import TextReader
from tests.forge import FIXTURES
from tests.pos_tagging.test_predict import build


@pytest.fixture
def reader():
    return TextReader(open_bundle(FIXTURES / "pos_tagging"))


def test_every_sentence_is_a_row_of_words(reader):
    assert reader.split("Birds sing. We hear.") == [["Birds", "sing", "."], ["We", "hear", "."]]


@pytest.mark.parametrize("architecture", ["lstm", "previous-tag"])
def test_arrays_are_padded_and_hold_the_tags_that_are_chosen(architecture, reader):
    reader.tagger = tagger = build(architecture=architecture)
    inputs = reader.encode([["birds"], ["we", "sing"]])
    assert inputs["token_ids"].tolist() == [[4, 0], [7, 5]]
    assert inputs["mask"].tolist() == [[True, False], [True, True]]
    if architecture == "previous-tag":
        _, (first, _) = (tags for tags, _ in tagger.tag_tokens([["birds"], ["we", "sing"]]))
        assert inputs["previous_tags"].tolist() == [
            [0, inputs["previous_tags"][0, 1]],
            [0, 1 + tagger.lexicon.tags.index(first)],
        ]
    else:
        assert "previous_tags" not in inputs


def test_each_word_is_a_step(reader):
    assert reader.steps(3).tolist() == [0, 1, 2]
