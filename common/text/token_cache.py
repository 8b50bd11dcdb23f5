"""A cache of tokenized data sets on disk.

Its files may be damaged, made by somebody else, or removed at any moment. So an entry is read only if it is a regular
file with the right checksum whose numbers fit the texts asked for, and no more is read than these texts can have given.
Nothing that happens to the cache is an error: the texts are tokenized again.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

MAX_CACHE_BYTES = 1_000_000_000
CACHE_HELP = (
    "The tokens of whole data sets are kept in $XDG_CACHE_HOME/rnn-language (~/.cache/rnn-language),\n"
    f"{MAX_CACHE_BYTES / 1e9:g} GB at most; TOKEN_CACHE=DIR keeps them elsewhere, TOKEN_CACHE=off not at all."
)
# An entry of earlier versions ended in .npz; nobody reads those any more.
ENTRY_NAME = re.compile(r"tokens-[0-9a-f]{64}\.(?:bin|npz)")
PARTIAL_NAME = re.compile(r"tokens-[0-9a-f]{64}\.\w+\.partial")
SECONDS_TO_WRITE = 3600  # a partial file older than that was left by a process that was killed
HEADER = struct.Struct("<32s3q")  # checksum; bytes of the vocabulary, number of tokens, number of texts
NUMBER = np.dtype("<i4")
MAX_BYTES_PER_CHARACTER = 5  # of a token in the vocabulary: UTF-8, and what parts it from the next


def cache_folder() -> Path | None:
    """Where tokenized data sets are kept: `$TOKEN_CACHE`, else the user's cache folder; None: nowhere."""
    chosen = os.environ.get("TOKEN_CACHE")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rnn-language"
    except RuntimeError:  # a user without a home folder
        return None


def read_tokens(key: bytes, num_characters: np.ndarray) -> list[list[str]] | None:
    """Read an entry.

    Args:
        key: a hash of the texts and of the tokenizer.
        num_characters: the length of each text, int64 (texts,).
    Returns:
        One list of tokens for each text; None if there is no entry that can be trusted.
    """
    folder = cache_folder()
    if folder is None:
        return None
    try:
        with open(_entry(folder, key), "rb", opener=_open_itself) as file:
            content = _read_regular_file(file, num_characters)
            tokens = None if content is None else _decode(key, content, num_characters)
            if tokens is not None:
                os.utime(file.fileno())  # the least recently used entries are removed first
            return tokens
    except OSError:
        return None


def write_tokens(key: bytes, token_lists: list[list[str]]) -> None:
    """Write an entry under its name when it is complete, then remove the least recently used ones beyond the limit.

    Args:
        key: a hash of the texts and of the tokenizer.
        token_lists: the tokens of each text, none with white space in it.
    """
    folder = cache_folder()
    if folder is None:
        return
    content = _encode(key, token_lists)
    if len(content) > MAX_CACHE_BYTES:
        return
    path, partial = _entry(folder, key), None
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.NamedTemporaryFile(
                dir=folder, prefix=f"{path.stem}.", suffix=".partial", delete=False
            ) as file:
                partial = Path(file.name)
                file.write(content)
            partial.replace(path)
        finally:
            if partial is not None:
                partial.unlink(missing_ok=True)
        _remove_beyond_limit(folder, path.name)


def _entry(folder: Path, key: bytes) -> Path:
    return folder / f"tokens-{key.hex()}.bin"


def _encode(key: bytes, token_lists: list[list[str]]) -> bytes:
    """Distinct tokens once, a line each, and the texts as numbers."""
    ids: dict[str, int] = {}
    numbers = np.array([ids.setdefault(token, len(ids)) for tokens in token_lists for token in tokens], NUMBER)
    lengths = np.array([len(tokens) for tokens in token_lists], NUMBER)
    vocabulary = "\n".join(ids).encode()
    body = vocabulary + numbers.tobytes() + lengths.tobytes()
    sizes = len(vocabulary), len(numbers), len(lengths)
    return HEADER.pack(_checksum(key, sizes, body), *sizes) + body


def _checksum(key: bytes, sizes: tuple[int, ...], body: bytes | memoryview) -> bytes:
    """Over the key too: an entry under the name of another one is not read."""
    digest = hashlib.sha256(key + struct.pack("<3q", *sizes))
    digest.update(body)
    return digest.digest()


def _open_itself(path: str, flags: int) -> int:
    """Open a file but not what a link points to, and do not wait for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _read_regular_file(file: BinaryIO, num_characters: np.ndarray) -> bytes | None:
    """The content, if it is as long as it declares and no longer than the tokens of these texts can be."""
    status = os.fstat(file.fileno())
    header = file.read(HEADER.size) if stat.S_ISREG(status.st_mode) else b""
    if len(header) < HEADER.size:
        return None
    _, vocabulary_size, num_tokens, num_texts = HEADER.unpack(header)
    total = int(num_characters.sum())
    if not (
        num_texts == len(num_characters)
        and 0 <= num_tokens <= total
        and 0 <= vocabulary_size <= MAX_BYTES_PER_CHARACTER * total
        and status.st_size == HEADER.size + vocabulary_size + NUMBER.itemsize * (num_tokens + num_texts)
    ):
        return None
    content = header + file.read(status.st_size - HEADER.size)
    return content if len(content) == status.st_size else None


def _decode(key: bytes, content: bytes, num_characters: np.ndarray) -> list[list[str]] | None:
    checksum, *sizes = HEADER.unpack_from(content)
    if _checksum(key, tuple(sizes), memoryview(content)[HEADER.size :]) != checksum:
        return None
    vocabulary_size, num_tokens, num_texts = sizes
    start = HEADER.size + vocabulary_size
    try:
        vocabulary = content[HEADER.size : start].decode().split("\n") if vocabulary_size else []
    except UnicodeDecodeError:
        return None
    numbers = np.frombuffer(content, NUMBER, num_tokens, start)
    lengths = np.frombuffer(content, NUMBER, num_texts, start + numbers.nbytes)
    ends = np.cumsum(lengths, dtype=np.int64)
    if not (
        all(vocabulary)
        and ((numbers >= 0) & (numbers < len(vocabulary))).all()
        and ((lengths >= 0) & (lengths <= num_characters)).all()
        and (ends[-1] if num_texts else 0) == num_tokens
    ):
        return None
    words = np.array(vocabulary, object)[numbers].tolist()  # six times as fast as one lookup after the other
    places = ends.tolist()
    return [words[start:end] for start, end in zip([0, *places], places, strict=False)]


def _remove_beyond_limit(folder: Path, newest: str) -> None:
    """Remove the least recently used entries beyond the limit, and what killed processes left; no other file."""
    found = []
    with os.scandir(folder) as files:
        for file in files:
            is_partial = PARTIAL_NAME.fullmatch(file.name) is not None
            if not is_partial and not ENTRY_NAME.fullmatch(file.name):
                continue
            with suppress(OSError):  # another process has removed it
                status = file.stat(follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode):
                    continue
                if not is_partial:
                    found.append((file.name == newest, status.st_mtime_ns, status.st_size, file.path))
                elif status.st_mtime < time.time() - SECONDS_TO_WRITE:
                    Path(file.path).unlink()
    total = 0
    for _, _, size, path in sorted(found, reverse=True):
        total += size
        if total > MAX_CACHE_BYTES:
            with suppress(OSError):
                Path(path).unlink()
