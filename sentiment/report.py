"""Error analysis of a rating model: where its errors are largest, as tables and as the sections of a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import confusion_matrix

from common.evaluation.figures import confusion_figure, html_figure, new_figure
from common.evaluation.page import BLUE, GREY
from common.evaluation.report import CONFUSIONS, html_list, html_table, html_text


def by_spread(ratings: np.ndarray, predictions: np.ndarray, spreads: np.ndarray) -> list[list]:
    """One row for each tenth of the reviews, from the smallest predicted spread to the largest."""
    rows: list[list] = [["predicted spread", "reviews", "root mean squared error"]]
    for tenth in np.array_split(np.argsort(spreads, kind="stable"), 10):
        if len(tenth):
            error = np.sqrt(((predictions[tenth] - ratings[tenth]) ** 2).mean())
            rows.append([float(np.sqrt((spreads[tenth] ** 2).mean())), len(tenth), float(error)])
    return rows


def by_rating(ratings: np.ndarray, predictions: np.ndarray) -> list[list]:
    """One row for each true rating: how many there are, the mean prediction, the mean absolute error."""
    rows: list[list] = [["true rating", "reviews", "mean prediction", "mean absolute error"]]
    for rating in np.unique(ratings):
        chosen = predictions[ratings == rating]
        rows.append([float(rating), len(chosen), float(chosen.mean()), float(np.abs(chosen - rating).mean())])
    return rows


def by_length(ratings: np.ndarray, predictions: np.ndarray, lengths: np.ndarray) -> list[list]:
    """One row for each quarter of the reviews, from the shortest to the longest."""
    rows: list[list] = [["tokens", "reviews", "root mean squared error", "mean absolute error"]]
    for quarter in np.array_split(np.argsort(lengths, kind="stable"), 4):
        if len(quarter):
            errors = predictions[quarter] - ratings[quarter]
            span = f"{lengths[quarter[0]]}-{lengths[quarter[-1]]}"
            rows.append([span, len(quarter), float(np.sqrt((errors**2).mean())), float(np.abs(errors).mean())])
    return rows


def worst_mistakes(ratings: np.ndarray, predictions: np.ndarray, texts: Sequence[str], number: int) -> list[list]:
    """The reviews whose rating was missed by most."""
    rows: list[list] = [["true", "predicted", "review"]]
    for i in np.argsort(-np.abs(predictions - ratings), kind="stable")[:number]:
        rows.append([float(ratings[i]), float(predictions[i]), texts[i][:1500]])
    return rows


def weaknesses(ratings: np.ndarray, predictions: np.ndarray, lengths: np.ndarray) -> list[str]:
    """Say where the errors are largest, from the figures."""
    rating = max(by_rating(ratings, predictions)[1:], key=lambda row: row[3])
    length = max(by_length(ratings, predictions, lengths)[1:], key=lambda row: row[2])
    missing = sorted(set(range(round(float(ratings.min())), round(float(ratings.max())) + 1)) - set(ratings.tolist()))
    torn = np.isin(np.rint(predictions), missing)
    sentences = [
        f"Reviews rated {rating[0]:g}: mean prediction {rating[2]:.1f}, mean absolute error {rating[3]:.2f}.",
        f"Reviews of {length[0]} tokens: root mean squared error {length[2]:.2f}.",
        "Irony, and texts that are not reviews: they get a rating all the same.",
    ]
    if missing:
        names = ", ".join(map(str, missing))
        sentences.append(f"Ratings {names} do not occur in the test data; nothing is known of such reviews.")
    if torn.any():
        error = np.abs(predictions[torn] - ratings[torn]).mean()
        sentences.append(
            f"Mixed reviews: {torn.mean():.1%} of the predictions are ratings that do not occur, mean absolute error "
            f"{error:.2f}. Such a prediction is the mean of two likely ratings, not a sign of a lukewarm text."
        )
    return sentences


def report_sections(
    ratings: np.ndarray,
    predictions: np.ndarray,
    spreads: np.ndarray | None,
    texts: Sequence[str],
    lengths: np.ndarray,
    rows: Sequence[Sequence[str]],
) -> list[tuple[str, str]]:
    """The pieces of the HTML report."""
    whole = np.unique(np.rint(np.concatenate([ratings, predictions])))
    matrix = confusion_matrix(np.rint(ratings), np.rint(predictions), labels=whole)
    figure, axes = new_figure(5, 4)
    groups = np.array_split(np.argsort(predictions, kind="stable"), min(10, len(predictions)))
    axes.plot([whole[0], whole[-1]], [whole[0], whole[-1]], "--", color=GREY, linewidth=1.5, label="perfect")
    means = [predictions[g].mean() for g in groups], [ratings[g].mean() for g in groups]
    axes.plot(*means, "o-", color=BLUE, label="model")
    axes.set(xlabel="mean prediction of a tenth of the reviews", ylabel="their mean true rating", title="Calibration")
    axes.legend(frameon=False)
    confusion = confusion_figure(matrix, [f"{value:g}" for value in whole], "Rounded predictions")
    return [
        ("Scores", html_table(rows) + html_text("In brackets: 95% bootstrap intervals over reviews.")),
        ("Confusion matrix", html_figure(confusion, CONFUSIONS.format("rating"))),
        (
            "Calibration of the ratings",
            html_figure(figure, "Mean true rating against mean prediction, in ten groups of reviews."),
        ),
        *([] if spreads is None else [("Calibration of the spreads", spread_section(ratings, predictions, spreads))]),
        ("By rating", html_table(by_rating(ratings, predictions))),
        ("By length", html_table(by_length(ratings, predictions, lengths))),
        ("The 50 largest errors", html_list(worst_mistakes(ratings, predictions, texts, 50))),
    ]


def spread_section(ratings: np.ndarray, predictions: np.ndarray, spreads: np.ndarray) -> str:
    """The piece of the HTML report on the spreads: picture and table."""
    rows = by_spread(ratings, predictions, spreads)
    said, found = [row[0] for row in rows[1:]], [row[2] for row in rows[1:]]
    figure, axes = new_figure(5, 4)
    axes.plot([0, max(said)], [0, max(said)], "--", color=GREY, linewidth=1.5, label="perfect")
    axes.plot(said, found, "o-", color=BLUE, label="model")
    axes.set(
        xlabel="predicted spread, of a tenth of the reviews", ylabel="their root mean squared error", title="Spread"
    )
    axes.legend(frameon=False)
    return html_figure(
        figure, "Root mean squared error against the predicted spread, in ten groups of reviews."
    ) + html_table(rows)
