"""What a training step costs, forward, backward and Adam: the same networks in Keras and PyTorch, in one run.

    python -m benchmarks.training [--repeats N] [--threads N] [--processor-time] [--output-dir DIR] [--write-readme]

rating model     64 texts of 200 tokens, embedding 128, LSTM 128, its last state
language model   32 texts of 64 tokens, embedding 256, 2 x LSTM 512, softmax over 10,000 words
tagger           32 sentences of 40 tokens, embedding 128, BiLSTM 200, 17 tags

"Keras" has Keras' own LSTM, "project" that of common/networks/lstm.py, which every model of the project trains with.
Both are timed inside `fit`, called as `common.training.fit` calls it, from the end of one step to the end of the
next: the step that `fit` compiles, the batch handed over and the callbacks are in it, the start of an epoch is not.
PyTorch runs the usual loop, with the fastest form of its Adam (`fused`), in float32 and in the mixed precision of
`torch.autocast`. Nothing is dropped out, no row is padded (see
benchmarks/networks.py). Before the clock starts, PyTorch must have the loss of Keras.
"""

from __future__ import annotations

from benchmarks.timing import benchmark_parser

PARSER = benchmark_parser("benchmarks.training", __doc__, repeats=9)
PARSER.add_argument(
    "--processor-time",
    action="store_true",
    help="count processor time, for a machine that others use too; with --threads 1 (threads wait busily)",
)

if __name__ == "__main__":
    PARSER.parse_args()  # before the slow imports: --help and a wrong option start nothing

from common.inference.keras_start import start_keras

start_keras()  # quietly, before anything imports Keras

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from benchmarks.networks import Batch, Network, language_model, rating_model, tagger, with_keras_lstm, without_masks
from benchmarks.timing import (
    Clock,
    describe_run,
    draw_bars,
    make_turn,
    parse_arguments,
    save_results,
    start_systems,
    summarize,
    take_turns,
)
from common.cli.run import run_command
from common.evaluation.figures import new_figure
from common.evaluation.report import text_table
from common.progress import say
from common.training.optimizer import set_precision

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = 1.0  # of a turn, about
LEARNING_RATE = 0.001
MAX_DIFFERENCE, MAX_DIFFERENCE_MIXED = 1e-4, 1e-2
# Whether in mixed precision, and whether with the project's LSTM.
SYSTEMS = {
    "Keras float32": (False, False),
    "Keras bfloat16": (True, False),
    "project float32": (False, True),
    "project bfloat16": (True, True),
}
TORCH_SYSTEMS = {"PyTorch float32": False, "PyTorch bfloat16": True}  # whether in mixed precision
COLORS = {
    "PyTorch float32": "tab:orange",
    "PyTorch bfloat16": "tab:brown",
    "Keras float32": "tab:red",
    "Keras bfloat16": "tab:purple",
    "project float32": "tab:green",
    "project bfloat16": "tab:blue",
}
HEADER = ["network", "batch x time", "system", "ms per step", "fastest turn", "slowest turn", "tokens/s"]


def build_networks() -> list[tuple[Callable[[], Network], int]]:
    """The networks in the sizes that are measured, not yet built, and their batch sizes."""
    return [
        (lambda: rating_model(embedding_dim=128, units=128, directions="forward", pooling="last"), 64),
        (lambda: language_model("lstm", embedding_dim=256, units=512, num_steps=64), 32),
        (tagger, 32),
    ]


def make_batch(network: Network, batch_size: int) -> Batch:
    """Make inputs, random targets, and weights of one, as the project's loaders give them to `fit`."""
    inputs, rng = network.make_inputs(batch_size), np.random.default_rng(1)
    if network.name == "rating model":
        return inputs, rng.uniform(1, 10, (batch_size, 1)).astype(np.float32), np.ones(batch_size, np.float32)
    num_classes = _scores(network).shape[-1]
    targets = rng.integers(0, num_classes, inputs["token_ids"].shape, np.int32)  # (batch, time)
    return inputs, targets, np.ones(targets.shape, np.float32)


def _scores(network: Network) -> Any:
    """What the loss looks at: a language model gives its states beside it."""
    output = network.model.output
    return output["logits"] if isinstance(output, dict) else output


def compile_keras(network: Network, own_lstm: bool = True) -> Any:
    """Give a network an optimizer and the loss that its task trains it with; `own_lstm`: the project's, not Keras'."""
    model = keras.Model(network.model.input, _scores(network))
    model = without_masks(model if own_lstm else with_keras_lstm(model))
    loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    if network.name == "rating model":
        loss = "mean_squared_error"
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss=loss)
    return model


def fit_turn(model: Any, batch: Batch, seconds: float, clock: Clock = time.perf_counter) -> Callable[[], float]:
    """Make a turn of `fit`: some steps, whose milliseconds it returns."""

    class Steps(keras.utils.PyDataset):
        """The same batch, again and again."""

        def __init__(self, num_steps: int) -> None:
            super().__init__()
            self.num_steps = num_steps

        def __len__(self) -> int:
            return self.num_steps

        def __getitem__(self, number: int) -> Batch:
            return batch

    def fit(num_steps: int) -> float:
        ends: list[float] = []
        # The first step has no step before it to count from.
        note_end = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(clock()))
        model.fit(Steps(num_steps + 1), verbose=0, shuffle=False, callbacks=[note_end])
        return 1000 * (ends[-1] - ends[0]) / num_steps

    fit(1)  # compiles
    num_steps = max(1, round(1000 * seconds / fit(1)))
    return lambda: fit(num_steps)


def torch_steps(network: Network, batch: Batch) -> dict[str, Callable[[], float]]:
    """Make the training steps of `TORCH_SYSTEMS` from the network's present weights; each returns its loss."""
    from benchmarks.torch_networks import training_step  # PyTorch, which may not be there

    return {name: training_step(network, batch, LEARNING_RATE, mixed) for name, mixed in TORCH_SYSTEMS.items()}


def measure(
    build: Callable[[], Network],
    batch_size: int,
    repeats: int,
    with_torch: bool,
    seconds: float,
    clock: Clock = time.perf_counter,
) -> list[dict[str, Any]]:
    """Check and time a network's training step in all systems; returns a figure for each system."""
    turns: dict[str, Callable[[], float]] = {}
    differences: dict[str, float | None] = {}
    for system, (mixed, own_lstm) in SYSTEMS.items():
        set_precision(mixed)
        network = build()
        batch = make_batch(network, batch_size)
        model = compile_keras(network, own_lstm)
        if not mixed:
            loss = float(model.test_on_batch(*batch))
            for name, step in torch_steps(network, batch).items() if with_torch and not turns else ():
                largest = MAX_DIFFERENCE_MIXED if TORCH_SYSTEMS[name] else MAX_DIFFERENCE
                differences[name] = check_loss(loss, step(), largest)
                turns[name] = make_turn(step, seconds, clock)
        turns[system] = fit_turn(model, batch, seconds, clock)
    set_precision(False)
    num_tokens = batch_size * network.num_steps
    say(f"{network.name}: first loss {loss:.4f}" + (", in PyTorch too" if with_torch else ""))
    return [
        {
            "network": network.name,
            "batch_size": batch_size,
            "num_steps": network.num_steps,
            "system": system,
            "tokens_per_second": round(1000 * num_tokens / summary["median_ms"], 1),
            "largest_difference": differences.get(system),
            **summary,
        }
        for system, summary in ((name, summarize(times)) for name, times in take_turns(turns, repeats).items())
    ]


def check_loss(wanted: float, found: float, largest: float = MAX_DIFFERENCE) -> float:
    """Compare PyTorch's loss with Keras'; returns the difference, as a share, of which `largest` is accepted.

    Raises:
        ValueError: it is larger than rounding explains.
    """
    difference = abs(found - wanted) / abs(wanted)
    if not difference <= largest:
        raise ValueError(f"PyTorch's loss is {found:.6g}, Keras' is {wanted:.6g}; it is another network")
    return difference


def table_rows(figures: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Lay the figures out as a table, the header first."""
    return [
        HEADER,
        *(
            [
                figure["network"],
                f"{figure['batch_size']} x {figure['num_steps']}",
                figure["system"],
                *(f"{figure[key]:.1f}" for key in ("median_ms", "min_ms", "max_ms")),
                f"{figure['tokens_per_second']:,.0f}",
            ]
            for figure in figures
        ),
    ]


def draw(figures: Sequence[dict[str, Any]], title: str) -> Figure:
    """Draw milliseconds per step: a group of bars for each network."""
    networks = list(dict.fromkeys(figure["network"] for figure in figures))
    systems = list(dict.fromkeys(figure["system"] for figure in figures))
    picture, axes = new_figure(7.5, 4.4)
    heights = {name: [figure["median_ms"] for figure in figures if figure["system"] == name] for name in systems}
    sizes = {figure["network"]: f"{figure['batch_size']} x {figure['num_steps']} tokens" for figure in figures}
    draw_bars(axes, heights, COLORS, [f"{network}\n{sizes[network]}" for network in networks])
    axes.set(ylabel="milliseconds per step (log scale)", title=title)
    return picture


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, measure, show and write."""
    arguments = parse_arguments(PARSER, argv)
    clock = time.perf_counter
    if arguments.processor_time:
        arguments.command, clock = f"{arguments.command} --processor-time", time.process_time
    with_torch = start_systems(arguments)
    figures: list[dict[str, Any]] = []
    for build, batch_size in build_networks():
        figures += measure(build, batch_size, arguments.repeats, with_torch, SECONDS, clock)
    rows = table_rows(figures)
    print(text_table(rows))
    facts = describe_run(arguments)
    title = f"{facts['machine']['processor_model']}, {arguments.threads} threads: a training step, less is better"
    save_results(arguments, "training", {**facts, "figures": figures}, rows, draw(figures, title))


if __name__ == "__main__":
    run_command(main)
