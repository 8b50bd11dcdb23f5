"""The neuron, and layers of neurons: the multilayer perceptron.

    z = x W + b        what arrives, weighted            x (batch, inputs)   W (inputs, units)   b (units,)
    a = f(z)           what the neuron says              f linear, sigmoid or tanh

Backward, from the derivative `da` of the loss by what the layer says, to that by what it was told:

    dz = da f'(z)      dW = x^T dz      db = sum of dz over the batch      dx = dz W^T

Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-propagating Errors".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of float32 or float64
Params = dict[str, Array]


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z): from 0 to 1; written with tanh, which does not overflow."""
    return (np.tanh(z / 2) + 1) / 2


def linear(z: Array) -> Array:
    """Pass it on as it is."""
    return z


# Each activation with its derivative, written in terms of what the neuron says: a, not z.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "linear": (linear, np.ones_like),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
}


def glorot(num_inputs: int, num_units: int, rng: np.random.Generator) -> Array:
    """Weights (num_inputs, num_units) at random, so that signals keep their size: Glorot & Bengio 2010."""
    limit = np.sqrt(6 / (num_inputs + num_units))
    return rng.uniform(-limit, limit, (num_inputs, num_units))


def init_params(sizes: Sequence[int], rng: np.random.Generator) -> Params:
    """Make the parameters of a perceptron.

    Args:
        sizes: of the input and of each layer, `[2, 3, 1]` for two inputs, three hidden units and one output.
        rng: random generator.
    Returns:
        `W_1`, `b_1`, `W_2`, … from the first layer to the last.
    """
    params = {}
    for number, (num_inputs, num_units) in enumerate(pairwise(sizes), 1):
        params[f"W_{number}"] = glorot(num_inputs, num_units, rng)
        params[f"b_{number}"] = np.zeros(num_units)
    return params


def forward(x: Array, params: Params, activations: Sequence[str]) -> list[Array]:
    """Let a perceptron answer.

    Args:
        x: (batch, inputs).
        params: of `init_params`; a layer without `b_…` has no bias.
        activations: the name of each layer's.
    Returns:
        What each layer says, the input first and the answer last.
    """
    said = [x]
    for number, name in enumerate(activations, 1):
        z = said[-1] @ params[f"W_{number}"] + params.get(f"b_{number}", 0)  # (batch, units)
        said.append(ACTIVATIONS[name][0](z))
    return said


def backward(da: Array, said: Sequence[Array], params: Params, activations: Sequence[str]) -> tuple[Params, Array]:
    """Find the derivative of the loss by every parameter.

    Args:
        da: by the answer, (batch, outputs).
        said: of `forward`.
        params: the parameters.
        activations: the name of each layer's.
    Returns:
        The derivatives by name, and that by the input (batch, inputs).
    """
    grads = {}
    for number in range(len(activations), 0, -1):
        dz = da * ACTIVATIONS[activations[number - 1]][1](said[number])  # (batch, units)
        grads[f"W_{number}"] = said[number - 1].T @ dz
        if f"b_{number}" in params:
            grads[f"b_{number}"] = dz.sum(axis=0)
        da = dz @ params[f"W_{number}"].T  # (batch, units of the layer before)
    return grads, da
