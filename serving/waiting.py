"""How many texts may wait to be answered at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serving.problems import Problem, retry_after


class WaitingRoom:
    """Counts the texts that wait, those that are being answered too.

    Args:
        most: of them; a single request may have more when nothing waits.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.number = 0

    @contextmanager
    def reserve(self, number: int, seconds: float) -> Iterator[None]:
        """Count texts as waiting.

        Args:
            number: of texts.
            seconds: after which to try again where there is no room.
        Raises:
            Problem: too many wait already (429).
        """
        if self.number and self.number + number > self.most:
            raise Problem(429, f"{self.number} texts wait already; try again later", retry_after(seconds))
        self.number += number
        try:
            yield
        finally:
            self.number -= number
