"""Texts from files: documents, splits, pieces, batches; nothing is lost and nothing is counted twice."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from common.errors import InputError
from common.text.vocabulary import BOS_ID, EOS_ID, UNK_ID, Vocabulary
from language_model.config import LanguageModelConfig
from language_model.loader import (
    cut_pieces,
    encode_text,
    initial_states,
    load_texts,
    make_batches,
    split_text,
    split_tokens,
    split_validation,
)

CONFIG = LanguageModelConfig(batch_size=16)
PLAIN = "One.\nTwo.\n\n \nThree.\n"


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ("file", ["One.\nTwo.\n\n \nThree.\n"]),
        ("paragraph", ["One.\nTwo.\n", "Three.\n"]),
        ("line", ["One.", "Two.", "Three."]),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "crlf.txt"])
def test_documents_of_a_plain_text(tmp_path, name, document, texts):
    path = tmp_path / name
    content = (PLAIN.replace("\n", "\r\n") if name == "crlf.txt" else PLAIN).encode()
    with gzip.open(path, "wb") if name.endswith(".gz") else open(path, "wb") as file:
        file.write(content)
    assert load_texts(path, LanguageModelConfig(document=document)) == texts


def test_tables_and_lists(tmp_path):
    (tmp_path / "a.csv").write_text('title,story\nx,"One,\ntwo"\ny,Three\n')
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"story": text}) + "\n" for text in ["One,\ntwo", "Three"]))
    config = LanguageModelConfig(text_column="story")
    texts = ["One,\ntwo", "Three"]
    frame = pd.DataFrame({"title": ["x", "y"], "story": texts})
    for data in (
        tmp_path / "a.csv",
        str(tmp_path / "a.jsonl"),
        frame,
        texts,
        tuple(texts),
        [{"story": t} for t in texts],
    ):
        assert load_texts(data, config) == texts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "no text in the file"),
        ("a.txt", b" \n\n\t\n", "no text in the file"),
        ("a.txt", "finé\ncaf".encode() + b"\xe9\n", "line 2: byte 0xe9 after 'caf' is not UTF-8"),
        ("a.csv", b"text\nfine\n  \nfine\n", "row 2: empty text"),
    ],
)
@pytest.mark.parametrize("document", ["file", "paragraph", "line"])
def test_a_file_without_text_or_with_a_wrong_line(tmp_path, name, content, message, document):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_texts(tmp_path / name, LanguageModelConfig(document=document))


def test_the_validation_split():
    texts = [f"text {i}" for i in range(40)]
    train, validation = split_validation(texts, LanguageModelConfig(validation_split=0.1))
    assert len(validation) == 4
    assert sorted(train + validation) == sorted(texts)
    assert split_validation(texts, LanguageModelConfig(validation_split=0.1))[1] == validation
    assert split_validation(texts, LanguageModelConfig(validation_split=0.1, seed=2))[1] != validation


def test_the_end_of_a_single_text_is_its_validation_split():
    text = "".join(map(str, range(100)))
    (train,), (validation,) = split_validation([text], LanguageModelConfig(validation_split=0.2))
    assert train + validation == text
    assert len(validation) == round(0.2 * len(text))


@pytest.mark.parametrize("text", ["ab", "a", "The end.     "])
def test_a_single_text_too_short_to_be_cut(text):
    with pytest.raises(InputError, match="--validation-split"):
        split_validation([text], LanguageModelConfig(validation_split=0.1))


def test_words_and_characters():
    assert split_text("It isn't.", CONFIG) == ["It", "is", "n't", "."]
    assert split_tokens(["It isn't."], CONFIG) == [["It", "is", "n't", "."]]
    characters = LanguageModelConfig(level="character")
    assert split_text("a \n\x00b\ud800", characters) == ["a", " ", "\n", " ", "b", "\ufffd"]
    assert split_tokens(["a b"], characters) == [["a", " ", "b"]]


# -- Pieces and batches ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_tokens", [0, 1, 2, 5, 6, 7, 20, 101])
@pytest.mark.parametrize("max_length", [2, 3, 6, 100])
def test_pieces_predict_every_token_once(num_tokens, max_length):
    ids = [BOS_ID, *range(10, 10 + num_tokens), EOS_ID]
    pieces = list(cut_pieces(ids, max_length))
    assert all(2 <= len(piece) <= max_length + 1 for piece in pieces)
    assert [target for piece in pieces for target in piece[1:]] == ids[1:]
    for before, after in itertools.pairwise(pieces):
        assert before[-1] == after[0]  # read again at the start of the next piece, where it is no target


def test_batches_predict_every_token_once():
    letters = [chr(0x4E00 + i) for i in range(60)]  # all different, so that each target says where it comes from
    vocabulary = Vocabulary(letters)
    token_lists = [letters[:1], letters[1:24], letters[24:31], letters[31:60], []]
    config = LanguageModelConfig(tbptt_length=5, batch_size=3)
    for shuffle in (False, True):
        counted = Counter()
        for inputs, targets, weights in make_batches(token_lists, vocabulary, config, shuffle):
            batch, time = targets.shape
            assert inputs["token_ids"].shape == inputs["mask"].shape == weights.shape == (batch, time)
            assert inputs["state_0_h"].shape == inputs["state_0_c"].shape == (batch, config.units)
            np.testing.assert_array_equal(weights, inputs["mask"].astype(float))
            real = weights > 0
            counted.update(targets[real].tolist())
            for token_id, target in zip(inputs["token_ids"][real], targets[real], strict=True):
                starts_text = token_id == BOS_ID
                assert target == EOS_ID or starts_text or target == token_id + 1  # the next letter of the list
            assert not inputs["token_ids"][~real].any()
        assert counted == {EOS_ID: 5, **dict.fromkeys(vocabulary.encode(letters), 1)}


def test_the_batch_by_hand():
    vocabulary = Vocabulary("ab")
    (inputs, targets, weights), *_ = make_batches([["a", "b"], ["x"]], vocabulary, CONFIG, shuffle=False)
    assert encode_text(["a", "x"], vocabulary) == [BOS_ID, 4, UNK_ID, EOS_ID]
    assert inputs["token_ids"].tolist() == [[BOS_ID, UNK_ID, 0], [BOS_ID, 4, 5]]
    assert (targets * weights).tolist() == [[UNK_ID, EOS_ID, 0], [4, 5, EOS_ID]]
    assert weights.tolist() == [[1, 1, 0], [1, 1, 1]]


def test_dropped_words_are_still_to_be_predicted():
    config, vocabulary = LanguageModelConfig(word_dropout=0.4, tbptt_length=500, batch_size=16), Vocabulary("a")
    token_lists = [["a"] * 400] * 10
    (inputs, targets, _), *_ = make_batches(token_lists, vocabulary, config, shuffle=True)
    assert (inputs["token_ids"] == UNK_ID).mean() == pytest.approx(0.4, abs=0.04)
    assert (inputs["token_ids"][:, 0] == BOS_ID).all()
    assert (targets[:, :-1] == 4).all()
    (inputs, _, _), *_ = make_batches(token_lists, vocabulary, config, shuffle=False)
    assert (inputs["token_ids"] != UNK_ID).all()


@pytest.mark.parametrize(("architecture", "names"), [("lstm", ["state_0_h", "state_0_c"]), ("gru", ["state_0_h"])])
def test_states_before_the_first_token(architecture, names):
    states = initial_states(LanguageModelConfig(architecture=architecture, units=7), 3)
    assert list(states) == names
    assert all(state.shape == (3, 7) and not state.any() for state in states.values())
    two_layers = initial_states(LanguageModelConfig(architecture=architecture, num_layers=2), 3)
    assert list(two_layers)[len(names) :] == [name.replace("0", "1") for name in names]
