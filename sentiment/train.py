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

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.bundles.word_vectors import load_word_vectors
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.networks import layer_names
from common.progress import say
from common.text.batching import Batches
from common.text.data import Data
from common.text.tokenization import load_pipeline, tokenize_cached
from common.text.vocabulary import Vocabulary
from common.text.word_vectors import cooccurrence_vectors
from common.training.fit import OnEpoch, Validation, fit
from common.training.optimizer import make_optimizer
from common.training.run import TrainingResult, finish, open_run, seeded_network
from sentiment.config import TASK, SentimentConfig
from sentiment.distillation import open_teachers, shift_by_nbsvm, soft_targets
from sentiment.evaluate import SCORES, rating_scores
from sentiment.loader import Reviews, load_reviews, load_texts, make_batches, make_targets, share_cut, split_validation
from sentiment.model import build_model, learner_and_loss
from sentiment.predict import RatingModel
from sentiment.pretraining import inherit_settings, inherit_weights, layer_rates
from sentiment.temperature_scaling import divide_logits, fit_temperature


def train(
    data: Data,
    output_dir: str | Path,
    config: SentimentConfig | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    validation: Data | None = None,
    groups: str | Path | None = None,
    word_vectors_from: str | Path | None = None,
    initialize_from: str | Path | None = None,
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
        initialize_from: bundle of a language model or a rating model whose layers to start from (fine-tuning).
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
        "initialize_from": initialize_from, "unlabelled": unlabelled, "teachers": tuple(teachers),
    }  # fmt: skip
    with open_run(TASK, output_dir, inputs, about_data, resume, overwrite) as run:
        start = open_bundle(Path(initialize_from)) if initialize_from else None
        config = settle(config or SentimentConfig(), inputs, start)

        # 1. Text to ids. Only the training split, and what is unlabelled, may shape the vocabulary.
        examples = prepare_data(inputs, config, start)

        # 2. Ids to ratings.
        build = partial(build_model, config, len(examples.vocabulary))
        network = seeded_network(config, build)
        learner = prepare_learner(network, examples, config, start)
        wrap = partial(RatingModel, vocabulary=examples.vocabulary, config=config)
        model = wrap(KerasEngine(network))

        # 3. Learn. The test file stays closed until evaluate.
        monitored = Validation(lambda: examples.score(model, ("r2", "binary_accuracy")), "r2")
        state = fit(learner, examples.batches, monitored, config, run.output_dir, resume, on_epoch)
        if config.temperature_scaling:
            calibrate(network, model, examples)

        # 4. Keep together all that predict needs.
        return finish(
            run, config, state, network, title="Rating model", build=build, score=examples.score, score_names=SCORES,
            wrap=wrap, monitor="r2",
            num_validation=len(examples.validation),
            save_vocabularies=lambda folder: examples.vocabulary.save(folder / VOCABULARY_FILE),
        )  # fmt: skip


@dataclass(frozen=True)
class Examples:
    """What a run learns from and is validated on; `vectors` are initial word vectors (words, features), if given."""

    batches: Batches
    vocabulary: Vocabulary
    vectors: np.ndarray | None
    validation: Reviews
    validation_tokens: list[list[str]]

    def score(self, model: RatingModel, names: Sequence[str] | None = None) -> dict[str, float]:
        """Score a model on the validation split."""
        predictions = model.predict_tokens(self.validation_tokens)
        scores = rating_scores(self.validation.ratings, predictions.ratings, model.config)
        return {name: scores[name] for name in names or scores}


def settle(config: SentimentConfig, inputs: dict[str, Any], start: Bundle | None) -> SentimentConfig:
    """Take the settings that follow from what a run is given, and check them all.

    Args:
        config: the settings of the run.
        inputs: what it reads, by option.
        start: the bundle whose layers to start from.
    Raises:
        InputError: settings or options that exclude each other.
    """
    vectors_from = inputs["word_vectors_from"]
    if start and vectors_from:
        raise InputError("--word-vectors-from and --initialize-from both give word vectors; leave one out")
    if start:
        config = inherit_settings(config, start)
    if vectors_from and config.architecture == "bow":
        raise InputError("--word-vectors-from: a bow network has no word vectors; leave it out")
    if vectors_from:
        config = replace(config, word_vectors="given")
    if config.word_vectors == "given" and not (vectors_from or start):
        raise InputError("--word-vectors given: by what? add --word-vectors-from or --initialize-from")
    config.validate()
    if bool(inputs["teachers"]) != (inputs["unlabelled"] is not None):
        raise InputError("--teachers and --unlabelled: one says who rates, the other what; give both or neither")
    if config.nbsvm_weight and not inputs["teachers"]:
        raise InputError("--nbsvm-weight: shifts the probabilities of --teachers; leave it out, or give both")
    return config


def prepare_data(inputs: dict[str, Any], config: SentimentConfig, start: Bundle | None) -> Examples:
    """Read, split, tokenize and encode the reviews of a run, and make their targets; teachers rate what has none."""
    teachers = open_teachers(inputs["teachers"], config)
    train_split = load_reviews(inputs["train"], config, inputs["groups"])
    if inputs["validation"] is not None:
        validation_split = load_reviews(inputs["validation"], config)
    else:
        train_split, validation_split = split_validation(train_split, config)
    taught_texts = load_texts(inputs["unlabelled"], config) if teachers else []
    pipeline = load_pipeline()
    tokens = tokenize_cached(train_split.texts, pipeline)
    validation_tokens = tokenize_cached(validation_split.texts, pipeline)
    targets = make_targets(train_split.ratings, config)
    if teachers:
        taught_tokens = tokenize_cached(taught_texts, pipeline)
        say(f"The teachers rate {len(taught_tokens):,} reviews")
        taught = soft_targets(teachers, taught_tokens)
        if config.nbsvm_weight:
            taught = shift_by_nbsvm(taught, taught_texts, train_split, config)
        targets = np.concatenate([targets, taught])
        tokens += taught_tokens
    if start:
        vocabulary = start.read_vocabulary(VOCABULARY_FILE)
    else:
        vocabulary = Vocabulary.build(tokens, config.max_vocab_size, config.min_count, config.lowercase)
    vectors = initial_vectors(inputs["word_vectors_from"], tokens, vocabulary, config)
    cut_rate = share_cut([len(row) for row in tokens], config)
    say(
        f"Data: {len(tokens):,} reviews to train on, {len(validation_split):,} for validation; "
        f"{len(vocabulary):,} words; {cut_rate:.1%} of the reviews are too long and cut"
    )
    batches = make_batches(tokens, targets, vocabulary, config, shuffle=True)
    return Examples(batches, vocabulary, vectors, validation_split, validation_tokens)


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


def prepare_learner(
    network: keras.Model, examples: Examples, config: SentimentConfig, start: Bundle | None
) -> keras.Model:
    """Compile the part of a network that is trained, and give it the weights and word vectors it starts from."""
    learner, loss = learner_and_loss(network, config)
    num_steps, rates = config.num_epochs * len(examples.batches), layer_rates(config, len(examples.batches))
    for layer in network.layers:
        if layer.name in rates and rates[layer.name][1] >= num_steps:
            layer.trainable = False  # frozen to the end of the run, so nobody needs its gradient
    learner.compile(make_optimizer(config, num_steps, rates), loss)
    if start:
        inherit_weights(network, start)
    if examples.vectors is not None:
        network.get_layer(layer_names.EMBEDDING).set_weights([examples.vectors])
    return learner


def calibrate(network: keras.Model, model: RatingModel, examples: Examples) -> None:
    """Temperature scaling on the validation split."""
    logits = model.answer_tokens(examples.validation_tokens)["logits"]
    temperature = fit_temperature(logits, make_targets(examples.validation.ratings, model.config))
    divide_logits(network, temperature)
    say(f"Temperature scaling: the logits are divided by {temperature:.2f}")
