"""Remarks: a text in another language, or with many unknown words, is named; others are not."""

from __future__ import annotations

import pytest

from common.text.remarks import MOST_REMARKS, Remarks, other_language, remark_on, tell_of_language, tell_of_unknown

TEXT = "the film was not for me and I would not see it again with the best of you"
ENGLISH = TEXT.split(" ")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("das ist nicht der Film für mich und auch nicht für die Familie", "de"),
        ("ce film est très mauvais et je ne le recommande pas à la famille", "fr"),
        ("la película no es muy buena pero me gusta la música de los actores", "es"),
        ("Фильм очень хороший", "ru"),
        ("这部电影很好看", "zh"),
        ("この映画はとても良かったです", "ja"),
        ("الفيلم جيد جدا", "ar"),
    ],
)
def test_another_language_is_recognised(text, language):
    words = text.split()
    assert other_language(words, "en") == language
    assert other_language(words, language) is None
    assert other_language(words, "xx") is None


def test_what_may_be_the_language_is_left_alone():
    assert other_language(ENGLISH, "en") is None
    assert other_language(["Qi", "zen", "café"], "en") is None
    assert other_language(["це", "дуже", "гарний", "фільм"], "uk") is None
    assert other_language(["och", "det", "är", "inte", "så", "bra", "för", "de", "som", "är", "här"], "sv") is None
    assert other_language(ENGLISH, "ru") == "en"


def test_a_text_with_many_unknown_words_gets_a_remark():
    def remark(text, known):
        return remark_on(text.split(), set(known.split()).__contains__, "en")

    assert remark("so so good , but long", "so good but long") is None
    assert remark("one two three four five six", "one two three") == (
        "the model does not know 3 of its 6 words; the answer means little"
    )
    assert remark("one two three four five six", "one two three four") is None
    assert remark("one two", "") == "the model knows none of its words; the answer is a guess"
    assert remark("!! 12", "!!") is None
    assert remark("!! 12", "") is not None
    found = remark("das ist nicht der Film für mich", "film mich der ist")
    assert "4 of its 7 words, which look like German, not English" in found


def test_training_data_are_looked_at(capsys):
    tell_of_language([ENGLISH], "en")
    tell_of_unknown([ENGLISH], lambda word: word != "film")
    assert capsys.readouterr().err == ""
    tell_of_language([ENGLISH], "de")
    assert "the texts look like English, and --language is de (German); add --language en" in capsys.readouterr().err
    tell_of_unknown([ENGLISH], {"the", "not"}.__contains__)
    assert "WARNING: 78% of the words of the validation split are unknown" in capsys.readouterr().err


def test_remarks_are_bounded(capsys):
    remarks = Remarks()
    for number in range(3 * MOST_REMARKS):
        remarks.add(f"row {number}", "so so" if number else None)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_REMARKS + 1
    assert lines[0] == "row 1: so so"
    assert lines[-1] == "further remarks of this kind are left out"
