"""What the splitter's network reads: characters with what stands beside them, in windows of similar length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from common.text.vocabulary import Vocabulary
from pos_tagging.splitting.encoding import (
    NUM_CASES,
    NUM_GAPS,
    CharacterTable,
    Encoded,
    cut_windows,
    encode_context,
    group_windows,
    normal_form,
    window_inputs,
)
from pos_tagging.splitting.labels import NO_GAP, PARAGRAPH, read_characters


def test_a_text_stands_between_paragraphs():
    ids = encode_context(np.array([NO_GAP, NO_GAP, NO_GAP], np.uint8), np.array([1, 0, 0], np.int32)) - 1
    before, after = np.divmod(ids // NUM_CASES, NUM_GAPS)
    assert before.tolist() == [PARAGRAPH, NO_GAP, NO_GAP]
    assert after.tolist() == [NO_GAP, NO_GAP, PARAGRAPH]
    assert (ids % NUM_CASES).tolist() == [1, 0, 0]


def test_windows_of_similar_length_stand_together_wherever_they_are_in_their_texts():
    """The last window of a long text is as short as a short text."""
    groups = group_windows(cut_windows([1250, *[60, 400] * 40]))
    lengths = [[window.read_to - window.read_from for window in group] for group in groups]
    assert len(groups) > 2
    apart = sorted(lengths, key=max)
    assert all(max(shorter) <= min(longer) for shorter, longer in pairwise(apart))


def test_contexts_by_hand():
    """Three gaps before, three behind, two cases; 0 is padding."""
    ids = encode_context(np.array([0, 1, 2, 0], np.uint8), np.array([1, 0, 0, 1], np.int32))
    assert ids.tolist() == [1 + (2 * 3 + 1) * 2 + 1, 1 + (1 * 3 + 2) * 2, 1 + (2 * 3 + 0) * 2, 1 + (0 * 3 + 2) * 2 + 1]


def test_windows_and_what_is_read_around_them():
    assert [window[1:] for window in cut_windows([600, 601, 0, 25])] == [
        (0, 600, 0, 600), (0, 601, 0, 600), (576, 601, 600, 601), (0, 25, 0, 25),
    ]  # fmt: skip
    assert [window.text for window in cut_windows([600, 601, 0, 25])] == [0, 1, 1, 3]
    assert group_windows([]) == []


def test_the_inputs_of_windows_by_hand():
    ids = np.arange(1, 641, dtype=np.int32)
    first, second = cut_windows([640])
    inputs = window_inputs([first, second], [Encoded(ids, ids + 1000)])
    assert inputs["character_ids"].shape == (2, 624 + 4)
    assert inputs["character_ids"][0].tolist() == [0, 0, *range(1, 627)]
    assert inputs["character_ids"][1].tolist() == [*range(575, 641), *[0] * (628 - 66)]
    assert inputs["context_ids"][0].tolist() == [0, 0, *range(1001, 1627)]
    assert inputs["mask"].sum(axis=1).tolist() == [624, 64]


def test_characters_are_read_as_their_like():
    assert [normal_form(character) for character in "A\u0130\u00b2\u0665-"] == ["a", "\u0130", "0", "0", "-"]
    table = CharacterTable(Vocabulary([".", "o", "e", "0"]))
    wanted = {"E": "e", "\u00ea": "e", "\u017e": "o", "\u0436": "o", "7": "0", "\u00bd": None, "!": None}
    for character, same in wanted.items():
        [found] = table.encode(read_characters(character)).character_ids.tolist()
        assert found == (1 if same is None else Vocabulary([".", "o", "e", "0"]).encode([same])[0]), character
    again = [table.encode(read_characters("\u00eaE7")).character_ids.tolist() for _ in range(2)]
    assert again == [[6, 6, 7]] * 2
    assert (table.encode(read_characters("eE")).context_ids % 2).tolist() == [1, 0]
    assert CharacterTable(Vocabulary(["."])).encode(read_characters("a")).character_ids.tolist() == [1]
