"""Data parallelism: one training run in several processes or on several devices, each with its share of every batch.

It is JAX that connects them: every process runs the same program, and a step is computed as if one process had the
whole batch, so the weights are those of a run in one process, up to rounding. What is read from the environment:

    JAX_COORDINATOR_ADDRESS    host:port where the first process is reached, the same for all
    JAX_NUM_PROCESSES          how many there are
    JAX_PROCESS_ID             which this is, from 0

The first process writes: messages, checkpoints, the bundle. The others compute, and follow what it decides.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
from numpy.typing import NDArray

from common.errors import InputError, excerpt, printable
from common.inference.widths import pad_axis, rounded_width, widen
from common.parallel import ADDRESS, COUNT, RANK, end_with_launcher, is_part, num_processes, rank
from common.text.batching import Batch, EpochBatches


def on_jax() -> bool:
    """Whether Keras computes with JAX."""
    return keras.backend.backend() == "jax"


def join() -> None:
    """Connect this process with the others of its run, if it has any, and have Keras share batches among all devices.

    Raises:
        InputError: Keras does not compute with JAX, the environment lacks something, or no other process answers.
    """
    if not is_part():
        return
    if not on_jax():
        raise InputError(f"{COUNT}: several processes need --backend jax; found {keras.backend.backend()}")
    address = _check_place()
    end_with_launcher()
    jax = importlib.import_module("jax")
    if not jax.distributed.is_initialized():
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        try:
            jax.distributed.initialize(address, num_processes(), rank())
        except RuntimeError as error:
            reason = printable(str(error), max_characters=120)
            raise InputError(
                f"{ADDRESS}: the {num_processes()} processes did not meet at {address} ({reason}); start all of them"
            ) from None
    devices = keras.distribution.DataParallel(devices=jax.devices(), auto_shard_dataset=False)
    keras.distribution.set_distribution(devices)


def _check_place() -> str:
    """Make sure that the environment says which of how many processes this is; returns where they meet."""
    if RANK not in os.environ:
        raise InputError(f"{RANK}: not in the environment; set the number of this process, from 0")
    if rank() >= num_processes():
        raise InputError(f"{RANK}: found {rank()}, wanted less than {COUNT}, {num_processes()}; count from 0")
    address = os.environ.get(ADDRESS, "")
    if not re.fullmatch(r".+:\d+", address):
        raise InputError(f"{ADDRESS}: found {excerpt(address)}, wanted host:port of the first process")
    return address


@contextmanager
def alone() -> Iterator[None]:
    """Do something that not every process does, or not in step: what Keras makes meanwhile is this process' own."""
    devices = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(devices)


def agreed(values: list[float]) -> list[float]:
    """Some numbers of the first process: scores may differ in their last digits from machine to machine."""
    if not is_part():
        return values
    utilities = importlib.import_module("jax.experimental.multihost_utils")
    return (
        np.asarray(utilities.broadcast_one_to_all(np.array(values, np.float64).view(np.uint32)))
        .view(np.float64)
        .tolist()
    )


def shared(batches: EpochBatches) -> EpochBatches:
    """The batches of a run as this process takes them."""
    return Shares(batches, rank(), num_processes()) if on_jax() else batches


class Shares:
    """The share of one process in the batches of a run, in few shapes; a `common.text.batching.EpochBatches`.

    Process k of n takes rows k/n to (k + 1)/n of each batch. A batch whose rows cannot be shared out evenly gets copies
    of its first row that weigh nothing. XLA compiles a network anew for every shape, so widths are rounded up.

    Args:
        batches: of the run; every process makes all of them, which costs little.
        process: the number of this process.
        num_processes: that share them.
    """

    def __init__(self, batches: EpochBatches, process: int, num_processes: int) -> None:
        self.batches, self.process, self.num_processes = batches, process, num_processes

    @property
    def lengths(self) -> NDArray[np.int_]:
        """See `EpochBatches`."""
        return self.batches.lengths

    @property
    def sizes(self) -> list[int]:
        """See `EpochBatches`."""
        return self.batches.sizes

    def set_epoch(self, epoch: int) -> None:
        """See `EpochBatches`."""
        self.batches.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Batch:
        inputs, targets, weights = self.batches[number]
        inputs = {name: self._fill_rows(array, len(weights)) for name, array in widen(inputs).items()}
        targets, filled = (self._fill_rows(array, len(weights)) for array in (targets, weights))
        filled[len(weights) :] = 0
        if weights.ndim > 1:  # a target for each token
            width = inputs["mask"].shape[1]
            targets, filled = pad_axis(targets, 1, width), pad_axis(filled, 1, width)
        return {name: self._part(array) for name, array in inputs.items()}, self._part(targets), self._part(filled)

    def _fill_rows(self, array: NDArray, num_examples: int) -> NDArray:
        """Fill up with copies of the first row, which no sum divides by zero; a table of words to a rounded size."""
        num_rows = len(array) if len(array) == num_examples else rounded_width(len(array))
        num_rows = -(-num_rows // self.num_processes) * self.num_processes
        return np.concatenate([array, np.repeat(array[:1], num_rows - len(array), axis=0)])

    def _part(self, array: NDArray) -> NDArray:
        """The rows of this process."""
        start, stop = (len(array) * part // self.num_processes for part in (self.process, self.process + 1))
        return array[start:stop]
