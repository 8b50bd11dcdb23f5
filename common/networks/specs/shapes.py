"""Shapes of the tensors between layers: what a call takes, and what comes out of it.

A tensor is `(batch, …)`; None is a size that each call decides. A function of a spec takes the settings of the layer,
the shapes of its weights and the arguments of a call, under the names of the Keras call, and returns the tensors that
come out, or raises a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Shape: TypeAlias = tuple[int | None, ...]


class Tensor(NamedTuple):
    """The shape of a tensor and the type of its numbers: int32, bool or float32."""

    shape: Shape
    dtype: str = "float32"


Argument: TypeAlias = "Tensor | bool | list[Argument] | None"
Shapes: TypeAlias = Sequence[tuple[int, ...]]  # of a layer's weights


def want(tensor: Argument, rank: int, features: int | None = None, dtype: str = "float32") -> Tensor:
    """Check an argument of a call.

    Args:
        tensor: the argument.
        rank: number of axes it must have.
        features: size of its last axis; None: any.
        dtype: type of its numbers.
    Raises:
        ValueError: it is something else.
    """
    if not isinstance(tensor, Tensor) or tensor.dtype != dtype or len(tensor.shape) != rank:
        raise ValueError(f"it takes a {dtype} tensor of {rank} axes, not {show_tensor(tensor)}")
    if features is not None and tensor.shape[-1] not in (None, features):
        raise ValueError(f"it takes {features} features, not {show_tensor(tensor)}")
    return tensor


def want_any_rank(tensor: Argument, features: int | None = None, dtype: str = "float32") -> Tensor:
    """Check an argument that may have any number of axes; see `want`."""
    return want(tensor, len(tensor.shape) if isinstance(tensor, Tensor) else 0, features, dtype)


def want_mask(mask: Argument) -> None:
    """Check a mask, bool (batch, time), or None."""
    if mask is not None:
        want(mask, 2, dtype="bool")


def want_list(inputs: Argument) -> list[Tensor]:
    """Check a list of tensors of one rank."""
    if not isinstance(inputs, list) or not inputs:
        raise ValueError("it takes a list of tensors")
    tensors = [want_any_rank(tensor) for tensor in inputs]
    if len({len(tensor.shape) for tensor in tensors}) > 1:
        raise ValueError(f"its inputs have different ranks: {', '.join(map(show_tensor, tensors))}")
    return tensors


def common_size(tensors: Sequence[Tensor], axis: int) -> int | None:
    """The size that tensors have in common on an axis; None if each call decides."""
    sizes = {tensor.shape[axis] for tensor in tensors} - {None}
    if len(sizes) > 1:
        raise ValueError(f"its inputs differ in size: {', '.join(map(show_tensor, tensors))}")
    return sizes.pop() if sizes else None


def show_tensor(value: object) -> str:
    """A tensor for a message, or whatever stands in its place."""
    return f"{value.dtype} {value.shape}" if isinstance(value, Tensor) else str(value)[:60]
