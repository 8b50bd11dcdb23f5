"""Train a tagger.

python -m pos_tagging.train --train pos_tagging/dataset/train.conllu --output-dir runs/pos_tagging
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.cli import options as commands
from common.errors import InputError, run_command, show
from common.networks import layer_names
from common.settings import add_settings, make_parser, read_settings
from pos_tagging.config import TaggingConfig


def train(config: TaggingConfig, arguments: argparse.Namespace) -> dict[str, float]:
    """Fit on the training split, keep the weights best on validation, save a bundle; returns the validation scores."""
    from common.bundles.bundle import open_bundle, save_bundle
    from common.bundles.model_card import make_card
    from common.bundles.provenance import describe_run
    from common.bundles.word_vectors import load_all_vectors
    from common.inference.keras_engine import KerasEngine
    from common.inference.keras_start import start_keras
    from common.progress import say
    from common.training.fit import check_run, fit, kept_until_saved, make_optimizer, set_precision, write_history
    from common.training.seeds import set_seed
    from pos_tagging.evaluate import SCORES, tagging_scores
    from pos_tagging.lexicon import Lexicon
    from pos_tagging.loader import check_tags, load_sentences, make_batches, split_validation
    from pos_tagging.pretraining import inherit_lexicon, inherit_settings, inherit_weights

    overwrite = check_run(arguments.output_dir, arguments.resume, arguments.overwrite)
    start = open_bundle(arguments.initialize_from, "pos_tagging") if arguments.initialize_from else None
    if start and arguments.word_vectors_from:
        raise InputError("--word-vectors-from and --initialize-from both give word vectors; leave one out")
    if start:
        config = inherit_settings(config, start)
    if config.head == "crf" and config.architecture == "previous-tag":
        raise InputError("--head crf: previous-tag chooses each tag before it reads on; leave one of the two out")

    # 1. Words, characters and tags to ids. Only the training split may shape them.
    train_split = load_sentences(arguments.train, config, with_further=True)
    if arguments.validation:
        validation_split = load_sentences(arguments.validation, config)
    else:
        train_split, validation_split = split_validation(train_split, config)
    vector_words = vectors = None
    if arguments.word_vectors_from:
        vector_words, vectors = load_all_vectors(arguments.word_vectors_from, config.max_vectors)
    lexicon = Lexicon.build(
        [sentence.tokens for sentence in train_split],
        (tag for sentence in train_split for tag in sentence.tags),
        config,
        vector_words,
    )
    if start:
        lexicon = inherit_lexicon(lexicon, Lexicon.load(start), config.max_vectors)
        if lexicon.vector_words:
            [vectors] = start.read_layer(layer_names.GIVEN_VECTORS)  # their size is what is needed here
    check_tags(validation_split, lexicon.tags)
    further_tags = sorted({tag for sentence in train_split for tag in sentence.further})
    train_batches = make_batches(train_split, lexicon, config, True, further_tags)
    say(
        f"Data: {len(train_split):,} sentences to train on, {len(validation_split):,} for validation; "
        f"{len(lexicon.words):,} words, {len(lexicon.characters)} characters, {len(lexicon.tags)} tags"
    )

    # 2. Ids to logits.
    start_keras()

    from pos_tagging.model import build_model, give_vectors
    from pos_tagging.predict import Tagger
    from pos_tagging.training_model import TaggingLearner

    set_seed(config.seed)
    set_precision(config.mixed_precision)
    sizes = {**lexicon.sizes(), "vector_dim": 0 if vectors is None else vectors.shape[1]}
    model = build_model(config, **sizes)
    if start:
        inherit_weights(model, lexicon, start)
    elif vectors is not None:
        give_vectors(model, vectors)
    learner = TaggingLearner(model, len(further_tags))
    learner.compile(make_optimizer(config, config.num_epochs * len(train_batches)))
    tagger = Tagger(KerasEngine(model), lexicon, config)

    def validate() -> dict[str, float]:
        scores = tagging_scores(validation_split, tagger.tag_sentences(validation_split), lexicon.training_words)
        return {name: scores[name] for name in ("accuracy", "accuracy_unknown")}

    # 3. Learn. The test file stays closed until evaluate.
    state = fit(learner, train_batches, validate, "accuracy", config, arguments.output_dir, arguments.resume)

    # 4. Keep together all that predict needs.
    set_precision(mixed=False)
    final = build_model(config, **sizes)
    final.set_weights(model.get_weights())
    tagger = Tagger(KerasEngine(final), lexicon, config)
    scores = tagging_scores(validation_split, tagger.tag_sentences(validation_split), lexicon.training_words)
    facts = describe_run("pos_tagging", f"Tagger: {arguments.output_dir.name}", arguments, config, state)
    metrics = {"validation": {**scores, "num_examples": len(validation_split)}}

    def save_extras(folder: Path) -> None:
        lexicon.save(folder)
        write_history(folder, state, "accuracy")

    card = make_card(facts, config, metrics, SCORES)
    with kept_until_saved(arguments.output_dir):
        save_bundle(arguments.output_dir, final, config, metrics, facts, card, save_extras, overwrite)
    return metrics["validation"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("pos_tagging.train", __doc__)
    commands.add_train_arguments(parser)
    parser.add_argument(
        "--word-vectors-from",
        type=Path,
        metavar="PATH",
        help="word vectors that stay as they are, also of words that training never sees: a text file of GloVe, "
        "word2vec or fastText, a bundle, or a spaCy package",
    )
    parser.add_argument(
        "--initialize-from", type=Path, metavar="DIR", help="bundle of a tagger, of other tags perhaps, to start from"
    )
    add_settings(parser, TaggingConfig)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, TaggingConfig)
    with commands.claim_for_training(arguments):
        scores = train(config, arguments)
    show(
        f"validation: accuracy {scores['accuracy']:.2%}, of unknown words {scores['accuracy_unknown']:.2%}; "
        f"bundle in {arguments.output_dir}"
    )


if __name__ == "__main__":
    run_command(main)
