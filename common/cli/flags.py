"""Command-line options made from a task's settings: `--help` shows those that most people need, `--help-all` all."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

from common.cli.called import called_name
from common.errors import InputError, fail
from common.json_files import read_json_object
from common.settings import READING, Config, Settings, flag_of, group_of, is_basic, kind_of, make_config

MAX_WIDTH = 110  # characters of a line of --help
WANTED: ContextVar[bool] = ContextVar("WANTED", default=False)  # whether the parser is wanted, not a run


class OneLineParser(argparse.ArgumentParser):
    """An argparse parser whose usage errors are one line, and whose `--help` leaves out what few people need.

    `old_names` are options that have another name now, without their dashes.
    """

    old_names: Mapping[str, str] = {}

    def error(self, message: str) -> NoReturn:
        fail(f"{message}; see {self.prog} --help")

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """As argparse does it, which takes `--option=--` for an option without a value, and gives a list."""
        if WANTED.get():
            raise _HandedOver(self)
        arguments, unknown = self.parse_known_args(*args, **kwargs)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._hint(unknown[0])}")
        for action in self._actions:
            if action.option_strings and action.nargs is None and getattr(arguments, action.dest, None) == []:
                self.error(f"argument {action.option_strings[0]}: expected one argument")
        return arguments

    def _hint(self, flag: str) -> str:
        """What an unknown option is called now, or the option that it is nearest to."""
        name = flag.removeprefix("--").removeprefix("no-").partition("=")[0].replace("-", "_")
        known = [option for action in self._actions for option in action.option_strings]
        if name in self.old_names:
            return f"; it is now {self.old_names[name]}"
        close = difflib.get_close_matches(flag.partition("=")[0], known, n=1)
        return f"; did you mean {close[0]}?" if close else ""

    def format_usage(self) -> str:
        """The options without which the command does not start; the others are `[options]`."""
        required = [
            f"{a.option_strings[0]} {_shown_value(a)}" for a in self._actions if a.required and a.option_strings
        ]
        positional = [
            {"*": "[{} ...]", "?": "[{}]"}.get(str(action.nargs), "{}").format(action.metavar)
            for action in self._actions
            if not action.option_strings
        ]
        return "usage: " + " ".join([self.prog, *required, "[options]", *positional]) + "\n"

    def format_help(self, everything: bool = False) -> str:
        formatter = self._get_formatter()
        formatter.add_text(self.description)
        for group in self._action_groups:
            actions = [action for action in group._group_actions if everything or not is_advanced(action)]
            formatter.start_section(group.title)
            if actions:
                formatter.add_text(group.description)
            formatter.add_arguments(actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return self.format_usage() + "\n" + formatter.format_help()


def _shown_value(action: argparse.Action) -> str:
    """What stands behind an option in the usage line."""
    return str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper())


def advanced(action: argparse.Action) -> argparse.Action:
    """Mark an option that only `--help-all` shows."""
    action.advanced = True  # type: ignore[attr-defined]
    return action


def is_advanced(action: argparse.Action) -> bool:
    """Whether only `--help-all` shows an option."""
    return getattr(action, "advanced", False)


class _HelpAll(argparse.Action):
    """Print the help on all options."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        assert isinstance(parser, OneLineParser)
        parser._print_message(parser.format_help(everything=True), sys.stdout)
        parser.exit()


class _HandedOver(Exception):
    """Ends a command of which only the parser is wanted."""


def parser_of(command: Callable[[Sequence[str]], None]) -> OneLineParser:
    """The parser of a command, which is not run."""
    token = WANTED.set(True)
    try:
        command([])
    except _HandedOver as handed_over:
        return handed_over.args[0]
    finally:
        WANTED.reset(token)
    raise ValueError("the command parses no options")


def make_parser(program: str, description: str | None, epilog: str | None = None) -> OneLineParser:
    """Start the parser of a program; options may not be abbreviated, so that a script's meaning never changes.

    Args:
        program: as it stands behind `python -m`; in `description` it is replaced, too, where the command was called by
            another name (`shown_as`).
        description: the text before the options in `--help`.
        epilog: the text after them.
    """
    name = called_name() or f"python -m {program}"
    parser = OneLineParser(
        prog=name,
        description=description and description.replace(f"python -m {program}", name),
        epilog=epilog,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--help-all", action=_HelpAll, help="show all options, in groups")
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=34, **options)
        self._width = min(self._width, MAX_WIDTH) if sys.stdout.isatty() else MAX_WIDTH


def add_settings(parser: OneLineParser, config_class: type[Settings], presets: Path | None = None) -> None:
    """Add a flag for each setting, `--config FILE`, and `--preset NAME`; `read_settings` puts them together.

    Args:
        parser: of the command.
        config_class: the settings.
        presets: folder of the files of `--preset`, `NAME.json`; None: there are none.
    """
    parser.add_argument("--config", type=Path, metavar="FILE", help="read settings from a JSON file; flags win over it")
    if presets:
        parser.set_defaults(presets=str(presets))
        names = ", ".join(sorted(file.stem for file in presets.glob("*.json")))
        parser.add_argument(
            "--preset",
            metavar="NAME",
            help=f"settings that come with the project: {names}",
        )
    renamed = {old: flag_of(new) for old, new in config_class.OLD_NAMES.items()}
    parser.old_names = {"initialize_from": "--start", **renamed, **config_class.OLD_FLAGS}
    groups: dict[str, Any] = {}
    for field in dataclasses.fields(config_class):
        name = group_of(config_class, field.name)
        if name not in groups:
            groups[name] = parser.add_argument_group(f"settings: {name}")
        action = _add_flag(groups[name], config_class, field)
        if not is_basic(config_class, field.name):
            advanced(action)


def add_overrides(
    parser: argparse.ArgumentParser,
    config_class: type[Settings],
    names: Sequence[str],
    otherwise: str = "as the model was trained, unless given here",
    hidden: bool = False,
) -> None:
    """Add flags for a few settings, those of a trained model, say, that a command may set anew; see `override`.

    Args:
        parser: of the command.
        config_class: the settings.
        names: those that get a flag.
        otherwise: what holds without the flags.
        hidden: whether only `--help-all` shows them.
    """
    group = parser.add_argument_group("settings", otherwise)
    for field in dataclasses.fields(config_class):
        if field.name in names:
            action = _add_flag(group, config_class, field)
            if hidden or field.name in READING:
                advanced(action)


def add_all_overrides(parser: OneLineParser, config_class: type[Settings], otherwise: str) -> None:
    """As `add_overrides` with every setting; `--help` shows the basic ones."""
    names = [field.name for field in dataclasses.fields(config_class)]
    add_overrides(parser, config_class, [name for name in names if is_basic(config_class, name)], otherwise)
    add_overrides(parser, config_class, [name for name in names if not is_basic(config_class, name)], otherwise, True)


def override(config: Config, arguments: argparse.Namespace) -> Config:
    """Put the values of the flags of `add_overrides` in place of a config's own."""
    values = dataclasses.asdict(config) | _given_flags(arguments, type(config))
    return make_config(type(config), values)


def _given_flags(arguments: argparse.Namespace, config_class: type[Settings]) -> dict[str, Any]:
    """The settings given as flags; a command may have flags of two configs."""
    names = [field.name for field in dataclasses.fields(config_class)]
    return {name: getattr(arguments, f"setting:{name}") for name in names if hasattr(arguments, f"setting:{name}")}


def _add_flag(group: Any, config_class: type[Settings], field: dataclasses.Field) -> argparse.Action:
    kind = kind_of(config_class, field.name)
    default = "none" if field.default is None else field.default
    choices = field.metadata["choices"]
    among = f": {' | '.join(choices)}" if choices else ""
    options: dict[str, Any] = {
        "dest": f"setting:{field.name}",
        "default": argparse.SUPPRESS,
        "help": f"{field.metadata['help']}{among} (default: {default})".replace("%", "%%"),
    }
    if kind is bool:
        options["action"] = argparse.BooleanOptionalAction
    else:
        options["type"] = kind
        options["metavar"] = "NAME" if choices else kind.__name__.upper()
    return group.add_argument(flag_of(field.name), **options)


def read_settings(arguments: argparse.Namespace, config_class: type[Config]) -> Config:
    """Build the config: defaults, then `--preset NAME`, then `--config FILE`, then flags.

    Raises:
        InputError: an unknown setting, a wrong type, or a value out of range, with what would do.
    """
    return make_config(config_class, given_settings(arguments, config_class), str(arguments.config or ""))


def given_settings(arguments: argparse.Namespace, config_class: type[Settings]) -> dict[str, Any]:
    """The settings that a preset, a file and flags give, those with the value of the default, too."""
    values: dict[str, Any] = {}
    if getattr(arguments, "preset", None):
        values |= read_json_object(_preset(Path(arguments.presets), arguments.preset))
    if arguments.config is not None:
        values |= read_json_object(arguments.config)
    return values | _given_flags(arguments, config_class)


def _preset(folder: Path, name: str) -> Path:
    names = sorted(file.stem for file in folder.glob("*.json"))
    if name not in names:
        raise InputError(f"--preset {name}: there is none of that name; the presets are {', '.join(names)}")
    return folder / f"{name}.json"
