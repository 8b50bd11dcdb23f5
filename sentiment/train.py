"""Train a rating model.

python -m sentiment.train --train sentiment/dataset/train.csv --output-dir runs/sentiment
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from common.bundles.file_names import VOCABULARY_FILE
from common.cli import options as commands
from common.errors import InputError, run_command, show
from common.networks import layer_names
from common.networks.rating_levels import MAX_LEVELS
from common.settings import add_settings, flag_of, make_parser, read_settings
from common.text.token_cache import CACHE_HELP
from sentiment.config import RECURRENT, SentimentConfig


def train(config: SentimentConfig, arguments: argparse.Namespace) -> dict[str, float]:
    """Fit on the training split, keep the weights best on validation, save a bundle; returns the validation scores."""
    import numpy as np

    from common.bundles.bundle import open_bundle, save_bundle
    from common.bundles.model_card import make_card
    from common.bundles.provenance import describe_run
    from common.bundles.word_vectors import load_word_vectors
    from common.inference.keras_engine import KerasEngine
    from common.inference.keras_start import start_keras
    from common.progress import say
    from common.text.tokenization import load_pipeline, tokenize_cached
    from common.text.vocabulary import Vocabulary
    from common.text.word_vectors import cooccurrence_vectors
    from common.training.fit import check_run, fit, kept_until_saved, make_optimizer, set_precision, write_history
    from common.training.seeds import set_seed
    from sentiment.distillation import correct_sides, open_teachers, taught_targets
    from sentiment.evaluate import SCORES, rating_scores
    from sentiment.loader import load_reviews, load_texts, make_batches, make_targets, share_cut, split_validation
    from sentiment.pretraining import inherit_settings, inherit_weights, layer_rates
    from sentiment.temperature_scaling import divide_logits, fit_temperature

    overwrite = check_run(arguments.output_dir, arguments.resume, arguments.overwrite)
    encoder = open_bundle(arguments.initialize_from) if arguments.initialize_from else None
    if encoder:
        config = inherit_settings(config, encoder)
    config = settle_vectors(config, arguments)
    check_architecture(config)
    if bool(arguments.teachers) != bool(arguments.unlabelled):
        raise InputError("--teachers and --unlabelled: one says who rates, the other what; give both or neither")
    if config.linear_teacher and not (arguments.teachers and config.head == "class"):
        raise InputError("--linear-teacher corrects --teachers of --head class; leave it out, or give both")
    teachers = open_teachers(arguments.teachers, config)

    # 1. Text to ids. Only the training split, and what is unlabelled, may shape the vocabulary.
    train_split = load_reviews(arguments.train, config, arguments.groups)
    if arguments.validation:
        validation_split = load_reviews(arguments.validation, config)
    else:
        train_split, validation_split = split_validation(train_split, config)
    taught_texts = load_texts(arguments.unlabelled, config) if teachers else []
    pipeline = load_pipeline()
    train_tokens = tokenize_cached(train_split.texts, pipeline)
    validation_tokens = tokenize_cached(validation_split.texts, pipeline)
    targets = make_targets(train_split.ratings, config)
    if teachers:
        taught_tokens = tokenize_cached(taught_texts, pipeline)
        say(f"The teachers rate {len(taught_tokens):,} reviews")
        taught = taught_targets(teachers, taught_tokens)
        if config.linear_teacher:
            taught = correct_sides(taught, taught_texts, train_split, config)
        targets = np.concatenate([targets, taught])
        train_tokens += taught_tokens
    if encoder:
        vocabulary = encoder.read_vocabulary(VOCABULARY_FILE)
    else:
        vocabulary = Vocabulary.build(train_tokens, config.max_vocab_size, config.min_count, config.lowercase)
    vectors = None
    if arguments.word_vectors_from:
        vectors, num_found = load_word_vectors(arguments.word_vectors_from, vocabulary, config.embedding_dim)
        say(f"Word vectors: {num_found:,} of the {len(vocabulary):,} words found")
    elif config.word_vectors == "cooccurrence" and config.architecture != "bow":
        ids = [vocabulary.encode(tokens) for tokens in train_tokens]
        vectors = cooccurrence_vectors(ids, len(vocabulary), config.embedding_dim, seed=config.seed)
    train_batches = make_batches(train_tokens, targets, vocabulary, config, shuffle=True)
    cut_rate = share_cut([len(tokens) for tokens in train_tokens], config)
    say(
        f"Data: {len(train_tokens):,} reviews to train on, {len(validation_split):,} for validation; "
        f"{len(vocabulary):,} words; {cut_rate:.1%} of the reviews are too long and cut"
    )

    # 2. Ids to ratings.
    start_keras()

    from sentiment.model import build_model, learner_and_loss
    from sentiment.predict import RatingModel

    set_seed(config.seed)
    set_precision(config.mixed_precision)
    model = build_model(config, len(vocabulary))
    learner, loss = learner_and_loss(model, config)
    num_steps, rates = config.num_epochs * len(train_batches), layer_rates(config, len(train_batches))
    for layer in model.layers:
        if layer.name in rates and rates[layer.name][1] >= num_steps:
            layer.trainable = False  # it would not begin to learn before the end, so nobody needs its gradient
    learner.compile(make_optimizer(config, num_steps, rates), loss)
    if encoder:
        inherit_weights(model, encoder)
    if vectors is not None:
        model.get_layer(layer_names.EMBEDDING).set_weights([vectors])
    rater = RatingModel(KerasEngine(model), vocabulary, config)

    def validate() -> dict[str, float]:
        predictions = rater.predict_tokens(validation_tokens)
        scores = rating_scores(validation_split.ratings, predictions.ratings, config)
        return {name: scores[name] for name in ("r2", "binary_accuracy")}

    # 3. Learn. The test file stays closed until evaluate.
    state = fit(learner, train_batches, validate, "r2", config, arguments.output_dir, arguments.resume)

    if config.calibrate:
        logits = rater.answer_tokens(validation_tokens)["logits"]
        temperature = fit_temperature(logits, make_targets(validation_split.ratings, config))
        divide_logits(model, temperature)
        say(f"Calibrated: the logits are divided by {temperature:.2f}")

    # 4. Keep together all that predict needs.
    set_precision(mixed=False)
    final = build_model(config, len(vocabulary))
    final.set_weights(model.get_weights())
    predictions = RatingModel(KerasEngine(final), vocabulary, config).predict_tokens(validation_tokens)
    scores = rating_scores(validation_split.ratings, predictions.ratings, config)
    facts = describe_run("sentiment", f"Rating model: {arguments.output_dir.name}", arguments, config, state)
    metrics = {"validation": {**scores, "num_examples": len(validation_split)}}

    def save_extras(folder: Path) -> None:
        vocabulary.save(folder / VOCABULARY_FILE)
        write_history(folder, state, "r2")

    card = make_card(facts, config, metrics, SCORES)
    with kept_until_saved(arguments.output_dir):
        save_bundle(arguments.output_dir, final, config, metrics, facts, card, save_extras, overwrite)
    return metrics["validation"]


def check_architecture(config: SentimentConfig) -> None:
    """Make sure that the architecture can do what else was asked for.

    Raises:
        InputError: the setting, and which architectures can.
    """
    for name, able in (("gradient_length", ("lstm",)), ("adversarial_size", RECURRENT), ("backward_units", RECURRENT)):
        if getattr(config, name) and config.architecture not in able:
            others = " or ".join(able)
            raise InputError(
                f"{flag_of(name)}: not with --architecture {config.architecture}; leave it out, or take {others}"
            )
    if config.backward_units and config.bidirectional:
        raise InputError("--backward-units: a second direction beside one; leave it out, or add --no-bidirectional")
    if config.direction_dropout and not config.backward_units:
        raise InputError("--direction-dropout: between two readers; leave it out, or add --backward-units")
    if config.head != "regression" and config.max_rating - config.min_rating >= MAX_LEVELS:
        raise InputError(
            f"--head {config.head}: a rating for each step from {config.min_rating:g} to {config.max_rating:g} is too "
            f"many, the most is {MAX_LEVELS:,}; take --head regression"
        )
    if config.calibrate and config.head != "class":
        raise InputError(f"--calibrate: not with --head {config.head}; leave it out, or take class")


def settle_vectors(config: SentimentConfig, arguments: argparse.Namespace) -> SentimentConfig:
    """Put into the settings where word vectors come from.

    Raises:
        InputError: options that exclude each other.
    """
    if arguments.word_vectors_from and arguments.initialize_from:
        raise InputError("--word-vectors-from and --initialize-from both give word vectors; leave one out")
    if arguments.word_vectors_from and config.architecture == "bow":
        raise InputError("--word-vectors-from: a bow network has no word vectors; leave it out")
    if arguments.word_vectors_from:
        return replace(config, word_vectors="given")
    if config.word_vectors == "given" and not arguments.initialize_from:
        raise InputError("--word-vectors given: by what? add --word-vectors-from or --initialize-from")
    return config


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("sentiment.train", __doc__, CACHE_HELP)
    commands.add_train_arguments(parser)
    parser.add_argument("--groups", type=Path, metavar="FILE", help="what each row of --train is about, one a line")
    parser.add_argument(
        "--word-vectors-from",
        type=Path,
        metavar="PATH",
        help="word vectors to start from: a text file of GloVe, word2vec or fastText, a bundle, or a spaCy package",
    )
    parser.add_argument(
        "--initialize-from",
        type=Path,
        metavar="DIR",
        help="bundle of a language model, or of a rating model, whose layers to start from",
    )
    parser.add_argument(
        "--teachers", type=Path, nargs="+", default=[], metavar="DIR", help="rating models that rate --unlabelled"
    )
    parser.add_argument("--unlabelled", type=Path, metavar="FILE", help="reviews without ratings, to learn from too")
    add_settings(parser, SentimentConfig)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, SentimentConfig)
    with commands.claim_for_training(arguments):
        scores = train(config, arguments)
    show(
        f"validation: R² {scores['r2']:.4f}, binary accuracy {scores['binary_accuracy']:.1%}; "
        f"bundle in {arguments.output_dir}"
    )


if __name__ == "__main__":
    run_command(main)
