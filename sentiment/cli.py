"""The commands of the sentiment task: options in, one call, lines out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import sentiment
from common.cli.answers import (
    OwnColumns,
    answer_asked,
    choose_format,
    not_answered,
    numbered,
    one_line,
    open_joined,
)
from common.cli.explanations import add_explain_arguments, run_explain
from common.cli.flags import OneLineParser, add_overrides, add_settings, advanced, make_parser, override, read_settings
from common.cli.options import (
    add_evaluate_arguments,
    add_model_argument,
    add_text_arguments,
    add_train_arguments,
    check_train_arguments,
    claim_for_scores,
    number,
    tracked,
    train_options,
)
from common.cli.processes import start_backend
from common.cli.scores import show_scores
from common.cli.stream import ask, ask_texts, open_output
from common.cli.table_files import FORMATS
from common.errors import InputError, show
from common.evaluation.metrics import format_score
from common.text.asked import Asked
from common.text.remarks import Remarks
from common.text.token_cache import CACHE_HELP
from interpretability.config import AttributionConfig, FaithfulnessConfig
from interpretability.explanation import html_page
from sentiment.config import DEFAULT_NAME, TASK, SentimentConfig
from sentiment.scale import LARGEST, parse_scale

if TYPE_CHECKING:
    from interpretability.explanation import Explanation
    from sentiment.predict import Rating, RatingModel

INPUTS = ("groups", "word_vectors_from", "teachers", "unlabelled")
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
    add_inputs(parser)
    add_settings(parser, SentimentConfig, PRESETS)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, SentimentConfig)
    check_train_arguments(arguments)
    start_backend(arguments, TASK, argv)
    options = train_options(arguments, *INPUTS)
    with tracked(arguments, TASK, config) as on_epoch:
        result = sentiment.train(arguments.train, arguments.output_dir, config, on_epoch, **options)
    shown = ", ".join(f"{name} {format_score(name, result.scores)}" for name in ("r2", "binary_accuracy"))
    show(f"validation: {shown}; bundle in {result.path}")
    if result.verdict:
        show(result.verdict.sentence)


def add_inputs(parser: OneLineParser) -> None:
    """Add the options for what a rating model learns from beside the data that all tasks have, `INPUTS`."""
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
        parser.add_argument(f"--{end}-rating", type=number(float, -LARGEST, LARGEST), metavar="FLOAT", help=help)
    add_overrides(
        parser, SentimentConfig, ("text_column", "rating_column", "labels", "skip_bad_rows", "encoding", "header")
    )
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
        "python -m sentiment.predict --input reviews.csv --text-column comment --output ratings.csv\n\n"
        "A table comes back whole: every row and column, and the columns of the answers beside them.",
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    add_text_arguments(parser, ("text", *FORMATS))
    parser.add_argument(
        "--scale", type=scale_ends, metavar="1-5", help="scale of the answers (default: that of the model)"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help=f"also the weight of each word in the answer; text: the {NUM_SHOWN} largest",
    )
    arguments = parser.parse_args(argv)
    texts = ask(arguments, (SentimentConfig.text_column,))
    name, is_table = choose_format(arguments, texts, ("text", *FORMATS))
    if arguments.explain and name not in ("text", "json", "jsonl"):
        raise InputError("--explain: a row has no room for the weights of words; choose --format jsonl or text")
    with ExitStack() as stack:
        model: RatingModel | None = None

        def explain(text: str) -> Explanation | None:
            return sentiment.explain(model, text) if arguments.explain and model else None

        if is_table:
            write = stack.enter_context(open_joined(arguments, name, texts, own_columns(explain)))
        else:
            output = stack.enter_context(open_output(arguments.output, for_people=True))
            write = partial(write_text, arguments, output, explain)
        model = sentiment.load(arguments.model, arguments.engine, arguments.threads)
        remarks = Remarks()
        for asked, answer in answer_asked(arguments, partial(model.predict, scale=arguments.scale), texts):
            if answer:
                remarks.add(asked.place, answer.remark)
            write(asked, answer)


def explain(argv: Sequence[str] | None = None) -> None:
    """`python -m sentiment.explain`"""
    parser = make_parser(
        "sentiment.explain",
        "Explain ratings: attribute each to the words of its text.\n\n"
        'python -m sentiment.explain "A joy from start to end, but never again."\n'
        "python -m sentiment.explain --method integrated-gradients --input reviews.csv --output explained.html",
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--level",
        type=number(float),
        metavar="FLOAT",
        help="rating whose probability is explained (default: the rating)",
    )
    add_explain_arguments(parser, AttributionConfig, FaithfulnessConfig)
    arguments = parser.parse_args(argv)
    config, measured = override(AttributionConfig(), arguments), override(FaithfulnessConfig(), arguments)
    config.validate()
    columns = (SentimentConfig.text_column,)

    def load() -> RatingModel:
        return sentiment.load(arguments.model, arguments.engine, arguments.threads)

    run_explain(
        arguments,
        (AttributionConfig, FaithfulnessConfig),
        lambda: ask(arguments, columns),
        lambda: sentiment.make_explainer(load(), arguments.level, config),
        lambda: sentiment.measure_faithfulness(load(), ask_texts(arguments, columns), arguments.level, measured),
        partial(html_page, facts={"model": f"{Path(arguments.model).name} ({TASK})"}),
    )


def scale_ends(text: str) -> tuple[float, float]:
    """Read a scale, such as 1-5."""
    try:
        return parse_scale(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def write_text(
    arguments: argparse.Namespace,
    output: IO[str],
    explain: Callable[[str], Explanation | None],
    asked: Asked,
    answer: Rating | None,
) -> None:
    """Write an answer for people: the rating, its spread, the text on one line; below it the words that weigh most."""
    if answer is None or asked.text is None:
        lines = [numbered(asked, not_answered(asked), arguments)]
    else:
        spread = "" if answer.spread is None else f" ±{answer.spread:.1f}"
        lines = [numbered(asked, f"{answer.rating:4.1f}{spread}  {one_line(asked.text)}", arguments)]
        explanation = explain(asked.text)
        strongest = explanation.strongest(NUM_SHOWN) if explanation else []
        lines += [f"      {weight:+.2f}  {token}" for token, weight in strongest]
    print("\n".join(lines), file=output, flush=True)


def own_columns(explain: Callable[[str], Explanation | None]) -> OwnColumns:
    """The prediction for a text, as columns: the rating and its standard deviation; JSON also has the word weights."""

    def values(asked: Asked, answer: Rating) -> dict[str, Any]:
        explanation = explain(asked.text or "")
        own = {name: value for name, value in vars(answer).items() if name != "remark" or value}
        weights = {"tokens": explanation.tokens, "weights": explanation.weights} if explanation else {}
        return {**own, **weights}

    formats = {"rating": ".2f", "spread": ".2f", "num_tokens": "", "num_unknown": ""}
    return OwnColumns(formats, values, SentimentConfig.text_column)
