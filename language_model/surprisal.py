"""Surprisal of each token of a text, as the background colours of an HTML page."""

from __future__ import annotations

import html
from collections.abc import Iterable

from common.evaluation.page import LOWERS, page_head
from common.text.normalization import place_tokens
from language_model.predict import TextScore

MOST_BITS = 16  # a surprisal shown in the darkest colour
STYLE = """
body { font: 18px/2 Georgia, serif; max-width: 50rem } p { white-space: pre-wrap } span { border-radius: .2em;
padding: .1em 0 } span.unknown { border-bottom: 2px dotted } .scale span { padding: .1em .6em }
small { display: block; font: 13px/1.5 system-ui, sans-serif; color: var(--quiet) }
"""


def summary(score: TextScore) -> str:
    """The scores of a text in a line."""
    return (
        f"{-score.total_nats:9.2f} nats  perplexity {score.perplexity:8.2f}  "
        f"{score.bits_per_character:.3f} bits/character"
    )


def colour(bits: float) -> str:
    """The background colour of a surprisal: that of the page at 0 bits, orange at `MOST_BITS` and above.

    >>> colour(0), colour(16)
    ('rgba(213, 94, 0, 0.00)', 'rgba(213, 94, 0, 0.70)')
    """
    return f"rgba({LOWERS}, {0.7 * min(bits / MOST_BITS, 1):.2f})"


def html_score(score: TextScore) -> str:
    """A text whose tokens are coloured by their surprisal, as a paragraph of HTML."""
    spans = []
    *surprisals, end = score.surprisals
    placed = place_tokens(score.text, score.tokens[:-1])
    for (before, token), bits, is_unknown in zip(placed, surprisals, score.is_unknown, strict=False):
        kind = ' class="unknown"' if is_unknown else ""
        title = f"{bits:.1f} bits, probability {2**-bits:.2g}" + (", unknown to the model" if kind else "")
        shown = html.escape(token).replace("\n", "↵\n")
        spans.append(
            f'{html.escape(before)}<span{kind} style="background:{colour(bits)}" title="{title}">{shown}</span>'
        )
    spans.append(f' <span style="background:{colour(end)}" title="end of the text: {end:.1f} bits">∎</span>')
    return f"<p>{''.join(spans)}<small>{summary(score).strip()}</small></p>"


def html_page(paragraphs: Iterable[str]) -> Iterable[str]:
    """A page that needs no other file, in lines."""
    yield page_head("Surprisal", STYLE)
    steps = "".join(f'<span style="background:{colour(bits)}">{bits}</span>' for bits in range(0, MOST_BITS + 1, 2))
    yield f'<small class="scale">Surprisal in bits: {steps} Point at a token for its number; dotted: unknown.</small>'
    yield from paragraphs
    yield "</body></html>"
