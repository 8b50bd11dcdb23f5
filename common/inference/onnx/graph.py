"""ONNX graph of a saved network, made from `model.json` and the HDF5 weights without Keras or TensorFlow.

ONNX has nodes for whole recurrent layers, so a bundle becomes a graph of a few nodes: each Keras layer is translated by
the function `to_onnx` of its `LayerSpec` in `common.networks.specs`. Whatever is not covered, a setting or an argument
of a call, is an error that names it: no answer is better than another network's answer. The operators are described at
onnx.ai/onnx/operators; this is version 18 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.bundles.architecture import Architecture, Call, Layer, name_outputs, resolve, sources
from common.bundles.calls import NO_ARGUMENTS
from common.errors import InputError
from common.inference.onnx.messages import declare, make_node, make_tensor, pb
from common.inference.onnx.nodes import OnnxGraph
from common.networks.specs.recurrent_node import INT8_DOMAIN, INT8_LSTM
from common.networks.specs.spec import MaskUse
from common.networks.specs.translation import LayerReader, NotCovered

OPSET, IR_VERSION = 18, 8

Results = dict[Call, list[str]]  # the names of the tensors that each call returns


@dataclass(frozen=True)
class OnnxNetwork:
    """A network as ONNX.

    Args:
        model: the graph; its weights are declared in it, and are not in it. Tables, of which a call reads some rows,
            are declared as inputs: an input is not copied.
        weights: the weights by name, float32.
        tables: likewise, float32 or float16.
        outputs: Keras' name of each output of the graph in turn; None for a single output without a name.
    """

    model: pb.ModelProto
    weights: dict[str, np.ndarray]
    tables: dict[str, np.ndarray]
    outputs: list[str] | None

    def with_weights(self) -> pb.ModelProto:
        """A copy of the graph that holds its weights and tables, as a file does."""
        whole = pb.ModelProto()
        whole.CopyFrom(self.model)
        held = [tensor for tensor in whole.graph.initializer if tensor.name not in self.weights]
        inputs = [node for node in whole.graph.input if node.name not in self.tables]
        del whole.graph.initializer[:], whole.graph.input[:]
        whole.graph.input.extend(inputs)
        whole.graph.initializer.extend(held)
        for name, value in (self.weights | self.tables).items():
            whole.graph.initializer.append(make_tensor(name, value))
        return whole


def build_network(
    architecture: Architecture, full: bool = False, int8: bool = False, states: bool = False
) -> OnnxNetwork:
    """Translate a saved network.

    Args:
        architecture: the network, checked, with its weights.
        full: whether masks will be all true; then recurrent layers and pooling do without them.
        int8: dynamic int8 quantization of the LSTMs, in an operator that only ONNX Runtime knows.
        states: whether the outputs are, instead of the answers, what each recurrent layer reads and gives at every
            step, `NAME.inputs` (batch, time, features) and `NAME.states` (time, direction, batch, units). Steps are
            in the order of the text in both directions; the states of padding are zeros.
    Returns:
        A graph with the inputs of the model, under their names and of their types. An output has the name it has in
        Keras; where an input has that name already, `next_` stands before it.
    Raises:
        InputError: the architecture is not covered; or int8 is asked for, and it has no LSTM.
    """
    try:
        return _build(architecture, full, int8, states)
    except NotCovered as error:
        raise NotCovered(f"{architecture.source}: {error}") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{architecture.source}: no network can be built from it ({reason}); do not use this bundle"
        ) from None


def _build(architecture: Architecture, full: bool, int8: bool, states: bool) -> OnnxNetwork:
    graph = OnnxGraph(int8)
    results: Results = {}
    weights: dict[str, list[np.ndarray]] = {}
    padded: set[str] = set()  # tensors that still have padding steps, of which Keras would tell the next layer
    for name, number in architecture.order:
        layer = architecture.layers[name]
        values = weights.pop(name, None) or layer.answering_values()
        if number + 1 < len(layer.calls):  # a layer that is called again is read once
            weights[name] = values
        precision = layer.spec.all_needed["dtype"]
        reader = LayerReader(name, layer.class_name, layer.config, values, precision)
        call = layer.calls[number] if layer.calls else NO_ARGUMENTS
        results[name, number] = _translate_call(graph, layer, reader, call, results, padded, full)
        reader.check_all_read()
    if int8 and not any(node.op_type == INT8_LSTM for node in graph.nodes):
        raise NotCovered("it has no LSTM, and nothing else runs in 8 bits; leave out --engine onnx-int8")
    places = _places_of_states(graph) if states else _places_of_answers(architecture, results)
    return _finish(architecture, graph, places, states)


def _translate_call(
    graph: OnnxGraph,
    layer: Layer,
    reader: LayerReader,
    call: Mapping[str, Any],
    results: Results,
    padded: set[str],
    full: bool,
) -> list[str]:
    """Add the nodes of one call of a layer; returns the names of its results, and adds to `padded` those with padding.

    Keras passes masks on by itself; the graph has those alone that stand in the call.
    """
    arguments = [resolve(node, results) for node in call["args"]]
    named = {key: resolve(node, results) for key, node in call["kwargs"].items()}
    if named.pop("training", None):
        raise reader.not_covered("training=True", "training=False is")
    carries, has_mask = not padded.isdisjoint(_names(arguments)), named.get("mask") is not None
    if layer.spec.takes_mask and carries and not has_mask:
        raise reader.not_covered("a mask that Keras passes on by itself", "mask=… in the call is")
    if layer.spec.takes_mask and full:
        named["mask"] = None
    given = {key: value for key, value in named.items() if value is not None}
    result = layer.spec.to_onnx(graph, reader, *arguments, **given)
    names = result if isinstance(result, list) else [result]
    if layer.spec.mask is not MaskUse.CONSUMED and (carries or has_mask):
        padded.update(names)
    return names


def _names(node: object) -> list[Any]:
    return [name for child in node for name in _names(child)] if isinstance(node, list) else [node]


def _places_of_answers(architecture: Architecture, results: Results) -> dict[str, str]:
    """The tensor of each output of the model, by the name that it gets."""
    places = {}
    for name, (layer, number, index) in name_outputs(architecture.outputs).items():
        places[f"next_{name}" if name in architecture.inputs else name or layer] = results[layer, number][index]
    return places


def _places_of_states(graph: OnnxGraph) -> dict[str, str]:
    """The tensors that recurrent layers read and give, by the name that each gets as an output."""
    return {
        f"{name}.{kind}": tensor
        for name, tensors in graph.over_time.items()
        for kind, tensor in zip(("inputs", "states"), tensors, strict=True)
    }


def _finish(architecture: Architecture, graph: OnnxGraph, places: dict[str, str], states: bool) -> OnnxNetwork:
    inputs = []
    sparse = {
        source
        for layer in architecture.layers.values()
        if layer.class_name == "SparseLinear"
        for source, _ in sources(layer.calls[0])
    }
    for name in architecture.inputs:
        config = architecture.layers[name].config
        free = "terms" if name in sparse else "time"  # axes of one name have one size
        shape = ["batch", *(free if size is None else size for size in config["batch_shape"][1:])]
        inputs.append(declare(name, np.dtype(config["dtype"]), shape))
    outputs = []
    for name, tensor in places.items():
        graph.nodes.append(make_node("Identity", [tensor], [name]))
        outputs.append(declare(name, np.dtype(np.float32), None))
    graph.remove_unread(places)
    graph.keep_read()
    operators = {"": OPSET, **({INT8_DOMAIN: 1} if graph.int8 else {})}
    if states:  # without what only the answers need
        inputs = [node for node in inputs if node.name in graph.read]
    for name, table in graph.tables.items():
        inputs.append(declare(name, table.dtype, table.shape))
    proto = pb.ModelProto(
        ir_version=IR_VERSION,
        opset_import=[pb.OperatorSetIdProto(domain=domain, version=version) for domain, version in operators.items()],
        graph=pb.GraphProto(
            name="network", node=graph.nodes, input=inputs, output=outputs, initializer=graph.initializers.values()
        ),
    )
    if states:
        names: list[str] | None = list(places)
    else:
        names = list(architecture.outputs) if isinstance(architecture.outputs, dict) else None
    return OnnxNetwork(proto, graph.weights, graph.tables, names)
