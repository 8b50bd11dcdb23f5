"""Where the program may write, and how: nothing of the user's is lost, whatever is there and whenever a run is killed.

    check_bundle_place, check_file_place, check_report_place     may we write there? asked before any work is done
    claim                                                        reserve the place; a second run is told so
    replace_folder, replace_file                                 fill a new one, ask again, put it in place

A claimed place has a workspace beside it, `.NAME.unfinished/`: a marker of ours, locked as long as the process lives,
`new`, which is being filled, and `old`, what stood there before. Two renames put `new` in place:

    NAME -> .NAME.unfinished/old        .NAME.unfinished/new -> NAME

Whoever is killed between them leaves both in the workspace; the next one that looks for NAME does the second rename
(`recover`). We delete only workspaces, known by their marker, and bundles that are as we saved them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from common.bundles.file_names import MANIFEST_FILE
from common.errors import InputError, excerpt
from common.files import check_writable
from common.text.readers import sha256_of

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, two runs can be in each other's way
    fcntl = None  # type: ignore[assignment]

MARKER = ".rnn-language"  # in every folder that is ours to delete
OURS = re.compile(r"new|old|partial|epoch-\d+")  # what we write into such a folder
MAX_MANIFEST_BYTES = 1 << 20
REPORT_FILE = "report.html"
REPORT_MARK = '<meta name="generator" content="rnn-language">'
SECONDS_OF_A_SAVE = 2.0  # more than another process needs between two renames
KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "block device",
}


# -- May we write there? --------------------------------------------------------------------------------------------


def resolve(path: Path) -> Path:
    """Follow symbolic links: what is written goes where they lead, and they stay.

    Raises:
        InputError: a link that leads nowhere, or to itself.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        raise InputError(f"{path}: a symbolic link that leads to itself; choose another place") from None
    if path.is_symlink() and not target.exists():
        raise InputError(f"{path}: a symbolic link to {target}, which is not there; make it, or choose another place")
    return target


def kind_of(path: Path) -> str | None:
    """What stands at a path, links not followed: "file", "folder", "FIFO", …; None if nothing does."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return KINDS.get(stat.S_IFMT(mode), "link or something else")


def check_bundle_place(path: Path, overwrite: bool = False, option: str = "--output-dir") -> None:
    """Make sure that a bundle may be written at `path`: nothing is there, an empty folder, or a bundle to be replaced.

    Args:
        path: the folder; links are followed.
        overwrite: whether a bundle there may be replaced; it must be as it was saved, with no file beside its own.
        option: that names the place.
    Raises:
        InputError: something else is there, or nothing can be written.
    """
    target = resolve(path)
    kind = kind_of(target)
    if kind not in (None, "folder"):
        raise InputError(f"{path}: is a {kind}; name a new folder with {option}, nothing there was touched")
    check_not_inside(target, option)
    if kind == "folder" and any(target.iterdir()):
        if not is_bundle(target):
            raise InputError(f"{path}: holds files that are no bundle; choose a new folder, nothing there was touched")
        if foreign := foreign_file(target):
            raise InputError(
                f"{path}: {foreign}, which would be lost; move it away, or choose a new folder; nothing was touched"
            )
        if not overwrite:
            raise InputError(f"{path}: holds a finished model; add --overwrite to replace it, or choose a new folder")
    check_writable(target, option)


def check_not_read(folder: Path, read: Iterable[Path], option: str = "--output-dir") -> None:
    """Make sure that no file that a command reads lies in the folder that it will replace.

    Raises:
        InputError: one does.
    """
    target = resolve(folder)
    for source in read:
        if source.is_file() and target in source.resolve().parents:
            raise InputError(f"{source}: lies in {folder}, which will be replaced; choose another {option}")


def check_not_inside(target: Path, option: str) -> None:
    """Refuse to exchange the folder that the user is in: the shell would stay in the one that is removed.

    Raises:
        InputError: it is that folder, or one above it.
    """
    here = Path.cwd()
    if target == here or target in here.parents:
        raise InputError(f"{target}: you are in this folder; leave it first, or choose another {option}")


def check_new_place(path: Path, option: str = "--output") -> None:
    """Make sure that nothing is at `path` yet and that it can be written.

    Raises:
        InputError: something is there, or nothing can be written.
    """
    if kind_of(path) is not None:
        raise InputError(f"{path}: exists already; choose a new name, nothing there was touched")
    check_writable(path, option)


def check_file_place(path: Path, read: Iterable[Path] = (), option: str = "--output") -> None:
    """Make sure that answers may be written to `path`: nothing is there, a file, or a stream such as a pipe.

    Args:
        path: the file; links are followed.
        read: files that the command reads, and folders of bundles: none of them may be written over.
        option: that names the place.
    Raises:
        InputError: it would be lost, or nothing can be written.
    """
    target = resolve(path)
    kind = kind_of(target)
    if kind == "folder":
        raise InputError(f"{path}: is a folder; name a file with {option}")
    if kind not in (None, "file", "FIFO", "device"):
        raise InputError(f"{path}: is a {kind}; name a file with {option}, nothing there was touched")
    if kind == "file" and _is_standard_input(target):
        raise InputError(f"{path}: is read by this command, as standard input; name another file with {option}")
    for source in read:
        if source.exists() and (source.resolve() == target or (kind == "file" and source.samefile(target))):
            raise InputError(f"{path}: is read by this command; name another file with {option}")
        if is_bundle(source) and source.resolve() in target.parents:
            raise InputError(f"{path}: lies inside the model {source}; name a file elsewhere with {option}")
    if kind in (None, "file"):
        check_writable(target, option)


def _is_standard_input(file: Path) -> bool:
    """Whether a file is what `< FILE` behind a command reads."""
    try:
        return os.path.samestat(os.fstat(0), file.stat())
    except OSError:  # closed
        return False


def check_report_place(folder: Path, read: Iterable[Path] = (), option: str = "--report") -> None:
    """Make sure that a report may be written into a folder: it is new, or holds no `report.html` but one of ours.

    Args:
        folder: for the report.
        read: files that the command reads: none of them may be written over.
        option: that names the place.
    Raises:
        InputError: something of the user's is in the way, or nothing can be written.
    """
    target = resolve(folder)
    kind = kind_of(target)
    if kind not in (None, "folder"):
        raise InputError(f"{folder}: is a {kind}; name a folder with {option}")
    file = target / REPORT_FILE
    kind = kind_of(file)
    if kind is not None and not (kind == "file" and _is_our_report(file)):
        raise InputError(f"{folder / REPORT_FILE}: not a report of this program; choose another folder with {option}")
    if kind is not None and any(source.exists() and source.samefile(file) for source in read):
        raise InputError(f"{folder / REPORT_FILE}: is read by this command; choose another folder with {option}")
    check_writable(file, option)


def _is_our_report(file: Path) -> bool:
    with open(file, "rb") as content:
        return REPORT_MARK.encode() in content.read(1000)


def is_bundle(folder: Path) -> bool:
    """Whether a folder has the manifest of a bundle."""
    return manifest_in(folder) is not None


def manifest_in(folder: Path) -> dict[str, Any] | None:
    """The manifest of a bundle; None if there is none, or something else of that name."""
    file = folder / MANIFEST_FILE
    if kind_of(file) != "file" or file.stat().st_size > MAX_MANIFEST_BYTES:
        return None
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(manifest, dict) or type(manifest.get("format_version")) is not int:
        return None
    files = manifest.get("files")
    has_files = isinstance(files, dict) and all(isinstance(entry, dict) for entry in files.values())
    return manifest if has_files and isinstance(manifest.get("task"), str) else None


def foreign_file(folder: Path) -> str | None:
    """Say what a bundle's folder holds that was not saved with the bundle; None if there is nothing."""
    files = (manifest_in(folder) or {"files": {}})["files"]
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        kind = kind_of(file)
        if kind == "folder" and any(listed.startswith(f"{name}/") for listed in files):
            continue
        if kind != "file" or name not in (*files, MANIFEST_FILE):
            return f"holds {excerpt(name)}, which is no part of the model"
        if name in files and not _is_as_saved(file, files[name]):
            return f"holds {excerpt(name)}, changed since the model was saved"
    return None


def _is_as_saved(file: Path, entry: dict[str, Any]) -> bool:
    return file.stat().st_size == entry.get("size") and sha256_of(file) == entry.get("sha256")


# -- Reserve a place ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A place that this process has claimed: its path, links resolved, and the workspace beside it."""

    target: Path
    workspace: Path

    @property
    def new(self) -> Path:
        """What will take the place."""
        return self.workspace / "new"

    @property
    def old(self) -> Path:
        """What stood there before."""
        return self.workspace / "old"


_claimed: dict[Path, Place] = {}  # by this process


def workspace_of(target: Path) -> Path:
    """The workspace of a place."""
    return target.with_name(f".{target.name}.unfinished")


@contextmanager
def claim(path: Path) -> Iterator[Place]:
    """Reserve a place to write, until the block ends or the process does; within the block it may be claimed again.

    What a killed save left is put in order first. Folders on the way are made, and removed if nothing came into them.

    Raises:
        InputError: another run has claimed it.
    """
    target = resolve(path.absolute())
    if target in _claimed:
        yield _claimed[target]
        return
    check_writable(target, "place")
    made = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = _lock(workspace_of(target))
        if lock is None:
            raise InputError(f"{path}: another run is writing there; wait until it ends, or choose another place")
        place = _claimed[target] = Place(target, workspace_of(target))
        try:
            _put_in_order(place)
            yield place
        finally:
            del _claimed[target]
            _unlock(place.workspace, lock)
    finally:
        for parent in made:
            with suppress(OSError):
                parent.rmdir()


@contextmanager
def claim_all(paths: Iterable[Path | None]) -> Iterator[None]:
    """Reserve several places, those that are None left aside."""
    with ExitStack() as stack:
        for path in filter(None, paths):
            stack.enter_context(claim(path))
        yield


def recover(path: Path) -> None:
    """Put in place what a killed save left beside it, if nothing is at `path`; else do nothing."""
    with suppress(OSError, RuntimeError):
        target = path.resolve()
        workspace = workspace_of(target)
        end = time.monotonic() + SECONDS_OF_A_SAVE
        while kind_of(target) is None and is_ours(workspace) and time.monotonic() < end:
            lock = _lock(workspace)
            if lock is None:  # a save that goes on at this moment
                time.sleep(0.02)
                continue
            _put_in_order(Place(target, workspace))
            _unlock(workspace, lock)
            return


def is_ours(folder: Path) -> bool:
    """Whether a folder has our marker; or is empty, as one that has just been made."""
    return kind_of(folder) == "folder" and (kind_of(folder / MARKER) == "file" or not any(folder.iterdir()))


def make_ours(folder: Path) -> None:
    """Make a folder that bears our marker; it may be there.

    Raises:
        InputError: somebody else's is in the way.
    """
    with suppress(FileExistsError):
        folder.mkdir()
    if kind_of(folder) is not None and not is_ours(folder):
        raise InputError(f"{folder}: in the way, and not made by this program; move it, or choose another place")
    (folder / MARKER).touch()


def remove_ours(folder: Path) -> None:
    """Remove what we wrote into a folder that bears our marker, which goes last; and the folder, if nothing is left."""
    if kind_of(folder / MARKER) != "file":
        return
    for entry in folder.iterdir():
        if not OURS.fullmatch(entry.name):
            continue
        if kind_of(entry) == "folder":
            shutil.rmtree(entry)
        else:
            entry.unlink()
    (folder / MARKER).unlink()
    with suppress(OSError):  # something of the user's is left, or it is claimed again at this moment
        folder.rmdir()


def _lock(workspace: Path) -> int | None:
    """Make a workspace, if it is not there, and lock it; None if another process holds it."""
    while True:
        try:
            workspace.parent.mkdir(parents=True, exist_ok=True)  # another run may have removed what it had made
            make_ours(workspace)
            lock = os.open(workspace / MARKER, os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:  # removed at this moment, by the run that had it
            continue
        if fcntl is None:
            return lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        except OSError:  # a file system without locks
            return lock
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), (workspace / MARKER).stat()):
                return lock
        os.close(lock)  # of a workspace that has been removed since


def _unlock(workspace: Path, lock: int) -> None:
    try:
        remove_ours(workspace)
    finally:
        os.close(lock)


def _put_in_order(place: Place) -> None:
    """Do the second rename of a save that was killed before it, and remove what is left of any save before."""
    if kind_of(place.target) is None and kind_of(place.old) is not None:
        (place.new if kind_of(place.new) is not None else place.old).rename(place.target)
    for rest in (place.new, place.old):
        if kind_of(rest) == "folder":
            shutil.rmtree(rest)
        elif kind_of(rest) is not None:
            rest.unlink()


# -- Write ----------------------------------------------------------------------------------------------------------


@contextmanager
def replace_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a new folder to fill, which takes the place of the bundle at `path` once it is complete.

    Args:
        path: see `check_bundle_place`, which is asked once more before the exchange.
        overwrite: whether a bundle there may be replaced.
    """
    with claim(path) as place:
        place.new.mkdir()
        try:
            yield place.new
            sync(place.new)
            check_bundle_place(path, overwrite)
            _exchange(place)
        finally:
            shutil.rmtree(place.new, ignore_errors=True)


@contextmanager
def update_folder(path: Path) -> Iterator[Path]:
    """Give a copy of a folder to change, which then takes its place; files that are not changed stay the same files.

    A file in the copy may be replaced, not written into: it is another name of the one in the folder.
    """
    with claim(path) as place:
        shutil.copytree(place.target, place.new, symlinks=True, copy_function=_link)
        try:
            yield place.new
            sync(place.new)
            _exchange(place)
        finally:
            shutil.rmtree(place.new, ignore_errors=True)


@contextmanager
def replace_file(path: Path, mode: str = "wt", **options: Any) -> Iterator[IO[Any]]:
    """Open a new file, which takes the place of the one at `path` once it is complete.

    Args:
        path: a link is followed; folders on the way are made.
        mode: of `open`.
        options: of `open`.
    """
    with claim(path) as place:
        try:
            with open(place.new, mode, **options) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if kind_of(place.target) not in (None, "file"):
                raise InputError(f"{path}: is a {kind_of(place.target)} by now; choose another place, nothing was lost")
            if place.target.exists():
                shutil.copymode(place.target, place.new)
            place.new.replace(place.target)
        finally:
            place.new.unlink(missing_ok=True)


def _exchange(place: Place) -> None:
    if kind_of(place.target) is not None:
        place.target.rename(place.old)
    place.new.rename(place.target)
    if kind_of(place.old) is not None:
        shutil.rmtree(place.old)


def _link(source: str, target: str) -> None:
    """Give a file a second name; where that cannot be, copy it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def sync(folder: Path) -> None:
    """Have all files of a folder written to the disk."""
    for file in folder.rglob("*"):
        if kind_of(file) == "file":
            with open(file, "rb") as handle:
                os.fsync(handle.fileno())
