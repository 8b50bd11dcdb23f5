"""Where does the time of rating texts go, and what is the limit of the processor?

    python -m benchmarks.roofline --input train.csv --text-column review [--model MODEL] [--texts N] [--repeats N]

A roofline (Williams et al. 2009): the products that a network needs are counted, and the rate at which the processor
multiplies matrices of the same shapes is measured. One divided by the other is the most tokens a second that any
program could read with these matrices. The answer is measured in its parts, texts to tokens and tokens to ratings. All
times are processor seconds, of all threads together: what else runs on the machine lengthens them little.

    products of a token    inputs . kernel and states . recurrent_kernel of each recurrent layer
    input product          (batch * time, features) x (features, 4 * units), all steps at once
    recurrent product      (batch, units) x (units, 4 * units), a step at a time: it waits for the step before

An LSTM reads padding too, so the share of padding is part of the answer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import benchmark_parser, describe_run, parse_arguments, save_results
from common.bundles.bundle import open_bundle
from common.bundles.pretrained import find_bundle
from common.cli.options import number
from common.cli.run import run_command
from common.evaluation.report import text_table
from common.files import check_writable
from common.inference.onnx.messages import declare, make_node, make_tensor, pb
from common.inference.onnx.runtime import onnxruntime
from common.inference.onnx.session import PROVIDERS, session_options
from common.inference.states import RecurrentLayer, recurrent_layers
from common.text.readers import read_rows
from common.text.rows import BadRow
from common.text.tokenization import REMEMBERED, load_pipeline, tokenize_all
from sentiment.config import DEFAULT_NAME, TASK
from sentiment.loader import make_batches, normal_texts
from sentiment.predict import RatingModel

PARSER = benchmark_parser("benchmarks.roofline", __doc__, repeats=5)
PARSER.add_argument("--input", type=Path, required=True, metavar="FILE", help="a table of texts")
PARSER.add_argument("--text-column", default="review", metavar="NAME", help="the column of the texts (default review)")
PARSER.add_argument(
    "--model", default=DEFAULT_NAME, metavar="MODEL", help="a bundle, or the name of a pretrained model"
)
PARSER.add_argument(
    "--texts", type=number(int, 1), default=2000, metavar="N", help="texts, evenly drawn (default 2000)"
)

SECONDS = 0.5  # of a turn of a product
COPIED_MB = 256  # more than any cache holds
HEADER = ["on one core", "measured"]


def sample(path: Path, column: str, num_texts: int) -> list[str]:
    """Texts of a table, evenly drawn from the first to the last."""
    texts = [row[1][column] for row in read_rows(path, [column]) if not isinstance(row, BadRow)]
    return [texts[place] for place in np.linspace(0, len(texts) - 1, min(num_texts, len(texts))).astype(int)]


# -- What the processor can do --------------------------------------------------------------------------------------


def product(num_rows: int, kernel: np.ndarray) -> Callable[[], Any]:
    """Make a function that multiplies rows by a matrix, on one core, with the kernels of ONNX Runtime.

    Args:
        num_rows: of the left matrix.
        kernel: (features, outputs).
    """
    single = np.dtype(np.float32)
    graph = pb.GraphProto(
        name="product",
        node=[make_node("MatMul", ["rows", "kernel"], ["sums"])],
        input=[declare("rows", single, [num_rows, kernel.shape[0]])],
        output=[declare("sums", single, [num_rows, kernel.shape[1]])],
        initializer=[make_tensor("kernel", np.ascontiguousarray(kernel))],
    )
    operators = [pb.OperatorSetIdProto(domain="", version=18)]
    options = session_options()
    options.intra_op_num_threads = 1
    model = pb.ModelProto(ir_version=8, opset_import=operators, graph=graph).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=PROVIDERS)
    rows = np.random.default_rng(0).normal(size=(num_rows, kernel.shape[0])).astype(np.float32)
    return lambda: session.run(None, {"rows": rows})


def copy_memory() -> Callable[[], Any]:
    """Make a function that reads and writes `COPIED_MB` of memory."""
    source = np.ones(COPIED_MB << 17, np.float64)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


def processor_seconds(call: Callable[[], Any], repeats: int) -> float:
    """The processor seconds of a call: the median of some turns, each of about `SECONDS`."""
    call()
    start = time.process_time()
    call()
    num_calls = max(1, round(SECONDS / max(time.process_time() - start, 1e-6)))
    turns = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(num_calls):
            call()
        turns.append((time.process_time() - start) / num_calls)
    return statistics.median(turns)


def measure_products(layers: Sequence[RecurrentLayer], batch: tuple[int, int], repeats: int) -> list[dict[str, Any]]:
    """Measure the products of each layer on one core.

    Args:
        layers: the recurrent layers.
        batch: texts and steps of a batch of the usual size.
        repeats: turns of each product.
    Returns:
        For each: its `name`, the `products` of a token, and `billions`, how many of them a processor second makes.
    """
    texts, steps = batch
    found = []
    for layer in layers:
        for kind, matrix, num_rows in zip(("input", "recurrent"), layer.weights, (texts * steps, texts), strict=False):
            seconds = processor_seconds(product(num_rows, matrix), repeats)
            name = f"{layer.name}, {kind}: ({num_rows:,}, {matrix.shape[0]}) x ({matrix.shape[0]}, {matrix.shape[1]})"
            billions = 1e-9 * num_rows * matrix.size / seconds
            found.append({"name": name, "products": matrix.size, "billions": round(billions, 1)})
    return found


# -- What the program does ------------------------------------------------------------------------------------------


def measure_parts(model: RatingModel, texts: Sequence[str], repeats: int) -> dict[str, float]:
    """The processor seconds of each part of rating texts, and the number of tokens and of steps, padding included."""
    pipeline = load_pipeline(model.config.language)
    seconds: dict[str, list[float]] = {"tokenizing": [], "rating": []}
    token_lists: list[list[str]] = []
    for _ in range(repeats):
        REMEMBERED.pop(pipeline, None)  # as a new program: no piece of text has been split before
        start = time.process_time()
        token_lists = list(tokenize_all(normal_texts(texts, model.config), pipeline))
        middle = time.process_time()
        model.predict_tokens(token_lists)
        seconds["tokenizing"].append(middle - start)
        seconds["rating"].append(time.process_time() - middle)
    batches = make_batches(token_lists, None, model.vocabulary, model.config, shuffle=False)
    usual = sorted(batches.indices, key=len)[len(batches) // 2]
    return {
        **{name: round(statistics.median(times), 3) for name, times in seconds.items()},
        "num_tokens": int(batches.lengths.sum()),
        "num_steps": sum(batches.sizes),
        "batch_texts": len(usual),
        "batch_steps": int(batches.lengths[usual].max()),
    }


def measure(model: RatingModel, layers: Sequence[RecurrentLayer], texts: Sequence[str], repeats: int) -> dict[str, Any]:
    """All figures: the parts of the answer, the products, memory, and what follows from them."""
    parts = measure_parts(model, texts, repeats)
    products = measure_products(layers, (int(parts["batch_texts"]), int(parts["batch_steps"])), repeats)
    nanoseconds = sum(part["products"] / part["billions"] for part in products)  # of a token
    limit = 1e9 / nanoseconds
    return {
        "num_texts": len(texts),
        **parts,
        "products": products,
        "products_of_token": sum(part["products"] for part in products),
        "memory_gb": round(2e-9 * (COPIED_MB << 20) / processor_seconds(copy_memory(), repeats), 1),
        "limit_tokens": round(limit),
        "tokens_per_second": round(parts["num_tokens"] / parts["rating"]),
        "share_of_limit": round(parts["num_steps"] / parts["rating"] / limit, 3),
    }


def table_rows(found: dict[str, Any]) -> list[list[str]]:
    """Lay the figures out as a table, the header first."""
    texts, whole = found["num_texts"], found["tokenizing"] + found["rating"]
    padding = 1 - found["num_tokens"] / found["num_steps"]
    return [
        HEADER,
        ["tokens of a text, the model's limit applied", f"{found['num_tokens'] / texts:.0f}"],
        ["padding among the steps that are computed", f"{padding:.1%}"],
        ["products of a token", f"{found['products_of_token'] / 1e6:.2f} million"],
        *([part["name"], f"{part['billions']:.0f} billion products a second"] for part in found["products"]),
        ["memory, read and written", f"{found['memory_gb']:.0f} GB a second"],
        ["limit by these products", f"{found['limit_tokens']:,} tokens a second"],
        ["the network's answers", f"{found['tokens_per_second']:,} tokens a second"],
        ["share of the limit, padding counted as work", f"{found['share_of_limit']:.0%}"],
        ["texts to tokens", f"{1000 * found['tokenizing'] / texts:.2f} ms a text, {found['tokenizing'] / whole:.0%}"],
        ["tokens to ratings", f"{1000 * found['rating'] / texts:.2f} ms a text, {found['rating'] / whole:.0%}"],
        ["both", f"{texts / whole:,.0f} texts a processor second"],
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, measure, show and write."""
    arguments = parse_arguments(PARSER, argv)
    arguments.command += f" --input {arguments.input.name} --text-column {arguments.text_column}"
    arguments.command += f" --model {arguments.model} --texts {arguments.texts}"
    check_writable(arguments.output_dir, "--output-dir")
    bundle = open_bundle(find_bundle(TASK, arguments.model), TASK)
    layers = list(recurrent_layers(bundle.architecture).values())
    texts = sample(arguments.input, arguments.text_column, arguments.texts)
    found = measure(RatingModel.from_bundle(bundle, num_threads=arguments.threads), layers, texts, arguments.repeats)
    rows = table_rows(found)
    print(text_table(rows))
    save_results(arguments, "roofline", {**describe_run(arguments, ("onnxruntime",)), **found}, rows)


if __name__ == "__main__":
    run_command(main)
