"""Places that files are read from and written to: a folder of this machine, or any URL that fsspec knows.

    find_files("reviews/")      find_files("s3://bucket/reviews/*.jsonl")      open_store("gs://bucket/rated")

A file appears under its name only when it is complete. It is written under a name of its own, one that nobody else has,
and renamed; an object store copies it there, which is as whole. So whoever is killed leaves nothing half-written, and
two that write the same file at one time are not in each other's way: the later rename wins.
"""

from __future__ import annotations

import contextlib
import glob
import importlib
import io
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from common.errors import InputError
from common.files import check_file

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
UNFINISHED = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.unfinished")
# What `pip install` of this project brings the file system of a URL; of others the package that fsspec names.
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


def is_url(place: str) -> bool:
    """Whether a place is a URL rather than a path.

    >>> is_url("s3://bucket/a"), is_url("C:/a"), is_url("a")
    (True, False, False)
    """
    return URL.match(place) is not None


@dataclass(frozen=True)
class InputFile:
    """A file of a corpus: where it is, its name within the corpus, its size in bytes."""

    url: str
    name: str
    size: int


def find_files(place: str) -> list[InputFile]:
    """The files of a corpus, in the order of their names; those that begin with a dot or an underscore are left out.

    Args:
        place: a file, a folder, with all below it, or a pattern such as `2024/*.csv`; a path or a URL.
    Raises:
        InputError: there is none.
    """
    found = _find_remote(place) if is_url(place) else _find_local(place)
    visible = [file for file in found if not any(part[:1] in (".", "_") for part in file.name.split("/"))]
    if not visible:
        raise InputError(f"{place}: no file is there; give a file, a folder, or a pattern in quotes, such as 'a/*.csv'")
    return sorted(visible, key=lambda file: file.name)


def _find_local(place: str) -> list[InputFile]:
    if not place:
        raise InputError("--input: found an empty name; give a file, a folder or a pattern")
    path = Path(place)
    if path.is_dir():
        root, paths = path, _files_below(path)
    elif glob.has_magic(place) and not path.exists():
        root = Path(*_fixed_part(path.parts))
        try:
            paths = [each for each in root.glob(path.relative_to(root).as_posix()) if each.is_file()]
        except (ValueError, NotImplementedError) as error:
            raise InputError(f"{place}: {error}; write a pattern such as 'a/*.csv'") from None
    else:
        check_file(path)
        if not path.is_file():
            raise InputError(f"{path}: can be read once only; a corpus is read twice, so write it to a file first")
        root, paths = path.parent, [path]
    return [InputFile(str(each), each.relative_to(root).as_posix(), each.stat().st_size) for each in paths]


def _files_below(folder: Path) -> list[Path]:
    """All files below a folder; links to folders are not followed.

    Raises:
        InputError: a folder cannot be read, or something in it is no file: its texts would be missing.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); make it readable, or move it away")

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if name[0] not in "._"]
        for path in (Path(place, name) for name in [*folders, *names] if name[0] not in "._"):
            if path.is_symlink() and path.is_dir():
                raise InputError(
                    f"{path}: a link to a folder, which is not followed; move it away, or put the folder itself there"
                )
            if not path.is_dir():
                if not path.is_file():
                    what = "a link that leads nowhere" if path.is_symlink() else "no plain file"
                    raise InputError(f"{path}: is {what}; move it away, its texts would be missing")
                found.append(path)
    return found


def _fixed_part(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of a pattern before the first one that has a `*`."""
    number = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return parts[:number]


def _find_remote(place: str) -> list[InputFile]:
    system, path = file_system(place)
    with clear_errors(place):
        if glob.has_magic(path):
            root = "/".join(_fixed_part(tuple(path.split("/"))))
            paths = system.glob(path, detail=True)
        elif system.isdir(path):
            root, paths = path, system.find(path, detail=True)
        else:
            root, paths = str(PurePosixPath(path).parent), {path: system.info(path)}
    root = root.rstrip("/")
    return [
        InputFile(system.unstrip_protocol(name), name.removeprefix(root).lstrip("/"), info["size"])
        for name, info in paths.items()
        if info["type"] == "file"
    ]


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        InputError: the package that it needs is not installed, or it cannot be reached.
    """
    protocol = url.partition("://")[0].lower()
    extra = EXTRAS.get(protocol, "scale")
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        raise InputError(f"{url}: needs the package fsspec; pip install 'rnn-language[{extra}]'") from None
    try:
        return fsspec.url_to_fs(url)
    except ImportError as error:
        how = f"pip install 'rnn-language[{extra}]'" if protocol in EXTRAS else "install what it names"
        raise InputError(f"{url}: {error}; {how}") from None
    except ValueError as error:
        raise InputError(f"{url}: {error}; give a path, or a URL such as s3://bucket/folder") from None


@contextmanager
def clear_errors(url: str, kind: type[Exception] = Exception) -> Iterator[None]:
    """Turn what a remote store refuses, in exceptions of a kind, into one line."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{url}: no such file; check the name") from None
    except kind as error:  # each store has classes of its own
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(f"{url}: {reason}; check the name, the credentials and the network") from None


@contextmanager
def open_input(url: str) -> Iterator[IO[bytes]]:
    """Open a file to read from any place in it."""
    if not is_url(url):
        with open(url, "rb", buffering=0) as file:
            yield file  # type: ignore[misc]
        return
    system, path = file_system(url)
    with clear_errors(url), system.open(path, "rb") as file:
        yield file


def open_store(place: str) -> Folder | Remote:
    """The place that parts are written to; nothing is made yet."""
    return Remote(place.rstrip("/")) if is_url(place) else Folder(Path(place))


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that all machines of a cluster share."""

    root: Path

    def sizes(self, inner: str = "") -> dict[str, int]:
        """The files of a folder in it, by name, and their sizes; hidden ones too."""
        folder = self.root / inner
        try:
            with os.scandir(folder) as entries:
                return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
        except FileNotFoundError:
            return {}

    def is_empty(self) -> bool:
        """Whether no file is there but what a writer left that was killed."""
        return all(path.is_dir() or UNFINISHED.fullmatch(path.name) for path in self.root.rglob("*"))

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self.root / name).read_bytes()

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file to be written, which appears when it is complete."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        own = target.with_name(own_name(target.name))
        try:
            with io.BufferedWriter(_Named(own, target)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            own.replace(target)
        finally:
            own.unlink(missing_ok=True)

    def remove_unfinished(self, inner: str = "") -> None:
        """Remove what writers left that were killed."""
        for name in filter(UNFINISHED.fullmatch, self.sizes(inner)):
            (self.root / inner / name).unlink(missing_ok=True)


class _Named(io.FileIO):
    """A new file; what goes wrong while it is written names the file that it will be, not the one that is read."""

    def __init__(self, path: Path, target: Path) -> None:
        super().__init__(path, "x")
        self.target = target

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.target)) from None


@dataclass(frozen=True)
class Remote:
    """A folder of an object store or of another file system that fsspec knows."""

    root: str

    def _at(self, name: str) -> tuple[Any, str]:
        return file_system(f"{self.root}/{name}".rstrip("/"))

    def sizes(self, inner: str = "") -> dict[str, int]:
        """The files of a folder in it, by name, and their sizes; hidden ones too."""
        system, path = self._at(inner)
        with clear_errors(self.root):
            system.invalidate_cache(path)
            try:
                entries = system.ls(path, detail=True)
            except FileNotFoundError:
                return {}
        return {entry["name"].rpartition("/")[2]: entry["size"] for entry in entries if entry["type"] == "file"}

    def is_empty(self) -> bool:
        """Whether no file is there but what a writer left that was killed."""
        system, path = self._at("")
        with clear_errors(self.root):
            system.invalidate_cache(path)
            found = system.find(path) if system.exists(path) else []
        return all(UNFINISHED.fullmatch(name.rpartition("/")[2]) for name in found)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        system, path = self._at(name)
        with clear_errors(f"{self.root}/{name}"):
            return system.cat_file(path)

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file to be written, which appears when it is complete."""
        system, target = self._at(name)
        folder, _, base = target.rpartition("/")
        own = f"{folder}/{own_name(base)}"
        with clear_errors(f"{self.root}/{name}"):
            system.makedirs(folder, exist_ok=True)
            file = system.open(own, "wb")
        try:
            with clear_errors(f"{self.root}/{name}", OSError):
                yield file
            with clear_errors(f"{self.root}/{name}"):
                file.close()
                try:
                    system.mv(own, target)
                except FileNotFoundError:
                    # Another run that has finished takes away what is unfinished, where all parts are there.
                    if not system.exists(target):
                        raise
        except BaseException:
            with contextlib.suppress(Exception):
                file.close()
                system.rm_file(own)
            raise

    def remove_unfinished(self, inner: str = "") -> None:
        """Remove what writers left that were killed."""
        system, path = self._at(inner)
        for name in filter(UNFINISHED.fullmatch, self.sizes(inner)):
            with clear_errors(self.root), contextlib.suppress(FileNotFoundError):
                system.rm_file(f"{path}/{name}")


def own_name(name: str) -> str:
    """A name under which nobody else writes; readers of folders pass over what begins with a dot."""
    return f".{name}.{secrets.token_hex(8)}.unfinished"
