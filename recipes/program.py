"""The command line of a recipe, its stages, and the scores at its end.

    python -m recipes.NAME --data FOLDER --work FOLDER --output-dir DIR

A step that is done is not done again: a prepared file or a bundle that is there is taken as it is, and training that
was killed goes on from its checkpoint. Delete what shall be made anew.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common.bundles.bundle import open_bundle
from common.bundles.file_names import METRICS_FILE
from common.bundles.model_card import ELSEWHERE
from common.cli.flags import make_parser
from common.cli.run import run_command
from common.cli.scores import save_elsewhere, save_scores
from common.errors import InputError, show
from common.evaluation.metrics import finite
from common.evaluation.report import text_table
from common.evaluation.scores import Scores
from common.output import check_bundle_place, claim, manifest_in, recover
from common.progress import say
from common.settings import TrainingConfig, as_option
from common.training.checkpoint import checkpoint_folder

# Networks so small, and runs so short, that a whole recipe takes half a minute on the samples of the repository.
TRIAL: Mapping[str, Mapping[str, Any]] = {
    "sentiment": {"num_epochs": 1, "batch_size": 64, "units": 8, "embedding_dim": 8, "max_length": 20},
    "language_model": {
        "num_epochs": 1, "batch_size": 8, "units": 8, "embedding_dim": 8, "tbptt_length": 40, "sampled_softmax_size": 0,
    },
    "pos_tagging": {
        "num_epochs": 1, "units": 8, "embedding_dim": 8, "character_dim": 4, "character_filters": 4, "max_vectors": 500,
    },
}  # fmt: skip

# What the log of the taggers takes for granted, whatever is now chosen by the size of the data.
OPTIMIZATION_OF_TAGGERS: Mapping[str, Any] = {"batch_size": 32, "patience": 5, "ema_momentum": 0.998}


@dataclass(frozen=True)
class Places:
    """Where a recipe reads and writes.

    Args:
        data: the folder of the public data sets, as they are published; recipes/README.md lists the names.
        work: prepared files and bundles of the stages before the last.
        output_dir: the finished bundle.
        trial: whether all networks are tiny and every training is one epoch.
    """

    data: Path
    work: Path
    output_dir: Path
    trial: bool = False


@dataclass(frozen=True)
class Stage:
    """One training run of a recipe.

    Args:
        task: the package whose `train` is called.
        path: the bundle that it writes.
        data: its training file.
        config: its settings.
        options: the further arguments of `train`; it starts from scratch unless they say otherwise.
        about_data: for the model card.
    """

    task: str
    path: Path
    data: Path
    config: TrainingConfig
    options: Mapping[str, Any] = field(default_factory=dict)
    about_data: str = ""


def main(name: str, make: Callable[[Places], None]) -> None:
    """Run a recipe as a program.

    Args:
        name: of the recipe.
        make: does all of it.
    """
    run_command(lambda argv: make(read_places(name, argv)))


def read_places(name: str, argv: Sequence[str] | None) -> Places:
    """The options of a recipe; a trial has folders of its own, so that nothing of it is taken for the real thing."""
    parser = make_parser(
        f"recipes.{name}",
        f"Make the pretrained model {name}, from the public data to the scored bundle; see recipes/{name}/README.md.",
        "Steps that are done are not done again; what was killed goes on.",
    )
    for option, metavar, what in (
        ("data", "FOLDER", "the public data sets; recipes/README.md lists the names of the files"),
        ("work", "FOLDER", "prepared files and the models before the last; it may be shared by all recipes"),
        ("output-dir", "DIR", "the finished bundle"),
    ):
        parser.add_argument(f"--{option}", type=Path, metavar=metavar, required=True, help=what)
    parser.add_argument(
        "--trial", action="store_true", help="tiny networks, one epoch each, in folders of their own: does it run?"
    )
    arguments = parser.parse_args(argv)
    places = Places(arguments.data, arguments.work, arguments.output_dir, arguments.trial)
    if not places.data.is_dir():
        raise InputError(f"{places.data}: no such folder; give the one with the public data, see recipes/README.md")
    if places.trial:
        output_dir = places.output_dir.with_name(f"{places.output_dir.name}-trial")
        places = replace(places, work=places.work / "trial", output_dir=output_dir)
    if not is_made(places.output_dir):
        check_bundle_place(places.output_dir)
    return places


def is_made(bundle: Path) -> bool:
    """Whether a stage is done: its bundle is there, or a kill left it half in its place."""
    recover(bundle)
    return manifest_in(bundle) is not None


def train(stage: Stage, trial: bool = False) -> Path:
    """Take one stage, or go on with it; returns the path of its bundle."""
    if is_made(stage.path):
        say(f"{stage.path.name}: is there already")
        return stage.path
    say(f"{stage.path.name}: {stage.task}")
    config = shrink(stage) if trial else stage.config
    resume = any(checkpoint_folder(stage.path).glob("epoch-*"))
    learn = importlib.import_module(stage.task).train
    options = {"start": "scratch", **stage.options}
    learn(stage.data, stage.path, config, about_data=stage.about_data, resume=resume, **options)
    return stage.path


def shrink(stage: Stage) -> TrainingConfig:
    """The settings of a stage in a trial; what starts from another model has the sizes of that."""
    tiny = TRIAL[stage.task]
    if stage.options.get("start", "scratch") != "scratch":
        tiny = {name: value for name, value in tiny.items() if name not in ("units", "embedding_dim")}
        defaults = {name: type(stage.config).__dataclass_fields__[name].default for name in ("units", "embedding_dim")}
        tiny = {**tiny, **defaults}
    return replace(stage.config, **tiny)


def train_all(stages: Iterable[Stage], trial: bool = False) -> None:
    """Take stages one after the other."""
    for stage in stages:
        train(stage, trial)


def evaluate(task: str, path: Path, test: Path, train: Path, flags: Mapping[str, Any], **options: Any) -> None:
    """Score a finished bundle on its test file beside the baselines, and write the scores into its card; once.

    Args:
        task: the package.
        path: the bundle.
        test: the test file.
        train: the training file, for the baselines.
        flags: the further options of the `evaluate` command that gives the same scores, for the card.
        options: the further arguments of the `evaluate` function.
    """
    if "test" in open_bundle(path, task).read_json(METRICS_FILE):
        say(f"{path.name}: has its scores already")
        return
    package = importlib.import_module(task)
    with claim(path):
        model = package.load(path)
        scores = package.evaluate(model, test, train=train, **options)
        words = [f"python -m {task}.evaluate --model DIR --test {test.name} --train {train.name}"]
        words += [as_option(name, value) for name, value in flags.items()]
        save_scores(path, task, model.config, scores, " ".join([*words, "--save"]))
    show(text_table(scores.rows()))
    show("\n".join(scores.notes))


def evaluate_elsewhere(
    task: str, path: Path, score: Callable[[Any], Mapping[str, Scores]], names: Sequence[str], not_for: Sequence[str]
) -> None:
    """Score a finished bundle on other kinds of text, and write that into its card; once, after `evaluate`.

    Args:
        task: the package.
        path: the bundle.
        score: takes the model, and scores it on each kind of text, by its name.
        names: of the scores that the card shows.
        not_for: what the model is not for, by these scores.
    """
    metrics = open_bundle(path, task).read_json(METRICS_FILE)
    if ELSEWHERE in metrics:
        say(f"{path.name}: has its scores on other texts already")
        return
    package = importlib.import_module(task)
    with claim(path):
        model = package.load(path)
        parts = {
            kind: {"num_examples": scores.facts["num_examples"], **finite({name: scores[name] for name in names})}
            for kind, scores in score(model).items()
        }
        save_elsewhere(path, task, model.config, parts, not_for)
