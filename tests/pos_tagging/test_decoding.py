"""Parts of the beam search, by hand."""

from __future__ import annotations

import numpy as np

from pos_tagging.decoding import start_beams, tag_log_probabilities


def test_at_padding_the_first_tag_is_certain():
    logits = np.log(np.array([[1, 3], [1, 1], [3, 1]], np.float32))
    found = tag_log_probabilities(logits, np.array([True, False, False]))
    np.testing.assert_allclose(np.exp(found), [[0.25, 0.75], [1, 0], [1, 0]], atol=1e-7)
    # A tagger that knows one tag has it at padding, too.
    np.testing.assert_array_equal(tag_log_probabilities(np.zeros((2, 1), np.float32), np.array([True, False])), 0)


def test_only_the_first_beam_of_a_sentence_is_possible_at_its_start():
    beams = start_beams(np.zeros((6, 4), np.float32), num_steps=5, num_beams=3)
    np.testing.assert_array_equal(beams.totals, [0, -np.inf, -np.inf, 0, -np.inf, -np.inf])
    assert beams.tags.shape == beams.log_probabilities.shape == (6, 5)
    assert beams.previous.shape == (6, 1)
