"""A saved network as one ONNX file that holds its weights, for programs that are not ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from common.bundles.architecture import Architecture
from common.inference.onnx.graph import OnnxNetwork, build_network
from common.inference.onnx.runtime import onnxruntime
from common.inference.onnx.session import PROVIDERS, session_options


def whole_graph(network: OnnxNetwork) -> onnx.ModelProto:
    """The graph as a file holds it: with its weights, its tables, and the shapes of its outputs."""
    return onnx.shape_inference.infer_shapes(network.with_weights())


def write_onnx(
    architecture: Architecture, metadata: Mapping[str, str], path: Path
) -> Callable[[Mapping[str, np.ndarray]], Any]:
    """Write a network as one `.onnx` file.

    Args:
        architecture: the network, checked, with its weights.
        metadata: what else the file shall carry, by name.
        path: the file.
    Returns:
        A function that runs what was written: named inputs to an array, or to named arrays.
    """
    network = build_network(architecture)
    whole = whole_graph(network)
    onnx.helper.set_model_props(whole, dict(metadata))
    onnx.checker.check_model(whole)
    onnx.save(whole, path)
    session = onnxruntime.InferenceSession(path, session_options(), providers=PROVIDERS)
    names = {node.name for node in session.get_inputs()}

    def run(inputs: Mapping[str, np.ndarray]) -> Any:
        answers = session.run(None, {name: array for name, array in inputs.items() if name in names})
        return dict(zip(network.outputs, answers, strict=True)) if network.outputs else answers[0]

    return run
