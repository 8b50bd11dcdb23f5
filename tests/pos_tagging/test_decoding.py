"""Parts of the beam search, by hand."""

from __future__ import annotations

import numpy as np

from pos_tagging.decoding import Beams, decode, extend, softmax, start_beams, tag_log_probabilities


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


def test_the_most_probable_tag_of_each_word():
    logits = np.log(np.array([[[1, 3, 4], [8, 1, 1]]], float)) + 500
    mask = np.ones((1, 2), bool)
    best, shares = decode(logits, mask, probabilities=True)
    assert best.tolist() == [[2, 0]]
    np.testing.assert_allclose(shares, [[0.5, 0.8]])
    np.testing.assert_allclose(softmax(logits).sum(axis=-1), 1)
    assert decode(logits, mask, probabilities=False)[1].shape == (0, 0)
    scores = {"scores": np.repeat(logits[:, :, None], 3, axis=2)}
    best, shares = decode(scores, mask, probabilities=True)
    assert best.tolist() == [[2, 0]]
    np.testing.assert_allclose(shares, [[0.5, 0.8]])
    assert decode(scores, mask, probabilities=False)[1].shape == (0, 0)


def test_beams_of_two_sentences_are_extended_by_themselves():
    beams = Beams(
        tags=np.array([[1, 0], [2, 0], [0, 0], [1, 0]]), log_probabilities=np.zeros((4, 2)),
        totals=np.array([-1.0, -2.0, -5.0, -np.inf]), state=np.arange(4.0, dtype=np.float32)[:, None],
        previous=np.zeros((4, 1), np.int32),
    )  # fmt: skip
    chances = np.array([[-3.0, -4, -9], [-0.5, -1, -9], [-2, -1, -1], [0, 0, 0]])
    found = extend(beams, 1, chances, beams.state, num_beams=2, num_tags=3)
    assert found.tags.tolist() == [[2, 0], [2, 1], [0, 1], [0, 2]]
    assert found.totals.tolist() == [-2.5, -3, -6, -6]
    assert found.log_probabilities[:, 1].tolist() == [-0.5, -1, -1, -1]
    assert found.state.tolist() == [[1], [1], [2], [2]]
    assert found.previous.tolist() == [[1], [2], [2], [3]]
