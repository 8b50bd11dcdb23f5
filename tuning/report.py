"""The report of a search: one page with the best settings, their seeds, what mattered, and all trials."""

from __future__ import annotations

import math
import shlex
import sys
import warnings
from collections.abc import Mapping, Sequence
from statistics import pstdev
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from matplotlib.ticker import MaxNLocator
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from common.evaluation.figures import html_figure, new_figure
from common.evaluation.page import BLUE, GREY, ORANGE, html_list, html_table, html_text
from common.evaluation.report import Section, write_report
from common.evaluation.verdict import Verdict
from tuning.space import describe
from tuning.study import finished

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tuning.search import Candidate, Job

STATES = {
    TrialState.COMPLETE: "done", TrialState.PRUNED: "stopped early", TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished", TrialState.WAITING: "waiting",
}  # fmt: skip
MOST_AXES = 8  # of parallel coordinates: the settings of most importance
PERCENT = 100


def write_search_report(
    job: Job,
    study: optuna.Study,
    candidates: Sequence[Candidate],
    seeds: Sequence[int],
    best: Candidate,
    default: Mapping[str, Any],
    verdict: Verdict,
) -> None:
    """Write `report.html` into the folder of a search.

    Args:
        job: the search.
        study: its trials.
        candidates: what was tried with several seeds.
        seeds: those of their scores.
        best: one of them.
        default: the settings without a search.
        verdict: whether it is ahead of the settings without a search.
    """
    importance = importances(study)
    trials = study.get_trials(deepcopy=False)
    command = f"rnn-language search {' '.join(map(shlex.quote, sys.argv[2:]))}"
    called = {"command": command} if sys.argv[1:2] == ["search"] else {}
    facts = {"task": job.task, "trials": str(len(trials)), "seed": str(job.base.seed), **called}
    sections: list[Section] = [
        ("Seeds", html_table(seed_rows(job, candidates, seeds)) + html_text(_note_on_seeds(job))),
        ("Best settings", html_table(best_rows(job, best, default))),
        *_pictures(job, study, importance),
        ("All trials", html_list(trial_rows(job, trials, list(importance or job.space)))),
    ]
    write_report(job.folder, f"Search: {job.task}", sections, facts, verdict)


def _note_on_seeds(job: Job) -> str:
    is_given = job.options.get("validation") is not None
    data = "the split of --validation" if is_given else "a split that the seed cuts from the data"
    return f"Validation {job.score} on {data}. The test file is no part of a search: score the chosen model on it once."


def seed_rows(job: Job, candidates: Sequence[Candidate], seeds: Sequence[int]) -> list[list[Any]]:
    """What was tried with several seeds: each score, their mean and standard deviation."""
    rows: list[list[Any]] = [["settings", "mean", "standard deviation", *(f"seed {seed}" for seed in seeds)]]
    for each in sorted(candidates, key=lambda each: each.mean, reverse=job.maximize):
        rows.append([each.name, each.mean, pstdev(each.scores), *each.scores])
    return rows


def best_rows(job: Job, best: Candidate, default: Mapping[str, Any]) -> list[list[Any]]:
    """The best settings beside those without a search, chosen by the size of the data, and what was tried."""
    tried = describe(job.space)
    return [["setting", "best", "without a search", "tried"]] + [
        [name, value, default[name], tried[name]] for name, value in best.values.items()
    ]


def trial_rows(job: Job, trials: Sequence[FrozenTrial], names: Sequence[str]) -> list[list[Any]]:
    """All trials, best first; those that were stopped early by their last score."""
    rows = []
    for trial in trials:
        value = trial.value if trial.state == TrialState.COMPLETE else _last(trial)
        known = value is not None and not math.isnan(value)
        rank = (trial.state != TrialState.COMPLETE, -(value or 0.0) if job.maximize else (value or 0.0))
        shown = value if known else ""
        row = [trial.number + 1, shown, STATES[trial.state], len(trial.intermediate_values)]
        rows.append((rank, [*row, *(trial.params.get(name, "") for name in names)]))
    rows.sort(key=lambda row: row[0])
    return [["trial", job.score, "", "epochs", *names], *(row for _, row in rows)]


def _last(trial: FrozenTrial) -> float | None:
    return trial.intermediate_values[max(trial.intermediate_values)] if trial.intermediate_values else None


def importances(study: optuna.Study) -> dict[str, float]:
    """How much of the variance of the scores each setting explains, largest first (fANOVA, Hutter et al. 2014).

    Empty where the trials do not tell: there are fewer than four, or all have one score.
    """
    done = finished(study)
    if len(done) < 4 or len({trial.value for trial in done}) == 1:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
        )


def _pictures(job: Job, study: optuna.Study, importance: dict[str, float]) -> list[Section]:
    """The sections with drawings; those that need more trials than there are are left out."""
    trials, done = study.get_trials(deepcopy=False), finished(study)
    sections: list[Section] = [("Epochs", _draw_epochs(job, trials, done))]
    if importance:
        sections.insert(0, ("Importance", _draw_importance(job, importance)))
        sections.insert(1, ("Settings and scores", _draw_coordinates(job, done, list(importance)[:MOST_AXES])))
    return sections


def _draw_importance(job: Job, importance: dict[str, float]) -> str:
    figure, axes = new_figure(6, 0.8 + 0.35 * len(importance))
    names = list(importance)[::-1]
    bars = axes.barh(names, [PERCENT * importance[name] for name in names], color=BLUE)
    axes.bar_label(bars, fmt="%.0f%%", padding=3)
    axes.set_xlabel(f"share of the variance of the validation {job.score}, in per cent")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    return html_figure(figure, "Importance of each setting over the whole space (fANOVA); of few trials a rough guess.")


def _draw_coordinates(job: Job, done: Sequence[FrozenTrial], names: Sequence[str]) -> str:
    """Parallel coordinates (Inselberg 1985): an axis for each setting, a line for each trial, the best in colour."""
    figure, axes = new_figure(1.6 + 1.25 * len(names), 3.6)
    places = {name: _places(job.space[name], [trial.params[name] for trial in done]) for name in names}
    heights = np.array([places[name] for name in names] + [_scaled([trial.value or 0.0 for trial in done], False)])
    num_best = max(1, len(done) // 5)
    for rank in range(len(done) - 1, -1, -1):
        style = (
            {"color": BLUE, "linewidth": 1.8} if rank < num_best else {"color": GREY, "linewidth": 0.8, "alpha": 0.5}
        )
        axes.plot(heights[:, rank], **style, zorder=2 if rank < num_best else 1)
    for position, name in enumerate(names):
        _label(axes, position, *_ends(job.space[name]))
    scores = [trial.value or 0.0 for trial in done]
    _label(axes, len(names), [f"{min(scores):.4g}", f"{max(scores):.4g}"], [0.0, 1.0])
    axes.set_xticks(range(len(names) + 1), [*(name.replace("_", "\n") for name in names), job.score])
    axes.set(yticks=[], ylim=(-0.06, 1.06), xlim=(-0.1, len(names) + 0.55))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return html_figure(figure, f"A line for each finished trial; blue: the best {num_best} of {len(done)}.")


def _label(axes: Axes, position: float, names: Sequence[str], heights: Sequence[float]) -> None:
    """Draw an axis of parallel coordinates with some of its values."""
    axes.axvline(position, color=GREY, linewidth=1, zorder=0)
    for name, height in zip(names, heights, strict=True):
        axes.text(position + 0.04, height, name, fontsize=8, verticalalignment="center")


def _places(values: BaseDistribution, found: Sequence[Any]) -> np.ndarray:
    """The heights of values on their axis, 0 to 1; choices are spread a little, so that no line hides another."""
    if isinstance(values, CategoricalDistribution):
        of_choice = _of_choices(values)
        spread = np.linspace(-0.02, 0.02, len(found)) if len(found) > 1 else np.zeros(1)
        return np.array([of_choice[str(value)] for value in found]) + spread
    assert isinstance(values, optuna.distributions.IntDistribution | optuna.distributions.FloatDistribution)
    return _scaled([*map(float, found), float(values.low), float(values.high)], values.log)[:-2]


def _of_choices(values: CategoricalDistribution) -> dict[str, float]:
    return dict(zip(map(str, values.choices), np.linspace(0, 1, len(values.choices)), strict=True))


def _ends(values: BaseDistribution) -> tuple[list[str], list[float]]:
    """What stands at an axis: its choices, or its two ends."""
    if isinstance(values, CategoricalDistribution):
        of_choice = _of_choices(values)
        return list(of_choice), list(of_choice.values())
    assert isinstance(values, optuna.distributions.IntDistribution | optuna.distributions.FloatDistribution)
    return [f"{values.low:g}", f"{values.high:g}"], [0.0, 1.0]


def _scaled(values: Sequence[float], log: bool) -> np.ndarray:
    """Numbers from 0 to 1, in equal or in logarithmic steps."""
    array = np.log(values) if log else np.asarray(values, np.float64)
    width = np.ptp(array)
    return (array - array.min()) / width if width else np.full(len(array), 0.5)


def _draw_epochs(job: Job, trials: Sequence[FrozenTrial], done: Sequence[FrozenTrial]) -> str:
    """The validation score of every trial, epoch by epoch."""
    figure, axes = new_figure(6, 3.4)
    best = done[0].number if done else -1
    styles = {state: "-" if state == "done" else ":" for state in STATES.values()}
    for trial in trials:
        points = sorted(trial.intermediate_values.items())
        if trial.number == best:
            axes.plot(*zip(*points, strict=True), "o-", color=ORANGE, zorder=3, label=f"trial {best + 1}, the best")
        elif points:
            axes.plot(*zip(*points, strict=True), styles[STATES[trial.state]], color=GREY, label=STATES[trial.state])
    by_name = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))  # one line of each kind
    axes.legend(by_name.values(), by_name.keys(), frameon=False)
    axes.set(xlabel="epoch", ylabel=f"validation {job.score}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    return html_figure(figure, f"Validation {job.score} after each epoch of each trial.")
