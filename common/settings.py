"""Hyper-parameters and other settings of a task: one frozen dataclass, and the checks made from it.

`common.cli.flags` makes the options of a command from the same dataclass.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar

from common.errors import InputError, excerpt
from common.text.languages import check_language
from common.text.normalization import STEPS, check_steps


def setting(
    default: Any,
    help: str,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    group: str = "",
    basic: bool = False,
) -> Any:
    """Declare one setting of a config dataclass.

    Args:
        default: its value if nobody says otherwise.
        help: what it does, its unit and range, as `--help` shows them.
        choices: the words allowed.
        minimum: smallest number allowed.
        maximum: largest number allowed.
        group: the heading it stands under in `--help`; of a setting that a base class has too, "" is that of the base.
        basic: whether `--help` shows it; `--help-all` shows all.
    """
    metadata = {
        "help": help, "choices": tuple(choices), "minimum": minimum, "maximum": maximum, "group": group, "basic": basic
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


MAX_SEED = 2**32 - 1  # what all random generators take
MAX_INTEGER = 2**31 - 1  # of the other whole numbers: what sizes and counts are in the libraries
OPTIMIZATION, DATA = "optimization", "data"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base class of all settings."""

    OLD_NAMES: ClassVar[Mapping[str, str]] = {}  # of settings that only have another name now
    OLD_FLAGS: ClassVar[Mapping[str, str]] = {}  # of settings that are part of another now

    @classmethod
    def upgrade(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give the settings of an older bundle the names that they have now."""
        return {cls.OLD_NAMES.get(name, name): value for name, value in values.items()}

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, what was found, what would do.
        """
        for field in dataclasses.fields(self):
            _check(flag_of(field.name), getattr(self, field.name), field, kind_of(type(self), field.name))


Config = TypeVar("Config", bound=Settings)


@dataclasses.dataclass(frozen=True)
class TextSettings(Settings):
    """How texts are read: the same in training, answering and the baselines."""

    language: str = setting("en", "language, by its code: de, fr, zh …; xx: any", group=DATA, basic=True)
    normalization: str = setting(STEPS, "steps of text normalization, with commas between; none", group=DATA)

    def validate(self) -> None:
        """Check every setting by itself, and those that exclude each other.

        Raises:
            InputError: the setting, what was found, what would do.
        """
        super().validate()
        check_language(self.language)
        check_steps(self.normalization)


@dataclasses.dataclass(frozen=True)
class TrainingConfig(TextSettings):
    """The settings of training that all tasks share; each task says which defaults suit it."""

    OLD_NAMES: ClassVar[Mapping[str, str]] = {
        "average_momentum": "ema_momentum",
        "validation_rate": "validation_split",
        "warmup_rate": "warmup_ratio",
    }

    num_epochs: int = setting(
        10,
        "most passes over the training split",
        minimum=1,
        group=OPTIMIZATION,
        basic=True,
    )
    batch_size: int = setting(32, "examples in a batch", minimum=1, group=OPTIMIZATION, basic=True)
    learning_rate: float = setting(
        0.001, "peak learning rate of AdamW (Loshchilov & Hutter 2019)", minimum=0, group=OPTIMIZATION, basic=True
    )
    schedule: str = setting(
        "cosine", "learning-rate schedule (cosine: decay to 1%)", ("cosine", "constant"), group=OPTIMIZATION
    )
    warmup_ratio: float = setting(
        0.05, "share of the steps in which the learning rate warms up", minimum=0, maximum=1, group=OPTIMIZATION
    )
    adam_beta_2: float = setting(
        0.99, "decay of Adam's average of squared gradients, per step", minimum=0, maximum=1, group=OPTIMIZATION
    )
    weight_decay: float = setting(0.0, "decoupled weight decay of AdamW; 0 = off", minimum=0, group=OPTIMIZATION)
    max_gradient_norm: float = setting(
        5.0, "gradient clipping: largest global L2 norm of the gradient", minimum=0, group=OPTIMIZATION
    )
    ema_momentum: float = setting(
        0.998, "weight averaging (EMA): momentum per step; 0 = off", minimum=0, maximum=1, group=OPTIMIZATION
    )
    patience: int = setting(
        3, "early stopping: epochs in a row without a better validation score", minimum=0, group=OPTIMIZATION
    )
    mixed_precision: bool = setting(
        False, "compute in bfloat16 where the processor has it; weights stay float32", group=OPTIMIZATION
    )
    half_precision: bool = setting(
        False, "save the matrices in 16 bits, unless that changes a validation answer as shown", group=OPTIMIZATION
    )
    validation_split: float = setting(
        0.1,
        "share of the training data held out for validation if there is no --validation",
        minimum=0.001,
        maximum=0.9,
        group=OPTIMIZATION,
    )
    seed: int = setting(1, "random seed of everything", minimum=0, maximum=MAX_SEED, group=OPTIMIZATION, basic=True)


READING = ("encoding", "header")  # settings of a file rather than of a model


@dataclasses.dataclass(frozen=True)
class ReadingConfig(Settings):
    """The settings of reading files that all tasks share."""

    skip_bad_rows: bool = setting(False, "leave out rows that cannot be used, and say how many", group="data")
    encoding: str = setting(
        "auto", "encoding of the files, such as utf-8, utf-16 or cp1252; auto: found out", group="data"
    )
    header: bool = setting(True, "the first line of a table names its columns; else they are 1, 2, …", group="data")


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
    for field in dataclasses.fields(config):
        own = getattr(config, field.name)
        if field.name in values and own not in (values[field.name], field.default):
            raise InputError(f"{flag_of(field.name)}: found {own}, the {whose} has {values[field.name]}; leave it out")
    return dataclasses.replace(config, **values)


def make_config(config_class: type[Config], values: Mapping[str, Any], source: str = "") -> Config:
    """Check values from outside and make a config of them.

    Raises:
        InputError: see `read_settings`.
    """
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    for name, value in values.items():
        place = f"{source}: setting {name}" if source else flag_of(name)
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            raise InputError(f"{place}: no such setting; " + (f"did you mean {close[0]}?" if close else "see --help"))
        _check(place, value, fields[name], kind_of(config_class, name))
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
    if maximum is None and kind is int and isinstance(value, int) and value > MAX_INTEGER:
        maximum = MAX_INTEGER
    if choices and value not in choices:
        raise InputError(f"{place}: found {excerpt(str(value))}, wanted one of {', '.join(choices)}")
    if (minimum is not None and not value >= minimum) or (maximum is not None and not value <= maximum):
        form = "{:g}" if kind is float else "{:,}"
        wanted = "at least {}" if maximum is None else "from {} to {}" if minimum is not None else "at most {1}"
        ends = [form.format(end) if end is not None else "" for end in (minimum, maximum)]
        raise InputError(f"{place}: found {form.format(value)}, wanted {wanted.format(*ends)}")


def _is_finite(number: Any) -> bool:
    """Neither nan nor infinite, nor a whole number too large for a float: JSON has them of any size."""
    return -sys.float_info.max <= number <= sys.float_info.max


def group_of(config_class: type[Settings], name: str) -> str:
    """The heading that a setting stands under in `--help`."""
    return next(filter(None, (field.metadata["group"] for field in _declared(config_class, name))), "other")


def is_basic(config_class: type[Settings], name: str) -> bool:
    """Whether `--help` shows a setting."""
    return any(field.metadata["basic"] for field in _declared(config_class, name))


def _declared(config_class: type[Settings], name: str) -> list[dataclasses.Field]:
    """The declarations of a setting, in a config and in what it is derived from."""
    bases = [base for base in config_class.__mro__ if dataclasses.is_dataclass(base)]
    return [base.__dataclass_fields__[name] for base in bases if name in base.__dataclass_fields__]


def kind_of(config_class: type[Settings], name: str) -> type:
    """The plain type of a setting: `int` for `int | None`."""
    annotation = _annotations(config_class)[name]  # type: ignore[arg-type]  # a class has a hash
    if isinstance(annotation, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    return typing.cast(type, annotation)


@cache
def _annotations(config_class: type[Settings]) -> dict[str, typing.Any]:
    """The types of all settings, which `typing` reads from text: once for a class, and not for each setting."""
    return typing.get_type_hints(config_class)
