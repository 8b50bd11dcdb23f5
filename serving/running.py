"""Running the server: one process, or several that share nothing but files."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from common.errors import InputError
from common.progress import say
from serving.app import Access, make_app
from serving.guard import ACCESS
from serving.limits import ServerConfig
from serving.metrics import FOLDER
from serving.models import Models, find_places, load_models

VARIABLE = "RNN_LANGUAGE_SERVER"  # how a worker learns what the command was given
MORE = 5  # seconds beyond the time limit of a request that a server waits at its end
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
            APP, factory=True, workers=options.workers, log_config=None, access_log=False, server_header=False,
            timeout_graceful_shutdown=int(options.limits.timeout) + MORE,
        )  # fmt: skip
        if options.workers > 1:
            os.environ[FOLDER] = folder  # read by prometheus_client when a worker imports it
            Multiprocess(config, [listener]).run()
            return
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        if not server.started:
            raise InputError("the server did not start; see above")


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
        return load_models(find_places(options.models), options.limits, options.threads)

    access = Access(options.token, options.origins)
    return make_app(load, options.limits, access, Path(options.site) if options.site else None)


def log_to_output() -> None:
    """Write the access log on standard output, a line each."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ACCESS.handlers, ACCESS.propagate = [handler], False
    ACCESS.setLevel(logging.INFO)
