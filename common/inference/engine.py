"""Inference engines: ONNX Runtime on padded batches with masks, or step by step with its state as input and output.

It starts in a seventh of the time of TensorFlow and needs a fifth of its memory (benchmarks/README.md). Keras stays the
reference: `KerasEngine` in `common.inference.keras_engine` is called the same way and gives the same numbers, up to
rounding.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from common.errors import InputError, excerpt
from common.parallel import map_ahead, num_cores

if TYPE_CHECKING:
    from common.bundles.bundle import Bundle
    from common.inference.onnx.session import Opened

ENGINES = ("onnx", "onnx-int8", "keras")


class Engine(Protocol):
    """An inference engine: a function from named arrays to an array, or to named arrays."""

    @property
    def model(self) -> Any:
        """The Keras model, to look inside."""

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """Run the network; see `OnnxEngine`."""

    def answers(self, batches: Iterable[Mapping[str, np.ndarray]]) -> Iterator[Any]:
        """Run the network on one batch after the other; see `OnnxEngine`."""


def open_engine(bundle: Bundle, engine: str = "onnx", num_threads: int | None = None) -> Engine:
    """Choose what runs a bundle's network.

    Args:
        bundle: a checked bundle.
        engine: "onnx"; "onnx-int8" for int8 quantization of the LSTMs, up to two to three times as fast and a little
            rounded, in the same way whatever else is in the batch; or "keras" for the reference. They are called alike.
        num_threads: processor cores it may use; None takes those there are.
    Raises:
        ValueError: no such engine.
    """
    if engine in ("onnx", "onnx-int8"):
        return OnnxEngine(bundle, num_threads, int8=engine == "onnx-int8")
    if engine == "keras":
        from common.inference.keras_engine import KerasEngine  # the other engines need neither it nor HDF5

        return KerasEngine(bundle, num_threads)
    raise ValueError(f"engine is {engine!r}; one of {', '.join(ENGINES)} would do")


class OnnxEngine:
    """A bundle's network as a function from arrays to arrays; any number of threads may call it at once.

    Args:
        bundle: a checked bundle. Its graph is made at the first call: a wrong row or option is reported without that
            wait.
        num_threads: processor cores it may use; None takes those there are.
        int8: dynamic int8 quantization of the LSTMs.
    """

    def __init__(self, bundle: Bundle, num_threads: int | None = None, int8: bool = False) -> None:
        self.bundle = bundle
        self.num_threads = num_threads or num_cores()
        self.int8 = int8
        self._lock = threading.Lock()
        self._opened: dict[tuple[bool, int], Opened] = {}

    @cached_property
    def model(self) -> Any:
        """The Keras model, to look inside."""
        return open_engine(self.bundle, "keras").model

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """Run the network.

        Args:
            inputs: an array for each of its named inputs; others are ignored. A `mask` (batch, time) has its real
                tokens on the left.
        Returns:
            A float32 array, or a dict of them for a network with named outputs.
        Raises:
            InputError: the network is not made for these inputs, as when the vocabulary has more words than it.
            ValueError: a mask that is not right-padded: the graph knows only how long each row is.
        """
        return self._run(inputs, self.num_threads)

    def answers(self, batches: Iterable[Mapping[str, np.ndarray]]) -> Iterator[Any]:
        """Run the network on batches: as many at a time as there are cores, each on one, while the next are made.

        A recurrent network is a long row of small steps. Cores that share a batch wait for each other at every step;
        those that have a batch each do not.

        Args:
            batches: the inputs of each, see `__call__`.
        Yields:
            The answers, in the order of the batches.
        """
        return map_ahead(lambda inputs: self._run(inputs, 1), batches, self.num_threads)

    def _run(self, inputs: Mapping[str, np.ndarray], num_threads: int) -> Any:
        mask = inputs.get("mask")
        full = mask is not None and bool(mask.all())
        if mask is not None and not full and (mask[:, 1:] > mask[:, :-1]).any():
            raise ValueError("mask: padding before a token; pad on the right, see common.text.batching.pad")
        opened = self._open(full, num_threads)
        given = {name: inputs[name] for name in opened.inputs} | opened.tables
        try:
            answers = opened.session.run(None, given)
        except Exception as error:  # ONNX Runtime has a class for every kind, and no common one
            raise self._failed(error) from None
        return answers[0] if opened.outputs is None else dict(zip(opened.outputs, answers, strict=True))

    def _open(self, full: bool, num_threads: int) -> Opened:
        """Open the network: for batches without padding, a tenth faster when tokens are read one by one, or for any."""
        kind = (full, num_threads)
        if kind not in self._opened:
            with self._lock:
                if kind not in self._opened:
                    self._opened[kind] = self._open_session(full, num_threads)
        return self._opened[kind]

    def _open_session(self, full: bool, num_threads: int) -> Opened:
        # ONNX and its runtime take a third of a second to import: not for a row or an option that is wrong.
        from common.inference.onnx.session import open_session

        tables = next((other.tables for other in self._opened.values()), None)
        try:
            return open_session(self.bundle.architecture, num_threads, full, self.int8, tables)
        except InputError:
            raise
        except Exception as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> InputError:
        reason = excerpt(" ".join(str(error).split()), 200)
        return InputError(f"{self.bundle.path}: ONNX Runtime cannot run its network ({reason}); train it again")
