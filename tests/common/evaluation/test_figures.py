"""Figures of a report: what is drawn, and how they take the colours of the page."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from common.evaluation.figures import confusion_figure, html_figure, new_figure
from common.evaluation.page import BLUE

EVIL = "<script>alert('x')</script> & \"q\""


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
    _, axes = new_figure(3, 2, columns=3)
    assert axes.shape == (3,)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("inches", "least"), [(5, None), (5.01, 480), (6, 480), (10, 768)])
def test_a_wide_figure_is_scrolled_on_a_phone(inches, least):
    figure, _ = new_figure(inches, 1)
    drawing = html_figure(figure, "A figure")
    assert re.findall(r'style="max-width: 100%(.*?)"', drawing) == [f"; min-width: {least}px" if least else ""]
    assert drawing.startswith('<div class="figure"><svg role="img" aria-label="A figure"')
    assert drawing.endswith('</svg>\n</div><p class="note">A figure</p>')
    assert "DejaVu" not in drawing
