"""What to expect of a tagger trained on a file of your own: the default command on treebanks, by language and size.

    python -m benchmarks.own_treebank --data ../shared/data --languages english_gum --rows 100 1000 --seeds 1 2 3

Each run is that of `python -m pos_tagging.train --train FILE --output-dir DIR` with no other option: some sentences of
the training file of a treebank are drawn as the file; all of its dev file (`--split test`: of its test file) are
tagged, word by word as the treebank has them. Beside the model stand the trigram HMM and the most frequent tag of each
word, both of the same sentences, and for English the pretrained tagger as it is. The settings behind the defaults were
chosen on other sentences of the training files.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common.cli.flags import make_parser

LANGUAGES = ("english_gum", "french_sequoia", "swedish_lines", "turkish_imst", "chinese_gsd_v1", "thai_tud")


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = make_parser("benchmarks.own_treebank", __doc__)
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with ud_LANGUAGE/train.conllu.gz"
    )
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, metavar="NAME", help="treebanks")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[100, 500, 1000], metavar="N", help="sentences in a file"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="of the drawing")
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="file to score on (default: dev)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a line of JSON for each run, appended")
    return parser.parse_args(argv)


if __name__ == "__main__":
    read_arguments(None)  # before the slow imports: --help and a wrong option start nothing

import json
import time
from typing import Any

import numpy as np
import pandas as pd

import pos_tagging
from common.cli.run import run_command
from common.errors import show
from common.evaluation.report import markdown_table
from pos_tagging.config import DEFAULT_NAME, TaggingConfig
from pos_tagging.evaluate import HMM, MOST_FREQUENT, baseline_answers, count_wrong
from pos_tagging.loader import load_sentences
from pos_tagging.sentences import Sentence

SYSTEMS = ["model", HMM, MOST_FREQUENT, f"{DEFAULT_NAME} as it is"]


def measure(sentences: Sequence[Sentence], test: Sequence[Sentence], pretrained: bool) -> dict[str, Any]:
    """Train on some sentences, test on others; the accuracy of all systems, and the verdict that training gave.

    Args:
        sentences: to train on.
        test: to score on.
        pretrained: whether the pretrained tagger is scored too.
    """
    tokens = [sentence.tokens for sentence in test]
    with TemporaryDirectory() as folder:
        start = time.monotonic()
        result = pos_tagging.train(sentences, Path(folder) / "model")
        seconds = time.monotonic() - start
        taggers = {"model": pos_tagging.load(result.path)}
    if pretrained:
        taggers[SYSTEMS[-1]] = pos_tagging.load()
    answers: dict[str, Any] = {
        name: [tags for tags, _ in tagger.tag_tokens(tokens)] for name, tagger in taggers.items()
    }
    answers |= baseline_answers(test, sentences)
    num_words = sum(map(len, tokens))
    scores = {name: 1 - count_wrong(test, given).sum() / num_words for name, given in answers.items()}
    return {**scores, "seconds": round(seconds, 1), "verdict": str(result.verdict)}


def rows_of_table(runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The mean of the seeds for each treebank and size."""
    table = pd.DataFrame(runs)
    systems = [name for name in SYSTEMS if name in table]
    means = table.groupby(["language", "rows"], sort=False)[[*systems, "seconds"]].mean().reset_index()
    rows = [["treebank", "sentences", *systems, "seconds to train"]]
    for row in means.to_dict("records"):
        shown = ["" if np.isnan(row[name]) else f"{row[name]:.1%}" for name in systems]
        rows.append([row["language"], f"{row['rows']:,}", *shown, f"{row['seconds']:.0f}"])
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all that is asked for, and print the table."""
    arguments = read_arguments(argv)
    runs = []
    for language in arguments.languages:
        files = (arguments.data / f"ud_{language}" / f"{split}.conllu.gz" for split in ("train", arguments.split))
        everything, test = (load_sentences(file, TaggingConfig()) for file in files)
        for num_rows in arguments.rows:
            for seed in arguments.seeds:
                order = np.random.default_rng(seed).permutation(len(everything))[:num_rows]
                scores = measure([everything[i] for i in order], test, language.startswith("english"))
                runs.append({"language": language, "rows": num_rows, "seed": seed, **scores})
                show(json.dumps(runs[-1]))
                if arguments.output:
                    with open(arguments.output, "a", encoding="utf-8") as file:
                        file.write(json.dumps(runs[-1]) + "\n")
    show(markdown_table(rows_of_table(runs)))


if __name__ == "__main__":
    run_command(main)
