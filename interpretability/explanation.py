"""Explanations to read: the weights of the tokens, what was explained by which method, and how complete it is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.evaluation.page import LOWERS, RAISES, html_facts, html_fold, html_table, html_text, page_head
from common.text.normalization import place_tokens
from interpretability.attribution import Attribution
from interpretability.config import INTEGRATED, SHOWN, AttributionConfig

NUM_STRONGEST = 10
STYLE = """
.text { font: 18px/2 Georgia, serif; white-space: pre-wrap; max-width: 50rem } .text span { border-radius: .2em;
padding: .1em 0 } .text .explained { border-bottom: 2px solid var(--ink) } section { margin: 2.5rem 0 }
"""


@dataclass(frozen=True)
class Explanation:
    """What the tokens of a text do for an answer of a model.

    Attributes:
        tokens: as written, in the order of the text.
        weights: of each; what raises the score is positive.
        target: what was explained, such as "rating" or "log-probability of NOUN".
        score: of the text, in the unit of the weights.
        baseline_score: of the baseline that the method compares with; None where nobody knows it.
        config: the method and its settings.
        text: what the tokens come from; "": they are shown with spaces between them.
        explained: the index of the token whose answer is explained, if it is one of them.
    """

    tokens: list[str]
    weights: list[float]
    target: str = ""
    score: float | None = None
    baseline_score: float | None = None
    config: AttributionConfig = field(default_factory=AttributionConfig)
    text: str = ""
    explained: int | None = None

    @classmethod
    def of(
        cls,
        found: Attribution,
        tokens: Sequence[str],
        target: str,
        config: AttributionConfig,
        text: str,
        explained: int | None = None,
    ) -> Explanation:
        """Put an attribution together with what it is about."""
        weights = found.weights.tolist()
        return cls([*tokens], weights, target, found.score, found.baseline_score, config, text, explained)

    @property
    def gap(self) -> float | None:
        """The completeness gap: the sum of the weights less the difference from the baseline."""
        if self.score is None or self.baseline_score is None:
            return None
        return sum(self.weights) - (self.score - self.baseline_score)

    def strongest(self, number: int) -> list[tuple[str, float]]:
        """The tokens with the largest weights, up or down, in the order of the text."""
        places = sorted(range(len(self.tokens)), key=lambda i: -abs(self.weights[i]))[:number]
        return [(self.tokens[i], self.weights[i]) for i in sorted(places)]

    def record(self) -> dict[str, Any]:
        """All that is known, by name, as JSON has it."""
        return {
            "target": self.target,
            "score": self.score,
            "method": self.config.method,
            "baseline": self.config.baseline,
            "baseline_score": self.baseline_score,
            "completeness_gap": self.gap,
            "tokens": self.tokens,
            "weights": [round(weight, 6) for weight in self.weights],
            **({} if self.explained is None else {"explained": self.explained}),
        }

    def lines(self) -> list[str]:
        """The explanation for people: what was explained, how complete it is, and the tokens that weigh most."""
        strongest = [f"  {weight:+8.3f}  {_visible(token)}" for token, weight in self.strongest(NUM_STRONGEST)]
        return [f"{self.target}: {self.score:.3f}", *strongest, f"  {self.facts()}"]

    def facts(self) -> str:
        """Method, baseline and completeness gap, on one line."""
        steps = f", {self.config.num_steps} steps" if self.config.method == INTEGRATED else ""
        return (
            f"{self.config.method}{steps}; baseline ({SHOWN[self.config.baseline]}): {self.baseline_score:.3f}; "
            f"sum of weights {sum(self.weights):+.3f}, completeness gap {self.gap:+.4f}"
        )

    def html(self) -> str:
        """The text as HTML, its tokens coloured: blue for what raises the score, orange for what lowers it."""
        largest = max(map(abs, self.weights), default=0) or 1.0
        placed = place_tokens(self.text, self.tokens) if self.text else ((" ", token) for token in self.tokens)
        spans = []
        for place, ((before, token), weight) in enumerate(zip(placed, self.weights, strict=True)):
            kind = ' class="explained"' if place == self.explained else ""
            shade = f"rgba({RAISES if weight > 0 else LOWERS}, {0.6 * abs(weight) / largest:.2f})"
            shown = html.escape(token).replace("\n", "↵\n")
            spans.append(
                f'{html.escape(before)}<span{kind} style="background: {shade}" title="{weight:+.3f}">{shown}</span>'
            )
        return f'<p class="text" style="white-space: pre-wrap">{"".join(spans)}</p>'

    def section(self) -> str:
        """The explanation as a piece of a page: the text, the score, the strongest tokens, folded."""
        head = f"<h2>{html.escape(self.target)}: {self.score:.3f}</h2>" if self.score is not None else ""
        facts = html_text(self.facts(), "note") if self.score is not None else ""
        rows: list[list[Any]] = [
            ["token", "weight"],
            *([_visible(token), weight] for token, weight in self.strongest(NUM_STRONGEST)),
        ]
        table = html_fold(f"the {len(rows) - 1} largest weights", html_table(rows)) if len(rows) > 1 else ""
        return f"<section>{head}{self.html()}{facts}{table}</section>"

    def _repr_html_(self) -> str:
        """The text in a notebook, each token coloured by its weight."""
        facts = f"<p><small>{html.escape(self.facts())}</small></p>" if self.score is not None else ""
        head = f"<p><strong>{html.escape(self.target)}</strong></p>" if self.target else ""
        return head + self.html() + facts + legend()


def _visible(token: str) -> str:
    """A token on a line of its own; white space as Python writes it."""
    return repr(token) if token.isspace() else token


def legend() -> str:
    """What the colours mean."""
    marks = (
        f'<span style="background: rgba({color}, 0.6)">&nbsp;{name}&nbsp;</span>'
        for color, name in ((RAISES, "raises the score"), (LOWERS, "lowers it"))
    )
    return (
        f"<p><small>{' '.join(marks)}; the stronger the colour, the more. Point at a token for its weight.</small></p>"
    )


def html_page(
    sections: Iterable[str], facts: Mapping[str, str], title: str = "Explanations", is_colored: bool = True
) -> Iterator[str]:
    """A page of explanations that needs no other file, in pieces.

    Args:
        sections: of `Explanation.section`, or of `Faithfulness.section`.
        facts: what the head of the page names, the model say.
        title: of the page.
        is_colored: whether there are texts in colours, which need a legend.
    """
    shown = html.escape(title)
    yield f"{page_head(title, STYLE)}<h1>{shown}</h1>{html_facts(facts)}{legend() if is_colored else ''}\n"
    for section in sections:
        yield section + "\n"
    yield "</body></html>\n"
