"""Error analysis of a tagger: which tags are confused, which sentences have most errors, as tables and as a report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from common.evaluation.figures import confusion_figure, html_figure
from common.evaluation.report import CONFUSIONS, Section, html_list, html_table, html_text
from pos_tagging.sentences import KnownWords, Sentence


def by_tag(sentences: Sequence[Sentence], answers: Sequence[Sequence[str]]) -> list[list]:
    """Precision, recall and F1 of every tag, most frequent first."""
    true = [tag for sentence in sentences for tag in sentence.tags]
    given = [tag for tags in answers for tag in tags]
    names = [tag for tag, _ in Counter(true).most_common()]
    columns = precision_recall_fscore_support(true, given, labels=names, zero_division=0)
    rows: list[list] = [["tag", "words", "precision", "recall", "F1"]]
    for name, precision, recall, f1, count in zip(names, *columns, strict=True):
        rows.append([name, int(count), float(precision), float(recall), float(f1)])
    return rows


def by_length(sentences: Sequence[Sentence], answers: Sequence[Sequence[str]]) -> list[list]:
    """Accuracy in each quarter of the sentences, from the shortest to the longest."""
    lengths = np.array([len(sentence.tokens) for sentence in sentences])
    rows: list[list] = [["tokens", "sentences", "accuracy"]]
    for quarter in np.array_split(np.argsort(lengths, kind="stable"), 4):
        if len(quarter):
            right = [a == b for i in quarter for a, b in zip(sentences[i].tags, answers[i], strict=True)]
            rows.append([f"{lengths[quarter[0]]}-{lengths[quarter[-1]]}", len(quarter), float(np.mean(right))])
    return rows


def confusions(
    sentences: Sequence[Sentence], answers: Sequence[Sequence[str]]
) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """Confusions of two tags, most frequent first: true tag, predicted tag, and where, as (sentence, word)."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for i, (sentence, tags) in enumerate(zip(sentences, answers, strict=True)):
        for j, (true, given) in enumerate(zip(sentence.tags, tags, strict=True)):
            if true != given:
                places.setdefault((true, given), []).append((i, j))
    return [(true, given, found) for (true, given), found in sorted(places.items(), key=lambda item: -len(item[1]))]


def confusion_rows(
    sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], training_words: KnownWords
) -> list[list]:
    """The 20 most frequent confusions, how many of their words are unknown, and three examples of each."""
    rows: list[list] = [["true", "predicted", "words", "of them unknown", "examples"]]
    for true, given, places in confusions(sentences, answers)[:20]:
        new = sum(sentences[i].tokens[j] not in training_words for i, j in places)
        examples = {sentences[i].tokens[j].lower(): _around(sentences[i].tokens, j) for i, j in places}
        rows.append([true, given, len(places), new, " | ".join([*examples.values()][:3])])
    return rows


def _around(tokens: Sequence[str], place: int, number: int = 6) -> str:
    """A word in brackets among its neighbours.

    >>> _around("they refuse to permit us to go".split(), 3, number=1)
    '… to [permit] us …'
    """
    before, after = tokens[max(place - number, 0) : place], tokens[place + 1 : place + 1 + number]
    start, end = "…" if place > number else "", "…" if place + 1 + number < len(tokens) else ""
    return " ".join(filter(None, [start, *before, f"[{tokens[place]}]", *after, end]))


def worst_sentences(sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], number: int) -> list[list]:
    """The sentences with most errors, each wrong word with both tags."""
    mistakes = [
        [
            f"{token}: {true} taken for {given}"
            for (token, true), given in zip(sentence.pairs(), tags, strict=True)
            if true != given
        ]
        for sentence, tags in zip(sentences, answers, strict=True)
    ]
    rows: list[list] = [["errors", "sentence", "words"]]
    for i in sorted(range(len(sentences)), key=lambda i: -len(mistakes[i]))[:number]:
        if mistakes[i]:
            rows.append([len(mistakes[i]), sentences[i].text(), "; ".join(mistakes[i])])
    return rows


def weaknesses(
    sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], scores: Mapping[str, float]
) -> list[str]:
    """Say which errors are most frequent, from the figures."""
    worst = sorted(by_tag(sentences, answers)[1:], key=lambda row: row[4])[:3]
    listed = ", ".join(f"{row[0]} (F1 {row[4]:.2f}, {row[1]} words)" for row in worst)
    mistakes = ", ".join(
        f"{true} for {given} ({len(places)})" for true, given, places in confusions(sentences, answers)[:4]
    )
    return [
        f"Words that training never saw: accuracy {_share(scores['accuracy_unknown'])}, known ones "
        f"{_share(scores['accuracy_known'])}.",
        f"The weakest tags: {listed}.",
        f"The most frequent mistakes (true tag for tag given): {mistakes or 'none'}.",
    ]


def _share(score: float) -> str:
    return "undefined" if math.isnan(score) else f"{score:.1%}"


def report_sections(
    sentences: Sequence[Sentence],
    answers: Sequence[Sequence[str]],
    training_words: KnownWords,
    rows: Sequence[Sequence[str]],
) -> list[Section]:
    """The pieces of the HTML report."""
    true = [tag for sentence in sentences for tag in sentence.tags]
    given = [tag for tags in answers for tag in tags]
    names = sorted(set(true) | set(given))
    figure = confusion_figure(confusion_matrix(true, given, labels=names), names, "Tags")
    pairs = confusion_rows(sentences, answers, training_words)
    return [
        ("Scores", html_table(rows) + html_text("In brackets: 95% bootstrap intervals over sentences.")),
        ("Confusion matrix", html_figure(figure, CONFUSIONS.format("tag")) + html_list(pairs)),
        ("By tag", html_table(by_tag(sentences, answers))),
        ("By length", html_table(by_length(sentences, answers))),
        ("The 50 sentences with most errors", html_list(worst_sentences(sentences, answers, 50))),
    ]
