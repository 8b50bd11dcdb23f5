"""Train a language model: truncated back-propagation through time, early stopping on validation perplexity.

python -m language_model.train --train language_model/dataset/train.csv --output-dir runs/language_model
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

if __name__ == "__main__":
    run_command(cli.train)  # before the imports below, of TensorFlow among others: --help starts without them

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras

from common.bundles.file_names import VOCABULARY_FILE
from common.errors import InputError
from common.inference.keras_engine import KerasEngine
from common.progress import say
from common.text.batching import EpochBatches
from common.text.data import Data
from common.text.vocabulary import Vocabulary
from common.training.fit import OnEpoch, Validation, fit
from common.training.optimizer import make_optimizer
from common.training.run import TrainingResult, finish, open_run, seeded_network
from language_model.config import TASK, LanguageModelConfig
from language_model.evaluate import SCORES, text_scores
from language_model.loader import StreamBatches, load_texts, make_batches, split_tokens, split_validation
from language_model.model import build_model
from language_model.predict import LanguageModel
from language_model.training_model import TrainingModel

# A stream of tokens is validated in stretches, many at a time; what each lacks is the state of the one before.
VALIDATION_STRETCH = 2000
SHOWN = ("perplexity", "nats_per_token")  # after each epoch


def train(
    data: Data,
    output_dir: str | Path,
    config: LanguageModelConfig | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    validation: Data | None = None,
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
        about_data: source and licence of the data, for the model card.
        resume: go on from the checkpoint of a run that was killed.
        overwrite: replace the bundle that is at `output_dir`.
    Returns:
        The model, its validation scores, the history and the path.
    Raises:
        InputError: what is wrong with data, settings or places, in one line.
    """
    config = config or LanguageModelConfig()
    inputs = {"train": data, "validation": validation}
    with open_run(TASK, output_dir, inputs, about_data, resume, overwrite) as run:
        config.validate()

        # 1. Text to ids. Only the training split may shape the vocabulary.
        examples = prepare_data(data, validation, config)

        # 2. Ids to logits.
        build = partial(build_model, config, len(examples.vocabulary))
        network = seeded_network(config, build)
        learner = prepare_learner(network, config, num_steps=config.num_epochs * len(examples.batches))
        wrap = partial(LanguageModel, vocabulary=examples.vocabulary, config=config)
        model = wrap(KerasEngine(network))

        # 3. Learn. The test file stays closed until evaluate.
        monitor = "perplexity" if examples.validation_texts else None
        monitored = Validation(lambda: examples.score(model, SHOWN), monitor, smaller_is_better=True)
        state = fit(learner, examples.batches, monitored, config, run.output_dir, resume, on_epoch)

        # 4. Keep together all that scoring and text generation need.
        return finish(
            run, config, state, network, title="Language model", build=build, score=examples.score, score_names=SCORES,
            wrap=wrap, monitor=monitor,
            num_validation=len(examples.validation_texts),
            save_vocabularies=lambda folder: examples.vocabulary.save(folder / VOCABULARY_FILE),
        )  # fmt: skip


@dataclass(frozen=True)
class Examples:
    """What a run learns from and is validated on."""

    batches: EpochBatches
    vocabulary: Vocabulary
    validation_texts: list[str]
    validation_tokens: list[list[str]]

    def score(self, model: LanguageModel, names: Sequence[str] | None = None) -> dict[str, float]:
        """Score a model on the validation texts, read as the training texts are: each by itself, or as one stream."""
        if not self.validation_texts:
            return {}
        stateful = model.config.stateful
        nats = model.score_tokens(self.validation_tokens, stateful, VALIDATION_STRETCH if stateful else 0)
        scores = text_scores(self.validation_texts, nats)
        return {name: scores[name] for name in names or scores}


def prepare_data(data: Data, validation: Data | None, config: LanguageModelConfig) -> Examples:
    """Read, split, tokenize and encode the texts of a run.

    Raises:
        InputError: what is wrong with the data, or a setting that does not fit their vocabulary.
    """
    texts = load_texts(data, config)
    if validation is not None:
        validation_texts = load_texts(validation, config)
    else:
        texts, validation_texts = split_validation(texts, config)
    tokens, validation_tokens = split_tokens(texts, config), split_tokens(validation_texts, config)
    vocabulary = Vocabulary.build(tokens, config.max_vocab_size, config.min_count, config.lowercase)
    if config.sampled_softmax_size >= len(vocabulary):
        raise InputError(
            f"--sampled-softmax-size: found {config.sampled_softmax_size}, wanted less than the {len(vocabulary)} "
            "tokens of the vocabulary; 0 takes all"
        )
    batches: EpochBatches
    if config.stateful:
        batches = StreamBatches(tokens, vocabulary, config)
    else:
        batches = make_batches(tokens, vocabulary, config, shuffle=True)
    num_tokens = sum(map(len, tokens))
    num_unknown = sum(token not in vocabulary for row in tokens for token in row)
    say(
        f"Data: {len(texts):,} texts of {num_tokens:,} tokens to train on, {len(validation_texts):,} for validation; "
        f"{len(vocabulary):,} different, {num_unknown / max(num_tokens, 1):.1%} of the tokens unknown"
    )
    return Examples(batches, vocabulary, validation_texts, validation_tokens)


def prepare_learner(network: keras.Model, config: LanguageModelConfig, num_steps: int) -> keras.Model:
    """Wrap a network in its regularization, and compile it for so many steps."""
    learner = TrainingModel(network, config)
    learner.compile(
        make_optimizer(config, num_steps),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )
    return learner
