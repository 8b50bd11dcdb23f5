"""Mutations of a bundle's JSON, with new hashes: odd values, keys gone or doubled, lists of another length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.base_bundles import MANIFEST, rehash
from tests.fuzz.outside import Canaries

MARK = "@@odd@@"
DEEP = 100_000
ODD_VALUES = (
    "null", "true", "false", "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e308", "1e-320", "-1", "0", "-0.0",
    "1", "2", "1.5", "999999999", "-2147483649", "4294967296", "18446744073709551616", "1e10", '""', '" "', '"x"',
    '"1"', '"null"', '"NaN"', r'"\u0000"', r'"\ud800"', r'"\u001b[31mred\u0007"', r'"\u202eabc"', '"../outside"', '"/"',
    '"float32"', '"int64"', '"float8"', '"Lambda"', '"linear"', "[]", "{}", "[[]]", "[{}]", "[null]", "[1,2,3]",
    '{"a":1}', "not JSON",
)  # fmt: skip
LONG_VALUES = {
    "an integer of 5,000 digits": "9" * 5000,
    "a float of 5,000 digits": "0." + "3" * 5000,
    "a text of 1 MB": json.dumps("x" * 1_000_000),
    "a line of escape sequences": json.dumps("\x1b]0;title\x07" * 1000),
    f"{DEEP:,} brackets": "[" * DEEP + "]" * DEEP,
    f"{DEEP:,} braces": '{"a":' * DEEP + "1" + "}" * DEEP,
    "500 brackets": "[" * 500 + "]" * 500,
    "a list of 100,000 numbers": json.dumps(list(range(100_000))),
}


def nodes(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a JSON document."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, child in list(pairs):
        yield content, key
        yield from nodes(child)


def write(file: Path, content: Any, raw: str = "null") -> None:
    """Write JSON in which the mark stands for a piece of text."""
    file.write_text(json.dumps(content, indent=1).replace(json.dumps(MARK), raw), encoding="utf-8")


def odd_value(rng: Random) -> tuple[str, str]:
    """A value as JSON text, and its name."""
    if rng.random() < 0.1:
        name = rng.choice(sorted(LONG_VALUES))
        return LONG_VALUES[name], name
    value = rng.choice(ODD_VALUES)
    return value, value


def choose_file(bundle: Path, rng: Random) -> Path:
    """A JSON file of the bundle; the network's more often."""
    files = sorted(bundle.glob("*.json"))
    return bundle / "model.json" if rng.random() < 0.4 else rng.choice(files)


def choose_node(content: Any, rng: Random) -> tuple[Any, Any]:
    """A place in a document; the upper ones, of which there are few, as often as the rest."""
    upper = [(content, key) for key in (content if isinstance(content, dict) else range(len(content)))]
    return rng.choice(upper if rng.random() < 0.3 else list(nodes(content)))


def change_a_value(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Put an odd value, or several, in the place of others."""
    file = choose_file(bundle, rng)
    content = json.loads(file.read_text(encoding="utf-8"))
    raw, name = odd_value(rng)
    if rng.random() < 0.03:
        file.write_text(raw, encoding="utf-8")
        done = "all of it"
    else:
        container, key = choose_node(content, rng)
        container[key] = MARK
        done = f"{key!r}"
        write(file, content, raw)
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {done} is {name}", ""


def change_a_number(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Change a number to a near one, or turn a switch."""
    file = choose_file(bundle, rng)
    content = json.loads(file.read_text(encoding="utf-8"))
    places = [(c, k) for c, k in nodes(content) if isinstance(c[k], int | float)]
    if not places:
        return "nothing to change", ""
    container, key = rng.choice(places)
    old = container[key]
    container[key] = (not old) if isinstance(old, bool) else rng.choice((old + 1, old - 1, -old, old * 1000, old / 3))
    write(file, content)
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {key!r} from {old} to {container[key]}", ""


def change_keys(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Take a key out, name it otherwise, write it twice."""
    file = choose_file(bundle, rng)
    content = json.loads(file.read_text(encoding="utf-8"))
    places = [(c, k) for c, k in nodes(content) if isinstance(c, dict)]
    if not places:
        return "nothing to change", ""
    container, key = rng.choice(places)
    way = rng.choice(("without", "renamed", "doubled", "added"))
    raw, name = odd_value(rng)
    if way == "without":
        del container[key]
    elif way == "renamed":
        container[rng.choice((key + "x", "", "class_name", "\ud800", "\x1b[31m", "lora_rank"))] = container.pop(key)
    elif way == "doubled":
        container[MARK] = container.pop(key)
        write(file, content, f"{json.dumps(key)}: {raw}, {json.dumps(key)}")
    else:
        container[rng.choice(("lora_rank", "quantization_config", "dtype", "seed", "extra"))] = MARK
    if way != "doubled":
        write(file, content, raw)
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {key!r} {way}, {name}", ""


def change_a_list(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Shorten, lengthen, reverse or shuffle a list."""
    file = choose_file(bundle, rng)
    content = json.loads(file.read_text(encoding="utf-8"))
    lists = [c[k] for c, k in nodes(content) if isinstance(c[k], list)]
    chosen = rng.choice([*lists, *([content] if isinstance(content, list) else [])] or [[]])
    way = rng.choice(("shorter", "empty", "longer", "reversed", "shuffled", "doubled"))
    if way == "shorter":
        del chosen[rng.randrange(len(chosen)) if chosen else 0 :]
    elif way == "empty":
        chosen.clear()
    elif way == "longer":
        chosen.append(json.loads(rng.choice(("null", "0", "1", '"x"', "{}", "[]"))))
    elif way == "reversed":
        chosen.reverse()
    elif way == "shuffled":
        rng.shuffle(chosen)
    else:
        chosen.extend(list(chosen))
    write(file, content)
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: a list {way}", ""


def change_the_text(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Another encoding, a comment, two documents, nothing at all."""
    file = choose_file(bundle, rng)
    text = file.read_text(encoding="utf-8")
    ways = {
        "UTF-16": text.encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "Latin-1": text.replace("a", "é").encode("latin-1", "replace"),
        "empty": b"",
        "white space": b" \n" * 1000,
        "twice": (text + text).encode(),
        "a comment": b"// comment\n" + text.encode(),
        "single quotes": text.replace('"', "'").encode(),
        "NUL bytes at the end": text.encode() + b"\0" * 100,
        "surrogates in UTF-8": text.replace("a", "\ud800", 1).encode("utf-8", "surrogatepass"),
    }
    way = rng.choice(sorted(ways))
    file.write_bytes(ways[way])
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {way}", ""
