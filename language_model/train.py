"""Train a language model: truncated back-propagation through time, early stopping on validation perplexity.

python -m language_model.train --train language_model/dataset/train.csv --output-dir runs/language_model
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

if __name__ == "__main__":
    run_command(cli.train)  # before the imports below, of TensorFlow among others: --help starts without them

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from common.bundles.bundle import Bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.errors import InputError
from common.evaluation.verdict import Verdict
from common.inference.keras_engine import KerasEngine
from common.networks import layer_names
from common.progress import say, working
from common.text.batching import EpochBatches
from common.text.data import Data
from common.text.remarks import tell_of_language, tell_of_unknown
from common.text.vocabulary import UNK_ID, Vocabulary
from common.training.fit import OnEpoch, Validation, fit
from common.training.half_precision import Shown
from common.training.optimizer import make_optimizer
from common.training.run import TrainingResult, finish, open_run, seeded_network
from language_model.config import TASK, LanguageModelConfig
from language_model.evaluate import SCORES, count_ngrams, perplexity_verdict, text_scores
from language_model.loader import StreamBatches, load_texts, make_batches, split_tokens, split_validation
from language_model.model import build_model
from language_model.predict import LanguageModel
from language_model.pretraining import (
    choose_start,
    count_ids,
    inherit_settings,
    inherit_weights,
    open_start,
    unigram_bias,
)
from language_model.training_model import TrainingModel

# A stream of tokens is validated in stretches, many at a time; what each lacks is the state of the one before.
VALIDATION_STRETCH = 2000
MOST_FOR_BASELINE = 2_000_000  # training tokens: a minute, and some gigabytes
SHOWN = ("perplexity", "nats_per_token")  # after each epoch


def train(
    data: Data,
    output_dir: str | Path,
    config: LanguageModelConfig | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    validation: Data | None = None,
    start: str | Path = "auto",
    about_data: str = "",
    resume: bool = False,
    overwrite: bool = False,
) -> TrainingResult[LanguageModel]:
    """Fit on the training split, keep the weights best on validation, save a bundle.

    With nothing to validate on, for a last run after all settings have been chosen, the weights are those of the last
    epoch, and there are no scores.

    Args:
        data: texts: a file, a DataFrame or a list.
        output_dir: the bundle that will be written.
        config: the settings; None takes the defaults.
        on_epoch: called after each epoch with its number and scores; returns True to stop there.
        validation: texts to validate on; None holds some of `data` out.
        start: "auto" fine-tunes a pretrained model where one suits the texts, else trains from scratch; "scratch"; or
            the bundle of a language model to fine-tune, by folder or name.
        about_data: source and licence of the data, for the model card.
        resume: go on from the checkpoint of a run that was killed.
        overwrite: replace the bundle that is at `output_dir`.
    Returns:
        The model, its validation scores, the history and the path.
    Raises:
        InputError: what is wrong with data, settings or places, in one line.
    """
    inputs = {"train": data, "validation": validation, "start": start}
    with open_run(TASK, output_dir, inputs, about_data, resume, overwrite) as run:
        # 1. Texts to tokens, and what to start from.
        splits, origin = read_splits(inputs, config or LanguageModelConfig())
        config = settle(splits, origin)

        # 2. Tokens to ids to logits. Only the training split may shape the vocabulary.
        examples = prepare_data(splits, config, origin)
        config = examples.config
        build = partial(build_model, config, len(examples.vocabulary))
        network = seeded_network(config, build)
        prepare_weights(network, examples, origin)
        learner = prepare_learner(network, config, num_steps=config.num_epochs * len(examples.batches))
        wrap = partial(LanguageModel, vocabulary=examples.vocabulary, config=config)
        model = wrap(KerasEngine(network))

        # 3. Learn. The test file stays closed until evaluate.
        monitor = "perplexity" if splits.validation else None
        monitored = Validation(lambda: splits.score(model, SHOWN), monitor, smaller_is_better=True)
        state = fit(learner, examples.batches, monitored, config, run.output_dir, resume, on_epoch, run.hashes(origin))

        # 4. Keep together all that scoring and text generation need.
        return finish(
            run.starting_from(origin), config, state, network, title="Language model", build=build, score=splits.score,
            score_names=SCORES, wrap=wrap, monitor=monitor, num_validation=len(splits.validation),
            save_vocabularies=lambda folder: examples.vocabulary.save(folder / VOCABULARY_FILE),
            judge=partial(judge, splits),
            shown=Shown(splits.log_probabilities, tolerance=0.01, unit="nats a token"),
        )  # fmt: skip


@dataclass(frozen=True)
class Splits:
    """The texts of a run and the tokens of each; `config` says how they were read."""

    config: LanguageModelConfig
    train: list[str]
    tokens: list[list[str]]
    validation: list[str]
    validation_tokens: list[list[str]]

    def score(self, model: LanguageModel, names: Sequence[str] | None = None) -> dict[str, float]:
        """Score a model on the validation texts, read as the training texts are: each by itself, or as one stream."""
        if not self.validation:
            return {}
        scores = text_scores(self.validation, self.nats(model))
        return {name: scores[name] for name in names or scores}

    def nats(self, model: LanguageModel) -> list[np.ndarray]:
        """The log-probabilities that a model gives the tokens of each validation text and its end."""
        stateful = model.config.stateful
        return model.score_tokens(self.validation_tokens, stateful, VALIDATION_STRETCH if stateful else 0)

    def log_probabilities(self, model: LanguageModel) -> np.ndarray:
        """The same of all validation texts in one row (tokens,)."""
        return np.concatenate([np.zeros(0), *self.nats(model)])


@dataclass(frozen=True)
class Examples:
    """What a run learns from: batches of ids of a vocabulary; `counts` is how often each id is in them."""

    config: LanguageModelConfig
    batches: EpochBatches
    vocabulary: Vocabulary
    counts: np.ndarray


def read_splits(inputs: Mapping[str, Any], config: LanguageModelConfig) -> tuple[Splits, Bundle | None]:
    """Read and tokenize the texts of a run, hold some out for validation if there is no file, and choose its start.

    Raises:
        InputError: what is wrong with the data or the settings.
    """
    origin = open_start(inputs)
    config = inherit_settings(config, origin) if origin else config
    config.validate()
    with working("Reading the texts"):
        texts = load_texts(inputs["train"], config)
        validation_texts = [] if inputs["validation"] is None else load_texts(inputs["validation"], config)
    if inputs["validation"] is None:
        texts, validation_texts = split_validation(texts, config)
    tokens, validation_tokens = split_tokens(texts, config), split_tokens(validation_texts, config)
    if config.level != "character":
        tell_of_language(tokens, config.language)
    origin = origin or choose_start(tokens, config, inputs)
    return Splits(config, texts, tokens, validation_texts, validation_tokens), origin


def settle(splits: Splits, origin: Bundle | None) -> LanguageModelConfig:
    """Take the settings that follow from what a run starts from and from its size, and check them all.

    Raises:
        InputError: settings that exclude each other.
    """
    config = inherit_settings(splits.config, origin) if origin else splits.config
    config = config.sized(sum(map(len, splits.tokens)), len(splits.tokens), fine_tuning=origin is not None)
    config.validate()
    return config


def prepare_data(splits: Splits, config: LanguageModelConfig, origin: Bundle | None) -> Examples:
    """Make the vocabulary and the batches of a run; an old vocabulary stays, and what it lacks comes behind it.

    Raises:
        InputError: a setting that does not fit the vocabulary.
    """
    vocabulary = Vocabulary.build(splits.tokens, config.max_vocab_size, config.min_count, config.lowercase)
    if origin:
        vocabulary = origin.read_vocabulary(VOCABULARY_FILE).extended(vocabulary)
        config = replace(config, max_vocab_size=max(config.max_vocab_size, len(vocabulary)))
    if config.sampled_softmax_size >= len(vocabulary):
        raise InputError(
            f"--sampled-softmax-size: found {config.sampled_softmax_size}, wanted less than the {len(vocabulary)} "
            "tokens of the vocabulary; 0 takes all"
        )
    counts = count_ids(splits.tokens, vocabulary)
    batches: EpochBatches
    if config.stateful:
        batches = StreamBatches(splits.tokens, vocabulary, config)
    else:
        batches = make_batches(splits.tokens, vocabulary, config, shuffle=True)
    num_tokens = sum(map(len, splits.tokens))
    tell_of_unknown(splits.validation_tokens, vocabulary.__contains__)
    say(
        f"Data: {len(splits.train):,} texts of {num_tokens:,} tokens to train on, {len(splits.validation):,} for "
        f"validation; {len(vocabulary):,} different, {counts[UNK_ID] / max(num_tokens, 1):.1%} of the tokens unknown"
    )
    return Examples(config, batches, vocabulary, counts)


def prepare_weights(network: keras.Model, examples: Examples, origin: Bundle | None) -> None:
    """Give a network the weights it starts from: those of another, or a bias of the frequencies of the tokens."""
    if origin:
        inherit_weights(network, origin, examples.counts)
        return
    layer = network.get_layer(layer_names.EMBEDDING if examples.config.tie_embeddings else layer_names.TO_LOGITS)
    weights, _ = layer.get_weights()
    layer.set_weights([weights, unigram_bias(examples.counts)])


def prepare_learner(network: keras.Model, config: LanguageModelConfig, num_steps: int) -> keras.Model:
    """Wrap a network in its regularization, and compile it for so many steps."""
    learner = TrainingModel(network, config)
    learner.compile(
        make_optimizer(config, num_steps),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )
    return learner


def judge(splits: Splits, model: LanguageModel) -> Verdict | None:
    """Compare a model with Kneser-Ney n-grams of the same texts over the same vocabulary, on the validation split."""
    num_tokens = sum(map(len, splits.tokens))
    if num_tokens > MOST_FOR_BASELINE:
        return None
    with working("Baseline: Kneser-Ney n-grams"):
        nats = count_ngrams(model, splits.tokens).score(splits.validation_tokens)
    return perplexity_verdict(splits.nats(model), nats, "validation", num_tokens)
