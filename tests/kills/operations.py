"""The commands that are killed, each with tiny data in a working folder of its own."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.kills.children import command, run
from tests.kills.judging import Content, bundle_content, file_content, saved_model_content

ROOT = Path(__file__).resolve().parent.parent.parent
NUM_ROWS = 60  # of training and test data; fewer leave a split empty
NUM_TEXTS = 600  # to answer: more than are answered at once
ENDINGS = {"sentiment": "csv", "language_model": "csv", "pos_tagging": "conllu"}
SETTINGS = {
    "sentiment": "--units 4 --embedding-dim 4 --max-length 20 --batch-size 16",
    "language_model": "--units 6 --embedding-dim 5 --batch-size 32 --tbptt-length 60",
    "pos_tagging": "--units 4 --embedding-dim 4 --num-layers 1 --character-dim 3 --character-filters 3 --batch-size 16",
}
ANSWERING = {"sentiment": "sentiment.predict", "language_model": "language_model.score"}
ANSWERING |= {"pos_tagging": "pos_tagging.predict"}
TEXT = "The old ferry was late again, but I loved the view."
# What is imported before anything is forked, in this order.
FOR_ANSWERS = ("onnxruntime", "onnx", "sentiment.predict", "language_model.score", "pos_tagging.predict")
FOR_SCORES = (*FOR_ANSWERS, "scipy.stats", "sklearn.metrics", "matplotlib.figure", "matplotlib.backends.backend_agg")
FOR_SCORES += ("language_model.generate", *(f"{task}.evaluate" for task in ENDINGS))
FOR_KERAS = (
    "keras",
    *FOR_SCORES,
    "common.cli.export",
    "common.inference.keras_engine",
    "common.training.fit",
    "matplotlib.ticker",
)
FOR_KERAS += tuple(f"{task}.{part}" for task in ENDINGS for part in ("train", "model"))


@dataclass(frozen=True)
class Operation:
    """A command that writes, and how to judge what it has written.

    Args:
        name: in the table.
        share: how often it is killed, compared with the others.
        module, arguments: the command; its paths are relative to the working folder.
        target: what it writes.
        inputs: what is copied into the working folder: its name there, its name among the assets.
        old_arguments: of the same command, for what stands at the target before; empty: nothing, or an input.
        content: what two equal results have in common.
        opens: opens a result; what it prints is compared too.
        trains: whether it keeps checkpoints, and knows `--resume`.
        first: module and arguments of a run before it that is killed; the killed one then goes on from there.
        first_until: when that run is killed: once this is true of the target.
        refuses: whether it never writes over what is there.
        only_opens: whether tidying up is left to the next command that writes there.
        imports: what it needs to be imported.
    """

    name: str
    share: int
    module: str
    arguments: tuple[str, ...]
    target: str
    inputs: dict[str, str]
    content: Callable[[Path], Content]
    old_arguments: tuple[str, ...] = ()
    opens: Callable[[Path], Callable[[], None]] | None = None
    trains: bool = False
    first: tuple[str, tuple[str, ...]] | None = None
    first_until: Callable[[Path], bool] = lambda target: not target.exists()
    refuses: bool = False
    only_opens: bool = False
    imports: tuple[str, ...] = field(default=FOR_KERAS, repr=False)


class Refused(Exception):
    """A command does nothing here, so that there is nothing to kill."""


def has_checkpoint(target: Path) -> bool:
    """Whether a training can go on."""
    return any(target.with_name(f"{target.name}.checkpoint").glob("epoch-*"))


def answers(task: str) -> Callable[[Path], Callable[[], None]]:
    """Open a bundle as users do: ask it something."""
    return lambda path: command(ANSWERING[task], ["--model", str(path), TEXT])


def opens_onnx(path: Path) -> Callable[[], None]:
    """Load an ONNX file."""

    def call() -> None:
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        print([node.name for node in session.get_inputs()])

    return call


def opens_saved_model(path: Path) -> Callable[[], None]:
    """Load a SavedModel."""

    def call() -> None:
        import tensorflow as tf

        print(len(tf.saved_model.load(str(path)).variables))

    return call


def _trainings(task: str) -> list[Operation]:
    ending = ENDINGS[task]
    words = f"--train train.{ending} --output-dir model --num-epochs 3 --learning-rate 0.01 --no-mixed-precision"
    arguments = tuple(f"{words} {SETTINGS[task]}".split())
    common = {"module": f"{task}.train", "target": "model", "inputs": {f"train.{ending}": f"train.{ending}.{task}"}}
    common |= {"content": bundle_content, "opens": answers(task), "trains": True}
    return [
        Operation(f"{task}: train", 18, arguments=arguments, **common),
        Operation(f"{task}: train over", 9, arguments=arguments, old_arguments=(*arguments, "--seed", "2"), **common),
        Operation(
            f"{task}: resume",
            9,
            arguments=(*arguments, "--resume"),
            first=(f"{task}.train", arguments),
            first_until=has_checkpoint,
            **common,
        ),
    ]


def _evaluations(task: str) -> list[Operation]:
    test = f"test.{ENDINGS[task]}"
    common = {"module": f"{task}.evaluate", "imports": FOR_SCORES}
    report = ("--model", "bundle", "--test", test, "--report", "report")
    inputs = {test: f"{test}.{task}", "old." + test: f"old.{test}.{task}", "bundle": f"bundles/{task}"}
    save = ("--model", "model", "--test", test, "--save")
    saving = {"target": "model", "inputs": {test: f"{test}.{task}", "model": f"bundles/{task}"}, **common}
    saving |= {"content": bundle_content, "opens": answers(task)}
    operations = [Operation(f"{task}: evaluate --save", 9, arguments=save, **saving)]
    if task == "sentiment":
        # Nothing stands under the name: what brings the bundle back is killed.
        saving |= {"first": (f"{task}.evaluate", save)}
        operations.append(Operation(f"{task}: evaluate --save, bundle away", 5, arguments=save, **saving))
        saving |= {"module": ANSWERING[task], "only_opens": True}
        opening = ("--model", "model", TEXT)
        operations.append(Operation(f"{task}: predict, bundle away", 5, arguments=opening, **saving))
        common |= {"target": "report/report.html", "inputs": inputs, "content": file_content, "arguments": report}
        old = tuple(word.replace(test, "old." + test) for word in report)
        operations.append(Operation(f"{task}: evaluate --report", 5, **common))
        operations.append(Operation(f"{task}: evaluate --report over", 5, old_arguments=old, **common))
    return operations


def _answers(task: str, target: str, form: str, over: bool, share: int) -> Operation:
    words = f"--model bundle --input texts.txt --format {form} --output {target}"
    command_name = ANSWERING[task].split(".")[1]
    return Operation(
        f"{task}: {command_name} --output {target}" + " over" * over,
        share,
        ANSWERING[task],
        tuple(words.split()),
        target,
        {"texts.txt": "texts.txt", "old.txt": "old.txt", "bundle": f"bundles/{task}"},
        file_content,
        old_arguments=tuple(words.replace("texts.txt", "old.txt").split()) if over else (),
        imports=FOR_ANSWERS,
    )


def _export(task: str, form: str, share: int) -> Operation:
    target = "network.onnx" if form == "onnx" else "network"
    return Operation(
        f"{task}: export --format {form}",
        share,
        "common.cli.export",
        ("--model", "bundle", "--format", form, "--output", target),
        target,
        {"bundle": f"bundles/{task}"},
        file_content if form == "onnx" else saved_model_content,
        opens=opens_onnx if form == "onnx" else opens_saved_model,
        refuses=True,
    )


def _writing(over: bool) -> Operation:
    words = "--model bundle --num-samples 3 --max-tokens 30 --train train.csv --report report --seed"
    return Operation(
        "language_model: generate --report" + " over" * over,
        4,
        "language_model.generate",
        (*words.split(), "1"),
        "report/report.html",
        {"train.csv": "train.csv.language_model", "bundle": "bundles/language_model"},
        file_content,
        old_arguments=(*words.split(), "2") if over else (),
        imports=FOR_SCORES,
    )


def all_operations() -> list[Operation]:
    """Every command that is killed."""
    tasks = list(ENDINGS)
    return [
        *(operation for task in tasks for operation in _trainings(task)),
        *(operation for task in tasks for operation in _evaluations(task)),
        _answers("sentiment", "ratings.csv", "csv", False, 7),
        _answers("sentiment", "ratings.csv", "csv", True, 7),
        _answers("sentiment", "ratings.jsonl.gz", "jsonl", False, 5),
        _answers("language_model", "scores.jsonl", "jsonl", False, 5),
        _answers("language_model", "scores.jsonl.gz", "jsonl", True, 5),
        _answers("pos_tagging", "tags.conllu", "conllu", True, 5),
        *(_export(task, "onnx", 6) for task in tasks),
        _export("sentiment", "saved_model", 4),
        _writing(False),
        _writing(True),
    ]


# -- Data -----------------------------------------------------------------------------------------------------------


def make_assets(assets: Path) -> None:
    """Write the data of all operations, cut from the samples of the tasks, and copy the bundles of the fixtures."""
    fixtures = max((ROOT / "tests/fixtures").glob("format_*"), key=lambda path: int(path.name.split("_")[1]))
    for task, ending in ENDINGS.items():
        shutil.copytree(fixtures / task, assets / "bundles" / task)
        cut = _cut_table if ending == "csv" else _cut_sentences
        cut(ROOT / task / "dataset" / f"train.{ending}", assets / f"train.{ending}.{task}", NUM_ROWS)
        for name, num_rows in (("test", NUM_ROWS), ("old.test", NUM_ROWS - 20)):
            cut(ROOT / task / "dataset" / f"test.{ending}", assets / f"{name}.{ending}.{task}", num_rows)
    with open(ROOT / "sentiment/dataset/train.csv", newline="", encoding="utf-8") as file:
        reviews = [" ".join(row["review"].split())[:150] for row in csv.DictReader(file)]
    texts = [f"{reviews[number % len(reviews)]} Number {number}." for number in range(NUM_TEXTS)]
    (assets / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    (assets / "old.txt").write_text("\n".join(texts[::-2]) + "\n", encoding="utf-8")


def _cut_table(source: Path, target: Path, num_rows: int) -> None:
    with open(source, newline="", encoding="utf-8") as file, open(target, "w", newline="", encoding="utf-8") as cut:
        csv.writer(cut).writerows(row for row, _ in zip(csv.reader(file), range(num_rows + 1), strict=False))


def _cut_sentences(source: Path, target: Path, num_rows: int) -> None:
    blocks = source.read_text(encoding="utf-8").strip().split("\n\n")[:num_rows]
    target.write_text("\n\n".join(blocks) + "\n\n", encoding="utf-8")


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, making the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def bystanders(target: Path, leftovers: Iterable[Path] = ()) -> list[Path]:
    """Files of the user's beside a target, whose names look like those of programs that save."""
    name = target.name
    names = ["notes.txt", f"{name}.bak", f"{name}.tmp", f".{name}.unfinished.txt", f".{name}.swp", f"{name}~"]
    folders = [f"{name}.partial", f".{name}.partial", f".{name}.old", f"{name}.old", f"{name}.checkpoints/epoch-0001"]
    folders += [f".{name}.unfinished.mine", f"{name}.new", f".{name}", ".unfinished", "epoch-0002"]
    paths = [target.parent / each for each in (*names, *(f"{folder}/mine.txt" for folder in folders))]
    return [path for path in paths if not any(path.is_relative_to(leftover) for leftover in leftovers)]


def _old_folder(operation: Operation, assets: Path) -> Path:
    return assets / "old" / operation.name.replace(":", "").replace(" ", "-")


def make_old(operation: Operation, assets: Path) -> None:
    """Make, once, what stands at a target before."""
    folder = _old_folder(operation, assets)
    if operation.old_arguments and not folder.exists():
        for name, asset in operation.inputs.items():
            copy(assets / asset, folder / name)
        made = run(command(operation.module, operation.old_arguments), folder)
        assert made.status == 0, f"{operation.name}: {made.last_line}"


def prepare(operation: Operation, assets: Path, folder: Path, leftovers: Iterable[str]) -> None:
    """Fill a working folder: inputs, bystanders, what stands at the target before, a first run that was killed.

    Raises:
        Refused: the first run ended before it could be killed.
    """
    for name, asset in operation.inputs.items():
        copy(assets / asset, folder / name)
    target = folder / operation.target
    if operation.old_arguments:
        copy(_old_folder(operation, assets) / operation.target, target)
    if target.parent == folder or operation.old_arguments:
        allowed = [target.parent / pattern.format(name=target.name) for pattern in leftovers]
        for path in bystanders(target, allowed):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.name}, not to be touched\n", encoding="utf-8")
    if operation.first:
        module, arguments = operation.first
        ended = run(command(module, arguments), folder, kill_when=lambda: operation.first_until(target))
        if ended.status == 0:
            raise Refused("its first run has no such moment")
        assert ended.killed, f"{operation.name}: {ended.last_line}"
