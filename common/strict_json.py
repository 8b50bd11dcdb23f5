"""Read JSON that somebody else wrote: of bounded size and depth, each key once, every number finite, all of it text.

Python's own parser takes `NaN`, lets the last of two equal keys win, and reads whatever size it is given.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from common.errors import InputError

MAX_BYTES = 4 << 20
MAX_DEPTH = 60  # a network of ours needs 14
LARGEST_INTEGER = 1 << 63
# Half of a surrogate pair, written as an escape: text that cannot be written again.
SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(content: bytes | bytearray, source: str, max_bytes: int = MAX_BYTES) -> Any:
    """Parse JSON.

    Args:
        content: UTF-8.
        source: the name of the file, for messages.
        max_bytes: a longer file is refused before anything is parsed.
    Raises:
        InputError: it is no JSON, or breaks one of the rules above.
    """
    check_size(content, source, max_bytes)
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=distinct_keys,
            parse_constant=refuse_constant,
            parse_int=bounded_integer,
            parse_float=finite_number,
        )
        check_depth(value, content)
        check_surrogates(value, content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}); take the file from its source again") from None
    return value


def check_size(content: bytes | bytearray, source: str, max_bytes: int) -> None:
    """Refuse a file before it is parsed: what a parser makes of it takes ten times the room."""
    if len(content) > max_bytes:
        raise InputError(f"{source}: {len(content):,} bytes, at most {max_bytes:,} are read; do not use this file")


def distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that holds a key twice: two programs may read two different files in it."""
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:40]!r} stands there twice")
    return values


def refuse_constant(name: str) -> float:
    """Refuse NaN and Infinity, which are not JSON and compare with nothing."""
    raise ValueError(f"{name} is no number")


def bounded_integer(text: str) -> int:
    """Refuse integers that no setting, size or count of ours can have."""
    if len(text) > 20 or not -LARGEST_INTEGER <= (value := int(text)) < LARGEST_INTEGER:
        raise ValueError(f"an integer of {len(text)} digits")
    return value


def finite_number(text: str) -> float:
    """Refuse 1e999, which Python reads as infinity."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def check_depth(value: Any, content: bytes | bytearray) -> None:
    """Refuse what is nested deeper than any file of ours; whoever walks through it later may recurse."""
    if content.count(b"[") + content.count(b"{") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        children = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def check_surrogates(value: Any, content: bytes | bytearray) -> None:
    """Refuse text that is no Unicode text: a half of a surrogate pair."""
    if SURROGATE_ESCAPE.search(content):
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a UnicodeEncodeError is a ValueError
