"""Tables and figures of a report: text for the terminal, Markdown for the card, one self-contained HTML page."""

from __future__ import annotations

import base64
import html
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from common.errors import printable
from common.evaluation.meanings import MEANINGS, winners
from common.evaluation.metrics import format_score
from common.output import REPORT_FILE, REPORT_MARK, check_report_place, replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Section: TypeAlias = tuple[str, str]  # a heading, and HTML
MOST_NAMES = 60  # of classes, in a picture
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733 }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .3rem .8rem; border-bottom: 1px solid #d5dbe1;
text-align: left; vertical-align: top } th { background: #f2f5f8 } img { max-width: 100% }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } .note { color: #56616d }
"""


def score_rows(
    names: Sequence[str], systems: Mapping[str, Mapping[str, Any]], explained: bool = False
) -> list[list[str]]:
    """Lay scores out as a table: a row for each score, a column for each system; the first row is the header.

    Args:
        names: of the scores.
        systems: the scores of each system, by its name.
        explained: mark the best system of a row by `*`, and say what the score means.
    """
    rows = [["score", *systems, *(["meaning"] if explained else [])]]
    for name in names:
        best = winners(name, systems) if explained else []
        cells = [
            format_score(name, scores) + " *" * (system in best) if name in scores else ""
            for system, scores in systems.items()
        ]
        rows.append([name, *cells, *([str(MEANINGS.get(name, ""))] if explained else [])])
    return rows


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Line the columns of a table up with spaces.

    >>> print(text_table([["score", "model"], ["r2", "0.5"]]))
    score  model
    r2     0.5
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown; the first row is the header."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def html_table(rows: Sequence[Sequence[Any]]) -> str:
    """Write a table in HTML; the first row is the header, every text is escaped."""

    def cell(value: Any) -> str:
        number = isinstance(value, int | float)
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        return f'<td class="number">{shown}</td>' if number else f"<td>{html.escape(shown)}</td>"

    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows[1:])
    return f"<table><tr>{head}</tr>{body}</table>"


def html_figure(figure: Figure, description: str) -> str:
    """Put a matplotlib figure into the page itself."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a box stands for a character without one
        figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(description)}">'


def html_text(text: str) -> str:
    """Write a paragraph, escaped."""
    return f"<p>{html.escape(text)}</p>"


def write_report(folder: Path, title: str, sections: Sequence[tuple[str, str]]) -> Path:
    """Write `report.html` from titled pieces of HTML; returns its path."""
    body = "".join(f"<h2>{html.escape(name)}</h2>{content}" for name, content in sections)
    path = folder / REPORT_FILE
    check_report_place(folder)
    with replace_file(path, encoding="utf-8", errors="replace") as file:
        file.write(
            f'<!doctype html><html lang="en"><meta charset="utf-8">{REPORT_MARK}<title>{html.escape(title)}</title>'
            f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>{body}</html>\n"
        )
    return path


def new_figure(width: float = 6, height: float = 4, columns: int = 1):
    """Start a figure that is drawn off screen; returns it and its axes."""
    from matplotlib.figure import Figure  # 0.3 s: not before there is something to draw

    figure = Figure(figsize=(width * columns, height), layout="constrained")
    return figure, figure.subplots(1, columns)


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
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(len(names)), names, rotation=90, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    return figure


def html_weights(tokens: Sequence[str], weights: Sequence[float]) -> str:
    """A text whose tokens are coloured by weight: blue for what raises the answer, red for what lowers it."""
    largest = max(map(abs, weights), default=0) or 1.0
    spans = []
    for token, weight in zip(tokens, weights, strict=True):
        color = "70, 130, 230" if weight > 0 else "230, 90, 70"
        style = f"background: rgba({color}, {abs(weight) / largest:.2f})"
        spans.append(f'<span style="{style}" title="{weight:+.3f}">{html.escape(token)}</span>')
    return f"<p>{' '.join(spans)}</p>"
