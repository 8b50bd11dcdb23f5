"""The token cache: whatever its files hold, the tokens are right; it keeps to its limit and to its own files."""

from __future__ import annotations

import os
import random
import socket
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from common.text import token_cache, tokenization
from common.text.token_cache import HEADER, cache_folder, read_tokens, write_tokens
from common.text.tokenization import load_pipeline, tokenize_cached
from tests.programs import command_of

KEY = bytes(range(32))
TOKENS = [["so", "good", "!"], [], ["é", "so"]]
TEXTS = ["so good!", "  ", "é so"]
CHARACTERS = np.array([len(text) for text in TEXTS], np.int64)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def entry(folder):
    write_tokens(KEY, TOKENS)
    assert read_tokens(KEY, CHARACTERS) == TOKENS
    [path] = folder.iterdir()
    return path


def test_any_changed_byte_is_noticed(entry):
    whole = entry.read_bytes()
    for place in range(len(whole)):
        for change in (1, 0x80, 0xFF):
            entry.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
            assert read_tokens(KEY, CHARACTERS) is None, (place, change)
    for size in range(len(whole)):
        entry.write_bytes(whole[:size])
        assert read_tokens(KEY, CHARACTERS) is None, size
    entry.write_bytes(whole + b"x")
    assert read_tokens(KEY, CHARACTERS) is None
    entry.write_bytes(whole)
    assert read_tokens(KEY, CHARACTERS) == TOKENS


def forge(path, vocabulary=b"so\ngood\n!", numbers=(0, 1, 2, 0), lengths=(3, 0, 1), sizes=None):
    """An entry with the right checksum, as somebody else may make it."""
    body = vocabulary + np.array(numbers, "<i4").tobytes() + np.array(lengths, "<i4").tobytes()
    sizes = sizes or (len(vocabulary), len(numbers), len(lengths))
    path.write_bytes(HEADER.pack(token_cache._checksum(KEY, sizes, body), *sizes) + body)


@pytest.mark.parametrize(
    "parts",
    [
        {"numbers": (0, 1, 2, 3)},
        {"numbers": (0, 1, 2, -1)},
        {"numbers": (0, 1, 2, 2**31 - 1)},
        {"numbers": (0, 1, 2)},
        {"numbers": (0, 1, 2, 0, 0)},
        {"lengths": (3, 0, 2)},
        {"lengths": (5, -2, 1)},
        {"lengths": (0, 3, 1)},  # the second text has two characters
        {"lengths": (3, 1)},
        {"lengths": (3, 0, 1, 0)},
        {"lengths": ()},
        {"vocabulary": b"so\n\n!"},
        {"vocabulary": b""},
        {"vocabulary": b"so\n\xff\n!"},
        {"vocabulary": b"so\n\xed\xa0\x80\n!"},  # half of a surrogate pair
        {"vocabulary": b"x" * 1000},
        {"sizes": (-7, 8, 3)},
        {"sizes": (9, 2**62, 3)},
        {"sizes": (2**62, 4, 3)},
        {"sizes": (9, 4, -1)},
        {"sizes": (13, 3, 3)},
        {"sizes": (9, 4, 3), "lengths": (3, 0)},  # shorter than it declares
        {"sizes": (9, 4, 3), "lengths": (3, 0, 1, 0)},  # longer
    ],
)
def test_an_entry_of_anothers_making_must_fit_the_texts(entry, parts):
    forge(entry)
    assert read_tokens(KEY, CHARACTERS) == [["so", "good", "!"], [], ["so"]]
    forge(entry, **parts)
    assert read_tokens(KEY, CHARACTERS) is None


def test_an_entry_under_another_name_is_not_read(entry):
    other = bytes(32)
    entry.replace(entry.with_name(f"tokens-{other.hex()}.bin"))
    assert read_tokens(other, CHARACTERS) is None


@pytest.mark.parametrize("sizes", [(1 << 39, 10, 3), (10, 1 << 37, 3), (10, 10, 1 << 37)])
def test_memory_is_bounded_by_the_texts(entry, sizes):
    with open(entry, "r+b") as file:
        file.write(HEADER.pack(bytes(32), *sizes))
        file.truncate(HEADER.size + sizes[0] + 4 * sizes[1] + 4 * sizes[2])  # half a terabyte, none of it on the disk
    tracemalloc.start()
    assert read_tokens(KEY, CHARACTERS) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def put_folder(path, outside):
    path.mkdir()
    (path / "kept").write_text("kept")


def put_link(path, outside):
    path.symlink_to(outside)


def put_pipe(path, outside):
    os.mkfifo(path)


def put_socket(path, outside):
    with socket.socket(socket.AF_UNIX) as plug:
        here = os.open(path.parent, os.O_RDONLY)  # a socket's name may have 107 characters
        plug.bind(f"/proc/self/fd/{here}/{path.name[:50]}")
        os.close(here)
    path.with_name(path.name[:50]).rename(path)


@pytest.mark.parametrize("put", [put_folder, put_link, put_pipe, put_socket])
def test_what_is_no_file_stops_nothing(folder, put, tmp_path):
    expected = tokenize_cached(TEXTS, load_pipeline())
    [path] = folder.iterdir()
    outside = tmp_path / "outside"
    path.replace(outside)
    whole = outside.read_bytes()
    put(path, outside)
    assert tokenize_cached(TEXTS, load_pipeline()) == expected
    assert outside.read_bytes() == whole
    if put is put_folder:
        assert (path / "kept").read_text() == "kept"
    else:
        assert not path.is_symlink()
        assert path.read_bytes() == whole
    assert len(list(folder.iterdir())) == 1, "nothing half-written is left"


def test_a_damaged_entry_is_made_anew_and_a_good_one_is_not(folder, monkeypatch):
    expected = tokenize_cached(TEXTS, load_pipeline())
    [path] = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x07")
    assert tokenize_cached(TEXTS, load_pipeline()) == expected
    assert path.read_bytes() == whole
    monkeypatch.setattr(tokenization, "tokenize_all", None)
    assert tokenize_cached(TEXTS, load_pipeline()) == expected


def test_where_one_text_ends_counts(folder):
    pipeline = load_pipeline()
    assert tokenize_cached(["a\0b", "cd e"], pipeline) == [["a", "b"], ["cd", "e"]]
    assert tokenize_cached(["a", "b\0cd e"], pipeline) == [["a"], ["b", "cd", "e"]]


def keys(number):
    return [bytes([i]) * 32 for i in range(number)]


def test_the_least_recently_used_entries_make_room(folder, monkeypatch):
    first, second, third, fourth = keys(4)
    for age, key in enumerate((third, second, first)):
        write_tokens(key, TOKENS)
        os.utime(folder / f"tokens-{key.hex()}.bin", (1e9 + age, 1e9 + age))
    size = (folder / f"tokens-{first.hex()}.bin").stat().st_size
    assert read_tokens(third, CHARACTERS) == TOKENS  # the oldest one is used
    monkeypatch.setattr(token_cache, "MAX_CACHE_BYTES", 3 * size)
    write_tokens(fourth, TOKENS)
    assert [read_tokens(key, CHARACTERS) is not None for key in (first, second, third, fourth)] == [
        True,
        False,
        True,
        True,
    ]
    monkeypatch.setattr(token_cache, "MAX_CACHE_BYTES", size - 1)
    write_tokens(second, TOKENS)
    assert read_tokens(second, CHARACTERS) is None, "larger than the limit: not written"
    assert len(list(folder.iterdir())) == 3


def test_only_files_of_the_cache_are_removed(folder, monkeypatch, tmp_path):
    folder.mkdir()
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * 1000)
    name = f"tokens-{'0' * 64}"
    kept = [
        "notes.txt",
        "tokens-1.bin",
        f"{name}.bin.old",
        f"x{name}.bin",
        f"tokens-{'g' * 64}.bin",
        f"{name}.new.partial",
    ]
    gone = [f"{name}.bin", f"{name}.npz", f"{name}.left.partial"]
    for file in (*kept, *gone):
        (folder / file).write_bytes(b"x" * 1000)
        if not file.endswith("new.partial"):
            os.utime(folder / file, (1e9, 1e9))
    (folder / f"tokens-{'1' * 64}.bin").symlink_to(outside)
    (folder / f"tokens-{'2' * 64}.bin").mkdir()
    monkeypatch.setattr(token_cache, "MAX_CACHE_BYTES", 1000)
    write_tokens(KEY, TOKENS)
    assert outside.read_bytes() == b"x" * 1000
    links = [f"tokens-{'1' * 64}.bin", f"tokens-{'2' * 64}.bin"]
    assert {path.name for path in folder.iterdir()} == {*kept, *links, f"tokens-{KEY.hex()}.bin"}


def test_many_at_once(folder, monkeypatch):
    """Entries come and go under the readers: each answer is right or none."""
    data = {key: [[f"{key.hex()}{i}"] * (i % 5) for i in range(50)] for key in keys(6)}
    characters = np.full(50, 1000, np.int64)
    write_tokens(KEY, data[keys(1)[0]])
    [path] = folder.iterdir()
    monkeypatch.setattr(token_cache, "MAX_CACHE_BYTES", 3 * path.stat().st_size)

    def use(seed):
        rng, hits = random.Random(seed), 0
        for _ in range(100):
            key = rng.choice([*data])
            found = read_tokens(key, characters)
            assert found is None or found == data[key]
            hits += found is not None
            if found is None:
                write_tokens(key, data[key])
        return hits

    with ThreadPoolExecutor(8) as threads:
        hits = sum(threads.map(use, range(8)))
    assert 0 < hits < 800
    assert len(list(folder.iterdir())) <= 4
    assert not list(folder.glob("*.partial"))


def test_it_can_be_turned_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN_CACHE", "off")
    assert tokenize_cached(["So good!"], load_pipeline()) == [["So", "good", "!"]]
    assert list(tmp_path.iterdir()) == []


def test_where_it_is(tmp_path, monkeypatch):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("TOKEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "rnn-language"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "rnn-language"

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder() is None
    assert tokenize_cached(["So good!"], load_pipeline()) == [["So", "good", "!"]]


def test_a_name_too_long_is_no_error(monkeypatch):
    monkeypatch.setenv("TOKEN_CACHE", "x" * 5000)
    assert tokenize_cached(["So good!"], load_pipeline()) == [["So", "good", "!"]]


@pytest.mark.parametrize(
    "program",
    [
        "sentiment.train",
        "sentiment.evaluate",
        "language_model.train",
        "language_model.evaluate",
        "language_model.word_vectors",
        "language_model.generate",
    ],
)
def test_help_says_where_it_is_and_how_to_turn_it_off(program, capsys):
    with pytest.raises(SystemExit):
        command_of(program)(["--help"])
    shown = capsys.readouterr().out
    assert "~/.cache/rnn-language" in shown
    assert "1 GB at most" in shown
    assert "TOKEN_CACHE=off" in shown
