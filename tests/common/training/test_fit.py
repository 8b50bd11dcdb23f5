"""Training: a run that was killed and resumed is the run that was not."""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import math
import random
import shutil
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

from common.bundles.provenance import describe_machine
from common.errors import InputError
from common.networks.layers import MaskedPooling
from common.settings import TrainingConfig, setting
from common.text.batching import Batches, drop_words, make_mask, pad
from common.training import checkpoint, weight_averaging
from common.training.checkpoint import Progress, check_run, checkpoint_folder, kept_until_saved
from common.training.fit import Validation, _describe_epoch, _describe_start, _stops, fit
from common.training.history import write_history
from common.training.optimizer import make_optimizer
from common.training.seeds import reseed_dropout, set_seed
from common.training.weight_averaging import AveragedWeights

VOCAB_SIZE = 9
NUM_EXAMPLES = 23


@dataclass(frozen=True)
class ToyConfig(TrainingConfig):
    dropout: float = setting(0.3, "share dropped", minimum=0, maximum=0.99)
    num_epochs: int = setting(4, "passes", minimum=1)
    batch_size: int = setting(4, "examples", minimum=1)
    learning_rate: float = setting(0.01, "step", minimum=0)
    patience: int = setting(9, "epochs", minimum=0)


CONFIG = ToyConfig(weight_decay=0.01, max_gradient_norm=0.5, ema_momentum=0.9)


class Killed(BaseException):
    """As final as a kill: nothing in the code under test expects it."""


@pytest.fixture(autouse=True)
def average_often(monkeypatch):
    monkeypatch.setattr(weight_averaging, "AVERAGE_EVERY", 2)


def make_batches(config):
    """Texts of 1 to 8 random words; the target is how often word 5 is in them."""
    rng = np.random.default_rng(0)
    texts = [rng.integers(4, VOCAB_SIZE, size=rng.integers(1, 9)).tolist() for _ in range(NUM_EXAMPLES)]
    lengths = [len(text) for text in texts]

    def make_batch(indices, rng):
        token_ids, mask = pad([texts[i] for i in indices]), make_mask([lengths[i] for i in indices])
        targets = np.array([[texts[i].count(5)] for i in indices], "float32")
        if rng is not None:
            token_ids = drop_words(token_ids, mask, 0.1, rng)
        return {"token_ids": token_ids, "mask": mask}, targets, np.ones(len(indices), "float32")

    return [Batches(lengths, make_batch, config.batch_size, seed) for seed in (config.seed, None)]


def build_model(config):
    """A network of a few cheap layers, with dropout: what is tested here is the loop around it."""
    set_seed(config.seed)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="bool", name="mask")
    vectors = keras.layers.Dropout(config.dropout)(keras.layers.Embedding(VOCAB_SIZE, 5)(token_ids))
    states = keras.layers.Dense(4, activation="tanh")(MaskedPooling("mean")(vectors, mask=mask))
    outputs = keras.layers.Dense(1)(keras.layers.Dropout(config.dropout)(states))
    return keras.Model({"token_ids": token_ids, "mask": mask}, outputs)


def start(config, output_dir, resume=False, scores=None, on_epoch=None, run_eagerly=True, hashes=None, smaller=False):
    """What a `train` program does; `scores` stand in for those of validation. Returns the model and the state.

    Few epochs take less time if they run eagerly than the tracing would.
    """
    model = build_model(config)
    batches, fixed = make_batches(config)
    optimizer = make_optimizer(config, config.num_epochs * len(batches))
    model.compile(optimizer, loss="mean_squared_error", run_eagerly=run_eagerly)

    scores = iter(scores or ())

    def validate():
        errors = [
            np.square(model.predict_on_batch(inputs) - targets)
            for inputs, targets, _ in map(fixed.__getitem__, range(6))
        ]
        return {"score": next(scores, -float(np.concatenate(errors).mean()))}

    return model, fit(
        model, batches, Validation(validate, "score", smaller), config, output_dir, resume, on_epoch, hashes
    )


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Weights and state after a whole run, and its `output_dir`, beside which the last checkpoint lies."""
    output_dir = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_averaging, "AVERAGE_EVERY", 2)
        model, state = start(CONFIG, output_dir)
    return model.get_weights(), state, output_dir


@pytest.fixture
def uninterrupted(whole_run):
    return whole_run[:2]


ONE_EPOCH = replace(CONFIG, num_epochs=1)


@pytest.fixture(scope="module")
def run_of_one_epoch(tmp_path_factory):
    output_dir = tmp_path_factory.mktemp("one epoch") / "run"
    start(ONE_EPOCH, output_dir)
    return output_dir


@pytest.fixture
def after_one_epoch(run_of_one_epoch, tmp_path):
    """The `output_dir` of a run of `ONE_EPOCH`, whose checkpoint lies beside it; a copy to change."""
    shutil.copytree(checkpoint_folder(run_of_one_epoch), checkpoint_folder(tmp_path / "run"))
    return tmp_path / "run"


def kill_at(monkeypatch, step):
    """Die when the averages are updated for the `step`-th time: 3 times in an epoch of 6 steps."""
    update, count = AveragedWeights.update, iter(range(1, 10**6))

    def update_or_die(self):
        if next(count) == step:
            raise Killed
        update(self)

    monkeypatch.setattr(AveragedWeights, "update", update_or_die)


def assert_same(model, state, uninterrupted):
    weights, whole = uninterrupted
    assert without_seconds(state.history) == without_seconds(whole.history)
    assert (state.best_epoch, state.best_score) == (whole.best_epoch, whole.best_score)
    for found, wanted in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_same_seed_gives_the_same_run(tmp_path, uninterrupted):
    model, state = start(CONFIG, tmp_path / "run")
    assert_same(model, state, uninterrupted)
    other, _ = start(replace(CONFIG, seed=2, num_epochs=1), tmp_path / "other")
    assert not np.array_equal(other.get_weights()[0], uninterrupted[0][0])


def test_it_learns_and_every_weight_moves(tmp_path):
    config = replace(CONFIG, dropout=0.0, num_epochs=20, learning_rate=0.05, max_gradient_norm=5.0)
    first = build_model(config)
    model, state = start(config, tmp_path / "run", run_eagerly=False)
    assert state.history[-1]["score"] > 0.3 * state.history[0]["score"]  # scores are negative errors
    for before, after in zip(first.get_weights(), model.get_weights(), strict=True):
        assert not np.array_equal(before, after)


@pytest.mark.parametrize(
    "kills", [pytest.param([8], marks=pytest.mark.slow), [2, 5, 8]], ids=["one kill", "three kills"]
)
def test_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch, uninterrupted, kills):
    output_dir, resume = tmp_path / "run", False
    for step in kills:
        with monkeypatch.context() as patch:
            kill_at(patch, step)
            with pytest.raises(Killed):
                start(CONFIG, output_dir, resume)
        resume = checkpoint_folder(output_dir).is_dir()
    random.seed(99)  # another process has another past
    np.random.seed(99)  # noqa: NPY002
    model, state = start(CONFIG, output_dir, resume=True)
    assert_same(model, state, uninterrupted)


def test_a_kill_while_a_checkpoint_is_written_loses_that_epoch_alone(tmp_path, monkeypatch, uninterrupted):
    write_json, count = checkpoint.write_json, iter(range(1, 10**6))

    def write_or_die(path, content):
        if next(count) == 3:
            raise Killed
        write_json(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_json", write_or_die)
        with pytest.raises(Killed):
            start(CONFIG, tmp_path / "run")
    assert [folder.name for folder in checkpoint_folder(tmp_path / "run").glob("epoch-*")] == ["epoch-0002"]
    assert checkpoint.has_checkpoint(tmp_path / "run")
    assert_same(*start(CONFIG, tmp_path / "run", resume=True), uninterrupted)


def test_resuming_a_finished_run_changes_nothing(tmp_path, whole_run):
    shutil.copytree(checkpoint_folder(whole_run[2]), checkpoint_folder(tmp_path / "run"))
    assert_same(*start(CONFIG, tmp_path / "run", resume=True), whole_run[:2])


def test_resuming_with_other_settings_is_refused(after_one_epoch):
    with pytest.raises(InputError, match=r"made with dropout 0\.3, this run has 0\.4; resume with the same settings"):
        start(replace(ONE_EPOCH, dropout=0.4), after_one_epoch, resume=True)


def test_resuming_on_other_data_is_refused(after_one_epoch, monkeypatch):
    lengths = Batches.__init__
    monkeypatch.setattr(Batches, "__init__", lambda self, given, *rest: lengths(self, given[::-1], *rest))
    with pytest.raises(InputError, match="made with other training data"):
        start(ONE_EPOCH, after_one_epoch, resume=True)


HASHES = {"train": ["a"], "validation": ["b"], "teachers": ["c", "d"], "initialize_from": ["e"]}


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"train": ["x"]}, "other training data"),
        ({"validation": ["x"]}, "another --validation"),
        ({"validation": None}, "another --validation"),
        ({"teachers": ["c"]}, "another --teachers"),
        ({"initialize_from": ["x"]}, "another --start"),
        ({"word_vectors_from": ["x"]}, "another --word-vectors-from"),
    ],
)
def test_resuming_with_something_else_to_read_is_refused(other, what, tmp_path):
    start(ONE_EPOCH, tmp_path / "run", hashes=HASHES)
    given = {name: value for name, value in {**HASHES, **other}.items() if value}
    with pytest.raises(InputError, match=f"epoch-0001: made with {what}; resume with the same, or delete"):
        start(ONE_EPOCH, tmp_path / "run", resume=True, hashes=given)
    start(ONE_EPOCH, tmp_path / "run", resume=True, hashes=HASHES)


def test_a_checkpoint_of_an_older_version_knows_the_lengths_of_the_examples_alone(after_one_epoch, monkeypatch):
    file = checkpoint_folder(after_one_epoch) / "epoch-0001" / "state.json"
    state = json.loads(file.read_text())
    file.write_text(json.dumps({**state, "data": state["data"]["lengths"]}))
    assert start(ONE_EPOCH, after_one_epoch, resume=True, hashes=HASHES)[1].epoch == 1
    file.write_text(json.dumps({**state, "data": "of other examples"}))
    with pytest.raises(InputError, match="epoch-0001: made with other training data"):
        start(ONE_EPOCH, after_one_epoch, resume=True, hashes=HASHES)


def test_what_is_infinitely_bad_is_no_finished_model(tmp_path):
    config = replace(CONFIG, num_epochs=2)
    refused = r"--learning-rate: score was inf after every epoch; try a smaller one"
    with pytest.raises(InputError, match=refused):
        start(config, tmp_path / "run", scores=[math.inf, math.inf], smaller=True)
    with pytest.raises(InputError, match=refused):
        start(config, tmp_path / "run", resume=True, smaller=True)


def test_scores_that_are_no_numbers_are_the_same_after_a_resumption(tmp_path):
    scores, output_dir = [math.inf, math.inf, math.nan, 2.0], tmp_path / "run"
    stopped = iter([False, True])
    with pytest.raises(InputError, match="score was inf"):
        start(CONFIG, output_dir, scores=scores, on_epoch=lambda *_: next(stopped), smaller=True)
    _, state = start(CONFIG, output_dir, resume=True, scores=scores[2:], smaller=True)
    assert [row["score"] for row in state.history] == pytest.approx(scores, nan_ok=True)
    _, state = start(CONFIG, output_dir, resume=True, smaller=True)
    assert [row["score"] for row in state.history] == pytest.approx(scores, nan_ok=True)
    assert (state.best_epoch, state.best_score) == (3, 3.0)  # where no score is defined, the later epoch is better


def test_scores_of_an_older_checkpoint_that_are_no_numbers(after_one_epoch):
    file = checkpoint_folder(after_one_epoch) / "epoch-0001" / "state.json"
    state = json.loads(file.read_text())
    state["history"][0]["score"] = None
    file.write_text(json.dumps(state))
    _, state = start(ONE_EPOCH, after_one_epoch, resume=True)
    assert math.isnan(state.history[0]["score"])


def test_a_checkpoint_is_not_invented(tmp_path):
    with pytest.raises(InputError, match="no checkpoint to resume"):
        check_run(tmp_path / "run", resume=True, overwrite=False)
    check_run(tmp_path / "run", resume=False, overwrite=False)
    with kept_until_saved(tmp_path / "run"):
        pass


def test_a_checkpoint_is_not_overlooked(after_one_epoch, tmp_path):
    check_run(after_one_epoch, resume=True, overwrite=False)
    with pytest.raises(InputError, match="an unfinished run; add --resume"):
        check_run(after_one_epoch, resume=False, overwrite=False)
    with kept_until_saved(after_one_epoch):
        assert checkpoint_folder(after_one_epoch).exists()
    assert list(tmp_path.iterdir()) == []
    with kept_until_saved(after_one_epoch):
        pass


def damage_state(content):
    def change(folder):
        (folder / "state.json").write_text(content)

    return change


def cut(name):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return change


def other_shapes(folder):
    np.savez(folder / "best.npz", np.zeros((2, 3)))


DAMAGES = [
    *(damage_state(content) for content in ("", "{", "[]", "{}", '{"data": null, "settings": []}', "[" * 100_000)),
    *(cut(name) for name in ("average.npz", "best.npz", "model.weights.h5", "state.json")),
    lambda folder: (folder / "best.npz").unlink(),
    lambda folder: (folder / "model.weights.h5").write_bytes(b""),
    other_shapes,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_one_clear_error(damage, after_one_epoch):
    damage(checkpoint_folder(after_one_epoch) / "epoch-0001")
    with pytest.raises(InputError, match=r"epoch-0001.*(damaged|not valid|holds|empty|made with|JSON)"):
        start(ONE_EPOCH, after_one_epoch, resume=True)


def test_a_run_needs_room_for_its_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda folder: argparse.Namespace(free=2000))
    with pytest.raises(InputError, match="0 MB free, checkpoints and model need 0 MB; free some space"):
        start(ONE_EPOCH, tmp_path / "run")


def test_a_model_that_no_bundle_could_hold_is_not_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "MAX_FILE_BYTES", checkpoint.HDF5_OVERHEAD + 100)
    with pytest.raises(InputError, match=r"0 MB of weights, a saved model holds at most 1; choose fewer units"):
        start(ONE_EPOCH, tmp_path / "run")


def test_what_was_learned_is_kept_if_it_cannot_be_saved(after_one_epoch, capsys):
    with contextlib.suppress(InputError), kept_until_saved(after_one_epoch):
        raise InputError("run: holds notes")
    assert "run.checkpoint; the same command with --resume saves it" in capsys.readouterr().err
    check_run(after_one_epoch, resume=True, overwrite=False)


def test_a_run_may_replace_what_it_saved_itself(after_one_epoch):
    """Killed after its bundle was saved and before its checkpoint was removed, it goes on and saves once more."""
    output_dir = after_one_epoch
    own = json.loads((checkpoint_folder(output_dir) / "epoch-0001" / "state.json").read_text())["run"]
    output_dir.mkdir()
    for run, may in ((own, True), ("another", False), (None, False)):
        files = {"model.json": {"size": 0, "sha256": hashlib.sha256(b"").hexdigest()}}
        (output_dir / "model.json").touch()
        manifest = {"format_version": 1, "task": "toy", "files": files, "run": run}
        (output_dir / "manifest.json").write_text(json.dumps(manifest))
        if may:
            assert check_run(output_dir, resume=True, overwrite=False)
        else:
            with pytest.raises(InputError, match="holds a finished model; add --overwrite"):
                check_run(output_dir, resume=True, overwrite=False)


def test_one_checkpoint_is_kept_and_nothing_in_it_is_pickled(whole_run):
    [folder] = checkpoint_folder(whole_run[2]).glob("epoch-*")
    assert folder.name == "epoch-0004"
    state = json.loads((folder / "state.json").read_text())
    assert state["settings"]["seed"] == CONFIG.seed
    assert len(state["history"]) == 4
    for name in ("average.npz", "best.npz"):
        with np.load(folder / name, allow_pickle=False) as arrays:
            assert all(arrays[key].dtype == np.float32 for key in arrays)


def test_early_stopping_keeps_the_best_weights(tmp_path):
    scores = [0.1, 0.5, 0.4, 0.5, 0.3, 0.9, 0.9]
    config = replace(CONFIG, num_epochs=7, patience=2)
    model, state = start(config, tmp_path / "run", scores=scores)
    assert (state.epoch, state.best_epoch, state.best_score) == (5, 2, 0.5)  # 3, 4 and 5 were no better; 2 are allowed
    best, _ = start(replace(config, patience=0), tmp_path / "short", scores=[0.1, 0.5, 0.0])
    for found, wanted in zip(model.get_weights(), best.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_an_error_is_better_when_smaller(tmp_path):
    inputs = keras.Input((2,), name="x")
    model = keras.Model({"x": inputs}, keras.layers.Dense(1)(inputs))
    config, values = replace(CONFIG, num_epochs=3), iter([3.0, 1.0, 2.0])
    model.compile(make_optimizer(config, 6), loss="mean_squared_error", run_eagerly=True)

    def make_batch(indices, rng):
        return {"x": np.ones((len(indices), 2), "float32")}, np.ones((len(indices), 1)), np.ones(len(indices))

    batches = Batches([1, 1, 1], make_batch, batch_size=2, seed=1)
    validation = Validation(lambda: {"nats": next(values)}, "nats", smaller_is_better=True)
    state = fit(model, batches, validation, config, tmp_path / "run")
    assert (state.best_epoch, state.history[1]["nats"]) == (2, 1.0)


def test_on_epoch_sees_every_epoch_and_may_stop_the_run(tmp_path):
    seen = []

    def on_epoch(epoch, scores):
        seen.append((epoch, scores))
        return epoch == 2

    _, state = start(CONFIG, tmp_path / "run", scores=[0.1, 0.2], on_epoch=on_epoch)
    assert [(epoch, scores["score"]) for epoch, scores in seen] == [(1, 0.1), (2, 0.2)]
    assert [scores["loss"] for _, scores in seen] == [row["loss"] for row in state.history]
    _, state = start(replace(CONFIG, num_epochs=2), tmp_path / "other", on_epoch=lambda epoch, scores: None)
    assert state.epoch == 2


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    config = replace(CONFIG, learning_rate=1e30, max_gradient_norm=1e30, schedule="constant")
    with pytest.raises(InputError, match="--learning-rate: the loss became nan in epoch 1; try a smaller one"):
        start(config, tmp_path / "run")


def test_batches_come_in_their_order(tmp_path, monkeypatch):
    read = []
    getitem = Batches.__getitem__

    def record(self, number):
        if self.seed is not None:
            read.append((self.epoch, number))
        return getitem(self, number)

    monkeypatch.setattr(Batches, "__getitem__", record)
    start(replace(CONFIG, num_epochs=2), tmp_path / "run")
    for epoch in range(2):
        numbers = [number for of_epoch, number in read if of_epoch == epoch]
        assert numbers == [0, 1, *range(6)]  # Keras looks at two batches first, for their shapes


@pytest.mark.parametrize(
    ("rows", "best", "num_epochs", "said"),
    [
        ([{"loss": 1.25, "seconds": 61.6}], 1, 1, "Epoch 1/1: loss 1.2500, 62 s"),
        ([{"loss": 1.25, "seconds": 61.6, "r2": 0.5, "mae": 1}], 1, 4,
         "Epoch 1/4: loss 1.2500, validation r2 0.5000, mae 1.0000, 62 s, at most 3.5 min left *"),
        ([{}, {"loss": 2.0, "seconds": 0.4, "r2": 0.5}], 1, 2, "Epoch 2/2: loss 2.0000, validation r2 0.5000, 0 s"),
        ([{}, {"loss": 2.0, "seconds": 0.4, "r2": 0.5}], 2, 3,
         "Epoch 2/3: loss 2.0000, validation r2 0.5000, 0 s, at most 70 s left *"),
    ],
)  # fmt: skip
def test_the_line_of_an_epoch(rows, best, num_epochs, said):
    history = [{"epoch": number, **row} for number, row in enumerate(rows, 1)]
    state = Progress(epoch=len(rows), best_epoch=best, history=history)
    assert _describe_epoch(state, replace(CONFIG, num_epochs=num_epochs), 70.0) == said


def test_the_line_before_the_first_epoch():
    model = build_model(CONFIG)
    assert _describe_start(model, Progress(), CONFIG) == "Model: 74 parameters, 0.0 MB"
    assert _describe_start(model, Progress(epoch=3), CONFIG) == "Going on after epoch 3 of 4"
    many = argparse.Namespace(count_params=lambda: 1_262_500)
    assert _describe_start(many, Progress(), CONFIG) == "Model: 1,262,500 parameters, 5.0 MB"


@pytest.mark.parametrize(
    ("monitor", "smaller", "score", "goodness"),
    [("r2", False, 0.5, 0.5), ("r2", True, 0.5, -0.5), ("r2", False, float("nan"), 3.0), (None, False, 0.5, 3.0)],
)
def test_how_good_an_epoch_is(monitor, smaller, score, goodness):
    validation = Validation(dict, monitor, smaller)
    assert validation.goodness({"r2": score}, 3) == goodness
    assert not Validation(dict, None).smaller_is_better


def test_who_watches_is_told_the_scores_and_stops_by_true_alone():
    told = []
    row = {"epoch": 2.0, "loss": 1.0, "r2": 0.5, "seconds": 3.0}
    for answer, stops in ((True, True), (1, False), (None, False)):
        watch = lambda epoch, scores, answer=answer: told.append((epoch, scores)) or answer  # noqa: E731
        assert _stops(watch, row) is stops
    assert told == [(2, {"loss": 1.0, "r2": 0.5})] * 3
    assert _stops(None, row) is False


def test_an_epoch_is_the_best_if_it_is_better():
    state = Progress()
    assert [state.end_epoch({"r2": score}, 1.5, score) for score in (0.1, 0.1, 0.3)] == [True, False, True]
    assert (state.epoch, state.best_epoch, state.best_score) == (3, 3, 0.3)
    assert state.history[1] == {"epoch": 2, "r2": 0.1, "seconds": 1.5}
    assert len(state.run) == 16
    assert Progress().run != state.run


@pytest.mark.parametrize("spare", [0, -1])
def test_the_room_that_a_run_needs(spare, tmp_path, monkeypatch):
    """Two checkpoints, each of five arrays of the size of the weights, and the model."""
    free = 11 * 4 * 1_000_000 + spare
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda folder: argparse.Namespace(free=free))
    if spare:
        with pytest.raises(InputError, match=f"{tmp_path}: 44 MB free, checkpoints and model need 44 MB; free some"):
            checkpoint.check_space(tmp_path / "run.checkpoint", 1_000_000)
    else:
        checkpoint.check_space(tmp_path / "run.checkpoint", 1_000_000)
    most = (checkpoint.MAX_FILE_BYTES - checkpoint.HDF5_OVERHEAD) // 4
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda folder: argparse.Namespace(free=1 << 60))
    checkpoint.check_space(tmp_path, most)
    with pytest.raises(InputError, match="MB of weights, a saved model holds at most"):
        checkpoint.check_space(tmp_path, most + 1)


def test_only_the_process_that_writes_needs_room(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    monkeypatch.setenv("JAX_PROCESS_ID", "1")
    checkpoint.check_space(tmp_path / "nowhere" / "run.checkpoint", 1_000_000)
    monkeypatch.setenv("JAX_PROCESS_ID", "0")
    with pytest.raises(FileNotFoundError):
        checkpoint.check_space(tmp_path / "nowhere" / "run.checkpoint", 1_000_000)


def test_what_is_in_the_way_of_checkpoints_stays(tmp_path):
    (tmp_path / "run.checkpoint").mkdir()
    (tmp_path / "run.checkpoint" / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match=r"run\.checkpoint: in the way, and not made by this program"):
        check_run(tmp_path / "run", resume=False, overwrite=False)
    (tmp_path / "run").mkdir()
    checkpoint.discard_checkpoint(tmp_path / "run")
    assert (tmp_path / "run.checkpoint" / "thesis.txt").exists()
    assert not checkpoint.has_checkpoint(tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"best_epoch": 0}, "epochs that do not follow each other"),
        ({"best_epoch": 2}, "epochs that do not follow each other"),
        ({"epoch": 2}, "epochs that do not follow each other"),
        ({"history": []}, "epochs that do not follow each other"),
    ],
)
def test_a_checkpoint_whose_epochs_do_not_follow_each_other_is_damaged(change, what, after_one_epoch):
    file = checkpoint_folder(after_one_epoch) / "epoch-0001" / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError, match=rf"epoch-0001: damaged \({what}\); delete .*run\.checkpoint and start again"):
        start(ONE_EPOCH, after_one_epoch, resume=True)


def test_an_average_is_due_after_every_second_step_here():
    average = AveragedWeights(one_weight(1.0), 0.9)
    assert [average.is_due(step) for step in range(5)] == [True, False, True, False, True]
    assert not AveragedWeights(one_weight(1.0), 0.0).is_due(0)


# -- The parts ------------------------------------------------------------------------------------------------------


def test_cosine_schedule_by_hand():
    config = replace(CONFIG, learning_rate=0.5, warmup_ratio=0.1)
    rate = make_optimizer(config, num_steps=1000)._learning_rate
    assert float(rate(0)) == pytest.approx(0.05)  # a tenth, rising
    assert float(rate(50)) == pytest.approx((0.05 + 0.5) / 2)
    assert float(rate(100)) == pytest.approx(0.5)  # the top after 10% of the run
    assert float(rate(550)) == pytest.approx((0.5 + 0.005) / 2)  # half of the cosine
    assert float(rate(1000)) == pytest.approx(0.005)  # 1%
    assert float(rate(2000)) == pytest.approx(0.005)


def test_constant_schedule_and_the_other_settings():
    config = replace(CONFIG, schedule="constant", learning_rate=0.5, adam_beta_2=0.9)
    optimizer = make_optimizer(config, num_steps=1000)
    assert float(optimizer.learning_rate) == 0.5
    assert (optimizer.beta_2, optimizer.weight_decay, optimizer.global_clipnorm) == (0.9, 0.01, 0.5)


def one_weight(value):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[value]], "float32")])
    return model


def test_averaged_weights_by_hand():
    model = one_weight(1.0)
    average = AveragedWeights(model, 0.9)  # an update stands for two steps here: m = 0.81
    average.update()  # 1
    model.set_weights([np.array([[3.0]], "float32")])
    average.update()  # the first m is 1/11: 1 + 10/11 * (3 - 1)
    assert float(average.values[0][0, 0]) == pytest.approx(1 + 20 / 11)
    for _ in range(200):
        average.update()
    assert float(average.values[0][0, 0]) == pytest.approx(3)
    model.set_weights([np.array([[4.0]], "float32")])
    average.update()  # m is 0.81 by now: 3 + 0.19 * (4 - 3)
    assert float(average.values[0][0, 0]) == pytest.approx(3.19)
    with average.in_model():
        assert float(model.get_weights()[0][0, 0]) == pytest.approx(3.19)
    assert float(model.get_weights()[0][0, 0]) == 4


def test_without_momentum_the_average_is_the_last_weight():
    model = one_weight(1.0)
    average = AveragedWeights(model, 0.0)
    average.update()
    model.set_weights([np.array([[3.0]], "float32")])
    average.update()
    assert float(average.values[0][0, 0]) == 3


def test_dropout_depends_on_seed_and_epoch_alone():
    inputs = keras.Input((50,))
    wrapped = keras.Model(inputs, keras.layers.Dropout(0.5)(keras.layers.Dropout(0.5)(inputs)))
    outer = keras.Input((50,))
    model = keras.Model(outer, wrapped(outer))
    ones = np.ones((2, 50), "float32")

    def dropped(seed, epoch):
        reseed_dropout(model, seed, epoch)
        return np.asarray(model(ones, training=True))

    first = dropped(1, 0)
    assert 0 < (first == 0).mean() < 1
    assert not np.array_equal(dropped(1, 1), first)
    assert not np.array_equal(dropped(2, 0), first)
    np.testing.assert_array_equal(dropped(1, 0), first)
    # 1 of 4 units is kept by both layers; if both dropped the same units it would be 1 of 2
    assert (np.concatenate([dropped(seed, 0) for seed in range(20)]) != 0).mean() == pytest.approx(0.25, abs=0.05)


def test_history_is_a_table_and_a_picture(tmp_path, uninterrupted):
    _, state = uninterrupted
    write_history(tmp_path, state, "score")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in state.history]
    assert (tmp_path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_machine_is_described_without_a_name():
    assert set(describe_machine()) == {"system", "processor", "cores"}


def test_a_second_run_in_the_same_process_gives_its_layers_the_same_names():
    """Names go into the order of TensorFlow's sums, so that other names would mean other last digits."""
    names = []
    for _ in range(2):
        set_seed(3)
        names.append(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dropout(0.5)]).layers)
    assert [layer.name for layer in names[0]] == [layer.name for layer in names[1]]


def test_a_run_that_is_resumed_tells_of_the_epochs_before(tmp_path):
    told = []

    def on_epoch(epoch, scores):
        told.append((epoch, scores))
        return epoch == 2

    start(CONFIG, tmp_path / "run", scores=[0.1, 0.2], on_epoch=on_epoch)
    before = list(told)
    told.clear()
    _, state = start(CONFIG, tmp_path / "run", scores=[0.3], on_epoch=on_epoch, resume=True)
    assert told == before
    assert state.epoch == 2  # it was stopped there, and stays so
