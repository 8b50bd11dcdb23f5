"""Train the three example models on the samples in the repository, score them, and answer with the pretrained ones.

    python -m scripts.build_example_models        (what `make example` runs)

Every step is a command that you can type yourself; it is printed before it runs.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from common.training.fit import checkpoint_folder

ROOT = Path(__file__).resolve().parent.parent
ABOUT = "The sample in the repository: original text, written for this project, CC0."
# Settings that suit some hundred examples; the defaults suit tens of thousands.
TRAINING = {
    "sentiment": "--num-epochs 16 --batch-size 16 --patience 16 --head regression",
    "language_model": "--num-epochs 16 --batch-size 8 --units 200 --embedding-dim 128 --learning-rate 0.005",
    "pos_tagging": "--num-epochs 20 --batch-size 8 --units 64 --embedding-dim 64 --learning-rate 0.005",
}
FILES = {"sentiment": "csv", "language_model": "csv", "pos_tagging": "conllu"}
ANSWERS = (
    (
        "sentiment.predict",
        "The plot is thin, but the cast is a joy and I laughed all the way home.",
        "Two hours of my life that I want back: dull, loud and badly acted.",
    ),
    ("pos_tagging.predict", "They refuse to permit us to obtain the refuse permit."),
    ("language_model.score", "The king went into the forest.", "The forest went into the king."),
    ("language_model.generate", "--prompt", "Once upon a time", "--num-sentences", "2", "--seed", "1"),
)


def run(module: str, *arguments: str) -> None:
    """Show a command and run it; a failure ends the script with the command's own status."""
    shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    print(f"\n$ python -m {module} {shown}", flush=True)
    status = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False).returncode
    if status:
        raise SystemExit(status)


def train_and_score(task: str) -> None:
    """Train one example model and score it on the test half of its sample."""
    data, model = f"{task}/dataset", f"example_model/{task}"
    train, test = f"{data}/train.{FILES[task]}", f"{data}/test.{FILES[task]}"
    resume = ["--resume"] if checkpoint_folder(ROOT / model).exists() else []
    run(
        f"{task}.train",
        "--train",
        train,
        "--output-dir",
        model,
        *TRAINING[task].split(),
        "--about-data",
        ABOUT,
        "--overwrite",
        *resume,
    )
    run(f"{task}.evaluate", "--model", model, "--test", test, "--train", train, "--report", f"{model}-report", "--save")


def main() -> None:
    start = time.monotonic()
    for task in FILES:
        train_and_score(task)
    print("\nThe pretrained models answer:")
    for module, *arguments in ANSWERS:
        run(module, *arguments)
    print(f"\nDone in {(time.monotonic() - start) / 60:.1f} minutes. What lies where:")
    for task in FILES:
        print(f"  example_model/{task}/  the model, its card README.md, history.csv, learning_curve.png")
        print(f"  example_model/{task}-report/report.html  its scores and mistakes on one page")
    print(
        "  pretrained_model/  models trained on full data sets; what `predict`, `score` and `generate` use by default"
    )


if __name__ == "__main__":
    main()
