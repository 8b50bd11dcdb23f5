"""Scores of tags against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pos_tagging.evaluate import SCORES, tagging_scores
from pos_tagging.report import by_length, by_tag, confusion_rows, confusions, weaknesses, worst_sentences
from pos_tagging.sentences import Sentence

SENTENCES = [
    Sentence(["a", "dog", "barks"], ["DET", "NOUN", "VERB"]),
    Sentence(["dogs", "bark"], ["NOUN", "VERB"]),
    Sentence(["ah"], ["INTJ"]),
]
ANSWERS = [["DET", "NOUN", "NOUN"], ["NOUN", "VERB"], ["NOUN"]]
KNOWN = {"a", "dog", "barks", "ah"}


def test_scores_by_hand():
    scores = tagging_scores(SENTENCES, ANSWERS, KNOWN)
    assert tuple(scores) == SCORES
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["accuracy_known"] == pytest.approx(2 / 4)  # a dog right; barks ah wrong
    assert scores["accuracy_unknown"] == pytest.approx(2 / 2)  # dogs bark
    assert scores["sentence_accuracy"] == pytest.approx(1 / 3)
    # F1 = 2 * right / (given + true): DET 2/2, NOUN 2*2/(4+2), VERB 2*1/(1+2), INTJ 0
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 2 / 3 + 0) / 4)


def test_a_tag_that_is_given_and_never_true_counts_as_a_mistake_alone():
    scores = tagging_scores([Sentence(["a", "b"], ["X", "X"])], [["X", "Y"]], set())
    assert scores["macro_f1"] == pytest.approx(2 * 1 / (1 + 2))
    assert (scores["accuracy"], scores["accuracy_known"]) == (0.5, 0)  # no word is known


def test_tables():
    assert by_tag(SENTENCES, ANSWERS)[1:] == [
        ["NOUN", 2, 0.5, 1.0, pytest.approx(2 / 3)],
        ["VERB", 2, 1.0, 0.5, pytest.approx(2 / 3)],
        ["DET", 1, 1.0, 1.0, 1.0],
        ["INTJ", 1, 0.0, 0.0, 0.0],
    ]
    assert by_length(SENTENCES, ANSWERS)[1:] == [["1-1", 1, 0.0], ["2-2", 1, 1.0], ["3-3", 1, pytest.approx(2 / 3)]]
    assert sorted(confusions(SENTENCES, ANSWERS)) == [("INTJ", "NOUN", [(2, 0)]), ("VERB", "NOUN", [(0, 2)])]
    assert confusion_rows(SENTENCES, ANSWERS, {"ah"})[1:] == [
        ["VERB", "NOUN", 1, 1, "a dog [barks]"],
        ["INTJ", "NOUN", 1, 0, "[ah]"],
    ]
    assert worst_sentences(SENTENCES, ANSWERS, 50)[1:] == [
        [1, "a dog barks", "barks: VERB taken for NOUN"],
        [1, "ah", "ah: INTJ taken for NOUN"],
    ]


def test_weaknesses_name_the_weakest_tag_and_perfect_answers_have_no_mistakes():
    found = weaknesses(SENTENCES, ANSWERS, tagging_scores(SENTENCES, ANSWERS, KNOWN))
    assert "accuracy 100.0%, known ones 50.0%" in found[0]
    assert found[1].startswith("The weakest tags: INTJ (F1 0.00, 1 words)")
    right = [sentence.tags for sentence in SENTENCES]
    scores = tagging_scores(SENTENCES, right, KNOWN)
    assert set(scores.values()) == {1.0}
    assert weaknesses(SENTENCES, right, scores)[2].endswith(": none.")
    assert worst_sentences(SENTENCES, right, 50)[1:] == []
    assert np.mean([row[2] for row in by_length(SENTENCES, right)[1:]]) == 1
