"""Weight interpolation: a fine-tuned rating model, and a share of the weights that it began with.

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": on the straight line between both, a model keeps what
fine-tuning taught it, and gets back what it forgot.
"""

from __future__ import annotations

from common.inference.keras_start import start_keras

start_keras()  # quietly, before anything imports Keras

import shutil
from pathlib import Path

import keras

from common.bundles.bundle import Bundle, open_bundle, save_bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.bundles.model_card import make_card
from common.evaluation.metrics import finite
from common.inference.keras_engine import KerasEngine, load_model
from sentiment.agreement import read_settings
from sentiment.config import TASK
from sentiment.evaluate import SCORES, rating_scores
from sentiment.loader import load_reviews, split_tokens
from sentiment.predict import RatingModel
from sentiment.train import calibrate, shown_ratings


def interpolate(tuned: Path, origin: Path, share: float, validation: Path, output_dir: Path, about_data: str) -> None:
    """Write the bundle between two rating models, its temperature fitted and its matrices in half precision.

    Args:
        tuned: bundle of a rating model with the head `categorical`.
        origin: the bundle that it began as; its vocabulary is the beginning of that of `tuned`.
        share: of the weights of `tuned`, 0 to 1.
        validation: rated reviews for the temperature and the scores of the card.
        output_dir: the bundle to write.
        about_data: source and licence of the data, for the model card.
    """
    bundle = open_bundle(tuned, TASK)
    config, vocabulary = read_settings(bundle), bundle.read_vocabulary(VOCABULARY_FILE)
    network = mix(bundle, open_bundle(origin, TASK), share)
    model = RatingModel(KerasEngine(network), vocabulary=vocabulary, config=config)
    reviews = load_reviews(validation, config)
    tokens = split_tokens(reviews.texts, config)
    calibrate(network, model, tokens, reviews.ratings)
    half = shown_ratings(tokens).round_weights(network, model)
    facts = {**bundle.facts, "title": f"Rating model: {output_dir.name}", "about_data": about_data}
    facts |= {"half_precision": half} if half else {}
    scores = rating_scores(reviews.ratings, model.predict_tokens(tokens).ratings, config)
    metrics = {"validation": finite({**scores, "num_examples": len(reviews)})}

    def save_extras(folder: Path) -> None:
        vocabulary.save(folder / VOCABULARY_FILE)
        for name in ("history.csv", "learning_curve.png"):
            shutil.copyfile(tuned / name, folder / name)

    save_bundle(
        output_dir, network, config, metrics, facts, make_card(facts, config, metrics, SCORES), save_extras
    )  # fmt: skip


def mix(tuned: Bundle, origin: Bundle, share: float) -> keras.Model:
    """The network of `tuned` with the weights between both; those of words that `origin` lacks stay as they are."""
    network = load_model(tuned)
    for layer in network.layers:
        weights = layer.get_weights()
        for array, first in zip(weights, origin.read_layer(layer.name) if weights else [], strict=True):
            known = array[: len(first)]
            known += (1 - share) * (first - known)
        layer.set_weights(weights)
    return network
