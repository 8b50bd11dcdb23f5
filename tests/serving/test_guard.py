"""What every request passes first: which paths need a token, sizes and pace of bodies, what is noted."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from serving.guard import DRAINED, Guard
from serving.limits import ServerConfig

MOST = 1000  # bytes of a body


class Seen:
    """What came to the application, and what was observed."""

    def __init__(self):
        self.bodies, self.observed = [], []

    async def __call__(self, scope, receive, send):
        self.bodies.append((await receive())["body"])
        self.bodies.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"four", "more_body": True})
        await send({"type": "http.response.body", "body": b"five!"})

    def observe(self, path, status, seconds):
        self.observed.append((path, status))
        assert 0 <= seconds < 5


def ask(messages, path="/v1/x", method="POST", headers=(), token=None, pause=0.0, **limits):
    """Send a request; returns what was seen, the messages that were sent, and how many were received."""
    seen, sent, received = Seen(), [], 0

    async def receive():
        nonlocal received
        received += 1
        await asyncio.sleep(pause if received > 1 else 0)
        return next(messages)

    async def send(message):
        sent.append(message)

    messages = iter(messages)
    guard = Guard(seen, ServerConfig(max_body=MOST, **limits), seen, token)
    scope = {"type": "http", "path": path, "method": method, "headers": headers}
    asyncio.run(guard(scope, receive, send))
    return seen, sent, received


def parts(*sizes):
    for number, size in enumerate(sizes, 1):
        yield {"type": "http.request", "body": b"x" * size, "more_body": number < len(sizes)}
    yield {"type": "http.disconnect"}


def status(sent):
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/", True), ("/health", True), ("/ready", True), ("/app.js", True), ("/v1/models", False), ("/metrics", False),
        ("/tokenize", False), ("/tokenizer_info", False), ("/detokenize", False), ("/openapi.json", False),
    ],
)  # fmt: skip
def test_a_token_is_asked_for_where_models_answer(path, is_open):
    _, sent, _ = ask(parts(0), path, "GET", token="t")
    assert status(sent) == (201 if is_open else 401)
    assert status(ask(parts(0), path, "GET", headers=[(b"authorization", b"Bearer t")], token="t")[1]) == 201
    assert status(ask(parts(0), path, "OPTIONS", token="t")[1]) == 201
    assert status(ask(parts(0), path)[1]) == 201


def test_who_is_refused_learns_what_to_send():
    _, sent, received = ask(parts(5), token="t")
    assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]
    assert received == 0


def test_a_body_is_given_whole_then_what_comes_after_it():
    seen, sent, received = ask(parts(3, 0, 4))
    assert seen.bodies == [b"x" * 7, "http.disconnect"]
    assert (status(sent), received) == (201, 4)
    assert seen.observed == [("other", 201)]


@pytest.mark.parametrize(
    ("sizes", "expected"), [((MOST,), 201), ((MOST + 1,), 413), ((MOST, 1), 413), ((600, 400), 201)]
)
def test_a_body_of_just_the_limit_is_taken(sizes, expected):
    _, sent, _ = ask(parts(*sizes))
    assert status(sent) == expected
    assert ((b"connection", b"close") in sent[0]["headers"]) == (expected == 413)


def test_a_body_that_is_too_large_is_read_on_but_not_for_ever():
    _, sent, received = ask(parts(*[MOST] * (DRAINED + 50)))
    assert (status(sent), received) == (413, DRAINED + 1)


def test_a_slow_body_is_given_up():
    _, sent, _ = ask(parts(1, 1), pause=5, body_timeout=0.05)
    assert (status(sent), b"within 0.05 s" in sent[1]["body"]) == (408, True)
    assert (b"connection", b"close") in sent[0]["headers"]
    assert status(ask(parts(MOST + 1, 1), pause=5, body_timeout=0.05)[1]) == 413


def test_a_client_that_goes_is_noted_and_gets_no_answer():
    seen, sent, _ = ask([{"type": "http.disconnect"}])
    assert (seen.bodies, sent, seen.observed) == ([], [], [("other", 499)])


def test_a_line_of_the_log_has_the_sizes(caplog):
    caplog.set_level(logging.INFO, "serving.access")
    ask(parts(3), "/health", "GET")
    entry = json.loads(caplog.records[-1].getMessage())
    time, ms = entry.pop("time"), entry.pop("ms")
    assert entry == {"method": "GET", "path": "/health", "status": 201, "bytes_in": 3, "bytes_out": 9}
    assert time.startswith("20")
    assert 0 <= ms < 5000


def test_what_is_no_request_goes_through():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    asyncio.run(Guard(app, ServerConfig(), None, "t")({"type": "lifespan"}, 1, 2))
    assert seen == [({"type": "lifespan"}, 1, 2)]
