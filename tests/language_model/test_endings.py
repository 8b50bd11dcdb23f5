"""Endings: cut off, each compared with another, and what a context adds to them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from language_model.config import GenerationConfig, LanguageModelConfig
from language_model.endings import compare_endings, split_endings, write_endings


def test_endings_are_the_last_sentences():
    model = SimpleNamespace(config=LanguageModelConfig())
    contexts, endings = split_endings(["One is. Two are. Three!", "Only one.", "Yes. No."], model)
    assert contexts == [["One", "is", ".", "Two", "are", "."], ["Yes", "."]]
    assert endings == [["Three", "!"], ["No", "."]]


def test_every_ending_is_compared_with_another_and_not_its_own():
    contexts, endings = [[f"c{i}"] for i in range(5)], [[f"e{i}"] * (i + 1) for i in range(5)]
    calls = []

    def score(lists):
        calls.append(list(lists))
        # an ending in its own place costs 1 nat a token, elsewhere 2; the context costs a lot and may not count
        return [
            np.array([-50.0] + [-1.0 if tokens[0][1] == tokens[1][1] else -2.0] * (len(tokens) - 1) + [-1.0])
            if tokens[0][0] == "c"
            else np.full(len(tokens) + 1, -3.0)
            for tokens in lists
        ]

    won = compare_endings(contexts, endings, score)
    assert won["ending_accuracy"].tolist() == [1] * 5
    alone, own, other = calls
    assert alone == endings
    assert [(tokens[0], tokens[1]) for tokens in own] == [(f"c{i}", f"e{i}") for i in range(5)]
    assert all(tokens[0][1] != tokens[1][1] for tokens in other)
    assert sorted(tokens[1] for tokens in other) == [f"e{i}" for i in range(5)]  # each once
    won = compare_endings(contexts, endings, lambda lists: [-row for row in score(lists)])
    assert won["ending_accuracy"].tolist() == [0] * 5


def test_an_ending_of_common_words_gains_nothing():
    """Ending 1 is likely everywhere; ending 0 is unlikely, but much less so in its own place."""
    contexts, endings = [["c0"], ["c1"]], [["e0"], ["e1"]]
    nats = {"c0 e0": -6.0, "c0 e1": -2.0, "c1 e0": -9.0, "c1 e1": -2.5, "e0": -9.0, "e1": -2.0}

    def score(lists):
        return [np.array([0.0] * (len(tokens) - 1) + [nats[" ".join(tokens)], 0.0]) for tokens in lists]

    won = compare_endings(contexts, endings, score)
    assert won["ending_accuracy"].tolist() == [0, 1]
    assert won["ending_gain_accuracy"].tolist() == [1, 0]  # 3 against 0, -0.5 against 0


def test_each_ending_is_written_with_a_seed_of_its_own(monkeypatch):
    said, written = [], []
    monkeypatch.setattr("language_model.endings.say", said.append)

    def write(prompt, on_dead_end, **settings):
        written.append((prompt, settings["seed"], settings["num_samples"], settings["num_sentences"]))
        if "Go" in prompt:
            on_dead_end(SimpleNamespace(num_tokens=4))
        yield [prompt]
        yield [" So"]
        yield ["."]

    model = SimpleNamespace(config=LanguageModelConfig(), write=write)
    texts = ["One. Two.", "Only one.", "Go on. Stop!"]
    found = list(write_endings(model, texts, GenerationConfig(seed=7, num_samples=5)))
    assert [(each.context, each.given, each.written) for each in found] == [
        ("One. ", "Two.", " So."), ("Go on. ", "Stop!", " So."),
    ]  # fmt: skip
    assert written == [("One. ", 7, 1, 1), ("Go on. ", 9, 1, 1)]
    assert said[0] == "text 2: has one sentence only; left out"
    assert said[1].startswith("text 3 stops after 4 tokens")
    written.clear()
    list(write_endings(model, texts[:1], GenerationConfig(num_sentences=2)))
    assert written == [("One. ", 0, 1, 2)]
