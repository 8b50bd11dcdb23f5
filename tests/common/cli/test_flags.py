"""Help texts: as wide as a terminal, never wider than a page, and the same in every pipe."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from typing import ClassVar

import pytest

from common.cli.called import shown_as
from common.cli.flags import (
    MAX_WIDTH,
    add_overrides,
    add_settings,
    make_parser,
    override,
    parser_of,
    read_settings,
)
from common.errors import InputError
from common.settings import Settings, setting


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


@dataclass(frozen=True)
class Toy(Settings):
    OLD_NAMES: ClassVar = {"size": "units"}
    OLD_FLAGS: ClassVar = {"fast": "--speed 3"}

    units: int = setting(5, "size of the state; 100% of it", minimum=1, group="network", basic=True)
    kind: str | None = setting(None, "the kind", ("a", "b"), group="network")
    lowercase: bool = setting(True, "lower-case first", basic=True)
    encoding: str = setting("auto", "encoding of the files", basic=True)


@pytest.fixture
def parser(tmp_path):
    (tmp_path / "big.json").write_text('{"units": 9, "kind": "a"}')
    (tmp_path / "small.json").write_text('{"units": 1}')
    made = make_parser("toy.train", "Train with python -m toy.train.", "The end.")
    made.add_argument("--data", required=True, metavar="FILE")
    made.add_argument("--way", required=True, choices=("x", "y"))
    made.add_argument("texts", nargs="*", metavar="TEXT")
    made.add_argument("last", nargs="?", metavar="LAST")
    made.add_argument("one", metavar="ONE")
    add_settings(made, Toy, tmp_path)
    return made


def test_the_usage_line_has_what_is_needed(parser):
    usage = "usage: python -m toy.train --data FILE --way x|y [options] [TEXT ...] [LAST] ONE\n"
    assert parser.format_usage() == usage
    assert parser.format_help().startswith(usage + "\nTrain with python -m toy.train.\n")
    assert parser.format_help().endswith("\nThe end.\n")


def test_help_shows_what_most_need_and_help_all_the_rest(parser, capsys):
    shown, everything = parser.format_help(), parser.format_help(everything=True)
    assert "settings: network:\n  --units INT" in shown
    assert "size of the state; 100% of it (default: 5)" in shown
    assert "--kind" not in shown
    assert re.search(r"^  --kind NAME +the kind: a \| b \(default: none\)$", everything, re.MULTILINE)
    assert "settings: other:\n  --lowercase, --no-lowercase" in shown
    assert "settings that come with the project: big, small" in shown
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--help-all"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == everything


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--size", "3"], "unrecognized arguments: --size 3; it is now --units"),
        (["--no-fast"], "unrecognized arguments: --no-fast; it is now --speed 3"),
        (["--initialize-from=x"], "unrecognized arguments: --initialize-from=x; it is now --start"),
        (["--unit=3"], "unrecognized arguments: --unit=3; did you mean --units?"),
        (["--zzz"], "unrecognized arguments: --zzz"),
        (["--units=--"], "argument --units: expected one argument"),
    ],
)
def test_a_wrong_option_is_one_line(argv, said, parser, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--data", "d", "--way", "x", "t", *argv])
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"error: {said}; see python -m toy.train --help\n"


def test_flags_win_over_a_file_and_a_file_over_a_preset(parser, tmp_path):
    needed = ["--data", "d", "--way", "x", "t"]
    (tmp_path / "own").write_text('{"kind": "b"}')
    read = lambda *argv: read_settings(parser.parse_args([*needed, *argv]), Toy)  # noqa: E731
    assert read() == Toy()
    assert read("--preset", "big") == Toy(units=9, kind="a")
    assert read("--preset", "big", "--config", str(tmp_path / "own"), "--no-lowercase") == Toy(9, "b", False)
    assert read("--preset", "big", "--units", "4") == Toy(4, "a")
    with pytest.raises(InputError, match="--preset huge: there is none of that name; the presets are big, small"):
        read("--preset", "huge")
    (tmp_path / "own").write_text('{"units": 0}')
    with pytest.raises(InputError, match=r"own: setting units: found 0, wanted at least 1"):
        read("--config", str(tmp_path / "own"))


def test_settings_of_a_trained_model_that_may_be_set_anew():
    parser = make_parser("toy.predict", None)
    add_overrides(parser, Toy, ("units", "kind", "encoding"))
    arguments = parser.parse_args(["--units", "7"])
    assert override(Toy(3, "a", False), arguments) == Toy(7, "a", False)
    shown = parser.format_help()
    assert "settings:\n  as the model was trained, unless given here\n\n  --units INT" in shown
    assert "--kind NAME" in shown
    assert "--encoding" not in shown
    assert "--lowercase" not in parser.format_help(everything=True)
    hidden = make_parser("toy.predict", None)
    add_overrides(hidden, Toy, ("units",), "of it", hidden=True)
    assert "--units" not in hidden.format_help()


def test_the_help_of_a_long_option_begins_below_it():
    parser = make_parser("toy.train", None)
    for name in ("x" * 28, "y" * 29):
        parser.add_argument(f"--{name}", action="store_true", help="help")
    shown = parser.format_help().splitlines()
    assert f"  --{'x' * 28}  help" in shown
    assert shown[shown.index(f"  --{'y' * 29}") + 1] == " " * 34 + "help"


def test_a_command_has_the_name_that_the_user_has_called():
    with shown_as("rnn-language toy"):
        parser = make_parser("toy.train", "Say python -m toy.train.")
        assert (parser.prog, parser.description) == ("rnn-language toy", "Say rnn-language toy.")
    assert make_parser("toy.train", None).prog == "python -m toy.train"


def test_the_parser_of_a_command_without_running_it():
    ran = []

    def command(argv):
        parser = make_parser("toy.train", None)
        ran.append(parser.parse_args(argv))

    assert parser_of(command).prog == "python -m toy.train"
    assert ran == []
    command([])
    assert len(ran) == 1
    with pytest.raises(ValueError, match="the command parses no options"):
        parser_of(lambda argv: None)


def test_on_a_terminal_help_has_its_width_up_to_that_of_a_page(longest_line):
    assert 50 < longest_line(60, Terminal()) <= 60
    assert 100 < longest_line(300, Terminal()) <= MAX_WIDTH


def test_in_a_pipe_help_has_the_width_of_a_page_whatever_the_terminal(longest_line):
    assert longest_line(60, io.StringIO()) == longest_line(300, io.StringIO()) > 100
