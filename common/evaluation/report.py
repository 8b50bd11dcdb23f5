"""Tables and figures of a report: text for the terminal, Markdown for the card, one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from common.evaluation.meanings import MEANINGS, winners
from common.evaluation.metrics import format_score
from common.evaluation.page import (
    html_facts,
    html_list,
    html_table,
    html_text,
    join_sections,
    whole_page,
)
from common.evaluation.verdict import Verdict
from common.output import REPORT_FILE, REPORT_MARK, check_report_place, replace_file

Section: TypeAlias = tuple[str, str]  # a heading, and HTML
CONFUSIONS = "A row for each true {0}, a column for each predicted one; colour: share of the row."
__all__ = ["html_list", "html_table", "html_text"]  # of the page, for those who report


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


def write_report(
    folder: Path,
    title: str,
    sections: Sequence[Section],
    facts: Mapping[str, str] | None = None,
    verdict: Verdict | None = None,
) -> Path:
    """Write `report.html` from titled pieces of HTML; returns its path.

    Args:
        folder: of the page.
        title: of the page.
        sections: the pieces.
        facts: model, data, command and what else its head names; the date is added.
        verdict: the page begins with it.
    """
    path = folder / REPORT_FILE
    check_report_place(folder)
    date = datetime.now().astimezone()
    head = html_text(verdict.sentence, f"verdict {verdict.outcome}") if verdict else ""
    head += html_facts({**(facts or {}), "date": f"{date.day} {date:%B %Y, %H:%M %Z}"})
    with replace_file(path, encoding="utf-8", errors="replace") as file:
        file.write(whole_page(title, head + join_sections(sections), generator=REPORT_MARK))
    return path
