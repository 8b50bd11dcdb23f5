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
    StreamBatches,
    Streams,
    cut_pieces,
    encode_text,
    initial_states,
    load_texts,
    make_batches,
    split_ending,
    split_text,
    split_tokens,
    split_validation,
    state_sizes,
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


def test_limits_of_the_validation_split():
    assert split_validation(["a", "b"], LanguageModelConfig(validation_split=0.0)) == (["a", "b"], [])
    assert [len(part) for part in split_validation(["a", "b"], LanguageModelConfig(validation_split=0.01))] == [1, 1]
    with pytest.raises(InputError, match="--validation-split: nothing is left to train on"):
        split_validation(["a", "b"], LanguageModelConfig(validation_split=0.9))
    assert split_validation(["0123456789"], LanguageModelConfig(validation_split=0.3)) == (["0123456"], ["789"])


def test_the_last_sentence_of_a_text():
    assert split_ending("One. <b>Two</b> so.", CONFIG) == ("One. <b>", "Two</b> so.")
    assert split_ending("One.", CONFIG) == ("", "One.")
    assert split_ending(" ", CONFIG) == ("", " ")


def test_streams_that_are_cut():
    texts = [[2, 7, 8, 9, 3], [2, 7, 3]]
    assert Streams(texts).rows == texts
    assert Streams(texts, stateful=True).rows == [[2, 7, 8, 9, 3, 2, 7, 3]]
    assert Streams(texts, reset_every=2).rows == [[2, 7, 8], [8, 9, 3], [2, 7, 3]]
    assert Streams(texts, reset_every=4).rows == texts
    assert Streams([], stateful=True).rows == Streams([]).split([]) == []
    stream = Streams(texts, stateful=True, reset_every=3)
    assert stream.rows == [[2, 7, 8, 9], [9, 3, 2, 7], [7, 3]]
    values = [np.arange(3), np.arange(3, 6), np.array([6])]
    assert [row.tolist() for row in stream.split(values)] == [[0, 1, 2, 3], [5, 6]]  # 4 is a beginning


def test_the_state_of_a_window_is_what_is_before():
    assert state_sizes(LanguageModelConfig(architecture="fixed-window", window=4, embedding_dim=3)) == {
        "state_window": 9
    }


def test_a_stream_in_columns_and_pieces():
    vocabulary = Vocabulary("ab")
    config = LanguageModelConfig(batch_size=2, tbptt_length=4)
    batches = StreamBatches([["a"] * 9, ["b"] * 12], vocabulary, config)  # 25 tokens, 12 predictions in a column
    assert (batches.column_length, batches.num_pieces, len(batches)) == (12, 3, 3)
    stream = batches.columns
    assert stream.shape == (2, 13)
    assert stream[0, -1] == stream[1, 0]
    sizes = batches.sizes
    assert sum(sizes) == 24
    start = 0
    for number in range(3):
        inputs, targets, weights = batches[number]
        width = sizes[number] // 2
        assert inputs["token_ids"].tolist() == stream[:, start : start + width].tolist()
        assert targets.tolist() == stream[:, start + 1 : start + width + 1].tolist()
        assert inputs["goes_on"].tolist() == [[float(number > 0)]] * 2
        assert inputs["mask"].all()
        assert weights.tolist() == (targets != BOS_ID).astype(float).tolist()
        start += width
    few = StreamBatches([["a"] * 9], vocabulary, LanguageModelConfig(batch_size=1, tbptt_length=100))
    assert (few.column_length, len(few)) == (10, 2)


@pytest.mark.parametrize("seed", range(8))
def test_the_first_two_pieces_differ_if_there_are_more(seed):
    config = LanguageModelConfig(batch_size=1, tbptt_length=2, seed=seed)
    for number in (4, 5, 7, 9):
        ends = StreamBatches([["a"] * number], Vocabulary("a"), config).ends
        assert len(ends) == 2 or ends[1] != 2 * ends[0]
        assert ends[-1] == number + 1
