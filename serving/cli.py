"""The command that serves models over HTTP."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from common.cli.flags import add_settings, advanced, make_parser, read_settings
from common.errors import InputError
from common.progress import say
from serving.limits import ServerConfig

TOKEN = "RNN_LANGUAGE_TOKEN"


def serve(argv: Sequence[str] | None = None) -> None:
    """`rnn-language serve`"""
    parser = make_parser(
        "serving.serve",
        "Serve models over HTTP: ratings, tags, explanations, completions with OpenAI's fields.\n\n"
        "rnn-language serve\n"
        "curl localhost:8000/v1/ratings -H 'Content-Type: application/json' -d '{\"input\": \"A joy.\"}'",
        f"A bearer token is taken from the variable {TOKEN}. Names of models: rnn-language models.",
    )
    parser.add_argument(
        "--model", action="append", metavar="NAME",
        help="name or folder of a model; repeat for several (default: that of each task)",
    )  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="port; 0 = any that is free (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores of each model (default: all)")
    parser.add_argument("--site", type=Path, metavar="DIR", help="folder of web pages to serve at /")
    advanced(parser.add_argument(
        "--cors-origin", action="append", metavar="URL", help="web page that may ask; repeat for several"
    ))  # fmt: skip
    add_settings(parser, ServerConfig)
    arguments = parser.parse_args(argv)
    config = read_settings(arguments, ServerConfig)
    check(arguments.host, arguments.port, arguments.workers, arguments.site)

    try:
        from serving.running import Options, run  # FastAPI and uvicorn, an extra
    except ModuleNotFoundError as error:
        raise InputError(f"serve: needs the package {error.name}; pip install 'rnn-language[serve]'") from None
    site = str(arguments.site) if arguments.site else None
    options = Options(
        arguments.model or [], arguments.host, arguments.port, arguments.workers, arguments.threads, site,
        arguments.cors_origin or [], os.environ.get(TOKEN) or None, config,
    )  # fmt: skip
    run(options)


def check(host: str, port: int, workers: int, site: Path | None) -> None:
    """Find what is wrong with the options before models are loaded.

    Raises:
        InputError: the option, what was found, and what would do.
    """
    if not 0 <= port <= 65_535:
        raise InputError(f"--port: found {port}, wanted from 0 to 65535")
    if workers < 1:
        raise InputError(f"--workers: found {workers}, wanted at least 1")
    if site and not (site / "index.html").is_file():
        raise InputError(f"--site: {site} has no index.html; make one with python -m serving.build_page")
    if not is_loopback(host) and not os.environ.get(TOKEN):
        say(f"WARNING: whoever reaches {host} may use the models; set {TOKEN} to ask for a token")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
