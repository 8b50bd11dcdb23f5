"""The model card of a bundle: what it learned from, how it was made, how well it does, where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.bundles.bundle import FORMAT_VERSION
from common.bundles.manifest import MANIFEST_FILE
from common.evaluation.report import markdown_table, score_rows
from common.settings import as_option
from common.text.readers import hash_of_read
from common.text.tokenization import load_pipeline, tokenizer_settings
from common.training.seeds import describe_machine, describe_versions

# Of the `train` commands: files beside the training file.
FILE_OPTIONS = ("validation", "groups", "word_vectors_from", "initialize_from", "unlabelled")


def describe_file(path: Path) -> dict[str, str]:
    """Name and hash of a data file, or of a bundle's manifest; not its folder, which is nobody else's business."""
    file = path / MANIFEST_FILE if path.is_dir() else path
    sha256 = hash_of_read(file)
    return {"file": path.name, **({"sha256": sha256} if sha256 else {})}


def describe_run(task: str, title: str, arguments: Any, config: Any, state: Any) -> dict[str, Any]:
    """Collect what a manifest says of a training run.

    Args:
        task: the package.
        title: heading of the model card.
        arguments: of the `train` command.
        config: the settings.
        state: the `Progress` that training ended with.
    """
    teachers = getattr(arguments, "teachers", [])
    return {
        "task": task,
        "title": title,
        "about_data": arguments.about_data,
        "train": describe_file(arguments.train),
        "validation": describe_file(arguments.validation) if arguments.validation else None,
        **{option: describe_file(path) for option in FILE_OPTIONS[1:] if (path := getattr(arguments, option, None))},
        **({"teachers": [describe_file(path) for path in teachers]} if teachers else {}),
        "run": state.run,
        "seed": config.seed,
        "num_epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "seconds": round(state.seconds),
        "versions": describe_versions(),
        "tokenizer": tokenizer_settings(load_pipeline()),
        "machine": describe_machine(),
    }


def make_card(
    facts: Mapping[str, Any],
    config: Any,
    metrics: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    weaknesses: Sequence[str] = (),
) -> str:
    """Write the model card.

    Args:
        facts: of `describe_run`, as the manifest keeps them; with `made_by`, if not the `train` command made it;
            without a `best_epoch`, if the weights are of none; with an `accelerator` of the machine, if there was one.
        config: the settings; those that differ from the defaults stand in the command.
        metrics: scores by split.
        names: the scores to show, in order.
        weaknesses: what the model was measured to be bad at, a sentence each.
    """
    command = _make_command(facts, config)
    splits = {name: scores for name, scores in metrics.items() if scores}
    columns = {
        f"{split} ({scores['data']['file']})" if "data" in scores else split: scores for split, scores in splits.items()
    }
    for split, scores in splits.items():
        if new := scores.get("without_known_texts"):
            num_known = scores["num_examples"] - new["num_examples"]
            columns[f"{split}, without {num_known:,} that are also in training"] = new
        columns |= {f"{baseline}, {split}": values for baseline, values in scores.get("baselines", {}).items()}
    scoring = ""
    if "test" in splits:
        scoring = f" The test file was scored by\n`{splits['test']['command']}`"
    shown = [name for name in names if any(name in scores for scores in columns.values())]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    cores, epochs = facts["machine"]["cores"], facts["num_epochs"]
    best = f" (the best was number {facts['best_epoch']})" if facts["best_epoch"] else ""
    accelerator = f" and an {facts['machine']['accelerator']}" if facts["machine"].get("accelerator") else ""
    limits = "\n".join(f"- {weakness}" for weakness in weaknesses) or "Not measured yet: run evaluate with `--save`."
    return f"""# {facts["title"]}

Made by `{command}`

{epochs} epoch{"s" * (epochs != 1)}{best} in \
{facts["seconds"] / 60:.1f} minutes on {cores} core{"s" * (cores > 1)}{accelerator}; seed {facts["seed"]}. \
{versions}. Bundle format {FORMAT_VERSION}.

## Data

{facts["about_data"] or "No description was given (`--about-data`)."}

Training file `{facts["train"]["file"]}`, sha256 `{facts["train"].get("sha256", "unknown")}`.

## Scores

With their 95% bootstrap interval where it was measured.{scoring}

{markdown_table(score_rows(shown, columns))}

## What it is bad at

{limits}
"""


def _make_command(facts: Mapping[str, Any], config: Any) -> str:
    """What was typed to make the bundle."""
    program = facts.get("made_by") or f"python -m {facts['task']}.train"
    command = f"{program} --train {facts['train']['file']}"
    for option in FILE_OPTIONS:
        if facts.get(option):
            command += " " + as_option(option, facts[option]["file"])
    if facts.get("made_by"):
        return command
    if facts.get("teachers"):
        command += " --teachers " + " ".join(teacher["file"] for teacher in facts["teachers"])
    for name, value in vars(config).items():
        default = type(config).__dataclass_fields__[name].default
        if value != default:
            command += " " + as_option(name, value)
    return command
