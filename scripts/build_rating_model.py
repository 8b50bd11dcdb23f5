"""Build the pretrained rating model, with teachers that learned on a GPU.

    python -m scripts.build_rating_model prepare --work FOLDER …        reviews and weights as arrays
    python scripts/rating_teachers.py FOLDER                            there; on a machine with a GPU
    python -m scripts.build_rating_model finish --work FOLDER … --output-dir DIR

Both take the same `--train`, `--groups`, `--unlabelled` and `--initialize-from`. What is not of the training split
(other films, one in ten) is for validation: nothing learns from it but one number, the temperature of the logits.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.cli.run import run_command
from common.errors import InputError
from common.output import check_bundle_place
from common.settings import make_parser
from sentiment.config import SentimentConfig
from sentiment.loader import Reviews, load_reviews, load_texts, make_targets, rating_levels, split_validation
from sentiment.pretraining import inherit_settings

if TYPE_CHECKING:
    from common.bundles.bundle import Bundle

BACKWARD_UNITS = 96
TEACHER_WORDS, TEACHER_MIN_COUNT = 20_000, 4  # words that the teachers know beside those of the student
# The student of `rating_teachers.py`, for the record.
SETTINGS: dict[str, Any] = {
    "backward_units": BACKWARD_UNITS,
    "head": "class",
    "direction_dropout": 0.2,
    "word_vector_dropout": 0.2,
    "dropout": 0.4,
    "word_dropout": 0.1,
    "nbsvm_weight": 1.0,
    "batch_size": 128,
    "learning_rate": 0.0012,
    "max_gradient_norm": 1.0,
    "ema_momentum": 0.998,
    "calibrate": True,
    "mixed_precision": True,
    "max_length": 0,
}


def load_rated(arguments: argparse.Namespace) -> tuple[Reviews, Reviews]:
    """Read the rated reviews: those to learn from, those for validation."""
    config = SentimentConfig()
    return split_validation(load_reviews(arguments.train, config, arguments.groups), config)


def prepare(arguments: argparse.Namespace) -> None:
    """Write `reviews.npz` and `student.npz`, see `rating_teachers.Reviews` and `rating_teachers.Student`."""
    from common.bundles.bundle import open_bundle
    from common.text.tokenization import load_pipeline, tokenize_cached
    from common.text.vocabulary import BOS_ID, SPECIAL_TOKENS, Vocabulary
    from sentiment.tfidf_linear import LinearModels

    start = open_bundle(arguments.initialize_from, "sentiment")
    config = start.read_config(SentimentConfig)
    train, validation = load_rated(arguments)
    unlabelled = load_texts(arguments.unlabelled, config)
    texts = [*train.texts, *validation.texts, *unlabelled]
    tokens = tokenize_cached(texts, load_pipeline())
    first, last = len(train), len(train) + len(validation)
    own = start.read_vocabulary(VOCABULARY_FILE)
    seen = [*tokens[:first], *tokens[last:]]
    frequent = Vocabulary.build(seen, None, TEACHER_MIN_COUNT, config.lowercase).tokens
    more = [token for token in frequent[len(SPECIAL_TOKENS) :] if token not in own]
    wider = own.extended(Vocabulary(more[:TEACHER_WORDS]))
    rows = [[BOS_ID, *wider.encode(row)] for row in tokens]
    linear = LinearModels(train.texts, train.ratings, (config.min_rating + config.max_rating) / 2)
    arguments.work.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        arguments.work / "reviews.npz",
        flat=np.concatenate([np.array(row, np.uint16) for row in rows]),
        lengths=np.array([len(row) for row in rows], np.int32),
        ratings=np.concatenate([train.ratings, validation.ratings, np.zeros(len(unlabelled))]),
        split=np.repeat(np.arange(3, dtype=np.int8), [first, last - first, len(unlabelled)]),
        levels=rating_levels(config),
        margins=linear.bayes.margins(linear.counter.transform(texts)).astype(np.float16),
    )
    np.savez(arguments.work / "student.npz", **student_weights(start, config))


def student_weights(start: Bundle, config: SentimentConfig) -> dict[str, np.ndarray]:
    """The weights that the student begins with: those of a rating model that reads forwards, and a new reader beside.

    Raises:
        InputError: the model is of another kind.
    """
    from common.inference.keras_start import start_keras

    keras = start_keras()
    wanted = {"architecture": "lstm", "num_layers": 1, "pooling": "mean-max", "head": "class"}
    unlike = [name for name, value in wanted.items() if getattr(config, name) != value]
    if unlike or config.bidirectional or config.backward_units or config.reverse:
        what = ", ".join(unlike) or "its direction"
        raise InputError(f"--initialize-from {start.path}: {what}; wanted an LSTM that reads forwards, mean-max, class")
    kernel, recurrent_kernel, bias = start.read_layer(layer_names.recurrent(0))
    keras.utils.set_random_seed(1)
    backward = keras.layers.LSTM(BACKWARD_UNITS)
    backward.build((None, None, len(kernel)))
    new = dict(zip(("kernel", "recurrent_kernel", "bias"), backward.get_weights(), strict=True))
    head, head_bias = start.read_layer(layer_names.LOGITS)
    nothing = np.zeros((BACKWARD_UNITS, head.shape[1]), np.float32)  # the new reader has no say yet
    mean, most = np.split(head, 2)
    return {
        "embedding": start.read_layer(layer_names.EMBEDDING)[0],
        "forward.kernel": kernel,
        "forward.recurrent_kernel": recurrent_kernel,
        "forward.bias": bias,
        **{f"backward.{name}": weight for name, weight in new.items()},
        "head.kernel": np.concatenate([mean, nothing, most, nothing]),
        "head.bias": head_bias,
    }


def finish(arguments: argparse.Namespace) -> None:
    """Put the student's weights into the network, calibrate it on the validation reviews, save the bundle."""
    from common.bundles.bundle import open_bundle, save_bundle
    from common.bundles.model_card import make_card
    from common.bundles.provenance import describe_run
    from common.inference.keras_engine import KerasEngine
    from common.inference.keras_start import start_keras
    from common.progress import say
    from common.text.tokenization import load_pipeline, tokenize_cached
    from common.training.fit import Progress, write_history
    from sentiment.evaluate import SCORES, rating_scores
    from sentiment.temperature_scaling import divide_logits, fit_temperature

    check_bundle_place(arguments.output_dir)
    start = open_bundle(arguments.initialize_from, "sentiment")
    _, validation = load_rated(arguments)
    tokens = tokenize_cached(validation.texts, load_pipeline())
    vocabulary = start.read_vocabulary(VOCABULARY_FILE)
    with open(arguments.work / "history.csv", encoding="utf-8") as file:
        history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    for row in history:
        row["epoch"] = int(row["epoch"])
    learned = json.loads((arguments.work / "facts.json").read_text(encoding="utf-8"))
    config = inherit_settings(SentimentConfig(), start)
    config = replace(config, **SETTINGS, num_epochs=len(history))
    start_keras()

    from sentiment.model import build_model
    from sentiment.predict import RatingModel

    model = build_model(config, len(vocabulary))
    with np.load(arguments.work / "taught_student.npz") as arrays:
        weights = dict(arrays)
    set_weights(model, weights)
    rater = RatingModel(KerasEngine(model), vocabulary, config)
    temperature = fit_temperature(rater.answer_tokens(tokens)["logits"], make_targets(validation.ratings, config))
    divide_logits(model, temperature)
    scores = rating_scores(validation.ratings, rater.predict_tokens(tokens).ratings, config)
    say(f"Temperature {temperature:.3f}; validation R² {scores['r2']:.4f}, accuracy {scores['binary_accuracy']:.2%}")
    best = max(history, key=lambda row: row["r2"])
    state = Progress(len(history), best["epoch"], best["r2"], learned["seconds"], history)
    facts = describe_run("sentiment", f"Rating model: {arguments.output_dir.name}", arguments, config, state)
    facts["best_epoch"] = None  # what is kept is no epoch's: the running mean of the weights, at the end
    facts["made_by"] = "python -m scripts.build_rating_model finish"
    facts["versions"] |= {"torch": learned["torch"]}
    facts["machine"] |= {name: learned[name] for name in ("cores", "accelerator")}
    metrics = {"validation": {**scores, "num_examples": len(validation)}}

    def save_extras(folder: Path) -> None:
        vocabulary.save(folder / VOCABULARY_FILE)
        write_history(folder, state, "r2")

    card = make_card(facts, config, metrics, SCORES)
    save_bundle(arguments.output_dir, model, config, metrics, facts, card, save_extras)


def set_weights(model: Any, weights: dict[str, np.ndarray]) -> None:
    """Put the weights of `student_weights` into the layers of `sentiment.model.build_model`."""
    parts = ("kernel", "recurrent_kernel", "bias")
    model.get_layer(layer_names.EMBEDDING).set_weights([weights["embedding"]])
    for layer, name in ((layer_names.recurrent(0), "forward"), (layer_names.backward(0), "backward")):
        model.get_layer(layer).set_weights([weights[f"{name}.{part}"] for part in parts])
    model.get_layer(layer_names.LOGITS).set_weights([weights["head.kernel"], weights["head.bias"]])


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("scripts.build_rating_model", __doc__)
    parser.add_argument("step", choices=("prepare", "finish"))
    for name, what in (
        ("work", "folder of the arrays"),
        ("train", "rated reviews"),
        ("groups", "the film of each, one a line"),
        ("unlabelled", "reviews without ratings"),
        ("initialize-from", "bundle of a rating model whose layers to start from"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    parser.add_argument("--output-dir", type=Path, default=Path("runs/imdb"), help="the bundle (default: %(default)s)")
    parser.add_argument("--about-data", help="a description for the model card")
    parser.set_defaults(validation=None)
    arguments = parser.parse_args(argv)
    {"prepare": prepare, "finish": finish}[arguments.step](arguments)


if __name__ == "__main__":
    run_command(main)
