"""HTML pages that stand alone: one stylesheet, light and dark, for wide screens and phones; tables, lists, figures.

Every text is escaped, nothing is loaded from elsewhere, and no script is needed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SHORT_TEXT, LONG_TEXT = 30, 60  # characters of a cell that is not broken, and of one that needs room of its own
INTERVAL = re.compile(r"(\S+) (\[[^\]]*\])((?: [*†])?(?: \(\w[\w ]*\))?)")  # of `format_score`, with marks
SHOWN = 10  # rows of a long list; the others are folded
NARROW = 480  # CSS pixels: a wider figure is scrolled on a phone, so that its text stays readable
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#808080"  # told apart by all eyes: Okabe & Ito 2008
RAISES, LOWERS = "0, 114, 178", "213, 94, 0"  # blue and orange, as the parts of rgba()
STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fff; --line: #d5dbe1; --shade: #f2f5f8; --quiet: #56616d;
  --blue: #0072b2; --on-blue: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e2e7ec; --paper: #15191e; --line: #3a444e; --shade: #20272e; --quiet: #a3aeb9;
    --blue: #56b4e9; --on-blue: #0c1116 }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--paper); overflow-wrap: break-word }
h1 { font-size: 1.7rem; line-height: 1.25 } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem }
.table, .figure { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse } th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top } th { background: var(--shade) } th.number { text-align: right }
td { overflow-wrap: normal } td.long { min-width: 18rem; overflow-wrap: anywhere }
td.text { min-width: 13rem }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.label { white-space: nowrap } td small { color: var(--quiet) } .note { color: var(--quiet) }
.figure svg { height: auto } .figure text { fill: var(--ink) }
.verdict { border-left: .3rem solid var(--quiet); background: var(--shade); padding: .7rem 1rem; font-size: 1.1rem }
.verdict.ahead { border-color: #009e73 } .verdict.behind { border-color: #d55e00 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0 }
dt { color: var(--quiet) } dd { margin: 0; min-width: 0 } code { font: .9em/1.5 ui-monospace, monospace;
  overflow-wrap: anywhere } summary { cursor: pointer; padding: .4rem 0; color: var(--quiet) }
mark { background: #e69f0066; color: inherit }
@media (max-width: 30rem) { body { margin: 1rem auto } h1 { font-size: 1.4rem } th, td { padding: .3rem .5rem }
  dl { grid-template-columns: 1fr } dd { margin-bottom: .4rem } }
"""


def page_head(title: str, style: str = "", generator: str = "") -> str:
    """The beginning of a page, up to its body.

    Args:
        title: of the page.
        style: rules beside those of `STYLE`.
        generator: an element that tells who made it.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{generator}'
        f"<title>{html.escape(title)}</title><style>{STYLE}{style}</style></head><body>"
    )


def whole_page(title: str, body: str, style: str = "", generator: str = "") -> str:
    """A page from its first character to its last, its title above the body; see `page_head`."""
    return f"{page_head(title, style, generator)}<h1>{html.escape(title)}</h1>{body}</body></html>\n"


def html_text(text: str, kind: str = "") -> str:
    """Write a paragraph, escaped; `kind` is its class."""
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def html_facts(facts: Mapping[str, str]) -> str:
    """Write facts by name, as the head of a report; commands as code."""
    rows = []
    for name, value in facts.items():
        shown = html.escape(value)
        shown = f"<code>{shown}</code>" if name == "command" else shown
        rows.append(f"<dt>{html.escape(name)}</dt><dd>{shown}</dd>")
    return f"<dl>{''.join(rows)}</dl>"


def html_table(rows: Sequence[Sequence[Any]]) -> str:
    """Write a table in HTML; the first row is the header, every text is escaped. A wide one is scrolled by itself."""
    head = "".join(map(_heading, rows[0], zip(*rows[1:], strict=True))) if rows[1:] else "".join(map(_heading, rows[0]))
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows[1:])
    return f'<div class="table" style="overflow-x: auto"><table><tr>{head}</tr>{body}</table></div>'


def _heading(name: Any, values: Iterable[Any] = ("",)) -> str:
    """The heading of a column; that of numbers stands above them."""
    kind = ' class="number"' if all(map(_is_number, values)) else ""
    return f"<th{kind}>{html.escape(str(name))}</th>"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _cell(value: Any) -> str:
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    if _is_number(value):
        return f'<td class="number">{shown}</td>'
    if score := INTERVAL.fullmatch(shown):
        value, interval, best = (html.escape(part or "") for part in score.groups())
        return f'<td class="label">{value}{best}<br><small>{interval}</small></td>'
    kind = "label" if len(shown) <= SHORT_TEXT else "text" if len(shown) <= LONG_TEXT else "long"
    return f'<td class="{kind}" style="text-align: left">{html.escape(shown)}</td>'  # notebooks put it on the right


def html_list(rows: Sequence[Sequence[Any]], shown: int = SHOWN) -> str:
    """Write a long table: its first rows, and the others folded."""
    if len(rows) <= shown + 1:
        return html_table(rows)
    return html_table(rows[: shown + 1]) + html_fold(
        f"{len(rows) - shown - 1} more", html_table([rows[0], *rows[shown + 1 :]])
    )


def html_fold(summary: str, content: str) -> str:
    """Write HTML that is shown when somebody asks for it."""
    return f"<details><summary>{html.escape(summary)}</summary>{content}</details>"


def join_sections(sections: Iterable[tuple[str, str]]) -> str:
    """Titled pieces of HTML, one after the other."""
    return "".join(f"<h2>{html.escape(name)}</h2>{content}" for name, content in sections)
