"""An LSTM that multiplies in int8, and whose answer to a row does not depend on the rows beside it.

ONNX Runtime's DynamicQuantizeLSTM gives each matrix on its left hand side one scale, by its smallest and its largest
number: the inputs of all rows and steps together, and the states of all rows at each step. A row would be rounded more
or less finely according to its company. So both ranges are fixed:

    inputs   two more features that are always M and -M, where M is the largest number that an input can be
    states   two more units whose states are always 1 and -1, the most that a state can be

The kernels are zeros there, and the results leave the units out. Sums of int8 products are exact, in any order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from common.networks.specs.translation import Graph

INT8_LSTM, INT8_DOMAIN = "DynamicQuantizeLSTM", "com.microsoft"
ENDS = np.array([[[1, -1]]], np.float32)
NUM_GATES = 4
SATURATED = 100.0  # a sum at which a sigmoid is 0 or 1, and a cell at which tanh is 1


class Weights(NamedTuple):
    """The weights in ONNX' order: gates input, output, forget, candidate."""

    kernel: np.ndarray  # (direction, gates * units, features)
    recurrent_kernel: np.ndarray  # (direction, gates * units, units)
    bias: np.ndarray  # (direction, 2 * gates * units)


class Inputs(NamedTuple):
    """What the node reads besides its weights: steps (time, batch, features), states (direction, batch, units)."""

    steps: str
    states: list[str]


def fix_ranges(graph: Graph, given: Inputs, weights: Weights, largest: float) -> tuple[Inputs, Weights]:
    """Add the features and the units that fix the ranges.

    Args:
        graph: gets the nodes.
        given: the inputs; no states: they begin with zeros.
        weights: of the layer.
        largest: number that an input can be.
    """
    num_directions, rows, features = weights.kernel.shape
    units = rows // NUM_GATES
    kernel = np.zeros((num_directions, NUM_GATES, units + 2, features + 2), np.float32)
    kernel[:, :, :units, :features] = weights.kernel.reshape(num_directions, NUM_GATES, units, features)
    recurrent = np.zeros((num_directions, NUM_GATES, units + 2, units + 2), np.float32)
    recurrent[:, :, :units, :units] = weights.recurrent_kernel.reshape(num_directions, NUM_GATES, units, units)
    bias = np.zeros((num_directions, 2, NUM_GATES, units + 2), np.float32)
    bias[..., :units] = weights.bias.reshape(num_directions, 2, NUM_GATES, units)
    bias[:, 0, :3, units:] = np.array([-SATURATED, SATURATED, SATURATED])[:, None]  # nothing in, all out, nothing lost
    wider = [each.reshape(num_directions, NUM_GATES * (units + 2), -1) for each in (kernel, recurrent)]
    steps = graph.add("Concat", given.steps, _ends(graph, given.steps, largest), axis=2)
    batch = graph.add("Shape", given.steps, start=1, end=2)
    states = [_wider_state(graph, batch, given.states, number, (num_directions, units)) for number in range(2)]
    return Inputs(steps, states), Weights(wider[0], wider[1], bias.reshape(num_directions, -1))


def _ends(graph: Graph, tensor: str, size: float) -> str:
    """Two features beside those of a tensor (first, second, features): always `size` and `-size`."""
    shape = graph.add("Concat", graph.add("Shape", tensor, end=2), graph.constant([2]), axis=0)
    return graph.add("Expand", graph.constant(size * ENDS, np.float32), shape)


def _wider_state(graph: Graph, batch: str, states: list[str], number: int, sizes: tuple[int, int]) -> str:
    """The initial states (0) or cells (1) with two more units."""
    size = (1.0, SATURATED)[number]
    if states:
        return graph.add("Concat", states[number], _ends(graph, states[number], size), axis=2)
    num_directions, units = sizes
    start = np.zeros((1, 1, units + 2), np.float32)
    start[..., units:] = size * ENDS
    shape = graph.add("Concat", graph.constant([num_directions]), batch, graph.constant([units + 2]), axis=0)
    return graph.add("Expand", graph.constant(start, np.float32), shape)


def without_ends(graph: Graph, results: list[str]) -> list[str]:
    """Results (…, units) without the units that were added."""
    first, last = graph.constant([0]), graph.constant([-2])
    return [graph.add("Slice", result, first, last, graph.constant([-1])) for result in results]
