"""Pages: what stands in a cell, in a list and in a figure, to the character."""

from __future__ import annotations

import re

import pytest

from common.evaluation.page import html_facts, html_fold, html_list, html_table, html_text, join_sections, whole_page


def cells(*values):
    """The cells of a row, as they are written."""
    page = html_table([["name"] * len(values), list(values)])
    return re.findall(r"<td.*?</td>", page)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (7, '<td class="number">7</td>'),
        (0.123456, '<td class="number">0.1235</td>'),
        ("x" * 30, f'<td class="label" style="text-align: left">{"x" * 30}</td>'),
        ("x" * 31, f'<td class="text" style="text-align: left">{"x" * 31}</td>'),
        ("x" * 60, f'<td class="text" style="text-align: left">{"x" * 60}</td>'),
        ("x" * 61, f'<td class="long" style="text-align: left">{"x" * 61}</td>'),
        ("0.5 [0.4, 0.6]", '<td class="label">0.5<br><small>[0.4, 0.6]</small></td>'),
        ("0.5 [0.4, 0.6] † (a b)", '<td class="label">0.5 † (a b)<br><small>[0.4, 0.6]</small></td>'),
    ],
)
def test_a_cell(value, cell):
    assert cells(value) == [cell]


def test_the_heading_of_numbers_stands_above_them():
    page = html_table([["a", "b", "c"], [1, "x", 2], [0.5, 3, "y"]])
    assert '<tr><th class="number">a</th><th>b</th><th>c</th></tr>' in page
    assert "<table><tr><th>a</th></tr></table>" in html_table([["a"]])


def test_a_list_that_is_one_row_too_long_is_folded():
    rows = [["n"], *([number] for number in range(12))]
    assert html_list(rows[:11]) == html_table(rows[:11])  # ten rows
    assert html_list(rows[:12]) == html_table(rows[:11]) + html_fold("1 more", html_table([rows[0], [10]]))
    assert html_list(rows, 2) == html_table(rows[:3]) + html_fold("10 more", html_table([rows[0], *rows[3:]]))


def test_pieces_of_a_page():
    assert html_text("a<b", "note") == '<p class="note">a&lt;b</p>'
    assert html_text("a") == "<p>a</p>"
    assert html_facts({"command": "a & b", "x": "<"}) == (
        "<dl><dt>command</dt><dd><code>a &amp; b</code></dd><dt>x</dt><dd>&lt;</dd></dl>"
    )
    assert join_sections([("A&B", "<p>"), ("C", "")]) == "<h2>A&amp;B</h2><p><h2>C</h2>"
    page = whole_page("T&", "<p>body</p>", ".own {}", "<meta name=x>")
    assert page.startswith('<!doctype html><html lang="en"><head><meta charset="utf-8">')
    assert page.endswith("<title>T&amp;</title>" + page[page.index("<style>") :])
    assert page.endswith(".own {}</style></head><body><h1>T&amp;</h1><p>body</p></body></html>\n")
    assert page.count("<meta name=x>") == 1
