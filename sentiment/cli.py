"""The commands of the sentiment task: options in, one call, lines out."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import sentiment
from common.cli.flags import OneLineParser, add_overrides, add_settings, advanced, make_parser, override, read_settings
from common.cli.options import (
    add_evaluate_arguments,
    add_model_argument,
    add_text_arguments,
    add_train_arguments,
    check_train_arguments,
    claim_for_scores,
    number,
    train_options,
)
from common.cli.scores import show_scores
from common.cli.stream import answer_all, open_output, open_texts
from common.errors import InputError, excerpt, show
from common.evaluation.metrics import format_score
from common.progress import say
from common.text.remarks import Remarks
from common.text.token_cache import CACHE_HELP
from sentiment.config import DEFAULT_NAME, TASK, SentimentConfig
from sentiment.scale import parse_scale

if TYPE_CHECKING:
    from sentiment.explain import Explanation
    from sentiment.predict import Rating

PRESETS = Path(__file__).parent / "presets"
NUM_SHOWN = 10


def train(argv: Sequence[str] | None = None) -> None:
    """`python -m sentiment.train`"""
    parser = make_parser(
        "sentiment.train",
        "Train a rating model on reviews with ratings.\n\n"
        "python -m sentiment.train --train sentiment/dataset/train.csv --output-dir runs/sentiment",
        CACHE_HELP,
    )
    add_train_arguments(parser)
    add_start_arguments(parser)
    add_settings(parser, SentimentConfig, PRESETS)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, SentimentConfig)
    check_train_arguments(arguments)
    options = train_options(arguments, "groups", "word_vectors_from", "start", "teachers", "unlabelled")
    result = sentiment.train(arguments.train, arguments.output_dir, config, **options)
    shown = ", ".join(f"{name} {format_score(name, result.scores)}" for name in ("r2", "binary_accuracy"))
    show(f"validation: {shown}; bundle in {result.path}")
    if result.verdict:
        show(result.verdict.sentence)


def add_start_arguments(parser: OneLineParser) -> None:
    """Add the options for what a rating model learns from beside --train."""
    parser.add_argument(
        "--start",
        default="auto",
        metavar="auto|scratch|MODEL",
        help="fine-tune: auto where it suits, or a model's name or folder (default: auto)",
    )
    others = [
        parser.add_argument(
            "--groups", type=Path, metavar="FILE", help="what each row of --train is about, one a line"
        ),
        parser.add_argument(
            "--word-vectors-from",
            type=Path,
            metavar="PATH",
            help="initial word vectors: a text file of GloVe, word2vec or fastText, a bundle, or a spaCy package",
        ),
        parser.add_argument(
            "--teachers",
            type=Path,
            nargs="+",
            default=[],
            metavar="DIR",
            help="knowledge distillation: rating models that label --unlabelled",
        ),
        parser.add_argument("--unlabelled", type=Path, metavar="FILE", help="reviews without ratings, for --teachers"),
    ]
    for action in others:
        advanced(action)


def evaluate(argv: Sequence[str] | None = None) -> None:
    """`python -m sentiment.evaluate`"""
    parser = make_parser(
        "sentiment.evaluate",
        "Evaluate a rating model on a test file, beside linear baselines.\n\n"
        "python -m sentiment.evaluate --model example_model/sentiment --test sentiment/dataset/test.csv \\\n"
        "    --train sentiment/dataset/train.csv --report runs/report",
        CACHE_HELP,
    )
    add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    for end in ("min", "max"):
        which = {"min": "worst", "max": "best"}[end]
        help = f"{which} rating in the files (default: the model's, or found out if that does not fit)"
        parser.add_argument(f"--{end}-rating", type=number(float), metavar="FLOAT", help=help)
    add_overrides(parser, SentimentConfig, ("text_column", "rating_column", "labels", "skip_bad_rows"))
    arguments = parser.parse_args(argv)
    with claim_for_scores(arguments):
        model = sentiment.load(arguments.model, arguments.engine, arguments.threads)
        scores = sentiment.evaluate(
            model,
            arguments.test,
            train=arguments.train,
            config=override(model.config, arguments),
            scale=(arguments.min_rating, arguments.max_rating),
            num_threads=arguments.threads,
        )
        show_scores(parser, arguments, TASK, model.config, scores)


def predict(argv: Sequence[str] | None = None) -> None:
    """`python -m sentiment.predict`"""
    parser = make_parser(
        "sentiment.predict",
        "Predict the ratings of texts.\n\n"
        'python -m sentiment.predict "The soup was cold and nobody cared."\n'
        "python -m sentiment.predict --input reviews.csv --text-column review --format csv --output ratings.csv",
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    add_text_arguments(parser, ("text", "jsonl", "csv"))
    parser.add_argument("--text-column", default="review", help="column of the text in --input (default: review)")
    parser.add_argument(
        "--scale", type=scale_ends, metavar="1-5", help="scale of the answers (default: that of the model)"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help=f"also the weight of each word in the answer; text: the {NUM_SHOWN} largest",
    )
    arguments = parser.parse_args(argv)
    items = open_texts(arguments)
    if arguments.explain and arguments.format == "csv":
        raise InputError("--explain: a row has no room for the weights of words; choose --format jsonl or text")
    with open_output(arguments.output, arguments.format == "text") as output:
        model = sentiment.load(arguments.model, arguments.engine, arguments.threads)
        remarks = Remarks()
        write = ROW_WRITERS[arguments.format](output)
        for place, text, answer in answer_all(arguments, partial(model.predict, scale=arguments.scale), items):
            if answer.num_tokens and answer.num_unknown == answer.num_tokens:
                say(f"{place}: the model knows none of the words in {excerpt(text)}; its answer is a guess")
            else:
                remarks.add(place, answer.remark)
            write(text, answer, sentiment.explain(model, text) if arguments.explain else None)


def scale_ends(text: str) -> tuple[float, float]:
    """Read a scale, such as 1-5."""
    try:
        return parse_scale(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def text_writer(output: IO[str]) -> Callable[..., None]:
    """Answers for people: the rating, its spread, the text; below it the words that weigh most."""

    def write(text: str, answer: Rating, explanation: Explanation | None) -> None:
        spread = "" if answer.spread is None else f" ±{answer.spread:.1f}"
        lines = [f"{answer.rating:4.1f}{spread}  {text}"]
        if explanation:
            lines += [f"      {weight:+.2f}  {token}" for token, weight in explanation.strongest(NUM_SHOWN)]
        print("\n".join(lines), file=output, flush=True)

    return write


def json_writer(output: IO[str]) -> Callable[..., None]:
    """Answers as JSON lines."""

    def write(text: str, answer: Rating, explanation: Explanation | None) -> None:
        more = vars(explanation) if explanation else {}
        own = {name: value for name, value in vars(answer).items() if name != "remark" or value}
        print(json.dumps({**own, **more, "text": text}), file=output, flush=True)

    return write


def csv_writer(output: IO[str]) -> Callable[..., None]:
    """Answers as a table."""
    table = csv.writer(output, lineterminator="\n")
    table.writerow(["rating", "spread", "review"])

    def write(text: str, answer: Rating, _: Explanation | None) -> None:
        table.writerow([f"{answer.rating:.2f}", "" if answer.spread is None else f"{answer.spread:.2f}", text])

    return write


ROW_WRITERS = {"text": text_writer, "jsonl": json_writer, "csv": csv_writer}
