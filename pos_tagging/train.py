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

from common.bundles.bundle import Bundle
from common.bundles.word_vectors import load_all_vectors
from common.errors import InputError
from common.evaluation.verdict import Verdict
from common.inference.keras_engine import KerasEngine
from common.progress import say
from common.text.batching import Batches
from common.text.data import Data
from common.text.remarks import tell_of_language, tell_of_unknown
from common.training.fit import OnEpoch, Validation, fit
from common.training.half_precision import Shown, num_different
from common.training.optimizer import make_optimizer
from common.training.run import TrainingResult, finish, open_run, seeded_network
from pos_tagging.config import TASK, TaggingConfig
from pos_tagging.evaluate import SCORES, baseline_answers, tagging_scores, tagging_verdict
from pos_tagging.lexicon import Lexicon
from pos_tagging.loader import load_sentences, make_batches, split_validation, tell_of_new_tags
from pos_tagging.model import build_model, give_vectors
from pos_tagging.predict import Tagger
from pos_tagging.pretraining import choose_start, inherit_lexicon, inherit_settings, inherit_weights
from pos_tagging.sentences import Sentence
from pos_tagging.splitting.splitter import Splitter
from pos_tagging.splitting.train import choose_splitter, save_splitter
from pos_tagging.training_model import TaggingLearner

MOST_FOR_VERDICT = 2000  # validation sentences: some seconds of the HMM


def train(
    data: Data,
    output_dir: str | Path,
    config: TaggingConfig | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    validation: Data | None = None,
    word_vectors_from: str | Path | None = None,
    start: str | Path = "auto",
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
        start: "auto" fine-tunes the pretrained tagger where that suits the sentences, else trains from scratch;
            "scratch"; or the bundle of a tagger, of other tags perhaps, to fine-tune, by folder or name.
        about_data: source and licence of the data, for the model card.
        resume: go on from the checkpoint of a run that was killed.
        overwrite: replace the bundle that is at `output_dir`.
    Returns:
        The tagger, its validation scores, the history and the path.
    Raises:
        InputError: what is wrong with data, settings or places, in one line.
    """
    inputs = {"train": data, "validation": validation, "word_vectors_from": word_vectors_from, "start": start}
    with open_run(TASK, output_dir, inputs, about_data, resume, overwrite) as run:
        # 1. Tagged sentences, and what to start from.
        splits = read_splits(inputs, config or TaggingConfig())
        origin = choose_start(splits.train, splits.config, inputs)
        config = settle(splits.config, inputs, origin, len(splits.train))

        # 2. Words, characters and tags to ids to logits. Only the training split may shape the vocabularies.
        examples = prepare_data(splits, inputs, config, origin)
        build = partial(build_model, config, **examples.sizes())
        network = seeded_network(config, build)
        learner = prepare_learner(network, examples, config, origin)
        wrap = partial(Tagger, lexicon=examples.lexicon, config=config)
        tagger = wrap(KerasEngine(network))

        # 3. Learn. The test file stays closed until evaluate.
        monitored = Validation(lambda: examples.score(tagger, ("accuracy", "accuracy_unknown")), "accuracy")
        state = fit(learner, examples.batches, monitored, config, run.output_dir, resume, on_epoch, run.hashes(origin))

        # 4. Raw text to words, as the training sentences are written.
        splitter = choose_splitter(splits.train, splits.validation, config, origin)
        wrap = partial(wrap, splitter=splitter)

        # 5. Keep together all that predict needs.
        return finish(
            run.starting_from(origin), config, state, network, title="Tagger", build=build, score=examples.score,
            score_names=SCORES, wrap=wrap, monitor="accuracy", num_validation=len(splits.validation),
            save_vocabularies=partial(save_vocabularies, examples.lexicon, splitter), judge=partial(judge, splits),
            shown=Shown(examples.tag_ids, tolerance=0, unit="tags", change=num_different),
        )  # fmt: skip


@dataclass(frozen=True)
class Splits:
    """The tagged sentences of a run, and its settings."""

    config: TaggingConfig
    train: list[Sentence]
    validation: list[Sentence]


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

    def tag(self, model: Tagger) -> list[list[str]]:
        """The tags that a tagger predicts for the validation split."""
        return [tags for tags, _ in model.tag_tokens([sentence.tokens for sentence in self.validation])]

    def tag_ids(self, model: Tagger) -> NDArray[np.intp]:
        """The same as the ids of the tags, in one row (tokens,)."""
        return np.array([self.lexicon.tags.index(tag) for tags in self.tag(model) for tag in tags], np.intp)

    def score(self, model: Tagger, names: Sequence[str] | None = None) -> dict[str, float]:
        """Score a tagger on the validation split."""
        scores = tagging_scores(self.validation, self.tag(model), self.lexicon.training_words)
        return {name: scores[name] for name in names or scores}


def read_splits(inputs: dict[str, Any], config: TaggingConfig) -> Splits:
    """Read the sentences of a run, and hold some out for validation if there is no file for it."""
    config.validate()
    train_split = load_sentences(inputs["train"], config, with_further=True)
    if inputs["validation"] is not None:
        return Splits(config, train_split, load_sentences(inputs["validation"], config))
    return Splits(config, *split_validation(train_split, config))


def settle(config: TaggingConfig, inputs: dict[str, Any], origin: Bundle | None, num_sentences: int) -> TaggingConfig:
    """Take the settings that follow from what a run is given and from its size, and check them all.

    Args:
        config: the settings of the run.
        inputs: what it reads, by option.
        origin: the bundle whose layers to start from.
        num_sentences: in the training split.
    Raises:
        InputError: settings or options that exclude each other.
    """
    if origin and inputs["word_vectors_from"]:
        raise InputError("--word-vectors-from and --start both give word vectors; leave one out, or --start scratch")
    if origin:
        config = inherit_settings(config, origin)
    config = config.sized(num_sentences, fine_tuning=origin is not None)
    config.validate()
    return config


def prepare_data(splits: Splits, inputs: dict[str, Any], config: TaggingConfig, origin: Bundle | None) -> Examples:
    """Encode the sentences of a run, and collect what occurs in the training split."""
    lexicon, vectors = build_lexicon(splits.train, inputs["word_vectors_from"], config, origin)
    tell_of_new_tags(splits.validation, lexicon.tags, "Validation")
    tell_of_language((sentence.tokens for sentence in splits.train), config.language)
    tell_of_unknown((sentence.tokens for sentence in splits.validation), lexicon.knows)
    further_tags = sorted({tag for sentence in splits.train for tag in sentence.further})
    batches = make_batches(splits.train, lexicon, config, True, further_tags)
    say(
        f"Data: {len(splits.train):,} sentences to train on, {len(splits.validation):,} for validation; "
        f"{len(lexicon.words):,} words, {len(lexicon.characters)} characters, {len(lexicon.tags)} tags"
    )
    return Examples(batches, lexicon, vectors, len(further_tags), splits.validation)


def build_lexicon(
    sentences: Sequence[Sentence], vectors_from: str | Path | None, config: TaggingConfig, origin: Bundle | None
) -> tuple[Lexicon, NDArray[np.float32] | None]:
    """The vocabularies of a run, and its frozen word vectors (words, features), if it has some."""
    vector_words = vectors = None
    if vectors_from:
        vector_words, vectors = load_all_vectors(Path(vectors_from), config.max_vectors)
    tags = (tag for sentence in sentences for tag in sentence.tags)
    lexicon = Lexicon.build([sentence.tokens for sentence in sentences], tags, config, vector_words)
    if origin:
        lexicon = inherit_lexicon(lexicon, Lexicon.load(origin), config.max_vectors)
        if lexicon.vector_words:
            [vectors] = origin.read_layer("given_vectors")  # their size is what is needed here
    return lexicon, vectors


def prepare_learner(
    network: keras.Model, examples: Examples, config: TaggingConfig, origin: Bundle | None
) -> TaggingLearner:
    """Compile a network for training, and give it the weights and word vectors it starts from."""
    if origin:
        inherit_weights(network, examples.lexicon, origin)
    elif examples.vectors is not None:
        give_vectors(network, examples.vectors)
    learner = TaggingLearner(network, examples.num_further)
    learner.compile(make_optimizer(config, config.num_epochs * len(examples.batches)))
    return learner


def save_vocabularies(lexicon: Lexicon, splitter: Splitter | None, folder: Path) -> None:
    """Write the vocabularies into a bundle, and its splitter."""
    lexicon.save(folder)
    save_splitter(splitter, folder)


def judge(splits: Splits, model: Tagger) -> Verdict | None:
    """Compare a tagger with taggers made of counts, of the same sentences, on the validation split."""
    say("Baselines: trigram HMM, most frequent tag")
    chosen = splits.validation[:MOST_FOR_VERDICT]
    answers = [tags for tags, _ in model.tag_tokens([sentence.tokens for sentence in chosen])]
    of_baselines = baseline_answers(chosen, splits.train, model.config.normalization)
    return tagging_verdict(chosen, answers, of_baselines, "validation", len(splits.train))
