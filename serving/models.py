"""The models that a server has: loaded once, found by name, each with its queue."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from common.errors import excerpt
from common.parallel import num_cores
from serving.batching import Batcher
from serving.limits import ServerConfig
from serving.places import Place
from serving.problems import Problem
from serving.waiting import WaitingRoom

ANSWERS: Mapping[str, Callable[[Any], Any]] = {
    "sentiment": lambda model: model.predict("So good."),
    "pos_tagging": lambda model: model.tag("So good."),
    "language_model": lambda model: model.score("So good."),
}


@dataclass
class Served:
    """A loaded model.

    Attributes:
        place: what it is.
        model: of `load` of its task.
        config: limits of the server.
        threads: in which it answers, a batch each.
    """

    place: Place
    model: Any
    config: ServerConfig
    threads: int = 1
    batchers: dict[str, Batcher] = field(default_factory=dict)

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """Its threads."""
        return ThreadPoolExecutor(self.threads, thread_name_prefix="model")

    def batcher(self, kind: str, answer: Callable[[list[str], Any], Sequence[Any]]) -> Batcher:
        """The queue of one kind of request, made at the first one."""
        return self.batchers.setdefault(kind, Batcher(answer, self.config, self.executor, self.threads))

    @property
    def num_waiting(self) -> int:
        """Texts that wait, or are being answered."""
        return sum(batcher.waiting.number for batcher in self.batchers.values())


def load_models(places: Iterable[Place], config: ServerConfig, threads: int | None = None) -> Models:
    """Load models; each `load` checks its bundle.

    Raises:
        InputError: one is damaged.
    """
    served = [
        Served(
            place,
            importlib.import_module(place.task).load(place.path, num_threads=threads),
            config,
            threads or num_cores(),
        )
        for place in places
    ]
    for each in served:
        ANSWERS[each.place.task](each.model)  # what is loaded at the first text, such as the tokenizer
    return Models({each.place.id: each for each in served}, config)


class Writers:
    """The threads in which texts are written, and the room of those that are waited for."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.executor = ThreadPoolExecutor(config.writers, thread_name_prefix="writer")
        self.waiting = WaitingRoom(config.max_waiting)


@dataclass(frozen=True)
class Models:
    """The loaded models, by what clients call them."""

    by_id: Mapping[str, Served]
    config: ServerConfig

    @cached_property
    def writers(self) -> Writers:
        """Where texts are written."""
        return Writers(self.config)

    def of_task(self, task: str) -> list[Served]:
        """The models of a task."""
        return [served for served in self.by_id.values() if served.place.task == task]

    def find(self, task: str, name: str | None) -> Served:
        """The model of a task that a request names: by its whole name, or by that within the task.

        Raises:
            Problem: there is none (404).
        """
        there = self.of_task(task)
        if name is None and there:
            return there[0]
        for served in there:
            if name in (served.place.id, served.place.name):
                return served
        names = ", ".join(served.place.id for served in there) or "none"
        raise Problem(404, f"model: no {task} model {excerpt(name or '')} is served; there are: {names}")

    def close(self) -> None:
        """Stop the threads, when they have done what they are at."""
        for served in self.by_id.values():
            served.executor.shutdown(wait=False)
        self.writers.executor.shutdown(wait=False)
