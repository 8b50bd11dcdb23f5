"""Model card of a bundle: training data, command, scores, weaknesses (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.bundles.manifest import DATA_FILES, FORMAT_VERSION
from common.evaluation.metrics import format_score
from common.evaluation.report import markdown_table, score_rows
from common.settings import TrainingConfig, as_option

ELSEWHERE = "out_of_domain"  # of the metrics: scores by kind of text, and what the model is not for


def make_card(
    facts: Mapping[str, Any],
    config: TrainingConfig,
    metrics: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    weaknesses: Sequence[str] = (),
    sections: Mapping[str, str] | None = None,
) -> str:
    """Write the model card.

    Args:
        facts: of `common.bundles.provenance.describe_run`, as the manifest keeps them; with `made_by`, if not the
            `train` command made it; without a `best_epoch`, if the weights are of none; with an `accelerator` of the
            machine, if there was one.
        config: the settings; those that differ from the defaults stand in the command.
        metrics: scores by split.
        names: the scores to show, in order.
        weaknesses: what the model was measured to be bad at, a sentence each.
        sections: further ones, by their heading, as Markdown.
    """
    command = _make_command(facts, config)
    scoring = ""
    if metrics.get("test"):
        scoring = f" The test file was scored by\n`{metrics['test']['command']}`"
    limits = "\n".join(f"- {weakness}" for weakness in weaknesses) or "Not measured yet: run evaluate with `--save`."
    more = "".join(f"\n## {heading}\n\n{content}\n" for heading, content in (sections or {}).items())
    return f"""# {facts["title"]}

Made by `{command}`

{_describe_effort(facts)}

## Data

{facts["about_data"] or "No description was given (`--about-data`)."}

Training file `{facts["train"]["file"]}`, sha256 `{facts["train"].get("sha256", "unknown")}`.

## Scores

With their 95% bootstrap interval where it was measured.{scoring}{_verdicts(metrics)}

{_score_table(metrics, names)}

## What it is bad at

{limits}
{_describe_elsewhere(metrics.get(ELSEWHERE) or {})}{more}"""


def _describe_elsewhere(parts: Mapping[str, Any]) -> str:
    """Scores on other kinds of text than those of the test file, and what the model is not for."""
    rows = {name: scores for name, scores in parts.items() if isinstance(scores, Mapping)}
    if not rows:
        return ""
    names = [name for name in next(iter(rows.values())) if name != "num_examples"]
    cells = [
        [name, f"{scores['num_examples']:,}", *(format_score(key, scores) for key in names)]
        for name, scores in rows.items()
    ]
    not_for = "".join(f"\n- Not for {sentence}" for sentence in parts.get("weaknesses", []))
    return f"""
## Out of domain

{markdown_table([["texts", "examples", *names], *cells])}
{not_for}
"""


def _verdicts(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Whether the model was ahead of a baseline, for each split on which that was asked."""
    return "".join(f"\n\n{scores['verdict']}" for scores in metrics.values() if scores and "verdict" in scores)


def _score_table(metrics: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """A column for each split that was scored, and for each baseline on it."""
    splits = {name: scores for name, scores in metrics.items() if scores and name != ELSEWHERE}
    columns = {
        f"{split} ({scores['data']['file']})" if "data" in scores else split: scores for split, scores in splits.items()
    }
    for split, scores in splits.items():
        if new := scores.get("without_known_texts"):
            num_known = scores["num_examples"] - new["num_examples"]
            columns[f"{split}, without {num_known:,} that are also in training"] = new
        columns |= {f"{baseline}, {split}": values for baseline, values in scores.get("baselines", {}).items()}
    shown = [name for name in names if any(name in scores for scores in columns.values())]
    return markdown_table(score_rows(shown, columns))


def _describe_effort(facts: Mapping[str, Any]) -> str:
    """Epochs, time, machine, seed and versions, in two sentences."""
    cores, epochs = facts["machine"]["cores"], facts["num_epochs"]
    best = f" (the best was number {facts['best_epoch']})" if facts["best_epoch"] else ""
    accelerator = f" and an {facts['machine']['accelerator']}" if facts["machine"].get("accelerator") else ""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"{epochs} epoch{'s' * (epochs != 1)}{best} in {facts['seconds'] / 60:.1f} minutes "
        f"on {cores} core{'s' * (cores > 1)}{accelerator}; seed {facts['seed']}. "
        f"{versions}. Bundle format {FORMAT_VERSION}.{_describe_precision(facts)}"
    )


def _describe_precision(facts: Mapping[str, Any]) -> str:
    """What half precision changed, if the weights are kept in it."""
    if not (half := facts.get("half_precision")):
        return ""
    return (
        f" Matrices in half precision: {half['num_answers']:,} validation answers changed by "
        f"{half['change']:.2g} {half['unit']} at most."
    )


def _make_command(facts: Mapping[str, Any], config: TrainingConfig) -> str:
    """The command that made the bundle."""
    program = facts.get("made_by") or f"python -m {facts['task']}.train"
    data = facts["train"]["file"]
    command = f"{program} --train {f'{data!r}' if ' ' in data else data}"
    for option in DATA_FILES:
        if facts.get(option):
            name = "start" if option == "initialize_from" else option
            command += " " + as_option(name, facts[option]["file"])
    if facts.get("made_by"):
        return command
    if facts.get("teachers"):
        command += " --teachers " + " ".join(teacher["file"] for teacher in facts["teachers"])
    for name, value in vars(config).items():
        default = type(config).__dataclass_fields__[name].default
        if value != default:
            command += " " + as_option(name, value)
    return command
