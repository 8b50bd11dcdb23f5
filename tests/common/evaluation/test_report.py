"""The report page: whole in one file, and every text in it escaped."""

from __future__ import annotations

import re

import numpy as np

from common.evaluation.figures import confusion_figure, html_figure
from common.evaluation.report import (
    html_list,
    html_table,
    html_text,
    markdown_table,
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
