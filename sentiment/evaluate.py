"""Score a rating model on a test file, beside the baselines.

    python -m sentiment.evaluate --model example_model/sentiment --test sentiment/dataset/test.csv \\
        --train sentiment/dataset/train.csv --report runs/report
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from common.cli import options as commands
from common.errors import run_command
from common.settings import add_overrides, make_parser, override
from common.text.token_cache import CACHE_HELP
from sentiment.config import SentimentConfig
from sentiment.predict import DEFAULT_NAME, TASK, RatingModel

SCORES = ("r2", "r2_rounded", "rmse", "mae", "spearman", "qwk", "binary_accuracy", "error_in_spreads")


def rating_scores(ratings: np.ndarray, predictions: np.ndarray, config: SentimentConfig) -> dict[str, float]:
    """Score predicted ratings.

    Args:
        ratings: true ratings (reviews,).
        predictions: predicted ratings (reviews,).
        config: the scale; its middle divides good from bad.
    Returns:
        `r2` and `rmse`, `mae` on the rating scale; `r2_rounded` and `qwk` (quadratic weighted kappa) on predictions
        rounded to whole ratings; `spearman` rank correlation; `binary_accuracy` of good against bad, where a true
        rating in the very middle of the scale is left out. What is not defined (one review, all the same) is 0.
    """
    from scipy.stats import rankdata
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    rounded = np.rint(predictions)
    varied = len(ratings) > 1 and np.ptp(ratings) > 0
    return {
        "r2": float(r2_score(ratings, predictions)) if varied else 0.0,
        "r2_rounded": float(r2_score(ratings, rounded)) if varied else 0.0,
        "rmse": math.sqrt(mean_squared_error(ratings, predictions)),
        "mae": float(mean_absolute_error(ratings, predictions)),
        "spearman": float(np.corrcoef(rankdata(ratings), rankdata(predictions))[0, 1])
        if varied and np.ptp(predictions) > 0
        else 0.0,
        "qwk": quadratic_kappa(np.rint(ratings), rounded),
        **side_scores(ratings, predictions > middle_of(config), config),
    }


def quadratic_kappa(ratings: np.ndarray, predictions: np.ndarray) -> float:
    """Compare the mean squared distance of what belongs together with that of all pairs of a rating and a prediction.

    Cohen 1968, "Weighted Kappa", the weights being squared distances. Without a table of counts it takes a tenth of the
    time, and an interval asks for it some hundred times.

    Returns:
        1: all the same; 0: no nearer than by chance, or both are one and the same number.
    """
    ratings, predictions = ratings.astype(np.float64), predictions.astype(np.float64)
    of_all_pairs = ratings.var() + predictions.var() + (ratings.mean() - predictions.mean()) ** 2
    return float(1 - np.mean((ratings - predictions) ** 2) / of_all_pairs) if of_all_pairs else 0.0


def side_scores(ratings: np.ndarray, good: np.ndarray, config: SentimentConfig) -> dict[str, float]:
    """Score answers that only part good from bad.

    Args:
        ratings: true ratings (reviews,).
        good: whether each was said to be good, bool (reviews,).
        config: the scale.
    """
    sided = ratings != middle_of(config)
    right = good[sided] == (ratings > middle_of(config))[sided]
    return {"binary_accuracy": float(right.mean()) if sided.any() else 0.0}


def middle_of(config: SentimentConfig) -> float:
    """The middle of the scale, which parts good from bad."""
    return (config.min_rating + config.max_rating) / 2


def spread_scores(ratings: np.ndarray, predictions: np.ndarray, spreads: np.ndarray) -> dict[str, float]:
    """Score how well a model knows how sure it may be.

    Returns:
        `error_in_spreads`: the root mean square of the errors, each divided by the spread that was said. 1 is right;
        more means that the model is surer than it should be.
    """
    return {"error_in_spreads": float(np.sqrt(np.mean(((ratings - predictions) / np.maximum(spreads, 0.01)) ** 2)))}


def by_spread(ratings: np.ndarray, predictions: np.ndarray, spreads: np.ndarray) -> list[list]:
    """One row for each tenth of the reviews, from the surest answers to the least sure."""
    rows: list[list] = [["spread said", "reviews", "root mean squared error"]]
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
        f"Reviews rated {rating[0]:g}: it says {rating[2]:.1f} on average, {rating[3]:.2f} off (mean absolute error).",
        f"Reviews of {length[0]} tokens: root mean squared error {length[2]:.2f}.",
        "Irony, and texts that are no reviews: it gives them a rating all the same.",
    ]
    if missing:
        names = ", ".join(map(str, missing))
        sentences.append(f"Ratings {names} do not occur in the test data; nothing is known of such reviews.")
    if torn.any():
        error = np.abs(predictions[torn] - ratings[torn]).mean()
        sentences.append(
            f"Mixed reviews: {torn.mean():.1%} of the reviews get one of the ratings that do not occur, {error:.2f} "
            "off. It means that the model is torn, not that the text is lukewarm."
        )
    return sentences


def report_sections(ratings, predictions, spreads, texts, lengths, rows) -> list[tuple[str, str]]:
    """The pieces of the HTML report."""
    from sklearn.metrics import confusion_matrix

    from common.evaluation.report import confusion_figure, html_figure, html_table, html_text, new_figure

    whole = np.unique(np.rint(np.concatenate([ratings, predictions])))
    matrix = confusion_matrix(np.rint(ratings), np.rint(predictions), labels=whole)
    figure, axes = new_figure(5, 4)
    groups = np.array_split(np.argsort(predictions, kind="stable"), min(10, len(predictions)))
    axes.plot([whole[0], whole[-1]], [whole[0], whole[-1]], color="grey", linewidth=1, label="perfect")
    axes.plot([predictions[g].mean() for g in groups], [ratings[g].mean() for g in groups], "o-", label="model")
    axes.set(xlabel="mean prediction of a tenth of the reviews", ylabel="their mean true rating", title="Calibration")
    axes.legend(frameon=False)
    confusion = confusion_figure(matrix, [f"{value:g}" for value in whole], "Rounded predictions")
    return [
        ("Scores", html_table(rows) + html_text("In brackets: 95% bootstrap intervals over reviews.")),
        ("Which rating is taken for which", html_figure(confusion, "confusion matrix of ratings")),
        ("Does a prediction mean what it says?", html_figure(figure, "mean true rating against mean prediction")),
        *([] if spreads is None else [("Does it know how sure it is?", spread_section(ratings, predictions, spreads))]),
        ("By rating", html_table(by_rating(ratings, predictions))),
        ("By length", html_table(by_length(ratings, predictions, lengths))),
        ("The 50 worst mistakes", html_table(worst_mistakes(ratings, predictions, texts, 50))),
    ]


def spread_section(ratings, predictions, spreads) -> str:
    """The piece of the HTML report on the spreads: picture and table."""
    from common.evaluation.report import html_figure, html_table, new_figure

    rows = by_spread(ratings, predictions, spreads)
    said, found = [row[0] for row in rows[1:]], [row[2] for row in rows[1:]]
    figure, axes = new_figure(5, 4)
    axes.plot([0, max(said)], [0, max(said)], color="grey", linewidth=1, label="perfect")
    axes.plot(said, found, "o-", label="model")
    axes.set(xlabel="spread said, of a tenth of the reviews", ylabel="their root mean squared error", title="Spread")
    axes.legend(frameon=False)
    return html_figure(figure, "root mean squared error against the spread said") + html_table(rows)


def evaluate(model: RatingModel, arguments) -> dict:
    """Score a model on a file, beside the baseline if training data is given; returns what `--json` prints."""
    from common.bundles.provenance import describe_file
    from common.evaluation.metrics import format_score, with_intervals
    from common.evaluation.report import score_rows
    from common.text.tokenization import load_pipeline, tokenize_cached
    from sentiment.loader import load_reviews, share_cut

    scale = arguments.min_rating, arguments.max_rating
    config = override(model.config, arguments)
    reviews = load_reviews(arguments.test, config, None, *scale)
    tokens = tokenize_cached(reviews.texts, load_pipeline())
    lengths = np.array([len(row) for row in tokens])
    predictions, spreads = model.predict_tokens(tokens)

    def score_ratings(chosen: np.ndarray, given: np.ndarray, spreads: np.ndarray | None = None) -> dict[str, float]:
        scores = rating_scores(reviews.ratings[chosen], given[chosen], model.config)
        if spreads is not None:
            scores |= spread_scores(reviews.ratings[chosen], given[chosen], spreads[chosen])
        return scores

    def score_sides(chosen: np.ndarray, good: np.ndarray) -> dict[str, float]:
        return side_scores(reviews.ratings[chosen], good[chosen], model.config)

    intervals = partial(with_intervals, num_units=len(reviews), num_threads=arguments.threads)
    systems = {"model": intervals(partial(score_ratings, given=predictions, spreads=spreads))}
    cut_rate = share_cut(lengths, model.config)
    notes = [f"{len(reviews):,} reviews, {lengths.sum():,} tokens; {cut_rate:.1%} of the reviews were cut"]
    without_known = {}
    if arguments.train:
        from sentiment.tfidf_linear import RATES, LinearModels

        known = load_reviews(arguments.train, config, None, *scale)
        linear = LinearModels(known.texts, known.ratings, middle_of(model.config))
        for name, answer in linear.predict(reviews.texts).items():
            if name in RATES:
                inside = np.clip(answer, model.config.min_rating, model.config.max_rating)
                systems[name] = intervals(partial(score_ratings, given=inside))
            else:
                systems[name] = intervals(partial(score_sides, good=answer))
        new = ~np.isin(reviews.texts, known.texts)
        if not new.all() and new.any():
            without_known = {"num_examples": int(new.sum()), **score_ratings(new, predictions)}
            notes.insert(
                0,
                f"{(~new).sum():,} of the reviews also stand in {arguments.train.name}; without them "
                + ", ".join(f"{name} {format_score(name, without_known)}" for name in ("r2", "binary_accuracy")),
            )
    result = {
        **systems.pop("model"),
        "num_examples": len(reviews),
        "num_tokens": int(lengths.sum()),
        "cut_rate": cut_rate,
        "without_known_texts": without_known,
        "baselines": systems,
        "data": describe_file(arguments.test),
        "weaknesses": weaknesses(reviews.ratings, predictions, lengths),
    }
    names = [name for name in SCORES if name in result]
    rows = score_rows(names, {"model": result, **systems})
    commands.show_scores(
        arguments,
        result,
        rows,
        "\n".join(notes),
        lambda: report_sections(reviews.ratings, predictions, spreads, reviews.texts, lengths, rows),
    )
    return result


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("sentiment.evaluate", __doc__, CACHE_HELP)
    commands.add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--min-rating", type=commands.number(float), help="worst rating in the files, if not the model's"
    )
    parser.add_argument(
        "--max-rating", type=commands.number(float), help="best rating in the files, if not the model's"
    )
    add_overrides(parser, SentimentConfig, ("text_column", "rating_column"))
    arguments = parser.parse_args(argv)
    commands.check_evaluate_arguments(arguments)
    with commands.claim_for_scores(arguments):
        model = RatingModel.load(arguments.model, arguments.engine, arguments.threads)
        result = evaluate(model, arguments)
        if arguments.save:
            commands.save_scores(parser, arguments, TASK, model.config, result, SCORES)


if __name__ == "__main__":
    run_command(main)
