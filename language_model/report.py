"""Error analysis of a language model: where its perplexity is highest, as tables and as the sections of a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.evaluation.figures import html_figure, new_figure
from common.evaluation.metrics import perplexity
from common.evaluation.page import BLUE
from common.evaluation.report import Section, html_list, html_table, html_text
from common.text.vocabulary import Vocabulary


def by_length(nats: Sequence[np.ndarray]) -> list[list]:
    """Perplexity in each quarter of the texts, from the shortest to the longest."""
    lengths = np.array([len(row) for row in nats])
    rows: list[list] = [["tokens", "texts", "perplexity"]]
    for quarter in np.array_split(np.argsort(lengths, kind="stable"), 4):
        if len(quarter):
            total = -sum(float(nats[i].sum()) for i in quarter)
            span = f"{lengths[quarter[0]]}-{lengths[quarter[-1]]}"
            rows.append([span, len(quarter), perplexity(total, int(lengths[quarter].sum()))])
    return rows


def by_position(nats: Sequence[np.ndarray]) -> list[list]:
    """Perplexity by position: how many tokens of the text stand before."""
    rows: list[list] = [["tokens before", "tokens", "perplexity"]]
    for low, high in ((0, 1), (1, 5), (5, 20), (20, 100), (100, 10**9)):
        values = np.concatenate([row[low:high] for row in nats])
        if len(values):
            span = f"{low} or more" if high == 10**9 else f"{low}-{high - 1}" if high - low > 1 else str(low)
            rows.append([span, len(values), perplexity(-values.sum(), len(values))])
    return rows


def hardest_tokens(
    token_lists: Sequence[Sequence[str]], nats: Sequence[np.ndarray], vocabulary: Vocabulary, number: int
) -> list[list]:
    """The known tokens with the highest surprisal, with the words before them."""
    found = [
        (float(value), position, i)
        for i, row in enumerate(nats)
        for position, value in enumerate(row[:-1])
        if token_lists[i][position] in vocabulary
    ]
    rows: list[list] = [["surprisal, bits", "token", "after"]]
    for value, position, i in sorted(found)[:number]:
        before = " ".join(token_lists[i][max(position - 12, 0) : position])
        rows.append([-value / np.log(2), token_lists[i][position], f"… {before}"])
    return rows


def weaknesses(
    token_lists: Sequence[Sequence[str]], nats: Sequence[np.ndarray], vocabulary: Vocabulary, level: str
) -> list[str]:
    """Weaknesses of a model as sentences, from the figures."""
    tokens = [token for tokens in token_lists for token in tokens]
    share = np.mean([token not in vocabulary for token in tokens]) if tokens else 0.0
    found = [f"{share:.1%} of the test tokens are unknown to it and count as `<unk>`."]
    if len(token_lists) >= 50:  # of fewer texts the first tokens say nothing
        start, *_, late = by_position(nats)[1:]
        found.append(
            f"Perplexity is {start[2]:.0f} at the first token of a text and {late[2]:.0f} after {late[0]} tokens."
        )
    kept = "a word or two" if level == "character" else "a sentence or two"
    return [*found, f"What it writes keeps to a topic for {kept}, not for a story."]


def report_sections(
    token_lists: Sequence[Sequence[str]],
    nats: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    rows: Sequence[Sequence[str]],
) -> list[Section]:
    """The sections of the HTML report."""
    figure, axes = new_figure(6, 3.6)
    axes.hist(-np.concatenate(nats) / np.log(2), bins=50, color=BLUE)
    axes.set(xlabel="surprisal, bits", ylabel="tokens", title="Distribution of surprisal")
    return [
        ("Scores", html_table(rows) + html_text("In brackets: 95% bootstrap intervals over texts.")),
        (
            "Surprisal",
            html_figure(
                figure, "Tokens by their surprisal: 1 bit is a token of probability 1/2, 10 bits one of 1/1024."
            ),
        ),
        ("By length of the text", html_table(by_length(nats))),
        ("By position in the text", html_table(by_position(nats))),
        (
            "The 50 known tokens with the highest surprisal",
            html_list(hardest_tokens(token_lists, nats, vocabulary, 50)),
        ),
    ]
