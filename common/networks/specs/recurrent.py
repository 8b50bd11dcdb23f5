"""Recurrent layers: SimpleRNN, GRU, LSTM, and two of them in both directions.

The ONNX node is added by `common.networks.specs.recurrent_node`; here its results become those of Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from common.networks.specs.recurrent_node import OverTime, run_over_time
from common.networks.specs.settings import (
    KERNEL_NEEDED,
    KERNEL_OPTIONAL,
    LAYER_KEYS,
    Check,
    Config,
    activation,
    flag,
    float32,
    initializer,
    nothing,
    one_of,
    rate,
    seed,
    size,
)
from common.networks.specs.shapes import Argument, Shapes, Tensor, want, want_mask
from common.networks.specs.spec import LayerSpec, MaskUse, WeightShapes
from common.networks.specs.translation import Graph, LayerReader, Names, flip

# -- One direction --------------------------------------------------------------------------------------------------

NEEDED: Mapping[str, Check] = {
    **KERNEL_NEEDED, "units": size, "return_sequences": flag, "return_state": flag, "go_backwards": flag,
    "zero_output_for_mask": flag,
}  # fmt: skip
GATED: Mapping[str, Check] = {**NEEDED, "recurrent_activation": activation}
OPTIONAL: Mapping[str, Check] = {
    **KERNEL_OPTIONAL, "stateful": one_of(False), "unroll": one_of(False), "dropout": rate, "recurrent_dropout": rate,
    "seed": seed, "recurrent_initializer": initializer, "recurrent_regularizer": nothing,
    "recurrent_constraint": nothing,
}  # fmt: skip
USUAL = {
    "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "go_backwards": False,
    "reset_after": True,
}  # fmt: skip


def _weights(num_gates: int) -> Callable[[Config], WeightShapes]:
    def weights(config: Config) -> WeightShapes:
        units = config["units"]
        bias = (2, num_gates * units) if config.get("reset_after") else (num_gates * units,)
        kernels = [(None, num_gates * units), (units, num_gates * units)]
        return {"cell/vars": [*kernels, *([bias] if config["use_bias"] else [])]}

    return weights


def _results(num_states: int) -> Callable[..., list[Tensor]]:
    def results(
        config: Config, weights: Shapes, inputs: Argument, initial_state: Argument = None, mask: Argument = None
    ) -> list[Tensor]:
        want_mask(mask)
        units = config["units"]
        batch, steps, _ = want(inputs, 3, weights[0][0]).shape
        _want_states(initial_state, num_states, units)
        output = Tensor((batch, steps, units) if config["return_sequences"] else (batch, units))
        return [output, *([Tensor((batch, units))] * num_states if config["return_state"] else [])]

    return results


def _want_states(states: Argument, num_states: int, units: int) -> None:
    states = [states] if isinstance(states, Tensor) else states
    if states is None:
        return
    if not isinstance(states, list) or len(states) != num_states:
        raise ValueError(f"it takes {num_states} states")
    for state in states:
        want(state, 2, units)


def _to_onnx(
    graph: Graph,
    layer: LayerReader,
    inputs: str,
    initial_state: Names | None = None,
    mask: str | None = None,
) -> Names:
    backwards = layer["go_backwards"]
    starts = [initial_state] if isinstance(initial_state, str) else initial_state
    found = run_over_time(graph, [layer], "reverse" if backwards else "forward", inputs, starts, mask)
    last = graph.add("Squeeze", found.finals[0], graph.constant([0]))  # (batch, units)
    if layer["return_sequences"]:
        output = _sequence(graph, layer, found.steps, last, mask)
    else:
        if mask:  # Keras would return zeros for every row that is shorter than the longest
            layer.require(zero_output_for_mask=False)
        output = last
    layer["zero_output_for_mask"]
    if not layer["return_state"]:
        return output
    return [output, *(graph.add("Squeeze", state, graph.constant([0])) for state in found.states)]


def _sequence(graph: Graph, layer: LayerReader, steps: str, last: str, mask: str | None) -> str:
    """The output of every step (batch, time, units), with Keras' values at padding."""
    steps = graph.add("Squeeze", steps, graph.constant([1]))  # (time, batch, units)
    output = graph.add("Transpose", steps, perm=[1, 0, 2])  # (batch, time, units)
    graph.time_first[output, mask] = steps
    if layer["go_backwards"]:  # Keras returns the steps in the order in which they were made: padding first
        return flip(graph, output, axis=1)
    if mask and not layer["zero_output_for_mask"]:
        # ONNX returns zeros where there is padding, Keras the last output again.
        real = graph.add("Unsqueeze", mask, graph.constant([2]))  # (batch, time, 1)
        return graph.add("Where", real, output, graph.add("Unsqueeze", last, graph.constant([1])))
    return output


def _spec(name: str, num_gates: int, num_states: int, needed: Mapping[str, Check], **more: Check) -> LayerSpec:
    return LayerSpec(
        name,
        needed=needed,
        optional={**OPTIONAL, **more},
        weights=_weights(num_gates),
        results=_results(num_states),
        to_onnx=_to_onnx,
        mask=MaskUse.READ,
        own=name == "LSTM",  # ours is Keras' with a faster backward pass; files have either
        shown=("units",),
        usual=USUAL,
    )


SIMPLE_RNN = _spec("SimpleRNN", 1, 1, NEEDED)
GRU = _spec("GRU", 3, 1, {**GATED, "reset_after": flag})
LSTM = _spec("LSTM", 4, 2, GATED, unit_forget_bias=flag)
CELLS = {spec.name: spec for spec in (SIMPLE_RNN, GRU, LSTM)}

# -- Both directions ------------------------------------------------------------------------------------------------

MERGES = {"sum": "ReduceSum", "mul": "ReduceProd", "ave": "ReduceMean"}
# Settings in which the two directions must agree, so that one ONNX node does for both.
SAME = ("return_sequences", "return_state", "units", "activation", "recurrent_activation", "reset_after", "use_bias")


def directions_of(config: Config) -> tuple[Config, Config]:
    """The layers of the two directions; one that is not given is like the other."""
    return config["layer"], config.get("backward_layer") or config["layer"]


def _is_layer(value: object) -> bool:
    return isinstance(value, dict)


def _rule(config: Config) -> str | None:
    sides = [config[side] for side in ("layer", "backward_layer") if side in config]
    for side in sides:
        if side.get("class_name") not in CELLS or side.keys() - LAYER_KEYS:
            return "its directions are no recurrent layers"
        if fault := CELLS[side["class_name"]].find_fault(side.get("config")):
            return fault
    if [side["config"]["go_backwards"] for side in sides] not in ([False], [False, True]):
        return "its directions are not one of each kind (go_backwards)"
    if len({(side["config"]["return_sequences"], side["config"]["return_state"]) for side in sides}) > 1:
        return "its directions return different things"
    return None


def _bidirectional_weights(config: Config) -> WeightShapes:
    places = ("forward_layer/cell/vars", "backward_layer/cell/vars")
    return {
        place: CELLS[side["class_name"]].weights(side["config"])["cell/vars"]
        for place, side in zip(places, directions_of(config), strict=True)
    }


def _bidirectional_results(
    config: Config, weights: Shapes, inputs: Argument, initial_state: Argument = None, mask: Argument = None
) -> list[Tensor]:
    forward, backward = directions_of(config)
    same = forward["class_name"] == backward["class_name"] and forward["config"]["units"] == backward["config"]["units"]
    if not same and (initial_state is not None or config["merge_mode"] not in ("concat", None)):
        raise ValueError("its two directions are of different kinds")
    half = 2 + forward["config"]["use_bias"]
    one, other = (
        CELLS[side["class_name"]].results(side["config"], shapes, inputs, state, mask)
        for side, shapes, state in zip(
            (forward, backward), (weights[:half], weights[half:]), _halves(initial_state, forward), strict=True
        )
    )
    if len(one[0].shape) != len(other[0].shape) or len(one) != len(other):
        raise ValueError("its two directions return different things")
    states = [*one[1:], *other[1:]]
    if config["merge_mode"] is None:
        return [one[0], other[0], *states]
    if config["merge_mode"] == "concat":
        joined = (one[0].shape[-1] or 0) + (other[0].shape[-1] or 0)
        return [Tensor((*one[0].shape[:-1], joined)), *states]
    return [one[0], *states]


def _halves(initial_state: Argument, forward: Config) -> tuple[Argument, Argument]:
    """The initial states of each direction."""
    if initial_state is None:
        return None, None
    num_states = 2 if forward["class_name"] == "LSTM" else 1
    if not isinstance(initial_state, list) or len(initial_state) != 2 * num_states:
        raise ValueError(f"it takes {2 * num_states} states")
    return initial_state[:num_states], initial_state[num_states:]


def _bidirectional_to_onnx(
    graph: Graph,
    layer: LayerReader,
    inputs: str,
    initial_state: list[str] | None = None,
    mask: str | None = None,
) -> Names:
    sides = _read_sides(layer)
    found = run_over_time(graph, sides, "bidirectional", inputs, initial_state, mask)
    sequences = sides[0]["return_sequences"]
    for side in sides:  # Keras sets it so: zeros where there is padding, as ONNX has them
        side.require(zero_output_for_mask=sequences)
        side.read |= {"go_backwards"}
        side.check_all_read()
    output = _merge(graph, layer["merge_mode"], found, sequences)
    if sides[0]["return_state"]:
        for number in range(2):
            output += [graph.add("Gather", state, graph.constant(number), axis=0) for state in found.states]
    return output if len(output) > 1 else output[0]


def _read_sides(layer: LayerReader) -> Sequence[LayerReader]:
    half = len(layer.weights) // 2
    weights = (layer.weights[:half], layer.weights[half:])
    layer.read |= {"layer", "backward_layer"}
    forward, backward = (
        LayerReader(f"{layer.name}.{name}", side["class_name"], side["config"], values, float32)
        for name, side, values in zip(("forward", "backward"), directions_of(layer.config), weights, strict=True)
    )
    if forward.class_name != backward.class_name or any(forward.get(name) != backward.get(name) for name in SAME):
        raise layer.not_covered("two directions of different kinds", "the same layer both ways is")
    forward.require(go_backwards=False)
    if "backward_layer" in layer.config:
        backward.require(go_backwards=True)
    return [forward, backward]


def _merge(graph: Graph, mode: str | None, found: OverTime, sequences: bool) -> list[str]:
    """Merge the outputs of the two directions; without a mode they stay two."""
    if sequences:
        both = graph.add("Transpose", found.steps, perm=[2, 0, 1, 3])  # (batch, time, direction, units)
    else:
        both = graph.add("Transpose", found.finals[0], perm=[1, 0, 2])  # (batch, direction, units)
    if mode == "concat":
        return [graph.add("Reshape", both, graph.constant([0, 0, -1] if sequences else [0, -1]))]
    if mode is None:
        return [graph.add("Gather", both, graph.constant(number), axis=-2) for number in range(2)]
    return [graph.add(MERGES[mode], both, graph.constant([-2]), keepdims=0)]


BIDIRECTIONAL = LayerSpec(
    "Bidirectional",
    needed={"merge_mode": one_of("concat", "sum", "mul", "ave", None), "layer": _is_layer},
    optional={"backward_layer": _is_layer},
    weights=_bidirectional_weights,
    results=_bidirectional_results,
    to_onnx=_bidirectional_to_onnx,
    mask=MaskUse.READ,
    usual={"merge_mode": "concat"},
    rule=_rule,
)

SPECS = (*CELLS.values(), BIDIRECTIONAL)
