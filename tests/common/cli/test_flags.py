"""Help texts: as wide as a terminal, never wider than a page, and the same in every pipe."""

from __future__ import annotations

import io
import sys

import pytest

from common.cli.flags import MAX_WIDTH, make_parser


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def longest_line(monkeypatch):
    """The longest line of a help text, on something so many columns wide."""

    def longest_line(columns, stdout):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "stdout", stdout)
        parser = make_parser("toy.train", "Train.")
        parser.add_argument("--words", help="words " * 60)
        return max(map(len, parser.format_help().splitlines()))

    return longest_line


def test_on_a_terminal_help_has_its_width_up_to_that_of_a_page(longest_line):
    assert 50 < longest_line(60, Terminal()) <= 60
    assert 100 < longest_line(300, Terminal()) <= MAX_WIDTH


def test_in_a_pipe_help_has_the_width_of_a_page_whatever_the_terminal(longest_line):
    assert longest_line(60, io.StringIO()) == longest_line(300, io.StringIO()) > 100
