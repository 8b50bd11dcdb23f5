"""Figures of a report: matplotlib draws them off screen, and a page holds them in its own colours.

Importing matplotlib takes a third of a second: whoever only writes tables imports `common.evaluation.report` alone.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import collections, patches, rc_context
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from common.errors import printable
from common.evaluation.page import BLUE, NARROW

MOST_NAMES = 60  # of classes, in a picture


def new_figure(width: float = 6, height: float = 4, columns: int = 1, rows: int = 1) -> tuple[Figure, Any]:
    """Start a figure that is drawn off screen; returns it and its axes, those in one column with one x axis."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, sharex=rows > 1)


def confusion_figure(matrix, names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix: rows are the truth, each coloured by its share of the row, cells show counts.

    Args:
        matrix: counts (names, names).
        names: of the classes; of very many, those with the largest counts are drawn.
        title: of the figure.
    """
    if len(names) > MOST_NAMES:
        largest = np.sort(np.argsort(-(matrix.sum(axis=0) + matrix.sum(axis=1)), kind="stable")[:MOST_NAMES])
        matrix, title = matrix[np.ix_(largest, largest)], f"{title}: the {MOST_NAMES} most frequent of {len(names)}"
        names = [names[i] for i in largest]
    names = [printable(name, max_characters=20) for name in names]
    figure, axes = new_figure(2 + 0.42 * len(names), 1.4 + 0.38 * len(names))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    filled = list(zip(*np.nonzero(matrix), strict=True))
    cells = [patches.Rectangle((column - 0.5, row - 0.5), 1, 1) for row, column in filled]
    colors = [to_rgba(BLUE, shares[place]) for place in filled]  # transparent: on a dark page it is dark between
    axes.add_collection(collections.PatchCollection(cells, facecolors=colors, linewidths=0))
    for row, column in filled:
        color = "white" if shares[row, column] > 0.6 else "black"
        axes.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=9, color=color)
    axes.set(
        xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), xlabel="predicted", ylabel="true", title=title
    )
    axes.set_xticks(range(len(names)), names, rotation=90, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    return figure


def html_figure(figure: Figure, description: str) -> str:
    """Put a matplotlib figure into the page itself, as a drawing in the colours of the page, light or dark.

    Args:
        figure: what is black in it has the colour of text.
        description: stands below.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the reader's fonts have it, perhaps
        figure.savefig(buffer, format="svg", transparent=True)
    width = round(figure.get_size_inches()[0] * 96)
    least = f"; min-width: {max(NARROW, round(0.8 * width))}px" if width > NARROW else ""
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    # Two figures of a page would have the same names; within a page, no name spaces are needed.
    drawing = re.sub(r' id="\w+_\d+"| xmlns(?::\w+)?="[^"]*"', "", drawing).replace("xlink:href", "href")
    for drawn, shown in (("#000000", "var(--ink)"), (BLUE, "var(--blue)"), ("#ffffff", "var(--on-blue)")):
        drawing = drawing.replace(drawn, shown)
    drawing = drawing.replace("'DejaVu Sans'", "system-ui")
    label = html.escape(description)
    drawing = drawing.replace("<svg ", f'<svg role="img" aria-label="{label}" style="max-width: 100%{least}" ', 1)
    return f'<div class="figure">{drawing}</div><p class="note">{label}</p>'
