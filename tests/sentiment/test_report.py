"""The report on a rating model: what its tables and pictures show."""

from __future__ import annotations

import numpy as np
import pytest

from sentiment import report
from sentiment.report import by_length, by_rating, by_spread, report_sections, weaknesses, worst_mistakes

RATINGS, PREDICTIONS = np.array([4.0, 1, 10, 8]), np.array([4.4, 1, 9.6, 6])
SPREADS, LENGTHS, TEXTS = np.array([1.0, 0.5, 2, 0.8]), np.array([6, 5, 8, 7]), ["d", "a", "j", "h"]


@pytest.fixture
def figures(monkeypatch):
    """The pictures that are drawn, by the titles of their axes."""
    found = {}

    def keep(figure, caption):
        found[figure.axes[0].get_title()] = figure
        return f"<{caption}>"

    monkeypatch.setattr(report, "html_figure", keep)
    return found


def lines_of(figure):
    return {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}


def test_the_sections_and_what_is_drawn(figures):
    sections = report_sections(RATINGS, PREDICTIONS, SPREADS, TEXTS, LENGTHS, [["score", "model"], ["r2", "0.9"]])
    assert [heading for heading, _ in sections] == [
        "Scores", "Confusion matrix", "Calibration of the ratings", "Calibration of the spreads", "By rating",
        "By length", "The 50 largest errors",
    ]  # fmt: skip
    calibration, spread, confusion = (figures[name] for name in ("Calibration", "Spread", "Rounded predictions"))
    lines = lines_of(calibration)
    assert lines["perfect"] == [[1, 1], [10, 10]]  # from the least of truths and predictions, rounded, to the most
    assert lines["model"] == [[1, 1], [4.4, 4], [6, 8], [9.6, 10]]
    lines = lines_of(spread)
    assert lines["perfect"] == [[0, 0], [2, 2]]
    assert lines["model"] == [pytest.approx(pair) for pair in ([0.5, 0], [0.8, 2], [1, 0.4], [2, 0.4])]
    for figure in (calibration, spread):
        assert figure.get_size_inches().tolist() == [5, 4]
        assert not figure.axes[0].get_legend().get_frame_on()
    assert [text.get_text() for text in confusion.axes[0].get_yticklabels()] == ["1", "4", "6", "8", "10"]
    without = report_sections(RATINGS, PREDICTIONS, None, TEXTS, LENGTHS, [["score"]])
    assert [heading for heading, _ in without] == [heading for heading, _ in sections if "spreads" not in heading]


def test_ten_groups_of_reviews_where_there_are_more(figures):
    number = np.arange(25.0)
    report_sections(number, number, number + 1, ["x"] * 25, np.arange(25), [["score"]])
    assert len(lines_of(figures["Calibration"])["model"]) == len(lines_of(figures["Spread"])["model"]) == 10
    assert [row[1] for row in by_spread(number, number, number)[1:]] == [3] * 5 + [2] * 5
    assert [row[:2] for row in by_length(number, number, np.arange(25))[1:]] == [
        ["0-6", 7], ["7-12", 6], ["13-18", 6], ["19-24", 6],
    ]  # fmt: skip


def test_the_headings_of_the_tables():
    tables = (
        by_spread(RATINGS, PREDICTIONS, SPREADS), by_rating(RATINGS, PREDICTIONS),
        by_length(RATINGS, PREDICTIONS, LENGTHS), worst_mistakes(RATINGS, PREDICTIONS, TEXTS, 1),
    )  # fmt: skip
    assert [len(row) for table in tables for row in table] == [3] * 5 + [4] * 5 + [4] * 5 + [3] * 2
    assert tables[3][1] == [8.0, 6.0, "h"]
    assert by_length(RATINGS, PREDICTIONS, LENGTHS)[3] == ["7-7", 1, 2.0, 2.0]
    assert by_length(np.array([1.0]), np.array([3.0]), np.array([9]))[1:] == [["9-9", 1, 2.0, 2.0]]


def test_weaknesses_in_words():
    assert weaknesses(RATINGS, PREDICTIONS, LENGTHS) == [
        "Reviews rated 8: mean prediction 6.0, mean absolute error 2.00.",
        "Reviews of 7-7 tokens: root mean squared error 2.00.",
        "Irony, and texts that are not reviews: they get a rating all the same.",
        "Ratings 2, 3, 5, 6, 7, 9 do not occur in the test data; nothing is known of such reviews.",
        "Mixed reviews: 25.0% of the predictions are ratings that do not occur, mean absolute error 2.00. "
        "Such a prediction is the mean of two likely ratings, not a sign of a lukewarm text.",
    ]
    assert len(weaknesses(np.array([1.0, 2, 3]), np.array([1.0, 2, 2]), np.array([1, 2, 3]))) == 3
    # Of two ratings that are missed alike the first is named; 2 is missing, and nobody says it.
    found = weaknesses(np.array([1.0, 3]), np.array([1.4, 3.4]), np.array([1, 2]))
    assert found[0].startswith("Reviews rated 1:")
    assert found[3:] == ["Ratings 2 do not occur in the test data; nothing is known of such reviews."]
