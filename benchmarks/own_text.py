"""What to expect of a language model trained on a text of your own: the default command on 100 KB of several kinds.

    python -m benchmarks.own_text --texts stories=valid.csv.gz plays=input.txt.gz --kilobytes 100

Each run is that of `python -m language_model.train --train FILE --output-dir DIR` with no other option: the first
texts of a file, up to so many characters, are learned from, those after them, a third as many, are the test. Beside it
stands a Kneser-Ney 5-gram model of the same texts over the same vocabulary.

Perplexities compare over one vocabulary alone, and a fine-tuned model knows more words than one from scratch. So all of
them are measured a second time over the words that the file itself has twice or more, in small letters: what a model
predicts for its other words is added up and counts as one unknown word.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from common.cli.flags import make_parser


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = make_parser("benchmarks.own_text", __doc__)
    parser.add_argument("--texts", nargs="+", required=True, metavar="NAME=FILE", help="what `train` takes")
    parser.add_argument("--text-column", default="text", help="column of the text in tables (default: text)")
    parser.add_argument("--kilobytes", type=float, default=100, metavar="N", help="to learn from (default: 100)")
    parser.add_argument("--skip", type=float, default=0, metavar="N", help="kilobytes left out before (default: 0)")
    parser.add_argument("--start", nargs="+", default=["auto"], help="as of `train`; several are compared")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a line of JSON for each run, appended")
    return parser.parse_args(argv)


if __name__ == "__main__":
    read_arguments(None)  # before the slow imports: --help and a wrong option start nothing

import json
import time
from itertools import accumulate
from typing import Any

import numpy as np

import language_model
from common.cli.run import run_command
from common.errors import show
from common.evaluation.metrics import perplexity
from common.evaluation.report import markdown_table
from common.text.vocabulary import Vocabulary
from language_model.config import LanguageModelConfig
from language_model.evaluate import count_ngrams
from language_model.loader import encode_text, load_texts, split_tokens
from language_model.predict import LanguageModel
from language_model.word_classes import class_nats, classes_of, words_of

COLUMNS = {
    "text": "text", "start": "`--start`", "tokens": "tokens", "perplexity": "perplexity", "kneser_ney": "Kneser-Ney",
    "own_words": "perplexity, own words", "kneser_ney_own_words": "Kneser-Ney, own words", "outcome": "the model is",
    "seconds": "seconds to train",
}  # fmt: skip


def cut_texts(texts: Sequence[str], skip: float, size: float) -> tuple[list[str], list[str]]:
    """Texts to learn from and to test on: those up to `size` characters behind the first `skip`, and a third as many.

    >>> cut_texts(["one", "two", "six", "ten", "all"], 3, 6)
    (['two', 'six'], ['ten'])
    """
    ends = list(accumulate(map(len, texts)))
    known = [text for text, end in zip(texts, ends, strict=True) if skip < end <= skip + size]
    test = [text for text, end in zip(texts, ends, strict=True) if skip + size < end <= skip + size * 4 / 3 + 1]
    return known, test


def perplexity_over(model: LanguageModel, token_lists: Sequence[Sequence[str]], vocabulary: Vocabulary) -> float:
    """The perplexity of texts if all words outside `vocabulary` are one: their probabilities are added up.

    Args:
        model: knows at least the words of `vocabulary`.
        token_lists: the tokens of each text.
        vocabulary: the words that are told apart.
    """
    classes = classes_of(words_of(model.vocabulary), vocabulary)
    streams = [encode_text(tokens, model.vocabulary) for tokens in token_lists]
    nats = np.concatenate(class_nats(model, streams, [classes[row[1:]] for row in streams], classes))
    return perplexity(nats.sum(), len(nats))


def measure(texts: Sequence[str], arguments: argparse.Namespace, start: str) -> dict[str, Any]:
    """Train on some texts, test on others; perplexities of both, and the verdict on the test."""
    known, test = cut_texts(texts, 1000 * arguments.skip, 1000 * arguments.kilobytes)
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        result = language_model.train(known, Path(folder) / "model", start=start)
        seconds = time.monotonic() - began
        scores = language_model.evaluate(result.path, test, train=known)
        manifest = json.loads((result.path / "manifest.json").read_text(encoding="utf-8"))
    config = result.model.config
    known_tokens, test_tokens = split_tokens(known, config), split_tokens(test, config)
    own = Vocabulary.build(known_tokens, config.max_vocab_size, min_count=2, lowercase=True)
    ngrams = count_ngrams(LanguageModel(result.model.network, own, config), known_tokens).score(test_tokens)
    [kneser_ney] = scores.baselines.values()
    return {
        "start": (manifest.get("initialize_from") or {"file": "scratch"})["file"],
        "tokens": sum(map(len, known_tokens)),
        "perplexity": round(scores["perplexity"], 1),
        "kneser_ney": round(kneser_ney["perplexity"], 1),
        "own_words": round(perplexity_over(result.model, test_tokens, own), 1),
        "kneser_ney_own_words": round(perplexity(-sum(map(np.sum, ngrams)), sum(map(len, ngrams))), 1),
        "outcome": scores.verdict.outcome if scores.verdict else "",
        "seconds": round(seconds),
        "epochs": len(result.history),
        "validation": str(result.verdict),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all that is asked for, and print the table."""
    arguments = read_arguments(argv)
    config = LanguageModelConfig(text_column=arguments.text_column)
    runs = []
    for name, _, file in (text.partition("=") for text in arguments.texts):
        texts = load_texts(Path(file), config)
        for start in arguments.start:
            runs.append({"text": name, **measure(texts, arguments, start)})
            show(json.dumps(runs[-1]))
            if arguments.output:
                with open(arguments.output, "a", encoding="utf-8") as output:
                    output.write(json.dumps(runs[-1]) + "\n")
    show(markdown_table([list(COLUMNS.values()), *([f"{run[name]}" for name in COLUMNS] for run in runs)]))


if __name__ == "__main__":
    run_command(main)
