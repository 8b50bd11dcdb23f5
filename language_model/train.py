"""Train a language model.

python -m language_model.train --train language_model/dataset/train.csv --output-dir runs/language_model
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.bundles.file_names import VOCABULARY_FILE
from common.cli import options as commands
from common.errors import InputError, run_command, show
from common.settings import add_settings, make_parser, read_settings
from common.text.token_cache import CACHE_HELP
from language_model.config import LanguageModelConfig

# A stream of tokens is validated in stretches, many at a time; what each lacks is the state of the one before.
VALIDATION_STRETCH = 2000


def train(config: LanguageModelConfig, arguments: argparse.Namespace) -> dict[str, float]:
    """Fit on the training split, keep the weights best on validation, save a bundle; returns the validation scores.

    With nothing to validate on, for a last run after all settings have been chosen, the weights are those of the last
    epoch, and there are no scores.
    """
    from common.bundles.bundle import save_bundle
    from common.bundles.model_card import make_card
    from common.bundles.provenance import describe_run
    from common.inference.keras_engine import KerasEngine
    from common.inference.keras_start import start_keras
    from common.progress import say
    from common.text.batching import Batches
    from common.text.vocabulary import Vocabulary
    from common.training.fit import check_run, fit, kept_until_saved, make_optimizer, set_precision, write_history
    from common.training.seeds import set_seed
    from language_model.evaluate import SCORES, text_scores
    from language_model.loader import StreamBatches, load_texts, make_batches, split_tokens, split_validation

    overwrite = check_run(arguments.output_dir, arguments.resume, arguments.overwrite)

    # 1. Text to ids. Only the training split may shape the vocabulary.
    train_texts = load_texts(arguments.train, config)
    if arguments.validation:
        validation_texts = load_texts(arguments.validation, config)
    else:
        train_texts, validation_texts = split_validation(train_texts, config)
    train_tokens, validation_tokens = split_tokens(train_texts, config), split_tokens(validation_texts, config)
    vocabulary = Vocabulary.build(train_tokens, config.max_vocab_size, config.min_count, config.lowercase)
    check_sizes(config, len(vocabulary))
    if config.carry_state:
        train_batches: Batches = StreamBatches(train_tokens, vocabulary, config)
    else:
        train_batches = make_batches(train_tokens, vocabulary, config, shuffle=True)
    num_tokens = sum(map(len, train_tokens))
    num_unknown = sum(token not in vocabulary for tokens in train_tokens for token in tokens)
    say(
        f"Data: {len(train_texts):,} texts of {num_tokens:,} tokens to train on, {len(validation_texts):,} for "
        f"validation; {len(vocabulary):,} different, {num_unknown / max(num_tokens, 1):.1%} of the tokens unknown"
    )

    # 2. Ids to logits.
    keras = start_keras()

    from language_model.model import build_model
    from language_model.predict import LanguageModel
    from language_model.training_model import TrainingModel

    set_seed(config.seed)
    set_precision(config.mixed_precision)
    model = build_model(config, len(vocabulary))
    learner = TrainingModel(model, config)
    learner.compile(
        make_optimizer(config, config.num_epochs * len(train_batches)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )

    def score(reader: LanguageModel) -> dict[str, float]:
        """Read the validation texts as the training texts are read: each by itself, or in one stream."""
        if not validation_texts:
            return {}
        reset_every = VALIDATION_STRETCH if config.carry_state else 0
        return text_scores(validation_texts, reader.score_tokens(validation_tokens, config.carry_state, reset_every))

    reader = LanguageModel(KerasEngine(model), vocabulary, config)
    monitor = "perplexity" if validation_texts else None

    def validate() -> dict[str, float]:
        scores = score(reader)
        return {name: scores[name] for name in ("perplexity", "nats_per_token") if name in scores}

    # 3. Learn. The test file stays closed until evaluate.
    state = fit(
        learner,
        train_batches,
        validate,
        monitor,
        config,
        arguments.output_dir,
        arguments.resume,
        smaller_is_better=True,
    )

    # 4. Keep together all that scoring and writing need.
    set_precision(mixed=False)
    final = build_model(config, len(vocabulary))
    final.set_weights(model.get_weights())
    facts = describe_run("language_model", f"Language model: {arguments.output_dir.name}", arguments, config, state)
    scores = score(LanguageModel(KerasEngine(final), vocabulary, config))
    metrics = {"validation": {**scores, "num_examples": len(validation_texts)}} if scores else {}

    def save_extras(folder: Path) -> None:
        vocabulary.save(folder / VOCABULARY_FILE)
        write_history(folder, state, monitor)

    card = make_card(facts, config, metrics, SCORES)
    with kept_until_saved(arguments.output_dir):
        save_bundle(arguments.output_dir, final, config, metrics, facts, card, save_extras, overwrite)
    return scores


def check_sizes(config: LanguageModelConfig, vocab_size: int) -> None:
    """Find settings that do not fit the data or each other.

    Raises:
        InputError: which, and what would do.
    """
    if config.num_sampled >= vocab_size:
        raise InputError(
            f"--num-sampled: found {config.num_sampled}, wanted less than the {vocab_size} tokens known; 0 takes all"
        )
    if config.architecture == "fixed-window" and config.weight_dropout:
        raise InputError("--weight-dropout: a fixed-window network has no recurrent weights; leave it out")


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("language_model.train", __doc__, CACHE_HELP)
    commands.add_train_arguments(parser)
    add_settings(parser, LanguageModelConfig)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, LanguageModelConfig)
    with commands.claim_for_training(arguments):
        scores = train(config, arguments)
    shown = "trained without validation"
    if scores:
        shown = "validation: perplexity {perplexity:.2f}, {bits_per_character:.3f} bits a character".format(**scores)
    show(f"{shown}; bundle in {arguments.output_dir}")


if __name__ == "__main__":
    run_command(main)
