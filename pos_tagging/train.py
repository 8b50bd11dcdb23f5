"""Train a tagger: fine-tuning, frozen word vectors, multi-task learning, early stopping on validation accuracy.

python -m pos_tagging.train --train pos_tagging/dataset/train.conllu --output-dir runs/pos_tagging
"""

from __future__ import annotations

from common.cli.run import run_command
from pos_tagging import cli

if __name__ == "__main__":
    run_command(cli.train)  # before the imports below, of TensorFlow among others: --help starts without them

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.word_vectors import load_all_vectors
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.progress import say
from common.text.batching import Batches
from common.text.data import Data
from common.training.fit import OnEpoch, Validation, fit
from common.training.optimizer import make_optimizer
from common.training.run import TrainingResult, finish, open_run, seeded_network
from pos_tagging.config import TASK, TaggingConfig
from pos_tagging.evaluate import SCORES, tagging_scores
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import check_tags, load_sentences, make_batches, split_validation
from pos_tagging.model import build_model, give_vectors
from pos_tagging.predict import Tagger
from pos_tagging.pretraining import inherit_lexicon, inherit_settings, inherit_weights
from pos_tagging.sentences import Sentence
from pos_tagging.training_model import TaggingLearner


def train(
    data: Data,
    output_dir: str | Path,
    config: TaggingConfig | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    validation: Data | None = None,
    word_vectors_from: str | Path | None = None,
    initialize_from: str | Path | None = None,
    about_data: str = "",
    resume: bool = False,
    overwrite: bool = False,
) -> TrainingResult[Tagger]:
    """Fit on the training split, keep the weights best on validation, save a bundle.

    Args:
        data: tagged sentences: a file, a DataFrame, or a list of sentences, each a list of (word, tag).
        output_dir: the bundle that will be written.
        config: the settings; None takes the defaults.
        on_epoch: called after each epoch with its number and scores; returns True to stop there.
        validation: tagged sentences to validate on; None holds some of `data` out.
        word_vectors_from: frozen word vectors, also of words that training never sees: a text file of GloVe, word2vec
            or fastText, a bundle, or a spaCy package.
        initialize_from: bundle of a tagger, of other tags perhaps, to start from (fine-tuning).
        about_data: source and licence of the data, for the model card.
        resume: go on from the checkpoint of a run that was killed.
        overwrite: replace the bundle that is at `output_dir`.
    Returns:
        The tagger, its validation scores, the history and the path.
    Raises:
        InputError: what is wrong with data, settings or places, in one line.
    """
    inputs = {
        "train": data, "validation": validation, "word_vectors_from": word_vectors_from,
        "initialize_from": initialize_from,
    }  # fmt: skip
    with open_run(TASK, output_dir, inputs, about_data, resume, overwrite) as run:
        start = open_bundle(Path(initialize_from), TASK) if initialize_from else None
        config = settle(config or TaggingConfig(), inputs, start)

        # 1. Words, characters and tags to ids. Only the training split may shape them.
        examples = prepare_data(inputs, config, start)

        # 2. Ids to logits.
        build = partial(build_model, config, **examples.sizes())
        network = seeded_network(config, build)
        learner = prepare_learner(network, examples, config, start)
        wrap = partial(Tagger, lexicon=examples.lexicon, config=config)
        tagger = wrap(KerasEngine(network))

        # 3. Learn. The test file stays closed until evaluate.
        monitored = Validation(lambda: examples.score(tagger, ("accuracy", "accuracy_unknown")), "accuracy")
        state = fit(learner, examples.batches, monitored, config, run.output_dir, resume, on_epoch)

        # 4. Keep together all that predict needs.
        return finish(
            run, config, state, network, title="Tagger", build=build, score=examples.score, score_names=SCORES,
            wrap=wrap, monitor="accuracy",
            num_validation=len(examples.validation), save_vocabularies=examples.lexicon.save,
        )  # fmt: skip


@dataclass(frozen=True)
class Examples:
    """What a run learns from and is validated on.

    `vectors` are frozen word vectors (words, features), if given; `num_further` is the number of further tags.
    """

    batches: Batches
    lexicon: Lexicon
    vectors: NDArray[np.float32] | None
    num_further: int
    validation: list[Sentence]

    def sizes(self) -> dict[str, int]:
        """The sizes of the network, as `build_model` takes them."""
        return {**self.lexicon.sizes(), "vector_dim": 0 if self.vectors is None else self.vectors.shape[1]}

    def score(self, model: Tagger, names: Sequence[str] | None = None) -> dict[str, float]:
        """Score a tagger on the validation split."""
        answers = [tags for tags, _ in model.tag_tokens([sentence.tokens for sentence in self.validation])]
        scores = tagging_scores(self.validation, answers, self.lexicon.training_words)
        return {name: scores[name] for name in names or scores}


def settle(config: TaggingConfig, inputs: dict[str, Any], start: Bundle | None) -> TaggingConfig:
    """Take the settings that follow from what a run is given, and check them all.

    Args:
        config: the settings of the run.
        inputs: what it reads, by option.
        start: the bundle to start from.
    Raises:
        InputError: settings or options that exclude each other.
    """
    if start and inputs["word_vectors_from"]:
        raise InputError("--word-vectors-from and --initialize-from both give word vectors; leave one out")
    if start:
        config = inherit_settings(config, start)
    config.validate()
    return config


def prepare_data(inputs: dict[str, Any], config: TaggingConfig, start: Bundle | None) -> Examples:
    """Read, split and encode the sentences of a run, and collect what occurs in the training split."""
    train_split = load_sentences(inputs["train"], config, with_further=True)
    if inputs["validation"] is not None:
        validation_split = load_sentences(inputs["validation"], config)
    else:
        train_split, validation_split = split_validation(train_split, config)
    lexicon, vectors = build_lexicon(train_split, inputs["word_vectors_from"], config, start)
    check_tags(validation_split, lexicon.tags)
    further_tags = sorted({tag for sentence in train_split for tag in sentence.further})
    batches = make_batches(train_split, lexicon, config, True, further_tags)
    say(
        f"Data: {len(train_split):,} sentences to train on, {len(validation_split):,} for validation; "
        f"{len(lexicon.words):,} words, {len(lexicon.characters)} characters, {len(lexicon.tags)} tags"
    )
    return Examples(batches, lexicon, vectors, len(further_tags), validation_split)


def build_lexicon(
    sentences: Sequence[Sentence], vectors_from: str | Path | None, config: TaggingConfig, start: Bundle | None
) -> tuple[Lexicon, NDArray[np.float32] | None]:
    """The vocabularies of a run, and its frozen word vectors (words, features), if it has some."""
    vector_words = vectors = None
    if vectors_from:
        vector_words, vectors = load_all_vectors(Path(vectors_from), config.max_vectors)
    tags = (tag for sentence in sentences for tag in sentence.tags)
    lexicon = Lexicon.build([sentence.tokens for sentence in sentences], tags, config, vector_words)
    if start:
        lexicon = inherit_lexicon(lexicon, Lexicon.load(start), config.max_vectors)
        if lexicon.vector_words:
            [vectors] = start.read_layer("given_vectors")  # their size is what is needed here
    return lexicon, vectors


def prepare_learner(
    network: keras.Model, examples: Examples, config: TaggingConfig, start: Bundle | None
) -> TaggingLearner:
    """Compile a network for training, and give it the weights and word vectors it starts from."""
    if start:
        inherit_weights(network, examples.lexicon, start)
    elif examples.vectors is not None:
        give_vectors(network, examples.vectors)
    learner = TaggingLearner(network, examples.num_further)
    learner.compile(make_optimizer(config, config.num_epochs * len(examples.batches)))
    return learner
