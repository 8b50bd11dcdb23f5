"""The report on a language model: what its tables and pictures show."""

from __future__ import annotations

import numpy as np
import pytest

from language_model import report
from language_model.report import by_length, by_position, hardest_tokens, report_sections, weaknesses


def bits(*values):
    return -np.log(2) * np.array(values, float)


TOKENS = [["a", "x", "b"], ["b"]]
NATS = [bits(1, 9, 3, 0), bits(5, 2)]
KNOWN = {"a", "b"}


def test_quarters_of_the_texts_by_length():
    rows = by_length([bits(*[1] * length) for length in (9, 2, 4, 3, 8, 5)])
    assert rows[1:] == [["2-3", 2, pytest.approx(2)], ["4-5", 2, pytest.approx(2)], ["8-8", 1, pytest.approx(2)],
                        ["9-9", 1, pytest.approx(2)]]  # fmt: skip
    assert [len(row) for row in rows] == [3] * 5


def test_positions_in_the_text():
    rows = by_position([bits(*[1] * 1, *[2] * 4, *[3] * 15, *[4] * 80, *[5] * 7)])
    assert rows[1:] == [
        ["0", 1, pytest.approx(2)], ["1-4", 4, pytest.approx(4)], ["5-19", 15, pytest.approx(8)],
        ["20-99", 80, pytest.approx(16)], ["100 or more", 7, pytest.approx(32)],
    ]  # fmt: skip
    assert [row[0] for row in by_position([bits(1, 1)])[1:]] == ["0", "1-4"]


def test_the_hardest_tokens_stand_behind_what_is_before_them():
    rows = hardest_tokens(TOKENS, NATS, KNOWN, 2)  # neither the unknown one nor the end of a text
    assert rows[1:] == [[pytest.approx(5), "b", "… "], [pytest.approx(3), "b", "… a x"]]
    words = [f"w{number}" for number in range(14)]
    [_, [_, token, before]] = hardest_tokens([words], [bits(*[1] * 13, 7, 8)], set(words), 1)
    assert (token, before) == ("w13", "… " + " ".join(words[1:13]))
    [_, [_, token, before]] = hardest_tokens([words], [bits(*[1] * 12, 9, 7, 8)], set(words), 1)
    assert (token, before) == ("w12", "… " + " ".join(words[:12]))


def test_weaknesses_in_words():
    assert weaknesses(TOKENS, NATS, KNOWN, "word") == [
        "25.0% of the test tokens are unknown to it and count as `<unk>`.",
        "What it writes keeps to a topic for a sentence or two, not for a story.",
    ]
    assert "for a word or two" in weaknesses(TOKENS, NATS, KNOWN, "character")[-1]
    assert weaknesses([], [], KNOWN, "word")[0].startswith("0.0% of the test tokens")
    for number in (49, 50):
        found = weaknesses([["a"] * 6] * number, [bits(3, *[1] * 4, 0.2, 0.2)] * number, KNOWN, "word")
        assert len(found) == (2 if number < 50 else 3)
    assert found[1] == "Perplexity is 8 at the first token of a text and 1 after 5-19 tokens."


def test_the_sections_and_what_is_drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(report, "html_figure", lambda figure, caption: figures.append(figure) or "")
    sections = report_sections(TOKENS, NATS, KNOWN, [["score", "model"]])
    assert [heading for heading, _ in sections] == [
        "Scores", "Surprisal", "By length of the text", "By position in the text",
        "The 50 known tokens with the highest surprisal",
    ]  # fmt: skip
    [figure] = figures
    bars = figure.axes[0].patches
    assert len(bars) == 50
    assert sum(bar.get_height() for bar in bars) == 6
    assert (bars[0].get_x(), bars[-1].get_x() + bars[-1].get_width()) == pytest.approx((0, 9))
    assert figure.get_size_inches().tolist() == [6, 3.6]
    many = [["a"] * 60]
    [*_, (_, listed)] = report_sections(many, [bits(*range(60), 1)], KNOWN, [["score"]])
    assert listed.count("…") == 50
