"""Scores of tags against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pos_tagging.evaluate import (
    HMM,
    MOST_FREQUENT,
    SCORES,
    baseline_answers,
    count_wrong,
    score_raw_text,
    tagging_scores,
    tagging_verdict,
)
from pos_tagging.report import by_length, by_tag, confusion_rows, confusions, weaknesses, worst_sentences
from pos_tagging.sentences import Layout, Sentence, TaggedSentence, TaggedText

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
    assert scores["accuracy"] == 0.5


def test_a_score_of_no_words_is_undefined():
    scores = tagging_scores(SENTENCES[:1], ANSWERS[:1], set())
    assert np.isnan(scores["accuracy_known"])  # no word is known
    assert scores["accuracy_unknown"] == pytest.approx(2 / 3)
    assert "known ones undefined." in weaknesses(SENTENCES[:1], ANSWERS[:1], scores)[0]
    assert np.isnan(tagging_scores([Sentence(["!"], ["X"])], [["X"]], {"!"})["accuracy_without_punctuation"])


def test_the_verdict_compares_with_the_better_baseline():
    """30 sentences of two words. The model has one word wrong in all, a baseline 9, another 30."""
    sentences = [Sentence(["a", "b"], ["X", "Y"])] * 30
    model = [["X", "X"]] + [["X", "Y"]] * 29
    answers = {MOST_FREQUENT: [["X", "X"]] * 30, HMM: [["X", "X"]] * 9 + [["X", "Y"]] * 21}
    verdict = tagging_verdict(sentences, model, answers, "validation", 270)
    assert verdict.sentence == (
        "On 30 validation sentences the model tags 98% of the words right, the trigram HMM 85%: the model is ahead."
    )
    behind = tagging_verdict(sentences, answers[MOST_FREQUENT], answers, "test", 270)
    assert behind.sentence == (
        "On 30 test sentences the model tags 50% of the words right, the trigram HMM 85%: the model is behind. "
        "It was trained on 270 sentences: more of them help most."
    )
    near = [["X", "X"]] + [["X", "Y"]] * 29
    right = [["X", "Y"]] * 240
    even = tagging_verdict(sentences * 10, model + right + right[:30], {HMM: near + near + right}, "test", 9)
    assert "the model tags 99.8% of the words right, the trigram HMM 99.7%: too close to call" in even.sentence
    assert tagging_verdict(sentences[:1], model[:1], {HMM: model[:1]}, "test", 9) is None
    assert tagging_verdict(sentences, model, {}, "test", 9) is None


def test_a_large_tag_set_is_not_for_the_hmm():
    few, many = ([Sentence(["w"], [f"T{i:02}"]) for i in range(number)] for number in (64, 65))
    assert set(baseline_answers(few[:2], few)) == {MOST_FREQUENT, HMM}
    assert set(baseline_answers(many[:2], many)) == {MOST_FREQUENT}


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


def test_punctuation_has_neither_letter_nor_digit():
    sentence = Sentence(["3.", "so", "--", "!"], ["NUM", "ADV", "PUNCT", "PUNCT"])
    scores = tagging_scores([sentence], [["NUM", "X", "PUNCT", "X"]], set())
    assert scores["accuracy_without_punctuation"] == 0.5
    assert scores["accuracy"] == 0.5


def test_wrong_words_of_each_sentence():
    assert count_wrong(SENTENCES, ANSWERS).tolist() == [1, 0, 1]
    even = [["X", "Y"]] * 2
    verdict = tagging_verdict([Sentence(["a", "b"], ["X", "Y"])] * 2, even, {MOST_FREQUENT: even, HMM: even}, "test", 3)
    assert "the model tags 100% of the words right, the trigram HMM 100%" in verdict.sentence  # of equals the HMM


def test_baselines_read_words_as_the_model_does():
    known = [Sentence(["so\u00ad", "so"], ["X", "X"]), Sentence(["b"], ["Y"])]
    answers = baseline_answers([Sentence(["s\u00ado"])], known)
    assert answers == {MOST_FREQUENT: [["X"]], HMM: [["X"]]}
    assert baseline_answers([Sentence(["so"])], []) == {}


class Splits:
    """A tagger that finds the words between spaces, all of one sentence."""

    def tag(self, texts):
        return [TaggedText([TaggedSentence(text.split(), ["X"] * len(text.split()))]) for text in texts]


def test_raw_text_is_scored_by_sentences_and_notes_say_so():
    layout = Layout([True, False, True])
    sentences = [Sentence(["a", "b", "."], ["X", "X", "."], layout=layout), Sentence(["c", "d"], ["X", "X"])]
    scores, notes = score_raw_text(Splits(), sentences, 1)
    # a b. c d: four words are given, five are there, a c d are right
    assert scores["raw_words_f1"] == pytest.approx(2 * 3 / (5 + 4))
    assert scores["raw_sentences_f1"] == 0
    assert notes == ["raw text: intervals over 2 sentences, since there is one document (# newdoc)"]
    _, notes = score_raw_text(Splits(), sentences[1:] * 2, 1)
    assert notes[1] == "raw text: the file does not tell where no space stands; its words are read with spaces between"
