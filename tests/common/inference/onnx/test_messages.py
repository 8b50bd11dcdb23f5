"""Our ONNX messages are those of the package's own helpers, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from common.inference.onnx.messages import TYPES, declare, make_node, make_tensor


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8", "int32", "int64", "bool"])
def test_a_tensor_is_that_of_the_package(dtype):
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    made = make_tensor("table", array)
    assert made.SerializeToString() == numpy_helper.from_array(array, "table").SerializeToString()
    assert TYPES[np.dtype(dtype)] == helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    np.testing.assert_array_equal(numpy_helper.to_array(made), array)


@pytest.mark.parametrize(
    "value", [3, np.int64(3), 0.5, "forward", [1, 2], [np.int64(1)], (0.5, 1.5), [1, 0.5], ["Tanh", "Sigmoid"]]
)
def test_a_node_is_that_of_the_package(value):
    made = make_node("LSTM", ["x", ""], ["y"], {"value": value, "also": 1}, "com.microsoft")
    wanted = helper.make_node("LSTM", ["x", ""], ["y"], domain="com.microsoft", also=1, value=value)
    assert made.SerializeToString() == wanted.SerializeToString()


@pytest.mark.parametrize("shape", [["batch", "time", 5], [7], [], None])
def test_a_declaration_is_that_of_the_package(shape):
    wanted = helper.make_tensor_value_info("ids", TensorProto.INT32, shape)
    assert declare("ids", np.dtype(np.int32), shape).SerializeToString() == wanted.SerializeToString()
