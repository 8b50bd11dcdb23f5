"""Limits of the server: what it takes, how much of it waits, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import Settings, setting

LIMITS, BATCHES = "limits", "batches"


@dataclass(frozen=True)
class ServerConfig(Settings):
    """Settings of the server."""

    max_body: int = setting(1_000_000, "bytes of a request's body, at most (413)", minimum=1000, group=LIMITS)
    max_texts: int = setting(256, "texts of a request, at most (422)", minimum=1, group=LIMITS)
    max_characters: int = setting(100_000, "characters of a text, at most (422)", minimum=1, group=LIMITS)
    max_tokens: int = setting(2000, "tokens of a completion, at most (422)", minimum=1, group=LIMITS)
    max_explained: int = setting(2000, "characters of a text to explain, at most (422)", minimum=1, group=LIMITS)
    max_waiting: int = setting(1024, "texts that wait to be answered, at most (429)", minimum=1, group=LIMITS)
    timeout: float = setting(30.0, "seconds until a request is given up (504)", minimum=0.01, group=LIMITS)
    body_timeout: float = setting(10.0, "seconds for the body of a request to arrive (408)", minimum=0.01, group=LIMITS)
    writers: int = setting(4, "texts that are written at the same time", minimum=1, group=BATCHES)
    batch_texts: int = setting(64, "texts that are answered together, at most", minimum=1, group=BATCHES, basic=True)
    batch_wait: float = setting(
        2.0, "milliseconds that a request waits for others to be answered with", minimum=0, maximum=1000,
        group=BATCHES, basic=True,
    )  # fmt: skip
