"""What is done with a text: rate, tag or score it; how the answer is written, and which sums are kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import language_model
import pos_tagging
import sentiment
from common.cli.answers import OwnColumns
from language_model.cli import OWN_COLUMNS as SCORE_COLUMNS
from language_model.config import LanguageModelConfig
from language_model.endings import score_endings
from language_model.predict import TextScore
from pos_tagging.cli import own_columns as tag_columns
from pos_tagging.sentences import TaggedText
from scaling.corpus_config import RATE, SCORE, TAG, CorpusConfig
from scaling.summaries import Sums
from sentiment.cli import own_columns as rating_columns
from sentiment.config import SentimentConfig
from sentiment.predict import Rating
from sentiment.scale import parse_scale

TASKS = {RATE: "sentiment", TAG: "pos_tagging", SCORE: "language_model"}
USUAL = {RATE: SentimentConfig.text_column, TAG: "text", SCORE: LanguageModelConfig.text_column}  # columns of texts


@dataclass(frozen=True)
class Answerer:
    """A loaded model and what it is asked.

    Attributes:
        model: of `load` of its task.
        answer: takes some texts and gives an answer to each.
        own: the columns of an answer.
        add_up: the sums of some answers.
        probabilities: whether words get the probabilities of their tags too.
    """

    model: Any
    answer: Callable[[list[str]], Sequence[Any]]
    own: OwnColumns
    add_up: Callable[[Sequence[Any]], Sums]
    probabilities: bool = False


def load(verb: str, model: Path, config: CorpusConfig, num_threads: int = 1) -> Answerer:
    """Load the model of a verb.

    Raises:
        InputError: it is missing or damaged.
    """
    engine = "onnx-int8" if config.int8 else "onnx"
    if verb == RATE:
        rater = sentiment.load(model, engine, num_threads)
        rate = partial(rater.predict, scale=parse_scale(config.scale) if config.scale else None)
        return Answerer(rater, rate, rating_columns(lambda _: None), sum_ratings)
    if verb == TAG:
        tagger = pos_tagging.load(model, engine, num_threads)
        if config.tag_column:
            tagger = tagger.with_settings(replace(tagger.config, tag_column=config.tag_column))
        tag = partial(tagger.tag, probabilities=config.probabilities)
        return Answerer(tagger, tag, tag_columns(config.probabilities), sum_tags, config.probabilities)
    reader = language_model.load(model, engine, num_threads)
    score = partial(score_endings, reader, context=config.context or "")
    return Answerer(reader, score, SCORE_COLUMNS, sum_scores)


def sum_ratings(answers: Sequence[Rating]) -> Sums:
    """The sums of some ratings."""
    counts = Counter(f"{round(answer.rating)}" for answer in answers)
    return {
        **_counts(answers),
        "tokens": sum(answer.num_tokens for answer in answers),
        "unknown": sum(answer.num_unknown for answer in answers),
        "rating": sum(answer.rating for answer in answers),
        "ratings": dict(counts),
    }


def sum_tags(answers: Sequence[TaggedText]) -> Sums:
    """The sums of some tagged texts."""
    counts = Counter(tag for answer in answers for sentence in answer for tag in sentence.tags)
    return {
        **_counts(answers),
        "tokens": counts.total(),
        "sentences": sum(map(len, answers)),
        "tags": dict(counts),
    }


def sum_scores(answers: Sequence[TextScore]) -> Sums:
    """The sums of some scores."""
    return {
        **_counts(answers),
        "tokens": sum(len(answer.tokens) for answer in answers),
        "unknown": sum(answer.num_unknown for answer in answers),
        "nats": sum(answer.total_nats for answer in answers),
        "characters": sum(len(answer.text) for answer in answers),
    }


def _counts(answers: Sequence[Any]) -> Sums:
    return {"answered": len(answers), "remarks": sum(answer.remark is not None for answer in answers)}
