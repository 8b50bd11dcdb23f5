"""Running the server: one process, or several that share nothing but files."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from common.errors import InputError
from common.progress import say
from serving.app import Access, make_app
from serving.guard import ACCESS
from serving.limits import ServerConfig
from serving.metrics import FOLDER
from serving.models import Models, load_models
from serving.places import find_places
from serving.sharing import IS_POSSIBLE, Sharing, WorkerLoop

VARIABLE = "RNN_LANGUAGE_SERVER"  # how a worker learns what the command was given
PATIENCE = 1.0  # seconds from the signal to the end
MORE = 5  # seconds beyond the time limit of a request that a server waits at its end
NEW_OBJECTS = 10_000  # before garbage is looked for among them; Python's own number is 700
APP = "serving.running:make_worker"


@dataclass(frozen=True)
class Options:
    """What the command was given."""

    models: Sequence[str] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int | None = None
    site: str | None = None
    origins: Sequence[str] = ()
    token: str | None = None
    limits: ServerConfig = field(default_factory=ServerConfig)


def run(options: Options) -> None:
    """Serve until a signal comes; what was accepted by then is answered.

    Raises:
        InputError: no such model, or nothing can listen there.
    """
    places = find_places(options.models)
    names = ", ".join(place.id for place in places)
    with listen(options.host, options.port) as listener, tempfile.TemporaryDirectory() as folder:
        os.environ[VARIABLE] = json.dumps(asdict(options))
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        say(f"Serving {names} at http://{shown}:{port}")
        config = uvicorn.Config(
            APP, factory=True, workers=options.workers, loop="asyncio", log_config=None, access_log=False,
            server_header=False, timeout_graceful_shutdown=int(options.limits.timeout) + MORE,
        )  # fmt: skip
        if options.workers > 1:
            os.environ[FOLDER] = folder  # read by prometheus_client when a worker imports it
            run_workers(config, listener, folder)
            return
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        if not server.started:
            raise InputError("the server did not start; see above")


def run_workers(config: uvicorn.Config, listener: socket.socket, folder: str) -> None:
    """Serve in several processes.

    Args:
        config: of the server.
        listener: where clients connect.
        folder: for the socket at which workers connect.
    """
    if not IS_POSSIBLE:
        Workers(config, [listener]).run()
        return
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(Path(folder, "door")))
        door.listen()
        config.loop = f"{WorkerLoop.__module__}:{WorkerLoop.__name__}"
        sharing = Sharing(listener, door, config.workers)
        sharing.start()
        Workers(config, [door], sharing.end).run()


class Workers(Multiprocess):
    """Several processes; at their end nobody may connect who would be answered by none.

    Args:
        config: of the server.
        sockets: that they are given.
        before_end: called before they are told to end.
    """

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], before_end: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config, sockets)
        self.before_end = before_end

    def terminate_all(self) -> None:
        """Close the own copy of the sockets, and tell the workers to end."""
        self.before_end()
        for each in self.sockets:
            each.close()
        super().terminate_all()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(f"{host}, port {port}: cannot be served ({error.strerror}); choose another --port") from None


def make_worker() -> ASGIApp:
    """The application of a process, by what the command was given."""
    given = json.loads(os.environ[VARIABLE])
    options = Options(**{**given, "limits": ServerConfig(**given["limits"])})
    log_to_output()

    def load() -> Models:
        models = load_models(find_places(options.models), options.limits, options.threads)
        spare_garbage_collector()
        return models

    access = Access(options.token, options.origins)
    return Patient(make_app(load, options.limits, access, Path(options.site) if options.site else None))


class Patient:
    """ASGI middleware for a graceful end: after SIGTERM connections are closed one by one, each behind its next answer.

    The server by itself closes connections on which nothing happens at once, also those on which a request is on the
    way. So its end begins a little later.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.is_ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._wait_at_signals()

        async def close_behind(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await self.app(scope, receive, close_behind if self.is_ending else send)

    def _wait_at_signals(self) -> None:
        """Let a signal that ends the server do so after a moment."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            end: Any = signal.getsignal(number)
            if callable(end):
                with suppress(NotImplementedError):  # on Windows
                    loop.add_signal_handler(number, self._begin_end, partial(end, number, None))

    def _begin_end(self, end: Callable[[], Any]) -> None:
        if self.is_ending:
            end()  # the second signal: at once
        else:
            self.is_ending = True
            asyncio.get_running_loop().call_later(PATIENCE, end)


def spare_garbage_collector() -> None:
    """Leave out of garbage collection what is loaded, and do it less often: that was 7 % of a rating."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


def log_to_output() -> None:
    """Write the access log on standard output, a line each."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ACCESS.handlers, ACCESS.propagate = [handler], False
    ACCESS.setLevel(logging.INFO)
