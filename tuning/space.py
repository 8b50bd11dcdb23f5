"""The space of a search: which settings are tried, and in which ranges, from a TOML file.

[learning_rate]
low = 0.0005
high = 0.005
log = true

[pooling]
choices = ["mean", "max", "mean-max"]
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from common.errors import InputError, as_written, excerpt
from common.files import check_file
from common.settings import MAX_INTEGER, Settings, kind_of, make_config

Space: TypeAlias = dict[str, BaseDistribution]  # the values that each setting may take
SPACES = Path(__file__).parent / "spaces"
KEYS = ("low", "high", "step", "log", "choices")
MAX_CHARACTERS = 1 << 20


def read_space(path: Path, config_class: type[Settings]) -> Space:
    """Read a space from a TOML file.

    Args:
        path: a table for each setting, with `low` and `high` (and `log = true` or `step`), or with `choices`.
        config_class: whose settings they are.
    Raises:
        InputError: the file is no TOML, or a range does not suit its setting.
    """
    check_file(path)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MAX_CHARACTERS + 1)
        tables = tomllib.loads(text) if len(text) <= MAX_CHARACTERS else None
    except (ValueError, RecursionError) as error:  # of a number of very many digits it is a plain ValueError
        raise InputError(f"{path}: no TOML ({excerpt(str(error))}); see tuning/spaces for examples") from None
    if tables is None:
        raise InputError(f"{path}: more than {MAX_CHARACTERS:,} characters; a space has a few lines")
    return make_space(tables, config_class, str(path))


def make_space(tables: Mapping[str, Any], config_class: type[Settings], source: str = "space") -> Space:
    """Make a space of what stands in a file, see `read_space`, or of the same as a dict.

    >>> from sentiment.config import SentimentConfig
    >>> make_space({"dropout": {"low": 0.2, "high": 0.6, "step": 0.2}}, SentimentConfig)
    {'dropout': FloatDistribution(high=0.6, log=False, low=0.2, step=0.2)}
    """
    if not tables:
        raise InputError(f"{source}: no settings; name at least one, as [learning_rate] with low and high")
    if "seed" in tables:
        raise InputError(f"{source}: [seed]: is no setting to search, the best are tried with several; leave it out")
    return {name: _range_of(name, table, config_class, f"{source}: [{name}]") for name, table in tables.items()}


def _range_of(name: str, table: Any, config_class: type[Settings], place: str) -> BaseDistribution:
    """The values that a setting may take."""
    _check_whole_numbers(table, place)
    if not isinstance(table, Mapping):
        raise InputError(f"{place}: found {excerpt(str(table))}, wanted low and high, or choices")
    if unknown := sorted(set(table) - set(KEYS)):
        raise InputError(f"{place}: unknown {excerpt(unknown[0])}; a range has {', '.join(KEYS)}")
    if "choices" in table:
        return _choices(name, table, config_class, place)
    for end in ("low", "high"):
        if table.get(end) is None:
            raise InputError(f"{place}: {end} is missing; give low and high, or choices")
        _check(name, table[end], config_class, place)
    kind = kind_of(config_class, name)
    if kind not in (int, float):
        raise InputError(f"{place}: a setting of words has no low and high; give choices")
    low, high, step, log = table["low"], table["high"], table.get("step"), table.get("log", False)
    if type(log) is not bool:
        raise InputError(f"{place}: log: found {as_written(log)}, wanted true or false")
    _check_ends(low, high, log, place)
    if step is not None:
        _check_step(step, low, high, (int,) if kind is int else (int, float), log, place)
    if kind is int:
        return IntDistribution(low, high, log=log, step=1 if step is None else step)
    return FloatDistribution(float(low), float(high), log=log, step=step)


def _check_whole_numbers(value: Any, place: str) -> None:
    """Refuse whole numbers, anywhere in a table, that are too large to be sampled: TOML has them of any size."""
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise InputError(f"{place}: found a whole number beyond {MAX_INTEGER:,}; give a smaller one")
    if isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            _check_whole_numbers(inner, place)


def _check_ends(low: float, high: float, log: bool, place: str) -> None:
    if low > high:
        raise InputError(f"{place}: low {low} is above high {high}; exchange them")
    if log and low <= 0:
        raise InputError(f"{place}: found low = {low} with log = true, wanted more than 0")


def _check_step(step: Any, low: float, high: float, kinds: tuple[type, ...], log: bool, place: str) -> None:
    if log:
        raise InputError(f"{place}: has step and log = true; leave out one of them")
    if type(step) not in kinds or not 0 < step <= high - low:
        wanted = "a whole number" if kinds == (int,) else "a number"
        raise InputError(f"{place}: step: found {as_written(step)}, wanted {wanted} above 0, at most {high - low:g}")
    first, last, width = (Fraction(str(value)) for value in (low, high, step))  # 0.7 - 0.1 is no 0.6 in binary
    num_steps = (last - first) / width
    if num_steps > MAX_INTEGER:
        raise InputError(f"{place}: step: found {step}, too small between {low} and {high}; leave it out")
    if num_steps.denominator > 1:
        reached = f"{float(first + int(num_steps) * width):.12g}"
        raise InputError(
            f"{place}: step: found {step}, which leads from low {low} to {reached} and not to high {high}; "
            f"give high = {reached}, or another step"
        )


def _choices(name: str, table: Mapping[str, Any], config_class: type[Settings], place: str) -> BaseDistribution:
    if len(table) > 1:
        raise InputError(f"{place}: choices stand alone, without low and high")
    values = table["choices"]
    if not isinstance(values, list) or not values:
        raise InputError(f"{place}: found {excerpt(str(values))}, wanted a list of choices")
    for value in values:
        _check(name, value, config_class, place)
        if values.count(value) > 1:
            raise InputError(f"{place}: {as_written(value)} stands twice among the choices; leave out one")
    return CategoricalDistribution(values)


def _check(name: str, value: Any, config_class: type[Settings], place: str) -> None:
    """Make sure that a setting may have a value."""
    try:
        make_config(config_class, {name: value})
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values without the rounding errors of steps.

    >>> plain({"dropout": 0.1 + 0.2})
    {'dropout': 0.3}
    """
    return {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in values.items()}


def with_values(config: Any, values: Mapping[str, Any]) -> Any:
    """The settings of a trial.

    Args:
        config: the settings that all trials share.
        values: those that the trial was given.
    Raises:
        InputError: settings that exclude each other.
    """
    settings = dataclasses.replace(config, **values)
    settings.validate()
    return settings


def describe(space: Space) -> dict[str, str]:
    """Each setting's values in words, for the report."""
    return {name: _in_words(values) for name, values in space.items()}


def _in_words(values: BaseDistribution) -> str:
    if isinstance(values, CategoricalDistribution):
        return " | ".join(map(str, values.choices))
    assert isinstance(values, IntDistribution | FloatDistribution)
    step = f" in steps of {values.step:g}" if values.step not in (None, 1) else ""
    return f"{values.low:g} to {values.high:g}{step}{', on a logarithmic scale' if values.log else ''}"
