"""JSON: read what somebody else wrote, of bounded size and depth, each key once, every number finite; write our own.

Python's own parser takes `NaN`, lets the last of two equal keys win, and reads whatever size it is given: 32 MB of
empty lists become a gigabyte.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from common.errors import InputError, excerpt
from common.files import check_file

MAX_BYTES = 4 << 20
MAX_PARTS = 200_000  # lists, objects and keys; a network of ours has 1,400, a vocabulary has tokens like "12:30"
MAX_DEPTH = 60  # a network of ours needs 14
LARGEST_INTEGER = 1 << 63
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


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
    check_num_parts(content, source)
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=distinct_keys,
            parse_constant=refuse_constant,
            parse_int=bounded_integer,
            parse_float=finite_number,
        )
        check_depth(value, content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}); take the file from its source again") from None
    return value


def check_size(content: bytes | bytearray, source: str, max_bytes: int) -> None:
    """Refuse a file before it is parsed: what a parser makes of it takes ten times the room."""
    if len(content) > max_bytes:
        raise InputError(f"{source}: {len(content):,} bytes, at most {max_bytes:,} are read; do not use this file")


def check_num_parts(content: bytes | bytearray, source: str) -> None:
    """Refuse more lists and objects than a file of ours has, before they are made: each takes a hundred bytes."""
    num_parts = sum(map(content.count, (b"[", b"{", b":")))
    if num_parts > MAX_PARTS:
        raise InputError(
            f"{source}: {num_parts:,} times [ {{ or :, at most {MAX_PARTS:,} lists, objects and keys are read; "
            "take the file from its source again"
        )


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


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, into a folder that is being filled; half of a surrogate pair becomes U+FFFD."""
    path.unlink(missing_ok=True)  # never into a file that has another name, too
    path.write_text(LONE_SURROGATE.sub("\ufffd", text), encoding="utf-8")


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Write JSON that a person can read; half of a surrogate pair, which UTF-8 does not have, is written as an escape.

    It can come from JSON that somebody gave us, or stand for a byte of a file name that is not UTF-8.
    """
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    write_text(path, LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


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
