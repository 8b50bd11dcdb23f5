"""Shards to actors of Ray: each is a process that has loaded the model, and takes the next shard when it is done.

An actor asks for half a core, so that actors also start where other jobs hold some: each uses one. Ray starts a lost
actor again and repeats what it was at.
"""

from __future__ import annotations

import importlib
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from common.errors import InputError
from common.text.binary_tables import need
from scaling.answering import Work
from scaling.environment import ONE_THREAD, changed_environment, for_workers, reason
from scaling.run_local import Worker
from scaling.shards import Shard

CORES = 0.5  # that an actor asks for
TRIES = 4  # of a shard
OBJECT_STORE = 80_000_000  # bytes; nothing but shards goes through it
# No reports; workers are no nicer than other processes, which on a busy machine would make them slow.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "1",
}


def run(work: Work, shards: Sequence[Shard], num_workers: int, cluster: str | None = None) -> None:
    """Answer shards.

    Args:
        work: what is done with each.
        shards: those that are not done yet.
        num_workers: actors.
        cluster: address of a Ray cluster, or "auto"; None: this machine, or what is initialized.
    Raises:
        InputError: ray is not installed, a shard cannot be read, or Ray fails.
    """
    need("ray", "--engine ray", "scale")
    with _running(num_workers, cluster) as ray:
        actor = ray.remote(num_cpus=CORES, max_restarts=TRIES, max_task_retries=TRIES)(_Actor)
        actors = [actor.remote(work) for _ in range(min(num_workers, len(shards)))]
        pool = importlib.import_module("ray.util").ActorPool(actors)
        try:
            problems = [*pool.map_unordered(lambda each, shard: each.answer.remote(shard), list(shards))]
        except ray.exceptions.RayError as error:
            raise InputError(f"--engine ray: {reason(error)}; run the same command again, it goes on") from None
    if any(problems):
        raise InputError(next(filter(None, problems)))


class _Actor:
    """A worker as an actor: a shard in, what went wrong out."""

    def __init__(self, work: Work) -> None:
        self.worker = Worker(work)

    def answer(self, shard: Shard) -> str | None:
        """Answer a shard."""
        try:
            self.worker.answer(shard)
        except InputError as error:  # an input that is wrong stays so; it is no reason to try again
            return str(error)
        return None


@contextmanager
def _running(num_workers: int, cluster: str | None) -> Iterator[Any]:
    """Ray, started on this machine, or joined; what was started ends with the block."""
    workers = {} if cluster else for_workers()  # on a cluster they find `env_vars`
    with changed_environment({**QUIET, **workers}), tempfile.TemporaryDirectory(prefix="rnn-ray-") as folder:
        ray = importlib.import_module("ray")
        if ray.is_initialized():
            yield ray
            return
        options = _on_a_cluster(cluster) if cluster else _on_this_machine(num_workers, folder)
        own = {} if cluster else {"RAY_AUTH_TOKEN": secrets.token_hex(32)}  # else it lies in the home folder
        with changed_environment(own):
            try:
                ray.init(logging_level="ERROR", log_to_driver=False, **options)
            except Exception as error:  # it waits a fixed time for its own processes
                raise InputError(
                    f"--engine ray: does not start ({reason(error)}); try again, or --engine local"
                ) from None
            try:
                yield ray
            finally:
                ray.shutdown()


def _on_a_cluster(address: str) -> dict[str, Any]:
    """A cluster whose workers have this project installed."""
    return {"address": address, "runtime_env": {"env_vars": dict(ONE_THREAD)}}


def _on_this_machine(num_workers: int, folder: str) -> dict[str, Any]:
    """Ray on this machine alone: nothing listens to others, nothing is left behind.

    Workers find the variables of this process: with a `runtime_env` Ray would end those that it starts with itself, and
    start others.
    """
    return {
        "num_cpus": num_workers,
        "include_dashboard": False,
        "_temp_dir": folder,
        "_node_ip_address": "127.0.0.1",
        "object_store_memory": OBJECT_STORE,
    }
