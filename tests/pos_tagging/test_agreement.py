"""Which layers and inputs the settings of a tagger ask for; tests/test_agreement.py spoils bundles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import InputError
from common.networks.specs.shapes import Tensor
from common.text.vocabulary import Vocabulary
from pos_tagging.agreement import (
    check_files,
    check_outputs,
    check_tags,
    check_vocabularies,
    expected_inputs,
    expected_layers,
)
from pos_tagging.config import TaggingConfig
from pos_tagging.lexicon import Lexicon

PLAIN = Lexicon(Vocabulary("ab", lowercase=True), Vocabulary("abc"), Vocabulary("ab"), ["X", "Y"])
FULL = replace(PLAIN, shapes=Vocabulary("x"), affixes=Vocabulary("abcd"), vector_words=Vocabulary("abcde"))
SIZES = {
    "units": 4, "embedding_dim": 5, "character_dim": 3, "character_filters": 2, "character_units": 7, "shape_dim": 6,
    "affix_dim": 2, "tag_dim": 8, "num_layers": 2,
}  # fmt: skip
VECTORS = ["Embedding(6, 5)", "Embedding(9, 9)", "Embedding(5, 6)", "Embedding(8, 2)", "Reshape([-1, 16])"]
LETTERS = ["Embedding(7, 3)", "TakeRows()"]
FILTERS = [layer for width in (2, 3, 5) for layer in (f"Conv1D(2, [{width}], relu)", "GlobalMaxPooling1D()")]
READERS = ["Dense(2, linear)", "Bidirectional(LSTM(4))", "Bidirectional(LSTM(4))"]


def settings(**given):
    return TaggingConfig(**{**SIZES, **given})


@pytest.mark.parametrize(
    ("lexicon", "given", "layers"),
    [
        (PLAIN, {"character_dim": 0}, ["Embedding(6, 5)", *READERS]),
        (
            PLAIN,
            {"character_network": "lstm"},
            ["Embedding(6, 5)", "Concatenate()", *LETTERS, "Bidirectional(LSTM(7))", *READERS],
        ),
        (FULL, {}, [*VECTORS, "Concatenate()", *LETTERS, *FILTERS, "Concatenate()", *READERS]),
        (
            FULL,
            {"character_dim": 0, "head": "crf", "directions": "forward", "architecture": "gru"},
            [*VECTORS, "Concatenate()", "Dense(2, linear)", "GRU(4)", "GRU(4)", "ChainScores(2)"],
        ),
        (
            PLAIN,
            {"architecture": "previous-tag", "character_dim": 0},
            ["Embedding(6, 5)", "Dense(2, linear)", "Embedding(3, 8)", "Concatenate()", "GRU(4)"],
        ),
        (
            replace(PLAIN, shapes=Vocabulary("x")),
            {"character_dim": 0, "num_layers": 1, "architecture": "simple-rnn"},
            ["Embedding(6, 5)", "Embedding(5, 6)", "Concatenate()", "Dense(2, linear)", "Bidirectional(SimpleRNN(4))"],
        ),
    ],
)
def test_the_layers_that_settings_ask_for(lexicon, given, layers):
    assert expected_layers(settings(**given), lexicon, {"output_dim": 9}) == layers


def test_the_inputs_that_settings_ask_for():
    ids = Tensor((None, None), "int32")
    plain = {
        "token_ids": ids, "spelling_ids": ids, "spellings": Tensor((None, 16), "int32"),
        "mask": Tensor((None, None), "bool"),
    }  # fmt: skip
    assert expected_inputs(settings(), PLAIN) == plain
    assert expected_inputs(settings(architecture="previous-tag"), FULL) == {
        **plain, "shape_ids": ids, "vector_ids": ids, "affix_ids": Tensor((None, None, 8), "int32"),
        "previous_tags": ids, "state": Tensor((None, 4)),
    }  # fmt: skip


def bundle_of(outputs=None, files=(), inputs=(), stated=None):
    """What the checks see of a bundle."""
    tensors = outputs if isinstance(outputs, dict) else {"": outputs}
    architecture = SimpleNamespace(
        inputs=inputs, outputs=outputs, output_tensors={name: Tensor(shape) for name, shape in tensors.items() if shape}
    )
    contents = dict.fromkeys(f"{name}.json" for name in files)
    return SimpleNamespace(
        path=Path("bundle"), architecture=architecture, contents=contents, read_json=lambda _: stated or {}
    )


FITTING = [
    ({}, (None, None, 2)),
    ({"head": "crf"}, {"scores": (None, None, 2, 2)}),
    ({"architecture": "previous-tag"}, {"logits": (None, None, 2), "state": (None, 4)}),
]


@pytest.mark.parametrize(("given", "outputs"), FITTING, ids=str)
def test_outputs_are_those_of_the_head(given, outputs):
    bundle, config = bundle_of(outputs), settings(**given)
    check_tags(bundle, PLAIN, config)
    check_outputs(bundle, config, 2)
    more = replace(PLAIN, tags=["X", "Y", "Z"])
    with pytest.raises(InputError, match="3 tags, the network has 2;"):
        check_tags(bundle, more, config)
    with pytest.raises(InputError, match=r"tags\.json: 2 tags, the network has none;"):
        check_tags(bundle_of({"other": (None, 2)}), PLAIN, config)
    for other, outputs_there in FITTING:
        if other != given:
            with pytest.raises(InputError, match=r"model\.json: "):
                check_outputs(bundle_of(outputs_there), config, 2)


def test_a_softmax_has_one_answer_without_a_name():
    with pytest.raises(InputError, match="the head is softmax, the output has a name"):
        check_outputs(bundle_of({"logits": (None, None, 2)}), settings(), 2)


def test_files_are_there_if_the_network_reads_them():
    stated = {"shape_dim": 6, "affix_dim": 0}
    check_files(bundle_of(files=["shapes"], inputs=["shape_ids"], stated=stated), settings())
    check_files(bundle_of(files=["vector_words"], inputs=["vector_ids"]), settings())
    check_files(bundle_of(), settings())
    with pytest.raises(InputError, match=r"shapes\.json: is there, and the network differs"):
        check_files(bundle_of(files=["shapes"], stated=stated), settings())
    with pytest.raises(InputError, match=r"affixes\.json: is not there, and the network differs"):
        check_files(bundle_of(inputs=["affix_ids"], stated=stated), settings())
    with pytest.raises(InputError, match=r"affixes\.json: is there, and affix_dim is 0"):
        check_files(bundle_of(files=["affixes"], inputs=["affix_ids"], stated=stated), settings())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": Vocabulary("ab")}, r"vocabulary\.json: lowercase is False, not True"),
        ({"characters": Vocabulary(["ab"])}, r"characters\.json: it has tokens of several characters"),
        ({"characters": Vocabulary("ab", lowercase=True)}, r"characters\.json: lowercase is True, not False"),
        ({"shapes": Vocabulary("x", lowercase=True)}, r"shapes\.json: lowercase is True, not False"),
        ({"training_words": Vocabulary("x", lowercase=True)}, r"training_words\.json: lowercase is True, not False"),
    ],
)
def test_vocabularies_are_of_their_kind(change, message):
    check_vocabularies(bundle_of(), settings(), FULL)
    check_vocabularies(bundle_of(), settings(), replace(FULL, vector_words=Vocabulary("ab", lowercase=True)))
    with pytest.raises(InputError, match=message):
        check_vocabularies(bundle_of(), settings(), replace(FULL, **change))
