"""Hyper-parameter search: try settings of a task on its data, several at a time, stop the hopeless ones, report.

python -m tuning.search sentiment --train sentiment/dataset/train.csv --output-dir runs/search --trials 20

Only training and validation data are read. Every trial is a run of the task's own `train`, in `DIR/trials/NUMBER`, and
goes on from its checkpoint when the search does.
"""

from __future__ import annotations

from common.cli.run import run_command
from tuning import cli

if __name__ == "__main__":
    run_command(cli.search)

import importlib
import json
import math
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import keras
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from common.bundles.file_names import CONFIG_FILE, METRICS_FILE
from common.bundles.provenance import describe_data
from common.errors import InputError, PlaceError
from common.evaluation.metrics import format_score
from common.evaluation.page import html_table, html_text
from common.evaluation.verdict import AHEAD, BEHIND, EVEN, Verdict
from common.files import check_writable
from common.json_files import read_json_object
from common.output import MARKER, claim, is_bundle, kind_of, make_ours, replace_file, workspace_of
from common.progress import LOGGER, only_from
from common.settings import TrainingConfig, flag_of
from common.text.data import Data
from common.training.checkpoint import discard_checkpoint, has_checkpoint
from tuning.report import write_search_report
from tuning.space import SPACES, Space, describe, make_space, plain, read_space, with_values
from tuning.study import claimed, finished, open_study, take_trial, trial_folder
from tuning.tasks import TASKS
from tuning.workers import run_workers

SEARCH_FILE, BEST_FILE, SEEDS = "search.json", "best.json", "seeds"
BEST = 3  # settings that are tried with further seeds
DEFAULT = "default"  # the settings without a search, which stand beside them
HOPELESS = 3  # trials that fail before one has a score
SECONDS_BETWEEN_LOOKS = 1.0  # at what another process is doing
NO_FILES = ("auto", "scratch")  # of --start
SEARCH_LOGGER = LOGGER.getChild("search")


@dataclass(frozen=True)
class Job:
    """A search: all that a process needs to take part in it.

    `options` are those of the task's `train` beside data, place and settings; `base` the settings of all trials.
    """

    task: str
    data: Data
    folder: Path
    space: Space
    base: TrainingConfig
    options: Mapping[str, Any]
    num_trials: int
    prune: bool

    @property
    def score(self) -> str:
        """The name of the validation score that is searched."""
        return TASKS[self.task].score

    @property
    def maximize(self) -> bool:
        """Whether a higher score is better."""
        return TASKS[self.task].maximize

    def open(self) -> optuna.Study:
        """The study of the search."""
        return open_study(self.folder, self.base.seed, self.maximize, self.prune)

    def shown(self, value: float) -> str:
        """A score with its name."""
        return f"{self.score} {format_score(self.score, {self.score: value})}"


@dataclass(frozen=True)
class Candidate:
    """Settings with their validation scores, one for each seed; `trial` is the number of theirs, None without one."""

    trial: int | None
    values: dict[str, Any]
    scores: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What people call them."""
        return DEFAULT if self.trial is None else f"trial {self.trial + 1}"

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return fmean(self.scores)


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    `best` are the settings with the best mean validation score over the seeds, of the `candidates`: the best trials,
    and the settings without a search under the name "default". `path` is the folder with all trials and `report.html`.
    """

    best: Candidate
    candidates: list[Candidate]
    trials: list[FrozenTrial]
    path: Path
    score: str
    verdict: Verdict

    def _repr_html_(self) -> str:
        """The settings that were tried with several seeds, as a table in a notebook."""
        rows: list[list[Any]] = [["settings", f"mean {self.score}", *self.best.values]]
        rows += [
            [each.name, each.mean, *(each.values.get(name, "") for name in self.best.values)]
            for each in self.candidates
        ]
        return html_text(self.verdict.sentence) + html_table(rows)


def search(
    task: str,
    data: Data,
    output_dir: str | Path,
    space: str | Path | Mapping[str, Any] | None = None,
    config: TrainingConfig | None = None,
    *,
    fixed: Collection[str] = (),
    num_trials: int = 20,
    num_workers: int = 1,
    num_seeds: int = 3,
    prune: bool = True,
    resume: bool = False,
    **options: Any,
) -> SearchResult:
    """Search for settings with a good validation score.

    With one worker, the same seed proposes the same trials, and a search that was killed and resumed ends as one that
    was not. With several, the first ten trials are the same; later ones depend on which trials had ended.

    Args:
        task: "sentiment", "language_model" or "pos_tagging".
        data: training data, as `train` of the task takes them.
        output_dir: for the trials, the report and the best settings.
        space: what is tried: a TOML file, the same as a dict, or None for the task's own (`tuning/spaces`).
        config: the settings that all trials share; None takes the defaults. Those that differ from the defaults are not
            searched.
        fixed: names of further settings that are not searched: given, with the value of the default.
        num_trials: settings that are tried.
        num_workers: processes that work at the same time; a program that calls this with more than one guards itself by
            `if __name__ == "__main__"`, as `multiprocessing` needs it.
        num_seeds: runs of each of the best three settings, and of those without a search, with seeds of their own.
        prune: stop trials whose epochs stay behind the median of the others.
        resume: go on with the search that is at `output_dir`.
        options: of the task's `train`, such as `validation` or `start`.
    Returns:
        The best settings, what they are compared with, and all trials.
    Raises:
        InputError: what is wrong with data, space or places, in one line.
    """
    job = make_job(task, data, output_dir, space, config, num_trials, prune, options, fixed)
    open_folder(job, resume)
    run_workers(partial(work, job), num_workers)
    study = job.open()
    candidates = to_compare(study)
    seeds = [job.base.seed + number for number in range(num_seeds)]
    run_workers(partial(try_seeds, job, candidates, seeds), num_workers)
    with ExitStack() as stack:
        wait_until(partial(claimed, job.folder / BEST_FILE, stack), "the report")
        return conclude(job, study, *with_scores(job, candidates, seeds))


def make_job(
    task: str,
    data: Data,
    output_dir: str | Path,
    space: str | Path | Mapping[str, Any] | None,
    config: TrainingConfig | None,
    num_trials: int,
    prune: bool,
    options: Mapping[str, Any],
    fixed: Collection[str] = (),
) -> Job:
    """Check what a search is given; see `search`."""
    if task not in TASKS:
        raise InputError(f"no task {task!r}; the tasks are {', '.join(TASKS)}")
    config_class = TASKS[task].config_class
    base = config or config_class()
    base.validate()
    if base.validation_split == 0 and options.get("validation") is None:
        raise InputError("--validation-split: found 0, a search needs validation data; give more, or --validation FILE")
    fixed = {*fixed, *(each.name for each in fields(config_class) if getattr(base, each.name) != each.default)}
    if isinstance(space, Mapping):
        found = make_space(space, config_class)
    else:
        found = read_space(Path(space or SPACES / f"{task}.toml"), config_class)
    if space is None:
        found = {name: values for name, values in found.items() if name not in fixed}
    elif both := [name for name in found if name in fixed]:
        raise InputError(f"{flag_of(both[0])}: given for all trials, and in the space; leave it out of one of them")
    if not found:
        raise InputError(f"all settings of tuning/spaces/{task}.toml are given; leave one out, or choose a --space")
    return Job(task, data, Path(output_dir).absolute(), found, base, dict(options), num_trials, prune)


def open_folder(job: Job, resume: bool) -> None:
    """Begin the folder of a search, or make sure that the search there is the one to go on with.

    Raises:
        InputError: something else is there, or a search of other data or settings.
    """
    facts = _facts(job)
    file = job.folder / SEARCH_FILE
    check_writable(job.folder, "--output-dir")
    if kind_of(file) == "file":
        if not resume:
            raise InputError(f"{job.folder}: holds a search; add --resume to go on with it, or choose a new folder")
        other = read_json_object(file)
        for name, value in facts.items():
            if other.get(name) != value:
                what = _changed(name, other.get(name), value)
                raise InputError(f"{job.folder}: the search there has another {what}; choose a new --output-dir")
        return
    if resume:
        raise InputError(f"{job.folder}: no search to resume; leave out --resume to start")
    begun = (MARKER, workspace_of(file).name)  # of a search that was killed before it had its file
    if kind_of(job.folder) not in (None, "folder") or (
        job.folder.is_dir() and any(entry.name not in begun for entry in job.folder.iterdir())
    ):
        raise InputError(
            f"{job.folder}: is not empty; choose a new folder with --output-dir, nothing there was touched"
        )
    with claim(job.folder):
        if kind_of(file) is not None:
            raise InputError(f"{job.folder}: another search has begun there; choose a new folder with --output-dir")
        job.folder.mkdir(parents=True, exist_ok=True)
        make_ours(job.folder)
        write_whole(file, facts)


def write_whole(file: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that is there whole or not at all, whenever we are killed."""
    with replace_file(file, encoding="utf-8") as opened:
        opened.write(json.dumps(content, indent=2) + "\n")


def _changed(name: str, before: Any, now: Any) -> str:
    """What is another one, for a message: of settings the first one that is, with its value then."""
    if name != "settings" or not isinstance(before, dict):
        return name
    setting = next((key for key in now if key not in before or before[key] != now[key]), None)
    return name if setting is None else f"{flag_of(setting)}: {before.get(setting)}, now {now[setting]}"


def _facts(job: Job) -> dict[str, Any]:
    """What makes a search the same search, for its file: the number of trials and of workers may change."""
    given = {name: _of_option(value) for name, value in job.options.items() if value is not None}
    return {
        "task": job.task,
        "data": describe_data(job.data),
        "options": {name: value for name, value in given.items() if value not in ("", "()", "[]")},
        "space": describe(job.space),
        "settings": asdict(job.base),
        "prune": job.prune,
    }


def _of_option(value: Any) -> Any:
    """An option of `train` as the file has it: files and tables by their hash."""
    is_path = isinstance(value, str | os.PathLike) and value not in NO_FILES
    is_path = is_path and os.path.exists(value)  # noqa: PTH110  # `Path.exists` raises an error for a long text
    return describe_data(value) if is_path or hasattr(value, "itertuples") else str(value)


# -- Workers --------------------------------------------------------------------------------------------------------


def work(job: Job) -> None:
    """Take one trial after the other, until all have ended."""
    wait_until(partial(take_trials, job, job.open()), "the last trials")


def take_trials(job: Job, study: optuna.Study) -> bool:
    """Take one trial after the other, until none is left; returns whether those of other processes have ended, too."""
    while True:
        with take_trial(study, job.folder, job.space, job.num_trials) as trial:
            if trial is None:
                trials = study.get_trials(deepcopy=False)[: job.num_trials]
                return all(each.state != TrialState.RUNNING for each in trials)
            run_trial(job, study, trial)
        check_hope(study)


def wait_until(done: Callable[[], bool], what: str) -> None:
    """Ask again and again, until something is done that another process is at."""
    if done():
        return
    SEARCH_LOGGER.info("Waiting for another process, which is at %s", what)
    while not done():
        time.sleep(SECONDS_BETWEEN_LOOKS)


def run_trial(job: Job, study: optuna.Study, trial: Trial) -> None:
    """Train a trial's model, or as much of it as is worth it, and enter what came out into the study."""
    place = trial_folder(job.folder, trial.number)
    title = f"Trial {trial.number + 1} of {job.num_trials}"
    SEARCH_LOGGER.info("%s: %s", title, _in_words(trial.params))
    try:
        value = train_once(job, place, plain(trial.params), job.base.seed, partial(_watch, job, trial))
    except optuna.TrialPruned:
        discard_checkpoint(place)
        study.tell(trial, state=TrialState.PRUNED)
        SEARCH_LOGGER.info("%s: stopped after epoch %d, behind the others", title, max(_epochs_of(study, trial)))
    except InputError as error:
        check_place(place, error)
        discard_checkpoint(place)
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.FAIL)
        SEARCH_LOGGER.info("%s: failed; %s", title, error)
    else:
        study.tell(trial, value)
        best = finished(study)[0]
        SEARCH_LOGGER.info(
            "%s: %s; best %s, trial %d", title, job.shown(value), job.shown(best.value or 0.0), best.number + 1
        )


def check_place(place: Path, error: InputError) -> None:
    """End a search if an error is one of the place, not of a trial's settings; with --resume it is tried again.

    Raises:
        InputError: it is.
    """
    if isinstance(error, PlaceError):
        raise error
    check_writable(place, "--output-dir")


def _epochs_of(study: optuna.Study, trial: Trial) -> Mapping[int, float]:
    return study.get_trials(deepcopy=False)[trial.number].intermediate_values


def _watch(job: Job, trial: Trial, epoch: int, scores: Mapping[str, float]) -> None:
    """Enter the score of an epoch into the study; end the trial if it stays behind."""
    score = scores.get(job.score, math.nan)
    if math.isnan(score):
        raise InputError(f"validation {job.score} is not defined; give more validation data")
    if math.isinf(score):  # it cannot be compared, and may be finite after the next epoch
        return
    if epoch not in _epochs_of(trial.study, trial):
        trial.report(score, epoch)
    if trial.should_prune():
        raise optuna.TrialPruned


def train_once(
    job: Job, place: Path, values: Mapping[str, Any], seed: int, on_epoch: Callable[..., None] | None = None
) -> float:
    """Train a model with some settings, unless that is done; returns its validation score.

    Args:
        job: of the search.
        place: of the bundle.
        values: the settings that differ from those that all trials share.
        seed: of the run.
        on_epoch: see the task's `train`.
    Raises:
        InputError: it cannot be trained, or has no score.
    """
    if is_bundle(place):
        discard_checkpoint(place)  # of a run that was killed before it did so
    else:
        config = with_values(job.base, {**values, "seed": seed})
        train = importlib.import_module(job.task).train
        try:
            with only_from(SEARCH_LOGGER):
                train(job.data, place, config, on_epoch, resume=has_checkpoint(place), **job.options)
        finally:
            keras.backend.clear_session()  # else the networks of all trials stay in memory
    return score_of(job, place)


def score_of(job: Job, place: Path) -> float:
    """The validation score of a bundle.

    Raises:
        InputError: there is no bundle, or its score is NaN or infinite, which the file has as null.
    """
    score = (read_json_object(place / METRICS_FILE).get("validation") or {}).get(job.score)
    if score is None:
        raise InputError(f"{place}: validation {job.score} is not defined or infinite; give more validation data")
    return float(score)


def check_hope(study: optuna.Study) -> None:
    """End a search in which every trial fails.

    Raises:
        InputError: what the first one said.
    """
    trials = study.get_trials(deepcopy=False)
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    if len(failed) >= HOPELESS and not any(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials):
        raise InputError(f"the first {len(failed)} trials failed; the first said: {failed[0].user_attrs['error']}")


# -- The best settings ----------------------------------------------------------------------------------------------


def to_compare(study: optuna.Study) -> list[Candidate]:
    """The settings without a search, and those of the best trials."""
    best = finished(study)[:BEST]
    return [Candidate(None, {}), *(Candidate(trial.number, plain(trial.params)) for trial in best)]


def try_seeds(job: Job, candidates: list[Candidate], seeds: list[int]) -> None:
    """Train each of some settings with several seeds; what another process is at comes last, once that is through."""
    runs = [(candidate, seed) for candidate in candidates for seed in seeds]
    for candidate, seed in [run for run in runs if not try_seed(job, *run)]:
        wait_until(partial(try_seed, job, candidate, seed), f"{candidate.name} with seed {seed}")


def try_seed(job: Job, candidate: Candidate, seed: int) -> bool:
    """Train settings with a seed, unless that is done; returns False if another process is at it."""
    place, name = seed_folder(job, candidate, seed), candidate.name.capitalize()
    with ExitStack() as stack:
        if not claimed(place, stack):
            return False
        known = is_bundle(place)
        try:
            value = train_once(job, place, candidate.values, seed)
        except InputError as error:
            check_place(place, error)
            SEARCH_LOGGER.info("%s with seed %d: failed; %s", name, seed, error)
            return True
    if not known:
        SEARCH_LOGGER.info("%s with seed %d: %s", name, seed, job.shown(value))
    return True


def seed_folder(job: Job, candidate: Candidate, seed: int) -> Path:
    """Where the bundle of some settings with a seed is; with the seed of the search, it is the trial's."""
    if candidate.trial is not None and seed == job.base.seed:
        return trial_folder(job.folder, candidate.trial)
    return job.folder / SEEDS / f"{candidate.name.replace(' ', '-')}-{seed}"


def with_scores(job: Job, candidates: list[Candidate], seeds: list[int]) -> tuple[list[Candidate], list[int]]:
    """Give settings their scores with each seed, and leave out what has none.

    Scores are compared in pairs: a seed is left out with which the settings without a search have no score, then
    settings that have none with one of the others.

    Raises:
        InputError: the settings without a search have no score at all.
    """
    scores = [_scores_of(job, each, seeds) for each in candidates]
    kept = list(scores[0])
    if not kept:
        raise InputError(
            f"{seed_folder(job, candidates[0], seeds[0])}: no validation {job.score} without a search, with any seed; "
            "give more validation data, or other settings"
        )
    for seed in set(seeds) - set(kept):
        SEARCH_LOGGER.info("Left out: seed %d, with which the settings without a search have no score", seed)
    whole = []
    for each, known in zip(candidates, scores, strict=True):
        if lacking := [seed for seed in kept if seed not in known]:
            SEARCH_LOGGER.info("Left out: %s, which has no score with seed %d", each.name, lacking[0])
        else:
            whole.append(replace(each, scores=[known[seed] for seed in kept]))
    return whole, kept


def _scores_of(job: Job, candidate: Candidate, seeds: Sequence[int]) -> dict[int, float]:
    """The validation scores of some settings, of the seeds that gave one."""
    scores = {}
    for seed in seeds:
        with suppress(InputError):  # it was said when the run failed
            scores[seed] = score_of(job, seed_folder(job, candidate, seed))
    return scores


def _in_words(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def conclude(job: Job, study: optuna.Study, candidates: list[Candidate], seeds: list[int]) -> SearchResult:
    """Choose the best settings, write them and the report."""
    default, *tried = candidates
    if not tried:
        raise InputError(f"{job.folder}: no trial has a score with every seed; give more trials, or another space")
    best = (max if job.maximize else min)(tried, key=lambda each: each.mean)
    verdict = compare(job, best, default)
    write_whole(job.folder / BEST_FILE, best.values)
    trials = study.get_trials(deepcopy=False)
    chosen_by_size = read_json_object(seed_folder(job, default, seeds[0]) / CONFIG_FILE)
    write_search_report(job, study, candidates, seeds, best, chosen_by_size, verdict)
    return SearchResult(best, candidates, trials, job.folder, job.score, verdict)


def compare(job: Job, best: Candidate, default: Candidate) -> Verdict:
    """Say whether the best settings are ahead of those without a search, with every seed."""
    sign = 1 if job.maximize else -1
    gains = [sign * (ours - theirs) for ours, theirs in zip(best.scores, default.scores, strict=True)]
    better = sum(gain > 0 for gain in gains)
    outcome = AHEAD if better == len(gains) else BEHIND if better == 0 and any(gains) else EVEN
    said = {AHEAD: "ahead of", BEHIND: "behind", EVEN: "about level with"}[outcome]
    return Verdict(
        outcome,
        f"{best.name.capitalize()} is {said} the settings without a search: validation {job.score} {best.mean:.4f} "
        f"against {default.mean:.4f}, the mean of {len(gains)} seeds; better with {better} of them.",
    )
