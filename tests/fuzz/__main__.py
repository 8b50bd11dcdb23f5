"""Fuzz the commands of the three tasks, and report what they did in a table.

    python -m tests.fuzz bundles --count 10000 --seed 1 --report bundles.md
    python -m tests.fuzz inputs --count 5000 --seed 1 --report inputs.md
    python -m tests.fuzz bundles --only 1234
    python -m tests.fuzz bundles --count 500 --without common.bundles.gate:check_classes
    python -m tests.fuzz bundles --count 500 --without-keras --break-gate

`faults` are programs that break each rule on purpose, to show that this one notices.
A case is a function of kind, seed and number; `--only` runs it again alone and keeps its files. The exit status is 1 if
a rule was broken. `--break-gate` takes one check of the gate out after the other and asks whether this program notices:
first by the cases that are aimed at the check, then, if these do not show it, by all. Three minutes on two cores.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.fuzz.case import needs_keras
from tests.fuzz.change_aimed import AIMED_EVERY, AIMS, aim_of
from tests.fuzz.judge import MAX_SECONDS
from tests.fuzz.supervisor import Report, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
LIGHT_MODULES = (
    "sentiment.predict", "sentiment.evaluate", "language_model.score", "language_model.generate",
    "language_model.evaluate", "language_model.word_vectors", "pos_tagging.predict", "pos_tagging.evaluate",
    "common.cli.export", "common.bundles.bundle", "common.bundles.model_card", "common.evaluation.report",
    "common.inference.onnx.graph", "sentiment.loader", "sentiment.tfidf_linear", "onnx", "onnxruntime",
    "sklearn.linear_model", "sklearn.metrics", "matplotlib.pyplot",
)  # fmt: skip
KERAS_MODULES = (
    "tensorflow", "common.networks.layers", "common.networks.lstm", "sentiment.train", "language_model.train",
    "pos_tagging.train",
)  # fmt: skip
# The checks that `--break-gate` takes out, one at a time; behind = stands what converts the argument in their place.
GATE = {
    "common.json_files":
        "check_size check_num_parts check_depth bounded_integer=int refuse_constant=float finite_number=float "
        "distinct_keys=dict",
    "common.bundles.manifest":
        "check_format check_task check_list check_name check_regular check_size check_hash check_facts "
        "check_metrics",
    "common.bundles.weights_file":
        "check_number check_single_name check_apart check_numbers check_scales check_binding",
    "common.bundles.gate": "check_classes check_number_of_layers check_entries check_settings",
    "common.bundles.calls": "check_calls check_outputs check_all_used",
    "common.bundles.layer_weights": "check_shapes check_types check_nothing_left",
    "common.text.vocabulary": "check_parts check_tokens",
    "common.bundles.agreement":
        "check_stated check_inputs check_answers check_places check_origins check_layers check_lowercase "
        "check_special check_words check_characters",
    "sentiment.agreement": "check_scale check_outputs",
    "language_model.agreement": "check_states",
    "pos_tagging.agreement": "check_outputs check_vocabularies",
    "common.bundles.bundle": "check_agreement",
}  # fmt: skip
# Checks that say sooner, or more clearly, what another one would refuse as well: without them nothing gets through.
REDUNDANT = {
    "common.bundles.weights_file:check_link":
        "a link to what is in the file is a second name (check_single_name); HDF5, given bytes, opens no other file",
    "common.bundles.weights_file:check_storage": "HDF5 gives views and chunks no offset: `_place` refuses them",
    "common.bundles.weights_file:check_external": "HDF5 gives data in another file no offset: `_place` refuses them",
    "common.bundles.weights_file:check_shape":
        "data without numbers have no offset (`_place`), and no layer declares a weight without axes (check_shapes)",
    "common.text.vocabulary:check_num_strings": "the tokens are counted once they are parsed; it saves half a gigabyte",
    "pos_tagging.agreement:check_files": "inputs and sizes are those of the files there (check_inputs, check_layers)",
    "pos_tagging.agreement:check_tags": "outputs and layers are as many as the tags (check_outputs, check_layers)",
}  # fmt: skip
AIMED_TIMES = 4  # cases of each aim, when the gate is broken


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("bundles", "inputs", "faults"))
    parser.add_argument("--count", type=int, default=500, help="number of cases (default: 500)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default: 0)")
    parser.add_argument("--seed", type=int, default=1, help="of all cases (default: 1)")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="run these cases alone; keep their files")
    parser.add_argument("--without-keras", action="store_true", help="leave out the cases that run Keras")
    parser.add_argument("--seconds", type=float, default=MAX_SECONDS, help="for one command (default: %(default)g)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--bases", type=Path, metavar="DIR", help="whole bundles; built there if it does not exist")
    parser.add_argument("--without", action="append", default=[], metavar="MODULE:FUNCTION", help="take out a check")
    parser.add_argument("--stop", action="store_true", help="stop at the first failure")
    parser.add_argument("--break-gate", action="store_true", help="take out the checks of the gate, one at a time")
    parser.add_argument("--redundant", action="store_true", help="take out, so, those that others make superfluous")
    parser.add_argument("--aimed-at", default="", metavar="TEXT", help="only cases aimed at such a check; ':' is any")
    return parser.parse_args()


@contextlib.contextmanager
def work_folder(keep: bool) -> Iterator[Path]:
    """A temporary folder, kept if wanted."""
    if keep:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        yield folder
        print(f"files in {folder}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def import_light() -> None:
    """Import all that a command without Keras may import, so that each process need not."""
    import matplotlib as mpl

    mpl.use("Agg")
    for name in LIGHT_MODULES:
        importlib.import_module(name)
    from common.text.tokenization import load_pipeline

    load_pipeline()
    if "keras" in sys.modules:
        raise RuntimeError("Keras came with a module that should not need it")


def import_keras() -> None:
    """Import Keras, TensorFlow and the training programs."""
    from common.inference.keras_start import start_keras

    start_keras()
    for name in KERAS_MODULES:
        importlib.import_module(name)


def take_out(name: str) -> Callable[[], None]:
    """Replace MODULE:FUNCTION, or MODULE:CLASS.METHOD, by one that checks nothing, wherever it was imported.

    Args:
        name: with "=int" behind it, or another built-in class, the replacement makes one of its first argument; with
            "=first" it returns that argument; else nothing.
    """
    path, _, returned = name.partition("=")
    module_name, _, attribute = path.partition(":")
    owner: Any = importlib.import_module(module_name)
    *classes, last = attribute.split(".")
    for part in classes:
        owner = getattr(owner, part)
    old = getattr(owner, last)

    def nothing(*arguments: Any, **options: Any) -> Any:
        if returned in ("", "first"):
            return arguments[0] if returned else None
        return getattr(builtins, returned)(arguments[0])

    def replace() -> None:
        setattr(owner, last, nothing)
        for module in list(sys.modules.values()):
            for key, value in list(getattr(module, "__dict__", {}).items()):
                if value is old:
                    setattr(module, key, nothing)

    return replace


def break_gate(arguments: argparse.Namespace, bases: Path) -> int:
    """Run the cases without each of the checks; returns 1 if one of them is not missed, or a redundant one is."""
    gate = [f"{module}:{check}" for module, checks in GATE.items() for check in checks.split()]

    @functools.cache
    def usual(which: str) -> set[str]:
        return _failures(arguments, bases, which)

    odd = []
    print("| without | noticed by |\n| --- | --- |", flush=True)
    for name in REDUNDANT if arguments.redundant else gate:
        noticed = "nothing"
        for which in (name.split("=")[0], ""):
            before = usual(":" if which else "")  # of all aimed cases, or of all cases
            if found := _failures(arguments, bases, which, [name], stop=not before) - before:
                noticed = f"{'aimed ' if which else ''}case {min(found)}"
                break
        odd += [] if (noticed == "nothing") == arguments.redundant else [name]
        print(f"| {name} | {noticed} |", flush=True)
    return 1 if odd else 0


def _failures(
    arguments: argparse.Namespace, bases: Path, aimed_at: str, without: Sequence[str] = (), stop: bool = False
) -> set[str]:
    """The failures of cases that a forked process runs, as "number, column: reason"; see `run_cases`."""
    changed: dict[str, Any] = {"without": without, "stop": stop}
    if aimed_at:
        changed |= {"aimed_at": aimed_at, "count": AIMED_TIMES * AIMED_EVERY * len(AIMS)}
    with work_folder(keep=False) as work:
        process = os.fork()
        if process == 0:
            status = 1
            with contextlib.suppress(BaseException):
                report = run_cases(argparse.Namespace(**vars(arguments) | changed), bases, work)
                found = [f"{failure.number}, {failure.column}: {failure.reason}" for failure in report.failures]
                (work / "failures").write_text(json.dumps(found))
                status = 0
            os._exit(status)
        _, status = os.waitpid(process, 0)
        if status != 0:
            raise RuntimeError(f"without {', '.join(without)}: the cases were not run to the end")
        return set(json.loads((work / "failures").read_text()))


def run_cases(arguments: argparse.Namespace, bases: Path, work: Path) -> Report:
    """Take out the checks that are named, and run the cases that are wanted."""
    replacements = [take_out(name) for name in arguments.without]

    def prepare_keras() -> None:
        import_keras()
        for replace in replacements:
            replace()

    for replace in replacements:
        replace()
    make_case = importlib.import_module(f"tests.fuzz.cases_{arguments.kind}").make_case
    numbers = arguments.only or range(arguments.first, arguments.first + arguments.count)
    numbers = [number for number in numbers if not (arguments.without_keras and needs_keras(number))]
    if arguments.aimed_at:
        aims = {number: aim_of(number) for number in numbers}
        numbers = [number for number, aim in aims.items() if aim and arguments.aimed_at in aim.check]
    options = (bases, work, arguments.jobs, arguments.seconds)
    supervisor = Supervisor(arguments.kind, arguments.seed, make_case, *options, stop=arguments.stop)
    return supervisor.run(numbers, prepare_keras)


def main() -> int:
    """Run the cases; returns the exit status."""
    arguments = parse_arguments()
    with work_folder(keep=arguments.only is not None) as work:
        bases = (arguments.bases or work / "bases").absolute()
        if not bases.exists():
            subprocess.run([sys.executable, "-m", "tests.fuzz.base_bundles", bases], cwd=ROOT, check=True)
        if arguments.kind != "faults":
            import_light()
        if arguments.break_gate:
            return break_gate(arguments, bases)
        report = run_cases(arguments, bases, work)
    text = report.markdown()
    print(text, end="")
    if arguments.report:
        arguments.report.write_text(text, encoding="utf-8")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
