"""A study: the trials of a search, in a journal that several processes share and that a kill leaves whole.

Optuna (Akiba et al. 2019, "Optuna: A Next-generation Hyperparameter Optimization Framework") proposes the settings, by
the tree-structured Parzen estimator of Bergstra et al. (2011), and stops trials that stay behind the median of the
others. What is ours: a trial's proposal depends on the seed, its number and the finished trials alone, so a search that
was killed goes on as if it had not been; and a trial is taken by one process, under a lock that dies with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from common.errors import InputError
from common.files import check_writable
from common.output import claim, is_ours, kind_of, workspace_of
from tuning.space import Space

try:
    import fcntl
except ImportError:  # Windows: there, one worker at a time
    fcntl = None  # type: ignore[assignment]

JOURNAL = "journal.log"
LOCK, TAKING = "journal.lock", "taking.lock"
TRIALS = "trials"
RANDOM_TRIALS = 10  # drawn at random before the estimator proposes
UNPRUNED_TRIALS, UNPRUNED_EPOCHS = 5, 2  # that are never stopped early
NAME = "search"
optuna.logging.set_verbosity(optuna.logging.WARNING)


class FileLock:
    """A lock on a file, which the system takes from a process that is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle = -1

    def acquire(self) -> bool:
        """Wait until the lock is ours."""
        self.handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if fcntl is not None:
            fcntl.flock(self.handle, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give it back."""
        os.close(self.handle)


class SeededByTrial(BaseSampler):
    """A sampler that starts anew for each trial, from the seed and the trial's number.

    So the proposal for a trial is the same whether its process has proposed others before or was started for it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.before_trial(None, None)

    def before_trial(self, study: Any, trial: FrozenTrial | None) -> None:
        """Begin a trial."""
        state = np.random.SeedSequence([self.seed, trial.number if trial else 0]).generate_state(1)
        self.sampler = TPESampler(seed=int(state[0]), n_startup_trials=RANDOM_TRIALS)

    def infer_relative_search_space(self, study: Any, trial: FrozenTrial) -> dict[str, Any]:
        """See `optuna.samplers.BaseSampler`."""
        return self.sampler.infer_relative_search_space(study, trial)

    def sample_relative(self, study: Any, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        """See `optuna.samplers.BaseSampler`."""
        values = self.sampler.sample_relative(study, trial, search_space)
        if not values:  # they are drawn one by one: first again what a killed process has drawn
            for name, distribution in trial.distributions.items():
                if not distribution.single():
                    self.sampler.sample_independent(study, trial, name, distribution)
        return values

    def sample_independent(self, study: Any, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """See `optuna.samplers.BaseSampler`."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)


def open_study(folder: Path, seed: int, maximize: bool, prune: bool) -> optuna.Study:
    """Open the study of a folder, or begin it.

    Args:
        folder: of the search.
        seed: of the proposals.
        maximize: whether a higher score is better.
        prune: whether trials that stay behind are stopped.
    Raises:
        InputError: the journal is damaged.
    """
    lock = FileLock(folder / LOCK)
    lock.acquire()
    _drop_half_line(folder / JOURNAL)
    lock.release()
    pruner = optuna.pruners.MedianPruner(UNPRUNED_TRIALS, UNPRUNED_EPOCHS) if prune else optuna.pruners.NopPruner()
    direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
    try:
        storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL), lock))  # type: ignore[arg-type]
        return optuna.create_study(
            storage=storage, sampler=SeededByTrial(seed), pruner=pruner, study_name=NAME, direction=direction,
            load_if_exists=True,
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError):
        raise InputError(f"{folder / JOURNAL}: damaged; put a copy of it back, or start in a new folder") from None


def _drop_half_line(journal: Path) -> None:
    """Take away what a process had begun to write into a journal when it was killed."""
    if journal.exists():
        with open(journal, "r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)


def trial_folder(folder: Path, number: int) -> Path:
    """Where the bundle of a trial will be; people count from 1."""
    return folder / TRIALS / f"{number + 1:04d}"


@contextmanager
def take_trial(study: optuna.Study, folder: Path, space: Space, num_trials: int) -> Iterator[Trial | None]:
    """Take the next trial; it is no other process's as long as the block lasts.

    First come trials that a killed process has left, then a new one.

    Yields:
        The trial, which has a value for each setting of the space; None if there is none left to take.
    """
    with ExitStack() as stack:
        lock = FileLock(folder / TAKING)
        lock.acquire()
        try:
            trial = _take(study, folder, num_trials, stack)
            if trial:
                for name, values in space.items():
                    _suggest(trial, name, values)
        finally:
            lock.release()
        yield trial


def _take(study: optuna.Study, folder: Path, num_trials: int, stack: ExitStack) -> Trial | None:
    trials = study.get_trials(deepcopy=False)
    for left in trials:
        if left.state != TrialState.RUNNING:
            continue
        with ExitStack() as attempt:
            if not claimed(trial_folder(folder, left.number), attempt):
                continue
            if study.get_trials(deepcopy=False)[left.number].state == TrialState.RUNNING:  # it may just have ended
                stack.push(attempt.pop_all())
                return Trial(study, left._trial_id)
    if len(trials) >= num_trials:
        return None
    stack.enter_context(claim(trial_folder(folder, len(trials))))
    trial = study.ask()
    assert trial.number == len(trials)
    return trial


def _suggest(trial: Trial, name: str, values: BaseDistribution) -> None:
    """Give a trial a value of a setting, if it has none yet."""
    if isinstance(values, CategoricalDistribution):
        trial.suggest_categorical(name, values.choices)
    elif isinstance(values, IntDistribution):
        trial.suggest_int(name, values.low, values.high, step=values.step, log=values.log)
    elif isinstance(values, FloatDistribution):
        trial.suggest_float(name, values.low, values.high, step=values.step, log=values.log)


def claimed(place: Path, stack: ExitStack) -> bool:
    """Reserve a place, unless another process has it.

    Raises:
        InputError: nobody can have it.
    """
    try:
        stack.enter_context(claim(place))
    except InputError:
        check_writable(place, "--output-dir")
        workspace = workspace_of(place)
        with suppress(FileNotFoundError):  # the other process may end at this moment
            if not is_ours(workspace) and kind_of(workspace) is not None:
                raise
        return False
    return True


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that have a score, best first."""
    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
    sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
    return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
