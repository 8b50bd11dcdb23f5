"""A table of the settings of a task: what each is if nobody says otherwise, the numbers it may be, who is shown it."""

from __future__ import annotations

import dataclasses

import pytest

from common.errors import InputError
from common.settings import is_basic, kind_of, make_config


def check_settings(config_class, table):
    """Hold the settings that a class declares against rows of name, default, least, most, and "shown" in `--help`.

    Limits are tried: each may be reached, and nothing lies beyond it; "-": there is none.
    """
    rows = {name: rest for name, *rest in map(str.split, table.strip().splitlines())}
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    assert rows.keys() == {name for name in fields if name in vars(config_class)["__annotations__"]}
    for name, (default, least, most, *shown) in rows.items():
        assert (name, str(fields[name].default) or "''") == (name, default)
        assert (name, is_basic(config_class, name)) == (name, shown == ["shown"])
        step = 1 if kind_of(config_class, name) is int else 0.5
        for limit, beyond in ((least, -step), (most, step)):
            number = kind_of(config_class, name)(float(limit)) if limit != "-" else None
            if number is not None:
                make_config(config_class, {name: number})
                with pytest.raises(InputError, match=r"wanted (at least|from)"):
                    make_config(config_class, {name: number + beyond})
