"""Fit a model so that a kill at any moment loses at most one epoch, and changes nothing.

    for each epoch:   order of the batches and dropout from (seed, epoch) -> one pass of `model.fit`
                      -> average the weights -> score the validation split -> write a checkpoint

A checkpoint is a folder `epoch-N`, complete or absent: weights with the optimizer's state (which holds the position
in the learning-rate schedule), the averaged weights, the best weights so far, and `state.json` with the history and
the early-stopping count. It lies beside the output folder, in `OUTPUT_DIR.checkpoint/`, until the bundle is saved.
"""

from __future__ import annotations

import csv
import hashlib
import math
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.bundles.bundle import HDF5_OVERHEAD, save_weights
from common.bundles.manifest import MAX_FILE_BYTES
from common.errors import InputError, printable
from common.json_files import write_json
from common.output import (
    check_bundle_place,
    is_ours,
    kind_of,
    make_ours,
    manifest_in,
    remove_ours,
    sync,
)
from common.progress import say
from common.settings import read_json_object
from common.text.batching import Batches
from common.training.seeds import reseed_dropout

if TYPE_CHECKING:
    import keras

STATE_FILE, AVERAGE_FILE, BEST_FILE = "state.json", "average.npz", "best.npz"
PARTIAL = "partial"  # a checkpoint that is being written or removed
ARRAYS_HELD = 5  # of the size of the weights, in a checkpoint: weights, two moments of Adam, average, best
AVERAGE_EVERY = 5  # steps between two updates of the averaged weights


@dataclass
class Progress:
    """Where a run stands; all of it is in the checkpoint. `run` tells it from any other run."""

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    run: str = field(default_factory=lambda: secrets.token_hex(8))


def checkpoint_folder(output_dir: Path) -> Path:
    """Where the checkpoints of a run lie: beside the bundle it will write."""
    return output_dir.absolute().with_name(output_dir.absolute().name + ".checkpoint")


def check_run(output_dir: Path, resume: bool, overwrite: bool) -> bool:
    """Make sure that a bundle and its checkpoints may be written, and that `--resume` finds one to go on from.

    Args:
        output_dir: the bundle that will be written.
        resume: whether to go on from a checkpoint.
        overwrite: whether a bundle that is there may be replaced.
    Returns:
        Whether it may be replaced when the run ends: also if this run wrote it, and was killed right after that.
    Raises:
        InputError: something is in the way, or there is a checkpoint and `--resume` was not said, or the reverse.
    """
    folder = checkpoint_folder(output_dir)
    if kind_of(folder) is not None and not is_ours(folder):
        raise InputError(f"{folder}: in the way, and not made by this program; move it, or choose another --output-dir")
    if resume and not _latest(folder):
        raise InputError(f"{folder}: no checkpoint to resume; leave out --resume to start")
    if not resume and _latest(folder):
        raise InputError(f"{folder}: an unfinished run; add --resume to go on, or delete that folder to start again")
    manifest = manifest_in(output_dir) or {}
    overwrite = overwrite or (resume and manifest.get("run") is not None and manifest["run"] == _run_of(folder))
    check_bundle_place(output_dir, overwrite)
    return overwrite


def _run_of(folder: Path) -> Any:
    """The name of the run that left a checkpoint."""
    latest = _latest(folder)
    return read_json_object(latest / STATE_FILE).get("run") if latest else None


def set_precision(mixed: bool) -> None:
    """Choose the precision of the models built from now on: float32, or bfloat16 with float32 weights."""
    import keras

    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text(encoding="utf-8", errors="replace") if cpu.exists() else "bf16"
    if mixed and "bf16" not in flags:
        say("This processor has no bfloat16 instructions; --no-mixed-precision will be faster")
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")


def make_optimizer(
    config: Any, num_steps: int, layer_rates: Mapping[str, tuple[float, int]] | None = None
) -> keras.optimizers.Optimizer:
    """Adam with the schedule, warm-up, clipping and weight decay of the settings.

    Args:
        config: has `learning_rate`, `schedule`, `warmup_rate`, `weight_decay`, `max_gradient_norm`, `adam_beta_2`.
        num_steps: steps of the whole run; "cosine" falls to 1% of the learning rate by then.
        layer_rates: layers that learn more slowly or begin later, see `common.training.layer_rates`.
    """
    import keras

    from common.training.layer_rates import LayerAdamW

    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        warmup = max(1, round(num_steps * config.warmup_rate))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 10, max(1, num_steps - warmup), alpha=0.01, warmup_target=rate, warmup_steps=warmup
        )
    return LayerAdamW(
        layer_rates or {},
        learning_rate=rate,
        beta_2=config.adam_beta_2,
        weight_decay=config.weight_decay,
        global_clipnorm=config.max_gradient_norm,
    )


class AveragedWeights:
    """A running average of the weights, which generalises better than the last step's.

    Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; exponential, so that early steps
    are forgotten: average <- m * average + (1 - m) * weights, with m smaller in the first steps.

    Args:
        model: the model in training.
        momentum: m, for one step; 0 keeps no average.
    """

    def __init__(self, model: keras.Model, momentum: float) -> None:
        self.model = model
        self.momentum = momentum**AVERAGE_EVERY
        self.num_updates = 0
        self.values: list[np.ndarray] = []

    def update(self) -> None:
        """Take the present weights into the average."""
        weights = self.model.get_weights()
        if not self.values or not self.momentum:
            self.values = weights
            return
        self.num_updates += 1
        momentum = min(self.momentum, self.num_updates / (10 + self.num_updates))
        for average, value in zip(self.values, weights, strict=True):
            if np.issubdtype(value.dtype, np.floating):  # whole numbers are never trained
                average += (1 - momentum) * (value - average)

    @contextmanager
    def in_model(self):
        """Put the averages in the model for a while."""
        raw = self.model.get_weights()
        self.model.set_weights(self.values)
        yield
        self.model.set_weights(raw)


def fit(
    model: keras.Model,
    train_batches: Batches,
    validate: Callable[[], dict[str, float]],
    monitor: str | None,
    config: Any,
    output_dir: Path,
    resume: bool = False,
    smaller_is_better: bool = False,
) -> Progress:
    """Train a compiled model, and leave the weights that were best on validation in it.

    Args:
        model: compiled with `make_optimizer`.
        train_batches: the training split.
        validate: scores the model as it is; called after each epoch, with the averaged weights in it.
        monitor: the score of `validate` that chooses the best epoch; None takes the last one.
        config: has `seed`, `num_epochs`, `patience`, `average_momentum`.
        output_dir: the bundle that will be written; the checkpoints lie beside it.
        resume: go on from the last checkpoint.
        smaller_is_better: whether the monitored score is an error.
    Returns:
        The history, and where it ended.
    Raises:
        InputError: the checkpoint belongs to a run with other settings or data, or the loss is no longer a number.
    """
    folder = checkpoint_folder(output_dir)
    model.optimizer.build(model.trainable_variables)
    average = AveragedWeights(model, config.average_momentum)
    state, best_weights = Progress(), model.get_weights()
    # Other data would hardly have examples of the same lengths in the same order.
    data = hashlib.sha256(train_batches.lengths.tobytes()).hexdigest()
    if resume:
        state, best_weights = _restore(folder, model, average, config, data)
        say(f"Going on after epoch {state.epoch} of {config.num_epochs}")
    else:
        say(f"Model: {model.count_params():,} parameters, {model.count_params() * 4 / 1e6:.1f} MB")
    check_space(folder, model.count_params())

    while state.epoch < config.num_epochs and state.epoch - state.best_epoch <= config.patience:
        start = time.monotonic()
        train_batches.set_epoch(state.epoch)
        reseed_dropout(model, config.seed, state.epoch)
        try:
            loss = _fit_epoch(model, train_batches, average, state.epoch, config.num_epochs)
        except KeyboardInterrupt:
            if state.epoch:
                say(
                    f"Stopped in epoch {state.epoch + 1}; add --resume to the same command to go on after {state.epoch}"
                )
            raise
        if not math.isfinite(loss):
            raise InputError(f"--learning-rate: the loss became {loss} in epoch {state.epoch + 1}; try a smaller one")
        if not average.momentum:
            average.update()
        training_seconds = time.monotonic() - start
        with average.in_model():
            scores = validate()
            state.epoch += 1
            score = float(state.epoch) if monitor is None else scores[monitor] * (-1 if smaller_is_better else 1)
            if score > state.best_score:
                state.best_epoch, state.best_score, best_weights = state.epoch, score, model.get_weights()
        state.seconds += time.monotonic() - start
        state.history.append({"epoch": state.epoch, "loss": loss, **scores, "seconds": round(training_seconds, 1)})
        _save(folder, model, average, best_weights, config, data, state)
        shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
        validation = f", validation {shown}" if scores else ""
        best = " *" if scores and state.best_epoch == state.epoch else ""
        say(f"Epoch {state.epoch}/{config.num_epochs}: loss {loss:.4f}{validation}, {training_seconds:.0f} s{best}")

    model.set_weights(best_weights)
    return state


def check_space(folder: Path, num_parameters: int) -> None:
    """Make sure that a bundle can hold so many weights, and that two checkpoints and the bundle have room on the disk.

    Raises:
        InputError: what is too large.
    """
    if 4 * num_parameters > MAX_FILE_BYTES - HDF5_OVERHEAD:
        raise InputError(
            f"{4 * num_parameters / 1e6:,.0f} MB of weights, a saved model holds at most {MAX_FILE_BYTES / 1e6:,.0f}; "
            "choose fewer units, a smaller vocabulary or smaller word vectors"
        )
    needed = 4 * num_parameters * (2 * ARRAYS_HELD + 1)
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise InputError(
            f"{folder.parent}: {free / 1e6:,.0f} MB free, checkpoints and model need {needed / 1e6:,.0f} MB; "
            "free some space, or choose another --output-dir"
        )


def _fit_epoch(model, train_batches: Batches, average: AveragedWeights, epoch: int, num_epochs: int) -> float:
    """One pass over the training split; returns its mean loss."""
    import keras

    class EpochData(keras.utils.PyDataset):
        """The same batches, in the shape Keras wants them."""

        def __len__(self) -> int:
            return len(train_batches)

        def __getitem__(self, number: int):
            return train_batches[number]

    from common.training.keras_progress import EpochBar

    def after_step(step: int, logs: dict[str, float]) -> None:
        if average.momentum and step % AVERAGE_EVERY == 0:
            average.update()

    bar = EpochBar(f"Epoch {epoch + 1}/{num_epochs}", train_batches, say_cost=epoch == 0, num_epochs=num_epochs)
    callbacks = [keras.callbacks.LambdaCallback(on_train_batch_end=after_step), bar]
    try:
        # Batches know their order; Keras' own shuffling would depend on how many epochs this process has run.
        history = model.fit(EpochData(), verbose=0, shuffle=False, callbacks=callbacks)
    finally:
        bar.close()
    return float(history.history["loss"][0])


def _latest(folder: Path) -> Path | None:
    """The newest complete checkpoint; one that was being written has another name."""
    return max(folder.glob("epoch-*"), default=None) if folder.is_dir() else None


def _save(
    folder: Path, model, average: AveragedWeights, best_weights: list, config: Any, data: str, state: Progress
) -> None:
    name = f"epoch-{state.epoch:04d}"
    make_ours(folder)
    new = folder / PARTIAL
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        save_weights(model, new / "model.weights.h5")  # compiled: the optimizer's state is in it
        np.savez(new / AVERAGE_FILE, *average.values)
        np.savez(new / BEST_FILE, *best_weights)
        facts = {"num_updates": average.num_updates, "data": data, "settings": asdict(config)}
        write_json(new / STATE_FILE, {**asdict(state), **facts})
        sync(new)
        new.rename(folder / name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if not _latest(folder):
            remove_ours(folder)
    for older in folder.glob("epoch-*"):
        if older.name != name:
            shutil.rmtree(older)


def _restore(
    folder: Path, model, average: AveragedWeights, config: Any, data: str
) -> tuple[Progress, list[np.ndarray]]:
    latest = _latest(folder)
    if latest is None:
        raise InputError(f"{folder}: no checkpoint to resume; leave out --resume to start")
    try:
        return _read_checkpoint(latest, model, average, config, data)
    except InputError:
        raise
    except Exception as error:  # there is no telling how a damaged file fails in the libraries that read it
        reason = printable(str(error) or type(error).__name__, max_characters=100)
        raise InputError(f"{latest}: damaged ({reason}); delete {folder} and start again without --resume") from None


def _read_checkpoint(
    latest: Path, model, average: AveragedWeights, config: Any, data: str
) -> tuple[Progress, list[np.ndarray]]:
    content = read_json_object(latest / STATE_FILE)
    if content["data"] != data:
        raise InputError(f"{latest}: made with other training data; resume with the same, or delete the checkpoint")
    for name, value in asdict(config).items():
        if content["settings"].get(name) != value:
            raise InputError(
                f"{latest}: made with {name} {content['settings'].get(name)}, this run has {value}; "
                "resume with the same settings, or delete the checkpoint"
            )
    shapes = [weight.shape for weight in model.get_weights()]
    average.values, best_weights = (_read_arrays(latest / name) for name in (AVERAGE_FILE, BEST_FILE))
    for arrays in (average.values, best_weights):
        if [array.shape for array in arrays] not in ([], shapes):
            raise ValueError("arrays of other shapes than the model's")
    average.num_updates = content["num_updates"]
    state = Progress(**{name: content[name] for name in vars(Progress())})
    if not 1 <= state.best_epoch <= state.epoch == len(state.history):
        raise ValueError("epochs that do not follow each other")
    model.load_weights(latest / "model.weights.h5")
    return state, best_weights


def _read_arrays(path: Path) -> list[np.ndarray]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
        return [arrays[f"arr_{number}"] for number in range(len(arrays.files))]


@contextmanager
def kept_until_saved(output_dir: Path) -> Iterator[None]:
    """Keep the checkpoint of a run while its bundle is saved, and remove it if that went well."""
    folder = checkpoint_folder(output_dir)
    try:
        yield
    except BaseException:
        if _latest(folder):
            say(f"What was learned is kept in {folder}; the same command with --resume saves it")
        raise
    latest = _latest(folder)
    if latest and is_ours(folder):
        shutil.rmtree(folder / PARTIAL, ignore_errors=True)
        latest.rename(folder / PARTIAL)  # a kill during the removal leaves no half of a checkpoint
    remove_ours(folder)


def write_history(folder: Path, state: Progress, monitor: str | None) -> None:
    """Write `history.csv` and `learning_curve.png`; `monitor` is that of `fit`."""
    from matplotlib.ticker import MaxNLocator

    from common.evaluation.report import new_figure

    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(state.history[0]))
        writer.writeheader()
        writer.writerows(state.history)
    epochs = [row["epoch"] for row in state.history]
    figure, axes = new_figure(6, 3.6)
    axes.plot(epochs, [row["loss"] for row in state.history], "o-", color="tab:blue", label="training loss")
    axes.set(xlabel="epoch", ylabel="training loss", title="trained without validation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if monitor:
        axes.set_title(f"best validation {monitor} in epoch {state.best_epoch}")
        right, name = axes.twinx(), f"validation {monitor}"
        right.plot(epochs, [row[monitor] for row in state.history], "s-", color="tab:orange", label=name)
        right.set_ylabel(name)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(folder / "learning_curve.png", dpi=110, metadata={"Software": None})
