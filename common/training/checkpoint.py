"""Checkpoints: a kill at any moment loses at most one epoch, and `--resume` ends in the same bits.

A checkpoint is a folder `epoch-N`, complete or absent: weights with the optimizer's state (which holds the position
in the learning-rate schedule), the averaged weights, the best weights so far, and `state.json` with the history and
the early-stopping count. It lies beside the output folder, in `OUTPUT_DIR.checkpoint/`, until the bundle is saved.
"""

from __future__ import annotations

import math
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.bundles.bundle import HDF5_OVERHEAD, save_weights
from common.bundles.manifest import MAX_FILE_BYTES
from common.errors import InputError, PlaceError, printable
from common.evaluation.metrics import finite
from common.json_files import read_json_object, write_json
from common.output import check_bundle_place, is_ours, kind_of, make_ours, manifest_in, remove_ours, sync
from common.parallel import writes
from common.progress import say
from common.settings import TrainingConfig, flag_of
from common.training.weight_averaging import AveragedWeights

if TYPE_CHECKING:
    import keras

STATE_FILE, AVERAGE_FILE, BEST_FILE = "state.json", "average.npz", "best.npz"
LENGTHS = "lengths"  # the hash of those of the training examples; others have the name of their option
WORDS = {LENGTHS: "other training data", "train": "other training data", "initialize_from": "another --start"}
PARTIAL = "partial"  # a checkpoint that is being written or removed
ARRAYS_HELD = 5  # of the size of the weights, in a checkpoint: weights, two moments of Adam, average, best


@dataclass
class Progress:
    """Where a run stands; all of it is in the checkpoint. `run` tells it from any other run."""

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    def end_epoch(self, scores: dict[str, float], seconds: float, goodness: float) -> bool:
        """Enter the scores of an epoch into the history; returns whether it is the best so far."""
        self.epoch += 1
        self.history.append({"epoch": self.epoch, **scores, "seconds": seconds})
        is_best = self.best_epoch == 0 or goodness > self.best_score
        if is_best:
            self.best_epoch, self.best_score = self.epoch, goodness
        return is_best


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


def check_space(folder: Path, num_parameters: int) -> None:
    """Make sure that a bundle can hold so many weights, and that two checkpoints and the bundle have room on the disk.

    Only the first of several processes writes there: on other machines there need be no such folder.

    Raises:
        InputError: what is too large.
    """
    if 4 * num_parameters > MAX_FILE_BYTES - HDF5_OVERHEAD:
        raise InputError(
            f"{4 * num_parameters / 1e6:,.0f} MB of weights, a saved model holds at most {MAX_FILE_BYTES / 1e6:,.0f}; "
            "choose fewer units, a smaller vocabulary or smaller word vectors"
        )
    if not writes():
        return
    needed = 4 * num_parameters * (2 * ARRAYS_HELD + 1)
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise PlaceError(
            f"{folder.parent}: {free / 1e6:,.0f} MB free, checkpoints and model need {needed / 1e6:,.0f} MB; "
            "free some space, or choose another --output-dir"
        )


def _latest(folder: Path) -> Path | None:
    """The newest complete checkpoint; one that was being written has another name."""
    return max(folder.glob("epoch-*"), default=None) if folder.is_dir() else None


def save_checkpoint(
    folder: Path,
    model: keras.Model,
    average: AveragedWeights,
    best_weights: list,
    config: TrainingConfig,
    data: Mapping[str, Any],
    state: Progress,
) -> None:
    if not writes():
        return
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
        facts["history"] = [{name: _to_json(value) for name, value in row.items()} for row in state.history]
        write_json(new / STATE_FILE, finite({**asdict(state), **facts}))  # the best score, if infinite, becomes null
        sync(new)
        new.rename(folder / name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if not _latest(folder):
            remove_ours(folder)
    for older in folder.glob("epoch-*"):
        if older.name != name:
            shutil.rmtree(older)


def restore_checkpoint(
    folder: Path, model: keras.Model, average: AveragedWeights, config: TrainingConfig, data: Mapping[str, Any]
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
    latest: Path, model: keras.Model, average: AveragedWeights, config: TrainingConfig, data: Mapping[str, Any]
) -> tuple[Progress, list[np.ndarray]]:
    content = read_json_object(latest / STATE_FILE)
    _check_data(latest, content["data"], data)
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
    state.best_score = -math.inf if state.best_score is None else state.best_score
    state.history = [{name: _from_json(value) for name, value in row.items()} for row in state.history]
    if not 1 <= state.best_epoch <= state.epoch == len(state.history):
        raise ValueError("epochs that do not follow each other")
    model.load_weights(latest / "model.weights.h5")
    return state, best_weights


def _check_data(latest: Path, made_with: str | Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Make sure that a checkpoint was made with these data; an older version kept the hash of the lengths alone."""
    made_with = {**data, LENGTHS: made_with} if isinstance(made_with, str) else made_with
    different = [name for name in {**data, **made_with} if made_with.get(name) != data.get(name)]
    if different:
        # The lengths may differ because of another option, of a validation file say; that one is to blame.
        [name, *_] = [name for name in different if name != LENGTHS] or different
        what = WORDS.get(name, f"another {flag_of(name)}")
        raise InputError(f"{latest}: made with {what}; resume with the same, or delete the checkpoint")


def _to_json(value: float) -> float | str:
    """A score as a checkpoint holds it: JSON has no number that is infinite or NaN."""
    return value if math.isfinite(value) else str(value)


def _from_json(value: float | str | None) -> float:
    """The score again; checkpoints of older versions have null."""
    return math.nan if value is None else float(value) if isinstance(value, str) else value


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
    discard_checkpoint(output_dir)


def has_checkpoint(output_dir: Path) -> bool:
    """Whether a run that was to write a bundle there can be resumed."""
    return _latest(checkpoint_folder(output_dir)) is not None


def discard_checkpoint(output_dir: Path) -> None:
    """Remove the checkpoints of a run that nobody will resume."""
    folder = checkpoint_folder(output_dir)
    latest = _latest(folder)
    if latest and is_ours(folder):
        shutil.rmtree(folder / PARTIAL, ignore_errors=True)
        latest.rename(folder / PARTIAL)  # a kill during the removal leaves no half of a checkpoint
    remove_ours(folder)
