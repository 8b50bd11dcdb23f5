"""A `LayerSpec`: all that the project knows of a Keras layer without Keras, in one place.

    settings  which a saved layer may have, and their values         so that a file cannot do harm
    weights   the shapes that its settings declare                   compared with the HDF5 file
    results   the shapes that come out of a call                     so that every call fits the next
    mask      what it does with a mask                               so that padding is never read as text
    to_onnx   the same computation in ONNX                           for answering without TensorFlow

The layer itself is the Keras class. A class without a spec is never built from a file, by either engine.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from common.networks.specs.settings import (
    EVERY_NEEDED,
    EVERY_OPTIONAL,
    MAX_FEATURES,
    MAX_RANK,
    Check,
    Config,
    show_value,
)
from common.networks.specs.shapes import Argument, Shape, Shapes, Tensor, show_tensor
from common.networks.specs.translation import Names

# Where a weight lies in the layer's group of the HDF5 file: the shapes there; None is a size that its input decides.
WeightShapes = Mapping[str, Sequence[Shape]]


class MaskUse(enum.Enum):
    """What a layer does with the mask (batch, time) of its input."""

    UNREAD = "it takes no mask; padding stays padding"
    READ = "it takes a mask; what comes out still has the padding steps"
    CONSUMED = "it takes a mask; what comes out has no steps"


def no_weights(config: Config) -> WeightShapes:
    """The weights of a layer that has none."""
    return {}


@dataclass(frozen=True)
class LayerSpec:
    """What a saved layer of one class may look like, and how it is translated.

    Args:
        name: Keras' name of the class.
        needed: its settings beside those of every layer, and the check of each value.
        optional: settings that it may also have.
        results: (config, shapes of its weights, *arguments of the Keras call) to the tensors that come out; raises a
            ValueError if the arguments do not fit it.
        to_onnx: (graph, layer, *arguments of the Keras call) to the name of the result, or a list of names.
        weights: its settings to the shapes of its weights.
        mask: what it does with a mask.
        own: whether the class is ours; else it is one of Keras'.
        shown: settings that describe the layer, in turn; None: it has no part in answers.
        usual: settings that describe the layer too where they have other values than these.
        keeps_half: whether its first weight, of which only rows are read, stays in half precision as in the file.
        grows: whether no weight bounds the size of what comes out; then `MAX_FEATURES` does.
        max_rank: most axes of what comes out.
        rule: what is wrong between its settings, or None.
    """

    name: str
    needed: Mapping[str, Check]
    results: Callable[..., list[Tensor]]
    to_onnx: Callable[..., Names]
    optional: Mapping[str, Check] = field(default_factory=dict)
    weights: Callable[[Config], WeightShapes] = no_weights
    mask: MaskUse = MaskUse.UNREAD
    own: bool = False
    shown: tuple[str, ...] | None = ()
    usual: Mapping[str, object] = field(default_factory=dict)
    keeps_half: bool = False
    grows: bool = False
    max_rank: int = MAX_RANK
    rule: Callable[[Config], str | None] = lambda config: None

    @property
    def takes_mask(self) -> bool:
        """Whether a call may have a mask."""
        return self.mask is not MaskUse.UNREAD

    @property
    def all_needed(self) -> dict[str, Check]:
        """The settings that a saved layer must have."""
        return {**EVERY_NEEDED, **self.needed}

    def find_fault(self, config: object) -> str | None:
        """Find what is wrong with the settings of a layer; None if nothing is."""
        if not isinstance(config, dict):
            return "there are no settings"
        needed = self.all_needed
        known = {**EVERY_OPTIONAL, **self.optional, **needed}
        for setting, value in config.items():
            if setting not in known:
                return f"no such setting as {setting[:40]}"
            if not known[setting](value):
                return f"{setting} is {show_value(value)}"
        missing = sorted(needed.keys() - config.keys())
        return f"{missing[0]} is missing" if missing else self.rule(config)

    def find_results(
        self, config: Config, weights: Shapes, args: Sequence[Argument], kwargs: Mapping[str, Argument]
    ) -> list[Tensor]:
        """Find what a call of a layer returns.

        Args:
            config: the settings of the layer.
            weights: the shapes of its weights.
            args: the arguments of the call without names.
            kwargs: those with names.
        Raises:
            ValueError: the arguments do not fit it.
        """
        given = dict(kwargs)
        if given.pop("training", None):
            raise ValueError("training=True would drop features out while answering")
        if not self.takes_mask and given.pop("mask", None) is not None:
            raise ValueError("it takes no mask")
        try:
            results = self.results(config, weights, *args, **given)
        except TypeError:
            names = ", ".join(given) or "no names"
            raise ValueError(f"it cannot be called with {len(args)} tensors and {names}") from None
        for tensor in results:
            if len(tensor.shape) > self.max_rank:
                raise ValueError(f"it returns {len(tensor.shape)} axes")
            if self.grows and math.prod(size or 1 for size in tensor.shape) > MAX_FEATURES:
                raise ValueError(f"it returns {show_tensor(tensor)}, more than {MAX_FEATURES:,} numbers a step")
        return results
