"""Parts of a bundle that do not belong together, told by what the task expects; references and weights that are odd."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from common.bundles import agreement, calls
from common.bundles.architecture import Architecture, Layer
from common.bundles.layer_weights import check_nothing_left, check_shapes, check_types
from common.errors import InputError
from common.networks.specs.shapes import Tensor
from common.settings import TrainingConfig
from common.text.vocabulary import Vocabulary
from tests.conftest import ROOT


def tensor(name, number=0, index=0):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, number, index]}}


def call(*args, **kwargs):
    return {"args": list(args), "kwargs": kwargs}


IDS, VECTORS = Tensor((None, None), "int32"), Tensor((None, None, 4))


@pytest.fixture
def bundle():
    """Ids to the states of two layers, the first of which reads an embedding of nine ids."""
    layers = [
        Layer("ids", "InputLayer", {}, "", []),
        Layer("table", "Embedding", {"input_dim": 9, "output_dim": 4}, "", [call(tensor("ids"))]),
        Layer("one", "GRU", {"units": 4}, "", [call(tensor("table"))]),
        Layer("two", "GRU", {"units": 4}, "", [call(tensor("one"), mask=tensor("one", 0, 1)), call(tensor("table"))]),
        Layer("end", "Dense", {"units": 2, "activation": "tanh"}, "", [call(tensor("two", 1))]),
    ]
    results = {("ids", 0): [IDS], ("two", 1): [VECTORS, Tensor((None, 4))], ("end", 0): [Tensor((None, 2))]}
    outputs = {"score": ("end", 0, 0), "state": ("two", 1, 1)}
    found = {layer.name: layer for layer in layers}
    architecture = Architecture(found, [], ["ids"], outputs, results, "model.json", {})
    return SimpleNamespace(path=ROOT, architecture=architecture, layers=found, stated={})


def refused(message, check, *args):
    with pytest.raises(InputError, match=message) as error:
        check(*args)
    assert str(error.value).endswith("; the parts of this bundle do not belong together, copy it again")
    assert str(error.value).startswith(f"{ROOT}/")


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"seed": 1, "batch_size": 1}, None),
        ({"batch_size": 1}, "setting seed is missing"),
        ({"seed": None, "batch_size": 0}, "setting batch_size is 0"),
        ({"seed": 1, "batch_size": True}, "setting batch_size is 'True'"),
        ({"seed": 1, "batch_size": None}, "setting batch_size is 'None'"),
        ({"seed": 1, "batch_size": 0.5}, "setting batch_size is '0.5'"),
        ({"seed": 1, "batch_size": 1.0}, None),
    ],
)
def test_settings_that_answers_depend_on_are_stated(stated, problem, bundle):
    bundle.read_json = lambda name: {"config.json": stated}[name]
    if problem is None:
        agreement.check_stated(bundle, TrainingConfig, ("seed", "batch_size"))
    else:
        refused(problem.replace(" 0", " '0'"), agreement.check_stated, bundle, TrainingConfig, ("seed", "batch_size"))


def test_inputs(bundle):
    agreement.check_inputs(bundle, {"ids": IDS})
    refused(r"input 'ids' is int32 \(None, None\), not bool \(None,\)", agreement.check_inputs, bundle,
            {"ids": Tensor((None,), "bool")})  # fmt: skip
    refused("input 'mask' is none, not int32", agreement.check_inputs, bundle, {"ids": IDS, "mask": IDS})
    refused(r"input 'ids' is int32 \(None, None\), not none", agreement.check_inputs, bundle, {})


def test_outputs(bundle):
    score, state = (None, 2), (None, 4)
    agreement.check_answers(bundle, {"score": score, "state": state})
    agreement.check_answers(bundle, {"score": score, "state": state, "more": score}, ("more",))
    refused(r"output 'more' is None, not \(None, 2\)", agreement.check_answers, bundle,
            {"score": score, "state": state, "more": score})  # fmt: skip
    refused(r"output 'state' is \(None, 4\), not None", agreement.check_answers, bundle, {"score": score})
    refused(r"output 'score' is \(None, 2\), not \(None, 4\)", agreement.check_answers, bundle,
            {"score": state, "state": state}, ("score",))  # fmt: skip
    agreement.check_places(bundle, {"score": 0, "state": 1, "nothing": 3})
    refused("output state is result 1 of 'two', not 0", agreement.check_places, bundle, {"state": 0})
    agreement.check_origins(bundle, {"score": "GRU", "state": "Embedding"})
    refused("output score is made of GRU, not of Dense", agreement.check_origins, bundle, {"score": "Dense"})


def test_layers_and_tables(bundle):
    described = ["Embedding(9, 4)", "GRU(4)", "Dense(2, tanh)", "GRU(4)"]
    agreement.check_layers(bundle, described)
    refused(r"asks for no such layer, the network has GRU\(4\)", agreement.check_layers, bundle, described[:3])
    refused(r"asks for Add\(\), the network has no such layer", agreement.check_layers, bundle, [*described, "Add()"])
    refused(r"asks for Add\(\), the network has Dense", agreement.check_layers, bundle,
            ["Add()", *described[:2], "GRU(4)"])  # fmt: skip
    assert agreement.num_ids(bundle, "ids") == 9
    assert agreement.num_ids(bundle, "others") is None
    bundle.layers["more"] = Layer("more", "SparseLinear", {"input_dim": 5}, "", [call(tensor("ids"))])
    refused("layer 'more' reads 'ids'", agreement.tables, bundle)
    bundle.layers["more"] = Layer("more", "TiedEmbedding", {"input_dim": 5}, "", [call(tensor("one"))])
    refused("layer 'more' reads 'one'", agreement.num_ids, bundle, "ids")


def test_vocabularies(bundle):
    words = Vocabulary(["so", "good"])
    checks = (agreement.check_special, agreement.check_words)
    for check in checks:
        check(bundle, "v.json", words)
    agreement.check_lowercase(bundle, "v.json", words, words.lowercase)
    refused("v.json: lowercase is", agreement.check_lowercase, bundle, "v.json", words, not words.lowercase)
    upper = SimpleNamespace(tokens=["<A>", "<B>", "<C>", "<D>", "so", "Good"], lowercase=True)
    refused("it has tokens in upper case", agreement.check_lowercase, bundle, "v.json", upper, True)
    upper.lowercase = False
    agreement.check_lowercase(bundle, "v.json", upper, False)
    upper = SimpleNamespace(tokens=["<A>", "<B>", "<C>", "<D>", "so"], lowercase=True)
    agreement.check_lowercase(bundle, "v.json", upper, True)
    for odd in ("a b", "", " a"):
        refused("it has words with white space in them", agreement.check_words, bundle, "v.json",
                SimpleNamespace(tokens=["x y"] * 4 + [odd]))  # fmt: skip
    agreement.check_characters(bundle, "v.json", SimpleNamespace(tokens=["xy"] * 4 + ["a", " "]))
    for odd in ("ab", ""):
        refused("it has tokens of several characters", agreement.check_characters, bundle, "v.json",
                SimpleNamespace(tokens=["xy"] * 4 + ["a", odd]))  # fmt: skip


# -- Calls and weights ----------------------------------------------------------------------------------------------

RIGHT = {"shape": [None, 3], "dtype": "int32", "keras_history": ["a", 1000, 0], "name": "x", "sparse": False}


def reference(class_name="__keras_tensor__", **config):
    return {"class_name": class_name, "config": RIGHT | config}


@pytest.mark.parametrize(
    ("argument", "fits"),
    [
        (None, True), (True, True), (3, False), ("x", False), ([], True), ([None, reference()], True),
        ([[None]], False),
        ([3], False), (reference(), True), (reference(dtype="float64"), False), (reference(dtype="bool"), True),
        (reference(sparse=True), False), (reference(ragged=True), False), (reference(more=1), False),
        (reference(shape=None), False), (reference(shape=[None, True]), False), (reference(shape=[2.0]), False),
        (reference(keras_history=["a", 1001, 0]), False), (reference(keras_history=["a", 0, 1001]), False),
        (reference(keras_history=["a", -1, 0]), False), (reference(keras_history=["a", 0]), False),
        (reference(keras_history=["a", 0, True]), False), (reference(keras_history=[1, 0, 0]), False),
        (reference(keras_history=("a", 0, 0)), False), (reference("Dense"), False), ({"class_name": "x"}, False),
        ({"class_name": "__keras_tensor__", "config": []}, False), (tensor("a"), True),
    ],
)  # fmt: skip
def test_an_argument_of_a_call(argument, fits):
    for odd in (call(argument), call(x=argument)):
        layer = Layer("l", "Add", {}, "", [call(None), odd])
        if fits:
            calls.check_calls(layer, "model.json")
            continue
        with pytest.raises(
            InputError, match=r"model\.json: layer 'l' \(Add\) is called with something that is no tens"
        ):
            calls.check_calls(layer, "model.json")


@pytest.mark.parametrize(
    ("class_name", "given", "fits"),
    [("InputLayer", [], True), ("Add", [], False), ("InputLayer", [call()], False), ("Add", {"a": 1}, False),
     ("Add", [call()], True)],
)  # fmt: skip
def test_only_an_input_waits_for_nothing(class_name, given, fits):
    layer = Layer("l", class_name, {}, "", given)
    if fits:
        calls.check_calls(layer, "m")
    else:
        with pytest.raises(InputError, match="m: layer 'l' waits for itself or for nothing; do not use it"):
            calls.check_calls(layer, "m")


def test_the_order_of_calls():
    layers = {
        "c": Layer("c", "Add", {}, "", [call(tensor("b", 1)), call(tensor("a"))]),
        "a": Layer("a", "InputLayer", {}, "", []),
        "b": Layer("b", "Add", {}, "", [call(tensor("a")), call(tensor("c", 1))]),
    }  # fmt: skip
    assert calls.call_order(layers, "m") == [("a", 0), ("c", 1), ("b", 0), ("b", 1), ("c", 0)]
    layers["b"].calls.append(call(tensor("b", 2)))
    with pytest.raises(InputError, match="m: layer 'b' waits for itself or for nothing"):
        calls.call_order(layers, "m")


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        (["a", 0, 0], ["b", 0, 1], ("b", 0, 1)),
        ([["a", 0, 0]], [["b", 0, 1]], ("b", 0, 1)),
        ({"a": ["a", 0, 0]}, {"x": ["b", 0, 0]}, {"x": ("b", 0, 0)}),
        ({"a": ["a", 0, 0]}, {str(number): ["b", 0, 0] for number in range(400)}, 400),
        ({"a": ["a", 0, 0]}, {str(number): ["b", 0, 0] for number in range(401)}, "its outputs are no tensors"),
        ({"a": ["a", 0, 0]}, {}, "its outputs are no tensors"),
        ({"a": ["a", 0, 0]}, [["b", 0, 0], ["c", 0, 0]], "or several without names"),
        ({"x": ["a", 0, 0]}, ["b", 0, 0], "an input has the name of another"),
        ([["a", 0, 1]], ["b", 0, 0], "its inputs are not its input layers"),
        ([["a", 0, 0], ["c", 0, 0]], ["b", 0, 0], "its inputs are not its input layers"),
        (None, ["b", 0, 0], "its inputs are not its input layers"),
    ],
)
def test_inputs_and_outputs_of_a_network(inputs, outputs, found):
    config = {"input_layers": inputs, "output_layers": outputs}
    if isinstance(found, str):
        with pytest.raises(
            InputError, match=rf"m: no network can be built from it \(.*{found}.*\); do not use this bun"
        ):
            calls.named_outputs(config, ["a"], "m")
    else:
        result = calls.named_outputs(config, ["a"], "m")
        assert (len(result) if found == 400 else result) == found


@pytest.mark.parametrize(
    ("place", "name", "made"),
    [(("b", 0, 0), "x", True), (("b", 0, 1), "x", False), (("b", 0, 2), "x", False), (("b", 1, 0), "x", False),
     (("b", 0, 0), "n" * 200, True), (("b", 0, 0), "n" * 201, False)],
)  # fmt: skip
def test_outputs_are_made_and_are_numbers(place, name, made):
    results = {("b", 0): [VECTORS, IDS]}
    if made:
        calls.check_outputs({name: place}, results, "m")
    else:
        with pytest.raises(InputError, match=r"nothing makes its output 'n*x?…?'"):
            calls.check_outputs({name: place}, results, "m")


@pytest.mark.parametrize(
    ("declared", "found", "problem"),
    [
        ([(None, 3), (3,)], [(5, 3), (3,)], None),
        ([(None, 3)], [(5, 3), (3,)], r"declares 1 weights, w\.h5 holds 2;"),
        ([(None, 3), (3,)], [(5, 3)], r"declares weights of \(3,\), w\.h5 holds None;"),
        ([(None, 3)], [(5, 4)], r"declares weights of \(None, 3\), w\.h5 holds \(5, 4\);"),
        ([(None, 3)], [(3,)], r"weights of \(None, 3\), w\.h5 holds \(3,\);"),
    ],
)
def test_the_shapes_of_weights(declared, found, problem):
    layer = Layer("l", "Dense", {}, "", [])
    if problem is None:
        check_shapes(layer, declared, found, "m", "folder/w.h5")
    else:
        with pytest.raises(InputError, match=rf"m: layer 'l' \(Dense\) .*{problem} do not use this bundle"):
            check_shapes(layer, declared, found, "m", "folder/w.h5")


def test_the_types_of_weights():
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}}
    plain, rows = Layer("l", "Dense", {}, "", []), Layer("l", "Embedding", {"dtype": policy}, "", [])
    half, single, small, double = (np.ones(2, kind) for kind in ("float16", "float32", "int8", "float64"))
    check_types(plain, [half, single], "w")
    check_types(plain, [], "w")
    check_types(rows, [small, single], "w")
    for layer, arrays in ((plain, [small]), (plain, [double]), (rows, [single, single]), (rows, [small]), (rows, [])):
        with pytest.raises(InputError, match="w: layer 'l' has weights of another type; do not use it"):
            check_types(layer, arrays, "w")
    check_nothing_left({}, "w")
    with pytest.raises(InputError, match="w: no layer has 'a'; do not use this bundle"):
        check_nothing_left({"b": half, "a": half}, "w")
