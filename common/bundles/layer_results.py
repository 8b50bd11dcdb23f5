"""What comes out of a layer of a saved network, and whether what goes in is fit for it: ranks, sizes and types.

A tensor is `(batch, …)`; None is a size that each call decides. A function takes the layer, its weights' shapes and the
arguments of a call, under the names of the Keras call, and returns the tensors that come out, or raises a ValueError.
Sizes that no weight shows are bounded, so that layers which only put things side by side cannot grow without end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from common.bundles.layer_settings import MAX_FEATURES, MAX_RANK


class Tensor(NamedTuple):
    """The shape of a tensor and the type of its numbers: int32, bool or float32."""

    shape: tuple[int | None, ...]
    dtype: str = "float32"


Config = dict[str, Any]
Shapes = Sequence[tuple[int, ...]]  # of a layer's weights


def _want(tensor: Any, rank: int, features: int | None = None, dtype: str = "float32") -> Tensor:
    """Check an argument of a call."""
    if not isinstance(tensor, Tensor) or tensor.dtype != dtype or len(tensor.shape) != rank:
        raise ValueError(f"it takes a {dtype} tensor of {rank} axes, not {_shown(tensor)}")
    if features is not None and tensor.shape[-1] not in (None, features):
        raise ValueError(f"it takes {features} features, not {_shown(tensor)}")
    return tensor


def _shown(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, Tensor) else str(value)[:60]


def _want_float(tensor: Any) -> Tensor:
    return _want(tensor, len(tensor.shape) if isinstance(tensor, Tensor) else 0)


def _same_axis(tensors: Sequence[Tensor], axis: int) -> int | None:
    sizes = {tensor.shape[axis] for tensor in tensors} - {None}
    if len(sizes) > 1:
        raise ValueError(f"its inputs differ in size: {', '.join(map(_shown, tensors))}")
    return sizes.pop() if sizes else None


def _mask(mask: Any) -> None:
    if mask is not None:
        _want(mask, 2, dtype="bool")


def _embedding(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    rank = len(inputs.shape) if isinstance(inputs, Tensor) else 0
    return [Tensor((*_want(inputs, rank, dtype="int32").shape, config["output_dim"]))]


def _tied_embedding(config: Config, weights: Shapes, inputs: Any, reverse: Any = False) -> list[Tensor]:
    if reverse is False:
        return _embedding(config, weights, inputs)
    if reverse is not True:
        raise ValueError("reverse is neither true nor false")
    return [Tensor((*_want(inputs, 3, config["output_dim"]).shape[:-1], config["input_dim"]))]


def _dense(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    shape = _want_float(inputs).shape
    if len(shape) < 2:
        raise ValueError("it takes features")
    _want(inputs, len(shape), weights[0][0])
    return [Tensor((*shape[:-1], config["units"]))]


def _convolution(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    batch, steps, _ = _want(inputs, 3, weights[0][1]).shape
    width = weights[0][0]
    if config["padding"] == "valid" and steps is not None:
        if steps < width:
            raise ValueError(f"{steps} steps are fewer than its kernel of {width}")
        steps -= width - 1
    return [Tensor((batch, steps, config["filters"]))]


def _pool(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    batch, _, features = _want(inputs, 3).shape
    return [Tensor((batch, features))]


def _masked_pooling(config: Config, weights: Shapes, inputs: Any, mask: Any) -> list[Tensor]:
    _want(mask, 2, dtype="bool")
    return _pool(config, weights, inputs)


def _attention_pooling(config: Config, weights: Shapes, inputs: Any, mask: Any) -> list[Tensor]:
    _want(inputs, 3, weights[0][0])
    return _masked_pooling(config, weights, inputs, mask)


def _normalized(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    return [_want(inputs, len(_want_float(inputs).shape), weights[0][0] if weights else None)]


def _unchanged(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    return [_want_float(inputs)]


def _steps_unchanged(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    return [_want(inputs, 3)]


def _embedding_dropout(config: Config, weights: Shapes, inputs: Any, token_ids: Any) -> list[Tensor]:
    _want(token_ids, 2, dtype="int32")
    return [_want(inputs, 3)]


def _tensors(inputs: Any) -> list[Tensor]:
    if not isinstance(inputs, list) or not inputs:
        raise ValueError("it takes a list of tensors")
    tensors = [_want_float(tensor) for tensor in inputs]
    if len({len(tensor.shape) for tensor in tensors}) > 1:
        raise ValueError(f"its inputs have different ranks: {', '.join(map(_shown, tensors))}")
    return tensors


def _concatenate(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    tensors = _tensors(inputs)
    rank = len(tensors[0].shape)
    axis = config["axis"] + rank if config["axis"] < 0 else config["axis"]
    if not 0 < axis < rank:
        raise ValueError(f"there is no axis {config['axis']} to join")
    sizes = [tensor.shape[axis] for tensor in tensors]
    joined = None if None in sizes else sum(size for size in sizes if size is not None)
    return [Tensor(tuple(joined if i == axis else _same_axis(tensors, i) for i in range(rank)))]


def _add(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    tensors = _tensors(inputs)
    shape: list[int | None] = []
    for axis in range(len(tensors[0].shape)):
        wide = [tensor for tensor in tensors if tensor.shape[axis] != 1]
        shape.append(_same_axis(wide, axis) if wide else 1)
    return [Tensor(tuple(shape))]


def _reshape(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    batch, *shape = _want_float(inputs).shape
    target = config["target_shape"]
    free = [size for size in target if size < 1]
    if len(free) > 1 or 0 in free:
        raise ValueError(f"its target {target} leaves more than one size open")
    known = None if None in shape else math.prod(size for size in shape if size is not None)
    rest = math.prod(size for size in target if size > 0)
    if known is not None and (known % rest if free else known != rest):
        raise ValueError(f"{known} numbers do not fit into {target}")
    if known is None and not free:
        raise ValueError("a sequence of any length does not fit into a shape of one size")
    return [Tensor((batch, *(size if size > 0 else None if known is None else known // rest for size in target)))]


def _rescaling(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    tensor = _want_float(inputs)
    for setting in ("scale", "offset"):
        if isinstance(config[setting], list) and len(config[setting]) != tensor.shape[-1]:
            raise ValueError(f"{setting} has {len(config[setting])} numbers, it takes {_shown(tensor)}")
    return [tensor]


def _take_rows(config: Config, weights: Shapes, rows: Any, places: Any) -> list[Tensor]:
    return [Tensor((*_want(places, 2, dtype="int32").shape, _want(rows, 2).shape[-1]))]


def _chain_scores(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    tags = config["num_tags"]
    return [Tensor((*_want(inputs, 3, tags).shape[:2], tags, tags))]


def _expected_level(config: Config, weights: Shapes, inputs: Any) -> list[Tensor]:
    batch, _ = _want(inputs, 2, len(config["levels"]) - config["ordinal"]).shape
    return [Tensor((batch, 1)), Tensor((batch, 1))]


def _sliding_window(config: Config, weights: Shapes, inputs: Any, state: Any, mask: Any = None) -> list[Tensor]:
    _mask(mask)
    batch, steps, features = _want(inputs, 3).shape
    if features is None:
        raise ValueError("it takes a known number of features")
    state = _want(state, 2, (config["size"] - 1) * features)
    return [Tensor((batch, steps, config["size"] * features)), state]


def _check_states(states: Any, number: int, units: int) -> None:
    states = [states] if isinstance(states, Tensor) else states
    if states is None:
        return
    if not isinstance(states, list) or len(states) != number:
        raise ValueError(f"it takes {number} states")
    for state in states:
        _want(state, 2, units)


def num_states(class_name: str) -> int:
    """How many states a recurrent layer carries from step to step."""
    return 2 if class_name == "LSTM" else 1


def _recurrent(class_name: str) -> Callable[..., list[Tensor]]:
    def results(
        config: Config, weights: Shapes, inputs: Any, initial_state: Any = None, mask: Any = None
    ) -> list[Tensor]:
        _mask(mask)
        units, number = config["units"], num_states(class_name)
        batch, steps, _ = _want(inputs, 3, weights[0][0]).shape
        _check_states(initial_state, number, units)
        output = (batch, steps, units) if config["return_sequences"] else (batch, units)
        return [Tensor(output), *([Tensor((batch, units))] * number if config["return_state"] else [])]

    return results


def _bidirectional(
    config: Config, weights: Shapes, inputs: Any, initial_state: Any = None, mask: Any = None
) -> list[Tensor]:
    forward: Config = config["layer"]
    backward: Config = config.get("backward_layer") or forward
    number, half = num_states(forward["class_name"]), 2 + forward["config"]["use_bias"]
    states: Any
    same = forward["class_name"] == backward["class_name"] and forward["config"]["units"] == backward["config"]["units"]
    if not same and (initial_state is not None or config["merge_mode"] not in ("concat", None)):
        raise ValueError("its two directions are of different kinds")
    states = [None, None]
    if initial_state is not None:
        if not isinstance(initial_state, list) or len(initial_state) != 2 * number:
            raise ValueError(f"it takes {2 * number} states")
        states = [initial_state[:number], initial_state[number:]]
    sides = [
        RESULTS[side["class_name"]](side["config"], shapes, inputs, state, mask)
        for side, shapes, state in zip((forward, backward), (weights[:half], weights[half:]), states, strict=True)
    ]
    one, other = sides[0][0], sides[1][0]
    if len(one.shape) != len(other.shape) or len(sides[0]) != len(sides[1]):
        raise ValueError("its two directions return different things")
    more = [*sides[0][1:], *sides[1][1:]]
    if config["merge_mode"] is None:
        return [one, other, *more]
    if config["merge_mode"] == "concat":
        one = Tensor((*one.shape[:-1], (one.shape[-1] or 0) + (other.shape[-1] or 0)))
    return [one, *more]


RESULTS: dict[str, Callable[..., list[Tensor]]] = {
    "Embedding": _embedding,
    "TiedEmbedding": _tied_embedding,
    "SimpleRNN": _recurrent("SimpleRNN"),
    "GRU": _recurrent("GRU"),
    "LSTM": _recurrent("LSTM"),
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Conv1D": _convolution,
    "GlobalMaxPooling1D": _pool,
    "LayerNormalization": _normalized,
    "Activation": _unchanged,
    "Dropout": _unchanged,
    "SpatialDropout1D": _steps_unchanged,
    "EmbeddingDropout": _embedding_dropout,
    "Concatenate": _concatenate,
    "Add": _add,
    "Reshape": _reshape,
    "FlipTime": _steps_unchanged,
    "TakeRows": _take_rows,
    "Rescaling": _rescaling,
    "MaskedPooling": _masked_pooling,
    "AttentionPooling": _attention_pooling,
    "ChainScores": _chain_scores,
    "ExpectedLevel": _expected_level,
    "SlidingWindow": _sliding_window,
}
FREE = ("Concatenate", "Add", "Reshape", "SlidingWindow")  # no weight shows the size of what comes out


def find_results(class_name: str, config: Config, weights: Shapes, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Find what a call of a layer returns.

    Raises:
        ValueError: its arguments do not fit it.
    """
    given = dict(kwargs)
    if given.pop("training", None):
        raise ValueError("training=True would drop features out while answering")
    if class_name not in TAKES_MASKS and given.pop("mask", None) is not None:
        raise ValueError("it takes no mask")
    try:
        results = RESULTS[class_name](config, weights, *args, **given)
    except TypeError:
        raise ValueError(f"it cannot be called with {len(args)} tensors and {', '.join(given) or 'no names'}") from None
    for tensor in results:
        if len(tensor.shape) > MAX_RANK + (class_name == "ChainScores"):
            raise ValueError(f"it returns {len(tensor.shape)} axes")
        if class_name in FREE and math.prod(size or 1 for size in tensor.shape) > MAX_FEATURES:
            raise ValueError(f"it returns {_shown(tensor)}, more than {MAX_FEATURES:,} numbers a step")
    return results


TAKES_MASKS = ("SlidingWindow", "MaskedPooling", "AttentionPooling", "SimpleRNN", "GRU", "LSTM", "Bidirectional")
