"""What every request passes first: token, size and pace of the body, a line in the access log, metrics."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import MutableMapping
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.limits import ServerConfig
from serving.problems import Problem, to_response

ACCESS = logging.getLogger("serving.access")
# A body that is too large is read on and thrown away, up to so many times the limit: a client that still sends when
# the connection is closed would not see the answer.
DRAINED = 100
OPEN = ("/health", "/ready", "/")  # need no token


class Observer(Protocol):
    """Is told of every request that was answered."""

    def observe(self, path: str, status: int, seconds: float) -> None:
        """A request to a path of the interface, how it ended, and how long it took."""


class Guard:
    """ASGI middleware around the application.

    Args:
        app: what answers.
        config: limits.
        observer: counts requests.
        token: that requests must bear; None: none.
    """

    def __init__(self, app: ASGIApp, config: ServerConfig, observer: Observer, token: str | None = None) -> None:
        self.app, self.config, self.observer, self.token = app, config, observer, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, log = time.monotonic(), {"status": 0, "bytes_in": 0, "bytes_out": 0}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                log["status"] = message["status"]
            log["bytes_out"] += len(message.get("body", b""))
            await send(message)

        try:
            self._check_token(scope)
            body = await self._read_body(scope, receive)
            log["bytes_in"] = len(body)
            await self.app(scope, _replay(body, receive), watch)
        except Problem as problem:
            await to_response(problem)(scope, receive, watch)
        except ClientGone:
            log["status"] = 499
        finally:
            self._write_log(scope, log, time.monotonic() - start)

    def _check_token(self, scope: Scope) -> None:
        path = scope["path"]
        is_open = path in OPEN or not path.startswith(("/v1", "/metrics", "/token", "/detoken", "/openapi"))
        if self.token is None or is_open or scope["method"] == "OPTIONS":
            return
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise Problem(
                401, "a token is needed: send the header Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, within its limits."""
        parts, size, most = [], 0, self.config.max_body
        try:
            async with asyncio.timeout(self.config.body_timeout):
                more = True
                while more and size <= most * DRAINED:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    part, more = message.get("body", b""), message.get("more_body", False)
                    size += len(part)
                    if size <= most:
                        parts.append(part)
        except TimeoutError:
            if size <= most:
                detail = f"the body did not arrive within {self.config.body_timeout:g} s"
                raise Problem(408, detail, {"Connection": "close"}) from None
        if size > most:
            detail = f"the body has more than {most:,} bytes; send less at once"
            raise Problem(413, detail, {"Connection": "close"})
        return b"".join(parts)

    def _write_log(self, scope: Scope, log: MutableMapping[str, Any], seconds: float) -> None:
        """A line of JSON, without what was sent; paths that are not ours are not repeated."""
        route = getattr(scope.get("route"), "path", None) or ("other" if scope["path"] not in OPEN else scope["path"])
        self.observer.observe(route, log["status"], seconds)
        entry = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "method": scope["method"], "path": route}
        ACCESS.info(
            json.dumps({**entry, **log, "ms": round(1000 * seconds, 1), **scope.get("state", {}).get("log", {})})
        )


class ClientGone(Exception):
    """The client has closed the connection."""


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives a body that has been read, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
