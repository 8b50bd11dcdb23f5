"""A saved network as an ONNX graph, made from `model.json` and the HDF5 weights without Keras or TensorFlow.

ONNX has nodes for whole recurrent layers, so a bundle becomes a graph of a few nodes: one function for each Keras
layer, in the table `LAYERS` of `common.inference.onnx.layers`. Whatever is not covered, a layer, a setting or an
argument of a call, is an error that names it: no answer is better than another network's answer. The operators are
described at onnx.ai/onnx/operators; this is version 18 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common.bundles.architecture import RECURRENT, WRAPPERS, Architecture, layer_values
from common.errors import InputError
from common.inference.onnx.layers import LAYERS
from common.inference.onnx.nodes import Graph, LayerReader, NotCovered
from common.inference.onnx.recurrent import INT8_DOMAIN, INT8_LSTM

OPSET, IR_VERSION = 18, 8
TENSOR_TYPES = {"int32": TensorProto.INT32, "bool": TensorProto.BOOL, "float32": TensorProto.FLOAT}


@dataclass(frozen=True)
class OnnxNetwork:
    """A network as ONNX.

    Args:
        model: the graph; its weights are declared in it, and are not in it. Tables, of which a call reads some rows,
            are declared as inputs: an input is not copied.
        weights: the weights by name, float32.
        tables: likewise.
        outputs: Keras' name of each output of the graph in turn; None for a single output without a name.
    """

    model: onnx.ModelProto
    weights: dict[str, np.ndarray]
    tables: dict[str, np.ndarray]
    outputs: list[str] | None

    def with_weights(self) -> onnx.ModelProto:
        """A copy of the graph that holds its weights and tables and the shapes of its outputs, for a file."""
        whole = onnx.ModelProto()
        whole.CopyFrom(self.model)
        held = [tensor for tensor in whole.graph.initializer if tensor.name not in self.weights]
        inputs = [node for node in whole.graph.input if node.name not in self.tables]
        del whole.graph.initializer[:], whole.graph.input[:]
        whole.graph.input.extend(inputs)
        whole.graph.initializer.extend(held)
        for name, value in (self.weights | self.tables).items():
            whole.graph.initializer.append(numpy_helper.from_array(value, name))
        return onnx.shape_inference.infer_shapes(whole)


def build_network(architecture: Architecture, full: bool = False, int8: bool = False) -> OnnxNetwork:
    """Translate a saved network.

    Args:
        architecture: the network, checked, with its weights.
        full: whether masks will be all true; then recurrent layers and pooling do without them.
        int8: whether an LSTM shall multiply in whole numbers of 8 bits, which only ONNX Runtime knows.
    Returns:
        A graph with the inputs of the model, under their names and of their types. An output has the name it has in
        Keras; where an input has that name already, `next_` stands before it.
    Raises:
        InputError: the architecture is not covered; or 8 bits are asked for, and it has no LSTM.
    """
    try:
        return _build(architecture, full, int8)
    except NotCovered as error:
        raise NotCovered(f"{architecture.source}: {error}") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{architecture.source}: no network can be built from it ({reason}); do not use this bundle"
        ) from None


def _build(architecture: Architecture, full: bool, int8: bool) -> OnnxNetwork:
    graph = Graph(int8)
    results: dict[tuple[str, int], list[str]] = {(name, 0): [name] for name in architecture.inputs}
    weights: dict[str, list[np.ndarray]] = {}
    masked: set[str] = set()  # results that still carry padding, which Keras would tell the next layer
    for name, number in architecture.order:
        layer = architecture.layers[name]
        if layer.class_name == "InputLayer":
            continue
        if name not in weights:  # a layer that is called twice is read once
            weights[name] = layer_values(layer)
        reader = LayerReader(name, layer.class_name, layer.config, weights[name])
        arguments = [_resolve(node, results) for node in layer.calls[number]["args"]]
        named = {key: _resolve(node, results) for key, node in layer.calls[number]["kwargs"].items()}
        if named.pop("training", None):
            raise reader.not_covered("training=True", "training=False is")
        carries, has_mask = any(tensor in masked for tensor in _names(arguments)), named.get("mask") is not None
        takes_mask = layer.class_name in (*RECURRENT, *WRAPPERS, "SlidingWindow", "MaskedPooling")
        if takes_mask and carries and not has_mask:
            raise reader.not_covered("a mask that Keras passes on by itself", "mask=… in the call is")
        if takes_mask and full:
            named["mask"] = None
        function = LAYERS.get(layer.class_name)
        if function is None:
            raise reader.not_covered("this class", f"{', '.join(LAYERS)} are")
        result = function(graph, reader, *arguments, **{k: v for k, v in named.items() if v is not None})
        reader.check_all_read()
        results[name, number] = result if isinstance(result, list) else [result]
        if layer.class_name not in ("MaskedPooling", "AttentionPooling") and (carries or has_mask):
            masked.update(results[name, number])
    if int8 and not any(node.op_type == INT8_LSTM for node in graph.nodes):
        raise NotCovered("it has no LSTM, and nothing else runs in 8 bits; leave out --engine onnx-int8")
    return _finish(architecture, graph, results)


def _resolve(node: Any, results: Mapping[tuple[str, int], list[str]]) -> Any:
    """Put the names of tensors in the place of Keras' references to them."""
    if isinstance(node, list):
        return [_resolve(child, results) for child in node]
    if isinstance(node, dict):
        name, number, index = node["config"]["keras_history"]
        return results[name, number][index]
    return node


def _names(node: Any) -> list[Any]:
    return [name for child in node for name in _names(child)] if isinstance(node, list) else [node]


def _finish(architecture: Architecture, graph: Graph, results: Mapping[tuple[str, int], list[str]]) -> OnnxNetwork:
    inputs = []
    for name in architecture.inputs:
        config = architecture.layers[name].config
        shape = ["batch", *("time" if size is None else size for size in config["batch_shape"][1:])]
        inputs.append(helper.make_tensor_value_info(name, TENSOR_TYPES[config["dtype"]], shape))
    named: Any = architecture.outputs
    if not isinstance(named, dict):
        named = {named[0]: named}
    for name, table in graph.tables.items():
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, table.shape))
    outputs = []
    for name, (layer, number, index) in named.items():
        onnx_name = f"next_{name}" if name in architecture.inputs else name
        graph.nodes.append(helper.make_node("Identity", [results[layer, number][index]], [onnx_name]))
        outputs.append(helper.make_tensor_value_info(onnx_name, TensorProto.FLOAT, None))
    graph.remove_unread(output.name for output in outputs)
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "network", inputs, outputs, list(graph.initializers.values())),
        opset_imports=[helper.make_opsetid("", OPSET), *([helper.make_opsetid(INT8_DOMAIN, 1)] if graph.int8 else [])],
        ir_version=IR_VERSION,
    )
    return OnnxNetwork(
        proto, graph.weights, graph.tables, list(named) if isinstance(architecture.outputs, dict) else None
    )
