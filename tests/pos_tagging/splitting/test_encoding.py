"""What the splitter's network reads: characters with what stands beside them, in windows of similar length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pos_tagging.splitting.encoding import NUM_CASES, NUM_GAPS, cut_windows, encode_context, group_windows
from pos_tagging.splitting.labels import NO_GAP, PARAGRAPH


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
