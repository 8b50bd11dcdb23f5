"""Evaluate a language model on a test file: perplexity, and a cloze test of endings, beside a Kneser-Ney n-gram model.

    python -m language_model.evaluate --model example_model/language_model --test language_model/dataset/test.csv \\
        --train language_model/dataset/train.csv --report runs/report

The cloze test compares the last sentence of each text with that of another one: how often does the model give the
text's own the higher probability, and how often does the context raise its probability by more? With `--cache FILE`
there are columns for cache language models, whose settings are chosen on FILE; with `--dynamic` there is one for
dynamic evaluation.
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

if __name__ == "__main__":
    run_command(cli.evaluate)

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import language_model
from common.bundles.provenance import describe_data
from common.evaluation.metrics import bits_per_character, perplexity, with_intervals
from common.evaluation.scores import Scores
from common.evaluation.verdict import Verdict, compare, make_verdict
from common.progress import say
from common.text.data import Data, name_of
from language_model import cache as caches
from language_model.config import DynamicConfig, LanguageModelConfig
from language_model.endings import Scorer, compare_endings, split_endings
from language_model.loader import Streams, encode_text, load_texts, split_tokens
from language_model.ngram import NgramModel
from language_model.predict import LanguageModel
from language_model.report import report_sections, weaknesses
from language_model.samples import card_section

if TYPE_CHECKING:
    from language_model.dynamic import DynamicEvaluation

SCORES = ("perplexity", "nats_per_token", "bits_per_character", "ending_accuracy", "ending_gain_accuracy")
NGRAM_ORDERS = {"word": 5, "spaced": 5, "character": 7}
MIN_TEXTS, PIECE = 10, 100  # fewer texts are cut into pieces of about so many tokens to tell who is ahead
BLOCK = 1000  # tokens; longer texts are cut into such blocks, so that a single one has an interval too


def text_units(texts: Sequence[str], nats: Sequence[np.ndarray]) -> np.ndarray:
    """The units of the bootstrap: texts, and blocks of long texts (Künsch 1989, the block bootstrap).

    Args:
        texts: raw texts.
        nats: the log-probabilities of the tokens and the end of each.
    Returns:
        float64 (units, 3): minus the sum of the log-probabilities, the number of tokens, that of characters.
    """
    units = []
    for text, row in zip(texts, nats, strict=True):
        for block in np.array_split(row, -(-len(row) // BLOCK)):
            units.append((-block.sum(dtype=np.float64), len(block), len(text) * len(block) / len(row)))
    return np.array(units)


def score_units(units: np.ndarray) -> dict[str, float]:
    """Score log-probabilities.

    Args:
        units: some rows of `text_units`.
    Returns:
        `nats_per_token` and `perplexity`, the end of a text counted as a token; `bits_per_character` of the raw text.
    """
    total, num_tokens, num_characters = units.sum(axis=0)
    return {
        "nats_per_token": total / num_tokens,
        "perplexity": perplexity(total, num_tokens),
        "bits_per_character": bits_per_character(total, num_characters),
    }


def text_scores(texts: Sequence[str], nats: Sequence[np.ndarray]) -> dict[str, float]:
    """Score the log-probabilities of the tokens and the end of each text; see `score_units`."""
    return score_units(text_units(texts, nats))


class Baseline(NamedTuple):
    """An n-gram model: its name, and its log-probabilities of tokenized texts."""

    name: str
    score: Scorer


def evaluate(
    model: LanguageModel | str | Path,
    data: Data,
    *,
    train: Data | None = None,
    cache: Data | None = None,
    config: LanguageModelConfig | None = None,
    reset_every: int = 0,
    dynamic: DynamicConfig | None = None,
    ngram_order: int | None = None,
    num_threads: int | None = None,
) -> Scores:
    """Score a model on texts, beside a Kneser-Ney n-gram model if training data are given.

    Args:
        model: of `language_model.load`, or what `load` takes.
        data: texts: a file, a DataFrame or a list.
        train: the training data, on which the baseline is fitted.
        cache: texts to choose the settings of cache language models on; None leaves them out.
        config: column of the text, unit of plain text, stateful or not; None takes the model's.
        reset_every: reset the state to zeros after so many tokens; 0 = never.
        dynamic: settings of dynamic evaluation, which needs Keras; None leaves it out.
        ngram_order: tokens in the longest n-gram of the baseline; None takes 5, of characters 7.
        num_threads: processor cores for the bootstrap; None takes all.
    Returns the scores `SCORES`; `predictions`: log-probabilities in nats of each text, a list of float32 (tokens + 1,).
    """
    model = model if isinstance(model, LanguageModel) else LanguageModel.load(model)
    config = config or model.config
    learner = language_model.DynamicEvaluation(model, dynamic) if dynamic else None  # what it refuses, it refuses now
    token_lists = split_tokens(texts := load_texts(data, config), config)
    baseline, num_known = (None, 0) if train is None else fit_baseline(model, train, config, ngram_order)
    reading: dict[str, Any] = {"stateful": config.stateful, "reset_every": reset_every}
    nats = score_alone(model, token_lists, baseline, reading)
    if cache is not None:
        nats |= score_with_caches(model, token_lists, nats, baseline, cache, partial(Streams, **reading), config)
    nats |= score_dynamically(learner, token_lists, train, config, reading) if learner else {}
    systems, num_endings = score_systems(model, texts, nats, baseline, num_threads)
    facts = {"num_examples": len(texts), "num_tokens": sum(map(len, nats["model"])), "num_endings": num_endings}
    weak = weaknesses(token_lists, nats["model"], model.vocabulary, model.config.level)
    return Scores(
        names=SCORES,
        flat=systems.pop("model"),
        baselines=systems,
        facts={**facts, **reading, "data": describe_data(data), "weaknesses": weak},
        notes=["{num_examples:,} texts, {num_tokens:,} tokens with their ends".format(**facts)],
        predictions=nats["model"],
        sections=partial(report_sections, token_lists, nats["model"], model.vocabulary),
        verdict=perplexity_verdict(nats["model"], nats[baseline.name], "test", num_known) if baseline else None,
        card=partial(card_section, model),
    )


def score_systems(
    model: LanguageModel,
    texts: Sequence[str],
    nats: Mapping[str, Sequence[np.ndarray]],
    baseline: Baseline | None,
    num_threads: int | None,
) -> tuple[dict[str, dict[str, Any]], int]:
    """The scores of each system, from the log-probabilities of each text, and how many endings were compared."""
    intervals = partial(with_intervals, num_threads=num_threads)
    num_endings, endings = score_given_endings(model, texts, baseline, intervals)
    scored = {name: _score_text(texts, rows, intervals) | endings.get(name, {}) for name, rows in nats.items()}
    return scored, num_endings


def score_alone(
    model: LanguageModel, token_lists: Sequence[Sequence[str]], baseline: Baseline | None, reading: Mapping[str, Any]
) -> dict[str, Sequence[np.ndarray]]:
    """The log-probabilities that the model and the baseline give the tokens of each text, as they are."""
    nats: dict[str, Sequence[np.ndarray]] = {"model": model.score_tokens(token_lists, **reading)}
    return nats | ({baseline.name: baseline.score(token_lists)} if baseline else {})


def fit_baseline(
    model: LanguageModel, train: Data, config: LanguageModelConfig, ngram_order: int | None
) -> tuple[Baseline, int]:
    """Fit Kneser-Ney n-grams over the model's vocabulary; returns them, and the tokens that they have learned from."""
    known = split_tokens(load_texts(train, config), config)
    return count_ngrams(model, known, ngram_order), sum(map(len, known))


def _score_text(
    texts: Sequence[str], nats: Sequence[np.ndarray], intervals: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    units = text_units(texts, nats)
    return intervals(partial(_score_chosen, units), len(units))


def score_given_endings(
    model: LanguageModel, texts: Sequence[str], baseline: Baseline | None, intervals: Callable[..., dict[str, Any]]
) -> tuple[int, dict[str, dict[str, Any]]]:
    """The test of the given ending, for the model and the baseline; returns the number of endings and the scores."""
    contexts, endings = split_endings(texts, model)
    if len(endings) <= 1:
        return len(endings), {}
    scorers: dict[str, Scorer] = {"model": model.score_tokens}
    if baseline:
        scorers[baseline.name] = baseline.score
    won = {name: compare_endings(contexts, endings, score) for name, score in scorers.items()}
    return len(endings), {name: intervals(partial(_mean_chosen, wins), len(endings)) for name, wins in won.items()}


def count_ngrams(model: LanguageModel, token_lists: Sequence[Sequence[str]], order: int | None = None) -> Baseline:
    """Count the n-grams of the training texts, over the vocabulary of the model.

    Args:
        model: the language model.
        token_lists: the tokens of each training text.
        order: tokens in the longest n-gram; None takes 5, of characters 7.
    """
    order = order or NGRAM_ORDERS[model.config.level]
    ngrams = NgramModel(map(model.vocabulary.encode, token_lists), len(model.vocabulary), order)

    def score(token_lists: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return [np.array(ngrams.log_probabilities(model.vocabulary.encode(tokens))) for tokens in token_lists]

    return Baseline(f"Kneser-Ney {order}-gram", score)


def perplexity_verdict(
    nats: Sequence[np.ndarray], baseline: Sequence[np.ndarray], split: str, num_known: int
) -> Verdict | None:
    """Whether a model is ahead of Kneser-Ney n-grams over the same vocabulary; None if there is too little to tell.

    Args:
        nats: the log-probabilities of the model, those of the tokens and the end of each text.
        baseline: those of the n-grams.
        split: "validation", say.
        num_known: tokens that both have learned from.
    """
    where = f"{len(nats):,} {split} texts"
    lost = [np.concatenate([-np.asarray(row, np.float64) for row in rows]) for rows in (nats, baseline)]
    ends = np.cumsum([len(row) for row in nats])[:-1]
    if len(nats) < MIN_TEXTS:
        num_pieces = len(lost[0]) // PIECE
        where = f"{num_pieces:,} pieces of the {split} text{'s' if len(nats) > 1 else ''}"
        ends = np.linspace(0, len(lost[0]), num_pieces + 1)[1:-1].astype(int)
    if not len(ends):
        return None
    of_model, of_baseline = (np.array([piece.sum() for piece in np.split(values, ends)]) for values in lost)
    outcome = compare(of_model, of_baseline)
    ours, theirs = (perplexity(values.sum(), len(values)) for values in lost)
    return make_verdict(
        outcome,
        where,
        f"the model's perplexity is {ours:.1f} (lower is better)",
        f"Kneser-Ney's {theirs:.1f}",
        f"It has learned from {num_known:,} tokens: more text of this kind helps most, "
        "then --start MODEL with a language model that has read such text.",
    )


def score_with_caches(
    model: LanguageModel,
    token_lists: Sequence[list[str]],
    nats: Mapping[str, Sequence[np.ndarray]],
    baseline: Baseline | None,
    data: Data,
    make_streams: Callable[[Sequence[Sequence[int]]], Streams],
    config: LanguageModelConfig,
) -> dict[str, list[np.ndarray]]:
    """Score texts with a cache: a continuous one for the model, one of unigrams for the n-grams.

    Args:
        model: the language model.
        token_lists: the tokens of each test text.
        nats: the log-probabilities of each system without a cache.
        baseline: the n-gram model.
        data: the texts on which the settings of the caches are chosen.
        make_streams: encoded texts to the streams in which they are read.
        config: how texts are read.
    Returns:
        The log-probabilities of each text, by system.
    """
    validation_lists = split_tokens(load_texts(data, config), config)
    test, validation = (
        make_streams([encode_text(tokens, model.vocabulary) for tokens in lists])
        for lists in (token_lists, validation_lists)
    )
    best = caches.choose_continuous_cache(model, validation)
    say(f"cache of the model, best on {name_of(data)}: {best}")
    result = {"model, cache": caches.score_with_cache(model, test, best)}
    if baseline:
        best = caches.choose_unigram_cache(baseline.score(validation_lists), validation)
        say(f"cache of the n-grams: {best}")
        shares = test.split([caches.unigram_cache(row, best.size) for row in test.rows])
        rows = zip(nats[baseline.name], shares, strict=True)
        result[f"{baseline.name}, cache"] = [caches.mix(row, share, best.rate) for row, share in rows]
    return result


def score_dynamically(
    learner: DynamicEvaluation,
    token_lists: Sequence[list[str]],
    train: Data | None,
    config: LanguageModelConfig,
    reading: Mapping[str, Any],
) -> dict[str, Sequence[np.ndarray]]:
    """The log-probabilities of dynamic evaluation, by the statistics of the training data if there are any."""
    if train is not None:
        learner.gather(split_tokens(load_texts(train, config), config))
    settings = learner.config
    variant = "SGD, as there is no --train" if train is None else f"RMS of gradients on {name_of(train)}"
    say(
        f"dynamic evaluation: {variant}; learning rate {learner.learning_rate:g}, decay {settings.dynamic_decay:g}, "
        f"segments of {settings.dynamic_segment} tokens"
    )
    return {"model, dynamic": learner.score_tokens(token_lists, **reading)}


def _score_chosen(units: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
    return score_units(units[chosen])


def _mean_chosen(won: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, float]:
    return {kind: float(wins[chosen].mean()) for kind, wins in won.items()}
