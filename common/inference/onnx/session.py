"""Sessions of ONNX Runtime, opened on a graph whose weights are shared and not copied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.bundles.architecture import Architecture
from common.inference.onnx import graph
from common.inference.onnx.runtime import onnxruntime

FATAL = 4  # of the severities of ONNX Runtime
PROVIDERS = ["CPUExecutionProvider"]


@dataclass(frozen=True)
class Opened:
    """A session, with the names of its inputs and outputs, and the tables that are an input of every call."""

    session: onnxruntime.InferenceSession
    inputs: list[str]
    outputs: list[str] | None
    tables: dict[str, np.ndarray]


def open_session(
    architecture: Architecture,
    num_threads: int,
    full: bool = False,
    int8: bool = False,
    tables: dict[str, np.ndarray] | None = None,
    states: bool = False,
) -> Opened:
    """Translate a network, and open a session on it.

    Args:
        architecture: the network, checked, with its weights.
        num_threads: processor cores that a call may use.
        full: see `common.inference.onnx.graph.build_network`.
        int8: likewise.
        tables: those of another session on the same weights, to share them; None takes the network's own.
        states: see `common.inference.onnx.graph.build_network`.
    """
    network = graph.build_network(architecture, full, int8, states)
    options = session_options()
    options.intra_op_num_threads = num_threads
    weights = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in network.weights.values()]
    options.add_external_initializers(list(network.weights), weights)
    session = onnxruntime.InferenceSession(network.model.SerializeToString(), options, providers=PROVIDERS)
    inputs = [node.name for node in session.get_inputs() if node.name not in network.tables]
    return Opened(session, inputs, network.outputs, network.tables if tables is None else tables)


def session_options() -> onnxruntime.SessionOptions:
    """Options of ONNX Runtime under which it writes nothing on standard error: what fails is an exception, too."""
    onnxruntime.set_default_logger_severity(FATAL)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    return options
