"""Running the server: what the workers are told, where it listens, and an end behind which no request is lost."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from common.errors import InputError
from serving import running
from serving.guard import ACCESS
from serving.limits import ServerConfig
from serving.metrics import FOLDER
from serving.running import Options, Patient, listen, make_worker, run
from tests.conftest import ROOT

SIGNALS = (signal.SIGTERM, signal.SIGINT)
BUNDLE = str(ROOT / "tests/fixtures/format_2/language_model")


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """The variables, signals, log and garbage collection of this process, given back at the end."""
    for name in (running.VARIABLE, FOLDER):
        monkeypatch.setenv(name, "")
    signals = {number: signal.getsignal(number) for number in SIGNALS}
    log, threshold = (ACCESS.handlers, ACCESS.propagate, ACCESS.level), gc.get_threshold()
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    ACCESS.handlers, ACCESS.propagate, ACCESS.level = log
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.fixture
def started(monkeypatch):
    """The servers that were run: their settings, and the address at which they listened."""
    found = []

    class Server:
        started = True

        def __init__(self, config):
            self.config = config

        def run(self, sockets):
            found.append((self.config, sockets[0].getsockname()))

    monkeypatch.setattr(running.uvicorn, "Server", Server)
    return found


def options(**changes):
    return Options(**{"models": [BUNDLE], "port": 0, "limits": ServerConfig(timeout=7.5), **changes})


def test_one_process_serves_at_the_address_that_is_said(started, capsys):
    run(options())
    [(config, (host, port))] = started
    assert f"Serving language_model/language_model at http://127.0.0.1:{port}\n" in capsys.readouterr().err
    assert (host, config.workers, config.factory, config.loaded) == ("127.0.0.1", 1, True, False)
    assert (config.access_log, config.server_header) == (False, False)
    assert config.timeout_graceful_shutdown == 12  # a request may take 7 s
    assert json.loads(os.environ[running.VARIABLE]) == {**asdict(options()), "origins": []}
    assert not os.environ[FOLDER]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))


def test_a_server_that_does_not_start_is_an_error(started, monkeypatch):
    monkeypatch.setattr(running.uvicorn.Server, "started", False)
    with pytest.raises(InputError, match="did not start"):
        run(options())


@pytest.mark.parametrize("is_possible", [True, False])
def test_at_the_end_of_several_processes_nobody_may_connect(started, monkeypatch, is_possible):
    found = []

    def end_at_once(workers):
        assert Path(os.environ[FOLDER]).is_dir()
        is_open = [each.fileno() > 0 for each in workers.sockets]
        workers.terminate_all()
        found.append((workers.config, is_open, [each.fileno() for each in workers.sockets]))

    monkeypatch.setattr(running.Workers, "run", end_at_once)
    monkeypatch.setattr(running, "IS_POSSIBLE", is_possible)
    run(options(workers=2))
    [(config, is_open, closed)] = found
    assert (config.workers, is_open, closed, started) == (2, [True], [-1], [])
    assert config.loop == ("serving.sharing:WorkerLoop" if is_possible else "asyncio")


def test_a_port_that_is_taken_is_refused():
    with listen("127.0.0.1", 0) as taken:
        assert taken.family == socket.AF_INET
        with pytest.raises(InputError, match=r"127\.0\.0\.1, port \d+: cannot be served \(Address already in use"):
            listen(*taken.getsockname())


def test_an_address_of_the_other_kind_is_served(started, capsys):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    run(options(host="::1"))
    assert "at http://[::1]:" in capsys.readouterr().err
    assert started[0][1][0] == "::1"


def test_a_worker_does_what_the_command_was_given(monkeypatch, tmp_path, capsys):
    (tmp_path / "index.html").write_text("mine")
    given = options(token="t", origins=["https://x.org"], site=str(tmp_path), limits=ServerConfig(max_texts=3))
    monkeypatch.setenv(running.VARIABLE, json.dumps(asdict(given)))
    headers = {"Authorization": "Bearer t", "Origin": "https://x.org"}
    with TestClient(make_worker().app) as client:
        assert client.get("/v1/models").status_code == 401
        answer = client.get("/v1/models", headers=headers)
        assert [model["id"] for model in answer.json()["data"]] == ["language_model/language_model"]
        assert answer.headers["access-control-allow-origin"] == "https://x.org"
        assert client.get("/").text == "mine"
        fields = {"prompt": "the", "n": 4}
        assert "3 at most" in client.post("/v1/completions", json=fields, headers=headers).text
        assert client.post("/v1/completions", json={**fields, "n": 1}, headers=headers).status_code == 200
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["path"], line["status"]) for line in lines][:2] == [("other", 401), ("/v1/models", 200)]
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == running.NEW_OBJECTS


def test_a_worker_without_a_site_says_what_is_here(monkeypatch):
    monkeypatch.setenv(running.VARIABLE, json.dumps(asdict(replace(options(), threads=2))))
    with TestClient(make_worker().app) as client:
        assert "language_model/language_model" in client.get("/").text
        assert [served.threads for served in client.app.app.state.models.by_id.values()] == [2]


async def say_hello(scope, receive, send):
    """An application that answers with a header of its own."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"hello"})


def test_after_a_signal_connections_are_closed_behind_their_answers_and_then_the_server_ends(monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.2)
    ended = []
    signal.signal(signal.SIGTERM, lambda *given: ended.append(given))
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def answer(patient):
        sent = []

        async def send(message):
            sent.append(message)

        await patient({"type": "http"}, None, send)
        assert sent[1] == {"type": "http.response.body", "body": b"hello"}
        return dict(sent[0]["headers"])

    async def serve():
        patient = Patient(say_hello)
        await patient({"type": "lifespan"}, None, None)
        assert await answer(patient) == {b"a": b"b"}
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        assert await answer(patient) == {b"a": b"b", b"connection": b"close"}
        assert ended == []
        await asyncio.sleep(0.3)
        assert ended == [(signal.SIGTERM, None)]
        os.kill(os.getpid(), signal.SIGTERM)  # the second one: at once
        await asyncio.sleep(0.05)
        assert len(ended) == 2

    asyncio.run(serve())
