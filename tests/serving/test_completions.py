"""Completions with OpenAI's fields: what `generate` writes and `score` says, token by token."""

from __future__ import annotations

import json

import pytest

from common.text.vocabulary import BOS_ID, EOS_ID
from language_model.completion import Token, read_prompt, score_prompt
from serving.completions import Choice
from tests.language_model.toy_model import VOCABULARY, build_reader, prefer
from tests.serving.test_app import problem
from tests.serving.toy_server import completion_text, toy_client


@pytest.fixture(scope="module")
def writer():
    return prefer(build_reader(), EOS_ID, -3)  # it goes on for some tokens


@pytest.fixture(scope="module")
def client(writer):
    with toy_client(writer) as client:
        yield client


def complete(client, **fields):
    return client.post("/v1/completions", json={"prompt": "the king", **fields})


def test_the_same_texts_as_generate(client, writer):
    answer = complete(client, max_tokens=9, temperature=0.8, seed=5, n=3).json()
    texts = writer.generate("the king", num_samples=3, max_tokens=9, seed=5, complete_sentences=False)
    assert ["the king" + choice["text"] for choice in answer["choices"]] == texts
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert answer["object"] == "text_completion"
    assert answer["usage"]["prompt_tokens"] == 2
    assert answer["usage"]["total_tokens"] == 2 + answer["usage"]["completion_tokens"]
    assert {choice["finish_reason"] for choice in answer["choices"]} <= {"stop", "length"}


def test_echo_gives_the_log_probabilities_that_score_gives(client, writer):
    prompt = "the king went  home ."
    answer = complete(client, prompt=prompt, max_tokens=0, echo=True, logprobs=2).json()["choices"][0]
    assert (answer["text"], answer["finish_reason"]) == (prompt, "length")
    found = answer["logprobs"]
    assert "".join(found["tokens"]) == prompt
    assert [
        prompt[place:][: len(token)] for place, token in zip(found["text_offset"], found["tokens"], strict=True)
    ] == (found["tokens"])
    assert found["token_logprobs"] == pytest.approx(writer.score(prompt)[0].log_probabilities[:-1], abs=1e-6)
    assert all(len(top) == 2 for top in found["top_logprobs"])
    assert all(max(top.values()) >= given for top, given in zip(
        found["top_logprobs"], found["token_logprobs"], strict=True))  # fmt: skip


def test_a_mark_of_the_beginning_is_a_token_without_a_probability(client):
    ids = VOCABULARY.encode(["the", "king"])
    fields = {"max_tokens": 0, "echo": True, "logprobs": 1}
    plain, marked = (
        complete(client, prompt=prompt, **fields).json()["choices"][0]["logprobs"] for prompt in (ids, [BOS_ID, *ids])
    )
    assert marked["token_logprobs"] == [None, *plain["token_logprobs"]]
    assert marked["top_logprobs"] == [None, *plain["top_logprobs"]]
    assert marked["tokens"] == ["", *plain["tokens"]]


def test_the_end_of_a_text_is_a_token_without_text(writer):
    with toy_client(prefer(build_reader(), EOS_ID, 50)) as client:
        answer = complete(client, max_tokens=5, logprobs=0).json()["choices"][0]
    assert (answer["text"], answer["finish_reason"], answer["logprobs"]["tokens"]) == ("", "stop", [""])
    assert answer["logprobs"]["token_logprobs"] == pytest.approx([0], abs=1e-6)


def test_what_is_written_has_its_own_log_probabilities(client, writer):
    answer = complete(client, max_tokens=4, temperature=0, logprobs=1).json()["choices"][0]
    whole = "the king" + answer["text"]
    expected = [token.nats for token in score_prompt(writer, read_prompt(writer, whole))]
    assert answer["logprobs"]["token_logprobs"] == pytest.approx(expected[2:], abs=1e-5)
    assert answer["logprobs"]["text_offset"][0] == 0


def test_prompts_of_all_kinds(client):
    ids = VOCABULARY.encode(["the", "king"])
    fields = {"max_tokens": 3, "temperature": 0}
    [one] = completion_text(complete(client, **fields))
    for prompt in ([*ids], [BOS_ID, *ids], ["the king"], [ids]):
        assert completion_text(complete(client, prompt=prompt, **fields)) == [one]
    assert completion_text(complete(client, prompt=["the king", "the king"], n=2, **fields)) == [one] * 4
    assert completion_text(complete(client, prompt="the king ", **fields)) == [one.removeprefix(" ")]
    assert complete(client, prompt="", **fields).status_code == 200


def events(response):
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_stream_adds_up_to_the_whole(client):
    fields = {"max_tokens": 8, "seed": 3, "n": 2, "logprobs": 1, "stop": ["went home"]}
    whole = complete(client, **fields).json()["choices"]
    found = events(complete(client, stream=True, stream_options={"include_usage": True}, **fields))
    assert found[-1]["usage"]["total_tokens"] > 2
    for choice in whole:
        pieces = [event["choices"][0] for event in found[:-1] if event["choices"][0]["index"] == choice["index"]]
        assert "".join(piece["text"] for piece in pieces) == choice["text"]
        assert [nats for piece in pieces for nats in piece["logprobs"]["token_logprobs"]] == (
            choice["logprobs"]["token_logprobs"]
        )
        offsets = [place for piece in pieces for place in piece["logprobs"]["text_offset"]]
        assert offsets == choice["logprobs"]["text_offset"]
        assert [piece["finish_reason"] for piece in pieces if piece["finish_reason"]] == [choice["finish_reason"]]


def tokens(*texts):
    return [Token(text, -1.0) for text in texts]


@pytest.mark.parametrize(
    ("stops", "given", "shown", "reason"),
    [
        (["home"], [" went", " home", " ."], [[" went"], [" "]], "stop"),
        (["t h"], [" went", " home"], [[], [" wen"]], "stop"),
        (["."], [" a", "b", "c"], [[" a"], ["b"], ["c"]], None),
        (["abc", "b"], ["a", "b"], [[], ["a"]], "stop"),
        (["aab"], ["a", "a", "a", "b"], [[], [], ["a"], []], "stop"),
        ([], ["a"], [["a"]], None),
    ],
)
def test_a_text_ends_before_a_stop_sequence(stops, given, shown, reason):
    choice = Choice(0, stops)
    found = []
    for token in tokens(*given):
        if not choice.reason:
            found.append([released.text for released in choice.add(token)])
    assert (found, choice.reason) == (shown, reason)


def test_what_was_held_back_is_given_at_the_end():
    choice = Choice(0, ["king of"])
    assert choice.add(*tokens(" the")) == tokens(" the")
    assert choice.add(*tokens(" king")) == []
    assert choice.finish("length") == tokens(" king")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"max_tokens": 2001}, "max_tokens: found 2001; 2000 at most"),
        ({"n": 128, "prompt": ["a"] * 3}, "prompt, n: 384 completions at once; 256 at most"),
        ({"prompt": []}, "prompt: is empty"),
        ({"prompt": 5}, "prompt: wanted a text, ids of tokens, or a list of one kind, found 5"),
        ({"prompt": [-1]}, "prompt.0: should be greater than or equal to 0, found -1"),
        ({"prompt": [[1], ["a"]]}, 'prompt.1.0: should be a valid integer, found "a"'),
        ({"prompt": ["a", 1]}, "prompt.1: should be a valid string, found 1"),
        ({"stop": 5}, "stop: wanted a text or a list of texts, found 5"),
        ({"stop": ["a", 1]}, "stop.1: should be a valid string, found 1"),
        ({"stream_options": {"texts": 1}}, "stream_options.texts: no such field"),
        ({"prompt": [9999]}, "prompt: found the id 9999; the model has ids from 0 to 8"),
        ({"stop": ["a"] * 5}, "stop: found 5 texts; 4 at most"),
        ({"temperature": 3}, "temperature: should be less than or equal to 2, found 3"),
        ({"best_of": 2}, "best_of: "),
        ({"frequency_penalty": 0.5}, "frequency_penalty: "),
        ({"suffix": "x"}, "suffix: "),
        ({"max_token": 3}, "max_token: no such field"),
    ],
)
def test_what_cannot_be_done_is_refused(client, fields, said):
    assert problem(complete(client, **fields), 422).startswith(said)


def test_there_may_be_no_language_model():
    with toy_client() as client:
        assert "there are: none" in problem(complete(client), 404)


def test_too_much_at_once_and_too_long(writer):
    with toy_client(writer, timeout=0.01, max_tokens=2000, writers=1) as client:
        assert "not written within 0.01 s" in problem(complete(client, max_tokens=2000, n=50, seed=1), 504)
        client.models.writers.waiting.number = client.models.config.max_waiting
        assert int(problem_headers(complete(client))["retry-after"]) >= 1


def problem_headers(response):
    problem(response, 429)
    return response.headers


def test_tokens_of_a_text_and_back(client):
    assert client.get("/tokenizer_info").json()["eos_token"] == "<eos>"
    found = client.post("/tokenize", json={"prompt": "the king.", "add_special_tokens": True}).json()
    assert found["tokens"] == [BOS_ID, *VOCABULARY.encode(["the", "king", "."])]
    assert client.post("/tokenize", json={"prompt": "<bos>"}).json()["tokens"] == [BOS_ID]
    assert client.post("/detokenize", json={"tokens": found["tokens"][1:]}).json() == {"prompt": "the king."}
    assert "ids go to 8" in problem(client.post("/detokenize", json={"tokens": [9]}), 422)


def test_greedy_is_the_likeliest_that_may_be_written(client):
    answer = complete(client, max_tokens=1, temperature=0, logprobs=8).json()["choices"][0]["logprobs"]
    top = {token: nats for token, nats in answer["top_logprobs"][0].items() if token in VOCABULARY}
    assert answer["token_logprobs"][0] == pytest.approx(max(top.values()))
    assert answer["tokens"][0].strip() == max(top, key=top.get)
