"""The report on a tagger: what its tables and pictures show."""

from __future__ import annotations

import pytest

from pos_tagging import report
from pos_tagging.report import by_length, by_tag, confusion_rows, confusions, report_sections, weaknesses
from pos_tagging.report import worst_sentences as worst
from pos_tagging.sentences import Sentence

WORDS = list("abcdefghi")


def sentences_of(*tags):
    """Sentences of these tags, whose words are letters."""
    return [Sentence(WORDS[: len(row)], list(row)) for row in tags]


SENTENCES, ANSWERS = (
    sentences_of("NVN", "NX", "V", "NNVV", "DN"),
    [list(row) for row in ("NNN", "NN", "V", "NNNN", "DN")],
)


def test_headings_and_rows_have_one_length():
    tables = [
        by_tag(SENTENCES, ANSWERS), by_length(SENTENCES, ANSWERS), confusion_rows(SENTENCES, ANSWERS, set()),
        worst(SENTENCES, ANSWERS, 50),
    ]  # fmt: skip
    assert [{len(row) for row in table} for table in tables] == [{5}, {3}, {5}, {3}]


def test_quarters_of_the_sentences_by_length():
    assert by_length(SENTENCES, ANSWERS)[1:] == [
        ["1-2", 2, pytest.approx(2 / 3)], ["2-2", 1, 1.0], ["3-3", 1, pytest.approx(2 / 3)], ["4-4", 1, 0.5],
    ]  # fmt: skip


def test_confusions_go_by_their_number_and_twenty_are_shown():
    assert confusions(SENTENCES, ANSWERS) == [("V", "N", [(0, 1), (3, 2), (3, 3)]), ("X", "N", [(1, 1)])]
    rows = confusion_rows(SENTENCES, ANSWERS, {"c"})
    assert rows[1:] == [
        ["V", "N", 3, 2, "a [b] c | a b [c] d | a b c [d]"], ["X", "N", 1, 1, "a [b]"],
    ]  # fmt: skip
    many = sentences_of(*[[f"T{number:02}"] for number in range(21)])
    assert len(confusion_rows(many, [["N"]] * 21, set())) == 1 + 20
    same = [Sentence([word], ["V"]) for word in ("a", "A", "b", "c", "d")]  # of a word in two cases the last counts
    [_, row] = confusion_rows(same, [["N"]] * 5, set())
    assert row == ["V", "N", 5, 5, "[A] | [b] | [c]"]


def test_six_words_on_either_side_are_shown():
    tokens = list("abcdefghijklmno")
    shown = {}
    for place in (6, 7, 8):
        tags = ["X"] * 15
        [_, row] = confusion_rows([Sentence(tokens, tags)], [[*tags[:place], "Y", *tags[place + 1 :]]], set())
        shown[place] = row[-1]
    assert shown == {
        6: "a b c d e f [g] h i j k l m …", 7: "… b c d e f g [h] i j k l m n …", 8: "… c d e f g h [i] j k l m n o",
    }  # fmt: skip


def test_the_worst_sentences_come_first_and_right_ones_do_not():
    assert worst(SENTENCES, ANSWERS, 2)[1:] == [
        [2, "a b c d", "c: V taken for N; d: V taken for N"], [1, "a b c", "b: V taken for N"],
    ]  # fmt: skip
    assert len(worst(SENTENCES, ANSWERS, 50)) == 1 + 3


def test_weaknesses_in_words():
    scores = {"accuracy_unknown": 0.5, "accuracy_known": float("nan")}
    assert weaknesses(SENTENCES, ANSWERS, scores) == [
        "Words that training never saw: accuracy 50.0%, known ones undefined.",
        "The weakest tags: X (F1 0.00, 1 words), V (F1 0.40, 4 words), N (F1 0.75, 6 words).",
        "The most frequent mistakes (true tag for tag given): V for N (3), X for N (1).",
    ]
    five = sentences_of("A", "B", "C", "D", "E")
    assert weaknesses(five, [["N"]] * 5, scores)[2].count(" for N (1)") == 4


def test_the_sections_and_what_is_drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(report, "html_figure", lambda figure, caption: figures.append(figure) or "")
    sections = report_sections(SENTENCES, ANSWERS, set(), [["score", "model"]])
    assert [heading for heading, _ in sections] == [
        "Scores", "Confusion matrix", "By tag", "By length", "The 50 sentences with most errors",
    ]  # fmt: skip
    [figure] = figures
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["D", "N", "V", "X"]
    more = sentences_of("N")
    report_sections(more, [["Z"]], set(), [["score"]])
    assert [text.get_text() for text in figures[1].axes[0].get_xticklabels()] == ["N", "Z"]
    [*_, (_, listed)] = report_sections(more * 51, [["Z"]] * 51, set(), [["score"]])
    assert listed.count("taken for") == 50
