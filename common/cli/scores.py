"""Scores on the terminal, as JSON, as a report, and kept in the bundle with the command that gave them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.bundles.bundle import open_bundle, update_bundle
from common.bundles.file_names import METRICS_FILE
from common.bundles.model_card import ELSEWHERE, make_card
from common.cli.flags import OneLineParser
from common.errors import show
from common.evaluation.report import text_table
from common.evaluation.scores import Scores
from common.progress import say
from common.settings import TrainingConfig, as_option


def show_scores(
    parser: OneLineParser, arguments: argparse.Namespace, task: str, config: TrainingConfig, scores: Scores
) -> None:
    """Print scores as a table or as one JSON object; write the report and keep the scores if that is wanted.

    Args:
        parser: of the command.
        arguments: of the command.
        task: the package.
        config: the settings of the model.
        scores: what `evaluate` returned.
    """
    result = scores.as_dict()
    if arguments.report:
        name = Path(arguments.model).name
        facts = {"model": f"{name} ({task})", "command": shown_command(parser, arguments, name)}
        result["report"] = str(scores.write_report(arguments.report, f"{name} on {arguments.test.name}", facts))
    if arguments.json:
        print(json.dumps(result))
    else:
        show("\n".join([*scores.opening, text_table(scores.rows())]))
        marked = "; *: best of its row" if scores.baselines else ""
        show("\n".join(scores.notes) + f"; in brackets: 95% bootstrap intervals{marked}")
        if not arguments.train:
            show("no baseline: give the training data with --train")
    if arguments.save:
        save_scores(arguments.model, task, config, scores, shown_command(parser, arguments))


def save_scores(path: Path, task: str, config: TrainingConfig, scores: Scores, command: str) -> None:
    """Keep the scores of a test file, and the command that gave them, in a bundle and in its model card."""
    bundle = open_bundle(path, task)
    metrics = {**bundle.read_json(METRICS_FILE), "test": {**scores.as_dict(), "command": command}}
    card = make_card(bundle.manifest, config, metrics, scores.names, scores.facts["weaknesses"], scores.card())
    update_bundle(bundle, metrics, card)
    say(f"scores kept in {path}")


def save_elsewhere(
    path: Path,
    task: str,
    config: TrainingConfig,
    parts: Mapping[str, Mapping[str, float]],
    not_for: Sequence[str],
) -> None:
    """Keep scores on other kinds of text in a bundle and in its model card, as "out of domain".

    Args:
        path: the bundle; its test file has been scored.
        task: the package.
        config: the settings of the model.
        parts: the scores of each kind of text, `num_examples` among them.
        not_for: what the model is not for, measured on these texts.
    """
    bundle = open_bundle(path, task)
    metrics = {**bundle.read_json(METRICS_FILE), ELSEWHERE: {"weaknesses": list(not_for), **parts}}
    names = [name for name in metrics["test"] if f"{name}_interval" in metrics["test"]]
    card = make_card(bundle.manifest, config, metrics, names, metrics["test"]["weaknesses"])
    update_bundle(bundle, metrics, card)
    say(f"scores of {len(parts)} other kinds of text kept in {path}")


def shown_command(parser: OneLineParser, arguments: argparse.Namespace, model: str = "") -> str:
    """Write an `evaluate` command with the options that its scores depend on, and files without their folders.

    Args:
        parser: of the command.
        arguments: of the command.
        model: its name, in a report; else the command keeps the scores in the model.
    """
    words = [parser.prog, f"--model {model or 'DIR'}"]
    for name, value in vars(arguments).items():
        if name in ("model", "threads", "report", "json", "save") or value == parser.get_default(name):
            continue
        shown = value.name if isinstance(value, Path) else value
        words.append(as_option(name.removeprefix("setting:"), shown))
    return " ".join([*words, "--report DIR" if model else "--save"])
