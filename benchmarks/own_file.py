"""What to expect of a rating model trained on a file of your own: the default command on review domains, by file size.

    python -m benchmarks.own_file --data ../shared/data/reviews_domains --rows 100 500 1000 --seeds 1 2 3

Each run is that of `python -m sentiment.train --train FILE --output-dir DIR` with no other option: some reviews of one
domain are drawn as the file, up to 2,000 of the others are the test. Beside it stands TF-IDF of words, pairs and
triples with ridge regression, its alpha chosen by cross-validation. The settings behind the defaults were chosen on the
domains DEVELOPMENT alone; the domains HELD_OUT were named before and not looked at until then. The pretrained model
that is fine-tuned has learned neither them nor four of DEVELOPMENT.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common.cli.flags import make_parser

DEVELOPMENT = (
    "amazon_baby", "app_netflix", "app_zomato", "beauty_sephora", "employers_glassdoor", "medicines_druglib",
)  # fmt: skip
HELD_OUT = ("amazon_cell_phones", "app_udemy", "flipkart_laptops", "headphones", "kindle_books", "memory_card")
NUM_TEST = 2000


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = make_parser("benchmarks.own_file", __doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with train.csv.gz: domains")
    parser.add_argument("--domains", nargs="+", default=[*DEVELOPMENT, *HELD_OUT], metavar="NAME")
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 500, 1000], metavar="N", help="reviews in a file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="of the drawing")
    parser.add_argument("--together", action="store_true", help="put the domains together into one")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a line of JSON for each run, appended")
    return parser.parse_args(argv)


if __name__ == "__main__":
    read_arguments(None)  # before the slow imports: --help and a wrong option start nothing

import json
import time
from typing import Any

import numpy as np
import pandas as pd

import sentiment
from common.cli.run import run_command
from common.errors import show
from common.evaluation.report import markdown_table
from sentiment.tfidf_linear import RATES

COLUMNS = ["domain", "rows", "model R²", "TF-IDF + ridge R²", "difference", "seconds to train"]


def read_domains(folder: Path) -> pd.DataFrame:
    """All reviews there are, with `review`, `rating` and `domain`."""
    files = [pd.read_csv(folder / f"{split}.csv.gz") for split in ("train", "validation")]
    return pd.concat(files, ignore_index=True)


def measure(reviews: pd.DataFrame, num_rows: int, seed: int) -> dict[str, Any]:
    """Train on some rows, test on others; scores of both, and the verdict that training gave."""
    order = np.random.default_rng(seed).permutation(len(reviews))
    known, test = (
        reviews.iloc[part][["review", "rating"]] for part in (order[:num_rows], order[num_rows : num_rows + NUM_TEST])
    )
    with TemporaryDirectory() as folder:
        start = time.monotonic()
        result = sentiment.train(known, Path(folder) / "model")
        seconds = time.monotonic() - start
        scores = sentiment.evaluate(result.path, test, train=known)
    return {
        "r2": scores["r2"],
        "baseline": scores.baselines[RATES[0]]["r2"],
        "error_in_spreads": scores["error_in_spreads"],
        "seconds": round(seconds, 1),
        "verdict": str(result.verdict),
    }


def rows_of_table(runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The mean of the seeds for each domain and size, and the mean of the domains."""
    table = pd.DataFrame(runs)
    means = table.groupby(["rows", "domain"], sort=False)[["r2", "baseline", "seconds"]].mean().reset_index()
    rows = [COLUMNS]
    for size, part in means.groupby("rows", sort=True):
        whole = {"domain": "mean", **part[["r2", "baseline", "seconds"]].mean()}
        for row in [*part.to_dict("records"), whole]:
            numbers = (row["r2"], row["baseline"], row["r2"] - row["baseline"])
            rows.append([row["domain"], f"{size:,}", *(f"{x:.3f}" for x in numbers), f"{row['seconds']:.0f}"])
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all that is asked for, and print the table."""
    arguments = read_arguments(argv)
    everything = read_domains(arguments.data)
    chosen = everything[everything["domain"].isin(arguments.domains)]
    groups = [("together", chosen)] if arguments.together else list(chosen.groupby("domain"))
    runs = []
    for num_rows in arguments.rows:
        for domain, reviews in groups:
            for seed in arguments.seeds:
                run = {"domain": domain, "rows": num_rows, "seed": seed, **measure(reviews, num_rows, seed)}
                runs.append(run)
                show(json.dumps(run))
                if arguments.output:
                    with open(arguments.output, "a", encoding="utf-8") as file:
                        file.write(json.dumps(run) + "\n")
    show(markdown_table(rows_of_table(runs)))


if __name__ == "__main__":
    run_command(main)
