"""Train a rating model.

python -m sentiment.train --train sentiment/dataset/train.csv --output-dir runs/sentiment
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import commands
from common.errors import run_command
from common.settings import add_settings, make_parser, read_settings
from sentiment.config import SentimentConfig


def train(config: SentimentConfig, arguments: argparse.Namespace) -> dict[str, float]:
    """Fit on the training split, keep the weights best on validation, save a bundle; returns the validation scores."""
    from common.keras_engine import KerasEngine
    from common.keras_start import start_keras
    from common.model_card import describe_run, make_card
    from common.persistence import check_output_folder, save_bundle
    from common.progress import say
    from common.reproducibility import set_seed
    from common.tokenization import load_pipeline, tokenize_cached
    from common.training import check_checkpoint, fit, make_optimizer, remove_checkpoint, set_precision, write_history
    from common.vocabulary import Vocabulary
    from common.word_vectors import cooccurrence_vectors
    from sentiment.evaluate import SCORES, rating_scores
    from sentiment.loader import load_reviews, make_batches, split_validation

    check_output_folder(arguments.output_dir)
    check_checkpoint(arguments.output_dir, arguments.resume)

    # 1. Text to ids. Only the training split may shape the vocabulary.
    train_split = load_reviews(arguments.train, config, arguments.groups)
    if arguments.validation:
        validation_split = load_reviews(arguments.validation, config)
    else:
        train_split, validation_split = split_validation(train_split, config)
    pipeline = load_pipeline()
    train_tokens = tokenize_cached(train_split.texts, pipeline)
    validation_tokens = tokenize_cached(validation_split.texts, pipeline)
    vocabulary = Vocabulary.build(train_tokens, config.max_vocab_size, config.min_count, config.lowercase)
    train_batches = make_batches(train_tokens, train_split.ratings, vocabulary, config, shuffle=True)
    num_cut = sum(len(tokens) >= config.max_length for tokens in train_tokens)
    say(
        f"Data: {len(train_split):,} reviews to train on, {len(validation_split):,} for validation; "
        f"{len(vocabulary):,} words; {num_cut / len(train_split):.1%} of the reviews are longer than "
        f"{config.max_length} tokens and cut"
    )

    # 2. Ids to ratings.
    start_keras()

    from sentiment.model import build_model
    from sentiment.predict import RatingModel

    set_seed(config.seed)
    set_precision(config.mixed_precision)
    model = build_model(config, len(vocabulary))
    model.compile(make_optimizer(config, config.num_epochs * len(train_batches)), loss="mean_squared_error")
    if config.word_vectors == "cooccurrence" and config.architecture != "bow":
        ids = [vocabulary.encode(tokens) for tokens in train_tokens]
        vectors = cooccurrence_vectors(ids, len(vocabulary), config.embedding_dim, seed=config.seed)
        model.get_layer("embedding").set_weights([vectors])
    rater = RatingModel(KerasEngine(model), vocabulary, config)

    def validate() -> dict[str, float]:
        predictions = rater.predict_tokens(validation_tokens)
        scores = rating_scores(validation_split.ratings, predictions, config)
        return {name: scores[name] for name in ("r2", "binary_accuracy")}

    # 3. Learn. The test file stays closed until evaluate.
    state = fit(model, train_batches, validate, "r2", config, arguments.output_dir, arguments.resume)

    # 4. Keep together all that predict needs.
    set_precision(mixed=False)
    final = build_model(config, len(vocabulary))
    final.set_weights(model.get_weights())
    scores = rating_scores(
        validation_split.ratings,
        RatingModel(KerasEngine(final), vocabulary, config).predict_tokens(validation_tokens),
        config,
    )
    facts = describe_run("sentiment", f"Rating model: {arguments.output_dir.name}", arguments, config, state)
    metrics = {"validation": {**scores, "num_examples": len(validation_split)}}

    def save_extras(folder: Path) -> None:
        vocabulary.save(folder / "vocabulary.json")
        write_history(folder, state, "r2")

    save_bundle(
        arguments.output_dir, final, config, metrics, facts, make_card(facts, config, metrics, SCORES), save_extras
    )
    remove_checkpoint(arguments.output_dir)
    return metrics["validation"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("sentiment.train", __doc__)
    commands.add_train_arguments(parser)
    parser.add_argument("--groups", type=Path, metavar="FILE", help="what each row of --train is about, one a line")
    add_settings(parser, SentimentConfig)
    arguments = parser.parse_args(argv)
    scores = train(read_settings(arguments, SentimentConfig), arguments)
    print(
        f"validation: R² {scores['r2']:.4f}, binary accuracy {scores['binary_accuracy']:.1%}; "
        f"bundle in {arguments.output_dir}"
    )


if __name__ == "__main__":
    run_command(main)
