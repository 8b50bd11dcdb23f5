"""Explanations on the command line: text for people, JSON lines joined with their rows, or one page."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

from common.cli.answers import (
    OwnColumns,
    answer_asked,
    check_columns,
    format_by_ending,
    not_answered,
    numbered,
    one_line,
    open_joined,
)
from common.cli.flags import OneLineParser, add_all_overrides
from common.cli.options import add_text_arguments, paths_read
from common.cli.stream import open_output
from common.errors import InputError
from common.evaluation.metrics import finite
from common.evaluation.page import html_text
from common.files import check_file
from common.output import check_file_place
from common.progress import say
from common.settings import Settings, flag_of
from common.text.asked import Asked, Texts

FORMATS = ("text", "jsonl", "html")
Page = Callable[..., Iterable[str]]


class Shown(Protocol):
    """What can be shown in each format: an explanation."""

    def lines(self) -> list[str]:
        """Lines for people."""

    def record(self) -> dict[str, Any]:
        """All that is known, by name."""

    def section(self) -> str:
        """A piece of a page."""


def add_explain_arguments(parser: OneLineParser, attribution: type[Settings], faithfulness: type[Settings]) -> None:
    """Add the options that every `explain` has; the settings are those of a method, and of its measurement."""
    add_text_arguments(parser, FORMATS, "by the ending of --output, else text")
    parser.add_argument(
        "--faithfulness", action="store_true", help="test all methods on --input: deletion of words, random weights"
    )
    add_all_overrides(parser, attribution, "of the attribution")
    add_all_overrides(parser, faithfulness, "of --faithfulness")


def run_explain(
    arguments: argparse.Namespace,
    classes: tuple[type[Settings], type[Settings]],
    ask_texts: Callable[[], Texts],
    make_explainer: Callable[[], Callable[[str], Shown]],
    measure: Callable[[], Any],
    page: Page,
) -> None:
    """Explain texts, or with `--faithfulness` measure how faithful the methods are.

    Args:
        arguments: of the command.
        classes: the settings of `add_explain_arguments`.
        ask_texts: opens what is to be explained.
        make_explainer: loads the model, once the place to write is open, and gives what explains a text.
        measure: gives an `interpretability.faithfulness.Faithfulness`.
        page: makes a page of its sections.
    """
    attribution, faithfulness = classes
    if arguments.faithfulness:
        check_not_given(arguments, attribution, "--faithfulness compares all methods; leave it out")
        check_faithfulness_arguments(arguments)
        write_faithfulness(arguments, measure, page)
    else:
        check_not_given(arguments, faithfulness, "is for --faithfulness; add that, or leave it out")
        write_explanations(arguments, ask_texts(), make_explainer, page)


def check_not_given(arguments: argparse.Namespace, config_class: type[Settings], problem: str) -> None:
    """Refuse settings that would not be read.

    Raises:
        InputError: one is given.
    """
    for field in dataclasses.fields(config_class):
        if hasattr(arguments, f"setting:{field.name}"):
            raise InputError(f"{flag_of(field.name)}: {problem}")


def write_explanations(
    arguments: argparse.Namespace,
    texts: Texts,
    make_explainer: Callable[[], Callable[[str], Shown]],
    page: Page,
) -> None:
    """Explain texts in their order, and write what is found.

    Args:
        arguments: of the command.
        texts: of `common.cli.stream.ask`.
        make_explainer: see `run_explain`.
        page: likewise.
    """
    name = format_by_ending(arguments, FORMATS)
    check_columns(arguments, name == "jsonl")
    with ExitStack() as stack:
        if name == "jsonl":
            own = OwnColumns({"target": ""}, lambda _, found: found.record())
            write = stack.enter_context(open_joined(arguments, name, texts, own))
            for asked, found in explain_asked(arguments, make_explainer(), texts):
                write(asked, found)
            return
        output = stack.enter_context(open_output(arguments.output, for_people=name == "text"))
        answers = explain_asked(arguments, make_explainer(), texts)
        pieces = text_pieces(arguments, answers) if name == "text" else page(html_sections(answers))
        for piece in pieces:
            output.write(piece)
            output.flush()


def explain_asked(
    arguments: argparse.Namespace, explain: Callable[[str], Shown], texts: Texts
) -> Iterator[tuple[Asked, Shown | None]]:
    """The explanation of each text; a text that has none keeps its place, and why is said.

    Raises:
        InputError: no text could be explained; with `--strict` the first that cannot.
    """

    def attempt(text: str) -> Shown | InputError:
        try:
            return explain(text)
        except InputError as error:
            if arguments.strict or len(arguments.texts) == 1:
                raise
            return error

    failures, num_explained = 0, 0
    for asked, found in answer_asked(arguments, lambda chosen: [attempt(text) for text in chosen], texts, at_once=1):
        if isinstance(found, InputError):
            failures += 1
            problem = f"{asked.place}: {found}"
            say(f"no explanation: {problem}")
            yield dataclasses.replace(asked, text=None, problem=problem), None
        else:
            num_explained += found is not None
            yield asked, found
    if failures and not num_explained:
        raise InputError(f"none of the {failures:,} texts could be explained; see above why")


def text_pieces(arguments: argparse.Namespace, answers: Iterable[tuple[Asked, Shown | None]]) -> Iterator[str]:
    """Explanations for people."""
    for asked, found in answers:
        lines = [not_answered(asked)] if found is None else [one_line(asked.text or ""), *found.lines()]
        yield "\n".join([numbered(asked, lines[0], arguments), *lines[1:]]) + "\n\n"


def html_sections(answers: Iterable[tuple[Asked, Shown | None]]) -> Iterator[str]:
    """Explanations as pieces of a page."""
    for asked, found in answers:
        yield html_text(asked.problem, "note") if found is None else found.section()


def check_faithfulness_arguments(arguments: argparse.Namespace) -> None:
    """Find what is wrong with the options of `--faithfulness` before the model is loaded."""
    if arguments.texts or arguments.input is None:
        raise InputError("--faithfulness: measures on a file of examples; give it with --input")
    check_columns(arguments, is_table=False)
    check_file(arguments.input)
    if arguments.output:
        check_file_place(arguments.output, paths_read(arguments))


def write_faithfulness(arguments: argparse.Namespace, measure: Callable[[], Any], page: Page) -> None:
    """Write what a measurement has found; see `run_explain`."""
    name = format_by_ending(arguments, FORMATS)
    with open_output(arguments.output, for_people=name == "text") as output:
        found = measure()
        if name == "html":
            output.writelines(page([found.section()], title="Faithfulness of explanations", is_colored=False))
        else:
            output.write((str(found) if name == "text" else json.dumps(finite(found.record()))) + "\n")
