"""What a fuzz case is: files in a folder of its own, commands that read them, and what is known of the outcome.

A case is a function of (kind, seed, number), so one that failed can be run again alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

TASKS = ("sentiment", "language_model", "pos_tagging")
TEXT_COLUMN = {"sentiment": "review", "language_model": "text", "pos_tagging": "text"}
ANSWERING = {"sentiment": "sentiment.predict", "language_model": "language_model.score"} | {
    "pos_tagging": "pos_tagging.predict"
}
KERAS_EVERY = 10  # one case in so many runs Keras, which takes ten times as long
PIPE = "{pipe}"  # in an argument: the name of a pipe, as the shell's `<(…)` gives it


@dataclass(frozen=True)
class Command:
    """One command of a case.

    Args:
        module: as behind `python -m`.
        arguments: behind it.
        stdin: file whose bytes come through a pipe on standard input; "" for an empty one, None for a closed one.
        feeds: FIFOs and the files whose bytes they give to a reader, once; `PIPE` stands for an unnamed pipe.
        may_write: files and folders that may appear or change if the command succeeds.
        output: file of answers, one JSON object a line, whose rows are counted.
        num_rows: rows given, if known; each is to be answered or reported.
        encoding: of the console.
        stdout_closed: whether the program starts without a standard output.
        damage_cache: change the files in the token cache first; the command must print what the one before it printed.
    """

    module: str
    arguments: Sequence[str]
    stdin: str | None = ""
    feeds: dict[str, str] = field(default_factory=dict)
    may_write: Sequence[str] = ()
    output: str | None = None
    num_rows: int | None = None
    encoding: str = "utf-8"
    stdout_closed: bool = False
    damage_cache: bool = False


@dataclass(frozen=True)
class Case:
    """The files are there; these commands are to run one after the other.

    Args:
        mutation: what was changed, a row of the table.
        description: the same in detail.
        commands: to run.
        wrong: why no command may succeed, if that is known.
        good: whether every command must succeed.
    """

    mutation: str
    description: str
    commands: list[Command]
    wrong: str = ""
    good: bool = False

    def to_json(self) -> str:
        """Write the case for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Case:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        return cls(**content | {"commands": [Command(**command) for command in content["commands"]]})


@dataclass(frozen=True)
class Place:
    """Where a case is made.

    Args:
        case: an empty folder for its files.
        outside: files that nothing may read, with recognisable content: `outside.canaries`.
        bases: whole bundles, a folder for each; not to be changed.
    """

    case: Path
    outside: Path
    bases: Path


def random_of(kind: str, seed: int, number: int) -> random.Random:
    """The random generator of a case."""
    return random.Random(f"{kind}/{seed}/{number}")


def has_lstm(bundle: Path) -> bool:
    """Whether a bundle's network has an LSTM, which the engine onnx-int8 needs."""
    return '"LSTM"' in (bundle / "model.json").read_text(encoding="utf-8")


def needs_keras(number: int) -> bool:
    """Whether a case runs Keras."""
    return number % KERAS_EVERY == KERAS_EVERY - 1
