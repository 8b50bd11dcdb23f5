"""Places to write: nothing of anybody's is lost there, whatever is in the way and whenever a run is killed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from common.errors import InputError
from common.evaluation.report import write_report
from common.json_files import read_json, write_json, write_text
from common.output import (
    MARKER,
    check_bundle_place,
    check_file_place,
    check_new_place,
    check_report_place,
    claim,
    foreign_file,
    make_ours,
    recover,
    remove_ours,
    replace_file,
    replace_folder,
    update_folder,
    workspace_of,
)


def fill(folder, text="old"):
    """Write the files of a small bundle."""
    write_text(folder / "model.json", text)
    entry = {"size": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    write_json(folder / "manifest.json", {"format_version": 1, "task": "toy", "files": {"model.json": entry}})


def save(path, text="new", overwrite=True):
    with replace_folder(path, overwrite) as folder:
        fill(folder, text)


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "here" / "bundle"
    path.mkdir(parents=True)
    fill(path)
    return path


def snapshot(folder):
    """All that is in a folder, links not followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = path.read_bytes() if stat.S_ISREG(mode) else str(path.readlink()) if stat.S_ISLNK(mode) else None
        found[path.relative_to(folder).as_posix()] = (stat.S_IFMT(mode), content)
    return found


# -- What may be replaced -------------------------------------------------------------------------------------------


def test_a_new_an_empty_folder_and_a_bundle_to_be_replaced_are_accepted(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "new" / "deeper" / "bundle", tmp_path / "empty"):
        check_bundle_place(path)
    check_bundle_place(bundle, overwrite=True)
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match=r"bundle: holds a finished model; add --overwrite to replace it"):
        check_bundle_place(bundle)


WEB_APP = '{"name": "shop", "icons": [], "manifest_version": 3}'
IN_THE_WAY = {
    "notes": lambda path: (path / "notes.txt").write_text("x"),
    "an empty folder": lambda path: (path / "report").mkdir(),
    "a report": lambda path: ((path / "report").mkdir(), (path / "report" / "report.html").write_text("x")),
    "a hidden file": lambda path: (path / ".secret").write_text("x"),
    "a card that was edited": lambda path: (path / "model.json").write_text("mine"),
    "a link": lambda path: (path / "link").symlink_to(path.parent),
    "a file that became a link": lambda path: (
        (path / "model.json").rename(path.parent / "elsewhere"),
        (path / "model.json").symlink_to(path.parent / "elsewhere"),
    ),
    "a FIFO": lambda path: os.mkfifo(path / "pipe"),
    "the manifest of a web app": lambda path: (path / "manifest.json").write_text(WEB_APP),
    "a manifest that is no JSON": lambda path: (path / "manifest.json").write_text("{"),
    "a manifest that lists nothing": lambda path: (path / "manifest.json").write_text(
        '{"format_version": 1, "task": "toy", "files": {}}'
    ),
    "no manifest": lambda path: (path / "manifest.json").unlink(),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_a_folder_with_anything_of_the_users_is_refused_and_left_alone(what, bundle):
    IN_THE_WAY[what](bundle)
    before = snapshot(bundle.parent)
    with pytest.raises(InputError, match=r"bundle: holds .* (was|were) touched"):
        check_bundle_place(bundle, overwrite=True)
    with pytest.raises(InputError, match="was touched"):
        save(bundle)
    assert snapshot(bundle.parent) == before


def make_socket(path):
    # A socket's path may have 107 characters at most.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


SPECIAL = {
    "file": lambda path: path.write_text("x"),
    "FIFO": os.mkfifo,
    "socket": make_socket,
}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_folder_is_refused_and_stays(kind, linked, tmp_path):
    path = tmp_path / "place"
    SPECIAL[kind](path)
    if linked:
        (tmp_path / "link").symlink_to(path)
    before = snapshot(tmp_path)
    given = tmp_path / "link" if linked else path
    with pytest.raises(InputError, match=f"is a {kind}; name a new folder"):
        check_bundle_place(given, overwrite=True)
    with pytest.raises(InputError, match=f"is a {kind}; name a new folder"):
        save(given)
    assert snapshot(tmp_path) == before


def test_a_linked_folder_stays_a_link(bundle, tmp_path):
    (tmp_path / "link").symlink_to(bundle)
    save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (bundle / "model.json").read_text() == "new"
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "empty")
    save(tmp_path / "other")
    assert (tmp_path / "empty" / "model.json").read_text() == "new"


@pytest.mark.parametrize("target", ["nowhere", "loop"])
def test_a_link_that_leads_nowhere_is_refused(target, tmp_path):
    link = tmp_path / "loop"
    link.symlink_to(tmp_path / target)
    for check in (check_bundle_place, check_file_place, check_report_place):
        with pytest.raises(InputError, match="a symbolic link"):
            check(link)
    assert link.is_symlink()


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        check_bundle_place(tmp_path / "file" / "folder" / "bundle")
    with pytest.raises(InputError, match="exists already; choose a new name"):
        check_new_place(tmp_path / "file")


def test_what_comes_into_a_bundle_meanwhile_is_not_lost(bundle):

    def save_late():
        with replace_folder(bundle, overwrite=True) as folder:
            fill(folder, "new")
            (bundle / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match=r"holds 'notes.txt', which is no part of the model"):
        save_late()
    assert (bundle / "notes.txt").read_text() == "mine"
    assert (bundle / "model.json").read_text() == "old"
    assert list(bundle.parent.iterdir()) == [bundle]


@pytest.mark.parametrize("here", [".", "deeper"])
def test_the_folder_that_one_is_in_is_not_exchanged(here, tmp_path, monkeypatch):
    """The shell would stay behind, in a folder that is gone."""
    (tmp_path / "place" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "place" / here)
    for path in (tmp_path / "place", Path.cwd(), Path()):
        with pytest.raises(InputError, match="you are in this folder"):
            check_bundle_place(path, overwrite=True)


# -- Whose folders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bundle.checkpoint", ".bundle.partial", ".bundle.old", "bundle.partial"])
def test_folders_beside_a_bundle_are_nobodys_but_the_users(name, bundle):
    (bundle.parent / name).mkdir()
    (bundle.parent / name / "thesis.txt").write_text("x")
    save(bundle)
    assert (bundle.parent / name / "thesis.txt").read_text() == "x"
    assert (bundle / "model.json").read_text() == "new"


def test_a_workspace_that_is_not_ours_is_in_the_way(bundle):
    workspace = workspace_of(bundle)
    workspace.mkdir()
    (workspace / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="in the way, and not made by this program"):
        save(bundle)
    assert (workspace / "thesis.txt").read_text() == "x"


def test_only_what_bears_our_marker_is_removed(tmp_path):
    make_ours(tmp_path / "ours")
    (tmp_path / "ours" / "old").write_text("x")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("x")
    for name in ("ours", "theirs", "nothing"):
        remove_ours(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


def test_what_a_user_puts_into_a_folder_of_ours_stays(tmp_path):
    make_ours(tmp_path / "ours")
    for name in ("new", "epoch-0003", "partial", "my notes"):
        (tmp_path / "ours" / name).mkdir()
    remove_ours(tmp_path / "ours")
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["my notes"]


def test_an_update_leaves_all_else_as_it_is(bundle):
    (bundle / "report").mkdir()
    (bundle / "report" / "report.html").write_text("x")
    (bundle / "link").symlink_to("report")
    os.mkfifo(bundle / "pipe")
    before = snapshot(bundle)
    inode = (bundle / "report" / "report.html").stat().st_ino
    with update_folder(bundle) as folder:
        write_text(folder / "model.json", "new")
    assert snapshot(bundle) == {**before, "model.json": (stat.S_IFREG, b"new")}
    assert (bundle / "report" / "report.html").stat().st_ino == inode
    assert list(bundle.parent.iterdir()) == [bundle]


def test_an_update_that_fails_changes_nothing(bundle):
    before = snapshot(bundle.parent)
    with contextlib.suppress(KeyboardInterrupt), update_folder(bundle) as folder:
        write_text(folder / "model.json", "new")
        raise KeyboardInterrupt
    assert snapshot(bundle.parent) == before


# -- Two runs -------------------------------------------------------------------------------------------------------

HOLD = "import sys\nfrom pathlib import Path\nfrom common.output import claim\n" + (
    "with claim(Path(sys.argv[1])):\n    print('claimed', flush=True)\n    sys.stdin.read()\n"
)


def test_the_second_run_is_told_and_the_first_goes_on(tmp_path):
    path = tmp_path / "place"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=-1, stdout=-1, text=True) as first:
        assert first.stdout.readline() == "claimed\n"
        with pytest.raises(InputError, match="place: another run is writing there"), claim(path):
            pass
        (tmp_path / "link").symlink_to(tmp_path)
        with pytest.raises(InputError, match="another run is writing there"), claim(tmp_path / "link" / "place"):
            pass
        with claim(tmp_path / "other"):
            pass
        first.communicate("")
    with claim(path):  # free again
        assert workspace_of(path).is_dir()
    assert {file.name for file in tmp_path.iterdir()} == {"link"}


def test_a_killed_run_holds_no_place(tmp_path):
    path = tmp_path / "place"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=-1, stdout=-1, text=True) as first:
        assert first.stdout.readline() == "claimed\n"
        first.kill()
        first.wait()
    assert (workspace_of(path) / MARKER).exists()
    save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["place"]


def test_one_of_many_that_start_at_once_gets_the_place(tmp_path):
    """The one that has it keeps it until all others have tried, however slowly they start."""
    script = """
import sys, time
from pathlib import Path
from common.errors import InputError
from common.output import claim
place, refused, start = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
time.sleep(max(0, start - time.time()))
try:
    with claim(place):
        while len(list(refused.iterdir())) < 5:
            time.sleep(0.01)
except InputError:
    (refused / sys.argv[4]).touch()
    sys.exit(1)
"""
    (tmp_path / "refused").mkdir()
    (tmp_path / "runs").mkdir()
    arguments = [tmp_path / "runs/place", tmp_path / "refused", str(time.time() + 1.5)]
    runs = [subprocess.Popen([sys.executable, "-c", script, *arguments, str(number)]) for number in range(6)]
    assert sorted(run.wait(timeout=120) for run in runs) == [0, 1, 1, 1, 1, 1]
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_place_may_be_claimed_again_by_the_same_run(tmp_path):
    with claim(tmp_path / "new" / "place") as outer, claim(tmp_path / "new" / "place") as inner:
        assert inner == outer
    assert list(tmp_path.iterdir()) == []  # the folder on the way is gone too


# -- Kills ----------------------------------------------------------------------------------------------------------

KILLED_SAVE = """
import os, sys
from pathlib import Path
from common.output import replace_folder, update_folder
from tests.common.test_output import fill
path, step, write = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
count = 0
def hook(event, arguments):
    global count
    touches = event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "open")
    if touches and str(path.parent) in " ".join(map(str, arguments)):
        count += 1
        if count == step:
            os._exit(9)
sys.addaudithook(hook)
with replace_folder(path, True) if write == "save" else update_folder(path) as folder:
    fill(folder, "new")
"""


@pytest.mark.parametrize("write", ["save", pytest.param("update", marks=pytest.mark.slow)])
def test_a_save_killed_at_any_step_leaves_the_old_or_the_new_bundle(write, bundle):
    beside = bundle.parent / ".bundle.old"
    beside.mkdir()
    (beside / "thesis.txt").write_text("x")
    seen, step, status = set(), 0, 9
    while status == 9:
        step += 1
        status = subprocess.run(
            [sys.executable, "-c", KILLED_SAVE, bundle, str(step), write], check=False, cwd=Path(__file__).parents[2]
        ).returncode
        missing = not bundle.exists()
        recover(bundle)
        text = (bundle / "model.json").read_text()
        assert text in ("old", "new")
        seen.add((text, missing))
        assert foreign_file(bundle) is None
        assert (beside / "thesis.txt").read_text() == "x"
        save(bundle, "old")
        assert sorted(path.name for path in bundle.parent.iterdir()) == [".bundle.old", "bundle"]
    assert status == 0
    assert step > 10
    assert seen == {("old", False), ("new", True), ("new", False)}


def test_recovery_waits_for_a_save_that_goes_on(bundle):
    """Between its two renames a bundle is not under its name; who loads it then must not come in the way."""
    with claim(bundle) as place:
        (place.new).mkdir()
        fill(place.new, "new")
        bundle.rename(place.old)
        waiting = threading.Thread(target=recover, args=[bundle])
        waiting.start()
        time.sleep(0.1)
        assert not bundle.exists()
        place.new.rename(bundle)
        waiting.join(5)
        assert not waiting.is_alive()
    assert (bundle / "model.json").read_text() == "new"


# -- Files ----------------------------------------------------------------------------------------------------------


def test_what_a_command_reads_is_not_written_over(bundle, tmp_path):
    source = tmp_path / "in.txt"
    source.write_text("x")
    (tmp_path / "link").symlink_to(source)
    os.link(source, tmp_path / "second name")
    for output in (source, tmp_path / "link", tmp_path / "second name", tmp_path / "." / "in.txt"):
        with pytest.raises(InputError, match="is read by this command"):
            check_file_place(output, [source])
    with pytest.raises(InputError, match="lies inside the model"):
        check_file_place(bundle / "model.json", [bundle])
    check_file_place(tmp_path / "out.txt", [source, bundle])


def test_a_file_for_answers(tmp_path):
    (tmp_path / "out").write_text("old")
    (tmp_path / "out").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with replace_file(tmp_path / "link") as file:
        file.write("new")
        assert (tmp_path / "out").read_text() == "old"
    assert (tmp_path / "out").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    check_file_place(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a FIFO by now"), replace_file(tmp_path / "later") as file:
        os.mkfifo(tmp_path / "later")
    make_socket(tmp_path / "socket")
    with pytest.raises(InputError, match="is a socket; name a file"):
        check_file_place(tmp_path / "socket")


def test_a_report_replaces_a_report_and_nothing_else(tmp_path):
    write_report(tmp_path / "first", "First", [])
    write_report(tmp_path / "first", "Second", [])
    assert "Second" in (tmp_path / "first" / "report.html").read_text()
    page = tmp_path / "site" / "report.html"
    page.parent.mkdir()
    page.write_text("<h1>Annual report</h1>")
    for check in (check_report_place, lambda folder: write_report(folder, "Scores", [])):
        with pytest.raises(InputError, match="not a report of this program; choose another folder"):
            check(page.parent)
    assert page.read_text() == "<h1>Annual report</h1>"
    with pytest.raises(InputError, match=r"report\.html: is read by this command"):
        check_report_place(tmp_path / "first", [tmp_path / "first" / "report.html"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a FIFO"):
        check_report_place(tmp_path / "pipe")


def test_text_that_utf_8_does_not_have_can_be_written(tmp_path):
    write_text(tmp_path / "card.md", "byte \udce9")
    write_json(tmp_path / "a.json", {"tokens": ["\ud800", "\udfff", "é"]})
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == "byte \ufffd"
    written = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert re.findall(r'"(\S+)"', written) == ["tokens", "\\ud800", "\\udfff", "é"]
    assert read_json(written.encode(), "a.json") == {"tokens": ["\ud800", "\udfff", "é"]}
