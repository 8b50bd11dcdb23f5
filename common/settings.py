"""A task's settings: one frozen dataclass, and the command-line flags, the JSON file and the checks made from it."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import functools
import json
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from common.errors import InputError, excerpt, fail
from common.json_files import MAX_BYTES, read_json
from common.text.readers import check_file

Config = TypeVar("Config")


def setting(
    default: Any, help: str, choices: Sequence[str] = (), minimum: float | None = None, maximum: float | None = None
) -> Any:
    """Declare one setting of a config dataclass.

    Args:
        default: its value if nobody says otherwise.
        help: meaning and unit, as `--help` shows them.
        choices: the words allowed.
        minimum: smallest number allowed.
        maximum: largest number allowed.
    """
    metadata = {"help": help, "choices": tuple(choices), "minimum": minimum, "maximum": maximum}
    return dataclasses.field(default=default, metadata=metadata)


MAX_SEED = 2**32 - 1  # what all random generators take


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The settings of training that all tasks share; each task says which defaults suit it."""

    num_epochs: int = setting(10, "most passes over the training split", minimum=1)
    batch_size: int = setting(32, "examples in a batch", minimum=1)
    learning_rate: float = setting(0.001, "largest step size of Adam", minimum=0)
    schedule: str = setting("cosine", "learning rate over the run: falling to 1%, or constant", ("cosine", "constant"))
    warmup_rate: float = setting(0.05, "share of the run in which the rate rises to its largest", minimum=0, maximum=1)
    adam_beta_2: float = setting(0.99, "how long Adam remembers squared gradients", minimum=0, maximum=1)
    weight_decay: float = setting(0.0, "share of a weight taken off in a step, times the learning rate", minimum=0)
    max_gradient_norm: float = setting(5.0, "longer gradients are scaled down to this norm", minimum=0)
    average_momentum: float = setting(
        0.998, "how slowly the averaged weights follow, per step; 0: no averaging", minimum=0, maximum=1
    )
    patience: int = setting(3, "epochs in a row allowed without a better validation score", minimum=0)
    mixed_precision: bool = setting(False, "compute in bfloat16 where the processor has it; weights stay float32")
    validation_rate: float = setting(
        0.1, "share of the training data kept for validation if there is no --validation", minimum=0.001, maximum=0.9
    )
    seed: int = setting(1, "the one seed of everything random", minimum=0, maximum=MAX_SEED)


def flag_of(name: str) -> str:
    """The flag of a setting.

    >>> flag_of("max_length")
    '--max-length'
    """
    return "--" + name.replace("_", "-")


def as_option(name: str, value: Any) -> str:
    """Write a setting as it is typed behind a command.

    >>> as_option("max_length", 400), as_option("reverse", True), as_option("lowercase", False)
    ('--max-length 400', '--reverse', '--no-lowercase')
    """
    if isinstance(value, bool):
        return flag_of(name if value else f"no_{name}")
    return f"{flag_of(name)} {value}"


def inherit(config: Config, values: Mapping[str, Any], whose: str) -> Config:
    """Take settings from a model that a run starts from.

    Args:
        config: the settings of the run.
        values: those that are not the run's to choose.
        whose: "language model", say.
    Raises:
        InputError: the run has chosen one of them otherwise.
    """
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        own = getattr(config, field.name)
        if field.name in values and own not in (values[field.name], field.default):
            raise InputError(f"{flag_of(field.name)}: found {own}, the {whose} has {values[field.name]}; leave it out")
    return dataclasses.replace(config, **values)  # type: ignore[type-var]


class OneLineParser(argparse.ArgumentParser):
    """An argparse parser whose usage errors are one line, as all our errors are."""

    def error(self, message: str) -> NoReturn:
        fail(f"{message}; see {self.prog} --help")

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """As argparse does it, which takes `--option=--` for an option without a value, and gives a list."""
        arguments = super().parse_args(*args, **kwargs)
        for action in self._actions:
            if action.option_strings and action.nargs is None and getattr(arguments, action.dest, None) == []:
                self.error(f"argument {action.option_strings[0]}: expected one argument")
        return arguments


def make_parser(program: str, description: str | None, epilog: str | None = None) -> OneLineParser:
    """Start the parser of a program; options may not be abbreviated, so that a script's meaning never changes.

    Args:
        program: as it stands behind `python -m`.
        description: the text before the options in `--help`.
        epilog: the text after them.
    """
    return OneLineParser(
        prog=f"python -m {program}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_settings(parser: argparse.ArgumentParser, config_class: type) -> None:
    """Add a flag for each setting, and `--config FILE`; `read_settings` puts them together."""
    group = parser.add_argument_group("settings")
    group.add_argument("--config", type=Path, metavar="FILE", help="read settings from a JSON file; flags win over it")
    _add_flags(group, config_class, [field.name for field in dataclasses.fields(config_class)])


def add_overrides(
    parser: argparse.ArgumentParser,
    config_class: type,
    names: Sequence[str],
    otherwise: str = "as the model was trained, unless given here",
) -> None:
    """Add flags for a few settings, those of a trained model, say, that a command may set anew; see `override`."""
    group = parser.add_argument_group("settings", otherwise)
    _add_flags(group, config_class, names)


def override(config: Config, arguments: argparse.Namespace) -> Config:
    """Put the values of the flags of `add_overrides` in place of a config's own."""
    values = dataclasses.asdict(config) | _given_flags(arguments, type(config))  # type: ignore[call-overload]
    return make_config(type(config), values)


def _given_flags(arguments: argparse.Namespace, config_class: type) -> dict[str, Any]:
    """The settings given as flags; a command may have flags of two configs."""
    names = [field.name for field in dataclasses.fields(config_class)]
    return {name: getattr(arguments, f"setting:{name}") for name in names if hasattr(arguments, f"setting:{name}")}


def _add_flags(group: Any, config_class: type, names: Sequence[str]) -> None:
    for field in dataclasses.fields(config_class):
        if field.name not in names:
            continue
        kind = _kind(config_class, field.name)
        default = "none" if field.default is None else field.default
        options: dict[str, Any] = {
            "dest": f"setting:{field.name}",
            "default": argparse.SUPPRESS,
            "help": f"{field.metadata['help']} (default: {default})".replace("%", "%%"),
        }
        if kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["type"] = kind
            options["metavar"] = "|".join(field.metadata["choices"]) or kind.__name__.upper()
        group.add_argument(flag_of(field.name), **options)


def read_settings(arguments: argparse.Namespace, config_class: type[Config]) -> Config:
    """Build the config: defaults, then `--config FILE`, then flags.

    Raises:
        InputError: an unknown setting, a wrong type, or a value out of range, with what would do.
    """
    values: dict[str, Any] = {}
    if arguments.config is not None:
        values = read_json_object(arguments.config)
    values |= _given_flags(arguments, config_class)
    return make_config(config_class, values, str(arguments.config or ""))


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    check_file(path)
    with open(path, "rb") as file:  # a pipe, too; read once, and no more than may be parsed
        values = read_json(file.read(MAX_BYTES + 1), str(path))
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds {excerpt(json.dumps(values))}, not an object {{…}}")
    return values


def make_config(config_class: type[Config], values: dict[str, Any], source: str = "") -> Config:
    """Check values from outside and make a config of them.

    Raises:
        InputError: see `read_settings`.
    """
    fields = {field.name: field for field in dataclasses.fields(config_class)}  # type: ignore[arg-type]
    for name, value in values.items():
        place = f"{source}: setting {name}" if source else flag_of(name)
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            raise InputError(f"{place}: no such setting; " + (f"did you mean {close[0]}?" if close else "see --help"))
        _check(place, value, fields[name], _kind(config_class, name))  # type: ignore[arg-type]
    return config_class(**values)


def _check(place: str, value: Any, field: dataclasses.Field, kind: type) -> None:
    if value is None and field.default is None:
        return
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{place}: found {excerpt(str(value))}, wanted {kind.__name__}")
    if kind is float and not _is_finite(value):
        raise InputError(f"{place}: found {excerpt(str(value))}, wanted a finite number")
    choices, minimum, maximum = (field.metadata[key] for key in ("choices", "minimum", "maximum"))
    if choices and value not in choices:
        raise InputError(f"{place}: found {excerpt(str(value))}, wanted one of {', '.join(choices)}")
    if (minimum is not None and not value >= minimum) or (maximum is not None and not value <= maximum):
        wanted = f"at least {minimum:g}" if maximum is None else f"from {minimum:g} to {maximum:g}"
        shown = f"{value:g}" if kind is float else value
        raise InputError(f"{place}: found {shown}, wanted {wanted}")


def _is_finite(number: Any) -> bool:
    """Neither nan nor infinite, nor a whole number too large for a float: JSON has them of any size."""
    return -sys.float_info.max <= number <= sys.float_info.max


@functools.cache
def _kind(config_class: type, name: str) -> type:
    """The plain type of a setting: `int` for `int | None`."""
    annotation = typing.get_type_hints(config_class)[name]
    if isinstance(annotation, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    return typing.cast(type, annotation)
