"""The HTTP interface over small models: answers, limits, problems in one line."""

from __future__ import annotations

import concurrent.futures
import json
import logging
import time

import pytest

from interpretability.explanation import Explanation
from tests.serving.toy_server import toy_client

PROBLEM = "application/problem+json"


@pytest.fixture
def client():
    with toy_client() as client:
        yield client


def problem(response, status):
    """The line of a problem, whose members are as they should be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    content = response.json()
    assert content["status"] == status
    assert content["error"]["message"] == content["detail"]
    assert "\n" not in content["detail"]
    assert len(content["detail"]) <= 300
    assert "/secret" not in response.text
    return content["detail"]


def rate(client, texts, **fields):
    return client.post("/v1/ratings", json={"input": texts, **fields})


def test_ratings_and_tags(client):
    answer = rate(client, ["So good.", "Bad"]).json()
    assert (answer["object"], answer["model"]) == ("list", "sentiment/toy")
    assert answer["data"][0] == {
        "index": 0, "rating": 8.0, "spread": 0.5, "num_tokens": 2, "num_unknown": 0, "remark": None,
    }  # fmt: skip
    assert rate(client, "Bad", scale=[1, 5], model="toy").json()["data"][0]["rating"] == 15
    tags = client.post("/v1/tags", json={"input": "So good", "probabilities": True}).json()["data"][0]
    assert tags["sentences"] == [{"tokens": ["So", "good"], "tags": ["X", "X"], "probabilities": [1.0, 1.0]}]


def test_models_health_and_metrics(client):
    found = client.get("/v1/models").json()["data"]
    assert [model["id"] for model in found] == ["sentiment/toy", "pos_tagging/toy"]
    assert client.get("/v1/models/sentiment/toy").json() == found[0]
    problem(client.get("/v1/models/other"), 404)
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    rate(client, ["So good.", "Bad"])
    page = client.get("/metrics").text
    assert 'rnn_texts_total{model="sentiment/toy"} 2.0' in page
    assert 'rnn_requests_total{path="/v1/ratings",status="200"} 1.0' in page
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/ratings", "/v1/tags", "/v1/explanations", "/v1/completions", "/v1/models", "/metrics"} <= paths.keys()
    assert "sentiment/toy" in client.get("/").text


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "input: is missing"),
        ({"input": "So", "inptu": 1}, 422, "inptu: no such field"),
        ({"input": []}, 422, "input: has no text"),
        ({"input": ["So", " "]}, 422, "input.1: is empty"),
        ({"input": 5}, 422, "input: wanted a text or a list of texts, found 5"),
        ({"input": None}, 422, "input: wanted a text or a list of texts, found null"),
        ({"input": [1, 2]}, 422, "input: wanted a text or a list of texts, found [1, 2]"),
        ({"input": ["So", 5]}, 422, "input.1: should be a valid string, found 5"),
        ({"input": {"a": "b" * 99}}, 422, 'input: wanted a text or a list of texts, found {"a": "bbb'),
        ({"input": ["So"] * 257}, 422, "found 257 texts; 256 at most"),
        ({"input": "x" * 100_001}, 422, "input.0: has more than 100,000 characters"),
        ({"input": "So", "scale": [5, 1]}, 422, "scale: 5 is not below 1; give the worst rating first"),
        ({"input": "So", "scale": [1, 1e39]}, 422, "scale: found 1 to 1e+39, wanted ends from -1e+09 to 1e+09"),
        ({"input": "So", "scale": [-1e308, 1e308]}, 422, "scale: found -1e+308 to 1e+308"),
        ({"input": "So", "model": "pos_tagging/toy"}, 404, "there are: sentiment/toy"),
        ([], 422, "the body: is no object"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_by_field(client, body, status, said):
    assert said in problem(client.post("/v1/ratings", json=body), status)
    assert client.rater.calls == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"input": NaN}', b'{"input": "\\ud800"}', b"\xff\xfe", b"[" * 100_000, b'{"input":' * 20_000,
     b'{"input": "So", "scale": [1, 1' + b"0" * 5000 + b"]}"],
    ids=["nothing", "cut", "NaN", "half a character", "no UTF-8", "deep list", "deep object", "large number"],
)  # fmt: skip
def test_odd_json_is_a_problem_and_no_fault(client, content):
    response = client.post("/v1/ratings", content=content, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    problem(response, response.status_code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json", "text/json"])
def test_a_body_that_does_not_say_it_is_json_is_refused(client, kind):
    """Pages of other places may send it without asking."""
    response = client.post("/v1/ratings", content=b'{"input": "So"}', headers={"Content-Type": kind})
    assert "Content-Type: application/json" in problem(response, 422)
    assert client.rater.calls == []
    for good in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"):
        headers = {"Content-Type": good}
        assert client.post("/v1/ratings", content=b'{"input": "So"}', headers=headers).status_code == 200


def test_of_many_faults_three_are_named(client):
    body = {"input": "So", "a": 1, "b": 1, "c": 1, "d": 1, "<e>\n": 1}
    said = problem(client.post("/v1/ratings", json=body), 422)
    assert said == "a: no such field; b: no such field; c: no such field; and 2 more"
    said = problem(client.post("/v1/ratings", json={"input": "So", "a": 1, "<b>": 1, "c": 1}), 422)
    assert said == "a: no such field; '<b>': no such field; c: no such field"


def test_texts_at_the_limits_are_answered():
    with toy_client(max_texts=2, max_characters=5) as client:
        assert rate(client, ["12345", "1"]).status_code == 200
        assert "found 3 texts; 2 at most" in problem(rate(client, ["a"] * 3), 422)
        assert "input.1: has more than 5 characters" in problem(rate(client, ["a", "123456"]), 422)


def test_an_explanation_has_a_weight_for_each_word(monkeypatch):
    def explain(model, text):
        return Explanation(text.split(), [1.0] * len(text.split()), "rating", 2.0, 0.0)

    monkeypatch.setattr("sentiment.explain", explain)
    with toy_client(max_explained=8) as client:
        answer = client.post("/v1/explanations", json={"input": ["So good.", "Bad"]}).json()
        assert [(each["index"], each["tokens"]) for each in answer["data"]] == [(0, ["So", "good."]), (1, ["Bad"])]
        said = problem(client.post("/v1/explanations", json={"input": ["a", "So good.."]}), 422)
        assert said == "input: a text has more than 8 characters; explain shorter ones"


def test_paths_and_methods_that_are_not_there(client):
    problem(client.get("/v1/nothing"), 404)
    problem(client.get("/v1/ratings"), 405)


def test_a_fault_tells_nothing_of_the_server(client):
    assert problem(rate(client, "fault"), 500) == "a fault of the server, which is in its log"
    assert rate(client, "So good.").status_code == 200  # it goes on


def test_bodies_that_are_large_or_never_end():
    with toy_client(max_body=1000) as client:
        large = json.dumps({"input": "x" * 2000})
        assert "more than 1,000 bytes" in problem(client.post("/v1/ratings", content=large), 413)
        parts = (b"x" * 100 for _ in range(1000))  # without a Content-Length
        problem(client.post("/v1/ratings", content=parts), 413)


def test_what_waits_too_long_or_in_too_large_numbers():
    with (
        toy_client(max_waiting=4, timeout=0.5, batch_wait=0) as client,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        client.rater.gate.clear()
        asked = [pool.submit(rate, client, ["So", "so"]) for _ in range(2)]
        until(lambda: client.models.by_id["sentiment/toy"].num_waiting == 4)
        refused = rate(client, "late")
        assert "4 texts wait already" in problem(refused, 429)
        assert int(refused.headers["retry-after"]) >= 1
        for future in asked:
            assert "no answer within 0.5 s" in problem(future.result(), 504)
        client.rater.gate.set()
        assert rate(client, "again").status_code == 200
        assert client.models.by_id["sentiment/toy"].num_waiting == 0


def until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_requests_are_answered_together_each_with_its_own_answers():
    with toy_client(batch_wait=100, batch_texts=16) as client, concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = [["x" * number, "y" * (number + 1)] for number in range(1, 9)]
        answers = list(pool.map(lambda pair: rate(client, pair).json()["data"], texts))
        for pair, answer in zip(texts, answers, strict=True):
            assert [entry["rating"] for entry in answer] == [len(text) for text in pair]
        assert max(map(len, client.rater.calls)) > 2
        assert sum(map(len, client.rater.calls)) == 16


def test_a_token():
    with toy_client(token="open sesame") as client:
        assert "Authorization: Bearer TOKEN" in problem(rate(client, "So good."), 401)
        for given in ("Bearer open sesam", "open sesame", "Bearer öpen"):
            header = {"Authorization": given.encode("latin-1")}
            problem(client.post("/v1/ratings", json={"input": "So"}, headers=header), 401)
        problem(client.get("/metrics"), 401)
        header = {"Authorization": "Bearer open sesame"}
        assert client.post("/v1/ratings", json={"input": "So"}, headers=header).status_code == 200
        assert client.get("/health").status_code == client.get("/ready").status_code == 200


def test_pages_of_other_places_may_not_ask_unless_they_are_named():
    header = {"Origin": "https://example.org"}
    with toy_client() as client:
        assert "access-control-allow-origin" not in client.get("/v1/models", headers=header).headers
    with toy_client(origins=["https://example.org"], token="t") as client:
        allowed = client.get("/v1/models", headers={**header, "Authorization": "Bearer t"})
        assert allowed.headers["access-control-allow-origin"] == "https://example.org"
        other = client.get("/v1/models", headers={"Origin": "https://example.com", "Authorization": "Bearer t"})
        assert "access-control-allow-origin" not in other.headers


def test_the_access_log_has_no_text(client, caplog):
    caplog.set_level(logging.INFO, "serving.access")
    rate(client, "a private matter")
    client.get("/private/matter?private=matter")
    entries = [json.loads(record.getMessage()) for record in caplog.records if record.name == "serving.access"]
    assert [(entry["path"], entry["status"]) for entry in entries] == [("/v1/ratings", 200), ("other", 404)]
    assert (entries[0]["model"], entries[0]["texts"], entries[0]["bytes_in"]) == ("sentiment/toy", 1, 28)
    assert "private" not in caplog.text


def test_answers_tell_no_version(client):
    headers = client.get("/health").headers
    assert "server" not in headers
    assert "x-powered-by" not in headers


def test_a_folder_of_pages(tmp_path):
    (tmp_path / "index.html").write_text("<h1>Hello</h1>")
    with toy_client(site=tmp_path, token="t") as client:
        answer = client.get("/")
        assert answer.text == "<h1>Hello</h1>"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
        problem(client.get("/../conftest.py"), 404)
        assert client.get("/health").status_code == 200
