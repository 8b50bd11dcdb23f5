"""Train a rating model: fine-tuning, knowledge distillation, early stopping on validation R².

python -m sentiment.train --train sentiment/dataset/train.csv --output-dir runs/sentiment
"""

from __future__ import annotations

from common.cli.run import run_command
from sentiment import cli

if __name__ == "__main__":
    run_command(cli.train)  # before the imports below, of TensorFlow among others: --help starts without them

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from common.bundles.bundle import Bundle
from common.bundles.file_names import NGRAMS_FILE, VOCABULARY_FILE
from common.bundles.word_vectors import load_word_vectors
from common.errors import InputError
from common.evaluation.verdict import Verdict
from common.inference.keras_engine import KerasEngine
from common.networks import layer_names
from common.progress import say
from common.settings import flag_of
from common.text.data import Data
from common.text.languages import BY_CHARACTERS
from common.text.remarks import tell_of_language, tell_of_unknown
from common.text.vocabulary import Vocabulary
from common.text.word_vectors import cooccurrence_vectors
from common.training.fit import OnEpoch, Validation, fit
from common.training.half_precision import Shown
from common.training.optimizer import make_optimizer
from common.training.run import TrainingResult, finish, open_run, seeded_network
from sentiment.config import TASK, SentimentConfig
from sentiment.distillation import open_teachers, shift_by_nbsvm, soft_targets
from sentiment.evaluate import SCORES, baseline_answers, rating_scores, rating_verdict
from sentiment.loader import (
    Reviews,
    load_reviews,
    load_texts,
    make_batches,
    make_targets,
    read_reviews,
    share_cut,
    split_tokens,
    split_validation,
    with_scale,
)
from sentiment.model import build_model, learner_and_loss
from sentiment.ngrams import Ngrams
from sentiment.predict import RatingModel
from sentiment.pretraining import (
    choose_start,
    inherit_reading,
    inherit_settings,
    inherit_vocabulary,
    inherit_weights,
    layer_rates,
)
from sentiment.temperature_scaling import divide_logits, fit_temperature
from sentiment.tfidf_linear import RATES
from sentiment.wide_and_deep import fit_both_parts

MOST_FOR_BASELINE = 20_000  # training reviews: half a minute


def train(
    data: Data,
    output_dir: str | Path,
    config: SentimentConfig | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    validation: Data | None = None,
    groups: str | Path | None = None,
    word_vectors_from: str | Path | None = None,
    start: str | Path = "auto",
    teachers: Sequence[str | Path] = (),
    unlabelled: Data | None = None,
    about_data: str = "",
    resume: bool = False,
    overwrite: bool = False,
) -> TrainingResult[RatingModel]:
    """Fit on the training split, keep the weights best on validation, save a bundle.

    Args:
        data: rated reviews: a file, a DataFrame, or a list of (review, rating).
        output_dir: the bundle that will be written.
        config: the settings; None takes the defaults.
        on_epoch: called after each epoch with its number and scores; returns True to stop there.
        validation: rated reviews to validate on; None holds some of `data` out.
        groups: a file that says what each row of `data` is about, one a line.
        word_vectors_from: initial word vectors: a text file of GloVe, word2vec or fastText, a bundle, a spaCy package.
        start: "auto" fine-tunes the pretrained model where that suits the reviews, else trains from scratch; "scratch";
            or the bundle of a language model or a rating model to fine-tune, by folder or name.
        teachers: bundles of rating models whose predictions on `unlabelled` are learned too (knowledge distillation).
        unlabelled: reviews without ratings.
        about_data: source and licence of the data, for the model card.
        resume: go on from the checkpoint of a run that was killed.
        overwrite: replace the bundle that is at `output_dir`.
    Returns:
        The model, its validation scores, the history and the path.
    Raises:
        InputError: what is wrong with data, settings or places, in one line.
    """
    inputs = {
        "train": data, "validation": validation, "groups": groups, "word_vectors_from": word_vectors_from,
        "start": start, "unlabelled": unlabelled, "teachers": tuple(teachers),
    }  # fmt: skip
    with open_run(TASK, output_dir, inputs, about_data, resume, overwrite) as run:
        # 1. Reviews to tokens, and what to start from.
        config = config or SentimentConfig()
        check_inputs(inputs, config)
        splits = read_splits(inputs, config)
        origin = choose_start(splits.tokens, splits.config, inputs)
        config = settle(splits.config, inputs, origin, len(splits.train))

        # 2. Tokens to ids to ratings. Only the training split, and what is unlabelled, may shape the vocabulary.
        examples = prepare_data(splits, inputs, config, origin)
        build = partial(build_model, config, len(examples.vocabulary), len(examples.ngrams or ()))
        network = seeded_network(config, build)
        wrap = partial(RatingModel, vocabulary=examples.vocabulary, config=config, ngrams=examples.ngrams)
        model = wrap(KerasEngine(network))

        # 3. Learn. The test file stays closed until evaluate.
        targets = prepare_weights(network, examples, config, origin)
        batches = make_batches(examples.tokens, targets, examples.vocabulary, config, shuffle=True)
        learner = compile_learner(network, len(batches), config)
        monitored = Validation(lambda: examples.score(model, ("r2", "binary_accuracy")), "r2")
        state = fit(learner, batches, monitored, config, run.output_dir, resume, on_epoch, run.hashes(origin))
        if config.temperature_scaling:
            calibrate(network, model, examples.validation_tokens, examples.validation.ratings)

        # 4. Keep together all that predict needs.
        return finish(
            run.starting_from(origin), config, state, network, title="Rating model", build=build, score=examples.score,
            score_names=SCORES, wrap=wrap, monitor="r2", num_validation=len(examples.validation),
            save_vocabularies=examples.save_vocabularies, judge=partial(judge, splits),
            shown=shown_ratings(examples.validation_tokens),
        )  # fmt: skip


@dataclass(frozen=True)
class Splits:
    """The reviews of a run and the tokens of each; `config` has the scale of their ratings."""

    config: SentimentConfig
    train: Reviews
    tokens: list[list[str]]
    validation: Reviews
    validation_tokens: list[list[str]]


@dataclass(frozen=True)
class Examples:
    """What a run learns from and is validated on.

    `targets` are of `make_targets`, a row for each of `tokens`; `vectors` are initial word vectors (words, features),
    if given; `ngrams` those of the wide part, if there is one.
    """

    tokens: list[list[str]]
    targets: np.ndarray
    vocabulary: Vocabulary
    ngrams: Ngrams | None
    vectors: np.ndarray | None
    validation: Reviews
    validation_tokens: list[list[str]]

    def score(self, model: RatingModel, names: Sequence[str] | None = None) -> dict[str, float]:
        """Score a model on the validation split."""
        predictions = model.predict_tokens(self.validation_tokens)
        scores = rating_scores(self.validation.ratings, predictions.ratings, model.config)
        return {name: scores[name] for name in names or scores}

    def save_vocabularies(self, folder: Path) -> None:
        """Write the words, and the n-grams of the wide part."""
        self.vocabulary.save(folder / VOCABULARY_FILE)
        if self.ngrams:
            self.ngrams.save(folder / NGRAMS_FILE)


def check_inputs(inputs: dict[str, Any], config: SentimentConfig) -> None:
    """Refuse what can be known to be wrong before anything is read."""
    config.validate()
    if bool(inputs["teachers"]) != (inputs["unlabelled"] is not None):
        raise InputError("--teachers and --unlabelled: one says who rates, the other what; give both or neither")
    for name in ("adversarial_epsilon", "tbptt_length"):
        if getattr(config, name) and keras.backend.backend() != "tensorflow":
            raise InputError(f"{flag_of(name)}: only with --backend tensorflow; leave one of them out")
    if config.nbsvm_weight and not inputs["teachers"]:
        raise InputError("--nbsvm-weight: shifts the probabilities of --teachers; leave it out, or give both")
    if inputs["word_vectors_from"] and inputs["start"] not in ("auto", "scratch"):
        raise InputError("--word-vectors-from and --start both give word vectors; leave one out")


def read_splits(inputs: dict[str, Any], config: SentimentConfig) -> Splits:
    """Read and tokenize the reviews of a run, and hold some out for validation if there is no file for it."""
    config = inherit_reading(config, inputs["start"])
    written = read_reviews(inputs["train"], config, inputs["groups"])
    if len(written.texts) < 2:
        raise InputError(f"{written.source}: nothing is left to train on after one review; give more data")
    config = with_scale(config, written)
    train_split = written.on_scale((config.min_rating, config.max_rating), config)
    if inputs["validation"] is not None:
        validation_split = load_reviews(inputs["validation"], config, None, (config.min_rating, config.max_rating))
    else:
        train_split, validation_split = split_validation(train_split, config)
    tokens, validation_tokens = (split_tokens(split.texts, config) for split in (train_split, validation_split))
    tell_of_language(tokens, config.language)
    return Splits(config, train_split, tokens, validation_split, validation_tokens)


def settle(config: SentimentConfig, inputs: dict[str, Any], origin: Bundle | None, num_reviews: int) -> SentimentConfig:
    """Take the settings that follow from what a run is given and from its size, and check them all.

    Args:
        config: the settings of the run.
        inputs: what it reads, by option.
        origin: the bundle whose layers to start from.
        num_reviews: in the training split.
    Raises:
        InputError: settings or options that exclude each other.
    """
    vectors_from = inputs["word_vectors_from"]
    if origin:
        config = inherit_settings(config, origin)
    if vectors_from and config.architecture == "bow":
        raise InputError("--word-vectors-from: a bow network has no word vectors; leave it out")
    if vectors_from:
        config = replace(config, word_vectors="given")
    if config.new_words and not origin:
        raise InputError("--new-words: only with --start MODEL, whose vocabulary they extend; leave it out")
    if config.word_vectors == "given" and not (vectors_from or origin):
        raise InputError("--word-vectors given: by what? add --word-vectors-from or --start")
    config = config.sized(num_reviews, fine_tuning=origin is not None)
    if config.ngrams < 0:
        longest = 3 if config.language == BY_CHARACTERS else 2
        config = replace(config, ngrams=longest if config.head == "regression" and not inputs["teachers"] else 0)
    config.validate()
    if config.ngrams and inputs["teachers"]:
        raise InputError("--ngrams: not with --teachers, which rate as a whole; leave it out, or give 0")
    return config


def prepare_data(splits: Splits, inputs: dict[str, Any], config: SentimentConfig, origin: Bundle | None) -> Examples:
    """Make the vocabularies and targets of a run; teachers rate what has no rating."""
    tokens, targets = list(splits.tokens), make_targets(splits.train.ratings, config)
    if teachers := open_teachers(inputs["teachers"], config):
        taught_texts = load_texts(inputs["unlabelled"], config)
        taught_tokens = split_tokens(taught_texts, config)
        say(f"The teachers rate {len(taught_tokens):,} reviews")
        taught = soft_targets(teachers, taught_tokens)
        if config.nbsvm_weight:
            taught = shift_by_nbsvm(taught, taught_texts, splits.train, config)
        targets = np.concatenate([targets, taught])
        tokens += taught_tokens
    if origin:
        vocabulary = inherit_vocabulary(origin, tokens, config)
    else:
        vocabulary = Vocabulary.build(tokens, config.max_vocab_size, config.min_count, config.lowercase)
    vectors = initial_vectors(inputs["word_vectors_from"], tokens, vocabulary, config)
    ngrams = Ngrams.build(tokens, config.ngrams, config.max_ngrams) if config.ngrams else None
    tell_of_unknown(splits.validation_tokens, vocabulary.__contains__)
    cut_rate = share_cut([len(row) for row in tokens], config)
    say(
        f"Data: {len(tokens):,} reviews to train on, {len(splits.validation):,} for validation; "
        f"{len(vocabulary):,} words{f', {len(ngrams):,} n-grams' if ngrams else ''}; "
        f"{cut_rate:.1%} of the reviews are too long and cut"
    )
    return Examples(tokens, targets, vocabulary, ngrams, vectors, splits.validation, splits.validation_tokens)


def initial_vectors(
    source: str | Path | None, token_lists: Sequence[Sequence[str]], vocabulary: Vocabulary, config: SentimentConfig
) -> np.ndarray | None:
    """Word vectors from a file, or from co-occurrences in the training text; float32 (words, features), or None."""
    if source:
        vectors, num_found = load_word_vectors(Path(source), vocabulary, config.embedding_dim)
        say(f"Word vectors: {num_found:,} of the {len(vocabulary):,} words found")
        return vectors
    if config.word_vectors == "cooccurrence" and config.architecture != "bow":
        ids = [vocabulary.encode(tokens) for tokens in token_lists]
        return cooccurrence_vectors(ids, len(vocabulary), config.embedding_dim, seed=config.seed)
    return None


def prepare_weights(
    network: keras.Model, examples: Examples, config: SentimentConfig, origin: Bundle | None
) -> np.ndarray:
    """Give a network the weights and word vectors it starts from; returns what it learns, of `make_targets`."""
    if origin:
        token_ids = [examples.vocabulary.encode(tokens) for tokens in examples.tokens] if config.new_words else []
        inherit_weights(network, origin, token_ids)
    if examples.vectors is not None:
        network.get_layer(layer_names.EMBEDDING).set_weights([examples.vectors])
    if examples.ngrams is None:
        return examples.targets
    return fit_both_parts(
        network, examples.tokens, examples.targets, examples.vocabulary, examples.ngrams, config, origin
    )


def compile_learner(network: keras.Model, steps_per_epoch: int, config: SentimentConfig) -> keras.Model:
    """Compile the part of a network that is trained."""
    learner, loss = learner_and_loss(network, config)
    num_steps, rates = config.num_epochs * steps_per_epoch, layer_rates(config, steps_per_epoch)
    for layer in network.layers:
        if layer.name in rates and rates[layer.name][1] >= num_steps:
            layer.trainable = False  # frozen to the end of the run, so nobody needs its gradient
    learner.compile(make_optimizer(config, num_steps, rates), loss)
    return learner


def judge(splits: Splits, model: RatingModel) -> Verdict | None:
    """Compare a model with TF-IDF and ridge regression, fitted on the same reviews, on the validation split."""
    say("Baseline: TF-IDF with ridge regression")
    chosen = splits.train.take(np.arange(min(len(splits.train), MOST_FOR_BASELINE)))
    baseline = baseline_answers(splits.validation.texts, chosen, model.config)[RATES[0]]
    predictions = model.predict_tokens(splits.validation_tokens).ratings
    return rating_verdict(splits.validation, predictions, baseline, "validation", len(splits.train))


def shown_ratings(token_lists: Sequence[Sequence[str]]) -> Shown[RatingModel]:
    """The ratings predicted for some reviews; what changes them by less than 0.01 is not shown."""
    return Shown(lambda model: model.predict_tokens(token_lists).ratings, tolerance=0.01, unit="of a rating")


def calibrate(
    network: keras.Model, model: RatingModel, token_lists: Sequence[Sequence[str]], ratings: np.ndarray
) -> None:
    """Temperature scaling on validation reviews, their tokens and ratings."""
    temperature = fit_temperature(model.answer_tokens(token_lists)["logits"], make_targets(ratings, model.config))
    divide_logits(network, temperature)
    say(f"Temperature scaling: the logits are divided by {temperature:.2f}")
