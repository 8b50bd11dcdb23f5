"""Structured pruning of LSTM units: a smaller and faster rating model, with least-squares reconstruction.

The units that go are those whose state varies least, times the norm of the weights that read it. Wherever a state is
read, that of a unit that goes is replaced by its linear regression on the states that stay, over the words of some
reviews. The rest of the loss is made up for by distillation from the larger model.

He, Zhang & Sun 2017, "Channel Pruning for Accelerating Very Deep Neural Networks", did so with convolutions.
"""

from __future__ import annotations

from common.inference.keras_start import start_keras

start_keras()  # quietly, before anything imports Keras

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common.bundles.bundle import Bundle, open_bundle, save_bundle
from common.bundles.file_names import VOCABULARY_FILE
from common.errors import InputError
from common.inference.keras_engine import KerasEngine, load_model
from common.networks import layer_names
from common.text.batching import Batches
from common.text.tokenization import load_pipeline, tokenize_all
from sentiment.agreement import read_settings
from sentiment.config import TASK, SentimentConfig
from sentiment.loader import load_reviews, make_batches
from sentiment.model import build_model

NUM_REVIEWS = 300
NUM_GATES = 4
LSTM_PARTS = ("kernel", "recurrent_kernel", "bias")


def prune_weights(
    weights: Mapping[str, NDArray], states: NDArray, largest: NDArray, num_units: int
) -> dict[str, NDArray]:
    """Leave out units of an LSTM.

    Args:
        weights: `kernel` (features, 4 * units), `recurrent_kernel` (units, 4 * units) and `bias` (4 * units,) of the
            LSTM; `mean` and `max`, (units, levels), the weights that read the mean and the maximum of its states;
            `head_bias` (levels,).
        states: of the units, one row for each of many words, (words, units).
        largest: the maximum of the states over each of some texts, (texts, units).
        num_units: how many stay.
    Returns:
        The weights of a smaller LSTM, under the same names.
    """
    readers = np.concatenate([weights["recurrent_kernel"], weights["mean"], weights["max"]], axis=1)
    importance = states.std(axis=0) * np.linalg.norm(readers, axis=1)
    kept = np.sort(np.argsort(-importance, kind="stable")[:num_units])
    gone = np.setdiff1d(np.arange(len(importance)), kept)
    # states[:, gone] is about states[:, kept] @ replacement + offset
    with_ones = np.concatenate([states[:, kept], np.ones((len(states), 1), states.dtype)], axis=1)
    *replacement, offset = np.linalg.lstsq(with_ones, states[:, gone], rcond=None)[0]

    def gates(values: NDArray) -> NDArray:
        parts = np.split(values, NUM_GATES, axis=-1)
        return np.concatenate([part[..., kept] for part in parts], axis=-1)

    def reread(values: NDArray) -> NDArray:
        return values[kept] + np.array(replacement) @ values[gone]

    recurrent_kernel, mean, most = (weights[name] for name in ("recurrent_kernel", "mean", "max"))
    return {
        "kernel": gates(weights["kernel"]),
        "recurrent_kernel": gates(reread(recurrent_kernel)),
        "bias": gates(weights["bias"] + offset @ recurrent_kernel[gone]),
        "mean": reread(mean),
        "max": most[kept],  # a maximum is no sum: those that go are taken to be as large as they are on average
        "head_bias": weights["head_bias"] + offset @ mean[gone] + largest.mean(axis=0)[gone] @ most[gone],
    }


def prune(large: Path, num_units: int, reviews: Path, output_dir: Path) -> None:
    """Write a rating model without some units of its forward LSTM.

    Args:
        large: bundle of a rating model of one layer, `--directions asymmetric`, `--pooling mean-max`, `--head
            categorical`.
        num_units: units of the forward LSTM that stay.
        reviews: rated reviews, some of which are read.
        output_dir: the smaller bundle.
    Raises:
        InputError: the model is of another kind, or has no units to leave out.
    """
    bundle = open_bundle(large, TASK)
    config = read_settings(bundle)
    kind = (config.directions, config.pooling, config.head, config.num_layers)
    if kind != ("asymmetric", "mean-max", "categorical", 1):
        raise InputError(f"{large}: wanted one layer, asymmetric directions, mean-max pooling, categorical head")
    if not 0 < num_units < config.units:
        raise InputError(f"{large}: has {config.units} units, {num_units} were to stay; keep fewer, and at least one")
    texts = load_reviews(reviews, config).texts
    vocabulary = bundle.read_vocabulary(VOCABULARY_FILE)
    tokens = list(tokenize_all(texts[:: max(1, len(texts) // NUM_REVIEWS)], load_pipeline()))
    states, largest = read_states(load_model(bundle), make_batches(tokens, None, vocabulary, config, shuffle=False))
    smaller = replace(config, units=num_units)
    save_bundle(
        output_dir,
        build_pruned(bundle, config, smaller, states, largest),
        smaller,
        {},
        bundle.facts,
        f"# {output_dir.name}\n\n{large.name}, pruned to {num_units} units of the forward LSTM.\n",
        lambda folder: vocabulary.save(folder / VOCABULARY_FILE),
    )


def build_pruned(
    bundle: Bundle, config: SentimentConfig, smaller: SentimentConfig, states: NDArray, largest: NDArray
) -> keras.Model:
    """The network with fewer units; the backward LSTM and the word vectors are those of the larger one."""
    recurrent = dict(zip(LSTM_PARTS, bundle.read_layer(layer_names.recurrent(0)), strict=True))
    head, head_bias = bundle.read_layer(layer_names.LOGITS)
    ends = np.cumsum([config.units, config.backward_units, config.units])
    mean, backward_mean, most, backward_max = np.split(head, ends)
    weights = {**recurrent, "head_bias": head_bias, "mean": mean, "max": most}
    small = prune_weights(weights, states, largest, smaller.units)
    model = build_model(smaller, len(bundle.read_vocabulary(VOCABULARY_FILE)))
    for name in ("embedding", "backward_0"):
        model.get_layer(name).set_weights(bundle.read_layer(name))
    model.get_layer(layer_names.recurrent(0)).set_weights([small[name] for name in LSTM_PARTS])
    head = np.concatenate([small["mean"], backward_mean, small["max"], backward_max])
    model.get_layer(layer_names.LOGITS).set_weights([head, small["head_bias"]])
    return model


def read_states(model: keras.Model, batches: Batches) -> tuple[NDArray, NDArray]:
    """The states of the forward LSTM at every word, (words, units), and their maxima, (texts, units)."""
    read = KerasEngine(keras.Model(model.input, model.get_layer(layer_names.recurrent(0)).output))
    rows, largest = [], []
    for number in range(len(batches)):
        inputs = batches[number][0]
        states, mask = read(inputs), inputs["mask"]  # (batch, time, units), (batch, time)
        rows.append(states[mask])
        largest.append(np.where(mask[:, :, None], states, -np.inf).max(axis=1))
    return np.concatenate(rows), np.concatenate(largest)
