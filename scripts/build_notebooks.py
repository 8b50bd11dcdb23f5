"""Make each notebook from its lesson, a script with cells, and run it, outputs kept for readers on the web.

python -m scripts.build_notebooks              all: those of the tasks, of interpretability and of from_scratch
python -m scripts.build_notebooks sentiment    one
python -m scripts.build_notebooks --check      only compare what is there, in a second
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

ROOT = Path(__file__).resolve().parent.parent
# The name of each lesson, its script and its notebook.
LESSONS = {
    **{task: (ROOT / task / "notebook.py", ROOT / task / f"{task}.ipynb")
       for task in ("sentiment", "language_model", "pos_tagging", "interpretability")},
    **{path.stem: (path, path.with_suffix(".ipynb")) for path in sorted(ROOT.glob("from_scratch/notebooks/*.py"))},
}  # fmt: skip
CELL_TIMEOUT = 1200  # seconds


def read_lesson(path: Path) -> NotebookNode:
    """Read a lesson with percent cells as a notebook without outputs; a cell's id is its number, its tags are kept."""
    lesson = jupytext.read(path, fmt="py:percent")
    notebook = new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    make_cell = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
    for number, cell in enumerate(lesson.cells, 1):
        made = make_cell[cell.cell_type](cell.source, id=f"cell-{number:03d}", metadata=tags_of(cell))
        notebook.cells.append(made)
    return notebook


def tags_of(cell: NotebookNode) -> NotebookNode:
    """The metadata of a cell, of which only the tags are kept: they say which cells are exercises and checks."""
    return NotebookNode({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})


def run_notebook(notebook: NotebookNode, folder: Path) -> None:
    """Run every cell, in `folder`; the outputs are put into the notebook.

    Raises:
        CellExecutionError: a cell failed; the message has its traceback.
    """
    metadata = dict(notebook.metadata)
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
    ).execute()
    notebook.metadata = NotebookNode(metadata)  # without the kernel's version
    for cell in notebook.cells:
        cell.metadata = tags_of(cell)
        if cell.cell_type == "code":
            cell.outputs = [without_machine(output) for output in cell.outputs]


def without_machine(output: Any) -> Any:
    """Take the paths of this machine out of a cell's outputs; pictures stay as they are.

    >>> without_machine({"text": f"in {ROOT}/runs, {ROOT}"})
    {'text': 'in ./runs, .'}
    """
    if isinstance(output, dict):
        kept = {key: value if key.startswith("image/") else without_machine(value) for key, value in output.items()}
        return NotebookNode(kept) if isinstance(output, NotebookNode) else kept
    if isinstance(output, list):
        return [without_machine(item) for item in output]
    if not isinstance(output, str):
        return output
    output = re.sub(r"/\S*/ipykernel_\d+/\d+\.py", "cell", output)
    for folder in (ROOT, Path(sys.prefix), Path.home()):
        if folder != Path(folder.anchor):
            output = re.sub(rf"(?<![\w.]){re.escape(str(folder))}(?![\w.-])", ".", output)
    return output


def find_difference(lesson_path: Path, notebook_path: Path) -> str | None:
    """Say why a notebook is not what running its lesson gives, in one line; None if it is."""
    advice = "run `make notebooks`"
    if not notebook_path.is_file():
        return f"{notebook_path}: missing; {advice}"
    lesson, notebook = read_lesson(lesson_path), nbformat.read(notebook_path, as_version=4)
    if len(lesson.cells) != len(notebook.cells):
        return f"{notebook_path}: {len(notebook.cells)} cells, {lesson_path} has {len(lesson.cells)}; {advice}"
    for number, (wanted, found) in enumerate(zip(lesson.cells, notebook.cells, strict=True), 1):
        if any(wanted[key] != found[key] for key in ("cell_type", "source", "metadata")):
            return f"{notebook_path}: cell {number} is not that of {lesson_path}; {advice}"
        if found.cell_type == "code" and found.source and found.execution_count is None:
            return f"{notebook_path}: cell {number} was not run; {advice}"
        if any(output.output_type == "error" for output in found.get("outputs", [])):
            return f"{notebook_path}: cell {number} ended in an error; correct {lesson_path} and {advice}"
    if not any(cell.get("outputs") for cell in notebook.cells):
        return f"{notebook_path}: no outputs; {advice}"
    return None


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.build_notebooks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help=f"of {', '.join(LESSONS)} (default: all)")
    parser.add_argument("--check", action="store_true", help="make nothing; exit status 1 if a notebook is out of date")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.lessons) - set(LESSONS):
        parser.error(f"no lesson {min(unknown)!r}; there are {', '.join(LESSONS)}")
    for lesson in arguments.lessons or LESSONS:
        lesson_path, notebook_path = LESSONS[lesson]
        if not lesson_path.is_file():
            sys.exit(f"{lesson_path}: no such lesson")
        if arguments.check:
            if difference := find_difference(lesson_path, notebook_path):
                sys.exit(difference)
            continue
        print(f"Running {lesson_path.relative_to(ROOT)}", file=sys.stderr)
        notebook = read_lesson(lesson_path)
        try:
            run_notebook(notebook, ROOT)
        except CellExecutionError as error:
            sys.exit(f"{lesson_path}: {error}")
        nbformat.write(notebook, notebook_path)
        print(f"wrote {notebook_path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
