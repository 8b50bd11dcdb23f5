"""How fast texts are written, all in all: `LanguageModel.write`, from the prompt to the last piece of text.

    python -m benchmarks.writing [--repeats N] [--threads N] [--output-dir DIR] [--write-readme]

2 x GRU 500      embedding 300, 10,000 words, weights of no meaning
shakespeare      the pretrained model of characters
stories          the pretrained model of words

Each writes one text, and 32 at once: by a plain draw, with top-p 0.9, and with everything there is (top-p, min-p,
repetition penalty, no repeated n-gram). The time of a token has all in it: the network, the draw, the rules, and the
text put together.
"""

from __future__ import annotations

from benchmarks.timing import benchmark_parser

PARSER = benchmark_parser("benchmarks.writing", __doc__, repeats=9)

if __name__ == "__main__":
    PARSER.parse_args()  # before the slow imports: --help and a wrong option start nothing

from common.inference.keras_start import start_keras

start_keras()  # quietly, before anything imports Keras

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

import language_model
from benchmarks import networks
from benchmarks.timing import describe_run, draw_bars, make_turn, parse_arguments, save_results, summarize, take_turns
from common.cli.run import run_command
from common.evaluation.figures import new_figure
from common.evaluation.report import text_table
from common.files import check_writable
from common.text.vocabulary import EOS_ID, SPECIAL_TOKENS, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.predict import LanguageModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRETRAINED = ("shakespeare", "stories")
BATCH_SIZES = (1, 32)
NUM_TOKENS = 200  # of each text
SECONDS = 0.5  # of a turn, about
WAYS: dict[str, dict[str, float]] = {
    "plain": {"temperature": 1.0},
    "top-p": {"top_p": 0.9},
    "all": {"top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.1, "no_repeat_ngram": 4},
}
COLORS = {"plain": "tab:green", "top-p": "tab:orange", "all": "tab:purple"}
HEADER = ["model", "texts", "draw", "tokens/s", "ms per token of each text", "fastest turn", "slowest turn"]


def large_model(folder: Path, num_threads: int) -> LanguageModel:
    """Make a language model of two layers of GRU 500 over 10,000 words, that answers in ONNX Runtime."""
    network = networks.language_model()
    vocab_size = network.model.output["logits"].shape[-1]
    vocabulary = Vocabulary(f"word{number}" for number in range(vocab_size - len(SPECIAL_TOKENS)))
    units = network.model.output["state_0_h"].shape[-1]
    config = LanguageModelConfig(architecture="gru", num_layers=2, units=units)
    return LanguageModel(networks.onnx_engine(network.model, folder, num_threads), vocabulary, config)


def never_end(model: LanguageModel) -> LanguageModel:
    """Take the end of a text away from a model, so that all texts are of one length."""
    step = model.step

    def step_without_end(*inputs: Any) -> Any:
        answer, states = step(*inputs)
        answer["logits"][..., EOS_ID] = -np.inf
        return answer, states

    setattr(model, "step", step_without_end)  # noqa: B010  mypy knows no methods that change
    return model


def make_call(model: LanguageModel, num_samples: int, settings: Mapping[str, Any]) -> Callable[[], None]:
    """Make what is timed: texts of `NUM_TOKENS` tokens, written to their last piece."""

    def write() -> None:
        for _ in model.write(
            num_samples=num_samples, max_tokens=NUM_TOKENS, complete_sentences=False, seed=1, **settings
        ):
            pass

    return write


def measure(name: str, model: LanguageModel, repeats: int, seconds: float) -> list[dict[str, Any]]:
    """Time a model in every way of drawing; returns a figure for each, and each number of texts."""
    figures = []
    for num_samples in BATCH_SIZES:
        calls = {way: make_turn(make_call(model, num_samples, settings), seconds) for way, settings in WAYS.items()}
        for way, times in take_turns(calls, repeats).items():
            summary = summarize([milliseconds / NUM_TOKENS for milliseconds in times])
            figures.append(
                {
                    "model": name,
                    "num_samples": num_samples,
                    "draw": way,
                    "tokens_per_second": round(1000 * num_samples / summary["median_ms"], 1),
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
                figure["model"],
                str(figure["num_samples"]),
                figure["draw"],
                f"{figure['tokens_per_second']:,.0f}",
                *(f"{figure[key]:.3f}" for key in ("median_ms", "min_ms", "max_ms")),
            ]
            for figure in figures
        ),
    ]


def draw(figures: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Draw tokens per second: a group of bars for each model and number of texts."""
    groups = list(dict.fromkeys((figure["model"], figure["num_samples"]) for figure in figures))
    picture, axes = new_figure(9, 4.4)
    heights = {way: [figure["tokens_per_second"] for figure in figures if figure["draw"] == way] for way in WAYS}
    draw_bars(axes, heights, COLORS, [f"{model}\n{count} at once" for model, count in groups])
    axes.set(ylabel="tokens per second (log scale)", title=title)
    return picture


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, measure, show and write."""
    arguments = parse_arguments(PARSER, argv)
    check_writable(arguments.output_dir, "--output-dir")

    figures: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        models = {"2 x GRU 500": large_model(Path(folder), arguments.threads)}
        for name in PRETRAINED:
            models[name] = language_model.load(name, num_threads=arguments.threads)
        for name, model in models.items():
            figures += measure(name, never_end(model), arguments.repeats, SECONDS)
    rows = table_rows(figures)
    print(text_table(rows))
    facts = describe_run(arguments)
    title = f"{facts['machine']['processor_model']}, {arguments.threads} threads: tokens per second, more is better"
    save_results(arguments, "writing", {**facts, "figures": figures}, rows, draw(figures, title))


if __name__ == "__main__":
    run_command(main)
