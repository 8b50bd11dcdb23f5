"""A training run from its first check to its saved bundle: what the three tasks do alike before and after `fit`."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import keras

from common.bundles.bundle import Bundle, save_bundle
from common.bundles.model_card import make_card
from common.bundles.provenance import describe_data, describe_run
from common.evaluation.metrics import finite
from common.evaluation.report import html_table, html_text
from common.evaluation.verdict import Verdict
from common.inference.engine import Engine
from common.inference.keras_engine import KerasEngine
from common.output import check_not_read, claim
from common.parallel import num_processes, writes
from common.progress import say, working
from common.settings import TrainingConfig
from common.text.data import path_of
from common.training.checkpoint import Progress, check_run, kept_until_saved
from common.training.half_precision import Shown
from common.training.history import write_history
from common.training.optimizer import set_precision
from common.training.processes import alone, join
from common.training.seeds import set_seed

Model = TypeVar("Model")


@dataclass(frozen=True)
class TrainingResult(Generic[Model]):
    """What training gave.

    `model` answers as the saved bundle at `path` does; `scores` are those on the validation split (empty if there was
    none); `history` has a row of scores for each epoch; `verdict` says whether the model is ahead of a simple baseline
    on the validation split (None: there is nothing to compare).
    """

    model: Model
    scores: dict[str, float]
    history: list[dict[str, float]]
    path: Path
    verdict: Verdict | None = None

    def _repr_html_(self) -> str:
        """Scores and history as tables, in a notebook."""
        scores = html_table([["validation score", "value"], *map(list, self.scores.items())]) if self.scores else ""
        history = html_table([list(self.history[0]), *(list(row.values()) for row in self.history)])
        verdict = html_text(self.verdict.sentence) if self.verdict else ""
        return f"{verdict}<p><code>{html.escape(str(self.path))}</code></p>{scores}{history}"


@dataclass(frozen=True)
class Run:
    """A training run whose place is reserved.

    `inputs` are the data and bundles that it reads, by the name of their option; `overwrite` tells whether a bundle
    that is at `output_dir` may be replaced at the end.
    """

    task: str
    output_dir: Path
    inputs: Mapping[str, Any]
    about_data: str
    resume: bool
    overwrite: bool

    def starting_from(self, origin: Bundle | None) -> Run:
        """The same run, for the manifest: what it starts from, by the bundle that this is."""
        inputs = {name: value for name, value in self.inputs.items() if name != "start"}
        return replace(self, inputs={**inputs, "initialize_from": origin.path if origin else None})

    def hashes(self, origin: Bundle | None) -> dict[str, list[str]]:
        """The sha256 of all that it reads, by option, and of what it starts from; a pipe has been read by now."""
        inputs = self.starting_from(origin).inputs
        given = {name: value if isinstance(value, tuple) else (value,) for name, value in inputs.items()}
        found = {
            name: [describe_data(item)["sha256"] for item in items if item is not None] for name, items in given.items()
        }
        return {name: hashes for name, hashes in found.items() if hashes}


@contextmanager
def open_run(
    task: str,
    output_dir: str | Path,
    inputs: Mapping[str, Any],
    about_data: str = "",
    resume: bool = False,
    overwrite: bool = False,
) -> Iterator[Run]:
    """Reserve the place of a bundle for a training run, and check it before any work is done.

    Args:
        task: the package.
        output_dir: the bundle that will be written.
        inputs: what is read: "train" at least; None or empty is left out.
        about_data: source and licence of the data, for the model card.
        resume: go on from the checkpoint that a killed run left.
        overwrite: replace the bundle that is there.
    Raises:
        InputError: something else is there, another run has reserved it, or the data lie in it.
    """
    output_dir = Path(output_dir)
    given = [item for value in inputs.values() for item in (value if isinstance(value, tuple) else [value])]
    check_not_read(output_dir, [path for path in map(path_of, given) if path and path.exists()])
    join()
    with claim(output_dir) if writes() else nullcontext():
        policy = keras.config.dtype_policy()
        try:
            yield Run(task, output_dir, inputs, about_data, resume, check_run(output_dir, resume, overwrite))
        finally:
            keras.config.set_dtype_policy(policy)  # a run that fails leaves the process as it was


def seeded_network(config: TrainingConfig, build: Callable[[], keras.Model]) -> keras.Model:
    """Build a network from the seed and in the precision of the settings."""
    set_seed(config.seed)
    set_precision(config.mixed_precision)
    return build()


@alone()
def finish(
    run: Run,
    config: TrainingConfig,
    state: Progress,
    network: keras.Model,
    *,
    title: str,
    build: Callable[[], keras.Model],
    wrap: Callable[[Engine], Model],
    score: Callable[[Model], dict[str, float]],
    score_names: Sequence[str],
    monitor: str | None,
    num_validation: int,
    save_vocabularies: Callable[[Path], None],
    shown: Shown[Model],
    judge: Callable[[Model], Verdict | None] = lambda model: None,
) -> TrainingResult[Model]:
    """Score the trained network on validation, as it will be saved, and save all that answering needs as a bundle.

    Args:
        run: of `open_run`.
        config: the settings.
        state: what `fit` returned.
        network: the trained network.
        title: heading of the model card.
        build: makes the network anew.
        wrap: makes the task's model of what runs the network.
        score: the validation scores of that model; none if there is no validation split.
        score_names: those that the card shows, in order.
        monitor: the score that chose the epoch.
        num_validation: examples in the validation split.
        save_vocabularies: writes them into the folder it is given.
        shown: its predictions on the validation split, which half precision must not change visibly.
        judge: compares that model with a baseline on the validation split.
    """
    final = in_single_precision(network, build)
    model = wrap(KerasEngine(final))
    half = _choose_precision(final, model, shown, config)
    scores = score(model)
    if not writes():
        return TrainingResult(model, scores, state.history, run.output_dir)
    verdict = judge(model) if scores else None
    metrics = _metrics(scores, num_validation, verdict)
    facts = describe_run(run.task, f"{title}: {run.output_dir.name}", run.inputs, run.about_data, config, state) | half
    facts |= {"backend": keras.backend.backend(), "processes": num_processes()}
    save_extras = partial(_save_extras, save_vocabularies, state, monitor)
    card = make_card(facts, config, metrics, score_names)
    with kept_until_saved(run.output_dir), working("Saving the model"):
        save_bundle(run.output_dir, final, config, metrics, facts, card, save_extras, run.overwrite)
    return TrainingResult(model, scores, state.history, run.output_dir, verdict)


def _choose_precision(
    network: keras.Model, model: Model, shown: Shown[Model], config: TrainingConfig
) -> dict[str, Any]:
    """Round the weights to half precision if that is wanted and does not show; returns what the manifest says of it."""
    half = shown.round_weights(network, model) if config.half_precision else None
    say(f"Scoring the best epoch in {'half' if half else 'single'} precision")
    return {"half_precision": half} if half else {}


def _save_extras(save_vocabularies: Callable[[Path], None], state: Progress, monitor: str | None, folder: Path) -> None:
    save_vocabularies(folder)
    write_history(folder, state, monitor)


def in_single_precision(network: keras.Model, build: Callable[[], keras.Model]) -> keras.Model:
    """The same network built anew, not compiled, as it is saved: without the mixed precision of its training."""
    set_precision(mixed=False)
    final = build()
    final.set_weights(network.get_weights())
    return final


def _metrics(scores: Mapping[str, float], num_examples: int, verdict: Verdict | None) -> dict[str, Any]:
    """What a bundle keeps of the validation split; nothing if there was none."""
    said = {"verdict": verdict.sentence} if verdict else {}
    return {"validation": finite({**scores, "num_examples": num_examples, **said})} if scores else {}
