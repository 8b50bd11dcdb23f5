"""The lessons have one form; their exercises fail unsolved and pass with the solution that is folded below them."""

from __future__ import annotations

import re
import time

import pytest
from nbformat.v4 import new_code_cell

from from_scratch.lesson import exercise
from scripts.build_notebooks import LESSONS, ROOT, read_lesson, run_notebook

COURSE = {name: script for name, (script, _) in LESSONS.items() if script.is_relative_to(ROOT / "from_scratch")}
each_lesson = pytest.mark.parametrize("lesson", COURSE)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
FOLD = re.compile(r"<details><summary>([^\n]+)</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
MAX_SECONDS = 180
CHECK_LABELS = """
import matplotlib.pyplot as plt

def show_labelled(show=plt.show):
    for axes in (axes for number in plt.get_fignums() for axes in plt.figure(number).axes if axes.axison):
        x_alike, y_alike = axes.get_shared_x_axes(), axes.get_shared_y_axes()
        labels = (any(other.get_xlabel() for other in x_alike.get_siblings(axes)),
                  any(other.get_ylabel() for other in y_alike.get_siblings(axes)))
        assert any(labels) if axes.get_label() == "<colorbar>" else all(labels), "an axis without a label"
    show()

plt.show = show_labelled
"""


def tag_of(cell):
    return "".join(cell.metadata.get("tags", []))


def exercises(cells):
    """Three cells each: the exercise, its check, and its solution."""
    return [cells[number : number + 3] for number, cell in enumerate(cells) if tag_of(cell) == "exercise"]


def with_solutions(notebook):
    """Put each solution and its check once more behind the check of the unsolved exercise."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if tag_of(cell) == "solution":
            [code] = CODE.findall(cell.source)
            check = cells[-2]
            cells += [{**check, "source": code, "id": f"{cell.id}-code"}, {**check, "id": f"{cell.id}-check"}]
    notebook.cells = [type(notebook)(cell) for cell in cells]
    return notebook


def test_a_check_says_in_one_line_what_is_wrong(capsys):
    with exercise(1):
        raise NotImplementedError("Return a number.")
    with exercise(2):
        raise AssertionError
    with exercise(3):
        pass
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "Exercise 1: not solved yet. Return a number."
    assert second == "Exercise 2: not solved yet. AssertionError"
    assert third == "Exercise 3: solved."


@each_lesson
def test_form_of_a_lesson(lesson):
    cells = read_lesson(COURSE[lesson]).cells
    found = exercises(cells)
    assert len(found) >= 2
    assert [[tag_of(cell) for cell in three] for three in found] == [["exercise", "check", "solution"]] * len(found)
    for number, (_, check, solution) in enumerate(found, 1):
        assert check.source.startswith(f"with exercise({number}):")
        assert FOLD.fullmatch(solution.source).group(1) == f"Solution of exercise {number}"
        assert len(CODE.findall(solution.source)) == 1
    [quiz] = [cell.source for cell in cells if tag_of(cell) == "quiz"]
    assert [question.split(". ")[0] for question, _ in FOLD.findall(quiz)] == [str(n) for n in range(1, 11)]
    text = "\n".join(cell.source for cell in cells)
    assert text.count("<details>") == text.count("</details>") == len(found) + 10
    assert "$$" in text
    assert "keras.layers" in text
    assert len(re.findall(r"^ *assert ", text, re.MULTILINE)) >= 5
    assert "```\n" not in re.sub(CODE, "", text), "drawings in letters wrap on a phone"


@pytest.mark.slow
@each_lesson
def test_a_lesson_runs_and_its_exercises_pass_with_their_solutions_alone(lesson):
    notebook = with_solutions(read_lesson(COURSE[lesson]))
    notebook.cells.insert(0, new_code_cell(CHECK_LABELS))
    started = time.monotonic()
    run_notebook(notebook, ROOT)
    assert time.monotonic() - started < MAX_SECONDS
    said = [
        "".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells if tag_of(cell) == "check"
    ]
    unsolved, solved = said[::3], said[2::3]  # between them the solution, which prints nothing
    assert len(unsolved) == len(solved) >= 2
    for number, (before, after) in enumerate(zip(unsolved, solved, strict=True), 1):
        assert before.startswith(f"Exercise {number}: not solved yet. ")
        assert after == f"Exercise {number}: solved.\n"
