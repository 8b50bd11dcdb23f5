"""Hidden states of a saved network: what each recurrent layer reads and gives at every step, without TensorFlow.

The ONNX graph has them anyway: its recurrent nodes run over all steps at once. Here they are its outputs, and what only
the answers need is left out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.bundles.architecture import Architecture, Layer
from common.errors import InputError, excerpt
from common.networks.specs.recurrent import CELLS, directions_of
from common.parallel import num_cores


@dataclass(frozen=True)
class RecurrentLayer:
    """One direction of a recurrent layer.

    Attributes:
        name: of the layer; of one in two directions, `NAME.forward` and `NAME.backward`.
        class_name: Keras' class: SimpleRNN, GRU or LSTM.
        config: its settings.
        weights: kernel (features, gates * units), recurrent kernel (units, gates * units), and the bias if it has one.
        backwards: whether it reads from the last step to the first.
    """

    name: str
    class_name: str
    config: Mapping[str, Any]
    weights: list[NDArray[np.float32]]
    backwards: bool

    @property
    def units(self) -> int:
        """How many units it has."""
        return self.config["units"]


class LayerStates(NamedTuple):
    """What one direction of a layer reads (batch, time, features), and its states (batch, time, units), float32.

    Both are in the order of the steps, whatever the direction; the states of padding are zeros.
    """

    inputs: NDArray[np.float32]
    states: NDArray[np.float32]


def recurrent_layers(architecture: Architecture) -> dict[str, RecurrentLayer]:
    """The recurrent layers of a network by name, one entry for each direction, in the order of their calls.

    Raises:
        InputError: there is none.
    """
    names = dict.fromkeys(name for name, _ in architecture.order)
    found = [part for name in names for part in _directions(architecture.layers[name])]
    if not found:
        raise InputError(f"{architecture.source}: the network has no recurrent layer, so it has no hidden states")
    return {layer.name: layer for layer in found}


def _directions(layer: Layer) -> list[RecurrentLayer]:
    if layer.class_name in CELLS:
        backwards = layer.config["go_backwards"]
        return [RecurrentLayer(layer.name, layer.class_name, layer.config, layer.values(), backwards)]
    if layer.class_name != "Bidirectional":
        return []
    values, half = layer.values(), len(layer.weights) // 2
    weights = (values[:half], values[half:])
    return [
        RecurrentLayer(f"{layer.name}.{name}", side["class_name"], side["config"], own, name == "backward")
        for name, side, own in zip(("forward", "backward"), directions_of(layer.config), weights, strict=True)
    ]


class StateReader:
    """A network as a function from its inputs to its hidden states; several threads may call it at once.

    Args:
        architecture: of a checked bundle.
        num_threads: processor cores a call may use; None takes those there are.
    Raises:
        InputError: the network has no recurrent layer, or ONNX Runtime cannot run it.
    """

    def __init__(self, architecture: Architecture, num_threads: int | None = None) -> None:
        from common.inference.onnx.session import open_session  # a third of a second: not for a wrong option

        self.layers = recurrent_layers(architecture)
        self._source = architecture.source
        try:
            self._opened = open_session(architecture, num_threads or num_cores(), states=True)
        except InputError:
            raise
        except Exception as error:  # ONNX Runtime has a class for every kind, and no common one
            raise self._failed(error) from None

    def __call__(self, inputs: Mapping[str, NDArray]) -> dict[str, LayerStates]:
        """Run the network.

        Args:
            inputs: an array for each of its named inputs, with a `mask` (batch, time) that has its real steps on the
                left; also the states before the first step, where they are inputs.
        Returns:
            The states of each entry of `layers`.
        Raises:
            InputError: the network is not made for these inputs.
        """
        given = {name: inputs[name] for name in self._opened.inputs} | self._opened.tables
        try:
            found = dict(zip(self._opened.outputs or (), self._opened.session.run(None, given), strict=True))
        except Exception as error:
            raise self._failed(error) from None
        return {name: self._states_of(name, found) for name in self.layers}

    def _states_of(self, name: str, found: Mapping[str, NDArray]) -> LayerStates:
        """Pick one direction out of the outputs of a node."""
        node = name.removesuffix(".forward").removesuffix(".backward")
        steps = found[f"{node}.states"]  # (time, direction, batch, units)
        direction = int(name == f"{node}.backward")
        return LayerStates(found[f"{node}.inputs"], np.swapaxes(steps[:, direction], 0, 1))

    def _failed(self, error: Exception) -> InputError:
        reason = excerpt(" ".join(str(error).split()), 200)
        return InputError(f"{self._source}: ONNX Runtime cannot run its network ({reason}); train it again")
