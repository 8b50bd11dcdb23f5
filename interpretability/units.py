"""Which unit of a network follows a concept? Chosen on one split, reported on another, beside three controls.

python -m interpretability.units --model stories --input stories.csv
python -m interpretability.units --model stories --input train.csv --test test.csv --output microscope.html

Karpathy, Johnson & Fei-Fei 2015, "Visualizing and Understanding Recurrent Networks", found units that count the
characters of a line or know that a quotation is open; Radford, Jozefowicz & Sutskever 2017, "Learning to Generate
Reviews and Discovering Sentiment", one that follows whether a review is good.
"""

from __future__ import annotations

from common.cli.run import run_command
from interpretability import cli

if __name__ == "__main__":
    run_command(cli.units)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from common.errors import InputError
from common.evaluation.metrics import with_intervals
from common.evaluation.report import text_table
from common.progress import progress
from interpretability.concepts import Concept, concepts_of
from interpretability.controls import random_basis, shuffle, untrained
from interpretability.microscope_config import CELL, EVERY, LAST, MEAN, UnitsConfig
from interpretability.reading import Model, Piece, choose_places, independent_rows, layers_of, read_states

LEAST_OF_A_KIND = 20  # rows with a concept, and without it
NUM_RESAMPLES = 200
PENALTY, INVERSE_PENALTY, MAX_ITERATIONS, TOLERANCE = 100.0, 0.01, 200, 0.01  # of the regressions on all units

OWN_UNIT, ANY_DIRECTION = "a unit of its own", "in any direction"
ALSO_UNTRAINED, CHANCE = "untrained too", "chance"
CONTROLS = ("random bases", "untrained", "shuffled labels")

Values = NDArray[np.float32]  # (rows, units)


@dataclass(frozen=True)
class Sample:
    """Places in texts: what the units of each layer are there, and what holds.

    Attributes:
        values: by layer, (rows, units).
        labels: by concept, (rows,), NaN where nobody knows.
        texts: the number of the text of each row.
    """

    values: Mapping[str, Values]
    labels: Mapping[str, NDArray[np.float64]]
    texts: NDArray[np.intp]

    def known(self, concept: str) -> NDArray[np.bool_]:
        """The rows where a concept is known."""
        return ~np.isnan(self.labels[concept])


@dataclass(frozen=True)
class UnitScore:
    """A unit and how it goes with a concept.

    Attributes:
        layer: its layer.
        unit: its number.
        sign: 1, or -1 where low values of the unit go with the concept.
        chosen: the score on the split that it was chosen on, AUC or correlation.
        score: on the other split.
        interval: of that, 95%, by bootstrap over texts.
    """

    layer: str
    unit: int
    sign: int
    chosen: float
    score: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class ConceptResult:
    """The units that follow a concept best, and the controls; all scores are held-out.

    Attributes:
        concept: the concept.
        num_rows: places it was scored on.
        share: of these where it holds; for a number its mean.
        units: the best ones of the first split, the best first.
        all_units: the score of a regression on all units.
        random: of the best unit of each random basis.
        untrained: of the best unit of each untrained network.
        shuffled: of the best unit for labels of other places.
    """

    concept: Concept
    num_rows: int
    share: float
    units: list[UnitScore]
    all_units: float
    random: list[float]
    untrained: list[float]
    shuffled: list[float]

    @property
    def verdict(self) -> str:
        """What the lower end of the best unit's interval is above: all controls, or not this one."""
        low = self.units[0].interval[0]
        if not low > max(self.shuffled):
            return CHANCE
        if self.untrained and not low > max(self.untrained):
            return ALSO_UNTRAINED
        if not low > max(self.random):
            return ANY_DIRECTION
        return OWN_UNIT

    def record(self) -> dict[str, Any]:
        """All that is known, by name."""
        return {
            "concept": self.concept.name,
            "meaning": self.concept.meaning,
            "measure": "auc" if self.concept.is_binary else "correlation",
            "num_rows": self.num_rows,
            "share" if self.concept.is_binary else "mean": self.share,
            "units": [vars(unit) for unit in self.units],
            "all_units": self.all_units,
            "random": self.random,
            "untrained": self.untrained,
            "shuffled": self.shuffled,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class UnitResults:
    """What was found for each concept; `left_out` are those that the texts do not show, and why."""

    results: list[ConceptResult]
    left_out: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[list[str]]:
        """A table; the first row is the header."""
        head = ["concept", "unit", "measure", "held out [95%]", "verdict", "all units", *CONTROLS]
        return [head, *map(_row, self.results)]

    def record(self) -> dict[str, Any]:
        """All that is known, by name."""
        return {"concepts": [result.record() for result in self.results], "left_out": self.left_out}

    def __str__(self) -> str:
        lines = [text_table(self.rows())] if self.results else []
        lines += [f"{name}: left out, {why}" for name, why in self.left_out.items()]
        return "\n".join(lines)


def _row(result: ConceptResult) -> list[str]:
    best = result.units[0]
    low, high = best.interval
    return [
        result.concept.name,
        f"{best.layer} {best.unit}{' (low)' * (best.sign < 0)}",
        "AUC" if result.concept.is_binary else "r",
        f"{best.score:.3f} [{low:.3f}, {high:.3f}]",
        result.verdict,
        f"{result.all_units:.3f}",
        *(spread(control) for control in (result.random, result.untrained, result.shuffled)),
    ]


def spread(values: Sequence[float]) -> str:
    """The median of some scores and the largest one.

    >>> spread([0.5, 0.7, 0.6])
    '0.600, at most 0.700'
    """
    return f"{np.median(values):.3f}, at most {max(values):.3f}" if values else ""


# -- Samples --------------------------------------------------------------------------------------------------------


def collect(model: Model, pieces: Sequence[Piece], concepts: Sequence[Concept], config: UnitsConfig) -> Sample:
    """Read pieces, and keep what the units are at some of their tokens.

    Args:
        model: the model, or an untrained one.
        pieces: what it reads.
        concepts: what is asked of them.
        config: how many tokens, and which values.
    """
    wanted = config.num_tokens if config.at == EVERY else 0
    places = choose_places([len(piece.tokens) for piece in pieces], wanted, config.seed)
    values: dict[str, list[Values]] = {name: [np.empty((0, 0), np.float32)] * len(pieces) for name in layers_of(model)}
    wants_cells = config.values == CELL
    for found in read_states(model, [piece.tokens for piece in pieces], wants_cells):
        for name, states in found.states.items():
            kept = np.tanh(found.gates[name]["c"]) if wants_cells else states
            values[name][found.number] = _at(kept, places[found.number], config.at)
    labels = {
        concept.name: np.concatenate(
            [_at(concept.find(piece), chosen, config.at) for piece, chosen in zip(pieces, places, strict=True)]
        )
        for concept in concepts
    }
    texts = [np.full(len(rows), piece.text) for rows, piece in zip(values[next(iter(values))], pieces, strict=True)]
    return Sample({name: np.concatenate(rows) for name, rows in values.items()}, labels, np.concatenate(texts))


def _at(values: NDArray, places: NDArray[np.intp], at: str) -> NDArray:
    """The rows of some tokens, or the one that stands for a text."""
    if at == LAST:
        return values[-1:]
    return values.mean(axis=0, keepdims=True) if at == MEAN else values[places]


# -- Scores ---------------------------------------------------------------------------------------------------------


def associate(values: NDArray, labels: NDArray[np.float64], is_binary: bool) -> float:
    """How one unit goes with labels, from -1 to 1.

    Args:
        values: (rows,).
        labels: (rows,), 0 and 1, or numbers.
        is_binary: whether they are 0 and 1. Then it is 2 AUC - 1 (Somers' D), else Pearson's correlation.

    >>> associate(np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0, 1.0]), True)
    0.75
    """
    if not is_binary:
        return float(_correlations(values[:, None], labels)[0])
    ranks, ones = rankdata(values), labels.sum()  # Mann & Whitney 1947; equal values share a rank
    above = ranks @ labels - ones * (ones + 1) / 2
    return float(2 * above / (ones * (len(labels) - ones)) - 1)


def _correlations(values: NDArray, labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of each unit with the labels, (units,); 0 for a unit that does not vary."""
    centred = labels - labels.mean()
    values = values - values.mean(axis=0)
    scale = np.sqrt((values**2).sum(axis=0) * (centred**2).sum())
    return np.divide(centred @ values, scale, out=np.zeros(values.shape[1]), where=scale > 0)


def associate_all(
    values: Values,
    labels: Sequence[NDArray[np.float64]],
    kinds: Sequence[bool],
    order: NDArray[np.intp] | None = None,
) -> NDArray[np.float64]:
    """How every unit goes with every concept, to choose from; the units are sorted once for all concepts.

    Args:
        values: (rows, units).
        labels: of each concept, (rows,), NaN where it is not known.
        kinds: whether each is binary, see `associate`. Equal values are ranked in the order of the rows.
        order: of the rows by each unit, where it is known already.
    Returns:
        (concepts, units).
    """
    order = np.argsort(values, axis=0) if order is None and any(kinds) else order
    found = np.empty((len(labels), values.shape[1]))
    for row, (each, is_binary) in enumerate(zip(labels, kinds, strict=True)):
        known = ~np.isnan(each)
        if not is_binary:
            found[row] = _correlations(values[known], each[known])
            continue
        ranks = np.cumsum(known[order], axis=0, dtype=np.int32)  # among the known rows, (rows, units)
        ones = float(np.sum(each == 1))
        above = np.where((each == 1)[order], ranks, 0).sum(axis=0) - ones * (ones + 1) / 2
        found[row] = 2 * above / (ones * (known.sum() - ones)) - 1
    return found


def as_score(association: float, is_binary: bool) -> float:
    """AUC, or correlation."""
    return float((1 + association) / 2) if is_binary else float(association)


def why_left_out(concept: Concept, *samples: Sample) -> str:
    """Why a concept cannot be scored on these samples; "" if it can."""
    for sample in samples:
        labels = sample.labels[concept.name][sample.known(concept.name)]
        if concept.is_binary and min(np.sum(labels == 0), np.sum(labels == 1)) < LEAST_OF_A_KIND:
            return f"{int(np.sum(labels == 1)):,} places with it and {int(np.sum(labels == 0)):,} without are too few"
        if not concept.is_binary and (len(labels) < LEAST_OF_A_KIND or np.ptp(labels) == 0):
            return "it does not vary in these texts"
    return ""


class Chosen(NamedTuple):
    """A unit, and how it goes with a concept on the split that it was chosen on."""

    layer: str
    unit: int
    association: float


def choose_units(
    values: Mapping[str, Values],
    labels: Sequence[NDArray],
    concepts: Sequence[Concept],
    number: int = 1,
    orders: Mapping[str, NDArray[np.intp]] | None = None,
) -> list[list[Chosen]]:
    """The units that go best with each concept, the best first.

    Args:
        values: by layer, (rows, units).
        labels: of each concept, (rows,).
        concepts: the concepts.
        number: of units for each.
        orders: by layer, of the rows by each unit, where they are known already.
    """
    kinds = [concept.is_binary for concept in concepts]
    places = [(name, unit) for name, rows in values.items() for unit in range(rows.shape[1])]
    orders = orders or {}
    found = np.concatenate(
        [associate_all(rows, labels, kinds, orders.get(name)) for name, rows in values.items()], axis=1
    )
    best = np.argsort(-np.abs(found), axis=1, kind="stable")[:, :number]  # (concepts, number)
    return [
        [Chosen(places[i][0], places[i][1], float(row[i])) for i in chosen]
        for row, chosen in zip(found, best.tolist(), strict=True)
    ]


def score_chosen(chosen: Chosen, values: Mapping[str, Values], labels: NDArray, is_binary: bool) -> float:
    """The score of a chosen unit on the other split, AUC or correlation, with the sign that it was chosen with."""
    known = ~np.isnan(labels)
    column = values[chosen.layer][known, chosen.unit]
    return as_score((-1 if chosen.association < 0 else 1) * associate(column, labels[known], is_binary), is_binary)


def best_scores(
    choosing: Mapping[str, Values],
    reporting: Mapping[str, Values],
    labels: tuple[Sequence[NDArray], Sequence[NDArray]],
    concepts: Sequence[Concept],
    orders: Mapping[str, NDArray[np.intp]] | None = None,
) -> list[float]:
    """The held-out score of the best unit for each concept: what a control is asked for."""
    best = choose_units(choosing, labels[0], concepts, orders=orders)
    return [
        score_chosen(chosen[0], reporting, each, concept.is_binary)
        for chosen, each, concept in zip(best, labels[1], concepts, strict=True)
    ]


def rank_units(model: Model, choosing: Sequence[Piece], reporting: Sequence[Piece], config: UnitsConfig) -> UnitResults:
    """Find the units that follow each concept.

    Args:
        model: the model.
        choosing: the texts on which units are chosen.
        reporting: those on which they are scored.
        config: the settings.
    Raises:
        InputError: no such concept, or cells of a network that has none.
    """
    config.validate()
    concepts = chosen_concepts(concepts_of(choosing, model.reader.level), config)
    check_values(model, config)
    samples = collect(model, choosing, concepts, config), collect(model, reporting, concepts, config)
    left_out = {each.name: why for each in concepts if (why := why_left_out(each, *samples))}
    concepts = [each for each in concepts if each.name not in left_out]
    if not concepts:
        return UnitResults([], left_out)
    random, blank, shuffled = run_controls(model, (choosing, reporting), samples, concepts, config)
    labels = _labels(samples[0], concepts), _labels(samples[1], concepts)
    best = choose_units(samples[0].values, labels[0], concepts, config.num_shown)
    results = []
    for number, concept in enumerate(progress(concepts, "Concepts", len(concepts))):
        known = samples[1].known(concept.name)
        results.append(
            ConceptResult(
                concept,
                int(known.sum()),
                float(labels[1][number][known].mean()),
                [score_unit(chosen, samples[1], concept) for chosen in best[number]],
                score_all_units(samples, concept),
                *([scores[number] for scores in control] for control in (random, blank, shuffled)),
            )
        )
    return UnitResults(results, left_out)


def chosen_concepts(concepts: list[Concept], config: UnitsConfig) -> list[Concept]:
    """The concepts that are asked for.

    Raises:
        InputError: there is none of that name for these texts.
    """
    names = [concept.name for concept in concepts]
    for name in config.wanted():
        if name not in names:
            raise InputError(f"--concepts: no concept {name!r} here; there are {', '.join(names)}")
    return [concept for concept in concepts if not config.wanted() or concept.name in config.wanted()]


def check_values(model: Model, config: UnitsConfig) -> None:
    """Refuse cells of a network that has none."""
    kinds = {layer.class_name for layer in layers_of(model).values()}
    if config.values == CELL and kinds != {"LSTM"}:
        raise InputError(f"--values {CELL}: {model.name} is of {' and '.join(sorted(kinds))}, only an LSTM has cells")


Control = list[list[float]]  # of each run the score of the best unit, for each concept


def run_controls(
    model: Model,
    pieces: tuple[Sequence[Piece], Sequence[Piece]],
    samples: tuple[Sample, Sample],
    concepts: Sequence[Concept],
    config: UnitsConfig,
) -> tuple[Control, Control, Control]:
    """The held-out scores of the best units where there should be none: random bases, untrained networks, shuffled."""
    rng = np.random.default_rng([config.seed, 1])
    labels = _labels(samples[0], concepts), _labels(samples[1], concepts)
    choosing, reporting = samples[0].values, samples[1].values
    orders = {name: np.argsort(rows, axis=0) for name, rows in choosing.items()}
    random, shuffled, blank = [], [], []
    for _ in progress(range(config.num_controls), "Controls", config.num_controls):
        bases = {name: random_basis(rows.shape[1], rng) for name, rows in choosing.items()}
        random.append(best_scores(_turn(choosing, bases), _turn(reporting, bases), labels, concepts))
        moved = _shuffle(samples[0], labels[0], rng), _shuffle(samples[1], labels[1], rng)
        shuffled.append(best_scores(choosing, reporting, moved, concepts, orders))
    for seed in progress(range(config.num_untrained), "Untrained networks", config.num_untrained):
        first = replace(model, architecture=untrained(model.architecture, config.seed + seed))
        read = [collect(first, each, concepts, config).values for each in pieces]
        blank.append(best_scores(read[0], read[1], labels, concepts))
    return random, blank, shuffled


def _labels(sample: Sample, concepts: Sequence[Concept]) -> list[NDArray[np.float64]]:
    return [sample.labels[concept.name] for concept in concepts]


def _shuffle(sample: Sample, labels: Sequence[NDArray], rng: np.random.Generator) -> list[NDArray]:
    return [shuffle(each, sample.texts, rng) for each in labels]


def _turn(values: Mapping[str, Values], bases: Mapping[str, Values]) -> dict[str, Values]:
    """The same states in other bases."""
    return {name: rows @ bases[name] for name, rows in values.items()}


def score_unit(chosen: Chosen, sample: Sample, concept: Concept) -> UnitScore:
    """Score a unit on the other split; for the interval whole texts are drawn: tokens of one are not independent."""
    known = sample.known(concept.name)
    labels, texts = sample.labels[concept.name][known], sample.texts[known]
    values = {chosen.layer: sample.values[chosen.layer][known]}
    groups = independent_rows(texts)

    def score(drawn: NDArray[np.intp]) -> dict[str, float]:
        rows = np.concatenate([groups[i] for i in drawn])
        if np.ptp(labels[rows]) == 0:
            return {"score": float("nan")}
        part = {chosen.layer: values[chosen.layer][rows]}
        return {"score": score_chosen(chosen, part, labels[rows], concept.is_binary)}

    found = with_intervals(score, len(groups), NUM_RESAMPLES)
    low, high = found["score_interval"]
    first = as_score(abs(chosen.association), concept.is_binary)
    return UnitScore(chosen.layer, chosen.unit, -1 if chosen.association < 0 else 1, first, found["score"], (low, high))


def score_all_units(samples: tuple[Sample, Sample], concept: Concept) -> float:
    """The held-out score of all units together: logistic regression, or ridge regression for a number."""
    known = [sample.known(concept.name) for sample in samples]
    train, test = (
        np.concatenate([values[rows] for values in sample.values.values()], axis=1)
        for sample, rows in zip(samples, known, strict=True)
    )
    labels, wanted = (sample.labels[concept.name][rows] for sample, rows in zip(samples, known, strict=True))
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    if concept.is_binary:
        fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=MAX_ITERATIONS, tol=TOLERANCE).fit(train, labels)
        found = fitted.decision_function(test)
    else:
        found = Ridge(PENALTY).fit(train, labels).predict(test)
    return as_score(associate(found, wanted, concept.is_binary), concept.is_binary)
