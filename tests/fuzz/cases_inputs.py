"""Input files to fuzz with: a command, a file that it reads, one mutation of the file, of an option or of a place.

The models are whole; what is odd is what the user gives.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import input_files, input_places
from tests.fuzz.case import Case, Command, Place, has_lstm, needs_keras
from tests.fuzz.change_json import MARK, odd_value, write
from tests.fuzz.input_files import Given
from tests.programs import command_of

TABLES = ("csv", "tsv", "jsonl", "ndjson", "json")


@dataclasses.dataclass(frozen=True)
class Reader:
    """An option of a command that names a file to read, the formats it may have, and the columns of a table."""

    module: str
    option: str
    formats: tuple[str, ...]
    columns: str

    @property
    def task(self) -> str:
        """The task of the command."""
        return self.module.split(".")[0]

    @property
    def answers_rows(self) -> bool:
        """Whether every row gets an answer."""
        return self.option == "--input"


READERS = (
    Reader("sentiment.predict", "--input", (*TABLES, "txt"), "review"),
    Reader("sentiment.evaluate", "--test", TABLES, "review,rating"),
    Reader("sentiment.evaluate", "--train", TABLES, "review,rating"),
    Reader("language_model.score", "--input", (*TABLES, "txt"), "text"),
    Reader("language_model.evaluate", "--test", (*TABLES, "txt"), "text"),
    Reader("language_model.evaluate", "--train", (*TABLES, "txt"), "text"),
    Reader("language_model.evaluate", "--cache", (*TABLES, "txt"), "text"),
    Reader("language_model.generate", "--endings", (*TABLES, "txt"), "text"),
    Reader("language_model.word_vectors", "--train", (*TABLES, "txt"), "text"),
    Reader("pos_tagging.predict", "--input", ("conllu", "conllu", *TABLES, "txt"), "text"),
    Reader("pos_tagging.evaluate", "--test", ("conllu", "conllu", *TABLES), "tokens,tags"),
    Reader("pos_tagging.evaluate", "--train", ("conllu", "conllu", *TABLES), "tokens,tags"),
)
TRAINING_READERS = (
    Reader("sentiment.train", "--train", TABLES, "review,rating"),
    Reader("sentiment.train", "--validation", TABLES, "review,rating"),
    Reader("sentiment.train", "--groups", ("txt",), ""),
    Reader("sentiment.train", "--word-vectors-from", ("vectors",), ""),
    Reader("language_model.train", "--train", (*TABLES, "txt"), "text"),
    Reader("language_model.train", "--validation", (*TABLES, "txt"), "text"),
    Reader("pos_tagging.train", "--train", ("conllu", "conllu", *TABLES), "tokens,tags"),
    Reader("pos_tagging.train", "--validation", ("conllu", "conllu", *TABLES), "tokens,tags"),
    Reader("pos_tagging.train", "--word-vectors-from", ("vectors",), ""),
)
TINY = [
    "--num-epochs", "1", "--units", "3", "--embedding-dim", "4", "--max-vocab-size", "60", "--batch-size", "8",
    "--seed", "1", "--learning-rate", "0.01",
]  # fmt: skip
ODD_NUMBERS = (
    "nan", "inf", "-inf", "-1", "0", "-0.0", "1e999", "-1e999", "1e308", "1e-320", "1.5", "2", "", " ", "x", "0x10",
    "1e3", "1_000", "٣", "9" * 30, "9" * 5000, "-" + "9" * 30, "1e30", "18446744073709551616", "2147483648",
    "9223372036854775807", "\x1b[31m1", "1\n2", "NaN(1)", "½", "1,000", "null",
)  # fmt: skip
# Numbers of these say how much work is wanted; a large one is honest and takes as long as it takes.
WORK = (
    "--num-epochs", "--max-tokens", "--num-samples", "--num-sentences", "--units", "--embedding-dim", "--dim",
    "--backward-units", "--character-dim", "--character-filters", "--character-units", "--shape-dim", "--affix-dim",
    "--tag-dim", "--num-beams", "--ngram-order", "--sampled-softmax-size",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8", "ascii", "cp1251", "cp932", "latin-1")

MOST_CACHED = 50_000  # bytes: each token is compared with the 2,000 before it in 15 ways, which takes its time


def make_case(number: int, rng: Random, place: Place) -> Case:
    """Choose a command, write its files with a mutation, and say what is known of the outcome."""
    with_keras = needs_keras(number)
    reader = rng.choice(TRAINING_READERS if with_keras else READERS)
    way = rng.choices(("file", "options", "places", "config", "streams", "cache"), (73, 11, 8, 4, 3, 1))[0]
    if way == "config":
        module = f"{reader.task}.train" if with_keras else "language_model.generate"
        reader = dataclasses.replace(reader, module=module, option="--train" if with_keras else "--endings")
        if with_keras:
            reader = next(other for other in TRAINING_READERS if other.module == module)
    given = input_files.good_file(rng, place.case, rng.choice(reader.formats), reader.columns)
    if reader.option == "--groups":
        given = input_files.good_file(rng, place.case, "txt", "", num_rows=input_files.NUM_ROWS)
    if way == "cache":
        reader = next(r for r in READERS if (r.module, r.option) == ("language_model.evaluate", "--test"))
        given = input_files.good_file(rng, place.case, "csv", reader.columns)
    name, description, wrong, more = "none", given.path.name, "", []
    if way == "file":
        name, given = input_files.change(given, rng, place.case)
        description = given.description
        if reader.option == "--cache" and given.path.is_file() and given.path.stat().st_size > MOST_CACHED:
            reader = next(r for r in READERS if (r.module, r.option) == ("language_model.evaluate", "--test"))
    command = make_command(reader, given, rng, place)
    arguments = list(command.arguments)
    if way == "options":
        name, (description, more) = "options", odd_option(command.module, rng)
    elif way == "places":
        name, (description, wrong, command) = "places to write", input_places.change(command, given, rng, place.case)
        arguments = list(command.arguments)
    elif way == "config":
        name, (description, more) = "config file", odd_config(command, rng, place.case)
    elif way == "streams":
        stdin = None if rng.random() < 0.5 else ""
        name, description = "streams", f"standard input {'closed' if stdin is None else 'empty'}"
        closed = rng.random() < 0.5
        command = dataclasses.replace(command, stdin=stdin, stdout_closed=closed)
        description += ", standard output closed" if closed else ""
    untouched = way == "file" and given.good and reader.answers_rows
    encoding = rng.choice(ENCODINGS)
    command = dataclasses.replace(
        command,
        arguments=[*arguments, *more],
        feeds=given.feeds,
        num_rows=given.num_rows if untouched and command.output else None,
        encoding=encoding,
    )
    commands = [command]
    if way == "cache":
        name = "damaged token cache"
        commands.append(dataclasses.replace(command, damage_cache=True))
    where = f"{reader.module} {reader.option}, {encoding}"
    return Case(name, f"{where}: {description}", commands, wrong, untouched)


def make_command(reader: Reader, given: Given, rng: Random, place: Place) -> Command:
    """The command that reads the file, with the other files it needs."""
    folder, task = place.case, reader.task
    file = given.argument
    if reader.module.endswith(".train"):
        return _train(reader, file, rng, folder)
    if reader.module == "language_model.word_vectors":
        output = str(folder / rng.choice(("vectors.txt", "vectors.txt.gz")))
        few = ["--dim", "3", "--min-count", "1"]
        return Command(reader.module, ["--train", file, "--output", output, *few], may_write=[output])
    base = rng.choice(sorted(place.bases.glob(f"{task}-*")))
    model = ["--model", str(base), "--engine", "onnx-int8" if has_lstm(base) and rng.random() < 0.5 else "onnx"]
    if reader.module == "language_model.generate":
        few = ["--max-tokens", "5", "--num-sentences", "1"]
        return Command(reader.module, [*model, "--endings", file, *few])
    if reader.answers_rows:
        return _answer(reader, given, model, rng, folder)
    arguments, may_write = [*model, reader.option, file], []
    if reader.option != "--test":
        other = input_files.good_file(rng, folder / "other", reader.formats[0], reader.columns)
        arguments += ["--test", other.argument]
    if rng.random() < 0.1:
        arguments += ["--report", str(folder / "report")]
        may_write = [str(folder / "report")]
    if rng.random() < 0.1:
        shutil.copytree(base, folder / "bundle")
        arguments = [str(folder / "bundle") if argument == str(base) else argument for argument in arguments]
        arguments.append("--save")
        may_write.append(str(folder / "bundle"))
    return Command(reader.module, [*arguments, *rng.choice(([], ["--json"]))], may_write=may_write)


def _answer(reader: Reader, given: Given, model: list[str], rng: Random, folder: Path) -> Command:
    on_stdin = given.path.name == "given.txt" and given.path.is_file() and not given.feeds and rng.random() < 0.4
    stdin = str(given.path) if on_stdin else ""
    file = [] if on_stdin else ["--input", given.argument]
    arguments = [*model, *file, *(["--strict"] if rng.random() < 0.1 else [])]
    if rng.random() < 0.6:
        output = str(folder / "answers.jsonl")
        arguments += ["--format", "jsonl", "--output", output]
        return Command(reader.module, arguments, stdin, may_write=[output], output=output)
    formats = {"sentiment": ("text", "csv"), "language_model": ("text", "html")}
    kind = rng.choice(formats.get(reader.task, ("text", "conllu", "tsv", "html")))
    return Command(reader.module, [*arguments, "--format", kind], stdin)


def _train(reader: Reader, file: str, rng: Random, folder: Path) -> Command:
    output = str(folder / "trained")
    arguments = [reader.option, file, "--output-dir", output, *TINY]
    if reader.option != "--train":
        columns = next(r.columns for r in TRAINING_READERS if r.module == reader.module)
        kind = "conllu" if reader.task == "pos_tagging" else "csv"
        other = input_files.good_file(rng, folder / "other", kind, columns, num_rows=input_files.NUM_ROWS)
        arguments += ["--train", other.argument]
    if reader.option == "--word-vectors-from" and reader.task == "sentiment":
        arguments += ["--word-vectors", "given"]
    if reader.task != "pos_tagging":
        arguments += ["--min-count", "1"]
    return Command(reader.module, arguments, may_write=[output])


def odd_option(module: str, rng: Random) -> tuple[str, list[str]]:
    """An odd value for an option of numbers, or an odd text for another."""
    actions = [action for action in options_of(module) if action.option_strings and action.nargs is None]
    actions = [action for action in actions if action.option_strings[-1] not in input_places.OUTPUT_OPTIONS]
    numbers = [action for action in actions if getattr(action.type, "__name__", "") in ("int", "float")]
    if rng.random() < 0.8 and numbers:
        flag = rng.choice(numbers).option_strings[-1]
        values = [value for value in ODD_NUMBERS if not (flag in WORK and _is_honest(value))]
    else:
        flag = rng.choice([action for action in actions if action not in numbers]).option_strings[-1]
        values = ["", " ", "\x1b[31mred", "\u202eabc", "a\nb", "é", "x" * 100_000, "\udcff", "../..", "--", "{}", "%s"]
    value = rng.choice(values)
    return f"{flag} {value[:40]!r}", [f"{flag}={value}"]


def _is_honest(value: str) -> bool:
    try:
        return 1000 <= float(value) <= 1e20
    except ValueError:
        return False


def options_of(module: str) -> list[argparse.Action]:
    """The options of a program, from the parser that it makes."""

    class Found(BaseException):
        pass

    def stop(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        raise Found(parser)

    old = argparse.ArgumentParser.parse_known_args
    argparse.ArgumentParser.parse_known_args = stop  # type: ignore[assignment, method-assign]
    try:
        command_of(module)([])
    except Found as found:
        return found.args[0]._actions
    finally:
        argparse.ArgumentParser.parse_known_args = old  # type: ignore[method-assign]
    raise AssertionError(f"{module} parses no arguments")


def odd_config(command: Command, rng: Random, folder: Path) -> tuple[str, list[str]]:
    """A file for `--config` with an odd value, an unknown setting, or no settings at all."""
    config_class = _config_class(command.module)
    content: dict[str, Any] = {}
    fields = [field.name for field in dataclasses.fields(config_class)]
    raw, name = odd_value(rng)
    key = rng.choice([*fields, *fields, "unheard_of", "", "\x1b[31m", "\ud800"])
    content[key] = MARK
    file = folder / "settings.json"
    write(file, content, raw)
    if rng.random() < 0.2:
        file.write_text(raw, encoding="utf-8")
        key = "all of it"
    return f"{key!r} is {name}", ["--config", str(file)]


def _config_class(module: str) -> Any:
    import language_model.config
    import pos_tagging.config
    import sentiment.config

    return {
        "sentiment.train": sentiment.config.SentimentConfig,
        "language_model.train": language_model.config.LanguageModelConfig,
        "pos_tagging.train": pos_tagging.config.TaggingConfig,
        "language_model.generate": language_model.config.GenerationConfig,
    }[module]
