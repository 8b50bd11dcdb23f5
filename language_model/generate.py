"""Write texts.

    python -m language_model.generate --prompt "Once upon a time" --num-samples 3 --seed 1
    python -m language_model.generate --endings stories.csv --num-sentences 1
    python -m language_model.generate --num-samples 20 --report runs/written --train train.csv

With `--endings` the last sentence of every text of a file is left out and written anew. The report says how varied the
texts are, and what they copied from the training text.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from common.cli import options as commands
from common.cli.run import run_command
from common.errors import InputError
from common.evaluation.report import html_table, write_report
from common.files import check_file
from common.output import REPORT_FILE, check_report_place, claim_all
from common.progress import say
from common.settings import add_overrides, add_settings, as_option, make_parser, override, read_settings
from common.text.token_cache import CACHE_HELP
from language_model.config import GenerationConfig, LanguageModelConfig
from language_model.loader import load_texts, split_ending, split_text, split_tokens
from language_model.originality import distinct_ngrams, join_all, longest_copied_span
from language_model.predict import DEFAULT_NAME, TASK, LanguageModel
from language_model.writing import DeadEnd

NGRAM_SIZES = (1, 2, 3, 4)


def name_unknown(prompt: str, model: LanguageModel) -> None:
    """Say which words of the prompt the model does not know."""
    unknown = sorted({token for token in split_text(prompt, model.config) if token not in model.vocabulary})
    if unknown:
        say(f"the model does not know {', '.join(map(repr, unknown))}; it reads <unk> there")


def no_token_left(config: GenerationConfig) -> str:
    """Say which settings leave no token to write, where a text has stopped for that."""
    names = [name for name in ("no_repeat_ngram", "num_sentences") if getattr(config, name)]
    if not names:
        return "the model gives no token a finite score"
    options = " and ".join(as_option(name, getattr(config, name)) for name in names)
    return f"{options} {'leaves' if len(names) == 1 else 'leave'} no token to write"


def say_where_it_stops(number: int, num_tokens: int, config: GenerationConfig) -> None:
    say(f"text {number} stops after {num_tokens} token{'s' if num_tokens != 1 else ''}: {no_token_left(config)}")


def write_endings(model: LanguageModel, texts: Sequence[str], config: GenerationConfig) -> Iterator[str]:
    """For each text its last sentence, and the one that the model writes instead."""
    config = dataclasses.replace(config, num_samples=1, num_sentences=max(1, config.num_sentences))
    for number, text in enumerate(texts):
        context, ending = split_ending(text)
        if not context:
            say(f"text {number + 1}: has one sentence only; left out")
            continue
        settings = dataclasses.asdict(config) | {"seed": config.seed + number}
        dead_ends: list[DeadEnd] = []
        steps = model.write(context, on_dead_end=dead_ends.append, **settings)
        _, *pieces = (pieces[0] for pieces in steps)
        for dead_end in dead_ends:
            say_where_it_stops(number + 1, dead_end.num_tokens, config)
        yield f"… {context.strip()[-160:]}\n  given:   {ending.strip()}\n  written: {''.join(pieces).strip()}\n"


def measure(token_lists: Sequence[Sequence[str]], training: str | None) -> list[list]:
    """The table of the report: how varied the texts are, and how long the spans are that they copied."""
    rows: list[list] = [["measure", "value"], ["tokens written", sum(map(len, token_lists))]]
    for size in NGRAM_SIZES:
        rows.append([f"different among all {size}-grams", distinct_ngrams(token_lists, size)])
    if training is not None:
        spans = [end - start for start, end in (longest_copied_span(tokens, training) for tokens in token_lists)]
        rows.append(["longest span copied from the training text, in tokens", max(spans)])
        rows.append(["the same, mean over the texts", sum(spans) / len(spans)])
    return rows


def mark_copied(tokens: Sequence[str], training: str | None, joined_by: str) -> str:
    """A text in HTML, in which the longest copied span is marked."""
    start, end = longest_copied_span(tokens, training) if training is not None else (0, 0)
    parts = [html.escape(joined_by.join(part)) for part in (tokens[:start], tokens[start:end], tokens[end:])]
    parts[1] = f"<mark>{parts[1]}</mark>" if parts[1] else ""
    return f'<p style="white-space: pre-wrap">{joined_by.join(part for part in parts if part)}</p>'


def report(model: LanguageModel, texts: Sequence[str], arguments) -> None:
    """Measure what was written after the prompt, say it, and write it to a page."""
    token_lists = [split_text(text, model.config) for text in texts]
    training = None
    if arguments.train:
        config = override(model.config, arguments)
        training = join_all(split_tokens(load_texts(arguments.train, config), config))
    rows = measure(token_lists, training)
    for name, value in rows[1:]:
        say(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value:,}")
    joined_by = "" if model.config.level == "character" else " "
    pages = "".join(mark_copied(tokens, training, joined_by) for tokens in token_lists)
    title = f"Written by {Path(arguments.model).name}"
    note = "Marked: the longest span of each text that stands in the training text." if training is not None else ""
    path = write_report(arguments.report, title, [("Measures", html_table(rows)), ("Texts", f"<p>{note}</p>{pages}")])
    say(f"report in {path}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.generate", __doc__, CACHE_HELP)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="how every text begins")
    parser.add_argument("--endings", type=Path, metavar="FILE", help="write the last sentences of these texts anew")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write DIR/report.html on what was written")
    parser.add_argument("--train", type=Path, metavar="FILE", help="for the report: the text that may have been copied")
    add_settings(parser, GenerationConfig)
    add_overrides(parser, LanguageModelConfig, ("text_column", "document"))
    arguments = parser.parse_args(argv)
    check_arguments(arguments)
    config = read_settings(arguments, GenerationConfig)
    with claim_all([arguments.report / REPORT_FILE if arguments.report else None]):
        model = LanguageModel.load(arguments.model, arguments.engine, arguments.threads)
        with commands.open_output(None, for_people=True) as output:
            if arguments.endings:
                texts = load_texts(arguments.endings, override(model.config, arguments))
                for ending in write_endings(model, texts, config):
                    print(ending, file=output, flush=True)
                return
            name_unknown(arguments.prompt, model)
            _, *steps = write_texts(model, arguments.prompt, config, output)
        if arguments.report:
            report(model, ["".join(pieces) for pieces in zip(*steps, strict=True)], arguments)


def write_texts(model: LanguageModel, prompt: str, config: GenerationConfig, output: IO[str]) -> list[list[str]]:
    """Print texts as they are written, then say which of them stop as no token is left; returns all pieces.

    Raises:
        InputError: no text got a token.
    """
    dead_ends: list[DeadEnd] = []
    steps = print_texts(model.write(prompt, on_dead_end=dead_ends.append, **dataclasses.asdict(config)), output)
    if dead_ends and not any(map(any, steps[1:])):
        raise InputError(f"{no_token_left(config)} after this prompt; change the settings or the prompt")
    for dead_end in dead_ends:
        say_where_it_stops(dead_end.place + 1, dead_end.num_tokens, config)
    return steps


def print_texts(steps: Iterator[list[str]], output: IO[str]) -> list[list[str]]:
    """Print a single text piece by piece as it comes, several one after the other; returns all pieces."""
    done = []
    for pieces in steps:
        done.append(pieces)
        if len(pieces) == 1:
            print(pieces[0], end="", file=output, flush=True)
    if len(done[0]) == 1:
        print(file=output)
    else:
        for number, pieces in enumerate(zip(*done, strict=True), 1):
            print(f"--- {number}\n{''.join(pieces)}", file=output)
    return done


def check_arguments(arguments) -> None:
    """Find what is wrong with the options before the model is loaded."""
    if arguments.endings and (arguments.prompt or arguments.report):
        raise InputError("--endings: takes its prompts from the file, and makes no report; leave the other option out")
    if arguments.train and not arguments.report:
        raise InputError("--train: is for the report; add --report DIR")
    for path in filter(None, (arguments.endings, arguments.train)):
        check_file(path)
    if arguments.report:
        check_report_place(arguments.report, commands.paths_read(arguments))


if __name__ == "__main__":
    run_command(main)
