"""What a saved layer may have for settings, what it declares, and what comes out of a call of it."""

from __future__ import annotations

import numpy as np
import pytest

from common.inference.onnx.nodes import OnnxGraph
from common.networks.rating_levels import MAX_LEVELS
from common.networks.specs.int8_lstm import Inputs, Weights, fix_ranges, without_ends
from common.networks.specs.recurrent import directions_of
from common.networks.specs.recurrent_node import OPERATORS, onnx_weights, run_over_time
from common.networks.specs.settings import (
    EVERY_OPTIONAL,
    MAX_FEATURES,
    MAX_RANK,
    is_int8,
    show_value,
)
from common.networks.specs.shapes import Tensor, common_size, show_tensor, want_mask
from common.networks.specs.table import SPECS, describe_layer, shapes_answers
from common.networks.specs.translation import LayerReader, NotCovered, activate, flip

INT8 = {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}}
STEPS = Tensor((None, None, 3))
ROWS = Tensor((None, 3))
IDS = Tensor((None, None), "int32")
MASK = Tensor((None, None), "bool")
ONES = {"class_name": "Ones", "config": {}}


def plain(class_name, **settings):
    """The settings of a recurrent layer of five units."""
    usual = {
        "name": "layer", "dtype": "float32", "use_bias": True, "activation": "tanh", "units": 5,
        "return_sequences": False, "return_state": False, "go_backwards": False, "zero_output_for_mask": False,
    }  # fmt: skip
    gated = {} if class_name == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    return usual | gated | ({"reset_after": True} if class_name == "GRU" else {}) | settings


def side(class_name="LSTM", **settings):
    return {"class_name": class_name, "config": plain(class_name, **settings)}


def both(merge_mode="concat", *sides):
    sides = sides or (side(),)
    return {"merge_mode": merge_mode, **dict(zip(("layer", "backward_layer"), sides, strict=False))}


# -- Settings -------------------------------------------------------------------------------------------------------

LONG = "n" * 200
VALUES = [
    ("Dense", "name", ["n", LONG], ["", LONG + "n", "a\nb", 3]),
    ("Dense", "dtype", ["float32", {"class_name": "DTypePolicy", "config": {"name": "float32"}}],
     ["float16", INT8, {"class_name": "DTypePolicy", "config": {"name": "int8"}}, {"config": {"name": "float32"}}, {}]),
    ("Embedding", "dtype", ["float32", INT8, {"class_name": "DTypePolicy", "config": {"name": "float32"}}],
     [{**INT8, "config": {"mode": "int4", "source_name": "float32"}}, {**INT8, "config": None}, "int8", None]),
    ("Dense", "trainable", [True, False], [1, 0, None]),
    ("Dense", "units", [1, 2**31], [0, 2**31 + 1, True, 1.0]),
    ("Dense", "activation", ["linear", "gelu"], ["lin", None, ["linear"]]),
    ("Dense", "kernel_regularizer", [None], [False, 0, "l2"]),
    ("Dense", "kernel_initializer",
     [ONES, {"class_name": "Constant", "config": {"value": -1e9}}, {"class_name": "Zeros", "config": {"seed": None}},
      {"class_name": "Orthogonal", "config": {"axes": [-MAX_RANK] * MAX_RANK}}],
     [None, "Ones", {"class_name": "Ones"}, {"class_name": "Eye", "config": {}}, {**ONES, "config": []},
      {**ONES, "config": {"gain": 1.1e9}}, {**ONES, "config": {"gain": True}},
      {**ONES, "config": {"axes": [0] * (MAX_RANK + 1)}}, {**ONES, "config": {"axes": [MAX_RANK + 1]}},
      {**ONES, "config": {"axes": [-MAX_RANK - 1]}}, {**ONES, "config": {"a": 1, "b": "x"}}]),
    ("InputLayer", "batch_shape", [[None, 1], [None] * MAX_RANK, [None, 2**18]],
     [[None], [2, 3], [None, 0], [None, 2**18 + 1], [None] * (MAX_RANK + 1), (None, 3), None]),
    ("InputLayer", "dtype", ["int32", "bool", "float32"], ["int64", None]),
    ("InputLayer", "sparse", [False], [True, 0, None]),
    ("InputLayer", "ragged", [False], [True]),
    ("InputLayer", "optional", [False], [True]),
    ("Dropout", "rate", [0, 0.5, 1], [-0.1, 1.01, float("nan"), True]),
    ("Dropout", "seed", [None, 0, 1 << 63], [-1, (1 << 63) + 1, 0.5]),
    ("Dropout", "noise_shape", [None, [None, 1, None], [1] * MAX_RANK], [[2], [0], [1] * (MAX_RANK + 1), [True]]),
    ("LayerNormalization", "epsilon", [1e-9, 1], [0.9e-9, 1.1, False]),
    ("LayerNormalization", "axis", [[-1]], [[-2], [0], -1, [-1, -1]]),
    ("LayerNormalization", "rms_scaling", [False], [True]),
    ("Rescaling", "scale", [-1e9, 1e9, [1, 2.5], [0.5] * MAX_LEVELS],
     [1.1e9, -1.1e9, [1e10], [0.5] * (MAX_LEVELS + 1), [-1e10], None]),
    ("ExpectedLevel", "levels", [[-1e9, 1e9], [1] * MAX_LEVELS],
     [[1], [], [1] * (MAX_LEVELS + 1), [1, 2e9], [-2e9, 1], (1, 2)]),
    ("ExpectedLevel", "ordinal", [True, False], [0, None]),
    ("Embedding", "mask_zero", [False], [True]),
    ("MaskedPooling", "mode", ["mean", "max", "sum"], ["min", None]),
    ("GlobalMaxPooling1D", "data_format", ["channels_last"], ["channels_first"]),
    ("GlobalMaxPooling1D", "keepdims", [False], [True, 0]),
    ("Concatenate", "axis", [-1, 0, MAX_RANK], [-2, MAX_RANK + 1]),
    ("Reshape", "target_shape", [[-1], [MAX_FEATURES], [2] * MAX_RANK, []],
     [[-2], [MAX_FEATURES + 1], [2] * (MAX_RANK + 1), 3]),
    ("Conv1D", "kernel_size", [[1], [1000], [1, 2, 3]], [[0], [1001], [1] * 4, 3]),
    ("Conv1D", "padding", ["same", "valid"], ["causal"]),
    ("Conv1D", "strides", [[1]], [[2], 1, [1, 1]]),
    ("Conv1D", "dilation_rate", [[1]], [[2], [0]]),
    ("Conv1D", "groups", [1], [2, 0, True]),
    ("SlidingWindow", "size", [2, 1000], [1, 1001]),
    ("LSTM", "stateful", [False], [True]),
    ("LSTM", "unroll", [False], [True]),
    ("LSTM", "recurrent_dropout", [0, 1], [2]),
    ("Bidirectional", "merge_mode", ["concat", "sum", "mul", "ave", None], ["max", False]),
    ("Bidirectional", "layer", [{}], [None, []]),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "setting", "taken", "refused"), VALUES)
def test_the_values_of_a_setting(class_name, setting, taken, refused):
    spec = SPECS[class_name]
    check = {**EVERY_OPTIONAL, **spec.optional, **spec.all_needed}[setting]
    assert [(value, check(value)) for value in taken] == [(value, True) for value in taken]
    assert [(value, check(value)) for value in refused] == [(value, False) for value in refused]


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        (None, "there are no settings"),
        ({"name": "d", "dtype": "float32", "use_bias": True, "activation": "relu", "units": 3, "seed": None},
         "no such setting as seed"),
        ({"name": "d", "x" * 50: 1}, f"no such setting as {'x' * 40}"),
        ({"name": "d", "units": 2.5}, "units is 2.5"),
        ({"name": "d", "units": 3, "dtype": {"class_name": "P", "config": {"name": "half"}}}, "dtype is half"),
        ({"name": "d", "units": 3, "dtype": {"class_name": "P", "config": {}}}, "dtype is P"),
        ({"name": "d", "activation": "y" * 70}, f"activation is {'y' * 60}"),
        ({"name": "d", "units": 3}, "activation is missing"),
        ({"name": "d", "dtype": "float32", "use_bias": True, "activation": "relu", "units": 3}, None),
    ],
)  # fmt: skip
def test_the_fault_of_a_layer(config, fault):
    assert SPECS["Dense"].find_fault(config) == fault


def test_a_value_in_a_message_is_short():
    assert show_value(0.123456789) == "0.123457"
    assert show_value({"config": 3}) == "{'config': 3}"
    assert is_int8({"dtype": INT8})
    assert not is_int8({"dtype": {**INT8, "config": {}}})
    assert not is_int8({"dtype": {**INT8, "class_name": "DTypePolicy"}})
    assert not is_int8({"dtype": "float32"})


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (both(), None),
        (both("sum", side(), side(go_backwards=True)), None),
        (both("sum", side("GRU"), side("LSTM", go_backwards=True)), None),
        (both("sum", side(), side()), "its directions are not one of each kind (go_backwards)"),
        (both("sum", side(go_backwards=True)), "its directions are not one of each kind (go_backwards)"),
        (both("sum", side(go_backwards=True), side()), "its directions are not one of each kind (go_backwards)"),
        (both("sum", side("Dense")), "its directions are no recurrent layers"),
        (both("sum", {**side(), "more": 1}), "its directions are no recurrent layers"),
        (both("sum", side(units=0)), "units is 0"),
        (both("sum", side(), side(go_backwards=True, units=0)), "units is 0"),
        (both("sum", side(), side(go_backwards=True, return_state=True)), "its directions return different things"),
        (both("sum", side(), side(go_backwards=True, return_sequences=True)), "its directions return different things"),
    ],
)
def test_the_two_directions_of_a_layer_fit_each_other(settings, fault):
    assert SPECS["Bidirectional"].find_fault({"name": "b", "dtype": "float32", **settings}) == fault


def test_a_direction_that_is_not_given_is_like_the_other():
    one, other = side(), side(go_backwards=True)
    assert directions_of(both("sum", one)) == (one, one)
    assert directions_of(both("sum", one, other)) == (one, other)


# -- Weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_name", "config", "shapes"),
    [
        ("Activation", {}, {}),
        ("Dense", {"units": 5, "use_bias": True}, {"vars": [(None, 5), (5,)]}),
        ("Dense", {"units": 5, "use_bias": False}, {"vars": [(None, 5)]}),
        ("LayerNormalization", {"scale": True, "center": True}, {"vars": [(None,), (None,)]}),
        ("LayerNormalization", {"scale": True, "center": False}, {"vars": [(None,)]}),
        ("LayerNormalization", {"scale": False, "center": False}, {"vars": []}),
        ("Embedding", {"input_dim": 9, "output_dim": 4}, {"vars": [(9, 4)]}),
        ("Embedding", {"input_dim": 9, "output_dim": 4, "dtype": INT8}, {"vars": [(9, 4), (9,)]}),
        ("TiedEmbedding", {"input_dim": 9, "output_dim": 4}, {"vars": [(9, 4), (9,)]}),
        ("Conv1D", {"kernel_size": [3], "filters": 7, "use_bias": True}, {"vars": [(3, None, 7), (7,)]}),
        ("Conv1D", {"kernel_size": [3], "filters": 7, "use_bias": False}, {"vars": [(3, None, 7)]}),
        ("AttentionPooling", {"units": 6}, {"vars": [(None, 6), (6,), (6,)]}),
        ("ChainScores", {"num_tags": 8}, {"vars": [(8, 8), (8,)]}),
        ("SparseLinear", {"input_dim": 9}, {"vars": [(9,)]}),
        ("ScoreSpread", {}, {"vars": [(3,)]}),
        ("SimpleRNN", plain("SimpleRNN"), {"cell/vars": [(None, 5), (5, 5), (5,)]}),
        ("GRU", plain("GRU"), {"cell/vars": [(None, 15), (5, 15), (2, 15)]}),
        ("GRU", plain("GRU", reset_after=False), {"cell/vars": [(None, 15), (5, 15), (15,)]}),
        ("LSTM", plain("LSTM", use_bias=False), {"cell/vars": [(None, 20), (5, 20)]}),
        ("Bidirectional", both("sum", side("LSTM", use_bias=False), side("SimpleRNN", units=2)),
         {"forward_layer/cell/vars": [(None, 20), (5, 20)], "backward_layer/cell/vars": [(None, 2), (2, 2), (2,)]}),
    ],
)  # fmt: skip
def test_the_weights_that_settings_declare(class_name, config, shapes):
    assert SPECS[class_name].weights(config) == shapes


# -- Calls ----------------------------------------------------------------------------------------------------------

DENSE = {"units": 5}, [(3, 5), (5,)]
TIED = {"input_dim": 9, "output_dim": 3}, []
WIDE = {"axis": -1}, []
LSTM = plain("LSTM"), [(3, 20), (5, 20), (20,)]
STATES = Tensor((None, 5))
BOTH = [(3, 20), (5, 20), (20,)] * 2


def full(merge_mode, *, units=5, **settings):
    """Two LSTMs that return all that they can."""
    more = {"return_sequences": True, "return_state": True, **settings}
    return both(merge_mode, side(**more), side(go_backwards=True, **{**more, "units": units}))


@pytest.mark.parametrize(
    ("class_name", "settings", "args", "shapes"),
    [
        ("InputLayer", ({"batch_shape": [None, 3], "dtype": "float32"}, []), [], [(None, 3)]),
        ("Dense", DENSE, [STEPS], [(None, None, 5)]),
        ("Dense", DENSE, [Tensor((None, None))], [(None, 5)]),
        ("Activation", ({}, []), [Tensor((7,))], [(7,)]),
        ("SpatialDropout1D", ({}, []), [STEPS], [STEPS.shape]),
        ("LayerNormalization", ({}, [(3,), (3,)]), [STEPS], [STEPS.shape]),
        ("LayerNormalization", ({}, []), [Tensor((None, 8))], [(None, 8)]),
        ("Rescaling", ({"scale": [1, 2, 3], "offset": 0.5}, []), [STEPS], [STEPS.shape]),
        ("Embedding", ({"output_dim": 4}, []), [Tensor((None, None, 6), "int32")], [(None, None, 6, 4)]),
        ("TiedEmbedding", TIED, [IDS], [(None, None, 3)]),
        ("TiedEmbedding", TIED, [IDS, False], [(None, None, 3)]),
        ("TiedEmbedding", TIED, [STEPS, True], [(None, None, 9)]),
        ("EmbeddingDropout", ({}, []), [STEPS, IDS], [STEPS.shape]),
        ("TakeRows", ({}, []), [Tensor((9, 4)), IDS], [(None, None, 4)]),
        ("Concatenate", WIDE, [[STEPS, Tensor((2, 6, 4))]], [(2, 6, 7)]),
        ("Concatenate", WIDE, [[STEPS, Tensor((None, None, None))]], [(None, None, None)]),
        ("Concatenate", ({"axis": 1}, []), [[Tensor((None, 4, 3)), Tensor((None, 5, 3))]], [(None, 9, 3)]),
        ("Concatenate", ({"axis": 2}, []), [[STEPS, STEPS]], [(None, None, 6)]),
        ("Add", ({}, []), [[STEPS, Tensor((None, 1, 1))]], [STEPS.shape]),
        ("Add", ({}, []), [[Tensor((4, 1, 1)), Tensor((4, 1, 1))]], [(4, 1, 1)]),
        ("Reshape", ({"target_shape": [-1, 2]}, []), [Tensor((None, 6, 3))], [(None, 9, 2)]),
        ("Reshape", ({"target_shape": [6, 3]}, []), [Tensor((None, 18))], [(None, 6, 3)]),
        ("Reshape", ({"target_shape": [-1, 1]}, []), [STEPS], [(None, None, 1)]),
        ("FlipTime", ({}, []), [STEPS], [STEPS.shape]),
        ("Conv1D", ({"padding": "same", "filters": 7}, [(4, 3, 7)]), [Tensor((2, 3, 3))], [(2, 3, 7)]),
        ("Conv1D", ({"padding": "valid", "filters": 7}, [(4, 3, 7)]), [Tensor((2, 4, 3))], [(2, 1, 7)]),
        ("Conv1D", ({"padding": "valid", "filters": 7}, [(4, 3, 7)]), [STEPS], [(None, None, 7)]),
        ("SlidingWindow", ({"size": 4}, []), [STEPS, Tensor((None, 9)), MASK], [(None, None, 12), (None, 9)]),
        ("GlobalMaxPooling1D", ({}, []), [STEPS], [(None, 3)]),
        ("MaskedPooling", ({}, []), [STEPS, MASK], [(None, 3)]),
        ("AttentionPooling", ({}, [(3, 6)]), [STEPS, MASK], [(None, 3)]),
        ("ChainScores", ({"num_tags": 3}, []), [STEPS], [(None, None, 3, 3)]),
        ("ExpectedLevel", ({"levels": [1, 2, 3], "ordinal": False}, []), [ROWS], [(None, 1), (None, 1)]),
        ("ExpectedLevel", ({"levels": [1, 2, 3, 4], "ordinal": True}, []), [ROWS], [(None, 1), (None, 1)]),
        ("SparseLinear", ({}, []), [IDS, Tensor((None, None))], [(None, 1)]),
        ("ScoreSpread", ({}, []), [Tensor((None, 1))], [(None, 1)]),
        ("LSTM", LSTM, [STEPS], [(None, 5)]),
        ("LSTM", LSTM, [STEPS, [STATES, STATES], MASK], [(None, 5)]),
        ("LSTM", (plain("LSTM", return_sequences=True), LSTM[1]), [Tensor((2, 7, 3))], [(2, 7, 5)]),
        ("LSTM", (plain("LSTM", return_state=True), LSTM[1]), [STEPS], [(None, 5)] * 3),
        ("GRU", (plain("GRU", return_state=True), [(3, 15)]), [STEPS, STATES], [(None, 5)] * 2),
        ("SimpleRNN", (plain("SimpleRNN", return_state=True), [(3, 5)]), [STEPS, [STATES]], [(None, 5)] * 2),
        ("Bidirectional", (both(), BOTH), [STEPS], [(None, 10)]),
        ("Bidirectional", (both("mul"), BOTH), [STEPS, [STATES] * 4, MASK], [(None, 5)]),
        ("Bidirectional", (full("concat"), BOTH), [STEPS], [(None, None, 10), *[(None, 5)] * 4]),
        ("Bidirectional", (full("concat", units=4), [*BOTH[:3], (3, 16), (4, 16), (16,)]), [STEPS],
         [(None, None, 9), *[(None, 5)] * 2, *[(None, 4)] * 2]),
        ("Bidirectional", (full(None), BOTH), [STEPS], [*[(None, None, 5)] * 2, *[(None, 5)] * 4]),
        ("Bidirectional", (full(None, use_bias=False), BOTH[:2] * 2), [STEPS],
         [*[(None, None, 5)] * 2, *[(None, 5)] * 4]),
    ],
)  # fmt: skip
def test_what_comes_out_of_a_call(class_name, settings, args, shapes):
    found = SPECS[class_name].find_results(*settings, args, {})
    assert [tensor.shape for tensor in found] == shapes
    assert {tensor.dtype for tensor in found} == {"float32"}


@pytest.mark.parametrize(
    ("class_name", "settings", "args", "message"),
    [
        ("Dense", DENSE, [Tensor((3,))], "it takes features"),
        ("Dense", DENSE, [Tensor((None, 4))], r"it takes 3 features, not float32 \(None, 4\)"),
        ("Dense", DENSE, [IDS], r"it takes a float32 tensor of 2 axes, not int32 \(None, None\)"),
        ("SpatialDropout1D", ({}, []), [ROWS], "of 3 axes, not float32"),
        ("LayerNormalization", ({}, [(4,)]), [STEPS], "it takes 4 features"),
        ("Rescaling", ({"scale": [1, 2], "offset": 0}, []), [ROWS], r"scale has 2 numbers, it takes float32 \(None, 3"),
        ("Rescaling", ({"scale": 1, "offset": [1] * 4}, []), [ROWS], "offset has 4 numbers"),
        ("Embedding", ({"output_dim": 4}, []), [ROWS], "a int32 tensor"),
        ("TiedEmbedding", TIED, [IDS, 1], "reverse is neither true nor false"),
        ("TiedEmbedding", TIED, [Tensor((None, None, 4)), True], "it takes 3 features"),
        ("EmbeddingDropout", ({}, []), [STEPS, Tensor((None, None))], "a int32 tensor of 2 axes"),
        ("EmbeddingDropout", ({}, []), [ROWS, IDS], "of 3 axes"),
        ("TakeRows", ({}, []), [STEPS, IDS], "of 2 axes"),
        ("TakeRows", ({}, []), [ROWS, MASK], "a int32 tensor"),
        ("Concatenate", ({"axis": 0}, []), [[ROWS, ROWS]], "there is no axis 0 to join"),
        ("Concatenate", ({"axis": 2}, []), [[ROWS, ROWS]], "there is no axis 2 to join"),
        ("Concatenate", WIDE, [[Tensor((3,))]], "there is no axis -1 to join"),
        ("Concatenate", WIDE, [[Tensor((2, 3)), Tensor((4, 3))]], "its inputs differ in size: float32 .2, 3., float32"),
        ("Add", ({}, []), [[Tensor((4, 2)), Tensor((4, 3))]], "differ in size"),
        ("Reshape", ({"target_shape": [-1, -1]}, []), [ROWS], "leaves more than one size open"),
        ("Reshape", ({"target_shape": [3, 0]}, []), [ROWS], "leaves more than one size open"),
        ("Reshape", ({"target_shape": [2, 2]}, []), [ROWS], r"3 numbers do not fit into \[2, 2\]"),
        ("Reshape", ({"target_shape": [-1, 2]}, []), [ROWS], r"3 numbers do not fit into \[-1, 2\]"),
        ("Reshape", ({"target_shape": [3]}, []), [STEPS], "a sequence of any length does not fit"),
        ("Conv1D", ({"padding": "valid", "filters": 7}, [(4, 3, 7)]), [Tensor((2, 3, 3))],
         "3 steps are fewer than its kernel of 4"),
        ("Conv1D", ({"padding": "same", "filters": 7}, [(4, 2, 7)]), [STEPS], "it takes 2 features"),
        ("SlidingWindow", ({"size": 4}, []), [Tensor((None, None, None)), ROWS], "a known number of features"),
        ("SlidingWindow", ({"size": 4}, []), [STEPS, Tensor((None, 12))], "it takes 9 features"),
        ("SlidingWindow", ({"size": 4}, []), [STEPS, Tensor((None, 9)), IDS], "a bool tensor"),
        ("MaskedPooling", ({}, []), [STEPS, Tensor((None, None, 1), "bool")], "a bool tensor of 2 axes"),
        ("AttentionPooling", ({}, [(4, 6)]), [STEPS, MASK], "it takes 4 features"),
        ("ChainScores", ({"num_tags": 4}, []), [STEPS], "it takes 4 features"),
        ("ExpectedLevel", ({"levels": [1, 2, 3], "ordinal": True}, []), [ROWS], "it takes 2 features"),
        ("SparseLinear", ({}, []), [IDS, IDS], "a float32 tensor"),
        ("SparseLinear", ({}, []), [ROWS, ROWS], "a int32 tensor"),
        ("ScoreSpread", ({}, []), [Tensor((None, 2))], "it takes 1 features"),
        ("LSTM", LSTM, [Tensor((None, None, 4))], "it takes 3 features"),
        ("LSTM", LSTM, [STEPS, [STATES]], "it takes 2 states"),
        ("LSTM", LSTM, [STEPS, True], "it takes 2 states"),
        ("LSTM", LSTM, [STEPS, [STATES, Tensor((None, 4))]], "it takes 5 features"),
        ("LSTM", LSTM, [STEPS, None, IDS], "a bool tensor"),
        ("Bidirectional", (both(), BOTH), [STEPS, [STATES] * 2], "it takes 4 states"),
        ("Bidirectional", (both(), BOTH), [STEPS, STATES], "it takes 4 states"),
        ("Bidirectional", (both("sum", side("GRU")), BOTH), [STEPS, [STATES] * 4], "it takes 2 states"),
        ("Bidirectional", (full("sum", units=4), BOTH), [STEPS], "directions are of different kinds"),
        ("Bidirectional", (full("concat", units=4), BOTH), [STEPS, [STATES] * 4], "directions are of different kinds"),
        ("Bidirectional", (both("sum", side(), side("GRU", go_backwards=True)), BOTH), [STEPS], "of different kinds"),
        ("Bidirectional", (both("concat", side(), side(return_state=True)), BOTH), [STEPS], "return different things"),
        ("Bidirectional", (both("concat", side(), side(return_sequences=True)), BOTH), [STEPS],
         "return different things"),
        ("Dense", DENSE, [], "it cannot be called with 0 tensors and no names"),
        ("Embedding", ({"output_dim": 4}, []), [Tensor((None, 2, 2, 2), "int32")], "it returns 5 axes"),
        ("Concatenate", WIDE, [[Tensor((None, None, MAX_FEATURES)), Tensor((None, None, 1))]],
         r"it returns float32 \(None, None, 262145\), more than 262,144 numbers a step"),
    ],
)  # fmt: skip
def test_a_call_that_does_not_fit_is_refused(class_name, settings, args, message):
    with pytest.raises(ValueError, match=message):
        SPECS[class_name].find_results(*settings, args, {})


def test_named_arguments_of_a_call():
    dense, pooling = SPECS["Dense"], SPECS["MaskedPooling"]
    assert dense.find_results(*DENSE, [STEPS], {"training": False, "mask": None}) == [Tensor((None, None, 5))]
    with pytest.raises(ValueError, match="training=True would drop features out"):
        dense.find_results(*DENSE, [STEPS], {"training": True})
    with pytest.raises(ValueError, match="it takes no mask"):
        dense.find_results(*DENSE, [STEPS], {"mask": MASK})
    with pytest.raises(ValueError, match="it cannot be called with 1 tensors and a, b"):
        dense.find_results(*DENSE, [STEPS], {"a": True, "b": True})
    assert pooling.find_results({}, [], [STEPS], {"mask": MASK}) == [Tensor((None, 3))]
    assert [name for name, spec in SPECS.items() if spec.takes_mask] == [
        "SlidingWindow", "SimpleRNN", "GRU", "LSTM", "Bidirectional", "MaskedPooling", "AttentionPooling"
    ]  # fmt: skip


def test_the_largest_tensors_that_pass():
    most = Tensor((None, None, MAX_FEATURES - 3))
    assert SPECS["Concatenate"].find_results(*WIDE, [[STEPS, most]], {}) == [Tensor((None, None, MAX_FEATURES))]
    assert SPECS["Embedding"].find_results({"output_dim": MAX_FEATURES + 1}, [], [IDS], {})
    assert len(SPECS["Reshape"].find_results({"target_shape": [1] * 3}, [], [Tensor((None, 1))], {})[0].shape) == 4
    assert SPECS["ChainScores"].find_results({"num_tags": 3}, [], [STEPS], {})[0].shape == (None, None, 3, 3)


def test_sizes_in_common():
    assert common_size([Tensor((None, 3)), Tensor((4, None))], 0) == 4
    assert common_size([Tensor((None, 3)), Tensor((None, 3))], 0) is None
    want_mask(None)
    assert show_tensor("x" * 99) == "x" * 60


# -- Words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_name", "config", "described"),
    [
        ("Dense", {"units": 5, "activation": "tanh", "use_bias": False}, "Dense(5, tanh, use_bias=False)"),
        ("Embedding", {"input_dim": 9, "output_dim": 4, "dtype": INT8}, "Embedding(9, 4, int8)"),
        ("Rescaling", {"scale": [1.23456789, 2], "offset": True}, "Rescaling([1.23457, 2], True)"),
        ("Conv1D", {"filters": 3, "kernel_size": [2], "padding": "valid"}, "Conv1D(3, [2], padding=valid)"),
        ("Dropout", {"rate": 0.5}, "Dropout()"),
        ("Concatenate", {"axis": 1}, "Concatenate(axis=1)"),
        ("Bidirectional", both("sum"), "Bidirectional(LSTM(5), merge_mode=sum)"),
        ("Bidirectional", both("concat", side("GRU"), side("GRU", units=4)), "Bidirectional(GRU(5), GRU(4))"),
    ],
)
def test_a_layer_is_described_by_what_shapes_its_answer(class_name, config, described):
    assert describe_layer(class_name, config) == described


def test_layers_that_have_a_part_in_answers():
    assert [shapes_answers(*each) for each in (
        ("Dense", {}), ("Dropout", {}), ("InputLayer", {}), ("Activation", {"activation": "tanh"}),
        ("Activation", {"activation": "linear"}), ("Dense", {"activation": "linear"}), ("Add", {}),
    )] == [True, False, False, True, False, True, True]  # fmt: skip


# -- Translation ----------------------------------------------------------------------------------------------------


def reader(**config):
    return LayerReader("given", "Dense", {"units": 2, **config}, [], lambda dtype: dtype == "float32")


def test_a_layer_says_which_of_its_settings_nobody_reads():
    layer = reader(activation="relu", use_bias=True, kernel_initializer={}, seed=3)
    assert layer["activation"] == "relu"
    assert layer.get("axis", -1) == -1
    with pytest.raises(NotCovered, match=r"layer 'given' \(Dense\): setting use_bias=True is not covered in ONNX, the"):
        layer.check_all_read()
    layer.require(use_bias=True, axis=3)
    layer.check_all_read()
    with pytest.raises(NotCovered, match="use_bias=True is not covered in ONNX, use_bias=False is; or answer with Ker"):
        layer.require(use_bias=False)
    with pytest.raises(NotCovered, match="dtype 'float16' is not covered in ONNX, a model saved in float32 is"):
        reader(dtype="float16")


@pytest.mark.parametrize(
    ("activation", "operator", "attributes"),
    [
        ("relu", "Relu", {}),
        ("softmax", "Softmax", {"axis": -1}),
        ("log_softmax", "LogSoftmax", {"axis": -1}),
        ("hard_sigmoid", "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
        ("elu", "Elu", {"alpha": 1.0}),
        ("leaky_relu", "LeakyRelu", {"alpha": 0.2}),
    ],
)
def test_activations(activation, operator, attributes):
    graph = OnnxGraph()
    assert activate(graph, reader(activation="linear"), "x") == "x"
    activate(graph, reader(activation=activation), "x")
    [node] = graph.nodes
    assert (node.op_type, [*node.input]) == (operator, ["x"])
    found = {each.name: each.i if each.name == "axis" else each.f for each in node.attribute}
    assert found == pytest.approx(attributes)


@pytest.mark.parametrize("name", ["gelu", "selu"])
def test_an_activation_without_translation(name):
    with pytest.raises(NotCovered, match=f"activation '{name}' is not covered in ONNX, linear, tanh, .*leaky_relu are"):
        activate(OnnxGraph(), reader(activation=name), "x")


def test_what_is_turned_around_twice_is_what_it_was():
    graph = OnnxGraph()
    turned = flip(graph, "x", 1)
    assert flip(graph, turned, 1) == "x"
    assert flip(graph, turned, 2) != "x"
    assert [node.op_type for node in graph.nodes] == ["Slice", "Slice"]


def test_constants_and_weights_of_a_graph():
    graph = OnnxGraph()
    assert graph.constant([1, 2]) == graph.constant((1, 2)) == "constant_int64_2_1_2"
    assert graph.constant(0.5, np.float32) == "constant_float32__0.5"
    assert graph.weight("w", np.ones((2, 3))) == graph.weight("w", np.zeros((2, 3))) == "w"
    graph.table("t", np.ones((4, 1), np.float16))
    assert graph.weights["w"].dtype == np.float32
    assert graph.weights["w"].all()
    tensor = graph.initializers["w"]
    assert (tensor.name, [*tensor.dims], tensor.data_location) == ("w", [2, 3], 1)
    assert [(each.key, each.value) for each in tensor.external_data] == [("location", "memory")]
    first, second = graph.add_several("Split", "w", outputs=2, axis=1)
    read = graph.add("Add", first, graph.constant([1, 2]))
    graph.add("Neg", "t")
    assert [node.output[0] for node in graph.nodes] == ["Split_0_0", "Add_1", "Neg_2"]
    assert second == "Split_0_1"
    graph.remove_unread([read])
    assert [node.op_type for node in graph.nodes] == ["Split", "Add"]
    assert graph.read == {"w", "Split_0_0", "constant_int64_2_1_2"}
    graph.keep_read()
    assert (set(graph.initializers), set(graph.weights), graph.tables) == ({"w", "constant_int64_2_1_2"}, {"w"}, {})


@pytest.mark.parametrize(("class_name", "gates"), [("SimpleRNN", "s"), ("GRU", "zrh"), ("LSTM", "ifco")])
def test_gates_stand_in_the_order_of_onnx(class_name, gates):
    """Keras' gates: update, reset, candidate; input, forget, candidate, output. ONNX has the output second."""
    wanted = {"s": "s", "zrh": "zrh", "ifco": "iofc"}[gates]
    numbers = {gate: float(number) for number, gate in enumerate(gates)}
    columns = np.array([[numbers[gate] for gate in gates for _ in range(2)]])  # of two units
    rows = [numbers[gate] for gate in wanted for _ in range(2)]
    cell = LayerReader("r", class_name, {}, [columns, columns + 10, columns[0] + 20], lambda dtype: True)
    operator, places = OPERATORS[class_name]
    assert operator == class_name.removeprefix("Simple")
    kernel, recurrent, bias = onnx_weights(cell, places)
    assert kernel.ravel().tolist() == rows
    assert recurrent.ravel().tolist() == [10 + row for row in rows]
    assert bias.tolist() == [20 + row for row in rows] + [0] * len(rows)
    cell.weights = [columns, columns, np.concatenate([columns, columns + 30])]
    assert onnx_weights(cell, places)[2].tolist() == rows + [30 + row for row in rows]
    cell.weights = cell.weights[:2]
    assert len(onnx_weights(cell, places)) == 2


def node_of(class_name, int8=False, inputs="x", starts=None, mask=None, directions=1, **settings):
    """The graph of a recurrent layer of two units, and the attributes of its node."""
    config = plain(class_name, units=2, **settings)
    gates = len(OPERATORS[class_name][1])
    weights = [np.ones((3, 2 * gates)), np.ones((2, 2 * gates)), np.ones(2 * gates)][: 2 + config["use_bias"]]
    name = "r.forward" if directions == 2 else "r"
    cells = [LayerReader(name, class_name, config, weights, lambda dtype: True)] * directions
    graph = OnnxGraph(int8)
    if inputs == "rows":
        inputs = graph.add("Gather", graph.table("t", np.full((4, 3), -2.0)), "ids")
    direction = "bidirectional" if directions == 2 else "forward"
    found = run_over_time(graph, cells, direction, inputs, starts, mask)
    [node] = [node for node in graph.nodes if node.op_type.endswith(class_name.removeprefix("Simple"))]
    kinds = {2: "i", 1: "f", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
    values = {each.name: getattr(each, kinds[each.type]) for each in node.attribute}
    return graph, node, {n: [*v] if not isinstance(v, int | float | bytes) else v for n, v in values.items()}, found


@pytest.mark.parametrize(
    ("class_name", "settings", "attributes", "results"),
    [
        ("SimpleRNN", {"activation": "relu"}, {"activations": [b"Relu"]}, 2),
        ("GRU", {}, {"activations": [b"Sigmoid", b"Tanh"], "linear_before_reset": 1}, 2),
        ("GRU", {"reset_after": False}, {"activations": [b"Sigmoid", b"Tanh"], "linear_before_reset": 0}, 2),
        ("LSTM", {"activation": "linear", "recurrent_activation": "elu"},
         {"activations": [b"Elu", b"Affine", b"Affine"], "activation_alpha": [1, 1, 1], "activation_beta": [0, 0]}, 3),
        ("LSTM", {"directions": 2}, {"activations": [b"Sigmoid", b"Tanh", b"Tanh"] * 2, "direction": b"bidirectional"},
         3),
    ],
)  # fmt: skip
def test_the_node_of_a_recurrent_layer(class_name, settings, attributes, results):
    graph, node, found, over_time = node_of(class_name, **settings)
    assert found == {"hidden_size": 2, "direction": b"forward", **attributes}
    assert len(node.output) == results == 1 + len(over_time.finals)
    assert list(node.input) == ["Transpose_0", "r.W", "r.R", "r.B", ""]
    assert graph.over_time == {"r": ("x", node.output[0])}
    assert over_time.states == over_time.finals


def test_initial_states_and_padding():
    graph, node, _, found = node_of("LSTM", starts=["h", "c"], mask="mask")
    kinds = {each.output[0]: each.op_type for each in graph.nodes}
    assert [kinds.get(name, name) for name in node.input] == [
        "Transpose", "r.W", "r.R", "r.B", "ReduceSum", "Unsqueeze", "Unsqueeze"
    ]  # fmt: skip
    assert [kinds[name] for name in found.states] == ["Where", "Where"]
    _, node, _, found = node_of("GRU", mask="mask", use_bias=False)
    assert found.states == found.finals
    assert list(node.input)[1:4] == ["r.W", "r.R", ""]


def test_an_lstm_in_8_bits():
    graph, node, attributes, found = node_of("LSTM", int8=True)
    assert (node.domain, node.op_type, attributes["hidden_size"]) == ("com.microsoft", "DynamicQuantizeLSTM", 2)
    assert list(node.input)[1:] == [
        "r.W8", "r.R8", "r.B", "", "", "", "", "r.W_scale", "r.W_zero", "r.R_scale", "r.R_zero"
    ]  # fmt: skip
    assert graph.weights["r.W8"].tolist() == np.full((1, 3, 8), 127).tolist()
    assert graph.weights["r.W_scale"] == pytest.approx(np.full((1, 8), 1 / 127))
    assert not graph.weights["r.R_zero"].any()
    assert found.steps == node.output[0]
    graph, node, attributes, found = node_of("LSTM", int8=True, inputs="rows", use_bias=False)
    assert attributes["hidden_size"] == 4
    assert graph.weights["r.W8"].shape == (1, 5, 16)
    assert found.steps not in node.output
    _, _, attributes, _ = node_of("LSTM", int8=True, inputs="rows", activation="relu")
    assert attributes["hidden_size"] == 2


def test_two_features_and_two_units_fix_the_ranges_of_8_bits():
    graph = OnnxGraph()
    weights = Weights(np.full((1, 4, 3), 2.0), np.full((1, 4, 1), 3.0), np.full((1, 8), 4.0))  # of one unit
    given, own = fix_ranges(graph, Inputs("x", []), weights, 5.0)
    kernel, recurrent, bias = own.kernel.reshape(4, 3, 5), own.recurrent_kernel.reshape(4, 3, 3), own.bias.ravel()
    assert kernel[:, 0].tolist() == [[2, 2, 2, 0, 0]] * 4
    assert recurrent[:, 0].tolist() == [[3, 0, 0]] * 4
    assert not kernel[:, 1:].any()
    assert not recurrent[:, 1:].any()
    assert bias.tolist() == [4, -100, -100, 4, 100, 100, 4, 100, 100, 4, 0, 0, *[4, 0, 0] * 4]
    values = {name: np.frombuffer(tensor.raw_data, "float32") for name, tensor in graph.initializers.items()
              if "float32" in name}  # fmt: skip
    assert sorted(map(tuple, values.values())) == [(0, 1, -1), (0, 100, -100), (5, -5)]
    assert len(given.states) == 2
    _, own = fix_ranges(graph, Inputs("x", ["h", "c"]), weights, 5.0)
    assert graph.nodes[-1].input[0] == "c"
    assert without_ends(graph, ["y"]) == [graph.nodes[-1].output[0]]
    assert graph.nodes[-1].op_type == "Slice"
