"""The report page: whole in one file, and every text in it escaped."""

from __future__ import annotations

import re

import numpy as np
import pytest

from common.evaluation.page import BLUE
from common.evaluation.report import (
    confusion_figure,
    html_figure,
    html_list,
    html_table,
    html_text,
    markdown_table,
    new_figure,
    score_rows,
    text_table,
    write_report,
)
from common.evaluation.verdict import Verdict

EVIL = "<script>alert('x')</script> & \"q\""


def test_score_rows_leave_a_gap_for_a_missing_score():
    rows = score_rows(("r2", "mae"), {"model": {"r2": 0.5, "mae": 1}, "baseline": {"mae": 2.0}})
    assert rows == [["score", "model", "baseline"], ["r2", "0.5000", ""], ["mae", "1.0000", "2.0000"]]


def test_text_table_lines_columns_up():
    assert text_table([["a", "bb"], ["ccc", "d"]]) == "a    bb\nccc  d"


def test_markdown_table_escapes_bars():
    assert markdown_table([["a", "b"], ["x|y", "z"]]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


def test_html_escapes_texts_and_aligns_numbers():
    page = html_table([[EVIL, "n"], [EVIL, 0.123456], ["x", 7]]) + html_text(EVIL)
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3
    assert '<td class="number">0.1235</td>' in page
    assert '<td class="number">7</td>' in page


def test_the_page_needs_no_other_file(tmp_path):
    figure = confusion_figure(np.array([[3, 1], [0, 0]]), ["a", "<b>"], "which for which")
    path = write_report(
        tmp_path / "new" / "report", EVIL, [(EVIL, html_text("good é")), ("Picture", html_figure(figure, EVIL))]
    )
    page = path.read_text(encoding="utf-8")
    assert path.name == "report.html"
    assert "<script>" not in page
    assert "good é" in page
    assert "<svg" in page
    assert not re.search(r'(src|href|resource)="(?!#)', page)
    assert list(path.parent.iterdir()) == [path]


def test_the_page_tells_what_it_is_of(tmp_path):
    verdict = Verdict("behind", f"The model is behind. {EVIL}")
    facts = {"model": EVIL, "command": "python -m x --test a.csv"}
    page = write_report(tmp_path, "imdb on a.csv", [("Scores", "")], facts, verdict).read_text()
    assert page.index('class="verdict behind"') < page.index("<dt>model</dt>") < page.index("<h2>Scores</h2>")
    assert "<code>python -m x --test a.csv</code>" in page
    assert re.search(r"<dt>date</dt><dd>\d+ \w+ 20\d\d, \d\d:\d\d", page)
    assert '<meta name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page
    assert "<script>" not in page


def test_long_lists_are_folded_and_wide_tables_scroll():
    rows = [["name", "n"], *([f"row {i}", i] for i in range(50))]
    page = html_list(rows, 10)
    shown, folded = page.split("<details>")
    assert "row 9<" in shown
    assert "row 10<" in folded
    assert "<summary>40 more</summary>" in folded
    assert page.count("<th") == 4
    assert page.count('style="overflow-x: auto"') == 2
    assert "<details>" not in html_list(rows[:11], 10)


def test_a_score_stands_above_its_interval():
    page = html_table([["score", "model"], ["r2", "0.5123 [0.5000, 0.5250] *"], ["text", "0.5 [x] and more"]])
    assert ">0.5123 *<br><small>[0.5000, 0.5250]</small></td>" in page
    assert ">0.5 [x] and more</td>" in page


def test_figures_take_the_colours_of_the_page():
    figure, axes = new_figure(3, 2)
    axes.plot([1, 2], color=BLUE)
    axes.set_xlabel(EVIL)
    first = html_figure(figure, EVIL)
    assert "var(--ink)" in first
    assert "var(--blue)" in first
    assert not re.search(r"#000000|#0072b2|<script>|<metadata>|http", first)
    assert not re.search(r' id="\w+_\d+"', first)


def test_names_of_data_are_drawn_as_they_are(tmp_path):
    """Not as formulas, which may be wrong; without warnings for what the font lacks; and not on a mile of paper."""
    names = ["$", "$\\frac$", "$x^$", "\x1b[31m", "☃🇫🇷", "x" * 10_000]
    figure = confusion_figure(np.ones((6, 6), int), names, "Tags")
    assert figure.axes[0].get_yticklabels()[-1].get_text() == "x" * 12 + "..." + "x" * 5
    html_figure(figure, "tags")
    many = np.diag(np.arange(500))
    figure = confusion_figure(many, [f"tag {number}" for number in range(500)], "Tags")
    assert figure.axes[0].get_title() == "Tags: the 60 most frequent of 500"
    assert figure.axes[0].get_yticklabels()[-1].get_text() == "tag 499"
    html_figure(figure, "tags")


def test_a_confusion_matrix_is_drawn_to_the_cell():
    figure = confusion_figure(np.array([[3, 2], [0, 4]]), ["a", "b"], "Tags")
    [axes] = figure.axes
    assert figure.get_size_inches().tolist() == pytest.approx([2 + 2 * 0.42, 1.4 + 2 * 0.38])
    assert [(text.get_position(), text.get_text(), text.get_color()) for text in axes.texts] == [
        ((0, 0), "3", "black"), ((1, 0), "2", "black"), ((1, 1), "4", "white")
    ]  # fmt: skip
    [cells] = axes.collections
    assert cells.get_facecolors()[:, 3] == pytest.approx([0.6, 0.4, 1.0])
    corners = [path.get_extents().get_points().tolist() for path in cells.get_paths()]
    assert corners == [[[-0.5, -0.5], [0.5, 0.5]], [[0.5, -0.5], [1.5, 0.5]], [[0.5, 0.5], [1.5, 1.5]]]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 1.5), (1.5, -0.5))
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted", "true", "Tags")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]


def test_of_many_classes_those_with_the_largest_counts_are_drawn():
    counts = np.zeros((61, 61), int)
    counts[np.arange(61), np.arange(61)] = 2
    counts[7, 7] = 1
    counts[7, 8] = counts[9, 7] = 1  # 4 in all, as the others have; the first ones are drawn
    names = [str(number) for number in range(61)]
    drawn = [label.get_text() for label in confusion_figure(counts, names, "T").axes[0].get_yticklabels()]
    assert drawn == names[:60]
    counts[7, 8] = 0
    drawn = [label.get_text() for label in confusion_figure(counts, names, "T").axes[0].get_yticklabels()]
    assert drawn == [name for name in names if name != "7"]
    assert len(confusion_figure(counts[:60, :60], names[:60], "T").axes[0].get_yticklabels()) == 60


def test_panels_of_a_figure():
    figure, axes = new_figure()
    assert figure.get_size_inches().tolist() == [6, 4]
    figure, axes = new_figure(2, 3, columns=2, rows=3)
    assert (figure.get_size_inches().tolist(), axes.shape) == ([4, 9], (3, 2))
    assert axes[0, 0].get_shared_x_axes().joined(axes[0, 0], axes[2, 0])
    _, axes = new_figure(2, 3, columns=2)
    assert not axes[0].get_shared_x_axes().joined(axes[0], axes[1])


def test_figures_leave_pyplot_alone():
    import matplotlib.pyplot as plt

    _, axes = new_figure(3, 2, columns=3)
    assert axes.shape == (3,)
    assert plt.get_fignums() == []
