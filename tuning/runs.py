"""The training runs below a folder: their settings that differ, scores and learning curves, beside each other.

python -m tuning.runs runs
python -m tuning.runs runs --output runs.html
"""

from __future__ import annotations

from common.cli.run import run_command
from tuning import cli

if __name__ == "__main__":
    run_command(cli.runs)

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator

from common.bundles.file_names import CONFIG_FILE, HISTORY_FILE, MANIFEST_FILE, METRICS_FILE
from common.errors import InputError
from common.evaluation.figures import html_figure, new_figure
from common.evaluation.meanings import MEANINGS
from common.evaluation.metrics import finite, format_score
from common.evaluation.page import GREY, html_table, html_text, join_sections, whole_page
from common.evaluation.report import text_table
from common.json_files import read_json_object
from common.output import REPORT_MARK, manifest_in
from common.progress import say
from common.training.checkpoint import STATE_FILE
from tuning.tasks import TASKS, Task

CHECKPOINTS = ".checkpoint/epoch-"
MOST_CURVES = 12  # in colours of their own; the others are grey


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        name: its folder, below the one that was asked for.
        task: the package; "" of an unfinished run whose settings no task has.
        settings: all of them.
        scores: the best epoch's scores on the validation split, as the bundle has them; empty if there was none.
        history: a row of scores for each epoch.
        seconds: of training.
        finished: False: there is a checkpoint, no model yet.
    """

    name: str
    task: str
    settings: dict[str, Any]
    scores: dict[str, float]
    history: list[dict[str, float]]
    seconds: float
    finished: bool

    @property
    def state(self) -> str:
        """What became of it."""
        if not self.finished:
            return f"unfinished after epoch {len(self.history)}"
        return f"{len(self.history)} epochs" if self.history else "not known"


def find_runs(folder: str | Path, task: str | None = None) -> list[Run]:
    """Find the runs below a folder, finished and unfinished; the best of each task first.

    Args:
        folder: that is searched, with all folders below it.
        task: of which runs; None: of all.
    Raises:
        InputError: there is no such folder, or no run in it that can be read; of others that cannot, it is said why.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the one that holds the runs")
    # Without a manifest it is of another program, or was copied in part.
    bundles = [file for file in sorted(folder.rglob(METRICS_FILE)) if (file.parent / MANIFEST_FILE).exists()]
    checkpoints = [file for file in sorted(folder.rglob(STATE_FILE)) if CHECKPOINTS in file.as_posix()]
    found = [_read(_of_bundle, file, folder) for file in bundles] + [
        _read(_of_checkpoint, file, folder) for file in checkpoints
    ]
    chosen = [run for run in found if run and task in (None, run.task)]
    if not chosen:
        raise InputError(
            f"{folder}: no {f'{task} ' if task else ''}run of this program there; name the folder of --output-dir"
        )
    return sorted(chosen, key=lambda run: (run.task, _rank(run), run.name))


def _read(reader: Callable[[Path, Path], Run], file: Path, folder: Path) -> Run | None:
    """Read a run; None, and a line that says why, if its files are not those of a run: the others are still shown."""
    try:
        if not file.is_file():  # a FIFO would keep us waiting
            raise InputError(f"{file}: is no plain file; remove it")
        return reader(file, folder)
    except InputError as error:
        say(f"left out: {error}")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        say(f"left out: {file}: holds other values than a run of this program; remove the run, or train it again")
    return None


def _rank(run: Run) -> float:
    """Smaller for a better run; those without a score come last."""
    if run.task not in TASKS:
        return math.inf
    score = run.scores.get(_main_score([run]))
    if not isinstance(score, int | float) or math.isnan(score):
        return math.inf
    return -score if TASKS[run.task].maximize else score


def _of_bundle(file: Path, folder: Path) -> Run:
    bundle = file.parent
    manifest, metrics = manifest_in(bundle), read_json_object(file)
    if manifest is None:
        raise InputError(f"{bundle / MANIFEST_FILE}: damaged, or of another program; copy the run again, or remove it")
    return Run(
        name=bundle.relative_to(folder).as_posix() if bundle != folder else bundle.resolve().name,
        task=manifest["task"],
        settings=read_json_object(bundle / CONFIG_FILE),
        scores=_numbers(metrics.get("validation")),
        history=_read_history(bundle / HISTORY_FILE),
        seconds=float(manifest.get("seconds") or 0),
        finished=True,
    )


def _of_checkpoint(file: Path, folder: Path) -> Run:
    state = read_json_object(file)
    settings, history = dict(state.get("settings", {})), [_numbers(row) for row in state.get("history", [])]
    task = next((name for name, task in TASKS.items() if set(settings) == _setting_names(task)), "")
    best = history[state["best_epoch"] - 1] if history and state.get("best_epoch") else {}
    return Run(
        name=file.parent.parent.relative_to(folder).as_posix().removesuffix(".checkpoint"),
        task=task,
        settings=settings,
        scores={name: value for name, value in best.items() if name in MEANINGS},
        history=history,
        seconds=float(state.get("seconds") or 0),
        finished=False,
    )


def _setting_names(task: Task) -> set[str]:
    return {field.name for field in fields(task.config_class)}


def _numbers(values: Any) -> dict[str, float]:
    """The numbers among some values; a score that is not defined is NaN."""
    values = values if isinstance(values, dict) else {}
    kept = {name: math.nan if value is None else value for name, value in values.items()}
    return {name: value for name, value in kept.items() if isinstance(value, int | float)}


def _read_history(file: Path) -> list[dict[str, float]]:
    """The rows of `history.csv`; none, and a line that says so, if there is no such file, or another one."""
    try:
        if not file.is_file():
            raise ValueError
        with open(file, newline="", encoding="utf-8") as rows:
            history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(rows)]
        if not history:
            raise ValueError
        return history
    except (OSError, ValueError, TypeError, AttributeError, csv.Error):
        say(f"{file}: no learning curve that can be read; the run is shown without it")
        return []


def differing(runs: Sequence[Run]) -> list[str]:
    """The settings in which runs differ, in the order of the settings; one that a run lacks does not count."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    return [name for name in names if len({json.dumps(run.settings[name]) for run in runs if name in run.settings}) > 1]


def run_rows(runs: Sequence[Run], whole: bool = True) -> list[list[Any]]:
    """The runs of one task as a table: the score that chooses, the settings that differ, the other scores.

    Args:
        runs: of one task.
        whole: whether the other scores are in it.
    """
    scores = list(dict.fromkeys(name for run in runs for name in run.scores if name in MEANINGS))
    first, settings = [name for name in scores if name == _main_score(runs)], differing(runs)
    others = [name for name in scores if name not in first] if whole else []
    rows: list[list[Any]] = [["run", *first, "epochs", "minutes", *settings, *others]]
    for run in runs:
        values = [_cell(run.settings.get(name, "")) for name in settings]
        main, further = ([run.scores.get(name, "") for name in names] for names in (first, others))
        rows.append([run.name, *main, run.state, round(run.seconds / 60, 1), *values, *further])
    return rows


def _main_score(runs: Sequence[Run]) -> str:
    """The score that chooses among the runs of a task."""
    return TASKS[runs[0].task].score if runs[0].task in TASKS else ""


def _cell(value: Any) -> Any:
    return value if type(value) in (int, float, str) else json.dumps(value)


def by_task(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each task."""
    return {task: [run for run in runs if run.task == task] for task in dict.fromkeys(run.task for run in runs)}


def format_runs(runs: Sequence[Run], form: str, title: str = "Runs") -> str:
    """Write runs as "text", "csv", "json" or "html"."""
    if form == "html":
        return html_page(runs, title)
    if form == "json":
        return json.dumps(finite([asdict(run) for run in runs]), indent=1) + "\n"
    if form == "csv":
        return _csv(runs)
    tables = [text_table(as_text(run_rows(of_task, whole=False))) for of_task in by_task(runs).values()]
    return "\n\n".join(tables) + "\n"


def _csv(runs: Sequence[Run]) -> str:
    """One table for all tasks, a column for each score and each setting that differs within a task."""
    tables = [(task, run_rows(of_task)) for task, of_task in by_task(runs).items()]
    names = list(dict.fromkeys(name for _, rows in tables for name in rows[0]))
    file = io.StringIO()
    writer = csv.DictWriter(file, ["task", *names], lineterminator="\n")
    writer.writeheader()
    for task, rows in tables:
        writer.writerows({"task": task, **dict(zip(rows[0], row, strict=True))} for row in rows[1:])
    return file.getvalue()


def as_text(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    """Cells as they are shown: scores in the digits that they have everywhere."""
    names = rows[0]
    return [
        [
            format_score(name, {name: cell})
            if name in MEANINGS and isinstance(cell, float)
            else f"{cell:.4g}"
            if isinstance(cell, float)
            else str(cell)
            for name, cell in zip(names, row, strict=True)
        ]
        for row in rows
    ]


def html_page(runs: Sequence[Run], title: str) -> str:
    """One page: a table and the learning curves of each task."""
    sections = []
    for task, of_task in by_task(runs).items():
        note = "" if differing(of_task) else html_text("All have the same settings.")
        sections.append((task or "unknown task", html_table(run_rows(of_task)) + note + _draw_curves(of_task)))
    return whole_page(title, join_sections(sections), generator=REPORT_MARK)


def _as_label(name: str) -> str:
    r"""A name as it stands in a legend: `$` begins no formula there, and one that begins with `_` is shown, too.

    >>> print(_as_label("_a $x$"))
    \u200b_a \$x\$
    """
    return ("\u200b" if name.startswith("_") else "") + name.replace("$", r"\$")


def _draw_curves(runs: Sequence[Run]) -> str:
    """The validation score of each run, epoch by epoch; unfinished runs dashed."""
    score = _main_score(runs) or "loss"
    drawn = [run for run in runs if any(not math.isnan(row.get(score, math.nan)) for row in run.history)]
    if not drawn:
        return ""
    figure, axes = new_figure(7.5, 4)
    colors = colormaps["viridis"].resampled(max(2, min(len(drawn), MOST_CURVES)))
    for number, run in enumerate(drawn):
        points = [(row.get("epoch", count), row.get(score, math.nan)) for count, row in enumerate(run.history, start=1)]
        own = number < MOST_CURVES
        label = run.name if own else "others" if number == MOST_CURVES else None
        axes.plot(
            *zip(*points, strict=True), "o-" if run.finished else "o--", markersize=3, zorder=2 if own else 1,
            color=colors(number) if own else GREY, label=label and _as_label(label),
        )  # fmt: skip
    axes.set(xlabel="epoch", ylabel=f"validation {score}" if score in MEANINGS else "training loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return html_figure(figure, "Validation score after each epoch, the best run first; dashed: unfinished.")
