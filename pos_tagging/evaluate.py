"""Evaluate a tagger on a test file, beside the most-frequent-tag baseline and a trigram HMM.

    python -m pos_tagging.evaluate --model example_model/pos_tagging --test pos_tagging/dataset/test.conllu \\
        --train pos_tagging/dataset/train.conllu --report runs/report
"""

from __future__ import annotations

from common.cli.run import run_command
from pos_tagging import cli

if __name__ == "__main__":
    run_command(cli.evaluate)

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from common.bundles.provenance import describe_data
from common.evaluation.metrics import with_intervals
from common.evaluation.overlap import score_without_known
from common.evaluation.scores import Scores
from common.evaluation.verdict import Verdict, compare, make_verdict
from common.text.data import Data, name_of
from common.text.normalization import STEPS, normalize_word
from pos_tagging.config import TaggingConfig
from pos_tagging.hmm import TrigramHmm
from pos_tagging.loader import load_sentences, tell_of_new_tags
from pos_tagging.most_frequent_tag import MostFrequentTag
from pos_tagging.predict import Tagger
from pos_tagging.raw_text import count_words, raw_scores, read_documents, units_of
from pos_tagging.report import report_sections, weaknesses
from pos_tagging.sentences import KnownWords, Sentence

SCORES = (
    "accuracy",
    "accuracy_known",
    "accuracy_unknown",
    "accuracy_without_punctuation",
    "sentence_accuracy",
    "macro_f1",
)
RAW_SCORES = ("raw_words_f1", "raw_tags_f1", "raw_sentences_f1")
MOST_FREQUENT, HMM = "most frequent tag", "trigram HMM"
MOST_TAGS = 64  # of the HMM, whose time and memory grow with their third power


class Baseline(Protocol):
    """A tagger made of counts."""

    def tag(self, tokens: Sequence[str]) -> list[str]:
        """Tag a sentence."""


def tagging_scores(
    sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], training_words: KnownWords
) -> dict[str, float]:
    """Score predicted tags.

    Args:
        sentences: with their true tags.
        answers: the predicted tags, one list a sentence.
        training_words: words that training saw, as written; they tell known words from unknown ones.
    Returns:
        `accuracy` over all words, `accuracy_known` and `accuracy_unknown` over those; `accuracy_without_punctuation`,
        over what has a letter or a digit; `sentence_accuracy`, the share of sentences without an error; `macro_f1`,
        the mean over the true tags of their F1. What is not defined (no unknown words, say) is NaN.
    """
    return _Tokens(sentences, answers, training_words).scores(np.arange(len(sentences)))


class _Tokens:
    """The words of a split as arrays, one a sentence, so that any choice of sentences can be scored fast."""

    def __init__(
        self, sentences: Sequence[Sentence], answers: Sequence[Sequence[str]], training_words: KnownWords
    ) -> None:
        names = sorted({tag for s in sentences for tag in s.tags} | {tag for tags in answers for tag in tags})
        ids = {tag: i for i, tag in enumerate(names)}
        self.true = [np.array([ids[tag] for tag in sentence.tags]) for sentence in sentences]
        self.given = [np.array([ids[tag] for tag in tags]) for tags in answers]
        self.spoken = [
            np.array([any(character.isalnum() for character in token) for token in sentence.tokens])
            for sentence in sentences
        ]
        self.known = [np.array([token in training_words for token in sentence.tokens]) for sentence in sentences]

    def scores(self, chosen: NDArray[np.intp]) -> dict[str, float]:
        """Score some of the sentences, given by index."""
        parts = (self.true, self.given, self.known, self.spoken)
        true, given, known, spoken = (np.concatenate([rows[i] for i in chosen]) for rows in parts)

        def accuracy(where: NDArray[np.bool_]) -> float:
            return float(accuracy_score(true[where], given[where])) if where.any() else math.nan

        return {
            "accuracy": accuracy(np.ones(len(true), bool)),
            "accuracy_known": accuracy(known),
            "accuracy_unknown": accuracy(~known),
            "accuracy_without_punctuation": accuracy(spoken),
            "sentence_accuracy": float(np.mean([(self.true[i] == self.given[i]).all() for i in chosen])),
            "macro_f1": float(f1_score(true, given, labels=np.unique(true), average="macro", zero_division=0)),
        }


def evaluate(
    model: Tagger | str | Path,
    data: Data,
    *,
    train: Data | None = None,
    config: TaggingConfig | None = None,
    raw: bool = False,
    num_threads: int | None = None,
) -> Scores:
    """Score a tagger on tagged sentences, beside the baselines if training data are given.

    Args:
        model: of `pos_tagging.load`, or what `load` takes.
        data: tagged sentences: a file, a DataFrame, or a list of sentences, each a list of (word, tag).
        train: the training data, on which the baselines are fitted.
        config: names of the columns; None takes the model's.
        raw: also score raw text, in which the tagger has to find sentences and words.
        num_threads: processor cores for the bootstrap; None takes all.
    Returns the scores `SCORES`, and `RAW_SCORES` of raw text; `predictions` are the tags, one list a sentence.
    Raises:
        InputError: what is wrong with the data.
    """
    model = model if isinstance(model, Tagger) else Tagger.load(model)
    config, training_words = config or model.config, model.lexicon.training_words
    sentences = load_sentences(data, config)
    tell_of_new_tags(sentences, model.lexicon.tags, name_of(data))
    answers = [tags for tags, _ in model.tag_tokens([sentence.tokens for sentence in sentences])]
    score = partial(score_answers, sentences, training_words=training_words, num_threads=num_threads)
    of_raw, raw_notes = score_raw_text(model, sentences, num_threads) if raw else ({}, [])
    own = score(answers) | of_raw
    known = [] if train is None else load_sentences(train, config)
    tokens, known_tokens = ([tuple(sentence.tokens) for sentence in part] for part in (sentences, known))
    scores_of, where = _Tokens(sentences, answers, training_words).scores, "sentences are also in the training data"
    without_known, overlap = score_without_known(tokens, known_tokens, scores_of, where, ("accuracy",))
    num_tokens = sum(map(len, tokens))
    of_baselines = baseline_answers(sentences, known, model.config.normalization)
    facts = {
        "num_examples": len(sentences), "num_tokens": num_tokens, "without_known_texts": without_known,
        "data": describe_data(data), "weaknesses": weaknesses(sentences, answers, own),
    }  # fmt: skip
    return Scores(
        names=(*SCORES, *RAW_SCORES),
        flat=own,
        baselines={name: score(given) for name, given in of_baselines.items()},
        facts=facts,
        notes=[*overlap, *raw_notes, f"{len(sentences):,} sentences, {num_tokens:,} words"],
        predictions=answers,
        sections=lambda rows: report_sections(sentences, answers, training_words, rows),
        verdict=tagging_verdict(sentences, answers, of_baselines, "test", len(known)),
    )


def score_answers(
    sentences: Sequence[Sentence],
    answers: Sequence[Sequence[str]],
    training_words: KnownWords,
    num_threads: int | None,
) -> dict[str, Any]:
    """Score predicted tags, with intervals; see `tagging_scores`."""
    score = _Tokens(sentences, answers, training_words).scores
    return with_intervals(score, len(sentences), num_threads=num_threads)


def baseline_answers(
    sentences: Sequence[Sentence], known: Sequence[Sentence], normalization: str = STEPS
) -> dict[str, list[list[str]]]:
    """The tags that each baseline predicts, of words that are normalized as the model's; none without sentences."""
    if not known:
        return {}
    known = [replace(sentence, tokens=_normal(sentence, normalization)) for sentence in known]
    baselines: dict[str, Baseline] = {MOST_FREQUENT: MostFrequentTag(known)}
    if len({tag for sentence in known for tag in sentence.tags}) <= MOST_TAGS:
        baselines[HMM] = TrigramHmm(known)
    token_lists = [_normal(sentence, normalization) for sentence in sentences]
    return {name: [baseline.tag(tokens) for tokens in token_lists] for name, baseline in baselines.items()}


def _normal(sentence: Sentence, normalization: str) -> list[str]:
    return [normalize_word(word, normalization) for word in sentence.tokens]


def tagging_verdict(
    sentences: Sequence[Sentence],
    answers: Sequence[Sequence[str]],
    baselines: Mapping[str, Sequence[Sequence[str]]],
    split: str,
    num_known: int,
) -> Verdict | None:
    """Whether a model is ahead of the better baseline; None if there is none, or only one sentence.

    Args:
        sentences: that all have tagged.
        answers: the tags that the model predicts, one list a sentence.
        baselines: those of each baseline, by name.
        split: "validation", say.
        num_known: sentences that all were trained on.
    """
    if len(sentences) < 2 or not baselines:
        return None
    wrong = {name: count_wrong(sentences, given) for name, given in baselines.items()}
    best = min(wrong, key=lambda name: (wrong[name].sum(), name != HMM))
    own, num_words = count_wrong(sentences, answers), sum(len(sentence.tokens) for sentence in sentences)
    shares = [1 - part.sum() / num_words for part in (own, wrong[best])]
    digits = 1 if shares[0] != shares[1] and f"{shares[0]:.0%}" == f"{shares[1]:.0%}" else 0
    return make_verdict(
        compare(own, wrong[best]),
        f"{len(sentences):,} {split} sentences",
        f"the model tags {shares[0]:.{digits}%} of the words right",
        f"the {best} {shares[1]:.{digits}%}",
        f"It was trained on {num_known:,} sentences: more of them help most.",
    )


def count_wrong(sentences: Sequence[Sentence], answers: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Wrong words of each sentence (sentences,)."""
    pairs = zip(sentences, answers, strict=True)
    return np.array([sum(map(str.__ne__, sentence.tags, given)) for sentence, given in pairs], np.float64)


def score_raw_text(
    model: Tagger, sentences: Sequence[Sentence], num_threads: int | None
) -> tuple[dict[str, Any], list[str]]:
    """Let the tagger find sentences and words; the scores of `pos_tagging.raw_text` with intervals, and notes."""
    documents = read_documents(sentences)
    answers = model.tag([text for text, _ in documents])
    counts = [
        row for (_, true), given in zip(documents, answers, strict=True) for row in count_words(true, given.sentences)
    ]
    name, units = units_of(documents)
    totals = np.zeros((units[-1] + 1, len(counts[0])))
    np.add.at(totals, units, counts)
    notes = [f"raw text: intervals over {len(totals):,} {name}"]
    if name != "documents":
        few = "is one document" if len(documents) == 1 else f"are {len(documents)} documents"
        notes[0] += f", since there {few} (# newdoc)"
    if all(all(sentence.layout.space_after) for sentence in sentences):
        notes.append("raw text: the file does not tell where no space stands; its words are read with spaces between")
    return with_intervals(lambda chosen: raw_scores(totals[chosen]), len(totals), num_threads=num_threads), notes
