"""Score a tagger on a test file, beside the baseline.

    python -m pos_tagging.evaluate --model example_model/pos_tagging --test pos_tagging/dataset/test.conllu \\
        --train pos_tagging/dataset/train.conllu --report runs/report
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from functools import partial
from typing import Any

import numpy as np

from common.cli import options as commands
from common.errors import run_command
from common.settings import add_overrides, make_parser, override
from pos_tagging.config import TaggingConfig
from pos_tagging.loader import Sentence, check_tags, load_sentences
from pos_tagging.predict import DEFAULT_NAME, TASK, Tagger

SCORES = (
    "accuracy",
    "accuracy_known",
    "accuracy_unknown",
    "accuracy_without_punctuation",
    "sentence_accuracy",
    "macro_f1",
)
RAW_SCORES = ("raw_words_f1", "raw_tags_f1")


def tagging_scores(
    sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], training_words: Container[str]
) -> dict[str, float]:
    """Score tags.

    Args:
        sentences: with their true tags.
        answers: the tags given, one list a sentence.
        training_words: words that training saw, as written; they tell known words from unknown ones.
    Returns:
        `accuracy` over all words, `accuracy_known` and `accuracy_unknown` over those; `accuracy_without_punctuation`,
        over what has a letter or a digit; `sentence_accuracy`, the share of sentences without a mistake; `macro_f1`,
        the mean over the true tags of their F1. A share of nothing is 0.
    """
    return _Tokens(sentences, answers, training_words).scores(np.arange(len(sentences)))


class _Tokens:
    """The words of a split as flat arrays, so that any choice of sentences can be scored fast."""

    def __init__(self, sentences, answers, training_words) -> None:
        self.names = sorted({tag for s in sentences for tag in s.tags} | {tag for tags in answers for tag in tags})
        ids = {tag: i for i, tag in enumerate(self.names)}
        self.true = [np.array([ids[tag] for tag in sentence.tags]) for sentence in sentences]
        self.given = [np.array([ids[tag] for tag in tags]) for tags in answers]
        self.spoken = [
            np.array([any(character.isalnum() for character in token) for token in sentence.tokens])
            for sentence in sentences
        ]
        self.known = [np.array([token in training_words for token in sentence.tokens]) for sentence in sentences]

    def scores(self, chosen: np.ndarray) -> dict[str, float]:
        from sklearn.metrics import accuracy_score, f1_score

        parts = (self.true, self.given, self.known, self.spoken)
        true, given, known, spoken = (np.concatenate([rows[i] for i in chosen]) for rows in parts)

        def accuracy(where) -> float:
            return float(accuracy_score(true[where], given[where])) if where.any() else 0.0

        return {
            "accuracy": accuracy(np.ones(len(true), bool)),
            "accuracy_known": accuracy(known),
            "accuracy_unknown": accuracy(~known),
            "accuracy_without_punctuation": accuracy(spoken),
            "sentence_accuracy": float(np.mean([(self.true[i] == self.given[i]).all() for i in chosen])),
            "macro_f1": float(f1_score(true, given, labels=np.unique(true), average="macro", zero_division=0)),
        }


def by_tag(sentences: Sequence[Sentence], answers: Sequence[Sequence[str]]) -> list[list]:
    """Precision, recall and F1 of every tag, most frequent first."""
    from sklearn.metrics import precision_recall_fscore_support

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
    """The mistakes by kind, most frequent first: true tag, tag given, and where, as (sentence, word)."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for i, (sentence, tags) in enumerate(zip(sentences, answers, strict=True)):
        for j, (true, given) in enumerate(zip(sentence.tags, tags, strict=True)):
            if true != given:
                places.setdefault((true, given), []).append((i, j))
    return [(true, given, found) for (true, given), found in sorted(places.items(), key=lambda item: -len(item[1]))]


def confusion_rows(
    sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], training_words: Container[str]
) -> list[list]:
    """The 20 most frequent mistakes, how often the word was new to the tagger, and three sentences for each."""
    rows: list[list] = [["true", "given", "words", "of them not in training", "for example"]]
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
    """The sentences with most mistakes, each wrong word with both tags."""
    mistakes = [
        [
            f"{token}: {true} taken for {given}"
            for (token, true), given in zip(sentence.pairs(), tags, strict=True)
            if true != given
        ]
        for sentence, tags in zip(sentences, answers, strict=True)
    ]
    rows: list[list] = [["mistakes", "sentence", "words"]]
    for i in sorted(range(len(sentences)), key=lambda i: -len(mistakes[i]))[:number]:
        if mistakes[i]:
            rows.append([len(mistakes[i]), sentences[i].text(), "; ".join(mistakes[i])])
    return rows


def weaknesses(sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], scores: dict) -> list[str]:
    """Say where the errors are, from the figures."""
    worst = sorted(by_tag(sentences, answers)[1:], key=lambda row: row[4])[:3]
    listed = ", ".join(f"{row[0]} (F1 {row[4]:.2f}, {row[1]} words)" for row in worst)
    mistakes = ", ".join(
        f"{true} for {given} ({len(places)})" for true, given, places in confusions(sentences, answers)[:4]
    )
    return [
        f"Words that training never saw: accuracy {scores['accuracy_unknown']:.1%}, known ones "
        f"{scores['accuracy_known']:.1%}.",
        f"The weakest tags: {listed}.",
        f"The most frequent mistakes (true tag for tag given): {mistakes or 'none'}.",
    ]


def report_sections(sentences, answers, training_words, rows) -> list[tuple[str, str]]:
    """The pieces of the HTML report."""
    from sklearn.metrics import confusion_matrix

    from common.evaluation.report import confusion_figure, html_figure, html_table, html_text

    true = [tag for sentence in sentences for tag in sentence.tags]
    given = [tag for tags in answers for tag in tags]
    names = sorted(set(true) | set(given))
    figure = confusion_figure(confusion_matrix(true, given, labels=names), names, "Tags")
    pairs = confusion_rows(sentences, answers, training_words)
    return [
        ("Scores", html_table(rows) + html_text("In brackets: 95% bootstrap intervals over sentences.")),
        ("Which tag is taken for which", html_figure(figure, "confusion matrix of tags") + html_table(pairs)),
        ("By tag", html_table(by_tag(sentences, answers))),
        ("By length", html_table(by_length(sentences, answers))),
        ("The 50 worst sentences", html_table(worst_sentences(sentences, answers, 50))),
    ]


def score_raw_text(tagger: Tagger, sentences: Sequence[Sentence], num_threads: int | None) -> dict[str, Any]:
    """Let the tagger find sentences and words by itself; the scores of `pos_tagging.raw_text`, with intervals."""
    from common.evaluation.metrics import with_intervals
    from pos_tagging.raw_text import count_words, raw_scores, read_documents

    documents = read_documents(sentences)
    answers = tagger.tag_texts([text for text, _ in documents])
    counts = np.array([count_words(true, given) for (_, true), given in zip(documents, answers, strict=True)])
    return with_intervals(lambda chosen: raw_scores(counts[chosen]), len(counts), num_threads=num_threads)


def evaluate(tagger: Tagger, arguments) -> dict:
    """Score a tagger on a file, beside the baselines if training data is given; returns what `--json` prints."""
    from common.bundles.provenance import describe_file
    from common.evaluation.metrics import with_intervals
    from common.evaluation.report import score_rows

    tagger.config = config = override(tagger.config, arguments)
    sentences = load_sentences(arguments.test, config)
    check_tags(sentences, tagger.lexicon.tags)
    answers = {"model": tagger.tag_sentences(sentences)}
    if arguments.train:
        from pos_tagging.hmm import TrigramHmm
        from pos_tagging.most_frequent_tag import MostFrequentTag

        train_sentences = load_sentences(arguments.train, config)
        baselines = {"most frequent tag": MostFrequentTag(train_sentences), "trigram HMM": TrigramHmm(train_sentences)}
        for name, baseline in baselines.items():
            answers[name] = [baseline.tag(sentence.tokens) for sentence in sentences]
    intervals = partial(with_intervals, num_units=len(sentences), num_threads=arguments.threads)
    systems = {
        name: intervals(_Tokens(sentences, given, tagger.lexicon.training_words).scores)
        for name, given in answers.items()
    }
    scores = systems.pop("model")
    if arguments.raw:
        scores |= score_raw_text(tagger, sentences, arguments.threads)
    num_tokens = sum(len(sentence.tokens) for sentence in sentences)
    result = {
        **scores,
        "num_examples": len(sentences),
        "num_tokens": num_tokens,
        "baselines": systems,
        "data": describe_file(arguments.test),
        "weaknesses": weaknesses(sentences, answers["model"], scores),
    }
    names = [name for name in (*SCORES, *RAW_SCORES) if name in scores]
    rows = score_rows(names, {"model": scores, **systems})
    commands.show_scores(
        arguments,
        result,
        rows,
        f"{len(sentences):,} sentences, {num_tokens:,} words",
        lambda: report_sections(sentences, answers["model"], tagger.lexicon.training_words, rows),
    )
    return result


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("pos_tagging.evaluate", __doc__)
    commands.add_evaluate_arguments(parser, TASK, DEFAULT_NAME)
    parser.add_argument(
        "--raw", action="store_true", help="also score raw text, of which the sentences and words are to be found"
    )
    add_overrides(parser, TaggingConfig, ("tokens_column", "tags_column", "num_beams"))
    arguments = parser.parse_args(argv)
    commands.check_evaluate_arguments(arguments)
    with commands.claim_for_scores(arguments):
        tagger = Tagger.load(arguments.model, arguments.engine, arguments.threads)
        result = evaluate(tagger, arguments)
        if arguments.save:
            commands.save_scores(parser, arguments, TASK, tagger.config, result, (*SCORES, *RAW_SCORES))


if __name__ == "__main__":
    run_command(main)
