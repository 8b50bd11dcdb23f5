"""The fields of requests: their ends, their defaults, and what they stand for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serving.problems import retry_after
from serving.schemas import CompletionRequest

ENDS = {
    "max_tokens": ([0, 5000], [-1, 1.5]), "temperature": ([0, 2], [-0.01, 2.01]), "top_p": ([0.001, 1], [0, 1.001]),
    "n": ([1, 128], [0, 129]), "seed": ([-(2**63), 2**63 - 1, None], [-(2**63) - 1, 2**63]),
    "logprobs": ([0, 20, None], [-1, 21]), "presence_penalty": ([0, None], [-1, 1]),
    "frequency_penalty": ([0, None], [-1, 1]), "best_of": ([1, None], [0, 2]), "prompt": (["a", [0]], [[-1], "\ud800"]),
}  # fmt: skip


@pytest.mark.parametrize("field", ENDS)
def test_values_at_the_ends_are_taken_and_those_beyond_are_not(field):
    good, bad = ENDS[field]
    for value in good:
        assert getattr(CompletionRequest(**{"prompt": "a", field: value}), field) == value
    for value in bad:
        with pytest.raises(ValidationError):
            CompletionRequest(**{"prompt": "a", field: value})


def test_what_is_not_said_is_as_with_openai():
    found = CompletionRequest(prompt="a").model_dump(exclude_none=True)
    assert found == {
        "prompt": "a", "max_tokens": 16, "temperature": 1.0, "top_p": 1.0, "n": 1, "echo": False, "stream": False,
    }  # fmt: skip
    assert not CompletionRequest(prompt="a", stream_options={}).stream_options.include_usage


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [("a", ["a"]), ([], []), ([1, 2], [[1, 2]]), ([[1], [2]], [[1], [2]]), (["a", "b"], ["a", "b"])],
)
def test_prompts_are_texts_or_ids(prompt, prompts):
    assert CompletionRequest(prompt=prompt).prompts == prompts


@pytest.mark.parametrize(("stop", "stops"), [(None, []), ("a", ["a"]), (["a", "", "b"], ["a", "b"]), ("", [])])
def test_an_empty_stop_is_none(stop, stops):
    assert CompletionRequest(prompt="a", stop=stop).stops == stops


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (1, "1"), (1.01, "2"), (7.5, "8")])
def test_who_has_to_wait_waits_whole_seconds_and_at_least_one(seconds, header):
    assert retry_after(seconds) == {"Retry-After": header}
