"""The commands of the microscope: options in, one call, lines out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import interpretability
from common.cli.answers import format_by_ending
from common.cli.flags import OneLineParser, add_all_overrides, make_parser, override
from common.cli.options import paths_read
from common.cli.stream import open_output
from common.errors import InputError
from common.evaluation.metrics import finite
from common.files import check_file
from common.output import check_file_place
from common.settings import Settings, as_option
from common.text.documents import AUTO, DOCUMENTS
from interpretability.microscope_config import InsideConfig, ProbeConfig, UnitsConfig

if TYPE_CHECKING:
    from interpretability.probe import ProbeResults
    from interpretability.reading import Model, Piece
    from interpretability.units import UnitResults

    Halves = tuple[list[Piece], list[Piece]]

Config = TypeVar("Config", bound=InsideConfig)
FORMATS = ("text", "json", "html")


def add_inside_arguments(parser: OneLineParser, config_class: type[Settings]) -> None:
    """Add the options of both commands."""
    parser.add_argument(
        "--model",
        required=True,
        metavar="DIR",
        help="folder of a bundle, or name of a pretrained model: sentiment/reviews",
    )
    parser.add_argument(
        "--input", type=Path, required=True, metavar="FILE", help="texts, a table, or words with annotations (.conllu)"
    )
    parser.add_argument(
        "--test", type=Path, metavar="FILE", help="where findings are scored (default: half of the texts of --input)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of on standard output")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        metavar="NAME",
        help="text, json, html (default: by the ending of --output, else text)",
    )
    parser.add_argument("--text-column", metavar="NAME", help="column of the text in a table (default: found out)")
    parser.add_argument("--rating-column", metavar="NAME", help="column of ratings, a concept of their own")
    parser.add_argument(
        "--document", choices=DOCUMENTS, default=AUTO, metavar="NAME",
        help="one text in plain text: line, paragraph, file (default: auto: found out)",
    )  # fmt: skip
    add_all_overrides(parser, config_class, "of the measurement")


def check_arguments(arguments: argparse.Namespace) -> None:
    """Find what is wrong with the options before the model is loaded."""
    for path in filter(None, (arguments.input, arguments.test)):
        check_file(path)
    if arguments.output:
        check_file_place(arguments.output, paths_read(arguments))


def load_halves(arguments: argparse.Namespace, model: Model, config: InsideConfig) -> tuple[list[Piece], list[Piece]]:
    """The texts to choose or to learn from, and those to score on."""

    def load(path: Path) -> list[Piece]:
        return interpretability.load_pieces(
            path, model.reader, config.max_tokens, arguments.text_column, arguments.rating_column, arguments.document,
            config.num_texts, config.seed,
        )  # fmt: skip

    pieces = load(arguments.input)
    if arguments.test is None:
        return interpretability.split_pieces(pieces, config.seed)
    test = load(arguments.test)
    if bool(pieces[0].annotations) != bool(test[0].annotations):
        raise InputError(f"{arguments.test}: of another kind than {arguments.input}; both have annotations, or neither")
    return pieces, test


def facts_of(parser: OneLineParser, arguments: argparse.Namespace, halves: Sequence[Sequence[Piece]]) -> dict[str, str]:
    """Model, data and command, for the head of a page; files without their folders."""
    words = [parser.prog]
    for name, value in vars(arguments).items():
        if value != parser.get_default(name) and name not in ("output", "format"):
            shown: Any = value.name if isinstance(value, Path) else value
            words.append(as_option(name.removeprefix("setting:"), shown))
    sizes = [f"{len(half):,} ({sum(len(piece.tokens) for piece in half):,} tokens)" for half in halves]
    return {
        "model": Path(arguments.model).name if Path(arguments.model).exists() else arguments.model,
        "first split": sizes[0],
        "scored on": sizes[1],
        "command": " ".join(words),
    }


def units(argv: Sequence[str] | None = None) -> None:
    """`python -m interpretability.units`"""
    parser = make_parser(
        "interpretability.units",
        "Find the units of a network that follow a concept, with controls; or look at any unit on a page.\n\n"
        "python -m interpretability.units --model stories --input stories.csv\n"
        "python -m interpretability.units --model stories --input train.csv --test test.csv --output microscope.html",
        "Concepts told from the tokens: quotation, bracket, capital, negation, plural, past, sentence, text; of\n"
        "characters speaker, line; from annotations number, tense, noun, verb …; from --rating-column rating, liked.\n"
        "A unit is chosen on one split and scored on the other: AUC, or correlation for what is counted.",
    )

    def page(model: Model, halves: Halves, found: UnitResults, facts: dict[str, str], config: UnitsConfig) -> str:
        surveyed = interpretability.survey(model, halves[1], config.num_tokens)
        return interpretability.write_page(model, halves[1], found, surveyed, facts, config.page_tokens)

    run_inside(parser, argv, UnitsConfig, lambda *given: interpretability.rank_units(*given), page)


def probe(argv: Sequence[str] | None = None) -> None:
    """`python -m interpretability.probe`"""
    parser = make_parser(
        "interpretability.probe",
        "Linear probes: what can be read from the states of each layer, and how far back they remember a word.\n\n"
        "python -m interpretability.probe --model stories --input stories.csv --output probes.html\n"
        "python -m interpretability.probe --model ewt --input train.conllu --test dev.conllu",
        "Tasks: the word 0, 1, 2 … steps back, position in the sentence, number; of annotated words part of speech.\n"
        "Beside each probe: its control task (labels at random), the same network untrained, and the word alone.",
    )

    def page(model: Model, halves: Halves, found: ProbeResults, facts: dict[str, str], config: ProbeConfig) -> str:
        return interpretability.probe_page(found, facts["model"], facts)

    run_inside(parser, argv, ProbeConfig, lambda *given: interpretability.train_probes(*given), page)


def run_inside(
    parser: OneLineParser,
    argv: Sequence[str] | None,
    config_class: type[Config],
    find: Callable[..., Any],
    page: Callable[..., str],
) -> None:
    """Read the options of a command, look inside a model, and write what is found.

    Args:
        parser: of the command, without its options.
        argv: what was typed.
        config_class: its settings.
        find: takes the model, the two splits and the settings; gives what has a `record` and can be printed. It is
            imported when it is called: `--help` does not wait for it.
        page: takes the model, the splits, what was found, the facts for its head, and the settings.
    """
    add_inside_arguments(parser, config_class)
    arguments = parser.parse_args(argv)
    config = override(config_class(), arguments)
    config.validate()
    check_arguments(arguments)
    name = format_by_ending(arguments, FORMATS)
    with open_output(arguments.output, for_people=name == "text") as output:
        model = interpretability.open_model(arguments.model)
        halves = load_halves(arguments, model, config)
        found = find(model, *halves, config)
        if name == "text":
            output.write(f"{found}\n")
        elif name == "json":
            output.write(json.dumps(finite(found.record()), ensure_ascii=False) + "\n")
        else:
            output.write(page(model, halves, found, facts_of(parser, arguments, halves), config))
