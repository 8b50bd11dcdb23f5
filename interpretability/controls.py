"""Controls: what would be found by chance, in any direction, or in a network that has learned nothing.

The best of a thousand units is good at something, whatever one asks. Three floors tell how good:

shuffled labels      the labels of another place: what the best of as many units reaches by chance
random directions    the units turned into a random orthonormal basis: the same information, without units
untrained networks   the same architecture with the weights that training starts from
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from common.bundles.architecture import Architecture, Layer
from common.networks import layer_names
from common.networks.specs.recurrent import CELLS, directions_of
from common.networks.specs.settings import is_int8

LARGEST = 0.05  # of the weights of an Embedding at the start, as in Keras
KEPT = (layer_names.GIVEN_VECTORS,)  # what no training changes


def random_basis(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random orthonormal basis (size, size); a column is a direction. Uniform: Stewart 1980."""
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return (q * np.sign(np.diag(r))).astype(np.float32)


def shuffle(labels: NDArray, texts: NDArray[np.intp], rng: np.random.Generator) -> NDArray:
    """The labels of other places: the texts in another order, shifted by a random number of rows.

    Neighbours stay neighbours, as labels of a text hang together; the order of the texts may be that of their labels.

    Args:
        labels: (rows,).
        texts: the number of the text of each row, those of one text in a row.
        rng: random generator.
    """
    parts = np.split(labels, np.flatnonzero(np.diff(texts)) + 1)
    moved = np.concatenate([parts[i] for i in rng.permutation(len(parts))])
    return np.roll(moved, int(rng.integers(1, max(2, len(labels)))))


def untrained(architecture: Architecture, seed: int) -> Architecture:
    """The same network with weights as they are before training, drawn as Keras draws them.

    Word vectors that training leaves as they are (`given_vectors`) stay.

    Args:
        architecture: a network with its weights.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    layers = {
        name: layer if name in KEPT else replace(layer, weights=_first_weights(layer, rng))
        for name, layer in architecture.layers.items()
    }
    return replace(architecture, layers=layers)


def _first_weights(layer: Layer, rng: np.random.Generator) -> list[NDArray]:
    if is_int8(layer.config):
        rows, scales = layer.weights
        return [rng.integers(-127, 128, rows.shape).astype(np.int8), np.full_like(scales, 127 / LARGEST)]
    if layer.class_name == "Bidirectional":
        half = len(layer.weights) // 2
        parts = (layer.weights[:half], layer.weights[half:])
        sides = zip(directions_of(layer.config), parts, strict=True)
        return [weight for side, weights in sides for weight in _cell_weights(side["class_name"], weights, rng)]
    if layer.class_name in CELLS:
        return _cell_weights(layer.class_name, layer.weights, rng)
    if layer.class_name in ("Embedding", "TiedEmbedding"):
        vectors, *bias = layer.weights
        drawn = rng.uniform(-LARGEST, LARGEST, vectors.shape)
        if layer.class_name == "TiedEmbedding":
            drawn = rng.normal(0, vectors.shape[1] ** -0.5, vectors.shape)
        return [drawn.astype(np.float32), *map(np.zeros_like, bias)]
    return [_glorot(weight, rng) if weight.ndim > 1 else np.zeros_like(weight) for weight in layer.weights]


def _cell_weights(class_name: str, weights: list[NDArray], rng: np.random.Generator) -> list[NDArray]:
    """Glorot for the inputs, orthogonal for the states, and the forget gates of an LSTM begin open."""
    kernel, recurrent_kernel, *bias = weights
    units, width = recurrent_kernel.shape
    columns = random_basis(width, rng)[:, :units].T  # orthonormal rows
    first = [_glorot(kernel, rng), np.ascontiguousarray(columns), *map(np.zeros_like, bias)]
    if bias and class_name == "LSTM":
        first[2] = first[2].copy()
        first[2][units : 2 * units] = 1
    return first


def _glorot(weight: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Uniform, Glorot & Bengio 2010; of a convolution (width, inputs, filters) the width counts too."""
    field = math.prod(weight.shape[:-2])
    limit = math.sqrt(6 / (field * (weight.shape[-2] + weight.shape[-1])))
    return rng.uniform(-limit, limit, weight.shape).astype(np.float32)
