"""How fast networks answer: the same ones in ONNX Runtime, PyTorch and Keras, under the same weights, in one run.

    python -m benchmarks.engines [--repeats N] [--threads N] [--output-dir DIR] [--write-readme]

tagger           embedding 128, BiLSTM 200, 17 tags; sentences of 40 tokens
language model   embedding 300, 2 x GRU 500, 10,000 words; writes a token of each text, the draw included, then the next
rating model     embedding 100, BiLSTM 96, mean and largest state; texts of 200 tokens

Every system gets each batch in the form that is fastest for it (see benchmarks/networks.py), as many threads as the
others, and the same sampler. "Keras" is one compiled function, `common.inference.keras_engine.KerasEngine`; "Keras
predict" is `model.predict` for every token. Before the clock starts, all systems must give Keras' numbers.
"""

from __future__ import annotations

from benchmarks.timing import benchmark_parser

PARSER = benchmark_parser("benchmarks.engines", __doc__, repeats=15)

if __name__ == "__main__":
    PARSER.parse_args()  # before the slow imports: --help and a wrong option start nothing

from common.inference.keras_start import start_keras

start_keras()  # quietly, before anything imports Keras

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.networks import Network, language_model, onnx_engine, rating_model, tagger, without_masks
from benchmarks.timing import (
    describe_run,
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
from common.inference.engine import Engine
from common.inference.keras_engine import KerasEngine
from common.progress import say
from language_model.sampling import sample_tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH_SIZES = (1, 32, 256)
SECONDS = 0.25  # of a turn, about
MAX_DIFFERENCE = 1e-4
COLORS = {"ONNX Runtime": "tab:green", "PyTorch": "tab:orange", "Keras": "tab:red", "Keras predict": "tab:gray"}
HEADER = ["network", "batch", "system", "tokens/s", "ms per call", "fastest turn", "slowest turn"]


def build_networks() -> list[Network]:
    """Build the three networks, in the sizes that are measured."""
    return [tagger(), language_model(), rating_model()]


def open_systems(network: Network, folder: Path, num_threads: int, with_torch: bool) -> dict[str, Engine]:
    """Open a network in every system; they are called alike."""
    systems: dict[str, Any] = {"ONNX Runtime": onnx_engine(network.model, folder, num_threads)}
    if with_torch:
        from benchmarks import torch_networks

        kinds = {**torch_networks.KINDS, "language model": torch_networks.LanguageModelStep}  # it writes step by step
        systems["PyTorch"] = torch_networks.TorchEngine(kinds[network.name](network.model))
    keras_model = without_masks(network.model)
    systems["Keras"] = KerasEngine(keras_model)
    if network.name == "language model":
        # One batch of all rows; `predict` would cut them into batches of 32.
        systems["Keras predict"] = lambda inputs: keras_model.predict(inputs, batch_size=len(inputs["mask"]), verbose=0)
    return systems


def check_answers(systems: Mapping[str, Engine], inputs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Compare every system with Keras; returns the largest difference of each.

    Raises:
        ValueError: one is larger than rounding explains.
    """
    wanted = _named(systems["Keras"](inputs))
    differences = {}
    for name, system in systems.items():
        answer = _named(system(inputs))
        differences[name] = max(float(np.abs(answer[key] - wanted[key]).max()) for key in wanted)
        if not differences[name] <= MAX_DIFFERENCE:
            raise ValueError(f"{name} is off by {differences[name]:.2g} from Keras; it is another network")
    return differences


def _named(answer: Any) -> dict[str, np.ndarray]:
    return answer if isinstance(answer, dict) else {"answer": answer}


def make_call(network: Network, system: Engine, inputs: Mapping[str, np.ndarray]) -> Callable[[], Any]:
    """Make what is timed: the network on these inputs; a language model reads what it has just written."""
    if network.name != "language model":
        return lambda: system(inputs)

    current, rng = dict(inputs), np.random.default_rng(1)

    def write_token() -> None:
        answer = system(current)
        token_ids = sample_tokens(answer["logits"][:, -1], rng)  # (batch,)
        states = {name: state for name, state in answer.items() if name in current}
        current.update(states, token_ids=token_ids[:, None])

    return write_token


def measure(
    network: Network,
    batch_sizes: Sequence[int],
    repeats: int,
    num_threads: int,
    with_torch: bool,
    seconds: float,
) -> list[dict[str, Any]]:
    """Check and time a network in all systems; returns a figure for each system and batch."""
    figures = []
    with TemporaryDirectory() as folder:
        systems = open_systems(network, Path(folder), num_threads, with_torch)
        for batch_size in batch_sizes:
            inputs = network.make_inputs(batch_size)
            differences = check_answers(systems, inputs)
            say(f"{network.name}, batch {batch_size}: largest difference {max(differences.values()):.1e}")
            turns = {name: make_turn(make_call(network, system, inputs), seconds) for name, system in systems.items()}
            num_tokens = batch_size * network.num_steps
            for name, times in take_turns(turns, repeats).items():
                summary = summarize(times)
                figures.append(
                    {
                        "network": network.name,
                        "batch_size": batch_size,
                        "system": name,
                        "tokens_per_call": num_tokens,
                        "tokens_per_second": round(1000 * num_tokens / summary["median_ms"], 1),
                        "largest_difference": differences[name],
                        **summary,
                    }
                )
    return figures


def table_rows(figures: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Lay the figures out as a table, the header first."""
    return [
        HEADER,
        *(
            [
                figure["network"],
                str(figure["batch_size"]),
                figure["system"],
                f"{figure['tokens_per_second']:,.0f}",
                *(f"{figure[key]:.2f}" for key in ("median_ms", "min_ms", "max_ms")),
            ]
            for figure in figures
        ),
    ]


def draw(figures: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Draw tokens per second: a panel for each network, a group of bars for each batch size."""
    networks = list(dict.fromkeys(figure["network"] for figure in figures))
    picture, panels = new_figure(4.6, 4.4, columns=len(networks))
    for axes, network in zip(np.atleast_1d(panels), networks, strict=True):
        shown = [figure for figure in figures if figure["network"] == network]
        batch_sizes = list(dict.fromkeys(figure["batch_size"] for figure in shown))
        systems = list(dict.fromkeys(figure["system"] for figure in shown))
        width = 0.86 / len(systems)
        for number, system in enumerate(systems):
            heights = [figure["tokens_per_second"] for figure in shown if figure["system"] == system]
            places = np.arange(len(batch_sizes)) + (number - (len(systems) - 1) / 2) * width
            bars = axes.bar(places, heights, width, color=COLORS[system], label=system)
            axes.bar_label(bars, [short_number(height) for height in heights], fontsize=7, padding=1)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, place: short_number(value))
        axes.yaxis.set_minor_formatter("")
        axes.margins(y=0.1)
        axes.set_xticks(range(len(batch_sizes)), batch_sizes)
        axes.set(xlabel="batch (rows)", ylabel="tokens per second (log scale)", title=network)
        axes.legend(loc="upper left", fontsize=8)
        axes.set_axisbelow(True)
        axes.grid(axis="y", color="#e3e7eb")
    picture.suptitle(title)
    return picture


def short_number(value: float) -> str:
    """Write a number in the space above a bar.

    >>> [short_number(value) for value in (7.4, 380, 2743, 10_000, 390_718, 1_000_000)]
    ['7', '380', '2.7k', '10k', '391k', '1000k']
    """
    if value < 1000:
        return f"{value:.0f}"
    return f"{value / 1000:.1f}k" if value < 10_000 else f"{value / 1000:.0f}k"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, measure, show and write."""
    arguments = parse_arguments(PARSER, argv)
    with_torch = start_systems(arguments)
    figures: list[dict[str, Any]] = []
    for network in build_networks():
        figures += measure(network, BATCH_SIZES, arguments.repeats, arguments.threads, with_torch, SECONDS)
    rows = table_rows(figures)
    print(text_table(rows))
    print(f"Largest difference from Keras: {max(figure['largest_difference'] for figure in figures):.1e}")
    facts = describe_run(arguments)
    title = f"{facts['machine']['processor_model']}, {arguments.threads} threads: tokens per second, more is better"
    save_results(arguments, "engines", {**facts, "figures": figures}, rows, draw(figures, title))


if __name__ == "__main__":
    run_command(main)
