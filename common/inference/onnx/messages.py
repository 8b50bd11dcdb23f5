"""Messages of ONNX (nodes, tensors, the whole graph) without the rest of the `onnx` package.

`import onnx` also imports its checker, its converters and all that they need, a third of the memory and of the time of
ONNX Runtime itself. A graph needs one module of it, generated from the format's description (onnx/onnx.proto).
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from common.networks.specs.translation import Attribute

if TYPE_CHECKING:
    from onnx import onnx_ml_pb2 as pb
else:

    def _load() -> ModuleType:
        """Load the module by its file: to import it by its name would import the package before."""
        name = "onnx.onnx_ml_pb2"
        if name not in sys.modules:  # later imports of the package find it there
            package = importlib.util.find_spec("onnx")
            if package is None:
                raise ModuleNotFoundError("No module named 'onnx'", name="onnx")
            spec = importlib.util.spec_from_file_location(name, Path(package.origin).with_name("onnx_ml_pb2.py"))
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        return sys.modules[name]

    pb = _load()

TYPES = {
    np.dtype(np.float32): pb.TensorProto.FLOAT, np.dtype(np.float16): pb.TensorProto.FLOAT16,
    np.dtype(np.int8): pb.TensorProto.INT8, np.dtype(np.uint8): pb.TensorProto.UINT8,
    np.dtype(np.int32): pb.TensorProto.INT32, np.dtype(np.int64): pb.TensorProto.INT64,
    np.dtype(np.bool_): pb.TensorProto.BOOL,
}  # fmt: skip


def make_node(
    operator: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    attributes: Mapping[str, Attribute] | None = None,
    domain: str | None = None,
) -> pb.NodeProto:
    """Make a node; its attributes stand in alphabetical order."""
    node = pb.NodeProto(op_type=operator, input=inputs, output=outputs, domain=domain)
    node.attribute.extend(_attribute(name, value) for name, value in sorted((attributes or {}).items()))
    return node


def _attribute(name: str, value: Attribute) -> pb.AttributeProto:
    kinds = pb.AttributeProto
    if isinstance(value, str):
        return kinds(name=name, type=kinds.STRING, s=value.encode())
    if isinstance(value, int | np.integer):
        return kinds(name=name, type=kinds.INT, i=int(value))
    if not isinstance(value, Sequence):
        return kinds(name=name, type=kinds.FLOAT, f=float(value))
    if all(isinstance(item, str) for item in value):
        return kinds(name=name, type=kinds.STRINGS, strings=[str(item).encode() for item in value])
    if all(isinstance(item, int | np.integer) for item in value):
        return kinds(name=name, type=kinds.INTS, ints=[int(item) for item in value])
    return kinds(name=name, type=kinds.FLOATS, floats=[float(item) for item in value])


def make_tensor(name: str, array: np.ndarray) -> pb.TensorProto:
    """Make a tensor that holds the numbers of an array."""
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return pb.TensorProto(name=name, data_type=TYPES[array.dtype], dims=array.shape, raw_data=little_endian.tobytes())


def declare(name: str, dtype: np.dtype, shape: Sequence[int | str] | None) -> pb.ValueInfoProto:
    """Declare an input or output: the size of an axis is a number or a name; None leaves the axes open."""
    tensor = pb.TypeProto.Tensor(elem_type=TYPES[dtype])
    if shape is not None:
        dims = [{"dim_param": size} if isinstance(size, str) else {"dim_value": size} for size in shape]
        tensor.shape.CopyFrom(pb.TensorShapeProto(dim=[pb.TensorShapeProto.Dimension(**dim) for dim in dims]))
    return pb.ValueInfoProto(name=name, type=pb.TypeProto(tensor_type=tensor))
