"""Train the three example models on the samples in the repository, score them, and answer with the pretrained ones.

    python -m scripts.build_example_models        (what `make example` runs)

Every step is a command that you can type yourself; it is printed before it runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from common.cli.flags import make_parser
from common.cli.run import run_command
from common.training.checkpoint import checkpoint_folder
from language_model import cli as language_model
from pos_tagging import cli as pos_tagging
from sentiment import cli as sentiment

ROOT = Path(__file__).resolve().parent.parent
ABOUT = "The sample in the repository: original text, written for this project, CC0."
TASKS = {
    "sentiment": (sentiment, "csv"),
    "language_model": (language_model, "csv"),
    "pos_tagging": (pos_tagging, "conllu"),
}


def run(command: Callable[[Sequence[str]], None], *arguments: str) -> None:
    """Show a command and run it, in this process: TensorFlow is imported once."""
    shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    print(f"\n$ python -m {command.__module__.removesuffix('.cli')}.{command.__name__} {shown}", flush=True)
    sys.stdout.flush()
    command([str(argument) for argument in arguments])


def train_and_score(task: str) -> None:
    """Train one example model and score it on the test half of its sample."""
    commands, ending = TASKS[task]
    data, model = f"{task}/dataset", f"example_model/{task}"
    train, test = f"{data}/train.{ending}", f"{data}/test.{ending}"
    again = ["--resume"] if checkpoint_folder(ROOT / model).exists() else []
    places = ["--train", train, "--output-dir", model, "--overwrite", *again]
    run(commands.train, *places, "--about-data", ABOUT)
    run(commands.evaluate, "--model", model, "--test", test, "--train", train, "--report", f"{model}-report", "--save")


def main(argv: Sequence[str] | None = None) -> None:
    make_parser("scripts.build_example_models", __doc__).parse_args(argv)
    start = time.monotonic()
    for task in TASKS:
        train_and_score(task)
    print("\nThe pretrained models answer:")
    run(
        sentiment.predict,
        "The plot is thin, but the cast is a joy and I laughed all the way home.",
        "Two hours of my life that I want back: dull, loud and badly acted.",
    )
    run(pos_tagging.predict, "They refuse to permit us to obtain the refuse permit.")
    run(language_model.score, "The king went into the forest.", "The forest went into the king.")
    run(language_model.generate, "--prompt", "Once upon a time", "--num-sentences", "2", "--seed", "1")
    print(f"\nDone in {(time.monotonic() - start) / 60:.1f} minutes. What lies where:")
    for task in TASKS:
        print(f"  example_model/{task}/  the model, its card README.md, history.csv, learning_curve.png")
        print(f"  example_model/{task}-report/report.html  its scores and mistakes on one page")
    print(
        "  pretrained_model/  models trained on full data sets; what `predict`, `score` and `generate` use by default"
    )


if __name__ == "__main__":
    run_command(main)
