"""The notebooks in the repository are what running their lessons gives."""

from __future__ import annotations

import nbformat
import pytest

from scripts.build_notebooks import LESSONS, ROOT, find_difference, main, read_lesson, run_notebook, without_machine

LESSON = """# %% [markdown]
# # A lesson
#
# With words.

# %%
import os
from pathlib import Path

print("one", flush=True)
os.write(1, b"two\\n")
Path.cwd() / "runs"

# %% tags=["exercise"]
x = 1  # says nothing
"""


@pytest.mark.parametrize("lesson", LESSONS)
def test_notebook_is_up_to_date(lesson):
    assert find_difference(*LESSONS[lesson]) is None


@pytest.fixture
def built(tmp_path):
    """A lesson and its notebook, made up as if it had been run."""
    (tmp_path / "notebook.py").write_text(LESSON)
    notebook = read_lesson(tmp_path / "notebook.py")
    for number, cell in enumerate(notebook.cells[1:], 1):
        cell.execution_count = number
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="one\n")]
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    return tmp_path / "notebook.py", tmp_path / "lesson.ipynb"


def test_a_lesson_becomes_cells(built):
    cells = nbformat.read(built[1], as_version=4).cells
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "code"]
    assert cells[0].source == "# A lesson\n\nWith words."
    assert [cell.id for cell in cells] == ["cell-001", "cell-002", "cell-003"]
    assert [cell.metadata for cell in cells] == [{}, {}, {"tags": ["exercise"]}]


def change(path, edit):
    notebook = nbformat.read(path, as_version=4)
    edit(notebook.cells)
    nbformat.write(notebook, path)


def spoil_source(cells):
    cells[2].source = "x = 2"


def spoil_tags(cells):
    cells[2].metadata = {}


def spoil_count(cells):
    cells[2].execution_count = None


def spoil_outputs(cells):
    cells[1].outputs = []


def spoil_with_error(cells):
    cells[2].outputs = [nbformat.v4.new_output("error", ename="NameError", evalue="x", traceback=[])]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (spoil_source, "cell 3 is not that of"),
        (spoil_tags, "cell 3 is not that of"),
        (spoil_count, "cell 3 was not run"),
        (spoil_outputs, "no outputs"),
        (spoil_with_error, "cell 3 ended in an error"),
        (lambda cells: cells.pop(), "2 cells, .* has 3"),
    ],
)
def test_a_notebook_out_of_date_is_found(built, edit, message):
    lesson, notebook = built
    assert find_difference(lesson, notebook) is None
    change(notebook, edit)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(find_difference(lesson, notebook))


def test_a_missing_notebook_is_found(built):
    lesson, notebook = built
    notebook.unlink()
    assert "missing; run `make notebooks`" in find_difference(lesson, notebook)


def test_pictures_stay_as_they_are():
    output = {"data": {"image/png": f"{ROOT}/x", "text/plain": [f"<a href='{ROOT}/x'>", f"{ROOT}x"]}}
    assert without_machine(output) == {"data": {"image/png": f"{ROOT}/x", "text/plain": ["<a href='./x'>", f"{ROOT}x"]}}


def test_an_unknown_task_is_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["weather"])
    assert stop.value.code == 2
    assert "no lesson 'weather'; there are sentiment," in capsys.readouterr().err


@pytest.mark.slow
def test_running_a_lesson_twice_gives_the_same_bytes(tmp_path):
    (tmp_path / "notebook.py").write_text(LESSON)
    contents = []
    for _ in range(2):
        notebook = read_lesson(tmp_path / "notebook.py")
        run_notebook(notebook, ROOT)
        contents.append(nbformat.writes(notebook))
        assert notebook.cells[2].metadata == {"tags": ["exercise"]}
        assert notebook.cells[1].outputs[-1]["data"]["text/plain"] == "PosixPath('./runs')"
    assert contents[0] == contents[1]
    assert str(ROOT) not in contents[0]
