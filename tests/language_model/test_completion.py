"""Completions token by token: the pieces of a text, the probabilities of its tokens, why it ends."""

from __future__ import annotations

import numpy as np
import pytest

from common.errors import InputError
from common.text.vocabulary import BOS_ID, EOS_ID, UNK_ID, Vocabulary
from language_model.completion import Completion, Prompt, Token, join_tokens, read_prompt, score_prompt, score_token
from tests.language_model.toy_model import VOCABULARY, build_reader, prefer


@pytest.fixture(scope="module")
def reader():
    return build_reader()


def test_a_prompt_is_cut_behind_its_tokens(reader):
    assert read_prompt(reader, "the  queen ") == Prompt([4, UNK_ID], ["the", "  queen "])
    assert read_prompt(reader, "") == Prompt([], [])
    assert read_prompt(reader, " ").pieces == []
    assert read_prompt(reader, "the\u200bre king.").pieces[-2:] == [" king", "."]
    assert read_prompt(reader, "the  queen ").text == "the  queen "


def test_ids_are_read_with_a_mark_before_them_or_without(reader):
    assert read_prompt(reader, [4, 5, 8]) == Prompt([4, 5, 8], ["the", " king", "."])
    assert read_prompt(reader, [BOS_ID, 4]) == Prompt([4], ["the"], True)
    assert read_prompt(reader, []) == Prompt([], [])
    small = build_reader(Vocabulary(["the", "."], lowercase=True))
    assert join_tokens(small, ["the", ".", "the"]) == ["The", ".", " The"]
    assert join_tokens(build_reader(Vocabulary("ab"), level="character"), ["a", "b"]) == ["a", "b"]


def test_a_token_and_the_likeliest_ones(reader):
    logits = np.log(np.array([1, 1, 1, 1, 8, 16, 2, 1, 1], np.float32))
    found = score_token(reader, " went", logits, 6, 2)
    assert (found.text, list(found.likeliest)) == (" went", ["king", "the"])
    assert np.exp(found.nats) == pytest.approx(2 / 32)
    assert np.exp([*found.likeliest.values()]) == pytest.approx([16 / 32, 8 / 32])
    assert score_token(reader, "", logits, 6, 0).likeliest == {}


def test_tokens_of_a_prompt_are_scored_from_its_beginning(reader):
    plain = score_prompt(reader, read_prompt(reader, "the king"), 1)
    assert [token.text for token in plain] == ["the", " king"]
    [row] = reader.score_tokens([["the", "king"]])
    assert [token.nats for token in plain] == pytest.approx(row[:2].tolist(), abs=1e-6)
    assert all(len(token.likeliest) == 1 for token in plain)
    assert score_prompt(reader, read_prompt(reader, [BOS_ID, 4, 5]), 1) == [Token("", None), *plain]
    assert score_prompt(reader, Prompt([], [], True)) == [Token("", None)]


def test_a_completion_is_what_generate_writes():
    writer = prefer(build_reader(), EOS_ID, -1)
    settings = {"max_tokens": 4, "seed": 3, "num_samples": 3}
    completion = Completion(writer, read_prompt(writer, "the king"), 1, **settings)
    steps = list(completion)
    pieces = ["".join(token.text for token in row if token) for row in zip(*steps, strict=True)]
    wanted = writer.generate("the king", complete_sentences=False, **settings)
    assert [f"the king{piece}" for piece in pieces] == wanted
    assert all(len(token.likeliest) == 1 for row in steps for token in row if token)
    num_tokens = [sum(token is not None for token in row) for row in zip(*steps, strict=True)]
    has_end = [any(token is not None and token.text == "" for token in row) for row in zip(*steps, strict=True)]
    assert completion.reasons() == ["stop" if end else "length" for end in has_end]
    assert set(completion.reasons()) == {"stop", "length"}
    assert max(num_tokens) == 4 > min(num_tokens)
    first = writer.begin([BOS_ID, 4, 5], 1)[0][0]
    expected = [score_token(writer, token.text, first, VOCABULARY.encode([token.text.strip()])[0], 0).nats
                for token in steps[0] if token.text]  # fmt: skip
    assert [token.nats for token in steps[0] if token.text] == pytest.approx(expected, abs=1e-5)


def test_settings_of_a_completion_are_checked(reader):
    with pytest.raises(InputError, match="--max-tokens: found 0"):
        Completion(reader, read_prompt(reader, "the"), max_tokens=0)
    with pytest.raises(InputError, match="--num-beams"):
        Completion(reader, read_prompt(reader, "the"), num_beams=2, top_k=3)


def test_where_nothing_can_be_written_a_text_has_ended():
    """Each word may stand once, and the end of a text only behind a sentence."""
    reader = build_reader(Vocabulary(["the", "king"]))
    completion = Completion(reader, read_prompt(reader, "the"), no_repeat_ngram=1, num_sentences=1, max_tokens=2)
    first, last = completion
    assert (first[0].text, last) == (" king", [None])
    assert completion.reasons() == ["stop"]
