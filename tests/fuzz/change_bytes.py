"""Mutations of a bundle's bytes: flipped, cut, put in, with the old hash or a new one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.base_bundles import MANIFEST, rehash
from tests.fuzz.outside import Canaries


def change_some_bytes(content: bytes, rng: Random) -> tuple[bytes, str]:
    """Flip, cut, put in or repeat some bytes; returns the new bytes and what was done."""
    data = bytearray(content)
    ways = ("flip a bit", "flip bits", "write bytes", "cut the end", "cut a piece", "put in", "repeat", "swap")
    way = rng.choice(ways)
    place = rng.randrange(len(data)) if data else 0
    length = rng.choice((1, 2, 8, 100, 4096))
    if way == "flip a bit" and data:
        data[place] ^= 1 << rng.randrange(8)
    elif way == "flip bits" and data:
        for _ in range(rng.randrange(2, 100)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == "write bytes":
        data[place : place + length] = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"9")) * length
    elif way == "cut the end":
        del data[place:]
    elif way == "cut a piece":
        del data[place : place + length]
    elif way == "put in":
        data[place:place] = rng.randbytes(length)
    elif way == "repeat":
        data += data[place : place + 65536]
    else:
        other = rng.randrange(len(data)) if data else 0
        data[place : place + length], data[other : other + length] = (
            data[other : other + length],
            data[place : place + length],
        )
    return bytes(data), f"{way} at {place:,}"


def change_bytes_with_old_hash(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """The manifest tells of it."""
    file = rng.choice([file for file in sorted(bundle.iterdir()) if file.name != MANIFEST])
    content = file.read_bytes()
    changed, done = change_some_bytes(content, rng)
    file.write_bytes(changed)
    return f"{file.name}: {done}", "a hash is wrong" if changed != content else ""


def change_bytes_with_new_hash(bundle: Path, rng: Random, outside: Canaries) -> tuple[str, str]:
    """Nobody can tell by the hashes; half of the time it is the weights, whose format is the most intricate."""
    file = bundle / "model.weights.h5" if rng.random() < 0.5 else rng.choice(sorted(bundle.iterdir()))
    changed, done = change_some_bytes(file.read_bytes(), rng)
    file.write_bytes(changed)
    if file.name != MANIFEST:
        rehash(bundle)
    return f"{file.name}: {done}", ""
