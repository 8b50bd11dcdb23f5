"""The commands of the language model: options in, one call, lines out."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import IO, Any

import language_model
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
from common.cli.flags import OneLineParser, add_overrides, add_settings, make_parser, override, read_settings
from common.cli.options import (
    add_evaluate_arguments,
    add_model_argument,
    add_text_arguments,
    add_train_arguments,
    check_nothing_is_read,
    check_train_arguments,
    claim_for_scores,
    number,
    paths_read,
    tracked,
    train_options,
)
from common.cli.processes import start_backend
from common.cli.scores import show_scores, shown_command
from common.cli.stream import ask, ask_texts, open_output
from common.cli.table_files import FORMATS
from common.errors import InputError, show
from common.evaluation.report import write_report
from common.inference.keras_start import start_keras
from common.output import REPORT_FILE, check_file_place, check_report_place, claim_all
from common.progress import say
from common.settings import flag_of
from common.text.asked import Asked, Texts
from common.text.data import check_data
from common.text.remarks import Remarks
from common.text.token_cache import CACHE_HELP
from common.text.vector_files import write_word_vectors
from common.text.vocabulary import SPECIAL_TOKENS
from interpretability.config import AttributionConfig, FaithfulnessConfig
from interpretability.explanation import html_page as explanation_page
from language_model.config import (
    DEFAULT_NAME,
    TASK,
    DynamicConfig,
    GenerationConfig,
    LanguageModelConfig,
    WordVectorConfig,
)
from language_model.endings import BestEndings, score_endings, write_endings
from language_model.loader import load_texts, split_text
from language_model.originality import report_texts
from language_model.predict import LanguageModel, TextScore
from language_model.surprisal import html_page, html_score, summary
from language_model.writing import DeadEnd, describe_dead_end, no_token_left

DYNAMIC_SETTINGS = [field.name for field in fields(DynamicConfig)]
PRESETS = Path(__file__).parent / "presets"


def train(argv: Sequence[str] | None = None) -> None:
    """`python -m language_model.train`"""
    parser = make_parser(
        "language_model.train",
        "Train a language model on texts.\n\n"
        "python -m language_model.train --train language_model/dataset/train.csv --output-dir runs/language_model",
        CACHE_HELP,
    )
    add_train_arguments(parser)
    add_settings(parser, LanguageModelConfig, PRESETS)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, LanguageModelConfig)
    check_train_arguments(arguments)
    start_backend(arguments, TASK, argv)
    options = train_options(arguments)
    with tracked(arguments, TASK, config) as on_epoch:
        result = language_model.train(arguments.train, arguments.output_dir, config, on_epoch, **options)
    shown = "trained without validation"
    if result.scores:
        shown = "validation: perplexity {perplexity:.2f}, {bits_per_character:.3f} bits a character"
    show(f"{shown.format(**result.scores)}; bundle in {result.path}")
    if result.verdict:
        show(result.verdict.sentence)


def evaluate_parser() -> OneLineParser:
    """The options of `evaluate`."""
    parser = make_parser(
        "language_model.evaluate",
        "Evaluate a language model on a test file, beside a Kneser-Ney n-gram model.\n\n"
        "python -m language_model.evaluate --model example_model/language_model \\\n"
        "    --test language_model/dataset/test.csv --train language_model/dataset/train.csv --report runs/report",
        CACHE_HELP,
    )
    add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--cache", type=Path, metavar="FILE", help="cache language models too; their settings are chosen on this file"
    )
    parser.add_argument(
        "--reset-every",
        type=number(int, 0),
        default=0,
        metavar="N",
        help="reset the state to zeros after every N tokens; 0 = never (default: 0)",
    )
    parser.add_argument(
        "--dynamic",
        action="store_true",
        help="dynamic evaluation too: weights adapt to the text; needs the extra train",
    )
    parser.add_argument(
        "--ngram-order",
        type=number(int, 1),
        metavar="N",
        help="length of the longest n-gram of the baseline, in tokens (default: 5; 7 for characters)",
    )
    add_overrides(
        parser, LanguageModelConfig, ("text_column", "document", "stateful", "skip_bad_rows", "encoding", "header")
    )
    add_overrides(parser, DynamicConfig, DYNAMIC_SETTINGS, "of --dynamic", hidden=True)
    return parser


def evaluate(argv: Sequence[str] | None = None) -> None:
    """`python -m language_model.evaluate`"""
    parser = evaluate_parser()
    arguments = parser.parse_args(argv)
    if arguments.cache:
        check_data(arguments.cache)
    dynamic = read_dynamic(arguments)
    with claim_for_scores(arguments):
        model = language_model.load(arguments.model, arguments.engine, arguments.threads)
        scores = language_model.evaluate(
            model,
            arguments.test,
            train=arguments.train,
            cache=arguments.cache,
            config=override(model.config, arguments),
            reset_every=arguments.reset_every,
            dynamic=dynamic,
            ngram_order=arguments.ngram_order,
            num_threads=arguments.threads,
        )
        show_scores(parser, arguments, TASK, model.config, scores)


def read_dynamic(arguments: argparse.Namespace) -> DynamicConfig | None:
    """The settings of dynamic evaluation, checked before the model is loaded; None if it is not wanted."""
    if not arguments.dynamic:
        given = [name for name in DYNAMIC_SETTINGS if hasattr(arguments, f"setting:{name}")]
        if given:
            raise InputError(f"{flag_of(given[0])}: is for dynamic evaluation; add --dynamic")
        return None
    if arguments.engine == "onnx-int8":
        raise InputError("--dynamic: --engine onnx-int8 has weights that cannot be adapted; take onnx or keras")
    start_keras()  # what it needs may not be installed
    return override(DynamicConfig(), arguments)


# -- Score ----------------------------------------------------------------------------------------------------------


def score(argv: Sequence[str] | None = None) -> None:
    """`python -m language_model.score`"""
    parser = make_parser(
        "language_model.score",
        "Score texts: log-probability, perplexity, surprisal of each token.\n\n"
        'python -m language_model.score "The king went into the forest." "The forest went into the king."\n'
        "python -m language_model.score --format html --input story.txt --output story.html\n"
        'python -m language_model.score --context "The dog was hungry." "It ate a bone." "The moon is far away."\n\n'
        "With --context the texts are endings of one beginning. Two of them are named: the likeliest per token, and\n"
        "the one whose log-probability the context raises most (pointwise mutual information).",
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    add_text_arguments(parser, ("text", *FORMATS, "html"))
    parser.add_argument("--tokens", action="store_true", help="show the surprisal of every token, in bits")
    parser.add_argument("--context", default="", metavar="TEXT", help="text before all texts; it is not scored")
    arguments = parser.parse_args(argv)
    texts = ask(arguments)
    name, is_table = choose_format(arguments, texts, ("text", *FORMATS, "html"))
    if arguments.tokens and name != "text":
        has_them = "has them anyway" if name in ("jsonl", "json", "html") else "has no room for them"
        raise InputError(f"--tokens: --format {name} {has_them}; leave it out")
    with ExitStack() as stack:
        if is_table:
            write = stack.enter_context(open_joined(arguments, name, texts, OWN_COLUMNS))
        else:
            output = stack.enter_context(open_output(arguments.output, name == "text"))
        model = language_model.load(arguments.model, arguments.engine, arguments.threads)
        answers = answer_scores(arguments, model, texts)
        if is_table:
            for asked, found in answers:
                write(asked, found)
            return
        for line in (text_lines if name == "text" else html_lines)(answers, arguments):
            print(line, file=output, flush=True)


def answer_scores(
    arguments: argparse.Namespace, model: LanguageModel, texts: Texts
) -> Iterator[tuple[Asked, TextScore | None]]:
    """The scores as the texts come, with remarks on those that the model can make little of."""

    def answer(chosen: list[str]) -> list[TextScore]:
        return score_endings(model, chosen, arguments.context)

    remarks = Remarks()
    for asked, found in answer_asked(arguments, answer, texts):
        if found is not None:
            remarks.add(asked.place, found.remark)
        yield asked, found


Scored = Iterable[tuple[Asked, TextScore | None]]


def text_lines(scores: Scored, arguments: argparse.Namespace) -> Iterator[str]:
    """Scores for people, a line each; with `--tokens` a line for each token; with `--context` the best at the end."""
    best = BestEndings()
    for asked, found in scores:
        if found is None:
            yield numbered(asked, not_answered(asked), arguments)
            continue
        best.add(found)
        gain = "" if found.gain is None else f"  context helps by {found.gain:6.2f} nats"
        yield numbered(asked, f"{summary(found)}{gain}  {one_line(found.text)}", arguments)
        if arguments.tokens:
            for token, bits, is_unknown in zip(found.tokens, found.surprisals, found.is_unknown, strict=True):
                known = "  (unknown)" if is_unknown else ""
                shown = repr(token) if token.isspace() else token
                yield f"  {bits:7.2f} bits  {shown}{known}"
    yield from best.lines()


def score_values(asked: Asked, found: TextScore) -> dict[str, Any]:
    """A score by column; tokens and their surprisals are for JSON alone."""
    return {
        **found.numbers(),
        "tokens": found.tokens,
        "surprisals": [round(value, 4) for value in found.surprisals],
    }


OWN_COLUMNS = OwnColumns(
    {"log_probability": ".2f", "perplexity": ".2f", "bits_per_character": ".3f", "num_tokens": "", "num_unknown": ""},
    score_values,
)


def html_lines(scores: Scored, arguments: argparse.Namespace) -> Iterable[str]:
    """Scores as a page, on which the tokens are coloured by their surprisal."""
    return html_page(html_score(found) for _, found in scores if found is not None)


# -- Explain --------------------------------------------------------------------------------------------------------


def explain(argv: Sequence[str] | None = None) -> None:
    """`python -m language_model.explain`"""
    parser = make_parser(
        "language_model.explain",
        "Explain the next word, or an ending: attribute its log-probability to the words before it.\n\n"
        'python -m language_model.explain "The old king called his three"\n'
        'python -m language_model.explain --ending "It ate a bone." --output explained.html "The dog was hungry."',
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--ending", metavar="TEXT", help="continuation that is explained (default: the likeliest next word)"
    )
    add_explain_arguments(parser, AttributionConfig, FaithfulnessConfig)
    arguments = parser.parse_args(argv)
    config, measured = override(AttributionConfig(), arguments), override(FaithfulnessConfig(), arguments)
    config.validate()
    if arguments.faithfulness and arguments.ending is not None:
        raise InputError("--ending: --faithfulness explains the likeliest next word; leave it out")

    def load() -> LanguageModel:
        return language_model.load(arguments.model, arguments.engine, arguments.threads)

    run_explain(
        arguments,
        (AttributionConfig, FaithfulnessConfig),
        lambda: ask(arguments),
        lambda: language_model.make_explainer(load(), arguments.ending, config),
        lambda: language_model.measure_faithfulness(load(), ask_texts(arguments), measured),
        partial(explanation_page, facts={"model": f"{Path(arguments.model).name} ({TASK})"}),
    )


# -- Generate -------------------------------------------------------------------------------------------------------


def generate(argv: Sequence[str] | None = None) -> None:
    """`python -m language_model.generate`"""
    parser = make_parser(
        "language_model.generate",
        "Generate texts by sampling or beam search.\n\n"
        'python -m language_model.generate --prompt "Once upon a time" --num-samples 3 --seed 1\n'
        "python -m language_model.generate --endings stories.csv --num-sentences 1\n"
        "python -m language_model.generate --num-samples 20 --report runs/written --train train.csv",
        CACHE_HELP,
    )
    add_model_argument(parser, TASK, DEFAULT_NAME)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="beginning of every text")
    parser.add_argument(
        "--endings", type=Path, metavar="FILE", help="generate the last sentence of each of these texts anew"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write DIR/report.html: diversity, copied spans")
    parser.add_argument("--train", type=Path, metavar="FILE", help="training text, for the copied spans of --report")
    add_settings(parser, GenerationConfig)
    add_overrides(parser, LanguageModelConfig, ("text_column", "document", "encoding", "header"))
    arguments = parser.parse_args(argv)
    check_generate_arguments(arguments)
    config = read_settings(arguments, GenerationConfig)
    with claim_all([arguments.report / REPORT_FILE if arguments.report else None]):
        model = language_model.load(arguments.model, arguments.engine, arguments.threads)
        reading = override(model.config, arguments)
        with open_output(None, for_people=True) as output:
            if arguments.endings:
                print_endings(model, load_texts(arguments.endings, reading), config, output)
                return
            if unknown := sorted(set(model.unknown_tokens(split_text(arguments.prompt, model.config)))):
                say(f"the model does not know {', '.join(map(repr, unknown))}; it reads <unk> there")
            _, *steps = print_texts(model, arguments.prompt, config, output)
        if arguments.report:
            rows, sections = report_texts(list(map("".join, zip(*steps, strict=True))), reading, arguments.train)
            for name, value in rows[1:]:
                say(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value:,}")
            name = Path(arguments.model).name
            facts = {"model": f"{name} ({TASK})", "command": shown_command(parser, arguments, name)}
            say(f"report in {write_report(arguments.report, f'Written by {name}', sections, facts)}")


def check_generate_arguments(arguments: argparse.Namespace) -> None:
    """Find what is wrong with the options before the model is loaded."""
    if arguments.endings and (arguments.prompt or arguments.report):
        raise InputError("--endings: takes its prompts from the file, and makes no report; leave the other option out")
    if arguments.train and not arguments.report:
        raise InputError("--train: is for the report; add --report DIR")
    if not (arguments.endings or arguments.train):
        check_nothing_is_read(arguments, "add --endings or --train")
    for path in filter(None, (arguments.endings, arguments.train)):
        check_data(path)
    if arguments.report:
        check_report_place(arguments.report, paths_read(arguments))


def print_endings(model: LanguageModel, texts: Sequence[str], config: GenerationConfig, output: IO[str]) -> None:
    """Print the end of each context, the ending that was given, and the one that was generated."""
    for ending in write_endings(model, texts, config):
        shown = f"… {ending.context.strip()[-160:]}\n  given:   {ending.given.strip()}"
        print(f"{shown}\n  written: {ending.written.strip()}\n", file=output, flush=True)


def print_texts(model: LanguageModel, prompt: str, config: GenerationConfig, output: IO[str]) -> list[list[str]]:
    """Print texts as they are generated, then name those that stop as no token is left; returns all pieces.

    Raises:
        InputError: no text got a token.
    """
    dead_ends: list[DeadEnd] = []
    steps = print_pieces(model.write(prompt, on_dead_end=dead_ends.append, **vars(config)), output)
    if dead_ends and not any(map(any, steps[1:])):
        raise InputError(f"{no_token_left(config)} after this prompt; change the settings or the prompt")
    for dead_end in dead_ends:
        say(describe_dead_end(dead_end.place + 1, dead_end.num_tokens, config))
    return steps


def print_pieces(steps: Iterable[list[str]], output: IO[str]) -> list[list[str]]:
    """Print a single text piece by piece as it comes, several one after the other; returns all pieces."""
    done = []
    for pieces in steps:
        done.append(pieces)
        if len(pieces) == 1:
            print(pieces[0], end="", file=output, flush=True)
    if len(done[0]) == 1:
        print(file=output)
    else:
        for place, text in enumerate(map("".join, zip(*done, strict=True)), 1):
            print(f"--- {place}\n{text}", file=output)
    return done


# -- Word vectors ---------------------------------------------------------------------------------------------------


def word_vectors(argv: Sequence[str] | None = None) -> None:
    """`python -m language_model.word_vectors`"""
    parser = make_parser(
        "language_model.word_vectors",
        "Make word vectors from co-occurrence counts, for --word-vectors-from of the other tasks.\n\n"
        "python -m language_model.word_vectors --train reviews.csv --text-column review --output vectors.txt.gz",
        CACHE_HELP,
    )
    parser.add_argument("--train", type=Path, required=True, metavar="FILE", help="texts to count words in")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="a word and its vector a line; .gz is compressed"
    )
    add_settings(parser, WordVectorConfig)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, WordVectorConfig)
    check_data(arguments.train)
    check_file_place(arguments.output, paths_read(arguments))

    with open_output(arguments.output) as file:
        vocabulary, vectors = language_model.build_word_vectors(arguments.train, config)
        write_word_vectors(file, vocabulary, vectors)
    show(f"{len(vocabulary) - len(SPECIAL_TOKENS):,} words, {config.dim} numbers each, in {arguments.output}")
