"""Leave units out of the LSTM of a rating model, so that it answers sooner.

    python -m scripts.shrink_rating_model --model imdb_512 --units 384 --train train.csv.gz --output-dir imdb_384

Those go whose state changes least, times the weights that read it. What they said is not lost altogether: where a
state is read, it is replaced by what the states that stay say of it, by least squares over the words of some reviews.
The rest of the loss is for `sentiment.train --initialize-from imdb_384 --teachers imdb_512` to make up for.

He, Zhang & Sun 2017, "Channel Pruning for Accelerating Very Deep Neural Networks", did so with convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.cli.run import run_command
from common.errors import InputError
from common.output import check_bundle_place
from common.settings import make_parser
from sentiment.config import SentimentConfig

if TYPE_CHECKING:
    import keras

    from common.text.batching import Batches

NUM_REVIEWS = 300
NUM_GATES = 4


def shrink(weights: Mapping[str, NDArray], states: NDArray, largest: NDArray, num_units: int) -> dict[str, NDArray]:
    """Leave out units.

    Args:
        weights: `kernel` (features, 4 * units), `recurrent_kernel` (units, 4 * units) and `bias` (4 * units,) of an
            LSTM; `mean` and `max`, (units, levels), what reads the mean and the maximum of its states; `head_bias`
            (levels,).
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
        "max": most[kept],  # a maximum is no sum: those that go are as large as they are on average
        "head_bias": weights["head_bias"] + offset @ mean[gone] + largest.mean(axis=0)[gone] @ most[gone],
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("scripts.shrink_rating_model", __doc__)
    parser.add_argument("--model", type=Path, required=True, help="bundle with --backward-units, mean-max, class")
    parser.add_argument("--units", type=int, required=True, help="units that stay")
    parser.add_argument("--train", type=Path, required=True, help="rated reviews, some of which are read")
    parser.add_argument("--output-dir", type=Path, required=True, help="the smaller bundle")
    arguments = parser.parse_args(argv)

    from common.bundles.bundle import open_bundle, save_bundle
    from common.inference.keras_engine import load_model
    from common.text.tokenization import load_pipeline, tokenize_all
    from sentiment.loader import load_reviews, make_batches
    from sentiment.predict import TASK

    check_bundle_place(arguments.output_dir)
    bundle = open_bundle(arguments.model, TASK)
    config = bundle.read_config(SentimentConfig)
    if not config.backward_units or (config.pooling, config.head, config.num_layers) != ("mean-max", "class", 1):
        raise InputError(f"--model {arguments.model}: wanted --backward-units, one layer, --pooling mean-max, class")
    if not 0 < arguments.units < config.units:
        raise InputError(f"--units {arguments.units}: the model has {config.units}; give fewer, and at least one")
    texts = load_reviews(arguments.train, config).texts
    vocabulary = bundle.read_vocabulary(VOCABULARY_FILE)
    tokens = list(tokenize_all(texts[:: max(1, len(texts) // NUM_REVIEWS)], load_pipeline()))
    large = load_model(bundle)
    states, largest = read_states(large, make_batches(tokens, None, vocabulary, config, shuffle=False))

    from sentiment.model import build_model

    kernel, recurrent_kernel, bias = bundle.read_layer(layer_names.recurrent(0))
    head, head_bias = bundle.read_layer(layer_names.LOGITS)
    ends = np.cumsum([config.units, config.backward_units, config.units])
    mean, backward_mean, most, backward_max = np.split(head, ends)
    weights = {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias, "head_bias": head_bias}
    small = shrink({**weights, "mean": mean, "max": most}, states, largest, arguments.units)
    config = replace(config, units=arguments.units)
    model = build_model(config, len(vocabulary))
    for name in (layer_names.EMBEDDING, layer_names.backward(0)):
        model.get_layer(name).set_weights(bundle.read_layer(name))
    model.get_layer(layer_names.recurrent(0)).set_weights(
        [small[name] for name in ("kernel", "recurrent_kernel", "bias")]
    )
    head = np.concatenate([small["mean"], backward_mean, small["max"], backward_max])
    model.get_layer(layer_names.LOGITS).set_weights([head, small["head_bias"]])
    save_bundle(
        arguments.output_dir,
        model,
        config,
        {},
        bundle.facts,
        f"# {arguments.output_dir.name}\n\n{arguments.model.name}, of whose units {arguments.units} were left.\n",
        lambda folder: vocabulary.save(folder / VOCABULARY_FILE),
    )


def read_states(model: keras.Model, batches: Batches) -> tuple[NDArray, NDArray]:
    """The states of the reader from the first word: at every word, (words, units), and their maxima, (texts, units)."""
    import keras

    from common.inference.keras_engine import KerasEngine

    read = KerasEngine(keras.Model(model.input, model.get_layer(layer_names.recurrent(0)).output))
    rows, largest = [], []
    for number in range(len(batches)):
        inputs = batches[number][0]
        states, mask = read(inputs), inputs["mask"]  # (batch, time, units), (batch, time)
        rows.append(states[mask])
        largest.append(np.where(mask[:, :, None], states, -np.inf).max(axis=1))
    return np.concatenate(rows), np.concatenate(largest)


if __name__ == "__main__":
    run_command(main)
