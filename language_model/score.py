"""Score texts: how likely does the model find them, token by token?

    python -m language_model.score "The king went into the forest." "The forest went into the king."
    python -m language_model.score --format html --input story.txt --output story.html
    python -m language_model.score --context "The dog was hungry." "It ate a bone." "The moon is far away."

With `--context` the texts are endings of the same beginning. Two of them are named: the likeliest per token, and the
one that the context helps most, that is whose log-probability it raises most above that of the ending by itself.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from common.cli import options as commands
from common.cli.run import run_command
from common.errors import InputError, excerpt
from common.evaluation.metrics import finite
from common.progress import say
from common.settings import make_parser
from language_model.predict import DEFAULT_NAME, TASK, LanguageModel, TextScore

MOST_BITS = 16  # a surprisal shown in the darkest colour
STYLE = """
body { font: 18px/2 Georgia, serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733 }
p { white-space: pre-wrap } span { border-radius: .2em; padding: .1em 0 } span.unknown { border-bottom: 2px dotted }
small { display: block; font: 13px/1.5 system-ui, sans-serif; color: #56616d } .scale span { padding: .1em .6em }
"""


def surprisals(score: TextScore) -> list[float]:
    """The surprisal of each token in bits."""
    return [-value / math.log(2) for value in score.log_probabilities]


def record(score: TextScore, gain: float | None) -> dict:
    """A score as a line of `--format jsonl`; `gain` is what the context helps, in nats."""
    return {
        "text": score.text,
        **({} if gain is None else {"gain": gain}),
        "log_probability": -score.total_nats,
        "perplexity": score.perplexity,
        "bits_per_character": score.bits_per_character,
        "num_unknown": score.num_unknown,
        "tokens": score.tokens,
        "surprisals": [round(value, 4) for value in surprisals(score)],
    }


def summary(score: TextScore) -> str:
    """The scores of a text in a line."""
    return (
        f"{-score.total_nats:9.2f} nats  perplexity {score.perplexity:8.2f}  "
        f"{score.bits_per_character:.3f} bits/character"
    )


def place_tokens(text: str, tokens: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Find the tokens in the text they come from: what stands before each, and the token.

    >>> list(place_tokens("So,  good", ["So", ",", "good"]))
    [('', 'So'), ('', ','), ('  ', 'good')]
    """
    end = 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0:  # the tokenizer had to clean the text here
            yield " ", token
            continue
        yield text[end:start], token
        end = start + len(token)


def colour(bits: float) -> str:
    """A background: white for what was expected, red for what was not.

    >>> colour(0), colour(16)
    ('rgb(255, 255, 255)', 'rgb(235, 85, 65)')
    """
    share = min(bits / MOST_BITS, 1)
    return f"rgb({255 - 20 * share:.0f}, {255 - 170 * share:.0f}, {255 - 190 * share:.0f})"


def html_score(score: TextScore, model: LanguageModel) -> str:
    """A text whose tokens are coloured by their surprisal, as a paragraph of HTML."""
    spans = []
    for (before, token), bits in zip(place_tokens(score.text, score.tokens[:-1]), surprisals(score), strict=False):
        kind = "" if token in model.vocabulary else ' class="unknown"'
        title = f"{bits:.1f} bits, probability {2**-bits:.2g}" + (", unknown to the model" if kind else "")
        shown = html.escape(token).replace("\n", "↵\n")
        spans.append(
            f'{html.escape(before)}<span{kind} style="background:{colour(bits)}" title="{title}">{shown}</span>'
        )
    end = surprisals(score)[-1]
    spans.append(f' <span style="background:{colour(end)}" title="end of the text: {end:.1f} bits">∎</span>')
    return f"<p>{''.join(spans)}<small>{summary(score).strip()}</small></p>"


def html_page(paragraphs: Iterable[str]) -> Iterable[str]:
    """A page that needs no other file, in lines."""
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Surprisal</title><style>{STYLE}</style>'
    steps = "".join(f'<span style="background:{colour(bits)}">{bits}</span>' for bits in range(0, MOST_BITS + 1, 2))
    yield f'<small class="scale">Surprisal in bits: {steps} Point at a token for its number; dotted: unknown.</small>'
    yield from paragraphs
    yield "</html>"


def text_lines(score: TextScore, gain: float | None, model: LanguageModel, tokens: bool) -> Iterable[str]:
    """A score as the lines of `--format text`."""
    helped = "" if gain is None else f"  context helps by {gain:6.2f} nats"
    yield f"{summary(score)}{helped}  {score.text}"
    if tokens:
        for token, bits in zip(score.tokens, surprisals(score), strict=True):
            known = "" if token in model.vocabulary or token == "<eos>" else "  (unknown)"
            yield f"  {bits:7.2f} bits  {token!r}{known}" if token.isspace() else f"  {bits:7.2f} bits  {token}{known}"


def answer_lines(arguments, model: LanguageModel, items: Iterable[Any]) -> Iterable[str]:
    """The lines of the answer, as the texts come; last, with `--context`, which texts it fits best."""
    likeliest: list[tuple[float, str]] = []
    most_helped: list[tuple[float, str]] = []

    def answer(texts: list[str]) -> list[tuple[TextScore, float | None]]:
        scores = model.score(texts, context=arguments.context)
        if not arguments.context:
            return [(score, None) for score in scores]
        alone = model.score(texts)
        return [
            (score, by_itself.total_nats - score.total_nats) for score, by_itself in zip(scores, alone, strict=True)
        ]

    for place, text, (score, gain) in commands.answer_all(arguments, answer, items):
        if score.num_unknown and score.num_unknown == len(score.tokens) - 1:
            say(f"{place}: the model knows none of the tokens in {excerpt(text)}; each counts as <unk>")
        if gain is not None:
            likeliest = [max([*likeliest, (-score.perplexity, text)])]
            most_helped = [max([*most_helped, (gain, text)])]
        if arguments.format == "jsonl":
            yield json.dumps(finite(record(score, gain)))
        elif arguments.format == "html":
            yield html_score(score, model)
        else:
            yield from text_lines(score, gain, model, arguments.tokens)
    if arguments.format == "text" and likeliest:
        yield f"the likeliest, per token:     {likeliest[0][1]}"
        yield f"helped most by the context:   {most_helped[0][1]}"


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.score", __doc__)
    commands.add_model_argument(parser, TASK, DEFAULT_NAME)
    commands.add_text_arguments(parser, ("text", "jsonl", "html"))
    parser.add_argument("--tokens", action="store_true", help="show the surprisal of every token, in bits")
    parser.add_argument("--context", default="", metavar="TEXT", help="what all texts are endings of; it is not scored")
    parser.add_argument("--text-column", default="text", help="column of the text in --input (default: text)")
    arguments = parser.parse_args(argv)
    if arguments.tokens and arguments.format != "text":
        raise InputError(f"--tokens: --format {arguments.format} has them anyway; leave it out")
    items = commands.open_texts(arguments)
    with commands.open_output(arguments.output, arguments.format == "text") as output:
        model = LanguageModel.load(arguments.model, arguments.engine, arguments.threads)
        lines = answer_lines(arguments, model, items)
        for line in html_page(lines) if arguments.format == "html" else lines:
            print(line, file=output, flush=True)


if __name__ == "__main__":
    run_command(main)
