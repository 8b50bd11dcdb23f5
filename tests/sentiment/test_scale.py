"""Rating scales: which texts are ratings, on which scale a file is, and when a given scale does not fit."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from common.errors import InputError
from sentiment.scale import (
    FRACTION,
    GLYPHS,
    LABEL,
    LARGEST,
    NUMBER,
    WORD,
    Scale,
    Written,
    convert,
    find_scale,
    parse_labels,
    parse_scale,
    read_rating,
    scale_warning,
)

NBSP, NARROW, IDEOGRAPHIC, ZERO_WIDTH, BOM, RTL_MARK = "\u00a0", "\u202f", "\u3000", "\u200b", "\ufeff", "\u200f"


def read(*texts, labels=None):
    return [read_rating(text, labels) for text in texts]


# -- One rating -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("4.0", 4),
        (" 4 ", 4),
        ("04", 4),
        ("4.", 4),
        (".5", 0.5),
        (",5", 0.5),
        ("4,5", 4.5),
        ("0,333", 0.333),  # a thousand does not begin with 0
        ("4,3333", 4.3333),
        ("4.333", 4.333),
        ("+1", 1),
        ("-1", -1),
        ("−1", -1),
        ("－１", -1),
        ("–1", -1),
        ("-0", 0),
        ("５", 5),
        ("４．５", 4.5),
        ("٤", 4),
        ("٤٫٥", 4.5),
        ("4e0", 4),
        ("5.000000000000000000e+00", 5),  # numpy.savetxt
        (f"{NBSP}4{NARROW}", 4),
        (f"{BOM}4{ZERO_WIDTH}", 4),
        (f"{RTL_MARK}4", 4),
        (f"{IDEOGRAPHIC}4\t\r\n", 4),
        ("4\ufe0f\u20e3", 4),  # the key-cap emoji
        ("4 stars", 4),
        ("1 star", 1),
        ("4-star", 4),
        ("4-stars", 4),
        ("4stars", 4),
        ("4 STARS", 4),
        (f"4{NBSP}stars", 4),
        ("4.5 stars", 4.5),
        ("4,5 Sterne", 4.5),
        ("4 étoiles", 4),
        ("4 e\u0301toiles", 4),  # decomposed
        ("4つ星", 4),
        ("4 颗星", 4),
        ("4★", 4),
        ("4.5 ★", 4.5),
        ("★ 4.5", 4.5),
        ("⭐️4", 4),
        ("4.0 star rating", 4),
        ("Rated 4", 4),
        ("Rating: 4", 4),
        ("score=7", 7),
        ("Stars: 3", 3),
        ("87 points", 87),
        ("4½", 4.5),
        ("4 ½", 4.5),
        ("½", 0.5),
        ("4¼", 4.25),
        ("3¾ stars", 3.75),
        ("3⅓", 10 / 3),
        ("3⅔", 11 / 3),
        ("3 1/4", 3.25),
        ("3 1/3", 10 / 3),
        ("3 2/3", 11 / 3),
        ("-4½", -4.5),
        ("3 1/2", 3.5),
        ("3 3/4", 3.75),
        ("3 1/2 stars", 3.5),
        ("five", 5),
        ("Four stars", 4),
        ("zero", 0),
        ("four and a half", 4.5),
        ("4 and a half stars", 4.5),
    ],
)
def test_numbers(text, value):
    assert read_rating(text) == Written(value, None, NUMBER)
    assert read_rating(text).text == text.strip()


@pytest.mark.parametrize(
    ("text", "value", "out_of"),
    [
        ("4/5", 4, 5),
        ("4 / 5", 4, 5),
        ("4.0/5.0", 4, 5),
        ("4,5/5", 4.5, 5),
        ("4½/5", 4.5, 5),
        ("3 1/2 / 4", 3.5, 4),
        ("0/10", 0, 10),
        ("10/10", 10, 10),
        ("0.8/1", 0.8, 1),
        ("2/2", 2, 2),
        ("1/20", 1, 20),
        ("1 out of 2", 1, 2),
        ("４／５", 4, 5),
        ("4⁄5", 4, 5),
        (f"4{NBSP}/{NBSP}5", 4, 5),
        ("(4/5)", 4, 5),
        ("8 out of 10", 8, 10),
        ("8 OUT OF 10", 8, 10),
        ("4 of 5", 4, 5),
        ("4 of 5 bubbles", 4, 5),
        ("4 (out of 5)", 4, 5),
        ("4/5 stars", 4, 5),
        ("4 stars out of 5", 4, 5),
        ("4.0 out of 5 stars", 4, 5),
        ("4.0 out of 5 stars.", 4, 5),
        ("Rated 4 out of 5", 4, 5),
        ("Rating: 4/5", 4, 5),
        ("four out of five", 4, 5),
        ("4,0 von 5 Sternen", 4, 5),
        ("4,0 sur 5 étoiles", 4, 5),
        ("4,0 de 5 estrellas", 4, 5),
        ("4,0 su 5 stelle", 4, 5),
        ("4,0 van de 5 sterren", 4, 5),
        ("5つ星のうち4.0", 4, 5),
        ("80%", 80, 100),
        ("80 %", 80, 100),
        ("80％", 80, 100),
        ("80,5 %", 80.5, 100),
        (f"80{NARROW}%", 80, 100),
        ("100%", 100, 100),
        ("80 percent", 80, 100),
    ],
)
def test_fractions(text, value, out_of):
    assert read_rating(text) == Written(value, out_of, FRACTION)


@pytest.mark.parametrize(
    ("text", "value", "out_of"),
    [
        ("★★★★☆", 4, 5),
        ("★☆☆☆☆", 1, 5),
        ("★★★★★", 5, None),
        ("★", 1, None),
        ("⭐⭐⭐⭐", 4, None),
        ("⭐️⭐️⭐️", 3, None),  # each with its variation selector
        ("⭐⭐⭐☆☆", 3, 5),
        ("🌟🌟", 2, None),
        ("★ ★ ★ ☆ ☆", 3, 5),
        ("★★★½", 3.5, None),
        ("★★★ 1/2", 3.5, None),
        ("★★★½☆", 3.5, 5),  # the half star stands on a place of its own
        ("½☆☆☆☆", 0.5, 5),
        ("★★★⯪☆", 3.5, 5),
        ("●●●●○", 4, 5),
        ("■■□□□", 2, 5),
        ("****", 4, None),
        ("(★★★☆☆)", 3, 5),
        ("★" * 10, 10, None),
    ],
)
def test_rows_of_glyphs(text, value, out_of):
    assert read_rating(text) == Written(value, out_of, GLYPHS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("positive", 1),
        (" Positive ", 1),
        ("POS", 1),
        ("good", 1),
        ("neutral", 0),
        ("negative", -1),
        ("neg", -1),
        ("bad", -1),
        ("very positive", 2),
        ("very_positive", 2),
        ("Very-Negative", -2),
        (f"very{NBSP} bad", -2),
        ("thumbs up", 1),
        ("Thumbs-Down", -1),
        ("👍", 1),
        ("👍🏽", 1),
        ("👎", -1),
        ("Recommended", 1),
        ("Not Recommended", -1),
    ],
)
def test_words(text, value):
    assert read_rating(text) == Written(value, None, WORD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (f" {NBSP}{ZERO_WIDTH}\t", "is empty"),
        ("nan", "missing"),
        ("NaN", "missing"),
        ("n/a", "missing"),
        ("#N/A", "missing"),
        ("<NA>", "missing"),
        ("None", "missing"),
        ("-", "missing"),
        ("—", "missing"),
        ("unrated", "missing"),
        ("inf", "no finite number"),
        ("-Infinity", "no finite number"),
        ("1e999", "no finite number"),
        ("1e308", "too large"),
        ("1700000000000", "too large"),  # a time in milliseconds
        ("2024-01-03", "a date"),
        ("4/5/2024", "a date"),
        ("4.5.2024", "a date"),
        ("2024-01-03 10:00", "a date"),
        ("5-Apr", "a date"),  # what a spreadsheet makes of 4/5
        ("05. Apr", "a date"),
        ("Apr-05", "a date"),
        ("4-5", "a range"),
        ("4–5", "a range"),
        ("4 to 5", "a range"),
        ("6/5", "is not between 0 and 5"),
        ("13/10", "is not between 0 and 10"),
        ("-1/5", "is not between 0 and 5"),
        ("120%", "is not between 0 and 100"),
        ("0/0", "ends at 0"),
        ("1/2", "0.5, or 1 out of 2"),
        ("1 / 2", "0.5, or 1 out of 2"),
        ("4,500", "4.500 or 4500"),
        ("☆☆☆☆☆", "only empty glyphs"),
        ("*", "one star, or a missing value"),
        ("★" * 11, "more than 10 glyphs"),
        ("★" * 8 + "☆☆☆", "more than 10 glyphs"),
        ("☆★★★★", "without a value"),  # from right to left
        ("yes", "without a value; give it one with --labels"),
        ("No", "without a value"),
        ("True", "without a value"),
        ("A+", "without a value"),
        ("excellent", "without a value"),
        ("somewhat positive", "without a value"),
        ("no one", "not a rating"),
        ("two thumbs up", "not a rating"),
        ("4 apples", "not a rating"),
        ("4 - Good", "not a rating"),
        ("4 (3 votes)", "not a rating"),
        ("4 of 5 people found this helpful", "not a rating"),
        ("4 5", "not a rating"),
        ("4,5,6", "not a rating"),
        ("4.5.6", "a date"),
        ("1_000", "not a rating"),
        ("0x4", "not a rating"),
        ("4²", "not a rating"),
        ("(4)", "not a rating"),  # -4 in accounts
        ("$4", "not a rating"),
        (">4", "not a rating"),
        ("--4", "not a rating"),
        ("4,", "not a rating"),
        ("4.5½", "not a rating"),
        ("12:30", "not a rating"),
        ("A very good lamp, I would buy it again and again and again.", "without a value"),
        ("good " * 20, "too long"),
        ("9" * 400, "too long"),
        ("\ud800", "without a value"),
    ],
)
def test_what_is_no_rating_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason) as error:
        read_rating(text)
    assert "\n" not in str(error.value)


def test_labels_ignore_case_and_spaces():
    labels = {"Poor": 1, "so  so": 3, "GREAT": 5}
    assert [w.value for w in read("poor", f" So{NBSP}so ", "great", labels=labels)] == [1, 3, 5]
    assert read_rating("great", labels).kind == LABEL
    assert read_rating("4/5", labels) == Written(4, 5, FRACTION)  # ratings in numbers stay what they are


def test_labels_replace_the_built_in_words():
    assert read_rating("good", {"good": 3, "great": 5}).value == 3
    with pytest.raises(ValueError, match="has no value in --labels"):
        read_rating("bad", {"good": 3, "great": 5})


def test_labels_may_turn_numbers_round():
    labels = {"1": 5, "2": 3, "3": 1}  # German marks: 1 is the best
    assert [w.value for w in read("1", "1.0", " 2 ", "3,0", labels=labels)] == [5, 5, 3, 1]
    for text, reason in (("4", "has no value in --labels"), ("2/3", "is no number"), ("good", "has no value")):
        with pytest.raises(ValueError, match=reason):
            read_rating(text, labels)


@pytest.mark.parametrize("text", ["yes", "★", "n/a", "2024", "1/2", "*", "B+", "a very long label " * 9, "👍👍"])
def test_a_label_may_be_any_text(text):
    assert read_rating(text, {text: 7, "another": 1}) == Written(7, None, LABEL)


# -- The option --labels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("bad=1,good=5", {"bad": 1, "good": 5}),
        (" bad = 1 , good = 5 ", {"bad": 1, "good": 5}),
        ("not good=1,very good=5", {"not good": 1, "very good": 5}),
        ('"so, so"=3,"good"=5', {"so, so": 3, "good": 5}),
        ('"so, so=3",good=5', {"so, so": 3, "good": 5}),
        ("bad=-1,good=+1.5", {"bad": -1, "good": 1.5}),
        ("bad=−1,good=1", {"bad": -1, "good": 1}),
        ("1=5,5=1", {"1": 5, "5": 1}),
        ("a=1,A=1,b=2", {"a": 1, "A": 1, "b": 2}),
        ("👎=0,👍=1", {"👎": 0, "👍": 1}),
    ],
)
def test_labels_of_the_option(text, labels):
    assert parse_labels(text) == labels
    assert list(parse_labels(text)) == list(labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least two labels"),
        ("bad", "found 'bad', wanted label=value"),
        ("bad=1,good", "found 'good', wanted label=value"),
        ("bad=1,,good=5", "found '', wanted label=value"),
        ("bad=1,5,good=5", "found '5', wanted label=value"),
        ("=1,good=5", "found '=1'"),
        ("bad=1;good=5", "found 'bad=1;good=5'"),
        ("=)=5,=(=1", "wanted label=value"),
        ("bad=,good=5", "'', the value of 'bad', is no finite number"),
        ("bad=low,good=5", "'low', the value of 'bad'"),
        ("bad=nan,good=5", "'nan', the value of 'bad'"),
        ("bad=1,good=1e999", "no finite number"),
        ("bad=1,Bad=2", "'Bad' has two values"),
        ("bad=1", "at least two labels with different values"),
        ("bad=1,worse=1", "at least two labels with different values"),
    ],
)
def test_labels_that_are_refused(text, message):
    with pytest.raises(InputError, match=r"^--labels: ") as error:
        parse_labels(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


# -- The scale of a file --------------------------------------------------------------------------------------------


def numbers(*values, times=1):
    return [Written(float(value)) for value in values] * times


@pytest.mark.parametrize(
    ("values", "low", "high", "step"),
    [
        ([1, 2, 4, 5] * 50, 1, 5, 1),
        ([1, 5], 1, 5, 1),
        ([1.5, 3, 4.5, 5], 1, 5, 0.5),
        ([0.5, 1.5, 3.5, 4.5], 0.5, 5, 0.5),
        ([0, 3, 5], 0, 5, 1),
        ([0.25, 3, 5], 0, 5, 0.25),
        ([0.1, 3.7, 4.9], 0, 5, 0.1),
        ([0, 4], 0, 4, 1),  # Sentiment140
        ([0, 1, 2, 3, 4], 0, 4, 1),
        ([0, 2.5, 4], 0, 4, 0.5),
        ([0, 2.7, 3.9], 0, 5, 0.1),
        ([0, 1], 0, 1, 1),
        ([0.03, 0.5, 0.97], 0, 1, 0.01),
        ([0.333333, 0.714286], 0, 1, 0),
        ([0, 0.2, 0.6], 0, 1, 0.2),
        ([0, 0.05, 0.3], 0, 1, 0.05),
        ([0, 1.3], 0, 5, 0.1),
        ([0.1, 0.30000001192092896, 1], 0, 1, 0.1),  # of float32
        ([-1, 1], -1, 1, 2),
        ([-1, 0, 1], -1, 1, 1),
        ([-0.5, 0.25], -1, 1, 0.25),
        ([0, 1, 2], 0, 2, 1),
        ([1, 2], 1, 2, 1),
        ([-2, 0, 1, 2], -2, 2, 1),
        ([-1, 0, 1, 2], -2, 2, 1),
        ([-1.5, 1], -2, 2, 0.5),
        ([-2.5, 2.5], -3, 3, 0.5),
        ([-3, -1, 3], -3, 3, 1),
        ([-4.5, 5], -5, 5, 0.5),
        ([-9, 4], -10, 10, 1),
        ([1, 4, 7], 1, 7, 1),
        ([1, 4.5, 7], 1, 10, 0.5),
        ([1, 4, 8], 1, 10, 1),
        ([3, 10], 1, 10, 1),
        ([0, 10], 0, 10, 1),
        ([0, 7], 0, 10, 1),
        ([8, 18], 0, 20, 1),
        ([10, 20], 0, 20, 1),
        ([35, 90], 0, 100, 5),
        ([40, 90], 0, 100, 10),
        ([41, 90], 0, 100, 1),
        ([-40, 90], -100, 100, 10),
        ([3, 250], 3, 250, 1),
    ],
)
def test_the_smallest_usual_scale(values, low, high, step):
    assert find_scale(numbers(*values)) == Scale(low, high, step)
    assert find_scale(numbers(*reversed(values))) == Scale(low, high, step)


@pytest.mark.parametrize(
    ("texts", "low", "high", "step"),
    [
        (["4/5", "2/5"], 1, 5, 1),
        (["4/5", "0/5"], 0, 5, 1),
        (["4/5", "0.5/5"], 0.5, 5, 0.5),
        (["4/5", "0.7/5"], 0, 5, 0.1),
        (["4.0 out of 5 stars", "2.0 out of 5 stars"], 1, 5, 1),
        (["1/10", "3/10"], 1, 10, 1),
        (["0/10", "3/10"], 0, 10, 1),
        (["2/4", "3½/4"], 1, 4, 0.5),
        (["0.8/1", "0.5/1"], 0, 1, 0.1),
        (["12/20", "15/20"], 0, 20, 1),
        (["80%", "60%"], 0, 100, 10),
        (["1%", "2%"], 0, 100, 1),
        (["3/5"], 1, 5, 1),
        (["★★★★☆", "★☆☆☆☆", "★★★★★"], 1, 5, 1),
        (["★☆☆", "★★★"], 1, 3, 1),
        (["★★☆☆☆", "★★½☆☆"], 1, 5, 0.5),
        (["★☆☆☆☆", "½☆☆☆☆"], 0.5, 5, 0.5),
        (["★★★★☆", "4/5", "4 of 5", "3"], 1, 5, 1),
        # Stars alone are of 5, also where few of them would look like classes.
        (["⭐", "⭐⭐"], 1, 5, 1),
        (["★", "★"], 1, 5, 1),
        (["★★★½", "½"], 0.5, 5, 0.5),
        (["★★★½", "★★"], 1, 5, 0.5),
        (["★" * 6, "★" * 6], 1, 10, 1),
        (["★" * 7, "★"], 1, 7, 1),
        (["★½", "★"], 1, 5, 0.5),
        (["positive", "negative"], -1, 1, 2),
        (["pos", "neu", "neg"], -1, 1, 1),
        (["positive", "neutral"], -1, 1, 1),
        (["very positive", "negative"], -2, 2, 1),
        (["very good", "very bad"], -2, 2, 4),
        (["👍", "👎"], -1, 1, 2),
    ],
)
def test_the_scale_of_texts(texts, low, high, step):
    assert find_scale(read(*texts)) == Scale(low, high, step)


def test_the_scale_of_labels_is_their_range():
    labels = {"poor": 1, "fair": 3, "great": 5}
    assert find_scale(read("poor", "great", labels=labels), labels) == Scale(1, 5, 2)
    one = find_scale(read("great", "great", labels=labels), labels)
    assert one == Scale(1, 5, 2)
    assert "every rating is 5" in one.remark
    assert find_scale(read("poor", "great", labels=labels)) == Scale(1, 5, 4)  # without knowing the third
    assert find_scale(read("poor", "7", labels=labels), labels) == Scale(1, 7, 1)  # beside numbers: a usual scale
    assert find_scale(read("poor", "4/5", labels=labels), labels) == Scale(1, 5, 1)
    thirds = {"a": 0, "b": 1 / 3, "c": 1}
    assert find_scale(read("a", "c", labels=thirds), thirds) == Scale(0, 1, 0)


@pytest.mark.parametrize(
    ("written", "scale", "remark"),
    [
        (numbers(1, 2, 3), Scale(1, 5), "no rating is above 3; .* give --max-rating 3"),
        (numbers(4, 5), Scale(1, 5), "no rating is below 4; .* give --min-rating 4"),
        (numbers(5, 5, 5), Scale(1, 5), "every rating is 5, .* --min-rating and --max-rating"),
        (numbers(2), Scale(1, 5), "every rating is 2"),
        (numbers(7, 7), Scale(1, 10), "every rating is 7"),
        (numbers(1, 2), Scale(1, 2), "classes, from 1 .worst. to 2 .* 1-5 stars, give --min-rating"),
        (numbers(0, 1, 2), Scale(0, 2), "classes"),
        (numbers(1, 2, 3, 4, times=5), Scale(1, 5), "no rating is above 4"),  # 20 ratings, and no 5
        (numbers(1, 3, 6, times=7), Scale(1, 7), "no rating is above 6"),
        (numbers(80, 95, 90), Scale(0, 100, 5), "no rating is below 80"),
        (numbers(0, 2, 5), Scale(0, 5), "'not rated'"),
        (numbers(3, 250), Scale(3, 250), "no usual scale holds 3 to 250"),
        (numbers(-3, -1), Scale(-3, 3), "no rating is above -1"),
        (read("positive", "neutral"), Scale(-1, 1), "no rating is below 0"),
        (read("★★", "★"), Scale(1, 5), "no rating is above 2"),
        (read("5/5", "5/5"), Scale(1, 5), "every rating is 5"),
        (read("4/5", "3", "5"), Scale(1, 5), "2 ratings without an end are read as out of 5"),
    ],
)
def test_a_doubt_is_remarked(written, scale, remark):
    found = find_scale(written)
    assert (found.low, found.high) == (scale.low, scale.high)
    assert re.search(remark, found.remark)
    assert "\n" not in found.remark


@pytest.mark.parametrize(
    "written",
    [
        numbers(1, 2, 4, 5, times=50),
        numbers(1, 2, 3, 4),  # four ratings need not show a 5
        numbers(2, 3, 5, times=30),
        numbers(0, 1, times=30),
        numbers(-1, 1, times=30),
        numbers(1, 7, 8, 9, 10, times=30),
        numbers(0.02, 0.4, 0.96, times=30),
        numbers(1, 4, 7, times=30),
        read("positive", "negative"),
        read("★★★★☆", "★☆☆☆☆"),
        read("1/10", "3/10"),  # the end is stated
        read("80%", "95%"),
        read("⭐", "⭐⭐⭐⭐⭐"),
    ],
)
def test_no_remark_where_there_is_no_doubt(written):
    assert find_scale(written).remark == ""


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([], "no ratings"),
        (read("positive", "positive"), "every rating is 'positive'.* add rows"),
        (read("good", "positive"), "nothing to tell apart"),
        (read("positive", "4"), "'positive'.*'4'.*--labels"),
        (read("4", "positive", "★★"), "--labels"),
        (read("4/5", "7/10"), "out of 5 .'4/5'. and out of 10 .'7/10'.*one scale"),
        (read("4/5", "80%"), "out of 5 .*out of 100"),
        (read("★★★★☆", "★★☆☆"), "out of 4 .*out of 5"),
        (read("4/5", "8"), "rating '8' is not between 0 and 5.*'4/5' states"),
        (read("4/5", "-1"), "rating '-1' is not between"),
        (read("80%", "0.8"), "without an end .0.8 at most"),
        (read("80%", "8"), "without an end"),
        (read("4/5", "1"), "write 1/5 if that is meant"),
        (numbers(1, 1), "every rating is 1, .*--min-rating and --max-rating"),
        (numbers(0), "every rating is 0"),
        (numbers(-1), "every rating is -1"),
        (numbers(2024, 2024), "every rating is 2024, on no usual scale.*--min-rating and --max-rating"),
        (numbers(-1, 1, 2, 3, 4, 5), "rating -1 among ratings up to 5.*'not rated'"),
        (numbers(-1, 0, 3), "rating -1"),
        (numbers(-1, 1, 2), "rating -1"),
        ([*numbers(1, 2, 3, 4, 5, times=20), Written(55.0)], "rating 55 is far from all others .1 to 5."),
        ([*numbers(1, 2, 3, 4, 5, times=20), Written(10.0)], "rating 10 is far from all others"),
        ([*numbers(1, 2, 3, 4, 5, times=20), Written(-99.0)], "rating -99 is far from all others"),
        ([*numbers(1, 2, 3, 4, 5, times=20), Written(999.0)], "rating 999 is far from all others"),
        (read("good", "good", labels={"good": 3, "bad": 1}), "every rating is 3.*cannot be known"),
    ],
)
def test_a_scale_that_cannot_be_known(written, message):
    with pytest.raises(InputError, match=message) as error:
        find_scale(written)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_few_ratings_far_apart_are_no_slip():
    assert find_scale(numbers(1, 2, 3, 10)) == Scale(1, 10)


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [
        (1, 5, "1-5 stars"),
        (0.5, 5, "0.5-5 stars"),
        (0, 5, "0-5 stars"),
        (1, 10, "1 to 10"),
        (0, 1, "0 to 1"),
        (-1, 1, "-1 to 1"),
        (2, 5, "2 to 5"),
        (-5, 5, "-5 to 5"),
    ],
)
def test_names(low, high, name):
    assert Scale(low, high).name() == name


@pytest.mark.parametrize(
    ("texts", "labels", "line"),
    [
        (["1", "4", "5"], None, "ratings 1 to 5 in steps of 1, read as 1-5 stars"),
        (["3.5", "0.5"], None, "ratings 0.5 to 3.5 in steps of 0.5, read as 0.5-5 stars"),
        (["0.123456", "0.9"], None, "ratings 0.123456 to 0.9, read as 0 to 1"),
        (["5", "5"], None, "all ratings 5, read as 1-5 stars"),
        (["80%", "60%"], None, "ratings 60 to 80 in steps of 10, read as 0 to 100"),
        (["Positive", "negative", "positive"], None, "ratings negative (-1), Positive (1), read as -1 to 1"),
        (["OK", "poor"], {"ok": 3, "poor": 1}, "ratings poor (1), OK (3), read as 1 to 3"),
        (["5", "poor"], {"ok": 3, "poor": 1}, "ratings poor (1) and 5, read as 1-5 stars"),
    ],
)
def test_the_line_that_is_said(texts, labels, line):
    written = read(*texts, labels=labels)
    assert find_scale(written, labels).describe(written) == line


def test_many_labels_are_listed_in_part():
    labels = {f"label {letter}": number for number, letter in enumerate("abcdefgh")}
    written = read(*labels, labels=labels)
    line = find_scale(written, labels).describe(written)
    assert line == (
        "ratings label a (0), label b (1), label c (2), label d (3), label e (4), …, label h (7), read as 0 to 7"
    )


# -- From scale to scale --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("1-5", (1, 5)),
        (" 1 - 5 ", (1, 5)),
        ("1–5", (1, 5)),
        ("1—5", (1, 5)),
        ("0..10", (0, 10)),
        ("0...10", (0, 10)),
        ("0…10", (0, 10)),
        ("-1..1", (-1, 1)),
        ("−1..1", (-1, 1)),
        ("-1-1", (-1, 1)),
        ("−1–1", (-1, 1)),
        ("-5--1", (-5, -1)),
        ("-1 to +1", (-1, 1)),
        ("1 to 10", (1, 10)),
        ("1 TO 10", (1, 10)),
        ("1:5", (1, 5)),
        ("0.5-5", (0.5, 5)),
        ("0.5..5", (0.5, 5)),
        ("0,5-5", (0.5, 5)),
        ("1-5 stars", (1, 5)),
        ("１－５", (1, 5)),
    ],
)
def test_scales_of_the_option(text, ends):
    assert parse_scale(text) == ends


@pytest.mark.parametrize(
    "text", ["", "5", "1,5", "1 5", "1/5", "-5", "1-5-7", "stars", "1-x", "0-inf", "nan-5", "1-", "a" * 500, "1-1,000"]
)
def test_what_is_no_scale(text):
    with pytest.raises(InputError, match=r"^scale ") as error:
        parse_scale(text)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("text", ["5-1", "10..1", "1--1", "3-3"])
def test_a_scale_upside_down(text):
    with pytest.raises(InputError, match=r"is not below .*worst rating first"):
        parse_scale(text)


@pytest.mark.parametrize("scale", [Scale(1, 10), Scale(-1, 1), Scale(0, 100)])
def test_the_name_of_a_scale_is_read_back(scale):
    assert parse_scale(scale.name()) == (scale.low, scale.high)


def test_conversion_is_a_straight_line():
    # 1 to 5 onto 1 to 10: a star is worth 9 / 4; 2 stars are 1 + 2.25, 3 stars are 1 + 4.5
    assert convert(np.array([1, 2, 3, 5]), (1, 5), (1, 10)).tolist() == [1, 3.25, 5.5, 10]
    assert convert(np.array([[-1.0], [0.0]]), (-1, 1), (0, 100)).tolist() == [[0], [50]]
    assert convert(np.array([6, 0]), (1, 5), (0, 4)).tolist() == [5, -1]  # beyond the ends
    assert np.isnan(convert(np.array([np.nan]), (1, 5), (1, 10))).all()
    assert convert(np.array([], dtype=np.float32), (1, 5), (0, 1)).shape == (0,)


def test_ends_fall_exactly_on_ends():
    for low, high in ((0.1, 0.7), (-0.3, 1.1), (1e-9, 3.3)):
        assert convert(np.array([1, 10]), (1, 10), (low, high)).tolist() == [low, high]


def test_conversion_there_and_back_and_onto_itself():
    values = np.linspace(-2, 12, 29)
    np.testing.assert_allclose(convert(convert(values, (1, 10), (-1, 1)), (-1, 1), (1, 10)), values, rtol=0, atol=1e-13)
    same = convert(values, (1, 10), (1, 10))
    assert same.tolist() == values.tolist()
    same[0] = 99
    assert values[0] == -2  # a copy


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ((5, 1), (0, 1), "scale: 5 is not below 1; give the worst rating first, then the best"),
        ((1, 5), (3, 3), "scale: 3 is not below 3"),
        ((1, 5), (1, math.nan), "scale: 1 is not below nan"),
        ((1, 5), (1, 1e39), "scale: found 1 to 1e.39, wanted ends from -1e.09 to 1e.09"),
        ((1, 5), (-1e308, 1), "scale: found -1e.308 to 1"),
        ((1, 5), (1, math.inf), "scale: found 1 to inf"),
    ],
)
def test_conversion_between_scales_that_are_none(source, target, message):
    with pytest.raises(InputError, match=message):
        convert(np.array([1.0]), source, target)


def test_the_largest_scale():
    assert convert(np.array([1, 5]), (1, 5), (-LARGEST, LARGEST)).tolist() == [-1e9, 1e9]


# -- A given scale --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "low", "high", "message"),
    [
        (
            [1, 2, 4, 5] * 50,
            1,
            10,
            "all 200 ratings are between 1 and 5, but the scale is 1 to 10: every review counts as bad; "
            "give --max-rating 5",
        ),
        ([3, 4, 5] * 10, 1, 10, "between 3 and 5.*give --max-rating 5$"),
        ([1.2, 3.3, 4.9] * 10, 1, 10, "give --max-rating 5$"),
        ([1, 2] * 10, 1, 5, "every review counts as bad; give --max-rating 2$"),  # two classes
        ([1, 2, 3] * 10, 1, 5, "no review counts as good; give --max-rating 3$"),
        ([0, 1] * 10, 0, 10, "give --max-rating 1$"),
        ([0.1, 0.5, 0.98] * 10, 0, 10, "give --max-rating 1$"),
        ([1, 2, 4, 5] * 10, 0, 10, "no review counts as good; give --min-rating 1 --max-rating 5$"),
        ([1, 9, 10] * 10, 0, 100, "give --min-rating 1 --max-rating 10$"),
        ([0, 3, 10] * 10, 0, 100, "give --max-rating 10$"),
        ([0, 1] * 10, -1, 1, "no review counts as bad; give --min-rating 0$"),
        ([1, 3, 5] * 10, -5, 5, "every review counts as good; give --min-rating 1$"),
    ],
)
def test_a_scale_that_does_not_fit(values, low, high, message):
    assert re.search(message, scale_warning(np.array(values), low, high))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1, 2, 4, 5] * 50, 1, 5),
        ([1, 2, 3, 4] * 50, 1, 10),  # the bad reviews of IMDb
        ([1, 2, 3, 4, 7, 10] * 50, 1, 10),
        ([7, 8, 9, 10] * 50, 1, 10),  # its good ones
        ([1, 2, 4, 5, 6] * 50, 1, 10),
        ([1] * 200, 1, 10),  # of one rating, nothing can be told
        ([-1, -0.4] * 50, -1, 1),
        ([-5, -3, -1] * 50, -5, 5),
        ([0.2, 0.9] * 50, -1, 1),
        ([0, 1] * 50, 0, 1),
        ([12, 33, 47] * 50, 0, 100),
        ([1, 2, 4, 5], 1, 10),  # too few
        ([], 1, 10),
        ([np.nan] * 50, 1, 10),
    ],
)
def test_no_false_alarm(values, low, high):
    assert scale_warning(np.array(values, dtype=np.float32), low, high) is None


def test_few_ratings_are_warned_of_softly():
    assert scale_warning(np.array([1, 2, 4, 5, 5]), 1, 10) == (
        "all 5 ratings are between 1 and 5, on a scale of 1 to 10; if their scale is another, give --max-rating 5"
    )
    assert scale_warning(np.array([1, 2, 4, 5] * 5), 1, 10).endswith("counts as bad; give --max-rating 5")


def test_missing_ratings_do_not_count():
    assert "all 20 ratings" in scale_warning(np.array([1, 2, 4, 5, np.nan] * 5), 1, 10)


# -- Files that people have reported --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["4", "2", "5", "1"] * 50, "ratings 1 to 5 in steps of 1, read as 1-5 stars"),
        (["4,0", "2,0", "5,0", "1,0"] * 50, "ratings 1 to 5 in steps of 1, read as 1-5 stars"),
        (["★★★★☆", "★★☆☆☆", "★★★★★", "★☆☆☆☆"] * 5, "ratings 1 to 5 in steps of 1, read as 1-5 stars"),
        (["3.5", "1.5", "4.5", "0.5"] * 5, "ratings 0.5 to 4.5 in steps of 0.5, read as 0.5-5 stars"),
        (["positive", "negative"] * 10, "ratings negative (-1), positive (1), read as -1 to 1"),
        (["4/5", "2/5", "5/5", "1/5"] * 5, "ratings 1 to 5 in steps of 1, read as 1-5 stars"),
        (["4.0 out of 5 stars", "1.0 out of 5 stars"] * 10, "ratings 1 to 4 in steps of 1, read as 1-5 stars"),
    ],
)
def test_reported_files(texts, line):
    written = read(*texts)
    assert find_scale(written).describe(written) == line
