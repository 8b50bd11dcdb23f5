"""Training loop: epochs with weight averaging, validation, early stopping and checkpoints.

for each epoch:   order of the batches and dropout from (seed, epoch) -> one pass of `model.fit`
                  -> average the weights -> score the validation split -> write a checkpoint
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import keras

from common.errors import InputError
from common.progress import say
from common.settings import TrainingConfig
from common.text.batching import EpochBatches
from common.training.checkpoint import (
    LENGTHS,
    Progress,
    check_space,
    checkpoint_folder,
    restore_checkpoint,
    save_checkpoint,
)
from common.training.keras_progress import EpochBar, duration
from common.training.processes import agreed, alone, shared
from common.training.seeds import reseed_dropout
from common.training.weight_averaging import AveragedWeights

# Called after each epoch with its number, from 1, and its scores; training stops there if it returns True. A run that
# is resumed calls it with the epochs before, too: what watches a run has all of it.
OnEpoch: TypeAlias = Callable[[int, dict[str, float]], bool | None]


@dataclass(frozen=True)
class Validation:
    """How a run is scored after each epoch, with the averaged weights in the model.

    `score` gives named scores, none if there is nothing to validate on; `monitor` is the one that chooses the best
    epoch and stops the run (None: the last epoch is taken); `smaller_is_better` if that is an error.
    """

    score: Callable[[], dict[str, float]]
    monitor: str | None
    smaller_is_better: bool = False

    def goodness(self, scores: dict[str, float], epoch: int) -> float:
        """A number that is larger for a better epoch; a later epoch is better where no score is defined."""
        if self.monitor is None or math.isnan(scores[self.monitor]):
            return float(epoch)
        return scores[self.monitor] * (-1 if self.smaller_is_better else 1)


def fit(
    model: keras.Model,
    train_batches: EpochBatches,
    validation: Validation,
    config: TrainingConfig,
    output_dir: Path,
    resume: bool = False,
    on_epoch: OnEpoch | None = None,
    hashes: Mapping[str, list[str]] | None = None,
) -> Progress:
    """Train a compiled model with early stopping; leave the best weights in it; return the history.

    Args:
        model: compiled with `make_optimizer`.
        train_batches: the training split.
        validation: scores the model as it is.
        config: the settings.
        output_dir: the bundle that will be written; the checkpoints lie beside it.
        resume: go on from the last checkpoint.
        on_epoch: called after each epoch; returns True to stop there.
        hashes: of what the run reads, by option (`Run.hashes`): a run on other data does not go on from a checkpoint.
    Raises:
        InputError: the checkpoint is of other settings or data, the loss is no number, or no score is finite.
    """
    folder = checkpoint_folder(output_dir)
    model.optimizer.build(model.trainable_variables)
    average = AveragedWeights(model, config.ema_momentum)
    data = {**(hashes or {}), LENGTHS: _fingerprint(train_batches)}
    begun = restore_checkpoint(folder, model, average, config, data) if resume else (Progress(), model.get_weights())
    state, best_weights = begun
    say(_describe_start(model, state, config))
    check_space(folder, model.count_params())
    train_batches, first_epoch = shared(train_batches), state.epoch
    stopped = _agreed_stop([_stops(on_epoch, row) for row in state.history])
    while not stopped and state.epoch < config.num_epochs and state.epoch - state.best_epoch <= config.patience:
        start = time.monotonic()
        loss, compiling = _learn_epoch(model, train_batches, average, state.epoch, config, state.epoch == first_epoch)
        seconds = round(time.monotonic() - start, 1)
        with average.in_model():
            scores = _agreed({"loss": loss, **validation.score()})
            if state.end_epoch(scores, seconds, validation.goodness(scores, state.epoch + 1)):
                best_weights = model.get_weights()
        state.seconds += time.monotonic() - start
        with alone():
            save_checkpoint(folder, model, average, best_weights, config, data, state)
        say(_describe_epoch(state, config, time.monotonic() - start - compiling))
        stopped = _agreed_stop([_stops(on_epoch, state.history[-1])])
    _check_learned(state, validation)
    model.set_weights(best_weights)
    return state


def _check_learned(state: Progress, validation: Validation) -> None:
    """Refuse a run none of whose epochs has a finite score."""
    if state.best_score == -math.inf:
        score = state.history[-1][str(validation.monitor)]
        raise InputError(f"--learning-rate: {validation.monitor} was {score} after every epoch; try a smaller one")


def _fingerprint(batches: EpochBatches) -> str:
    """Tell a training split from another, which would hardly have examples of the same lengths in the same order."""
    return hashlib.sha256(batches.lengths.tobytes()).hexdigest()


def _stops(on_epoch: OnEpoch | None, row: dict[str, float]) -> bool:
    """Tell of an epoch, a row of the history; returns whether training is to stop there."""
    scores = {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
    return on_epoch is not None and on_epoch(int(row["epoch"]), scores) is True


def _agreed(scores: dict[str, float]) -> dict[str, float]:
    """The scores of the first process of a run."""
    return dict(zip(scores, agreed(list(scores.values())), strict=True))


def _agreed_stop(stops: list[bool]) -> bool:
    """Whether the first process of a run stops at one of some epochs."""
    return bool(agreed([float(any(stops))])[0])


def _describe_start(model: keras.Model, state: Progress, config: TrainingConfig) -> str:
    """The line before the first epoch."""
    if state.epoch:
        return f"Going on after epoch {state.epoch} of {config.num_epochs}"
    return f"Model: {model.count_params():,} parameters, {model.count_params() * 4 / 1e6:.1f} MB"


def _describe_epoch(state: Progress, config: TrainingConfig, seconds: float) -> str:
    """The line of the epoch that has ended; `*`: the best so far. An epoch takes so many seconds, scored and saved."""
    row = state.history[-1]
    scores = {name: value for name, value in row.items() if name not in ("epoch", "loss", "seconds")}
    shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    validation = f", validation {shown}" if scores else ""
    best = " *" if scores and state.best_epoch == state.epoch else ""
    epochs_left = config.num_epochs - state.epoch
    left = f", at most {duration(seconds * epochs_left)} left" if epochs_left else ""
    took = f"loss {row['loss']:.4f}{validation}, {row['seconds']:.0f} s"
    return f"Epoch {state.epoch}/{config.num_epochs}: {took}{left}{best}"


def _learn_epoch(
    model: keras.Model,
    train_batches: EpochBatches,
    average: AveragedWeights,
    epoch: int,
    config: TrainingConfig,
    compiles: bool,
) -> tuple[float, float]:
    """One pass over the training split, whose randomness depends on seed and epoch alone.

    Returns:
        Its mean loss, and the seconds it took to compile the network, if it `compiles`.
    """
    train_batches.set_epoch(epoch)
    reseed_dropout(model, config.seed, epoch)
    try:
        loss, compiling = _fit_epoch(model, train_batches, average, epoch, config.num_epochs, compiles)
    except KeyboardInterrupt:
        if epoch:
            say(f"Stopped in epoch {epoch + 1}; add --resume to the same command to go on after {epoch}")
        raise
    if not math.isfinite(loss):
        raise InputError(f"--learning-rate: the loss became {loss} in epoch {epoch + 1}; try a smaller one")
    if not average.momentum:
        average.update()
    return loss, compiling


class _EpochData(keras.utils.PyDataset):
    """Batches in the shape Keras wants them."""

    def __init__(self, batches: EpochBatches) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int):
        return self.batches[number]


class _Averaging(keras.callbacks.Callback):
    """Take the weights into their average after every few steps."""

    def __init__(self, average: AveragedWeights) -> None:
        super().__init__()
        self.average = average

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.average.is_due(batch):
            assert self.model  # asked for, it has its weights again: with JAX they are elsewhere while it learns
            self.average.update()


def _fit_epoch(
    model: keras.Model,
    train_batches: EpochBatches,
    average: AveragedWeights,
    epoch: int,
    num_epochs: int,
    compiles: bool,
) -> tuple[float, float]:
    """The pass itself, by Keras' `fit`; returns what `_learn_epoch` does."""

    bar = EpochBar(f"Epoch {epoch + 1}/{num_epochs}", train_batches, compiles, epochs_left=num_epochs - epoch)
    callbacks = [_Averaging(average), bar]
    try:
        # Batches know their order; Keras' own shuffling would depend on how many epochs this process has run.
        history = model.fit(_EpochData(train_batches), verbose=0, shuffle=False, callbacks=callbacks)
    finally:
        bar.close()
    return float(history.history["loss"][0]), bar.seconds_to_compile
