"""A server of the pretrained models as a process: the same answers as from Python, clients of others, its end."""

from __future__ import annotations

import concurrent.futures
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pandas
import pytest

import language_model
import pos_tagging
import sentiment
from common.bundles.pretrained import pretrained_names
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(pretrained_names, ("sentiment", "pos_tagging", "language_model"))),
        reason="the pretrained models are not here",
    ),
]


@contextmanager
def running_server(*options, **environment):
    """A server on a free port: its process and its address."""
    command = [sys.executable, "-m", "serving.serve", "--port", "0", *map(str, options)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stderr.readline()
        found = re.search(r"at (http://\S+)$", line)
        assert found, line + process.stderr.read()
        wait_for(found[1])
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def wait_for(address):
    for _ in range(600):
        try:
            if httpx.get(f"{address}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server is not ready")


@pytest.fixture(scope="module")
def server():
    with running_server() as (_, address):
        yield address


@pytest.fixture(scope="module")
def texts():
    """A thousand texts of all lengths."""
    reviews = pandas.read_csv(ROOT / "sentiment/dataset/test.csv").review.tolist()
    words, rng = " ".join(reviews).split(), random.Random(1)
    lengths = [rng.choice((1, 3, 10, 60, 300)) for _ in range(1000)]
    return [" ".join(words[(start := rng.randrange(len(words))) : start + length]) for length in lengths]


def test_a_thousand_texts_are_rated_and_tagged_as_from_python(server, texts):
    def ask(path, part):
        return httpx.post(f"{server}/v1/{path}", json={"input": part}, timeout=60).json()["data"]

    parts = [texts[start : start + size] for start, size in zip(range(0, 1000, 4), [4] * 250, strict=True)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        rated = [found for part in pool.map(lambda part: ask("ratings", part), parts) for found in part]
        tagged = [found for part in pool.map(lambda part: ask("tags", part), parts) for found in part]
    for answer, found in zip(sentiment.load().predict(texts), rated, strict=True):
        assert found["rating"] == pytest.approx(answer.rating, abs=1e-6)
        assert found["spread"] == pytest.approx(answer.spread, abs=1e-6)
        assert (found["num_tokens"], found["num_unknown"]) == (answer.num_tokens, answer.num_unknown)
    for answer, found in zip(pos_tagging.load().tag(texts), tagged, strict=True):
        assert [(s["tokens"], s["tags"]) for s in found["sentences"]] == [(s.tokens, s.tags) for s in answer]


def test_completions_are_those_of_generate_and_score(server):
    model = language_model.load()
    fields = {"prompt": "Once upon a time", "max_tokens": 30, "seed": 7, "n": 2, "temperature": 0.8}
    answer = httpx.post(f"{server}/v1/completions", json=fields, timeout=60).json()
    expected = model.generate(
        "Once upon a time", num_samples=2, max_tokens=30, seed=7, temperature=0.8, complete_sentences=False
    )
    assert ["Once upon a time" + choice["text"] for choice in answer["choices"]] == expected


def test_the_client_of_openai(server):
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{server}/v1", api_key="none")
    assert "language_model/stories" in [model.id for model in client.models.list()]
    fields = {"model": "language_model/stories", "prompt": "The king said", "max_tokens": 12, "seed": 1}
    whole = client.completions.create(**fields, logprobs=2)
    choice = whole.choices[0]
    assert len(choice.logprobs.tokens) == whole.usage.completion_tokens
    assert "".join(choice.logprobs.tokens) == choice.text
    pieces = [chunk.choices[0].text for chunk in client.completions.create(**fields, stream=True)]
    assert len(pieces) > 3
    assert "".join(pieces) == choice.text
    with pytest.raises(openai.UnprocessableEntityError, match="max_tokens: found 5000; 2000 at most"):
        client.completions.create(**{**fields, "max_tokens": 5000})
    with pytest.raises(openai.NotFoundError, match="there are: language_model/stories"):
        client.completions.create(**{**fields, "model": "gpt"})


def test_lm_eval_measures_what_score_says(server):
    pytest.importorskip("lm_eval")
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    model, path = language_model.load(), f"{server}/v1/completions"
    client = LocalCompletionsAPI(model="language_model/stories", base_url=path, max_length=4000, num_concurrent=2)
    stories = pandas.read_csv(ROOT / "language_model/dataset/test.csv").text[:20].tolist()
    pairs = [story.rsplit(" ", 8) for story in stories]
    pairs = [(start, " " + " ".join(rest)) for start, *rest in pairs]
    requests = [Instance("loglikelihood", {}, pair, place) for place, pair in enumerate(pairs)]
    for (start, end), (nats, _) in zip(pairs, client.loglikelihood(requests), strict=True):
        whole, before = (model.score(text)[0].log_probabilities[:-1] for text in (start + end, start))
        assert nats == pytest.approx(sum(whole[len(before) :]), abs=1e-3)
    rolling = [Instance("loglikelihood_rolling", {}, (story,), place) for place, story in enumerate(stories)]
    for story, nats in zip(stories, client.loglikelihood_rolling(rolling), strict=True):
        assert nats == pytest.approx(sum(model.score(story)[0].log_probabilities[:-1]), abs=1e-3)


def test_schemathesis_finds_no_fault(server, tmp_path):
    pytest.importorskip("schemathesis")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server}/openapi.json"]
    command += ["--checks", "not_a_server_error", "--max-examples", "50", "--seed", "1", "--request-timeout", "60"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_end_under_load_loses_no_request(workers):
    """What was sent before the signal is answered."""
    answered, lost, over = [], [], threading.Event()

    def ask(address, number):
        with httpx.Client(timeout=60) as client:
            while not over.is_set():
                try:
                    answer = client.post(f"{address}/v1/ratings", json={"input": f"So good {number}. " * 20})
                    answered.append(answer.status_code)
                except httpx.TransportError as error:
                    lost.append(repr(error))
                    return

    with running_server("--model", "sentiment/reviews", "--workers", workers) as (process, address):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(ask, address, number) for number in range(8)]
            time.sleep(2)
            over.set()
            process.send_signal(signal.SIGTERM)
            for client in clients:
                client.result(timeout=60)
        assert process.wait(timeout=30) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    assert len(answered) > 8
    assert set(answered) == {200}
    assert lost == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_workers_end_when_their_parent_is_killed():
    with running_server("--model", "sentiment/reviews", "--workers", 2) as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        assert len(workers) == 2
        process.kill()
        for _ in range(150):
            if not any(is_running(worker) for worker in workers):
                return
            time.sleep(0.1)
        raise AssertionError("a worker goes on")


def is_running(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_port_that_is_taken_and_a_model_that_is_not_there(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serving.serve", "--port", port)
        assert done.returncode == 2
        assert f"error: 127.0.0.1, port {port}: cannot be served" in done.stderr
    done = run("serving.serve", "--model", "nobody")
    assert done.returncode == 2
    assert "no folder and no pretrained model 'nobody'; there are: sentiment/reviews" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_bundle_in_a_folder_is_served_under_its_name(small_bundle):
    with running_server("--model", small_bundle("sentiment")) as (_, address):
        [model] = httpx.get(f"{address}/v1/models").json()["data"]
        assert model["id"] == "sentiment/sentiment"
        answer = httpx.post(f"{address}/v1/ratings", json={"input": "So good."}).json()
        assert json.dumps(answer).count("sentiment/sentiment") == 1
