"""Linear probes: what can be read from the hidden states of each layer, and how far back do they remember a word?

python -m interpretability.probe --model stories --input stories.csv --output probes.html
python -m interpretability.probe --model ewt --input train.conllu --test dev.conllu

A probe is a multinomial logistic regression from a state to a label. What it can read is there; whether the network
uses it is another question. Two floors stand beside it. A control task (Hewitt & Liang 2019, "Designing and
Interpreting Probes with Control Tasks") gives every word a label at random, as often as the true ones: a probe that
learns it by heart as well has only told the words apart; accuracy less that of the control task is the selectivity.
And the states of an untrained network of the same shape are probed (Zhang & Bowman 2018): what random weights keep was
not learned.

For the word k steps back the control is another: how often the word is guessed from the current one alone, without any
state, since language itself tells something of the words before.
"""

from __future__ import annotations

from common.cli.run import run_command
from interpretability import cli

if __name__ == "__main__":
    run_command(cli.probe)

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.errors import InputError
from common.evaluation.figures import html_figure, new_figure
from common.evaluation.metrics import with_intervals
from common.evaluation.page import BLUE, GREEN, GREY, ORANGE, html_facts, html_table, html_text, whole_page
from common.evaluation.report import text_table
from common.progress import progress
from interpretability.concepts import PLURAL, SENTENCE_ENDS, SINGULAR
from interpretability.controls import untrained
from interpretability.microscope_config import ProbeConfig
from interpretability.reading import Model, Piece, choose_places, independent_rows, layers_of, read_states

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_ROWS = 50  # of a task, on each split
NUM_RESAMPLES = 200
PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1]  # C, from the strongest penalty on
TOLERANCE = 0.01  # of L-BFGS: five to ten times as fast as 1e-4
LAST_POSITION = 10  # words of a sentence from here on are one class
NOT_ASKED = ""  # the label of a token that a task does not ask about
COLOURS, MARKERS = (BLUE, ORANGE, GREEN, "#cc79a7"), "os^v"

Labels = list[str]  # of the tokens of a piece


@dataclass(frozen=True)
class Task:
    """What a probe is asked.

    Attributes:
        name: of it.
        meaning: the question.
        find: from a piece to the label of each token, `NOT_ASKED` where the question does not arise.
        lag: of a task about words: how far back.
    """

    name: str
    meaning: str
    find: Callable[[Piece], Labels]
    lag: int | None = None


@dataclass(frozen=True)
class ProbeScore:
    """The held-out accuracy of a probe on one layer.

    Attributes:
        layer: the layer.
        accuracy: on the test split.
        interval: of that, 95%, by bootstrap over texts.
        control: accuracy of the same probe on its control task; NaN for words k steps back.
        untrained: accuracy on the states of an untrained network.
    """

    layer: str
    accuracy: float
    interval: tuple[float, float]
    control: float
    untrained: float

    @property
    def selectivity(self) -> float:
        """Accuracy less that of the control task."""
        return self.accuracy - self.control


@dataclass(frozen=True)
class TaskResult:
    """A task: the scores of all layers, and what is right without any state.

    Attributes:
        task: the task.
        num_rows: tokens it was scored on.
        num_labels: classes.
        most_frequent: accuracy of always the most frequent label of the training split.
        word_alone: accuracy of the most frequent label of the current word on the training split.
        scores: of the layers.
    """

    task: Task
    num_rows: int
    num_labels: int
    most_frequent: float
    word_alone: float
    scores: list[ProbeScore]


@dataclass(frozen=True)
class ProbeResults:
    """What the probes read; `left_out` are tasks that the texts do not show, and why."""

    results: list[TaskResult]
    left_out: dict[str, str]

    def rows(self) -> list[list[str]]:
        """A table; the first row is the header."""
        head = [
            "task",
            "layer",
            "accuracy [95%]",
            "control task",
            "selectivity",
            "untrained",
            "word alone",
            "most frequent",
        ]
        return [head] + [
            [
                result.task.name,
                score.layer,
                f"{score.accuracy:.3f} [{score.interval[0]:.3f}, {score.interval[1]:.3f}]",
                *(("", "") if np.isnan(score.control) else (f"{score.control:.3f}", f"{score.selectivity:+.3f}")),
                f"{score.untrained:.3f}",
                f"{result.word_alone:.3f}",
                f"{result.most_frequent:.3f}",
            ]
            for result in self.results
            for score in result.scores
        ]

    def __str__(self) -> str:
        lines = [text_table(self.rows())] if self.results else []
        lines += self.memory()
        lines += [f"{name}: left out, {why}" for name, why in self.left_out.items()]
        return "\n".join(lines)

    def memory(self) -> list[str]:
        """How far back each layer tells the word better than without the state, and than an untrained network does."""
        words = [result for result in self.results if result.task.lag]
        lines = []
        for number, score in enumerate(words[0].scores if words else []):
            found = [result.scores[number] for result in words]
            guess = _num_ahead(found, [max(result.word_alone, result.most_frequent) for result in words])
            untrained = _num_ahead(found, [each.untrained for each in found])
            lines.append(
                f"{score.layer} tells the token up to {guess} back better than a guess without the state, up to "
                f"{untrained} back better than an untrained network ({len(words)} back were asked for)"
            )
        return lines

    def record(self) -> dict[str, Any]:
        """All that is known, by name."""
        return {
            "tasks": [
                {**{name: value for name, value in vars(result).items() if name not in ("task", "scores")},
                 "task": result.task.name, "meaning": result.task.meaning, "lag": result.task.lag,
                 "scores": [vars(score) for score in result.scores]}
                for result in self.results
            ],
            "left_out": self.left_out,
        }  # fmt: skip


def _num_ahead(scores: Sequence[ProbeScore], floors: Sequence[float]) -> int:
    """For how many of the first lags the interval is above a floor."""
    ahead = [score.interval[0] > floor for score, floor in zip(scores, floors, strict=True)]
    return [*ahead, False].index(False)


# -- Tasks ----------------------------------------------------------------------------------------------------------


def tasks_of(train: Sequence[Piece], model: Model, config: ProbeConfig) -> list[Task]:
    """The tasks that some texts allow.

    Args:
        train: the texts on which probes are trained; the words to tell apart are their most frequent ones.
        model: tells whether its tokens are words.
        config: the settings.
    """
    what = model.reader.level
    counts = Counter(token for piece in train for token in _words(piece, model))
    frequent = frozenset(word for word, _ in counts.most_common(config.num_words))
    tasks = [
        Task(
            f"{what} -{lag}" if lag else f"this {what}",
            f"the {what} {lag} steps back",
            _word_back(lag, frequent, model),
            lag,
        )
        for lag in range(config.max_lag + 1)
    ]
    tasks.append(Task("position", f"place in the sentence, {LAST_POSITION} and more as one", _position))
    if train[0].annotations:
        tasks.append(Task("pos", "the part of speech of the word", lambda piece: piece.annotations["upos"]))
        tasks.append(Task("number", "is the word singular or plural?", lambda piece: piece.annotations["number"]))
    elif what == "word":
        tasks.append(Task("number", "was the last of he, she, is …, we, they, are … singular or plural?", _last_number))
    return tasks


def _words(piece: Piece, model: Model) -> list[str]:
    """The tokens as the vocabulary has them."""
    return [token.lower() for token in piece.tokens] if model.reader.vocabulary.lowercase else piece.tokens


def _word_back(lag: int, frequent: frozenset[str], model: Model) -> Callable[[Piece], Labels]:
    def find(piece: Piece) -> Labels:
        words = [NOT_ASKED] * lag + _words(piece, model)[: max(0, len(piece.tokens) - lag)]
        return [word if word in frequent else NOT_ASKED for word in words[: len(piece.tokens)]]

    return find


def _position(piece: Piece) -> Labels:
    position, found = 0, []
    for token in piece.tokens:
        position += 1
        found.append(str(min(position, LAST_POSITION)))
        if token in SENTENCE_ENDS:
            position = 0
    return found


def _last_number(piece: Piece) -> Labels:
    """The number of the last word of the two closed classes, not at these words themselves."""
    value, found = NOT_ASKED, []
    for token in map(str.lower, piece.tokens):
        itself = token in PLURAL or token in SINGULAR
        value = "plural" if token in PLURAL else "singular" if token in SINGULAR else value
        found.append(NOT_ASKED if itself else value)
    return found


def control_labels(words: Sequence[str], labels: Sequence[str], seed: int) -> Callable[[str], str]:
    """The control task: a label for every word, drawn at random as often as the true labels are.

    Args:
        words: of the training split.
        labels: their true labels.
        seed: of the drawing.
    Returns:
        A function from any word to its label, the same each time.
    """
    rng = np.random.default_rng(seed)
    names = sorted(set(labels))
    counts = Counter(labels)
    shares = np.array([counts[name] for name in names]) / len(labels)
    choices = rng.choice(len(names), len(set(words)), p=shares)
    drawn = {word: names[i] for word, i in zip(sorted(set(words)), choices, strict=True)}

    def label(word: str) -> str:
        if word not in drawn:
            drawn[word] = names[rng.choice(len(names), p=shares)]
        return drawn[word]

    return label


# -- Probing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Probed:
    """Some tokens of a split.

    Attributes:
        states: by layer, (rows, units).
        words: the token of each row.
        labels: of each task, by name, (rows,).
        texts: the number of the text of each row.
    """

    states: Mapping[str, NDArray[np.float32]]
    words: NDArray[np.str_]
    labels: Mapping[str, NDArray[np.str_]]
    texts: NDArray[np.intp]


def collect(model: Model, pieces: Sequence[Piece], tasks: Sequence[Task], config: ProbeConfig) -> Probed:
    """Read pieces, and keep the states at some of their tokens."""
    places = choose_places([len(piece.tokens) for piece in pieces], config.num_tokens, config.seed)
    states: dict[str, list[NDArray]] = {name: [np.empty(0)] * len(pieces) for name in layers_of(model)}
    for found in read_states(model, [piece.tokens for piece in pieces]):
        for name, values in found.states.items():
            states[name][found.number] = values[places[found.number]]

    def chosen(find: Callable[[Piece], Labels]) -> NDArray[np.str_]:
        return np.concatenate([np.array(find(each), str)[rows] for each, rows in zip(pieces, places, strict=True)])

    return Probed(
        {name: np.concatenate(rows) for name, rows in states.items()},
        chosen(lambda piece: _words(piece, model)),
        {task.name: chosen(task.find) for task in tasks},
        np.concatenate([np.full(len(rows), each.text) for each, rows in zip(pieces, places, strict=True)]),
    )


def train_probes(model: Model, train: Sequence[Piece], test: Sequence[Piece], config: ProbeConfig) -> ProbeResults:
    """Train a probe for each task and layer, on the model and on an untrained one.

    Args:
        model: the model.
        train: the texts on which probes are trained.
        test: those on which they are scored.
        config: the settings.
    Raises:
        InputError: the network has no recurrent layer; or no task has enough tokens.
    """
    config.validate()
    tasks = tasks_of(train, model, config)
    blank = replace(model, architecture=untrained(model.architecture, config.seed))
    own = collect(model, train, tasks, config), collect(model, test, tasks, config)
    first = collect(blank, train, tasks, config), collect(blank, test, tasks, config)
    results, left_out = [], {}
    for task in progress(tasks, "Probes", len(tasks)):
        asked = tuple(split.labels[task.name] != NOT_ASKED for split in own)
        if min(rows.sum() for rows in asked) < LEAST_ROWS or len(set(own[0].labels[task.name][asked[0]])) < 2:
            left_out[task.name] = (
                f"{asked[0].sum():,} tokens to learn from and {asked[1].sum():,} to be scored are too few"
            )
            continue
        results.append(_score_task(task, own, first, asked, config))
    if not results:
        raise InputError("no task has enough tokens in these texts; give more text, or a larger --num-tokens")
    return ProbeResults(results, left_out)


def _score_task(
    task: Task,
    own: tuple[Probed, Probed],
    first: tuple[Probed, Probed],
    asked: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    config: ProbeConfig,
) -> TaskResult:
    labels, wanted = (split.labels[task.name][rows] for split, rows in zip(own, asked, strict=True))
    words, test_words = (split.words[rows] for split, rows in zip(own, asked, strict=True))
    control = control_labels(words.tolist(), labels.tolist(), config.seed)
    random, random_wanted = (np.array([control(word) for word in each.tolist()]) for each in (words, test_words))
    scores = []
    for layer in own[0].states:
        states, test_states = (split.states[layer][rows] for split, rows in zip(own, asked, strict=True))
        blank, test_blank = (split.states[layer][rows] for split, rows in zip(first, asked, strict=True))
        right = fit(states, labels, config)(test_states) == wanted
        scores.append(
            ProbeScore(
                layer,
                float(right.mean()),
                _interval(right, own[1].texts[asked[1]]),
                float("nan") if task.lag is not None else _accuracy(states, random, test_states, random_wanted, config),
                _accuracy(blank, labels, test_blank, wanted, config),
            )
        )
    most = Counter(labels.tolist()).most_common(1)[0][0]
    return TaskResult(
        task, len(wanted), len(set(labels.tolist())), float((wanted == most).mean()),
        guess_from_word(words, labels, test_words, wanted, most), scores,
    )  # fmt: skip


def fit(states: NDArray[np.float32], labels: NDArray[np.str_], config: ProbeConfig) -> Callable[[NDArray], NDArray]:
    """Fit a probe; returns the function from states (rows, units) to labels (rows,).

    The penalty is chosen on the last fifth of the rows, unless it is given; then all rows are learned.
    """
    penalties = [config.inverse_penalty] if config.inverse_penalty else PENALTIES
    first = len(labels) * 4 // 5
    if len(penalties) > 1 and len(set(labels[:first].tolist())) > 1:
        found = [_fit(states[:first], labels[:first], each, config)(states[first:]) for each in penalties]
        penalties = [penalties[int(np.argmax([(each == labels[first:]).mean() for each in found]))]]
    return _fit(states, labels, penalties[-1], config)


def _fit(
    states: NDArray[np.float32], labels: NDArray[np.str_], inverse_penalty: float, config: ProbeConfig
) -> Callable[[NDArray], NDArray]:
    scaler = StandardScaler().fit(states)
    probe = LogisticRegression(C=inverse_penalty, max_iter=config.max_iterations, tol=TOLERANCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early is regularized too: held-out scores tell
        probe.fit(scaler.transform(states), labels)
    return lambda others: probe.predict(scaler.transform(others))


def _accuracy(states: NDArray, labels: NDArray, test_states: NDArray, wanted: NDArray, config: ProbeConfig) -> float:
    if len(set(labels.tolist())) < 2:  # a control task may fall on one label
        return float((wanted == labels[0]).mean())
    return float((fit(states, labels, config)(test_states) == wanted).mean())


def guess_from_word(words: NDArray, labels: NDArray, test_words: NDArray, wanted: NDArray, otherwise: str) -> float:
    """The accuracy of the label that each word mostly has, without any state; of an unseen word, the usual label."""
    counts: dict[str, Counter[str]] = {}
    for word, label in zip(words.tolist(), labels.tolist(), strict=True):
        counts.setdefault(word, Counter())[label] += 1
    usual = {word: each.most_common(1)[0][0] for word, each in counts.items()}
    return float(
        np.mean([usual.get(word, otherwise) == label for word, label in zip(test_words.tolist(), wanted, strict=True)])
    )


def _interval(right: NDArray[np.bool_], texts: NDArray[np.intp]) -> tuple[float, float]:
    """The 95% interval of an accuracy: whole texts are drawn."""
    groups = independent_rows(texts)
    sums, sizes = np.array([right[rows].sum() for rows in groups]), np.array([len(rows) for rows in groups])
    found = with_intervals(lambda drawn: {"a": sums[drawn].sum() / sizes[drawn].sum()}, len(groups), NUM_RESAMPLES)
    return found["a_interval"][0], found["a_interval"][1]


# -- Pictures -------------------------------------------------------------------------------------------------------


def memory_figure(found: ProbeResults) -> Figure | None:
    """Draw how far back the states remember: accuracy by lag, a line for each layer; None without such tasks."""
    words = [result for result in found.results if result.task.lag is not None]
    if len(words) < 2:
        return None
    figure, axes = new_figure(7, 4)
    lags = [result.task.lag for result in words]
    for number, score in enumerate(words[0].scores):
        color, marker = COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS) % len(MARKERS)]
        accuracies = [each.scores[number].accuracy for each in words]
        blank = [each.scores[number].untrained for each in words]
        axes.plot(lags, accuracies, color=color, marker=marker, markersize=4, label=score.layer)
        axes.plot(lags, blank, color=color, linestyle="--", linewidth=1, label=f"{score.layer}, untrained")
    axes.plot(
        lags, [each.word_alone for each in words], color=GREY, marker="x", label="guessed from the current one alone"
    )
    axes.plot(lags, [each.most_frequent for each in words], color=GREY, linestyle=":", label="always the most frequent")
    axes.set(xlabel="steps back", ylabel="held-out accuracy", ylim=(0, 1.02))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8, framealpha=0)
    return figure


def probe_page(found: ProbeResults, name: str, facts: Mapping[str, str]) -> str:
    """One page that needs no other file: the curve, and the table."""
    figure = memory_figure(found)
    explained = (
        "A probe is a logistic regression from the state at a token to a label. Control task: every word has a label "
        "drawn at random; selectivity is the accuracy less that of the control task. Untrained: the same probe on a "
        "network with random weights. Word alone: the usual label of the current word, without any state."
    )
    curve = "" if figure is None else "<h2>How far back do the states remember?</h2>" + html_figure(
        figure, "Held-out accuracy of the probes for the token so many steps back, among the most frequent ones."
    ) + "".join(html_text(line) for line in found.memory())  # fmt: skip
    notes = "".join(html_text(f"{task}: left out, {why}", "note") for task, why in found.left_out.items())
    table = f"<h2>All probes</h2>{html_text(explained)}{html_table(found.rows())}{notes}"
    return whole_page(f"Probes: {name}", f"{html_facts(facts)}{curve}{table}")
