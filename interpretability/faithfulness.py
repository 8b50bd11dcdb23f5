"""Faithfulness: is what an attribution calls important what the model uses? Deletion tests and a randomization test.

comprehensiveness   f(text) - f(text without its most important tokens)       the more, the better
sufficiency         f(text) - f(the most important tokens alone)              the less, the better
randomization       rank correlation of the weights before and after the layers of the network are randomized, from
                    the output down; an attribution that stays the same does not depend on what was learned

Both of the first are means over shares of the tokens, 1, 5, 10, 20 and 50% (DeYoung et al. 2020, "ERASER", where a
probability is scored; AOPC of Samek et al. 2017). The third is Adebayo et al. 2018, "Sanity Checks for Saliency Maps".

A number that falls when words are taken away, such as a rating, may as well rise: so what counts is the way from the
score of the whole text towards that of the text with all tokens taken away, which is taken as positive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from common.errors import InputError
from common.evaluation.metrics import with_intervals
from common.evaluation.page import html_table, html_text
from common.evaluation.report import text_table
from common.progress import progress
from interpretability.attribution import Attribution, Scorer, attribute
from interpretability.config import (
    COMPARED,
    DELETIONS,
    INTEGRATED,
    OCCLUSION,
    AttributionConfig,
    FaithfulnessConfig,
    without_refusal,
)

if TYPE_CHECKING:
    import keras

Tokens = TypeVar("Tokens", bound=Sized)
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)  # of the tokens; DeYoung et al. 2020, section 5
RANDOM = "random order"
MEASURES = ("comprehensiveness", "sufficiency")
FAVOURED = "†"  # ranked and deleted by the same operator
NOT_AHEAD = "(not ahead)"


@dataclass(frozen=True)
class DeletionResult:
    """How far a method is from random orders under one deletion operator, in the unit of the score.

    Attributes:
        method: its name, with its baseline.
        deletion: the operator.
        scores: `comprehensiveness` and `sufficiency`, means over the examples, and how far each is ahead of the
            random orders, NAME`_ahead`, a paired difference that is better the larger it is; each with its interval.
        is_favoured: whether the method has ranked the tokens by the very operator that deletes them.
    """

    method: str
    deletion: str
    scores: dict[str, Any]
    is_favoured: bool = False

    def ahead(self, measure: str) -> bool:
        """Whether the 95% interval of the difference from random orders is all on the better side."""
        return self.scores[f"{measure}_ahead_interval"][0] > 0

    def cell(self, measure: str) -> str:
        """A measure with its interval, and whether it is no better than random orders."""
        low, high = self.scores[f"{measure}_interval"]
        mark = f" {FAVOURED}" if self.is_favoured else ""
        behind = "" if self.method == RANDOM or self.ahead(measure) else f" {NOT_AHEAD}"
        return f"{self.scores[measure]:.3f} [{low:.3f}, {high:.3f}]{mark}{behind}"


@dataclass(frozen=True)
class Faithfulness:
    """The result of both tests.

    Attributes:
        unit: of the scores, "stars" say.
        num_examples: explained.
        deletions: a result for each method and deletion operator.
        gaps: of each integrated-gradients method, the completeness gaps relative to all |weights|, (examples,).
        ranks: randomized layers, cumulative from the output down, to the mean rank correlation of each method: of the
            weights, and of their absolute values.
        num_randomized: examples of the randomization test.
    """

    unit: str
    num_examples: int
    deletions: list[DeletionResult]
    gaps: dict[str, NDArray[np.float64]]
    ranks: dict[str, dict[str, tuple[float, float]]]
    num_randomized: int = 0

    def deletion_rows(self) -> list[list[str]]:
        """The methods side by side under both deletion operators, as a table; the first row is the header."""
        columns = [(deletion, measure) for deletion in DELETIONS for measure in MEASURES]
        rows = [["method", *(f"{measure}, {deletion}" for deletion, measure in columns)]]
        found = {(result.method, result.deletion): result for result in self.deletions}
        for method in dict.fromkeys(result.method for result in self.deletions):
            rows.append([method, *(found[method, deletion].cell(measure) for deletion, measure in columns)])
        return rows

    def randomization_rows(self) -> list[list[str]]:
        """The randomization test as a table; the first row is the header."""
        methods = list(next(iter(self.ranks.values()), {}))
        rows = [["randomized down to", *methods]]
        for layer, found in self.ranks.items():
            rows.append([layer, *(f"{signed:+.2f} / {absolute:+.2f}" for signed, absolute in found.values())])
        return rows

    def notes(self) -> list[str]:
        """What has to be known to read the tables."""
        notes = [
            f"{self.num_examples:,} examples, in {self.unit}; 95% bootstrap intervals over them. More "
            f"comprehensiveness and less sufficiency are better; {NOT_AHEAD}: the interval of the paired difference "
            "from random orders is not all on the better side.",
            f"{FAVOURED} The method has ranked the words by the operator that deletes them, which favours it: compare "
            "it under the other one.",
        ]
        for name, gaps in self.gaps.items():
            notes.append(
                f"{name}: completeness gap {np.median(gaps):.2%} of all |weights| in the median, {gaps.max():.1%} at "
                f"most; above 5%, where an explanation is refused, in {(gaps > 0.05).sum()} of {len(gaps)}."
            )
        if self.ranks:
            notes.append(
                f"Randomization: mean Spearman correlation over {self.num_randomized} examples, of the weights / of "
                "their absolute values; near 0 is what a faithful method shows."
            )
        return notes

    def __str__(self) -> str:
        tables = [self.deletion_rows(), *([self.randomization_rows()] if self.ranks else [])]
        return "\n\n".join([*map(text_table, tables), "\n".join(self.notes())])

    def record(self) -> dict[str, Any]:
        """All numbers by name, as JSON has them."""
        return {
            "unit": self.unit,
            "num_examples": self.num_examples,
            "deletions": [
                {**vars(result), "is_ahead": {measure: result.ahead(measure) for measure in MEASURES}}
                for result in self.deletions
            ],
            "completeness_gaps": {
                name: {
                    "median": float(np.median(gaps)),
                    "largest": float(gaps.max()),
                    "above_5%": int((gaps > 0.05).sum()),
                }
                for name, gaps in self.gaps.items()
            },
            "randomization": {
                layer: {name: [*pair] for name, pair in found.items()} for layer, found in self.ranks.items()
            },
        }

    def section(self) -> str:
        """The tables as a piece of a page."""
        ranks = f"<h2>Randomization of the weights</h2>{html_table(self.randomization_rows())}" if self.ranks else ""
        notes = "".join(html_text(note, "note") for note in self.notes())
        return f"<section><h2>Deletion of words</h2>{html_table(self.deletion_rows())}{ranks}{notes}</section>"

    def _repr_html_(self) -> str:
        return self.section()


def measure_faithfulness(
    scorers: Sequence[Scorer],
    unit: str,
    config: FaithfulnessConfig | None = None,
    methods: Sequence[AttributionConfig] = COMPARED,
    network: keras.Model | None = None,
    on_network: Callable[[Any], Scorer] | None = None,
) -> Faithfulness:
    """Measure the faithfulness of methods side by side.

    Args:
        scorers: an example each.
        unit: of their scores.
        config: how much is measured; its `num_examples` and `max_tokens` were for those who made the scorers.
        methods: those compared.
        network: the Keras model of the scorers, for the randomization test; its weights are given back to it. None:
            there is none.
        on_network: makes of a scorer one that answers by that model.
    """
    config = config or FaithfulnessConfig()
    methods = [without_refusal(method) for method in methods]
    rng = np.random.default_rng(config.seed)
    found = [
        [attribute(scorer, method) for method in methods] for scorer in progress(scorers, "Explaining", len(scorers))
    ]
    curves = np.stack(
        [
            deletion_scores(scorer, [each.weights for each in row], config.num_random_orders, rng)
            for scorer, row in progress(zip(scorers, found, strict=True), "Deleting", len(scorers))
        ]
    )  # (examples, deletions, methods + random, measures)
    randomized = [on_network(scorer) for scorer in scorers[: config.num_randomized]] if on_network else []
    ranks = randomization_test(network, randomized, methods, config.seed) if network is not None and randomized else {}
    gaps = {
        method.name: np.array([row[place].relative_gap for row in found])
        for place, method in enumerate(methods)
        if method.method == INTEGRATED
    }
    return Faithfulness(unit, len(scorers), summarize(curves, methods), gaps, ranks, len(randomized))


def draw(token_lists: Sequence[Tokens], config: FaithfulnessConfig, least: int = 2) -> list[Tokens]:
    """Draw the examples: random ones that are neither too short nor too long.

    Args:
        token_lists: the tokens of each text, or what else has a length.
        config: how many, and how long at most.
        least: tokens of the shortest.
    Raises:
        InputError: there are fewer than two.
    """
    fitting = [tokens for tokens in token_lists if least <= len(tokens) <= config.max_tokens]
    if len(fitting) < 2:
        raise InputError(
            f"--faithfulness: found {len(fitting)} texts of {least} to {config.max_tokens} tokens, wanted 2 at least; "
            "give more texts, or a larger --max-tokens"
        )
    order = np.random.default_rng(config.seed).permutation(len(fitting))[: config.num_examples]
    return [fitting[place] for place in order]


def deletion_scores(
    scorer: Scorer, weights: Sequence[NDArray[np.float64]], num_random_orders: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Comprehensiveness and sufficiency of one example.

    Args:
        scorer: the example.
        weights: of its tokens, by each method.
        num_random_orders: of which the mean is taken.
        rng: random generator of the orders.
    Returns:
        (deletions, methods + 1, 2); last of the methods are the random orders.
    """
    num_tokens = len(scorer.tokens)
    chance = [rng.random(num_tokens) for _ in range(num_random_orders)]
    result = []
    for deletion in DELETIONS:
        ends = np.stack([np.ones(num_tokens, bool), np.zeros(num_tokens, bool)])
        whole, nothing = scorer.score(ends, deletion)
        sign = -1.0 if whole < nothing else 1.0
        orders = [np.argsort(-sign * row, kind="stable") for row in weights] + [np.argsort(row) for row in chance]
        deleted = np.stack([top_tokens(order) for order in orders])  # (orders, shares, tokens)
        kept = np.concatenate([~deleted, deleted], axis=1).reshape(-1, num_tokens)
        distinct, places = np.unique(kept, axis=0, return_inverse=True)
        drops = sign * (whole - scorer.score(distinct, deletion)[places.ravel()])
        means = drops.reshape(len(orders), 2, len(SHARES)).mean(axis=-1)  # (orders, measures)
        result.append(np.vstack([means[: len(weights)], means[len(weights) :].mean(axis=0)]))
    return np.stack(result)


def top_tokens(order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which tokens are among the first of an order, for each share, (shares, tokens); at least one is.

    >>> top_tokens(np.array([2, 0, 1])).astype(int)[[0, -1]].tolist()
    [[0, 0, 1], [1, 0, 1]]
    """
    ranks = np.empty(len(order), int)
    ranks[order] = np.arange(len(order))
    return np.stack([ranks < np.ceil(share * len(order)) for share in SHARES])


def summarize(curves: NDArray[np.float64], methods: Sequence[AttributionConfig]) -> list[DeletionResult]:
    """Means over the examples with bootstrap intervals, and paired differences from the random orders.

    Args:
        curves: (examples, deletions, methods + 1, measures).
        methods: in their order; the random orders come after them.
    """
    results = []
    for i, deletion in enumerate(DELETIONS):
        for j, name in enumerate([*(method.name for method in methods), RANDOM]):
            own, random = curves[:, i, j], curves[:, i, -1]  # (examples, measures)
            columns = {
                "comprehensiveness": own[:, 0],
                "sufficiency": own[:, 1],
                "comprehensiveness_ahead": own[:, 0] - random[:, 0],
                "sufficiency_ahead": random[:, 1] - own[:, 1],
            }
            scores = with_intervals(partial(_means, columns), len(curves))
            is_favoured = j < len(methods) and methods[j].method == OCCLUSION and methods[j].baseline == deletion
            results.append(DeletionResult(name, deletion, scores, is_favoured))
    return results


def _means(columns: dict[str, NDArray[np.float64]], indices: NDArray[np.intp]) -> dict[str, float]:
    return {name: float(values[indices].mean()) for name, values in columns.items()}


def randomization_test(
    network: keras.Model, scorers: Sequence[Scorer], methods: Sequence[AttributionConfig], seed: int
) -> dict[str, dict[str, tuple[float, float]]]:
    """Cascading randomization: how much of the order of the weights stays when layers lose what they have learned.

    The numbers of each weight are shuffled, so that its distribution stays. Each layer adds to those above it.

    Args:
        network: a Keras model; it has its own weights again at the end.
        scorers: examples that it answers.
        methods: those compared.
        seed: of the shuffling.
    Returns:
        For each layer, from the output down, and each method: the mean Spearman correlation with the weights of the
        trained network, and that of the absolute values.
    """
    examples = [scorer for scorer in scorers if len(scorer.tokens) > 2]
    trained = [_explain_all(scorer, methods) for scorer in examples]
    layers = [layer for layer in reversed(network.layers) if layer.get_weights()]
    ranks: dict[str, dict[str, tuple[float, float]]] = {}
    with weights_kept(network):
        for layer in progress(layers, "Randomizing", len(layers)):
            shuffle_weights(layer, np.random.default_rng([seed, len(ranks)]))
            now = [_explain_all(scorer, methods) for scorer in examples]
            ranks[layer.name] = {
                method.name: _mean_correlations(
                    [(a[i].weights, b[i].weights) for a, b in zip(trained, now, strict=True)]
                )
                for i, method in enumerate(methods)
            }
    return ranks


def _explain_all(scorer: Scorer, methods: Sequence[AttributionConfig]) -> list[Attribution]:
    return [attribute(scorer, without_refusal(method)) for method in methods]


def _mean_correlations(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> tuple[float, float]:
    signed = [rank_correlation(a, b) for a, b in pairs]
    absolute = [rank_correlation(np.abs(a), np.abs(b)) for a, b in pairs]
    return float(np.mean(signed)), float(np.mean(absolute))


def rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; 0 where all values of one side are the same.

    >>> round(rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([0.1, 0.2, 0.3])), 6)
    1.0
    """
    ranks = np.stack([rankdata(a), rankdata(b)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    scale = float(np.sqrt((ranks**2).sum(axis=1).prod()))
    return float((ranks[0] * ranks[1]).sum()) / scale if scale else 0.0


def shuffle_weights(layer: keras.layers.Layer, rng: np.random.Generator) -> None:
    """Shuffle the numbers of each weight of a layer, each weight by itself."""
    layer.set_weights([rng.permutation(weight.ravel()).reshape(weight.shape) for weight in layer.get_weights()])


@contextmanager
def weights_kept(network: keras.Model) -> Iterator[None]:
    """Give a network its weights back at the end."""
    weights = network.get_weights()
    try:
        yield
    finally:
        network.set_weights(weights)
