"""Write a bundle's network as one ONNX file, or as a TensorFlow SavedModel, for programs that are not ours.

    python -m common.cli.export --model pretrained_model/sentiment/reviews --format onnx --output ratings.onnx

An ONNX file carries the settings and the vocabularies of its bundle as metadata, a SavedModel as JSON files in
`assets.extra/`. What was written is read back, compared with Keras and timed, before it appears under its name.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import METRICS_FILE, MODEL_FILE
from common.cli.flags import make_parser
from common.cli.run import run_command
from common.errors import InputError, show
from common.inference.keras_engine import KerasEngine
from common.inference.keras_start import start_keras
from common.inference.trial_inputs import random_inputs
from common.output import check_new_place, claim
from common.progress import say

LARGEST_DIFFERENCE = 1e-4  # from Keras, as a share of the largest number; more is not rounding
SHAPES = ((1, 1), (1, 20), (7, 33), (32, 60))  # (batch, time) of the trials
REPEATS = 10

# Named inputs to an array or to named arrays.
Run = Callable[[Mapping[str, np.ndarray]], Any]


def describe_bundle(bundle: Bundle) -> dict[str, str]:
    """Collect, as JSON, what a program needs besides the network: task, tokenizer, settings, ids as readable text."""
    left_out = (MODEL_FILE, METRICS_FILE)  # and the parts in folders, which have networks of their own
    names = [name for name in bundle.contents if name.endswith(".json") and "/" not in name and name not in left_out]
    facts = {name: json.dumps(bundle.manifest.get(name)) for name in ("task", "tokenizer")}
    return facts | {Path(name).stem: bundle.contents[name].decode("utf-8") for name in names}


def export_onnx(bundle: Bundle, path: Path) -> Run:
    """Write one `.onnx` file; returns a function that runs it."""
    from common.inference.onnx.export import write_onnx  # imports ONNX, which --help needs not wait for

    return write_onnx(bundle.architecture, describe_bundle(bundle), path)


def export_saved_model(bundle: Bundle, path: Path) -> Run:
    """Write a folder with a TensorFlow SavedModel, whose endpoint is `serve`; returns a function that runs it."""
    import tensorflow as tf  # several seconds

    model = KerasEngine(bundle).model
    model.export(path, format="tf_saved_model", verbose=False)
    (path / "assets.extra").mkdir()
    for name, text in describe_bundle(bundle).items():
        (path / "assets.extra" / f"{name}.json").write_text(text, encoding="utf-8")
    saved = tf.saved_model.load(str(path))

    def run(inputs: Mapping[str, np.ndarray]) -> Any:
        answers = saved.serve({name: tf.constant(inputs[name]) for name in model.input})
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), answers)

    return run


EXPORTS = {"onnx": export_onnx, "saved_model": export_saved_model}


def compare(keras: Run, exported: Run, trials: Sequence[Mapping[str, np.ndarray]]) -> tuple[float, float]:
    """Run two networks on the same inputs.

    Returns:
        The largest difference of any number, and the largest number of the first network; NaN if either network
        answers with NaN, which compares with nothing.
    """
    differences, sizes = [0.0], [0.0]
    for inputs in trials:
        wanted, found = keras(inputs), exported(inputs)
        if not isinstance(wanted, Mapping):
            wanted, found = {"": wanted}, {"": found}
        for name, array in wanted.items():
            differences.append(float(np.abs(array - found[name]).max()))
            sizes.append(float(np.abs(array).max()))
    return float(np.max(differences)), float(np.max(sizes))  # Python's own max() may lose a NaN


def milliseconds(run: Run, inputs: Mapping[str, np.ndarray]) -> float:
    """The median time of a call."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run(inputs)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def export(bundle: Bundle, kind: str, path: Path) -> None:
    """Write, read back, compare and time; `path` appears only if all went well.

    Raises:
        InputError: the exported network gives other numbers than Keras, or something is in the way.
    """
    check_new_place(path)
    with claim(path) as place:
        start_keras()
        rng = np.random.default_rng(0)
        trials = [random_inputs(bundle.architecture, batch, steps, rng) for batch, steps in SHAPES]
        exported, keras = EXPORTS[kind](bundle, place.new), KerasEngine(bundle)
        difference, largest = compare(keras, exported, trials)
        if not difference <= LARGEST_DIFFERENCE * max(largest, 1):
            raise InputError(f"{bundle.path}: as {kind} it differs from Keras by {difference:.1e}; nothing was written")
        say(f"largest difference from Keras: {difference:.1e} in numbers up to {largest:.3g}")
        for (batch, steps), inputs in zip(SHAPES, trials, strict=True):
            times = f"{kind} {milliseconds(exported, inputs):.2f} ms, Keras {milliseconds(keras, inputs):.2f} ms"
            say(f"{batch} x {steps} tokens: {times} (median of {REPEATS})")
        check_new_place(path)
        place.new.rename(place.target)
    size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    show(f"{path}: {size / 1e6:.1f} MB")


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("common.cli.export", __doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="a bundle of any task")
    parser.add_argument("--format", choices=tuple(EXPORTS), required=True, help="one ONNX file, or a SavedModel folder")
    parser.add_argument("--output", type=Path, required=True, metavar="PATH", help="the file or folder to write")
    arguments = parser.parse_args(argv)
    export(open_bundle(arguments.model), arguments.format, arguments.output)


if __name__ == "__main__":
    run_command(main)
