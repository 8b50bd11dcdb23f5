"""How those who look at hidden states see a language model read: tokens, arrays, steps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from common.text.vocabulary import BOS_ID, UNK_ID, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.reader import TextReader


def reader_of(**settings):
    config = LanguageModelConfig(units=2, **settings)
    vocabulary = Vocabulary(["a", "b", "."])
    return TextReader(SimpleNamespace(read_config=lambda _: config, read_vocabulary=lambda _: vocabulary))


@pytest.mark.parametrize(
    ("level", "kind", "tokens"),
    [
        ("word", "word", ["We", "go", "."]),
        ("spaced", "word", ["We", "go."]),
        ("character", "character", ["W", "e", " ", "g", "o", "."]),
    ],
)
def test_a_text_is_one_row_of_tokens(level, kind, tokens):
    reader = reader_of(level=level)
    assert (reader.level, reader.split("We go.")) == (kind, [tokens])


def test_arrays_begin_with_a_mark_and_are_padded():
    inputs = reader_of(architecture="gru").encode([["a"], ["b", "x"]])
    assert inputs["token_ids"].tolist() == [[BOS_ID, 4, 0], [BOS_ID, 5, UNK_ID]]
    assert inputs["mask"].tolist() == [[True, True, False], [True, True, True]]
    assert inputs["state_0_h"].tolist() == [[0, 0], [0, 0]]


def test_the_first_step_reads_the_mark():
    assert reader_of().steps(3).tolist() == [1, 2, 3]
